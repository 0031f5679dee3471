export { createView, viewOf, type CreateViewOptions } from './features/view/create-view.js';
export type { LiveView, ViewDecision } from './features/view/live-view.js';
export type { ViewOptions } from './features/view/view-options.js';
export type { Action } from './engine/checks/checker.js';
