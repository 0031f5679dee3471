import type { ContextQuery, GrantStore, LiveQuery, Row, RowKey, StoreContext } from '../../core/store-port.js';
import { aRow } from '../builders.js';
import { START_AT } from '../manual-clock.js';
import { holds, same } from '../assertions.js';
import { casesOf, type Cases } from './cases.js';
import { HOSTILE_STRINGS } from './hostile.js';
import { changeOf, commit, given, idsOf } from './steps.js';

/**
 * Guarantee 4, for `context`: a verb decides by its answer. If it is from an older instant, or from two, a verb counts too few
 * grants, or takes a request for pending whose grant exists.
 */
export const readingContext: Cases = (it, hooks) => {
  parts(it, hooks);
  subjects(it, hooks);
  bytes(it, hooks);
  openRows(it, hooks);
  oneInstant(it, hooks);
};

const MAYA = 'user:maya';
const NOOR = 'user:noor';
const REQUEST = { kind: 'request', id: 'r1' };
const LOCK = { kind: 'lock', id: 'open' };
const OF_REQUEST = { subjectOf: REQUEST };

const aRequestRow = (over: Partial<Row> = {}) => aRow({ ...REQUEST, scope: undefined, ...over });
const aLock = (over: Partial<Row> = {}) => aRow({ ...LOCK, subject: undefined, scope: undefined, until: undefined, ...over });
const aSubjectRow = (id: string, over: Partial<Row> = {}) =>
  aRow({
    kind: 'subject',
    id,
    subject: id,
    scope: undefined,
    open: false,
    createdAt: 0,
    from: undefined,
    until: undefined,
    dueAt: undefined,
    ...over,
  });

/** Each part is what the method of the same meaning answers. */
const parts: Cases = (define) => {
  const it = casesOf('context', define);
  it('gives what get(), live() and find() give, in one answer', async (store) => {
    await given(store, population());
    await given(store.in(`${store.namespace}-b`), [
      aRequestRow({ subject: NOOR }),
      aSubjectRow(MAYA, { body: { other: true } }),
      aRow({ id: 'g9' }),
    ]);
    const absent = { kind: 'request', id: 'absent' };
    const keys = [LOCK, REQUEST, absent, REQUEST, { kind: 'subject', id: NOOR }];
    const asked = { keys, live: { subject: MAYA, at: START_AT }, open: { kind: 'request', subject: MAYA, limit: 9 } };
    await agrees(store, asked, keys);
    await agrees(store, { ...asked, live: { subject: NOOR, at: START_AT }, open: { kind: 'grant', subject: NOOR, limit: 9 } }, keys);
    await agrees(store, { ...asked, live: { subject: 'user:absent', at: 0 }, open: { kind: 'cursor', subject: MAYA, limit: 9 } }, keys);
  });

  it('gives nothing in a part that is not asked for', async (store) => {
    await given(store, population());
    const none = { items: [], next: undefined };
    same(await store.context({ keys: [] }), { rows: [], live: [], open: none }, 'the answer to no question');
    const [request, lock] = await store.get([REQUEST, LOCK]);
    same(await store.context({ keys: [REQUEST, LOCK] }), { rows: [request, lock], live: [], open: none }, 'the answer to keys alone');
    const live = await store.context({ keys: [], live: { subject: MAYA, at: START_AT }, open: undefined });
    same([live.rows, idsOf(live.live).length > 0, live.open], [[], true, none], 'the answer to live alone');
    const open = await store.context({ keys: [], live: undefined, open: { kind: 'request', subject: MAYA, limit: 9 } });
    same([open.rows, open.live, idsOf(open.open.items)], [[], [], ['r1', 'r2']], 'the answer to open alone');
  });

  it('gives live rows until their end, those that start later, and the open lock', async (store) => {
    const lock = aLock();
    await given(store, [aRow({ id: 'x', from: 100, until: 200 }), aRow({ kind: 'usage', id: 'x', from: 100, until: 200 }), lock]);
    const at = async (instant: number) => keysIn((await store.context({ keys: [], live: { subject: MAYA, at: instant } })).live);
    same(await at(0), ['grant x', 'lock open', 'usage x'], 'live rows before the start');
    same(await at(199), ['grant x', 'lock open', 'usage x'], 'live rows one millisecond before the end');
    await given(store, [aLock({ version: 2, open: false })]);
    same(await at(199), ['grant x', 'usage x'], 'live rows after the lock was closed');
  });
};

