import { isJitError } from '../core/errors.js';
import type { EntryDraft } from '../lifecycle/transition.js';
import type { EngineClock } from '../core/time.js';
import type { Background } from './background.js';
import type { Ledger } from './ledger.js';
import { RefusalThrottle, type Attempt, type AttemptCode } from './refusal-throttle.js';
import type { Kernel } from './kernel.js';

/** Puts refused attempts on record: best effort, in the background, never delaying anything (L29). */
export class RefusalLog {
  readonly #clock: EngineClock;
  readonly #ledger: Ledger;
  readonly #background: Background;
  readonly #onError: (error: unknown, during: string) => void;
  readonly #refusals = new RefusalThrottle();

  constructor(kernel: Kernel) {
    this.#clock = kernel.clock;
    this.#ledger = kernel.ledger;
    this.#background = kernel.background;
    this.#onError = kernel.settings.onError;
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

  #note(attempt: Attempt, code: AttemptCode): void {
    this.#recordAt((now) => this.#refusals.note(attempt, code, now));
  }

  #recordAt(due: (now: number) => readonly EntryDraft[]): void {
    try {
      const entries = due(this.#clock.read().now);
      if (entries.length > 0) this.#background.run(this.#ledger.commit({ expect: [], put: [], entries }), 'attempt.refused');
    } catch (error) {
      // A clock that fails must replace neither the refusal nor the report of a pass.
      this.#onError(error, 'attempt.refused');
    }
  }
}
