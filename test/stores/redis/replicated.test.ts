import { randomUUID } from 'node:crypto';
import { Cluster } from 'ioredis';
import { isJitError, JitEngine, reviewers, type GrantStore } from 'jit-access';
import { verifyJournal } from 'jit-access/journal';
import { fromIoredis, redisGrantStore } from 'jit-access/redis';
import { aChange, anEntry, aRow } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { Proxy } from '../proxy.js';
import { CLIENTS } from './clients.js';
import { openedFor } from './opened.js';
import { describeRedis } from './server.js';
import { startServer, type TestServer } from './started.js';

const oneRow = (namespace: string, id: string) => aChange({ put: [aRow({ id })], append: [anEntry({ namespace, id: `${id}.1` })] });
const codeOf = (error: unknown) => (isJitError(error) ? error.code : error);
const outcomeOf = (commit: Promise<unknown>) => commit.catch(codeOf);

describe('a Cluster', () => {
  it('refuses replicas at construction: WAIT has no key and goes to any node [V2]', () => {
    const cluster = new Cluster([{ port: 1 }], { lazyConnect: true });
    const make = () => redisGrantStore({ client: fromIoredis(cluster), namespace: 'payments', replicas: 1 });
    expect(make).toThrow(/replicas.*Cluster/);
  });
});

