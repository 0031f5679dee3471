import { entries, root } from '../package/entries.js';
import { bannedIn, contentsOf } from './contents.js';
import { isTooBig, limitFor, readSizes, weighRow, type SizeRow } from './sizes.js';

const bytes = (count: number) => count.toLocaleString('en').padStart(7);

function distance({ budget }: SizeRow, measured: number): string {
  if (budget === undefined) return '';
  const left = budget - measured;
  return `; budget ${budget.toLocaleString('en')}, ${left < 0 ? `${(-left).toLocaleString('en')} above it` : `${left.toLocaleString('en')} left`}`;
}

/** Prints the size of each row, and returns whether all are within their limits. */
export async function printSizes(): Promise<boolean> {
  let hold = true;
  console.log('\nBytes of each entry, minified and gzipped');
  for (const row of readSizes()) {
    const { alone, beside } = await weighRow(row);
    const measured = beside ?? alone;
    const besideEngine = beside === undefined ? '' : ` beside JitEngine with one approver, ${alone.toLocaleString('en')} alone`;
    const tooBig = isTooBig(row, measured);
    if (tooBig) hold = false;
    console.log(
      `  ${bytes(measured)} of ${bytes(limitFor(row.measured ?? 0, row.budget))}  ${row.name}${besideEngine}${distance(row, measured)}${tooBig ? (row.measured === undefined ? '  NOT MEASURED: npm run size -- --update' : '  TOO BIG') : ''}`,
    );
  }
  return hold;
}

/** Prints the forbidden modules in an entry, and returns whether there are none. */
export function printContents(): boolean {
  const banned = bannedIn(new Map(entries.map(({ name }) => [name, contentsOf(`${root}/dist`, name)])));
  console.log(`\nHeld by an entry that may never hold it: ${banned.length}`);
  for (const { entry, what } of banned) console.log(`  ${entry}: ${what}`);
  return banned.length === 0;
}
