import type { DueNamespacesQuery, GrantStore, Row } from '../../core/store-port.js';
import { holds, rejects, same } from '../assertions.js';
import { aRow } from '../builders.js';
import { START_AT } from '../manual-clock.js';
import { casesOf, type Cases } from './cases.js';
import { changeOf, commit, LATEST, next } from './steps.js';

/**
 * Guarantee 6, of `dueNamespaces`: a sweep of many tenants visits only these namespaces. If one is missing, its ends are
 * never recorded. The answer may contain more, so the cases compare only the names that it must contain.
 */
export const readingDueNamespaces: Cases = (it, hooks) => {
  which(it, hooks);
  pages(it, hooks);
};

const which: Cases = (define, { reopen }) => {
  const it = casesOf('dueNamespaces', define);

  it('names a namespace from the dueAt of its first row on', async (store) => {
    await dueIn(store, 'a', aRow({ id: 'x', dueAt: 1_000 }), aRow({ id: 'y', dueAt: 5_000 }));
    for (const at of [1_000, 1_001, 5_000, LATEST]) await names(store, ['a'], at);
  });

  it('names it for a row of any kind, open or closed, due at 0 or at the end of time', async (store) => {
    const bare = { subject: undefined, scope: undefined, from: undefined, until: undefined, sortAt: undefined };
    await dueIn(store, 'cursor', aRow({ kind: 'cursor', dueAt: 0, ...bare }));
    await dueIn(store, 'request', aRow({ kind: 'request', open: false, dueAt: 0 }));
    await dueIn(store, 'grant', aRow({ dueAt: LATEST }));
    await dueIn(store, 'never', aRow({ dueAt: undefined }));
    await names(store, ['cursor', 'request'], 0);
    await names(store, ['cursor', 'request', 'grant'], LATEST);
  });

  it('judges at the instant of the question, regardless of the real time', async (store) => {
    await dueIn(store, 'a', aRow({ dueAt: LATEST - 1 }));
    await names(store, ['a'], LATEST);
  });

  it('names it after a commit that made it due, through every handle', async (store) => {
    const handles = [store, await reopen(store), store.in(nameOf(store, 'z'))];
    const ask = () => Promise.all(handles.map((handle) => names(handle, [], START_AT * 2, 10, store.namespace)));
    // Each handle reads before the commit, so that a stale cached answer would show.
    await ask();
    await dueIn(store, 'a', aRow({ dueAt: undefined }));
    await ask();
    await dueIn(store, 'a', next(aRow(), { dueAt: 7 }));
    for (const handle of handles) await names(handle, ['a'], 7, 10, store.namespace);
    await dueIn(handles[1] as GrantStore, 'b', aRow({ dueAt: 8 }));
    for (const handle of handles) await names(handle, ['a', 'b'], 8, 10, store.namespace);
  });

  it('refuses a question with an invalid instant, name or limit', async (store) => {
    const good = { at: 1_000, limit: 10 };
    const none = [
      ...[0, -1, 1.5, NaN, Infinity, '1', undefined].map((limit) => ({ ...good, limit })),
      ...[-1, 0.5, NaN, Infinity, LATEST + 1, '0', undefined].map((at) => ({ ...good, at })),
      ...['', ' a', 'a\u0000b', 5, null].map((after) => ({ ...good, after })),
      undefined,
    ];
    for (const query of none) {
      const what = `dueNamespaces() with ${query === undefined ? 'nothing' : Object.entries(query).join(' ')}`;
      const error = await rejects(() => store.dueNamespaces(query as unknown as DueNamespacesQuery), what);
      same((error as { code?: unknown }).code, 'ERR_JIT_INVALID_ARGUMENT', `the code of the refusal of ${what}`);
    }
    await names(store, [], 1_000);
  });
};

