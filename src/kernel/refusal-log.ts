import { isJitError } from '../core/errors.js';
import type { EntryDraft } from '../lifecycle/transition.js';
import type { EngineClock } from '../core/clock.js';
import type { Background } from './background.js';
import { limitIn, type CallLimit } from './call-limit.js';
import type { Ledger } from './ledger/ledger.js';
import { RefusalThrottle, type Attempt, type AttemptCode } from './refusal-throttle.js';
import type { Kernel } from './kernel.js';

/** Records refused attempts in the journal: best effort, in the background, so that no operation waits for it (L29). */
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

  /**
   * Runs an action that may be refused, and counts the refusal.
   *
   * @param options those of the verb. A refusal after the limit of its call is not counted: the caller was answered before
   */
  async noteRefusals<T>(attempt: Attempt, action: (limit: CallLimit | undefined) => Promise<T>, options: object = {}): Promise<T> {
    const limit = limitIn(options);
    try {
      return await action(limit);
    } catch (error) {
      if (isJitError(error) && limit?.hasPassed !== true) this.#note(attempt, error.code);
      throw error;
    }
  }

  /** Counts a dry run like a refusal: a dry run records nothing else, and it discloses who may review. */
  dryRun(attempt: Attempt): void {
    this.#note(attempt, 'dry_run');
  }

  /** Writes the counts whose minute has passed. Never throws. */
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
      // A failing clock must replace neither the error of the refusal nor the report of a sweep.
      this.#onError(error, 'attempt.refused');
    }
  }
}
