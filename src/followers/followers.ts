import type { AuditSink, SinkContext } from '../core/ports.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Settings } from '../kernel/settings/settings.js';
import { Follower, isCorrupt, type FollowerStatus } from './follower.js';
import { watch } from './watch.js';

export type { FollowerStatus };

/** All followers of an engine. */
export class Followers {
  readonly #all: Follower[] = [];
  readonly #kernel: Kernel;
  readonly #context: SinkContext;
  #unwatch: (() => void) | undefined;
  #isStarted = false;
  readonly #eager = new Set<Follower>();

  constructor(kernel: Kernel) {
    const { ledger, settings, background } = kernel;
    this.#kernel = kernel;
    this.#context = Object.freeze({ request: (id: string) => readForSink(ledger.sinkContext, settings.onError, id) });
    for (const sink of settings.sinks) this.add(sink);
    kernel.onFirstUse(() => this.#start());
    kernel.onCommit(() => this.wake());
    kernel.onClose('followers', () => this.#close());
    background.track(this);
  }

  has(name: string): boolean {
    return this.#all.some(({ sink }) => sink.name === name);
  }

  /**
   * @param isEager true: it delivers from the engine's first use on, and not only after a commit or with a sweep
   * @returns the follower, for a caller that polls the journal
   */
  add(sink: AuditSink, isEager = false): Follower {
    const follower = new Follower(sink, this.#kernel, this.#context);
    this.#all.push(follower);
    this.#kernel.beforeCommit(follower);
    if (isEager) this.#eager.add(follower);
    if (this.#isStarted) this.#startFollower(follower);
    return follower;
  }

  /** Runs at the engine's first use: watching and reading are I/O, and the constructor of an engine does none (L46). */
  #start(): void {
    this.#isStarted = true;
    for (const follower of this.#all) this.#startFollower(follower);
  }

  #startFollower(follower: Follower): void {
    this.#unwatch ??= watch(this.#kernel.ledger.store, () => this.wake(), this.#kernel.settings.onError);
    // A local follower begins at the present head. A shared one makes its cursor only when the engine is about to commit.
    if (!follower.shared) void follower.begin();
    if (this.#eager.has(follower)) void follower.drive();
  }

  /**
   * Delivers new entries.
   *
   * @param insist true: also to failing sinks, which are not tried again at each commit
   */
  wake(insist = false): void {
    for (const follower of this.#all) if (insist || !follower.isFailing) void follower.drive();
  }

  /** Delivers every entry that the journal has now. @returns the state of each follower */
  async flush(): Promise<readonly FollowerStatus[]> {
    await Promise.all(this.#all.map((follower) => follower.flush()));
    return Promise.all(this.#all.map((follower) => follower.status()));
  }

  get work(): string {
    return this.#all
      .filter(({ isBusy }) => isBusy)
      .map(({ during }) => during)
      .join(', ');
  }

  get isBusy(): boolean {
    return this.#all.some((follower) => follower.isBusy);
  }

  /** Resolves when no delivery runs. Never rejects. */
  async idle(): Promise<void> {
    await Promise.all(this.#all.map((follower) => follower.idle()));
  }

  async #close(): Promise<void> {
    this.#unwatch?.();
    await Promise.all(this.#all.map((follower) => follower.flush()));
  }
}

/** Reports an unreadable record to `onError`. For a sink it counts as removed, so that entries about other records are delivered. */
async function readForSink(context: SinkContext, onError: Settings['onError'], id: string): ReturnType<SinkContext['request']> {
  try {
    return await context.request(id);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    onError(error, 'row');
    return undefined;
  }
}
