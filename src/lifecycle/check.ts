import type { ScopeMatcher } from '../core/ports.js';
import { expectedStart, effectiveEnd, type Decision, type Grant } from '../records/index.js';
import type { ClockReading } from '../core/clock.js';
import { awaitsActivation, isScheduled, isUsable, type GrantUse } from './status.js';

/**
 * The rule of every check: allows only if one of these grants is usable now (L1, L2, L20).
 *
 * @param reaching the subject's live grants whose scope covers the requested scope
 * @param takesUses false: the caller takes no use, so a grant with a limited number of uses does not allow
 */
export function judge(reaching: readonly GrantUse[], subject: string, scope: string, reading: ClockReading, takesUses = true): Decision {
  let usable: GrantUse | undefined;
  let needsUse: GrantUse | undefined;
  let waiting: GrantUse | undefined;
  let upcoming: GrantUse | undefined;
  for (const use of reaching) {
    // The grant that ends last and the grant that begins next bound how long the decision is valid.
    if (isUsable(use, reading)) {
      if (!takesUses && use.grant.maxUses !== undefined) needsUse = use;
      else if (usable === undefined || endOf(use) > endOf(usable)) usable = use;
    } else if (awaitsActivation(use, reading)) {
      if (waiting === undefined || endOf(use) > endOf(waiting)) waiting = use;
    } else if (isScheduled(use, reading)) {
      if (upcoming === undefined || startOf(use, reading) < startOf(upcoming, reading)) upcoming = use;
    }
  }
  const { now } = reading;
  const leewayMs = reading.forEnds - reading.highWater;
  if (usable !== undefined) return decisionOf(subject, scope, now, 'granted', usable.grant, endOf(usable) - leewayMs);
  // A start may be confirmed at any moment, and a leeway may end a grant before it has begun.
  const validUntil = waiting !== undefined ? now : upcoming && Math.min(startOf(upcoming, reading), endOf(upcoming) - leewayMs);
  if (needsUse !== undefined) return decisionOf(subject, scope, now, 'use_required', needsUse.grant, validUntil);
  if (waiting !== undefined) return decisionOf(subject, scope, now, 'not_activated', waiting.grant, validUntil);
  if (upcoming !== undefined) return decisionOf(subject, scope, now, 'not_started', upcoming.grant, validUntil);
  return decisionOf(subject, scope, now, 'no_grant', undefined, undefined);
}

/** One literal, so that all decisions have one hidden class. */
export function decisionOf(
  subject: string,
  scope: string,
  at: number,
  reason: Decision['reason'],
  grant: Grant | undefined,
  validUntil: number | undefined,
  pattern?: string,
): Decision {
  return { allowed: reason === 'granted' || reason === 'standing', reason, subject, scope, at, grant, pattern, validUntil };
}

/** Whether a granted scope covers the requested scope. */
export function reaches(matcher: Pick<ScopeMatcher, 'exact' | 'covers'>, granted: string | undefined, scope: string): boolean {
  return granted !== undefined && (matcher.exact ? granted === scope : matcher.covers(granted, scope));
}

const startOf = ({ grant }: GrantUse, { forEnds }: ClockReading): number => expectedStart(grant, forEnds);
const endOf = ({ grant, usage }: GrantUse): number => effectiveEnd(grant, usage);
