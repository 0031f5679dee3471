import { IneligibleError, type EndFailure } from '../core/errors.js';
import { invalid, readOptions } from '../core/parse.js';
import { reviewBreakGlass, breakGlass, type BreakGlassReviewCommand, type Debtors } from '../lifecycle/break-glass.js';
import { draftRequest, type Ask } from '../lifecycle/request.js';
import { isOwnRequest } from '../lifecycle/review.js';
import { hasPassed } from '../lifecycle/status.js';
import { moment, noChange, type Moment, type Transition } from '../lifecycle/transition.js';
import { decodeRequest, needsReview, type AccessRequest, type Subject } from '../records/index.js';
import { grantIds } from '../lifecycle/grant.js';
import type { EngineClock } from '../core/time.js';
import { refuseAgent } from '../kernel/agents.js';
import { issuedAccess, readAccess } from './access-result.js';
import type { AccessGranted, AccessResult, BreakGlassReviewItem } from './answers.js';
import type { ApproverClient } from '../kernel/approver-client.js';
import type { ParsedAsk } from './ask.js';
import { requestOfKey } from './requests.js';
import { Revocation } from './revocation.js';
import { loadChain, loadIssueContext, requestsById } from '../kernel/context.js';
import { derivedId, newId } from '../kernel/ids.js';
import type { Ledger } from '../kernel/ledger.js';
import type { Settings } from '../kernel/settings.js';
import { afterRecording } from '../kernel/recorded.js';
import { askTogether } from '../kernel/together.js';
import type { Kernel } from '../kernel/kernel.js';

/** Which of the reviews that are owed. */
export interface BreakGlassReviewQuery {
  readonly subject?: string | undefined;
  /** Those that this person may give. */
  readonly reviewer?: string | undefined;
}

/** Break-glass is approved as it is taken: under a used key it may have ended since. */
export type BreakGlassResult = AccessResult & { readonly outcome: AccessGranted['outcome'] };

const REPEATED: Transition<undefined> = noChange(undefined);

/** Access first, review afterwards. */
export class BreakGlass {
  readonly #settings: Settings;
  readonly #keeper: EngineClock;
  readonly #ledger: Ledger;
  readonly #desk: ApproverClient;
  readonly #kernel: Kernel;
  readonly #ending: Revocation;

  constructor(kernel: Kernel) {
    this.#settings = kernel.settings;
    this.#keeper = kernel.clock;
    this.#ledger = kernel.ledger;
    this.#desk = kernel.approver;
    this.#kernel = kernel;
    this.#ending = kernel.part(Revocation);
  }

