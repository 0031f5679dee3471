import { afterEach, describe, expect, it } from 'vitest';
import type { Kind, Place } from '../durable/place.js';
import { Postgres } from '../sql/postgres.js';
import { SqliteFile } from '../sql/sqlite.js';
import { LAYOUT } from '../../../src/core/layout.js';
import { VersionedProcess, type WorkerOptions } from './processes.js';
import { expectShared } from './shared.js';
import type { Version } from './versions.js';

/** A store without tables. */
const empty: Readonly<Record<Exclude<Kind, 'redis'>, () => Promise<{ readonly place: Place; stop(): Promise<void> | void }>>> = {
  async sqlite() {
    const file = new SqliteFile();
    return { place: { kind: 'sqlite', where: file.path }, stop: () => file.remove() };
  },
  async postgres() {
    const postgres = await Postgres.start();
    return { place: { kind: 'postgres', where: postgres.url }, stop: () => postgres.stop() };
  },
};

const SEED = 20_261_201;
/** The operations of each version. */
const OPERATIONS = 1_000;
const NUMBERS = { both: { version: 2, readableFrom: 1 }, contracted: { version: 2, readableFrom: 2 } };
const CONTRACT_FIRST = { code: 'ERR_JIT_LAYOUT', message: expect.stringContaining('contract first') as string };
const UPDATE = { code: 'ERR_JIT_LAYOUT', message: expect.stringContaining('this process knows layout 1: update it') as string };

describe.each(['sqlite', 'postgres'] as const)('the released version and a later one over one store, on %s', (kind) => {
  let stop: () => Promise<void> | void = () => undefined;
  const processes: VersionedProcess[] = [];
  let seed = SEED;
  const starting = async (name: Version, place: Place) => {
    const options: WorkerOptions = { name, place, namespace: 'payments', seed: ++seed };
    const one = await VersionedProcess.start(options);
    processes.push(one);
    return one;
  };
  afterEach(async () => {
    for (const one of processes.splice(0)) await one.kill();
    await stop();
  });

  it('L8 L12 L30 L32 run side by side, in both directions, and the old one refuses after the contract', async () => {
    const started = await empty[kind]();
    stop = () => started.stop();
    const { place } = started;
    const start = (name: Version) => starting(name, place);
    const kill = async (one: VersionedProcess) => {
      await one.kill();
      return one.done;
    };

    // The old version alone.
    let old = await start('released');
    expect(await old.tell({ do: 'migrate' })).toMatchObject({ version: 1, readableFrom: 1 });
    const late = await start('next');
    expect(await late.tell({ do: 'check', subject: 'user:1', scope: 'db:1' })).toMatchObject({
      code: 'ERR_JIT_LAYOUT',
      message: expect.stringContaining('layout 2 is needed: run migrate()') as string,
    });

    // The new one expands while the old one writes.
    const alone = old.tell({ do: 'run', count: 300 });
    await old.hasDone(50);
    expect(await late.tell({ do: 'migrate' })).toMatchObject(NUMBERS.both);
    expect(await alone).toBe(300);

    // Both, under kills; binding features do not exist yet.
    const done = { released: 300, next: 0 };
    for (let round = 0; round < 3; round++) {
      const next = round === 0 ? late : await start('next');
      const [a, b] = [old.tell({ do: 'run', count: 10_000 }), next.tell({ do: 'run', count: 10_000 })];
      await Promise.all([old.hasDone(150), next.hasDone(150)]);
      done.released += await kill(old);
      done.next += await kill(next);
      await Promise.all([a, b]);
      old = await start('released');
    }
    let next = await start('next');
    expect(await next.tell({ do: 'comment' })).toMatchObject(CONTRACT_FIRST);
    expect(await next.tell({ do: 'remark' })).toMatchObject(CONTRACT_FIRST);
    expect(await next.tell({ do: 'memo', id: 'early' })).toMatchObject(CONTRACT_FIRST);

    // The way back: the old version alone over the new tables. Its `migrate` does nothing.
    await kill(next);
    expect(await old.tell({ do: 'migrate', contract: true })).toMatchObject({ ...NUMBERS.both, rewritten: 0 });
    expect(await old.tell({ do: 'run', count: 250 })).toBe(250);
    done.released += 250;

    // The contract meets writes of the old version in flight.
    next = await start('next');
    const other = await start('next');
    const writing = old.tell({ do: 'run', count: 10_000 });
    const left = Math.max(50, OPERATIONS - done.next);
    const beside = next.tell({ do: 'run', count: left });
    await Promise.all([old.hasDone(100), next.hasDone(20)]);
    const report = (await other.tell({ do: 'migrate', contract: true })) as { readonly rewritten: number };
    expect(report).toMatchObject(NUMBERS.contracted);
    expect(report.rewritten).toBeGreaterThan(100);
    const head = (await other.tell({ do: 'head' })) as number;
    expect(await writing).toMatchObject(UPDATE);
    done.released += old.done;
    expect(await beside).toBe(left);
    expect(done.released).toBeGreaterThanOrEqual(OPERATIONS);

    // The old one refuses everything, and what is binding exists.
    expect(await old.tell({ do: 'check', subject: 'user:1', scope: 'db:1' })).toMatchObject(UPDATE);
    expect(await old.tell({ do: 'run', count: 1 })).toMatchObject(UPDATE);
    expect(await old.tell({ do: 'migrate' })).toMatchObject(UPDATE);
    const later = await start('released');
    expect(await later.tell({ do: 'migrate' })).toMatchObject(UPDATE);
    expect(await later.tell({ do: 'check', subject: 'user:1', scope: 'db:1' })).toMatchObject(UPDATE);
    expect(await next.tell({ do: 'comment' })).toMatchObject({ comment: { text: 'a binding feature' } });
    expect(await next.tell({ do: 'remark' })).toMatchObject([{ comment: 'a binding field' }]);
    expect(await next.tell({ do: 'memo', id: 'now' })).toMatchObject({ outcome: 'committed' });
    expect(await other.tell({ do: 'migrate', contract: true })).toMatchObject({ ...NUMBERS.contracted, rewritten: 0 });
    expect(await next.tell({ do: 'run', count: 50 })).toBe(50);

    const acks = processes.flatMap((one) => one.acks);
    expect(acks.length).toBeGreaterThan(300);
    expect(await next.tell({ do: 'judge', head, acks })).toEqual([]);
  });

  it('L8 L12 L30 L32 these sources share it with the release, without an upgrade', async () => {
    const { place, stop: end } = await empty[kind]();
    stop = end;
    const first = await starting('released', place);
    expect(await first.tell({ do: 'migrate' })).toMatchObject({ version: LAYOUT });
    await expectShared((name) => starting(name, place), processes);
  });

  it('the expansion is undone while no contract has followed, and not after one', async () => {
    const { place, stop: end } = await empty[kind]();
    stop = end;
    const [old, next] = [await starting('released', place), await starting('next', place)];
    await old.tell({ do: 'migrate' });
    const locks = [{ table: 'jit_rows', blocks: 'reads and writes', lasts: 'moment' }];
    // With Kysely's own migrator, whose transaction builds the index, too.
    expect(await next.tell({ do: 'up' })).toEqual(locks);
    expect(await next.tell({ do: 'run', count: 30 })).toBe(30);
    expect(await next.tell({ do: 'down' })).toEqual(locks);
    // A running process lacks its column, and one that begins is refused by name.
    expect(await next.tell({ do: 'check', subject: 'user:1', scope: 'db:1' })).toMatchObject({
      code: expect.stringMatching(/STORE|LAYOUT/) as string,
    });
    expect(await (await starting('next', place)).tell({ do: 'check', subject: 'user:1', scope: 'db:1' })).toMatchObject({
      code: 'ERR_JIT_LAYOUT',
    });
    expect(await old.tell({ do: 'run', count: 30 })).toBe(30);
    expect(await next.tell({ do: 'migrate', contract: true })).toMatchObject(NUMBERS.contracted);
    expect(await next.tell({ do: 'down' })).toMatchObject({ code: 'ERR_JIT_LAYOUT' });
    expect(await next.tell({ do: 'run', count: 30 })).toBe(30);
  });
});

