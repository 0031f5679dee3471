export { jitAccess, type JitAccessOptions } from './guards/fastify.js';
export type { Access, ObservedAccess, WatchedAccess } from './guards/access.js';
export type { Admitted, Observation, ObservedAnswer, Refused } from './guards/outcome.js';
export type { CallerOptions, GuardDefaults, GuardEngine } from './guards/options.js';
export type { Problem, ProblemType, Refusal } from './guards/refusal.js';
