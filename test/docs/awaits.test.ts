import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';
import { root, textOf } from './pages.js';

/** The two rules, as *Guards* names them. */
const RULES = Object.fromEntries(
  [...textOf('docs/guides/guards.md').matchAll(/`(@typescript-eslint\/[\w-]+)`/g)].map(([, rule = '']) => [rule, 'error' as const]),
);

/** The rules that report a program of a reader, in JavaScript. */
async function reportedBy(body: string): Promise<readonly (string | null)[]> {
  const eslint = new ESLint({
    cwd: root,
    overrideConfigFile: true,
    overrideConfig: {
      files: ['**/*.js'],
      plugins: { '@typescript-eslint': tseslint.plugin },
      languageOptions: {
        parser: tseslint.parser,
        parserOptions: { projectService: { allowDefaultProject: ['*.js'] }, tsconfigRootDir: root },
      },
      rules: RULES,
    },
  });
  const program = `import { JitEngine } from './src/index.js';\n/** @param {JitEngine} engine */\nexport async function handle(engine) {\n${body}\n}\n`;
  const [result] = await eslint.lintText(program, { filePath: `${root}reader.js` });
  return result?.messages.map(({ ruleId }) => ruleId) ?? [];
}

describe('[A17] a check whose await is missing', () => {
  it('is reported by the two rules that Guards shows, and by none with its await', async () => {
    expect(await reportedBy("if (engine.isAllowed('user:maya', 'db:write')) console.log('in');")).toEqual([
      '@typescript-eslint/no-misused-promises',
    ]);
    expect(await reportedBy("engine.assertAllowed('user:maya', 'db:write');")).toEqual(['@typescript-eslint/no-floating-promises']);
    expect(await reportedBy("await engine.assertAllowed('user:maya', 'db:write');")).toEqual([]);
  }, 60_000);

  it('is named in Quickstart and in Questions', () => {
    expect(Object.keys(RULES)).toHaveLength(2);
    const [quickstart, questions] = ['docs/start/quickstart.md', 'docs/start/questions.md'].map(textOf);
    for (const rule of Object.keys(RULES)) expect(quickstart).toContain(rule.replace('@typescript-eslint/', ''));
    expect(questions).toContain('../guides/guards.md#keep-the-await');
  });
});
