/*
 * What a million live grants hold in memory, with their requests and their journal, and what checks and sweeps cost
 * beside the plainest thing that could answer. Run by `npm run bench`.
 *
 *   JIT_BENCH_GRANTS=100000 npm run bench    for a quicker look
 */
import { autoApprove, JitEngine, MemoryGrantStore, type Clock } from 'jit-access';
import { heapOf, nsPerCall, table } from './measure/measure.js';

const GRANTS = Number(process.env['JIT_BENCH_GRANTS'] ?? 1_000_000);
const DUE = 100;
const SWEEPS = 9;
const START = 1_767_225_600_000;

/** Subjects of ten grants each. The last ones end early, DUE of them each hour, so that each sweep finds just those. */
async function fill(grants: number) {
  let now = START;
  const clock: Clock = { now: () => now };
  const store = new MemoryGrantStore();
  const engine = new JitEngine({ approver: autoApprove(() => true), store, clock, limits: { maxTtl: '2d' } });
  const before = heapOf();
  const limit = new Map<string, Map<string, number>>();
  for (let i = 0; i < grants; i++) {
    const subject = `user:${Math.floor(i / 10)}`;
    const scope = `db-${i % 10}:write`;
    await engine.requestAccess({ subject, scope, ttl: i >= grants - DUE * SWEEPS ? `${1 + Math.floor((grants - 1 - i) / DUE)}h` : '1d' });
  }
  const held = heapOf() - before;
  for (let i = 0; i < grants; i++) {
    const subject = `user:${Math.floor(i / 10)}`;
    let scopes: Map<string, number> | undefined = limit.get(subject);
    if (scopes === undefined) {
      scopes = new Map();
      limit.set(subject, scopes);
    }
    scopes.set(`db-${i % 10}:write`, START + 86_400_000);
  }
  return { engine, store, limit, held, move: (ms: number) => (now += ms) };
}

const subjectOf = (i: number, grants: number) => `user:${(i * 7919) % Math.floor(grants / 10)}`;

async function measureAt(grants: number) {
  const { engine, limit, held, move } = await fill(grants);
  const subjects = Array.from({ length: 4096 }, (_, i) => subjectOf(i, grants));
  const asked = (i: number) => [subjects[i & 4095] as string, `db-${i % 10}:write`] as const;

  const bare = async (subject: string, scope: string) => Date.now() > 0 && START < (limit.get(subject)?.get(scope) ?? 0);
  const limitNs = await nsPerCall(200_000, async (i) => bare(...asked(i)));
  const allowedNs = await nsPerCall(200_000, async (i) => engine.isAllowed(...asked(i)));
  const checkNs = await nsPerCall(200_000, async (i) => engine.check(...asked(i)));

  const sweeps: number[] = [];
  for (let i = 0; i < SWEEPS; i++) {
    move(3_600_000);
    const started = process.hrtime.bigint();
    const { ended } = await engine.sweep();
    sweeps.push(Number(process.hrtime.bigint() - started) / 1e6);
    if (ended !== DUE) throw new Error(`the sweep ended ${ended} grants, not ${DUE}`);
  }
  const sweepMs = sweeps.sort((a, b) => a - b)[SWEEPS >> 1] as number;
  await engine.close();
  return { grants, limitNs, allowedNs, checkNs, sweepMs, bytes: held / grants };
}

const rows: string[][] = [];
for (const grants of [1_000, 100_000, 1_000_000].filter((size) => size <= GRANTS)) {
  const one = await measureAt(grants);
  rows.push([
    grants.toLocaleString('en'),
    `${one.limitNs.toFixed(0)} ns`,
    `${(one.allowedNs / one.limitNs).toFixed(2)}x`,
    `${(one.checkNs / one.limitNs).toFixed(2)}x`,
    `${one.sweepMs.toFixed(1)} ms`,
    `${one.bytes.toFixed(0)} B`,
    `${((one.bytes * grants) / 1024 / 1024).toFixed(0)} MiB`,
  ]);
}
table(
  [
    'live grants',
    'awaited nested maps',
    'isAllowed',
    'check',
    `sweep of ${DUE} due`,
    'heap for each grant with its request and three entries',
    'heap in all',
  ],
  rows,
);
