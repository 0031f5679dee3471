import { randomUUID } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { VersionedProcess } from '../upgrade/processes.js';
import { expectShared } from '../upgrade/shared.js';
import type { Version } from '../upgrade/versions.js';
import { keysIn, openedFor } from './opened.js';
import { describeRedis } from './server.js';

const SEED = 20_261_202;
/** The operations of each version. */
const OPERATIONS = 1_000;
const CONTRACT_FIRST = { code: 'ERR_JIT_LAYOUT', message: expect.stringContaining('contract first') as string };
const UPDATE = { code: 'ERR_JIT_LAYOUT', message: expect.stringContaining('this process knows layout 1: update it') as string };

describeRedis('the released version and a later one over one namespace in Redis', (server) => {
  const { connect } = openedFor(server);
  const processes: VersionedProcess[] = [];
  afterEach(async () => {
    for (const one of processes.splice(0)) await one.kill();
  });

  it('L8 L12 L30 L32 run side by side, in both directions, and the old one refuses after the contract', async () => {
    const namespace = randomUUID();
    server().forget(namespace);
    const { send } = await connect();
    const numbers = () => send('HMGET', String(keysIn(namespace)[0]), 'version', 'readableFrom');
    let seed = SEED;
    const start = async (name: Version) => {
      const one = await VersionedProcess.start({ name, place: { kind: 'redis', where: server().url }, namespace, seed: ++seed });
      processes.push(one);
      return one;
    };

    // The old version alone. A new process reads, and needs no upgrade before.
    let old = await start('released');
    expect(await old.tell({ do: 'run', count: 100 })).toBe(100);
    const reader = await start('next');
    expect(await reader.tell({ do: 'check', subject: 'user:1', scope: 'db:1' })).toBe(false);
    expect(await reader.tell({ do: 'memo', id: 'early' })).toMatchObject(CONTRACT_FIRST);
    expect(await numbers()).toEqual(['1', '1']);

    // Both, under kills; binding features do not exist yet.
    const done = { released: 100, next: 0 };
    for (let round = 0; round < 3; round++) {
      const next = round === 0 ? reader : await start('next');
      const [a, b] = [old.tell({ do: 'run', count: 10_000 }), next.tell({ do: 'run', count: 10_000 })];
      await Promise.all([old.hasDone(200), next.hasDone(200)]);
      await Promise.all([old.kill(), next.kill()]);
      await Promise.all([a, b]);
      done.released += old.done;
      done.next += next.done;
      old = await start('released');
      expect(await numbers()).toEqual(['2', '1']);
    }
    let next = await start('next');
    expect(await next.tell({ do: 'comment' })).toMatchObject(CONTRACT_FIRST);
    expect(await next.tell({ do: 'remark' })).toMatchObject(CONTRACT_FIRST);
    expect(await next.tell({ do: 'memo', id: 'early' })).toMatchObject(CONTRACT_FIRST);

    // The way back: the old version alone over the new layout. Its contract does nothing.
    await next.kill();
    expect(await old.tell({ do: 'migrate', contract: true })).toEqual({ namespaces: 1, rows: 0 });
    expect(await old.tell({ do: 'run', count: 250 })).toBe(250);
    done.released += 250;

    // The contract meets writes of the old version in flight.
    next = await start('next');
    const other = await start('next');
    const writing = old.tell({ do: 'run', count: 10_000 });
    const left = Math.max(50, OPERATIONS - done.next);
    const beside = next.tell({ do: 'run', count: left });
    await Promise.all([old.hasDone(100), next.hasDone(20)]);
    expect(await other.tell({ do: 'migrate', contract: true })).toMatchObject({ namespaces: 1 });
    const head = (await other.tell({ do: 'head' })) as number;
    expect(await numbers()).toEqual(['2', '2']);
    expect(await writing).toMatchObject(UPDATE);
    done.released += old.done;
    expect(await beside).toBe(left);
    expect(done.released).toBeGreaterThanOrEqual(OPERATIONS);

    // The old one refuses everything, and what is binding exists.
    const later = await start('released');
    for (const one of [old, later]) {
      expect(await one.tell({ do: 'check', subject: 'user:1', scope: 'db:1' })).toMatchObject(UPDATE);
      expect(await one.tell({ do: 'run', count: 1 })).toMatchObject(UPDATE);
      expect(await one.tell({ do: 'migrate', contract: true })).toMatchObject(UPDATE);
    }
    expect(await next.tell({ do: 'comment' })).toMatchObject({ comment: { text: 'a binding feature' } });
    expect(await next.tell({ do: 'remark' })).toMatchObject([{ comment: 'a binding field' }]);
    expect(await next.tell({ do: 'memo', id: 'now' })).toMatchObject({ outcome: 'committed' });
    expect(await other.tell({ do: 'migrate', contract: true })).toEqual({ namespaces: 1, rows: 0 });
    expect(await next.tell({ do: 'run', count: 50 })).toBe(50);

    const acks = processes.flatMap((one) => one.acks);
    expect(acks.length).toBeGreaterThan(300);
    expect(await next.tell({ do: 'judge', head, acks })).toEqual([]);
  });

  it('L8 L12 L30 L32 these sources share it with the release, without an upgrade', async () => {
    const namespace = randomUUID();
    server().forget(namespace);
    let seed = SEED + 100;
    const start = async (name: Version) => {
      const one = await VersionedProcess.start({ name, place: { kind: 'redis', where: server().url }, namespace, seed: ++seed });
      processes.push(one);
      return one;
    };
    await expectShared(start, processes);
  });
});
