import fc from 'fast-check';
import { MemoryGrantStore, type GrantStore, type Page } from 'jit-access';
import type { Change, ContextQuery, Row, StoreContext } from 'jit-access/store';
import { aRow, anEntry, type StoreMethod } from 'jit-access/testing';
import { expect, it } from 'vitest';
import { actArb, moveArb, type Step } from '../../property/steps.js';
import { World } from '../../property/world.js';
import { CLIENTS } from './clients.js';
import { openedFor } from './opened.js';
import { describeRedis } from './server.js';

/** Sends calls, one after the other, to two stores that must behave the same. */
class Pair {
  readonly #a: GrantStore;
  readonly #b: GrantStore;
  /** The cursor after a page of `due` differs between the stores: this maps one to the other. */
  readonly #places = new Map<string | undefined, string | undefined>();

  constructor(a: GrantStore, b: GrantStore) {
    this.#a = a;
    this.#b = b;
  }

  async call(method: StoreMethod, argument: unknown): Promise<void> {
    const ask = (store: GrantStore, what: unknown) => (store[method] as (argument: unknown) => unknown)(what);
    // Rows of the in-memory store have their own class: only their fields are compared.
    const expected: unknown = structuredClone(await ask(this.#a, argument));
    const after = (argument as { readonly after?: string }).after;
    const own = method === 'due' && after !== undefined ? { ...(argument as object), after: this.#places.get(after) } : argument;
    const got = await ask(this.#b, own);
    if (method === 'due') {
      const [page, other] = [expected as Page<Row>, got as Page<Row>];
      this.#places.set(page.next, other.next);
      expect(other.items).toStrictEqual(page.items);
      expect(other.next === undefined).toBe(page.next === undefined);
    } else if (method === 'live') expect(sorted(got as readonly Row[])).toStrictEqual(sorted(expected as readonly Row[]));
    else if (method === 'context') expect(inOrder(got as StoreContext)).toStrictEqual(inOrder(expected as StoreContext));
    else expect(got).toStrictEqual(expected);
  }

  /** Byte for byte. */
  async expectSameJournal(): Promise<number> {
    const [a, b] = await Promise.all([this.#a, this.#b].map(async (store) => store.journal({ after: 0, limit: 1_000 })));
    expect(JSON.stringify(b)).toBe(JSON.stringify(a));
    return a?.entries.length ?? 0;
  }
}

const sorted = (rows: readonly Row[]): readonly Row[] => [...rows].sort((a, b) => (`${a.kind} ${a.id}` < `${b.kind} ${b.id}` ? -1 : 1));

const inOrder = (answer: StoreContext): StoreContext => ({ ...answer, live: sorted(answer.live) });

// Few texts, so that they meet; some sort differently as bytes, some contain separators.
const text = fc.constantFrom('a', 'a\0', 'a\x01', 'b', '\u{1f511}', '\uff5e', '__proto__', '');
const instant = fc.option(fc.constantFrom(0, 1, 5, 9, 10, 8.64e15), { nil: undefined, freq: 5 });
const kind = fc.constantFrom('grant', 'usage', 'request', 'subject');
const row = fc
  .record({ kind, id: text, subject: fc.option(text, { nil: undefined }), scope: fc.option(text, { nil: undefined }), open: fc.boolean() })
  // These fields never change for one id.
  .map((fixed) => ({ ...fixed, createdAt: fixed.id.length % 2 }))
  .chain((fixed) =>
    fc.record({ from: instant, until: instant, dueAt: instant, sortAt: instant }).map((window) => aRow({ ...fixed, ...window })),
  );

type Call =
  | {
      readonly do: 'write';
      readonly rows: readonly Row[];
      readonly remove: readonly number[];
      readonly stale: boolean;
      readonly trim: number;
    }
  | { readonly do: Exclude<StoreMethod, 'commit'>; readonly argument: object };
const limit = fc.constantFrom(1, 2, 3, 50);
/** A question about the subject of a row, or about one that is named. */
const context: fc.Arbitrary<ContextQuery> = fc
  .record({ kind, id: text, name: fc.option(text, { nil: undefined }), at: fc.nat(10), open: kind, limit })
  .map(({ kind: of, id, name, at, open, limit: most }) => {
    const key = { kind: of, id };
    const subject = name ?? { subjectOf: key };
    return { keys: [key, { subjectOf: key }], live: { subject, at }, open: { kind: open, subject, limit: most } };
  });
const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({
        rows: fc.array(row, { maxLength: 4 }),
        remove: fc.array(fc.nat(30), { maxLength: 2 }),
        stale: fc.boolean(),
        trim: fc.nat(12),
      })
      .map((fields) => ({ do: 'write' as const, ...fields })),
  },
  fc.record({
    do: fc.constant('live' as const),
    argument: fc.record({ subject: text, scope: fc.option(text, { nil: undefined }), at: fc.nat(10) }),
  }),
  fc.record({ do: fc.constant('context' as const), argument: context }),
  fc.record({
    do: fc.constant('find' as const),
    argument: fc.record({
      kind,
      subject: fc.option(text, { nil: undefined }),
      open: fc.option(fc.boolean(), { nil: undefined }),
      during: fc.option(fc.record({ from: fc.nat(10), until: fc.nat(11) }), { nil: undefined }),
      scope: fc.option(text, { nil: undefined }),
      order: fc.constantFrom(undefined, 'oldest' as const, 'newest' as const, 'due' as const),
      after: fc.option(
        fc.tuple(fc.nat(2), text).map((place) => JSON.stringify(place)),
        { nil: undefined },
      ),
      limit,
    }),
  }),
  fc.record({ do: fc.constant('due' as const), argument: fc.record({ at: fc.nat(10), limit }) }),
  fc.record({ do: fc.constant('journal' as const), argument: fc.record({ after: fc.nat(20), limit }) }),
);

describeRedis('redisGrantStore and MemoryGrantStore', (server) => {
  const { store } = openedFor(server);

  it.each(Object.keys(CLIENTS))('give the same answers to every call of an engine in any sequence of verbs, over %s', async (name) => {
    const stepArb: fc.Arbitrary<Step> = fc.oneof({ weight: 3, arbitrary: actArb }, { weight: 1, arbitrary: moveArb });
    const make = CLIENTS[name as keyof typeof CLIENTS];
    let commits = 0;
    let entries = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(stepArb, { minLength: 40, maxLength: 60, size: 'max' }), async (steps) => {
        const world = new World(false);
        for (const step of steps) {
          await world.try(step);
          await world.look();
        }
        // The ids and instants of the recorded life.
        const pair = new Pair(new MemoryGrantStore(), (await store({}, make)).store);
        for (const { method, argument } of world.store.calls) {
          await pair.call(method, argument);
          if (method === 'commit') commits += 1;
        }
        entries += await pair.expectSameJournal();
      }),
      { numRuns: 10 },
    );
    // Not only sequences in which nothing is recorded.
    expect(commits).toBeGreaterThan(30);
    expect(entries).toBeGreaterThan(30);
  });

  it('give the same answers to any sequence of changes and queries', async () => {
    let committed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 10, maxLength: 60, size: 'max' }), async (calls) => {
        const memory = new MemoryGrantStore();
        const { store: redis } = await store();
        const pair = new Pair(memory, redis);
        for (const [i, one] of calls.entries()) {
          if (one.do !== 'write') await pair.call(one.do, one.argument);
          else {
            const change = await changeOf(memory, i, one);
            await pair.call('commit', change);
            if (i % 3 === 0) await pair.call('commit', change);
            await pair.call('get', [...change.put, ...change.expect, { kind: 'grant', id: 'nobody' }]);
            if ((await memory.commit(change)).outcome === 'committed') committed += 1;
          }
        }
        await pair.expectSameJournal();
      }),
      { numRuns: 40 },
    );
    expect(committed).toBeGreaterThan(100);
  });
});

