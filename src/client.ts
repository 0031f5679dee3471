export { createClient } from './features/client/client.js';
export { HttpClientError } from './features/client/errors.js';
export type { AccessClient, OwnStatus } from './features/client/access-client.js';
export type { AccessEvent, EventOptions } from './features/client/events.js';
export type {
  AmendInput,
  ApproveInput,
  AskInput,
  BreakGlassInput,
  BreakGlassReviewInput,
  CallOptions,
  CancelInput,
  CommentInput,
  DenyInput,
  ExtendInput,
  GrantListInput,
  KeyedOptions,
  LinkInput,
  LockInput,
  ReasonInput,
  RedeemInput,
  ReportInput,
  RequestListInput,
  RevokeAllInput,
  WaitOptions,
} from './features/client/inputs.js';
export type { ClientOptions } from './features/client/transport.js';
