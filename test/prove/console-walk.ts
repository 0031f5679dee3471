import { FalsePage, walk } from '../console/walk/walk.js';
import { scaled, type Proof } from './proof.js';

const STEPS = 50_000;
const STEPS_OF_A_WALK = 500;

export const consoleWalk: Proof = {
  name: 'console-walk',
  laws: ['L48'],
  what: 'the read model of the console, beside asks, decisions, ends, locks, sweeps, and streams that wait or break: each answer is that of a reload',
  async run({ seed, scale, progress }) {
    const steps = scaled(STEPS, scale);
    const violations: string[] = [];
    let [done, comparisons, calls] = [0, 0, 0];
    for (let i = 0; done < steps && violations.length < 10; i++) {
      try {
        const walked = await walk(seed + i, Math.min(STEPS_OF_A_WALK, steps - done));
        comparisons += walked.comparisons;
        calls += walked.calls;
      } catch (error) {
        if (!(error instanceof FalsePage)) throw error;
        violations.push(`seed ${seed + i}: ${error.message}`);
      }
      done += STEPS_OF_A_WALK;
      progress?.(`${done} steps`);
    }
    return { count: Math.min(done, steps), unit: 'steps', violations, notes: [`${comparisons} comparisons, ${calls} calls of the pages`] };
  },
};
