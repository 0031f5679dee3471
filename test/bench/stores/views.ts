/*
 * What a live view over a server takes: how long after a revoke has resolved three other processes deny, how long a start takes, and the
 * bytes for each grant. Run by `npm run bench:stores`.
 *
 *   JIT_BENCH_GRANTS=20000 npm run bench:stores     for a quicker look
 *   JIT_BENCH_STORES=redis                          one of them: postgres, redis
 */
import { openStore } from '../../stores/durable/place.js';
import { startDurable, type Durable } from '../../stores/durable/servers.js';
import { quantile } from '../measure/figure.js';
import { machine, markdown } from '../measure/table.js';
import { Follower } from './measure/follower.js';
import { fill } from './measure/grants.js';
import { FOLLOWERS, LOAD, revokesSeen } from './measure/revokes-seen.js';
import type { Loaded } from './measure/view-worker.js';

const GRANTS = Number(process.env['JIT_BENCH_GRANTS'] ?? 1_000_000);
const REVOKES = Number(process.env['JIT_BENCH_REVOKES'] ?? 300);

/** SQLite notifies no other process: there a view learns of a change by its polls. */
const SERVERS = ['postgres', 'redis'] as const;
const named = process.env['JIT_BENCH_STORES']?.split(',');
const asking = SERVERS.filter((kind) => named?.includes(kind) !== false);

const ms = (value: number) => `${value.toFixed(1)} ms`;

/** A start with all grants, and the bytes for each of them. */
async function start(durable: Durable, namespace: string, keep: 'ids' | 'nothing'): Promise<Loaded> {
  const follower = await Follower.start(durable, namespace, keep, GRANTS);
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
    const [idle, busy] = [await revokesSeen(durable, REVOKES, false), await revokesSeen(durable, REVOKES, true)];
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
