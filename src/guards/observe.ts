import { systemClock } from '../core/clock.js';
import { observedOf, type ObservedAnswer } from '../core/observed.js';
import { readPort } from '../core/parse.js';
import { OwnFailure } from '../core/print-failure.js';
import { within } from '../core/timers.js';
import { makeObserved } from './access.js';
import type { Caller } from './options.js';
import type { Admitted, Observation, Refused } from './outcome.js';

/** How long a request waits for what is only observed, in milliseconds. */
const LIMIT_MS = 1_000;

/**
 * How many answers of one guard may be late. A store that hangs keeps each question, and no refusal slows the callers down: without this
 * bound the questions would grow until the process ends.
 */
const MAX_LATE = 100;

/** How long a guard that lets callers through does not say so again. Milliseconds. */
const REMIND_MS = 3_600_000;

/** @returns a function that admits every request. A refusal, an error and a missing answer are only reported */
export function createObserver<Args extends readonly unknown[]>(
  caller: Caller<Args>,
): (decide: () => Promise<Admitted | Refused>, args: Args) => Promise<Admitted> {
  let late = 0;
  let remindedAt = NaN;
  const remind = () => {
    const now = systemClock.now();
    if (Math.abs(now - remindedAt) < REMIND_MS) return;
    remindedAt = now;
    caller.onError(new OwnFailure('this guard only observes: the request was let through'), 'observe');
  };
  const inTime = async (decide: () => Promise<Admitted | Refused>): Promise<Admitted | Refused> => {
    if (late >= MAX_LATE) throw new Error(`${MAX_LATE} answers are late: the request has not waited`);
    const answer = decide();
    const limit = () => {
      late += 1;
      const settle = () => void (late -= 1);
      void answer.then(settle, settle);
      return new Error(`no answer within ${LIMIT_MS} ms: the request has continued`);
    };
    return within(systemClock, LIMIT_MS, () => answer, limit);
  };
  return async (decide, args) => {
    const [observation, grantId] = await inTime(decide).then(
      (outcome) => [observationOf(outcome), outcome.allowed ? outcome.access.grantId : undefined] as const,
      (error: unknown) => [{ observed: true, answer: 'failed', decision: undefined, error } as const, undefined] as const,
    );
    observedOf(caller.engine)[observation.answer] += 1;
    if (observation.answer !== 'allowed') remind();
    caller.observed(Object.freeze(observation), ...args);
    return { allowed: true, access: makeObserved(observation, grantId), stop: undefined };
  };
}

function observationOf(outcome: Admitted | Refused): Observation {
  if (outcome.allowed) return { observed: true, answer: 'allowed', decision: outcome.access.decision, error: undefined };
  const { refusal, decision, error } = outcome;
  const answer = refusal.body.type.slice('urn:jit-access:problem:'.length) as ObservedAnswer;
  return { observed: true, answer, decision, error };
}

/**
 * How often the guards of this process that only observe would have given each answer, since it started. A copy, for metrics.
 *
 * @param engine the engine or the checker that the guards ask
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the argument
 * @example
 * const { allowed, ...refused } = observedCounts(engine);
 */
export function observedCounts(engine: object): Readonly<Record<ObservedAnswer, number>> {
  return { ...observedOf(readPort('engine', engine, ['check'])) };
}
