import { expect } from 'vitest';
import type { AccessRequest, Grant, Review } from '../../src/index.js';
import type { Usage } from '../../src/records/index.js';
import { BOT, ESCALATE_AFTER, MAX_UNREVIEWED, SHORT_TOTAL, type Moody } from './moody.js';

/*
 * The laws, written a second time from the design alone: none of these functions uses the engine or its rules.
 */

/** All records at one instant. */
export interface Seen {
  readonly at: number;
  readonly requests: readonly AccessRequest[];
  readonly grants: readonly Grant[];
  readonly usages: ReadonlyMap<string, Usage>;
}

interface Limits {
  readonly maxTtl: number;
  readonly maxTotal: number;
  readonly maxOpenRequests: number;
  readonly maxGrants: number;
}

/** The end that time gives a grant: of its window, or of its idle time. */
function endByTime(grant: Grant, { usages }: Seen): number {
  const usage = usages.get(grant.id);
  const idle = grant.idleTtlMs === undefined ? Infinity : (usage?.usedAt ?? grant.startsAt) + grant.idleTtlMs;
  return Math.min(grant.expiresAt, idle);
}

/** L1 L2 L20: the grants that allow at `now`. */
export function usableAt(grant: Grant, seen: Seen, now: number): boolean {
  const { end, startsAt, asksAtStart, activatedAt, maxUses } = grant;
  if (end !== undefined || now < startsAt || now >= endByTime(grant, seen)) return false;
  // Nor before its start was confirmed, if the clock has gone back.
  if (asksAtStart && (activatedAt === undefined || now < activatedAt)) return false;
  return maxUses === undefined || (seen.usages.get(grant.id)?.uses ?? maxUses) < maxUses;
}

/** L8 L18: an ended record stays unchanged, what was asked or granted never changes, and each addition is made once. */
export function expectLegal(before: Seen, after: Seen): void {
  for (const old of before.requests) {
    const now = after.requests.find(({ id }) => id === old.id);
    if (now === undefined) throw new Error(`request ${old.id} has gone`);
    const { version: _v, end, afterReview, reviews: _r, escalatedAt, replacedBy: _p, ...frozen } = old;
    // An expired record counts as expired, whenever its end is recorded.
    if (end === undefined && old.reviewBy <= before.at && now.end !== undefined) expect(now.end.status).toBe('expired');
    if (end !== undefined && afterReview === undefined) expect(now).toEqual(old);
    if (end !== undefined) expect(now).toMatchObject({ end, reviews: old.reviews });
    if (afterReview?.missedAt !== undefined) expect(now.afterReview?.missedAt).toBe(afterReview.missedAt);
    if (afterReview?.breakGlassReview !== undefined) expect(now).toEqual(old);
    if (escalatedAt !== undefined) expect(now.escalatedAt).toBe(escalatedAt);
    expect(now.replacedBy !== undefined).toBe(now.end?.cause === 'amended' || now.end?.cause === 'overtaken');
    const { approver: _a, rule: _l, terms: _t, assignedAt: _s, quorum: _q, reviewBy: _b, ...asked } = frozen;
    expect(now).toMatchObject(old.approver === undefined ? asked : frozen);
    // A denial stays a denial.
    for (const { reviewer, verdict } of old.reviews) {
      const said = now.reviews.find((review) => review.reviewer === reviewer);
      expect(said?.verdict === 'deny' || said?.verdict === verdict).toBe(true);
    }
  }
  for (const old of before.grants) {
    const now = after.grants.find(({ id }) => id === old.id);
    if (now === undefined) throw new Error(`grant ${old.id} has gone`);
    const { version: _v, end, successors, activatedAt, warnedAt, ...frozen } = old;
    if (end === undefined && endByTime(old, before) <= before.at && now.end !== undefined) expect(now.end.status).toBe('expired');
    if (end !== undefined) expect({ ...now, version: 0, successors }).toEqual({ ...old, version: 0 });
    expect(now).toMatchObject(frozen);
    expect(now.successors.slice(0, successors.length)).toEqual(successors);
    if (activatedAt !== undefined) expect(now.activatedAt).toBe(activatedAt);
    expect(now.warnedAt.slice(0, warnedAt.length)).toEqual(warnedAt);
  }
  for (const [id, old] of before.usages) {
    const now = after.usages.get(id);
    expect(now?.uses).toBeGreaterThanOrEqual(old.uses);
    expect(now?.usedAt ?? 0).toBeGreaterThanOrEqual(old.usedAt ?? 0);
    if (old.endedAt !== undefined) expect(now).toEqual(old);
  }
}

