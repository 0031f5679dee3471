import type { IssueContext } from '../../src/lifecycle/grant.js';
import { AS_REQUESTED } from '../../src/lifecycle/narrowing.js';
import type { ReviewCommand } from '../../src/lifecycle/review.js';
import type { Review } from '../../src/records/index.js';
import { START_AT } from '../../src/testing.js';
import { NO_LOCKS } from './no-locks.js';

/** The command of a plain approval. */
export const APPROVE: ReviewCommand = {
  verdict: 'approve',
  narrowing: AS_REQUESTED,
  ...{ reason: undefined, comment: undefined, as: undefined, auth: undefined, link: undefined },
};

/** The recorded review of a reviewer. */
export const aReview = (reviewer: string, groups: readonly string[], verdict: Review['verdict'] = 'approve'): Review => ({
  ...{ reviewer, verdict, groups, as: undefined, steps: undefined, at: START_AT },
  ...{ reason: undefined, comment: undefined, ...AS_REQUESTED, auth: undefined },
});

/** What an approval finds: no grant, no lock and no earlier request. */
export const ISSUE: IssueContext = {
  ...{ subject: undefined, live: [], given: new Map(), locks: NO_LOCKS, limits: { maxGrants: 200, warnBeforeMs: [] } },
  ...{ asksAtStart: false, origins: [], chains: [] },
};
