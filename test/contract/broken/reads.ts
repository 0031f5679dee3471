import type { GrantStore, Row } from '../../../src/core/store-port.js';
import type { Bend } from './bent-store.js';
import { placeIn, placeOf, readPlace } from '../../../src/records/index.js';
import { allDue, allOf, broken, pageByOffset, rowsIn, rowsOut } from './bent-store.js';

/** A `live` that filters the answer of the memory store. */
const live =
  (keep: (row: Row, query: Parameters<GrantStore['live']>[0]) => boolean): Bend =>
  (inner) => ({ live: async (query) => (await inner.live(query)).filter((row) => keep(row, query)) });

/** A `live` that scans all rows of some kinds, also closed ones. */
const liveOf =
  (kinds: readonly string[], keep: (row: Row, query: Parameters<GrantStore['live']>[0]) => boolean): Bend =>
  (inner) => ({
    async live(query) {
      const rows = await Promise.all(kinds.map((kind) => allOf(inner, kind)));
      return rows.flat().filter((row) => row.until !== undefined && query.at < row.until && keep(row, query));
    },
  });

/** A `find` that returns other rows, over all pages. */
const inAll =
  (
    bend: (rows: readonly Row[], query: Parameters<GrantStore['find']>[0], inner: GrantStore) => readonly Row[] | Promise<readonly Row[]>,
  ): Bend =>
  (inner) => ({
    async find(query) {
      const { items } = await inner.find({ ...query, after: undefined, limit: 10_000 });
      return pageByOffset(await bend(items, query, inner), query.after, query.limit);
    },
  });

/** A `find` by position in a list that is built for each page. */
const findIn =
  (list: (rows: readonly Row[], query: Parameters<GrantStore['find']>[0]) => readonly Row[]): Bend =>
  (inner) => ({
    async find(query) {
      const { items } = await inner.find({ ...query, after: undefined, limit: 10_000 });
      return pageByOffset(list(items, query), query.after, query.limit);
    },
  });

const dueIn =
  (list: (rows: readonly Row[], at: number) => readonly Row[]): Bend =>
  (inner) => ({ due: async ({ at, after, limit }) => pageByOffset(list(await allDue(inner), at), after, limit) });

