import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { verifyJournal } from 'jit-access/journal';
import { failedHooks, sqlGrantStore } from 'jit-access/sql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { engineOver, keepEntries, postgresPlace, sqlitePlace, type HookPlace } from './hooked.js';

const KILLS = 2;
const FIRST_LINES = 20;

const places: Record<string, HookPlace> = {};
beforeAll(async () => {
  places['PostgreSQL'] = await postgresPlace();
  places['SQLite'] = await sqlitePlace();
});
afterAll(async () => {
  for (const place of Object.values(places)) await place.close();
});

/** Starts a worker, and kills it with -9 after so many lines, in the middle of what it does next. */
async function killedAfter(lines: number, ...args: readonly string[]): Promise<void> {
  const here = fileURLToPath(new URL('./hook-worker.ts', import.meta.url));
  const worker = spawn(process.execPath, ['--import', 'tsx', here, ...args], {
    env: { ...process.env, TSX_TSCONFIG_PATH: 'test/tsconfig.json' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = 0;
  await new Promise<void>((resolve, reject) => {
    worker.stdout.on('data', (text: Buffer) => {
      printed += text.toString().split('\n').length - 1;
      if (printed >= lines) worker.kill('SIGKILL');
    });
    worker.on('error', reject);
    worker.on('exit', (_, signal) => (signal === 'SIGKILL' ? resolve() : reject(new Error('the worker ended by itself'))));
  });
}

it.each(['PostgreSQL', 'SQLite'])('L32 the rows of the hook and the journal are the same after kills, on %s', async (name) => {
  const place = places[name] as HookPlace;
  const namespace = randomUUID();
  for (let kill = 0; kill < KILLS; kill++) await killedAfter(FIRST_LINES + 7 * kill, place.dialect, place.where, namespace);

  const keptIn = { db: place.kysely(), dialect: place.dialect, namespace };
  const store = sqlGrantStore({ ...keptIn, onCommit: keepEntries });
  const { engine } = engineOver(store);
  // Of the hooks that failed in the workers, their own sweeps have called some or all again. This one fails after them.
  const failing = { ...keptIn, onCommit: () => Promise.reject(new Error('as in a worker')), onError: () => undefined };
  await engineOver(sqlGrantStore(failing)).engine.lock({ scope: 'b' }, { by: 'user:sam', reason: 'as in a worker' });
  expect((await failedHooks(engine)).length).toBeGreaterThan(0);
  for (let sweeps = 0; (await failedHooks(engine)).length > 0 && sweeps < 10; sweeps++) {
    await engine.sweep();
    await engine.idle();
  }
  const { entries, start, head } = await store.journal({ after: 0, limit: 10_000 });
  expect(await verifyJournal(entries, { after: start, head })).toMatchObject({ ok: true });
  expect(entries.length).toBeGreaterThan(100);
  const rows = await place.sql<{ entry: string; seq: number | string; hash: string }>('select entry, seq, hash from orders order by seq');
  expect(rows.map(({ entry, seq, hash }) => [entry, Number(seq), hash])).toEqual(entries.map(({ id, seq, hash }) => [id, seq, hash]));
});
