import type { ScopeMatcher } from '../core/ports.js';
import type { AccessRequest } from '../records/index.js';
import type { GrantUse } from './status.js';
import { hasEnded } from './status.js';
import type { Moment } from './transition.js';
import { isPending } from './subject.js';
import { windowOf } from './window.js';

interface Span {
  readonly from: number;
  readonly until: number;
}

/**
 * The longest time, from now on, for which a subject would have an overlapping scope without a break if a request were approved.
 * It joins the request's window with adjoining windows of live and scheduled grants and of open requests. Ended grants do not
 * count. The window of a request without a start is assumed to begin now.
 *
 * @param open the subject's requests without a recorded end that count
 * @param live the subject's grants without a recorded end that count
 * @param gapMs a gap shorter than this is no break
 * @returns milliseconds
 */
export function unbrokenCover(
  asked: AccessRequest,
  open: readonly AccessRequest[],
  live: readonly GrantUse[],
  overlaps: ScopeMatcher['overlaps'],
  gapMs: number,
  moment: Moment,
): number {
  const spanOf = (request: AccessRequest): Span => {
    const { startsAt: from, expiresAt: until } = windowOf(request, moment.now);
    return { from, until };
  };
  const own = spanOf(asked);
  const covers = asked.scopes.map((scope) => {
    const spans = [
      ...live
        .filter((use) => !hasEnded(use, moment) && overlaps(use.grant.scope, scope))
        .map(({ grant }) => ({ from: Math.max(grant.startsAt, moment.now), until: grant.expiresAt })),
      ...open
        .filter((request) => isPending(request, moment) && request.scopes.some((other) => overlaps(other, scope)))
        .map((request) => spanOf(request)),
    ];
    return lengthJoined(own, spans, gapMs);
  });
  return Math.max(...covers);
}

/** The length of a span together with all spans that join it, directly or through others. */
function lengthJoined(own: Span, spans: readonly Span[], gapMs: number): number {
  let { from, until } = own;
  const sorted = spans.filter((span) => span.from < span.until).sort((a, b) => a.from - b.from);
  // One pass for each side suffices. In the order of starts, once a span begins too late to join, every later span does too. The
  // reverse order of ends gives the same for the start.
  for (const span of sorted) if (span.from < until + gapMs) until = Math.max(until, span.until);
  for (const span of sorted.sort((a, b) => b.until - a.until)) if (span.until > from - gapMs) from = Math.min(from, span.from);
  return until - from;
}
