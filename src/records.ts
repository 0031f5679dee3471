export type * from './records/types.js';
export { decodeGrant, decodeRequest, encode, toJson } from './records/codec.js';
export { heldUntil, lastInstant } from './records/derived.js';
export { makeEnd, makeGrant, makeRequest } from './records/make.js';
export { isObject } from './records/shape.js';
