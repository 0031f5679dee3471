import tseslint from 'typescript-eslint';

/** Where a clock or a timer is read: three files, so that a test's clock reaches everything. */
const clocks = [
  { selector: "MemberExpression[object.name='Date'][property.name='now']", message: 'Only src/core/clock.ts reads the system clock.' },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Only src/core/clock.ts reads the system clock.' },
  { selector: "CallExpression[callee.name='Date']", message: 'Only src/core/clock.ts reads the system clock.' },
  { selector: "Identifier[name='performance']", message: 'Only src/core/clock.ts reads the system clock.' },
  { selector: 'Identifier[name=/^(set|clear)(Timeout|Interval|Immediate)$/]', message: 'Only src/core/timers.ts and turns.ts use timers.' },
];

const shapes = [
  { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
  { selector: 'ExportAllDeclaration[exportKind=value]', message: 'Name every export: `export *` leaks internals.' },
  { selector: 'TSEnumDeclaration', message: 'A union of literals instead of an enum.' },
  { selector: 'TSModuleDeclaration[kind=namespace]', message: 'No namespaces.' },
];

const halfTests = [
  {
    selector: 'MemberExpression[object.name=/^(describe|it|test)$/][property.name=/^(only|skip|todo)$/]',
    message: 'Every test runs, or goes.',
  },
];

export default tseslint.config(
  { ignores: ['build/', 'dist/', 'coverage/', 'temp/', '.site/dist/', '.site/.build/', 'test/fixtures/released/', '.ci/*/*.ts'] },
  // A rule that has to bend, bends here, for everybody to see.
  { linterOptions: { noInlineConfig: true } },
  {
    files: ['src/**/*.{ts,tsx}', 'test/**/*.ts', 'examples/**/*.ts', 'docs/play/**/*.ts', '.ci/*/*.ts', '.tsup/**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['src/elements.ts', 'src/react.ts'] }, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // A forgotten `await` on isAllowed is a truthy promise: the first rule finds it as a statement, the second as a condition.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' }],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      // An async method without an await is how an adapter turns a throw into a rejection.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      eqeqeq: 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
    },
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked],
    rules: {
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // What comes from a store, an approver or a caller without types is not always what its type says; checks of it stay.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unnecessary-type-conversion': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...clocks, ...shapes],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...halfTests],
      // Tests do what they must: throw what is no error, take functions out of ports that use no `this`.
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  // The exceptions, each in one place.
  // The files of the clocks. The page of the console has the viewer's clock.
  {
    files: ['src/core/{clock,timers,turns}.ts', 'src/console/app/frame/clock.ts'],
    rules: { 'no-restricted-syntax': ['error', ...shapes] },
  },
  // A dynamic module of Nest is a class with static methods.
  { files: ['src/guards/nest/module.ts'], rules: { '@typescript-eslint/no-extraneous-class': 'off' } },
  // React keeps the types of elements in a namespace.
  {
    files: ['src/features/react/jsx.ts'],
    rules: { 'no-restricted-syntax': ['error', ...clocks], '@typescript-eslint/no-namespace': 'off' },
  },
  { files: ['src/sinks/console.ts', 'src/console/app/frame/preferences.ts'], rules: { 'no-console': 'off' } },
);
