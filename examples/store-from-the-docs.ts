import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { link, placeOf, readDueNamespacesQuery, readHeadsQuery, readPlace, refuseLargeChange, StoreError } from 'jit-access/store';
import type { Anchor, AuditEntry, Change, CommitAnswer, CommitOutcome, GrantStore, JournalSlice, Page, Row } from 'jit-access/store';
import type { DueNamespacesQuery, DueQuery, FindQuery, JournalQuery, LiveQuery, RowKey, RowPlace } from 'jit-access/store';

/** The layout of the file that this version writes. A file of another is refused, never guessed at. */
const LAYOUT = 1;

/** All that one namespace holds, as it lies in its file. */
interface Contents {
  readonly layout: number;
  readonly namespace: string;
  readonly rows: readonly Row[];
  readonly start: Anchor;
  readonly head: Anchor;
  /** Each entry with the id of the change that wrote it. */
  readonly journal: readonly { readonly change: string; readonly entry: AuditEntry }[];
}

const GENESIS: Anchor = { seq: 0, hash: '0'.repeat(64) };
/** A new object each time: the caller that receives one may change it. */
const empty = (namespace: string): Contents => ({
  layout: LAYOUT,
  namespace,
  rows: [],
  start: { ...GENESIS },
  head: { ...GENESIS },
  journal: [],
});

const LOCK_TRIES = 500;
const LOCK_PAUSE_MS = 10;

/**
 * Keeps each namespace in one JSON file, which every commit replaces whole. Slow, small and complete: for a tool of a
 * few thousand rows, and as a pattern. Several processes of one machine may share the folder.
 */
export class FileGrantStore implements GrantStore {
  readonly durability = 'process';
  readonly namespace: string;
  readonly #folder: string;
  readonly #file: string;

  private constructor(folder: string, namespace: string) {
    this.namespace = namespace;
    this.#folder = folder;
    // A digest, so that no namespace can leave the folder, and none meets another on a disk that ignores case.
    // Of its JSON, in which a lone surrogate is spelt out: as UTF-8 bytes all of them are the same.
    this.#file = join(folder, `${createHash('sha256').update(JSON.stringify(namespace)).digest('hex')}.json`);
  }

  static async open(folder: string, namespace: string): Promise<FileGrantStore> {
    await mkdir(folder, { recursive: true });
    await (await open(markerIn(folder), 'a')).close();
    return new FileGrantStore(folder, namespace);
  }

