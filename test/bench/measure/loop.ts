/*
 * The loops that are timed. Each contestant gets an instance of this module of its own: a loop that has called several
 * functions is compiled for none of them, and the fastest would pay most for it.
 */

export type Ask = (subject: string, scope: string) => unknown;
export type Loop = (calls: number, subjects: readonly string[], scopes: readonly string[]) => Promise<number>;

/** @returns nanoseconds a call */
export function awaiting(ask: Ask): Loop {
  return async (calls, subjects, scopes) => {
    const started = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) await ask(subjects[i & 4095] as string, scopes[i & 4095] as string);
    return Number(process.hrtime.bigint() - started) / calls;
  };
}

/** @returns nanoseconds a call */
export function calling(ask: Ask): Loop {
  return async (calls, subjects, scopes) => {
    let yes = 0;
    const started = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) if (ask(subjects[i & 4095] as string, scopes[i & 4095] as string) === true) yes += 1;
    const took = Number(process.hrtime.bigint() - started) / calls;
    // It also keeps the answers from being optimised away.
    if (yes !== calls) throw new Error(`${calls - yes} of ${calls} answers were no`);
    return took;
  };
}
