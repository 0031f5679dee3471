import { isCaught } from '../mutants/caught.js';
import { STORE_BUGS } from '../mutants/stores.js';
import { scaled, type Proof } from './proof.js';

export const seededStoreBugs: Proof = {
  name: 'seeded-store-bugs',
  laws: ['L1', 'L12', 'L24', 'L25', 'L26', 'L30', 'L31', 'L32', 'L33', 'L45'],
  what: 'stores with one bug each: the case of the suite, or the crash, that is named for it finds each',
  async run({ seed, scale, progress }) {
    const violations: string[] = [];
    const bugs = STORE_BUGS.slice(0, scaled(STORE_BUGS.length, scale));
    for (const bug of bugs) {
      const caught = isCaught(bug, seed);
      progress?.(`${bug.name}: ${caught ? 'found' : 'not found'}`);
      if (!caught) violations.push(`${bug.name} is not found by ${JSON.stringify(bug.caughtBy)}`);
    }
    return { count: bugs.length, unit: 'bugs', violations };
  },
};
