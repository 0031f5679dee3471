import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix } from 'node:path';
import ts from 'typescript';
import { ENTRIES } from '../../.tsup/entries.js';

/** The modules of a built file, by the path of their sources, which the map of the file names. */
export const sourcesOf = (file: string): readonly string[] =>
  (JSON.parse(readFileSync(`${file}.map`, 'utf8')) as { readonly sources: readonly string[] }).sources;

/**
 * The modules that an entry of the build loads: those in its files, and external imports. A file that two entries share counts for
 * both.
 */
export function contentsOf(dist: string, entry: string): string[] {
  const files = new Set([`${entry}.js`]);
  const contents = new Set<string>();
  for (const file of files) {
    for (const source of sourcesOf(join(dist, file))) {
      const [, module] = /^(?:(?:\.\.\/)+src|.*\/node_modules)\/(\S+)\.[jt]sx?$/.exec(source) ?? [];
      // The maps of @noble/hashes name its TypeScript files, in a folder of their own.
      if (module !== undefined) contents.add(module.replace('@noble/hashes/src/', '@noble/hashes/'));
    }
    for (const { fileName } of ts.preProcessFile(readFileSync(join(dist, file), 'utf8'), true, true).importedFiles) {
      if (fileName.startsWith('.')) files.add(posix.join(posix.dirname(file), fileName));
      else contents.add(fileName);
    }
  }
  return [...contents].sort();
}

interface Ban {
  readonly what: string;
  readonly is: (module: string) => boolean;
  /** Where the module may be. */
  readonly onlyIn: readonly string[];
}

const DRIVERS = /^(pg|ioredis|redis|better-sqlite3|libsql|@electric-sql\/pglite|bun:sqlite|node:sqlite)(\/|$)/;

const WITH_ENGINE = Object.keys(ENTRIES).filter((entry) => ENTRIES[entry]?.build === undefined);

/** What may never be in an entry. */
const bans: readonly Ban[] = [
  { what: 'zod', is: (module) => /^zod(\/|$)/.test(module), onlyIn: ['policy', 'http', 'authzen/access-request'] },
  {
    what: 'hmac',
    is: (module) => module === '@noble/hashes/hmac' || module === '@noble/hashes/hmac.js',
    onlyIn: ['links', 'webhook', 'http', 'authzen', 'authzen/access-request'],
  },
  { what: 'the memory store', is: (module) => /^stores\/memory(\/|$)/.test(module), onlyIn: WITH_ENGINE },
  { what: 'the engine', is: (module) => module === 'engine/engine', onlyIn: WITH_ENGINE },
  { what: 'a module of Node', is: (module) => module.startsWith('node:') || builtinModules.includes(module), onlyIn: ['jsonl'] },
  { what: 'Kysely', is: (module) => /^kysely(\/|$)/.test(module), onlyIn: ['sql'] },
  { what: 'a driver', is: (module) => DRIVERS.test(module), onlyIn: [] },
];

interface Found {
  readonly entry: string;
  readonly what: string;
}

/** The violations of the list in the entries. */
export function bannedIn(contents: ReadonlyMap<string, readonly string[]>): Found[] {
  return [...contents].flatMap(([entry, modules]) =>
    bans.filter(({ is, onlyIn }) => !onlyIn.includes(entry) && modules.some(is)).map(({ what }) => ({ entry, what })),
  );
}
