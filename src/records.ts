export type * from './records/types.js';
export { changesAccess, ENTRY_TYPES, isEntryType, type EntryType } from './records/entry-types.js';
export { toJson } from './records/codec/columns.js';
export { encode } from './records/codec/encode.js';
export { decodeGrant } from './records/codec/grant.js';
export { decodeEffect, decodeReuse, decodeSubject, decodeUsage, decodeUse } from './records/codec/others.js';
export { decodeRequest } from './records/codec/request.js';
export { agentOf, isReachedBy, readAgent, RUN_MARK } from './records/run.js';
export { GRANT_ENDS, REQUEST_ENDS } from './records/ends.js';
export { beginsAt, escalatesAt, heldFrom, heldUntil, idleEnd, isCounted, isOwed, isUnsettled, lastInstant } from './records/derived.js';
export {
  makeEffect,
  makeEnd,
  makeGrant,
  makeOwed,
  makeQuorum,
  makeRequest,
  makeReuse,
  makeReview,
  makeSubject,
  makeTerms,
  makeUsage,
  makeUse,
  UNSAID,
} from './records/make.js';
export { hasLockRow, isLockRow, LOCK_ROW } from './records/lock-row.js';
export { plainWindow } from './records/plain-window.js';
export { CREATED_AT_CHANGED, createdAtChanged } from './records/row-order.js';
export { frozenCopy, SettledRow } from './records/settled-row.js';
export { SharedStrings } from './records/shared-strings.js';
export { isObject } from './records/shape.js';