/** `{ subjectOf }` is the subject of the row with that key. */
const subjects: Cases = (define) => {
  const it = casesOf('context', define);
  const whole: ContextQuery = {
    keys: [REQUEST, OF_REQUEST, LOCK, OF_REQUEST],
    live: { subject: OF_REQUEST, at: START_AT },
    open: { kind: 'request', subject: OF_REQUEST, limit: 9 },
  };

  it('follows { subjectOf } from a row to the row, the live rows and the open rows of its subject', async (store) => {
    await given(store, population());
    for (const [id, subject] of [
      ['r1', MAYA],
      ['r2', MAYA],
      ['r4', NOOR],
    ] as const) {
      const key = { kind: 'request', id };
      const named = {
        keys: [key, { kind: 'subject', id: subject }],
        live: { subject, at: START_AT },
        open: { kind: 'request', subject, limit: 9 },
      };
      const of = {
        keys: [key, { subjectOf: key }],
        live: { subject: { subjectOf: key }, at: START_AT },
        open: { kind: 'request', subject: { subjectOf: key }, limit: 9 },
      };
      same(sorted(await store.context(of)), sorted(await store.context(named)), `what belongs to the subject of ${id}`);
      same((await store.context(of)).rows[1]?.id, subject, `the id of the row of the subject of ${id}`);
    }
  });

  it('gives nothing for the subject of a row that is missing, or has none', async (store) => {
    const lock = aLock();
    await given(store, [aSubjectRow(MAYA), aRow({ id: 'g1' }), lock, aRow({ id: 'bare', subject: undefined })]);
    const none = { items: [], next: undefined };
    same(
      await store.context(whole),
      { rows: [undefined, undefined, lock, undefined], live: [], open: none },
      'the answer if the request is missing',
    );
    const bare = aRequestRow({ subject: undefined });
    await given(store, [bare]);
    same(
      await store.context(whole),
      { rows: [bare, undefined, lock, undefined], live: [], open: none },
      'the answer if the request has no subject',
    );
  });

  it('gives undefined for the row of a subject that has none, and still its live and open rows', async (store) => {
    const [request, grant] = [aRequestRow(), aRow({ id: 'g1' })];
    await given(store, [request, grant, aRow({ kind: 'subject', id: 'user', subject: MAYA })]);
    const rows = [request, undefined, undefined, undefined];
    same(
      await store.context(whole),
      { rows, live: [grant], open: { items: [request], next: undefined } },
      'the answer without a row of the subject',
    );
  });
};

/** Subjects are compared byte for byte. */
const bytes: Cases = (define) => {
  const it = casesOf('context', define);
  it('distinguishes subjects byte by byte, those that are named and those of a row', async (store) => {
    const names = HOSTILE_STRINGS.filter((text) => text.length <= 256);
    const of = (name: string) => names.indexOf(name);
    await given(
      store,
      names.flatMap((name) => [
        aRequestRow({ id: `r${of(name)}`, subject: name }),
        aSubjectRow(name, { body: { i: of(name) } }),
        aRow({ id: `g${of(name)}`, subject: name }),
      ]),
    );
    for (const name of names) {
      const key = { kind: 'request', id: `r${of(name)}` };
      for (const subject of [name, { subjectOf: key }]) {
        const { rows, live, open } = await store.context({
          keys: [key, { subjectOf: key }],
          live: { subject, at: START_AT },
          open: { kind: 'request', subject, limit: 9 },
        });
        const how = `${JSON.stringify(name.slice(0, 40))}, ${subject === name ? 'named' : 'of a row'}`;
        same([rows[1]?.id, rows[1]?.body], [name, { i: of(name) }], `the row of the subject ${how}`);
        same([idsOf(live), idsOf(open.items)], [[`g${of(name)}`], [key.id]], `the live and the open rows of ${how}`);
      }
    }
  });
};

/** The open rows are the first page of `find`. */
const openRows: Cases = (define) => {
  const it = casesOf('context', define);
  it('gives at most limit open rows, the oldest first, and a next from which find() continues', async (store) => {
    // Ids compare by UTF-16 code unit, which differs from the bytes of UTF-8 above U+FFFF.
    const ids = ['a', 'B', '\uff5e', '\u{1f511}', 'z'];
    const rows = ids.flatMap((id, i) => [
      aRequestRow({ id, createdAt: 100 }),
      aRequestRow({ id: `${id}-later`, createdAt: 200 - i }),
      aRequestRow({ id: `${id}-closed`, createdAt: 100, open: false }),
      aRequestRow({ id: `${id}-other`, createdAt: 100, subject: NOOR }),
      aRow({ kind: 'use', id, createdAt: 100 }),
    ]);
    await given(store, rows);
    const query = { kind: 'request', subject: MAYA, open: true } as const;
    const { items: all } = await store.find({ ...query, limit: 100 });
    same(all.length, 10, 'the number of open requests that find() gives');
    for (const limit of [1, 3, 9, 10, 11]) {
      for (const subject of [MAYA, { subjectOf: { kind: 'request', id: 'a' } }]) {
        const { open } = await store.context({ keys: [{ kind: 'request', id: 'a' }], open: { kind: 'request', subject, limit } });
        same(open.items, all.slice(0, limit), `the first ${limit} open requests`);
        same(open.next === undefined, limit >= 10, `whether a page of ${limit} of 10 rows is the last`);
        if (open.next === undefined) continue;
        const rest = await store.find({ ...query, after: open.next, limit: 100 });
        same(rest, { items: all.slice(limit), next: undefined }, `the rest after ${limit} open requests, from find()`);
      }
    }
  });
};

