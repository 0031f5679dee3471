import type { MaybePromise } from '../../core/ports.js';
import { isThenable } from '../../core/thenable.js';
import type { CheckMatcher } from '../../kernel/settings/enforcement.js';
import type { Kernel } from '../../kernel/kernel.js';
import { reaches } from '../../lifecycle/check.js';
import type { Decision } from '../../records/index.js';
import { Activation } from './activation.js';
import type { LiveRows } from './checker.js';
import { WindowChecker } from './window-checker.js';

/**
 * The checker of an engine. If a check would deny only because a due start is unconfirmed, it asks the approver and judges again. A
 * checker alone writes nothing: there such a grant allows nothing until an engine has recorded its activation.
 */
export class EngineChecker extends WindowChecker {
  readonly #activation: Activation;
  readonly #scopes: CheckMatcher;

  constructor(kernel: Kernel) {
    super(kernel.settings, kernel.clock, kernel.settings.store);
    this.#activation = kernel.part(Activation);
    this.#scopes = kernel.settings.scopes;
  }

  protected override ask(subject: string, scope: string): MaybePromise<Decision> {
    const answer = super.ask(subject, scope);
    return isThenable(answer) ? answer.then((decision) => this.#activated(decision)) : this.#activated(answer);
  }

  #activated(decision: Decision): MaybePromise<Decision> {
    if (decision.reason !== 'not_activated') return decision;
    return this.#activation.retry(decision, () => super.ask(decision.subject, decision.scope));
  }

  protected override liveFor(subject: string, scopes: readonly string[]): Promise<LiveRows> {
    // Waits for an activation only if no other grant allows the scope: an approver that hangs must not delay the others.
    return this.activated(subject, (granted, { rows, reading }) =>
      scopes.some((scope) => reaches(this.#scopes, granted, scope) && !this.judge(rows, subject, scope, reading).allowed),
    );
  }

  /**
   * The subject's live rows, after the activation of the wanted grants.
   *
   * @param wanted whether the activation of a grant of this scope may change the answer
   */
  async activated(subject: string, wanted: (granted: string, live: LiveRows) => boolean): Promise<LiveRows> {
    const live = await super.liveFor(subject, []);
    return (await this.#activation.activateAll(subject, live, wanted)) ? super.liveFor(subject, []) : live;
  }
}
