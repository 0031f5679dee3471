import { SingleFlight } from '../../core/single-flight.js';
import { ClockError, StoreError } from '../../core/errors.js';
import { invalid } from '../../core/parse.js';
import { MALFORMED } from '../../journal/store-reads.js';
import type { AuditEntry } from '../../records/index.js';
import { STEP_BACK_MS, type EngineClock } from '../../core/clock.js';
import { nextTurn } from '../../core/turns.js';
import { stateOf, type ClockState } from '../../core/shared.js';
import { isBase } from '../../core/tolerance.js';
import { isInstant } from '../../core/instant.js';
import { Stopwatch } from '../../core/stopwatch.js';
import type { GrantStore } from '../../core/store-port.js';
import { JournalReader } from './journal-reader.js';
import { aheadOf, behindJournal, JUDGED_ENTRIES, silentJournal, unconfirmedHorizon } from './clock-problems.js';
import { confirmedByDays, isOfCaller, middleOf } from './confirmed-instants.js';

const REPORT_EVERY_MS = 3_600_000;
/** How old the answer of `lastConfirmed` may be by default. */
const CONFIRM_EVERY_MS = 600_000;
const DAY_MS = 86_400_000;
const PAGE = 200;

/** The findings of an engine whose clock lies below the newest entry of the journal. */
interface Behind {
  /** The `at` of the newest entry at the engine's first look. Epoch milliseconds. */
  readonly newest: number;
  /** This engine's reading at that look. Epoch milliseconds. */
  readonly begun: number;
  /** The seq up to which the journal has been read. */
  seq: number;
  /** How many changes this process had made when the journal was read up to `seq`. */
  made: number;
}

/** The result of `acceptClock`. */
export interface ClockAcceptance {
  /** False: creation was not refused because of the journal, so there was nothing to accept and nothing was recorded. */
  readonly accepted: boolean;
  /** This engine's reading. Epoch milliseconds. */
  readonly now: number;
  /** The `at` of the entry above that reading; `undefined`: there is none. Epoch milliseconds. */
  readonly newest: number | undefined;
}

/**
 * Compares an engine's clock with the instants that other processes have written to the journal (L39).
 *
 * The journal never moves the engine's high-water mark. Otherwise one entry of a process whose clock is a year ahead would end
 * every grant of the fleet, irreversibly. So the engine judges ends by its own readings alone. But an engine whose clock lies
 * behind the journal creates no access until the clock has caught up, another process confirms it, or a person accepts it.
 */
export class JournalClock {
  /** Reads the journal, for this and for the ledger. */
  readonly reader: JournalReader;
  readonly #clock: EngineClock;
  readonly #leewayMs: number;
  readonly #onError: (error: unknown, during: string) => void;
  /** Kept by clock, because two engines of one process that share a wrong clock must not confirm each other. */
  readonly #own: ClockState;
  #isConfirmed = false;
  #behind: Behind | undefined;
  readonly #looking = new SingleFlight();
  #reportFrom = 0;
  #lastConfirmed = 0;
  #sinceAsked: Stopwatch | undefined;

