/**
 * How far ahead of this process's clock a recorded instant may lie and still be a base, in milliseconds. The option `leewayMs` is
 * added to it.
 */
export const TOLERANCE_MS = 60_000;

/**
 * Whether a recorded instant may be a base: for the freshness of a review, for the next stamp, for a due time or for a horizon (L47).
 * A wrong clock wrote an instant that lies further ahead, so nothing is derived from it. Every comparison of this kind calls this.
 * `JournalClock` reports such instants.
 *
 * @param clock the reading by which the caller judges, with the leeway: `forEnds`, so that setting this clock back ends nothing that
 *   was used; for what is written now, `writtenBy` of `lifecycle/transition.ts`
 */
export const isBase = (at: number, clock: number): boolean => at <= clock + TOLERANCE_MS;
