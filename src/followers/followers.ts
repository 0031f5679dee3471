import type { AuditSink, SinkContext } from '../core/ports.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Settings } from '../kernel/settings.js';
import { Follower, isCorrupt, type FollowerStatus } from './follower.js';
import { watch } from './watch.js';

export type { FollowerStatus };

/** All followers of an engine. */
export class Followers {
  readonly #all: Follower[] = [];
  readonly #kernel: Kernel;
  readonly #lookup: SinkContext;
  #unwatch: (() => void) | undefined;
  #begun: Promise<unknown> | undefined;
  #isStarted = false;
  readonly #eager = new Set<Follower>();

  constructor(kernel: Kernel) {
    const { ledger, settings, background } = kernel;
    this.#kernel = kernel;
    this.#lookup = Object.freeze({ request: (id: string) => look(ledger.lookup, settings.onError, id) });
    for (const sink of settings.sinks) this.add(sink);
    kernel.onFirstUse(() => this.#start());
    kernel.beforeCommit(() => this.#begin());
    kernel.onCommit(() => this.wake());
    kernel.onClose('followers', () => this.#close());
    background.track(this);
  }

  has(name: string): boolean {
    return this.#all.some(({ sink }) => sink.name === name);
  }

  /** @param isEager whether it delivers what there is as soon as the engine is used, and not only after a commit or with a sweep */
  add(sink: AuditSink, isEager = false): void {
    const follower = new Follower(sink, this.#kernel, this.#lookup);
    this.#all.push(follower);
    // Whoever commits next waits for this one's beginning too.
    this.#begun = undefined;
    if (isEager) this.#eager.add(follower);
    if (this.#isStarted) this.#startOne(follower);
  }

  /** At the engine's first use: watching and reading are I/O, and making an engine does none (L46). */
  #start(): void {
    this.#isStarted = true;
    for (const follower of this.#all) this.#startOne(follower);
  }

  #startOne(follower: Follower): void {
    this.#unwatch ??= watch(this.#kernel.ledger.store, () => this.wake(), this.#kernel.settings.onError);
    // Local ones begin at the head as it is now; where that can't be read yet, their first delivery tries again.
    if (!follower.shared) follower.begin().catch(() => undefined);
    if (this.#eager.has(follower)) void follower.drive();
  }

  /** Awaited before the first commit, so that followers miss nothing that this engine does. */
  async #begin(): Promise<void> {
    try {
      await (this.#begun ??= Promise.all(this.#all.map((follower) => follower.begin())));
    } catch (error) {
      this.#begun = undefined;
      throw error;
    }
  }

  /** Something may be new. One that is failing waits for `insist`, so that a broken sink isn't tried at each commit. */
  wake(insist = false): void {
    for (const follower of this.#all) if (insist || !follower.failing) void follower.drive();
  }

  /** Delivers everything that is on record now, and says how each stands. */
  async flush(): Promise<readonly FollowerStatus[]> {
    await Promise.all(this.#all.map((follower) => follower.flush()));
    return Promise.all(this.#all.map((follower) => follower.status()));
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

/** A record that can't be read is told, and is to a sink like one that is gone: entries about all others go on. */
async function look(lookup: SinkContext, onError: Settings['onError'], id: string): ReturnType<SinkContext['request']> {
  try {
    return await lookup.request(id);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    onError(error, 'row');
    return undefined;
  }
}
