import { autoApprove, JitEngine, MemoryGrantStore, type GrantStore } from '../../src/index.js';
import { Dice } from '../model/dice.js';
import { scaled, type Proof } from './proof.js';

const START = 1_767_225_600_000;
const SCOPES = Array.from({ length: 25 }, (_, i) => `a:${i}`);

/**
 * Checks at exactly the start and the end of grants, and one millisecond before each, over a store.
 *
 * @param storeOf a store that holds nothing; asked for once for each thousand grants or so
 */
export const boundaryOver = (store: string, storeOf: () => GrantStore | Promise<GrantStore>, full: number): Proof => ({
  name: `boundary-${store}`,
  laws: ['L1', 'L2', 'L6'],
  what: `checks over ${store} at exactly startsAt and expiresAt, and a millisecond before each: yes from the one on, no from the other on`,
  async run({ seed, scale, progress }) {
    const [all, dice] = [scaled(full, scale), new Dice(seed)];
    const violations: string[] = [];
    let count = 0;
    while (count < all && violations.length < 10) {
      let now = START + dice.roll(1_000_000);
      const leewayMs = dice.of([0, 0, 5]);
      const engine = new JitEngine({
        approver: autoApprove(() => true),
        store: await storeOf(),
        leewayMs,
        clock: { now: () => now },
        limits: { maxGrants: 1_000, maxTtl: '365d', maxTotal: '365d' },
      });
      for (let ask = 0; ask < 20 && count < all; ask++) {
        const subject = `user:${ask}`;
        const startsAt = dice.once(2) ? now + 1 + dice.roll(100_000) : undefined;
        const ttl = leewayMs + 1 + dice.of([dice.roll(10), dice.roll(1_000), dice.roll(10_000_000)]);
        const result = await engine.requestAccess({ subject, scopes: SCOPES, ttl, startsAt });
        if (result.outcome !== 'granted') throw new Error(`seed ${seed}: ${result.outcome}`);
        const [grant] = result.grants;
        if (grant === undefined) throw new Error(`seed ${seed}: no grant`);
        const end = grant.expiresAt - leewayMs;
        for (const [t, may] of [
          [grant.startsAt - 1, false],
          [grant.startsAt, grant.startsAt < end],
          [end - 1, grant.startsAt < end],
          [end, false],
        ] as const) {
          if (t < now) continue;
          now = t;
          for (const scope of SCOPES) {
            count += 1;
            if ((await engine.isAllowed(subject, scope)) !== may)
              violations.push(`[${grant.startsAt}, ${grant.expiresAt}) at ${t}, leeway ${leewayMs}: ${!may}`);
          }
        }
      }
      progress?.(`${count} probes`);
    }
    return { count, unit: 'probes', violations };
  },
});

export const boundary = boundaryOver('memory', () => new MemoryGrantStore(), 1_000_000);
