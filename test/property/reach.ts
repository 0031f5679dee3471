import fc from 'fast-check';
import { expect } from 'vitest';

/**
 * Draws until all has come up, at least once: what random lives never reach they say nothing about, but one that is only
 * rarely drawn is no fault of what is tested.
 *
 * @param reached what has come up so far; `draw` adds to it
 */
export async function untilReached(all: readonly string[], reached: ReadonlySet<string>, draw: () => Promise<void>): Promise<void> {
  const missing = () => all.filter((one) => !reached.has(one));
  const { seed = 0, ...others } = fc.readConfigureGlobal();
  let draws = 0;
  // Each draw has a seed of its own: the fixed one would draw the same again.
  do {
    fc.configureGlobal({ ...others, seed: seed + draws });
    await draw();
  } while (missing().length > 0 && ++draws < 20);
  fc.configureGlobal({ ...others, seed });
  expect(missing()).toEqual([]);
}
