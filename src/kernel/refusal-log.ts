import { isJitError } from '../core/errors.js';
import type { EntryDraft } from '../lifecycle/transition.js';
import type { EngineClock } from '../core/time.js';
import type { Ledger } from './ledger.js';
import { RefusalThrottle, type Attempt, type AttemptCode } from './refusal-throttle.js';

/** Puts refused attempts on record: best effort, in the background, never delaying anything (L29). */
export class RefusalLog {
  readonly #keeper: EngineClock;
  readonly #ledger: Ledger;
  readonly #onError: (error: unknown, during: string) => void;
  readonly #refusals = new RefusalThrottle();
  /** What is on its way to the journal. */
  readonly #notes = new Set<Promise<unknown>>();

  constructor(keeper: EngineClock, ledger: Ledger, onError: (error: unknown, during: string) => void) {
    this.#keeper = keeper;
    this.#ledger = ledger;
    this.#onError = onError;
  }

  /** Does something that may be refused, and notes a refusal. */
  async noteRefusals<T>(attempt: Attempt, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (isJitError(error)) this.#note(attempt, error.code);
      throw error;
    }
  }

  /** Counts a dry run like a refusal: it records nothing else, and it names who may review. */
  dryRun(attempt: Attempt): void {
    this.#note(attempt, 'dry_run');
  }

  /** Writes the counts whose minute is over. Never throws. */
  flush(): void {
    this.#recordAt((now) => this.#refusals.flush(now));
  }

  /** Something else that is nobody's to wait for, but `close`. */
  inBackground(work: Promise<unknown>, during: string): void {
    const note: Promise<unknown> = work.catch((error: unknown) => this.#onError(error, during)).finally(() => this.#notes.delete(note));
    this.#notes.add(note);
  }

  get isBusy(): boolean {
    return this.#notes.size > 0;
  }

  async idle(): Promise<void> {
    await Promise.all(this.#notes);
  }

  #note(attempt: Attempt, code: AttemptCode): void {
    this.#recordAt((now) => this.#refusals.note(attempt, code, now));
  }

  #recordAt(due: (now: number) => readonly EntryDraft[]): void {
    try {
      const entries = due(this.#keeper.read().now);
      if (entries.length > 0) this.inBackground(this.#ledger.commit({ expect: [], put: [], entries }), 'attempt.refused');
    } catch (error) {
      // A clock that fails must replace neither the refusal nor the report of a pass.
      this.#onError(error, 'attempt.refused');
    }
  }
}
