export { createAuthzenHandler } from './features/authzen/handler.js';
export type { AuthzenHandler } from './features/authzen/handler-type.js';
export { createAuthzenMetadataHandler, type AuthzenMetadataHandler, type AuthzenMetadataOptions } from './features/authzen/metadata.js';
export type {
  AuthzenAccessRequests,
  AuthzenCaller,
  AuthzenDirectory,
  AuthzenList,
  AuthzenOperation,
  AuthzenOptions,
  AuthzenQuestion,
  ConditionedAccess,
  RateLimit,
} from './features/authzen/options.js';
export type { AuthzenAction, AuthzenEntity, AuthzenEvaluation } from './features/authzen/messages.js';
export type { AuthzenKey } from './features/authzen/keys.js';
export { defaultCodec, type AuthzenCodec } from './features/authzen/codec.js';
