export type * from './records/types.js';
export { decodeGrant, decodeRequest, encode, toJson } from './records/codec.js';
export { heldUntil, lastInstant } from './records/derived.js';
export { makeEnd, makeGrant, makeQuorum, makeRequest, makeReview } from './records/make.js';
export { isObject } from './records/shape.js';
