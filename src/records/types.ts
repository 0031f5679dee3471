import type { EntryType } from './entry-types.js';
import type { JsonObject } from '../core/json.js';
import type { GRANT_ENDS, REQUEST_ENDS } from './ends.js';

/** Which review groups must approve, how many in each, how many denials end it, how long an approval stays fresh. */
export interface Quorum {
  /** Every group must reach its number (AND across groups, m-of-n inside one). A reviewer counts in one group only. */
  readonly groups: readonly { readonly name: string; readonly approvals: number }[];
  /** How many denials, over all groups, end the request. At least 1. */
  readonly denials: number;
  /** How long an approval counts, in milliseconds; `undefined`: as long as the request is open. */
  readonly approvalTtlMs: number | undefined;
  /** A group whose members may stand in for any of the others once this long has passed since the quorum was named. */
  readonly escalation: { readonly group: string; readonly afterMs: number } | undefined;
}

/** What a rule gives with the access, frozen on the request when the approver answers. Milliseconds; `undefined`: not set. */
export interface Terms {
  /** How long before a grant's end its warnings are recorded: 1 to 10, the earliest warning first. */
  readonly warnBeforeMs: readonly number[] | undefined;
  /** A grant ends when it has not been used for this long. */
  readonly idleTtlMs: number | undefined;
  /** How many times `consume` may take a use of a grant. */
  readonly maxUses: number | undefined;
  /** The longest time from the first start to the end of the last extension. */
  readonly maxTotalMs: number | undefined;
}

/** What an extension goes on from; read from the grant when it was asked for, and never changed. */
export interface Extension {
  readonly grantId: string;
  /** The old grant's end: the new one begins there, or at the decision where that is later. Epoch milliseconds. */
  readonly from: number;
  /** When the first grant of the line began. Epoch milliseconds. */
  readonly firstStartsAt: number;
  /** The new grant ends no later than this: the first start and the engine's `maxTotal`. Epoch milliseconds. */
  readonly until: number;
  /** Whether the line began with break-glass: then it is never extended without people. */
  readonly breakGlass: boolean;
}

/** The review that break-glass access owes. */
export interface AfterReview {
  /** When it is overdue. It stays owed until somebody gives it. Epoch milliseconds. */
  readonly reviewBy: number;
  /** The groups one of whose members is to give it, as they were named when the access was taken. */
  readonly reviewers: readonly string[];
  /** The groups whose review was skipped. */
  readonly skippedGroups: readonly string[];
  /** Who was skipped, where they could be told. */
  readonly skippedPeople: readonly string[] | undefined;
  /** When a sweep has recorded that it is overdue. Epoch milliseconds. */
  readonly missedAt: number | undefined;
  readonly breakGlassReview: BreakGlassReview | undefined;
}

/** The review of break-glass access, after the fact. */
export interface BreakGlassReview {
  readonly by: string;
  readonly verdict: 'justified' | 'unjustified';
  /** Epoch milliseconds. */
  readonly at: number;
  readonly reason: string | undefined;
}

/** One reviewer's word. A reviewer has at most one on a request; a later one replaces it. */
export interface Review {
  readonly reviewer: string;
  readonly verdict: 'approve' | 'deny';
  /** The groups of the quorum, and the one that may stand in for them, that the reviewer was in when this was given. */
  readonly groups: readonly string[];
  /** The one group of the quorum in which it is to count; `undefined`: in whichever helps most. */
  readonly as: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly reason: string | undefined;
  /** What the reviewer has to say besides. */
  readonly comment: string | undefined;
}

/** How something ended: one of the ways in a table of them, with the instant, by whom, and the reason that was given. */
export type EndIn<Table extends Readonly<Record<string, readonly string[]>>> = {
  readonly [Status in keyof Table]: {
    readonly status: Status;
    readonly cause: Table[Status][number];
    readonly at: number;
    readonly by: string;
    readonly reason: string | undefined;
  };
}[keyof Table];

/** How a request ended. One union, so that two ends can't both be set. */
export type RequestEnd = EndIn<typeof REQUEST_ENDS>;