/** L3 L4 L10 L13 L14 L15: all grants of an approved request and no others, in the window that the design gives. */
export function expectWhole({ requests, grants }: Seen, limits: Limits): void {
  for (const request of requests) {
    const { end, ttlMs, extension, startsAt: asked, terms, afterReview } = request;
    const own = grants.filter(({ requestId }) => requestId === request.id);
    expect(own.map(({ scope }) => scope)).toEqual(end?.status === 'approved' ? request.scopes : []);
    const isShort = request.justification?.includes('short') === true;
    const total = Math.min(limits.maxTotal, isShort ? SHORT_TOTAL : Infinity);
    for (const [i, grant] of own.entries()) {
      const decidedAt = end?.at ?? NaN;
      expect(decidedAt).toBeLessThan(request.reviewBy);
      expect(decidedAt).toBeGreaterThanOrEqual(request.createdAt);
      const origin = grants.find(({ id }) => id === extension?.grantIds[i]);
      let [startsAt, expiresAt] = [Math.max(asked ?? decidedAt, decidedAt), (asked ?? decidedAt) + ttlMs];
      if (origin !== undefined) {
        let first = origin;
        for (let next: Grant | undefined = origin; next !== undefined; next = grants.find(({ id }) => id === first.extends)) first = next;
        startsAt = Math.max(origin.expiresAt, decidedAt);
        expiresAt = Math.min(startsAt + ttlMs, first.startsAt + total);
        expect(grant.scope).toBe(origin.scope);
        expect(origin.successors.map(({ grantId }) => grantId)).toContain(grant.id);
      }
      expect(grant).toMatchObject({
        subject: request.subject,
        startsAt,
        expiresAt,
        extends: extension?.grantIds[i],
        breakGlass: afterReview !== undefined || origin?.breakGlass === true,
      });
      expect(grant.expiresAt).toBeGreaterThan(grant.startsAt);
      expect(grant.expiresAt - grant.startsAt).toBeLessThanOrEqual(limits.maxTtl);
      if (origin === undefined) expect(ttlMs).toBeLessThanOrEqual(total);
      expect([grant.idleTtlMs, grant.maxUses]).toEqual([terms?.idleTtlMs, terms?.maxUses]);
    }
    const reviewers = [...request.reviews.map(({ reviewer }) => reviewer)];
    expect(new Set(reviewers).size).toBe(reviewers.length);
    for (const one of [...reviewers, afterReview?.breakGlassReview?.by]) {
      expect(one).not.toBe(request.subject);
      expect(one).not.toBe(request.requestedBy);
      expect(one).not.toBe(BOT);
    }
    // L16: there is no review before a quorum is named.
    if (request.quorum === undefined) expect(request.reviews).toEqual([]);
    for (const { groups } of request.reviews) expect(groups).not.toEqual([]);
  }
}

/**
 * L12: no grant that extends a revoked grant is live, and no request to extend one is open.
 *
 * @param alone whether the verbs ran one at a time; otherwise a request may come too late for the revoke to see it, and then
 *   only the first half holds
 */
export function expectLines({ requests, grants }: Seen, alone: boolean): void {
  const endedEarly = new Set(grants.filter(({ end }) => end?.status === 'revoked').map(({ id }) => id));
  for (let more = true; more;) {
    const next = grants.filter(({ id, extends: origin }) => origin !== undefined && endedEarly.has(origin) && !endedEarly.has(id));
    for (const { id } of next) endedEarly.add(id);
    more = next.length > 0;
  }
  for (const { id, end } of grants) if (endedEarly.has(id)) expect(end).toBeDefined();
  for (const { end, extension } of requests) {
    if (alone && extension?.grantIds.some((id) => endedEarly.has(id)) === true) expect(end).toBeDefined();
  }
  // An extension of break-glass access needs the approval of people.
  for (const { end, extension } of requests) {
    const origin = grants.find(({ id }) => extension?.grantIds.includes(id));
    if (origin?.breakGlass === true && end?.status === 'approved') expect(end.cause).toBe('quorum');
  }
}

/** Whether each place can be filled by a separate review: tries all assignments. */
function canFill(places: readonly string[], reviews: readonly (readonly string[])[]): boolean {
  const [place, ...rest] = places;
  if (place === undefined) return true;
  return reviews.some((groups, i) => groups.includes(place) && canFill(rest, [...reviews.slice(0, i), ...reviews.slice(i + 1)]));
}

/** L14 L16 L17: a quorum that has decided since the last look was complete, counting only reviewers who have the right now. */
export function expectQuorums(before: Seen, { requests }: Seen, approver: Moody, now: number): void {
  const open = new Set(before.requests.flatMap(({ id, end }) => (end === undefined ? [id] : [])));
  for (const { id, end, quorum, reviews, assignedAt, subject } of requests) {
    if (!open.has(id) || end?.at !== now || quorum === undefined) continue;
    // In the group at the review and now; as a stand-in from the escalation on; and only in the group that the review names.
    const rights = ({ reviewer, groups, as }: Review): readonly string[] => {
      const still = groups.filter((name) => approver.groupsNow(reviewer).includes(name));
      const standsIn = quorum.escalation !== undefined && still.includes('lead') && now >= (assignedAt ?? Infinity) + ESCALATE_AFTER;
      const names = (quorum.groups ?? []).map(({ name }) => name);
      return names.filter((name) => (standsIn || still.includes(name)) && (as ?? name) === name);
    };
    const counted = reviews.map((review) => ({ ...review, groups: rights(review) })).filter(({ groups }) => groups.length > 0);
    const denials = counted.filter(({ verdict }) => verdict === 'deny').length;
    const approvals = counted.filter(
      ({ verdict, at }) => verdict === 'approve' && (quorum.approvalTtlMs === undefined || now < at + quorum.approvalTtlMs),
    );
    const places = (quorum.groups ?? []).flatMap(({ name, approvals: needed }) => Array.from({ length: needed }, () => name));
    const isMet = canFill(
      places,
      approvals.map(({ groups }) => groups),
    );
    if (end.cause === 'quorum' && end.status === 'denied') expect(denials).toBeGreaterThanOrEqual(quorum.denials);
    if (end.cause === 'quorum' && end.status === 'approved') {
      expect(denials).toBeLessThan(quorum.denials);
      expect(isMet).toBe(true);
      expect(approver.banned.has(subject)).toBe(false);
    }
    if (end.cause === 'ineligible') expect([isMet, approver.banned.has(subject)]).toEqual([true, true]);
  }
}

