import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { coreFiles } from '../.tsup/entries.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Files that tsconfig.core.json would check if the folders had them, by their path. */
const TRIED = {
  'src/core/node.ts': 'export const tried: unknown = process.pid;',
  'src/engine/document.ts': 'export const tried: unknown = document.title;',
  'src/lifecycle/element.ts': 'export const tried = (element: HTMLElement): unknown => element.id;',
  'src/kernel/shared.ts': 'export const tried: unknown = [crypto.subtle, new TextEncoder(), new AbortController(), setTimeout, fetch];',
};

/** The project, with some files that are not on the disk. */
function programOf(config: string, added: Readonly<Record<string, string>>): ts.Program {
  const files = new Map(Object.entries(added).map(([path, text]) => [join(root, path), text]));
  const parsed = ts.getParsedCommandLineOfConfigFile(join(root, config), {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} });
  if (parsed === undefined) throw new Error(`${config} is not a project`);
  const host = ts.createCompilerHost(parsed.options);
  const { fileExists, readFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  return ts.createProgram({ rootNames: [...parsed.fileNames, ...files.keys()], options: parsed.options, host });
}

describe('the compiler', () => {
  it('L35 refuses Node and the document in the library, and accepts what all runtimes share', () => {
    const program = programOf('tsconfig.core.json', TRIED);
    const refused = Object.keys(TRIED).map((path) => {
      const found = program.getSemanticDiagnostics(program.getSourceFile(join(root, path)));
      return [path, found.map(({ messageText }) => /'(\w+)'/.exec(ts.flattenDiagnosticMessageText(messageText, ' '))?.[1])];
    });
    expect(Object.fromEntries(refused)).toEqual({
      'src/core/node.ts': ['process'],
      'src/engine/document.ts': ['document'],
      'src/lifecycle/element.ts': ['HTMLElement'],
      'src/kernel/shared.ts': [],
    });
  });

  it('checks each entry that needs neither Node nor a document in tsconfig.core.json', () => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.core.json'), (path) => ts.sys.readFile(path)) as {
      readonly config: { readonly files: readonly string[] };
    };
    expect(config.files).toEqual(coreFiles);
  });
});
