import { randomUUID } from 'node:crypto';
import type { GrantStore } from 'jit-access';
import { sqlGrantStore } from 'jit-access/sql';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { kyselyOn, Postgres } from './postgres.js';
import { isCommit, Proxy } from '../proxy.js';
import { attempts, eventually } from '../eventually.js';
import { outcomesOf } from '../../commit-answers.js';
import { expectFailover } from '../failover.js';

/** Long enough for any machine. */
const PATIENT = 30_000;
/** For tests in which the limit must expire. */
const SHORT = 300;

let postgres: Postgres;
let proxy: Proxy;
beforeAll(async () => {
  postgres = await Postgres.migrated();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  proxy = await Proxy.to(postgres.url);
});
afterEach(() => proxy.close());

/** Two stores on one namespace: one through the faulty network, one as another process opens it. */
async function twoStores({ read = false, max = 4, timeoutMs = PATIENT } = {}): Promise<{ far: GrantStore; near: GrantStore }> {
  const namespace = randomUUID();
  const pool = postgres.pool({ max, connectionString: proxy.url });
  const options = { dialect: 'postgres', namespace } as const;
  const far = sqlGrantStore({ ...options, timeoutMs, db: kyselyOn(pool, 2 * timeoutMs), read: read ? pool : undefined });
  const near = sqlGrantStore({ ...options, timeoutMs: PATIENT, db: kyselyOn(postgres.pool({ max })) });
  await near.commit(changeOf(near, 'first', 'first'));
  await eventually(() => far.get([aRow()]));
  return { far, near };
}

const changeOf = (store: GrantStore, id: string, row: string) =>
  aChange({ id, put: [aRow({ id: row })], append: [anEntry({ namespace: store.namespace, id: `${id}.1` })] });

const idsIn = async (store: GrantStore): Promise<readonly string[]> =>
  (await store.journal({ after: 0, limit: 100 })).entries.map(({ id }) => id);

describe('commit() over a faulty network', () => {
  it('commits once over a slow network', async () => {
    const { far, near } = await twoStores();
    proxy.delay(30);
    const outcomes = await Promise.all([1, 2, 3].map((n) => far.commit(changeOf(far, `c${n}`, n === 3 ? 'first' : `x${n}`))));
    expect(outcomesOf(outcomes)).toEqual(['committed', 'committed', 'conflict']);
    expect(await idsIn(near)).toEqual(['first.1', 'c1.1', 'c2.1']);
  });

  it('commits once where every connection is reset during it', async () => {
    const { far, near } = await twoStores();
    let requests = 0;
    proxy.intercept(() => {
      requests += 1;
      // At each of its statements once, including COMMIT.
      if (requests % 2 === 0 && requests <= 12) queueMicrotask(() => proxy.reset());
      return 'pass';
    });
    const outcome = await eventually(() => far.commit(changeOf(far, 'c1', 'x')));
    expect(outcome).toMatchObject({ outcome: 'committed' });
    expect(await idsIn(near)).toEqual(['first.1', 'c1.1']);
  });

  it('rejects with an unknown outcome where COMMIT never arrives, and commits the same change once later', async () => {
    const { far, near } = await twoStores();
    proxy.atCommit('cut');
    expect(await attempts(far, changeOf(far, 'c1', 'x'))).toEqual(['ERR_JIT_OUTCOME_UNKNOWN', 'committed']);
    expect(await idsIn(near)).toEqual(['first.1', 'c1.1']);
  });

  it('recognises the same change as committed after the reply to COMMIT was lost', async () => {
    const { far, near } = await twoStores();
    proxy.atCommit('cut the reply');
    expect(await attempts(far, changeOf(far, 'c1', 'x'))).toEqual(['ERR_JIT_OUTCOME_UNKNOWN', 'committed']);
    expect(await idsIn(near)).toEqual(['first.1', 'c1.1']);
  });

  it('returns the right outcome for each of the changes in a transaction whose reply was lost', async () => {
    const { far, near } = await twoStores();
    proxy.atCommit('cut the reply');
    const ids = Array.from({ length: 9 }, (_, i) => `c${i}`);
    const answers = await Promise.all(ids.map((id, i) => attempts(far, changeOf(far, id, i === 8 ? 'first' : `x${i}`))));
    expect(answers.map(([lost]) => lost)).toEqual(Array<string>(9).fill('ERR_JIT_OUTCOME_UNKNOWN'));
    expect(answers.map(([, answer]) => answer)).toEqual([...Array<string>(8).fill('committed'), 'conflict']);
    expect(await idsIn(near)).toEqual(['first.1', ...ids.slice(0, 8).map((id) => `${id}.1`)]);
  });

  it('rejects with an unknown outcome and the change where no reply arrives any more', async () => {
    const { far, near } = await twoStores({ timeoutMs: SHORT });
    // On a machine that stalls, the limit may expire before COMMIT: then the test repeats it.
    for (let isUnknown = false; !isUnknown;) {
      proxy.atCommit('refuse at the reply');
      const error: unknown = await far.commit(changeOf(far, 'c1', 'x')).catch((failure: unknown) => failure);
      isUnknown = (error as { code?: string }).code !== 'ERR_JIT_STORE';
      if (isUnknown) expect(error).toMatchObject({ code: 'ERR_JIT_OUTCOME_UNKNOWN', changeId: 'c1' });
      expect(await idsIn(near)).toEqual(isUnknown ? ['first.1', 'c1.1'] : ['first.1']);
      proxy.mend();
    }
    expect(await eventually(() => far.commit(changeOf(far, 'c1', 'x')))).toMatchObject({ outcome: 'committed' });
    expect(await idsIn(near)).toEqual(['first.1', 'c1.1']);
  });

  it('rejects with nothing applied where the server was never reached', async () => {
    const { far, near } = await twoStores();
    proxy.refuse();
    const error: unknown = await far.commit(changeOf(far, 'c1', 'x')).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'ERR_JIT_STORE', operation: 'commit' });
    expect(await idsIn(near)).toEqual(['first.1']);
  });

  it('rejects within its limit where no reply arrives, and commits again once the network is repaired', async () => {
    const { far, near } = await twoStores({ timeoutMs: SHORT });
    proxy.blackHole('to the client');
    await expect(far.commit(changeOf(far, 'c1', 'x'))).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
    expect(await idsIn(near)).toEqual(['first.1']);
    proxy.mend();
    expect(await eventually(() => far.commit(changeOf(far, 'c2', 'y')))).toMatchObject({ outcome: 'committed' });
    expect(await idsIn(near)).toEqual(['first.1', 'c2.1']);
  });

  it('takes the head from a holder that went silent before its COMMIT', async () => {
    const { far, near } = await twoStores({ timeoutMs: SHORT });
    let isHeld: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (isHeld = resolve));
    proxy.intercept((data) => {
      if (!isCommit(data)) return 'pass';
      isHeld();
      return 'black hole';
    });
    const silent = far.commit(changeOf(far, 'c1', 'x')).catch((error: unknown) => error);
    // On a machine that stalls, the holder may time out before its COMMIT: then there is no holder to wait for.
    await Promise.race([held, silent]);
    expect(await near.commit(changeOf(near, 'c2', 'y'))).toMatchObject({ outcome: 'committed' });
    expect(['ERR_JIT_OUTCOME_UNKNOWN', 'ERR_JIT_STORE']).toContain(((await silent) as { code?: string }).code);
    expect(await idsIn(near)).toEqual(['first.1', 'c2.1']);
  });
});