  async breakGlass({ ask, key }: ParsedAsk): Promise<BreakGlassResult> {
    const id = key === undefined ? newId() : derivedId(this.#ledger.store.namespace, 'breakGlass', ask.requestedBy, key);
    const isRepeated = async () => key !== undefined && (await requestOfKey(this.#kernel, id, ask)) !== undefined;
    const taken = await this.#ledger.run<BreakGlassResult | undefined>(async () =>
      (await isRepeated()) ? REPEATED : this.#break(id, ask, isRepeated),
    );
    return taken ?? afterRecording(id, () => this.#again(id));
  }

  /** What became of the access that a used key stands for. */
  async #again(id: string): Promise<BreakGlassResult> {
    const request = await this.#ledger.request(id);
    const access = await readAccess(this.#ledger, this.#keeper, request);
    await this.#ledger.confirmDurable();
    return { ...access, reused: true, differs: [], request };
  }

  async #break(id: string, ask: Ask, isRepeated: () => Promise<boolean>): Promise<Transition<BreakGlassResult | undefined>> {
    const now = (): Moment => moment(this.#keeper, ask.requestedBy);
    const draft = draftRequest(ask, id, this.#settings.limits, undefined, now());
    const answer = await this.#desk.breakGlass(draft);
    const { verdict } = answer;
    if (verdict.outcome !== 'approve') {
      const reason = verdict.outcome === 'deny' ? verdict.reason : 'no rule allows break-glass for it';
      throw new IneligibleError(ask.subject, ask.scopes, reason);
    }
    const debtors = await this.#debtors(draft);
    const issuing = await loadIssueContext(this.#kernel, draft, { isBreakGlass: true });
    const facts = { ...issuing, limits: this.#settings.limits };
    // Once more, after all else is read: the review that is owed may be that of this very call, made twice at once.
    if (await isRepeated()) return REPEATED;
    const reading = now();
    const step = breakGlass(ask, id, { ...answer, verdict }, debtors, facts, reading);
    const { request, grants = [] } = step.result;
    return { ...step, result: { ...issuedAccess(grants, reading), reused: false, differs: [], request } };
  }

  /** @throws PartialError where a grant that `unjustified` should end could not be read; the review is recorded all the same */
  async review(id: string, actor: string, command: BreakGlassReviewCommand): Promise<AccessRequest> {
    let unreadable: EndFailure[] = [];
    const settled = await this.#ledger.runDurably(async () => {
      unreadable = [];
      const request = await this.#ledger.request(id);
      refuseAgent(this.#settings.isAgent, request, actor);
      const may = needsReview(request) && (await this.#may(actor, request));
      const debtors = await this.#debtors(request);
      // Those that can be read: one that can't must not keep the others alive.
      const all = await this.#ledger.grantsWithUsage(grantIds(request), (row, error) =>
        unreadable.push({ kind: 'grant', id: row.id, error }),
      );
      const grants = await Promise.all(all.map(async (held) => ({ held, line: await loadChain(this.#kernel, held.grant) })));
      return reviewBreakGlass(request, command, { may, debtors, grants }, moment(this.#keeper, actor));
      // What ends access is never told "conflict", however busily it is used meanwhile.
    }, command.verdict === 'unjustified');
    // Once more, for what was asked for while the lines were read, from grants that time had ended just before.
    if (command.verdict === 'unjustified') await this.#ending.each(settled.grants ?? [], actor, command.reason, unreadable);
    return settled.request;
  }

  /** The one that is due first before the others, as the store gives them. */
  async pendingReviews(query: BreakGlassReviewQuery): Promise<readonly BreakGlassReviewItem[]> {
    const given = readOptions<keyof BreakGlassReviewQuery>('query', query, ['subject', 'reviewer']);
    const { readId, decodeAll } = this.#settings;
    const subject = given.subject === undefined ? undefined : readId('subject', given.subject);
    const reviewer = given.reviewer === undefined ? undefined : readId('reviewer', given.reviewer);
    const items: BreakGlassReviewItem[] = [];
    for await (const rows of this.#ledger.pages({ kind: 'request', subject, open: true, order: 'due' })) {
      const requests = decodeAll(rows, decodeRequest).filter(needsReview);
      const may = await askTogether(requests, async (request) => reviewer === undefined || this.#mayOrNot(reviewer, request));
      const reading = this.#keeper.read();
      requests.forEach((request, i) => {
        const reviewBy = request.afterReview?.reviewBy as number;
        if (may[i] === true) items.push({ request, reviewBy, isOverdue: hasPassed(reviewBy, reading) });
      });
    }
    return items;
  }

  /** A request about which the approver fails must not hide the others. */
  async #mayOrNot(reviewer: string, request: AccessRequest): Promise<boolean> {
    try {
      return await this.#may(reviewer, request);
    } catch (error) {
      this.#settings.onError(error, 'listBreakGlassReviews');
      return false;
    }
  }

  /** Those two are not even asked about: whatever the approver says, or if it fails, they may not. */
  async #may(reviewer: string, request: AccessRequest): Promise<boolean> {
    return !isOwnRequest(request, reviewer) && this.#desk.mayReviewBreakGlass(reviewer, request);
  }

  async #debtors({ subject, requestedBy }: Pick<AccessRequest, 'subject' | 'requestedBy'>): Promise<Debtors> {
    const own: Subject | undefined = await this.#ledger.subject(subject);
    const requester = requestedBy === subject ? own : await this.#ledger.subject(requestedBy);
    const ids = new Set([...(own?.unreviewed ?? []), ...(requester?.unreviewed ?? [])]);
    const unreviewed = new Map((await requestsById(this.#kernel, [...ids])).map((request) => [request.id, request]));
    return { subject: own, requester, unreviewed };
  }
}

/** The two words that a review of break-glass access may say. */
export function readReviewVerdict(verdict: unknown): BreakGlassReviewCommand['verdict'] {
  if (verdict !== 'justified' && verdict !== 'unjustified') throw invalid('verdict', "'justified' or 'unjustified'", verdict);
  return verdict;
}
