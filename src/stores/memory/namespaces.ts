import { GENESIS, link } from '../../journal/link.js';
import { ARRIVING, changeIdOf, GAP, IN_USE, partError } from '../../core/namespace-part.js';
import type { Page } from '../../core/ports.js';
import type {
  Change,
  CommitAnswer,
  DueNamespacesQuery,
  DueQuery,
  FindQuery,
  JournalSlice,
  NamespacePart,
  Row,
  RowKey,
} from '../../core/store-port.js';
import { frozenCopy, FrozenRow, SharedStrings, type Anchor, type AuditEntry } from '../../records/index.js';
import { judge } from '../judge.js';
import { Watchers } from '../watchers.js';
import { KindRows } from './kind-rows.js';
import { LiveIndex } from './live-index.js';
import { LongQueue } from './long-queue.js';
import { OrderedRows } from './ordered-rows.js';

/** The row with the mark of a namespace that has moved to another store: its body names the place in `to`. */
const MOVED: RowKey = { kind: 'head', id: 'moved' };

/**
 * The state of all namespaces, shared by all handles of one store.
 *
 * The first commit makes the space of a namespace. So names that come from callers, and are only read or watched, use no lasting
 * memory. A handle that is kept costs only itself.
 */
export class Namespaces {
  readonly watchers = new Watchers();
  readonly #giver: unknown;
  readonly #spaces = new Map<string, NamespaceState>();
  #empty: NamespaceState | undefined;

  /** @param giver the method that gives the windows: see {@link LiveIndex} */
  constructor(giver: unknown) {
    this.#giver = giver;
  }

