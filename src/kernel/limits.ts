import { readDuration, readWarnBefore, type Duration } from '../core/duration.js';
import { invalid, readCount, readOptions } from '../core/parse.js';
import type { IssueContext } from '../lifecycle/grant.js';
import type { RequestLimits } from '../lifecycle/request.js';
import { DENIALS_SHOWN_MS } from '../lifecycle/same-ask.js';

/** What an engine may not go beyond. Durations are milliseconds or strings like `'8h'`. */
export interface Limits {
  /** The longest window that may be asked for. Default: 8 hours. */
  readonly maxTtl?: Duration | undefined;
  /** The shortest window that may be asked for; of one that has begun, what must be left of it. Default: 1 second. */
  readonly minTtl?: Duration | undefined;
  /** How long a request may wait for its decision, where the approver sets no other deadline. Default: 24 hours. */
  readonly reviewWithin?: Duration | undefined;
  /** How long the approver may take to answer one question. Default: 10 seconds. */
  readonly approverTimeout?: Duration | undefined;
  /** How long after its creation a request that the approver has not answered is asked about by the sweep. Default: 30 seconds. */
  readonly retryAfter?: Duration | undefined;
  /**
   * The longest time from the first start to the end of the last extension, and the longest that an ask may make the
   * access without a break from now on, adjoining grants and open requests included. Default: 24 hours.
   */
  readonly maxTotal?: Duration | undefined;
  /** How far ahead a start may be asked for. Default: 7 days. */
  readonly maxStartAhead?: Duration | undefined;
  /**
   * How many pending requests a subject may have opened for itself at a time, and how many each requester may have opened
   * for others. What others opened for a subject doesn't count against the subject's own asks. Default: 100.
   */
  readonly maxOpenRequests?: number | undefined;
  /**
   * How many grants a subject may have at a time, scheduled ones included: of those that it asked for itself, and for an
   * ask on its behalf also of those that the same requester asked for. Break-glass has a reserve of its own, 50 grants.
   * Default: 200.
   */
  readonly maxGrants?: number | undefined;
  /**
   * What becomes of an ask that only repeats what the same requester has asked for (same subject, scopes, start and
   * extended grant, at most the asked length): `'return'` gives the open request, or the live grants, back as `reused`;
   * `'refuse'` rejects with `ERR_JIT_LIMIT`. Default: `'return'`.
   */
  readonly duplicates?: 'refuse' | 'return' | undefined;
  /**
   * For how long a denial stands: an ask of the same requester for the same subject with overlapping scopes and a window
   * that meets the denied one is refused with `ERR_JIT_LIMIT`, whose `retryAt` is the end of the pause. A denial of what
   * the subject asked for itself stands against every requester. Break-glass and extensions are not bound. Default: off.
   */
  readonly askAgainAfter?: Duration | undefined;
  /**
   * For how long the engine sends a change again whose reply was lost, in milliseconds, 0 to an hour. It begins at the first
   * lost reply. The first repetition comes at once, further ones after pauses that grow up to a second. When it is used up,
   * the call rejects with `ERR_JIT_OUTCOME_UNKNOWN`. 0: the change is sent twice in all. Default: 15,000.
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

/** What the limits give, in milliseconds. */
export interface ParsedLimits {
  readonly limits: RequestLimits & IssueContext['limits'];
  /** For how long reviewers see a denial of the same ask. */
  readonly denialsShownMs: number;
  readonly approverTimeoutMs: number;
  readonly resendMs: number;
}

/** The limits, checked, with every default in place. @throws InvalidArgumentError naming the limit */
export function readLimits(given: unknown = {}, warnBefore?: unknown): ParsedLimits {
  const limits = readOptions<keyof Limits>('limits', given, LIMITS);
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
  const maxTtlMs = readDuration('limits.maxTtl', maxTtl);
  // An engine whose longest window is shorter than a second has no use for the default.
  const minTtlMs = minTtl === undefined ? Math.min(SECOND, maxTtlMs) : readDuration('limits.minTtl', minTtl);
  if (minTtlMs > maxTtlMs) throw invalid('limits.minTtl', 'at most limits.maxTtl', minTtl);
  const askAgainAfterMs = askAgainAfter === undefined ? undefined : readDuration('limits.askAgainAfter', askAgainAfter);
  return {
    limits: {
      minTtlMs,
      maxTtlMs,
      reviewWithinMs: readDuration('limits.reviewWithin', reviewWithin),
      retryMs: readDuration('limits.retryAfter', retryAfter),
      maxTotalMs: readDuration('limits.maxTotal', maxTotal),
      maxStartAheadMs: readDuration('limits.maxStartAhead', maxStartAhead),
      maxOpenRequests: readCount('limits.maxOpenRequests', maxOpenRequests, 1),
      maxGrants: readCount('limits.maxGrants', maxGrants, 1),
      duplicates,
      askAgainAfterMs,
      warnBeforeMs: warnBefore === undefined ? [] : readWarnBefore('warnBefore', warnBefore),
    },
    denialsShownMs: Math.max(askAgainAfterMs ?? 0, DENIALS_SHOWN_MS),
    approverTimeoutMs: readDuration('limits.approverTimeout', approverTimeout),
    resendMs: readCount('limits.resendMs', resendMs, 0, MAX_RESEND_MS),
  };
}
