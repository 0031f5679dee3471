import { SingleFlight } from '../../core/single-flight.js';
import { Stopwatch } from '../../core/stopwatch.js';
import { isStartDue, activateGrant } from '../../lifecycle/start.js';
import { awaitsActivation } from '../../lifecycle/status.js';
import { moment, noChange } from '../../lifecycle/transition.js';
import type { MaybePromise } from '../../core/ports.js';
import type { Decision, Grant } from '../../records/index.js';
import { loadChain } from '../../kernel/loading/context.js';
import { grantsAmong } from '../../kernel/ledger/grant-use.js';
import type { Kernel } from '../../kernel/kernel.js';
import { fitting } from '../../kernel/ledger/fits-change.js';
import { loadLocks } from '../../kernel/loading/locks.js';
import type { LiveRows } from './checker.js';

/** How long checks do not ask again after a failure. A sweep asks anyway. */
const QUIET_MS = 1_000;
const MAX_REMEMBERED = 1_000;
/** A start that the approver confirms ends no extension, so the chain is not loaded. */
const NO_CHAIN = { successors: [], requests: [] };

/** Asks the approver again when a scheduled grant starts, for sweeps and for checks. */
export class Activation {
  readonly #kernel: Kernel;
  /** By grant, the open question. A burst of checks asks once (single-flight). */
  readonly #underway = new SingleFlight<Grant>();
  /** By grant, the time since the last question about it failed. */
  readonly #failed = new Map<string, Stopwatch>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    kernel.background.track(this);
  }

  /**
   * Asks whether the subject may still hold a grant whose start has come, and records the answer: the activation of the grant,
   * or its end. A question that fails changes nothing.
   *
   * @param actor the subject whose check found that the start has come, or the sweeper
   */
  activate(grantId: string, actor: string): Promise<Grant> {
    return this.#underway.join(async () => {
      try {
        const grant = await this.#ask(grantId, actor);
        this.#failed.delete(grantId);
        return grant;
      } catch (error) {
        if (this.#failed.size >= MAX_REMEMBERED) this.#failed.clear();
        this.#failed.set(grantId, new Stopwatch(this.#kernel.settings.clock));
        throw error;
      }
    }, grantId);
  }

  readonly work = 'the approver';

  get isBusy(): boolean {
    return this.#underway.size > 0;
  }

  /** Resolves when no question about a start is open. Never rejects. */
  idle(): Promise<void> {
    return this.#underway.settled();
  }

  /**
   * Activates for a check. It does not ask right after a failure, or every check would wait for an approver that hangs. A
   * question that fails is reported to `onError`, and the check still denies. Never rejects.
   *
   * @returns whether the engine asked the approver and recorded its answer
   */
  async activateForCheck(grantId: string, subject: string): Promise<boolean> {
    const failed = this.#failed.get(grantId);
    if (failed !== undefined && failed.ms < QUIET_MS) return false;
    try {
      await this.activate(grantId, subject);
      return true;
    } catch (error) {
      this.#kernel.settings.onError(error, 'activation');
      return false;
    }
  }

  /** Activates the grant of a `not_activated` decision and judges again. If the activation fails, the decision stays. */
  async retry(first: Decision, again: () => MaybePromise<Decision>): Promise<Decision> {
    const tried = new Set<string>();
    for (let decision = first; ; decision = await again()) {
      const id = decision.reason === 'not_activated' ? decision.grant?.id : undefined;
      if (id === undefined || tried.has(id) || !(await this.activateForCheck(id, decision.subject))) return decision;
      tried.add(id);
    }
  }

  /**
   * Activates the grants among these rows whose start is due.
   *
   * @param wanted whether the activation of a grant of this scope may change the answer
   * @returns whether there was a grant to activate
   */
  async activateAll(subject: string, live: LiveRows, wanted: (granted: string, live: LiveRows) => boolean): Promise<boolean> {
    const waiting = grantsAmong(live.rows, subject, this.#kernel.settings.decodeAll).filter(
      (use) => awaitsActivation(use, live.reading) && wanted(use.grant.scope, live),
    );
    await Promise.all(waiting.map(({ grant }) => this.activateForCheck(grant.id, subject)));
    return waiting.length > 0;
  }

  #ask(grantId: string, actor: string): Promise<Grant> {
    const { approver, clock, ledger } = this.#kernel;
    return ledger.run(async () => {
      const use = await ledger.grantUse(grantId);
      if (!isStartDue(use, clock.read())) return noChange(use.grant);
      const request = await ledger.request(use.grant.requestId);
      const eligible = await approver.mayHold(request, 'start');
      const chain = eligible ? NO_CHAIN : await loadChain(this.#kernel, use.grant);
      const locks = await loadLocks(this.#kernel);
      const now = moment(clock, actor);
      // The requests that do not fit give no access: an approval finds that their grant has ended.
      return fitting(this.#kernel, chain.requests, (requests) => activateGrant(use, { ...chain, requests }, locks, eligible, now));
    });
  }
}
