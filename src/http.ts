export { createHttpHandler, type EngineOfRequest, type HttpHandler } from './features/http/handler.js';
export { toNodeHandler, type MountedHandler, type NodeHandler, type NodeRequest, type NodeResponse } from './features/http/node.js';
export { toProblem, type HttpProblem, type ProblemAnswer } from './features/http/problem.js';
export type { HttpAction } from './features/http/actions.js';
export type { HttpCaller, HttpOptions, HttpPermission, HttpTarget } from './features/http/options.js';
