import { noChange, moment, type Transition } from '../../lifecycle/transition.js';
import { endUsedUp } from '../../lifecycle/usage.js';
import type { Kernel } from '../../kernel/kernel.js';
import { takeUse } from './uses.js';

/** A use that running work holds. Work is the function that `withAccess` of `jit-access/work` runs in this process. */
export interface HeldUse {
  readonly grantId: string;
  /** Call it when the work has ended. Ends the grant if this was its last use and no other work of this process holds a use of it. */
  release(): Promise<void>;
}

/** Keeps a grant open after its last use while running work holds a use of it, so that a revoke still stops that work. */
export class HeldUses {
  readonly #kernel: Kernel;
  /** By grant id, how many uses of the grant running work holds. */
  readonly #works = new Map<string, number>();
  /** By subject, the calls of {@link hold} in progress. The store may have their use before {@link #works} counts it. */
  readonly #pending = new Map<string, Set<Promise<unknown>>>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Takes a use before work begins. `undefined`: the grant or standing access that allows this has no number of uses. */
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
    // The last use may belong to a call of `hold` in progress, whose own release then ends the grant. Only calls for the same
    // subject can hold it, so a call that hangs for another subject does not delay this end (L38).
    const pending = this.#pending.get(subject);
    if (pending !== undefined) await Promise.allSettled(pending);
    return this.#works.has(grantId) ? noChange(undefined) : endUsedUp(use, moment(this.#kernel.clock, subject));
  }
}
