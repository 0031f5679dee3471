import type { AccessPreview } from '../explain/preview.js';
import type { JsonObject } from '../../model/json.js';
import type { AccessResult, AccessStatus, EndedRecords, InboxItem, RevokeAllReport } from '../../engine/answers.js';
import type { WithWindow } from '../../engine/requests/ask.js';
import type { BreakGlassResult } from '../../engine/break-glass/break-glass.js';
import type { CommentResult } from '../../engine/requests/comments.js';
import type { HolderQuery, PatternQuery, RequestFound } from '../../engine/lists/lookups.js';
import type { EndCounts } from '../../engine/endings/count-ends.js';
import type { LockResult, LockWithStatus } from '../../engine/endings/locks.js';
import type { Page } from '../../core/ports.js';
import type { CancelResult } from '../../engine/endings/revocation.js';
import type { GrantWithStatus, ListedRequest, RequestWithStatus } from '../../engine/with-status.js';
import type { AccessReport } from '../../journal/report.js';
import type { Anchor, AuditEntry } from '../../records/index.js';
import type { CanAsk } from '../explain/can-ask.js';
import type { RequestableList } from '../explain/requestable-types.js';
import type { EngineStats } from '../explain/stats.js';
import type { Badge, BadgeState } from '../http/badge.js';
import type { Changing } from '../http/changes-at.js';
import type { Holdings, InboxPage } from '../http/holdings.js';
import type { JournalPage, PartVerification } from '../http/journal-parts.js';
import type { ListedReview } from '../http/break-glass-review.js';
import type { ExcludedReviewer, RequestReviewers } from '../http/reviewers.js';
import type { HttpAction } from '../http/actions.js';
import type { FoundPerson, Person } from '../http/person.js';
import type { TimelineEvent } from '../http/timeline.js';
import type { LinkPreview } from '../links/options.js';
import type { AccessEvent, EventOptions } from './events.js';
import type * as inputs from './inputs.js';

export type {
  Badge,
  BadgeState,
  Changing,
  EndCounts,
  ExcludedReviewer,
  FoundPerson,
  Holdings,
  HttpAction,
  InboxPage,
  JournalPage,
  PartVerification,
  Person,
  ListedReview,
  RequestReviewers,
  TimelineEvent,
};

type Call = inputs.CallOptions;
type Read = inputs.ReadOptions;
type Keyed = inputs.KeyedOptions;

/** An answer; with the option `people`, also what the handler's `people` says about the ids in it. Look an id up by `Object.hasOwn`. */
export type Named<T> = T & {
  /** By id. An id that is missing has no name. `undefined`: not asked for, or the handler has no names. */
  readonly people?: Readonly<Record<string, Person | undefined>> | undefined;
};

/**
 * The first page of a list, as a promise. `for await` yields the records of that page and of all pages after it, without names.
 *
 * `First` is the type of that page.
 */
export interface NamedPages<T, First = Page<T>> extends Promise<Named<First>>, AsyncIterable<T> {}

/** The first page of grants, as a promise. `for await` yields the grants of that page and of all pages after it. */
export type GrantPages = NamedPages<GrantWithStatus, Page<GrantWithStatus> & Changing>;

/** What the caller holds now, with the text of a badge. */
export interface OwnStatus extends AccessStatus {
  /** What a badge shows for this status. */
  readonly badge: Badge;
}

/** The first page of the journal, as a promise. `for await` yields the entries of that page and of all pages after it. */
export interface JournalPages extends Promise<Named<JournalPage>>, AsyncIterable<AuditEntry> {}

/**
 * The operations of a handler of `jit-access/http`, each named after the engine's verb. The caller of every operation is the one that
 * the handler's `identify` returns.
 *
 * Reads and keyed calls are repeated up to twice after a failure without an answer, and after a 503 with `Retry-After`. All other calls
 * are sent once: repeat them when you know that they may be repeated.
 *
 * Every method rejects with an error of the engine, by the code of the answer; with {@link HttpClientError}, if there is none; or
 * with the reason of `signal`. No method throws: wrong arguments also reject, and nothing is sent. A field of an error that the handler
 * withholds, because it names another person, is `undefined`.
 */
