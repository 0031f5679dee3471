import { SingleFlight } from '../../core/single-flight.js';
import { StoreError } from '../../core/errors.js';
import type { MaybePromise } from '../../core/ports.js';
import type { Change, CommitAnswer, NamespacePart } from '../../core/store-port.js';
import { isThenable } from '../../core/thenable.js';
import { applyPart } from './adopt-part.js';
import { boundsOf } from './commit-transaction.js';
import { Commits } from './commits.js';
import type { Columns, SqlDatabase } from './database.js';
import { DatabaseFile } from './database-file.js';
import type { Dialect, Reader } from './dialect/dialect.js';
import { asStoreError, HookFailed } from './failures.js';
import { refuseInsideHook, type Hook } from './hook.js';
import { kyselyReads } from './reads.js';
import type { Reads } from './reads.js';
import { notInByteOrder, refuseWrongServer } from './rows.js';
import { RetryBudget, Session, unlessBusy } from './session.js';
import { TransactionFailed, type Work } from './transaction.js';
import { statementsOf } from './statements.js';
import type { Statement } from './statement.js';
import type { Statements } from './statements.js';
import { NotificationListener } from './listener.js';

/** The state that the stores of all namespaces share: the connection, the statements and the running commits. */
export class Backend {
  readonly statements: Statements;
  readonly listener: NotificationListener | undefined;
  readonly #dialect: Dialect;
  readonly #session: Session;
  readonly #reads: Reads;
  readonly #commits: Commits;
  /** A handle has a file of its own. */
  readonly #isReadApart: boolean;
  #isKnown = false;
  #file: DatabaseFile | undefined;
  readonly #knowing = new SingleFlight();

  readonly hook: Hook | undefined;

