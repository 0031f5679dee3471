import type { JsonObject, JsonValue } from '../../../src/model/json.js';
import type { Row } from '../../../src/core/store-port.js';
import { allOf, answered, broken, rowsIn, rowsOut } from './bent-store.js';

/** Guarantee 7 broken: namespaces that leak, or an equality that is weaker than that of bytes. */
export const APART = [
  broken('a store does not state its namespace', 'binds a store to the namespace asked for', (inner) => ({ in: () => inner })),
  broken('every handle is a separate store', 'shares everything with another store of the same namespace', (inner, shared) => ({
    in: (namespace) => Object.assign(Object.create(inner.in(`${namespace}-${++shared.count}`)) as typeof inner, { namespace }),
  })),
  broken('find() returns rows of other namespaces', 'shows no row of another namespace in any read', (inner, { rows }) => ({
    async commit(change) {
      for (const row of change.put) rows.set(row.id, row);
      return inner.commit(change);
    },
    async find(query) {
      const page = await inner.find(query);
      const others = [...rows.values()].filter((row) => row.kind === query.kind && !page.items.some(({ id }) => id === row.id));
      return page.next === undefined && query.subject === undefined && query.open === undefined && query.during === undefined
        ? { ...page, items: [...page.items, ...others].slice(0, query.limit) }
        : page;
    },
  })),
  broken('live() ignores the namespace', 'shows no row of another namespace in any read', (inner, { rows }) => ({
    async commit(change) {
      for (const row of change.put) rows.set(row.id, row);
      return inner.commit(change);
    },
    async live(query) {
      const own = await inner.live(query);
      return own.length > 0 ? own : [...rows.values()].filter((row) => row.open && row.kind === 'grant' && row.subject === query.subject);
    },
  })),
  broken('rows of two namespaces share a key', 'keeps a row of each namespace under one key', (inner, { rows }) => ({
    async commit(change) {
      const answer = await inner.commit(change);
      if (answer.outcome === 'committed') for (const row of change.put) rows.set(JSON.stringify([row.kind, row.id]), row);
      return answer;
    },
    get: async (keys) => (await inner.get(keys)).map((row, i) => row && rows.get(JSON.stringify([keys[i]?.kind, keys[i]?.id]))),
  })),
  broken('expectations are compared across namespaces', 'compares expectations inside the namespace only', (inner, { rows }) => ({
    async commit(change) {
      const expect = change.expect.filter((key) => rows.get(key.id)?.version !== key.version);
      const answer = await inner.commit({ ...change, expect });
      if (answer.outcome === 'committed') for (const row of change.put) rows.set(row.id, row);
      return answer;
    },
  })),
  broken('all namespaces share one journal', 'gives each namespace a journal of its own', (inner) => {
    const root = inner.in('root');
    return {
      async commit(change) {
        const answer = await inner.commit({ ...change, append: [] });
        return answer.outcome === 'committed' ? root.commit({ ...change, expect: [], put: [], remove: [] }) : answer;
      },
      journal: (query) => root.journal(query),
    };
  }),
  broken('ids of changes are shared across namespaces', 'knows a change by its id inside the namespace only', (inner, { ids }) => ({
    async commit(change) {
      if (ids.has(change.id)) return answered(inner, 'committed');
      const answer = await inner.commit(change);
      if (answer.outcome === 'committed' && change.append.length > 0) ids.add(change.id);
      return answer;
    },
  })),
  broken('trimming affects the other namespaces', 'trims the journal of one namespace only', (inner, { ids }) => ({
    async commit(change) {
      ids.add(inner.namespace);
      const answer = await inner.commit(change);
      if (change.trimJournalTo !== undefined) {
        for (const namespace of ids) {
          await inner
            .in(namespace)
            .commit({ id: `trim-${change.id}`, expect: [], put: [], append: [], trimJournalTo: change.trimJournalTo });
        }
      }
      return answer;
    },
  })),
  broken('namespaces are case-insensitive', 'distinguishes namespaces byte by byte', (inner) => ({
    in: (namespace) => Object.assign(Object.create(inner.in(namespace.toLowerCase())) as typeof inner, { namespace }),
  })),

  broken('rows are the properties of an object', 'has nothing under an id that was never written', (inner) => {
    const index: Record<string, Row> = {};
    return { get: async (keys) => (await inner.get(keys)).map((row, i) => row ?? index[keys[i]?.id ?? '']) };
  }),
  broken(
    'ids are case-insensitive',
    'keeps a row under each of many hostile ids',
    foldedIds((id) => id.toLowerCase()),
  ),
  broken(
    'ids are normalised',
    'keeps a row under each of many hostile ids',
    foldedIds((id) => id.normalize('NFC')),
  ),
  broken(
    'ids are cut to 255 characters',
    'keeps a row under each of many hostile ids',
    foldedIds((id) => id.slice(0, 255)),
  ),
  broken(
    'spaces at the end of ids are ignored',
    'keeps a row under each of many hostile ids',
    foldedIds((id) => id.trimEnd()),
  ),
  broken('kinds are case-insensitive', 'keeps rows of hostile kinds apart', (inner) => ({
    find: (query) => inner.find({ ...query, kind: query.kind.toLowerCase() }),
  })),
  broken('a subject in find() is a pattern', 'finds a hostile subject, and only that', (inner) => ({
    async find({ subject, ...query }) {
      if (subject === undefined) return inner.find(query);
      const pattern = new RegExp(`^${escaped(subject).replaceAll('%', '.*').replaceAll('_', '.')}$`, 'u');
      const page = await inner.find(query);
      return { ...page, items: page.items.filter((row) => pattern.test(row.subject ?? '')) };
    },
  })),
  broken('scopes in live() are case-insensitive', 'finds a hostile scope, and only that', (inner) => ({
    live: async ({ subject, scope, at }) =>
      (await inner.live({ subject, at })).filter((row) => scope === undefined || row.scope?.toLowerCase() === scope.toLowerCase()),
  })),
  broken('subject and scope are joined to one key', 'never puts keys together so that two become one', (inner) => ({
    async live(query) {
      if (query.scope === undefined) return inner.live(query);
      const rows = [...(await allOf(inner, 'grant')), ...(await allOf(inner, 'usage'))];
      const key = `${query.subject}:${query.scope}`;
      return rows.filter((row) => row.open && (row.until ?? 0) > query.at && `${String(row.subject)}:${String(row.scope)}` === key);
    },
  })),
  broken('kind and id are joined to one key', 'never puts keys together so that two become one', (inner, { rows }) => ({
    async commit(change) {
      const answer = await inner.commit(change);
      if (answer.outcome === 'committed') for (const row of change.put) rows.set(`${row.kind}.${row.id}`, row);
      return answer;
    },
    get: async (keys) => (await inner.get(keys)).map((row, i) => row && rows.get(`${keys[i]?.kind}.${keys[i]?.id}`)),
  })),
  broken('empty texts are stored as missing values', 'returns bodies unchanged', rowsOut(bodies((value) => (value === '' ? null : value)))),
  broken(
    'numbers are kept with 15 digits',
    'returns bodies unchanged',
    rowsOut(bodies((value) => (typeof value === 'number' ? Number(value.toPrecision(15)) : value))),
  ),
  broken(
    'texts that look like dates come back as dates',
    'returns bodies unchanged',
    rowsOut(bodies((value) => (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : value))),
  ),
  broken(
    'bodies are copied key by key',
    'keeps a key __proto__ of a body as a key',
    rowsOut((row) => ({ ...row, body: assigned(row.body) as JsonObject })),
  ),
  broken('texts of entries are normalised', 'keeps hostile texts in entries', (inner) => ({
    async journal(query) {
      const slice = await inner.journal(query);
      return { ...slice, entries: slice.entries.map((entry) => ({ ...entry, actor: entry.actor.normalize('NFC') })) };
    },
  })),
];

function foldedIds(fold: (id: string) => string) {
  return rowsIn((row) => ({ ...row, id: fold(row.id) }), fold);
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** Changes every primitive value of a body. */
function bodies(bend: (value: JsonValue) => JsonValue): (row: Row) => Row {
  const deep = (value: JsonValue): JsonValue => {
    if (typeof value !== 'object' || value === null) return bend(value);
    if (Array.isArray(value)) return (value as readonly JsonValue[]).map(deep);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, deep(item)]));
  };
  return (row) => ({ ...row, body: deep(row.body) as JsonObject });
}

function assigned(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(assigned);
  const copy: Record<string, JsonValue> = {};
  for (const [key, item] of Object.entries(value)) copy[key] = assigned(item);
  return copy;
}
