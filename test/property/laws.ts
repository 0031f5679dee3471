import { expect } from 'vitest';
import type { AccessRequest, Grant, Review } from '../../src/index.js';
import type { Usage } from '../../src/records/index.js';
import { BOT, ESCALATE_AFTER, MAX_UNREVIEWED, SHORT_TOTAL, type Moody } from './moody.js';

/*
 * The laws, said once more by somebody who has read only the design: none of these asks the engine or its rules.
 */

/** All that is on record at some instant. */
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

/** The end that time gives a grant: its window's, or that of having gone unused. */
function endByTime(grant: Grant, { usages }: Seen): number {
  const usage = usages.get(grant.id);
  const idle = grant.idleTtlMs === undefined ? Infinity : (usage?.usedAt ?? grant.startsAt) + grant.idleTtlMs;
  return Math.min(grant.expiresAt, idle);
}

/** L1 L2 L20: what allows at `now`. */
export function usableAt(grant: Grant, seen: Seen, now: number): boolean {
  const { end, startsAt, asksAtStart, activatedAt, maxUses } = grant;
  if (end !== undefined || now < startsAt || now >= endByTime(grant, seen)) return false;
  // Nor before its start was confirmed, where the clock has gone back.
  if (asksAtStart && (activatedAt === undefined || now < activatedAt)) return false;
  return maxUses === undefined || (seen.usages.get(grant.id)?.uses ?? maxUses) < maxUses;
}

