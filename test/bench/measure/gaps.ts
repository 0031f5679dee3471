import { purge } from 'jit-access/retention';
import { autoApprove, JitEngine, MemoryGrantStore, type GrantStore } from 'jit-access';
import { sqlGrantStore } from 'jit-access/sql';
import { ManualClock, START_AT } from 'jit-access/testing';
import { SqliteFile } from '../../stores/sql/sqlite.js';

const DAY = 86_400_000;
const AT_ONCE = 100;
/** No timer and no I/O waits longer than this for a sweep or a purge. A figure, and no test: the test counts rows (L42). */
export const AIM_MS = 30;

/** The longest time in which the event loop took no turn. Milliseconds. */
export interface Gaps {
  readonly sweep: number;
  readonly purge: number;
}

/** Sweeps as many grants, all due at once, and then purges them with their journal, in a process that does nothing else. */
async function longestGaps(store: GrantStore, grants: number): Promise<Gaps> {
  const clock = new ManualClock();
  const engine = new JitEngine({ store, clock, approver: autoApprove(() => true) });
  for (let i = 0; i < grants; i += AT_ONCE) {
    const asks = Array.from({ length: Math.min(AT_ONCE, grants - i) }, (_, j) => ({
      subject: `user:${i + j}`,
      scope: 'db:write',
      ttl: '1h' as const,
    }));
    await Promise.all(asks.map((ask) => engine.requestAccess(ask)));
  }
  await clock.set(START_AT + DAY);
  const sweep = await longestGap(async () => {
    const { ended } = await engine.sweep();
    if (ended !== grants) throw new Error(`the sweep ended ${ended} grants, not ${grants}`);
  });
  await clock.set(START_AT + 2 * DAY);
  const purging = await longestGap(async () => {
    const report = await purge(engine, { before: clock.now(), by: 'user:dpo', force: true });
    if (report.grants !== grants) throw new Error(`the purge removed ${report.grants} grants, not ${grants}`);
  });
  await engine.close();
  return { sweep, purge: purging };
}

export const GAP_STORES = {
  memory: (grants: number): Promise<Gaps> => longestGaps(new MemoryGrantStore(), grants),
  sqlite: async (grants: number): Promise<Gaps> => {
    const file = await SqliteFile.migrated();
    try {
      return await longestGaps(sqlGrantStore({ db: file.kysely(), dialect: 'sqlite', namespace: 'bench' }), grants);
    } finally {
      file.remove();
    }
  },
} as const;

async function longestGap(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let isOver = false;
  const turn = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  isOver = true;
  // Without a turn since, the whole work is the gap.
  return Math.max(longest, performance.now() - last);
}
