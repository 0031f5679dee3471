import { ConflictError, CorruptError, RollbackError } from '../../core/errors.js';
import { bookmark } from '../../records/bookmark.js';
import { link } from '../../journal/link.js';
import { askRows } from '../../journal/store-reads.js';
import { commitResending, type Resend } from './resend.js';
import type { Change, CommitAnswer, GrantStore, Row } from '../../core/store-port.js';
import { isObject, type Anchor } from '../../records/index.js';
import type { EngineClock } from '../../core/clock.js';
import { isInstant } from '../../core/instant.js';
import { newId } from './ids.js';
import type { JournalReader } from './journal-reader.js';

/** The row that lists the newest acceptances. Each acceptance writes a new version of it. */
const ACCEPTED = { kind: 'accepted', id: 'accepted' } as const;
/** The most acceptances that the row lists. */
const MAX_ACCEPTANCES = 16;
/** The most anchors that may wait for confirmation. The oldest is dropped first. */
const MAX_UNCONFIRMED = 64;
const PAGE = 200;
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
  #known: Anchor | undefined;
  /** The engine's highest clock reading when it learnt `#known`. An acceptance before that instant is about an earlier rollback. */
  #knownAt = 0;
  /** Former highest anchors. Each was replaced by the head of a commit that had not carried it, so the journal may lack it. */
  #unconfirmed: Anchor[] = [];
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
    this.#known = knownHead;
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
      // No person has accepted this history yet, so the guard learns no head from the answer.
      return commitResending(this.#store, change, this.#resend);
    }
  }

  /**
   * Continues from the present head, and records that a person has accepted the loss of the entries in between.
   *
   * @param changeOf makes the change that records the acceptance
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

  /** Remembers the head of an answer if it is higher. Every later commit carries the highest head, whichever commit returned it. */
  #learn(head: Anchor, carried: Anchor | undefined, { append }: Change): void {
    const known = this.#known;
    if (known !== undefined && head.seq < known.seq) return;
    // The journal may hold another entry at this seq. Then the next commit carries the known entry and is answered 'behind'.
    if (known?.seq === head.seq) return;
    // Commits overlap: another commit may have returned the known entry after this one was sent. This one's history may lack it.
    if (known !== undefined && !isSame(known, carried) && !isNext(known, append, head)) {
      this.#unconfirmed.push(known);
      if (this.#unconfirmed.length > MAX_UNCONFIRMED) this.#unconfirmed.shift();
    }
    this.#known = { seq: head.seq, hash: head.hash };
    this.#knownAt = this.#clock.highWater;
    this.#isReported = false;
  }

  /** Checks that the journal holds the unconfirmed anchors. A missing one becomes `#known` again: the next commit is answered `behind`. */
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

  /** Whether a person has accepted this rollback through any engine. If so, this engine continues from the present head too. */
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
