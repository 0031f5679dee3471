export { canAsk, type CanAsk, type CanAskOutcome } from './features/explain/can-ask.js';
export { explain, type ExplainOptions } from './features/explain/explain.js';
export type { Explanation, ExplanationReason } from './features/explain/explanation.js';
export type { RecordedReason } from './lifecycle/explain.js';
