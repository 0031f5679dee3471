import { readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** A row of sizes.json. Sizes are in bytes, minified and gzipped; 1 KB is 1,000 bytes. */
export interface SizeRow {
  readonly name: string;
  /** The file of dist, without extension, and the names that are imported from it. */
  readonly entry: string;
  readonly names: string;
  /** A feature needs an engine: its size is what it adds to `JitEngine` with one approver. */
  readonly beside?: boolean;
  readonly measured: number;
  readonly limit: number;
  readonly budget?: number;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const path = fileURLToPath(new URL('sizes.json', import.meta.url));

const ENGINE = 'export { JitEngine, reviewers } from "./dist/index.js";';

/** What a user has installed next to the package. zod is a dependency of the package, and is counted. */
const EXTERNAL = ['node:*', ...builtinModules, 'kysely', '@nestjs/common', 'react', 'tslib'];

/** The budgets of planned entries, for `npm run size -- --update`. A view, the journal and sinks need no engine. */
const BUDGETS: Readonly<Record<string, { readonly budget: number; readonly beside?: boolean }>> = {
  view: { budget: 8_000 },
  client: { budget: 5_000 },
  journal: { budget: 15_000 },
  work: { budget: 4_000, beside: true },
  links: { budget: 3_000, beside: true },
  provisioning: { budget: 5_000, beside: true },
  explain: { budget: 4_000, beside: true },
  retention: { budget: 3_000, beside: true },
  notify: { budget: 5_000 },
  webhook: { budget: 9_000 },
};

export const readSizes = (): readonly SizeRow[] => JSON.parse(readFileSync(path, 'utf8')) as readonly SizeRow[];

/** The smaller of the measured size plus a twentieth, and the budget. Beyond its budget an entry may not grow. */
export function limitFor(measured: number, budget = Infinity): number {
  return measured > budget ? measured : Math.min(Math.floor(measured * 1.05), budget);
}

export const isTooBig = (row: SizeRow, measured: number): boolean => measured > row.limit;

/** The bytes of a module, bundled with all that it loads from the package, minified and gzipped. */
export async function weigh(contents: string): Promise<number> {
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

export interface Weight {
  readonly alone: number;
  readonly beside: number | undefined;
}

/** The size of the exports that a row names, from the built files. */
export async function weighRow({ entry, names, beside = false }: Pick<SizeRow, 'entry' | 'names' | 'beside'>): Promise<Weight> {
  const own = `export ${names} from "./dist/${entry}.js";`;
  const alone = await weigh(own);
  return { alone, beside: beside ? (await weigh(ENGINE + own)) - (await weigh(ENGINE)) : undefined };
}

/** Measures every row, and an entry without one, and writes the table. */
export async function updateSizes(entries: readonly string[]): Promise<void> {
  const rows = readSizes();
  const added = entries
    .filter((entry) => rows.every((row) => row.entry !== entry))
    .map((entry) => ({ name: `all of ./${entry}`, entry, names: '*', ...BUDGETS[entry] }));
  const table = [];
  for (const row of [...rows, ...added]) {
    const { alone, beside } = await weighRow(row);
    const measured = beside ?? alone;
    table.push({ ...row, measured, limit: limitFor(measured, row.budget), ...(row.budget === undefined ? {} : { budget: row.budget }) });
  }
  writeFileSync(path, `${JSON.stringify(table, undefined, 2)}\n`);
}
