import { JitEngine, reviewers } from 'jit-access';
import { redisGrantStore } from 'jit-access/redis';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { expect, it } from 'vitest';
import { dumpOf, keysIn, openedFor } from './opened.js';
import { describeRedis } from './server.js';

const PLACE = 'postgres://db.internal/jit, since 2026';

describeRedis('a namespace in Redis that has moved to another store', (server) => {
  const { store, connect } = openedFor(server);

  async function moved() {
    const opened = await store();
    const { namespace } = opened.store;
    const [head = ''] = keysIn(namespace);
    const change = aChange({ id: 'before', put: [aRow()], append: [anEntry({ namespace, id: 'before.1' })] });
    await opened.store.commit(change);
    const move = () => opened.send('HSET', head, 'moved', PLACE);
    return { ...opened, namespace, head, change, move };
  }

  it('refuses every commit, its journal and its head by the name of the place, and writes nothing', async () => {
    const opened = await moved();
    const { store: one, namespace, change, move } = opened;
    await move();
    const before = await dumpOf(opened, keysIn(namespace));
    const put = [aRow({ version: 2 })];
    for (const ask of [
      () => one.commit(aChange({ put, append: [anEntry({ namespace, id: 'after.1' })] })),
      () => one.commit(aChange({ put: [aRow({ version: 9 })] })),
      () => one.commit(aChange({ expect: [{ ...aRow(), version: 1 }], remove: [aRow()] })),
      () => one.commit(aChange({ trimJournalTo: 1 })),
      () => one.commit(aChange()),
      // Also a change that was committed before: the caller must not take this store for the one that decides.
      () => one.commit(change),
      () => one.journal({ after: 0, limit: 1 }),
    ])
      await expect(ask()).rejects.toMatchObject({
        code: 'ERR_JIT_MOVED',
        namespace,
        to: PLACE,
        message: `namespace ${namespace} has moved to ${PLACE}: open it there`,
      });
    await expect(one.adopt?.({ rows: [], entries: [] })).rejects.toMatchObject({ code: 'ERR_JIT_STORE' });
    expect(await one.heads?.([namespace, `${namespace}-unused`])).toEqual([undefined, { seq: 0, hash: '0'.repeat(64) }]);
    expect(await dumpOf(opened, keysIn(namespace))).toEqual(before);
  });

  it('leaves the outcome of a change unknown whose reply was lost before the move, and refuses later ones by name', async () => {
    for (const isApplied of [true, false]) {
      const { store: one, namespace, move, head, send } = await moved();
      const { client } = await connect();
      let commits = 0;
      const losing = {
        ...client,
        async send(command: readonly string[]) {
          if (!command.some((text) => text.includes('a:lost')) || ++commits > 1) return client.send(command);
          if (isApplied) await client.send(command);
          await move();
          throw new Error('the connection is lost');
        },
      };
      const engine = new JitEngine({
        store: redisGrantStore({ client: losing, namespace }),
        approver: reviewers({ members: ['user:sam'] }),
        onError: () => undefined,
      });
      const ask = (scope: string) => engine.requestAccess({ subject: 'user:maya', scope, ttl: '1h' });
      await ask('a:first');
      await expect(ask('a:lost')).rejects.toMatchObject({ code: 'ERR_JIT_OUTCOME_UNKNOWN' });
      expect(commits).toBe(2);
      await expect(ask('a:later')).rejects.toMatchObject({ code: 'ERR_JIT_MOVED', to: PLACE });
      await send('HDEL', head, 'moved');
      expect((await one.find({ kind: 'request', limit: 9 })).items).toHaveLength(isApplied ? 2 : 1);
      await engine.close();
    }
  });
});