for (const [name, make] of Object.entries(CLIENTS)) {
  describeRedis(
    `a primary with a replica, over ${name}`,
    (server) => {
      const { store, connect, after } = openedFor(server);

      /** A replica that has all data of its primary. */
      async function withReplica(): Promise<TestServer> {
        const primary = await connect();
        await primary.send('CONFIG', 'SET', 'repl-diskless-sync-delay', '0');
        const replica = await startServer(['--replicaof', `127.0.0.1 ${server().port}`]);
        after(() => replica.stop());
        while (!/state=online/.test(String(await primary.send('INFO', 'replication')))) await primary.send('PING');
        return replica;
      }

      /** A grant on the primary that its replica has too, an engine on a connection to the primary, and one on the replica. */
      async function granted(timeoutMs = 5_000) {
        const replica = await withReplica();
        const namespace = randomUUID();
        const here = await store({ namespace, replicas: 1, timeoutMs }, make);
        const there = await store({ namespace }, make, replica.url);
        const [engine, other] = [here.store, there.store].map(
          (one: GrantStore) => new JitEngine({ store: one, approver: reviewers({ members: ['user:sam'] }), onError: () => undefined }),
        ) as [JitEngine, JitEngine];
        const { request } = await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
        await engine.approve(request.id, { by: 'user:sam' });
        expect(await engine.isAllowed('user:maya', 'a:b')).toBe(true);
        const check = () => engine.isAllowed('user:maya', 'a:b').catch(codeOf);
        return { here, there, other, check, grant: `${request.id}.1`, namespace, replica };
      }

      it('acknowledges no commit by a WAIT that was sent again over another connection (L12) [V1]', async () => {
        const replica = await withReplica();
        const network = await Proxy.to(server().url);
        after(() => network.close());
        const { store: one } = await store({ replicas: 1, timeoutMs: 600 }, make, network.url);
        // A new replica may take longer than the limit.
        const first = oneRow(one.namespace, 'first');
        expect(await eventually(() => one.commit(first))).toMatchObject({ outcome: 'committed' });
        replica.process?.kill('SIGSTOP');
        after(() => replica.process?.kill('SIGCONT'));
        let waits = 0;
        network.intercept((data) => (data.includes('WAIT') && waits++ === 0 ? 'cut' : 'pass'));
        const change = oneRow(one.namespace, 'lost');
        expect(await outcomeOf(one.commit(change))).toBe('ERR_JIT_OUTCOME_UNKNOWN');
        expect(waits).toBeGreaterThan(0);
        replica.process?.kill('SIGCONT');
        expect(await outcomeOf((await store({ namespace: one.namespace, replicas: 1 }, make)).store.commit(change))).toMatchObject({
          outcome: 'committed',
        });
      });

      it.each([
        ['that knows the script', 'PING'],
        ['that has forgotten the script', 'SCRIPT FLUSH'],
      ])(
        'does not report a refusal as "not applied" where the client has resent the commit itself, to a server %s (L31) [V1]',
        async (_, command) => {
          const network = await Proxy.to(server().url);
          after(() => network.close());
          const { store: one } = await store({}, make, network.url);
          const admin = await store({ namespace: one.namespace });
          after(() => admin.send('REPLICAOF', 'NO', 'ONE'));
          expect(await one.commit(oneRow(one.namespace, 'first'))).toMatchObject({ outcome: 'committed' });
          network.atCommit('refuse at the reply');
          const change = oneRow(one.namespace, 'applied');
          const outcome = outcomeOf(one.commit(change));
          while ((await admin.send('HLEN', `{jit:${one.namespace}}:journal`)) !== 2);
          await admin.send('REPLICAOF', '127.0.0.1', '1');
          await admin.send(...command.split(' '));
          network.mend();
          expect(await outcome).toBe('ERR_JIT_OUTCOME_UNKNOWN');
          await admin.send('REPLICAOF', 'NO', 'ONE');
          expect(await outcomeOf(admin.store.commit(change))).toMatchObject({ outcome: 'committed' });
          const { entries, start, head } = await admin.store.journal({ after: 0, limit: 9 });
          expect(entries.map(({ id }) => id)).toEqual(['first.1', 'applied.1']);
          expect(await verifyJournal(entries, { start, head })).toMatchObject({ ok: true });
        },
      );

      it('does not acknowledge a revoke that it finds done before the replica has it: a failover would lose it (L12)', async () => {
        const { here, grant, namespace, replica } = await granted(600);
        replica.process?.kill('SIGSTOP');
        after(() => replica.process?.kill('SIGCONT'));
        const engineOf = (one: GrantStore) =>
          new JitEngine({ store: one, approver: reviewers({ members: ['user:sam'] }), limits: { resendMs: 0 }, onError: () => undefined });
        const elsewhere = await store({ namespace, replicas: 1, timeoutMs: 600 }, make);
        const by = { by: 'user:sam' };
        for (const engine of [engineOf(here.store), engineOf(elsewhere.store)]) {
          expect(await outcomeOf(engine.revoke(grant, by))).toBe('ERR_JIT_OUTCOME_UNKNOWN');
          expect(await outcomeOf(engine.revokeAll({ subject: 'user:maya' }, by))).toBe('ERR_JIT_OUTCOME_UNKNOWN');
        }
        replica.process?.kill('SIGCONT');
        expect(await eventually(() => engineOf(elsewhere.store).revoke(grant, by))).toMatchObject({ id: grant });
        expect(await engineOf(elsewhere.store).revokeAll({ subject: 'user:maya' }, by)).toEqual({
          grants: [],
          requests: [],
          matched: false,
          similar: [],
        });
      });

      it('applies on the primary, one change after the other, what it cannot acknowledge while the replica lags (L12)', async () => {
        const replica = await withReplica();
        const { store: one } = await store({ replicas: 1, timeoutMs: 600 }, make);
        // The same change each time: a change with an unknown outcome may be applied already.
        const first = oneRow(one.namespace, 'first');
        expect(await eventually(() => one.commit(first))).toMatchObject({ outcome: 'committed' });
        replica.process?.kill('SIGSTOP');
        after(() => replica.process?.kill('SIGCONT'));
        for (const id of ['second', 'third'])
          expect(await outcomeOf(one.commit(oneRow(one.namespace, id)))).toBe('ERR_JIT_OUTCOME_UNKNOWN');
        const { entries } = await one.journal({ after: 0, limit: 9 });
        expect(entries.map(({ id }) => id)).toEqual(['first.1', 'second.1', 'third.1']);
      });

      it('acknowledges no repeated request and no repeated deny before the replica has what they find (L12)', async () => {
        const { namespace, replica } = await granted(600);
        const [engine, elsewhere] = (await Promise.all(
          [1, 2].map(async () => {
            const { store: one } = await store({ namespace, replicas: 1, timeoutMs: 600 }, make);
            return new JitEngine({
              store: one,
              approver: reviewers({ members: ['user:sam'] }),
              limits: { resendMs: 0 },
              onError: () => undefined,
            });
          }),
        )) as [JitEngine, JitEngine];
        const asked = { subject: 'user:maya', scope: 'c:d', ttl: '1h', idempotencyKey: 'k' } as const;
        const { request } = await engine.requestAccess({ ...asked, scope: 'e:f', idempotencyKey: 'other' });
        const deny = (one: JitEngine) => one.deny(request.id, { by: 'user:sam' });
        replica.process?.kill('SIGSTOP');
        after(() => replica.process?.kill('SIGCONT'));
        // The first call writes the request, the second its reviewers: the third writes nothing.
        for (const one of [engine, engine, engine, elsewhere])
          expect(await outcomeOf(one.requestAccess(asked))).toBe('ERR_JIT_OUTCOME_UNKNOWN');
        for (const one of [engine, engine, elsewhere]) expect(await outcomeOf(deny(one))).toBe('ERR_JIT_OUTCOME_UNKNOWN');
        replica.process?.kill('SIGCONT');
        expect(await eventually(() => engine.requestAccess(asked))).toMatchObject({ outcome: 'pending', reused: true });
        expect(await outcomeOf(deny(engine))).toBe('ERR_JIT_DECIDED');
      });

      it('denies over a connection to a primary that was demoted (L12, L41) [V3]', async () => {
        const { here, there, other, check, grant } = await granted();
        await there.send('REPLICAOF', 'NO', 'ONE');
        // Its link to the new primary is down: it keeps its data.
        await here.send('REPLICAOF', '127.0.0.1', '1');
        after(() => connect().then(({ send }) => send('REPLICAOF', 'NO', 'ONE')));
        await other.revoke(grant, { by: 'user:sam' });
        expect(await check()).toBe('ERR_JIT_STORE');
        for (const read of [
          () => here.store.get([aRow()]),
          async () => here.store.live({ subject: 'user:maya', at: 0 }),
          () => here.store.find({ kind: 'grant', limit: 1 }),
          () => here.store.due({ at: 8.64e15, limit: 1 }),
          () => here.store.journal({ after: 0, limit: 1 }),
          async () => here.store.heads?.([here.store.namespace]),
        ]) {
          await expect(read()).rejects.toThrow(/READONLY/);
        }
      });

      it('denies over an isolated primary that needs a replica (L12, L41) [V3]', async () => {
        const { here, there, other, check, grant } = await granted();
        await here.send('CONFIG', 'SET', 'min-replicas-to-write', '1');
        after(() => connect().then(({ send }) => send('CONFIG', 'SET', 'min-replicas-to-write', '0')));
        expect(await check()).toBe(true);
        await there.send('REPLICAOF', 'NO', 'ONE');
        await other.revoke(grant, { by: 'user:sam' });
        while (!/connected_slaves:0/.test(String(await here.send('INFO', 'replication'))));
        expect(await check()).toBe('ERR_JIT_STORE');
      });
    },
    { own: true },
  );
}
