import type { EntryType } from './entry-types.js';
import type { JsonObject } from './json.js';
import type { GRANT_ENDS, REQUEST_ENDS } from './ends.js';
import type { Activity } from './activity.js';
import type { RequestComment } from './comment.js';
import type { HolderLimit, Holders } from './holders.js';
import type { Locks } from './lock.js';
import type { BegunStep, Quorum, Review, WithGranted } from './review.js';

/** The terms that a rule attaches to the access. Frozen on the request when the approver answers. `undefined`: not set. */
export interface Terms {
  /** How long before a grant's expiry its warnings are recorded, in milliseconds: 1 to 10 values, the earliest warning first. */
  readonly warnBeforeMs: readonly number[] | undefined;
  /** The idle time after which an unused grant ends. Milliseconds. */
  readonly idleTtlMs: number | undefined;
  /** The number of uses that `consume` may take of a grant. */
  readonly maxUses: number | undefined;
  /** The longest time from the start of an extension chain to the expiry of its last grant. Milliseconds. */
  readonly maxTotalMs: number | undefined;
  /** The instant by which the access ends at the latest: a late decision gives the time up to it. Epoch milliseconds. */
  readonly endBy: number | undefined;
  /** How many subjects may hold the access of each rule at a time: at most one limit for each rule. */
  readonly maxHolders: readonly HolderLimit[] | undefined;
}

/** The grants that a request extends. Read from these grants when the request is made. Never changes. */
export interface Extension {
  /** The ids of the old grants, one for each requested scope, in the same order. All of them belong to one request. */
  readonly grantIds: readonly string[];
  /** The request whose grants are extended together. `undefined`: the caller named a single grant. */
  readonly requestId: string | undefined;
  /** The old grants' `expiresAt`. The new grants start there, or at a later decision. Epoch milliseconds. */
  readonly from: number;
  /** The start of the first grant of the extension chain. Epoch milliseconds. */
  readonly firstStartsAt: number;
  /** The latest expiry of the new grants: `firstStartsAt` plus the engine's `limits.maxTotal`. Epoch milliseconds. */
  readonly until: number;
  /** Whether the chain began with break-glass. If so, reviewers must approve each extension: an approver alone can not. */
  readonly breakGlass: boolean;
}

/** The review that must follow a break-glass request. */
export interface AfterReview {
  /** The instant from which the review is overdue. It stays pending until a reviewer gives it. Epoch milliseconds. */
  readonly reviewBy: number;
  /** The groups whose members may give the review, as the approver named them when it allowed break-glass. */
  readonly reviewers: readonly string[];
  /** The groups whose review was skipped. */
  readonly skippedGroups: readonly string[];
  /** The skipped reviewers. `undefined`: the approver did not list them. */
  readonly skippedPeople: readonly string[] | undefined;
  /** When a sweep recorded that the review is overdue. Epoch milliseconds. */
  readonly missedAt: number | undefined;
  /** The review. `undefined` while it is pending. */
  readonly breakGlassReview: BreakGlassReview | undefined;
}

/** The verdict of a reviewer on a break-glass use. */
export interface BreakGlassReview {
  /** The reviewer. */
  readonly by: string;
  /** Whether the emergency justified the access. `unjustified` also ended it. */
  readonly verdict: 'justified' | 'unjustified';
  /** When the reviewer gave it. Epoch milliseconds. */
  readonly at: number;
  /** Why, in the reviewer's words. */
  readonly reason: string | undefined;
}

/** An end of a request or a grant: a status of the table, one of its causes, the instant, the actor, and the given reason. */
export type EndIn<Table extends Readonly<Record<string, readonly string[]>>> = {
  readonly [Status in keyof Table]: {
    /** The status from then on. */
    readonly status: Status;
    /** The cause of the end. */
    readonly cause: Table[Status][number];
    /** When it ended. Epoch milliseconds. */
    readonly at: number;
    /** The actor: the id of a caller, or an actor of the engine, such as `system:sweeper`. */
    readonly by: string;
    /** Why, in the words of the actor or of the approver. */
    readonly reason: string | undefined;
  };
}[keyof Table];

/** The end of a request. One union, so that two ends can not both be set. */
export type RequestEnd = WithGranted<EndIn<typeof REQUEST_ENDS>>;

