export { createClient } from './features/client/client.js';
export { HttpClientError, type HttpProblem } from './features/client/errors.js';
export type { AccessClient, Badge, BadgeState, OwnStatus, PartVerification, TimelineEvent } from './features/client/access-client.js';
export type { AccessEvent, EventOptions } from './features/client/events.js';
export type {
  AmendInput,
  ApproveInput,
  AskInput,
  BreakGlassInput,
  BreakGlassListInput,
  BreakGlassReviewInput,
  CallOptions,
  CancelInput,
  CommentInput,
  DenyInput,
  DryRunInput,
  ExtendInput,
  GrantListInput,
  HistoryInput,
  KeyedOptions,
  LinkInput,
  LockInput,
  ReasonInput,
  RedeemInput,
  ReportInput,
  RequestListInput,
  RevokeAllInput,
  VerifyInput,
  WaitOptions,
} from './features/client/inputs.js';
export type { ClientOptions } from './features/client/transport.js';
