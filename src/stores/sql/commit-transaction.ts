import { GENESIS } from '../../journal/link.js';
import { Batch } from './batch.js';
import type { LockedHead, Prepared } from './batch.js';
import type { AuditEntry } from '../../records/index.js';
import type { Columns, SqlDatabase } from './database.js';
import { KnownHeads } from './known-heads.js';
import { fromColumn } from './order.js';
import { anchorOf, integerOf, layoutOf, movedIn, refuseWrongServer, textOf } from './rows.js';
import type { RetryBudget, Session } from './session.js';
import type { Ask, TransactionStatements } from './transaction.js';
import type { Statements } from './statements.js';
import type { Written } from './writes.js';

/** The changes of one namespace in a transaction. */
export interface Asked {
  readonly namespace: string;
  readonly changes: readonly Prepared[];
}

export interface CommitOptions {
  /** Whether it waits for the head. Only with one namespace. */
  readonly waits: boolean;
  /** How long it waits for a lock, in milliseconds. */
  readonly lockMs: number;
  readonly budget: RetryBudget;
  /** Called for the one batch, if it has entries, after it was judged and before it is written. */
  readonly before?: ((ask: Ask, connection: SqlDatabase, entries: readonly AuditEntry[]) => Promise<void>) | undefined;
}

/** The batches that were committed. One that is missing has written nothing: its head was locked, or there is none yet. */
export type Committed = ReadonlyMap<Asked, Batch>;

/** What the transaction has found out about the changes of a namespace. */
interface Judged {
  readonly batch: Batch;
  /** The statement that locked the head has written it, too. */
  readonly isWritten: boolean;
}

/** What was guessed for a namespace, and the batch that follows from it. */
interface Guess {
  readonly text: string;
  readonly batch: Batch;
}

/** The transactions in which this process commits. */
export class CommitTransactions {
  readonly #session: Session;
  readonly #statements: Statements;
  /** `undefined`: no statement writes what was guessed. */
  readonly #heads: KnownHeads | undefined;

  constructor(session: Session, statements: Statements) {
    this.#session = session;
    this.#statements = statements;
    this.#heads = statements.writeGuessed && new KnownHeads();
  }

