import { createHash } from 'node:crypto';
import {
  placeOf,
  readPlace,
  serialCommits,
  StoreError,
} from 'jit-access/store';
import type {
  Anchor,
  BackendState,
  BackendWrite,
  Change,
  CommitAnswer,
  EntriesAnswer,
  EntriesQuery,
  LinkedEntry,
} from 'jit-access/store';
import type {
  DueQuery,
  FindQuery,
  GrantStore,
  JournalQuery,
  JournalSlice,
  LiveQuery,
  Page,
  Row,
  RowKey,
  RowPlace,
} from 'jit-access/store';

/**
 * The layout of the objects that this version writes. An object of another
 * is refused, never guessed at.
 */
const LAYOUT = 1;
const LIMIT_MS = 5_000;

/** All that one namespace holds, as it lies in its object. */
interface Contents {
  readonly layout: number;
  readonly rows: readonly Row[];
  readonly start: Anchor;
  readonly head: Anchor;
  /** Each entry with the id of the change that wrote it. */
  readonly journal: readonly LinkedEntry[];
}

/**
 * A namespace as it was read. Its revision is the ETag of its object, or
 * empty while there is none.
 */
interface State extends BackendState, Contents {
  readonly revision: string;
}

const GENESIS: Anchor = { seq: 0, hash: '0'.repeat(64) };
/** A new object each time: the caller that receives one may change it. */
const empty = (): Contents => ({
  layout: LAYOUT,
  rows: [],
  start: { ...GENESIS },
  head: { ...GENESIS },
  journal: [],
});

/**
 * The objects of all namespaces, and the four functions from which the kit
 * makes `commit`.
 */
class Bucket {
  readonly commit = serialCommits<State>(this, { timeoutMs: LIMIT_MS });
  readonly #url: string;
  readonly #send: typeof fetch;

  constructor(url: string, send: typeof fetch) {
    this.#url = url;
    this.#send = send;
  }

  head(namespace: string): Promise<State> {
    return this.read('commit', namespace);
  }

  async rows(
    { rows }: State,
    keys: readonly RowKey[],
  ): Promise<readonly (Row | undefined)[]> {
    return keys.map((key) => rows.find((row) => isOf(row, key)));
  }

  async entries(
    { journal }: State,
    { seqs, changes }: EntriesQuery,
  ): Promise<EntriesAnswer> {
    return {
      hashes: seqs.map(
        (seq) => journal.find(({ entry }) => entry.seq === seq)?.entry.hash,
      ),
      applied: changes.map((id) =>
        journal.some(({ changeId }) => changeId === id),
      ),
    };
  }

  /**
   * The compare-and-set: the server writes the object only if no other
   * process has written it since it was read.
   */
  async write(
    { namespace, revision, ...before }: State,
    { put, remove, append, trimTo, head, start }: BackendWrite,
  ): Promise<boolean> {
    const gone = new Set([...put, ...remove].map(keyOf));
    const contents: Contents = {
      layout: LAYOUT,
      rows: [...before.rows.filter((row) => !gone.has(keyOf(row))), ...put],
      start,
      head,
      journal: [
        ...before.journal.filter(({ entry }) => entry.seq > trimTo),
        ...append,
      ],
    };
    const headers: Record<string, string> =
      revision === '' ? { 'if-none-match': '*' } : { 'if-match': revision };
    const { status } = await this.#ask(nameOf(namespace), {
      method: 'PUT',
      headers,
      body: JSON.stringify(contents),
    });
    if (status === 412 || status === 409) return false;
    // No StoreError: the object may have been written.
    if (status >= 300) throw new Error(`the bucket answered ${status}`);
    return true;
  }

  async read(operation: string, namespace: string): Promise<State> {
    try {
      const { status, etag, text } = await this.#ask(nameOf(namespace));
      if (status === 404) {
        await this.#refuseIfGone();
        return { namespace, revision: '', ...empty() };
      }
      if (status !== 200 || etag === null)
        throw new Error(`the bucket answered ${status}`);
      return {
        namespace,
        revision: etag,
        ...contentsOf(JSON.parse(text) as Contents),
      };
    } catch (error) {
      throw new StoreError(
        operation,
        `${this.#url} could not be read: ${(error as Error).message}`,
        error,
      );
    }
  }

  async mark(): Promise<void> {
    const { status } = await this.#ask(MARKER, { method: 'PUT', body: '' });
    if (status >= 300)
      throw new StoreError('open', `${this.#url} answered ${status}`);
  }

  /**
   * No object is an empty namespace only where the store's marker is.
   * Without it, the bucket is gone, not the data.
   */
  async #refuseIfGone(): Promise<void> {
    const { status } = await this.#ask(MARKER);
    if (status !== 200) throw new Error(`${MARKER} is missing`);
  }

  async #ask(name: string, init: RequestInit = {}) {
    const response = await this.#send(`${this.#url}/${name}`, {
      ...init,
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    return {
      status: response.status,
      etag: response.headers.get('etag'),
      text: await response.text(),
    };
  }
}

