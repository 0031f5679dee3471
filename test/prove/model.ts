import { MemoryGrantStore, type GrantStore } from '../../src/index.js';
import { live } from '../model/lives.js';
import { scaled, type Proof } from './proof.js';

/**
 * Engine and reference model side by side over a store.
 *
 * @param storeOf a store that holds nothing, asked for once for each life; as with {@link live}
 * @param full how many lives a full run has
 */
export const modelOver = (store: string, storeOf: () => GrantStore | Promise<GrantStore>, full: number): Proof => ({
  name: `model-${store}`,
  laws: 'L1 L2 L3 L4 L5 L6 L8 L10 L11 L12 L13 L14 L15 L16 L17 L18 L20 L21 L25 L26 L27 L28 L33'.split(' '),
  what: `random lives of the engine and of a model of the laws, side by side over ${store}: they never differ`,
  async run({ seed, scale, progress }) {
    const all = scaled(full, scale);
    let [count, steps] = [0, 0];
    const violations: string[] = [];
    // A thousand at a time, each with a seed of its own: so that what went wrong is replayed without all that came before.
    for (let batch = 0; count < all && violations.length === 0; batch++) {
      const numRuns = Math.min(1_000, all - count);
      const lived = await live(storeOf, { seed: (seed + batch * 1_000_003) % 2 ** 31, numRuns });
      count += lived.lives;
      steps += lived.steps;
      if (lived.violation !== undefined) violations.push(lived.violation);
      progress?.(`${count} lives, ${steps} steps`);
    }
    return { count, unit: 'lives', violations };
  },
});

export const model = modelOver('memory', () => new MemoryGrantStore(), 1_000_000);
