import { triesUntilWrong, type Where } from './races.js';

/* In these sources, or in a copy with a bug: prints for each repeat after how many tries a race went wrong; 0: it did not. */
const [where, ...numbers] = process.argv.slice(2);
const [seed = 0, repeats = 1, most = 1] = numbers.map(Number);
console.log(JSON.stringify(await triesUntilWrong(where as Where, seed, repeats, most)));
process.exit(0);