/**
 * Keeps each namespace in one object of a bucket, which every commit
 * replaces whole. Small and complete: for a service of a few thousand
 * rows, and as a pattern. Any number of processes may share the bucket.
 * Its server must know `If-Match` and `If-None-Match` of a PUT, as S3
 * and R2 do.
 */
export class BucketGrantStore implements GrantStore {
  readonly durability = 'server';
  readonly namespace: string;
  readonly #bucket: Bucket;

  private constructor(bucket: Bucket, namespace: string) {
    this.namespace = namespace;
    this.#bucket = bucket;
  }

  /**
   * @param send a `fetch` that signs the requests, such as that of
   * `aws4fetch`
   */
  static async open(
    url: string,
    namespace: string,
    send: typeof fetch = fetch,
  ): Promise<BucketGrantStore> {
    const bucket = new Bucket(url, send);
    await bucket.mark();
    return new BucketGrantStore(bucket, namespace);
  }

  in(namespace: string): BucketGrantStore {
    return new BucketGrantStore(this.#bucket, namespace);
  }

  commit(change: Change): Promise<CommitAnswer> {
    return this.#bucket.commit(this.namespace, change);
  }

  async get(
    keys: readonly RowKey[],
  ): Promise<readonly (Row | undefined)[]> {
    const { rows } = await this.#bucket.read('get', this.namespace);
    return keys.map((key) => rows.find((row) => isOf(row, key)));
  }

  async live({ subject, scope, at }: LiveQuery): Promise<readonly Row[]> {
    const { rows } = await this.#bucket.read('live', this.namespace);
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
    const {
      kind,
      subject,
      scope,
      open,
      during,
      order = 'oldest',
      after,
      limit,
    } = query;
    const { rows } = await this.#bucket.read('find', this.namespace);
    const behind = after === undefined ? undefined : readPlace(after);
    const sign = order === 'newest' ? -1 : 1;
    const inOrder = (a: RowPlace, b: RowPlace) =>
      sign * (compare(a.at, b.at) || compare(a.id, b.id));
    const placed = (row: Row): RowPlace => ({
      at: (order === 'due' ? row.sortAt : row.createdAt) ?? 0,
      id: row.id,
    });
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
    return {
      items,
      next:
        found.length > limit && last !== undefined
          ? placeOf(last, order)
          : undefined,
    };
  }

  async due(query: DueQuery): Promise<Page<Row>> {
    const { at, after, limit } = query;
    const { rows } = await this.#bucket.read('due', this.namespace);
    const behind =
      after === undefined ? undefined : (JSON.parse(after) as Due);
    const found = rows
      .filter((row) => row.dueAt !== undefined && row.dueAt <= at)
      .filter(
        (row) => behind === undefined || compareDue(dueOf(row), behind) > 0,
      )
      .sort((a, b) => compareDue(dueOf(a), dueOf(b)));
    const items = found.slice(0, limit);
    const last = items.at(-1);
    return {
      items,
      next:
        found.length > limit && last !== undefined
          ? JSON.stringify(dueOf(last))
          : undefined,
    };
  }

  async journal({ after, limit }: JournalQuery): Promise<JournalSlice> {
    const { journal, start, head } = await this.#bucket.read(
      'journal',
      this.namespace,
    );
    const entries = journal
      .map(({ entry }) => entry)
      .filter(({ seq }) => seq > after);
    return { entries: entries.slice(0, limit), start, head };
  }
}

const MARKER = 'store.marker';

/**
 * A digest, so that any namespace is a name. Of its JSON, in which a lone
 * surrogate is spelt out: as UTF-8 all of them are the same.
 */
const nameOf = (namespace: string): string => {
  const hash = createHash('sha256').update(JSON.stringify(namespace));
  return `${hash.digest('hex')}.json`;
};

const keyOf = ({ kind, id }: RowKey): string => JSON.stringify([kind, id]);

/** JSON omits fields that are `undefined`; a row has all of its fields. */
function contentsOf({
  layout,
  rows,
  start,
  head,
  journal,
}: Contents): Contents {
  if (layout !== LAYOUT)
    throw new Error(
      `the object has layout ${layout}, this store layout ${LAYOUT}`,
    );
  return { layout, rows: rows.map(rowOf), start, head, journal };
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

const isOf = (row: Row, key: RowKey): boolean =>
  row.kind === key.kind && row.id === key.id;

/** Half-open on both sides; a window that never opened meets nothing. */
const meets = (row: Row, from: number, until: number): boolean =>
  row.from !== undefined &&
  row.until !== undefined &&
  row.from < row.until &&
  row.from < until &&
  from < row.until;

/** By UTF-16 code unit, as JavaScript compares. Never `localeCompare`. */
const compare = <T extends string | number>(a: T, b: T): number =>
  a < b ? -1 : a > b ? 1 : 0;

/** A row's place in the order of `due`. */
type Due = readonly [dueAt: number, kind: string, id: string];

const dueOf = (row: Row): Due => [row.dueAt ?? 0, row.kind, row.id];

const compareDue = (a: Due, b: Due): number =>
  compare(a[0], b[0]) || compare(a[1], b[1]) || compare(a[2], b[2]);