describe('an engine over a faulty network', () => {
  it('L31 returns the outcome of a verb whose reply was lost in a failover of five seconds', async () => {
    const { far, near } = await twoStores();
    await expectFailover({ store: far, near, begin: () => proxy.atCommit('refuse at the reply'), end: () => proxy.mend() });
  });
});

describe('reads over a faulty network', () => {
  const reads: Readonly<Record<string, (store: GrantStore) => unknown>> = {
    get: (store) => store.get([aRow({ id: 'first' })]),
    live: (store) => store.live({ subject: 'user:maya', at: 0 }),
    find: (store) => store.find({ kind: 'grant', limit: 1 }),
    due: (store) => store.due({ at: 0, limit: 1 }),
    journal: (store) => store.journal({ after: 0, limit: 1 }),
  };
  const ways = ['to the server', 'to the client'] as const;

  it.each(ways)('reject within their limit where no data goes %s, through Kysely and through a pool', async (way) => {
    for (const read of [false, true]) {
      const { far } = await twoStores({ read, timeoutMs: SHORT });
      proxy.blackHole(way);
      for (const ask of Object.values(reads)) {
        await expect(Promise.resolve(ask(far))).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
      }
      proxy.mend();
    }
  });

  it.each([true, false])('continue over new connections where those of the pool stay silent for ever; straight: %s', async (read) => {
    const { far } = await twoStores({ read, max: 2, timeoutMs: SHORT });
    const first = { kind: 'grant', id: 'first' };
    const ask = () => Promise.allSettled([1, 2, 3, 4].map(() => far.get([first])));
    while ((await ask()).some(({ status }) => status === 'rejected'));
    expect(proxy.silenceConnections()).toBeGreaterThan(0);
    expect((await ask()).map(({ status }) => status)).toContain('rejected');
    for (let answers = await ask(); answers.some(({ status }) => status === 'rejected');) answers = await ask();
    expect(await eventually(() => far.get([first]))).toEqual([aRow(first)]);
    expect(await eventually(() => far.commit(changeOf(far, 'c1', 'x')))).toMatchObject({ outcome: 'committed' });
  });

  it('reject where the server is gone, instead of returning nothing, and never show its URL', async () => {
    const { far } = await twoStores();
    proxy.refuse();
    for (const ask of Object.values(reads)) {
      const error: unknown = await Promise.resolve(ask(far)).catch((failure: unknown) => failure);
      expect(error).toMatchObject({ code: 'ERR_JIT_STORE' });
      expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('secret-of-the-test');
    }
  });
});