export interface AccessClient {
  /** Whether the store and the clock of the service answer. Needs no caller. */
  health(options?: Call): Promise<{ readonly status: 'ok' }>;
  /** The OpenAPI document of the handler. Needs no caller. */
  openapi(options?: Call): Promise<JsonObject>;

  /** What the caller holds now. `<jit-badge>` takes it as its `status`. */
  status(options?: Read): Promise<Named<OwnStatus>>;
  /** What the caller may ask for, for a form. */
  requestable(options?: Read): Promise<Named<RequestableList>>;
  /** Whether the caller can ask for a scope, for a button. */
  canAsk(scope: string, options?: Read): Promise<Named<CanAsk>>;

  /**
   * What `may` permits for no target, for a menu. It is no right: each call asks `may` about its own target. `breakGlass`: whether a
   * rule gives the caller any access in an emergency; `undefined` if the approver could not say so.
   */
  views(
    options?: Call,
  ): Promise<{ readonly actions: readonly HttpAction[]; readonly patterns: boolean; readonly breakGlass?: boolean | undefined }>;
  /** The people of the service, if the handler has its option `people`. */
  readonly people: {
    /** At most 20 people whom a text of 2 to 64 characters finds. No agent may search. @throws HttpClientError with 501: no search */
    search(text: string, options?: Call): Promise<readonly FoundPerson[]>;
  };

  /** The result that an ask would have now. Nothing is recorded but the count of dry runs. */
  requestAccess<Window = undefined>(ask: WithWindow<inputs.DryRunInput, Window>, options?: Keyed): Promise<AccessPreview>;
  /** Asks for access. Read `outcome`: a pending request is no permission. */
  requestAccess<Window = undefined>(ask: WithWindow<inputs.AskInput, Window>, options?: Keyed): Promise<AccessResult>;
  /** The requests of the caller; with `subject` or `all`, those of others, if `may` permits it. */
  listRequests(query?: inputs.RequestListInput, options?: Read): NamedPages<ListedRequest>;
  /** A request with its outcome, its grants and its comments. @throws NotFoundError also if the caller does not see it */
  getRequest(requestId: string, options?: inputs.WaitOptions): Promise<Named<RequestFound & Changing>>;
  /** What happened to a request and its grants, the oldest first. */
  getTimeline(requestId: string, options?: Read): Promise<Named<{ readonly events: readonly TimelineEvent[] }>>;
  /** What a pending request waits for: groups, people, and the missing approvals; for its reviewers also who does not count, and why. */
  getReviewers(requestId: string, options?: Read): Promise<Named<RequestReviewers & Changing>>;
  /** Replaces a pending request of the caller by one with other values, and another id. */
  amend(requestId: string, amendment: inputs.AmendInput, options?: Keyed): Promise<AccessResult>;
  /** Cancels a pending request. A repeat returns `cancelled: false`. */
  cancel(requestId: string, cancellation?: inputs.CancelInput, options?: Call): Promise<CancelResult>;
  /** Comments on a pending request. */
  comment(requestId: string, comment: inputs.CommentInput, options?: Keyed): Promise<CommentResult>;
  /** Asks for more time for all grants of a request. */
  extendRequest<Window = undefined>(
    requestId: string,
    extension: WithWindow<inputs.ExtendInput, Window>,
    options?: Keyed,
  ): Promise<AccessResult>;
  /** Ends all grants of a request of the caller early. */
  releaseRequest(requestId: string, release?: inputs.ReasonInput, options?: Call): Promise<EndedRecords>;

  /** The pending requests that the caller may review now, the first due first; with `holdings`, also what their subjects hold. */
  inbox(query?: inputs.InboxInput, options?: Read): NamedPages<InboxItem, InboxPage>;
  /** Approves a request, or a part of it. */
  approve(requestId: string, approval?: inputs.ApproveInput, options?: Call): Promise<AccessResult>;
  /** Denies a request. */
  deny(requestId: string, denial?: inputs.DenyInput, options?: Call): Promise<AccessResult>;

  /** The grants of the caller, also scheduled ones; with `subject` or `all`, those of others, if `may` permits it. */
  listGrants(query?: inputs.GrantListInput, options?: Read): GrantPages;
  /** A grant with its status. @throws NotFoundError also if the caller does not see it */
  getGrant(grantId: string, options?: Read): Promise<Named<GrantWithStatus>>;
  /** Asks for more time for a grant. */
  extendGrant<Window = undefined>(
    grantId: string,
    extension: WithWindow<inputs.ExtendInput, Window>,
    options?: Keyed,
  ): Promise<AccessResult>;
  /** Ends a grant of the caller early. */
  releaseGrant(grantId: string, release?: inputs.ReasonInput, options?: Call): Promise<GrantWithStatus>;

