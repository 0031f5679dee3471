export { sqlGrantStore, type SqlGrantStoreOptions } from './stores/sql/store.js';
export { steadyPool, type SteadyPoolOptions, type SteadyPoolTarget } from './stores/sql/steady-pool.js';
export { steadyHandle } from './stores/sql/steady-handle.js';
export { migrate, schemaSql, sqlMigrations } from './stores/sql/migrations.js';
export type { SqlMigration } from './stores/sql/migrations.js';
export type { PgClient, PgPool, SqlDatabase, SqlDialect, SqliteHandle } from './stores/sql/database.js';
