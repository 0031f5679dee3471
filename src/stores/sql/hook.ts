import { CompiledQuery } from 'kysely';
import { builtinModule } from '../../core/builtin.js';
import { systemClock } from '../../core/clock.js';
import { HookError, messageOf, StoreError } from '../../core/errors.js';
import { within } from '../../core/timers.js';
import type { AuditEntry, UnlinkedEntry } from '../../records/index.js';
import type { SqlDatabase } from './database.js';
import type { Dialect } from './dialect/dialect.js';
import { endsTransaction, HookFailed, isRefusal } from './failures.js';
import type { Ask } from './transaction.js';
import type { Statement } from './statement.js';

/** What `onCommit` receives: a change that the store is about to write. */
export interface HookChange {
  /** The id of the change. */
  readonly id: string;
  /** The entries as the journal will hold them, with `seq` and `hash`; at least one. A copy. */
  readonly entries: readonly AuditEntry[];
}

/**
 * The transaction of the change. Its statements are committed or rolled back with it.
 *
 * Gotcha: await each statement. After the hook has ended, both parts refuse statements.
 */
export interface HookTransaction<Db = SqlDatabase> {
  /**
   * Runs one statement, with the parameters of the driver (`$1` on PostgreSQL, `?` on SQLite).
   *
   * @returns the rows, each with one property for each column
   */
  readonly query: (text: string, values?: readonly unknown[]) => Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Your Kysely instance with its plugins, bound to the connection of this transaction. Do not begin or end a transaction on it. */
  readonly kysely: Db;
}

/** See `onCommit` of the options. */
export type OnCommit<Db = SqlDatabase> = (change: HookChange, trx: HookTransaction<Db>) => void | PromiseLike<void>;

/** Runs the rest of a call in the async context of its caller. */
export type InContext = <T>(call: () => T) => T;

/** A hook that runs, or has run. */
interface Running {
  isOpen: boolean;
}

/** The parts of `node:async_hooks` that are used. */
interface AsyncHooks {
  readonly AsyncLocalStorage: new () => { run<T>(value: Running, call: () => T): T; getStore(): Running | undefined };
  readonly AsyncResource: { bind(call: (inside: () => unknown) => unknown): InContext };
}

/** Says whether a call comes from inside of a hook, of any store of this process. `undefined` until the first store has a hook. */
let calls: InstanceType<AsyncHooks['AsyncLocalStorage']> | undefined;

/** @throws StoreError if a hook made this call: the hook holds the head for which the call would wait */
export function refuseInsideHook(operation: string): void {
  if (calls?.getStore()?.isOpen === true)
    throw new StoreError(operation, 'onCommit has called the engine or a store. A hook calls none: it would wait for itself');
}

/** An entry of these types creates access or opens a request. Only a change with one of them may be refused. */
const REFUSABLE: ReadonlySet<string> = new Set(['request.created', 'grant.issued']);

export const isRefusable = (entries: readonly UnlinkedEntry[]): boolean => entries.some(({ type }) => REFUSABLE.has(type));

/** How a store calls its `onCommit`. */
export class Hook {
  readonly #onCommit: OnCommit<never>;
  readonly #ms: number;
  readonly #onError: (error: unknown, during: 'onCommit') => void;
  readonly #async: AsyncHooks | undefined;
  readonly #savepoint: Statement;
  readonly #release: Statement;

