export type * from './records/types.js';
export { decodeGrant, decodeRequest, encode, toJson } from './records/codec.js';
export { heldUntil, lastInstant } from './records/derived.js';
