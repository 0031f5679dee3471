import { newId } from '../../kernel/ledger/ids.js';
import type { Kernel } from '../../kernel/kernel.js';
import { decodeRequest, groupsIn, makeRequest, type AccessRequest } from '../../records/index.js';

/*
 * A stranger must not learn from the time of a 404 which requests exist, or which groups review them. So every 404 asks the approver
 * about the same groups, each once: the handler asks about the request, if there is one, and about a stand-in for the groups that this
 * question does not name. A stand-in copies the last request of its approver, so that the approver answers about a subject that it knows.
 */

/** How many requests of the store are read to learn which groups review. */
const LOOK = 100;
/** How often they are read again, because other processes decide requests too. Milliseconds. */
const LOOK_EVERY_MS = 60_000;
/** The most approvers that are known, and the most groups of one. Beyond that, the older ones are forgotten. */
const MAX_KNOWN = 1_000;

/** The questions to the approver before a 404. */
export class StandIns {
  readonly #kernel: Kernel;
  /** By approver: its last request, with all groups that its requests have named. A chain asks only the member that a request names. */
  readonly #known = new Map<string, AccessRequest>();
  #look: { readonly at: number; readonly done: Promise<void> } | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * The requests about which the approver is asked, in order, the given one first. Together they name each known group once, and each
   * approver twice, for any given request. None: no request with reviewers is known.
   *
   * @param request `undefined`: there is no request with the id
   * @throws StoreError, ClockError
   */
  async questionsAbout(request: AccessRequest | undefined): Promise<readonly AccessRequest[]> {
    await this.#learn();
    if (request !== undefined) this.#note(request);
    const known = [...this.#known.values()];
    const first = request !== undefined && hasReviewers(request) ? request : known[0];
    if (first === undefined) return [];
    const rest = known.flatMap((standIn) =>
      standIn.approver === first.approver ? [without(standIn, first)] : [standIn, without(standIn, standIn)],
    );
    return [first, ...rest];
  }

  #learn(): Promise<void> {
    const { now } = this.#kernel.clock.read();
    if (this.#look === undefined || now >= this.#look.at + LOOK_EVERY_MS || now < this.#look.at) {
      const look = { at: now, done: this.#readNewest() };
      this.#look = look;
      look.done.catch(() => (this.#look = undefined));
    }
    return this.#look.done;
  }

  async #readNewest(): Promise<void> {
    const { ledger, settings } = this.#kernel;
    const { items } = await ledger.find({ kind: 'request', order: 'newest', limit: LOOK });
    for (const request of settings.decodeAll(items, decodeRequest).reverse()) this.#note(request);
  }

  #note(request: AccessRequest): void {
    const { approver } = request;
    if (approver === undefined || !hasReviewers(request)) return;
    const known = this.#known.get(approver);
    if (known === undefined && this.#known.size >= MAX_KNOWN) this.#known.clear();
    const join = (namesIn: (of: AccessRequest) => readonly string[]) =>
      [...new Set([...namesIn(request), ...(known === undefined ? [] : namesIn(known))])].slice(0, MAX_KNOWN);
    this.#known.set(approver, standInFor(request, join(quorumGroups), join(afterReviewers)));
  }
}

/** Whether persons review the request. Without any, the approver is not asked about it: it has not decided, or it decided by itself. */
const hasReviewers = ({ quorum, afterReview }: AccessRequest): boolean => quorum !== undefined || afterReview !== undefined;

const quorumGroups = ({ quorum }: AccessRequest): readonly string[] => (quorum === undefined ? [] : groupsIn(quorum));
const afterReviewers = ({ afterReview }: AccessRequest): readonly string[] => afterReview?.reviewers ?? [];

/** The stand-in for the groups that the other request does not name. */
function without(standIn: AccessRequest, other: AccessRequest): AccessRequest {
  const left = (namesIn: (of: AccessRequest) => readonly string[]) => {
    const named = new Set(namesIn(other));
    return namesIn(standIn).filter((name) => !named.has(name));
  };
  return standInFor(standIn, left(quorumGroups), left(afterReviewers));
}

/** A request that is never recorded. No answer about it lets a caller see a request. */
function standInFor(request: AccessRequest, groups: readonly string[], reviewers: readonly string[]): AccessRequest {
  return makeRequest({
    ...request,
    id: newId(),
    // Without them, a caller who has reviewed the copied request is asked about like any other.
    reviews: [],
    quorum:
      groups.length === 0
        ? undefined
        : {
            groups: groups.map((name) => ({ name, approvals: 1, denials: undefined })),
            steps: undefined,
            anyOf: undefined,
            denials: 1,
            approvalTtlMs: undefined,
            escalation: undefined,
            assurance: undefined,
            remindEveryMs: undefined,
          },
    afterReview:
      reviewers.length === 0
        ? undefined
        : {
            reviewBy: request.reviewBy,
            reviewers,
            skippedGroups: [],
            skippedPeople: undefined,
            missedAt: undefined,
            breakGlassReview: undefined,
          },
  });
}
