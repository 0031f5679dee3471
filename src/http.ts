export { createHttpHandler, type EngineOfRequest, type HttpHandler } from './features/http/handler.js';
export { toNodeHandler, type MountedHandler, type NodeHandler, type NodeHandlerOptions } from './features/http/node.js';
export type { NodeRequest, NodeResponse } from './features/http/node-types.js';
export { toProblem, type HttpProblem, type ProblemAnswer } from './features/http/problem.js';
export type { HttpAction } from './features/http/actions.js';
export type { FoundPerson, Person } from './features/http/person.js';
export type { HttpCaller, HttpOptions, HttpPeople, HttpPermission, HttpTarget, RateLimit } from './features/http/options.js';
