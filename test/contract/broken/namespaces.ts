import type { DueNamespacesQuery, GrantStore } from '../../../src/core/store-port.js';
import type { Anchor } from '../../../src/records/index.js';
import type { Bend, Shared } from './bent-store.js';
import { broken, pageByOffset } from './bent-store.js';

const ZEROS: Anchor = { seq: 0, hash: '0'.repeat(64) };

type Heads = Required<GrantStore>['heads'];
type Due = Required<GrantStore>['dueNamespaces'];

/** A `heads` that calls the memory store with a changed argument, or changes its answer. */
const heads =
  (bend: (ask: Heads, names: readonly string[], inner: GrantStore, shared: Shared) => ReturnType<Heads>): Bend =>
  (inner, shared) => ({ heads: async (names) => bend((inner as Required<GrantStore>).heads.bind(inner), names, inner, shared) });

/** Guarantee 5 broken for `heads`. */
const HEADS = [
  broken(
    'heads() answers in the order of the names',
    'gives the head that each journal gives, in the order asked',
    heads((ask, names) => ask([...names].sort())),
  ),
  broken(
    'heads() answers each name once',
    'gives the head that each journal gives, in the order asked',
    heads((ask, names) => ask([...new Set(names)])),
  ),
  broken(
    'heads() knows only its own namespace',
    'gives the head that each journal gives, in the order asked',
    heads(async (ask, names, inner) => (await ask(names)).map((head, i) => (names[i] === inner.namespace ? head : ZEROS))),
  ),
  broken(
    'heads() returns no head for an empty journal',
    'gives seq 0 with 64 zeros where no entry was ever written',
    heads(async (ask, names) => (await ask(names)).map((head) => (head?.seq === 0 ? undefined : head))),
  ),
  broken(
    'the head of an empty journal has no hash in heads()',
    'gives seq 0 with 64 zeros where no entry was ever written',
    heads(async (ask, names) => (await ask(names)).map((head) => (head?.seq === 0 ? { seq: 0, hash: '' } : head))),
  ),
  broken('each handle caches heads()', 'gives the head of the last commit with entries, through every handle', (inner) => {
    const kept = new Map<string, Anchor | undefined>();
    return {
      async heads(names) {
        const answer = await (inner as Required<GrantStore>).heads(names);
        for (const [i, name] of names.entries()) if (!kept.has(name)) kept.set(name, answer[i]);
        return names.map((name) => kept.get(name));
      },
      commit(change) {
        kept.clear();
        return inner.commit(change);
      },
    };
  }),
  broken(
    'heads() counts changes, not entries',
    'gives the head of the last commit with entries, through every handle',
    (inner, { offsets }) => ({
      async commit(change) {
        const answer = await inner.commit(change);
        if (answer.outcome === 'committed' && change.append.length === 0)
          offsets.set(inner.namespace, (offsets.get(inner.namespace) ?? 0) + 1);
        return answer;
      },
      heads: async (names) =>
        (await (inner as Required<GrantStore>).heads(names)).map(
          (head, i) => head && { ...head, seq: head.seq + (offsets.get(names[i] ?? '') ?? 0) },
        ),
    }),
  ),
  broken(
    'heads() reads only the kept entries',
    'gives the head of a journal that was trimmed whole',
    heads((_, names, inner) =>
      Promise.all(
        names.map(async (name) => {
          const last = (await inner.in(name).journal({ after: 0, limit: 10_000 })).entries.at(-1);
          return last === undefined ? ZEROS : { seq: last.seq, hash: last.hash };
        }),
      ),
    ),
  ),
  broken(
    'heads() returns at most a hundred names',
    'takes 1,000 names at once',
    heads(async (ask, names) => {
      const answer = await ask(names.slice(0, 100));
      return names.map((_, i) => answer[i] ?? ZEROS);
    }),
  ),
  broken(
    'heads() is case-insensitive',
    'distinguishes names byte by byte',
    heads((ask, names) => ask(names.map((name) => name.toLowerCase()))),
  ),
  broken('heads() returns the stored anchors themselves', 'gives anchors that may be changed without effect', (inner) => {
    const kept = new Map<string, Anchor>();
    return {
      async heads(names) {
        const answer = await (inner as Required<GrantStore>).heads(names);
        return names.map((name, i) => {
          const [now, before] = [answer[i] ?? ZEROS, kept.get(name)];
          const head = before !== undefined && (before.seq === now.seq || before.seq === 41) ? before : { ...now };
          kept.set(name, head);
          return head;
        });
      },
    };
  }),
  broken(
    'heads() accepts any number of names',
    'refuses more than 1,000 names, and what is no list of ids',
    heads(async (ask, names) => (Array.isArray(names) && names.length > 1_000 ? names.map(() => ZEROS) : ask(names))),
  ),
  broken(
    'heads() accepts any string as a name',
    'refuses more than 1,000 names, and what is no list of ids',
    heads(async (ask, names) => (names?.[0] === '' ? [ZEROS] : ask(names))),
  ),
  broken(
    'an outage of heads() is answered with empty journals',
    'rejects heads()',
    heads((ask, names) => ask(names).catch(() => names.map(() => ZEROS))),
  ),
  broken(
    'an outage of heads() is answered with no heads',
    'rejects heads()',
    heads((ask, names) => ask(names).catch(() => names.map(() => undefined))),
  ),
];

