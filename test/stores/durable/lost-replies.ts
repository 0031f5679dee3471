import { JitEngine, type AnyJitError } from 'jit-access';
import { isCommit, Proxy } from '../proxy.js';
import { churn, type Ack } from './churn.js';
import { engineOptions } from './door.js';
import { openStore } from './place.js';
import { Seeded } from './seeded.js';
import type { Durable } from './servers.js';
import { entriesOf, wrongsOf } from './verdict.js';

const LANES = 8;
/** A read on the connection that was cut is not repeated: it denies. */
const isRead = (error: AnyJitError) => error.code === 'ERR_JIT_STORE' && error.operation !== 'commit';

/**
 * Cuts the reply to about every second commit, and sometimes the commit itself, until the given number of replies was lost.
 * Every call returns the outcome of its change, as the engine commits it again (L31), and no change is recorded twice.
 */
export async function lostReplies(
  durable: Durable,
  count: number,
  seed: number,
  progress?: (sofar: string) => void,
): Promise<{ readonly count: number; readonly violations: readonly string[] }> {
  const chance = new Seeded(seed);
  const namespace = durable.namespace();
  const proxy = await Proxy.to(durable.place.where);
  const far = await openStore({ ...durable.place, where: proxy.url }, { namespace, timeoutMs: 20_000 });
  const near = await openStore(durable.place, { namespace });
  const engine = new JitEngine({ ...engineOptions(), store: far.store });
  const ending = new AbortController();
  const acks: Ack[] = [];
  let lost = 0;
  let isAgain = false;
  proxy.intercept((data) => {
    // The resend passes: a second loss in a row would be reported to the caller.
    if (!isCommit(data) || lost >= count) return 'pass';
    isAgain = !isAgain;
    if (!isAgain) return 'pass';
    if (chance.below(5) === 0) return 'cut';
    lost += 1;
    if (lost % 100 === 0) progress?.(`${lost} of ${count} replies`);
    if (lost === count) ending.abort();
    return 'cut the reply';
  });
  try {
    await churn(engine, { seed, name: 'w', lanes: LANES, signal: ending.signal, tolerates: isRead, onAck: (ack) => acks.push(...ack) });
    const ids = (await entriesOf(near.store)).map(({ id }) => id);
    const twice = ids.length - new Set(ids).size;
    return {
      count: lost,
      violations: [...(twice > 0 ? [`${twice} entries are on record twice`] : []), ...(await wrongsOf(near.store, acks))],
    };
  } finally {
    await engine.close();
    await far.close();
    await near.close();
    await proxy.close();
  }
}
