import type { AuditEntry, Decision, JitErrorCode, JsonObject } from '../../src/index.js';
import {
  AGENTS,
  DENIED_SCOPE,
  ESCALATE_AFTER,
  MAX_HOLDERS,
  OWED_WITHIN,
  REVIEW_WITHIN,
  RUNS,
  SIGNED_IN_WITHIN,
  STRONG,
  endByOf,
  saysTo,
  type Mood,
  type QuorumOf,
  type StepOf,
} from './mood.js';

/*
 * The laws a second time, written from the design alone by an author who had not read the engine. The model has no store, no
 * journal, no versions and no I/O: it holds the current state, and gives the possible results of each verb.
 */

export interface End {
  readonly status: 'approved' | 'denied' | 'cancelled' | 'expired' | 'revoked';
  /** One of these; two where the design leaves open which. */
  readonly causes: readonly string[];
  /** The instant; a range where the design leaves one. */
  readonly from: number;
  readonly to: number;
  readonly by: string;
}

export interface ModelReview {
  readonly reviewer: string;
  readonly verdict: 'approve' | 'deny';
  readonly groups: readonly string[];
  readonly as: string | undefined;
  /** The number of begun steps that an approval counts in, in addition to the first ones. */
  readonly steps: number;
  readonly at: number;
  /** What an approval allows at most; all that was asked, if its reviewer has not narrowed it. */
  readonly ttl: number;
  readonly scopes: readonly string[];
}

/** The terms that a reviewer names. */
export interface Terms {
  readonly ttl?: number | undefined;
  readonly scopes?: readonly string[] | undefined;
}

/** How a reviewer signed in. */
export interface Auth {
  readonly acr?: string | undefined;
  readonly authAt?: number | undefined;
}

/** A review, as the model judges it. */
export interface ModelReviewing {
  readonly verdict: 'approve' | 'deny';
  readonly by: string;
  readonly as: string | undefined;
  readonly terms: Terms;
  readonly auth: Auth | undefined;
  /** Whether an approval link is made for it first, which judges the terms alone. */
  readonly isLink: boolean;
}

interface Granted {
  readonly scopes: readonly string[];
  readonly ttl: number;
}

export interface ModelRequest {
  readonly id: string;
  readonly subject: string;
  readonly by: string;
  /** The operator for whom a run asked, if it named one. */
  readonly operator: string | undefined;
  readonly scopes: readonly string[];
  readonly ttl: number;
  readonly until: number | undefined;
  readonly startsAt: number | undefined;
  readonly extension: ModelExtension | undefined;
  readonly why: string;
  readonly ticket: string | undefined;
  /** The id of the request that this one replaces, and of the one that replaces it: its requester has amended it. */
  readonly replaces: string | undefined;
  replacedBy: string | undefined;
  readonly createdAt: number;
  reviewBy: number;
  quorum: QuorumOf | undefined;
  assignedAt: number | undefined;
  /** The later steps that have begun, in order. */
  begun: readonly { readonly alternative: number; readonly step: number; readonly at: number }[];
  /** How many reminders of its reviewers there were, and the instant of the last one. */
  reminders: number;
  remindedAt: number | undefined;
  reviews: ModelReview[];
  readonly comments: ModelComment[];
  end: End | undefined;
  /** What an approval gave. */
  granted: Granted | undefined;
  afterReview: { readonly reviewBy: number; breakGlassReview: { readonly by: string; readonly verdict: string } | undefined } | undefined;
  /** When it was escalated last, as the journal says. */
  escalatedAt: number | undefined;
}

/** A comment on a request. */
export interface ModelComment {
  readonly id: string;
  readonly by: string;
  readonly text: string;
  readonly at: number;
  readonly key: string | undefined;
}

/** The grants that a request extends: of one request, so they have one window. */
export interface ModelExtension {
  /** Whether the caller named their request. */
  readonly isBundle: boolean;
  readonly of: ModelRequest;
  readonly grants: readonly ModelGrant[];
  readonly expiresAt: number;
  readonly firstStartsAt: number;
  readonly breakGlass: boolean;
}

export const extensionOf = (of: ModelRequest, grants: readonly ModelGrant[], isBundle: boolean): ModelExtension => {
  const { expiresAt = 0, firstStartsAt = 0, breakGlass = false } = grants[0] ?? {};
  return { isBundle, of, grants, expiresAt, firstStartsAt, breakGlass };
};

export interface ModelGrant {
  readonly id: string;
  /** The grant that it extends. */
  readonly extends: ModelGrant | undefined;
  readonly request: ModelRequest;
  readonly scope: string;
  readonly startsAt: number;
  readonly expiresAt: number;
  readonly firstStartsAt: number;
  readonly breakGlass: boolean;
  /** Whether it was issued for a later start: then the approver is asked once more. */
  readonly asksAtStart: boolean;
  activatedAt: number | undefined;
  readonly idle: number | undefined;
  readonly maxUses: number | undefined;
  usedAt: number | undefined;
  uses: number;
  end: End | undefined;
  readonly issuedAt: number;
  /** When it was extended, and when its subject was warned, as the journal says. */
  extendedAt: readonly number[];
  warnedAt: readonly number[];
}

/** A lock, which each step completes. */
export interface ModelLock {
  readonly id: string;
  readonly subject: string | undefined;
  readonly scope: string | undefined;
  readonly until: number | undefined;
  readonly by: string;
  /** The recorded end. */
  end: 'lifted' | 'expired' | undefined;
}

/** A use that was taken under a key. */
export interface ModelUse {
  readonly grant: ModelGrant;
  readonly subject: string;
  readonly scope: string;
  readonly at: number;
  readonly usesLeft: number;
}

export interface Limits {
  readonly maxTtl: number;
  readonly maxTotal: number;
  readonly maxStartAhead: number;
  readonly maxOpenRequests: number;
  readonly maxGrants: number;
  readonly duplicates: 'return' | 'refuse';
  readonly minTtl: number;
  readonly askAgainAfter: number | undefined;
  /** Whether a deny rule keeps agents from {@link DENIED_SCOPE}. */
  readonly deniesAgents: boolean;
}

/** The clock of the acting process: `late` is the instant for ends, and while `back` it creates no access (L5). */
export interface Now {
  readonly now: number;
  readonly highWater: number;
  readonly late: number;
  readonly back: boolean;
}

export interface Ask {
  readonly subject: string;
  readonly by: string;
  readonly operator: string | undefined;
  readonly scopes: readonly string[];
  /** Without meaning where it has an `until`. */
  readonly ttl: number;
  readonly until: number | undefined;
  readonly startsAt: number | undefined;
  readonly why: string;
  readonly ticket: string | undefined;
}

/** The codes that a verb may be refused with. It must be refused if `must` holds any, and may be with one of `may`. */
export interface Refusals {
  readonly must: readonly JitErrorCode[];
  readonly may?: readonly JitErrorCode[];
  /** How many problems a refusal with `ERR_JIT_REQUIREMENTS` lists. */
  readonly problems?: number;
}

/** The length of a window: with an end, the longest that a decision can give. */
function lengthOf(
  { ttl, until, startsAt }: Pick<Ask, 'ttl' | 'until' | 'startsAt'>,
  extension: ModelExtension | undefined,
  now: number,
): number {
  if (until === undefined) return ttl;
  return until - (extension === undefined ? (startsAt ?? now) : Math.max(extension.expiresAt, now));
}

const codes = (table: Readonly<Record<string, boolean>>): JitErrorCode[] =>
  Object.entries(table).flatMap(([key, holds]) => (holds ? [`ERR_JIT_${key.split(' ')[0] as string}` as JitErrorCode] : []));

/** L47: no clock that is right is further ahead of another one, the leeway aside. */
const TOLERANCE = 60_000;

/** How often the lives have reached a state that only a wrong clock makes, or a decision in one commit or in two. */
export const reached = new Map<string, number>();
export const reach = (state: string): void => void reached.set(state, (reached.get(state) ?? 0) + 1);

