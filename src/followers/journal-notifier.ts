import { watch } from './watch.js';
import type { MaybePromise } from '../core/ports.js';
import type { GrantStore, JournalSlice } from '../core/store-port.js';
import type { AuditEntry } from '../records/index.js';

/** How many entries are looked at at a time. */
const PAGE = 200;

/** Whoever waits for something new. */
export interface JournalListener {
  /** Whether an entry may change what it waits for. */
  readonly concerns: (entry: AuditEntry) => boolean;
  readonly wake: () => void;
}

/** What an alarm needs of the engine. */
export interface AlarmContext {
  readonly store: Pick<GrantStore, 'watch'>;
  /** From behind a seq on; without one, only where the journal starts and ends. */
  readonly journal: (after: number | undefined, limit: number) => MaybePromise<JournalSlice>;
  readonly onError: (error: unknown, during: string) => void;
}

/**
 * Wakes whoever waits when something on record concerns them. This engine's commits and the store's watch only hint that
 * there is something; what it is, the journal says, read once for all. One subscription, from the first listener to the
 * last. Whoever listens polls too, so what goes wrong here only makes them slower.
 */
export class JournalNotifier {
  readonly #context: AlarmContext;
  readonly #listeners = new Set<JournalListener>();
  #watching: { readonly end?: () => void } | undefined;
  /** Of all entries up to here whoever listens knows; `undefined`: that is still to be asked. */
  #seq: number | undefined;
  #isReading = false;
  #isHinted = false;

  constructor(context: AlarmContext) {
    this.#context = context;
  }

  /** @returns what takes the listener away again */
  listen(listener: JournalListener): () => void {
    this.#listeners.add(listener);
    if (this.#watching === undefined) this.#watch();
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      this.#seq = undefined;
      const watching = this.#watching;
      this.#watching = undefined;
      watching?.end?.();
    };
  }

  /** Something may be new. */
  hint(): void {
    this.#isHinted = true;
    if (!this.#isReading && this.#listeners.size > 0) void this.#readOn();
  }

  /** A hint that comes meanwhile makes it read once more: its entry may have missed the read before. */
  async #readOn(): Promise<void> {
    this.#isReading = true;
    while (this.#isHinted) {
      this.#isHinted = false;
      try {
        while (await this.#readPage());
      } catch (error) {
        this.#context.onError(error, 'watch');
        this.#wake(() => true);
      }
    }
    this.#isReading = false;
  }

  /** @returns whether there is more */
  async #readPage(): Promise<boolean> {
    const since = this.#seq;
    const { entries, start, head } = await this.#context.journal(since, PAGE);
    if (this.#listeners.size === 0) return false;
    // What came before is not known: at the first hint, and where the journal has been trimmed, or put back.
    const isLost = since === undefined || since < start.seq || head.seq < since;
    this.#seq = isLost ? head.seq : (entries.at(-1)?.seq ?? since);
    this.#wake(({ concerns }) => isLost || entries.some(concerns));
    return !isLost && entries.length > 0 && this.#seq < head.seq;
  }

  #wake(isConcerned: (listener: JournalListener) => boolean): void {
    for (const listener of [...this.#listeners].filter(isConcerned)) listener.wake();
  }

  /** One that fails is tried again when somebody else listens. */
  #watch(): void {
    const watching: { end?: () => void } = {};
    this.#watching = watching;
    watching.end = watch(
      this.#context.store,
      () => this.hint(),
      (error, during) => {
        // Another may have begun since.
        if (this.#watching === watching) this.#watching = undefined;
        this.#context.onError(error, during);
      },
    );
  }
}
