import { durableProofs } from './durable.js';
import { journal } from './journal.js';
import { model } from './model.js';
import type { Proof } from './proof.js';

/** All of them, in the order in which they run. */
export const proofs: readonly Proof[] = [model, journal, ...durableProofs];