  /**
   * Commits changes to one or several namespaces in one transaction.
   *
   * A transaction of one namespace waits for its head, and creates it if there is none. One of several takes only the heads that
   * are free: otherwise one locked head would delay all of them, and two transactions could each wait for a head of the other.
   *
   * @throws TransactionFailed
   */
  async commit(asked: readonly Asked[], { waits, lockMs, budget, before }: CommitOptions): Promise<Committed> {
    const bounds = boundsOf(this.#statements, this.#session.timeoutMs, lockMs);
    try {
      const committed = await this.#session.transaction(bounds, budget, async (ask, connection) => {
        const judged = await this.#judge(ask, asked, waits);
        if (before !== undefined)
          for (const { batch } of judged.values()) if (batch.entries.length > 0) await before(ask, connection, batch.entries);
        await this.#write(ask, judged);
        return new Map([...judged].map(([one, { batch }]) => [one, batch]));
      });
      for (const [{ namespace }, batch] of committed) this.#heads?.learn(namespace, batch);
      return committed;
    } catch (error) {
      for (const { namespace } of asked) this.#heads?.forget(namespace);
      throw error;
    }
  }

  /** Locks the heads, and judges the changes by what it reads while it holds those locks. */
  async #judge(ask: Ask, asked: readonly Asked[], waits: boolean): Promise<ReadonlyMap<Asked, Judged>> {
    const { dialect, found, lock } = this.#statements;
    const judged = new Map<Asked, Judged>();
    let left = asked;
    for (let isFirst = true; left.length > 0; isFirst = false) {
      if (lock !== undefined) for (const { namespace } of left) await ask(lock, [namespace]);
      const lists = left.map(listsOf);
      const guesses = isFirst && !waits ? this.#guess(left, lists) : [];
      const lines = await this.#hold(ask, left, lists, guesses, waits);
      if (waits && lines.length === 0) {
        for (const { namespace } of asked) await ask(found, [namespace, GENESIS.hash]);
        continue;
      }
      if (lines.length > 0) refuseWrongServer(lines[0], dialect);
      const stale: Asked[] = [];
      for (const line of lines) {
        const i = integerOf(line, 'i');
        const one = left[i] as Asked;
        const guess = guesses[i];
        if (line['is_written'] === true && guess !== undefined) judged.set(one, { batch: guess.batch, isWritten: true });
        else if (isStale(line)) stale.push(one);
        else judged.set(one, { batch: new Batch(one.changes, lockedHeadOf(one.namespace, line, lists[i]?.keys ?? [])), isWritten: false });
      }
      left = stale;
    }
    return judged;
  }

  #hold(ask: Ask, asked: readonly Asked[], lists: readonly Lists[], guesses: readonly (Guess | undefined)[], waits: boolean) {
    const written = guesses.flatMap((guess, i) => guess?.batch.written((asked[i] as Asked).namespace, undefined) ?? []);
    const { hold, holdFree, writeGuessed } = this.#statements;
    if (writeGuessed === undefined || written.length === 0) {
      return ask(waits ? hold : holdFree, [`[${lists.map(({ list }) => `[${list}]`).join()}]`]);
    }
    const json = `[${lists.map(({ list }, i) => `[${list},${guesses[i]?.text ?? 'null'}]`).join()}]`;
    return ask(...writeGuessed(json, written));
  }

  #guess(asked: readonly Asked[], lists: readonly Lists[]): readonly (Guess | undefined)[] {
    return asked.map(({ namespace, changes }, i) => {
      const guess = this.#heads?.guess(namespace, changes);
      return guess && { text: textOfGuess(guess, lists[i]?.keys ?? []), batch: new Batch(changes, guess) };
    });
  }

  async #write(ask: Ask, judged: ReadonlyMap<Asked, Judged>): Promise<void> {
    const written: Written[] = [];
    for (const [{ namespace }, { batch, isWritten }] of judged) {
      if (isWritten) continue;
      const { trimTo, ownHash } = batch;
      const startHash =
        trimTo === 0 ? undefined : (ownHash ?? textOf((await ask(this.#statements.hashAt, [namespace, trimTo]))[0] ?? {}, 'hash'));
      const one = batch.written(namespace, startHash);
      if (one !== undefined) written.push(one);
    }
    for (const [statement, values] of this.#statements.write(written)) await ask(statement, values);
  }
}

/** The statements around a transaction. @param lockMs how long it waits for a lock, in milliseconds */
export const boundsOf = (
  { probe, probeBegins, begin, commit, rollback, rollbackTells, busyTimeout, close }: Statements,
  timeoutMs: number,
  lockMs: number,
): TransactionStatements => ({
  probe,
  probeBegins,
  begin: begin(timeoutMs, lockMs),
  commit,
  rollback,
  rollbackTells,
  busyTimeout,
  close,
});

/** The statement waited for a transaction that held the head, so what it read from other tables may be from before that one. */
const isStale = (line: Columns): boolean => line['seen'] === null || integerOf(line, 'seen') !== integerOf(line, 'revision');

/** What the statement that locks the heads looks up for a namespace. It answers with indexes into `keys`. */
interface Lists {
  readonly keys: readonly string[];
  /** The items of a JSON list. */
  readonly list: string;
}

function listsOf({ namespace, changes }: Asked): Lists {
  const keys = [...new Set(changes.flatMap(({ expect }) => expect.map(({ key }) => key)))];
  const put = new Set(changes.flatMap((change) => change.put.map(({ key }) => key)));
  const asked = keys.map((key) => (put.has(key) ? `${key.slice(0, -1)},1]` : key));
  const ids = changes.map(({ id }) => id);
  const seqs = new Set(changes.flatMap(({ knows }) => (knows === undefined ? [] : [knows.seq])));
  return { keys, list: `${JSON.stringify(namespace)},[${asked.join()}],${JSON.stringify(ids)},${JSON.stringify([...seqs])}` };
}

function lockedHeadOf(namespace: string, line: Columns, keys: readonly string[]): LockedHead {
  const kept = listOf(line['kept']) as [number, number, number | null][];
  return {
    head: anchorOf(line, 'seq', 'hash'),
    start: anchorOf(line, 'start_seq', 'start_hash'),
    layout: layoutOf(line),
    rows: new Map(kept.map(([i, version, createdAt]) => [keys[i] ?? '', { version, createdAt: createdAt ?? undefined }])),
    hashes: new Map(listOf(line['hashes']) as [number, string][]),
    applied: new Set(listOf(line['applied']) as string[]),
    moved: movedIn(line, fromColumn(namespace)),
  };
}

/** The JSON list that the statement compares with what it finds. */
function textOfGuess({ head, start, rows, hashes }: LockedHead, keys: readonly string[]): string {
  const kept = keys.flatMap((key, i) => {
    const row = rows.get(key);
    return row === undefined ? [] : [[i, row.version, row.createdAt ?? null]];
  });
  const known = [...hashes].sort(([a], [b]) => a - b);
  const orNull = (list: readonly unknown[]) => (list.length === 0 ? null : list);
  return JSON.stringify([head.seq, head.hash, start.seq, start.hash, null, orNull(kept), orNull(known), null]);
}

/** A JSON list that the database built. Null means an empty list. */
const listOf = (json: unknown): unknown[] => (typeof json === 'string' ? (JSON.parse(json) as unknown[]) : []);
