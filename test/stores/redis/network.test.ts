import { isJitError, OutcomeUnknownError, StoreError } from 'jit-access';
import { verifyJournal } from 'jit-access/journal';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { CLIENTS } from './clients.js';
import { openedFor } from './opened.js';
import { attempts, eventually } from '../eventually.js';
import { expectFailover } from '../failover.js';
import { isCommit } from '../proxy.js';
import { describeRedis } from './server.js';

const codeOf = (error: unknown) => (isJitError(error) ? error.code : error);

for (const [name, make] of Object.entries(CLIENTS)) {
  describeRedis(`redisGrantStore over ${name}, when the network fails`, (server) => {
    const { store, proxy, connect } = openedFor(server);
    /** ioredis sends a command again by itself when its connection is back; the store itself never does. */
    const lost = name === 'ioredis' ? [] : ['ERR_JIT_OUTCOME_UNKNOWN'];

    /** A store behind a proxy, a store without it, and a change that is new to both. */
    async function behindProxy(timeoutMs?: number) {
      const network = await proxy();
      const opened = await store({ timeoutMs }, make, network.url);
      const { namespace } = opened.store;
      const direct = (await store({ namespace })).store;
      await direct.commit(aChange({ put: [aRow(), aRow({ id: 'other' })], append: [anEntry({ namespace, id: 'first.1' })] }));
      await eventually(() => opened.store.get([aRow()]));
      const change = aChange({ id: 'c', put: [aRow({ version: 2 })], append: [anEntry({ namespace })] });
      return { ...opened, network, direct, change };
    }
    const entriesOf = async ({ direct }: Awaited<ReturnType<typeof behindProxy>>) => {
      const slice = await direct.journal({ after: 0, limit: 100 });
      expect((await verifyJournal(slice.entries, { start: slice.start, head: slice.head })).ok).toBe(true);
      return slice.entries.map(({ id }) => id);
    };

    it.each(['cut', 'cut the reply'] as const)('commits once where the connection is %s', async (fate) => {
      const opened = await behindProxy();
      const { namespace } = opened.store;
      // From here on the client knows the head, and the server the script: otherwise the change would be sent once more.
      await opened.store.commit(
        aChange({ id: 'second', put: [aRow({ id: 'other', version: 2 })], append: [anEntry({ namespace, id: 'second.1' })] }),
      );
      let times = 0;
      opened.network.intercept((data) => (isCommit(data) && times++ === 0 ? fate : 'pass'));
      expect(await attempts(opened.store, opened.change)).toEqual([...lost, 'committed']);
      expect(times).toBe(2);
      expect(await entriesOf(opened)).toEqual(['first.1', 'second.1', 'c1.1']);
    });

    it('returns its own outcome for each change of a batch whose reply was lost', async () => {
      const opened = await behindProxy();
      const { namespace } = opened.store;
      let times = 0;
      opened.network.intercept((data) => (isCommit(data) && times++ === 0 ? 'cut the reply' : 'pass'));
      const changes = Array.from({ length: 6 }, (_, i) =>
        // Two changes write the same row: of each pair one is refused.
        aChange({ id: `b${i}`, put: [aRow({ id: `r${i % 3}` })], append: [anEntry({ namespace, id: `b${i}.1` })] }),
      );
      const answers = await Promise.all(changes.map((change) => attempts(opened.store, change)));
      const outcomes = ['committed', 'committed', 'committed', 'conflict', 'conflict', 'conflict'];
      expect(answers).toEqual(outcomes.map((outcome) => [...lost, outcome]));
      expect(await entriesOf(opened)).toEqual(['first.1', 'b0.1', 'b1.1', 'b2.1']);
    });

    it('rejects with an unknown outcome where the reply is lost, and returns committed for the same change later', async () => {
      const opened = await behindProxy();
      opened.network.intercept((data) => (isCommit(data) ? 'cut the reply' : 'pass'));
      const error: unknown = await opened.store.commit(opened.change).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(OutcomeUnknownError);
      expect((error as OutcomeUnknownError).changeId).toBe('c');
      opened.network.mend();
      expect(await (await store({ namespace: opened.store.namespace }, make)).store.commit(opened.change)).toMatchObject({
        outcome: 'committed',
      });
      expect(await entriesOf(opened)).toEqual(['first.1', 'c1.1']);
    });

    it('L31 returns the outcome of a verb whose reply was lost in a failover of five seconds', async () => {
      const { store: far, network, direct } = await behindProxy(200);
      await expectFailover({ store: far, near: direct, begin: () => network.atCommit('refuse at the reply'), end: () => network.mend() });
    });

    it('rejects within its limit over a connection without replies', async () => {
      const opened = await behindProxy(50);
      opened.network.blackHole('to the client');
      const commit = opened.store.commit(opened.change).catch((thrown: unknown) => thrown);
      const reads = [
        opened.store.get([aRow()]),
        opened.store.live({ subject: 'user:maya', scope: 'db-prod:write', at: 0 }),
        opened.store.live({ subject: 'user:maya', at: 0 }),
        opened.store.find({ kind: 'grant', limit: 1 }),
        opened.store.due({ at: 0, limit: 1 }),
        opened.store.journal({ after: 0, limit: 1 }),
      ];
      for (const read of await Promise.allSettled(reads.map(async (read) => read))) {
        expect(read.status === 'rejected' && codeOf(read.reason)).toBe('ERR_JIT_STORE');
        expect(String((read as PromiseRejectedResult).reason)).toMatch(/within 50 ms/);
      }
      expect(codeOf(await commit)).toBe('ERR_JIT_OUTCOME_UNKNOWN');
    });

    it('never sends a commit that timed out while it waited for a connection', async () => {
      const opened = await behindProxy(20);
      opened.network.refuse();
      // The first call may be sent before the client notices that the connection is gone.
      await opened.store.get([aRow()]).catch(() => undefined);
      const error: unknown = await opened.store.commit(opened.change).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(StoreError);
      expect(String(error)).toMatch(/no connection to Redis within 20 ms/);
      let commits = 0;
      opened.network.intercept((data) => {
        if (isCommit(data)) commits += 1;
        return 'pass';
      });
      opened.network.mend();
      const again = await store({ namespace: opened.store.namespace }, make);
      expect(await again.store.get([aRow()])).toEqual([aRow()]);
      expect(commits).toBe(0);
      expect(await entriesOf(opened)).toEqual(['first.1']);
    });

    it('commits once on a slow connection, and returns committed for the same change after a reset', async () => {
      const opened = await behindProxy();
      opened.network.delay(30);
      expect(await opened.store.commit(opened.change)).toMatchObject({ outcome: 'committed' });
      opened.network.mend();
      opened.network.reset();
      expect(await eventually(() => opened.store.commit(opened.change))).toMatchObject({ outcome: 'committed' });
      expect(await entriesOf(opened)).toEqual(['first.1', 'c1.1']);
    });

    it('waits for a reconnect within the limit', async () => {
      const opened = await behindProxy();
      opened.network.refuse();
      await opened.store.get([aRow()]).catch(() => undefined);
      const answer = opened.store.get([aRow()]);
      opened.network.mend();
      expect(await answer).toEqual([aRow()]);
    });

    it('rejects at once over a closed client', async () => {
      const opened = await store({ timeoutMs: 3_600_000 }, make);
      opened.close();
      await expect(opened.store.get([aRow()])).rejects.toThrow(StoreError);
      await expect(opened.store.commit(aChange({ put: [aRow()] }))).rejects.toThrow(StoreError);
    });

    it('commits and reads after SCRIPT FLUSH', async () => {
      const opened = await store({}, make);
      const { namespace } = opened.store;
      const { send } = await connect();
      for (let i = 0; i < 3; i++) {
        await send('SCRIPT', 'FLUSH');
        const change = aChange({ put: [aRow({ id: `r${i}` })], append: [anEntry({ namespace, id: `${i}.1` })] });
        expect(await opened.store.commit(change)).toMatchObject({ outcome: 'committed' });
        await send('SCRIPT', 'FLUSH');
        expect((await opened.store.find({ kind: 'grant', limit: 10 })).items).toHaveLength(i + 1);
        expect((await opened.store.journal({ after: i, limit: 10 })).entries).toHaveLength(1);
      }
    });
  });
}

describe('isCommit of the network tests', () => {
  it('recognises only the commit script', () => {
    expect(isCommit(Buffer.from('*3\r\n$7\r\nEVALSHA\r\n$14\r\n{jit:a}:moved\r\n'))).toBe(true);
    expect(isCommit(Buffer.from('*3\r\n$7\r\nEVALSHA\r\n$13\r\n{jit:a}:rows\r\n'))).toBe(false);
    expect(isCommit(Buffer.from('*3\r\n$4\r\nHGET\r\n'))).toBe(false);
  });
});
