/** Longer than this nobody is kept waiting: a receiver whose clock is wrong would never hear from us again. */
export const MAX_PAUSE_MS = 86_400_000;

/**
 * Until when a receiver asks not to be called: RFC 9110, seconds or a date.
 *
 * @returns epoch milliseconds; `undefined`: it doesn't say
 */
export function readRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  const until = /^\d{1,9}$/.test(header) ? now + Number(header) * 1_000 : Date.parse(header);
  return until > now ? Math.min(until, now + MAX_PAUSE_MS) : undefined;
}