  in(namespace: string): FileGrantStore {
    return new FileGrantStore(this.#folder, namespace);
  }

  async get(keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]> {
    const { rows } = await this.#read('get');
    return keys.map((key) => rows.find((row) => isOf(row, key)));
  }

  async live({ subject, scope, at }: LiveQuery): Promise<readonly Row[]> {
    const { rows } = await this.#read('live');
    return rows.filter(
      (row) =>
        row.open &&
        ((row.kind === 'lock' && row.id === 'open') ||
          ((row.kind === 'grant' || row.kind === 'usage') &&
            row.subject === subject &&
            (scope === undefined || row.scope === scope) &&
            row.until !== undefined &&
            at < row.until)),
    );
  }

  async find(query: FindQuery): Promise<Page<Row>> {
    const { kind, subject, scope, open, during, order = 'oldest', after, limit } = query;
    const { rows } = await this.#read('find');
    const behind = after === undefined ? undefined : readPlace(after);
    const sign = order === 'newest' ? -1 : 1;
    const inOrder = (a: RowPlace, b: RowPlace) => sign * (compare(a.at, b.at) || compare(a.id, b.id));
    const placed = (row: Row): RowPlace => ({ at: (order === 'due' ? row.sortAt : row.createdAt) ?? 0, id: row.id });
    const found = rows
      .filter(
        (row) =>
          row.kind === kind &&
          (subject === undefined || row.subject === subject) &&
          (scope === undefined || row.scope === scope) &&
          (open === undefined || row.open === open) &&
          (order !== 'due' || (row.open && row.sortAt !== undefined)) &&
          (during === undefined || meets(row, during.from, during.until)) &&
          (behind === undefined || inOrder(placed(row), behind) > 0),
      )
      .sort((a, b) => inOrder(placed(a), placed(b)));
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return { items, next: found.length > limit && last !== undefined ? placeOf(last, order) : undefined };
  }

  async due(query: DueQuery): Promise<Page<Row>> {
    const { at, after, limit } = query;
    const { rows } = await this.#read('due');
    const behind = after === undefined ? undefined : (JSON.parse(after) as Due);
    const found = rows
      .filter((row) => row.dueAt !== undefined && row.dueAt <= at)
      .filter((row) => behind === undefined || compareDue(dueOf(row), behind) > 0)
      .sort((a, b) => compareDue(dueOf(a), dueOf(b)));
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return { items, next: found.length > limit && last !== undefined ? JSON.stringify(dueOf(last)) : undefined };
  }

  async journal(query: JournalQuery): Promise<JournalSlice> {
    const { journal, start, head } = await this.#read('journal');
    const entries = journal.map(({ entry }) => entry).filter((entry) => entry.seq > query.after);
    return { entries: entries.slice(0, query.limit), start, head };
  }

  async heads(namespaces: readonly string[]): Promise<readonly (Anchor | undefined)[]> {
    // A file that cannot be read hides no other head.
    const headOf = (name: string) =>
      this.in(name)
        .#read('heads')
        .then(({ head }) => head)
        .catch(() => undefined);
    const heads = await Promise.all(readHeadsQuery(namespaces).map(headOf));
    // If the disk is gone, all of them failed, and that is no answer.
    await this.#refuseIfGone('heads');
    return heads;
  }

  async dueNamespaces(query: DueNamespacesQuery): Promise<Page<string>> {
    const { at, after = '', limit } = readDueNamespacesQuery(query);
    await this.#refuseIfGone('dueNamespaces');
    const files = (await readdir(this.#folder)).filter((name) => name.endsWith('.json'));
    const all = await Promise.all(files.map((name) => this.#read('dueNamespaces', join(this.#folder, name))));
    const due = all
      .filter(({ namespace, rows }) => namespace > after && rows.some((row) => row.dueAt !== undefined && row.dueAt <= at))
      .map(({ namespace }) => namespace)
      .sort(compare);
    const items = due.slice(0, limit);
    return { items, next: due.length > limit ? items.at(-1) : undefined };
  }

  async commit(change: Change): Promise<CommitAnswer> {
    refuseLargeChange(change);
    const unlock = await this.#lock();
    try {
      const before = await this.#read('commit');
      const answer = (outcome: CommitOutcome, { head } = before): CommitAnswer => ({ outcome, head });
      if (before.journal.some((written) => written.change === change.id)) return answer('committed');
      if (!holds(before, change.knows)) return answer('behind');
      const versionOf = (key: RowKey) => before.rows.find((row) => isOf(row, key))?.version ?? 0;
      if (change.expect.some((key) => versionOf(key) !== key.version)) return answer('conflict');
      const after = apply(before, change);
      await this.#replace(after);
      return answer('committed', after);
    } finally {
      await unlock();
    }
  }

  async #read(operation: string, path = this.#file): Promise<Contents> {
    try {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        return undefined;
      });
      if (text !== undefined) return contentsOf(JSON.parse(text) as Contents);
    } catch (error) {
      throw this.#unread(operation, error);
    }
    await this.#refuseIfGone(operation);
    return empty(this.namespace);
  }

  /** No file is an empty namespace only where the store's marker is. Without it, the disk is gone, not the data. */
  async #refuseIfGone(operation: string): Promise<void> {
    await stat(markerIn(this.#folder)).catch((error: unknown) => {
      throw this.#unread(operation, error);
    });
  }

  #unread(operation: string, error: unknown): StoreError {
    return new StoreError(operation, `${this.#folder} could not be read: ${(error as Error).message}`, error);
  }

