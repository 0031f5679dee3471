import { autoApprove, JitEngine, MemoryGrantStore, type GrantStore } from '../../src/index.js';
import { Dice } from '../model/dice.js';
import { scaled, type Proof, type ProofOptions, type ProofResult } from './proof.js';

const START = 1_767_225_600_000;
const SCOPES = Array.from({ length: 25 }, (_, i) => `a:${i}`);

/**
 * Checks at exactly the start and the end of grants, and one millisecond before and after each.
 *
 * @param storeOf returns an empty store and its name; called once for each few thousand probes
 * @param full how many probes a full run has
 */
export async function boundaryOver(
  storeOf: () => Promise<{ readonly store: GrantStore; readonly name: string }>,
  full: number,
  { seed, scale, progress }: ProofOptions,
): Promise<ProofResult> {
  const [all, dice] = [scaled(full, scale), new Dice(seed)];
  const violations: string[] = [];
  let count = 0;
  while (count < all && violations.length < 10) {
    let now = START + dice.roll(1_000_000);
    const leewayMs = dice.of([0, 0, 5]);
    const { store, name } = await storeOf();
    const engine = new JitEngine({
      approver: autoApprove(() => true),
      store,
      leewayMs,
      clock: { now: () => now },
      limits: { minTtl: 1, maxGrants: 1_000, maxTtl: '365d', maxTotal: '365d' },
    });
    for (let ask = 0; ask < 20 && count < all; ask++) {
      const subject = `user:${ask}`;
      const startsAt = dice.once(2) ? now + 1 + dice.roll(100_000) : undefined;
      const ttl = leewayMs + 1 + dice.of([dice.roll(10), dice.roll(1_000), dice.roll(10_000_000)]);
      const result = await engine.requestAccess({ subject, scopes: SCOPES, ttl, startsAt });
      if (result.outcome !== 'granted') throw new Error(`seed ${seed}: ${result.outcome}`);
      const [grant] = result.grants;
      if (grant === undefined) throw new Error(`seed ${seed}: no grant`);
      const [start, end] = [grant.startsAt, grant.expiresAt - leewayMs];
      const instants = new Set([start, end].flatMap((bound) => [bound - 1, bound, bound + 1]));
      for (const t of [...instants].filter((instant) => instant >= now).sort((a, b) => a - b)) {
        now = t;
        const may = start <= t && t < end;
        // All checks of one instant concurrently: a server has answered most of them while the first is in flight.
        const answers = await Promise.all(SCOPES.map((scope) => engine.isAllowed(subject, scope)));
        const wrong = answers.filter((answer) => answer !== may).length;
        count += answers.length;
        if (wrong > 0)
          violations.push(`${name}: [${start}, ${grant.expiresAt}) at ${t}, leeway ${leewayMs}: ${wrong} of ${answers.length} say ${!may}`);
      }
    }
    await engine.close();
    progress?.(`${count} probes`);
  }
  return { count, unit: 'probes', violations };
}

export const BOUNDARY_LAWS = ['L1', 'L2', 'L6'];

export const boundary: Proof = {
  name: 'boundary-memory',
  laws: BOUNDARY_LAWS,
  what: 'checks over memory at exactly startsAt and expiresAt, and a millisecond before and after each: yes from the one on, no from the other on',
  run: (options) => boundaryOver(async () => ({ store: new MemoryGrantStore(), name: 'memory' }), 1_000_000, options),
};