/** A change that is based on the current versions, or on the version before. */
async function changeOf(store: GrantStore, i: number, { rows, remove, stale, trim }: Extract<Call, { do: 'write' }>): Promise<Change> {
  const unique = [...new Map(rows.map((one) => [JSON.stringify([one.kind, one.id]), one])).values()];
  const before = await store.get(unique);
  const all = (await store.find({ kind: 'grant', limit: 50 })).items.filter(
    (one) => !unique.some(({ kind, id }) => kind === one.kind && id === one.id),
  );
  const gone = [...new Set(remove)].flatMap((which) => all[which] ?? []);
  const put = unique.map((one, at) => ({ ...one, version: (before[at]?.version ?? 0) + 1 }));
  const late = stale && i % 4 === 0 ? 1 : 0;
  const { head } = await store.journal({ after: 0, limit: 1 });
  return {
    id: `c${i}`,
    expect: [...put.map(({ kind, id, version }) => ({ kind, id, version: version - 1 + late })), ...gone],
    put,
    // Always an entry: a repeated change without one may be answered either way.
    append: Array.from({ length: 1 + (i % 3) }, (_, n) => anEntry({ id: `c${i}.${n}`, data: { n } })),
    remove: gone,
    trimJournalTo: i % 5 === 0 ? Math.min(trim, head.seq) : undefined,
  };
}
