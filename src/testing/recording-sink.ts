import { readCount } from '../core/parse.js';
import type { AuditSink } from '../core/ports.js';
import type { AuditEntry } from '../records/index.js';

/**
 * A sink that records its entries, and fails or hangs on command.
 *
 * @example
 * const sink = new RecordingSink();
 * const engine = new JitEngine({ store, approver, audit: sink });
 * sink.fail(2);
 */
export class RecordingSink implements AuditSink {
  readonly name: string;
  readonly follow: 'shared' | 'local';
  /** The delivered entries, in the order of delivery. An entry that was delivered twice is here twice. */
  readonly entries: AuditEntry[] = [];
  /** All calls of `write`, delivered or not. */
  readonly writes: (readonly AuditEntry[])[] = [];
  #failures = 0;
  #failure: unknown;
  #held: Promise<void> | undefined;
  #release: (() => void) | undefined;

  /**
   * @param options.name the sink's name. Default: `'recording'`
   * @param options.follow see `AuditSink.follow`. Default: `'shared'`
   */
  constructor(options: { readonly name?: string | undefined; readonly follow?: 'shared' | 'local' | undefined } = {}) {
    this.name = options.name ?? 'recording';
    this.follow = options.follow ?? 'shared';
  }

  /** The types of the delivered entries, which most tests compare. */
  get types(): readonly AuditEntry['type'][] {
    return this.entries.map((entry) => entry.type);
  }

  /** Makes the next `times` writes reject without a delivery. Default: 1. */
  fail(times = 1, error: unknown = new Error('the recording sink failed on request')): void {
    this.#failures = readCount('times', times, 0);
    this.#failure = error;
  }

  /** From now on, writes do not settle before {@link release}. */
  hang(): void {
    this.#held ??= new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** Lets the hanging writes continue: they deliver, or reject after {@link fail}. */
  release(): void {
    this.#release?.();
    this.#held = this.#release = undefined;
  }

  async write(entries: readonly AuditEntry[]): Promise<void> {
    this.writes.push(entries);
    if (this.#held !== undefined) await this.#held;
    if (this.#failures > 0) {
      this.#failures -= 1;
      throw this.#failure;
    }
    this.entries.push(...entries);
  }
}