/** A subject's ask for one or more scopes for a window. Subject, scopes, ttl and start never change after creation. */
export interface AccessRequest {
  readonly kind: 'request';
  readonly id: string;
  readonly version: number;
  /** Who would hold the access. */
  readonly subject: string;
  /** Who asked; the subject itself unless somebody asked on its behalf. */
  readonly requestedBy: string;
  /** The agent, where `subject` is one of its runs; then it is `requestedBy` too. */
  readonly agent: string | undefined;
  /** The operator on whose behalf the run asks, where the run has one; may review if the approver says so. */
  readonly operator: string | undefined;
  readonly scopes: readonly string[];
  /** Length of the window in milliseconds. It starts at the decision, unless `startsAt` or `extension` says otherwise. */
  readonly ttlMs: number;
  /** The start that was asked for; `undefined`: at the decision. Epoch milliseconds. */
  readonly startsAt: number | undefined;
  /** The grant that this asks to extend. */
  readonly extension: Extension | undefined;
  readonly justification: string | undefined;
  readonly ticket: string | undefined;
  /** The caller's own JSON. Stays on the request; the journal holds only its SHA-256. */
  readonly metadata: JsonObject | undefined;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** The review deadline: decided before this instant, or not at all. Epoch milliseconds. */
  readonly reviewBy: number;
  /** From this instant on a sweep asks an approver that has not answered again. Epoch milliseconds. */
  readonly askAgainAt: number;
  /** The approver that decided or named the quorum; it alone is asked about groups and eligibility. `undefined`: none has yet. */
  readonly approver: string | undefined;
  /** The approver's own name for the rule by which it answered. */
  readonly rule: string | undefined;
  /** `undefined` until the approver has answered. */
  readonly terms: Terms | undefined;
  /** When the approver named the quorum. Epoch milliseconds. */
  readonly assignedAt: number | undefined;
  /** Frozen when the approver names it; no later edit of a policy changes it. */
  readonly quorum: Quorum | undefined;
  /** When a sweep has recorded that the quorum's escalation has begun. Epoch milliseconds. */
  readonly escalatedAt: number | undefined;
  readonly reviews: readonly Review[];
  /** `undefined` while it is pending. */
  readonly end: RequestEnd | undefined;
  /** Break-glass only: the review that is owed afterwards. */
  readonly afterReview: AfterReview | undefined;
}

/** How a grant ended. `at` is when access ended, never after `expiresAt`. */
export type GrantEnd = EndIn<typeof GRANT_ENDS>;

/** Access of one subject to one scope for the half-open window `[startsAt, expiresAt)`. */
export interface Grant {
  readonly kind: 'grant';
  /** `<requestId>.<n>` */
  readonly id: string;
  readonly version: number;
  readonly requestId: string;
  readonly subject: string;
  readonly scope: string;
  /** When it was decided. Epoch milliseconds. */
  readonly issuedAt: number;
  /** First instant at which it allows. Epoch milliseconds. */
  readonly startsAt: number;
  /** First instant at which it no longer allows. Never changes. Epoch milliseconds. */
  readonly expiresAt: number;
  /** When the first grant of its line of extensions began; its own start where it extends nothing. Epoch milliseconds. */
  readonly firstStartsAt: number;
  /** The grant that it extends. */
  readonly extends: string | undefined;
  /** The grants that extend it, and when each was issued. */
  readonly successors: readonly Successor[];
  /** Whether it, or the first grant of its line, was taken by break-glass. */
  readonly breakGlass: boolean;
  /** Whether the approver is asked once more at its start; then it allows nothing until its activation is on record. */
  readonly asksAtStart: boolean;
  /** When its start went on record; the start itself where it was issued with it. Epoch milliseconds. */
  readonly activatedAt: number | undefined;
  /** When its subject is to be warned of its end, in order; empty: never. Epoch milliseconds. */
  readonly warnAt: readonly number[];
  /**
   * When the first of these warnings were recorded, in order. Of several that a late sweep found overdue only the last was
   * recorded: all of them have its instant. Epoch milliseconds.
   */
  readonly warnedAt: readonly number[];
  /** It ends when it has not been used for this long. Milliseconds. */
  readonly idleTtlMs: number | undefined;
  /** How many uses it has in all. */
  readonly maxUses: number | undefined;
  /** `undefined` until its end is on record. Time ends it without any record. */
  readonly end: GrantEnd | undefined;
}

