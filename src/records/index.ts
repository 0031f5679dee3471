export type * from '../model/types.js';
export type * from '../model/review.js';
export type * from '../model/lock.js';
export type * from '../model/activity.js';
export type * from '../model/comment.js';
export type * from '../model/holders.js';
export type { EntryData } from './entry-data.js';
export { changesAccess, ENTRY_TYPES, isEntryType, type EntryType } from '../model/entry-types.js';
export { toJson } from './codec/columns.js';
export { encode } from './codec/encode.js';
export { decodeGrant } from './codec/grant.js';
export { decodeProvisioningChange, decodeReuse, decodeSubject, decodeUsage, decodeUse } from './codec/others.js';
export { decodeActivity } from './codec/activity.js';
export { decodeHolders } from './codec/holders.js';
export { decodeComment } from './codec/comment.js';
export { decodeLocks, readOpenLocks } from './codec/locks.js';
export { decodeRequest } from './codec/request.js';
export { agentOf, isReachedBy, isSubject, readAgent, RUN_MARK } from './run.js';
export { GRANT_ENDS, REQUEST_ENDS } from '../model/ends.js';
export {
  commentId,
  earliestStart,
  expectedStart,
  effectiveStart,
  effectiveEnd,
  grantedOf,
  idleEnd,
  hasUsageRow,
  needsReview,
  isUnsettled,
  instantsOf,
  lastInstant,
} from './derived.js';
export {
  alternativesOf,
  askedGroups,
  beginOf,
  escalatesAt,
  groupsIn,
  namedGroups,
  presentStep,
  presentSteps,
  remindsAt,
  type Alternative,
  MAX_ALTERNATIVES,
  MAX_STEPS,
} from './quorum.js';
export { missingIn, missingInWords, missingOf, quorumInWords, type MissingApprovals, type Rights } from './missing.js';
export {
  makeActivity,
  makeComment,
  makeHolders,
  makeProvisioningChange,
  makeEnd,
  makeGrant,
  makeLock,
  makeLocks,
  makeAfterReview,
  makeQuorum,
  makeRequest,
  makeRequestEnd,
  makeReuse,
  makeReview,
  makeSubject,
  makeTerms,
  makeUsage,
  makeUse,
  UNDECIDED,
} from './make.js';
export { isFeatureKind, type FeatureKind } from './feature-kinds.js';
export { isLockRow, LOCK_ROW } from './lock-row.js';
export { plainWindow } from './plain-window.js';
export { CREATED_AT_CHANGED, createdAtChanged, MAX_LOOK, placeIn, placeOf, readPlace, type RowPlace } from './row-order.js';
export type { WindowWithGrant } from './decoded-once.js';
export { frozenCopy, FrozenRow } from './frozen-row.js';
export { SharedStrings } from './shared-strings.js';
export { isObject } from './shape.js';
