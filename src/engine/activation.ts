import { SingleFlight } from '../core/single-flight.js';
import { Stopwatch } from '../core/stopwatch.js';
import { isStartDue, activateGrant } from '../lifecycle/start.js';
import { moment, noChange } from '../lifecycle/transition.js';
import type { Grant } from '../records/index.js';
import type { EngineClock } from '../core/time.js';
import type { ApproverClient } from '../kernel/approver-client.js';
import { loadChain } from '../kernel/context.js';
import type { Ledger } from '../kernel/ledger.js';
import type { Kernel } from '../kernel/kernel.js';

/** How long a failure keeps checks from asking again; a sweep asks all the same. */
const QUIET_MS = 1_000;
const MAX_REMEMBERED = 1_000;
/** What begins takes nothing with it. */
const NO_LINE = { successors: [], requests: [] };

/** Scheduled starts at which the approver is asked once more. */
export class Activation {
  readonly #clock: EngineClock;
  readonly #ledger: Ledger;
  readonly #desk: ApproverClient;
  readonly #kernel: Kernel;
  /** Of the grants that are being asked about: a burst of checks asks once. */
  readonly #underway = new SingleFlight<Grant>();
  /** Since the question about a grant has failed last. */
  readonly #failed = new Map<string, Stopwatch>();

  constructor(kernel: Kernel) {
    this.#clock = kernel.clock;
    this.#ledger = kernel.ledger;
    this.#desk = kernel.approver;
    this.#kernel = kernel;
    kernel.background.track(this);
  }

  /**
   * Asks whether the subject may still hold a grant whose start has come, and records what follows: its activation, or
   * its end. A question that fails changes nothing.
   *
   * @param actor who or what found that it is time
   */
  activate(grantId: string, actor: string): Promise<Grant> {
    return this.#underway.join(async () => {
      try {
        const grant = await this.#ask(grantId, actor);
        this.#failed.delete(grantId);
        return grant;
      } catch (error) {
        if (this.#failed.size >= MAX_REMEMBERED) this.#failed.clear();
        this.#failed.set(grantId, new Stopwatch(this.#clock.clock));
        throw error;
      }
    }, grantId);
  }

  get isBusy(): boolean {
    return this.#underway.size > 0;
  }

  /** Resolves when no question about a start is under way. Never rejects. */
  idle(): Promise<void> {
    return this.#underway.settled();
  }

  /**
   * Activates for a check, and resolves whether it asked. A check does not ask right after the question has failed, or every
   * check would wait for an approver that hangs.
   */
  async activateForCheck(grantId: string, subject: string): Promise<boolean> {
    const failed = this.#failed.get(grantId);
    if (failed !== undefined && failed.ms < QUIET_MS) return false;
    await this.activate(grantId, subject);
    return true;
  }

  #ask(grantId: string, actor: string): Promise<Grant> {
    return this.#ledger.run(async () => {
      const held = await this.#ledger.held(grantId);
      if (!isStartDue(held, this.#clock.read())) return noChange(held.grant);
      const request = await this.#ledger.request(held.grant.requestId);
      const eligible = await this.#desk.mayHold(request, 'start');
      const line = eligible ? NO_LINE : await loadChain(this.#kernel, held.grant);
      return activateGrant(held, line, eligible, moment(this.#clock, actor));
    });
  }
}
