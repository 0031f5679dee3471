export { definePolicy } from './approvers/policy/define-policy.js';
export { readPolicy } from './approvers/policy/read-policy.js';
export { simulate, type Difference } from './approvers/policy/simulate.js';
export type { PastOutcome } from './approvers/policy/past.js';
export type {
  About,
  ApproveRule,
  BreakGlassRule,
  CatalogueItem,
  Conditions,
  ConsideredRule,
  DenyRule,
  Explanation,
  Finding,
  Given,
  GivingRule,
  LiveGroup,
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
} from './approvers/policy/types.js';
