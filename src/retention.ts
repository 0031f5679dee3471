export { acceptClock, acceptRollback, purge, removeSink, type PurgeOptions } from './features/retention/retention.js';
export { startRetention, type Retention, type RetentionOptions } from './features/retention/start-retention.js';
export type { PurgeReport } from './features/retention/purge.js';
export type { ClockAcceptance } from './kernel/ledger/journal-clock.js';
export type { RollbackAcceptance } from './kernel/ledger/rollback.js';