/** A `dueNamespaces` that calls the memory store with a changed argument, or changes its answer. */
const due =
  (bend: (ask: Due, query: DueNamespacesQuery, inner: GrantStore, shared: Shared) => ReturnType<Due>): Bend =>
  (inner, shared) => ({
    dueNamespaces: async (query) => bend((inner as Required<GrantStore>).dueNamespaces.bind(inner), query, inner, shared),
  });

/** A `dueNamespaces` by position in a list that is built for each page. */
const dueIn = (
  list: (names: readonly string[], query: DueNamespacesQuery, inner: GrantStore) => readonly string[] | Promise<readonly string[]>,
): Bend =>
  due(async (ask, query, inner) => {
    const { items } = await ask({ ...query, after: undefined, limit: 10_000 });
    const names = await list(items, query, inner);
    const from = query.after === undefined ? 0 : names.findIndex((name) => name > (query.after as string));
    const page = from === -1 ? [] : names.slice(from, from + query.limit);
    return { items: page, next: from !== -1 && from + query.limit < names.length ? page.at(-1) : undefined };
  });

/** Only the namespaces with a row that meets a condition. */
const withRows = (
  isDue: (row: { readonly kind: string; readonly open: boolean; readonly dueAt: number | undefined }, at: number) => boolean,
): Bend =>
  dueIn(async (names, { at }, inner) => {
    const all = await Promise.all(names.map((name) => inner.in(name).due({ at: 8_640_000_000_000_000, limit: 10_000 })));
    return names.filter((_, i) => all[i]?.items.some((row) => isDue(row, at)));
  });

