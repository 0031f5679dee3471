import { StoreError } from '../../errors.js';
import { readId } from '../../input.js';
import { GENESIS, link } from '../../journal/link.js';
import type { Change, CommitOutcome, GrantStore, JournalSlice, JsonValue, Page, Row, RowKey, Unsubscribe } from '../../ports.js';
import type { Anchor, AuditEntry } from '../../records.js';
import { DueQueue } from './due-queue.js';
import { LiveIndex } from './live-index.js';
import { Shelf } from './shelf.js';

/**
 * The reference store: everything in this process's memory, gone when it ends.
 *
 * A check costs the subject's live grants on that scope, a page of `due` what is due. No timer, and no closure for each
 * grant. Ended rows stay, for the answers about the past, until `purge`. Engines of one process that share an instance
 * share the truth.
 */
export class MemoryGrantStore implements GrantStore {
  readonly durability = 'memory';
  readonly namespace: string;
  #space: Space;
  #spaces = new Map<string, Space>();

  /** @param options.namespace default: `'default'` */
  constructor(options: { readonly namespace?: string | undefined } = {}) {
    this.namespace = readId('namespace', options.namespace ?? 'default');
    this.#space = new Space();
    this.#spaces.set(this.namespace, this.#space);
  }

  in(namespace: string): MemoryGrantStore {
    const other = new MemoryGrantStore({ namespace });
    other.#spaces = this.#spaces;
    const known = this.#spaces.get(namespace);
    if (known === undefined) this.#spaces.set(namespace, other.#space);
    else other.#space = known;
    return other;
  }

  async get(keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]> {
    return keys.map((key) => this.#space.get(key));
  }

  live(query: { readonly subject: string; readonly scope?: string | undefined; readonly at: number }): readonly Row[] {
    return this.#space.live.find(query.subject, query.scope, query.at);
  }

  async find(query: Parameters<GrantStore['find']>[0]): Promise<Page<Row>> {
    return this.#space.find(query);
  }

  async due(query: { readonly at: number; readonly after?: string | undefined; readonly limit: number }): Promise<Page<Row>> {
    return this.#space.due.page(query.at, query.after, query.limit);
  }

  async commit(change: Change): Promise<CommitOutcome> {
    return this.#space.commit(change);
  }

  async journal(query: { readonly after: number; readonly limit: number }): Promise<JournalSlice> {
    return this.#space.journal(query.after, query.limit);
  }

  watch(wake: () => void): Unsubscribe {
    this.#space.watchers.add(wake);
    return () => this.#space.watchers.delete(wake);
  }
}

/** All that one namespace holds. Everything is synchronous, which is what makes a commit one transaction. */
class Space {
  readonly live = new LiveIndex();
  readonly due = new DueQueue((row) => this.get(row) === row);
  readonly watchers = new Set<() => void>();
  /** For each kind its open rows and its closed ones, so that finding the few open ones doesn't walk the history. */
  readonly #kinds = new Map<string, { readonly open: Shelf; readonly closed: Shelf }>();
  #start: Anchor = GENESIS;
  #head: Anchor = GENESIS;
  #entries: AuditEntry[] = [];
  /** For each kept entry the change that wrote it; guarantee 3 lasts as long as the entries do. */
  #changeOf: string[] = [];
  readonly #changes = new Set<string>();

  get(key: RowKey): Row | undefined {
    const shelves = this.#kinds.get(key.kind);
    return shelves?.open.get(key.id) ?? shelves?.closed.get(key.id);
  }

  find({ kind, subject, open, during, after, limit }: Parameters<GrantStore['find']>[0]): Page<Row> {
    const shelves = this.#kinds.get(kind);
    if (shelves === undefined) return { items: [], next: undefined };
    const wanted = (row: Row) =>
      (subject === undefined || row.subject === subject) && (during === undefined || meets(row, during.from, during.until));
    if (open !== undefined) return (open ? shelves.open : shelves.closed).page(after, limit, wanted);
    const pages = [shelves.open.page(after, limit, wanted), shelves.closed.page(after, limit, wanted)];
    const all = pages.flatMap((page) => page.items).sort((a, b) => (a.id < b.id ? -1 : 1));
    const items = all.slice(0, limit);
    const more = all.length > limit || pages.some((page) => page.next !== undefined);
    return { items, next: more ? items.at(-1)?.id : undefined };
  }

