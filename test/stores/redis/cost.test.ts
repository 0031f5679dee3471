import { aChange, anEntry, aRow } from 'jit-access/testing';
import { expect, it } from 'vitest';
import { CLIENTS } from './clients.js';
import { keysIn, openedFor, type OpenedStore } from './opened.js';
import { describeRedis } from './server.js';

const LIVE = 5_000;
const check = { subject: 'user:7', scope: 'db:7', at: 0 };

/** How often the server ran each command while something was done. Those of a script are among them. */
async function commandsOf({ send }: OpenedStore, work: () => unknown): Promise<Record<string, number>> {
  await send('CONFIG', 'RESETSTAT');
  await work();
  const stats = String(await send('INFO', 'commandstats'));
  const ran = [...stats.matchAll(/^cmdstat_([^:|]+):calls=(\d+)/gm)].map(([, name = '', calls]) => [name, Number(calls)] as const);
  return Object.fromEntries(ran.filter(([name]) => !['info', 'config', 'ping', 'client'].includes(name)));
}

describeRedis(
  'the commands sent to Redis',
  (server) => {
    const { store } = openedFor(server);

    /** A store with grants of many subjects. */
    async function filled(count: number, make = CLIENTS['node-redis']) {
      const opened = await store({}, make);
      const { namespace } = opened.store;
      const put = (i: number) => aRow({ id: `r${i}`, subject: `user:${i}`, scope: `db:${i}`, dueAt: 1_000 + i });
      const changes = Array.from({ length: count / 100 }, (_, n) =>
        aChange({ put: Array.from({ length: 100 }, (_, i) => put(100 * n + i)), append: [anEntry({ namespace, id: `c${n}.1` })] }),
      );
      await Promise.all(changes.map((change) => opened.store.commit(change)));
      return opened;
    }

    it.each(Object.entries(CLIENTS))('L34 are one script with the same few reads for a check on a scope, over %s', async (_, make) => {
      const opened = await filled(100, make);
      await opened.store.live(check);
      // Counts of the namespace's keys, which do not iterate; then the field that names the row, the row, and the row of the locks.
      expect(await commandsOf(opened, () => opened.store.live(check))).toEqual({ evalsha: 1, hmget: 1, hlen: 2, zcard: 1, hget: 3 });
    });

    it('L34 are the same for a check, a page of what is due and a change, for any number of live grants', async () => {
      const [few, many] = [await filled(100), await filled(LIVE)];
      let ended = 20;
      const questions: ((opened: OpenedStore) => Promise<unknown>)[] = [
        ({ store: one }) => Promise.resolve(one.live(check)),
        ({ store: one }) => Promise.resolve(one.live({ ...check, scope: undefined })),
        ({ store: one }) => one.due({ at: 1_009, limit: 100 }),
        ({ store: one }) => one.find({ kind: 'grant', subject: 'user:9', open: true, limit: 10 }),
        ({ store: one }) => one.find({ kind: 'grant', open: false, limit: 10 }),
        ({ store: one }) => one.journal({ after: 0, limit: 1 }),
        // Another grant each time: one live grant less, one entry more.
        ({ store: one }) => {
          const row = { subject: `user:${ended}`, scope: `db:${ended}`, id: `r${ended++}`, version: 2, open: false, dueAt: undefined };
          return one
            .commit(aChange({ put: [aRow(row)], append: [anEntry({ id: `${row.id}.end` })] }))
            .then((answer) => expect(answer).toMatchObject({ outcome: 'committed' }));
        },
      ];
      for (const ask of questions) {
        // The first call may have to load the script.
        await ask(few);
        await ask(many);
        const cost = await commandsOf(few, () => ask(few));
        expect(Object.keys(cost)).not.toEqual([]);
        expect(await commandsOf(many, () => ask(many))).toEqual(cost);
      }
    });

    it('are one script for up to 64 waiting changes', async () => {
      const opened = await filled(100);
      const { namespace } = opened.store;
      const changes = Array.from({ length: 64 }, (_, i) =>
        aChange({ put: [aRow({ id: `new${i}` })], append: [anEntry({ namespace, id: `n${i}.1` })] }),
      );
      const { evalsha } = await commandsOf(opened, () => Promise.all(changes.map((change) => opened.store.commit(change))));
      expect(evalsha).toBe(1);
    });

    it('read at most a thousand lines in a script for pages of a past with few matching rows', async () => {
      const opened = await filled(LIVE);
      const during = { from: 0, until: 1 };
      const { evalsha = 0, hget = 0 } = await commandsOf(opened, async () => {
        for (let after: string | undefined, more = true; more; more = after !== undefined) {
          const page = await opened.store.find({ kind: 'grant', during, after, limit: 10 });
          expect(page.items).toEqual([]);
          after = page.next;
        }
      });
      expect(hget).toBe(LIVE);
      expect(evalsha).toBe(Math.floor(LIVE / 1_000) + 1);
    });

    it("link to the server's current head where the server has lost acknowledged changes", async () => {
      const opened = await filled(500);
      const { namespace } = opened.store;
      await opened.send('DEL', ...keysIn(namespace));
      const change = aChange({ put: [aRow()], append: [anEntry({ namespace, id: 'later.1' })] });
      expect(await opened.store.commit(change)).toMatchObject({ outcome: 'committed' });
      expect((await opened.store.journal({ after: 0, limit: 10 })).entries.map(({ seq, id }) => [seq, id])).toEqual([[1, 'later.1']]);
    });

    it('delete a long journal in one change', async () => {
      const opened = await filled(100);
      const { namespace } = opened.store;
      for (let n = 0; n < 5; n++) {
        const append = Array.from({ length: 500 }, (_, i) => anEntry({ namespace, id: `long${n}.${i}` }));
        expect(await opened.store.commit(aChange({ id: `long${n}`, append }))).toMatchObject({ outcome: 'committed' });
      }
      const { head } = await opened.store.journal({ after: 0, limit: 1 });
      const { hdel } = await commandsOf(opened, async () => {
        expect(await opened.store.commit(aChange({ trimJournalTo: head.seq }))).toMatchObject({ outcome: 'committed' });
      });
      expect(hdel).toBe(Math.ceil(head.seq / 1_000));
      expect(await opened.store.journal({ after: 0, limit: 10 })).toEqual({ entries: [], start: head, head });
      expect(await opened.send('HLEN', keysIn(namespace)[4] as string)).toBe(0);
      expect(await opened.send('ZCARD', keysIn(namespace)[5] as string)).toBe(0);
    });
  },
  { own: true },
);
