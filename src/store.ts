export { refuseLargeChange } from './core/change-size.js';
export { HookError, LayoutError, MovedError, StoreError } from './core/errors.js';
export { LAYOUT, refuseLayout, refuseUnreadable, type StoredLayout } from './core/layout.js';
export { changeIdOf, refusePart } from './core/namespace-part.js';
export { readDueNamespacesQuery, readHeadsQuery } from './core/namespaces.js';
export { link } from './journal/link.js';
export { serialCommits, type SerialCommit, type SerialCommitsOptions } from './stores/kit/serial-commits.js';
export type { BackendState, BackendWrite, EntriesAnswer, EntriesQuery, SerialBackend } from './stores/kit/backend.js';
export type { LinkedEntry } from './stores/batch.js';
export type { JournalEnds, RowVersion } from './stores/judge.js';
export { placeOf, plainWindow, readPlace, type RowPlace } from './records/index.js';
export type { FailedHook, StoreHooks } from './core/hook-port.js';
export type { MaybePromise, Page } from './core/ports.js';
export type {
  Change,
  ChangeSize,
  CommitAnswer,
  CommitOutcome,
  ContextKey,
  ContextQuery,
  DueNamespacesQuery,
  DueQuery,
  Expectation,
  FindQuery,
  GrantStore,
  GrantWindow,
  JournalQuery,
  JournalSlice,
  LiveQuery,
  NamespacePart,
  Row,
  RowKey,
  RowOrder,
  StoreContext,
  SubjectOf,
  Unsubscribe,
} from './core/store-port.js';
export type { JsonObject, JsonValue } from './model/json.js';
export type { Anchor, AuditEntry, EntryType, UnlinkedEntry } from './records/index.js';