/** A request of a subject for one or more scopes for a window. Subject, scopes, ttl and start never change after creation. */
export interface AccessRequest {
  readonly kind: 'request';
  readonly id: string;
  /** The request's version. Each change increments it. */
  readonly version: number;
  /** The identity that would hold the access. */
  readonly subject: string;
  /** The caller that made the request: the subject, or another caller on its behalf. */
  readonly requestedBy: string;
  /** The agent, where `subject` is one of its runs. It is then also `requestedBy`. */
  readonly agent: string | undefined;
  /** The operator on whose behalf the run asks, where it has one. The operator may review if the approver's groups include them. */
  readonly operator: string | undefined;
  /** The requested scopes. */
  readonly scopes: readonly string[];
  /** Length of the window in milliseconds. It starts at the decision, unless `startsAt` or `extension` is set. With `until`: at most. */
  readonly ttlMs: number;
  /** The requested end, whenever the request is decided. `undefined`: `ttlMs` after the start. Epoch milliseconds. */
  readonly until: number | undefined;
  /** The requested start. `undefined`: the decision. Epoch milliseconds. */
  readonly startsAt: number | undefined;
  /** The grants to extend. `undefined`: the request extends none. */
  readonly extension: Extension | undefined;
  /** The id of the request that this one replaces: the requester amended that one. */
  readonly replaces: string | undefined;
  /** Why the requester asks. */
  readonly justification: string | undefined;
  /** The ticket that the requester cites. */
  readonly ticket: string | undefined;
  /** The caller's own JSON. The store keeps it on the request. The journal holds only its SHA-256. */
  readonly metadata: JsonObject | undefined;
  /** The id by which the caller connects this request with its own records, such as a trace or an incident. */
  readonly correlation: string | undefined;
  /** When the request was created. Epoch milliseconds. */
  readonly createdAt: number;
  /** The review deadline: the first instant at which the request can no longer be decided. Epoch milliseconds. */
  readonly reviewBy: number;
  /** The instant from which a sweep asks the approver again, if it has not answered. Epoch milliseconds. */
  readonly askAgainAt: number;
  /** The approver that decided or named the quorum. The engine asks only it about groups and eligibility. `undefined`: none yet. */
  readonly approver: string | undefined;
  /** The approver's own name for the rule by which it answered. */
  readonly rule: string | undefined;
  /** `undefined` until the approver has answered. */
  readonly terms: Terms | undefined;
  /** When the approver named the quorum. Epoch milliseconds. */
  readonly assignedAt: number | undefined;
  /** The quorum, frozen when the approver names it. No later edit of a policy changes it (L17). */
  readonly quorum: Quorum | undefined;
  /** When a sweep last recorded that an escalation of the quorum has begun. Epoch milliseconds. */
  readonly escalatedAt: number | undefined;
  /** How many reminders of the reviewers sweeps have recorded: 1 to 20. `undefined`: none. */
  readonly reminders: number | undefined;
  /** When a sweep last recorded such a reminder. Epoch milliseconds. */
  readonly remindedAt: number | undefined;
  /** The later steps of the quorum that have begun, in order. A step that has begun stays begun. `undefined`: none. */
  readonly begunSteps: readonly BegunStep[] | undefined;
  /** The reviews so far. */
  readonly reviews: readonly Review[];
  /** `undefined` while no end is recorded: pending, or expired without a sweep. */
  readonly end: RequestEnd | undefined;
  /** The id of the request that replaces this one: the new one (cause `amended`), or break-glass (cause `overtaken`). */
  readonly replacedBy: string | undefined;
  /** Break-glass only: the review that must follow. */
  readonly afterReview: AfterReview | undefined;
}

/** The end of a grant. `at` is the instant at which access ended, never after `expiresAt`. */
export type GrantEnd = EndIn<typeof GRANT_ENDS>;

