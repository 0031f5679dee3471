export { createGuard } from './guards/guard.js';
export type { Admitted, Guard, Observation, ObservedAnswer, Refused } from './guards/outcome.js';
export { observedCounts } from './guards/observe.js';
export { accessOf, attachAccess, type Access, type ObservedAccess, type WatchedAccess } from './guards/access.js';
export { isAnswered, whenClosed, type NodeResponse } from './guards/closing.js';
export { untilRead } from './guards/body.js';
export type { CallerOptions, GuardDefaults, GuardEngine, GuardOptions } from './guards/options.js';
export type { Problem, ProblemType, Refusal } from './guards/refusal.js';
