import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { isJitError, JitEngine, reviewers } from 'jit-access';
import { verifyStore } from 'jit-access/journal';
import { fromIoredis, redisGrantStore } from 'jit-access/redis';
import { createClient } from 'redis';
import { describe, expect, it } from 'vitest';
import { freePort } from '../free-port.js';
import { isInstalled, startServer, type TestServer } from './started.js';

const PROGRAM = process.env['JIT_TEST_REDIS_PROGRAM'] ?? 'redis-server';
const NAME = 'jit';
/** How many grants are revoked while one server replicates the other. */
const GRANTS = 6;

/** Monitors a primary, and promotes its replica when the primary fails. */
async function startSentinel(primary: TestServer, replica: TestServer) {
  const folder = await mkdtemp(join(tmpdir(), 'jit-access-sentinel-'));
  const port = await freePort();
  const config = join(folder, 'sentinel.conf');
  const settings = ['down-after-milliseconds 300', 'failover-timeout 3000', 'parallel-syncs 1'].map((setting) => {
    const [name, value] = setting.split(' ');
    return `sentinel ${name} ${NAME} ${value}`;
  });
  await writeFile(
    config,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor ${NAME} ${primary.host} ${primary.port} 1`,
      // Without this it would notice within ten seconds.
      `sentinel known-replica ${NAME} ${replica.host} ${replica.port}`,
      ...settings,
      '',
    ].join('\n'),
  );
  const child = spawn(PROGRAM, [config, '--sentinel'], { stdio: 'ignore' });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = once(child, 'exit');
  const stop = async () => {
    kill();
    await ended;
    process.off('exit', kill);
    await rm(folder, { recursive: true, force: true });
  };
  return { port, stop };
}

/** The reply of a server; `undefined` where it closes the connection, as a server does whose role changes. */
async function sendTo({ url }: { readonly url: string }, ...command: string[]): Promise<unknown> {
  const client = createClient({ url, socket: { reconnectStrategy: () => 20 } });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await client.sendCommand(command);
  } catch {
    return undefined;
  } finally {
    client.destroy();
  }
}

describe.skipIf(!isInstalled)('a primary under Sentinel', () => {
  it('is replaced by its replica, which keeps every acknowledged revoke; the old one refuses every read when it is back (L12, L41) [V3]', async () => {
    const undo: (() => unknown)[] = [];
    try {
      const primary = await startServer(['--repl-diskless-sync-delay', '0', '--min-replicas-to-write', '1']);
      undo.push(() => primary.stop());
      const replica = await startServer(['--replicaof', `127.0.0.1 ${primary.port}`]);
      undo.push(() => replica.stop());
      while (!/state=online/.test(String(await sendTo(primary, 'INFO', 'replication'))));
      const sentinel = await startSentinel(primary, replica);
      undo.push(() => sentinel.stop());
      const watching = { url: `redis://127.0.0.1:${sentinel.port}` };
      // It must know the replica before it can promote it.
      while (!/slaves=1/.test(String(await sendTo(watching, 'INFO', 'sentinel'))));

      const client = new Redis({
        sentinels: [{ host: '127.0.0.1', port: sentinel.port }],
        name: NAME,
        retryStrategy: () => 20,
        sentinelRetryStrategy: () => 20,
      });
      client.on('error', () => undefined);
      undo.push(() => client.disconnect());
      const namespace = randomUUID();
      const store = redisGrantStore({ client: fromIoredis(client), namespace, timeoutMs: 500 });
      const engine = new JitEngine({ store, approver: reviewers({ members: ['user:sam'] }), onError: () => undefined });
      // Calls without a pause, at most this many times.
      const settled = async <T>(ask: () => Promise<T>): Promise<T> => {
        let last: unknown;
        for (let asked = 0; asked < 60; asked++) {
          try {
            return await ask();
          } catch (error) {
            last = error;
            expect(isJitError(error) && error.code).toMatch(/^ERR_JIT_(STORE|OUTCOME_UNKNOWN)$/);
          }
        }
        return expect.fail(`no answer: ${String(last)}`);
      };
      const ids: string[] = [];
      for (let i = 0; i < GRANTS; i++) {
        const { request } = await settled(() => engine.requestAccess({ subject: 'user:maya', scope: `a:${i}`, ttl: '1h' }));
        await settled(() => engine.approve(request.id, { by: 'user:sam' }));
        ids.push(`${request.id}.1`);
      }
      const seqOn = async (server: TestServer) => sendTo(server, 'HGET', `{jit:${namespace}}:head`, 'seq');
      while ((await seqOn(replica)) !== (await seqOn(primary)));

      // The old primary hangs, with its connections open, and is back after the other one was promoted.
      primary.process?.kill('SIGSTOP');
      undo.push(() => primary.process?.kill('SIGCONT'));
      while (!/role:master/.test(String(await sendTo(replica, 'INFO', 'replication'))));
      for (const [i, id] of ids.entries()) {
        await settled(() => engine.revoke(id, { by: 'user:sam' }));
        expect(await settled(() => engine.isAllowed('user:maya', `a:${i}`))).toBe(false);
      }
      primary.process?.kill('SIGCONT');
      while (!/role:slave|connected_slaves:0/.test(String(await sendTo(primary, 'INFO', 'replication'))));
      const old = new Redis(primary.url);
      old.on('error', () => undefined);
      undo.push(() => old.disconnect());
      const behind = redisGrantStore({ client: fromIoredis(old), namespace });
      await expect((async () => behind.live({ subject: 'user:maya', scope: 'a:0', at: 0 }))()).rejects.toThrow(/READONLY|NOREPLICAS/);
      expect(await verifyStore(store)).toMatchObject({ ok: true });
    } finally {
      for (const each of undo.reverse()) await each();
    }
  });
});
