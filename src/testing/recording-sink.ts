import { readCount } from '../core/parse.js';
import type { AuditSink } from '../core/ports.js';
import type { AuditEntry } from '../records/index.js';

/**
 * A sink that remembers what it was given, and fails or hangs when told to.
 *
 * @example
 * const sink = new RecordingSink();
 * const engine = new JitEngine({ approver, audit: sink });
 * sink.fail(2);
 */
export class RecordingSink implements AuditSink {
  readonly name: string;
  readonly follow: 'shared' | 'local';
  /** What was delivered, in the order of delivery. An entry that came twice is here twice. */
  readonly entries: AuditEntry[] = [];
  /** Each call of `write`, delivered or not. */
  readonly writes: (readonly AuditEntry[])[] = [];
  #failures = 0;
  #failure: unknown;
  #held: Promise<void> | undefined;
  #release: (() => void) | undefined;

  constructor(options: { readonly name?: string | undefined; readonly follow?: 'shared' | 'local' | undefined } = {}) {
    this.name = options.name ?? 'recording';
    this.follow = options.follow ?? 'shared';
  }

  /** The types of the delivered entries: what most tests compare. */
  get types(): readonly AuditEntry['type'][] {
    return this.entries.map((entry) => entry.type);
  }

  /** The next `times` writes reject, with nothing delivered. */
  fail(times = 1, error: unknown = new Error('the recording sink was told to fail')): void {
    this.#failures = readCount('times', times, 0);
    this.#failure = error;
  }

  /** Writes from now on don't settle before {@link release}. */
  hang(): void {
    this.#held ??= new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** Lets the writes that hang go on: they deliver, or fail if {@link fail} says so. */
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
