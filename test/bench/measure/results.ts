import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { MadePart } from '../../docs/made-part.js';
import { figureOf, type Figure } from './figure.js';
import { isQuiet, loadLine, probe } from './quiet.js';
import { machine } from './table.js';

/** The figures of a run, by names with slashes. `bench:aims` compares them with the goals. */
export type Figures = Readonly<Record<string, Figure>>;

/** The last run of a command. */
export interface Results {
  readonly of: string;
  readonly figures: Figures;
}

const PAGE = 'docs/explanation/performance.md';
const pathOf = (command: string): string => `.tmp/${command.replaceAll(/\W/g, '-')}.json`;
const isWriting = process.argv.includes('--write');

/** The figures of several runs, each of which has the same names. Names get a prefix. */
export const figuresOf = (prefix: string, runs: readonly Readonly<Record<string, number>>[]): Figures =>
  Object.fromEntries(Object.keys(runs[0] ?? {}).map((name) => [prefix + name, figureOf(runs.map((run) => run[name] as number))]));

/** A run that could not be written ends before it begins. */
export async function beginRun(): Promise<void> {
  if (isQuiet(await probe()) || !isWriting) return;
  console.error(`Nothing is measured: ${loadLine()}`);
  process.exit(1);
}

/**
 * Prints the tables of a run and keeps its figures; with `--write`, writes the tables into the page, unless the machine was loaded.
 *
 * @param command `npm run bench`
 * @param problem why the run may not be written
 */
export async function endRun(command: string, figures: Figures, tables: readonly string[], problem?: string): Promise<void> {
  await probe();
  const text = [`Measured on ${machine()}. ${loadLine()}`, ...tables].join('\n\n');
  console.log(text);
  mkdirSync('.tmp', { recursive: true });
  const of = `${command}, ${new Date().toISOString()}. ${loadLine()}${problem === undefined ? '' : ` **${problem}**`}`;
  writeFileSync(pathOf(command), JSON.stringify({ of, figures } satisfies Results, undefined, 1));
  if (problem !== undefined) console.error(problem);
  if (!isWriting) return;
  if (isQuiet() && problem === undefined) return new MadePart(PAGE, command).write(text);
  console.error(`${PAGE} is as before: ${problem ?? loadLine()}`);
  process.exitCode = 1;
}

/** `undefined`: the command has not run. */
export function lastRun(command: string): Results | undefined {
  try {
    return JSON.parse(readFileSync(pathOf(command), 'utf8')) as Results;
  } catch {
    return undefined;
  }
}
