import type { CompiledQuery } from 'kysely';

/** The databases that the whole contract suite passes on. */
export type SqlDialect = 'postgres' | 'sqlite';

/** What the store uses of a `Kysely` instance, whatever tables that knows of. Its plugins are left out. */
export interface SqlDatabase {
  withoutPlugins(): SqlDatabase;
  executeQuery<R>(query: CompiledQuery<R>): Promise<{ readonly rows: R[] }>;
  connection(): { execute<T>(callback: (db: SqlDatabase) => Promise<T>): Promise<T> };
}

/** A row as a driver gives it: an object by column. */
export type Columns = Readonly<Record<string, unknown>>;

/** What the store uses of a `pg` pool. */
export interface PgPool {
  query(config: {
    readonly name: string;
    readonly text: string;
    readonly values: unknown[];
    readonly query_timeout: number;
  }): Promise<{ readonly rows: unknown[] }>;
  connect(): Promise<PgClient>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'acquire', listener: (client: PgClient) => void): unknown;
}

/** What the store uses of a client of a `pg` pool. */
export interface PgClient {
  query(text: string, values?: unknown[]): Promise<unknown>;
  query(config: { readonly name: string; readonly text: string; readonly values: unknown[] }): Promise<unknown>;
  on(event: 'notification', listener: (message: { readonly payload?: string | undefined }) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  /** @param destroy closes the connection instead of giving it back */
  release(destroy?: boolean): void;
}

/** What the store uses of a handle of `better-sqlite3`, or of `libsql`, which has the same interface. */
export interface SqliteHandle {
  /** Inside a transaction this handle sees what may never be committed: it isn't read then. */
  readonly inTransaction: boolean;
  prepare(sql: string): { all(values: unknown[]): unknown[]; get(values: unknown[]): unknown };
}
