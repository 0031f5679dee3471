import { refuseLargeChange } from '../../core/change-size.js';
import type { StoreHooks } from '../../core/hook-port.js';
import { refusePart } from '../../core/namespace-part.js';
import { MAX_NAMESPACES, readDueNamespacesQuery, readHeadsQuery } from '../../core/namespaces.js';
import { readOnError } from '../../core/on-error.js';
import { invalid, readCount, readId, readNamespace, readOptions } from '../../core/parse.js';
import { GENESIS } from '../../journal/link.js';
import type { MaybePromise, Page } from '../../core/ports.js';
import type {
  Change,
  CommitAnswer,
  ContextQuery,
  DueNamespacesQuery,
  DueQuery,
  FindQuery,
  GrantStore,
  JournalQuery,
  JournalSlice,
  LiveQuery,
  NamespacePart,
  Row,
  RowKey,
  StoreContext,
  Unsubscribe,
} from '../../core/store-port.js';
import type { Anchor } from '../../records/index.js';
import { Backend } from './backend.js';
import type { Columns, SqlDatabase } from './database.js';
import type { Dialect } from './dialect/dialect.js';
import { FailedHooks } from './failed-hooks.js';
import { Hook, type OnCommit } from './hook.js';
import { OPTION_NAMES, readDatabase, readDialect, type SqlGrantStoreOptions } from './options.js';
import { columnsOfSubjects, contextOf, contextValues } from './context.js';
import { askedBy, findValues, pageOfFind } from './find.js';
import { fromColumn, toColumn } from './order.js';
import { anchorOf, entryOf, integerOf, liveRowsOf, movedIn, rowOf, textOf } from './rows.js';

const TIMEOUT_MS = 5_000;

/**
 * Keeps grants and their journal in PostgreSQL or SQLite, through Kysely. `migrate` creates the tables.
 *
 * Guarantees: the nine of {@link GrantStore}. A resolved commit survives the end of this process (`durability`: `process` on
 * SQLite, `server` on PostgreSQL), within the limits that `docs/guides/stores/` states for each.
 *
 * Gotcha: `pg` ends the process when Kysely holds a connection that is lost, and its `error` event has no listener. Give
 * Kysely a {@link resilientPool}; the store itself listens to a pool given as `read`. On SQLite, give Kysely a
 * {@link resilientHandle}.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: resilientHandle(new Database('access.db')) }) });
 * await migrate({ db, dialect: 'sqlite' });
 * const engine = new JitEngine({ approver, store: sqlGrantStore({ db, dialect: 'sqlite', namespace: 'payments' }) });
 */
export function sqlGrantStore<Db extends SqlDatabase>(options: SqlGrantStoreOptions<Db>): GrantStore {
  const given = readOptions('options', options, OPTION_NAMES);
  const dialect = readDialect(given);
  const timeoutMs = readCount('timeoutMs', given.timeoutMs ?? TIMEOUT_MS, 1, 600_000);
  const onError = readOnError('SQL store', given.onError);
  const reader = given.read === undefined ? undefined : dialect.reader(given.read);
  const hook = readHook(dialect, timeoutMs, given, onError);
  return new SqlGrantStore(new Backend(readDatabase(given.db), dialect, reader, timeoutMs, onError, hook), readNamespace(given.namespace));
}

/** A store for an upgrade, whose options are known. */
export const storeOn = (db: SqlDatabase, dialect: Dialect, namespace: string): GrantStore =>
  new SqlGrantStore(new Backend(db, dialect, undefined, TIMEOUT_MS, () => undefined), namespace);

function readHook(
  dialect: Dialect,
  timeoutMs: number,
  given: { readonly onCommit?: unknown; readonly hookMs?: unknown },
  onError: (error: unknown, during: string) => void,
): Hook | undefined {
  const most = Math.max(1, Math.floor(timeoutMs / 4));
  const ms = readCount('hookMs', given.hookMs ?? Math.min(1_000, most), 1, most);
  if (given.onCommit === undefined) return undefined;
  if (typeof given.onCommit !== 'function') throw invalid('onCommit', 'a function', given.onCommit);
  return new Hook(dialect, given.onCommit as OnCommit<never>, ms, timeoutMs, onError);
}