  /** The one writer of this namespace, over all processes: the one that created the lock file. */
  async #lock(): Promise<() => Promise<void>> {
    const path = `${this.#file}.lock`;
    for (let tries = 1; ; tries++) {
      try {
        await (await open(path, 'wx')).close();
        return () => rm(path);
      } catch (error) {
        const taken = (error as NodeJS.ErrnoException).code === 'EEXIST';
        if (!taken) throw new StoreError('commit', `${path} could not be made`, error);
        if (tries === LOCK_TRIES) throw new StoreError('commit', `${path} is held; if its process has died, remove it`, error);
      }
      await setTimeout(LOCK_PAUSE_MS);
    }
  }

  /** The new file is on the disk before it takes the place of the old one, in one step: readers see either, never a part. */
  async #replace(contents: Contents): Promise<void> {
    const fresh = `${this.#file}.new`;
    try {
      const file = await open(fresh, 'w');
      try {
        await file.writeFile(JSON.stringify(contents));
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      throw new StoreError('commit', `${fresh} could not be written`, error);
    }
    // An error from here on is no StoreError: the change may have been applied.
    await rename(fresh, this.#file);
    const folder = await open(this.#folder, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

const markerIn = (folder: string): string => join(folder, 'store.marker');

/** Whether the journal holds an entry that the caller has seen, or a purge has trimmed it. */
function holds({ start, journal }: Contents, known: Anchor | undefined): boolean {
  if (known === undefined || known.seq <= start.seq) return true;
  return journal.some(({ entry }) => entry.seq === known.seq && entry.hash === known.hash);
}

/** Pure: what a namespace holds after a change whose expectations were all met. */
function apply(before: Contents, change: Change): Contents {
  if (change.put.some((row) => before.rows.some((kept) => isOf(kept, row) && kept.createdAt !== row.createdAt)))
    throw new StoreError('commit', 'a change must keep the createdAt of each row');
  const gone = [...change.put, ...(change.remove ?? [])];
  const rows = [...before.rows.filter((row) => !gone.some((key) => isOf(row, key))), ...change.put];
  const linked = link(before.head, change.append);
  const head = anchorOf(linked.at(-1)) ?? before.head;
  const journal = [...before.journal, ...linked.map((entry) => ({ change: change.id, entry }))];
  const to = change.trimJournalTo ?? 0;
  if (to > head.seq) throw new StoreError('commit', `the journal can't be trimmed to ${to}: its head is ${head.seq}`);
  const dropped = journal.filter(({ entry }) => entry.seq <= to).at(-1);
  return {
    layout: LAYOUT,
    namespace: before.namespace,
    rows,
    start: anchorOf(dropped?.entry) ?? before.start,
    head,
    journal: journal.filter(({ entry }) => entry.seq > to),
  };
}

/** JSON omits fields that are `undefined`; a row has all of its fields. */
function contentsOf({ layout, namespace, rows, start, head, journal }: Contents): Contents {
  if (layout !== LAYOUT) throw new Error(`the file is of layout ${layout}, and this store knows layout ${LAYOUT}`);
  return { layout, namespace, rows: rows.map(rowOf), start, head, journal };
}

function rowOf(row: Row): Row {
  return {
    kind: row.kind,
    id: row.id,
    version: row.version,
    subject: row.subject,
    scope: row.scope,
    open: row.open,
    createdAt: row.createdAt,
    from: row.from,
    until: row.until,
    dueAt: row.dueAt,
    sortAt: row.sortAt,
    body: row.body,
  };
}

const anchorOf = (entry: AuditEntry | undefined): Anchor | undefined => entry && { seq: entry.seq, hash: entry.hash };

const isOf = (row: Row, key: RowKey): boolean => row.kind === key.kind && row.id === key.id;

/** Half-open on both sides; a window that never opened meets nothing. */
const meets = (row: Row, from: number, until: number): boolean =>
  row.from !== undefined && row.until !== undefined && row.from < row.until && row.from < until && from < row.until;

/** By UTF-16 code unit, as JavaScript compares. Never `localeCompare`. */
const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** A row's place in the order of `due`. */
type Due = readonly [dueAt: number, kind: string, id: string];

const dueOf = (row: Row): Due => [row.dueAt ?? 0, row.kind, row.id];

const compareDue = (a: Due, b: Due): number => compare(a[0], b[0]) || compare(a[1], b[1]) || compare(a[2], b[2]);