  constructor(
    db: SqlDatabase,
    dialect: Dialect,
    reader: Reader | undefined,
    timeoutMs: number,
    onError: (error: unknown, during: string) => void,
    hook?: Hook,
  ) {
    this.hook = hook;
    this.#dialect = dialect;
    this.statements = statementsOf(dialect);
    this.#session = new Session(db, timeoutMs);
    const { listening } = this.statements;
    const committed = (namespaces: readonly string[]) => listening && this.#notify(namespaces, listening.notify);
    const hooks = { before: () => this.#file?.refuseIfReplaced(), committed };
    this.#commits = new Commits(this.#session, this.statements, hooks, hook);
    const plain = kyselyReads(this.#session);
    this.#isReadApart = reader !== undefined && reader.pool === undefined;
    this.#reads = reader?.reads(this.#session, plain) ?? plain;
    if (listening !== undefined && reader?.pool !== undefined)
      this.listener = new NotificationListener(reader.pool, this.#session, listening, (error) => onError(error, 'listen'));
  }

  /**
   * Runs a statement and converts its rows with `read`. Every failure becomes a `StoreError`. Answers without a promise
   * if the driver does.
   */
  ask<T>(operation: string, statement: Statement, values: readonly unknown[], read: (rows: readonly Columns[]) => T): MaybePromise<T> {
    return this.#answer(
      operation,
      () => this.#reads.now(statement, values),
      (rows) => {
        refuseWrongServer(rows[0], this.#dialect);
        return read(rows);
      },
    );
  }

  /** Like `ask`, for a statement that answers with one row. */
  askOne<T>(operation: string, statement: Statement, values: readonly unknown[], read: (row: Columns | undefined) => T): MaybePromise<T> {
    return this.#answer(
      operation,
      () => this.#reads.one(statement, values),
      (row) => {
        refuseWrongServer(row, this.#dialect);
        return read(row);
      },
    );
  }

  #answer<A, T>(operation: string, put: () => MaybePromise<A>, read: (answer: A) => T): MaybePromise<T> {
    const fail = (error: unknown): never => {
      throw asStoreError(operation, error);
    };
    try {
      refuseInsideHook(operation);
      if (!this.#isKnown) return this.#know().then(put).then(read).catch(fail);
      this.#file?.refuseIfReplaced();
      const answer = put();
      return isThenable(answer) ? Promise.resolve(answer).then(read).catch(fail) : read(answer);
    } catch (error) {
      return fail(error);
    }
  }

  async commit(namespace: string, change: Change): Promise<CommitAnswer> {
    refuseInsideHook('commit');
    if (!this.#isKnown) {
      await this.#know().catch((error: unknown) => {
        throw asStoreError('commit', error);
      });
    }
    return this.#commits.commit(namespace, change);
  }

  /** @throws StoreError */
  adopt(namespace: string, part: NamespacePart): Promise<void> {
    return this.transact('adopt', (ask) => applyPart(ask, this.statements, namespace, part));
  }

  /** Runs a transaction beside those of the commits. It does not lock the head. @throws HookFailed, StoreError */
  async transact<T>(operation: string, work: Work<T>): Promise<T> {
    const { timeoutMs } = this.#session;
    try {
      if (!this.#isKnown) await this.#know();
      this.#file?.refuseIfReplaced();
      const budget = new RetryBudget(timeoutMs);
      const bounds = boundsOf(this.statements, timeoutMs, timeoutMs);
      return await unlessBusy(budget, () => this.#session.transaction(bounds, budget, work));
    } catch (error) {
      const cause = error instanceof TransactionFailed ? error.cause : error;
      throw cause instanceof HookFailed ? cause : asStoreError(operation, cause);
    }
  }

  /** Refuses data of another layout before the first read or write: their columns may have another meaning. */
  #know(): Promise<void> {
    return this.#knowing.join(() => this.#readSchema());
  }

  async #readSchema(): Promise<void> {
    const [found = {}] = await this.#reads.now(this.statements.schema, []);
    refuseWrongServer(found, this.#dialect);
    const { encoding } = found;
    // In any other encoding the byte order differs from the order of the ids, and some ids cannot be stored.
    if (encoding !== 'UTF8' && encoding !== 'UTF-8') {
      throw new StoreError('schema', `the database's encoding must be UTF-8; it is ${String(encoding)}`);
    }
    if (this.#dialect.byteOrder !== undefined && found['has_byte_order'] !== true) throw notInByteOrder('schema');
    this.#file = DatabaseFile.at(found['file']);
    if (this.#isReadApart) await this.#refuseOtherFile(this.#file);
    this.#isKnown = true;
  }

  /** Refuses a read handle on another file: it would allow access that was revoked in the file that commits write to. */
  async #refuseOtherFile(read: DatabaseFile | undefined): Promise<void> {
    const [written] = await this.#session.ask(this.statements.schema, []);
    const file = DatabaseFile.at(written?.['file']);
    // Two in-memory databases cannot be distinguished, so both count as the same: the handle may be Kysely's own.
    if (read === undefined ? file === undefined : file !== undefined && read.isSameAs(file)) return;
    throw new StoreError('schema', `read must be a handle on the same database as db (${placeOf(file)}); it is on ${placeOf(read)}`);
  }

  /** The namespaces of the next NOTIFY. */
  #toNotify = new Set<string>();
  #isNotifying = false;

  /**
   * Sends NOTIFY, one statement at a time; namespaces that come up in the meantime are sent together. It is only a hint, so
   * failures are ignored.
   */
  #notify(namespaces: readonly string[], notify: Statement): void {
    for (const namespace of namespaces) this.#toNotify.add(namespace);
    if (!this.#isNotifying) void this.#sendNotices(notify);
  }

  async #sendNotices(notify: Statement): Promise<void> {
    this.#isNotifying = true;
    while (this.#toNotify.size > 0) {
      const names = JSON.stringify([...this.#toNotify]);
      this.#toNotify.clear();
      await this.#session.ask(notify, [names]).catch(() => undefined);
    }
    this.#isNotifying = false;
  }
}

const placeOf = (file: DatabaseFile | undefined): string => file?.path ?? 'a database in memory';
