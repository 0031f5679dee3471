import { IdempotencyError, IneligibleError } from '../errors.js';
import type { Settled } from '../lifecycle/grant.js';
import { asksForTheSame, isUndecided, openRequest, settle, type Ask } from '../lifecycle/request.js';
import { isOwnRequest, mayAct, reviewersToConfirm, reviewRequest, type ReviewCommand, type ReviewFacts } from '../lifecycle/review.js';
import { requestStatus } from '../lifecycle/status.js';
import { unchanged, type Moment } from '../lifecycle/step.js';
import { decodeRequest, type AccessRequest } from '../records.js';
import type { Timekeeper } from '../time.js';
import type { AccessResult, InboxItem } from './answers.js';
import type { ApproverDesk } from './approver-desk.js';
import { derivedId, newId } from './ids.js';
import type { Ledger } from './ledger.js';
import type { Settings } from './options.js';

/** From the ask to the decision: what is loaded and asked before a rule is applied, and what became of it. */
export class Deciding {
  readonly #settings: Settings;
  readonly #keeper: Timekeeper;
  readonly #ledger: Ledger;
  readonly #desk: ApproverDesk;

  constructor(settings: Settings, keeper: Timekeeper, ledger: Ledger, desk: ApproverDesk) {
    this.#settings = settings;
    this.#keeper = keeper;
    this.#ledger = ledger;
    this.#desk = desk;
  }

  async ask(ask: Ask, key: string | undefined): Promise<AccessResult> {
    const id = key === undefined ? newId() : derivedId(this.#ledger.store.namespace, 'requestAccess', ask.requestedBy, key);
    const known = async () => key !== undefined && (await this.#isRepetition(id, ask));
    if (!(await known())) await this.#open(id, ask, known);
    return this.settle(id);
  }

  /** Asks the approver if it has not answered yet, applies what it says, and tells how the request stands. */
  async settle(id: string): Promise<AccessResult> {
    const settled = await this.#ledger.run(async () => {
      const request = await this.#ledger.request(id);
      // One that has run out without a sweep is told as it is, not asked about.
      const isOpen = isUndecided(request) && requestStatus(request, this.#keeper.read().late) === 'pending';
      if (!isOpen) return unchanged<Settled>({ request, grants: undefined });
      const verdict = await this.#desk.decide(request);
      return settle(request, verdict, this.#moment(verdict.approver));
    });
    return this.#resultOf(settled);
  }

  async review(id: string, reviewer: string, command: ReviewCommand): Promise<AccessResult> {
    const settled = await this.#ledger.run(async () => {
      const request = await this.#ledger.request(id);
      const facts = await this.#gather(request, reviewer, command);
      return reviewRequest(request, command, facts, this.#moment(reviewer));
    });
    return this.#resultOf(settled);
  }

  async inbox(reviewer: string): Promise<readonly InboxItem[]> {
    const items: InboxItem[] = [];
    for await (const rows of this.#ledger.pages({ kind: 'request', open: true })) {
      for (const request of this.#settings.decodeAll(rows, decodeRequest)) {
        if (isDecidedFor(request, reviewer)) continue;
        const mine = await this.#desk.groupsOf(reviewer, request);
        const groups = mayAct(request, reviewer, mine, this.#keeper.read());
        if (groups.length > 0) items.push({ request, groups });
      }
    }
    return items;
  }

  /** The clock is read here, once for each attempt, after the last question to an approver. */
  #moment(actor: string): Moment {
    return { ...this.#keeper.read(), actor };
  }

  async #isRepetition(id: string, ask: Ask): Promise<boolean> {
    const row = await this.#ledger.row('request', id);
    if (row === undefined) return false;
    if (!asksForTheSame(decodeRequest(row), ask)) throw new IdempotencyError(id);
    return true;
  }

  /** Puts the request on record, unless `known` finds that a repetition of this very call has. */
  async #open(id: string, ask: Ask, known: () => Promise<boolean>): Promise<void> {
    const open = () => openRequest(ask, id, this.#settings.limits, this.#moment(ask.requestedBy));
    if (!(await this.#desk.isEligible(open().result, 'creation'))) throw new IneligibleError(ask.subject, ask.scopes);
    await this.#ledger.run<unknown>(async () => ((await known()) ? unchanged(undefined) : open()));
  }

  /** What the rule for a review needs to know from the approver, asked live. */
  async #gather(request: AccessRequest, reviewer: string, { verdict }: ReviewCommand): Promise<ReviewFacts> {
    const groups = new Map<string, readonly string[]>();
    // These are refused whatever the approver would say.
    if (isDecidedFor(request, reviewer)) return { groups, eligible: undefined };
    const own = await this.#desk.groupsOf(reviewer, request);
    const confirm = reviewersToConfirm(request, reviewer, verdict, own);
    groups.set(reviewer, own);
    for (const other of confirm) if (other !== reviewer) groups.set(other, await this.#desk.groupsOf(other, request));
    const eligible = confirm.length > 0 && verdict === 'approve' ? await this.#desk.isEligible(request, 'approval') : undefined;
    return { groups, eligible };
  }

  async #resultOf({ request, grants }: Settled): Promise<AccessResult> {
    const outcome = requestStatus(request, this.#keeper.read().late);
    switch (outcome) {
      case 'approved':
        return { outcome: 'granted', request, grants: grants ?? (await this.#ledger.grantsOf(request)) };
      case 'denied':
        return { outcome, request, reason: request.end?.reason };
      case 'pending':
        return { outcome, request, reviewers: await this.#reviewersOf(request) };
      default:
        return { outcome, request };
    }
  }

  /** For people to read, so its failure doesn't take back what has been recorded. */
  async #reviewersOf(request: AccessRequest): Promise<readonly string[] | undefined> {
    try {
      return (await this.#desk.membersOf(request))?.filter((member) => !isOwnRequest(request, member));
    } catch (error) {
      this.#settings.onError(error, 'membersOf');
      return undefined;
    }
  }
}

/** Nothing that the approver says could let this reviewer act. */
const isDecidedFor = (request: AccessRequest, reviewer: string): boolean =>
  request.end !== undefined || request.quorum === undefined || isOwnRequest(request, reviewer);
