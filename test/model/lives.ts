import fc from 'fast-check';
import type { GrantStore } from '../../src/index.js';
import { SideBySide } from './side-by-side.js';

/** The result of a run of lives. */
export interface Lived {
  readonly lives: number;
  readonly steps: number;
  /** Of the first life that failed, shrunk: its replay arguments, its steps, and the difference. */
  readonly violation: string | undefined;
}

export interface LiveOptions {
  readonly seed: number;
  readonly numRuns: number;
  /** Where the shrinking starts: the replay path of a violation. */
  readonly path?: string | undefined;
  /** False: the first life that fails is reported without shrinking. */
  readonly shrinks?: boolean | undefined;
  readonly maxSteps?: number | undefined;
  /** True: each life has a process with a wrong clock. Default: one in three has. */
  readonly hasWrongClock?: boolean | undefined;
}

/**
 * Lives of the engine and the model side by side, each an array of numbers that fast-check draws: the first chooses the world,
 * each other number is a step. One life in a hundred checks the whole history after each step, not only at its end.
 *
 * @param storeOf an empty store; called once for each life
 */
export async function live(
  storeOf: () => GrantStore | Promise<GrantStore>,
  { seed, numRuns, path, shrinks = true, maxSteps = 14, hasWrongClock }: LiveOptions,
): Promise<Lived> {
  const number = fc.noShrink(fc.nat());
  let steps = 0;
  const property = fc.asyncProperty(number, fc.array(number, { minLength: 3, maxLength: maxSteps, size: 'max' }), async (world, life) => {
    const both = new SideBySide(await storeOf(), world, hasWrongClock);
    try {
      for (const one of life) {
        steps += 1;
        await both.step(one);
      }
      await both.finish();
    } finally {
      await both.close();
    }
  });
  const details = await fc.check(property, { seed, numRuns, endOnFailure: !shrinks, ...(path === undefined ? {} : { path }) });
  if (!details.failed) return { lives: details.numRuns, steps, violation: undefined };
  // Runs the smallest failing life again for its trace, because the last life that was tried may have passed.
  const [world, life] = details.counterexample ?? [0, []];
  const both = new SideBySide(await storeOf(), world, hasWrongClock);
  let problem: unknown = details.errorInstance;
  try {
    for (const one of life) await both.step(one);
    await both.finish();
  } catch (error) {
    problem = error;
  } finally {
    await both.close();
  }
  const message = problem instanceof Error ? (problem.stack ?? problem.message) : String(problem);
  return {
    lives: details.numRuns,
    steps,
    violation: [`seed ${details.seed}, path ${details.counterexamplePath ?? ''}`, ...both.trace, message].join('\n'),
  };
}
