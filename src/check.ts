export { createChecker, type AccessChecker, type CheckerOptions } from './engine/create-checker.js';
export type { Action } from './engine/checker.js';