class SqlGrantStore implements GrantStore {
  readonly namespace: string;
  readonly durability: GrantStore['durability'];
  readonly hooks: StoreHooks;
  declare readonly watch?: (wake: () => void) => Unsubscribe;
  readonly #backend: Backend;
  /** The namespace as the columns store it: the result of {@link toColumn}. */
  readonly #column: string;

  constructor(backend: Backend, namespace: string) {
    this.#backend = backend;
    this.namespace = namespace;
    this.#column = toColumn(namespace);
    this.durability = backend.statements.dialect.durability;
    this.hooks = new FailedHooks(backend, this.#column, namespace);
    const { listener } = backend;
    // Without a pool the store has no connection to listen on, and then has no `watch`. A `watch` that never wakes would look
    // like a journal that never moves.
    if (listener !== undefined) this.watch = (wake) => listener.watch(this.#column, wake);
  }

  in(namespace: string): GrantStore {
    return new SqlGrantStore(this.#backend, readId('namespace', namespace));
  }

  async get(keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]> {
    if (keys.length === 0) return [];
    const json = JSON.stringify(keys.map(({ kind, id }) => [toColumn(kind), toColumn(id)]));
    return this.#backend.ask('get', this.#backend.statements.get, [this.#column, json], (found) => {
      const rows = new Map(found.map((columns) => [columns['i'] === null ? -1 : integerOf(columns, 'i'), columns]));
      return keys.map((_, i) => {
        const columns = rows.get(i);
        return columns && rowOf(columns);
      });
    });
  }

  live({ subject, scope, at }: LiveQuery): MaybePromise<readonly Row[]> {
    const { live, liveOn } = this.#backend.statements;
    const read = (found: Columns | undefined) => liveRowsOf(found, subject);
    if (scope === undefined) return this.#backend.askOne('live', live, [this.#column, subject, at], read);
    return this.#backend.askOne('live', liveOn, [this.#column, subject, at, scope], read);
  }

  async find(query: FindQuery): Promise<Page<Row>> {
    // The order `due` lists only open rows, because a closed row has no `sortAt`.
    if (query.order === 'due' && query.open === false) return { items: [], next: undefined };
    const statement = this.#backend.statements.find(askedBy(query));
    return this.#backend.ask('find', statement, findValues(this.#column, query), (found) => pageOfFind(found, query));
  }

  async context(query: ContextQuery): Promise<StoreContext> {
    const { context } = this.#backend.statements;
    let ids: readonly (string | undefined)[] = [];
    // Usually once. A second time for a subject that the column of ids spells otherwise; again if the row then names another subject.
    for (;;) {
      const values = contextValues(this.#column, query, ids);
      const answer = await this.#backend.askOne('context', context, values, (found) => contextOf(found, query));
      const needed = columnsOfSubjects(query, answer);
      if (needed.every((id, i) => id === ids[i])) return answer;
      ids = needed;
    }
  }

  async due({ at, after, limit }: DueQuery): Promise<Page<Row>> {
    const [dueAt, kind, id] = after === undefined ? [-1, '', ''] : readDuePlace(after);
    const values = [this.#column, dueAt, toColumn(kind), toColumn(id), at, limit + 1];
    return this.#backend.ask('due', this.#backend.statements.due, values, (found) =>
      pageOf(rowsOf(found, byPlace), limit, (row) => JSON.stringify([row.dueAt, row.kind, row.id])),
    );
  }

  async commit(change: Change): Promise<CommitAnswer> {
    refuseLargeChange(change);
    return this.#backend.commit(this.#column, change);
  }

  async journal({ after, limit }: JournalQuery): Promise<JournalSlice> {
    return this.#backend.ask('journal', this.#backend.statements.journal, [this.#column, after, limit], ([first, ...rest]) => {
      // A namespace without a head has never had a commit.
      if (first === undefined || first['head_seq'] === null) return { entries: [], start: { ...GENESIS }, head: { ...GENESIS } };
      const moved = movedIn(first, this.namespace);
      if (moved !== undefined) throw moved;
      const entries = first['seq'] === null ? [] : [first, ...rest].map((columns) => entryOf(columns, this.namespace));
      return { entries, start: anchorOf(first, 'start_seq', 'start_hash'), head: anchorOf(first, 'head_seq', 'head_hash') };
    });
  }