/** A grant that extends another. */
export interface Successor {
  readonly grantId: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** How a grant with an idle end or a number of uses has been used. It has the grant's id, and there is one for each such grant. */
export interface Usage {
  readonly kind: 'usage';
  readonly id: string;
  readonly version: number;
  readonly subject: string;
  readonly scope: string;
  /** The grant's. Epoch milliseconds. */
  readonly startsAt: number;
  readonly expiresAt: number;
  readonly idleTtlMs: number | undefined;
  /** The last use on record; uses that follow closely are not written each. Epoch milliseconds. */
  readonly usedAt: number | undefined;
  /** How many uses have been taken. */
  readonly uses: number;
  /** When the grant's end went on record. Epoch milliseconds. */
  readonly endedAt: number | undefined;
}

/** One use that was taken under an idempotency key. */
export interface Use {
  readonly kind: 'use';
  /** Derived from the key. */
  readonly id: string;
  readonly version: number;
  readonly subject: string;
  readonly scope: string;
  readonly grantId: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The grant's, until which this is kept at least. Epoch milliseconds. */
  readonly expiresAt: number;
  readonly usesLeft: number;
}

/** What an idempotency key stands for whose ask only repeated what was there. */
export interface Reuse {
  readonly kind: 'reuse';
  /** Derived from the key. */
  readonly id: string;
  readonly version: number;
  readonly subject: string;
  /** The request that came back. */
  readonly requestId: string;
  /** Of what was asked. */
  readonly askDigest: string;
}

/** A provisioning change: the last change of one external system for one subject and one scope, and its outcome. */
export interface ProvisioningChange {
  readonly kind: 'provisioning';
  /** Derived from name, subject and scope. */
  readonly id: string;
  readonly version: number;
  /** The target's. */
  readonly name: string;
  readonly subject: string;
  readonly scope: string;
  /** The desired state: whether the subject holds the scope. */
  readonly held: boolean;
  /** The change's number. Every later change has a higher one. */
  readonly seq: number;
  /** When the change went on record. Epoch milliseconds. */
  readonly intendedAt: number;
  /** How many calls for this change have failed. */
  readonly failures: number;
  /** What the last of them failed with: the error's code, or its name. */
  readonly problem: string | undefined;
  /** From this instant on a sweep calls. Epoch milliseconds. */
  readonly tryAt: number;
  /** When any of this last changed. Epoch milliseconds. */
  readonly changedAt: number;
  /** `undefined` while the change is tried. */
  readonly outcome: ProvisioningOutcome | undefined;
}

/** The outcome of a provisioning change: the external system took it, its tries are used up (`stuck`), or a person set it aside. */
export interface ProvisioningOutcome {
  readonly status: 'done' | 'stuck' | 'dismissed';
  /** Epoch milliseconds. */
  readonly at: number;
  readonly by: string;
  readonly reason: string | undefined;
}

/** What holds for all requests and grants of a subject: whatever opens or issues one writes this, so that limits can be kept. */
export interface Subject {
  readonly kind: 'subject';
  readonly id: string;
  readonly version: number;
  /** Break-glass requests by it, or for it, whose review is owed. */
  readonly unreviewed: readonly string[];
  /** Requests that it has opened for other subjects. Only an ask writes this list, and drops from it what has ended. */
  readonly openedForOthers: readonly string[];
  /** Requests for it that were denied, the latest last: at most 100. */
  readonly denied: readonly string[];
}

/** Whatever a step writes. */
export type StoredRecord = AccessRequest | Grant | Usage | Use | Reuse | ProvisioningChange | Subject;

/** A place in the journal: a sequence number and the chain's hash there. Export one to be able to prove truncation later. */
export interface Anchor {
  readonly seq: number;
  /** 64 lower-case hex digits. */
  readonly hash: string;
}

/** An entry before the store has given it its place. */
export interface UnlinkedEntry {
  /** Format version. */
  readonly v: 1;
  readonly namespace: string;
  /** `<change id>.<n>`: stable through every repetition. */
  readonly id: string;
  readonly type: EntryType;
  /** Epoch milliseconds; never before the record's last instant. */
  readonly at: number;
  /** Who did it. `system:approver`, `system:sweeper`, `system:provisioning` and `system:engine` are the engine's own. */
  readonly actor: string;
  readonly requestId?: string | undefined;
  readonly grantId?: string | undefined;
  /** Every field that the transition wrote. */
  readonly data: JsonObject;
  /** SHA-256 of the RFC 8785 form of all of the above, 64 lower-case hex digits. */
  readonly digest: string;
}

/** One line of the journal. */
export interface AuditEntry extends UnlinkedEntry {
  /** 1, 2, 3, ... without a gap. */
  readonly seq: number;
  /** The hash of the entry before; 64 zeros for the first. */
  readonly prevHash: string;
  /** `SHA-256(prevHash || uint64be(seq) || digest)`, 64 lower-case hex digits. */
  readonly hash: string;
}

/** The answer of a check. */
export interface Decision {
  readonly allowed: boolean;
  /**
   * `granted`, `standing`; or `not_started` (a grant that covers begins later), `not_activated` (it has begun, but that
   * its subject may still hold it could not be confirmed), `use_required` (a grant that covers has a number of uses, and a
   * checker takes none), `locked` (the namespace has locks, which this version cannot read, so that they refuse everything but
   * standing access), `no_grant`.
   */
  readonly reason: 'granted' | 'standing' | 'not_started' | 'not_activated' | 'use_required' | 'locked' | 'no_grant';
  readonly subject: string;
  readonly scope: string;
  /** The clock's reading that this was judged at. Epoch milliseconds. */
  readonly at: number;
  /** The grant that allows (the one that ends last), or the one that begins next. */
  readonly grant: Grant | undefined;
  /** The standing pattern that allows. */
  readonly pattern: string | undefined;
  /**
   * The instant at which *time alone* may change this answer; `undefined`: it won't. It bounds a cache, it doesn't
   * license one: a cached yes delays a revoke by its age.
   */
  readonly validUntil: number | undefined;
}