/** L47: whether an instant is a base for a process whose clock, with the leeway, shows `clock`. */
const isBelieved = (instant: number, clock: number): boolean => instant <= clock + TOLERANCE;

/** What a record says of its own past. */
const instantsOf = (record: ModelRequest | ModelGrant): readonly number[] => {
  const own =
    'request' in record
      ? [record.issuedAt, record.activatedAt ?? 0, ...record.extendedAt, ...record.warnedAt]
      : [
          ...[record.createdAt, record.assignedAt ?? 0, record.escalatedAt ?? 0, record.remindedAt ?? 0],
          ...[...record.begun, ...record.reviews].map(({ at }) => at),
        ];
  return [...own, record.end?.from ?? 0];
};

/** The last instant on a record, right or wrong. */
export const lastOn = (record: ModelRequest | ModelGrant): number => Math.max(...instantsOf(record));

/** L27 L47: an entry is stamped no earlier than what its records say, except what a wrong clock has written. */
export function stampOf(at: Now, records: readonly (ModelRequest | ModelGrant)[], ...further: readonly (number | undefined)[]): number {
  const said = [...records.flatMap(instantsOf), ...further.map((one = 0) => one)];
  const believed = said.filter((one) => isBelieved(one, at.now + at.late - at.highWater));
  if (believed.length < said.length) reach('a stamp on a record with an instant of a wrong clock');
  return Math.max(at.now, ...believed);
}

/** L47: whether a recorded use still counts as the last one. */
export function isUseBelieved({ usedAt = 0 }: ModelGrant, { late }: Now): boolean {
  if (!isBelieved(usedAt, late)) reach('a use beside one of a wrong clock');
  return isBelieved(usedAt, late);
}

/** L1: the end that time gives the grant. */
export const endByTime = ({ expiresAt, idle, usedAt, startsAt }: ModelGrant): number =>
  Math.min(expiresAt, idle === undefined ? Infinity : (usedAt ?? startsAt) + idle);

export const isLive = (grant: ModelGrant, { late }: Now): boolean => grant.end === undefined && late < endByTime(grant);

export const isPending = (request: ModelRequest, { late }: Now): boolean => request.end === undefined && late < request.reviewBy;

/** L1 L2 L20. */
export const isUsable = (grant: ModelGrant, at: Now): boolean =>
  isLive(grant, at) &&
  grant.startsAt <= at.now &&
  (!grant.asksAtStart || (grant.activatedAt !== undefined && grant.activatedAt <= at.now)) &&
  (grant.maxUses === undefined || grant.uses < grant.maxUses);

/**
 * L36: whether a use under a key is answered again: while its grant allows, or if this use, the last one, has ended the grant
 * and time has not.
 */
function isRepeatable({ grant, usesLeft }: ModelUse, at: Now): boolean {
  const begun = Math.max(grant.startsAt, grant.asksAtStart ? (grant.activatedAt ?? Infinity) : 0) <= at.now;
  const isLastUse = usesLeft === 0 && grant.end?.causes.includes('used_up') === true;
  return isUsable(grant, at) || (isLastUse && begun && at.late < endByTime(grant));
}

/** L27 L47: whether the approver must still confirm a start: a confirmation of a wrong clock counts as none. */
export function needsConfirmation({ asksAtStart, activatedAt }: ModelGrant, { late }: Now): boolean {
  if (!asksAtStart || activatedAt === undefined) return asksAtStart;
  if (!isBelieved(activatedAt, late)) reach('a start that only a wrong clock has confirmed');
  return !isBelieved(activatedAt, late);
}

/**
 * L39: the latest instant that the entries of callers confirm at one of the states that a journal has gone through: at each, half of
 * them are younger. An entry that lies too far ahead of the clock says nothing.
 */
export function confirmedBy(entries: readonly AuditEntry[], at: Now): number {
  const said: number[] = [];
  let confirmed = 0;
  for (const entry of entries) {
    const isOfLock = entry.type === 'lock.completed' || (entry.data['end'] as JsonObject | undefined)?.['cause'] === 'locked';
    if (entry.actor.startsWith('system:') || isOfLock || !isBelieved(entry.at, at.now + at.late - at.highWater)) continue;
    said.push(entry.at);
    const sorted = said.toSorted((a, b) => a - b);
    confirmed = Math.max(confirmed, sorted[Math.ceil(sorted.length / 2) - 1] as number);
  }
  return Math.min(at.now, confirmed);
}

/** A9: only a recorded end, or the expiry, frees a place: a use that is recorded at the same time may move an idle end. */
const holdsPlace = (grant: ModelGrant, { late }: Now): boolean => grant.end === undefined && late < grant.expiresAt;

/** Issued for a later start, and not started; until that is recorded, if the approver is asked at the start. */
export const isScheduled = (grant: ModelGrant, at: Now): boolean =>
  isLive(grant, at) && at.now < Math.max(grant.startsAt, grant.asksAtStart ? (grant.activatedAt ?? Infinity) : 0);

/** L27: the grants that were held at an instant of the past. */
export const wasHeld = (grant: ModelGrant, t: number, endAt: number | undefined): boolean =>
  Math.max(grant.startsAt, grant.asksAtStart ? (grant.activatedAt ?? Infinity) : 0) <= t &&
  t < Math.min(endByTime(grant), endAt ?? Infinity);

/** L21, by the words of the law: segment by segment. */
export function covers(granted: string, scope: string): boolean {
  const [left, right] = [granted.split(':'), scope.split(':')];
  for (const [i, part] of left.entries()) {
    if (part === '**') return right.length > i;
    if (right[i] === undefined || (part !== '*' && part !== right[i])) return false;
  }
  return left.length === right.length;
}

/** A segment that some pattern covers and that no requested scope has. */
const UNIVERSE = ['a:x', 'a:y', 'b:x', 'a:z', 'b:z', 'b:z:z'];

/** L21: whether some concrete scope is covered by both. */
export const overlaps = (a: string, b: string): boolean => UNIVERSE.some((scope) => covers(a, scope) && covers(b, scope));

const shareScopes = (a: readonly string[], b: readonly string[]): boolean => a.some((one) => b.some((other) => overlaps(one, other)));

/** Whether two lists name the same scopes. */
const isSameSet = (a: readonly string[], b: readonly string[]): boolean => a.toSorted().join() === b.toSorted().join();

/** L43: whether an id is that of a run of an agent. */
const isRunOf = (id: string | undefined, agent: string): boolean => id !== undefined && RUNS.get(id)?.agent === agent;

/** L44: an ask counts with the asks of the same requester for this subject, and with those of the subject itself. */
const isHeldAgainst = (ask: { readonly subject: string; readonly by: string }, by: string): boolean => by === ask.by || by === ask.subject;

/** L18: what every one of these allows. */
const least = ({ scopes, ttl }: ModelRequest, approvals: readonly Granted[]): Granted => ({
  scopes: approvals.reduce((left, one) => left.filter((scope) => one.scopes.includes(scope)), scopes),
  ttl: approvals.reduce((shortest, one) => Math.min(shortest, one.ttl), ttl),
});

/** The groups in which a review may count: for each alternative, for each step. */
type Rights = readonly (readonly (readonly string[])[])[];

/** A16: a strong quorum needs the right kind of sign-in, and a recent one. */
function authProblems({ quorum }: ModelRequest, { acr, authAt = -Infinity }: Auth = {}, at: Now): number {
  if (quorum?.isStrong !== true) return 0;
  const isRecent = at.late - authAt <= SIGNED_IN_WITHIN && authAt <= at.now + 60_000;
  return (acr === STRONG ? 0 : 1) + (isRecent ? 0 : 1);
}

const groupsOf = ({ alternatives }: QuorumOf): readonly string[] =>
  alternatives.flatMap(({ steps }) => steps.flatMap(({ groups }) => groups.map(({ name }) => name)));

/** A place of a group in a step. */
const keyOf = (step: number, group: string): string => `${step} ${group}`;
const keysOf = (steps: readonly (readonly string[])[]): readonly string[] =>
  steps.flatMap((groups, i) => groups.map((name) => keyOf(i, name)));
