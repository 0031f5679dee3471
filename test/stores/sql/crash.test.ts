import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readJournal, verifyJournal } from 'jit-access';
import type { GrantStore } from 'jit-access';
import { sqlGrantStore } from 'jit-access/sql';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { kyselyOn, Postgres } from './postgres.js';
import { SqliteFile } from './sqlite.js';

// A server is started and stopped here, on a machine that may be busy.
vi.setConfig({ hookTimeout: 60_000 });

const KILLS = Number(process.env['JIT_TEST_KILLS'] ?? 2);
const worker = fileURLToPath(new URL('crash-worker.ts', import.meta.url));

let postgres: Postgres;
let file: SqliteFile;
beforeAll(async () => {
  [postgres, file] = await Promise.all([Postgres.migrated(), SqliteFile.migrated()]);
});
afterAll(async () => {
  file.remove();
  await postgres.stop();
});

/** Lets a process commit until it has been answered so often, and kills it with all that is under way. */
async function killAfter(answers: number, args: readonly string[]): Promise<readonly string[]> {
  const child = spawn(process.execPath, ['--import', 'tsx', worker, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [outcome, id = ''] = line.split(' ');
    expect(outcome).toBe('committed');
    acknowledged.push(id);
    if (acknowledged.length === answers) child.kill('SIGKILL');
  }
  expect(await exited).toEqual([null, 'SIGKILL']);
  return acknowledged;
}

describe.each(['postgres', 'sqlite'] as const)('processes that are killed while they commit, on %s', (dialect) => {
  it('lose nothing that was acknowledged, and leave no row without its entry and no entry without its row', async () => {
    const [db, where] = dialect === 'postgres' ? [kyselyOn(postgres.pool()), postgres.url] : [file.kysely(), file.path];
    const store: GrantStore = sqlGrantStore({ db, dialect });
    const acknowledged: string[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      // Two at a time: one dies while the other waits for the head that it holds.
      const answers = [1, 2].map((n) => killAfter(17 * (kill + 1) + 11 * n, [dialect, where, `k${kill}w${n}`]));
      acknowledged.push(...(await Promise.all(answers)).flat());
    }
    const entries = [];
    for await (const entry of readJournal(store)) entries.push(entry);
    const { start, head } = await store.journal({ after: 0, limit: 1 });
    expect(await verifyJournal(entries, { start, head })).toMatchObject({ ok: true, count: entries.length });
    const committed = entries.map(({ grantId }) => grantId);
    expect(committed).toEqual(expect.arrayContaining(acknowledged));
    const rows: string[] = [];
    for (let after: string | undefined, page; (page = await store.find({ kind: 'grant', after, limit: 500 })); after = page.next) {
      rows.push(...page.items.map(({ id }) => id));
      if (page.next === undefined) break;
    }
    expect(rows).toEqual([...committed].sort());
  });
});
