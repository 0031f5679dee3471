import type { QuorumInput } from '../../src/core/approver-port.js';
import { readQuorum } from '../../src/lifecycle/verdict.js';
import type { Quorum } from '../../src/records/index.js';

/** The recorded quorum of an answer. */
export const aQuorum = (input: QuorumInput): Quorum => readQuorum('quorum', input).quorum;
