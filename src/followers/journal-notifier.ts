import { watch } from './watch.js';
import type { MaybePromise } from '../core/ports.js';
import type { GrantStore, JournalSlice } from '../core/store-port.js';
import type { AuditEntry } from '../records/index.js';

/** How many entries are read at a time. */
const PAGE = 200;

/** A listener that waits for entries of the journal. */
export interface JournalListener {
  /** Whether the listener must be woken for this entry. */
  readonly concerns: (entry: AuditEntry) => boolean;
  readonly wake: () => void;
}

/** The parts of the engine that the notifier needs. */
export interface NotifierContext {
  readonly store: Pick<GrantStore, 'watch'>;
  /** Reads the entries after a seq. Without a seq, reads only the journal's start and head. */
  readonly journal: (after: number | undefined, limit: number) => MaybePromise<JournalSlice>;
  readonly onError: (error: unknown, during: string) => void;
}

/**
 * Wakes each listener when the journal has a new entry that concerns it. This engine's commits and the store's `watch` are only
 * hints: at a hint the notifier reads the new entries, once for all listeners. It watches the store while it has at least one
 * listener. Listeners also poll, so a failure here only makes them slower.
 */
export class JournalNotifier {
  readonly #context: NotifierContext;
  readonly #listeners = new Set<JournalListener>();
  #watching: { readonly end?: () => void } | undefined;
  /** The listeners have been woken for all entries up to this seq; `undefined`: the head has not been read yet. */
  #seq: number | undefined;
  #isReading = false;
  #isHinted = false;

  constructor(context: NotifierContext) {
    this.#context = context;
  }

  /** @returns a function that removes the listener */
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

  /** Signals that the journal may have a new entry. */
  hint(): void {
    this.#isHinted = true;
    if (!this.#isReading && this.#listeners.size > 0) void this.#readNew();
  }

  /** A hint during a read causes another read: its entry may have come too late for the first one. */
  async #readNew(): Promise<void> {
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

  /** @returns whether there are more entries */
  async #readPage(): Promise<boolean> {
    const since = this.#seq;
    const { entries, start, head } = await this.#context.journal(since, PAGE);
    if (this.#listeners.size === 0) return false;
    // Entries were missed: before the first hint, or because the journal was trimmed or restored.
    const isLost = since === undefined || since < start.seq || head.seq < since;
    this.#seq = isLost ? head.seq : (entries.at(-1)?.seq ?? since);
    this.#wake(({ concerns }) => isLost || entries.some(concerns));
    return !isLost && entries.length > 0 && this.#seq < head.seq;
  }

  #wake(isConcerned: (listener: JournalListener) => boolean): void {
    for (const listener of [...this.#listeners].filter(isConcerned)) listener.wake();
  }

  /** Watches the store. After a failure, the next listener starts a new watch. */
  #watch(): void {
    const watching: { end?: () => void } = {};
    this.#watching = watching;
    watching.end = watch(
      this.#context.store,
      () => this.hint(),
      (error, during) => {
        // A later watch may have started since.
        if (this.#watching === watching) this.#watching = undefined;
        this.#context.onError(error, during);
      },
    );
  }
}
