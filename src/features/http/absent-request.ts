import { newId } from '../../kernel/ids.js';
import type { Kernel } from '../../kernel/kernel.js';
import { decodeRequest, makeRequest, UNDECIDED, type AccessRequest } from '../../records/index.js';

/** The approver of the last request with reviewers. A chain of approvers asks only the member that a request names. */
export class LastApprover {
  #name: string | undefined;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  note(request: AccessRequest): void {
    if (hasReviewers(request)) this.#name = request.approver;
  }

  /** In a new process, the newest requests of the store say it. @throws StoreError */
  async name(): Promise<string> {
    const { ledger, settings } = this.#kernel;
    if (this.#name === undefined) {
      const { items } = await ledger.find({ kind: 'request', order: 'newest', limit: LOOK });
      for (const request of settings.decodeAll(items, decodeRequest).reverse()) this.note(request);
      this.#name ??= settings.approver.name;
    }
    return this.#name;
  }
}

/** How many requests are read to find one with reviewers. */
const LOOK = 100;

/** Whether persons review the request. Without any, the approver is not asked about it: it has not decided, or it decided by itself. */
export const hasReviewers = ({ quorum, afterReview }: AccessRequest): boolean => quorum !== undefined || afterReview !== undefined;

/** The subject and the scope of the request that takes the place of an unknown id. No check allows by it, and it is never recorded. */
const ABSENT = 'jit-access:absent';

/**
 * The request about which the approver is asked where there is none: so the answer for an unknown id takes the calls of the answer for
 * a request that the caller does not see.
 */
export function absentRequest({ clock, settings }: Kernel, approver: string): AccessRequest {
  // The mark, and no reading: a clock that was set back must not make an unknown id fail.
  const createdAt = clock.highWater;
  return makeRequest({
    id: newId(),
    version: 1,
    subject: ABSENT,
    requestedBy: ABSENT,
    agent: undefined,
    operator: undefined,
    scopes: [ABSENT],
    ttlMs: settings.limits.minTtlMs,
    until: undefined,
    startsAt: undefined,
    extension: undefined,
    replaces: undefined,
    justification: undefined,
    ticket: undefined,
    metadata: undefined,
    correlation: undefined,
    createdAt,
    reviewBy: createdAt + settings.limits.reviewWithinMs,
    askAgainAt: createdAt + settings.limits.retryMs,
    ...UNDECIDED,
    approver,
  });
}
