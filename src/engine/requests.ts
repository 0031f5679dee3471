import { DecidedError, IdempotencyError, IneligibleError, isJitError } from '../core/errors.js';
import type { RequestWithGrants } from '../lifecycle/grant.js';
import { isUndecided, applyVerdict } from '../lifecycle/decision.js';
import {
  asksForTheSame,
  differencesFrom,
  digestOfAsk,
  draftRequest,
  openRequest,
  type Ask,
  type OpeningContext,
} from '../lifecycle/request.js';
import { noteDenial, twinsOf } from '../lifecycle/same-ask.js';
import {
  countsIn,
  isOwnRequest,
  mayAct,
  reviewBy,
  reviewersToConfirm,
  reviewRequest,
  type ReviewCommand,
  type ReviewContext,
} from '../lifecycle/review.js';
import { requestStatus, type GrantUse, type RequestStatus } from '../lifecycle/status.js';
import { APPROVER, moment, noChange, type Moment } from '../lifecycle/transition.js';
import { decodeRequest, decodeReuse, type AccessRequest } from '../records/index.js';
import { TurnBudget, type ClockReading } from '../core/time.js';
import { issuedAccess, readAccess } from './access-result.js';
import { refuseAgent } from '../kernel/agents.js';
import type { AccessPreview, AccessResult, InboxItem, WaitAnswer } from './answers.js';
import type { ParsedAsk } from './ask.js';
import { loadDenialContext, loadIssueContext, loadOpeningContext, overlapsOf, recentDenialsFor } from '../kernel/context.js';
import { derivedId, newId } from '../kernel/ids.js';
import { afterRecording } from '../kernel/recorded.js';
import { isRefusal } from '../kernel/refusal-throttle.js';
import { askTogether } from '../kernel/together.js';
import type { Kernel } from '../kernel/kernel.js';

/** From the ask to the decision: what is loaded and asked before a rule is applied, and what became of it. */
export class Requests {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** @param verb whose idempotency keys these are */
  async ask({ ask, key }: ParsedAsk, verb: 'requestAccess' | 'extend'): Promise<AccessResult> {
    const id = this.#idFor(ask, key, verb);
    const known = async () => (key === undefined ? undefined : this.known(id, ask));
    const before = await known();
    const made = before === undefined ? await this.#open(id, ask, key !== undefined, known) : { id: before, reused: true };
    const result = await afterRecording(made.id, () => this.settle(made.id));
    return { ...result, reused: made.reused, differs: made.reused ? differencesFrom(ask, result.request) : [] };
  }

