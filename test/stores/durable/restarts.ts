import { JitEngine, type AnyJitError } from 'jit-access';
import { churn, type Ack } from './churn.js';
import { engineOptions } from './door.js';
import { openStore } from './place.js';
import { Seeded } from './seeded.js';
import type { Durable } from './servers.js';
import { wrongsOf } from './verdict.js';

const LANES = 8;
/** Calls in flight when the server goes fail with a refusal or with an unknown outcome. */
const isOutage = ({ code }: AnyJitError) => code === 'ERR_JIT_STORE' || code === 'ERR_JIT_OUTCOME_UNKNOWN';

/** Kills a server and starts it again, under load, this many times. The same clients continue, and nothing that was acknowledged is lost (L12, L32). */
export async function restarts(
  durable: Durable,
  count: number,
  seed: number,
  progress?: (sofar: string) => void,
): Promise<{ readonly count: number; readonly acknowledged: number; readonly violations: readonly string[] }> {
  const { crash } = durable;
  if (crash === undefined) throw new Error('there is no server to be stopped');
  const chance = new Seeded(seed);
  const namespace = durable.namespace();
  const { store, close } = await openStore(durable.place, { namespace });
  const engine = new JitEngine({ ...engineOptions(), store, onError: () => undefined });
  const acks: Ack[] = [];
  let onAck: () => void = () => undefined;
  const ending = new AbortController();
  const load = churn(engine, {
    seed,
    name: 'w',
    lanes: LANES,
    tolerates: isOutage,
    signal: ending.signal,
    onAck(ack) {
      acks.push(...ack);
      onAck();
    },
  });
  const more = (enough: number) => {
    const until = acks.length + enough;
    const reached = new Promise<void>((resolve) => (onAck = () => acks.length >= until && resolve()));
    return Promise.race([reached, load]);
  };
  for (let i = 0; i < count; i++) {
    await more(1 + chance.below(60));
    await crash(chance.pick(['SIGQUIT', 'SIGKILL']));
    progress?.(`${i + 1} of ${count} restarts`);
  }
  await more(20);
  ending.abort();
  await load;
  const violations = (await wrongsOf(store, acks)).map((wrong) => `after ${count} restarts of ${durable.place.kind}: ${wrong}`);
  await engine.close();
  await close();
  return { count, acknowledged: acks.length, violations };
}
