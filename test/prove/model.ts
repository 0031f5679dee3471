import { MemoryGrantStore, type GrantStore } from '../../src/index.js';
import { live } from '../model/lives.js';
import { scaled, type Proof, type ProofOptions, type ProofResult } from './proof.js';

/** Each batch has its own seed, so that a failure is replayed without the batches before it. */
const BATCH = 1_000;

/**
 * Engine and reference model side by side over a store.
 *
 * @param storeOf returns an empty store, called once for each life; as with {@link live}
 * @param full how many lives a full run has
 * @param lanes how many lives run concurrently: while one waits for a server, another runs
 * @param hasWrongClock true: each life has a process with a wrong clock
 */
export async function livesOver(
  storeOf: () => GrantStore | Promise<GrantStore>,
  full: number,
  { seed, scale, progress }: ProofOptions,
  lanes = 1,
  hasWrongClock?: boolean,
): Promise<ProofResult> {
  const all = scaled(full, scale);
  const size = Math.min(BATCH, Math.ceil(all / lanes));
  let [count, steps, batches] = [0, 0, 0];
  const violations: string[] = [];
  const lane = async (): Promise<void> => {
    while (batches * size < all && violations.length === 0) {
      const batch = batches++;
      const numRuns = Math.min(size, all - batch * size);
      const lived = await live(storeOf, { seed: (seed + batch * 1_000_003) % 2 ** 31, numRuns, hasWrongClock });
      count += lived.lives;
      steps += lived.steps;
      if (lived.violation !== undefined) violations.push(lived.violation);
      progress?.(`${count} lives, ${steps} steps`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { count, unit: 'lives', violations };
}

export const MODEL_LAWS = 'L1 L2 L3 L4 L5 L6 L8 L10 L11 L12 L13 L14 L15 L16 L17 L18 L20 L21 L25 L26 L27 L28 L33 L36 L43 L47'.split(' ');

export const model: Proof = {
  name: 'model-memory',
  laws: MODEL_LAWS,
  what: 'random lives of the engine and of a model of the laws, side by side over memory: they never differ',
  run: (options) => livesOver(() => new MemoryGrantStore(), 1_000_000, options),
};

export const wrongClocks: Proof = {
  name: 'model-clocks',
  laws: [...MODEL_LAWS, 'L39'],
  what: 'random lives in which the clock of one process of several is ahead by minutes, hours or a year, with locks that have an end and scheduled starts: engine and model never differ',
  run: (options) => livesOver(() => new MemoryGrantStore(), 200_000, options, 1, true),
};
