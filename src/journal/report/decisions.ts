import type { AccessRequest, RequestEnd } from '../../records/index.js';

/** Counts of the decisions in a span, by who made them, and the waiting times. */
export interface DecisionFigures {
  /** Requests that were approved or denied in the span: `from <= end.at < to`. Cancelled and expired requests do not count. */
  readonly decided: number;
  /** Of `decided`, those that were approved. */
  readonly approved: number;
  /** Of `decided`, those that were denied. */
  readonly denied: number;
  /** Of `decided`, those that the approver or a limit decided without a review (`end.by` is `system:approver`). */
  readonly byPolicy: number;
  /** Of `decided`, those that a reviewer's review completed. */
  readonly byPeople: number;
  /** Of `decided`, the break-glass requests. Their review came afterwards, or is pending. */
  readonly byBreakGlass: number;
  /** `byPolicy / decided`, 0 to 1. `undefined`: no request was decided. */
  readonly policyShare: number | undefined;
  /** The median of `end.at - createdAt` over `decided`, in milliseconds. Break-glass requests count with their wait of 0. */
  readonly medianWaitMs: number | undefined;
  /** The median of `end.at - createdAt` over `byPeople`, in milliseconds. */
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

/** The median. Of an even number of values: the mean of the middle two. */
function medianWait(decided: readonly Decided[]): number | undefined {
  const sorted = decided.map(({ waitMs }) => waitMs).sort((a, b) => a - b);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  return middle.length === 0 ? undefined : middle.reduce((total, number) => total + number, 0) / middle.length;
}
