/*
 * `npm run size`: the size of each entry in the built package, and whether it is within its limit; and what an entry holds
 * that it may never hold. Fails when one is not. `npm run size -- --update` measures anew, and writes sizes.json.
 */
import { entries } from '../package/entries.js';
import { printContents, printSizes } from './print-sizes.js';
import { updateSizes } from './sizes.js';

if (process.argv.includes('--update')) await updateSizes(entries.map(({ name }) => name));
const sizesHold = await printSizes();
const contentsHold = printContents();
process.exitCode = sizesHold && contentsHold ? 0 : 1;
