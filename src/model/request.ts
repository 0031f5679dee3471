import type { EndIn, REQUEST_ENDS } from './ends.js';
import type { HolderLimit } from './holders.js';
import type { JsonObject } from './json.js';
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
  /** Whether the chain began with break-glass. If so, reviewers must approve each extension: an approver alone cannot. */
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

/** The end of a request. One union, so that two ends cannot both be set. */
export type RequestEnd = WithGranted<EndIn<typeof REQUEST_ENDS>>;

/** A request of a subject for one or more scopes for a window. Subject, scopes, ttl and start never change after creation. */
export interface AccessRequest {
  /** The kind of this record: always `'request'`. */
  readonly kind: 'request';
  /** The id of the request, by which it is approved, denied and cancelled. */
  readonly id: string;
  /** The request's version. Each change increments it. */
  readonly version: number;
  /** The identity that would hold the access. */
  readonly subject: string;
  /** The caller that made the request: the subject, or another caller on its behalf. */
  readonly requestedBy: string;
  /** The agent, if `subject` is one of its runs. It is then also `requestedBy`. */
  readonly agent: string | undefined;
  /** The operator on whose behalf the run asks, if it has one. The operator may review if the approver's groups include them. */
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
  /** The quorum, frozen when the approver names it. No later edit of a policy changes it. */
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
