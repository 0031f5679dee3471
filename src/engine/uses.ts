import { DeniedError, IdempotencyError } from '../core/errors.js';
import { invalid, readOptions } from '../core/parse.js';
import { judge, reaches } from '../lifecycle/check.js';
import { isUsable } from '../lifecycle/status.js';
import { moment, noChange, type Transition } from '../lifecycle/transition.js';
import { consumeUse, endUsedUp, grantToConsume, isRepeatable, isTouchDue, touchGrant } from '../lifecycle/usage.js';
import type { ScopeMatcher } from '../core/ports.js';
import type { Decision, Use } from '../records/index.js';
import type { EngineClock } from '../core/time.js';
import type { Consumption } from './answers.js';
import { denied, type Checker } from './checker.js';
import { EngineChecker } from './engine-checker.js';
import { grantsReaching } from './coverage.js';
import { derivedId } from '../kernel/ids.js';
import type { Ledger } from '../kernel/ledger.js';
import type { Kernel } from '../kernel/kernel.js';

/** A use on which work rests. */
export interface HeldUse {
  readonly grantId: string;
  /** The work is over: where it was the last use, and no other work of this process rests on the grant, the grant ends. */
  release(): Promise<void>;
}

/** What is recorded of the use of grants that end when they are idle or used up. */
export class Uses {
  readonly #keeper: EngineClock;
  readonly #ledger: Ledger;
  readonly #checker: Checker;
  readonly #scopes: ScopeMatcher;
  /** How many works of this process rest on uses of a grant, by its id. */
  readonly #works = new Map<string, number>();
  /** By subject, uses that are being taken for works: such a use may be stored before its work is counted. */
  readonly #holding = new Map<string, Set<Promise<unknown>>>();

  constructor(kernel: Kernel) {
    this.#scopes = kernel.settings.scopes;
    this.#keeper = kernel.clock;
    this.#ledger = kernel.ledger;
    this.#checker = kernel.part(EngineChecker);
  }

  /** Records that a scope was used, on each grant that allows it and has an idle end; mostly there is nothing to write. */
  async touch({ subject, scope, reason }: Decision): Promise<void> {
    if (reason !== 'granted') return;
    const covering = await grantsReaching(this.#checker, subject, scope);
    const reading = this.#keeper.read();
    for (const { grant } of covering.filter((held) => isTouchDue(held, reading))) {
      await this.#ledger.run(async () => touchGrant(await this.#ledger.held(grant.id), moment(this.#keeper, subject)));
    }
  }

  /**
   * Takes a use, from the grant that ends first among those that have uses; where none of what allows this is counted,
   * there is none to take.
   */
  async consume(subject: string, scope: string, key: string | undefined): Promise<Consumption> {
    const consumption = await this.#consume(subject, scope, key);
    if (consumption.reused) await this.#ledger.confirmDurable();
    return consumption;
  }

  async #consume(subject: string, scope: string, key: string | undefined): Promise<Consumption> {
    const useId = key === undefined ? undefined : derivedId(this.#ledger.store.namespace, 'consume', subject, key);
    const before = await this.#taken(useId);
    if (before !== undefined) return this.#repeat(before, scope);
    try {
      return await this.#take(subject, scope, useId);
    } catch (error) {
      // A concurrent call with this key may have taken the last use in the meantime: then this is a repeat of it (L11).
      const other = error instanceof DeniedError && !error.reused ? await this.#taken(useId) : undefined;
      if (other === undefined) throw error;
      return this.#repeat(other, scope);
    }
  }

  /** Takes a use for work, as {@link consume} does; `undefined`: nothing that allows this is counted. */
  async hold(subject: string, scope: string): Promise<HeldUse | undefined> {
    const holding = this.#hold(subject, scope);
    const ofSubject = this.#holding.get(subject) ?? new Set();
    this.#holding.set(subject, ofSubject.add(holding));
    try {
      return await holding;
    } finally {
      ofSubject.delete(holding);
      if (ofSubject.size === 0) this.#holding.delete(subject);
    }
  }

  async #hold(subject: string, scope: string): Promise<HeldUse | undefined> {
    const { grant, usesLeft } = await this.#take(subject, scope, undefined, true);
    if (grant === undefined || usesLeft === undefined) return undefined;
    const { id: grantId } = grant;
    this.#works.set(grantId, (this.#works.get(grantId) ?? 0) + 1);
    const release = async (): Promise<void> => {
      const others = (this.#works.get(grantId) ?? 1) - 1;
      if (others > 0) this.#works.set(grantId, others);
      else this.#works.delete(grantId);
      if (others === 0) await this.#ledger.run(() => this.#endUsedUp(grantId, subject));
    };
    return { grantId, release };
  }

  async #endUsedUp(grantId: string, subject: string): Promise<Transition<unknown>> {
    const held = await this.#ledger.held(grantId);
    // The last use may be that of a work which is about to begin; that work's own release then ends the grant. Only works of
    // the same subject can rest on it: what hangs for another must not delay this end (L38).
    const holding = this.#holding.get(subject);
    if (holding !== undefined) await Promise.allSettled(holding);
    return this.#works.has(grantId) ? noChange(undefined) : endUsedUp(held, moment(this.#keeper, subject));
  }

