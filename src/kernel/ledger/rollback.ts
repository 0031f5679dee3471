import { ConflictError, CorruptError, RollbackError, StoreError } from '../../core/errors.js';
import { bookmark } from '../../records/bookmark.js';
import { link } from '../../journal/link.js';
import { askRows } from '../../journal/store-reads.js';
import { commitResending, type Resend } from './resend.js';
import type { Change, CommitAnswer, GrantStore, Row } from '../../core/store-port.js';
import { isObject, type Anchor } from '../../records/index.js';
import { withMore } from '../../records/layout.js';
import type { EngineClock } from '../../core/clock.js';
import { isInstant } from '../../core/instant.js';
import { SuccessiveRuns } from '../../core/successive-runs.js';
import { newId } from './ids.js';
import type { JournalReader } from './journal-reader.js';

/** The row that lists the newest acceptances. Each acceptance writes a new version of it. */
const ACCEPTED = { kind: 'accepted', id: 'accepted' } as const;
/** The most acceptances that the row lists. */
const MAX_ACCEPTANCES = 16;
/** The most anchors that may wait for confirmation. The oldest is dropped first. */
const MAX_UNCONFIRMED = 64;
/** With so many unconfirmed anchors a flight begins also without a waiter: commits that create no access must not push a loss out. */
const MANY_UNCONFIRMED = MAX_UNCONFIRMED / 2;
const PAGE = 200;
/** The most pages that one flight reads. The next flight continues from there. */
const MAX_PAGES = 4;
/**
 * The most flights that one change waits for. Under steady commits of several processes many flights leave a new anchor, so a small
 * number would refuse access under ordinary load.
 */
const MAX_FLIGHTS = 32;
/** The most tries of an acceptance. Of concurrent acceptances one commits, and the others adopt it. */
const MAX_TRIES = 16;

/** The result of `acceptRollback`. */
export interface RollbackAcceptance {
  /** False: this engine has seen no rollback, or another process has accepted it already. Then nothing is recorded. */
  readonly accepted: boolean;
  /** The newest entry that this engine had seen and the journal no longer holds; `undefined`: none. */
  readonly lost: Anchor | undefined;
  /** The journal's newest entry, from which the engines of the fleet continue. */
  readonly head: Anchor;
}

/** One acceptance by a person, as the row stores it. */
interface Acceptance {
  readonly id: string;
  /** The reading of the engine that recorded it. Epoch milliseconds. */
  readonly at: number;
}

/** An entry that the engine has seen. */
interface Seen {
  readonly anchor: Anchor;
  /** The engine's highest clock reading when it learnt the anchor. An acceptance before that instant is about an earlier rollback. */
  readonly at: number;
}

/** The data that the change of an acceptance records. */
export interface AcceptedRollback extends Acceptance {
  readonly lost: Anchor;
  readonly head: Anchor;
  /** The row that lists this acceptance. */
  readonly put: Row;
}

/**
 * Detects a store that went back, or forked (L40): a restored backup, a failover that lost commits, an evicted key.
 *
 * The guard remembers the highest entry that the engine has seen, and every commit carries it. If the journal no longer holds
 * that entry, the engine creates no access until a person accepts the rollback. All other changes are committed as before.
 */
export class RollbackGuard {
  readonly #store: GrantStore;
  readonly #journal: JournalReader;
  readonly #clock: EngineClock;
  readonly #resend: Resend;
  readonly #onError: (error: unknown, during: string) => void;
  /** The highest entry that the engine has seen, or the lost one after a rollback, until a person accepts it. */
  #known: Seen | undefined;
  /** The journal lacks `#known`. No answer of the store replaces it then. */
  #isLost = false;
  /** Former highest anchors. Each was replaced by the head of a commit that had not carried it, so the journal may lack it. */
  #unconfirmed: readonly Seen[] = [];
  readonly #flights = new SuccessiveRuns(() => this.#confirm());
  /** How many rollbacks have been accepted. What was sent or read before an acceptance says nothing about the history after it. */
  #histories = 0;
  /** The ids of acceptances that apply to no later rollback; `undefined`: the row has not been read yet. */
  #spent: ReadonlySet<string> | undefined;
  #firstRead: Promise<void> | undefined;
  #isReported = false;

  constructor(
    journal: JournalReader,
    clock: EngineClock,
    resend: Resend,
    knownHead: Anchor | undefined,
    onError: (error: unknown, during: string) => void,
  ) {
    this.#store = journal.store;
    this.#journal = journal;
    this.#clock = clock;
    this.#resend = resend;
    this.#known = knownHead && { anchor: knownHead, at: 0 };
    this.#onError = onError;
  }

