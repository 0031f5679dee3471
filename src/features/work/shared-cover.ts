import type { Stopwatch } from '../../core/stopwatch.js';
import type { GrantUse } from '../../lifecycle/status.js';
import type { Decision } from '../../records/index.js';
import type { ClockReading } from '../../core/clock.js';

/** The result of one read of the grants that reach a scope. */
export interface Cover {
  /** The live grants that reach the scope; `undefined`: standing access covers, and no store was asked. */
  readonly uses: readonly GrantUse[] | undefined;
  /** The decision, if a lock denies. */
  readonly locked: Decision | undefined;
  /** The clock's reading before the store was asked. Epoch milliseconds. */
  readonly begunAt: number;
  /** Started before the store was asked. It measures how long the coverage has not been confirmed, even if the clock was set. */
  readonly age: Pick<Stopwatch, 'ms'>;
  /** The clock reading at which the coverage was evaluated. */
  readonly reading: ClockReading;
}

/** A read in flight. */
interface CoverRead {
  /** The number of the last hint before it. */
  readonly hint: number;
  /** The clock's reading when it began. Epoch milliseconds. */
  readonly begunAt: number;
  readonly cover: Promise<Cover>;
}

/** The conditions that the answer for one watch must meet. */
export interface CoverDemand {
  /** The number of the last hint that the watch received; 0: none. The read must have begun after it. */
  readonly hint: number;
  /** The clock's reading now. Epoch milliseconds. */
  readonly now: number;
  /** Answers whose reads began longer ago do not count. */
  readonly maxAgeMs: number;
  /** When the read of the watch's current answer began. Epoch milliseconds. */
  readonly have: number;
}

/**
 * Shares the reads of all watches on one subject and scope: four hundred idle responses of one subject cost the store one
 * read for each poll, not four hundred.
 *
 * An answer carries the instant at which its read began, so a watch that takes an older answer is confirmed for less time. A
 * hint demands a read that began after it. A read that hangs is shared only until it is too old. It delays no watch longer
 * than a read of its own would.
 */
export class SharedCover {
  readonly #read: () => Promise<Cover>;
  #hint = 0;
  #flight: CoverRead | undefined;
  #last: (Cover & { readonly hint: number }) | undefined;

  /** @param read asks the store */
  constructor(read: () => Promise<Cover>) {
    this.#read = read;
  }

  /** Called when something may have changed. @returns the hint's number */
  hint(): number {
    this.#hint += 1;
    return this.#hint;
  }

  /** Returns an answer that meets the demand: the last one, the one in flight, or a new one. */
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
        this.#forget(flight);
      },
      () => this.#forget(flight),
    );
    return cover;
  }

  #forget(flight: CoverRead): void {
    if (this.#flight === flight) this.#flight = undefined;
  }
}

/** After the clock was set back, an answer that seems to come from the future is not used. */
const isRecent = ({ begunAt }: { readonly begunAt: number }, { now, maxAgeMs }: CoverDemand): boolean =>
  begunAt <= now && now - begunAt < maxAgeMs;

/** The shared reads of one engine, each kept for as long as a watch uses it. */
export class SharedCovers {
  readonly #read: (subject: string, scope: string) => Promise<Cover>;
  /** By the pair in JSON, so that two pairs never have one key (L24). */
  readonly #used = new Map<string, { readonly shared: SharedCover; watches: number }>();

  constructor(read: (subject: string, scope: string) => Promise<Cover>) {
    this.#read = read;
  }

  /** Returns the reads that the watches on this pair share, and counts one more watch. */
  take(subject: string, scope: string): SharedCover {
    const key = JSON.stringify([subject, scope]);
    let used = this.#used.get(key);
    if (used === undefined) {
      used = { shared: new SharedCover(() => this.#read(subject, scope)), watches: 0 };
      this.#used.set(key, used);
    }
    used.watches += 1;
    return used.shared;
  }

  /** Called when a watch ends. */
  release(subject: string, scope: string): void {
    const key = JSON.stringify([subject, scope]);
    const used = this.#used.get(key);
    if (used === undefined) return;
    used.watches -= 1;
    if (used.watches === 0) this.#used.delete(key);
  }
}
