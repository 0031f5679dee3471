import { entries, root } from '../package/entries.js';
import { bannedIn, contentsOf } from './contents.js';
import { limitOf, readSizes, weighRow, type SizeRow } from './sizes.js';

const bytes = (count: number) => count.toLocaleString('en').padStart(7);

const distance = ({ budget }: SizeRow, measured: number): string =>
  budget === undefined ? '' : `; budget ${budget.toLocaleString('en')}, ${(budget - measured).toLocaleString('en')} left`;

/** Prints the size of each row, and returns whether all are within their limits. */
export async function printSizes(): Promise<boolean> {
  let hold = true;
  console.log('\nBytes of each entry, minified and gzipped');
  for (const row of readSizes()) {
    const { alone, beside } = await weighRow(row);
    const measured = beside ?? alone;
    const besideEngine = beside === undefined ? '' : ` beside JitEngine with one approver, ${alone.toLocaleString('en')} alone`;
    const isTooBig = measured > limitOf(row);
    if (isTooBig) hold = false;
    const problem = row.measured === undefined ? '  NOT MEASURED: npm run generate' : isTooBig ? '  TOO BIG' : '';
    console.log(`  ${bytes(measured)} of ${bytes(limitOf(row))}  ${row.name}${besideEngine}${distance(row, measured)}${problem}`);
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
