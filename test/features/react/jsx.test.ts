import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { root } from '../../docs/pages.js';

const PAGE = `
import type { BadgeStatus } from '../../../src/elements.js';
import type { JitBadgeAttributes } from '../../../src/features/react/jsx.js';
declare const status: BadgeStatus;
export const attributes: JitBadgeAttributes = { label: 'admin' };
export const badge = <jit-badge status={JSON.stringify(status)} label="admin" words="a|b {}|c {}" lang="de" className="x" ref={(at) => void at?.clock} />;
export const asItIs = <jit-badge status={status} onjit-badge-change={({ detail }) => console.log(detail.names)} />;
export const wrong = <jit-badge status={5} />;
`;

/** The problems of a page, with the types of a version of React. */
function problemsWith(types: string): readonly string[] {
  const file = join(root, 'test/features/react/page.tsx');
  const folder = join(root, 'node_modules', types);
  const options: ts.CompilerOptions = {
    ...{ target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
    ...{ jsx: ts.JsxEmit.ReactJSX, strict: true, noEmit: true, skipLibCheck: true, types: [] },
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts'],
    paths: { react: [join(folder, 'index.d.ts')], 'react/*': [join(folder, '*.d.ts')] },
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, PAGE, ts.ScriptTarget.ES2022) : getSourceFile.call(host, name, ...rest);
  host.fileExists = (name) => name === file || fileExists.call(host, name);
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText, file: at, start = 0 }) => {
    const line = (at?.getLineAndCharacterOfPosition(start).line ?? 0) + 1;
    return `${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ').slice(0, 60)}`;
  });
}

describe('the types of <jit-badge> in JSX', () => {
  it.each(['@types/react', '@types/react-18'])('take its attributes, and no others: %s', (types) => {
    expect(problemsWith(types)).toEqual(["8: Type 'number' is not assignable to type 'string | BadgeStatu"]);
  });
});
