import { CompiledQuery } from 'kysely';
import { excessOf } from '../../core/change-size.js';
import { systemClock } from '../../core/clock.js';
import { isJitError, StoreError } from '../../core/errors.js';
import { LAYOUT, refuseLayout, type StoredLayout } from '../../core/layout.js';
import type { GrantStore } from '../../core/store-port.js';
import { Stopwatch } from '../../core/stopwatch.js';
import { sleepUntil } from '../../core/timers.js';
import { MAX_WEIGHT } from './commit-queue.js';
import { boundsOf } from './commit-transaction.js';
import type { Columns, SqlDatabase } from './database.js';
import type { Tables } from './dialect/dialect.js';
import { expansionsOf, indexCreated, indexDropped, versionRaised, type Expansion, type SqlIndex } from './expansions.js';
import { columns, ROW, serverColumns } from './fragments.js';
import { isBusy } from './failures.js';
import { fromColumn } from './order.js';
import { layoutOf, notInByteOrder, rowColumns, rowOf, textOf } from './rows.js';
import { RetryBudget, Session } from './session.js';
import { TransactionFailed, type Ask } from './transaction.js';
import type { Statement } from './statement.js';
import { statementsOf, type Statements } from './statements.js';
import { storeOn } from './store.js';

/** How long a statement outside of a transaction may take, in milliseconds: it may build an index. */
const STATEMENT_MS = 600_000;
/** How long a statement of a transaction may take, and a transaction that holds locks and is silent, in milliseconds. */
const LOCKED_MS = 5_000;
/** How long a statement of an expansion waits for a lock. Those that come after it wait behind it, checks too. */
const EXPAND_LOCK_MS = 50;
/** How long the contract waits until the commits in flight have ended. Later commits wait behind it. */
const CONTRACT_LOCK_MS = 200;
/** For how long a lock that is not free is tried again. */
const PATIENCE_MS = 120_000;
/** The pause between two tries grows up to this. It leaves the table to others for most of the time. */
const MAX_PAUSE_MS = 1_000;

interface ContractProgress {
  readonly read: number;
  readonly rewritten: number;
}

type Count = (read: number, rewritten: number) => void;

/** Upgrades the tables of a database: see `docs/guides/upgrades.md`. */
export class SqlUpgrade {
  readonly #db: SqlDatabase;
  readonly #tables: Tables;
  readonly #session: Session;
  readonly #statements: Statements;

  constructor(db: SqlDatabase, tables: Tables) {
    this.#db = db.withoutPlugins();
    this.#tables = tables;
    this.#session = new Session(db, STATEMENT_MS);
    this.#statements = statementsOf(tables.dialect);
  }