  commit(change: Change): CommitOutcome {
    if (this.#changes.has(change.id)) return 'committed';
    const { expect, put, append, remove = [], trimJournalTo = 0 } = change;
    if (expect.some((key) => (this.get(key)?.version ?? 0) !== key.version)) return 'conflict';

    // Whatever can throw comes before the first write.
    const rows = put.map(copyRow);
    const linked = link(
      this.#head,
      append.map((entry) => ({ ...entry, data: copyJson(entry.data) as typeof entry.data })),
    );
    const head = linked.at(-1) ?? this.#head;
    if (trimJournalTo > head.seq) throw new StoreError('commit', `trimJournalTo ${trimJournalTo} lies behind the head ${head.seq}`);

    for (const key of remove) this.#take(key);
    for (const row of rows) this.#place(row);
    for (const entry of linked) {
      this.#entries.push(entry);
      this.#changeOf.push(change.id);
    }
    if (linked.length > 0) this.#changes.add(change.id);
    this.#head = anchorAt(head);
    if (trimJournalTo > this.#start.seq) this.#trim(trimJournalTo);
    for (const wake of this.watchers) queueMicrotask(wake);
    return 'committed';
  }

  journal(after: number, limit: number): JournalSlice {
    const from = Math.max(0, after - this.#start.seq);
    return { entries: this.#entries.slice(from, from + limit), start: this.#start, head: this.#head };
  }

  #take(key: RowKey): void {
    const row = this.get(key);
    if (row === undefined) return;
    const shelves = this.#kinds.get(key.kind);
    shelves?.open.delete(key.id);
    shelves?.closed.delete(key.id);
    this.#unindex(row);
  }

  #place(row: Row): void {
    const before = this.get(row);
    let shelves = this.#kinds.get(row.kind);
    if (shelves === undefined) this.#kinds.set(row.kind, (shelves = { open: new Shelf(), closed: new Shelf() }));
    (row.open ? shelves.open : shelves.closed).set(row);
    (row.open ? shelves.closed : shelves.open).delete(row.id);
    if (before !== undefined) this.#unindex(before);
    this.live.add(row);
    this.due.add(row);
  }

  /** After `row` has been replaced or removed: the due queue asks what is current. */
  #unindex(row: Row): void {
    this.live.remove(row);
    this.due.forget(row);
  }

  #trim(to: number): void {
    const count = to - this.#start.seq;
    const dropped = this.#entries.slice(0, count);
    const last = dropped.at(-1);
    if (last !== undefined) this.#start = anchorAt(last);
    this.#entries = this.#entries.slice(count);
    for (const id of this.#changeOf.splice(0, count)) if (this.#changeOf[0] !== id) this.#changes.delete(id);
  }
}

/** One literal with all fields in one order, so that all rows have one hidden class; frozen, so that it can be handed out. */
function copyRow(row: Row): Row {
  return Object.freeze({
    kind: row.kind,
    id: row.id,
    version: row.version,
    subject: row.subject,
    scope: row.scope,
    open: row.open,
    from: row.from,
    until: row.until,
    dueAt: row.dueAt,
    body: copyJson(row.body) as Row['body'],
  });
}

/** Frozen: it is handed out, and the next link is made from it. */
const anchorAt = ({ seq, hash }: Anchor): Anchor => Object.freeze({ seq, hash });

function copyJson(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Object.freeze((value as readonly JsonValue[]).map(copyJson));
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyJson(item)])));
}

const meets = (row: Row, from: number, until: number): boolean =>
  row.from !== undefined && row.until !== undefined && row.from < row.until && row.from < until && from < row.until;