/** All parts are of one instant, and not of an older one. */
const oneInstant: Cases = (define, { reopen }) => {
  const it = casesOf('context', define);
  it('shows a commit to every context() that begins after it, through every handle', async (store) => {
    const handles = [store, (await reopen(store)) as typeof store] as const;
    const [reader] = handles;
    for (let n = 1; n <= 10; n++) {
      // Each handle reads before the commit, so that a stale cached answer would show.
      for (const handle of handles) same(await counts(handle), expected(n - 1), `what context() shows before commit ${n}`);
      await commit(handles[n % 2 === 0 ? 0 : 1], changeOf(reader, `c${n}`, counted(n)));
      for (const handle of handles) same(await counts(handle), expected(n), `what context() shows after commit ${n}`);
    }
  });

  it('gives all parts of one instant while commits run', async (store) => {
    const other = (await reopen(store)) as typeof store;
    await commit(store, changeOf(store, 'c1', counted(1)));
    for (let n = 2; n <= 40; n++) {
      const before = [store, other, store].map(counts);
      const committing = commit(store, changeOf(store, `c${n}`, counted(n)));
      const during: Promise<readonly (number | undefined)[]>[] = [];
      for (let turn = 0; turn < 8; turn++) {
        during.push(counts(turn % 2 === 0 ? other : store));
        await Promise.resolve();
      }
      await committing;
      for (const shown of await Promise.all([...before, ...during])) {
        const first = shown[0] ?? 0;
        holds(first === n || first === n - 1, `context() during commit ${n} shows the state before or after it: got that of ${first}`);
        same(shown, expected(first), `each part of the answer to context() during commit ${n}`);
      }
    }
  });
};

/** Rows of two subjects: open and closed requests, live and ended grants, a closed lock and rows that no part gives. */
const population = (): readonly Row[] => [
  aRequestRow(),
  aRequestRow({ id: 'r2', createdAt: START_AT + 1 }),
  aRequestRow({ id: 'r3', open: false }),
  aRequestRow({ id: 'r4', subject: NOOR }),
  aSubjectRow(MAYA),
  aSubjectRow(NOOR, { body: { unreviewed: ['g3'] } }),
  aLock({ open: false }),
  aRow({ id: 'g1' }),
  aRow({ kind: 'usage', id: 'g1' }),
  aRow({ id: 'g2', scope: 'db-prod:read', from: START_AT * 2, until: START_AT * 3 }),
  aRow({ id: 'g3', subject: NOOR }),
  aRow({ id: 'g4', open: false }),
  aRow({ kind: 'use', id: 'u1' }),
];

type StoreWithContext = GrantStore & Required<Pick<GrantStore, 'context'>>;

/** Compares each part with the answer of `get`, `live` and `find`. */
async function agrees(store: StoreWithContext, query: ContextQuery, keys: readonly RowKey[]): Promise<void> {
  const { live, open } = query as { live: LiveQuery; open: { kind: string; subject: string; limit: number } };
  const answer = await store.context(query);
  const expected = { rows: await store.get(keys), live: await store.live(live), open: await store.find({ ...open, open: true }) };
  same(answer.rows, expected.rows, 'the rows that context() gives, and those of get()');
  // `live` may also give rows that have ended.
  const [shown, wanted] = [answer, expected].map((given) => sorted(given).live.filter(({ until = Infinity }) => live.at < until));
  same(shown, wanted, `the live rows that context() gives of ${live.subject}, and those of live()`);
  same(answer.open, expected.open, `the open rows that context() gives of ${open.subject}, and those of find()`);
}

const keyOf = ({ kind, id }: Row) => `${kind} ${id}`;
const keysIn = (rows: readonly Row[]): string[] => rows.map(keyOf).sort();

/** The live rows may come in any order. */
const sorted = (answer: StoreContext): StoreContext => ({
  ...answer,
  live: [...answer.live].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
});

/** The rows of commit `n`, one for each part of an answer. Each says `n`. */
const counted = (n: number): readonly Row[] => {
  const said = { version: n, body: { n } };
  return [aRequestRow(said), aSubjectRow(MAYA, said), aRow({ id: 'g1', ...said }), aLock(said)];
};

/** The `n` that each part of an answer says. */
async function counts(store: StoreWithContext): Promise<readonly (number | undefined)[]> {
  const { rows, live, open } = await store.context({
    keys: [REQUEST, OF_REQUEST, LOCK],
    live: { subject: OF_REQUEST, at: START_AT },
    open: { kind: 'request', subject: OF_REQUEST, limit: 2 },
  });
  const shown = [...rows, ...['grant', 'lock'].map((kind) => live.find((row) => row.kind === kind)), open.items[0]];
  return shown.map((row) => row?.body['n'] as number | undefined);
}

/** What {@link counts} gives after commit `n`. */
const expected = (n: number): readonly (number | undefined)[] => Array.from({ length: 6 }, () => (n === 0 ? undefined : n));
