import { awaitsActivation } from '../lifecycle/status.js';
import type { MaybePromise } from '../core/ports.js';
import type { Decision } from '../records/index.js';
import type { StartActivator, LiveRows } from './checker.js';
import type { Enforcement } from '../kernel/enforcement.js';
import { grantsAmong } from '../kernel/grant-use.js';
import { Activation } from './activation.js';
import type { Kernel } from '../kernel/kernel.js';

/** The activation of an engine's checks. A question that fails is reported, and leaves the no. */
export class CheckActivation implements StartActivator {
  readonly #starting: Activation;
  readonly #settings: Pick<Enforcement, 'decodeAll' | 'onError'>;

  constructor(kernel: Kernel) {
    this.#starting = kernel.part(Activation);
    this.#settings = kernel.settings;
  }

  /** Whether the approver was asked about this start, and its answer recorded. Never rejects. */
  async activate(grantId: string, subject: string): Promise<boolean> {
    try {
      return await this.#starting.activateForCheck(grantId, subject);
    } catch (error) {
      this.#settings.onError(error, 'activation');
      return false;
    }
  }

  async retry(first: Decision, again: () => MaybePromise<Decision>): Promise<Decision> {
    let decision = first;
    const tried = new Set<string>();
    while (decision.reason === 'not_activated' && decision.grant !== undefined && !tried.has(decision.grant.id)) {
      tried.add(decision.grant.id);
      if (!(await this.activate(decision.grant.id, decision.subject))) return decision;
      decision = await again();
    }
    return decision;
  }

  async activateAll(subject: string, { rows, reading }: LiveRows, wanted: (granted: string) => boolean): Promise<boolean> {
    const waiting = grantsAmong(rows, subject, this.#settings.decodeAll).filter(
      (held) => awaitsActivation(held, reading) && wanted(held.grant.scope),
    );
    await Promise.all(waiting.map(({ grant }) => this.activate(grant.id, subject)));
    return waiting.length > 0;
  }
}
