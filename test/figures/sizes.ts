import { readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { buildConsole } from '../../.tsup/console.js';
import { ENTRIES, type Sized } from '../../.tsup/entries.js';

/** A size of .tsup/entries.ts, in bytes, minified and gzipped; 1 KB is 1,000 bytes. */
export interface SizeRow {
  readonly name: string;
  /** The file of dist, without extension, and the names that are imported from it. */
  readonly entry: string;
  readonly names: string;
  /** A feature needs an engine: its size is what it adds to `JitEngine` with one approver. */
  readonly beside: boolean;
  /** The files of the console's page that are measured. `undefined`: the row is about code. */
  readonly page: Sized['page'];
  readonly budget: number | undefined;
  /** By sizes.json. `undefined`: it was never measured. */
  readonly measured: number | undefined;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const path = fileURLToPath(new URL('sizes.json', import.meta.url));

const ENGINE = 'export { JitEngine, reviewers } from "./dist/index.js";';

/** What a user has installed next to the package. */
const EXTERNAL = ['node:*', ...builtinModules, 'kysely', '@nestjs/common', 'react'];

export function readSizes(): readonly SizeRow[] {
  const measured = JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, number>>;
  return Object.entries(ENTRIES).flatMap(([entry, { sizes = [{}] }]) =>
    sizes.map(({ name = `all of ./${entry}`, names = '*', beside = false, page, budget }) => {
      return { name, entry, names, beside, page, budget, measured: measured[name] };
    }),
  );
}

/** The most bytes of a row: its budget, and a twentieth more than it measured. */
export const limitOf = ({ measured = 0, budget = Infinity }: Pick<SizeRow, 'measured' | 'budget'>): number =>
  Math.min(Math.floor(measured * 1.05), budget);

/** The bytes of a module, bundled with all that it loads from the package, minified and gzipped. */
async function weigh(contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    write: false,
    logLevel: 'error',
    external: EXTERNAL,
  });
  return gzipSync(outputFiles[0]?.contents ?? new Uint8Array(), { level: 9 }).length;
}

/** The bytes of the page's files, each gzipped alone, as a browser loads them. */
async function weighPage(page: NonNullable<Sized['page']>): Promise<number> {
  const built = await buildConsole();
  if (built === undefined) return 0;
  const { texts, languages } = built.files;
  const files =
    page === 'de' || page === 'es'
      ? [languages[page] ?? '']
      : Object.entries(texts).flatMap(([name, text]) => (page === 'all' || built[page].includes(name) ? [text] : []));
  return files.reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0);
}

export interface Weight {
  readonly alone: number;
  readonly beside: number | undefined;
}

/** The size of the exports that a row names, from the built files. */
export async function weighRow({ entry, names, beside, page }: SizeRow): Promise<Weight> {
  if (page !== undefined) return { alone: await weighPage(page), beside: undefined };
  const own = `export ${names} from "./dist/${entry}.js";`;
  const alone = await weigh(own);
  return { alone, beside: beside ? (await weigh(ENGINE + own)) - (await weigh(ENGINE)) : undefined };
}

/** What sizes.json must say: each row that it lacks, and a smaller size. Only `isRaised` takes a larger one. */
export async function sizesFile(isRaised = false): Promise<Readonly<Record<string, number>>> {
  const sizes: Record<string, number> = {};
  for (const row of readSizes()) {
    const { alone, beside } = await weighRow(row);
    sizes[row.name] = Math.min(beside ?? alone, isRaised ? Infinity : (row.measured ?? Infinity));
  }
  return sizes;
}

/** Measures every row, and writes sizes.json. */
export async function updateSizes(): Promise<void> {
  writeFileSync(path, `${JSON.stringify(await sizesFile(true), undefined, 2)}\n`);
}
