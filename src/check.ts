export { createChecker, type AccessChecker, type CheckerOptions } from './engine/checks/create-checker.js';
export type { Action } from './engine/checks/checker.js';
