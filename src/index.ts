export type { Amendment } from './engine/requests/amend.js';
export type { ApproveBy, By, CancelBy, NarrowTo, ReviewBy, ReviewerAuth } from './engine/by.js';
export type { CommentBy, CommentResult } from './engine/requests/comments.js';
export { JitEngine } from './engine/engine.js';
export type { Paging } from './engine/lists/collect.js';
export type { HolderQuery, PatternQuery, RequestFound, RequestOfKey } from './engine/lists/lookups.js';
export type { GrantQuery, HeldDuring, RequestQuery } from './engine/lists/lists.js';
export type { Pages } from './engine/lists/pages.js';
export type { GrantWithStatus, ListedRequest, RequestOutcome, RequestWithStatus } from './engine/with-status.js';
export type { Action } from './engine/checks/checker.js';
export type { CancelResult } from './engine/endings/revocation.js';
export type { RevokeAllTarget } from './engine/endings/revoke-all.js';
export type { LockBy, LockResult, LockTarget, LockWithStatus } from './engine/endings/locks.js';
export type { AccessAsk, BreakGlassAsk, BundleTarget, ExtensionAsk, RunAsk, TtlOrUntil, WithWindow } from './engine/requests/ask.js';
export type {
  AccessGranted,
  AccessResult,
  AccessStatus,
  AccessWindow,
  Consumption,
  EndedRecords,
  FlushReport,
  InboxItem,
  BreakGlassReviewItem,
  RevokeAllReport,
} from './engine/answers.js';
export type { BreakGlassInboxQuery, BreakGlassReviewQuery } from './engine/lists/break-glass-list.js';
export type { CheckOptions, ConsumeOptions } from './engine/checks/uses.js';
export type { Limits } from './kernel/settings/limits.js';
export type { RecordUse } from './kernel/settings/record-use.js';
export type { JitEngineOptions } from './kernel/settings/settings.js';
export type { Standing } from './kernel/settings/standing.js';
export type { SweepReport } from './engine/sweep/sweep-report.js';
export type { AskField } from './lifecycle/ask.js';
export type { MissingApprovals } from './records/index.js';
export type { RecentDenial } from './lifecycle/same-ask.js';
export { startSweeper, type Sweeper, type SweeperOptions } from './engine/sweeper.js';

export { reviewers, type ReviewersOptions } from './approvers/reviewers.js';
export { autoApprove, denyAll } from './approvers/auto.js';
export { firstDecisive } from './approvers/first-decisive.js';

export { MemoryGrantStore } from './stores/memory.js';
export { decodeScope, encodeScope } from './core/encode-scope.js';
export { exactScopes, isPattern, isScope, patternScopes } from './core/scope.js';
export { systemClock } from './core/clock.js';
export { type Instant } from './core/instant.js';
export { parseDuration, type Duration } from './core/duration.js';
export type { AgentRun } from './lifecycle/run.js';
export { runSubject } from './engine/run-subject.js';
export { grantStatus, requestStatus, wasHeldAt, type GrantStatus, type RequestStatus } from './lifecycle/status.js';

export { callbackSink } from './sinks/callback.js';
export { consoleSink, type ConsoleLike } from './sinks/console.js';
export { formatEntry } from './sinks/format.js';

export type { BreakGlassResult } from './engine/break-glass/break-glass.js';
export type { Denial } from './lifecycle/same-ask.js';
export { EntryRefusedError, isWithheld } from './followers/refused-entry.js';
export type { FollowerStatus } from './followers/followers.js';
export { ASK_PROBLEM_CODES, type AskProblem, type AskProblemCode } from './core/ask-problem.js';
export type { JsonObject, JsonValue } from './model/json.js';

export type {
  Abstention,
  Approver,
  BreakGlassVerdict,
  Ineligibility,
  QuorumAlternativeInput,
  QuorumGroupInput,
  QuorumInput,
  QuorumStepInput,
  ApproverContext,
  AskableApprover,
  TermsInput,
  Verdict,
  VerdictSource,
} from './core/approver-port.js';
export type { AuditSink, Clock, MaybePromise, Page, ScopeMatcher, SinkContext } from './core/ports.js';
export type { GrantStore, RowOrder } from './core/store-port.js';
export type {
  AccessRequest,
  BreakGlassReview,
  Anchor,
  AuditEntry,
  Decision,
  EntryType,
  Extension,
  Grant,
  Granted,
  GrantEnd,
  HolderLimit,
  AfterReview,
  Assurance,
  Authentication,
  Quorum,
  RequestComment,
  QuorumAlternative,
  QuorumGroup,
  QuorumStep,
  Escalation,
  BegunStep,
  RequestEnd,
  Review,
  Successor,
  Terms,
  Usage,
  EndedLock,
  Lock,
  LockEnd,
} from './records/index.js';
export { GRANT_ENDS, REQUEST_ENDS } from './records/index.js';
export {
  ApproverError,
  ClockError,
  ClosedError,
  ConflictError,
  CorruptError,
  DeadlineError,
  DecidedError,
  DeniedError,
  EndedError,
  HookError,
  IdempotencyError,
  IneligibleError,
  InvalidArgumentError,
  isJitError,
  JitError,
  LayoutError,
  LimitError,
  LinkError,
  LockedError,
  MovedError,
  NotFoundError,
  NotReviewerError,
  OutcomeUnknownError,
  PartialError,
  PurgedError,
  RequirementsError,
  RollbackError,
  SelfReviewError,
  StoreError,
  UndecidedError,
  type AnyJitError,
  type EndFailure,
  type JitErrorCode,
} from './core/errors.js';
