import { markdown } from '../bench/measure/table.js';
import { filesByLaw, sayings } from '../docs/laws.js';
import type { Proof } from './proof.js';
import type { Outcome } from './run.js';

const HEAD = ['proof', 'what', 'count', 'seed', 'violations', 'time', 'on'] as const;

/**
 * The tables of docs/explanation/assurance.md: the results of the last run of each proof, and which tests hold which law.
 *
 * @param before the current page: the rows of proofs that were not run now are kept, those of removed proofs are dropped
 */
export function assurance(
  before: string,
  outcomes: readonly Outcome[],
  { seed, day, proofs }: { readonly seed: number; readonly day: string; readonly proofs: readonly Proof[] },
): string {
  const known = new Map(rowsOf(before).map((row) => [row[0], row]));
  for (const { proof, count, unit, violations, seconds, notes = [] } of outcomes) {
    const took = seconds < 100 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`;
    known.set(proof.name, [
      proof.name,
      proof.what,
      [`${count.toLocaleString('en')} ${unit}`, ...notes].join('; '),
      String(seed),
      String(violations.length),
      took,
      day,
    ]);
  }
  const rows = proofs.map(({ name, what }) => known.get(name) ?? [name, what, 'not run', '', '', '', '']);
  return [
    '### The last run of each proof',
    markdown(HEAD, rows),
    '### By law',
    markdown(
      ['law', '', 'held in the tests by', 'held in `npm run prove` by'],
      sayings.map((says, i) => {
        const law = `L${i + 1}`;
        const files = filesByLaw.get(i + 1)?.length ?? 0;
        const names = proofs.filter(({ laws }) => laws.includes(law)).map(({ name }) => name);
        return [law, says, `${files} file${files === 1 ? '' : 's'}`, names.join(', ')];
      }),
    ),
  ].join('\n\n');
}

/** The first table, without its head. */
function rowsOf(text: string): string[][] {
  const [, table = ''] = text.split('### The last run of each proof');
  const lines =
    table
      .split('###')[0]
      ?.split('\n')
      .filter((line) => line.startsWith('|')) ?? [];
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}
