import type { MaybePromise } from '../../core/ports.js';
import { isThenable } from '../../core/thenable.js';

/** Work that waits only where it yields a promise. A rejection ends it: no step handles one. */
export type Steps<T> = Generator<PromiseLike<unknown>, T, unknown>;

/** Waits for a value in steps, if it is a promise. */
export function* waitFor<T>(value: MaybePromise<T>): Steps<T> {
  return isThenable(value) ? ((yield value) as T) : value;
}

/** The result of all steps: without a promise, if no step waits. It throws what a step throws before the first wait. */
export function follow<T>(steps: Steps<T>): MaybePromise<T> {
  const step = steps.next();
  return step.done === true ? step.value : followFrom(steps, step.value);
}

async function followFrom<T>(steps: Steps<T>, waiting: PromiseLike<unknown>): Promise<T> {
  let step = steps.next(await waiting);
  while (step.done !== true) step = steps.next(await step.value);
  return step.value;
}
