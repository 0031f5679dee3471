import type { Instant } from '../../core/instant.js';
import type { Amendment } from '../../engine/requests/amend.js';
import type { AccessAsk, BreakGlassAsk, ExtensionAsk } from '../../engine/requests/ask.js';
import type { ApproveBy, CancelBy, ReviewBy } from '../../engine/by.js';
import type { Paging } from '../../engine/lists/collect.js';
import type { GrantQuery, RequestQuery } from '../../engine/lists/lists.js';
import type { LockTarget } from '../../engine/endings/locks.js';
import type { RevokeAllTarget } from '../../engine/endings/revoke-all.js';

/*
 * What the calls send: the arguments of the engine's verbs, without the caller. A test compares them with the schemas of the handler.
 */

/** For whom the caller asks. */
interface ForSubject {
  /** The subject, if it is not the caller. Only if the handler's `may` permits `requestFor`. Default: the caller. */
  readonly subject?: string | undefined;
}

type Owned = 'run' | 'subject' | 'requestedBy' | 'by' | 'idempotencyKey';

/** What `requestAccess` asks for. */
export interface AskInput extends Omit<AccessAsk, Owned>, ForSubject {}
/** An ask that creates no request. */
export interface DryRunInput extends AskInput {
  /** Marks the ask as a dry run. */
  readonly dryRun: true;
}

/** What `breakGlass` takes. */
export interface BreakGlassInput extends Omit<BreakGlassAsk, Owned>, ForSubject {}
/** The new values of a pending request. At least one. */
export type AmendInput = Omit<Amendment, 'by' | 'idempotencyKey'>;
/** How much more time is asked for. */
export type ExtendInput = Omit<ExtensionAsk, 'requestedBy' | 'by' | 'idempotencyKey'>;

export interface ReasonInput {
  /** Why. Recorded in the journal. Text of at most 4 KiB. Default: none. */
  readonly reason?: string | undefined;
}

export type CancelInput = Omit<CancelBy, 'by'>;
export type ApproveInput = Omit<ApproveBy, 'by' | 'auth'>;
export type DenyInput = Omit<ReviewBy, 'by'>;

export interface CommentInput {
  /** Text of at most 4 KiB. The other reviewers, the subject and the requester read it. */
  readonly text: string;
}

export interface BreakGlassReviewInput extends ReasonInput {
  /** `unjustified` ends the access. */
  readonly verdict: 'justified' | 'unjustified';
}

export interface LinkInput {
  /** The token of an approval link. */
  readonly token: string;
}

export interface RedeemInput extends DenyInput, LinkInput {}

/** Makes a call only count what it would end. */
export interface CountInput {
  /** Marks the call as a dry run. */
  readonly dryRun: true;
}

/** What `revokeAll` ends: exactly one of the four fields; and why. */
export type RevokeAllInput = RevokeAllTarget & ReasonInput;

/** What is locked: exactly one of `subject` and `scope`; and why. */
export type LockInput = LockTarget &
  ReasonInput & {
    /** The first instant at which the lock no longer denies: epoch milliseconds or a `Date`. Default: none; only `unlock` ends it. */
    readonly until?: Instant | undefined;
  };

interface OfAll {
  /** `true`: those of every subject. Only if the handler's `may` permits it. Default: those of the caller. */
  readonly all?: boolean | undefined;
}

export interface RequestListInput extends RequestQuery, OfAll {}
export interface GrantListInput extends Omit<GrantQuery, 'covering' | 'overlapping'>, OfAll {
  /** Selects the grants that overlap this pattern, or one of several. */
  readonly pattern?: string | readonly string[] | undefined;
}

/** Selects a page of the inbox. */
export interface InboxInput extends Paging {
  /** Whether the page also has what the subjects hold, of those for whom the handler's `may` permits `listGrants`. Default: `false`. */
  readonly holdings?: boolean | undefined;
}

/** Selects the grants that were held at some time of a span. */
export interface HistoryInput extends Paging {
  /** Selects the grants of this subject. */
  readonly subject?: string | undefined;
  /** Selects the grants that cover this scope. */
  readonly scope?: string | undefined;
  /**
   * Selects the grants that overlap this pattern, or one of several. Not with `scope`. Only if the handler's `may` permits the call for
   * every scope.
   */
  readonly pattern?: string | readonly string[] | undefined;
  /** The start of the span, not in the future. Epoch milliseconds or a `Date`. */
  readonly from: Instant;
  /** The end of the span, exclusive. Epoch milliseconds or a `Date`. */
  readonly to: Instant;
}

/** Selects a page of pending break-glass reviews. */
export interface BreakGlassListInput extends Paging, OfAll {}

/** Selects a page of the journal. */
export interface JournalInput {
  /** The `next` of the previous page, or the number of an entry: the page begins after it. Default: the oldest entry that is left. */
  readonly after?: string | number | undefined;
  /** The greatest number of entries, 1 to 1,000. Default: 100. */
  readonly limit?: number | undefined;
}

/** Selects a part of the journal. */
export interface VerifyInput {
  /** The `next` of the previous call, or an anchor of your own: `<seq>.<hash>`. Default: the start of the journal. */
  readonly after?: string | undefined;
}

/** A span of at most 31 days. */
export interface ReportInput {
  /** The start of the span. Epoch milliseconds or a `Date`. */
  readonly from: Instant;
  /** The end of the span, exclusive. Epoch milliseconds or a `Date`. */
  readonly to: Instant;
  /** Whether every process that checks has recorded use. Default: `false`. */
  readonly recordsUse?: boolean | undefined;
}

/** Options of every call. */
export interface CallOptions {
  /** Aborts the call, which then rejects with the signal's reason. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a call that creates something. */
export interface KeyedOptions extends CallOptions {
  /** Makes a repeat safe, also after a restart: the same key and values return the same result. 1-256 characters. Default: a random key. */
  readonly idempotencyKey?: string | undefined;
}

/** Options of a read. */
export interface ReadOptions extends CallOptions {
  /** Whether the answer also has `people`, the names of the people in it, if the handler has its option `people`. Default: `false`. */
  readonly people?: boolean | undefined;
}

/** Options of `getRequest`. */
export interface WaitOptions extends ReadOptions {
  /** How long the handler may wait for a decision. Seconds, at most 30. Default: it answers at once. */
  readonly wait?: number | undefined;
}
