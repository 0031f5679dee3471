import { parseArgs } from 'node:util';
import type { Proof, ProofOptions, ProofResult } from './proof.js';

/** A proof that has been run. */
export interface Outcome extends ProofResult {
  readonly proof: Proof;
  readonly seconds: number;
}

const USAGE = 'npm run prove -- [--only NAME]... [--seed N] [--scale 0.01] [--write] [--list]';

/**
 * Runs the command line.
 *
 * @param print receives one line, or several
 * @param write stores the results of the proofs, with --write
 * @returns the exit code: 0 where every proof held, 1 where one did not or has tried nothing, 2 for an invalid command
 */
export async function prove(
  args: readonly string[],
  proofs: readonly Proof[],
  print: (text: string) => void,
  write: (outcomes: readonly Outcome[], options: ProofOptions) => Promise<void>,
): Promise<number> {
  let asked: ReturnType<typeof read>;
  try {
    asked = read(args, proofs);
  } catch (error) {
    print(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  if (asked.list) {
    print(
      table(
        ['proof', 'laws', 'what'],
        asked.chosen.map(({ name, laws, what }) => [name, laws.join(' '), what]),
      ),
    );
    if (asked.write) await write([], asked.options);
    return 0;
  }
  const outcomes: Outcome[] = [];
  for (const proof of asked.chosen)
    outcomes.push(await outcomeOf(proof, { ...asked.options, progress: (sofar) => print(`${proof.name}: ${sofar}`) }));
  print(report(outcomes, asked.options));
  if (asked.write) await write(outcomes, asked.options);
  return outcomes.every(({ violations }) => violations.length === 0) ? 0 : 1;
}

function read(args: readonly string[], proofs: readonly Proof[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true },
      seed: { type: 'string' },
      scale: { type: 'string', default: '1' },
      write: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  });
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed must be a whole number from 0 on; got ${values.seed}`);
  const scale = Number(values.scale);
  if (!Number.isFinite(scale) || scale <= 0) throw new Error(`--scale must be a number above 0; got ${values.scale}`);
  const unknown = values.only?.find((name) => !proofs.some((proof) => proof.name === name));
  if (unknown !== undefined)
    throw new Error(`there is no proof ${JSON.stringify(unknown)}; there are ${proofs.map(({ name }) => name).join(', ')}`);
  const chosen = proofs.filter(({ name }) => values.only?.includes(name) ?? true);
  if (chosen.length === 0) throw new Error('there is nothing to prove');
  return { chosen, list: values.list, write: values.write, options: { seed, scale } };
}

async function outcomeOf(proof: Proof, options: ProofOptions): Promise<Outcome> {
  const started = process.hrtime.bigint();
  const result = await proof.run(options).catch((error: unknown) => ({
    count: 0,
    unit: 'done',
    violations: [`it threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`],
  }));
  const nothing =
    Number.isSafeInteger(result.count) && result.count > 0 ? [] : [`it tried ${result.count} ${result.unit}: that proves nothing`];
  return {
    proof,
    count: result.count,
    unit: result.unit,
    notes: 'notes' in result ? result.notes : undefined,
    violations: result.violations.length > 0 ? result.violations : nothing,
    seconds: Number(process.hrtime.bigint() - started) / 1e9,
  };
}

/** The table, and below it each violation with the command that repeats it. */
function report(outcomes: readonly Outcome[], { seed, scale }: ProofOptions): string {
  const rows = outcomes.map(({ proof, count, unit, violations, seconds }) => [
    proof.name,
    proof.laws.join(' '),
    `${count.toLocaleString('en')} ${unit}`,
    String(seed),
    String(violations.length),
    `${seconds.toFixed(1)} s`,
  ]);
  const wrong = outcomes.flatMap(({ proof, violations }) =>
    violations.map((violation) => `${proof.name}: ${violation}\n  npm run prove -- --only ${proof.name} --seed ${seed} --scale ${scale}`),
  );
  const notes = outcomes.flatMap(({ proof, notes: said = [] }) => said.map((note) => `${proof.name}: ${note}`));
  return ['', table(['proof', 'laws', 'count', 'seed', 'violations', 'time'], rows), ...notes, ...wrong].join('\n');
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(heads), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}