describe('the expansion of PostgreSQL', () => {
  it('gives way to a transaction that holds the table, so that checks and commits continue, and drops an invalid index', async () => {
    const postgres = await Postgres.start();
    const place: Place = { kind: 'postgres', where: postgres.url };
    const options = { place, namespace: 'payments' };
    const old = await VersionedProcess.start({ ...options, name: 'released', seed: SEED });
    const next = await VersionedProcess.start({ ...options, name: 'next', seed: SEED + 1 });
    const reader = await postgres.heardPool({ max: 1 }).connect();
    try {
      await old.tell({ do: 'migrate' });
      // What an interrupted expansion leaves.
      await postgres.sql('alter table jit_rows add column label text');
      await postgres.sql('create index jit_rows_label on jit_rows (namespace, label) where label is not null');
      await postgres.sql(`update pg_index set indisvalid = false where indexrelid = 'jit_rows_label'::regclass`);
      await reader.query('begin; lock table jit_rows in access share mode');
      let isDone = false;
      const expanded = next.tell({ do: 'migrate' }).finally(() => (isDone = true));
      expect(await old.tell({ do: 'run', count: 200 })).toBe(200);
      expect(isDone).toBe(false);
      await reader.query('commit');
      expect(await expanded).toMatchObject(NUMBERS.both);
      expect(await postgres.sql(`select indisvalid from pg_index where indexrelid = 'jit_rows_label'::regclass`)).toEqual([
        { indisvalid: true },
      ]);
      expect(await old.tell({ do: 'run', count: 50 })).toBe(50);
    } finally {
      reader.release(true);
      for (const one of [old, next]) await one.kill();
      await postgres.stop();
    }
  });
});