const placesOf = (steps: readonly StepOf[]): readonly string[] =>
  steps.flatMap(({ groups }, i) => groups.flatMap(({ name, approvals }) => Array.from({ length: approvals }, () => keyOf(i, name))));

/** L14: whether every place can be filled by a separate review: tries all assignments. */
function canFill([place, ...rest]: readonly string[], reviews: readonly (readonly string[])[]): boolean {
  return place === undefined || reviews.some((groups, i) => groups.includes(place) && canFill(rest, reviews.toSpliced(i, 1)));
}

export class Model {
  readonly requests: ModelRequest[] = [];
  readonly grants: ModelGrant[] = [];
  readonly locks: ModelLock[] = [];
  /** A9: the grants of the rule with few holders that had not ended when the last of them was issued. */
  holders: readonly ModelGrant[] = [];
  /** The result that a key of a requester names (L11). */
  readonly keys = new Map<string, { readonly ask: string; readonly id: string }>();
  readonly #mood: Mood;
  readonly #limits: Limits;

  constructor(mood: Mood, limits: Limits) {
    this.#mood = mood;
    this.#limits = limits;
  }

  /** The locks that deny at `now`: its expiry counts at its instant, without leeway, and stays once it is recorded. */
  openLocks({ now }: Now): readonly ModelLock[] {
    return this.locks.filter(({ end, until = Infinity }) => end === undefined && now < until);
  }

  /** The open locks on one of these ids, or on a scope that overlaps one of these. A lock on an agent is one on its runs (L43). */
  locksOn(ids: readonly (string | undefined)[], scopes: readonly string[], at: Now): readonly ModelLock[] {
    return this.openLocks(at).filter(({ subject, scope }) =>
      subject === undefined ? shareScopes(scopes, [scope as string]) : ids.some((id) => id === subject || isRunOf(id, subject)),
    );
  }

  isLocked({ subject, by, operator, scopes }: Pick<Ask, 'subject' | 'by' | 'operator' | 'scopes'>, at: Now): boolean {
    return this.locksOn([subject, by, operator], scopes, at).length > 0;
  }

  /** Ends all access that a lock reaches. */
  lock(lock: ModelLock, at: Now): void {
    this.locks.push(lock);
    const { subject, scope, by } = lock;
    const causes = ['locked', 'origin_ended'];
    const reaches = (of: ModelRequest, scopes: readonly string[]) =>
      subject === undefined ? shareScopes(scopes, [scope as string]) : of.subject === subject || isRunOf(of.subject, subject);
    for (const grant of this.grants)
      if (reaches(grant.request, [grant.scope]) && isLive(grant, at)) this.endEarly(grant, causes, by, at, causes);
    for (const request of this.requests)
      if (request.by === subject || reaches(request, request.scopes)) this.cancel(request, causes, by, at);
  }

  /** The grants that extend a grant, through any number of extensions. */
  line(grant: ModelGrant): readonly ModelGrant[] {
    return this.grants.filter((next) => next.extends === grant).flatMap((next) => [next, ...this.line(next)]);
  }

  /** What an extension of a whole request extends: its live grants, without those that a live grant extends. */
  bundleOf(request: ModelRequest, at: Now, isAsked: (grant: ModelGrant) => boolean = () => true): ModelExtension {
    const isExtended = (grant: ModelGrant) => this.grants.some((next) => next.extends === grant && isLive(next, at));
    return extensionOf(
      request,
      this.grantsOf(request).filter((grant) => isAsked(grant) && isLive(grant, at) && !isExtended(grant)),
      true,
    );
  }

  grantsOf(request: ModelRequest): readonly ModelGrant[] {
    return this.grants.filter((grant) => grant.request === request);
  }

  /**
   * The result of an ask before the approver decides it.
   *
   * @param extension the grants to be extended
   * @param amends the request that it replaces: then it repeats no other one
   */
  asking(
    ask: Ask,
    extension: ModelExtension | undefined,
    at: Now,
    amends?: ModelRequest,
  ): Refusals & { readonly reuses: readonly ModelRequest[]; readonly may: JitErrorCode[]; readonly problems: number } {
    const { maxTtl, maxTotal, maxStartAhead, maxOpenRequests, maxGrants, duplicates, minTtl } = this.#limits;
    const { subject, by, startsAt, scopes, until } = ask;
    const ttl = lengthOf(ask, extension, at.now);
    const end = until ?? (startsAt === undefined ? Infinity : startsAt + ttl);
    const reuses = this.#duplicatesOf(ask, extension, at);
    const open = this.requests.filter((one) => isPending(one, at));
    const pending = open.filter((one) => one.subject === subject && isHeldAgainst(ask, one.by)).length;
    const forOthers = open.filter((one) => one.by === by && one.subject !== by).length;
    const isNew = amends !== undefined || reuses.length === 0;
    const left = startsAt === undefined ? ttl : Math.min(ttl, startsAt + ttl - at.now);
    // With an end, an extension is refused where the chain would be too long. With a length, it is cut.
    const total = extension === undefined || until === undefined ? ttl : until - extension.firstStartsAt;
    const isAtEnd = until !== undefined && until - minTtl <= at.now;
    const beyond = [ttl > maxTtl, total > maxTotal, left < minTtl || isAtEnd, startsAt !== undefined && startsAt > at.now + maxStartAhead];
    const problems = beyond.filter(Boolean).length;
    const must = codes({
      REQUIREMENTS: problems > 0,
      'LIMIT total': extension !== undefined && Math.max(extension.expiresAt, at.now) >= extension.firstStartsAt + maxTotal,
      'LIMIT open': isNew && pending >= maxOpenRequests,
      'LIMIT for others': isNew && by !== subject && forOthers >= maxOpenRequests,
      'LIMIT grants': isNew && this.#countGrants(ask, at) + scopes.length > maxGrants,
      'LIMIT denied': isNew && this.#isPaused(ask, extension, at, amends),
      'LIMIT cover': isNew && this.#cover(ask, extension, at) > maxTotal,
      'LIMIT duplicate': reuses.length > 0 && duplicates === 'refuse',
      DEADLINE: end <= at.late,
      'INVALID_ARGUMENT end': until !== undefined && ttl <= 0,
      ENDED: extension !== undefined && !extension.grants.some((grant) => isLive(grant, at)),
      CLOCK: at.back,
      APPROVER: this.#mood.isFailing,
      INELIGIBLE: this.#mood.banned.has(subject),
      LOCKED: this.isLocked(ask, at),
    });
    // With a clock that has gone back this far, the deadline has already passed for a process that remembers (L5 L13).
    const isLate = isNew && Math.min(at.now + REVIEW_WITHIN, until === undefined ? Infinity : until - minTtl) <= at.late;
    return { must, may: isLate ? ['ERR_JIT_DEADLINE', 'ERR_JIT_APPROVER'] : [], problems, reuses: amends === undefined ? reuses : [] };
  }

  /** L18: the result of an ask that replaces a pending request. That request counts under no limit. */
  amending(request: ModelRequest, ask: Ask, extension: ModelExtension | undefined, by: string, at: Now): ReturnType<Model['asking']> {
    const isOpen = isPending(request, at);
    const refused = codes({
      DENIED: by !== request.by,
      DECIDED: request.end !== undefined,
      DEADLINE: !isOpen && request.end === undefined,
      INVALID_ARGUMENT:
        isOpen &&
        ask.until === request.until &&
        (ask.until !== undefined || ask.ttl === request.ttl) &&
        ask.why === request.why &&
        ask.ticket === request.ticket,
    });
    const index = this.requests.indexOf(request);
    this.requests.splice(index, 1);
    const asked = this.asking(ask, extension, at, request);
    this.requests.splice(index, 0, request);
    return isOpen ? { ...asked, must: [...refused, ...asked.must] } : { ...asked, must: refused, may: [] };
  }

  amend(request: ModelRequest, id: string, at: Now): void {
    this.cancel(request, ['amended'], request.by, at);
    request.replacedBy = id;
  }

