import type { GrantStore } from 'jit-access';
import { redisGrantStore, type RedisClient } from 'jit-access/redis';
import { aChange, anEntry } from 'jit-access/testing';
import { expect, it } from 'vitest';
import { keysIn, openedFor, type OpenedStore } from './opened.js';
import { describeRedis } from './server.js';

const ENTRIES = 5_500;

describeRedis(
  'a journal in Redis that is trimmed',
  (server) => {
    const { store } = openedFor(server);

    async function filled() {
      const opened = await store();
      const { namespace } = opened.store;
      for (let n = 0; n < ENTRIES / 500; n++) {
        const append = Array.from({ length: 500 }, (_, i) => anEntry({ namespace, id: `e${n}.${i}` }));
        expect(await opened.store.commit(aChange({ id: `c${n}`, append }))).toMatchObject({ outcome: 'committed' });
      }
      return opened;
    }
    const kept = async ({ send, store: one }: OpenedStore) => [
      await send('HLEN', keysIn(one.namespace)[4] as string),
      await send('ZCARD', keysIn(one.namespace)[5] as string),
    ];
    const startOf = async (one: GrantStore) => (await one.journal({ after: 0, limit: 1 })).start.seq;

    it('is deleted in scripts of at most a thousand entries, so that other calls run in between (L42) [trim]', async () => {
      const opened = await filled();
      await opened.send('CONFIG', 'RESETSTAT');
      expect(await opened.store.commit(aChange({ trimJournalTo: ENTRIES - 100 }))).toMatchObject({ outcome: 'committed' });
      const scripts = /cmdstat_evalsha:calls=(\d+)/.exec(String(await opened.send('INFO', 'commandstats')))?.[1];
      expect(Number(scripts)).toBeGreaterThanOrEqual(Math.ceil((ENTRIES - 100) / 1_000));
      expect(await kept(opened)).toEqual([100, 1]);
      expect(await startOf(opened.store)).toBe(ENTRIES - 100);
    });

    it('starts at the trimmed entry although the process died during the deletion, which later commits finish (L42) [trim]', async () => {
      const opened = await filled();
      const { namespace } = opened.store;
      let sends = Infinity;
      // The client dies after its first script.
      const dying: RedisClient = {
        ...opened.client,
        send: (command) => (sends-- > 0 ? opened.client.send(command) : new Promise(() => undefined)),
      };
      const died = redisGrantStore({ client: dying, namespace, timeoutMs: 3_600_000 });
      await died.get([{ kind: 'grant', id: 'x' }]);
      sends = 1;
      void died.commit(aChange({ trimJournalTo: ENTRIES }));
      while ((await startOf(opened.store)) !== ENTRIES);
      const { entries } = await opened.store.journal({ after: 0, limit: 10 });
      expect(entries).toEqual([]);
      const [before] = (await kept(opened)) as [number];
      expect(before).toBeGreaterThan(0);
      const commits = Math.ceil(before / 1_000);
      for (let i = 0; i < commits; i++) await opened.store.commit(aChange({ append: [anEntry({ namespace, id: `later.${i}` })] }));
      expect(await kept(opened)).toEqual([commits, commits]);
      expect((await opened.store.journal({ after: 0, limit: 10 })).entries.map(({ id }) => id)[0]).toBe('later.0');
    });
  },
  { own: true },
);
