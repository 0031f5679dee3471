import type { Change, GrantStore } from '../../core/store-port.js';
import { aRow } from '../builders.js';
import { START_AT } from '../manual-clock.js';
import { same } from '../assertions.js';
import { changeOf, commit, conflict, entryFor, given, LATEST } from './steps.js';
import { casesOf, type Cases } from './cases.js';

/** Guarantee 8: if an answer shared state with the store, a caller that changes it would change access without a journal entry. */
export const copies: Cases = (it, hooks) => {
  changedAnswers(it, hooks);
  changedArguments(it, hooks);
};

/** An answer that its caller changes does not affect other answers. */
const changedAnswers: Cases = (it) => {
  const changing = (read: string, ask: (store: GrantStore) => unknown) => async (store: GrantStore) => {
    await given(store, [nestedRow('x'), nestedRow('y')]);
    const before = structuredClone(await ask(store));
    vandalise(await ask(store));
    same(await ask(store), before, `the answer of ${read}() after a caller changed the last one`);
    for (const [other, askOther] of Object.entries(READS)) {
      const text = JSON.stringify(await askOther(store));
      same(text.includes(JUNK), false, `whether the answer of ${other}() shows what a caller did to that of ${read}()`);
    }
  };
  const named = (read: string) => `gives from ${read}() what may be changed without effect, or can't be changed`;
  for (const [read, ask] of Object.entries(READS)) it(named(read), changing(read, ask));
  casesOf('context', it)(named('context'), changing('context', askContext));

  it('gives from journal() of an empty namespace what may be changed without effect, on it and on another namespace', async (store) => {
    const other = store.in(`${store.namespace}-b`);
    const genesis = { seq: 0, hash: '0'.repeat(64) };
    for (const handle of [store, other]) {
      vandalise(await handle.journal({ after: 0, limit: 10 }));
      for (const [which, asked] of Object.entries({ the: store, 'the other': other })) {
        const what = `journal() of ${which} namespace, which is empty, after a caller changed an answer`;
        same(await asked.journal({ after: 0, limit: 10 }), { entries: [], start: genesis, head: genesis }, what);
      }
    }
  });
};

/** Changes to a committed change, or to an answer of `commit`, have no effect either. */
const changedArguments: Cases = (it) => {
  it('keeps a copy of the change: what happens to it afterwards has no effect', async (store) => {
    const change: Change = changeOf(store, 'c1', [nestedRow('x'), nestedRow('y')], {
      append: [entryFor(store, 'c1.1', { data: { list: [1, { deep: true }] } })],
    });
    await commit(store, change);
    const before = await everything(store);
    vandalise(change);
    same(await everything(store), before, 'all answers after a caller changed the change');
  });

  it('compares with the version kept, not with that of an answer that was changed', async (store) => {
    await given(store, [nestedRow('x')]);
    for (const row of await store.live({ subject: 'user:maya', scope: 'db-prod:write', at: START_AT })) Reflect.set(row, 'version', 41);
    for (const row of await store.get([nestedRow('x')])) Reflect.set(row ?? {}, 'version', 41);
    await conflict(store, changeOf(store, 'c1', [nestedRow('x', 42)]), 'it expects the changed version');
    await commit(store, changeOf(store, 'c2', [nestedRow('x', 2)]));
  });

  it('links to the head kept, not to one that was changed', async (store) => {
    await given(store, [nestedRow('x')]);
    const { head } = await store.journal({ after: 0, limit: 1 });
    Reflect.set(head, 'seq', 41);
    Reflect.set(head, 'hash', 'f'.repeat(64));
    await commit(store, changeOf(store, 'c1', [nestedRow('y')]));
    const { entries } = await store.journal({ after: 1, limit: 1 });
    same(entries[0]?.seq, 2, 'the number of the next entry');
  });

  it('links to the head kept, not to one of an answer of commit() that was changed', async (store) => {
    const { head } = await store.commit(changeOf(store, 'c1', [nestedRow('x')]));
    Reflect.set(head, 'seq', 41);
    Reflect.set(head, 'hash', 'f'.repeat(64));
    await commit(store, changeOf(store, 'c2', [nestedRow('y')]));
    const { entries } = await store.journal({ after: 1, limit: 1 });
    same(entries[0]?.seq, 2, 'the number of the next entry');
  });
};

const JUNK = 'vandalised';

const READS: Readonly<Record<string, (store: GrantStore) => unknown>> = {
  get: (store) => store.get([nestedRow('x'), nestedRow('y')]),
  live: (store) => store.live({ subject: 'user:maya', scope: 'db-prod:write', at: START_AT }),
  'live of all scopes': (store) => store.live({ subject: 'user:maya', at: START_AT }),
  find: (store) => store.find({ kind: 'grant', limit: 10 }),
  due: (store) => store.due({ at: LATEST, limit: 10 }),
  journal: (store) => store.journal({ after: 0, limit: 10 }),
};

const askContext = (store: GrantStore) =>
  store.context?.({
    keys: [nestedRow('x'), nestedRow('y')],
    live: { subject: 'user:maya', at: START_AT },
    open: { kind: 'grant', subject: 'user:maya', limit: 10 },
  });

async function everything(store: GrantStore): Promise<unknown> {
  return structuredClone(await Promise.all(Object.values(READS).map((ask) => ask(store))));
}

function nestedRow(id: string, version = 1) {
  return aRow({ id, version, body: { list: [{ a: [1, 2, { b: 'c' }] }], text: 'unchanged', nested: { deep: { deeper: {} } } } });
}

/** Changes everything in a value that can be changed, at every depth. */
function vandalise(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    vandalise(Reflect.get(value, key));
    Reflect.set(value, key, JUNK);
  }
  Reflect.set(value, 'added', JUNK);
  if (Array.isArray(value)) Reflect.set(value, 'length', 0);
  else for (const key of Object.keys(value)) Reflect.deleteProperty(value, key);
}
