import type { CompiledQuery } from 'kysely';

/** The part of a `Kysely` instance that the store uses, for any type of tables. The store skips its plugins. */
export interface SqlDatabase {
  withoutPlugins(): SqlDatabase;
  executeQuery<R>(query: CompiledQuery<R>): Promise<{ readonly rows: R[] }>;
  connection(): { execute<T>(callback: (db: SqlDatabase) => Promise<T>): Promise<T> };
}

/** A row as the driver returns it: one property for each column. */
export type Columns = Readonly<Record<string, unknown>>;

/** The part of a `pg` pool that the store uses. */
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

/** The part of a `pg` pool's client that the store uses. */
export interface PgClient {
  query(text: string, values?: unknown[]): Promise<unknown>;
  query(config: { readonly name: string; readonly text: string; readonly values: unknown[] }): Promise<unknown>;
  on(event: 'notification', listener: (message: { readonly payload?: string | undefined }) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  /** `'I'`: outside of a transaction. Older drivers lack it. */
  getTransactionStatus?(): string | null;
  /** @param destroy true closes the connection instead of returning it to the pool */
  release(destroy?: boolean): void;
}

/** The part of a `better-sqlite3` handle that the store uses. `libsql` has the same interface. */
export interface SqliteHandle {
  /** Inside a transaction this handle sees rows that may never be committed, so the store does not read from it then. */
  readonly inTransaction: boolean;
  prepare(sql: string): { all(values: unknown[]): unknown[]; get(values: unknown[]): unknown };
}
