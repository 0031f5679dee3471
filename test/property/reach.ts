import fc from 'fast-check';
import { expect } from 'vitest';

/**
 * Draws until every case has come up at least once. Random lives prove nothing about a case that they never reach, but a case
 * that is only drawn rarely is not a fault of the code under test.
 *
 * @param reached the cases so far; `draw` adds to it
 */
export async function untilReached(all: readonly string[], reached: ReadonlySet<string>, draw: () => Promise<void>): Promise<void> {
  const missing = () => all.filter((one) => !reached.has(one));
  const { seed = 0, ...others } = fc.readConfigureGlobal();
  let draws = 0;
  // Each draw has its own seed: the fixed seed would draw the same again.
  do {
    fc.configureGlobal({ ...others, seed: seed + draws });
    await draw();
  } while (missing().length > 0 && ++draws < 20);
  fc.configureGlobal({ ...others, seed });
  expect(missing()).toEqual([]);
}