/** How many break-glass grants by one requester a subject may have at a time. */
const BREAK_GLASS_RESERVE = 50;

/**
 * One requester never has more open for a subject than the limits, scheduled grants included (L44). Break-glass grants have a
 * reserve of their own. The pending break-glass reviews are limited too: those of each requester, and those of a subject that
 * others have caused.
 */
export function expectLimits(seen: Seen, limits: Limits, now: number): void {
  const { requests, grants } = seen;
  const requesterOf = new Map(requests.map(({ id, requestedBy }) => [id, requestedBy]));
  for (const { subject, requestedBy } of requests) {
    const isTheirs = (one: { readonly subject: string }, by: string | undefined) => one.subject === subject && by === requestedBy;
    const pending = requests.filter((one) => isTheirs(one, one.requestedBy) && one.end === undefined && now < one.reviewBy);
    expect(pending.length).toBeLessThanOrEqual(limits.maxOpenRequests);
    const live = grants.filter(
      (one) => isTheirs(one, requesterOf.get(one.requestId)) && one.end === undefined && now < endByTime(one, seen),
    );
    const taken = live.filter((one) => one.breakGlass && one.extends === undefined);
    expect(live.length - taken.length).toBeLessThanOrEqual(limits.maxGrants);
    expect(taken.length).toBeLessThanOrEqual(BREAK_GLASS_RESERVE);
  }
  const owing = requests.filter(({ afterReview }) => afterReview !== undefined && afterReview.breakGlassReview === undefined);
  for (const id of new Set(owing.flatMap(({ subject, requestedBy }) => [subject, requestedBy]))) {
    const taken = owing.filter(({ requestedBy }) => requestedBy === id);
    expect(taken.length).toBeLessThanOrEqual(MAX_UNREVIEWED);
    const byOthers = owing.filter(({ subject, requestedBy }) => subject === id && requestedBy !== id);
    expect(byOthers.length).toBeLessThanOrEqual(MAX_UNREVIEWED);
  }
}

/** Starts that needed confirmation were confirmed; uses never exceed their number; warnings never come before their instant. */
export function expectAlive({ requests, grants, usages }: Seen, confirmed: ReadonlySet<string>, told: ReadonlyMap<string, number>): void {
  for (const grant of grants) {
    const { id, requestId, asksAtStart, activatedAt, warnAt, warnedAt, maxUses, idleTtlMs, end, startsAt, expiresAt } = grant;
    if (activatedAt !== undefined) expect(activatedAt).toBeGreaterThanOrEqual(startsAt);
    if (asksAtStart && activatedAt !== undefined) expect(confirmed.has(requestId)).toBe(true);
    for (const [i, at] of warnedAt.entries()) expect(at).toBeGreaterThanOrEqual(warnAt[i] ?? Infinity);
    if (end !== undefined) expect(end.at).toBeLessThanOrEqual(expiresAt);
    const usage = usages.get(id);
    expect(usage === undefined).toBe(maxUses === undefined && idleTtlMs === undefined);
    // A revoke leaves the usage row to the sweep; every other end closes it.
    if (usage !== undefined && (end?.status !== 'revoked' || usage.endedAt !== undefined)) expect(usage.endedAt).toBe(end?.at);
    expect(usage?.uses ?? 0).toBeLessThanOrEqual(maxUses ?? 0);
    expect(usage?.uses ?? 0).toBeGreaterThanOrEqual(told.get(id) ?? 0);
    expect(end?.cause === 'used_up').toBe(maxUses !== undefined && usage?.uses === maxUses);
    if (end?.cause === 'idle') expect(end.at).toBe(Math.min(end.at, (usage?.usedAt ?? startsAt) + (idleTtlMs ?? 0)));
  }
  for (const { assignedAt, escalatedAt, afterReview } of requests) {
    if (escalatedAt !== undefined) expect(escalatedAt).toBeGreaterThanOrEqual((assignedAt ?? Infinity) + ESCALATE_AFTER);
    if (afterReview?.missedAt !== undefined) expect(afterReview.missedAt).toBeGreaterThanOrEqual(afterReview.reviewBy);
  }
}
