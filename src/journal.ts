export { journalHead } from './engine/journal-head.js';
export { readJournal } from './journal/read.js';
export {
  accessReport,
  type AccessReport,
  type DecisionFigures,
  type ReportSpan,
  type RuleUse,
  type ScopeReport,
  type SubjectReport,
  type UseFigures,
} from './journal/report.js';
export { replay, type Replayed } from './journal/replay.js';
export { verifyJournal, type JournalAnchors, type JournalVerification } from './journal/verify.js';
export { verifyStore, type JournalProblem, type RowProblem, type StoreVerification } from './journal/verify-store.js';
export { ENTRY_TYPES } from './records/index.js';
export type { Activity, Holders, Locks, Reuse, Subject, Use } from './records/index.js';
