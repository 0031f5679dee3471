import { randomUUID } from 'node:crypto';
import { JitEngine, reviewers, type GrantStore } from 'jit-access';
import { verifyJournal, verifyStore } from 'jit-access/journal';
import { aChange, anEntry, aRow, ManualClock } from 'jit-access/testing';
import { expect, it } from 'vitest';
import { CLIENTS } from './clients.js';
import { openedFor } from './opened.js';
import { describeRedis } from './server.js';
import { outcomesOf } from '../../commit-answers.js';

const makers = Object.values(CLIENTS);

describeRedis('several connections to one namespace in Redis', (server) => {
  const { store, connect } = openedFor(server);

  const several = (count: number, namespace: string = randomUUID()): Promise<GrantStore[]> =>
    Promise.all(Array.from({ length: count }, async (_, i) => (await store({ namespace }, makers[i % makers.length])).store));
  const journalOf = async (one: GrantStore) => {
    const slice = await one.journal({ after: 0, limit: 1_000 });
    expect(await verifyJournal(slice.entries, { start: slice.start, head: slice.head })).toMatchObject({ ok: true });
    return slice.entries.map(({ id }) => id);
  };

  it('link every change to the head that other connections have moved', async () => {
    const stores = await several(8);
    const all = stores.flatMap((one, i) =>
      Array.from({ length: 25 }, (_, n) => {
        const id = `s${i}-${n}`;
        return { one, change: aChange({ id, put: [aRow({ id })], append: [anEntry({ id: `${id}.1` }), anEntry({ id: `${id}.2` })] }) };
      }),
    );
    const outcomes = await Promise.all(all.map(({ one, change }) => one.commit(change)));
    expect(new Set(outcomesOf(outcomes))).toEqual(new Set(['committed']));
    const ids = await journalOf(stores[0] as GrantStore);
    expect([...ids].sort()).toEqual(all.flatMap(({ change }) => [`${change.id}.1`, `${change.id}.2`]).sort());
  });

  it('commit one of 64 conflicting changes', async () => {
    const stores = await several(8);
    const [first] = stores as [GrantStore];
    await first.commit(aChange({ put: [aRow()], append: [anEntry({ id: 'given.1' })] }));
    const outcomes = await Promise.all(
      Array.from({ length: 64 }, (_, i) =>
        (stores[i % 8] as GrantStore).commit(aChange({ id: `c${i}`, put: [aRow({ version: 2 })], append: [anEntry({ id: `c${i}.1` })] })),
      ),
    );
    expect(outcomesOf(outcomes).filter((outcome) => outcome === 'committed')).toHaveLength(1);
    expect(await journalOf(first)).toEqual(['given.1', `c${outcomesOf(outcomes).indexOf('committed')}.1`]);
  });

  it('judge each change of a batch separately: a conflict or a malformed change does not affect the others', async () => {
    const [one] = (await several(1)) as [GrantStore];
    const changes = Array.from({ length: 150 }, (_, i) => {
      const id = `c${String(i).padStart(3, '0')}`;
      const digest = i % 10 === 7 ? { digest: 'no digest' } : {};
      return aChange({ id, put: [aRow({ id, version: i % 3 === 1 ? 2 : 1 })], append: [anEntry({ id: `${id}.1`, ...digest })] });
    });
    const outcomes = await Promise.allSettled(changes.map((change) => one.commit(change)));
    const expected = changes.map((_, i) => (i % 10 === 7 ? 'rejected' : i % 3 === 1 ? 'conflict' : 'committed'));
    expect(outcomes.map((outcome) => (outcome.status === 'rejected' ? 'rejected' : outcome.value.outcome))).toEqual(expected);
    expect(await journalOf(one)).toEqual(changes.filter((_, i) => expected[i] === 'committed').map(({ id }) => `${id}.1`));
  });

  it('commit the values at the call, also when the objects are changed afterwards', async () => {
    const [one] = (await several(1)) as [GrantStore];
    const body = { list: ['as given'] };
    const data = { text: 'as given' };
    const change = aChange({ put: [aRow({ body })], append: [anEntry({ data })] });
    const committed = one.commit(change);
    body.list[0] = 'changed';
    data.text = 'changed';
    expect(await committed).toMatchObject({ outcome: 'committed' });
    expect((await one.get([aRow()]))[0]?.body).toEqual({ list: ['as given'] });
    expect((await one.journal({ after: 0, limit: 1 })).entries[0]?.data).toEqual({ text: 'as given' });
  });

  it('wake a watcher of one connection for a commit of another, over one subscription, which ends with the last watcher', async () => {
    for (const make of makers) {
      const namespace = randomUUID();
      const [watching, other] = [(await store({ namespace }, make)).store, (await store({ namespace })).store] as const;
      const { send } = await connect();
      const channel = `{jit:${namespace}}:moved`;
      const subscribers = async () => ((await send('PUBSUB', 'NUMSUB', channel)) as unknown[])[1];
      let woken = 0;
      let wake: () => void = () => undefined;
      const stops = [0, 1, 2].map(() =>
        watching.watch?.(() => {
          woken += 1;
          wake();
        }),
      );
      while ((await subscribers()) !== 1) await send('PING');
      // The new subscription wakes each watcher too, once or twice: fewer times than there are commits.
      for (let i = 0; i < 10; i++) {
        const next = new Promise<void>((resolve) => (wake = resolve));
        await other.commit(aChange({ put: [aRow({ id: `r${i}` })], append: [anEntry({ id: `${i}.1` })] }));
        await next;
      }
      expect(woken).toBeGreaterThan(3 * 2);
      for (const stop of stops) stop?.();
      while ((await subscribers()) !== 0) await send('PING');
    }
  });

  it('wake watchers again after the subscription was cut', async () => {
    const namespace = randomUUID();
    for (const make of makers) {
      const { store: watching } = await store({ namespace }, make);
      const { send } = await connect();
      let wake: () => void = () => undefined;
      const first = new Promise<void>((resolve) => (wake = resolve));
      const stop = watching.watch?.(() => wake());
      await first;
      const again = new Promise<void>((resolve) => (wake = resolve));
      await send('CLIENT', 'KILL', 'TYPE', 'pubsub');
      // A commit in the meantime may have been missed, so a watcher is woken at each new subscription.
      await again;
      stop?.();
    }
  });

  it('give the engines over them one history: the store verifies, and each end is recorded once', async () => {
    const stores = await several(4);
    const clock = new ManualClock();
    const approver = reviewers({ members: ['user:ana', 'user:lee'] });
    const engines = stores.map((one) => new JitEngine({ store: one, clock, approver }));
    const [engine] = engines as [JitEngine];
    const asked = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        (engines[i % 4] as JitEngine).requestAccess({ subject: `user:${i}`, scopes: ['db:write'], ttl: '10m', justification: 'x' }),
      ),
    );
    await Promise.all(
      asked.flatMap(({ request }) =>
        engines.map((one, i) => one.approve(request.id, { by: i % 2 === 0 ? 'user:ana' : 'user:lee' }).catch(() => undefined)),
      ),
    );
    for (const one of engines) expect(await one.isAllowed('user:7', 'db:write')).toBe(true);
    await Promise.all(engines.map((one) => one.revokeAll({ subject: 'user:7' }, { by: 'user:ciso', reason: 'x' })));
    for (const one of engines) expect(await one.isAllowed('user:7', 'db:write')).toBe(false);
    await clock.advance('10m');
    for (const one of engines) expect(await one.isAllowed('user:8', 'db:write')).toBe(false);
    await Promise.all(Array.from({ length: 20 }, (_, i) => (engines[i % 4] as JitEngine).sweep()));
    const { entries } = await (stores[0] as GrantStore).journal({ after: 0, limit: 1_000 });
    const ends = entries.filter(({ type }) => type === 'grant.expired' || type === 'grant.revoked').map(({ grantId }) => grantId);
    expect(ends).toHaveLength(40);
    expect(new Set(ends).size).toBe(40);
    expect(await verifyStore(stores[0] as GrantStore)).toMatchObject({ ok: true });
    await Promise.all([engine, ...engines.slice(1)].map((one) => one.close()));
  });
});
