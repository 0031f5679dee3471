import { DeniedError, IdempotencyError } from '../errors.js';
import { isUsable } from '../lifecycle/status.js';
import { moment, unchanged, type Step } from '../lifecycle/step.js';
import { consumeUse, grantToConsume, isTouchDue, touchGrant } from '../lifecycle/usage.js';
import type { Decision, Use } from '../records.js';
import type { Timekeeper } from '../time.js';
import type { Consumption } from './answers.js';
import { denied, type Checker } from './checker.js';
import { derivedId } from './ids.js';
import type { Ledger } from './ledger.js';

/** What is recorded of the use of grants that end when they are idle or used up. */
export class Using {
  readonly #keeper: Timekeeper;
  readonly #ledger: Ledger;
  readonly #checker: Checker;

  constructor(keeper: Timekeeper, ledger: Ledger, checker: Checker) {
    this.#keeper = keeper;
    this.#ledger = ledger;
    this.#checker = checker;
  }

  /** Records that a scope was used, on each grant that allows it and has an idle end; mostly there is nothing to write. */
  async touch({ subject, scope, reason }: Decision): Promise<void> {
    if (reason !== 'granted') return;
    const covering = await this.#checker.covering(subject, scope);
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
    const useId = key === undefined ? undefined : derivedId(this.#ledger.store.namespace, 'consume', subject, key);
    const before = await this.#taken(useId);
    if (before !== undefined) return this.#again(before, scope);
    try {
      return await this.#take(subject, scope, useId);
    } catch (error) {
      // The last use may have gone to this very key meanwhile: then it was taken, and not refused (L11).
      const meanwhile = error instanceof DeniedError ? await this.#taken(useId) : undefined;
      if (meanwhile === undefined) throw error;
      return this.#again(meanwhile, scope);
    }
  }

  async #take(subject: string, scope: string, useId: string | undefined): Promise<Consumption> {
    const decision = await this.#checker.check(subject, scope);
    if (!decision.allowed) throw denied(decision);
    return this.#ledger.run<Consumption>(async () => {
      const use = await this.#taken(useId);
      if (use !== undefined) return unchanged(await this.#again(use, scope));
      const covering = await this.#checker.covering(subject, scope);
      const now = moment(this.#keeper, subject);
      const usable = covering.filter((held) => isUsable(held, now));
      const taken = grantToConsume(usable);
      const told = { subject, scope, at: now.now };
      if (taken?.usage !== undefined) {
        const step = consumeUse({ grant: taken.grant, usage: taken.usage }, useId === undefined ? undefined : { id: useId, scope }, now);
        return { ...step, result: { ...told, ...step.result } };
      }
      return uncounted(decision, { ...told, grant: usable[0]?.grant, usesLeft: undefined });
    });
  }

  async #taken(useId: string | undefined): Promise<Use | undefined> {
    return useId === undefined ? undefined : this.#ledger.use(useId);
  }

  async #again(use: Use, scope: string): Promise<Consumption> {
    if (use.scope !== scope) throw new IdempotencyError(use.id);
    // A purge may have taken the grant already: the use was taken all the same.
    const [held] = await this.#ledger.heldAll([use.grantId]);
    return { subject: use.subject, scope, at: use.at, grant: held?.grant, usesLeft: use.usesLeft };
  }
}

function uncounted(decision: Decision, consumption: Consumption): Step<Consumption> {
  if (consumption.grant !== undefined || decision.reason === 'standing') return unchanged(consumption);
  // Somebody took the last use since the check.
  throw new DeniedError(`${decision.subject} has no use of ${decision.scope} left`, decision.subject, {
    ...decision,
    allowed: false,
    reason: 'no_grant',
    grant: undefined,
    validUntil: undefined,
  });
}
