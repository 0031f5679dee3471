export { sqlGrantStore, type SqlGrantStoreOptions } from './stores/sql/store.js';
export { resilientPool, type ResilientPoolOptions, type ResilientPoolTarget } from './stores/sql/resilient-pool.js';
export { resilientHandle } from './stores/sql/resilient-handle.js';
export { migrate, schemaSql, sqlMigrations } from './stores/sql/migrations.js';
export type { SqlMigration } from './stores/sql/migrations.js';
export type { PgClient, PgPool, SqlDatabase, SqlDialect, SqliteHandle } from './stores/sql/database.js';
export { fromBunSqlite, fromNodeSqlite } from './stores/sql/sqlite-drivers.js';
export type { BunSqliteLike, NodeSqliteLike, SqliteDriverHandle } from './stores/sql/sqlite-drivers.js';
export { fromPglite, type PgliteLike, type PgliteResult } from './stores/sql/pglite.js';
