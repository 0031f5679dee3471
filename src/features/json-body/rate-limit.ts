import { invalid, readCount, readOptions } from '../../core/parse.js';
import { isObject } from '../../records/index.js';

/** The rest of a caller's quota. Such an answer of `limit` is sent as `RateLimit` and `RateLimit-Policy`. All times are in seconds. */
export interface RateLimit {
  /** How long the caller must wait. Above 0, the answer is 429, with `Retry-After` of at least `reset`. Default: 0, the call continues. */
  readonly wait?: number | undefined;
  /** The name of the quota: 1 to 64 letters, digits, `.`, `_`, `~` and `-`. Default: `'default'`. */
  readonly policy?: string | undefined;
  /** How many requests the quota has. */
  readonly quota: number;
  /** The time for which the quota is. Default: it is not said. */
  readonly window?: number | undefined;
  /** How many requests are left after this one. */
  readonly remaining: number;
  /** The time until the quota is whole again. Default: it is not said. */
  readonly reset?: number | undefined;
}

/** An answer of the option `limit`: a refusal has `Retry-After`. */
interface ReadLimit {
  readonly isRefused: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

const RULE = 'a function that returns the seconds to wait, undefined, or an object with quota and remaining';
/** The greatest integer of a structured field (RFC 9651). */
const MAX = 999_999_999_999_999;

/**
 * Reads an answer of the option `limit`. The seconds alone tell nothing about a quota, so they have no `RateLimit`.
 *
 * @throws InvalidArgumentError for any other answer: it is a mistake of the service, and permits nothing
 */
export function readLimit(answer: unknown): ReadLimit {
  if (!isObject(answer)) return said(readSeconds(answer));
  const read = readOptions<keyof RateLimit>('limit', answer, ['wait', 'policy', 'quota', 'window', 'remaining', 'reset']);
  const { policy = 'default', window } = read;
  // No character that a structured field would have to escape.
  if (typeof policy !== 'string' || !/^[\w.~-]{1,64}$/.test(policy)) throw invalid('limit', RULE, policy);
  const quota = readCount('limit.quota', read.quota, 0, MAX);
  const every = window === undefined ? '' : `;w=${readCount('limit.window', window, 1, MAX)}`;
  const remaining = readCount('limit.remaining', read.remaining, 0, MAX);
  const reset = readSeconds(read.reset);
  const until = read.reset === undefined ? '' : `;t=${reset}`;
  return said(readSeconds(read.wait), reset, {
    'ratelimit-policy': `"${policy}";q=${quota}${every}`,
    ratelimit: `"${policy}";r=${remaining}${until}`,
  });
}

function said(wait: number, reset = 0, fields: ReadLimit['headers'] = {}): ReadLimit {
  return wait === 0
    ? { isRefused: false, headers: fields }
    : { isRefused: true, headers: { ...fields, 'retry-after': String(Math.max(wait, reset)) } };
}

function readSeconds(value: unknown): number {
  const seconds = typeof value === 'number' ? Math.ceil(value) : value === undefined ? 0 : NaN;
  // Negated, so that NaN is refused; -0 is 0.
  if (!(seconds >= 0 && seconds <= MAX)) throw invalid('limit', RULE, value);
  return seconds + 0;
}
