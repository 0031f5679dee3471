import type { MaybePromise } from '../../core/ports.js';
import type { GrantStore } from '../../core/store-port.js';
import { encode } from '../../records/index.js';
import { aGrant, aRow } from '../builders.js';
import { START_AT } from '../manual-clock.js';
import { rejects, same } from '../assertions.js';
import { changeOf, commit, given, isKept, journalIds, LATEST, next } from './steps.js';
import { casesOf, type Cases, type DefineCase, type Hooks, type OptionalMethod } from './cases.js';

/**
 * Guarantee 9: a caller treats an empty answer as an empty store. A sweep then stops, a purge removes too much, and an inbox
 * shows no request. After a false `committed`, the engine does not send the change again.
 */
export const outages: Cases = (it, { breakBackend }) => {
  if (breakBackend === undefined) {
    it('is not proven: the suite was given no breakBackend', async (_store, leaveOut) => leaveOut('the suite was given no breakBackend'));
    return;
  }
  rejectedReads(it, breakBackend);
  rejectedCommits(it, breakBackend);
  afterOutage(it, breakBackend);
};

/** The cases of one group; each breaks the backend and repairs it. */
type OutageCases = <Store extends GrantStore>(it: DefineCase<Store>, breakBackend: NonNullable<Hooks<Store>['breakBackend']>) => void;

const row = aRow({ id: 'x' });
const change = (store: GrantStore) => changeOf(store, 'during the outage', [next(row)]);

/** Repairs the backend, even if `ask` fails. */
async function duringOutage(repair: () => MaybePromise<void>, ask: () => Promise<void>): Promise<void> {
  try {
    await ask();
  } finally {
    await repair();
  }
}

/** A read that cannot be answered is rejected. */
const rejectedReads: OutageCases = (it, breakBackend) => {
  const rejecting = (method: string, questions: Questions) => async (store: Parameters<typeof breakBackend>[0]) => {
    await given(store, [row]);
    await duringOutage(await breakBackend(store), async () => {
      for (const [about, ask] of Object.entries(questions)) await rejects(() => ask(store), `${method}() of ${about} during an outage`);
    });
  };
  for (const [method, questions] of Object.entries(QUESTIONS)) it(`rejects ${method}()`, rejecting(method, questions));
  for (const method of ['context', 'heads', 'dueNamespaces', 'adopt'] as const)
    casesOf(method, it)(`rejects ${method}()`, rejecting(method, OPTIONAL[method]));

  it('rejects live(), by a rejection or a throw', async (store) => {
    await given(store, [row]);
    await duringOutage(await breakBackend(store), async () => {
      for (const [about, query] of Object.entries(LIVE)) {
        // The one read that may answer without a promise may also fail without one.
        await rejects(async () => await store.live(query), `live() of ${about} during an outage`);
      }
    });
  });

  it('gives no windowOf(): undefined, which sends the check to live()', async (store) => {
    const grant = aGrant();
    await given(store, [encode(grant)]);
    await duringOutage(await breakBackend(store), async () => {
      same(store.windowOf?.(grant.subject, grant.scope), undefined, 'windowOf() during an outage');
    });
  });
};

/** A commit that cannot be made is rejected, in every namespace. */
const rejectedCommits: OutageCases = (it, breakBackend) => {
  it('rejects commit(), neither committed nor conflict', async (store) => {
    await given(store, [row]);
    await duringOutage(await breakBackend(store), async () => {
      await rejects(() => store.commit(change(store)), 'commit() during an outage');
      await rejects(() => store.commit(changeOf(store, 'stale', [row])), 'commit() of what would be a conflict, during an outage');
    });
  });

  it('rejects in other namespaces of the same backend', async (store) => {
    const other = store.in(`${store.namespace}-b`);
    await given(other, [row]);
    await duringOutage(await breakBackend(store), async () => {
      await rejects(() => other.get([row]), 'get() in another namespace during an outage');
    });
  });
};

/** An outage loses no committed data. */
const afterOutage: OutageCases = (it, breakBackend) => {
  it('answers again once the backend is back, with all that was committed before', async (store) => {
    await given(store, [row]);
    await duringOutage(await breakBackend(store), async () => {
      await rejects(() => store.get([row]), 'get() during an outage');
    });
    await isKept(store, row, row);
    same(await store.live({ subject: 'user:maya', scope: 'db-prod:write', at: START_AT }), [row], 'live() after the outage');
    same((await journalIds(store)).length, 1, 'the number of entries after the outage');
  });

  it('commits the change of the outage once, when it is committed again after it', async (store) => {
    await given(store, [row]);
    await duringOutage(await breakBackend(store), async () => {
      await rejects(() => store.commit(change(store)), 'commit() during an outage');
    });
    await commit(store, change(store));
    await isKept(store, row, next(row));
    same((await journalIds(store)).length, 2, 'the number of entries after the outage');
  });
};

const LIVE = {
  'a subject on a scope': { subject: 'user:maya', scope: 'db-prod:write', at: START_AT },
  'a subject': { subject: 'user:maya', at: START_AT },
  'a subject that has nothing': { subject: 'user:absent', scope: 'db-prod:write', at: START_AT },
};

type Questions = Readonly<Record<string, (store: GrantStore) => unknown>>;

/** For each read: queries with a non-empty answer, and queries with an empty answer. */
const QUESTIONS: Readonly<Record<string, Questions>> = {
  get: {
    'a record': (store) => store.get([aRow({ id: 'x' })]),
    'an absent row': (store) => store.get([aRow({ id: 'absent' })]),
  },
  find: {
    'a kind': (store) => store.find({ kind: 'grant', limit: 10 }),
    'a kind without rows': (store) => store.find({ kind: 'cursor', limit: 10 }),
  },
  due: {
    'what is due': (store) => store.due({ at: LATEST, limit: 10 }),
    'an instant at which nothing is': (store) => store.due({ at: 0, limit: 10 }),
  },
  journal: {
    'all entries': (store) => store.journal({ after: 0, limit: 10 }),
    'what lies after the head': (store) => store.journal({ after: 1_000, limit: 10 }),
  },
};

const OPTIONAL: Readonly<Record<OptionalMethod, Questions>> = {
  context: {
    'a record': (store) => store.context?.({ keys: [row], live: { subject: 'user:maya', at: START_AT } }),
    'a subject that has nothing': (store) => store.context?.({ keys: [], live: { subject: 'user:absent', at: START_AT } }),
    'open rows of a kind without rows': (store) => store.context?.({ keys: [], open: { kind: 'cursor', subject: 'user:maya', limit: 10 } }),
  },
  heads: {
    'a namespace with entries': (store) => store.heads?.([store.namespace]),
    'a namespace without': (store) => store.heads?.([`${store.namespace}-b`]),
  },
  adopt: {
    'a part': (store) => store.in(`${store.namespace}-b`).adopt?.({ rows: [row], entries: [] }),
  },
  dueNamespaces: {
    'what is due': (store) => store.dueNamespaces?.({ at: LATEST, limit: 10 }),
    'an instant at which nothing is': (store) => store.dueNamespaces?.({ at: 0, limit: 10 }),
  },
};