  /**
   * @param ms how long one call may take, in milliseconds
   * @param timeoutMs the limit of the transaction's own statements
   */
  constructor(
    dialect: Dialect,
    onCommit: OnCommit<never>,
    ms: number,
    timeoutMs: number,
    onError: (error: unknown, during: 'onCommit') => void,
  ) {
    this.#onCommit = onCommit;
    this.#ms = ms;
    this.#onError = onError;
    // Without async contexts a verb in the hook is not recognised: it waits until the hook is late.
    this.#async = builtinModule('node:async_hooks') as AsyncHooks | undefined;
    if (this.#async !== undefined) calls ??= new this.#async.AsyncLocalStorage();
    // Random, so that a hook that ends the transaction and begins another does not have it by chance.
    const name = `jit_${crypto.randomUUID().replaceAll('-', '')}`;
    // A statement of the hook that hangs would otherwise hold the head until the limit of the store.
    this.#savepoint = dialect.statement('savepoint', `savepoint ${name}${dialect.limit(ms)}`);
    this.#release = dialect.statement('release', `release savepoint ${name}${dialect.limit(timeoutMs)}`);
  }

  /** The async context of this call, in which the hook will run: that of the loop that commits is another caller's. */
  get context(): InContext {
    return this.#async?.AsyncResource.bind((call) => call()) ?? ((call) => call());
  }

  /** Reports a hook that failed, where no caller gets its error. */
  report(changeId: string, { cause }: HookFailed): void {
    this.#onError(new HookError(changeId, cause), 'onCommit');
  }

  /**
   * Calls the hook between a savepoint and its release, so that the store notices a hook that has ended or broken the transaction.
   *
   * @param connection the Kysely instance of the transaction
   * @throws HookFailed, or the error of a connection that is lost
   */
  async run(ask: Ask, connection: SqlDatabase, change: HookChange, inContext: InContext = (call) => call()): Promise<void> {
    await ask(this.#savepoint).catch((error: unknown) => {
      throw isRefusal(error) ? new HookFailed(new Error(`onCommit needs SAVEPOINT: ${messageOf(error)}`, { cause: error })) : error;
    });
    const running: Running = { isOpen: true };
    const trx = transactionOf(connection, running);
    const call = async () => this.#onCommit({ ...change, entries: structuredClone(change.entries) }, trx as HookTransaction<never>);
    const inside = () => (calls === undefined ? call() : calls.run(running, call));
    let late: Error | undefined;
    try {
      await within(
        systemClock,
        this.#ms,
        () => inContext(inside),
        () => (late = new Error(`the hook has not ended within ${this.#ms} ms (hookMs)`)),
      );
    } catch (error) {
      throw new HookFailed(error, error === late);
    } finally {
      running.isOpen = false;
    }
    await ask(this.#release).catch((error: unknown) => {
      throw endsTransaction(error) ? new HookFailed(new Error('the hook ended or broke the transaction', { cause: error })) : error;
    });
  }
}

/** The transaction as the hook gets it: it refuses statements as soon as the hook is no longer running. */
function transactionOf(connection: SqlDatabase, running: Running): HookTransaction {
  const refuseAfterwards = (): void => {
    if (!running.isOpen) throw new Error('the hook has ended, so its transaction takes no more statements: await each one in the hook');
  };
  const plain = connection.withoutPlugins();
  return {
    query: async (text, values = []) => {
      refuseAfterwards();
      const { rows } = await plain.executeQuery(CompiledQuery.raw(text, [...values]));
      return rows as readonly Readonly<Record<string, unknown>>[];
    },
    kysely: guarded(connection, refuseAfterwards),
  };
}

/** The parts of a Kysely instance that are guarded. */
interface Pluggable {
  withPlugin?(plugin: {
    transformQuery<T>(args: { readonly node: T }): T;
    transformResult<T>(args: { readonly result: T }): Promise<T>;
  }): SqlDatabase;
}

function guarded(connection: SqlDatabase, refuseAfterwards: () => void): SqlDatabase {
  const db = (connection as SqlDatabase & Pluggable).withPlugin?.({
    transformQuery({ node }) {
      refuseAfterwards();
      return node;
    },
    transformResult: async ({ result }) => result,
  });
  if (db === undefined) return connection;
  const execute = db.executeQuery.bind(db);
  // A query that is compiled already passes no plugin before it runs.
  const value: SqlDatabase['executeQuery'] = async (query) => {
    refuseAfterwards();
    return execute(query);
  };
  return Object.defineProperty(db, 'executeQuery', { value });
}
