import type { Stopwatch } from '../../core/stopwatch.js';
import type { GrantUse } from '../../lifecycle/status.js';
import type { ClockReading } from '../../core/time.js';

/** What covers, as it was read. */
export interface Cover {
  /** The live grants that reach the scope; `undefined`: standing access covers, and no store was asked. */
  readonly held: readonly GrantUse[] | undefined;
  /** The clock's reading before anything was asked. Epoch milliseconds. */
  readonly begunAt: number;
  /** Started before anything was asked: for how long it has not been confirmed, whatever the clock is set to. */
  readonly age: Pick<Stopwatch, 'ms'>;
  /** The reading at which it was judged. */
  readonly reading: ClockReading;
}

/** A read that was begun, and what it depends on. */
interface CoverRead {
  /** The number of the last hint that came before it was begun. */
  readonly hint: number;
  /** The clock's reading at its begin. Epoch milliseconds. */
  readonly begunAt: number;
  readonly cover: Promise<Cover>;
}

/** What a lease demands of the answer that it goes on by. */
export interface CoverDemand {
  /** The number of the hint that woke the lease last; 0: none has. The read must have begun after it. */
  readonly hint: number;
  /** The clock's reading now. Epoch milliseconds. */
  readonly now: number;
  /** Answers that were begun longer ago do not count. */
  readonly maxAgeMs: number;
  /** When the answer that the lease has was begun. Epoch milliseconds. */
  readonly have: number;
}

/**
 * The reads for all leases on one subject and scope: four hundred idle responses of one subject cost the store one read
 * a poll, not four hundred.
 *
 * An answer carries the instant at which its read was begun, so a lease that takes another's answer is confirmed for that
 * much less. A hint demands a read that was begun after it. A read that hangs is joined only until it is too old, so it
 * holds up no lease for longer than a read of its own would.
 */
export class SharedCover {
  readonly #read: () => Promise<Cover>;
  #hint = 0;
  #flight: CoverRead | undefined;
  #last: (Cover & { readonly hint: number }) | undefined;

  /** @param read asks the store what covers */
  constructor(read: () => Promise<Cover>) {
    this.#read = read;
  }

  /** Something may have changed. @returns the hint's number */
  hint(): number {
    this.#hint += 1;
    return this.#hint;
  }

  /** An answer that satisfies the demand: one that is known, one that is under way, or a new one. */
  async confirm(demand: CoverDemand): Promise<Cover> {
    const { hint, have } = demand;
    const last = this.#last;
    if (last !== undefined && last.hint >= hint && last.begunAt > have && isRecent(last, demand)) return last;
    const flight = this.#flight;
    if (flight !== undefined && flight.hint >= hint && isRecent(flight, demand)) return flight.cover;
    return this.#begin(demand.now);
  }

  #begin(begunAt: number): Promise<Cover> {
    const hint = this.#hint;
    const cover = this.#read();
    const flight: CoverRead = { hint, begunAt, cover };
    this.#flight = flight;
    void cover.then(
      (answer) => {
        if (this.#last === undefined || hint >= this.#last.hint) this.#last = { ...answer, hint };
        this.#land(flight);
      },
      () => this.#land(flight),
    );
    return cover;
  }

  #land(flight: CoverRead): void {
    if (this.#flight === flight) this.#flight = undefined;
  }
}

/** A clock that was set back makes no answer recent: one that seems to come from the future is not used. */
const isRecent = ({ begunAt }: { readonly begunAt: number }, { now, maxAgeMs }: CoverDemand): boolean =>
  begunAt <= now && now - begunAt < maxAgeMs;

/** The shared reads of one engine, each kept for as long as a lease uses it. */
export class SharedCovers {
  readonly #read: (subject: string, scope: string) => Promise<Cover>;
  /** By the pair in JSON, so that two pairs never have one key (L24). */
  readonly #used = new Map<string, { readonly shared: SharedCover; leases: number }>();

  constructor(read: (subject: string, scope: string) => Promise<Cover>) {
    this.#read = read;
  }

  /** For one more lease. */
  take(subject: string, scope: string): SharedCover {
    const key = JSON.stringify([subject, scope]);
    let used = this.#used.get(key);
    if (used === undefined) {
      used = { shared: new SharedCover(() => this.#read(subject, scope)), leases: 0 };
      this.#used.set(key, used);
    }
    used.leases += 1;
    return used.shared;
  }

  /** One lease less. */
  release(subject: string, scope: string): void {
    const key = JSON.stringify([subject, scope]);
    const used = this.#used.get(key);
    if (used === undefined) return;
    used.leases -= 1;
    if (used.leases === 0) this.#used.delete(key);
  }
}
