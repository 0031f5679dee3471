import type { LocksContext } from '../../src/lifecycle/lock.js';

/** A namespace that has had no lock. */
export const NO_LOCKS: LocksContext = { row: undefined, overlaps: () => false };