/** L8 L18: what has ended stays as it is, what was asked or given never changes, and what is added is added once. */
export function expectLegal(before: Seen, after: Seen): void {
  for (const old of before.requests) {
    const now = after.requests.find(({ id }) => id === old.id);
    if (now === undefined) throw new Error(`request ${old.id} has gone`);
    const { version: _v, end, afterReview, reviews: _r, escalatedAt, ...frozen } = old;
    // What has run out has, whenever that goes on record.
    if (end === undefined && old.reviewBy <= before.at && now.end !== undefined) expect(now.end.status).toBe('expired');
    if (end !== undefined && afterReview === undefined) expect(now).toEqual(old);
    if (end !== undefined) expect(now).toMatchObject({ end, reviews: old.reviews });
    if (afterReview?.missedAt !== undefined) expect(now.afterReview?.missedAt).toBe(afterReview.missedAt);
    if (afterReview?.breakGlassReview !== undefined) expect(now).toEqual(old);
    if (escalatedAt !== undefined) expect(now.escalatedAt).toBe(escalatedAt);
    const { approver: _a, rule: _l, terms: _t, assignedAt: _s, quorum: _q, reviewBy: _b, ...asked } = frozen;
    expect(now).toMatchObject(old.approver === undefined ? asked : frozen);
    // A denial stays one.
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

/** L3 L4 L10 L13 L14 L15: all grants of an approved request and none else, in the window that the design gives. */
export function expectWhole({ requests, grants }: Seen, limits: Limits): void {
  for (const request of requests) {
    const { end, ttlMs, extension, startsAt: asked, terms, afterReview } = request;
    const own = grants.filter(({ requestId }) => requestId === request.id);
    expect(own.map(({ scope }) => scope)).toEqual(end?.status === 'approved' ? request.scopes : []);
    const isShort = request.justification?.includes('short') === true;
    const total = Math.min(limits.maxTotal, isShort ? SHORT_TOTAL : Infinity);
    for (const grant of own) {
      const decidedAt = end?.at ?? NaN;
      expect(decidedAt).toBeLessThan(request.reviewBy);
      expect(decidedAt).toBeGreaterThanOrEqual(request.createdAt);
      const origin = grants.find(({ id }) => id === extension?.grantId);
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
        extends: extension?.grantId,
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
    // L16: nobody reviews what nobody has been named for.
    if (request.quorum === undefined) expect(request.reviews).toEqual([]);
    for (const { groups } of request.reviews) expect(groups).not.toEqual([]);
  }
}

/**
 * L12: nothing that goes on from a revoked grant lives, nor is anything open that would.
 *
 * @param alone whether one thing was done at a time; else somebody may have asked so late that the revoke could not see
 *   it, and then what holds is the first half
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
    if (alone && extension !== undefined && endedEarly.has(extension.grantId)) expect(end).toBeDefined();
  }
  // What was taken without review is not prolonged without one.
  for (const { end, extension } of requests) {
    const origin = grants.find(({ id }) => id === extension?.grantId);
    if (origin?.breakGlass === true && end?.status === 'approved') expect(end.cause).toBe('quorum');
  }
}

/** Whether each place can be filled by a review of its own: by trying everything. */
function canFill(places: readonly string[], reviews: readonly (readonly string[])[]): boolean {
  const [place, ...rest] = places;
  if (place === undefined) return true;
  return reviews.some((groups, i) => groups.includes(place) && canFill(rest, [...reviews.slice(0, i), ...reviews.slice(i + 1)]));
}

/** L14 L16 L17: a quorum that has decided since the last look had what it takes, of those who have the right now. */
export function expectQuorums(before: Seen, { requests }: Seen, approver: Moody, now: number): void {
  const open = new Set(before.requests.flatMap(({ id, end }) => (end === undefined ? [id] : [])));
  for (const { id, end, quorum, reviews, assignedAt, subject } of requests) {
    if (!open.has(id) || end?.at !== now || quorum === undefined) continue;
    // In the group when it was given, and still; as a stand-in from its time on; and nowhere but where it was to count.
    const rights = ({ reviewer, groups, as }: Review): readonly string[] => {
      const still = groups.filter((name) => approver.groupsNow(reviewer).includes(name));
      const standsIn = quorum.escalation !== undefined && still.includes('lead') && now >= (assignedAt ?? Infinity) + ESCALATE_AFTER;
      const names = quorum.groups.map(({ name }) => name);
      return names.filter((name) => (standsIn || still.includes(name)) && (as ?? name) === name);
    };
    const counted = reviews.map((review) => ({ ...review, groups: rights(review) })).filter(({ groups }) => groups.length > 0);
    const denials = counted.filter(({ verdict }) => verdict === 'deny').length;
    const approvals = counted.filter(
      ({ verdict, at }) => verdict === 'approve' && (quorum.approvalTtlMs === undefined || now < at + quorum.approvalTtlMs),
    );
    const places = quorum.groups.flatMap(({ name, approvals: needed }) => Array.from({ length: needed }, () => name));
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

/** As many break-glass grants of one requester as a subject may have at a time. */
const BREAK_GLASS_RESERVE = 50;

/**
 * What one requester has open for a subject is never more than the limits, scheduled grants included (L44); break-glass
 * grants have a reserve of their own. Nor are the break-glass reviews that are pending: those of each requester, and those
 * of a subject that others have brought about.
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

/** Starts that were to be confirmed were; uses are never more than there were to take; nothing is told before its time. */
export function expectAlive({ requests, grants, usages }: Seen, confirmed: ReadonlySet<string>, told: ReadonlyMap<string, number>): void {
  for (const grant of grants) {
    const { id, requestId, asksAtStart, activatedAt, warnAt, warnedAt, maxUses, idleTtlMs, end, startsAt, expiresAt } = grant;
    if (activatedAt !== undefined) expect(activatedAt).toBeGreaterThanOrEqual(startsAt);
    if (asksAtStart && activatedAt !== undefined) expect(confirmed.has(requestId)).toBe(true);
    for (const [i, at] of warnedAt.entries()) expect(at).toBeGreaterThanOrEqual(warnAt[i] ?? Infinity);
    if (end !== undefined) expect(end.at).toBeLessThanOrEqual(expiresAt);
    const usage = usages.get(id);
    expect(usage === undefined).toBe(maxUses === undefined && idleTtlMs === undefined);
    // An early end leaves its usage to the sweep; every other closes it.
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
