import { livesUntilFound } from '../mutants/caught.js';
import { SEEDED } from '../mutants/seeded.js';
import { scaled, type Proof } from './proof.js';

/** A rare bug needs many lives: of all, a few are found after more than the 20,000 of npm test, which names a test for each. */
const LIVES = 200_000;

export const seededBugs: Proof = {
  name: 'seeded-bugs',
  laws: ['L1', 'L2', 'L4', 'L5', 'L6', 'L9', 'L12', 'L13', 'L14', 'L15', 'L16', 'L17', 'L27', 'L33', 'L36', 'L43', 'L47'],
  what: 'engines with one bug each, beside the reference model: each is found within 200,000 lives',
  async run({ seed, scale, progress }) {
    const violations: string[] = [];
    for (const bug of SEEDED) {
      const { found } = livesUntilFound(bug, seed, scaled(LIVES, scale));
      progress?.(`${bug.name}: ${found === 0 ? 'not found' : `found by life ${found}`}`);
      if (found === 0) violations.push(`${bug.name} is not found`);
    }
    return { count: SEEDED.length, unit: 'bugs', violations };
  },
};
