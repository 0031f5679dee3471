import type { Kernel } from '../../../kernel/kernel.js';
import { isOwnRequest } from '../../../lifecycle/review.js';
import type { AccessRequest, AuditEntry, EntryData, Lock } from '../../../records/index.js';
import { isItsReviewer } from '../visibility.js';
import type { QuestionSlots } from './question-slots.js';

interface ViewersOptions {
  readonly request: AccessRequest;
  /** `undefined`: any caller may review the request. */
  readonly reviewers: readonly string[] | undefined;
  readonly slots: QuestionSlots;
  /** Receives the number of answers that are kept since the last call. */
  readonly onAnswers: (count: number) => void;
}

/** Who sees the events of one request. It is never used for longer than 30 seconds. */
export class RequestViewers {
  /** Every caller that may see them. `undefined`: any caller may. Only an answer gives the right: the list of an approver gives none. */
  readonly candidates: ReadonlySet<string> | undefined;
  readonly #kernel: Kernel;
  readonly #options: ViewersOptions;
  readonly #answers = new Map<string, boolean | Promise<boolean>>();

  constructor(kernel: Kernel, options: ViewersOptions) {
    const { request, reviewers } = options;
    this.#kernel = kernel;
    this.#options = options;
    this.candidates =
      reviewers && new Set([request.subject, request.requestedBy, ...request.reviews.map(({ reviewer }) => reviewer), ...reviewers]);
  }

  /** Whether a caller sees the events. A promise rejects if the approver fails. A failure is not kept: the next event asks again. */
  sees(caller: string): boolean | Promise<boolean> {
    const { request, slots, onAnswers } = this.#options;
    if (this.candidates?.has(caller) === false) return false;
    if (isOwnRequest(request, caller)) return true;
    const kept = this.#answers.get(caller);
    if (kept !== undefined) return kept;
    const asked = slots.ask(() => isItsReviewer(this.#kernel, request, caller));
    this.#answers.set(caller, asked);
    onAnswers(1);
    asked.then(
      (sees) => this.#answers.set(caller, sees),
      () => this.#answers.delete(caller),
    );
    return asked;
  }
}

export type Viewers = Pick<RequestViewers, 'candidates' | 'sees'>;

/**
 * Those of an entry about a lock: the person whom the lock names, or every caller if it is on a scope. The entry has the whole lock, so
 * nothing is asked. It throws for an entry that does not have it.
 */
export function lockViewers({ data }: AuditEntry): Viewers {
  const { lockId, locks, ended } = data as unknown as EntryData['lock.set'];
  const { subject } = [...locks, ...ended].find(({ id }) => id === lockId) as Lock;
  return { candidates: subject === undefined ? undefined : new Set([subject]), sees: (caller) => caller === (subject ?? caller) };
}

/** Those of an entry about no request and no lock, or about a request that is no longer stored. */
export const NO_VIEWERS: Viewers = { candidates: new Set(), sees: () => false };