  /**
   * Commits a change, and compares the journal with the highest entry that this engine has seen.
   *
   * @param creates the change creates access, so it is refused until a person accepts the rollback
   * @throws RollbackError, StoreError, OutcomeUnknownError
   */
  async commit(change: Change, creates: boolean): Promise<CommitAnswer> {
    await this.#readSpent(creates);
    for (;;) {
      for (let flights = 0; creates && this.#mustWait(flights); flights++) await this.#flights.run();
      if (this.#isLost && this.#isReported && !creates) break;
      const known = this.#known;
      // The change itself is not sent after a loss: the entry may be back, and the loss of later ones is forgotten.
      const answer = this.#isLost ? undefined : await this.#send(change, known);
      if (answer !== undefined && answer.outcome !== 'behind') return answer;
      const { head } = answer ?? (await this.#journal.read());
      await this.#takeOver(head);
      if (!this.#isLost) continue;
      const error = new RollbackError((this.#known as Seen).anchor, head);
      if (!this.#isReported) this.#onError(error, 'rollback');
      this.#isReported = true;
      if (creates) throw error;
    }
    // No person has accepted this history yet, so the guard learns no head from the answer.
    return commitResending(this.#store, change, this.#resend);
  }

  /**
   * Continues from the present head, and records that a person has accepted the loss of the entries in between.
   *
   * @param changeOf makes the change that records the acceptance
   * @throws StoreError, OutcomeUnknownError, ConflictError, CorruptError, ClockError
   */
  async accept(changeOf: (acceptance: AcceptedRollback) => Change): Promise<RollbackAcceptance> {
    await this.#readSpent(true);
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      for (let flights = 0; this.#mustWait(flights); flights++) await this.#flights.run();
      const { outcome, head } = await this.#send({ id: newId(), expect: [], put: [], append: [] }, this.#known);
      if (outcome === 'behind') await this.#takeOver(head);
      if (!this.#isLost) return { accepted: false, lost: undefined, head };
      const lost = (this.#known as Seen).anchor;
      const [row] = await askRows(this.#store, [ACCEPTED]);
      const own: Acceptance = { id: newId(), at: this.#clock.read().now };
      const accepted = [...acceptancesIn(row), own].slice(-MAX_ACCEPTANCES);
      const body = { accepted: accepted.map(({ id, at }) => ({ id, at })) };
      const put = withMore(bookmark(ACCEPTED.kind, ACCEPTED.id, (row?.version ?? 0) + 1, body), row);
      const change = changeOf({ ...own, lost, head, put });
      if ((await commitResending(this.#store, change, this.#resend)).outcome !== 'committed') continue;
      this.#goOnFrom(head, accepted);
      return { accepted: true, lost, head };
    }
    throw new ConflictError(MAX_TRIES);
  }

  async #send(change: Change, known: Seen | undefined): Promise<CommitAnswer> {
    const histories = this.#histories;
    const carried = known?.anchor;
    const answer = await commitResending(this.#store, carried === undefined ? change : { ...change, knows: carried }, this.#resend);
    if (histories !== this.#histories || this.#isLost) return answer;
    if (answer.outcome !== 'behind') this.#learn(answer.head, carried, change);
    else if (known !== undefined) this.#lose(known);
    return answer;
  }

  /** Remembers the head of an answer if it is higher. Every later commit carries the highest head, whichever commit returned it. */
  #learn(head: Anchor, carried: Anchor | undefined, { append }: Change): void {
    const known = this.#known;
    if (known !== undefined && head.seq < known.anchor.seq) return;
    // The journal may hold another entry at this seq. Then the next commit carries the known entry and is answered 'behind'.
    if (known?.anchor.seq === head.seq) return;
    this.#known = { anchor: { seq: head.seq, hash: head.hash }, at: this.#clock.highWater };
    // Commits overlap: another commit may have returned the known entry after this one was sent. This one's history may lack it.
    if (known === undefined || isSame(known.anchor, carried) || isNext(known.anchor, append, head)) return;
    this.#unconfirmed = [...this.#unconfirmed, known].slice(-MAX_UNCONFIRMED);
    // The change that waits for the next flight reports why it failed.
    if (this.#unconfirmed.length >= MANY_UNCONFIRMED) this.#flights.run().catch(() => undefined);
  }

  /**
   * Whether a change that creates access must wait for a flight. Call it in the turn that reads `#known`: the change carries only the
   * highest anchor, so the journal must hold all others by then.
   *
   * @throws StoreError after so many flights that the journal grows faster than they read it
   */
  #mustWait(flights: number): boolean {
    if (this.#isLost || this.#unconfirmed.length === 0) return false;
    if (flights === MAX_FLIGHTS)
      throw new StoreError('journal', `other commits overtook ${flights} comparisons with the journal: try again`);
    return true;
  }

  /**
   * One flight: checks that the journal holds the anchors that are unconfirmed now. One that a commit proves missing becomes `#known`
   * again, so that the next commit is answered `behind`.
   */
  async #confirm(): Promise<void> {
    const histories = this.#histories;
    let anchors = this.#unconfirmed;
    for (let pages = 0; anchors.length > 0 && pages < MAX_PAGES; pages++) {
      const [oldest] = anchors as [Seen];
      const { entries, start, head } = await this.#journal.read(oldest.anchor.seq - 1, PAGE);
      if (histories !== this.#histories || this.#isLost) return;
      const isOnPage = ({ anchor }: Seen) => entries.some((entry) => isSame(entry, anchor));
      // An anchor that was learnt during the read may be of a later history than the page, unless the page has the newest anchor.
      if (isOnPage(this.#known as Seen)) anchors = [...new Set([...anchors, ...this.#unconfirmed])];
      const last = Math.max(start.seq, entries.at(-1)?.seq ?? head.seq, oldest.anchor.seq);
      let read = anchors.filter(({ anchor }) => anchor.seq <= last);
      const missing = read.find((one) => one.anchor.seq > start.seq && !isOnPage(one));
      if (missing !== undefined) {
        const isBehind = await this.#isBehind(missing);
        if (histories !== this.#histories || this.#isLost) return;
        if (isBehind) {
          this.#lose(missing);
          return;
        }
        read = [missing];
      }
      anchors = anchors.filter((one) => !read.includes(one));
      this.#unconfirmed = this.#unconfirmed.filter((one) => !read.includes(one));
    }
  }

  /** Only a commit proves a loss: a read that a pooler sends to a replica may be of an older snapshot. */
  async #isBehind({ anchor }: Seen): Promise<boolean> {
    const empty = { id: newId(), expect: [], put: [], append: [], knows: anchor };
    return (await commitResending(this.#store, empty, this.#resend)).outcome === 'behind';
  }

  /** From now on every commit carries this entry, and is answered `behind`, until a person accepts the rollback. */
  #lose(lost: Seen): void {
    this.#known = lost;
    this.#isLost = true;
    this.#unconfirmed = [];
  }

  /**
   * Reads which acceptances were made before this engine's first commit: they do not apply to a rollback that it sees later. A
   * failed read refuses only changes that create access, because a revoke must not depend on it.
   */
  async #readSpent(creates: boolean): Promise<void> {
    if (this.#spent !== undefined) return;
    this.#firstRead ??= this.#acceptances()
      .then((accepted) => void (this.#spent ??= new Set(accepted.map(({ id }) => id))))
      .finally(() => (this.#firstRead = undefined));
    await (creates ? this.#firstRead : this.#firstRead.catch(() => undefined));
  }

  /** Continues from the present head if a person has accepted this rollback through any engine. */
  async #takeOver(head: Anchor): Promise<void> {
    if (!this.#isLost || this.#spent === undefined) return;
    const accepted = await this.#acceptances();
    const isNew = accepted.some(({ id, at }) => at >= (this.#known?.at ?? 0) && this.#spent?.has(id) === false);
    if (this.#isLost && isNew) this.#goOnFrom(head, accepted);
  }

  #goOnFrom(head: Anchor, accepted: readonly Acceptance[]): void {
    this.#spent = new Set(accepted.map(({ id }) => id));
    this.#known = { anchor: head, at: this.#clock.highWater };
    this.#isLost = false;
    this.#unconfirmed = [];
    this.#histories += 1;
    this.#isReported = false;
  }

  async #acceptances(): Promise<readonly Acceptance[]> {
    const [row] = await askRows(this.#store, [ACCEPTED]);
    return acceptancesIn(row);
  }
}

/** The acceptances that the row lists. @throws CorruptError for an unreadable row, so that no acceptance overwrites it */
function acceptancesIn(row: Row | undefined): readonly Acceptance[] {
  if (row === undefined) return [];
  const accepted: unknown = isObject(row) && isObject(row.body) ? row.body['accepted'] : undefined;
  const isAcceptance = (one: unknown): boolean =>
    isObject(one) && typeof (one as Partial<Acceptance>).id === 'string' && isInstant((one as Partial<Acceptance>).at);
  if (Array.isArray(accepted) && accepted.every(isAcceptance)) return accepted as readonly Acceptance[];
  throw new CorruptError('bookmark', 'accepted', 'is not a row that this version writes');
}

const isSame = (a: Anchor, b: Anchor | undefined): boolean => a.seq === b?.seq && a.hash === b.hash;

/** Whether exactly these entries link `known` to `head`. Then the history of `head` contains `known`. */
const isNext = (known: Anchor, append: Change['append'], head: Anchor): boolean =>
  known.seq + append.length === head.seq && link(known, append).at(-1)?.hash === head.hash;
