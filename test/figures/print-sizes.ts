import { entries, root } from '../package/entries.js';
import { bannedIn, contentsOf } from './contents.js';
import { isTooBig, readSizes, weighRow, type SizeRow } from './sizes.js';

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
      `  ${bytes(measured)} of ${bytes(row.limit)}  ${row.name}${besideEngine}${distance(row, measured)}${tooBig ? '  TOO BIG' : ''}`,
    );
  }
  const missing = entries.filter(({ name }) => readSizes().every(({ entry }) => entry !== name));
  for (const { name } of missing) console.log(`  ${name} has no limit: npm run size -- --update`);
  return hold && missing.length === 0;
}

/** Prints the forbidden modules in an entry, and returns whether there are none. */
export function printContents(): boolean {
  const banned = bannedIn(new Map(entries.map(({ name }) => [name, contentsOf(`${root}/dist`, name)])));
  console.log(`\nHeld by an entry that may never hold it: ${banned.length}`);
  for (const { entry, what } of banned) console.log(`  ${entry}: ${what}`);
  return banned.length === 0;
}
