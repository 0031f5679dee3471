export { createAuthzenHandler } from './features/authzen/handler.js';
export type { AuthzenHandler } from './features/authzen/handler-type.js';
export { createAuthzenMetadataHandler, type AuthzenMetadataHandler, type AuthzenMetadataOptions } from './features/authzen/metadata.js';
export type {
  AuthzenAccessRequestOptions,
  AuthzenCaller,
  AuthzenDirectory,
  AuthzenList,
  AuthzenOperation,
  AuthzenOptions,
  AuthzenQuestion,
  ConditionedAccess,
} from './features/authzen/options.js';
export type { AuthzenAction, AuthzenEntity, AuthzenEvaluation } from './features/authzen/messages.js';
export type { AuthzenKey } from './features/authzen/keys.js';
export { defaultCodec, type AuthzenCodec } from './features/authzen/codec.js';
export { bindingHash, boundMembers, isBindingHash, isSameTuple, type BoundTuple } from './features/authzen/binding.js';
export { joseSigner, type JoseModule, type JoseSignerOptions, type SigningKey, type TokenSigner } from './features/authzen/signer.js';
