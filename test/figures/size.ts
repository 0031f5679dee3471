/*
 * `npm run size`: prints the size of each entry in the built package, whether it is within its limit, and the forbidden
 * modules in it. Fails on a violation. `npm run size -- --update` measures again, and raises sizes.json.
 */
import { printContents, printSizes } from './print-sizes.js';
import { updateSizes } from './sizes.js';

if (process.argv.includes('--update')) await updateSizes();
const sizesHold = await printSizes();
const contentsHold = printContents();
process.exitCode = sizesHold && contentsHold ? 0 : 1;
