import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { blocks, code, nameOf, programOf } from './blocks.js';
import { root, textOf, type Block } from './pages.js';

/** The names that a block without imports may use: it continues the sentence before it. */
const PRELUDE = `
import { ${['DeniedError', 'JitEngine', 'MemoryGrantStore', 'autoApprove', 'denyAll', 'firstDecisive', 'isJitError'].join(', ')} } from 'jit-access';
import { ${['callbackSink', 'consoleSink', 'formatEntry', 'patternScopes', 'reviewers', 'startSweeper'].join(', ')} } from 'jit-access';
import { accessReport, journalHead, readJournal, verifyJournal } from 'jit-access/journal';
import { definePolicy, readPolicy, simulate } from 'jit-access/policy';
import type { ${['AccessRequest', 'Approver', 'AuditEntry', 'AuditSink', 'Clock', 'Grant', 'GrantStore', 'Verdict'].join(', ')} } from 'jit-access';
declare const engine: JitEngine;
declare const approver: Approver;
declare const store: GrantStore;
declare const request: AccessRequest;
declare const grant: Grant;
export {};
`;

/** TypeScript's codes for an unused name, for imports that are all unused, and for an unused type. */
const UNUSED = new Set([6133, 6192, 6196, 6198]);

const isInAnImport = (source: ts.SourceFile, place: number): boolean =>
  source.statements.some((statement) => ts.isImportDeclaration(statement) && statement.pos <= place && place < statement.end);

/** Problems of each block, by its name, from one program over all of them. */
function check(): ReadonlyMap<string, readonly string[]> {
  const config = ts.readConfigFile(`${root}test/tsconfig.json`, (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, `${root}test`);
  // Unlike this project, a reader's may allow unused names. But an unused import in a sample sends the reader looking for
  // its purpose.
  Object.assign(options, { noUnusedLocals: true, noUnusedParameters: false, experimentalDecorators: true });
  const files = new Map<string, { readonly block: Block; readonly before: string }>(
    code.map((block, i) => {
      const complete = /^import /m.test(block.code);
      return [`${root}docs/block-${i}.ts`, { block, before: complete ? '' : PRELUDE }] as const;
    }),
  );
  const host = ts.createCompilerHost(options);
  const real = { readFile: host.readFile.bind(host), fileExists: host.fileExists.bind(host), getSourceFile: host.getSourceFile.bind(host) };
  const text = (path: string) => {
    const file = files.get(path);
    return file && file.before + programOf(file.block);
  };
  host.fileExists = (path) => files.has(path) || real.fileExists(path);
  host.readFile = (path) => text(path) ?? real.readFile(path);
  host.getSourceFile = (path, language, ...rest) => {
    const source = text(path);
    return source === undefined ? real.getSourceFile(path, language, ...rest) : ts.createSourceFile(path, source, language, true);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return new Map(
    [...files].map(([path, { block, before }]) => {
      const source = program.getSourceFile(path) as ts.SourceFile;
      const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      const told = found.filter((problem) => !UNUSED.has(problem.code) || (before === '' && isInAnImport(source, problem.start ?? 0)));
      const problems = told.map((problem) => {
        const { line } = source.getLineAndCharacterOfPosition(problem.start ?? 0);
        return `${block.page}:${block.line + 1 + line - (before.split('\n').length - 1)} ${ts.flattenDiagnosticMessageText(problem.messageText, '\n')}`;
      });
      return [nameOf(block), problems];
    }),
  );
}

describe('the code in README.md and docs', () => {
  it('type-checks against the package, block by block', () => {
    expect(code.length).toBeGreaterThan(20);
    expect([...check().values()].flat()).toEqual([]);
  }, 600_000);

  it.each(blocks.filter((block) => block.file !== undefined).map((block) => [nameOf(block), block] as const))(
    '%s is identical to the file that it names',
    (_, block) => {
      expect(block.code).toBe(textOf(block.file as string));
    },
  );

  it('shows every example file that must be shown whole', () => {
    expect(blocks.map((block) => block.file).filter((file) => file !== undefined)).toEqual(
      expect.arrayContaining([
        'examples/first-grant.ts',
        'examples/fake-clock.ts',
        'examples/journal-on-disk.ts',
        'examples/manager-approver.ts',
        'examples/store-from-the-docs.ts',
      ]),
    );
  });
});
