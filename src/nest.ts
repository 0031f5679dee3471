/// <reference types="node" preserve="true" />
export { CurrentAccess, GrantGuard, RequireGrant, type ContextScope } from './guards/nest/guard.js';
export { JitAccessModule, type JitAccessAsyncOptions, type JitAccessOptions } from './guards/nest/module.js';
export { AccessRefused } from './guards/nest/refused.js';
export type { Access, ObservedAccess, WatchedAccess } from './guards/access.js';
export type { Admitted, Observation, ObservedAnswer, Refused } from './guards/outcome.js';
export type { CallerOptions, GuardDefaults, GuardEngine } from './guards/options.js';
export type { Problem, ProblemType, Refusal } from './guards/refusal.js';
