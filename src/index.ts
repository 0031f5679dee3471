export { JitEngine, type By, type RedeemBy, type ReviewBy, type WorkOptions } from './engine/engine.js';
export type { HistoryQuery, HolderQuery, Paging, RequestQuery } from './engine/archive.js';
export type { Action } from './engine/checker.js';
export type { RevokeAllTarget } from './engine/ending.js';
export type { AccessAsk, BreakGlassAsk, DryRunAsk, ExtensionAsk, RunAsk } from './engine/ask.js';
export type {
  AccessPreview,
  AccessGranted,
  AccessResult,
  AccessStatus,
  AccessWindow,
  Consumption,
  Explanation,
  ExplanationReason,
  FlushReport,
  InboxItem,
  LinkPreview,
  OwedItem,
  RevokeAllReport,
} from './engine/answers.js';
export type { LinkKey } from './engine/approval-link.js';
export type { ExplainOptions } from './engine/explaining.js';
export type { OwedQuery } from './engine/emergency.js';
export type { JitEngineOptions, Limits } from './engine/options.js';
export type { ClockAcceptance } from './engine/journal-clock.js';
export type { PurgeReport } from './engine/purge.js';
export type { Standing } from './engine/standing.js';
export type { SweepReport } from './engine/sweep.js';
export type { ReasonOnRecord } from './lifecycle/explain.js';
export type { AskField } from './lifecycle/request.js';
export type { RecentDenial } from './lifecycle/same-ask.js';
export type { CoverageChange, CoverageEffect } from './effects/coverage.js';
export type { ResyncReport } from './effects/effects.js';
export type { Lease, LeaseOptions } from './effects/lease.js';
export type { WaitOptions } from './effects/wait-for.js';
export { startSweeper, type Sweeper, type SweeperOptions } from './sweeper.js';

export { reviewers, type ReviewersOptions } from './approvers/reviewers.js';
export { autoApprove, denyAll } from './approvers/auto.js';
export { firstDecisive } from './approvers/first-decisive.js';

export { MemoryGrantStore } from './stores/memory.js';
export { exactScopes, isPattern, isScope, patternScopes } from './scope.js';
export { systemClock, type Duration } from './time.js';
export { runSubject, type AgentRun } from './lifecycle/run.js';
export { grantStatus, requestStatus, wasHeldAt, type GrantStatus, type RequestStatus } from './lifecycle/status.js';

export { callbackSink } from './sinks/callback.js';
export { consoleSink, type ConsoleLike } from './sinks/console.js';
export { formatEntry } from './sinks/format.js';

export { notify, type Notice, type NoticeKind, type NotifyOptions } from './effects/notify.js';
export { webhookSink, type WebhookSinkOptions } from './effects/webhook.js';
export { WebhookError } from './effects/webhook/errors.js';
export type { WebhookCall, WebhookFetch, WebhookReply } from './effects/webhook/sender.js';
export {
  verifyWebhook,
  type WebhookEntry,
  type WebhookPayload,
  type WebhookToVerify,
  type WithheldWebhookEntry,
} from './effects/webhook/verify.js';

export type { BreakGlassResult } from './engine/emergency.js';
export type { Denial } from './lifecycle/same-ask.js';
export { link } from './journal/link.js';
export { readJournal } from './journal/read.js';
export { EntryRefusedError, isWithheld } from './journal/refused-entry.js';
export { exposure, type DecisionFigures, type Exposure, type ScopeExposure } from './journal/exposure.js';
export { replay, type Replayed } from './journal/replay.js';
export { verifyJournal, type JournalAnchors, type JournalVerification } from './journal/verify.js';
export { verifyStore, type JournalProblem, type RowProblem, type StoreVerification } from './journal/verify-store.js';
export type { FollowerStatus } from './journal/follow.js';
export type { JsonObject, JsonValue } from './json.js';

export type {
  Approver,
  AuditSink,
  BreakGlassVerdict,
  Change,
  Clock,
  CommitAnswer,
  CommitOutcome,
  DueQuery,
  Expectation,
  FindQuery,
  GrantStore,
  GrantWindow,
  Ineligibility,
  JournalQuery,
  JournalSlice,
  LiveQuery,
  MaybePromise,
  Page,
  QuorumInput,
  Row,
  RowKey,
  ApproverContext,
  Askable,
  AskableApprover,
  ScopeMatcher,
  SinkContext,
  TermsInput,
  Unsubscribe,
  Verdict,
  VerdictSource,
} from './ports.js';
export type {
  AccessRequest,
  Acknowledgement,
  Anchor,
  AuditEntry,
  Decision,
  Effect,
  EffectOutcome,
  EndIn,
  EntryType,
  Extension,
  Grant,
  GrantEnd,
  OwedReview,
  Quorum,
  RequestEnd,
  Reuse,
  Review,
  Subject,
  Successor,
  Terms,
  UnlinkedEntry,
  Usage,
  Use,
} from './records.js';
export { GRANT_ENDS, plainWindow, REQUEST_ENDS } from './records.js';
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
  IdempotencyError,
  IneligibleError,
  InvalidArgumentError,
  isJitError,
  JitError,
  LimitError,
  LinkError,
  NotFoundError,
  NotReviewerError,
  OutcomeUnknownError,
  PartialError,
  PurgedError,
  SelfReviewError,
  StoreError,
  UndecidedError,
  type AnyJitError,
  type EndFailure,
  type JitErrorCode,
} from './errors.js';