const byCodePoint = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Guarantee 6 broken: off by one, another order, pages that lose rows, or a clock. */
export const READS = [
  broken('instants are 32 bits wide', 'keeps every instant as it was given', rowsIn(instants((at) => at | 0))),
  broken('instants are rounded to seconds', 'keeps every instant as it was given', rowsIn(instants((at) => at - (at % 1000)))),
  broken(
    'instants are returned as text',
    'keeps every instant as it was given',
    rowsOut(instants((at) => String(at) as unknown as number)),
  ),
  broken(
    'instants are returned as bigints',
    'keeps every instant as it was given',
    rowsOut(instants((at) => BigInt(at) as unknown as number)),
  ),
  broken('rows disappear when the system clock passes their end', 'keeps what lies in 1970 and what lies in 275760', (inner) => ({
    get: async (keys) => (await inner.get(keys)).map((row) => ((row?.until ?? Infinity) < Date.now() ? undefined : row)),
  })),
  broken('live() uses the system clock', 'judges live() at the instant of the question', (inner) => ({
    live: (query) => inner.live({ ...query, at: Date.now() }),
  })),
  broken('due() uses the system clock', 'judges due() and find() at the instants of the question', (inner) => ({
    due: (query) => inner.due({ ...query, at: Date.now() }),
  })),
  broken(
    '0 counts as "never"',
    'treats 0 as an instant, not as "none"',
    dueIn((rows, at) => rows.filter((row) => row.dueAt && row.dueAt <= at)),
  ),
  broken('instants may only increase', 'lets an instant go back', (inner) => ({
    async commit(change) {
      const before = await inner.get(change.put);
      const put = change.put.map((row, i) => ({ ...row, dueAt: row.dueAt && Math.max(row.dueAt, before[i]?.dueAt ?? 0) }));
      return inner.commit({ ...change, put });
    },
  })),

  broken(
    'live() is off by one at until',
    'gives a row up to the last millisecond before its until',
    live((row, { at }) => at + 1 < (row.until ?? 0)),
  ),
  broken(
    'live() omits rows that start later',
    'gives rows that start later',
    live((row, { at }) => (row.from ?? 0) <= at),
  ),
  broken('live() with until omits rows that last longer', 'gives at and after its until either the row or nothing', (inner) => ({
    async live(query) {
      const rows = await inner.live({ ...query, at: 0 });
      return rows.some((row) => (row.until ?? 0) <= query.at) ? [] : rows;
    },
  })),
  broken('live() ignores the scope', 'gives the rows of one subject and one scope only', (inner) => ({
    live: ({ subject, at }) => inner.live({ subject, at }),
  })),
  broken(
    'live() matches a scope by prefix',
    'gives the rows of one subject and one scope only',
    liveOf(
      ['grant', 'usage'],
      (row, { subject, scope }) => row.open && row.subject === subject && (row.scope ?? '').startsWith(scope ?? ''),
    ),
  ),
  broken(
    'live() ignores the subject',
    'gives the rows of one subject and one scope only',
    liveOf(['grant', 'usage'], (row, { scope }) => row.open && (scope === undefined || row.scope === scope)),
  ),
  broken(
    'live() without a scope finds only rows without a scope',
    'gives all scopes of the subject when none is asked for',
    live((row, { scope }) => row.scope === scope),
  ),
  broken(
    'live() omits rows without a scope',
    'gives all scopes of the subject when none is asked for',
    live((row) => row.scope !== undefined),
  ),
  broken(
    'live() omits usage rows',
    'gives rows of the kinds grant and usage, and no others',
    live((row) => row.kind === 'grant'),
  ),
  broken(
    'live() gives rows of every kind',
    'gives rows of the kinds grant and usage, and no others',
    liveOf(['grant', 'usage', 'request', 'subject', 'cursor'], matches),
  ),
  broken(
    'live() omits the locks',
    'gives the open lock row with every answer',
    live((row) => row.kind !== 'lock'),
  ),
  broken(
    'live() returns the locks only without a scope',
    'gives the open lock row with every answer',
    live((row, { scope }) => row.kind !== 'lock' || scope === undefined),
  ),
  broken('live() returns the locks only with a grant', 'gives the open lock row with every answer', (inner) => ({
    async live(query) {
      const rows = await inner.live(query);
      return rows.some((row) => row.kind !== 'lock') ? rows : [];
    },
  })),
  broken(
    'live() filters the locks by their until',
    'gives the newest version of the lock row, whole',
    live((row, { at }) => row.kind !== 'lock' || row.until === undefined || at < row.until),
  ),
  broken(
    'live() returns the locks only for an unknown subject',
    'gives the newest version of the lock row, whole',
    live((row, { subject }) => row.kind !== 'lock' || row.subject === undefined || row.subject === subject),
  ),
  broken('live() returns the first version of the locks', 'gives the newest version of the lock row, whole', (inner, { rows }) => ({
    async live(query) {
      const found = await inner.live(query);
      for (const row of found) if (row.kind === 'lock' && !rows.has(inner.namespace)) rows.set(inner.namespace, row);
      return found.map((row) => (row.kind === 'lock' ? (rows.get(inner.namespace) as Row) : row));
    },
    async commit(change) {
      for (const row of change.put) if (row.kind === 'lock' && !rows.has(inner.namespace)) rows.set(inner.namespace, row);
      return inner.commit(change);
    },
  })),
  broken('live() returns closed locks', 'gives the lock row no longer once it is closed', (inner) => ({
    async live(query) {
      const [lock] = await inner.get([{ kind: 'lock', id: 'open' }]);
      return [...(await inner.live(query)).filter((row) => row.kind !== 'lock'), ...(lock === undefined ? [] : [lock])];
    },
  })),
  broken('live() returns every row of kind lock as the locks', 'treats no other row as the lock row', (inner) => ({
    live: async (query) => [
      ...(await inner.live(query)).filter((row) => row.kind !== 'lock'),
      ...(await allOf(inner, 'lock')).filter((row) => row.open),
    ],
  })),
  broken('live() keeps one row for each id', 'gives a grant and its usage, which have one id', (inner) => ({
    live: async (query) => [...new Map((await inner.live(query)).map((row) => [row.id, row])).values()],
  })),
  broken('live() on a scope returns only grants', 'gives a grant and its usage, which have one id', (inner) => ({
    live: async (query) => (await inner.live(query)).filter((row) => query.scope === undefined || row.kind === 'grant'),
  })),
  broken('live() returns a usage row while its grant is open', 'gives no usage that is closed', (inner) => ({
    async live(query) {
      const rows = await inner.live(query);
      const usages = await allOf(inner, 'usage');
      const closed = usages.filter((usage) => !usage.open && rows.some((row) => row.kind === 'grant' && row.id === usage.id));
      return [...rows, ...closed];
    },
  })),
  broken('live() never returns a row again that was closed once', 'live() > gives a row again that was closed', (inner, { ids }) => ({
    async commit(change) {
      const answer = await inner.commit(change);
      if (answer.outcome === 'committed') for (const row of change.put) if (!row.open) ids.add(`${row.kind} ${row.id}`);
      return answer;
    },
    live: async (query) => (await inner.live(query)).filter((row) => !ids.has(`${row.kind} ${row.id}`)),
  })),
  broken('live() gives closed rows', 'gives open rows only', liveOf(['grant', 'usage'], matches)),
  broken(
    'a row that ends removes the other scopes of its subject',
    'keeps the other rows of a subject when one ends',
    (inner, { ids }) => ({
      async commit(change) {
        const kept = await inner.get(change.put);
        const answer = await inner.commit(change);
        const ended = change.put.filter((row, i) => !row.open && kept[i]?.open === true);
        if (answer.outcome === 'committed') for (const { subject, scope } of ended) if (scope === 'db:read') ids.add(subject ?? '');
        return answer;
      },
      live: async (query) => (await inner.live(query)).filter((row) => row.scope === 'db:read' || !ids.has(query.subject)),
    }),
  ),
  broken('live() keeps a row under its first scope', 'follows a row whose scope, subject or until changes', (inner, { rows }) => ({
    async commit(change) {
      for (const row of change.put) if (!rows.has(row.id)) rows.set(row.id, row);
      return inner.commit(change);
    },
    live: async ({ subject, scope, at }) =>
      (await inner.live({ subject, at })).filter((row) => scope === undefined || rows.get(row.id)?.scope === scope),
  })),
  broken('live() also returns old versions', 'gives the newest version of a row, once and whole', (inner, shared) => ({
    commit(change) {
      shared.rows.clear();
      for (const row of change.put) if (row.version > 1) shared.rows.set(row.id, row);
      return inner.commit(change);
    },
    live: async (query) => (await inner.live(query)).flatMap((row) => (shared.rows.has(row.id) ? [row, row] : [row])),
  })),
  broken('live() returns at most a hundred rows', 'gives all of them, however many', (inner) => ({
    live: async (query) => (await inner.live(query)).slice(0, 100),
  })),
  broken(
    'live() omits rows with a far end',
    'gives a row that lasts to the end of time',
    live((row) => (row.until ?? 0) < 4_102_444_800_000),
  ),

  broken('find() omits unknown kinds', 'finds rows of any kind, by whichever columns they have', (inner) => ({
    async find(query) {
      const known = ['grant', 'request', 'cursor', 'usage'].includes(query.kind);
      return known ? inner.find(query) : { items: [], next: undefined };
    },
  })),
  broken('find() treats a missing from as always started', 'finds rows of any kind, by whichever columns they have', (inner) => ({
    async find({ during: window, ...query }) {
      const { items, next } = await inner.find(query);
      if (window === undefined) return { items, next };
      return { items: items.filter((row) => (row.from ?? 0) < window.until && window.from < (row.until ?? 0)), next };
    },
  })),
  broken('find() keeps a closed row closed for ever', 'find() > follows a row that is closed, and opened again', (inner, { ids }) => ({
    async commit(change) {
      const answer = await inner.commit(change);
      if (answer.outcome === 'committed') for (const row of change.put) if (!row.open && row.version > 1) ids.add(`${row.kind} ${row.id}`);
      return answer;
    },
    async find(query) {
      const page = await inner.find(query);
      return query.open === true ? { ...page, items: page.items.filter((row) => !ids.has(`${row.kind} ${row.id}`)) } : page;
    },
  })),
  broken('find() treats open: false as no filter', 'gives the rows of a kind that meet every condition asked', (inner) => ({
    find: (query) => inner.find({ ...query, open: query.open === true ? true : undefined }),
  })),
  broken('find() matches a subject by prefix', 'gives the rows of a kind that meet every condition asked', (inner) => ({
    async find({ subject, ...query }) {
      const page = await inner.find(query);
      return { ...page, items: page.items.filter((row) => subject === undefined || (row.subject ?? '').startsWith(subject.slice(0, 1))) };
    },
  })),
  broken(
    'find() includes the end of its window',
    'meets a window half-open',
    during((row, { from, until }) => row.from <= until && from < row.until),
  ),
  broken(
    "find() includes the end of a row's window",
    'meets a window half-open',
    during((row, { from, until }) => row.from < until && from <= row.until),
  ),
  broken(
    'find() returns only rows inside its window',
    'meets a window half-open',
    during((row, { from, until }) => from <= row.from && row.until <= until),
  ),
  broken('find() treats a missing end as an open end', 'gives for a window no row that lacks an end of its own', (inner) => ({
    async find({ during: window, ...query }) {
      const { items, next } = await inner.find(query);
      if (window === undefined) return { items, next };
      return { items: items.filter((row) => (row.from ?? 0) < window.until && window.from < (row.until ?? Infinity)), next };
    },
  })),
  broken(
    'find() returns rows with an empty window',
    'gives for a window no row that lacks an end of its own',
    during((row, { from, until }) => row.from < until && from <= row.until && (row.from === row.until || from < row.until)),
  ),
  broken(
    'find() sorts the newest first',
    'orders by id, by UTF-16 code unit',
    findIn((rows) => [...rows].reverse()),
  ),
  broken(
    'find() sorts by UTF-8',
    'orders by id, by UTF-16 code unit',
    findIn((rows) => [...rows].sort((a, b) => byCodePoint(a.id, b.id))),
  ),
  broken(
    'find() sorts by a locale',
    'orders ids with digits as text',
    findIn((rows) => [...rows].sort((a, b) => a.id.localeCompare(b.id))),
  ),
  broken(
    'find() sorts numbers in ids as numbers',
    'orders ids with digits as text',
    findIn((rows) => [...rows].sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }))),
  ),
  broken('find() omits the first row of each later page', 'gives every row exactly once, regardless of the length of a page', (inner) => ({
    async find(query) {
      const { items, next } = await inner.find({ ...query, limit: query.limit + 1 });
      return items.length > query.limit
        ? { items: items.slice(0, query.limit), next: placeOf(items.at(-1) as Row, query.order) }
        : { items, next };
    },
  })),
  broken(
    'find() starts a page with the last row of the previous one',
    'gives every row exactly once, regardless of the length of a page',
    (inner) => ({
      async find(query) {
        const page = await inner.find(query);
        const [row] = query.after === undefined ? [] : await inner.get([{ kind: query.kind, id: idOf(query.after) }]);
        return row === undefined || query.limit < 2 ? page : { ...page, items: [row, ...page.items.slice(0, query.limit - 1)] };
      },
    }),
  ),
  broken('find() ignores the limit', 'gives every row exactly once, regardless of the length of a page', (inner) => ({
    find: (query) => inner.find({ ...query, limit: query.limit + 1 }),
  })),
  broken('find() never reports the last page', 'gives every row exactly once, regardless of the length of a page', (inner) => ({
    async find(query) {
      const page = await inner.find(query);
      const [last] = page.items.slice(-1);
      return {
        ...page,
        next: last === undefined ? (query.after ?? placeOf({ createdAt: 0, sortAt: 0, id: '' })) : placeOf(last, query.order),
      };
    },
  })),
  broken('find() filters a page after the limit', 'gives every row that is wanted, however many unwanted ones lie between', (inner) => ({
    async find({ subject, ...query }) {
      const page = await inner.find(query);
      const items = page.items.filter((row) => subject === undefined || row.subject === subject);
      return { items, next: items.length < query.limit ? undefined : page.next };
    },
  })),
  broken(
    'find() pages by offset',
    'shows what stays unchanged exactly once',
    findIn((rows) => rows),
  ),
  broken("find() starts over when the cursor's row is gone", 'shows what stays unchanged exactly once', (inner) => ({
    async find(query) {
      const [row] = await inner.get([{ kind: query.kind, id: idOf(query.after) }]);
      return inner.find(row === undefined ? { ...query, after: undefined } : query);
    },
  })),
  broken("find() stops when the cursor's row no longer matches", 'continues after a page of rows that no longer meet', (inner) => ({
    async find(query) {
      const [row] = await inner.get([{ kind: query.kind, id: idOf(query.after) }]);
      return row !== undefined && query.open !== undefined && row.open !== query.open ? { items: [], next: undefined } : inner.find(query);
    },
  })),

  broken('find() returns rows in no order', 'orders by createdAt as a number, the oldest first', (inner) => ({
    find: ({ order: _, ...query }) => inner.find(query),
  })),
  broken('find() sorts the newest first by default', 'orders by createdAt as a number, the oldest first', (inner) => ({
    find: (query) => inner.find({ ...query, order: query.order ?? 'newest' }),
  })),
  broken(
    'find() sorts instants as text',
    'orders by createdAt as a number, the oldest first',
    findIn((rows) => [...rows].sort((a, b) => (String(a.createdAt) < String(b.createdAt) ? -1 : 1))),
  ),
  broken(
    'find() sorts and pages only by createdAt',
    'orders what was made at one instant by id, by UTF-16 code unit, in both directions',
    (inner) => ({
      async find({ after, limit, ...query }) {
        const all = await inner.find({ ...query, limit: 10_000 });
        const at = (row: Row) => (query.order === 'due' ? (row.sortAt ?? 0) : row.createdAt);
        const place = after === undefined ? undefined : readPlace(after).at;
        const behind = all.items.filter((row) => place === undefined || (query.order === 'newest' ? at(row) < place : at(row) > place));
        const items = behind.slice(0, limit);
        return { items, next: items.length < behind.length ? placeOf(items.at(-1) as Row, query.order) : undefined };
      },
    }),
  ),
  broken(
    'find() sorts ties of the newest in ascending order',
    'orders what was made at one instant by id, by UTF-16 code unit, in both directions',
    inAll((rows, { order }) => (order === 'newest' ? [...rows].sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1)) : rows)),
  ),
  broken(
    'find() returns closed rows as due',
    'gives in the order of due the open rows that have a sortAt',
    inAll(async (rows, { order }, inner) =>
      order === 'due'
        ? (await allOf(inner, 'grant')).filter((row) => row.sortAt !== undefined).sort((a, b) => (a.sortAt ?? 0) - (b.sortAt ?? 0))
        : rows,
    ),
  ),
  broken(
    'find() sorts rows that are never due at the end of due rows',
    'gives in the order of due the open rows that have a sortAt',
    inAll(async (rows, { order }, inner) =>
      order === 'due' ? [...rows, ...(await allOf(inner, 'grant')).filter((row) => row.open && row.sortAt === undefined)] : rows,
    ),
  ),
  broken(
    'find() sorts rows that are due for people by dueAt',
    'gives in the order of due the open rows that have a sortAt',
    inAll((rows, { order }) =>
      order === 'due' ? [...rows].sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || (a.id < b.id ? -1 : 1)) : rows,
    ),
  ),
  broken('find() keeps the first sortAt of a row', 'follows a row whose sortAt moves or goes', (inner, { rows }) => ({
    commit(change) {
      for (const row of change.put) if (!rows.has(row.id)) rows.set(row.id, row);
      return inner.commit(change);
    },
    async find({ after, limit, ...query }) {
      if (query.order !== 'due') return inner.find({ ...query, after, limit });
      const all = (await inner.find({ ...query, limit: 10_000 })).items;
      const first = (row: Row) => rows.get(row.id)?.sortAt ?? 0;
      return pageByOffset(
        [...all].sort((a, b) => first(a) - first(b)),
        after,
        limit,
      );
    },
  })),
  broken('find() ignores the scope', 'finds by a scope, byte for byte', (inner) => ({
    find: ({ scope: _, ...query }) => inner.find(query),
  })),
  broken(
    'find() is case-insensitive for scopes',
    'finds by a scope, byte for byte',
    inAll(async (_, { scope, ...query }, inner) =>
      (await inner.find({ ...query, after: undefined, limit: 10_000 })).items.filter(
        (row) => scope === undefined || row.scope?.toLowerCase() === scope.toLowerCase(),
      ),
    ),
  ),
  broken('find() ignores the scope next to a subject', 'finds by a scope, byte for byte', (inner) => ({
    find: ({ scope, ...query }) => inner.find(query.subject === undefined ? { ...query, scope } : query),
  })),
  broken('find() ends after 1,000 rows', 'gives all that is wanted among 2,500 rows', (inner) => ({
    async find(query) {
      const page = await inner.find(query);
      return page.items.length < query.limit ? { ...page, next: undefined } : page;
    },
  })),
  broken('find() starts over after a cursor whose row is gone', 'continues after the place of any row', (inner) => ({
    async find(query) {
      const [row] = await inner.get([{ kind: query.kind, id: idOf(query.after) }]);
      return inner.find(row === undefined ? { ...query, after: undefined } : query);
    },
  })),
  broken('find() starts over after an invalid cursor', 'refuses an after that is no place', (inner) => ({
    find: ({ after, ...query }) => inner.find({ ...query, after: placeIn(after) === undefined ? undefined : after }),
  })),

  broken('due() is late by one: < instead of <=', 'gives a row from its dueAt on', (inner) => ({
    due: (query) => inner.due({ ...query, at: query.at - 1 }),
  })),
  broken('due() is early by one', 'gives a row from its dueAt on', (inner) => ({
    due: (query) => inner.due({ ...query, at: query.at + 1 }),
  })),
  broken('due() omits closed rows', 'gives rows of every kind, open or closed', (inner) => ({
    async due(query) {
      const page = await inner.due(query);
      return { ...page, items: page.items.filter((row) => row.open) };
    },
  })),
  broken('due() returns rows that are never due', 'gives rows of every kind, open or closed', (inner) => ({
    async due(query) {
      const page = await inner.due(query);
      const never = (await allOf(inner, 'grant')).filter((row) => row.dueAt === undefined);
      return page.next === undefined ? { ...page, items: [...page.items, ...never].slice(0, query.limit) } : page;
    },
  })),
  broken(
    'due() sorts by id',
    'orders by dueAt as a number',
    dueIn((rows, at) => until(rows, at).sort((a, b) => (a.id < b.id ? -1 : 1))),
  ),
  broken(
    'due() sorts instants as text',
    'orders by dueAt as a number',
    dueIn((rows, at) => until(rows, at).sort((a, b) => (String(a.dueAt) < String(b.dueAt) ? -1 : 1))),
  ),
  broken(
    'due() sorts by id before kind',
    'orders what is due at one instant by kind, then by id',
    dueIn((rows, at) => until(rows, at).sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || (a.id < b.id ? -1 : 1))),
  ),
  broken(
    'due() continues after the instant, and loses rows with the same instant',
    'orders what is due at one instant by kind, then by id',
    (inner) => ({
      async due({ at, after, limit }) {
        const behind = (await allDue(inner)).filter((row) => (row.dueAt ?? 0) <= at && (row.dueAt ?? 0) > Number(after ?? -1));
        const items = behind.slice(0, limit);
        return { items, next: items.length < behind.length ? String(items.at(-1)?.dueAt) : undefined };
      },
    }),
  ),
  broken(
    'due() sorts by UTF-8',
    'due() > orders ids by UTF-16 code unit',
    dueIn((rows, at) =>
      until(rows, at).sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || byCodePoint(a.kind, b.kind) || byCodePoint(a.id, b.id)),
    ),
  ),
  broken('due() ignores after', 'continues after a page whose rows have not changed', (inner) => ({
    async due({ after: _, ...query }) {
      return inner.due(query);
    },
  })),
  broken('due() pages by offset', 'due() > shows what stays unchanged exactly once', dueIn(until)),
  broken('due() answers all pages from the rows of the first call', 'omits what is moved out of reach', (inner) => {
    let list: readonly Row[] = [];
    return {
      async due({ at, after, limit }) {
        if (after === undefined) list = until(await allDue(inner), at);
        return pageByOffset(list, after, limit);
      },
    };
  }),
  broken('due() looks a row up only by its id', 'moves on with each of its versions', (inner) => ({
    async due(query) {
      const page = await inner.due(query);
      const grants = await inner.get(page.items.map(({ id }) => ({ kind: 'grant', id })));
      return { ...page, items: page.items.map((row, i) => grants[i] ?? row) };
    },
  })),
  broken('due() keeps a row at its first dueAt', 'follows a row whose dueAt changes', (inner, { rows }) => ({
    commit(change) {
      for (const row of change.put) if (row.dueAt !== undefined && !rows.has(row.id)) rows.set(row.id, row);
      return inner.commit(change);
    },
    async due(query) {
      const first = [...rows.values()].filter((row) => (row.dueAt ?? Infinity) <= query.at);
      const page = await inner.due(query);
      const items = [...page.items, ...first.filter((row) => !page.items.some((other) => other.id === row.id))];
      return query.after === undefined && page.next === undefined ? { ...page, items: items.slice(0, query.limit) } : page;
    },
  })),
];

const idOf = (after: string | undefined): string => (after === undefined ? '' : readPlace(after).id);

function until(rows: readonly Row[], at: number): Row[] {
  return rows.filter((row) => row.dueAt !== undefined && row.dueAt <= at);
}

function matches(row: Row, { subject, scope }: { readonly subject: string; readonly scope?: string | undefined }): boolean {
  return row.subject === subject && (scope === undefined || row.scope === scope);
}

function instants(bend: (at: number) => number): (row: Row) => Row {
  const or = (at: number | undefined) => (at === undefined ? undefined : bend(at));
  return (row) => ({
    ...row,
    createdAt: bend(row.createdAt),
    from: or(row.from),
    until: or(row.until),
    dueAt: or(row.dueAt),
    sortAt: or(row.sortAt),
  });
}

/** A `find` that filters windows by its own rule. */
function during(meets: (row: { from: number; until: number }, window: { from: number; until: number }) => boolean): Bend {
  return (inner) => ({
    async find({ during: window, ...query }) {
      const page = await inner.find(query);
      if (window === undefined) return page;
      const items = page.items.filter(
        ({ from, until: end }) => from !== undefined && end !== undefined && meets({ from, until: end }, window),
      );
      return { ...page, items };
    },
  });
}
