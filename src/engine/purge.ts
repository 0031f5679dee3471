import { invalid, readOptions } from '../input.js';
import { decodeCursor } from '../journal/follow.js';
import { grantIds } from '../lifecycle/grant.js';
import { isPurgeable } from '../lifecycle/purge.js';
import type { EntryDraft } from '../lifecycle/step.js';
import type { Page, Row, RowKey } from '../ports.js';
import { decodeGrant, decodeRequest, toJson, type AccessRequest, type AuditEntry } from '../records.js';
import { isInstant, readInstant, type Timekeeper } from '../time.js';
import { CorruptError } from '../errors.js';
import type { Ledger } from './ledger.js';

/** What a purge took away. */
export interface PurgeReport {
  /** Questions about earlier instants are refused from now on. Epoch milliseconds. */
  readonly horizon: number;
  readonly requests: number;
  readonly grants: number;
  /** The journal now begins behind this seq. */
  readonly journalStart: number;
}

const PAGE = 100;
const HORIZON: RowKey = { kind: 'horizon', id: 'horizon' };

/** The earliest instant that can still be asked about; 0 while nothing has been purged. */
export async function readHorizon(ledger: Ledger): Promise<{ readonly before: number; readonly version: number }> {
  const [row] = await ledger.rows([HORIZON]);
  if (row === undefined) return { before: 0, version: 0 };
  const { before } = row.body;
  if (!isInstant(before)) throw new CorruptError(HORIZON.kind, HORIZON.id, 'is not a row that this version writes');
  return { before, version: row.version };
}

/**
 * Removes what ended before a horizon, then the journal's prefix that nothing kept rests on (L33).
 *
 * The horizon is on record before the first row goes, so that no question about an earlier instant is answered from
 * half of the rows. Every commit that removes says what it removed.
 *
 * @param undelivered the names of this engine's shared followers: one without a cursor has seen nothing yet
 */
export async function purge(
  ledger: Ledger,
  keeper: Timekeeper,
  followers: readonly string[],
  given: { readonly before: number; readonly by: string },
  readActorId: (argument: string, id: unknown) => string,
): Promise<PurgeReport> {
  const options = readOptions<'before' | 'by'>('purge', given, ['before', 'by']);
  const before = readInstant('before', options.before);
  const by = readActorId('by', options.by);
  if (before > keeper.read().now) throw invalid('before', 'an instant that has passed', before);

  const horizon = await setHorizon(ledger, keeper, before, by);
  let requests = 0;
  let grants = 0;
  for await (const rows of pages((after) =>
    ledger.ask('find', (store) => store.find({ kind: 'request', open: false, after, limit: PAGE })),
  )) {
    const removed = await removeEnded(ledger, keeper, rows.map(decodeRequest), horizon, by);
    requests += removed.requests;
    grants += removed.grants;
  }
  return { horizon, requests, grants, journalStart: await trim(ledger, keeper, followers, horizon, by) };
}

const entry = (keeper: Timekeeper, by: string, data: object): EntryDraft => ({
  type: 'journal.purged',
  at: keeper.read().now,
  actor: by,
  requestId: undefined,
  grantId: undefined,
  data: toJson(data),
});

/** Moves the horizon forward, never back. */
async function setHorizon(ledger: Ledger, keeper: Timekeeper, before: number, by: string): Promise<number> {
  for (;;) {
    const known = await readHorizon(ledger);
    if (known.before >= before) return known.before;
    const row: Row = {
      ...HORIZON,
      version: known.version + 1,
      subject: undefined,
      scope: undefined,
      open: true,
      from: undefined,
      until: undefined,
      dueAt: undefined,
      body: { before },
    };
    const expect = [{ ...HORIZON, version: known.version }];
    if ((await ledger.commit({ expect, put: [row], entries: [entry(keeper, by, { horizon: before })] })) === 'committed') return before;
  }
}

async function removeEnded(
  ledger: Ledger,
  keeper: Timekeeper,
  requests: readonly AccessRequest[],
  horizon: number,
  by: string,
): Promise<{ requests: number; grants: number }> {
  const gone: { kind: string; id: string; version: number }[] = [];
  for (const request of requests) {
    const rows = await ledger.rows(grantIds(request).map((id) => ({ kind: 'grant', id })));
    const grants = rows.map((row) => row && decodeGrant(row));
    if (!isPurgeable(request, grants, horizon)) continue;
    for (const record of [request, ...grants])
      if (record !== undefined) gone.push({ kind: record.kind, id: record.id, version: record.version });
  }
  const keys = gone.map(({ kind, id }) => ({ kind, id }));
  // What has ended doesn't change again: only another purge can have come first, and then this page is its work.
  const done =
    gone.length > 0 &&
    (await ledger.commit({ expect: gone, put: [], remove: keys, entries: [entry(keeper, by, { horizon, removed: keys })] })) ===
      'committed';
  const count = (kind: string) => (done ? keys.filter((key) => key.kind === kind).length : 0);
  return { requests: count('request'), grants: count('grant') };
}

/** Drops the prefix that lies behind every shared cursor, before the horizon, and before the first entry of anything kept. */
async function trim(ledger: Ledger, keeper: Timekeeper, followers: readonly string[], horizon: number, by: string): Promise<number> {
  const { start } = await ledger.ask('journal', (store) => store.journal({ after: 0, limit: 1 }));
  const cursors = new Map<string, number>(followers.map((name) => [name, 0]));
  for await (const rows of pages((after) => ledger.ask('find', (store) => store.find({ kind: 'cursor', after, limit: PAGE })))) {
    for (const row of rows) cursors.set(row.id, decodeCursor(row).seq);
  }
  let to = start.seq;
  const last = Math.min(...cursors.values());
  for (;;) {
    const { entries } = await ledger.ask('journal', (store) => store.journal({ after: to, limit: PAGE }));
    const kept = await isKept(ledger, entries);
    const stop = entries.findIndex((one, i) => one.seq > last || one.at >= horizon || kept[i] === true);
    const free = stop === -1 ? entries : entries.slice(0, stop);
    to = free.at(-1)?.seq ?? to;
    if (free.length < PAGE) break;
  }
  if (to > start.seq) {
    await ledger.commit({ expect: [], put: [], trimJournalTo: to, entries: [entry(keeper, by, { horizon, trimmedTo: to })] });
  }
  return to;
}

async function isKept(ledger: Ledger, entries: readonly AuditEntry[]): Promise<readonly boolean[]> {
  const ids = [...new Set(entries.flatMap((one) => one.requestId ?? []))];
  const rows = await ledger.rows(ids.map((id) => ({ kind: 'request', id })));
  const kept = new Set(ids.filter((_, i) => rows[i] !== undefined));
  return entries.map((one) => one.requestId !== undefined && kept.has(one.requestId));
}

async function* pages(read: (after: string | undefined) => Promise<Page<Row>>): AsyncGenerator<readonly Row[]> {
  let after: string | undefined;
  do {
    const page = await read(after);
    yield page.items;
    after = page.next;
  } while (after !== undefined);
}
