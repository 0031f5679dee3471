/*
 * The loops that are timed. Each figure gets its own instance of this module: a loop that has called several functions is
 * specialised for none of them, which slows the fastest most.
 */
import { cpuTime } from './cpu-time.js';
import type { Questions } from './world.js';

export type Ask = (subject: string, scope: string) => unknown;
/** @returns nanoseconds a call */
export type Loop = (calls: number, asked: Questions) => Promise<number>;
type IsYes = (answer: unknown) => boolean;

export const isTrue: IsYes = (answer) => answer === true;
export const isAllowed: IsYes = (answer) => (answer as { readonly allowed: boolean }).allowed;

export function calling(ask: Ask, isYes: IsYes): Loop {
  let next = 0;
  return async (calls, { subjects, scopes, isYes: expected }) => {
    const last = subjects.length - 1;
    const end = next + calls;
    let yes = 0;
    const msSince = cpuTime();
    // Reading each answer also keeps the compiler from removing the call.
    for (let i = next; i < end; i++) if (isYes(ask(subjects[i & last] as string, scopes[i & last] as string))) yes += 1;
    const took = (msSince() * 1e6) / calls;
    next = end & last;
    assertYes(yes, expected ? calls : 0, calls);
    return took;
  };
}

export function awaiting(ask: Ask, isYes: IsYes): Loop {
  let next = 0;
  return async (calls, { subjects, scopes, isYes: expected }) => {
    const last = subjects.length - 1;
    const end = next + calls;
    let yes = 0;
    const msSince = cpuTime();
    for (let i = next; i < end; i++) if (isYes(await ask(subjects[i & last] as string, scopes[i & last] as string))) yes += 1;
    const took = (msSince() * 1e6) / calls;
    next = end & last;
    assertYes(yes, expected ? calls : 0, calls);
    return took;
  };
}

/** The async function around a synchronous answer. */
export function inAsync(ask: Ask): Ask {
  return async (subject, scope) => ask(subject, scope);
}

function assertYes(yes: number, expected: number, calls: number): void {
  if (yes !== expected) throw new Error(`${yes} of ${calls} answers were yes, not ${expected}`);
}
