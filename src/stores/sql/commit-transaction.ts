import { GENESIS } from '../../journal/link.js';
import { Batch } from './batch.js';
import type { LockedHead, Prepared } from './batch.js';
import type { Columns } from './database.js';
import { anchorOf, integerOf, refuseWrongServer, textOf } from './rows.js';
import type { Ask, RetryBudget, Session } from './session.js';
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
}

/**
 * Commits changes to one or several namespaces in one transaction.
 *
 * A transaction of one namespace waits for its head, and creates it if there is none. One of several takes only the heads that
 * are free: otherwise one locked head would delay all of them, and two transactions could each wait for a head of the other.
 *
 * @returns the batches that were committed. One that is missing has written nothing: its head was locked, or there is none yet
 * @throws TransactionFailed
 */
export function commitTogether(
  session: Session,
  statements: Statements,
  asked: readonly Asked[],
  { waits, lockMs, budget }: CommitOptions,
): Promise<ReadonlyMap<Asked, Batch>> {
  const { begin, commit, rollback, busyTimeout, hashAt } = statements;
  const bounds = { begin: begin(session.timeoutMs, lockMs), commit, rollback, busyTimeout };
  return session.transaction(bounds, budget, async (ask) => {
    const batches = await judge(ask, statements, asked, waits);
    const written: Written[] = [];
    for (const [{ namespace }, batch] of batches) {
      const { trimTo, ownHash } = batch;
      const startHash = trimTo === 0 ? undefined : (ownHash ?? textOf((await ask(hashAt, [namespace, trimTo]))[0] ?? {}, 'hash'));
      const one = batch.written(namespace, startHash);
      if (one !== undefined) written.push(one);
    }
    for (const [statement, values] of statements.write(written)) await ask(statement, values);
    return batches;
  });
}

/** Locks the heads, and judges the changes by what it reads while it holds those locks. */
async function judge(ask: Ask, statements: Statements, asked: readonly Asked[], waits: boolean): Promise<ReadonlyMap<Asked, Batch>> {
  const lists = asked.map(listsOf);
  const json = `[${lists.map(({ list }) => list).join()}]`;
  for (;;) {
    const lines = await ask(waits ? statements.hold : statements.holdFree, [json]);
    if (waits && lines.length === 0) {
      for (const { namespace } of asked) await ask(statements.found, [namespace, GENESIS.hash]);
      continue;
    }
    if (lines.length > 0) refuseWrongServer(lines[0], statements.dialect);
    if (lines.some(isStale)) continue;
    return new Map(
      lines.map((line) => {
        const [one, keys] = [asked[integerOf(line, 'i')], lists[integerOf(line, 'i')]?.keys ?? []] as [Asked, readonly string[]];
        return [one, new Batch(one.changes, lockedHeadOf(line, keys))];
      }),
    );
  }
}

/** The statement waited for a transaction that held the head, so what it read from other tables may be from before that one. */
const isStale = (line: Columns): boolean => line['seen'] === null || integerOf(line, 'seen') !== integerOf(line, 'revision');

/** What the statement that locks the heads looks up for a namespace, as JSON. It answers with indexes into `keys`. */
function listsOf({ namespace, changes }: Asked): { readonly keys: readonly string[]; readonly list: string } {
  const keys = [...new Set(changes.flatMap(({ expect }) => expect.map(({ key }) => key)))];
  const ids = changes.map(({ id }) => id);
  const seqs = new Set(changes.flatMap(({ knows }) => (knows === undefined ? [] : [knows.seq])));
  return { keys, list: `[${JSON.stringify(namespace)},[${keys.join()}],${JSON.stringify(ids)},${JSON.stringify([...seqs])}]` };
}

function lockedHeadOf(line: Columns, keys: readonly string[]): LockedHead {
  const kept = listOf(line['kept']) as [number, number, number][];
  return {
    head: anchorOf(line, 'seq', 'hash'),
    start: anchorOf(line, 'start_seq', 'start_hash'),
    rows: new Map(kept.map(([i, version, createdAt]) => [keys[i] ?? '', { version, createdAt }])),
    hashes: new Map(listOf(line['hashes']) as [number, string][]),
    applied: new Set(listOf(line['applied']) as string[]),
  };
}

/** A JSON list that the database built. Null means an empty list. */
const listOf = (json: unknown): unknown[] => (typeof json === 'string' ? (JSON.parse(json) as unknown[]) : []);
