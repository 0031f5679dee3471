export { createAuthzenHandler } from './features/http/authzen/handler.js';
export type { AuthzenHandler } from './features/http/authzen/handler-type.js';
export {
  createAuthzenMetadataHandler,
  type AuthzenMetadataHandler,
  type AuthzenMetadataOptions,
} from './features/http/authzen/metadata.js';
export type {
  AuthzenAccessRequestOptions,
  AuthzenCaller,
  AuthzenDirectory,
  AuthzenList,
  AuthzenOperation,
  AuthzenOptions,
  AuthzenQuestion,
  ConditionedAccess,
} from './features/http/authzen/options.js';
export type { AuthzenAction, AuthzenEntity, AuthzenEvaluation } from './features/http/authzen/messages.js';
export type { AuthzenKey } from './features/http/authzen/keys.js';
export { defaultCodec, type AuthzenCodec } from './features/http/authzen/codec.js';
export { bindingHash, boundMembers, isBindingHash, isSameTuple, type BoundTuple } from './features/http/authzen/binding.js';
export { joseSigner, type JoseModule, type JoseSignerOptions, type SigningKey, type TokenSigner } from './features/http/authzen/signer.js';
