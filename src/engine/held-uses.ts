import { noChange, moment, type Transition } from '../lifecycle/transition.js';
import { endUsedUp } from '../lifecycle/usage.js';
import type { Kernel } from '../kernel/kernel.js';
import { takeUse } from './uses.js';

/** A use that work of this process holds. */
export interface HeldUse {
  readonly grantId: string;
  /** Ends the grant if this was its last use and no other work of this process holds a use of it. */
  release(): Promise<void>;
}

/** The uses that work of this process holds. */
export class HeldUses {
  readonly #kernel: Kernel;
  /** By grant id, the number of works of this process that hold a use of the grant. */
  readonly #works = new Map<string, number>();
  /** By subject, the uses that works are about to hold. The store may have such a use before {@link #works} counts it. */
  readonly #pending = new Map<string, Set<Promise<unknown>>>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Takes a use for work. `undefined`: the grant or standing access that allows this has no number of uses. */
  async hold(subject: string, scope: string): Promise<HeldUse | undefined> {
    const holding = this.#hold(subject, scope);
    const ofSubject = this.#pending.get(subject) ?? new Set();
    this.#pending.set(subject, ofSubject.add(holding));
    try {
      return await holding;
    } finally {
      ofSubject.delete(holding);
      if (ofSubject.size === 0) this.#pending.delete(subject);
    }
  }

  async #hold(subject: string, scope: string): Promise<HeldUse | undefined> {
    const { grant, usesLeft } = await takeUse(this.#kernel, subject, scope, undefined, true);
    if (grant === undefined || usesLeft === undefined) return undefined;
    const { id: grantId } = grant;
    this.#works.set(grantId, (this.#works.get(grantId) ?? 0) + 1);
    const release = async (): Promise<void> => {
      const others = (this.#works.get(grantId) ?? 1) - 1;
      if (others > 0) this.#works.set(grantId, others);
      else this.#works.delete(grantId);
      if (others === 0) await this.#kernel.ledger.run(() => this.#endUsedUp(grantId, subject));
    };
    return { grantId, release };
  }

  async #endUsedUp(grantId: string, subject: string): Promise<Transition<unknown>> {
    const use = await this.#kernel.ledger.grantUse(grantId);
    // The last use may belong to work that is about to begin, whose own release then ends the grant. Only works of the same
    // subject can hold it, so a call that hangs for another subject does not delay this end (L38).
    const pending = this.#pending.get(subject);
    if (pending !== undefined) await Promise.allSettled(pending);
    return this.#works.has(grantId) ? noChange(undefined) : endUsedUp(use, moment(this.#kernel.clock, subject));
  }
}
