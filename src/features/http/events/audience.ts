import { SingleFlight } from '../../../core/single-flight.js';
import type { Kernel } from '../../../kernel/kernel.js';
import { requestIdOf } from '../../../lifecycle/grant.js';
import { isOwnRequest } from '../../../lifecycle/review.js';
import { decodeRequest, type AccessRequest, type AuditEntry, type EntryType } from '../../../records/index.js';
import { isItsReviewer } from '../visibility.js';
import { QuestionSlots } from './question-slots.js';

/** How long an answer is used again. Milliseconds. */
const KEPT_MS = 30_000;
/** The entries after which other people review the request: an answer from before them is old. */
const OTHER_REVIEWERS: readonly EntryType[] = ['request.assigned', 'request.stepped', 'request.escalated'];
/** The most answers that are kept. Beyond that, all are dropped. */
const MAX_KEPT = 10_000;

interface Kept {
  readonly sees: Promise<boolean>;
  readonly until: number;
}

/** Whether a caller sees an event: that of a request that the caller sees. Each question is asked once in 30 seconds. */
export class Audience {
  readonly #kernel: Kernel;
  readonly #kept = new Map<string, Kept>();
  readonly #reads = new SingleFlight<AccessRequest | undefined>();
  readonly #slots = new QuestionSlots();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** An entry about no request is for callers that see every event. */
  async sees(caller: string, { type, requestId, grantId }: AuditEntry): Promise<boolean> {
    const id = requestId ?? (grantId === undefined ? undefined : requestIdOf(grantId));
    if (id === undefined) return false;
    const key = JSON.stringify([caller, id]);
    const { now } = this.#kernel.clock.read();
    const kept = this.#kept.get(key);
    const isOld = OTHER_REVIEWERS.includes(type);
    if (kept !== undefined && !isOld && now < kept.until && now >= kept.until - KEPT_MS) return kept.sees;
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    const sees = this.#ask(caller, id);
    this.#kept.set(key, { sees, until: now + KEPT_MS });
    // A failure is not kept: the next event asks again.
    sees.catch(() => this.#kept.delete(key));
    return sees;
  }

  async #ask(caller: string, id: string): Promise<boolean> {
    // One read serves all streams that judge the event at the same time.
    const request = await this.#reads.join(() => this.#read(id), id);
    if (request === undefined) return false;
    return isOwnRequest(request, caller) || this.#slots.ask(() => isItsReviewer(this.#kernel, request, caller));
  }

  async #read(id: string): Promise<AccessRequest | undefined> {
    const row = await this.#kernel.ledger.row('request', id);
    return row && decodeRequest(row);
  }
}
