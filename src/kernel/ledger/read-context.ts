import { askStore, isPageOfPlaces, isRows } from '../../journal/store-reads.js';
import { isObject } from '../../records/index.js';
import type { Page } from '../../core/ports.js';
import type { ContextKey, ContextQuery, GrantStore, Row, RowKey, StoreContext, SubjectOf } from '../../core/store-port.js';
import type { LedgerReads } from './ledger-reads.js';

const METHODS = ['get', 'live', 'find', 'context'] as const;
const NO_PAGE: Page<Row> = /* @__PURE__ */ Object.freeze({ items: /* @__PURE__ */ Object.freeze([]), next: undefined });

/**
 * Reads what a verb decides by: in one question if the store has `context`, otherwise by `get`, `live` and `find`.
 *
 * Each row of `rows` has the requested key. A row of another key is no answer and rejects, as in {@link LedgerReads.rows} (L30).
 *
 * @throws StoreError
 */
export async function readContext(reads: LedgerReads, query: ContextQuery): Promise<StoreContext> {
  const { store } = reads;
  return ownsContext(store) ? askStore('context', () => store.context(query), isContextOf(reads, query)) : composed(reads, query);
}

/**
 * Reads rows before lists: a caller's commit expects the versions of the rows, so that a commit in between conflicts instead of
 * being missed. A row that names the subject is read before the subject's row, for the same reason.
 */
async function composed(reads: LedgerReads, { keys, live, open }: ContextQuery): Promise<StoreContext> {
  const plain = keys.filter((key): key is RowKey => !isSubjectOf(key));
  const first = await reads.rows(plain);
  const given = keys.map((key) => (isSubjectOf(key) ? undefined : first[plain.indexOf(key)]));
  const nameOf = (subject: string | SubjectOf | undefined) => (typeof subject === 'object' ? subjectAmong(keys, given, subject) : subject);

  const ids = keys.map((key) => (isSubjectOf(key) ? nameOf(key) : undefined));
  const named = await reads.rows(ids.flatMap((id) => (id === undefined ? [] : [{ kind: 'subject', id }])));
  const rows = [...given];
  let i = 0;
  for (const [at, id] of ids.entries()) if (id !== undefined) rows[at] = named[i++];

  const holder = nameOf(live?.subject);
  const owner = nameOf(open?.subject);
  return {
    rows,
    live: live === undefined || holder === undefined ? [] : await reads.live({ subject: holder, at: live.at }),
    open:
      open === undefined || owner === undefined
        ? NO_PAGE
        : await reads.find({ kind: open.kind, subject: owner, open: true, limit: open.limit }),
  };
}

/**
 * Whether the same object of the store's prototype chain defines `get`, `live`, `find` and `context`. A subclass or wrapper with its
 * own `live` (to inject an outage, to count, to hide a tenant) inherits a `context` that bypasses that `live`.
 */
export function ownsContext(store: GrantStore): store is GrantStore & Required<Pick<GrantStore, 'context'>> {
  for (let owner: object | null = store; owner !== null; owner = Object.getPrototypeOf(owner) as object | null) {
    const own = METHODS.map((name) => Object.getOwnPropertyDescriptor(owner, name));
    if (own.some((property) => property !== undefined)) {
      // An accessor has no value, so the engine does not use a `context` beside one.
      return own.every((property, i) => property?.value !== undefined && property.value === store[METHODS[i] as (typeof METHODS)[number]]);
    }
  }
  return false;
}

function isContextOf(reads: LedgerReads, { keys }: ContextQuery): (answer: unknown) => boolean {
  return (answer) => {
    if (!isObject(answer)) return false;
    const { rows, live, open } = answer as StoreContext;
    if (!isRows(rows) || rows.length !== keys.length || !isRows(live) || !isPageOfPlaces(undefined)(open)) return false;
    reads.noted([...rows, ...live, ...open.items]);
    return keys.every((key, i) => {
      const row: unknown = rows[i];
      if (row === undefined) return true;
      const { kind, id } = isSubjectOf(key) ? { kind: 'subject', id: subjectAmong(keys, rows, key) } : key;
      return isObject(row) && (row as Row).kind === kind && (row as Row).id === id;
    });
  };
}

const isSubjectOf = (key: ContextKey): key is SubjectOf => 'subjectOf' in key;

/** The subject of the row with this key, which the query asks for too. `undefined`: the row is missing or names no subject. */
function subjectAmong(keys: readonly ContextKey[], rows: readonly (Row | undefined)[], { subjectOf }: SubjectOf): string | undefined {
  const at = keys.findIndex((key) => !isSubjectOf(key) && isSameKey(key, subjectOf));
  const subject: unknown = isObject(rows[at]) ? rows[at].subject : undefined;
  return typeof subject === 'string' ? subject : undefined;
}

const isSameKey = (a: RowKey, b: RowKey): boolean => a.kind === b.kind && a.id === b.id;