  /** The two numbers. Both are 0 while there are no tables. */
  async layout(): Promise<StoredLayout> {
    const [found] = await this.#apart(this.#tables.found);
    return layoutOf(found && (await this.#apart(`select ${serverColumns(this.#tables.dialect)}`))[0]);
  }

  /** Adds what the tables lack for the layout of this package. Does nothing to tables of a newer layout. @throws LayoutError */
  async expand(): Promise<StoredLayout> {
    const { byteOrder } = this.#tables.dialect;
    if (byteOrder !== undefined && (await this.#apart(`select ${byteOrder}`))[0]?.['has_byte_order'] !== true)
      throw notInByteOrder('migrate');
    for (;;) {
      const found = await this.layout();
      const next = expansionsOf(this.#tables).find(({ layout }) => layout === found.version + 1);
      if (next === undefined) {
        refuseLayout(found);
        return found;
      }
      await this.#untilFree(
        () => this.#apply(next),
        // Another process has done it at the same time.
        async () => (await this.layout()).version >= next.layout,
      );
    }
  }

  async #apply({ layout, statements, indexes }: Expansion): Promise<void> {
    const isApart = this.#tables.concurrently !== '' && indexes.length > 0;
    await this.#transaction(EXPAND_LOCK_MS, async (run) => {
      const inside = isApart ? [] : indexes.map((index) => indexCreated(this.#tables, index, false));
      for (const text of [...statements, ...inside, ...(isApart ? [] : [versionRaised(layout)])]) await run(text);
    });
    if (!isApart) return;
    for (const index of indexes) await this.#build(index);
    await this.#apart(versionRaised(layout));
  }

  /** Builds an index beside the reads and writes of others. One that an earlier try has left invalid is dropped first. */
  async #build(index: SqlIndex): Promise<void> {
    const { invalidIndex } = this.#tables;
    if (invalidIndex !== undefined) {
      const [found] = await this.#apart(invalidIndex(index.name));
      if (found?.['is_in_work'] === true) throw Object.assign(new Error('another process builds the index'), { code: LOCKED });
      if (found !== undefined) await this.#apart(indexDropped(this.#tables, index));
    }
    await this.#apart(indexCreated(this.#tables, index, true));
  }

  /**
   * Ends the use of the data by processes of earlier layouts: rewrites the rows of theirs, and raises `readableFrom` to the layout of this
   * package. A run that was interrupted continues with the rows that are left.
   *
   * @param onProgress receives how many rows of the table it has read, and rewritten, so far
   * @returns the number of rows that were rewritten
   */
  async contract(onProgress: (progress: ContractProgress) => void): Promise<number> {
    // With nearly no row left, the index is small: the last look at the table, with the commits locked out, takes no time.
    const older: SqlIndex = { name: `jit_rows_before_${LAYOUT}`, on: `jit_rows (layout) where layout < ${LAYOUT}` };
    const drop = () => this.#apart(indexDropped(this.#tables, older));
    let isDone = false;
    // Of several contracts at once, one ends first, and drops the index that the others read.
    const hasEnded = async () => (isDone = (await this.layout()).readableFrom >= LAYOUT);
    if (await hasEnded()) {
      // A contract that was killed at its end has left it.
      await this.#untilFree(drop);
      return 0;
    }
    let [read, rewritten] = [0, 0];
    const count: Count = (more, changed) => onProgress({ read: (read += more), rewritten: (rewritten += changed) });
    await this.#rewriteAll(count);
    await this.#untilFree(() => this.#build(older), hasEnded);
    const by = this.#tables.dialect.indexedBy(older.name);
    const left = `select namespace, ${columns('r', ROW)} from jit_rows as r${by} where layout < ${LAYOUT} order by layout limit ${MAX_WEIGHT}`;
    while (!isDone) {
      let found: readonly Columns[] = [];
      await this.#untilFree(async () => void (found = await this.#apart(left)), hasEnded);
      count(0, await this.#rewrite(found));
      let ended = 0;
      await this.#untilFree(async () => {
        isDone = await this.#transaction(CONTRACT_LOCK_MS, async (run, ask) => {
          await this.#lockHeads(run);
          const last = await run(left);
          if (last.length === MAX_WEIGHT) return false;
          if (last.length > 0) await ask(this.#statements.rewrite, [rewrittenList(last)]);
          await run(`update jit_schema set readable_from = ${LAYOUT} where readable_from < ${LAYOUT}`);
          ended = last.length;
          return true;
        });
      }, hasEnded);
      if (ended > 0) count(0, ended);
    }
    await this.#untilFree(drop);
    return rewritten;
  }

  /** Rewrites the rows of earlier layouts in the order of their keys. Their processes continue, and may write more of them. */
  async #rewriteAll(count: Count): Promise<void> {
    const { dialect, reliefMs } = this.#tables;
    const page = dialect.statement(
      'older_rows',
      `select namespace, layout < ${LAYOUT} as is_older, ${columns('r', ROW)} from jit_rows as r
where (namespace, kind, id) > ($1, $2, $3) order by namespace, kind, id limit ${MAX_WEIGHT}`,
    );
    for (let after: unknown[] = ['', '', '']; ;) {
      const rows = await this.#session.ask(page, after);
      const older = rows.filter((row) => Number(row['is_older']) === 1);
      if (older.length > 0 && reliefMs > 0) await pause(reliefMs);
      const last = rows.at(-1);
      if (last === undefined) return;
      count(rows.length, await this.#rewrite(older));
      after = [textOf(last, 'namespace'), textOf(last, 'kind'), textOf(last, 'id')];
    }
  }

