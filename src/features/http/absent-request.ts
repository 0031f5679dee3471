import { newId } from '../../kernel/ids.js';
import type { Kernel } from '../../kernel/kernel.js';
import { draftRequest } from '../../lifecycle/request.js';
import { moment } from '../../lifecycle/transition.js';
import { makeRequest, type AccessRequest } from '../../records/index.js';

/** The approver that the last request named. A chain of approvers asks only the member that a request names. */
export class LastApprover {
  #name: string | undefined;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  get name(): string {
    return this.#name ?? this.#kernel.settings.approver.name;
  }

  note({ approver }: AccessRequest): void {
    this.#name = approver ?? this.#name;
  }
}

/** The subject and the scope of the request that takes the place of an unknown id. No check allows by it, and it is never recorded. */
const ABSENT = 'jit-access:absent';

/**
 * The request about which the approver is asked where there is none: so the answer for an unknown id takes the calls of the answer for
 * a request that the caller does not see.
 */
export function absentRequest(kernel: Kernel): AccessRequest {
  const { clock, settings } = kernel;
  const ask = {
    subject: ABSENT,
    requestedBy: ABSENT,
    agent: undefined,
    operator: undefined,
    scopes: [ABSENT],
    ttlMs: settings.limits.minTtlMs,
    until: undefined,
    startsAt: undefined,
    extends: undefined,
    replaces: undefined,
    justification: undefined,
    ticket: undefined,
    metadata: undefined,
    correlation: undefined,
  };
  const draft = draftRequest(ask, newId(), settings.limits, [], moment(clock, ABSENT));
  return makeRequest({ ...draft, approver: kernel.part(LastApprover).name });
}
