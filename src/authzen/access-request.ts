export { accessRequests } from '../features/authzen/access-request/access-requests.js';
export type { AuthzenAccessRequestOptions } from '../features/authzen/access-request/options.js';
export type { AuthzenAccessRequests } from '../features/authzen/options.js';
export { bindingHash, boundMembers, isBindingHash, isSameTuple, type BoundTuple } from '../features/authzen/access-request/binding.js';
export {
  joseSigner,
  type JoseModule,
  type JoseSignerOptions,
  type SigningKey,
  type TokenSigner,
} from '../features/authzen/access-request/signer.js';
