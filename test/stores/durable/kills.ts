import type { Ack } from './churn.js';
import { openStore } from './place.js';
import { Seeded } from './seeded.js';
import type { Durable } from './servers.js';
import { spin } from './spin.js';
import { wrongsOf } from './verdict.js';
import { Worker } from './workers.js';

/** Two at a time: one dies while the other waits for the lock that it holds. */
const AT_ONCE = 2;
const LANES = 8;
/** A process dies after at most this many transitions: by then it has done every kind of transition. */
const MAX_ACKS = 300;
/** The clocks are so far apart. Shorter access has expired by the faster clock when the slower process gives it. */
const APART_MS = 5_000;
const HOLDER_TTL_MS = 2_000;

const FIRST = { scope: 'db:read', ttl: '15m', justification: 'review' };

export interface Survived {
  readonly count: number;
  readonly acknowledged: number;
  readonly violations: readonly string[];
}

/** Starts processes that work as fast as they can, kills each with -9 at a random moment, and checks what they leave (L12, L32). */
export async function kills(durable: Durable, count: number, seed: number, progress?: (sofar: string) => void): Promise<Survived> {
  const violations: string[] = [];
  let killed = 0;
  let acknowledged = 0;
  for (let round = 0; killed < count; round++) {
    const namespace = durable.namespace();
    const acks: Ack[] = [];
    const doomed = Math.min(AT_ONCE, count - killed);
    const options = { place: durable.place, namespace };
    const workers = await Promise.all(Array.from({ length: doomed }, (_, i) => Worker.start({ ...options, aheadMs: i * APART_MS })));
    // The slowest first: a process creates nothing while the journal is ahead of its clock at its first creation (L39).
    for (const [i, worker] of workers.entries()) await worker.call(['requestAccess', { ...FIRST, subject: `user:first-${i}` }]);
    await Promise.all(workers.map((worker, i) => oneKill(worker, seed, round * AT_ONCE + i, acks)));
    killed += doomed;
    acknowledged += acks.length;
    const { store, close } = await openStore(durable.place, { namespace });
    violations.push(...(await wrongsOf(store, acks)).map((wrong) => `round ${round} on ${durable.place.kind}: ${wrong}`));
    await close();
    if (round % 10 === 9) progress?.(`${killed} of ${count} kills`);
  }
  return { count: killed, acknowledged, violations };
}

async function oneKill(worker: Worker, seed: number, which: number, acks: Ack[]): Promise<void> {
  const chance = new Seeded(seed, which);
  const enough = 1 + chance.below(MAX_ACKS);
  const before = chance.below(3_000);
  let told = 0;
  await new Promise<void>((resolve, reject) => {
    worker.onAck = (ack) => {
      acks.push(...ack);
      told += ack.length;
      // What arrives after this was sent before the process died, and counts.
      if (told < enough || told - ack.length >= enough) return;
      spin(before);
      worker.kill().then(resolve, reject);
    };
    const order = { do: 'churn', seed: chance.below(2 ** 31), name: `w${which}`, lanes: LANES, holderTtl: HOLDER_TTL_MS } as const;
    worker.order(order).catch((error: unknown) => {
      if (told < enough) reject(error);
    });
  });
}
