import { LinkError, NotReviewerError } from '../../core/errors.js';
import { invalid } from '../../core/parse.js';
import { digestOf } from '../../journal/link.js';
import { digestOfAsk } from '../../lifecycle/request.js';
import { openQuorum, refuseTurning, reviewBy, type ReviewCommand } from '../../lifecycle/review.js';
import { hasPassed } from '../../lifecycle/status.js';
import { moment } from '../../lifecycle/transition.js';
import type { AccessRequest } from '../../records/index.js';
import type { EngineClock } from '../../core/time.js';
import { refuseAgent } from '../../kernel/agents.js';
import type { AccessResult, LinkPreview } from '../../engine/answers.js';
import { readLink, signLink, type ApprovalLink } from './approval-link.js';
import { isReviewer, submitReview } from '../../engine/reviews.js';
import type { Ledger } from '../../kernel/ledger.js';
import type { Settings } from '../../kernel/settings.js';
import { forStrangers } from './redacted.js';
import type { Kernel } from '../../kernel/kernel.js';

/** Reviews that can be given by a signed link. */
export class Links {
  readonly #settings: Settings;
  readonly #keeper: EngineClock;
  readonly #ledger: Ledger;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#settings = kernel.settings;
    this.#keeper = kernel.clock;
    this.#ledger = kernel.ledger;
    this.#kernel = kernel;
  }

  /** @param ttlMs how long it is good; never longer than the request's own deadline */
  async make(requestId: string, reviewer: string, decision: ApprovalLink['decision'], ttlMs: number | undefined): Promise<string> {
    const [key] = this.#settings.linkKeys;
    if (key === undefined) throw invalid('linkKeys', 'given to the engine that is to make approval links', undefined);
    const request = await this.#ledger.request(requestId);
    refuseAgent(this.#settings.isAgent, request, reviewer);
    const counts = await isReviewer(this.#kernel, request, reviewer);
    const now = moment(this.#keeper, reviewer);
    // What the reviewer would be told on the other end is better told to whoever is about to send the link.
    openQuorum(request, reviewer, now);
    if (!counts) throw new NotReviewerError(request.id, reviewer, 'not_in_group');
    refuseTurning(request, reviewer, decision);
    const expiresAt = Math.min(request.reviewBy, ttlMs === undefined ? Infinity : now.now + ttlMs);
    const { namespace } = this.#ledger.store;
    const said = { namespace, requestId, askDigest: digestOfRequest(request), reviewer, decision };
    return signLink(key, { ...said, issuedAt: now.now, expiresAt, reviewedAt: reviewBy(request, reviewer)?.at });
  }

  /**
   * What it is for. It decides nothing, whoever opens it.
   *
   * @param by the reader, where the caller knows; then it must be the reviewer
   */
  async open(token: unknown, by: string | undefined): Promise<LinkPreview> {
    const link = this.read(token);
    if (by !== undefined && by !== link.reviewer) throw new LinkError('not_yours', link.requestId);
    const request = await this.#ledger.request(link.requestId);
    refuseOther(request, link);
    const shown = by === undefined ? forStrangers(request) : request;
    return { request: shown, reviewer: link.reviewer, decision: link.decision, expiresAt: link.expiresAt };
  }

  /** What a token says, if it is one of ours and still good. */
  read(token: unknown): ApprovalLink {
    const link = readLink(this.#settings.linkKeys, token);
    if (link.namespace !== this.#ledger.store.namespace) throw new LinkError('other_request', undefined);
    if (hasPassed(link.expiresAt, this.#keeper.read())) throw new LinkError('expired', link.requestId);
    return link;
  }

  redeem(link: ApprovalLink, command: Pick<ReviewCommand, 'reason' | 'comment' | 'as'>): Promise<AccessResult> {
    const review = { ...command, verdict: link.decision, link };
    return submitReview(this.#kernel, link.requestId, link.reviewer, review, (request) => refuseOther(request, link));
  }
}

/** What was asked, and when: the same ask under the same key, made again after a purge, is another request. */
const digestOfRequest = (request: AccessRequest): string => digestOf([digestOfAsk(request, request.extension?.grantId), request.createdAt]);

function refuseOther(request: AccessRequest, link: ApprovalLink): void {
  if (digestOfRequest(request) !== link.askDigest) throw new LinkError('other_request', request.id);
}
