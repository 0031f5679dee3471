import { racesUntilFound } from '../mutants/caught.js';
import { RACE_BUGS } from '../mutants/races.js';
import { scaled, type Proof } from './proof.js';

/** How often each bug must show: the mean and the deviation are those of the tries. */
const REPEATS = 20;
/** A bug that does not show in this many tries is not found. */
const MOST = 20_000;

/** How many clean tries show that a build lacks the bug: the mean of the buggy build plus three deviations. */
function enoughTries(tries: readonly number[]): { readonly mean: number; readonly sigma: number; readonly enough: number } {
  const mean = tries.reduce((sum, one) => sum + one, 0) / tries.length;
  const sigma = Math.sqrt(tries.reduce((sum, one) => sum + (one - mean) ** 2, 0) / Math.max(1, tries.length - 1));
  return { mean, sigma, enough: Math.ceil(mean + 3 * sigma) };
}

export const raceStatistics: Proof = {
  name: 'race-statistics',
  laws: ['L8', 'L9', 'L12', 'L25', 'L26'],
  what: 'how many tries a race takes to show a bug (mean, deviation), then mean + 3 deviations clean tries without the bug',
  async run({ seed, scale, progress }) {
    const [violations, notes]: [string[], string[]] = [[], []];
    let count = 0;
    for (const bug of RACE_BUGS) {
      const { name, where } = bug;
      const tries = racesUntilFound({ where, bug }, { seed: seed % 2 ** 30, repeats: Math.max(2, scaled(REPEATS, scale)), most: MOST });
      const missed = tries.filter((one) => one === 0).length;
      if (missed > 0) {
        violations.push(`${name}: ${missed} of ${tries.length} times not found in ${MOST} tries`);
        continue;
      }
      const { mean, sigma, enough } = enoughTries(tries);
      const [wrong = 0] = racesUntilFound({ where }, { seed: (seed + 7_919) % 2 ** 30, repeats: 1, most: enough });
      if (wrong > 0) violations.push(`${name}: without the bug it goes wrong too, at try ${wrong}`);
      count += enough;
      notes.push(`${name}: found after ${mean.toFixed(1)} tries (deviation ${sigma.toFixed(1)}), then ${enough} clean on ${where}`);
      progress?.(notes.at(-1) ?? '');
    }
    return { count, unit: 'clean tries', violations, notes };
  },
};