/** Access of a subject to one scope for the half-open window `[startsAt, expiresAt)`. */
export interface Grant {
  readonly kind: 'grant';
  /** `<requestId>.<n>`, where n is the position of the scope in what was requested, from 1. A narrowed request has gaps. */
  readonly id: string;
  /** The grant's version. Each change increments it. */
  readonly version: number;
  readonly requestId: string;
  /** The identity that holds the access. */
  readonly subject: string;
  /** The scope that the grant gives access to. */
  readonly scope: string;
  /** When the request was decided. Epoch milliseconds. */
  readonly issuedAt: number;
  /** The first instant at which the grant may allow. Epoch milliseconds. */
  readonly startsAt: number;
  /** The first instant at which the grant no longer allows. Never changes. Epoch milliseconds. */
  readonly expiresAt: number;
  /** The start of the first grant of its extension chain. For a grant that extends none: its own start. Epoch milliseconds. */
  readonly firstStartsAt: number;
  /** The id of the grant that this one extends. */
  readonly extends: string | undefined;
  /** The grants that extend this one. */
  readonly successors: readonly Successor[];
  /** Whether this grant, or the first grant of its extension chain, is break-glass access. */
  readonly breakGlass: boolean;
  /** Whether the engine asks the approver again at the start. If so, the grant allows nothing until its activation is recorded. */
  readonly asksAtStart: boolean;
  /** When the activation was recorded. A grant that starts at its decision: the start. Epoch milliseconds. */
  readonly activatedAt: number | undefined;
  /** When the warnings of the coming expiry are due, in order. Empty: never. Epoch milliseconds. */
  readonly warnAt: readonly number[];
  /** When the warnings of `warnAt` were recorded, in the same order. A late sweep records several at once. Epoch milliseconds. */
  readonly warnedAt: readonly number[];
  /** The idle time after which the unused grant ends. Milliseconds. */
  readonly idleTtlMs: number | undefined;
  /** The number of uses that the grant has in all. */
  readonly maxUses: number | undefined;
  /** `undefined` until an end is recorded. A grant also ends by time while no end is recorded. */
  readonly end: GrantEnd | undefined;
}

/** A grant that extends another. */
export interface Successor {
  /** The id of the grant that extends it. */
  readonly grantId: string;
  /** When it was issued. Epoch milliseconds. */
  readonly at: number;
}

/** The recorded use of a grant with an idle end or a number of uses. Each such grant has one, with the grant's id. */
export interface Usage {
  readonly kind: 'usage';
  readonly id: string;
  readonly version: number;
  readonly subject: string;
  readonly scope: string;
  /** The grant's start. Epoch milliseconds. */
  readonly startsAt: number;
  readonly expiresAt: number;
  readonly idleTtlMs: number | undefined;
  /** The last recorded use. The engine does not record every touch, see `CheckOptions.touch`. Epoch milliseconds. */
  readonly usedAt: number | undefined;
  /** The number of uses taken. */
  readonly uses: number;
  /** When the grant ended. `undefined` until that end is recorded. Epoch milliseconds. */
  readonly endedAt: number | undefined;
}

/** A use that was taken under an idempotency key. */
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
  /** The grant's `expiresAt`. The store keeps this record at least until then. Epoch milliseconds. */
  readonly expiresAt: number;
  readonly usesLeft: number;
}

/** Links an idempotency key to the request that an ask with this key repeated, instead of creating one. */
export interface Reuse {
  readonly kind: 'reuse';
  /** Derived from the key. */
  readonly id: string;
  readonly version: number;
  readonly subject: string;
  /** The request that the engine returned. */
  readonly requestId: string;
  /** The digest of the ask. */
  readonly askDigest: string;
}

/** A provisioning change: the last change of one external system for one subject and one scope, and its outcome. */
export interface ProvisioningChange {
  readonly kind: 'provisioning';
  /** Derived from name, subject and scope. */
  readonly id: string;
  /** The version of this record. Each change increments it. */
  readonly version: number;
  /** The name of the provisioning target. */
  readonly name: string;
  /** The subject whose access changes. */
  readonly subject: string;
  /** The scope of the access. */
  readonly scope: string;
  /** The desired state: whether the subject holds the scope. */
  readonly held: boolean;
  /** The change's number. Every later change has a higher one. */
  readonly seq: number;
  /** When the change was recorded. Epoch milliseconds. */
  readonly intendedAt: number;
  /** The number of failed calls for this change. */
  readonly failures: number;
  /** The code or name of the last call's error. */
  readonly problem: string | undefined;
  /** From this instant on, a sweep calls the external system again. Epoch milliseconds. */
  readonly tryAt: number;
  /** When this record last changed. Epoch milliseconds. */
  readonly changedAt: number;
  /** `undefined` while the engine still tries the change. */
  readonly outcome: ProvisioningOutcome | undefined;
}

