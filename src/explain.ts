export { explain, type ExplainOptions } from './features/explain/explain.js';
export type { Explanation, ExplanationReason } from './features/explain/explanation.js';
export type { RecordedReason } from './lifecycle/explain.js';
