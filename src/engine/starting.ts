import { isStartDue, activateGrant } from '../lifecycle/start.js';
import { moment, unchanged } from '../lifecycle/step.js';
import type { Grant } from '../records.js';
import type { Timekeeper } from '../time.js';
import type { ApproverDesk } from './approver-desk.js';
import type { Facts } from './facts.js';
import type { Ledger } from './ledger.js';

/** Scheduled starts at which the approver is asked once more. */
export class Starting {
  readonly #keeper: Timekeeper;
  readonly #ledger: Ledger;
  readonly #desk: ApproverDesk;
  readonly #facts: Facts;
  /** Of the grants that are being asked about: a burst of checks asks once. */
  readonly #underway = new Map<string, Promise<Grant>>();

  constructor(keeper: Timekeeper, ledger: Ledger, desk: ApproverDesk, facts: Facts) {
    this.#keeper = keeper;
    this.#ledger = ledger;
    this.#desk = desk;
    this.#facts = facts;
  }

  /**
   * Asks whether the subject may still hold a grant whose start has come, and records what follows: its activation, or
   * its end. A question that fails changes nothing.
   *
   * @param actor who or what found that it is time
   */
  activate(grantId: string, actor: string): Promise<Grant> {
    const known = this.#underway.get(grantId);
    if (known !== undefined) return known;
    const asked = this.#ask(grantId, actor).finally(() => this.#underway.delete(grantId));
    this.#underway.set(grantId, asked);
    return asked;
  }

  #ask(grantId: string, actor: string): Promise<Grant> {
    return this.#ledger.run(async () => {
      const held = await this.#ledger.held(grantId);
      if (!isStartDue(held, this.#keeper.read())) return unchanged(held.grant);
      const request = await this.#ledger.request(held.grant.requestId);
      const line = await this.#facts.line(held.grant);
      const eligible = await this.#desk.mayHold(request, 'start');
      return activateGrant(held, line, eligible, moment(this.#keeper, actor));
    });
  }
}