  /** All namespaces without a commit read this one space, and nothing writes to it. */
  get empty(): NamespaceState {
    return (this.#empty ??= new NamespaceState(this.#giver));
  }

  of(namespace: string): NamespaceState | undefined {
    return this.#spaces.get(namespace);
  }

  commit(namespace: string, change: Change): CommitAnswer {
    const before = this.of(namespace)?.head.seq ?? 0;
    const answer = this.#write(namespace, (space) => space.commit(change));
    const { seq } = answer.head;
    // Only if the head has moved. A follower that commits its cursor appends nothing, so it never wakes itself in a loop.
    if (seq > before) this.watchers.wakeAll(namespace, seq);
    return answer;
  }

  /** @throws StoreError */
  adopt(namespace: string, part: NamespacePart): void {
    this.#write(namespace, (space) => space.adopt(part));
  }

  /** Keeps a new space only if the write was applied: a change that conflicts leaves none. */
  #write<T>(namespace: string, write: (space: NamespaceState) => T): T {
    const space = this.of(namespace) ?? new NamespaceState(this.#giver);
    const answer = write(space);
    if (!space.isNew) this.#spaces.set(namespace, space);
    return answer;
  }

  /** `undefined`: the namespace has moved, or is still arriving. */
  headOf(namespace: string): Anchor | undefined {
    const space = this.of(namespace);
    if (space === undefined) return GENESIS;
    return space.mark === undefined ? space.head : undefined;
  }

  due({ at, after = '', limit }: DueNamespacesQuery): Page<string> {
    const isDue = ([name, space]: readonly [string, NamespaceState]) => name > after && space.due({ at, limit: 1 }).items.length > 0;
    const names = [...this.#spaces].filter(isDue).map(([name]) => name);
    const items = names.sort().slice(0, limit);
    return { items, next: names.length > limit ? items.at(-1) : undefined };
  }
}

/** The rows and the journal of one namespace. Every method is synchronous, which makes a commit one transaction. */
export class NamespaceState {
  readonly live: LiveIndex;
  readonly #kinds = new Map<string, KindRows>();
  readonly #due = new OrderedRows(dueBefore);
  #start: Anchor = GENESIS;
  #head: Anchor = GENESIS;
  readonly #entries = new LongQueue<AuditEntry>();
  /** For each kept entry, the change that wrote it. Guarantee 3 (idempotent commit) lasts as long as the entries do. */
  readonly #changeOf = new LongQueue<string>();
  readonly #changes = new Set<string>();
  readonly #strings = new SharedStrings();
  /** `new`: nothing was ever committed. `arriving`: parts of it have arrived, and not the last one. */
  #state: 'new' | 'arriving' | 'open' = 'new';

  constructor(giver: unknown) {
    this.live = new LiveIndex(giver);
  }

  /** Whether nothing was ever written. */
  get isNew(): boolean {
    return this.#state === 'new';
  }

  get head(): Anchor {
    return this.#head;
  }

  get start(): Anchor {
    return this.#start;
  }

  isApplied(changeId: string): boolean {
    return this.#changes.has(changeId);
  }

  /** See {@link movedError}. `undefined`: the namespace is here. The mark of a namespace that has moved is a row. */
  get mark(): string | undefined {
    if (this.#state === 'arriving') return ARRIVING;
    return this.get(MOVED)?.body['to'] as string | undefined;
  }

  get(key: RowKey): Row | undefined {
    return this.#kinds.get(key.kind)?.get(key.id);
  }

  find(query: FindQuery): Page<Row> {
    return this.#kind(query.kind).find(query);
  }

  due({ at, after, limit }: DueQuery): Page<Row> {
    const place = after === undefined ? undefined : (JSON.parse(after) as Row);
    const isBehind = place && ((row: Row) => !dueBefore(place, row));
    const { rows, next } = this.#due.read({ limit, isBehind, isBeyond: (row) => (row.dueAt as number) > at });
    return { items: rows, next: next && JSON.stringify({ dueAt: next.dueAt, kind: next.kind, id: next.id }) };
  }

  commit(change: Change): CommitAnswer {
    const outcome = judge(change, this);
    if (outcome === undefined) this.#apply(change);
    return { outcome: outcome ?? 'committed', head: this.#head };
  }

  #apply(change: Change): void {
    const { put, append, remove = [], trimJournalTo = 0 } = change;
    // Everything that can throw comes before the first write, so that a change is applied whole or not at all.
    const rows = put.map((row) => new FrozenRow(row, this.#strings));
    const linked = link(
      this.#head,
      append.map((entry) => ({ ...entry, data: frozenCopy(entry.data) })),
    );
    const head = linked.at(-1) ?? this.#head;

    for (const key of remove) this.#replace(key);
    for (const row of rows) this.#replace(row, row);
    for (const entry of linked) this.#append(entry, change.id);
    this.#head = anchorAt(head);
    this.#state = 'open';
    if (trimJournalTo > this.#start.seq) this.#trim(trimJournalTo);
  }

  /** @throws StoreError */
  adopt({ rows, entries, anchors }: NamespacePart): void {
    if (this.#state === 'open') {
      // The last part is sent again.
      if (anchors !== undefined && anchors.head.seq > 0 && isSame(anchors.head, this.#head)) return;
      throw partError(IN_USE);
    }
    let [start, head] = [this.#start, this.#head];
    const added: AuditEntry[] = [];
    for (const entry of entries) {
      // An earlier part with this entry is sent again.
      if (entry.seq <= head.seq) continue;
      if (head.seq === 0) start = { seq: entry.seq - 1, hash: entry.prevHash };
      else if (entry.prevHash !== head.hash) throw partError(GAP);
      head = entry;
      added.push(Object.freeze({ ...entry, data: frozenCopy(entry.data) }));
    }
    if (anchors !== undefined) {
      if (head.seq === 0) [start, head] = [anchors.start, anchors.start];
      if (!isSame(start, anchors.start) || !isSame(head, anchors.head)) throw partError(GAP);
    }
    const frozen = rows.map((row) => new FrozenRow(row, this.#strings));

    for (const row of frozen) this.#replace(row, row);
    for (const entry of added) this.#append(entry, changeIdOf(entry));
    this.#start = anchorAt(start);
    this.#head = anchorAt(head);
    this.#state = anchors === undefined ? 'arriving' : 'open';
  }

  #append(entry: AuditEntry, changeId: string): void {
    this.#entries.push(entry);
    this.#changeOf.push(changeId);
    this.#changes.add(changeId);
  }

  /** The hash of an entry that is kept: its seq is greater than the start's, and at most the head's. */
  hashAt(seq: number): string | undefined {
    return seq === this.#head.seq ? this.#head.hash : this.#entries.slice(seq - this.#start.seq - 1, 1)[0]?.hash;
  }

  journal(after: number, limit: number): JournalSlice {
    const from = Math.max(0, after - this.#start.seq);
    return { entries: this.#entries.slice(from, limit), start: this.#start, head: this.#head };
  }

  #kind(kind: string): KindRows {
    let known = this.#kinds.get(kind);
    if (known === undefined) {
      // Grants and usage rows may number millions, and `live` already indexes them by subject.
      const isLive = kind === 'grant' || kind === 'usage';
      const openOf = isLive ? (subject: string) => this.live.all(subject).filter((row) => row.kind === kind) : undefined;
      this.#kinds.set(kind, (known = new KindRows(openOf, kind === 'grant')));
    }
    return known;
  }

  /** Replaces the row of this key; `row` is `undefined` to remove it. */
  #replace(key: RowKey, row?: Row): void {
    const kind = this.#kind(key.kind);
    const before = kind.get(key.id);
    kind.replace(key.id, before, row);
    if (before !== undefined) {
      this.live.remove(before);
      if (before.dueAt !== undefined) this.#due.remove(before);
    }
    if (row !== undefined) {
      this.live.add(row);
      if (row.dueAt !== undefined) this.#due.add(row);
    }
  }

  #trim(to: number): void {
    const count = to - this.#start.seq;
    const [last] = this.#entries.slice(count - 1, 1);
    if (last !== undefined) this.#start = anchorAt(last);
    const dropped = this.#changeOf.slice(0, count);
    this.#entries.drop(count);
    this.#changeOf.drop(count);
    // A change stays known while one of its entries is kept.
    const [kept] = this.#changeOf.slice(0, 1);
    for (const id of dropped) if (id !== kept) this.#changes.delete(id);
  }
}

const isSame = (a: Anchor, b: Anchor): boolean => a.seq === b.seq && a.hash === b.hash;

/** Frozen, because callers receive this object and the next link is computed from it. */
const anchorAt = ({ seq, hash }: Anchor): Anchor => Object.freeze({ seq, hash });

function dueBefore(a: Row, b: Row): boolean {
  if (a.dueAt !== b.dueAt) return (a.dueAt as number) < (b.dueAt as number);
  return a.kind === b.kind ? a.id < b.id : a.kind < b.kind;
}