  /** Rewrites rows by commits of their namespaces. A row that has changed in between keeps its change, and is found again. */
  async #rewrite(found: readonly Columns[]): Promise<number> {
    let rewritten = 0;
    for (const namespace of new Set(found.map((row) => textOf(row, 'namespace')))) {
      const store = storeOn(this.#db, this.#tables.dialect, fromColumn(namespace));
      rewritten += await this.#rewriteIn(
        store,
        found.filter((row) => row['namespace'] === namespace),
      );
    }
    return rewritten;
  }

  /** Divides rows that exceed a change, or of which one has changed in between. */
  async #rewriteIn(store: GrantStore, lines: readonly Columns[]): Promise<number> {
    const put = lines.map(rowOf);
    const expect = put.map(({ kind, id, version }) => ({ kind, id, version }));
    const change = { id: crypto.randomUUID(), expect, put, append: [] };
    try {
      if (excessOf(change) === undefined && (await store.commit(change)).outcome === 'committed') return lines.length;
    } catch (error) {
      if (!isJitError(error) || error.code !== 'ERR_JIT_MOVED') throw error;
      return this.#rewriteClosed(lines);
    }
    if (lines.length === 1) return 0;
    const half = lines.length >> 1;
    return (await this.#rewriteIn(store, lines.slice(0, half))) + (await this.#rewriteIn(store, lines.slice(half)));
  }

  /** Rewrites rows of a namespace that takes no commits: it has moved, or its parts are still arriving. Under the lock, none arrives. */
  async #rewriteClosed(lines: readonly Columns[]): Promise<number> {
    const text = `select namespace, ${columns('r', ROW)} from jit_rows as r where namespace = $1 and kind = $2 and id = $3 and layout < ${LAYOUT}`;
    const older = this.#tables.dialect.statement('older_row', text);
    let rewritten = 0;
    await this.#untilFree(async () => {
      rewritten = await this.#transaction(CONTRACT_LOCK_MS, async (run, ask) => {
        await this.#lockHeads(run);
        const found: Columns[] = [];
        for (const line of lines)
          found.push(
            ...(await ask(
              older,
              ['namespace', 'kind', 'id'].map((column) => textOf(line, column)),
            )),
          );
        if (found.length > 0) await ask(this.#statements.rewrite, [rewrittenList(found)]);
        return found.length;
      });
    });
    return rewritten;
  }

  async #lockHeads(run: (text: string) => Promise<unknown>): Promise<void> {
    const { lockHeads } = this.#tables;
    if (lockHeads !== undefined) await run(lockHeads);
  }

  #transaction<T>(lockMs: number, work: (run: (text: string) => Promise<readonly Columns[]>, ask: Ask) => Promise<T>): Promise<T> {
    const bounds = boundsOf(this.#statements, LOCKED_MS, lockMs);
    return this.#session.transaction(bounds, new RetryBudget(STATEMENT_MS), (ask) => work((text) => ask(plain(text)), ask));
  }

  #apart(text: string): Promise<readonly Columns[]> {
    return this.#db.executeQuery<Columns>(CompiledQuery.raw(text) as CompiledQuery<Columns>).then(({ rows }) => rows);
  }

  /** Tries again while a lock is not free. @param isDone whether an error does not matter, because another process has done the work */
  async #untilFree(attempt: () => Promise<unknown>, isDone: () => Promise<boolean> = async () => false): Promise<void> {
    const watch = new Stopwatch(systemClock);
    for (let pauseMs = EXPAND_LOCK_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      try {
        await attempt();
        return;
      } catch (error) {
        const cause = error instanceof TransactionFailed ? error.cause : error;
        if (await isDone()) return;
        if (!isBusy(cause)) throw cause;
        if (watch.ms > PATIENCE_MS) {
          throw new StoreError(
            'migrate',
            `a lock on the tables did not become free for ${PATIENCE_MS} ms: end the transaction that holds it`,
            cause,
          );
        }
        // Random, so that two upgrades at once do not keep meeting.
        await pause(pauseMs * (0.5 + Math.random()));
      }
    }
  }
}

const pause = (ms: number): Promise<void> => sleepUntil(systemClock, systemClock.now() + ms, new AbortController().signal);

/** The SQLSTATE of a lock that is not available. */
const LOCKED = '55P03';

const plain = (text: string): Statement => ({ name: 'migrate', text, order: undefined });

/** A row of each line, as this version writes it, for the statement that puts rows. */
const rewrittenList = (found: readonly Columns[]): string =>
  JSON.stringify(found.map((row) => [textOf(row, 'namespace'), ...rowColumns(rowOf(row))]));
