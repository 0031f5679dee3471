import { ClockError, IdempotencyError, IneligibleError, isJitError } from '../errors.js';
import type { Settled } from '../lifecycle/grant.js';
import { asksForTheSame, isUndecided, openRequest, settle, type Ask } from '../lifecycle/request.js';
import { isOwnRequest, mayAct, reviewersToConfirm, reviewRequest, type ReviewCommand, type ReviewFacts } from '../lifecycle/review.js';
import { requestStatus, type RequestStatus } from '../lifecycle/status.js';
import { APPROVER, moment, unchanged } from '../lifecycle/step.js';
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
    try {
      return await this.settle(id);
    } catch (error) {
      // The request is on record by now, so the error must say which.
      throw isJitError(error) && error.code === 'ERR_JIT_CLOCK' ? new ClockError(error.message, error.cause, id) : error;
    }
  }

  /** Asks the approver if it has not answered yet, applies what it says, and tells how the request stands. */
  async settle(id: string): Promise<AccessResult> {
    let status: RequestStatus = 'pending';
    const settled = await this.#ledger.run(async () => {
      const request = await this.#ledger.request(id);
      status = requestStatus(request, this.#keeper.read().late);
      // One that has run out without a sweep is told as it is, not asked about.
      if (!isUndecided(request) || status !== 'pending') return unchanged<Settled>({ request, grants: undefined });
      const verdict = await this.#desk.decide(request);
      return settle(request, verdict, moment(this.#keeper, APPROVER));
    });
    return this.#resultOf(settled, status);
  }

  async review(id: string, reviewer: string, command: ReviewCommand): Promise<AccessResult> {
    const settled = await this.#ledger.run(async () => {
      const request = await this.#ledger.request(id);
      const facts = await this.#gather(request, reviewer, command);
      return reviewRequest(request, command, facts, moment(this.#keeper, reviewer));
    });
    return this.#resultOf(settled, 'pending');
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

  async #isRepetition(id: string, ask: Ask): Promise<boolean> {
    const row = await this.#ledger.row('request', id);
    if (row === undefined) return false;
    if (!asksForTheSame(decodeRequest(row), ask)) throw new IdempotencyError(id);
    return true;
  }

  /** Puts the request on record, unless `known` finds that a repetition of this very call has. */
  async #open(id: string, ask: Ask, known: () => Promise<boolean>): Promise<void> {
    const open = () => openRequest(ask, id, this.#settings.limits, moment(this.#keeper, ask.requestedBy));
    if (!(await this.#desk.mayAsk(open().result))) throw new IneligibleError(ask.subject, ask.scopes);
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
    const eligible = confirm.length > 0 && verdict === 'approve' ? await this.#desk.mayHold(request) : undefined;
    return { groups, eligible };
  }

  /**
   * How a request stands. The clock is not read again: a commit that has been made is told, whatever the clock does now.
   *
   * @param open what it is while no end is recorded: still pending, or run out
   */
  async #resultOf({ request, grants }: Settled, open: RequestStatus): Promise<AccessResult> {
    const outcome = request.end?.status ?? open;
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