  /** What `ask` would do, up to the commit. What would be refused is told; what fails, fails here too. */
  async preview({ ask, key }: ParsedAsk): Promise<AccessPreview> {
    const now = (): Moment => moment(this.#kernel.clock, ask.requestedBy);
    try {
      const id = this.#idFor(ask, key, 'requestAccess');
      const there = key === undefined ? undefined : await this.known(id, ask);
      const repeat = async (made: string): Promise<AccessPreview> => {
        const told = await this.#told(made);
        return { ...told, reused: true, differs: differencesFrom(ask, told.request), dryRun: true };
      };
      if (there !== undefined) return await repeat(there);
      const draft = await this.#draft(id, ask);
      const made = openRequest(
        ask,
        id,
        key !== undefined,
        this.#kernel.settings.limits,
        await this.#openFacts(ask, draft, true),
        now(),
      ).result;
      if (made !== id) return await repeat(made);
      const verdict = await this.#kernel.approver.decide(draft, false);
      const facts = await loadIssueContext(this.#kernel, draft, { dryRun: true });
      const reading = now();
      const { request, grants } = applyVerdict(draft, verdict, facts, reading).result;
      // Nothing has been issued, so nothing allows.
      return { ...(await this.#resultOf({ request, grants }, 'pending', reading)), allowed: false, dryRun: true };
    } catch (error) {
      if (!isJitError(error) || !isRefusal(error.code)) throw error;
      return { dryRun: true, outcome: 'refused', code: error.code, reason: error.message };
    }
  }

  #idFor(ask: Ask, key: string | undefined, verb: 'requestAccess' | 'extend'): string {
    return key === undefined ? newId() : derivedId(this.#kernel.ledger.store.namespace, verb, ask.requestedBy, key);
  }

  /** Asks the approver if it has not answered yet, applies what it says, and tells how the request stands. */
  async settle(id: string): Promise<AccessResult> {
    let status: RequestStatus = 'pending';
    let reading: ClockReading | undefined;
    const settled = await this.#kernel.ledger.runDurably(async () => {
      const { request, status: current } = await this.#read(id);
      status = current;
      // One that has run out without a sweep is told as it is, not asked about.
      if (!isUndecided(request) || status !== 'pending') return noChange<RequestWithGrants>({ request, grants: undefined });
      const answer = await this.#kernel.approver.decide(request);
      const { outcome } = answer.verdict;
      const facts = outcome === 'approve' ? await loadIssueContext(this.#kernel, request) : undefined;
      const denial = outcome === 'review' ? undefined : await loadDenialContext(this.#kernel, request);
      const now = moment(this.#kernel.clock, APPROVER);
      reading = now;
      return noteDenial(applyVerdict(request, answer, facts, now), denial, this.#kernel.settings.denialsShownMs, now);
    });
    return this.#resultOf(settled, status, reading);
  }

  /** How a request stands, asking nobody: what it came to, recorded or by time alone, or until when it may still be decided. */
  async outcome(id: string): Promise<WaitAnswer<AccessResult>> {
    const { request, status } = await this.#read(id);
    if (status === 'pending') return { result: undefined, reviewBy: request.reviewBy };
    return { result: await this.#resultOf({ request, grants: undefined }, status), reviewBy: request.reviewBy };
  }

  /** @param check looks at the request before anything is asked about it */
  async review(
    id: string,
    reviewer: string,
    command: ReviewCommand,
    check: (request: AccessRequest) => void = () => undefined,
  ): Promise<AccessResult> {
    let reading: ClockReading | undefined;
    const give = async () => {
      const request = await this.#kernel.ledger.request(id);
      check(request);
      refuseAgent(this.#kernel.settings.isAgent, request, reviewer);
      const facts = await this.#gather(request, reviewer, command);
      const mayDeny = command.verdict === 'deny' || facts.eligible === false;
      const denial = mayDeny ? await loadDenialContext(this.#kernel, request) : undefined;
      const now = moment(this.#kernel.clock, reviewer);
      reading = now;
      return noteDenial(reviewRequest(request, command, facts, now), denial, this.#kernel.settings.denialsShownMs, now);
    };
    try {
      return await this.#resultOf(await this.#kernel.ledger.runDurably(give), 'pending', reading);
    } catch (error) {
      // A reviewer who gives the deciding review again learns only from this refusal that the first one was recorded.
      if (error instanceof DecidedError && reviewBy(error.request, reviewer)?.verdict === command.verdict)
        await this.#kernel.ledger.confirmDurable();
      throw error;
    }
  }

  /** The one that is due first before the others, as the store gives them. */
  async inbox(reviewer: string): Promise<readonly InboxItem[]> {
    const turns = new TurnBudget();
    const items: Pick<InboxItem, 'request' | 'groups'>[] = [];
    /** By subject: only requests for the same subject can be twins. */
    const open = new Map<string, AccessRequest[]>();
    for await (const rows of this.#kernel.ledger.pages({ kind: 'request', open: true, order: 'due' }, undefined, 100, turns)) {
      const requests = this.#kernel.settings.decodeAll(rows, decodeRequest);
      for (const request of requests) {
        const ofSubject = open.get(request.subject);
        if (ofSubject === undefined) open.set(request.subject, [request]);
        else ofSubject.push(request);
      }
      const undecided = requests.filter((request) => !isDecidedFor(request, reviewer));
      const memberships = await askTogether(undecided, (request) => this.#groupsOrNone(reviewer, request));
      const reading = this.#kernel.clock.read();
      undecided.forEach((request, i) => {
        const groups = mayAct(request, reviewer, memberships[i] ?? [], reading);
        if (groups.length > 0) items.push({ request, groups });
      });
    }
    const denials = await recentDenialsFor(
      this.#kernel,
      items.map(({ request }) => request),
      turns,
    );
    const now = moment(this.#kernel.clock, reviewer);
    const shown: InboxItem[] = [];
    for (const item of items) {
      const ofSubject = open.get(item.request.subject) ?? [];
      await turns.spend(ofSubject.length);
      const twins = twinsOf(item.request, ofSubject, overlapsOf(this.#kernel), now).map(({ id }) => id);
      shown.push({ ...item, denials: denials.of(item.request, now), twins });
    }
    return shown;
  }

  /** A request about which the approver fails must not hide the others. */
  async #groupsOrNone(reviewer: string, request: AccessRequest): Promise<readonly string[]> {
    try {
      return await this.#kernel.approver.groupsOf(reviewer, request);
    } catch (error) {
      this.#kernel.settings.onError(error, 'inbox');
      return [];
    }
  }

  /** Whether a review by this person would count now. */
  async isReviewer(request: AccessRequest, reviewer: string): Promise<boolean> {
    if (isDecidedFor(request, reviewer)) return false;
    return countsIn(request, await this.#kernel.approver.groupsOf(reviewer, request), this.#kernel.clock.read()).length > 0;
  }

  /** The request that a key stands for already; `undefined`: none. @throws IdempotencyError where it was for something else */
  async known(id: string, ask: Ask): Promise<string | undefined> {
    const [request, reuse] = await this.#kernel.ledger.rows([
      { kind: 'request', id },
      { kind: 'reuse', id },
    ]);
    if (request !== undefined) {
      if (!asksForTheSame(decodeRequest(request), ask)) throw new IdempotencyError(id);
      return id;
    }
    if (reuse === undefined) return undefined;
    const { askDigest, requestId } = decodeReuse(reuse);
    if (askDigest !== digestOfAsk(ask, ask.extends)) throw new IdempotencyError(requestId);
    return requestId;
  }

  /**
   * Puts the request on record, unless it repeats what the subject has, or `known` finds that a repetition of this very
   * call has. Whether it may be asked at all is asked anew for each try.
   *
   * @returns the request that there is now, and whether it was there before
   */
  async #open(
    id: string,
    ask: Ask,
    isKeyed: boolean,
    known: () => Promise<string | undefined>,
  ): Promise<{ readonly id: string; readonly reused: boolean }> {
    let there: string | undefined;
    const made = await this.#kernel.ledger.run<string>(async () => {
      const facts = await this.#openFacts(ask, await this.#draft(id, ask), false);
      // After all else is read: what stands against it may be this very call's, made twice at once.
      there = await known();
      if (there !== undefined) return noChange(there);
      return openRequest(ask, id, isKeyed, this.#kernel.settings.limits, facts, moment(this.#kernel.clock, ask.requestedBy));
    });
    return { id: made, reused: there !== undefined || made !== id };
  }

  /** The request as it would be, if it may be asked at all. */
  async #draft(id: string, ask: Ask): Promise<AccessRequest> {
    const origin = await this.#origin(ask);
    const draft = draftRequest(ask, id, this.#kernel.settings.limits, origin, moment(this.#kernel.clock, ask.requestedBy));
    const { eligible, reason } = await this.#kernel.approver.mayAsk(draft);
    if (!eligible) throw new IneligibleError(ask.subject, ask.scopes, reason);
    return draft;
  }

  async #openFacts(ask: Ask, draft: AccessRequest, dryRun: boolean): Promise<OpeningContext> {
    return { ...(await loadOpeningContext(this.#kernel, draft, { dryRun })), origin: await this.#origin(ask) };
  }

  async #origin({ extends: grantId }: Ask): Promise<GrantUse | undefined> {
    return grantId === undefined ? undefined : (await this.#kernel.ledger.grantsWithUsage([grantId]))[0];
  }

  /** What the rule for a review needs to know from the approver, asked live, and from the store. */
  async #gather(request: AccessRequest, reviewer: string, { verdict }: ReviewCommand): Promise<ReviewContext> {
    const groups = new Map<string, readonly string[]>();
    // These are refused whatever the approver would say.
    if (isDecidedFor(request, reviewer)) return { groups, eligible: undefined, issue: undefined };
    const own = await this.#kernel.approver.groupsOf(reviewer, request);
    const confirm = reviewersToConfirm(request, reviewer, verdict, own);
    groups.set(reviewer, own);
    const others = confirm.filter((other) => other !== reviewer);
    const theirs = await askTogether(others, (other) => this.#kernel.approver.groupsOf(other, request));
    others.forEach((other, i) => groups.set(other, theirs[i] ?? []));
    const eligible = confirm.length > 0 && verdict === 'approve' ? await this.#kernel.approver.mayHold(request, 'approval') : undefined;
    return { groups, eligible, issue: eligible === true ? await loadIssueContext(this.#kernel, request) : undefined };
  }

  async #told(id: string): Promise<AccessResult> {
    const { request, status } = await this.#read(id);
    return this.#resultOf({ request, grants: undefined }, status);
  }

  /**
   * A request and its status. What has run out while it was read is read again: a row from before the deadline doesn't
   * say that nobody decided in time.
   */
  async #read(id: string): Promise<{ readonly request: AccessRequest; readonly status: RequestStatus }> {
    for (;;) {
      const begun = this.#kernel.clock.read().forEnds;
      const request = await this.#kernel.ledger.request(id);
      const status = requestStatus(request, this.#kernel.clock.read().forEnds);
      if (status === requestStatus(request, begun)) return { request, status };
    }
  }

  /**
   * How a request stands. After a commit the clock is not read again: what was committed is returned, whatever the clock
   * does now.
   *
   * @param open what it is while no end is recorded: still pending, or run out
   * @param reading the one at which the grants were issued
   */
  async #resultOf({ request, grants }: RequestWithGrants, open: RequestStatus, reading?: ClockReading): Promise<AccessResult> {
    const told = { request, reused: false, differs: [], allowed: false };
    const outcome = request.end?.status ?? open;
    switch (outcome) {
      case 'approved':
        return {
          ...told,
          ...(grants === undefined || reading === undefined
            ? await readAccess(this.#kernel.ledger, this.#kernel.clock, request)
            : issuedAccess(grants, reading)),
        };
      case 'denied':
        return { outcome, ...told, reason: request.end?.reason };
      case 'pending':
        return { outcome, ...told, reviewers: await this.reviewersOf(request) };
      default:
        return { outcome, ...told };
    }
  }

  /** Who may review; for people to read, so its failure takes nothing from the rest of the answer. */
  async reviewersOf(request: AccessRequest): Promise<readonly string[] | undefined> {
    try {
      return (await this.#kernel.approver.membersOf(request))?.filter((member) => !isOwnRequest(request, member));
    } catch (error) {
      this.#kernel.settings.onError(error, 'membersOf');
      return undefined;
    }
  }
}

/** Nothing that the approver says could let this reviewer act. */
const isDecidedFor = (request: AccessRequest, reviewer: string): boolean =>
  request.end !== undefined || request.quorum === undefined || isOwnRequest(request, reviewer);
