import { ConflictError, CorruptError, RollbackError } from '../core/errors.js';
import { bookmark } from '../records/bookmark.js';
import { link } from '../journal/link.js';
import { askRows } from '../journal/store-reads.js';
import { commitResending, type Resend } from './resend.js';
import type { Change, CommitAnswer, GrantStore, Row } from '../core/store-port.js';
import { isObject, type Anchor } from '../records/index.js';
import type { EngineClock } from '../core/time.js';
import { isInstant } from '../core/instant.js';
import { newId } from './ids.js';
import type { JournalReader } from './journal-reader.js';

/** The row that lists the newest acceptances; a version of it is written by each. */
const ACCEPTED = { kind: 'accepted', id: 'accepted' } as const;
/** How many acceptances the row lists. */
const MAX_ACCEPTANCES = 16;
/** How many anchors may wait to be confirmed; the oldest ones are dropped first. */
const MAX_UNCONFIRMED = 64;
const PAGE = 200;
/** Of acceptances that race one wins, and the others take over what it has accepted. */
const MAX_TRIES = 16;

/** What an acceptance of a rollback did. */
export interface RollbackAcceptance {
  /** False: this engine has seen no rollback, or another process has accepted it. Then nothing is recorded. */
  readonly accepted: boolean;
  /** The newest entry that this engine had seen and the journal no longer holds; `undefined`: none. */
  readonly lost: Anchor | undefined;
  /** The journal's newest entry that engines of the fleet go on from. */
  readonly head: Anchor;
}

/** One person's acceptance, as the row keeps it. */
interface Acceptance {
  readonly id: string;
  /** The reading of the engine that recorded it. Epoch milliseconds. */
  readonly at: number;
}

/** What is to be recorded of an acceptance. */
export interface AcceptedRollback extends Acceptance {
  readonly lost: Anchor;
  readonly head: Anchor;
  /** The row that lists it. */
  readonly put: Row;
}

/**
 * Notices a store that went back, or forked (L40): a restored backup, a failover that lost commits, an evicted key.
 *
 * It remembers the highest entry that the engine has seen, and every commit carries it. Where the journal no longer holds that
 * entry, the engine creates no access until a person accepts the rollback. Everything else is committed as before.
 */
