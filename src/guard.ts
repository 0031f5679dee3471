export { createGuard, type Admitted, type Guard, type Refused } from './guards/guard.js';
export type { Access } from './guards/access.js';
export { isAnswered, whenClosed, type NodeResponse } from './guards/closing.js';
export { untilRead } from './guards/body.js';
export type { CallerOptions, GuardChoices, GuardEngine, GuardOptions } from './guards/options.js';
export type { Problem, ProblemType, Refusal } from './guards/refusal.js';