  async heads(namespaces: readonly string[]): Promise<readonly (Anchor | undefined)[]> {
    const names = readHeadsQuery(namespaces);
    if (names.length === 0) return [];
    const json = JSON.stringify(names.map(toColumn));
    return this.#backend.ask('heads', this.#backend.statements.heads, [json], (found) => {
      const there = found.filter((columns) => columns['i'] !== null);
      const heads = new Map(there.map((columns) => [integerOf(columns, 'i'), headOf(columns)]));
      return names.map((_, i) => (heads.has(i) ? heads.get(i) : { ...GENESIS }));
    });
  }

  async adopt(part: NamespacePart): Promise<void> {
    refusePart(this.namespace, part);
    await this.#backend.adopt(this.#column, part);
  }

  async dueNamespaces(query: DueNamespacesQuery): Promise<Page<string>> {
    const { at, after = '', limit } = readDueNamespacesQuery(query);
    const wanted = Math.min(limit, MAX_NAMESPACES);
    return this.#backend.ask('dueNamespaces', this.#backend.statements.dueNamespaces, [toColumn(after), at, wanted + 1], (found) => {
      const due = found.filter((columns) => columns['namespace'] !== null).map((columns) => fromColumn(textOf(columns, 'namespace')));
      const items = due.sort().slice(0, wanted);
      if (due.length > wanted) return { items, next: items.at(-1) };
      const [first = {}] = found;
      const isCut = integerOf(first, 'looked') === MAX_NAMESPACES;
      return { items, next: isCut ? fromColumn(textOf(first, 'last')) : undefined };
    });
  }
}

/** `undefined`: the namespace has moved, or is still arriving. */
const headOf = (columns: Columns): Anchor | undefined => (columns['moved'] === null ? anchorOf(columns, 'seq', 'hash') : undefined);

type Order = (a: Row, b: Row) => number;
const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
const byId: Order = (a, b) => compare(a.id, b.id);
const byPlace: Order = (a, b) => compare(a.dueAt ?? 0, b.dueAt ?? 0) || compare(a.kind, b.kind) || byId(a, b);

/** The database has sorted the rows, but SQL guarantees no order after a join. Sorting rows that are in order costs almost nothing. */
const rowsOf = (found: readonly Columns[], order: Order): readonly Row[] =>
  found
    .filter((columns) => columns['kind'] !== null)
    .map(rowOf)
    .sort(order);

/** The statement reads one row more than `limit`; that row shows whether there is another page. */
function pageOf(rows: readonly Row[], limit: number, placeOf: (last: Row) => string): Page<Row> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? placeOf(last) : undefined };
}

/** Parses a place in the order of `due` that this store returned earlier. @throws InvalidArgumentError */
function readDuePlace(after: string): readonly [dueAt: number, kind: string, id: string] {
  let place: unknown;
  try {
    place = JSON.parse(after);
  } catch {
    place = undefined;
  }
  const [dueAt, kind, id] = Array.isArray(place) ? (place as unknown[]) : [];
  if (!Number.isSafeInteger(dueAt) || typeof kind !== 'string' || typeof id !== 'string') {
    throw invalid('after', 'the next of a page of due()', after);
  }
  return [dueAt as number, kind, id];
}