export class RollbackGuard {
  readonly #store: GrantStore;
  readonly #journal: JournalReader;
  readonly #clock: EngineClock;
  readonly #resend: Resend;
  readonly #onError: (error: unknown, during: string) => void;
  #known: Anchor | undefined;
  /** The engine's highest clock reading when it learnt `#known`. An acceptance from before that speaks of an earlier rollback. */
  #knownAt = 0;
  /** Anchors that were the highest until a commit that had not carried them brought a higher one. */
  #unconfirmed: Anchor[] = [];
  /** Ids of acceptances that accept nothing any more; `undefined`: the row was not read yet. */
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
    this.#known = knownHead;
    this.#onError = onError;
  }

  /**
   * Commits a change.
   *
   * @param creates the change creates access: it is refused while a rollback is not accepted
   * @throws RollbackError, StoreError, OutcomeUnknownError
   */
  async commit(change: Change, creates: boolean): Promise<CommitAnswer> {
    await this.#readSpent(creates);
    if (creates) await this.#confirm();
    for (;;) {
      const known = this.#known;
      const answer = await this.#send(change, known);
      if (answer.outcome !== 'behind') return answer;
      if (await this.#takesOver(answer.head)) continue;
      const error = new RollbackError(known as Anchor, answer.head);
      if (!this.#isReported) this.#onError(error, 'rollback');
      this.#isReported = true;
      if (creates) throw error;
      // What it answers is of a history that nobody has accepted, so nothing is learnt from it.
      return commitResending(this.#store, change, this.#resend);
    }
  }

  /**
   * Takes over the present head, and records that a person has accepted the loss of what lies between.
   *
   * @param changeOf makes the change that records it
   * @throws StoreError, OutcomeUnknownError, ConflictError, CorruptError, ClockError
   */
  async accept(changeOf: (acceptance: AcceptedRollback) => Change): Promise<RollbackAcceptance> {
    await this.#readSpent(true);
    await this.#confirm();
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const lost = this.#known;
      const { outcome, head } = await this.#send({ id: newId(), expect: [], put: [], append: [] }, lost);
      if (outcome !== 'behind' || lost === undefined || (await this.#takesOver(head))) return { accepted: false, lost: undefined, head };
      const [row] = await askRows(this.#store, [ACCEPTED]);
      const own: Acceptance = { id: newId(), at: this.#clock.read().now };
      const accepted = [...acceptancesIn(row), own].slice(-MAX_ACCEPTANCES);
      const body = { accepted: accepted.map(({ id, at }) => ({ id, at })) };
      const put = bookmark(ACCEPTED.kind, ACCEPTED.id, (row?.version ?? 0) + 1, body);
      const change = changeOf({ ...own, lost, head, put });
      if ((await commitResending(this.#store, change, this.#resend)).outcome !== 'committed') continue;
      this.#goOnFrom(head, accepted);
      return { accepted: true, lost, head };
    }
    throw new ConflictError(MAX_TRIES);
  }

  async #send(change: Change, known: Anchor | undefined): Promise<CommitAnswer> {
    const answer = await commitResending(this.#store, known === undefined ? change : { ...change, knows: known }, this.#resend);
    if (answer.outcome !== 'behind') this.#learn(answer.head, known, change);
    return answer;
  }

  /** Takes a higher head from an answer. The highest is carried by every later commit, whichever commit has brought it. */
  #learn(head: Anchor, carried: Anchor | undefined, { append }: Change): void {
    const known = this.#known;
    if (known !== undefined && head.seq < known.seq) return;
    // Two entries of one number: the next commit carries the one that is known, and is answered 'behind'.
    if (known?.seq === head.seq) return;
    // Of commits that overlap, one may be answered from a history that lacks what another one has just brought.
    if (known !== undefined && !isSame(known, carried) && !isNext(known, append, head)) {
      this.#unconfirmed.push(known);
      if (this.#unconfirmed.length > MAX_UNCONFIRMED) this.#unconfirmed.shift();
    }
    this.#known = { seq: head.seq, hash: head.hash };
    this.#knownAt = this.#clock.highWater;
    this.#isReported = false;
  }

  /** Reads whether the journal holds what was overtaken. One that it lacks becomes the highest again, so that the next commit is answered `behind`. */
  async #confirm(): Promise<void> {
    while (this.#unconfirmed.length > 0) {
      const [oldest] = this.#unconfirmed as [Anchor];
      const { entries, start, head } = await this.#journal.read(oldest.seq - 1, PAGE);
      const last = Math.max(start.seq, entries.at(-1)?.seq ?? head.seq);
      for (const anchor of this.#unconfirmed.filter(({ seq }) => seq <= Math.max(last, oldest.seq))) {
        this.#unconfirmed = this.#unconfirmed.filter((other) => other !== anchor);
        const isHeld = anchor.seq <= start.seq || entries.some(({ seq, hash }) => seq === anchor.seq && hash === anchor.hash);
        if (isHeld) continue;
        this.#known = anchor;
        this.#unconfirmed = [];
        return;
      }
    }
  }

  /**
   * Reads which acceptances were made before this engine's first commit: they accept nothing that it sees later. A failure
   * refuses only what creates access, for a revoke must not depend on it.
   */
  async #readSpent(creates: boolean): Promise<void> {
    if (this.#spent !== undefined) return;
    this.#firstRead ??= this.#acceptances()
      .then((accepted) => void (this.#spent ??= new Set(accepted.map(({ id }) => id))))
      .finally(() => (this.#firstRead = undefined));
    await (creates ? this.#firstRead : this.#firstRead.catch(() => undefined));
  }

  /** Whether a person has accepted this rollback through any engine: then this one goes on from the present head, too. */
  async #takesOver(head: Anchor): Promise<boolean> {
    if (this.#spent === undefined) return false;
    const accepted = await this.#acceptances();
    const isNew = accepted.some(({ id, at }) => at >= this.#knownAt && this.#spent?.has(id) === false);
    if (isNew) this.#goOnFrom(head, accepted);
    return isNew;
  }

  #goOnFrom(head: Anchor, accepted: readonly Acceptance[]): void {
    this.#spent = new Set(accepted.map(({ id }) => id));
    this.#known = head;
    this.#knownAt = this.#clock.highWater;
    this.#unconfirmed = [];
    this.#isReported = false;
  }

  async #acceptances(): Promise<readonly Acceptance[]> {
    const [row] = await askRows(this.#store, [ACCEPTED]);
    return acceptancesIn(row);
  }
}

/** The version that the next acceptance expects is the row's. @throws CorruptError */
function acceptancesIn(row: Row | undefined): readonly Acceptance[] {
  if (row === undefined) return [];
  const accepted: unknown = isObject(row) && isObject(row.body) ? row.body['accepted'] : undefined;
  const isAcceptance = (one: unknown): boolean =>
    isObject(one) && typeof (one as Partial<Acceptance>).id === 'string' && isInstant((one as Partial<Acceptance>).at);
  if (Array.isArray(accepted) && accepted.every(isAcceptance)) return accepted as readonly Acceptance[];
  throw new CorruptError('bookmark', 'accepted', 'is not a row that this version writes');
}

const isSame = (a: Anchor, b: Anchor | undefined): boolean => a.seq === b?.seq && a.hash === b.hash;

/** Whether these entries alone lead from one anchor to the other: then the history of the other holds the first. */
const isNext = (known: Anchor, append: Change['append'], head: Anchor): boolean =>
  known.seq + append.length === head.seq && link(known, append).at(-1)?.hash === head.hash;
