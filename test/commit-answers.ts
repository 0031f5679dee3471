import { GENESIS } from '../src/journal/link.js';
import type { CommitAnswer, CommitOutcome } from '../src/core/store-port.js';

/** The answer of a store to a change that lost a race, where a test makes it lose. */
export const CONFLICT: CommitAnswer = { outcome: 'conflict', head: GENESIS };

export const outcomesOf = (answers: readonly CommitAnswer[]): CommitOutcome[] => answers.map(({ outcome }) => outcome);