const pages: Cases = (define) => {
  const it = casesOf('dueNamespaces', define);

  it('names every namespace in the order of UTF-16 code units, in pages of any size', async (store) => {
    for (const end of ENDS) await dueIn(store, end);
    for (const limit of [1, 2, 3, 100, 5_000]) await names(store, ENDS, START_AT * 2, limit);
  });

  it('names a namespace with one row beside one with many, each once', async (store) => {
    await dueIn(store, 'a', ...Array.from({ length: 50 }, (_, i) => aRow({ id: `r${i}`, dueAt: i })));
    await dueIn(store, 'b');
    await dueIn(store, 'c');
    for (const limit of [1, 2, 3]) await names(store, ['a', 'b', 'c'], START_AT * 2, limit);
  });

  it('begins after any name, whether or not it is there', async (store) => {
    for (const end of ['b', 'd', 'f']) await dueIn(store, end);
    for (const [behind, ends] of Object.entries({ a: ['b', 'd', 'f'], b: ['d', 'f'], c: ['d', 'f'], d: ['f'], e: ['f'], f: [] })) {
      const named = await namedIn(store, { at: START_AT * 2, after: nameOf(store, behind), limit: 2 });
      includes(named, ends, `after ${behind}`);
      holds(!named.includes(behind), `a page does not name the namespace that it continues after: got ${named.join()} after ${behind}`);
    }
  });

  it('begins with the first name where no other is given', async (store) => {
    await dueIn(store, 'a');
    const named: string[] = [];
    let after: string | undefined;
    for (let page = 0; page < 1_000 && !named.includes(nameOf(store, 'a')); page++) {
      const { items, next: behind } = await store.dueNamespaces({ at: START_AT * 2, after, limit: 1_000 });
      named.push(...items);
      if (behind === undefined) break;
      after = behind;
    }
    holds(named.includes(nameOf(store, 'a')), `the pages from the first on name a namespace that is due: got ${named.length} others`);
  });

  it('names what stays due exactly once while others become due, and are handled, between pages', async (store) => {
    const ends = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    for (const end of ends) await dueIn(store, end);
    const handle = (end: string) => () => dueIn(store, end, next(aRow(), { dueAt: undefined, open: false }));
    const changes = [handle('a'), handle('f'), () => dueIn(store, 'bb'), () => dueIn(store, '0')];
    const seen: string[] = [];
    await eachPage(store, { at: START_AT * 2, limit: 2 }, async (page, i) => {
      seen.push(...page);
      await changes[i]?.();
    });
    const unchanged = ends.filter((end) => !['a', 'f'].includes(end));
    same(
      seen.filter((end) => unchanged.includes(end)),
      unchanged,
      'the namespaces that stayed due, as they were named',
    );
  });
};

/** Ends of names, in the order of UTF-16 code units. That order differs from UTF-8, and from the order of any language. */
const ENDS: readonly string[] = [
  ...['A', 'B', 'Z', '_', 'a', 'b', '10', '9', '%', '\u00e9', '\u{1f511}', '\uff5e', 'a:b', 'a-b', 'aa'],
].sort();

const nameOf = (store: GrantStore, end: string): string => `${store.namespace}-${end}`;

/** Commits rows to the namespace with this end. Default: one row that is due. */
async function dueIn(store: GrantStore, end: string, ...rows: readonly Row[]): Promise<void> {
  const handle = store.in(nameOf(store, end));
  await commit(handle, changeOf(handle, `due-${++changes}`, rows.length > 0 ? rows : [aRow()]));
}

let changes = 0;

/** Reads all pages after the base name, and compares them with the ends that they must contain. */
async function names(store: GrantStore, ends: readonly string[], at: number, limit = 100, base = store.namespace): Promise<void> {
  includes(await namedIn(store, { at, limit }, base), ends, `at ${at}, in pages of ${limit}`);
}

function includes(named: readonly string[], ends: readonly string[], when: string): void {
  const got = ends.filter((end) => named.includes(end));
  same(got, ends, `the ends of the names that dueNamespaces() must give ${when}`);
}

async function namedIn(store: GrantStore, query: DueNamespacesQuery, base = store.namespace): Promise<readonly string[]> {
  const named: string[] = [];
  await eachPage(store, query, async (ends) => void named.push(...ends), base);
  return named;
}

/** Reads each page after a name, up to the last name that begins with the base. The backend may hold other namespaces. */
async function eachPage(
  store: GrantStore,
  query: DueNamespacesQuery,
  take: (ends: readonly string[], page: number) => Promise<void>,
  base = store.namespace,
): Promise<void> {
  let after = query.after ?? base;
  for (let page = 0; page < 1_000; page++) {
    const { items, next: behind } = await (store as Required<GrantStore>).dueNamespaces({ ...query, after });
    holds(items.length <= query.limit, `a page holds at most its limit: expected at most ${query.limit} names, got ${items.length}`);
    let last = after;
    for (const name of items) {
      holds(name > last, `names ascend by UTF-16 code unit, each once: got ${JSON.stringify(name)} after ${JSON.stringify(last)}`);
      last = name;
    }
    await take(
      items.filter((name) => name.startsWith(`${base}-`)).map((name) => name.slice(base.length + 1)),
      page,
    );
    if (behind === undefined || !behind.startsWith(base)) return;
    holds(behind >= last && behind > after, `a page ends at its last name or after it: got the next ${JSON.stringify(behind)}`);
    after = behind;
  }
  holds(false, 'pages end: expected a page without a next, got 1000 pages that have one');
}
