import { within } from '../../../core/timers.js';
import type { Kernel } from '../../../kernel/kernel.js';
import { requestIdOf } from '../../../lifecycle/grant.js';
import { askedGroups, decodeRequest, groupsIn, type AccessRequest, type AuditEntry, type EntryType } from '../../../records/index.js';
import { QuestionSlots } from './question-slots.js';
import { lockViewers, NO_VIEWERS, RequestViewers, type Viewers } from './viewers.js';

/** How long an answer is used again. Milliseconds. */
const KEPT_MS = 30_000;
/** How long the list of the reviewers may take. Beyond that, the handler asks about each caller. Milliseconds. */
const LIST_MS = 1_000;
/** The most reviewers in a list that is kept. Beyond that, asking about each caller costs less. */
const MAX_LISTED = 1_000;
/** The most people that are kept, of all requests. Beyond that, the oldest requests are dropped. */
const MAX_KEPT = 10_000;
/** The entries after which other people review the request: an answer from before them is old. */
const OTHER_REVIEWERS: readonly EntryType[] = ['request.assigned', 'request.stepped', 'request.escalated'];
/** The entries of locks that more callers receive. `GET /me` names the instant at which a lock expires. */
const OF_LOCKS: readonly EntryType[] = ['lock.set', 'lock.completed', 'lock.lifted'];

interface Kept {
  readonly viewers: Promise<Viewers>;
  readonly until: number;
  /** The request was read after this entry was committed, and so were all entries before it. */
  readonly seq: number;
  people: number;
}

/** Who sees an event: the people who see its request. Each question is asked once in 30 seconds. */
export class Audience {
  readonly #kernel: Kernel;
  /** By request, the oldest first. */
  readonly #kept = new Map<string, Kept>();
  #people = 0;
  /** Until when the approver is asked for no list, because one has failed or was late. */
  #unlistedUntil = 0;
  readonly #slots = new QuestionSlots();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /**
   * The people who see the events of the entry's request or lock. Any other entry is for callers that see every event.
   *
   * @param committed an entry that is committed too, the same or a later one
   * @throws StoreError, CorruptError, ClockError. A failure is not kept: the next event asks again
   */
  async of(entry: AuditEntry, committed: number): Promise<Viewers> {
    const { type, seq, requestId, grantId } = entry;
    const id = requestId ?? (grantId === undefined ? undefined : requestIdOf(grantId));
    if (id === undefined) return OF_LOCKS.includes(type) ? lockViewers(entry) : NO_VIEWERS;
    const { now } = this.#kernel.clock.read();
    const kept = this.#kept.get(id);
    // A client that resumes reads old entries, which must not drop what was read after them.
    const isOld = kept !== undefined && OTHER_REVIEWERS.includes(type) && seq > kept.seq;
    if (kept !== undefined && !isOld && isWithin(now, kept.until)) return kept.viewers;
    this.#drop(id);
    const added: Kept = {
      viewers: this.#read(id, now, (people) => this.#count(id, added, people)),
      until: now + KEPT_MS,
      seq: committed,
      people: 0,
    };
    this.#kept.set(id, added);
    this.#count(id, added, 1);
    added.viewers.catch(() => this.#kept.get(id) === added && this.#drop(id));
    return added.viewers;
  }

  /** Forgets all answers: no stream is open. */
  clear(): void {
    this.#kept.clear();
    this.#people = 0;
  }

  #count(id: string, kept: Kept, people: number): void {
    if (this.#kept.get(id) !== kept) return;
    kept.people += people;
    this.#people += people;
    for (const oldest of this.#kept.keys()) {
      if (this.#people <= MAX_KEPT) return;
      this.#drop(oldest);
    }
  }

  #drop(id: string): void {
    this.#people -= this.#kept.get(id)?.people ?? 0;
    this.#kept.delete(id);
  }

  async #read(id: string, now: number, onAnswers: (people: number) => void): Promise<Viewers> {
    const row = await this.#kernel.ledger.row('request', id);
    if (row === undefined) return NO_VIEWERS;
    const request = decodeRequest(row);
    const reviewers = await this.#reviewersOf(request, now);
    onAnswers(reviewers?.length ?? 0);
    return new RequestViewers(this.#kernel, { request, reviewers, slots: this.#slots, onAnswers });
  }

  /** Everyone who may review the request in any of its groups. `undefined`: the approver does not list all of them. */
  async #reviewersOf(request: AccessRequest, now: number): Promise<readonly string[] | undefined> {
    const { quorum, afterReview } = request;
    // No person reviews the request, or only its use after break-glass: the list has only the reviewers of a quorum.
    if (quorum === undefined) return afterReview === undefined ? [] : undefined;
    const asked = askedGroups(request, request.escalatedAt ?? 0);
    // The list has only the reviewers of the present steps. Those of other steps see the events too.
    if (groupsIn(quorum).some((name) => !asked.includes(name))) return undefined;
    if (isWithin(now, this.#unlistedUntil)) return undefined;
    const { approver, clock, settings } = this.#kernel;
    try {
      const timeout = () => new Error(`membersOf gave no answer within ${LIST_MS} ms, so the handler asks about each caller`);
      const list = await within(clock.source, LIST_MS, () => this.#slots.ask(() => approver.listOf(request)), timeout);
      // A policy lists a group of code that cannot list its members by its name.
      const isWhole = list !== undefined && list.length <= MAX_LISTED && !asked.some((name) => list.includes(`group:${name}`));
      return isWhole ? list.flatMap((member) => canonical(this.#kernel, member)) : undefined;
    } catch (error) {
      this.#unlistedUntil = now + KEPT_MS;
      settings.onError(error, 'membersOf');
      return undefined;
    }
  }
}

/** Whether an instant lies in the {@link KEPT_MS} before `until`. A clock may step back. */
const isWithin = (now: number, until: number): boolean => now < until && now >= until - KEPT_MS;

/** The id of a member as `identify` returns it. The approver may list ids in another form; one that the engine refuses is no caller. */
function canonical({ settings }: Kernel, member: string): readonly string[] {
  try {
    return [settings.readId('member', member)];
  } catch {
    return [];
  }
}
