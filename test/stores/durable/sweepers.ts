import { JitEngine } from 'jit-access';
import { ManualClock, START_AT } from 'jit-access/testing';
import { engineOptions } from './door.js';
import { openStore } from './place.js';
import type { Durable } from './servers.js';
import { entriesOf, wrongsOf } from './verdict.js';
import { atOnce, Worker, type Call } from './workers.js';

const TTL = 15 * 60_000;
/** Grants of one request, so that many ends are due soon. */
const SCOPES = 10;
const SWEEPERS = 20;

/** Twenty sweepers in separate processes start at one instant with everything that is due: each end is recorded once. */
export async function doubledSweepers(
  durable: Durable,
  processes: number,
  due: number,
): Promise<{ readonly count: number; readonly violations: readonly string[] }> {
  const namespace = durable.namespace();
  const { store, close } = await openStore(durable.place, { namespace });
  const clock = new ManualClock();
  const engine = new JitEngine({ ...engineOptions(), store, clock });
  const requests = Math.ceil(due / SCOPES);
  let asked = 0;
  const ask = async () => {
    while (asked < requests) {
      const scopes = Array.from({ length: SCOPES }, (_, i) => `db-${i}:write`);
      await engine.requestAccess({ subject: `user:${asked++}`, scopes, ttl: TTL, justification: 'now' });
    }
  };
  await Promise.all(Array.from({ length: 64 }, ask));

  const workers = await Worker.startMany(processes, { place: durable.place, namespace, at: START_AT + TTL });
  try {
    const swept = await atOnce(
      workers,
      Array.from({ length: SWEEPERS }, (): Call => ['sweep']),
    );
    const wrong = swept.flatMap(({ code }) => (code === undefined ? [] : [`a sweep was told ${code}`]));
    await clock.set(START_AT + TTL);
    const { ended } = await engine.sweep();
    if (ended > 0) wrong.push(`${ended} ends were left to a sweep that came later`);
    const ends = (await entriesOf(store)).flatMap(({ type, grantId }) => (type === 'grant.expired' ? [grantId] : []));
    const grants = requests * SCOPES;
    if (ends.length !== grants || new Set(ends).size !== grants) {
      wrong.push(`${ends.length} ends of ${new Set(ends).size} grants are on record, of ${grants} that were due`);
    }
    return { count: grants, violations: [...wrong, ...(await wrongsOf(store))] };
  } finally {
    await Promise.all(workers.map((worker) => worker.kill()));
    await engine.close();
    await close();
  }
}