  async #take(subject: string, scope: string, useId: string | undefined, isHeld = false): Promise<Consumption> {
    const decision = await this.#checker.check(subject, scope);
    if (!decision.allowed) throw denied(decision);
    return this.#ledger.run<Consumption>(async () => {
      const use = await this.#taken(useId);
      if (use !== undefined) return noChange(await this.#repeat(use, scope));
      const covering = await grantsReaching(this.#checker, subject, scope);
      const now = moment(this.#keeper, subject);
      const usable = covering.filter((held) => isUsable(held, now));
      const taken = grantToConsume(usable);
      const told = { allowed: true, reused: false, subject, scope, at: now.now } as const;
      if (taken?.usage !== undefined) {
        const counted = { grant: taken.grant, usage: taken.usage };
        const step = consumeUse(counted, useId === undefined ? undefined : { id: useId, scope }, now, isHeld);
        return { ...step, result: { ...told, ...step.result } };
      }
      return uncounted(decision, { ...told, grant: usable[0]?.grant, usesLeft: undefined });
    });
  }

  async #taken(useId: string | undefined): Promise<Use | undefined> {
    return useId === undefined ? undefined : this.#ledger.use(useId);
  }

  /**
   * Answers a repeat of a use that was taken (L36). It takes nothing, and it is a yes only while the grant allows.
   *
   * @throws DeniedError with the use, so that a caller that has kept no record of the act can look
   */
  async #repeat({ id, grantId, subject, scope: usedFor, at, usesLeft }: Use, scope: string): Promise<Consumption> {
    if (usedFor !== scope) throw new IdempotencyError(id);
    const held = (await this.#ledger.grantsWithUsage([grantId])).filter(({ grant }) => reaches(this.#scopes, grant.scope, scope));
    const reading = this.#keeper.read();
    const grant = held.find((one) => isRepeatable({ usesLeft }, one, reading))?.grant;
    if (grant !== undefined) return { allowed: true, reused: true, subject, scope, at, grant, usesLeft };
    const taken = new Date(at).toISOString();
    throw new DeniedError(
      `the use of ${scope} that this idempotencyKey stands for was taken at ${taken}, and grant ${grantId} allows nothing more`,
      subject,
      judge(held, subject, scope, reading),
      { at, usesLeft },
    );
  }
}

function uncounted(decision: Decision, consumption: Consumption): Transition<Consumption> {
  if (consumption.grant !== undefined || decision.reason === 'standing') return noChange(consumption);
  // Somebody took the last use since the check.
  throw new DeniedError(`${decision.subject} has no use of ${decision.scope} left`, decision.subject, {
    ...decision,
    allowed: false,
    reason: 'no_grant',
    grant: undefined,
    validUntil: undefined,
  });
}

/** Whether a check also counts as a use. @throws InvalidArgumentError */
export function readTouch(options: unknown): boolean {
  const { touch = false } = readOptions('options', options, ['touch']);
  if (typeof touch !== 'boolean') throw invalid('touch', 'true or false', touch);
  return touch;
}
