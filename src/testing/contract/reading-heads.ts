import type { GrantStore } from '../../core/store-port.js';
import type { Anchor } from '../../records/index.js';
import { aChange, aRow } from '../builders.js';
import { rejects, same } from '../assertions.js';
import { casesOf, type Cases } from './cases.js';
import { SEPARATORS } from './hostile.js';
import { changeOf, commit, conflict, entryFor, given, next } from './steps.js';

/**
 * Guarantee 5, for `heads`: a follower of many namespaces reads only the journals whose heads moved. If a head is stale, or
 * belongs to another namespace, an entry is never delivered.
 */
export const readingHeads: Cases = (it, hooks) => {
  whose(it, hooks);
  many(it, hooks);
};

const whose: Cases = (define, { reopen }) => {
  const it = casesOf('heads', define);

  it('gives the head that each journal gives, in the order asked', async (store) => {
    const [one, three, none] = await unequal(store);
    const asked = [three, none, one, store, three].map(({ namespace }) => namespace);
    same(await store.heads(asked), await headsOf(store, asked), 'the heads, in the order asked');
    same(
      (await store.heads(asked)).map((head) => head?.seq),
      [3, 0, 1, 0, 3],
      'the numbers in the heads',
    );
    same(await store.heads([]), [], 'the answer to no names');
  });

  it('gives seq 0 with 64 zeros where no entry was ever written', async (store) => {
    const [used, unused] = [store, store.in(`${store.namespace}-unused`)];
    await commit(used, aChange({ put: [aRow({ id: 'x' })] }));
    const zero = { seq: 0, hash: '0'.repeat(64) };
    same(await store.heads([used.namespace, unused.namespace]), [zero, zero], 'the heads of journals without entries');
  });

  it('gives the head of the last commit with entries, through every handle', async (store) => {
    const others = [await reopen(store), store.in(`${store.namespace}-b`)] as const;
    let row = aRow({ id: 'x' });
    for (let commits = 1; commits <= 3; commits++) {
      // Each handle reads before the commit, so that a stale cached answer would show.
      for (const handle of [store, ...others]) await headOf(handle, store.namespace);
      const writing = commits === 2 ? others[0] : store;
      await commit(writing, changeOf(writing, `c${commits}`, [row]));
      await commit(writing, aChange({ put: [next(row)] }));
      await conflict(writing, changeOf(writing, `stale-${commits}`, [row]), 'it expects the version from before');
      const { head } = await store.journal({ after: 0, limit: 1 });
      same(head.seq, commits, 'the number in the head of the journal');
      for (const handle of [store, ...others]) same(await headOf(handle, store.namespace), head, `the head after commit ${commits}`);
      row = next(next(row));
    }
  });

  it('gives the head of a journal that was trimmed whole', async (store) => {
    const [, three] = await unequal(store);
    const { head } = await three.journal({ after: 0, limit: 1 });
    await commit(three, aChange({ trimJournalTo: head.seq }));
    same(await headOf(store, three.namespace), head, 'the head after the purge');
  });
};

const many: Cases = (define) => {
  const it = casesOf('heads', define);

  it('takes 1,000 names at once', async (store) => {
    const [one, three] = await unequal(store);
    const asked = Array.from({ length: 1_000 }, (_, i) =>
      i % 2 === 0 ? `${store.namespace}-${i}` : (i % 3 === 0 ? one : three).namespace,
    );
    const heads = { [one.namespace]: await headOf(store, one.namespace), [three.namespace]: await headOf(store, three.namespace) };
    const zero = { seq: 0, hash: '0'.repeat(64) };
    same(
      await store.heads(asked),
      asked.map((name) => heads[name] ?? zero),
      'the heads of 1,000 names',
    );
  });

  it('distinguishes names byte by byte', async (store) => {
    const base = store.namespace.slice(0, 200);
    const ends = ['x', 'X', 'x%', 'x_', '{x}', '*', '\u00e9', '\uff5e', '\u{1f511}', ...SEPARATORS.map((separator) => `n${separator}x`)];
    const names = [...new Set(ends)].map((end) => base + end);
    for (const [i, name] of names.entries()) {
      const handle = store.in(name);
      await commit(handle, aChange({ append: Array.from({ length: i + 1 }, (_, entry) => entryFor(handle, `e${entry}`)) }));
    }
    same(await store.heads(names), await headsOf(store, names), 'the heads of names that are nearly alike');
  });

  it('gives anchors that may be changed without effect, or cannot be changed', async (store) => {
    const [one, three, none] = await unequal(store);
    const names = [one, three, none].map(({ namespace }) => namespace);
    const before = structuredClone(await store.heads(names));
    for (const head of await store.heads(names)) {
      Reflect.set(head as Anchor, 'seq', 41);
      Reflect.set(head as Anchor, 'hash', 'f'.repeat(64));
    }
    same(await store.heads(names), before, 'the heads after a caller changed those of the last answer');
    same(await headsOf(store, names), before, 'the heads of the journals after that');
    await given(one, [aRow({ id: 'y' })]);
    same((await headOf(store, one.namespace))?.seq, 2, 'the number of the next entry');
  });

  it('refuses more than 1,000 names, and what is no list of ids', async (store) => {
    const names = Array.from({ length: 1_001 }, (_, i) => `n${i}`);
    for (const asked of [names, ...NO_NAMES]) {
      const error = await rejects(() => store.heads(asked as readonly string[]), `heads() of ${JSON.stringify(asked)?.slice(0, 40)}`);
      same((error as { code?: unknown }).code, 'ERR_JIT_INVALID_ARGUMENT', 'the code of the refusal');
    }
  });
};

const NO_NAMES: readonly unknown[] = [
  undefined,
  null,
  'payments',
  { 0: 'payments', length: 1 },
  [''],
  ['payments', undefined],
  [5],
  [['payments']],
  ['a\u0000b'],
  [' a'],
  ['e\u0301'],
  ['\ud800'],
  ['x'.repeat(257)],
];

/** Namespaces with one, three and no entries. */
async function unequal<Store extends GrantStore>(store: Store): Promise<readonly [GrantStore, GrantStore, GrantStore]> {
  const [one, three, none] = ['one', 'three', 'none'].map((end) => store.in(`${store.namespace}-${end}`)) as [
    GrantStore,
    GrantStore,
    Store,
  ];
  await commit(one, aChange({ append: [entryFor(one, 'a')] }));
  await commit(three, aChange({ append: ['a', 'b', 'c'].map((id) => entryFor(three, id)) }));
  return [one, three, none];
}

const headOf = async (store: GrantStore, name: string): Promise<Anchor | undefined> =>
  ((await store.heads?.([name])) as readonly (Anchor | undefined)[])[0];

/** The heads according to `journal`. */
const headsOf = (store: GrantStore, names: readonly string[]): Promise<readonly Anchor[]> =>
  Promise.all(names.map(async (name) => (await store.in(name).journal({ after: 0, limit: 1 })).head));
