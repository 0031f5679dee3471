export type * from '../model/request.js';
export type * from '../model/grant.js';
export type * from '../model/usage.js';
export type * from '../model/use.js';
export type * from '../model/reuse.js';
export type * from '../model/provisioning.js';
export type * from '../model/subject.js';
export type * from '../model/record.js';
export type * from '../model/entry.js';
export type { EndIn } from '../model/ends.js';
export type * from '../model/decision.js';
export type * from '../model/review.js';
export type * from '../model/lock.js';
export type * from '../model/activity.js';
export type * from '../model/comment.js';
export type * from '../model/holders.js';
export type { EntryData } from './entry-data.js';
export { changesAccess, ENTRY_TYPES, isEntryType, type EntryType } from '../model/entry-types.js';
export { MORE, toJson } from './kind.js';
export { encode, KINDS, type RecordOf } from './kinds.js';
export {
  askedIn,
  decodeRequest,
  makeAfterReview,
  makeRequest,
  makeRequestEnd,
  makeTerms,
  UNDECIDED,
  type AskedRequest,
} from './request.js';
export { makeQuorum, makeReview } from './review.js';
export { decodeGrant, makeEnd, makeGrant } from './grant.js';
export { decodeUsage, makeUsage } from './usage.js';
export { decodeUse, makeUse } from './use.js';
export { decodeReuse, makeReuse } from './reuse.js';
export { decodeProvisioningChange, makeProvisioningChange } from './provisioning.js';
export { decodeSubject, makeSubject } from './subject.js';
export { decodeActivity, makeActivity } from './activity.js';
export { decodeComment, makeComment } from './comment.js';
export { decodeHolders, makeHolders } from './holders.js';
export { decodeLocks, makeLock, makeLocks, readOpenLocks } from './lock.js';
export { agentOf, isReachedBy, isSubject, readAgent, RUN_MARK } from './run.js';
export { GRANT_ENDS, REQUEST_ENDS } from '../model/ends.js';
export {
  commentId,
  earliestStart,
  expectedStart,
  needsActivation,
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
export { isFeatureKind, type FeatureKind } from './feature-kinds.js';
export { isLockRow, LOCK_ROW } from './lock-row.js';
export { plainWindow } from './plain-window.js';
export { CREATED_AT_CHANGED, createdAtChanged, MAX_LOOK, placeIn, placeOf, readPlace, type RowPlace } from './row-order.js';
export type { WindowWithGrant } from './decoded-once.js';
export { frozenCopy, FrozenRow } from './frozen-row.js';
export { SharedStrings } from './shared-strings.js';
export { isObject, type Given } from './fields.js';
