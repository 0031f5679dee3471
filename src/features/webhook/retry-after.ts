/** The longest pause, in milliseconds. Without it, a receiver whose clock is wrong could stop the deliveries for ever. */
export const MAX_PAUSE_MS = 86_400_000;

/**
 * Parses a `Retry-After` header by RFC 9110: a number of seconds, or a date.
 *
 * @returns epoch milliseconds; `undefined` without a valid instant in the future
 */
export function readRetryAfter(header: unknown, now: number): number | undefined {
  if (typeof header !== 'string') return undefined;
  const until = /^\d+$/.test(header) ? now + Number(header) * 1_000 : readHttpDate(header);
  return until > now ? Math.min(until, now + MAX_PAUSE_MS) : undefined;
}

/** `Sun, 06 Nov 1994 08:49:37 GMT`, and the two obsolete forms: `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`. */
const HTTP_DATES = [
  /^[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]{5,8}, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/,
];

/** Parses only the date forms of RFC 9110. Runtimes and time zones differ in the other forms that `Date.parse` accepts. */
function readHttpDate(header: string): number {
  const parts = HTTP_DATES.map((form) => form.exec(header)?.groups).find((groups) => groups !== undefined);
  if (parts === undefined) return NaN;
  const { day, month, year = '', time } = parts;
  return Date.parse(`${day} ${month} ${year.length === 2 ? `20${year}` : year} ${time} GMT`);
}
