import type { MaybePromise } from '../../core/ports.js';
import { isThenable } from '../../core/thenable.js';
import type { Kernel } from '../../kernel/kernel.js';
import { UseLog } from '../../kernel/use-log.js';
import type { Decision } from '../../records/index.js';
import { isAllowedBy } from './checker.js';
import { EngineChecker } from './engine-checker.js';

/**
 * The checker of an engine that records which grants its checks use. It is a class of its own, so that a check which records
 * nothing has no branch for it. Its `isAllowed` needs the grant, so it makes a decision like a check.
 */
export class RecordingChecker extends EngineChecker {
  readonly #uses: UseLog;

  constructor(kernel: Kernel) {
    super(kernel);
    this.#uses = kernel.part(UseLog);
  }

  override check(subject: unknown, action: unknown): MaybePromise<Decision> {
    const answer = super.check(subject, action);
    return isThenable(answer) ? answer.then((decision) => this.#noted(decision)) : this.#noted(answer);
  }

  override allows(subject: unknown, action: unknown): MaybePromise<boolean> {
    return isAllowedBy(this.check(subject, action));
  }

  protected override isListed(decision: Decision): boolean {
    return this.#noted(decision).allowed;
  }

  #noted(decision: Decision): Decision {
    this.#uses.note(decision);
    return decision;
  }
}
