export { canAsk, type CanAsk, type CanAskOutcome } from './features/explain/can-ask.js';
export { explain, type ExplainOptions } from './features/explain/explain.js';
export type { Explanation, ExplanationReason } from './features/explain/explanation.js';
export type { RecordedReason } from './lifecycle/explain.js';
export { requestable } from './features/explain/requestable.js';
export type { Requestable, RequestableList, RequestableOptions, RequestableOutcome } from './features/explain/requestable-types.js';
export { stats, type EngineStats, type FollowerStats, type StatCount } from './features/explain/stats.js';
export type { RequestableAnswer, RequestableContext, RequestableInput, RequestableNeeds, RequiredField } from './core/approver-port.js';
export type { Risk } from './core/requestable.js';
