import { newId } from '../../kernel/ids.js';
import type { Kernel } from '../../kernel/kernel.js';
import { decodeRequest, makeRequest, UNDECIDED, type AccessRequest } from '../../records/index.js';

/** The approver that the last request named. A chain of approvers asks only the member that a request names. */
export class LastApprover {
  #name: string | undefined;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  note({ approver }: Pick<AccessRequest, 'approver'>): void {
    this.#name = approver ?? this.#name;
  }

  /** In a new process, the newest request of the store says it. @throws StoreError */
  async name(): Promise<string> {
    const { ledger, settings } = this.#kernel;
    if (this.#name === undefined) {
      const { items } = await ledger.find({ kind: 'request', order: 'newest', limit: 1 });
      for (const request of settings.decodeAll(items, decodeRequest)) this.note(request);
      this.#name ??= settings.approver.name;
    }
    return this.#name;
  }
}

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
