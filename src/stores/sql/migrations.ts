import { CompiledQuery, type Kysely } from 'kysely';
import { isJitError, LayoutError, StoreError } from '../../core/errors.js';
import { assertBoolean, invalid, readListener, readOptions } from '../../core/parse.js';
import type { Tables } from './dialect/dialect.js';
import { portableTables } from './dialect/portable.js';
import { postgresTables } from './dialect/postgres.js';
import { sqliteTables } from './dialect/sqlite.js';
import { expansionsOf, indexCreated, versionRaised, type Expansion, type SqlLock } from './expansions.js';
import { driverError } from './failures.js';
import { serverColumns } from './fragments.js';
import { OPTION_NAMES, readDatabase, readOfDialects, type SqlDialect, type SqlGrantStoreOptions } from './options.js';
import { layoutOf } from './rows.js';
import { SqlUpgrade } from './upgrade.js';

/**
 * One expansion of the tables, in the shape of Kysely's `Migration`. That type has a different import path in each Kysely
 * release line.
 */
export interface SqlMigration {
  /** The locks on tables that running processes use. Empty: it only creates tables. */
  readonly locks: readonly SqlLock[];
  /** In a transaction, PostgreSQL builds indexes while writes wait. Without one (`disableTransactions`), it builds them concurrently. */
  up(db: Kysely<unknown>): Promise<void>;
  /** Only of an expansion that can be undone. @throws LayoutError `ERR_JIT_LAYOUT` after its contract */
  down?(db: Kysely<unknown>): Promise<void>;
}

/**
 * The tables as Kysely migrations, for teams that run them with their own migrator.
 *
 * @param dialect the database: each has its own column types and indexes
 * @param options.portable as the option of the store. Default: false
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 */
export function sqlMigrations(dialect: SqlDialect, options: SchemaOptions = {}): Readonly<Record<string, SqlMigration>> {
  const tables = tablesOf(dialect, options);
  const migrations = expansionsOf(tables).map((one) => [`jit-access-${String(one.layout).padStart(4, '0')}`, migrationOf(tables, one)]);
  return Object.fromEntries(migrations) as Record<string, SqlMigration>;
}

function migrationOf(tables: Tables, { layout, statements, indexes, undo, locks }: Expansion): SqlMigration {
  const run = async (db: Kysely<unknown>, text: string) => (await db.executeQuery<Record<string, unknown>>(raw(text))).rows;
  return {
    locks,
    async up(db) {
      for (const text of statements) await run(db, text);
      for (const index of indexes) await run(db, indexCreated(tables, index, !db.isTransaction));
      await run(db, versionRaised(layout));
    },
    ...(undo.length > 0 && {
      async down(db: Kysely<unknown>) {
        const { version, readableFrom } = layoutOf((await run(db, `select ${serverColumns(tables.dialect)}`))[0]);
        if (readableFrom >= layout) throw new LayoutError(version, readableFrom, layout - 1);
        await run(db, `update jit_schema set version = ${layout - 1}`);
        for (const text of undo) await run(db, text);
      },
    }),
  };
}

const raw = (text: string) => CompiledQuery.raw(text) as CompiledQuery<Record<string, unknown>>;

/**
 * The tables as one SQL script, for teams that run their own migrations. The script creates all tables, so none of them may
 * exist yet.
 *
 * @param options.portable as the option of the store. Default: false
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * await writeFile('migrations/jit-access.sql', schemaSql('postgres'));
 */
export function schemaSql(dialect: SqlDialect, options: SchemaOptions = {}): string {
  const tables = tablesOf(dialect, options);
  const texts = expansionsOf(tables).flatMap(({ layout, statements, indexes }) => [
    ...statements,
    ...indexes.map((index) => indexCreated(tables, index, false)),
    ...(layout === 1 ? [] : [versionRaised(layout)]),
  ]);
  return texts.map((text) => `${text};\n`).join('\n');
}

/** The part of the store's options that the schema depends on. */
export type SchemaOptions = Pick<SqlGrantStoreOptions, 'portable'>;

function tablesOf(dialect: SqlDialect, options: SchemaOptions): Tables {
  const { portable } = readOptions('options', options, ['portable']);
  return readOfDialects({ dialect, portable }, TABLES);
}

const TABLES = { sqlite: sqliteTables, postgres: postgresTables, portable: portableTables };

/** The options of the store: one object serves both. */
export interface MigrateOptions extends Pick<SqlGrantStoreOptions, 'db' | 'dialect' | 'portable'> {
  /**
   * Whether to end the use of the data by processes of earlier layouts, after it has added what the tables lack. It rewrites the rows of
   * those processes, and then they refuse every call. Call it once the last of them has been replaced. Not with `portable`, whose servers
   * cannot lock a table. Default: false.
   */
  readonly contract?: boolean | undefined;
  /**
   * Called by the contract after each 256 rows that it has read, with how many rows of the table it has read so far, and how many of them it
   * has rewritten. A listener that throws does not stop it. Default: none.
   */
  readonly onProgress?: ((progress: { readonly read: number; readonly rewritten: number }) => void) | undefined;
  /** Not used: all namespaces share the tables. Default: none. */
  readonly namespace?: string | undefined;
  /** Not used. Default: none. */
  readonly read?: SqlGrantStoreOptions['read'];
  /** Limits the calls of the store; a migration has no time limit. Default: 5,000. */
  readonly timeoutMs?: number | undefined;
  /** Not used. Default: none. */
  readonly onError?: SqlGrantStoreOptions['onError'];
}

/** What {@link migrate} has done. */
export interface MigrateReport {
  /** The newest layout for which there are tables and columns. */
  readonly version: number;
  /** The oldest layout whose processes may use the data. */
  readonly readableFrom: number;
  /** The number of rows of earlier layouts that the contract has rewritten. An interrupted run has rewritten others. */
  readonly rewritten: number;
}

/**
 * Creates the tables, or adds what they lack for this version of the package. It is safe to call at each start, and from several processes
 * at once, also by an older version over the tables of a newer one. Running processes continue: `docs/guides/upgrades.md`.
 *
 * @param options the options of the store, of which it uses `db`, `dialect` and `portable`
 * @throws StoreError `ERR_JIT_STORE` when it failed, or when a lock did not become free within two minutes. Call it again
 * @throws LayoutError `ERR_JIT_LAYOUT` when this version may no longer use the data
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * await migrate({ db, dialect: 'sqlite' });
 */
export async function migrate(options: MigrateOptions): Promise<MigrateReport> {
  const given = readOptions('options', options, [...OPTION_NAMES, 'contract', 'onProgress']);
  const { db, portable, contract = false } = given;
  assertBoolean('contract', contract);
  const onProgress = readListener<[progress: { read: number; rewritten: number }]>('onProgress', given.onProgress);
  const tables = readOfDialects(given, TABLES);
  if (contract && portable === true) throw invalid('contract', 'false with portable, whose servers cannot lock a table', contract);
  const upgrade = new SqlUpgrade(readDatabase(db), tables);
  try {
    await upgrade.expand();
    const rewritten = contract ? await upgrade.contract(onProgress) : 0;
    return { ...(await upgrade.layout()), rewritten };
  } catch (error) {
    if (isJitError(error)) throw error;
    throw new StoreError('migrate', `the migration failed and the tables are not up to date: ${driverError(error)}`, error);
  }
}
