/*
 * What a live view over a server takes: how long after a revoke has resolved three other processes deny, how long a start takes, and the
 * bytes for each grant. Run by `npm run bench:stores`.
 *
 *   JIT_BENCH_GRANTS=20000 npm run bench:stores     for a quicker look
 *   JIT_BENCH_STORES=redis                          one of them: postgres, redis
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { autoApprove, JitEngine } from 'jit-access';
import { openStore } from '../../stores/durable/place.js';
import { startDurable, type Durable } from '../../stores/durable/servers.js';
import { machine, markdown } from '../measure/table.js';
import { asked, fill } from './measure/grants.js';
import type { Loaded, Message } from './measure/view-worker.js';

const GRANTS = Number(process.env['JIT_BENCH_GRANTS'] ?? 1_000_000);
const REVOKES = Number(process.env['JIT_BENCH_REVOKES'] ?? 300);
const FOLLOWERS = 3;
/** Requests that are in flight beside the revokes. */
const LOAD = 4;

/** SQLite notifies no other process: there a view learns of a change by its polls. */
const SERVERS = ['postgres', 'redis'] as const;
const named = process.env['JIT_BENCH_STORES']?.split(',');
const asking = SERVERS.filter((kind) => named?.includes(kind) !== false);
const now = () => performance.timeOrigin + performance.now();

class Follower {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(durable: Durable, namespace: string, keep: string): Promise<Follower> {
    const args = [JSON.stringify(durable.place), namespace, keep, String(GRANTS)];
    const execArgv = ['--import', 'tsx', '--expose-gc', '--max-old-space-size=8192'];
    const child = fork(fileURLToPath(new URL('measure/view-worker.ts', import.meta.url)), args, { execArgv });
    await once(child, 'message');
    return new Follower(child);
  }

  async answer<T>(message?: Message): Promise<T> {
    const answered = once(this.#child, 'message');
    if (message !== undefined) this.#child.send(message);
    const [answer] = (await answered) as [T];
    return answer;
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}

const quantile = (of: readonly number[], part: number): number => [...of].sort((a, b) => a - b)[Math.floor((of.length - 1) * part)] ?? NaN;
const ms = (value: number) => `${value.toFixed(1)} ms`;

/** Milliseconds from the end of each revoke until the last of the followers denied. */
async function delays(durable: Durable, isLoaded: boolean): Promise<readonly number[]> {
  const namespace = durable.namespace();
  const { store, close } = await openStore(durable.place, { namespace });
  const engine = new JitEngine({ approver: autoApprove(() => true), store });
  const followers = await Promise.all(Array.from({ length: FOLLOWERS }, () => Follower.start(durable, namespace, 'ids')));
  await Promise.all(followers.map((follower) => follower.answer<Loaded>({ do: 'load' })));
  let isOver = false;
  const lane = async (n: number) => {
    for (let i = 0; !isOver; i++) await engine.requestAccess({ ...asked(`user:load-${n}-${i}`), ttl: '1m' });
  };
  const load = isLoaded ? Array.from({ length: LOAD }, (_, n) => lane(n)) : [];
  const found: number[] = [];
  for (let i = 0; i < REVOKES; i++) {
    const { subject, scope } = asked(`user:${i}`);
    const allowed = followers.map((follower) => follower.answer<number>({ do: 'hears', subject, scope }));
    const result = await engine.requestAccess(asked(subject));
    if (result.outcome !== 'granted') throw new Error('nothing was granted');
    await Promise.all(allowed);
    const denied = followers.map((follower) => follower.answer<number>());
    await engine.revokeAll({ requestId: result.request.id }, { by: 'user:root' });
    const revokedAt = now();
    found.push(Math.max(0, Math.max(...(await Promise.all(denied))) - revokedAt));
  }
  isOver = true;
  await Promise.all(load);
  await Promise.all(followers.map((follower) => follower.end()));
  await engine.close();
  await close();
  return found;
}

/** A start with all grants, and the bytes for each of them. */
async function start(durable: Durable, namespace: string, keep: 'ids' | 'nothing'): Promise<Loaded> {
  const follower = await Follower.start(durable, namespace, keep);
  const loaded = await follower.answer<Loaded>({ do: 'load' });
  await follower.end();
  return loaded;
}

const rows: string[][] = [];
for (const kind of asking) {
  const durable = await startDurable(kind, { own: true });
  try {
    const namespace = durable.namespace();
    const { store, close } = await openStore(durable.place, { namespace });
    await fill(store, 0, GRANTS);
    const [ids, nothing] = [await start(durable, namespace, 'ids'), await start(durable, namespace, 'nothing')];
    await close();
    const [idle, busy] = [await delays(durable, false), await delays(durable, true)];
    const shown = (found: readonly number[]) => `${ms(quantile(found, 0.5))}, ${ms(quantile(found, 0.99))}`;
    const bytes = `${ids.bytes.toFixed(0)} B, ${nothing.bytes.toFixed(0)} B`;
    rows.push([kind, shown(idle), shown(busy), ms(ids.ms), bytes]);
  } finally {
    await durable.stop();
  }
}
console.log(
  `\nA live view in ${FOLLOWERS} other processes; ${REVOKES} revokes each, ${GRANTS.toLocaleString('en')} live grants for the start\n`,
);
const head = [
  'store',
  'revoke seen, p50 and p99',
  `the same, ${LOAD} requests in flight`,
  'start with all grants',
  'a grant with its id, without',
];
console.log(markdown(head, rows));
console.log(`\n${machine()}`);