  /** The grants and requests of a subject that count towards the limits of an ask, without those by break-glass. */
  #countGrants(ask: Pick<Ask, 'subject' | 'by'>, at: Now): number {
    const isTaken = ({ breakGlass, request }: ModelGrant) => breakGlass && request.extension === undefined;
    return this.grants.filter(
      (one) => one.request.subject === ask.subject && isLive(one, at) && !isTaken(one) && isHeldAgainst(ask, one.request.by),
    ).length;
  }

  /** The denials of a request: by its reviewers, unless it was approved afterwards, and by the approver. */
  denialsOf({ reviews, end }: ModelRequest): readonly { readonly by: string; readonly at: number }[] {
    if (end?.status === 'approved') return [];
    const said = reviews.filter(({ verdict }) => verdict === 'deny').map(({ reviewer: by, at }) => ({ by, at }));
    const isTheApprovers = end?.status === 'denied' && !end.causes.includes('quorum') && !end.causes.includes('limit');
    return isTheApprovers ? [...said, { by: end.by, at: end.from }] : said;
  }

  /**
   * L47: a denial by a wrong clock counts from the creation of its request. If that is by a clock ahead too, either clock may be the
   * wrong one: the denial counts from the earlier of the two, unless that lies further ahead than it is kept.
   */
  deniedSince({ createdAt }: ModelRequest, denial: { readonly at: number }, kept: number, { late }: Now): number {
    if (isBelieved(denial.at, late)) return denial.at;
    reach('a denial of a wrong clock');
    if (isBelieved(createdAt, late)) return createdAt;
    const earlier = Math.min(createdAt, denial.at);
    return earlier - late > Math.max(kept, TOLERANCE) ? -Infinity : earlier;
  }

  /** The span in which a request could give access from now on: any decision instant, if it has no start. */
  #windowOf(
    { startsAt, ttl, until = Infinity }: Pick<Ask, 'startsAt' | 'ttl' | 'until'>,
    extension: ModelExtension | undefined,
    at: Now,
  ): readonly [number, number] {
    if (extension !== undefined)
      return [Math.max(extension.expiresAt, at.now), Math.min(extension.firstStartsAt + this.#limits.maxTotal, until)];
    if (startsAt === undefined) return [at.now, until];
    return [Math.max(startsAt, at.now), until === Infinity ? startsAt + ttl : until];
  }

  /** Whether reviewers would decide the same access twice. */
  isSameAsk(ask: Omit<Ask, 'by' | 'why' | 'ticket'>, extension: ModelExtension | undefined, other: ModelRequest, at: Now): boolean {
    const [from, to] = this.#windowOf(ask, extension, at);
    const [begins, ends] = this.#windowOf(other, other.extension, at);
    return ask.subject === other.subject && begins < to && from < ends && shareScopes(ask.scopes, other.scopes);
  }

  /**
   * L44: a denial blocks its requester; a denial of the subject's own ask blocks every requester. An extension is blocked by the
   * denial of an extension only. A request that is amended keeps its denials.
   */
  #isPaused(ask: Ask, extension: ModelExtension | undefined, at: Now, amends: ModelRequest | undefined): boolean {
    const pause = this.#limits.askAgainAfter;
    if (pause === undefined) return false;
    return [...this.requests, ...(amends === undefined ? [] : [amends])].some(
      (one) =>
        isHeldAgainst(ask, one.by) &&
        (extension === undefined || one.extension !== undefined) &&
        this.isSameAsk(ask, extension, one, at) &&
        this.denialsOf(one).some((denial) => at.now < this.deniedSince(one, denial, pause, at) + pause),
    );
  }

  /** How long the subject would have one of these scopes without a break, if every request that counts were approved. */
  #cover(ask: Ask, extension: ModelExtension | undefined, at: Now): number {
    const spanOf = (startsAt: number | undefined, ttl: number, from: ModelExtension | undefined, latest: number) => {
      const begins = Math.max(from?.expiresAt ?? startsAt ?? at.now, at.now);
      return [begins, Math.min((from === undefined ? (startsAt ?? at.now) : begins) + ttl, latest)] as const;
    };
    const counted = (one: ModelRequest) => one.subject === ask.subject && isHeldAgainst(ask, one.by);
    const latest = Math.min(extension === undefined ? Infinity : extension.firstStartsAt + this.#limits.maxTotal, ask.until ?? Infinity);
    const lengths = ask.scopes.map((scope) => {
      const spans = [
        ...this.grants
          .filter((one) => isLive(one, at) && counted(one.request) && overlaps(one.scope, scope))
          .map((one) => [Math.max(one.startsAt, at.now), one.expiresAt] as const),
        ...this.requests
          .filter((one) => isPending(one, at) && counted(one) && shareScopes(one.scopes, [scope]))
          .map((one) => spanOf(one.startsAt, one.ttl, one.extension, this.#latest(one, one.quorum !== undefined))),
      ].filter(([from, to]) => from < to);
      let [from, to] = spanOf(ask.startsAt, lengthOf(ask, extension, at.now), extension, latest);
      // Until no further span joins.
      for (let length = -1; length !== to - from;) {
        length = to - from;
        for (const [begins, ends] of spans) {
          if (begins - to >= this.#limits.minTtl || from - ends >= this.#limits.minTtl) continue;
          [from, to] = [Math.min(from, begins), Math.max(to, ends)];
        }
      }
      return to - from;
    });
    return Math.max(...lengths);
  }

  /** The pending requests that an ask repeats: any of them may be reused. Or else the one that gives its access already. */
  #duplicatesOf(ask: Ask, extension: ModelExtension | undefined, at: Now): readonly ModelRequest[] {
    const { subject, by, scopes, startsAt, ttl, until } = ask;
    const pending = this.requests.filter(
      (one) =>
        isPending(one, at) &&
        one.subject === subject &&
        one.by === by &&
        (until === undefined ? one.until === undefined && one.ttl <= ttl : one.until !== undefined && one.until <= until) &&
        one.extension?.grants.map(({ id }) => id).join() === extension?.grants.map(({ id }) => id).join() &&
        (extension !== undefined || one.startsAt === startsAt) &&
        isSameSet(one.scopes, scopes),
    );
    return pending.length > 0 || extension !== undefined ? pending : this.#givingOf(ask, at).slice(0, 1);
  }

  /** The requests whose grants give an ask all that it is for; the one that lasts longest first, then the lower id. */
  #givingOf({ subject, by, operator, scopes, startsAt, ttl, until, why, ticket }: Ask, at: Now): readonly ModelRequest[] {
    const from = startsAt ?? at.now;
    const to = until ?? from + ttl;
    const lasts = (one: ModelRequest) => Math.min(...this.grantsOf(one).map(endByTime));
    const gives = (grant: ModelGrant) =>
      (grant.startsAt > at.now ? isLive(grant, at) : isUsable(grant, at)) &&
      grant.startsAt <= from &&
      !grant.breakGlass &&
      grant.maxUses === undefined;
    return this.requests
      .filter(
        (one) =>
          [one.subject, one.by, one.operator].join() === [subject, by, operator].join() &&
          one.why === why &&
          (ticket === undefined || one.ticket === ticket) &&
          one.granted !== undefined &&
          isSameSet(one.granted.scopes, scopes) &&
          this.grantsOf(one).every(gives) &&
          lasts(one) >= to,
      )
      .toSorted((a, b) => lasts(b) - lasts(a) || (a.id < b.id ? -1 : 1));
  }

  create(id: string, ask: Ask, extension: ModelExtension | undefined, at: Now, replaces?: string): ModelRequest {
    const { subject, by, scopes, until, startsAt, why, ticket } = ask;
    const ttl = lengthOf(ask, extension, at.now);
    const operator = extension === undefined ? ask.operator : extension.of.operator;
    const latest = extension === undefined ? (startsAt ?? Infinity) + ttl : extension.firstStartsAt + this.#limits.maxTotal;
    const reviewBy = Math.min(at.now + REVIEW_WITHIN, latest, this.#latestReview(until));
    const open = {
      quorum: undefined,
      assignedAt: undefined,
      begun: [],
      reminders: 0,
      remindedAt: undefined,
      reviews: [],
      comments: [],
      end: undefined,
      granted: undefined,
      afterReview: undefined,
    };
    const request: ModelRequest = {
      ...{ id, subject, by, operator, scopes, ttl, until, startsAt, extension, why, ticket, replaces, replacedBy: undefined },
      ...{ createdAt: at.now, reviewBy, ...open, escalatedAt: undefined },
    };
    this.requests.push(request);
    return request;
  }

  /** Asks the approver about an undecided request. */
  deciding(request: ModelRequest, at: Now): Refusals {
    if (request.end !== undefined || request.quorum !== undefined) return { must: [] };
    if (!isPending(request, at)) return { must: [], may: ['ERR_JIT_DEADLINE'] };
    // The rule comes before the approver that fails.
    if (this.isDenied(request)) return { must: [] };
    const { isFailing, isMute } = this.#mood;
    if (isFailing || isMute) return { must: ['ERR_JIT_APPROVER'] };
    const isApproved = saysTo(request.why).verdict === 'approve';
    const approves = isApproved && request.extension?.breakGlass !== true;
    const must = codes({ CLOCK: at.back && isApproved, LOCKED: approves && this.isLocked(request, at) });
    if (must.length === 0 && approves && !this.#isTooLong(request, at) && this.#isFull(request, at, request)) must.push('ERR_JIT_LIMIT');
    return { must };
  }

  /** A9: whether the approver would approve a new ask, and the rule has as many holders as it allows. Its request then stays pending. */
  wouldBeFull(ask: Ask, extension: ModelExtension | undefined, at: Now): boolean {
    const draft = this.create('thought of', ask, extension, at);
    const isFull = this.deciding(draft, at).must.includes('ERR_JIT_LIMIT');
    this.requests.pop();
    return isFull;
  }

  /** A9: whether other subjects hold as much as the rule allows, in windows that meet the one that a decision now would give. */
  #isFull(request: ModelRequest, at: Now, granted: Granted): boolean {
    if (!saysTo(request.why).isFew) return false;
    const { startsAt, expiresAt } = this.#windowAt(request, at, granted);
    if (expiresAt <= startsAt || this.#isTooMany(request, at, granted)) return false;
    const others = this.holders.filter(
      (one) => holdsPlace(one, at) && one.request.subject !== request.subject && one.startsAt < expiresAt && startsAt < one.expiresAt,
    );
    return new Set(others.map((one) => one.request.subject)).size >= MAX_HOLDERS;
  }

  #isTooMany(request: ModelRequest, at: Now, { scopes }: Granted): boolean {
    return this.#countGrants(request, at) + scopes.length > this.#limits.maxGrants;
  }

  /** Whether no time is left for a request, or the rule of its approver allows less in all. */
  #isTooLong(request: ModelRequest, at: Now): boolean {
    const isOver = this.#latest(request) <= Math.max(stampOf(at, [request]), request.extension?.expiresAt ?? 0);
    return isOver || this.#totalOf(request) > (saysTo(request.why).maxTotalMs ?? Infinity);
  }

  /** The window of a decision. An extension also writes the grants that it extends: its instant is not before the last one on them (L27). */
  #windowAt(request: ModelRequest, at: Now, { ttl }: Granted) {
    const { startsAt: asked, extension } = request;
    const stamp = stampOf(at, [request, ...(extension?.grants ?? [])]);
    const startsAt = extension === undefined ? Math.max(asked ?? stamp, stamp) : Math.max(extension.expiresAt, stamp);
    const expiresAt = Math.min((extension === undefined ? (asked ?? stamp) : startsAt) + ttl, this.#latest(request));
    return { stamp, startsAt, expiresAt };
  }

  /** L43: a rule that denies an agent denies each of its runs. */
  isDenied({ subject, scopes }: Pick<Ask, 'subject' | 'scopes'>): boolean {
    return this.#limits.deniesAgents && AGENTS.includes(subject) && shareScopes(scopes, [DENIED_SCOPE]);
  }

  /** L16: the result of the verdict of the approver. */
  decide(request: ModelRequest, at: Now): void {
    if (!isPending(request, at) || request.quorum !== undefined) return;
    const { verdict, quorum } = saysTo(request.why);
    const isTooLong = this.#isTooLong(request, at);
    const stamp = stampOf(at, [request]);
    const end = (status: End['status'], cause: string) => this.#end(request, status, [cause], stamp, stamp, 'system:approver');
    if (verdict === 'deny' || this.isDenied(request)) end('denied', 'approver');
    else if (verdict === 'abstain') end('denied', 'abstained');
    else if (isTooLong) {
      const isEmergency = request.extension?.breakGlass === true && verdict === 'approve';
      this.#end(request, 'denied', isEmergency ? ['limit', 'approver'] : ['limit'], stamp, stamp, 'system:approver');
    } else if (quorum === undefined) this.#grant(request, 'approver', 'system:approver', stamp, at);
    else {
      request.quorum = quorum;
      request.assignedAt = stamp;
      // Never after the latest end that the request could give.
      const reviewBy = quorum.reviewWithinMs === undefined ? request.reviewBy : stamp + quorum.reviewWithinMs;
      request.reviewBy = Math.min(reviewBy, this.#latest(request), this.#latestReview(request.until));
    }
  }

  /** The number of intervals that have passed at an instant: each sweep reminds of all new ones together. 0 without reminders. */
  intervals({ quorum, assignedAt }: ModelRequest, at: number): number {
    return quorum?.remindEveryMs === undefined || assignedAt === undefined ? 0 : Math.trunc((at - assignedAt) / quorum.remindEveryMs);
  }

  /** A sweep: it reminds once, however many intervals it has missed, and at most 20 times in all. */
  remind(request: ModelRequest, at: Now): void {
    const { assignedAt = 0, remindedAt = assignedAt, reminders } = request;
    if (!isPending(request, at) || reminders >= 20 || this.intervals(request, at.now) <= this.intervals(request, remindedAt)) return;
    request.remindedAt = stampOf(at, [request]);
    request.reminders += 1;
  }

  /** The time in all that its approver judges. An extension with a length is cut instead. */
  #totalOf({ extension, ttl, until }: ModelRequest): number {
    if (extension === undefined) return ttl;
    return until === undefined ? 0 : until - extension.firstStartsAt;
  }

  /** A decision leaves at least `minTtl` up to a requested end. */
  #latestReview(until = Infinity): number {
    return until - this.#limits.minTtl;
  }

  /** The instant from which no requested time is left. @param hasTerms whether the approver has answered, and so has set its terms */
  #latest({ extension, startsAt, createdAt, ttl, until = Infinity, why }: ModelRequest, hasTerms = true): number {
    const { maxTotalMs = Infinity, hasHours } = hasTerms ? saysTo(why) : {};
    const endBy = hasHours === true ? endByOf(extension?.expiresAt ?? startsAt ?? createdAt, ttl) : Infinity;
    if (extension === undefined) return Math.min(startsAt === undefined ? Infinity : startsAt + ttl, until, endBy);
    return Math.min(extension.firstStartsAt + Math.min(this.#limits.maxTotal, maxTotalMs), until, endBy);
  }

  /** L4 L10: all grants of it in its window, or a denial. */
  #grant(request: ModelRequest, cause: string, by: string, decided: number, at: Now, granted: Granted = request): void {
    const { extension, why } = request;
    const { scopes, ttl } = granted;
    const { stamp, startsAt, expiresAt } = this.#windowAt(request, at, granted);
    const { idleTtlMs, maxUses, isFew } = saysTo(why);
    const isTooMany = cause !== 'break_glass' && this.#isTooMany(request, at, granted);
    if (extension?.breakGlass === true && cause === 'approver') return this.#end(request, 'denied', ['approver'], decided, stamp, by);
    if (expiresAt <= startsAt || isTooMany) {
      return this.#end(request, 'denied', ['limit'], decided, stamp, by);
    }
    this.#end(request, 'approved', [cause], stamp, stamp, by);
    request.granted = { scopes, ttl };
    for (const scope of scopes) {
      const place = request.scopes.indexOf(scope);
      const origin = extension?.grants[place];
      if (origin !== undefined) origin.extendedAt = [...origin.extendedAt, stamp];
      const asksAtStart = startsAt > stamp;
      this.grants.push({
        // L10: the place of the scope in what was asked.
        id: `${request.id}.${place + 1}`,
        extends: origin,
        ...{ request, scope, startsAt, expiresAt, asksAtStart },
        firstStartsAt: extension?.firstStartsAt ?? startsAt,
        breakGlass: cause === 'break_glass' || extension?.breakGlass === true,
        activatedAt: asksAtStart ? undefined : startsAt,
        ...{ idle: idleTtlMs, maxUses, usedAt: undefined, uses: 0, end: undefined },
        ...{ issuedAt: stamp, extendedAt: [], warnedAt: [] },
      });
    }
    // A9 L47: only a recorded end takes a grant off the list. Break-glass counts, and is never refused.
    if (isFew) this.holders = [...this.holders.filter(({ end }) => end === undefined), ...this.grantsOf(request)];
  }

  #end(record: ModelRequest | ModelGrant, status: End['status'], causes: readonly string[], from: number, to: number, by: string): void {
    record.end = { status, causes, from, to, by };
  }

  reviewing(request: ModelRequest, { verdict, by, as, terms, auth, isLink }: ModelReviewing, at: Now): Refusals {
    const own = request.reviews.find(({ reviewer }) => reviewer === by);
    const rights = this.#rights(request, this.#mood.groups(by), as, at);
    const isOpen = isPending(request, at);
    // L16: a denial has no terms, so what the other approvals leave does not refuse it.
    const isApproval = verdict === 'approve';
    const ofTerms = isApproval ? this.#termProblems(request, by, terms, at) : 0;
    const ofAuth = isApproval ? authProblems(request, auth, at) : 0;
    const problems = isLink && ofTerms > 0 ? ofTerms : ofTerms + ofAuth;
    const must = codes({
      REQUIREMENTS: problems > 0,
      DECIDED: request.end !== undefined,
      DEADLINE: request.end === undefined && !isOpen,
      UNDECIDED: isOpen && request.quorum === undefined,
      SELF_REVIEW: by === request.subject || by === request.by,
      NOT_REVIEWER:
        request.quorum !== undefined &&
        (rights.flat(2).length === 0 || (verdict === 'approve' && (own?.verdict === 'deny' || this.#lastPlace(request, rights) < 0))),
      APPROVER: this.#mood.isFailing,
      LOCKED: verdict === 'approve' && (this.isLocked(request, at) || this.locksOn([by], [], at).length > 0),
    });
    if (must.length === 0) {
      const reviews = this.reviewed(request, verdict, by, as, terms, at);
      const isApproved = this.#after(request, verdict, reviews, at).outcome === 'approved';
      if (isApproved && at.back) must.push('ERR_JIT_CLOCK');
      else if (isApproved && this.#isFull(request, at, least(request, this.#approvals(request, reviews, at)))) must.push('ERR_JIT_LIMIT');
    }
    const isOddGroup = as !== undefined && request.quorum !== undefined && !groupsOf(request.quorum).includes(as);
    return { must, may: must.length > 0 && isOddGroup ? ['ERR_JIT_INVALID_ARGUMENT'] : [], problems };
  }

  /** A request, and those that amended it, as far as no purge has removed one. */
  withAmendments(request: ModelRequest): readonly ModelRequest[] {
    const next = request.end?.causes.includes('amended') === true ? this.requests.find(({ id }) => id === request.replacedBy) : undefined;
    return next === undefined ? [request] : [request, ...this.withAmendments(next)];
  }

  /** The subject, the requester and the present reviewers may comment while the request is pending. */
  commenting(request: ModelRequest, by: string, at: Now): Refusals {
    const isOpen = isPending(request, at);
    const isOwn = by === request.subject || by === request.by;
    const isReviewed = isOpen && request.quorum !== undefined;
    const isReviewer = this.#rights(request, this.#mood.groups(by), undefined, at).flat(2).length > 0;
    const must = codes({
      DECIDED: request.end !== undefined,
      DEADLINE: request.end === undefined && !isOpen,
      UNDECIDED: isOpen && request.quorum === undefined && !isOwn,
      NOT_REVIEWER: !isOwn && (AGENTS.includes(by) || (isReviewed && !isReviewer)),
      APPROVER: isReviewed && !isOwn && this.#mood.isFailing,
      LOCKED: isOpen && this.locksOn([by], [], at).length > 0,
      LIMIT: isOpen && request.comments.filter((one) => one.by === by).length >= 20,
    });
    return { must };
  }

  comment(request: ModelRequest, by: string, text: string, key: string | undefined, at: Now): ModelComment {
    const { id, comments } = request;
    const comment = { id: `${id}.${comments.length + 1}`, by, text, at: stampOf(at, [request], comments.at(-1)?.at), key };
    comments.push(comment);
    return comment;
  }

  /** L18 L10: the terms that are not less than what was asked; or else, that what all fresh approvals leave is nothing. */
  #termProblems(request: ModelRequest, by: string, { ttl = request.ttl, scopes = request.scopes }: Terms, at: Now): number {
    const begun = request.startsAt ?? at.now;
    const isShort = ttl < request.ttl && Math.min(ttl, begun + ttl - at.now) < this.#limits.minTtl;
    const foreign = scopes.filter((scope) => !request.scopes.includes(scope)).length;
    const own = foreign + (ttl > request.ttl || isShort ? 1 : 0);
    if (own > 0) return own;
    const others = request.reviews.filter((one) => one.verdict === 'approve' && one.reviewer !== by && !this.#isStale(request, one, at));
    const left = least(request, [...others, { ttl, scopes }]);
    const isOver =
      request.startsAt !== undefined && left.ttl < request.ttl && begun + left.ttl <= Math.max(at.late, stampOf(at, [request]));
    return (left.scopes.length === 0 ? 1 : 0) + (isOver ? 1 : 0);
  }

  /** The rest that the recorded approvals allow, if one of them narrows the request. */
  narrowedTo(request: ModelRequest, at: Now): Granted | undefined {
    const left = least(
      request,
      request.reviews.filter((one) => one.verdict === 'approve' && !this.#isStale(request, one, at)),
    );
    return left.ttl === request.ttl && left.scopes.length === request.scopes.length ? undefined : left;
  }

  /** L17: for each alternative and each step, the groups in which a reviewer with `groups` may count now. */
  #rights(request: ModelRequest, groups: readonly string[], as: string | undefined, at: Now): Rights {
    const { quorum, assignedAt = Infinity, begun } = request;
    return (quorum?.alternatives ?? []).map(({ steps }, alternative) =>
      steps.map((step, i) => {
        const began = begun.find((one) => one.alternative === alternative && one.step === i)?.at ?? Infinity;
        const standsIn = step.escalates === true && groups.includes('lead') && at.now >= (i === 0 ? assignedAt : began) + ESCALATE_AFTER;
        const names = step.groups.map(({ name }) => name);
        return names.filter((name) => (standsIn || groups.includes(name)) && (as === undefined || as === name));
      }),
    );
  }

  /** When a step began, among all steps: 0 for a first step, `Infinity` for one that has not begun. */
  #placeOf({ begun }: ModelRequest, alternative: number, step: number): number {
    const place = begun.findIndex((one) => one.alternative === alternative && one.step === step);
    return step === 0 ? 0 : place < 0 ? Infinity : place + 1;
  }

  /** The last step that has begun and in which these rights count; -1: none. */
  #lastPlace(request: ModelRequest, rights: Rights): number {
    const places = rights.flatMap((steps, i) => steps.map((groups, j) => (groups.length > 0 ? this.#placeOf(request, i, j) : Infinity)));
    return Math.max(-1, ...places.filter((place) => place < Infinity));
  }

  /** The rights of an approval in one alternative: only in steps that had begun when it was given. */
  #countsIn(request: ModelRequest, rights: Rights, alternative: number, steps: number): readonly (readonly string[])[] {
    return (rights[alternative] ?? []).map((groups, step) => (this.#placeOf(request, alternative, step) <= steps ? groups : []));
  }

  /** Whether a reviewer can still give an approval that would count: the items of an inbox (L15 L17). */
  awaits(request: ModelRequest, by: string, at: Now): boolean {
    if (!isPending(request, at) || by === request.subject || by === request.by || this.#mood.isFailing) return false;
    const own = request.reviews.find(({ reviewer }) => reviewer === by);
    const last = this.#lastPlace(request, this.#rights(request, this.#mood.groups(by), undefined, at));
    const counts = own !== undefined && (last > own.steps || this.#gains(request, by, own));
    const isNew = own === undefined || this.#isStale(request, own, at) || (own.verdict === 'approve' && counts);
    return isNew && last >= 0;
  }

  /** L14: how many approvals a request still needs, by the groups that each reviewer had at the review: none if one alternative has all. */
  missing(request: ModelRequest, at: Now): number {
    const approvals = request.reviews.filter((one) => one.verdict === 'approve' && !this.#isStale(request, one, at));
    const missing = (request.quorum?.alternatives ?? []).map(({ steps }, alternative) => {
      const places = placesOf(steps);
      const groups = approvals.map((one) =>
        keysOf(this.#countsIn(request, this.#rights(request, one.groups, one.as, at), alternative, one.steps)),
      );
      // Tries each choice of places.
      const filled = Array.from({ length: 2 ** places.length }, (_, choice) => places.filter((_place, i) => (choice >> i) % 2 === 1));
      return places.length - Math.max(...filled.filter((some) => canFill(some, groups)).map((some) => some.length));
    });
    return missing.includes(0) ? 0 : missing.reduce((sum, count) => sum + count, 0);
  }

  /** L17 L47: an approval is stale after its time, and while its instant is that of a wrong clock. */
  #isStale({ quorum }: ModelRequest, { verdict, at }: ModelReview, { late }: Now): boolean {
    if (verdict !== 'approve' || quorum?.approvalTtlMs === undefined) return false;
    if (!isBelieved(at, late)) reach('an approval of a wrong clock');
    return late >= at + quorum.approvalTtlMs || !isBelieved(at, late);
  }

  /** The groups of a reviewer that the quorum names. */
  #groupsNow({ quorum }: ModelRequest, by: string): readonly string[] {
    const escalates = quorum?.alternatives.some((one) => one.steps.some((step) => step.escalates)) === true;
    const named = quorum === undefined ? [] : groupsOf(quorum);
    return this.#mood.groups(by).filter((name) => named.includes(name) || (name === 'lead' && escalates));
  }

  /** Whether a reviewer has joined a group since the review. */
  #gains(request: ModelRequest, by: string, own: ModelReview): boolean {
    return this.#groupsNow(request, by).some((name) => !own.groups.includes(name));
  }

  /** The reviews with this one added: at most one for each reviewer. */
  reviewed(request: ModelRequest, verdict: 'approve' | 'deny', by: string, as: string | undefined, terms: Terms, at: Now): ModelReview[] {
    const own = request.reviews.find(({ reviewer }) => reviewer === by);
    const { ttl, scopes } = least(request, [{ ttl: terms.ttl ?? request.ttl, scopes: terms.scopes ?? request.scopes }]);
    const rights = this.#rights(request, this.#mood.groups(by), as, at);
    const steps = verdict === 'approve' ? Math.max(0, this.#lastPlace(request, rights)) : 0;
    const isSame = own?.ttl === ttl && own.scopes.join() === scopes.join() && own.steps === steps;
    const places = own === undefined ? [] : this.#rights(request, own.groups, own.as, at).flat(2);
    const isPlace = rights.flat(2).every((name) => places.includes(name));
    if (own?.verdict === verdict && isSame && isPlace && !this.#isStale(request, own, at)) return request.reviews;
    const review = {
      reviewer: by,
      verdict,
      groups: this.#groupsNow(request, by),
      as,
      steps,
      at: stampOf(at, [request]),
      ttl,
      scopes,
    };
    return [...request.reviews.filter((one) => one !== own), review];
  }

  review(request: ModelRequest, verdict: 'approve' | 'deny', reviews: ModelReview[], by: string, at: Now): void {
    const stamp = stampOf(at, [request]);
    request.reviews = reviews;
    const { outcome, begins } = this.#after(request, verdict, reviews, at);
    if (outcome === 'denied') this.#end(request, 'denied', ['quorum'], stamp, stamp, by);
    if (outcome === 'ineligible') this.#end(request, 'denied', ['ineligible'], stamp, stamp, by);
    if (outcome === 'pending') request.begun = [...request.begun, ...begins.map((one) => ({ ...one, at: stamp }))];
    // L18: every approval that counts binds, also one that the quorum does not need.
    if (outcome === 'approved') this.#grant(request, 'quorum', by, stamp, at, least(request, this.#approvals(request, reviews, at)));
  }

  /** L14 L16 L17: the reviews that count now, denials first. */
  #after(
    request: ModelRequest,
    verdict: 'approve' | 'deny',
    reviews: readonly ModelReview[],
    at: Now,
  ): {
    readonly outcome: 'pending' | 'denied' | 'approved' | 'ineligible';
    readonly begins: readonly { readonly alternative: number; readonly step: number }[];
  } {
    const quorum = request.quorum as QuorumOf;
    const denials = this.#counted(request, reviews, at).filter(({ verdict }) => verdict === 'deny');
    const isDenied =
      denials.length >= quorum.denials ||
      quorum.alternatives.some(
        ({ steps, denials: most = Infinity }, i) =>
          denials.filter(({ rights }) => (rights[i] ?? []).flat().length > 0).length >= most ||
          steps.some(({ groups }, j) =>
            groups.some(
              (group) => denials.filter(({ rights }) => rights[i]?.[j]?.includes(group.name)).length >= (group.denials ?? Infinity),
            ),
          ),
      );
    if (isDenied) return { outcome: 'denied', begins: [] };
    // Only an approval completes a quorum or a step. An earlier one of a locked reviewer does not count.
    if (verdict === 'deny') return { outcome: 'pending', begins: [] };
    const approvals = this.#approvals(request, reviews, at);
    /** Whether the first steps of an alternative are complete together. */
    const isComplete = (alternative: number, count: number) => {
      const { steps } = quorum.alternatives[alternative] as QuorumOf['alternatives'][number];
      return canFill(
        placesOf(steps.slice(0, count)),
        approvals.map((one) => keysOf(this.#countsIn(request, one.rights, alternative, one.steps))),
      );
    };
    if (quorum.alternatives.some(({ steps }, i) => isComplete(i, steps.length)))
      return { outcome: this.#mood.banned.has(request.subject) ? 'ineligible' : 'approved', begins: [] };
    const begins = quorum.alternatives.flatMap(({ steps }, alternative) => {
      const present = request.begun.filter((one) => one.alternative === alternative).length;
      return present + 1 < steps.length && isComplete(alternative, present + 1) ? [{ alternative, step: present + 1 }] : [];
    });
    return { outcome: 'pending', begins };
  }

  #counted(request: ModelRequest, reviews: readonly ModelReview[], at: Now): readonly (ModelReview & { readonly rights: Rights })[] {
    const still = ({ groups, reviewer }: ModelReview) => groups.filter((name) => this.#mood.groups(reviewer).includes(name));
    return reviews
      .map((one) => ({ ...one, rights: this.#rights(request, still(one), one.as, at) }))
      .filter(({ rights }) => rights.flat(2).length > 0);
  }

  #approvals(request: ModelRequest, reviews: readonly ModelReview[], at: Now): readonly (ModelReview & { readonly rights: Rights })[] {
    return this.#counted(request, reviews, at).filter(
      (one) => one.verdict === 'approve' && !this.#isStale(request, one, at) && this.locksOn([one.reviewer], [], at).length === 0,
    );
  }

  cancelling(request: ModelRequest, by: string, at: Now): Refusals {
    const isStranger = by !== request.subject && by !== request.by;
    // A cancelled or expired request has already ended, as the caller of cancel wants.
    if (isPending(request, at)) return { must: codes({ DENIED: isStranger }) };
    // A request that another one replaces: its access may come from that one.
    const isReplaced = ['amended', 'overtaken'].some((cause) => request.end?.causes.includes(cause));
    const isDecided = isReplaced || request.end?.status === 'approved' || request.end?.status === 'denied';
    return isDecided ? { must: codes({ DECIDED: true, DENIED: isStranger }) } : { must: [], may: codes({ DENIED: isStranger }) };
  }

  cancel(request: ModelRequest, causes: readonly string[], by: string, at: Now): void {
    if (isPending(request, at)) {
      this.#end(request, 'cancelled', causes, stampOf(at, [request]), Math.max(at.highWater, stampOf(at, [request])), by);
    }
  }

  /** L12: ends a grant early, with its extensions; ends the extensions also if the grant itself has already ended. */
  endEarly(grant: ModelGrant, causes: readonly string[], by: string, at: Now, causesBehind: readonly string[] = ['origin_ended']): void {
    for (const one of [grant, ...this.line(grant)]) {
      if (isLive(one, at)) {
        if ((one.usedAt ?? 0) > at.highWater) reach('an early end of a grant that was used by a clock ahead');
        // L47: no use that another clock has recorded delays it.
        const ended = Math.max(at.highWater, one.issuedAt, stampOf(at, [one]));
        this.#end(one, 'revoked', one === grant ? causes : causesBehind, ended, ended, by);
      }
      for (const request of this.requests) if (request.extension?.grants.includes(one)) this.cancel(request, causesBehind, by, at);
    }
  }

  releasing(grant: ModelGrant, by: string, at: Now): Refusals {
    const denied = codes({ DENIED: by !== grant.request.subject });
    return isLive(grant, at) ? { must: denied } : { must: [], may: denied };
  }

  /** `release` of all grants of a request. */
  releasingAll(request: ModelRequest, by: string, at: Now): Refusals {
    return { must: codes({ DENIED: by !== request.subject, UNDECIDED: isPending(request, at) }) };
  }

  breaking(ask: Ask, at: Now): Refusals {
    const { subject, by, scopes, until = Infinity, why } = ask;
    const ttl = lengthOf(ask, undefined, at.now);
    // L44: what others took for a subject does not block its own break-glass; through others there is no second one.
    const took = this.requests.some((one) => isOwed(one) && one.by === by);
    const hasOne = by !== subject && this.requests.some((one) => isOwed(one) && (one.subject === subject || one.by === subject));
    const { verdict, maxTotalMs, isFrozen } = saysTo(why);
    const { maxTtl, minTtl, maxTotal } = this.#limits;
    const problems = [ttl > maxTtl, ttl > maxTotal, ttl > (maxTotalMs ?? ttl), minTtl > ttl || until - minTtl <= at.now].filter(
      Boolean,
    ).length;
    const must = codes({
      REQUIREMENTS: problems > 0,
      LIMIT: took || hasOne,
      DEADLINE: until <= at.late,
      CLOCK: at.back,
      APPROVER: this.#mood.isFailing,
      INELIGIBLE: verdict === 'deny' || isFrozen || this.isDenied({ subject, scopes }),
      LOCKED: this.isLocked({ subject, by, operator: undefined, scopes }, at),
    });
    return { must, problems };
  }

  breakGlass(id: string, ask: Ask, at: Now): void {
    const request = this.create(id, ask, undefined, at);
    for (const one of this.requests) {
      const isTaken = one.scopes.every((scope) => ask.scopes.some((taken) => covers(taken, scope)));
      if (one === request || one.subject !== ask.subject || one.extension !== undefined || !isTaken || !isPending(one, at)) continue;
      if ((one.startsAt ?? at.now) >= at.now + ask.ttl) continue;
      this.cancel(one, ['overtaken'], ask.by, at);
      one.replacedBy = id;
    }
    this.#grant(request, 'break_glass', ask.by, at.now, at);
    request.afterReview = { reviewBy: at.now + OWED_WITHIN, breakGlassReview: undefined };
  }

  acknowledging({ afterReview, subject, by: asker }: ModelRequest, by: string, verdict: string, at: Now): Refusals {
    const given = afterReview?.breakGlassReview;
    const isRepeated = given?.by === by && given.verdict === verdict;
    const must = codes({
      NOT_FOUND: afterReview === undefined,
      'INVALID_ARGUMENT none': afterReview === undefined,
      DECIDED: afterReview === undefined || (given !== undefined && !isRepeated),
      SELF_REVIEW: by === subject || by === asker,
      NOT_REVIEWER: given === undefined && !this.#mood.groups(by).includes('sec'),
      APPROVER: given === undefined && this.#mood.isFailing,
      LOCKED: given === undefined && afterReview !== undefined && this.locksOn([by], [], at).length > 0,
    });
    return { must };
  }

  acknowledge(request: ModelRequest, by: string, verdict: 'justified' | 'unjustified', at: Now): void {
    if (request.afterReview === undefined || request.afterReview.breakGlassReview !== undefined) return;
    request.afterReview.breakGlassReview = { by, verdict };
    if (verdict === 'unjustified') for (const grant of this.grantsOf(request)) this.endEarly(grant, ['unjustified'], by, at);
  }

  /** Whether a check may name either of two grants. */
  isTie(reason: Decision['reason'], one: string | undefined, other: string | undefined): boolean {
    const [a, b] = [one, other].map((id) => this.grants.find((grant) => grant.id === id));
    if (a === undefined || b === undefined) return false;
    return reason === 'not_started' ? a.startsAt === b.startsAt : endByTime(a) === endByTime(b);
  }

  usable(subject: string, scope: string, at: Now): readonly ModelGrant[] {
    return this.grants.filter((one) => one.request.subject === subject && covers(one.scope, scope) && isUsable(one, at));
  }

  /** The grant from which `consume` takes a use: of the counted grants, the one that ends first. */
  counted(subject: string, scope: string, at: Now): readonly ModelGrant[] {
    const counted = this.usable(subject, scope, at).filter(({ maxUses }) => maxUses !== undefined);
    const first = Math.min(...counted.map(endByTime));
    return counted.filter((one) => endByTime(one) === first);
  }

  consuming(subject: string, scope: string, at: Now): Refusals {
    const usable = this.usable(subject, scope, at);
    const isDenied = usable.length === 0;
    // L5: a call that takes no use creates no access.
    return { must: codes({ DENIED: isDenied, CLOCK: at.back && (isDenied || this.counted(subject, scope, at).length > 0) }) };
  }

  /** L36: a repeat takes no use, and succeeds only while its grant allows; not if a purge removed the grant. */
  repeating(use: ModelUse, at: Now): Refusals {
    return { must: codes({ DENIED: !this.grants.includes(use.grant) || !isRepeatable(use, at) }) };
  }

  /** The outcome of an ask for this request: an approved request is `ended` once none of its grants can allow (L36). */
  outcomeOf(request: ModelRequest, at: Now): string {
    const status = request.end?.status ?? (isPending(request, at) ? 'pending' : 'expired');
    if (status !== 'approved') return status;
    return this.grantsOf(request).some((grant) => isLive(grant, at)) ? 'granted' : 'ended';
  }

  consume(grant: ModelGrant, at: Now): void {
    grant.uses += 1;
    // L27: not before the last instant on the grant, such as a warning, or on its uses.
    grant.usedAt = stampOf(at, [grant], grant.usedAt);
    if (grant.uses === grant.maxUses) {
      const ended = Math.min(Math.max(at.highWater, grant.issuedAt, grant.usedAt), grant.expiresAt);
      this.#end(grant, 'expired', ['used_up'], ended, ended, grant.request.subject);
    }
  }
}

export const isOwed = ({ afterReview }: ModelRequest): boolean => afterReview !== undefined && afterReview.breakGlassReview === undefined;
