import { MIN_NUMBER_MS, readDuration, readWarnBefore, readWindow, type Duration } from '../../core/duration.js';
import { invalid, readCount, readOptions, type AllOf } from '../../core/parse.js';
import type { IssueContext } from '../../lifecycle/grant.js';
import type { RequestLimits } from '../../lifecycle/request.js';
import { DENIALS_SHOWN_MS } from '../../lifecycle/same-ask.js';

/**
 * The limits of an engine. Durations are milliseconds or strings like `'8h'`. A number below 60,000 looks like seconds and is refused,
 * unless `minTtl` is set below it; `minTtl` itself, `approverTimeout` and `retryAfter` may be any number.
 */
export interface Limits {
  /** The longest window that a request may ask for. Default: 8 hours. */
  readonly maxTtl?: Duration | undefined;
  /** The shortest window that a request may ask for. Of a window that has begun, this much must be left. Default: 1 second. */
  readonly minTtl?: Duration | undefined;
  /** How long a request may wait for its decision, if the approver sets no other deadline. Default: 24 hours. */
  readonly reviewWithin?: Duration | undefined;
  /** How long the approver may take to answer one question. Default: 10 seconds. */
  readonly approverTimeout?: Duration | undefined;
  /** How long after a request's creation the sweep asks an approver again that gave no answer. Default: 30 seconds. */
  readonly retryAfter?: Duration | undefined;
  /**
   * The longest time from the first start of a grant to the end of its last extension. Also the longest `ttl`, and the longest
   * unbroken access, from now on, that a request may lead to; adjoining grants and open requests are included. Default: 24 hours.
   */
  readonly maxTotal?: Duration | undefined;
  /** How far ahead a requested start may lie. Default: 7 days. */
  readonly maxStartAhead?: Duration | undefined;
  /**
   * How many pending requests a subject may have opened for itself at a time, and how many each requester may have opened for
   * others. Requests that others opened for a subject do not count against the subject's own requests. For a request on its
   * behalf, the subject's own open requests count too. Default: 100.
   */
  readonly maxOpenRequests?: number | undefined;
  /**
   * How many grants a subject may have at a time, scheduled ones included. Grants that the subject requested itself always count.
   * For a request on its behalf, grants that the same requester requested for it count too. Break-glass has a separate reserve of
   * 50 grants. Default: 200.
   */
  readonly maxGrants?: number | undefined;
  /**
   * How the engine answers a request that only repeats an open request of the same requester, or asks for access that this
   * requester obtained and the subject holds for all of the asked time. `'return'` returns the earlier request with
   * `reused: true`. `'refuse'` rejects with `ERR_JIT_LIMIT`. Default: `'return'`.
   */
  readonly duplicates?: 'refuse' | 'return' | undefined;
  /**
   * For how long a denial stands. In this time, the engine refuses a request of the same requester for the same subject whose
   * scopes and window overlap the denied ones. It rejects with `ERR_JIT_LIMIT`, whose `retryAt` is the end of the pause. If the
   * subject made the denied request itself, the denial stands against every requester. An amendment of the denied request is
   * refused too. Break-glass is exempt; an extension is refused only for the denial of an extension. Default: off.
   */
  readonly askAgainAfter?: Duration | undefined;
  /**
   * For how long the engine resends a change whose reply was lost, in milliseconds, 0 to 3,600,000. The time starts at the first
   * lost reply. The engine resends at once, and then after pauses that grow up to a second. When the time is used up, the call
   * rejects with `ERR_JIT_OUTCOME_UNKNOWN`. 0: the change is sent twice in all. Default: 15,000.
   */
  readonly resendMs?: number | undefined;
}

const SECOND = 1_000;
const MAX_RESEND_MS = 3_600_000;

const LIMITS = [
  'maxTtl',
  'minTtl',
  'askAgainAfter',
  'reviewWithin',
  'approverTimeout',
  'retryAfter',
  'maxTotal',
  'maxStartAhead',
  'maxOpenRequests',
  'maxGrants',
  'duplicates',
  'resendMs',
] as const satisfies readonly (keyof Limits)[];

/** The parsed limits. Durations are milliseconds. */
export interface ParsedLimits {
  readonly limits: RequestLimits & IssueContext['limits'];
  /** For how long reviewers see a denial of the same ask. */
  readonly denialsShownMs: number;
  /** The shortest window that an ask or an approval may give as a number. See `readWindow`. */
  readonly minNumberMs: number;
  readonly approverTimeoutMs: number;
  readonly resendMs: number;
}

/** Validates the limits and applies the defaults. @throws InvalidArgumentError naming the limit */
export function readLimits(given: unknown = {}, warnBefore?: unknown): ParsedLimits {
  const limits = readOptions<AllOf<keyof Limits, typeof LIMITS>>('limits', given, LIMITS);
  const { maxTtl = '8h', minTtl, askAgainAfter, duplicates = 'return', maxOpenRequests = 100, maxGrants = 200 } = limits;
  const {
    reviewWithin = '24h',
    approverTimeout = 10_000,
    retryAfter = 30_000,
    maxTotal = '24h',
    maxStartAhead = '7d',
    resendMs = 15_000,
  } = limits;
  if (duplicates !== 'return' && duplicates !== 'refuse') throw invalid('limits.duplicates', "'return' or 'refuse'", duplicates);
  const givenMs = minTtl === undefined ? undefined : readDuration('limits.minTtl', minTtl);
  // Who allows shorter windows knows the unit.
  const minNumberMs = givenMs !== undefined && givenMs < MIN_NUMBER_MS ? 1 : MIN_NUMBER_MS;
  const read = (name: keyof Limits, value: unknown) => readWindow(`limits.${name}`, value, minNumberMs);
  const maxTtlMs = read('maxTtl', maxTtl);
  // The default must not exceed a `maxTtl` that is shorter than a second.
  const minTtlMs = givenMs ?? Math.min(SECOND, maxTtlMs);
  if (minTtlMs > maxTtlMs) throw invalid('limits.minTtl', 'at most limits.maxTtl', minTtl);
  const askAgainAfterMs = askAgainAfter === undefined ? undefined : read('askAgainAfter', askAgainAfter);
  return {
    limits: {
      minTtlMs,
      maxTtlMs,
      reviewWithinMs: read('reviewWithin', reviewWithin),
      retryMs: readDuration('limits.retryAfter', retryAfter),
      maxTotalMs: read('maxTotal', maxTotal),
      maxStartAheadMs: read('maxStartAhead', maxStartAhead),
      maxOpenRequests: readCount('limits.maxOpenRequests', maxOpenRequests, 1),
      maxGrants: readCount('limits.maxGrants', maxGrants, 1),
      duplicates,
      askAgainAfterMs,
      warnBeforeMs: warnBefore === undefined ? [] : readWarnBefore('warnBefore', warnBefore, minNumberMs),
    },
    minNumberMs,
    denialsShownMs: Math.max(askAgainAfterMs ?? 0, DENIALS_SHOWN_MS),
    approverTimeoutMs: readDuration('limits.approverTimeout', approverTimeout),
    resendMs: readCount('limits.resendMs', resendMs, 0, MAX_RESEND_MS),
  };
}