  /** Takes access at once, in an emergency. A reviewer must review it afterwards. */
  breakGlass<Window = undefined>(ask: WithWindow<inputs.BreakGlassInput, Window>, options?: Keyed): Promise<BreakGlassResult>;
  /** The pending break-glass reviews that the caller may give; with `all`, all of them, if `may` permits it. */
  listBreakGlassReviews(query?: inputs.BreakGlassListInput, options?: Read): NamedPages<ListedReview>;
  /** Reviews break-glass access. `unjustified` ends it. */
  reviewBreakGlass(requestId: string, review: inputs.BreakGlassReviewInput, options?: Call): Promise<RequestWithStatus>;

  /** Shows what an approval link of the caller would decide. Decides nothing. */
  openApprovalLink(link: inputs.LinkInput, options?: Call): Promise<LinkPreview>;
  /** Gives the review of an approval link of the caller. */
  redeemApprovalLink(link: inputs.RedeemInput, options?: Call): Promise<AccessResult>;

  /**
   * What changes for the caller, as it happens. The stream connects again by itself, after pauses of up to 30 seconds, and continues
   * after the last event.
   *
   * @throws an error of the engine, or HttpClientError, if connecting again would get the same answer, such as 401
   */
  events(options?: EventOptions): AsyncIterable<AccessEvent>;

  /** Ends a grant of any subject. Only if `may` permits it, as for all that follow. */
  revoke(grantId: string, revocation?: inputs.ReasonInput, options?: Call): Promise<GrantWithStatus>;
  /** The numbers of grants, people and requests that the call would end now. Nothing is recorded. */
  revokeAll(revocation: inputs.RevokeAllInput & inputs.CountInput, options?: Call): Promise<EndCounts>;
  /** Ends all access of a subject, a scope, a request or a ticket. Read `matched`: a misspelt target ends nothing. @throws PartialError */
  revokeAll(revocation: inputs.RevokeAllInput, options?: Call): Promise<RevokeAllReport>;
  /** The numbers of grants, people and requests that the lock would end now. Nothing is recorded. */
  lock(lock: inputs.LockInput & inputs.CountInput, options?: Keyed): Promise<EndCounts>;
  /** Locks a subject or a scope: ends its access, and refuses every ask until the lock ends. */
  lock(lock: inputs.LockInput, options?: Keyed): Promise<LockResult>;
  /** The open locks, in the order in which they were set. */
  listLocks(options?: Read): Promise<Named<readonly LockWithStatus[]>>;
  /** Lifts a lock. It restores no access. */
  unlock(lockId: string, unlocking?: inputs.ReasonInput, options?: Call): Promise<LockWithStatus>;

  /**
   * The grants that covered a scope at an instant; without `at`, those that allow it now. A pattern needs the right for every scope.
   */
  whoHadAccess(query: HolderQuery | PatternQuery, options?: Read): GrantPages;
  /** The grants that were held at some time of a span. */
  history(query: inputs.HistoryInput, options?: Read): GrantPages;
  /**
   * The access of a span, compared with standing access and with its use. A call covers 31 days. `next` is the `from` of the next call,
   * in epoch milliseconds; `undefined`: the span is covered.
   */
  accessReport(span: inputs.ReportInput, options?: Read): Promise<Named<AccessReport & { readonly next?: number | undefined }>>;
  /** How much waits: pending requests and reviews, ends that no sweep has recorded, open locks, and sinks that are behind. */
  stats(options?: Call): Promise<EngineStats>;
  /** Entries of the journal, the oldest first. Each page also has the `head` of the journal. */
  journal(query?: inputs.JournalInput, options?: Read): JournalPages;
  /** The newest anchor of the journal. Keep it: with it, a verification also finds a cut. */
  journalHead(options?: Call): Promise<Anchor>;
  /** Verifies up to 100,000 entries of the journal. Pass `next` as `after` to continue. */
  verifyJournal(query?: inputs.VerifyInput, options?: Call): Promise<PartVerification>;
}
