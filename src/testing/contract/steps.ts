import { MAX_CHANGE } from '../../core/change-size.js';
import { verifyJournal } from '../../journal/verify.js';
import type { Page } from '../../core/ports.js';
import type { Change, CommitAnswer, CommitOutcome, GrantStore, Row, RowKey } from '../../core/store-port.js';
import type { AuditEntry, UnlinkedEntry } from '../../records/index.js';
import { aChange, anEntry, aRow } from '../builders.js';
import { holds, same, text } from '../assertions.js';

/* Steps that many cases share: write, read everything, compare. */

/** More pages than any case needs, to detect a store whose pages never end. */
const MAX_PAGES = 1_000;

/** The last instant that a `Date` can represent, in epoch milliseconds. */
export const LATEST = 8_640_000_000_000_000;

/** An entry for a store's own journal. */
export function entryFor(store: GrantStore, id: string, over: Partial<UnlinkedEntry> = {}): UnlinkedEntry {
  return anEntry({ namespace: store.namespace, id, ...over });
}

/** A change of some rows, with one entry that carries its id. */
export function changeOf(store: GrantStore, id: string, put: readonly Row[], over: Partial<Change> = {}): Change {
  return aChange({ id, put, append: [entryFor(store, `${id}.1`)], ...over });
}

/** The outcome of a change. */
export async function outcomeOf(store: GrantStore, change: Change): Promise<CommitOutcome> {
  const answer = (await store.commit(change)) as unknown;
  holds(typeof answer === 'object' && answer !== null, `commit() answers { outcome, head }, got ${text(answer)}`);
  return (answer as CommitAnswer).outcome;
}

/** Commits a change that must succeed. */
export async function commit(store: GrantStore, change: Change): Promise<void> {
  same(await outcomeOf(store, change), 'committed', `commit of ${change.id}, whose expectations all hold`);
}

/** Commits a change that must conflict. */
export async function conflict(store: GrantStore, change: Change, why: string): Promise<void> {
  same(await outcomeOf(store, change), 'conflict', `commit of ${change.id}: ${why}`);
}

let seeds = 0;

/** Commits the rows that a case needs, in one change; in several if the store takes fewer rows. */
export async function given(store: GrantStore, rows: readonly Row[]): Promise<void> {
  const { maxChange = MAX_CHANGE } = store;
  for (let i = 0; i === 0 || i < rows.length; i += maxChange.rows) {
    const id = `given-${++seeds}`;
    await commit(store, changeOf(store, id, rows.slice(i, i + maxChange.rows)));
  }
}

/** The next version of a row. */
export function next(row: Row, over: Partial<Row> = {}): Row {
  return aRow({ ...row, version: row.version + 1, ...over });
}

export async function getOne(store: GrantStore, key: RowKey): Promise<Row | undefined> {
  const rows = await store.get([key]);
  same(rows.length, 1, 'the number of answers of get() to one key');
  return rows[0];
}

/** Compares the row that `get` returns with the expected row, or with `undefined`. */
export async function isKept(store: GrantStore, key: RowKey, expected: Row | undefined, what = 'the row that get() gives'): Promise<void> {
  same(await getOne(store, key), expected, what);
}

/** Reads all pages of `find`. */
export async function foundBy(
  store: GrantStore,
  query: Omit<Parameters<GrantStore['find']>[0], 'limit' | 'after'>,
  limit = 100,
): Promise<Row[]> {
  return allPages(limit, (after) => store.find({ ...query, after, limit }));
}

/** Reads all pages of `due`. */
export async function dueAt(store: GrantStore, at: number, limit = 100): Promise<Row[]> {
  return allPages(limit, (after) => store.due({ at, after, limit }));
}

async function allPages(limit: number, read: (after: string | undefined) => Promise<Page<Row>>): Promise<Row[]> {
  const rows: Row[] = [];
  let after: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await read(after);
    holds(page.items.length <= limit, `a page holds at most its limit: expected at most ${limit} rows, got ${page.items.length}`);
    rows.push(...page.items);
    same(page.next === undefined || typeof page.next === 'string', true, 'the next of a page is a string or undefined');
    if (page.next === undefined) return rows;
    after = page.next;
  }
  holds(false, `pages end: expected a page without a next, got ${MAX_PAGES} pages that have one`);
}

/** Reads the whole journal in pages, and verifies its chain from its start to its head. */
export async function wholeJournal(store: GrantStore, limit = 50): Promise<AuditEntry[]> {
  const { start } = await store.journal({ after: 0, limit });
  const entries: AuditEntry[] = [];
  for (let after = start.seq, pages = 0; pages < MAX_PAGES; pages++) {
    const slice = await store.journal({ after, limit });
    holds(slice.entries.length <= limit, `a journal page holds at most its limit: expected at most ${limit}, got ${slice.entries.length}`);
    same(slice.start, start, 'the start of the journal, in every page of it');
    const last = slice.entries.at(-1);
    if (last === undefined) {
      const verified = await verifyJournal(entries, { after: start, head: slice.head });
      same(verified, { ok: true, head: slice.head, count: entries.length }, 'verifyJournal() of all entries, from start to head');
      return entries;
    }
    entries.push(...slice.entries);
    after = last.seq;
  }
  holds(false, `the journal ends: expected an empty page after the head, got ${MAX_PAGES} pages with entries`);
}

/** The ids of the journal's entries. Verifies the chain first. */
export async function journalIds(store: GrantStore): Promise<string[]> {
  return (await wholeJournal(store)).map((entry) => entry.id);
}

export const idsOf = (rows: readonly Row[]): string[] => rows.map((row) => row.id);

/** Makes `count` calls concurrently: all begin before any has ended. */
export async function atOnce<Answer>(count: number, call: (i: number) => Answer | PromiseLike<Answer>): Promise<Awaited<Answer>[]> {
  return Promise.all(Array.from({ length: count }, async (_, i) => await call(i)));
}

/** Everything that a store answers about some keys, to compare with a later picture. */
export async function picture(store: GrantStore, keys: readonly RowKey[]): Promise<unknown> {
  const kinds = [...new Set(keys.map((key) => key.kind))];
  return {
    rows: await store.get(keys),
    found: await Promise.all(kinds.map((kind) => foundBy(store, { kind }))),
    due: await dueAt(store, LATEST),
    journal: await store.journal({ after: 0, limit: 1_000 }),
  };
}