const byCodePoint = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Guarantee 6 broken for `dueNamespaces`: an omitted tenant, or pages that lose one. */
const DUE = [
  broken(
    'a namespace is listed one millisecond late',
    'names a namespace from the dueAt of its first row on',
    withRows((row, at) => (row.dueAt ?? at) < at),
  ),
  broken(
    'only grants are considered',
    'names it for a row of any kind, open or closed',
    withRows((row, at) => row.kind === 'grant' && (row.dueAt ?? 0) <= at),
  ),
  broken(
    'only open rows are considered',
    'names it for a row of any kind, open or closed',
    withRows((row, at) => row.open && (row.dueAt ?? 0) <= at),
  ),
  broken(
    'a namespace due at 0 is never due',
    'names it for a row of any kind, open or closed',
    withRows((row, at) => !!row.dueAt && row.dueAt <= at),
  ),
  broken(
    'dueNamespaces() uses the system clock',
    'judges at the instant of the question',
    due((ask, query) => ask(query.at === 1_000 ? query : { ...query, at: Date.now() })),
  ),
  broken(
    'names are in the order of code points',
    'names every namespace in the order of UTF-16 code units',
    dueIn((names) => [...names].sort(byCodePoint)),
  ),
  broken(
    'names are in the order of a locale',
    'names every namespace in the order of UTF-16 code units',
    dueIn((names) => [...names].sort((a, b) => a.localeCompare(b, 'en'))),
  ),
  broken(
    'a page of names is one too long',
    'names every namespace in the order of UTF-16 code units',
    due((ask, query) => ask({ ...query, limit: query.limit + 1 })),
  ),
  broken(
    'each page starts with the last name of the previous one',
    'names every namespace in the order of UTF-16 code units',
    due(async (ask, query) => {
      const page = await ask(query);
      return query.after === undefined || !page.items.length
        ? page
        : { ...page, items: [query.after, ...page.items].slice(0, query.limit) };
    }),
  ),
  broken(
    'pages of names never end',
    'names every namespace in the order of UTF-16 code units',
    due(async (ask, query) => {
      const page = await ask(query);
      return { ...page, next: page.next ?? page.items.at(-1) ?? query.after };
    }),
  ),
  broken(
    'the limit counts rows, and a namespace is listed once for each of its rows',
    'names a namespace with one row beside one with many, each once',
    due(async (ask, query, inner) => {
      const page = await ask(query);
      const [first = ''] = page.items;
      const rows = await inner.in(first || 'none').due({ at: query.at, limit: query.limit });
      return rows.items.length > 1 ? { items: rows.items.map(() => first), next: page.next } : page;
    }),
  ),
  broken(
    'one namespace with many rows hides the others',
    'names a namespace with one row beside one with many, each once',
    due(async (ask, query, inner) => {
      const page = await ask(query);
      const [first = ''] = page.items;
      const rows = await inner.in(first || 'none').due({ at: query.at, limit: 50 });
      return rows.items.length < 50 ? page : { items: [first], next: undefined };
    }),
  ),
  broken(
    'after must be an existing name',
    'begins after any name, whether or not it is there',
    due(async (ask, query) => {
      const { items } = await ask({ ...query, after: undefined, limit: 10_000 });
      return query.after === undefined || items.includes(query.after) || !/-[ac-e]$/.test(query.after)
        ? ask(query)
        : { items: [], next: undefined };
    }),
  ),
  broken(
    'only its own namespace and later ones are listed',
    'begins with the first name where no other is given',
    due((ask, query, inner) => ask({ ...query, after: query.after ?? `${inner.namespace}\u{10fff0}` })),
  ),
  broken(
    'pages of names are found by position',
    'names what stays due exactly once while others become due, and are handled, between pages',
    due(async (ask, query, inner, shared) => {
      const { items } = await ask({ ...query, after: undefined, limit: 10_000 });
      if (query.after === undefined || query.after === inner.namespace) shared.count = 0;
      const page = pageByOffset(items, String(shared.count), query.limit);
      shared.count += page.items.length;
      return { items: page.items, next: page.next === undefined ? undefined : page.items.at(-1) };
    }),
  ),
  broken('each handle caches dueNamespaces()', 'names it after a commit that made it due, through every handle', (inner) => {
    const kept = new Map<string, Awaited<ReturnType<Due>>>();
    return {
      async dueNamespaces(query) {
        const question = JSON.stringify({ ...query, at: 0 });
        const page = kept.get(question) ?? (await (inner as Required<GrantStore>).dueNamespaces(query));
        if (query.limit === 10) kept.set(question, page);
        return page;
      },
    };
  }),
  broken(
    'dueNamespaces() accepts any limit',
    'refuses a question with an invalid instant, name or limit',
    due((ask, query) => (query?.limit === 0 ? Promise.resolve({ items: [], next: undefined }) : ask(query))),
  ),
  broken(
    'dueNamespaces() accepts any instant',
    'refuses a question with an invalid instant, name or limit',
    due((ask, query) => ask(Number.isNaN(query?.at) ? { ...query, at: 0 } : query)),
  ),
  broken(
    'an outage of dueNamespaces() is answered with no names',
    'rejects dueNamespaces()',
    due((ask, query) => ask(query).catch(() => ({ items: [], next: undefined }))),
  ),
];

export const NAMESPACES = [...HEADS, ...DUE];
