import type { JsonObject } from '../ports.js';

/** Which review groups must approve, how many in each, how many denials end it, how long an approval stays fresh. */
export interface Quorum {
  /** Every group must reach its number (AND across groups, m-of-n inside one). A reviewer counts in one group only. */
  readonly groups: readonly { readonly name: string; readonly approvals: number }[];
  /** How many denials, over all groups, end the request. At least 1. */
  readonly denials: number;
  /** How long an approval counts, in milliseconds; `undefined`: as long as the request is open. */
  readonly approvalTtlMs: number | undefined;
}

/** One reviewer's word. A reviewer has at most one on a request; a later one replaces it. */
export interface Review {
  readonly reviewer: string;
  readonly verdict: 'approve' | 'deny';
  /** The groups of the quorum that the reviewer was in when this was given. */
  readonly groups: readonly string[];
  /** Epoch milliseconds. */
  readonly at: number;
  readonly reason: string | undefined;
}

/** How a request ended. One union, so that two ends can't both be set. */
export type RequestEnd =
  | {
      readonly status: 'approved';
      readonly cause: 'approver' | 'quorum';
      readonly at: number;
      readonly by: string;
      readonly reason: string | undefined;
    }
  | {
      readonly status: 'denied';
      readonly cause: 'approver' | 'quorum' | 'abstained' | 'ineligible';
      readonly at: number;
      readonly by: string;
      readonly reason: string | undefined;
    }
  | {
      readonly status: 'cancelled';
      readonly cause: 'cancelled' | 'revoked';
      readonly at: number;
      readonly by: string;
      readonly reason: string | undefined;
    }
  | {
      readonly status: 'expired';
      readonly cause: 'time';
      readonly at: number;
      readonly by: string;
      readonly reason: undefined;
    };

/** A subject's ask for one or more scopes for a window. Subject, scopes and ttl never change after creation. */
export interface AccessRequest {
  readonly kind: 'request';
  readonly id: string;
  readonly version: number;
  /** Who would hold the access. */
  readonly subject: string;
  /** Who asked; the subject itself unless somebody asked on its behalf. */
  readonly requestedBy: string;
  readonly scopes: readonly string[];
  /** Length of the window in milliseconds. It starts at the decision. */
  readonly ttlMs: number;
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
  /** When the approver named the quorum. Epoch milliseconds. */
  readonly assignedAt: number | undefined;
  /** Frozen when the approver names it; no later edit of a policy changes it. */
  readonly quorum: Quorum | undefined;
  readonly reviews: readonly Review[];
  /** `undefined` while it is pending. */
  readonly end: RequestEnd | undefined;
}

/** How a grant ended. `at` is when access ended, never after `expiresAt`. */
export type GrantEnd =
  | {
      readonly status: 'expired';
      readonly cause: 'time';
      readonly at: number;
      readonly by: string;
      readonly reason: undefined;
    }
  | {
      readonly status: 'revoked';
      readonly cause: 'revoked' | 'released';
      readonly at: number;
      readonly by: string;
      readonly reason: string | undefined;
    };

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
  /** `undefined` until its end is on record. Time ends it without any record. */
  readonly end: GrantEnd | undefined;
}

export type EntryType =
  | 'request.created'
  | 'request.assigned'
  | 'request.reviewed'
  | 'request.approved'
  | 'request.denied'
  | 'request.cancelled'
  | 'request.expired'
  | 'grant.issued'
  | 'grant.expired'
  | 'grant.revoked'
  | 'attempt.refused'
  | 'journal.purged';

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
  /** Who did it. `system:approver` and `system:sweeper` are the engine's own. */
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
  /** `granted`, `standing`; or `not_started` (a grant that covers begins later), `no_grant`. */
  readonly reason: 'granted' | 'standing' | 'not_started' | 'no_grant';
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