/** The outcome of a provisioning change: the external system took it, its tries are used up (`stuck`), or a person set it aside. */
export interface ProvisioningOutcome {
  /** `done`: the external system took it. `stuck`: its tries are used up. `dismissed`: a person set it aside. */
  readonly status: 'done' | 'stuck' | 'dismissed';
  /** When it was recorded. Epoch milliseconds. */
  readonly at: number;
  /** `system:provisioning`, or the person who set it aside. */
  readonly by: string;
  /** Why the person set it aside. */
  readonly reason: string | undefined;
}

/** The row that enforces the limits of a subject. Every change that opens a request or issues a grant for the subject writes it. */
export interface Subject {
  readonly kind: 'subject';
  readonly id: string;
  readonly version: number;
  /** The ids of break-glass requests by or for this subject with a pending review. */
  readonly unreviewed: readonly string[];
  /** The ids of requests that it opened for other subjects. Only an ask writes this list, and removes the ended ones. */
  readonly openedForOthers: readonly string[];
  /** The ids of denied requests for this subject, the latest last: at most 100. */
  readonly denied: readonly string[];
}

/** Any record that a transition writes. */
export type StoredRecord =
  AccessRequest | Grant | Usage | Use | Reuse | ProvisioningChange | Subject | Locks | Activity | RequestComment | Holders;

/** A position in the journal: a sequence number and the chain's hash there. An exported anchor later proves a truncation. */
export interface Anchor {
  /** The entry's number. 0: before the first entry. */
  readonly seq: number;
  /** 64 lower-case hex digits. */
  readonly hash: string;
}

/** An entry before the store has linked it into the chain. */
export interface UnlinkedEntry {
  /** Format version. */
  readonly v: 1;
  /** The namespace of the journal. */
  readonly namespace: string;
  /** `<change id>.<n>`. A repeated commit or delivery keeps it: drop repeats by it. */
  readonly id: string;
  /** What happened. */
  readonly type: EntryType;
  /** When the transition happened, by the clock of its process: never before the record's last instant (L27). Epoch milliseconds. */
  readonly at: number;
  /** The id that caused it. The engine's own actors begin with `system:`, such as `system:sweeper` and `system:approver`. */
  readonly actor: string;
  /** The request that the entry is about. */
  readonly requestId?: string | undefined;
  /** The grant that the entry is about. */
  readonly grantId?: string | undefined;
  /** Every field that the transition wrote. */
  readonly data: JsonObject;
  /** SHA-256 of the RFC 8785 form of the entry without `digest`, `seq`, `prevHash` and `hash`: 64 lower-case hex digits. */
  readonly digest: string;
}

/** A linked entry of the journal. */
export interface AuditEntry extends UnlinkedEntry {
  /** 1, 2, 3, ... without a gap. */
  readonly seq: number;
  /** The hash of the previous entry. For the first entry: 64 zeros. */
  readonly prevHash: string;
  /** `SHA-256(prevHash || uint64be(seq) || digest)`, 64 lower-case hex digits. */
  readonly hash: string;
}

/** The answer of a check. */
export interface Decision {
  readonly allowed: boolean;
  /**
   * Why the check allows or denies.
   *
   * - `granted`: a grant allows.
   * - `standing`: standing access allows.
   * - `not_started`: a grant that covers the scope starts later.
   * - `not_activated`: a grant that covers the scope has started, but the approver has not confirmed its start.
   * - `use_required`: a grant that covers the scope has a number of uses, and a checker takes none.
   * - `locked`: a lock on the subject or on a scope that overlaps this one is open. Or the row of locks is unreadable.
   * - `no_grant`: no live grant covers the scope.
   */
  readonly reason: 'granted' | 'standing' | 'not_started' | 'not_activated' | 'use_required' | 'locked' | 'no_grant';
  readonly subject: string;
  readonly scope: string;
  /** The clock reading at which the check was judged. Epoch milliseconds. */
  readonly at: number;
  /** Of the grants that allow, the one that ends last. `use_required`, `not_activated`, `not_started`: the grant of that reason. */
  readonly grant: Grant | undefined;
  /** The standing pattern that allows. */
  readonly pattern: string | undefined;
  /**
   * The instant at which *time alone* may change this answer. `undefined`: time alone never does. It limits the age of a
   * cached answer, but does not make caching safe: a cached yes delays a revoke by its age. Epoch milliseconds.
   */
  readonly validUntil: number | undefined;
}
