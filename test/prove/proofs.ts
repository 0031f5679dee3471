import type { Proof } from './proof.js';

/** All of them, in the order in which they run. */
export const proofs: readonly Proof[] = [];
