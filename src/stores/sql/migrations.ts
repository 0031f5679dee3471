import * as kysely from 'kysely';
import type { Kysely, Migrator, MigratorProps } from 'kysely';
import { StoreError } from '../../core/errors.js';
import { invalid, readOptions } from '../../core/parse.js';
import type { SqlDatabase, SqlDialect } from './database.js';
import { schemaOf } from './schema.js';

/** A step of the schema: Kysely's `Migration`, whose place is another in each line of it. */
export interface SqlMigration {
  up(db: Kysely<unknown>): Promise<void>;
}

/**
 * The schema as Kysely migrations, for teams whose own migrator runs them.
 *
 * @param dialect which database they are for
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 */
export function sqlMigrations(dialect: SqlDialect): Readonly<Record<string, SqlMigration>> {
  const statements = schemaOf(readDialect(dialect));
  return {
    'jit-access-0001': {
      async up(db: Kysely<unknown>) {
        for (const statement of statements) await db.executeQuery(kysely.CompiledQuery.raw(statement));
      },
    },
  };
}

/**
 * The schema as SQL text, for teams who run their own migrations: one script for an empty schema.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * await writeFile('migrations/jit-access.sql', schemaSql('postgres'));
 */
export function schemaSql(dialect: SqlDialect): string {
  return schemaOf(readDialect(dialect))
    .map((statement) => `${statement};\n`)
    .join('\n');
}

/**
 * Makes the tables, or brings them up to date. May be called at each start, and by several processes at once.
 *
 * Its own record of what has been run is in `jit_migrations`, so that a migrator of yours is not confused by it.
 *
 * Gotcha: in a bundle, Kysely 0.29 must still be in `node_modules` when this runs; {@link schemaSql} at build time needs nothing.
 *
 * @throws StoreError `ERR_JIT_STORE` when it failed; nothing of a failed migration is left on PostgreSQL
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * await migrate({ db, dialect: 'sqlite' });
 */
export async function migrate(options: { readonly db: SqlDatabase; readonly dialect: SqlDialect }): Promise<void> {
  const { db, dialect } = readOptions('options', options, ['db', 'dialect']);
  const migrations = sqlMigrations(dialect as SqlDialect);
  const TheMigrator = await migratorClass();
  const migrator = new TheMigrator({
    // Structural on the outside, so that Kysely instances of every database type fit.
    db: readDatabase(db).withoutPlugins() as unknown as Kysely<unknown>,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableName: 'jit_migrations',
    migrationLockTableName: 'jit_migration_lock',
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw new StoreError('migrate', 'the schema could not be brought up to date', error);
}

type MigratorClass = new (props: MigratorProps) => Migrator;

/** Kysely 0.28 exports it beside all else; 0.29 from a place of its own, which a bundler of an older one must not look for. */
async function migratorClass(): Promise<MigratorClass> {
  const exported: Readonly<Record<string, unknown>> = kysely;
  if (exported['Migrator'] !== undefined) return exported['Migrator'] as MigratorClass;
  const place: string = 'kysely/migration';
  return ((await import(place)) as { readonly Migrator: MigratorClass }).Migrator;
}

export function readDialect(dialect: unknown): SqlDialect {
  if (dialect !== 'postgres' && dialect !== 'sqlite') throw invalid('dialect', "'postgres' or 'sqlite'", dialect);
  return dialect;
}

export function readDatabase(db: unknown): SqlDatabase {
  const given = db as Partial<Record<keyof SqlDatabase, unknown>> | null | undefined;
  if (typeof given?.executeQuery !== 'function' || typeof given.connection !== 'function') throw invalid('db', 'a Kysely instance', db);
  return db as SqlDatabase;
}
