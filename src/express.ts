export { requireGrant } from './guards/express.js';
export { accessOf, type Access, type ObservedAccess, type WatchedAccess } from './guards/access.js';
export type { Admitted, Observation, ObservedAnswer, Refused } from './guards/outcome.js';
export type { GuardEngine, GuardOptions } from './guards/options.js';
export type { Problem, ProblemType, Refusal } from './guards/refusal.js';
