import * as kysely from 'kysely';
import type { Kysely, Migrator, MigratorProps } from 'kysely';
import { StoreError } from '../../core/errors.js';
import { readOptions } from '../../core/parse.js';
import type { SqlDatabase, SqlDialect } from './database.js';
import { driverError } from './failures.js';
import { OPTION_NAMES, readDatabase, readDialect, readPortable, type SqlGrantStoreOptions } from './options.js';
import { notInByteOrder } from './rows.js';
import { BYTE_ORDER, schemaOf } from './schema.js';

/**
 * One migration of the schema, in the shape of Kysely's `Migration`. That type has a different import path in each Kysely
 * release line.
 */
export interface SqlMigration {
  up(db: Kysely<unknown>): Promise<void>;
}

/**
 * The schema as Kysely migrations, for teams that run them with their own migrator.
 *
 * @param dialect the database: each has its own column types and indexes
 * @param options.portable as the option of the store. Default: false
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 */
export function sqlMigrations(dialect: SqlDialect, options: SchemaOptions = {}): Readonly<Record<string, SqlMigration>> {
  const statements = readSchema(dialect, options);
  return {
    'jit-access-0001': {
      async up(db: Kysely<unknown>) {
        for (const statement of statements) await db.executeQuery(kysely.CompiledQuery.raw(statement));
      },
    },
  };
}

/**
 * The schema as one SQL script, for teams that run their own migrations. The script creates all tables, so none of them may
 * exist yet.
 *
 * @param options.portable as the option of the store. Default: false
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * await writeFile('migrations/jit-access.sql', schemaSql('postgres'));
 */
export function schemaSql(dialect: SqlDialect, options: SchemaOptions = {}): string {
  return readSchema(dialect, options)
    .map((statement) => `${statement};\n`)
    .join('\n');
}

/** The part of the store's options that the schema depends on. */
export type SchemaOptions = Pick<SqlGrantStoreOptions, 'portable'>;

function readSchema(dialect: SqlDialect, options: SchemaOptions): readonly string[] {
  const { portable = false } = readOptions('options', options, ['portable']);
  return schemaOf(readDialect(dialect), readPortable(dialect, portable));
}

/** The options of the store: one object serves both. */
export interface MigrateOptions extends Pick<SqlGrantStoreOptions, 'db' | 'dialect' | 'portable'> {
  /** Not used: all namespaces share the tables. Default: none. */
  readonly namespace?: string | undefined;
  /** Not used. Default: none. */
  readonly read?: SqlGrantStoreOptions['read'];
  /** Limits the calls of the store; a migration has no time limit. Default: 5,000. */
  readonly timeoutMs?: number | undefined;
  /** Not used. Default: none. */
  readonly onError?: SqlGrantStoreOptions['onError'];
}

/**
 * Creates the tables, or upgrades them. It is safe to call at each start, and from several processes at once.
 *
 * It logs its migrations in its own table, `jit_migrations`, so that it does not interfere with your migrator.
 *
 * Gotcha: in a bundle, Kysely 0.29 must still be in `node_modules` when this runs. {@link schemaSql}, called at build time,
 * does not need it.
 *
 * @param options the options of the store, of which it uses `db`, `dialect` and `portable`
 * @throws StoreError `ERR_JIT_STORE` when a migration failed; on PostgreSQL a failed migration leaves nothing behind
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * await migrate({ db, dialect: 'sqlite' });
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { db, dialect, portable } = readOptions('options', options, OPTION_NAMES);
  const migrations = sqlMigrations(dialect as SqlDialect, { portable: portable as boolean | undefined });
  const plain = readDatabase(db).withoutPlugins();
  if (portable === true) await refuseOtherOrder(plain);
  const schema = dialect === 'postgres' ? await schemaOfTables(plain) : undefined;
  const TheMigrator = await migratorClass();
  const migrator = new TheMigrator({
    // The public type is structural, so that Kysely instances with any table types fit.
    db: plain as unknown as Kysely<unknown>,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableName: TABLE,
    migrationLockTableName: 'jit_migration_lock',
    ...(schema === undefined ? {} : { migrationTableSchema: schema }),
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined)
    throw new StoreError('migrate', `the migration failed and the schema is not up to date: ${driverError(error)}`, error);
}

const TABLE = 'jit_migrations';

/** @throws StoreError */
async function refuseOtherOrder(db: SqlDatabase): Promise<void> {
  const { rows } = await asked(db, `select ${BYTE_ORDER}`);
  if ((rows[0] as { readonly has_byte_order?: unknown } | undefined)?.has_byte_order !== true) throw notInByteOrder('migrate');
}

/** @throws StoreError */
async function asked(db: SqlDatabase, query: string): Promise<{ readonly rows: unknown[] }> {
  try {
    return await db.executeQuery(kysely.CompiledQuery.raw(query));
  } catch (error) {
    throw new StoreError('migrate', `the schema of its tables could not be read: ${driverError(error)}`, error);
  }
}

/**
 * The PostgreSQL schema in which the tables are, or will be, by the `search_path` of the connection. Kysely would look for its tables
 * in all schemas of the database, and would find those of another one.
 *
 * @throws StoreError
 */
async function schemaOfTables(db: SqlDatabase): Promise<string | undefined> {
  const query = `select coalesce(
  (select nspname from pg_class join pg_namespace on pg_namespace.oid = relnamespace where pg_class.oid = to_regclass('${TABLE}')),
  current_schema()
) as schema`;
  const { rows } = await asked(db, query);
  return (rows[0] as { readonly schema: string | null } | undefined)?.schema ?? undefined;
}

type MigratorClass = new (props: MigratorProps) => Migrator;

/**
 * Kysely 0.28 exports `Migrator` from its main entry, Kysely 0.29 from `kysely/migration`. The path is a variable, so that a
 * bundler with an older Kysely does not try to resolve it.
 */
async function migratorClass(): Promise<MigratorClass> {
  const exported: Readonly<Record<string, unknown>> = kysely;
  if (exported['Migrator'] !== undefined) return exported['Migrator'] as MigratorClass;
  const place: string = 'kysely/migration';
  return ((await import(place)) as { readonly Migrator: MigratorClass }).Migrator;
}
