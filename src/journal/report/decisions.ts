import type { AccessRequest, RequestEnd } from '../../records/index.js';

/** Who decided the requests of a span, and how long they waited for it. */
export interface DecisionFigures {
  /** Requests that were approved or denied in the span: `from <= end.at < to`. What was cancelled or ran out was not decided. */
  readonly decided: number;
  readonly approved: number;
  readonly denied: number;
  /** Of `decided`, those that the approver, or a limit, decided without anybody's review (`end.by` is `system:approver`). */
  readonly byPolicy: number;
  /** Of `decided`, those that a reviewer's word completed. */
  readonly byPeople: number;
  /** Of `decided`, those that were taken by break-glass; the review came afterwards, or is owed. */
  readonly byBreakGlass: number;
  /** `byPolicy / decided`, 0 to 1; `undefined`: none was decided. */
  readonly policyShare: number | undefined;
  /** Milliseconds: the median of `end.at - createdAt` over all that were decided; break-glass waits for nobody. */
  readonly medianWaitMs: number | undefined;
  /** Milliseconds: the same over those that people decided. */
  readonly medianReviewWaitMs: number | undefined;
}

/** A request that was approved or denied. */
interface Decided {
  readonly end: RequestEnd;
  readonly waitMs: number;
}

/** @param isIn whether an instant lies in the span */
export function countDecisions(requests: readonly AccessRequest[], isIn: (at: number) => boolean): DecisionFigures {
  const decided = requests.flatMap(({ end, createdAt }): readonly Decided[] =>
    (end?.status === 'approved' || end?.status === 'denied') && isIn(end.at) ? [{ end, waitMs: end.at - createdAt }] : [],
  );
  const approved = decided.filter(({ end }) => end.status === 'approved').length;
  const byPolicy = decided.filter(({ end }) => end.by === 'system:approver').length;
  const byBreakGlass = decided.filter(({ end }) => end.cause === 'break_glass').length;
  const byPeople = decided.filter(({ end }) => end.by !== 'system:approver' && end.cause !== 'break_glass');
  return Object.freeze({
    decided: decided.length,
    approved,
    denied: decided.length - approved,
    byPolicy,
    byPeople: byPeople.length,
    byBreakGlass,
    policyShare: decided.length === 0 ? undefined : byPolicy / decided.length,
    medianWaitMs: medianWait(decided),
    medianReviewWaitMs: medianWait(byPeople),
  });
}

/** The middle one; of an even number the mean of the middle two. */
function medianWait(decided: readonly Decided[]): number | undefined {
  const sorted = decided.map(({ waitMs }) => waitMs).sort((a, b) => a - b);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  return middle.length === 0 ? undefined : middle.reduce((total, number) => total + number, 0) / middle.length;
}
