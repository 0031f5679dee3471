export { definePolicy } from './approvers/policy/define-policy.js';
export { readPolicy } from './approvers/policy/read-policy.js';
export { simulate, type Difference } from './approvers/policy/simulate.js';
export type { PastOutcome } from './approvers/policy/past.js';
export type {
  About,
  ApproveRule,
  BreakGlassRule,
  Calendar,
  CatalogueItem,
  Conditions,
  ConsideredRule,
  DenyRule,
  Explanation,
  Finding,
  Given,
  GivingRule,
  LiveGroup,
  MetadataField,
  People,
  Policy,
  PolicyDefinition,
  PolicyOptions,
  PolicyQuestion,
  PolicyRule,
  Requesters,
  Requirements,
  ReviewRule,
  RuleHead,
  Weekday,
} from './approvers/policy/types.js';