  constructor(store: GrantStore, clock: EngineClock, leewayMs: number, onError: (error: unknown, during: string) => void) {
    this.reader = new JournalReader(store, (entries) => this.#observe(entries));
    this.#clock = clock;
    this.#leewayMs = leewayMs;
    this.#onError = onError;
    this.#own = stateOf(clock.source);
  }

  /**
   * Call this for every change before it is committed. Entries must not confirm the clock that stamped them, so the change's id
   * is remembered. Entries that a confirmed clock stamped are exempt, unless it has stepped back since: they may confirm that
   * clock for another engine of this process.
   */
  wrote(changeId: string, entries: readonly Pick<AuditEntry, 'at'>[]): void {
    // A change without entries (a cursor, a lease) needs no recognition, and its id would evict the ids that do.
    if (entries.length === 0) return;
    const isVouchedFor = this.#isConfirmed && entries.every(({ at }) => at >= this.#clock.highWater - STEP_BACK_MS);
    if (!isVouchedFor) remember(this.#own, changeId);
  }

  /** Runs for every journal page that this engine reads. Reads the clock only if an entry lies above the last reading. */
  #observe(entries: readonly AuditEntry[]): void {
    let newest: AuditEntry | undefined;
    // Skips a malformed entry: the reader of the page refuses it.
    for (const entry of entries as readonly (AuditEntry | undefined)[]) {
      if (isInstant(entry?.at) && entry.at > (newest?.at ?? 0)) newest = entry;
    }
    const leewayMs = this.#leewayMs;
    if (newest === undefined || isBase(newest.at, this.#clock.highWater + leewayMs) || this.#clock.highWater < this.#reportFrom) return;
    try {
      const { now, highWater } = this.#clock.read();
      if (isBase(newest.at, now + leewayMs)) return;
      this.#reportFrom = highWater + REPORT_EVERY_MS;
      this.#onError(new ClockError(aheadOf(newest, now)), 'clock');
    } catch {
      // The caller that needs a reading reports a failing clock.
    }
  }

  /**
   * Await this before committing a change that creates access. Reads the newest entry once for each engine, and further
   * entries only while creation is refused.
   *
   * @throws ClockError if the clock lies behind the journal; StoreError if the journal could not be read
   */
  async confirm(): Promise<void> {
    if (this.#isConfirmed) return;
    await this.#look();
    const behind = this.#behind;
    if (behind === undefined) return;
    const { now } = this.#clock.read();
    if (now >= behind.newest || (await this.#isWitnessed(behind, now))) this.#confirmed();
    else throw new ClockError(behindJournal(behind.newest, now));
  }

  /** @param record records the acceptance in the journal */
  async accept(record: (data: { readonly reading: number; readonly newest: number }) => Promise<unknown>): Promise<ClockAcceptance> {
    if (!this.#isConfirmed) await this.#look();
    const { now } = this.#clock.read();
    const newest = this.#behind?.newest;
    if (newest === undefined || now >= newest) return { accepted: false, now, newest: undefined };
    await record({ reading: now, newest });
    this.#confirmed();
    return { accepted: true, now, newest };
  }

  /**
   * Refuses a purge whose horizon rests on this process's clock alone (L39). Call this before the purge writes anything.
   *
   * @returns false: the journal has no entry, so there is nothing to purge
   * @throws InvalidArgumentError, ClockError
   */
  async allowsHorizon(before: number, isForced: boolean): Promise<boolean> {
    const { now } = this.#clock.read();
    if (before > now) throw invalid('before', 'an instant that has passed', before);
    if (isForced) {
      // A store that fails must reject the purge before it writes anything.
      await this.reader.read();
      return true;
    }
    if (before > now - DAY_MS) throw invalid('before', 'at least a day ago, unless the purge says { force: true }', before);
    const confirmed = await this.confirmedNow();
    if (confirmed !== undefined && before > confirmed) throw new ClockError(unconfirmedHorizon(before, confirmed));
    return confirmed !== undefined;
  }

  /**
   * The latest instant that does not rest on this process's clock alone (L39): the median instant of the journal's last 1,000
   * entries, or the newest entry of the middle of the last eight days with entries if that is later and no gap of more than eight
   * days lies before it, or this process's own reading if that is earlier. So a clock that is far ahead decides nothing, for however
   * many days, and neither do a thousand entries of a year in a quiet namespace. Only entries of callers count.
   *
   * @returns `undefined`: the journal has no entry, so there is nothing to purge
   * @throws ClockError if the journal has no entry of the last day
   */
  async confirmedNow(): Promise<number | undefined> {
    const { now } = this.#clock.read();
    const { head } = await this.reader.read();
    if (head.seq === 0) return undefined;
    const instants: number[] = [];
    let newest = 0;
    for (let seq = Math.max(0, head.seq - JUDGED_ENTRIES); seq < head.seq;) {
      await nextTurn();
      const { entries } = await this.reader.read(seq, PAGE);
      const last = entries.at(-1);
      if (last === undefined || !(last.seq > seq)) break;
      for (const entry of entries) {
        const { at } = entry;
        if (!isInstant(at) || !isBase(at, now + this.#leewayMs)) continue;
        newest = Math.max(newest, at);
        if (isOfCaller(entry)) instants.push(at);
      }
      seq = last.seq;
    }
    if (now > newest + DAY_MS) throw new ClockError(silentJournal(now, newest));
    return Math.min(now, Math.max(middleOf(instants), confirmedByDays(instants)));
  }

  /**
   * {@link confirmedNow} for a record that loosens. 0: the journal confirms nothing now.
   *
   * @param maxAgeMs how old the answer may be. Default: ten minutes, for a record that is not urgent
   * @throws StoreError
   */
  async lastConfirmed(maxAgeMs = CONFIRM_EVERY_MS): Promise<number> {
    if (this.#sinceAsked === undefined || this.#sinceAsked.ms >= maxAgeMs) {
      this.#lastConfirmed = await this.confirmedNow().then(
        (confirmed = 0) => confirmed,
        (error: unknown) => {
          if (error instanceof ClockError) return 0;
          throw error;
        },
      );
      this.#sinceAsked = new Stopwatch(this.#clock.source);
    }
    return this.#lastConfirmed;
  }

  #confirmed(): void {
    this.#isConfirmed = true;
    this.#behind = undefined;
  }

  /** Looks once for each engine. Concurrent calls share the look (single-flight); after a failure the next call looks again. */
  async #look(): Promise<void> {
    if (this.#behind !== undefined) return;
    await this.#looking.join(() => this.#lookOnce());
  }

  async #lookOnce(): Promise<void> {
    const { changes } = this.#own;
    const last = await this.reader.newestEntry();
    const newest = last && (await this.#newestOfOthers(last));
    const { now } = this.#clock.read();
    if (last === undefined || newest === undefined) {
      this.#confirmed();
      return;
    }
    if (!isInstant(newest.at)) throw new StoreError('journal', MALFORMED);
    if (now >= newest.at - STEP_BACK_MS - this.#leewayMs) {
      this.#confirmed();
      return;
    }
    this.#behind = { newest: newest.at, begun: now, seq: last.seq, made: changes };
    this.#onError(new ClockError(behindJournal(newest.at, now)), 'clock');
  }

  /**
   * The newest entry that another process wrote. This process may have written a revoke or a refused attempt already, but those
   * are stamped by the clock that is being judged. `undefined`: the last {@link JUDGED_ENTRIES} are all its own.
   */
  async #newestOfOthers(last: AuditEntry): Promise<AuditEntry | undefined> {
    if (!this.#isOwn(last)) return last;
    const oldest = Math.max(0, last.seq - JUDGED_ENTRIES);
    for (let end = last.seq - 1; end > oldest; end -= PAGE) {
      await nextTurn();
      const after = Math.max(oldest, end - PAGE);
      const { entries } = await this.reader.read(after, end - after);
      const other = entries.findLast((entry) => entry.seq <= end && !this.#isOwn(entry));
      if (other !== undefined) return other;
    }
    return undefined;
  }

  /** An acceptance never counts as own: a person decided it, whichever process recorded it. */
  #isOwn({ id, type }: AuditEntry): boolean {
    return type !== 'clock.accepted' && this.#own.changeIds.has(id.slice(0, id.lastIndexOf('.')));
  }

  /**
   * Whether another process has written an entry near this clock since the first look: two clocks then agree. Near means within the
   * tolerance of this clock's readings from that look until now.
   */
  async #isWitnessed(behind: Behind, now: number): Promise<boolean> {
    // After more than `MAX_OWN` changes, own ids may have been forgotten. An own entry would then pass as another process's.
    const isKnown = this.#own.changes - behind.made <= MAX_OWN;
    const { changes } = this.#own;
    for (;;) {
      const { entries, head } = await this.reader.read(behind.seq, PAGE);
      for (const entry of entries) {
        const { at } = entry;
        if (isKnown && isBase(behind.begun, at) && isBase(at, now) && !this.#isOwn(entry)) return true;
      }
      const last = entries.at(-1);
      if (last === undefined || !(last.seq > behind.seq)) return false;
      behind.seq = last.seq;
      if (behind.seq >= head.seq) {
        behind.made = changes;
        return false;
      }
      await nextTurn();
    }
  }
}

const MAX_OWN = 1_000;

/** Remembers the id of a change that must not confirm the clock. The oldest is dropped first. */
function remember(own: ClockState, changeId: string): void {
  own.changes += 1;
  const { changeIds } = own;
  changeIds.add(changeId);
  if (changeIds.size <= 2 * MAX_OWN) return;
  for (const oldest of changeIds) {
    changeIds.delete(oldest);
    break;
  }
}
