import { readWindow } from '../../core/duration.js';
import { LinkError, NotReviewerError } from '../../core/errors.js';
import { readMacKeys, type ParsedMacKeys } from '../../core/mac-keys.js';
import { invalid, readId, readOptions } from '../../core/parse.js';
import type { AccessResult } from '../../engine/answers.js';
import { readNarrowing, readReviewTexts, type NarrowTo } from '../../engine/by.js';
import type { JitEngine } from '../../engine/engine.js';
import { isReviewer, submitReview } from '../../engine/reviews/reviews.js';
import { digestOf } from '../../journal/link.js';
import { refuseAgent } from '../../kernel/settings/agents.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import type { Kernel } from '../../kernel/kernel.js';
import { RefusalLog } from '../../kernel/refusal-log.js';
import { digestOfAsk, extendedBy } from '../../lifecycle/ask.js';
import { refuseTerms } from '../../lifecycle/approvals.js';
import { readAuthentication } from '../../lifecycle/assurance.js';
import { AS_REQUESTED, isNarrowed, leastOf, narrowingOf, type Narrowing } from '../../lifecycle/narrowing.js';
import { openQuorum, refuseTurning, reviewBy } from '../../lifecycle/review.js';
import { hasPassed } from '../../lifecycle/status.js';
import { moment } from '../../lifecycle/transition.js';
import type { AccessRequest } from '../../records/index.js';
import { readLink, signLink, type ApprovalLink } from './approval-link.js';
import { requestWithStatus } from '../../engine/with-status.js';
import type { ApprovalLinksOptions, LinkOptions, LinkPreview, RedeemBy } from './options.js';
import { forStrangers } from './redacted.js';

/** Lets reviewers review through signed links. */
export interface ApprovalLinks {
  /**
   * Creates a signed token with which one reviewer can give one review. The token is bound to the namespace, the request and
   * its content, the reviewer, the decision and its terms, and a deadline. It is valid once, and only while that reviewer has not reviewed
   * since.
   *
   * Gotcha: it is a secret. Opening it must not decide, because mail clients open links: show what `open` returns, and
   * redeem when a form is submitted.
   *
   * @throws InvalidArgumentError, ClosedError; and every error with which the engine would refuse a review by this reviewer
   */
  create(requestId: string, options: LinkOptions): Promise<string>;
  /**
   * Shows what an approval link is for. It decides nothing.
   *
   * @param options.by the authenticated reader. Without it the preview has no metadata and no texts of reviewers, because
   *   mail scanners and chats also read links
   * @throws LinkError `not_yours` when `by` is not the reviewer; InvalidArgumentError, NotFoundError, StoreError,
   *   ClosedError
   */
  open(token: string, options?: { readonly by?: string | undefined }): Promise<LinkPreview>;
  /**
   * Gives the review of an approval link, as the identity that the caller has authenticated.
   *
   * @throws LinkError `ERR_JIT_LINK`, with `why`; and every error that `engine.approve` throws
   */
  redeem(token: string, options: RedeemBy): Promise<AccessResult>;
}

/**
 * Signs approval links for the requests of an engine, and redeems them. The keys belong to the returned object: a second one
 * with other keys may serve the same engine.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the key, such as `keys[0].secret`
 * @example
 * const links = approvalLinks(engine, { keys: [{ id: '2026-01', secret: process.env.LINK_KEY ?? '' }] });
 * const token = await links.create(request.id, { reviewer: 'user:sam', decision: 'approve' });
 * await links.redeem(token, { by: 'user:sam' });
 */
export function approvalLinks(engine: JitEngine, options: ApprovalLinksOptions): ApprovalLinks {
  const kernel = kernelOf(engine);
  const given = readOptions<keyof ApprovalLinksOptions>('options', options, ['keys']);
  const keys = readMacKeys('keys', given.keys);
  return {
    create: (requestId, ofLink) => createLink(kernel, keys, requestId, ofLink),
    open: (token, ofReader = {}) => openLink(kernel, keys, token, ofReader),
    redeem: (token, review) => redeemLink(kernel, keys, token, review),
  };
}

async function createLink(kernel: Kernel, [key]: ParsedMacKeys, requestId: string, options: LinkOptions): Promise<string> {
  kernel.refuseIfClosed();
  const { clock, ledger, settings } = kernel;
  const id = readId('requestId', requestId);
  const { decision, ttl, narrow, ...given } = readOptions<keyof LinkOptions>('options', options, ['reviewer', 'decision', 'ttl', 'narrow']);
  if (decision !== 'approve' && decision !== 'deny') throw invalid('decision', "'approve' or 'deny'", decision);
  if (decision === 'deny' && narrow !== undefined) throw invalid('narrow', 'omitted unless the decision is approve', narrow);
  const terms =
    narrow === undefined
      ? AS_REQUESTED
      : readNarrowing(settings, readOptions<keyof NarrowTo>('narrow', narrow, ['ttl', 'scopes']), 'narrow.');
  const ttlMs = ttl === undefined ? Infinity : readWindow('ttl', ttl, settings.minNumberMs);
  const reviewer = settings.readId('reviewer', given.reviewer);
  const request = await ledger.request(id);
  refuseAgent(settings.isAgent, request, reviewer);
  const counts = await isReviewer(kernel, request, reviewer);
  const now = moment(clock, reviewer);
  // Throws now what the review would be refused with, so that the caller does not send a useless link.
  openQuorum(request, reviewer, now);
  if (!counts) throw new NotReviewerError(request.id, reviewer, 'not_in_group');
  refuseTurning(request, reviewer, decision);
  if (decision === 'approve') refuseTerms(request, reviewer, terms, settings.limits.minTtlMs, now);
  const narrowing = narrowingOf(request, terms);
  return signLink(key, {
    namespace: ledger.store.namespace,
    requestId: id,
    askDigest: digestOfRequest(request),
    reviewer,
    decision,
    issuedAt: now.now,
    expiresAt: Math.min(request.reviewBy, now.now + ttlMs),
    reviewedAt: reviewBy(request, reviewer)?.at,
    ttlMs: narrowing.ttlMs,
    places: narrowing.scopes?.map((scope) => request.scopes.indexOf(scope) + 1),
  });
}

async function openLink(kernel: Kernel, keys: ParsedMacKeys, token: unknown, options: unknown): Promise<LinkPreview> {
  kernel.refuseIfClosed();
  const { by } = readOptions('options', options, ['by']);
  const reader = by === undefined ? undefined : kernel.settings.readId('by', by);
  return noteRefusals(kernel, reader, async () => {
    const link = readValidLink(kernel, keys, token);
    const { requestId, reviewer, decision, expiresAt } = link;
    if (reader !== undefined && reader !== reviewer) throw new LinkError('not_yours', requestId);
    const request = await kernel.ledger.request(requestId);
    refuseOther(request, link);
    const shown = reader === undefined ? forStrangers(request) : request;
    const terms = narrowingIn(link, request);
    const narrowedTo = isNarrowed(terms) ? leastOf(request, [terms]) : undefined;
    return { request: requestWithStatus(shown, kernel.clock.read()), reviewer, decision, narrowedTo, expiresAt };
  });
}

async function redeemLink(kernel: Kernel, keys: ParsedMacKeys, token: unknown, options: RedeemBy): Promise<AccessResult> {
  kernel.refuseIfClosed();
  const given = readOptions<keyof RedeemBy>('options', options, ['by', 'reason', 'comment', 'as', 'auth']);
  const by = kernel.settings.readId('by', given.by);
  const texts = { ...readReviewTexts(given), auth: readAuthentication('auth', given.auth) };
  // A token that cannot be trusted names no request. The only actor to record is the caller's `by`.
  const link = await noteRefusals(kernel, by, async () => readValidLink(kernel, keys, token));
  const { requestId, reviewer, decision } = link;
  const redeem = async (limit: CallLimit | undefined) => {
    // No attempt is recorded for a request that does not exist.
    const request = await kernel.ledger.request(requestId);
    if (by !== reviewer) throw new LinkError('not_yours', requestId);
    refuseOther(request, link);
    const review = { ...texts, verdict: decision, narrowing: narrowingIn(link, request), link };
    return submitReview(kernel, requestId, reviewer, review, limit, (read) => refuseOther(read, link));
  };
  return kernel.part(RefusalLog).noteRefusals({ actor: by, requestId }, redeem, options);
}

/** Records a refusal if the caller has named an actor. */
const noteRefusals = <T>(kernel: Kernel, actor: string | undefined, work: () => Promise<T>): Promise<T> =>
  actor === undefined ? work() : kernel.part(RefusalLog).noteRefusals({ actor }, work);

/** The content of a token, if one of the keys signed it for this namespace and it has not expired. @throws LinkError */
function readValidLink({ ledger, clock }: Kernel, keys: ParsedMacKeys, token: unknown): ApprovalLink {
  const link = readLink(keys, token);
  if (link.namespace !== ledger.store.namespace) throw new LinkError('other_request', undefined);
  if (hasPassed(link.expiresAt, clock.read())) throw new LinkError('expired', link.requestId);
  return link;
}

/** The terms that a link signs. The digest of the link has shown that the request has the scopes of the time when it was made. */
const narrowingIn = ({ ttlMs, places }: ApprovalLink, { scopes }: AccessRequest): Narrowing => ({
  ttlMs,
  scopes: places && scopes.filter((_, i) => places.includes(i + 1)),
});

/** Includes the creation time: if the same ask is made again under the same key after a purge, it is another request. */
const digestOfRequest = (request: AccessRequest): string => digestOf([digestOfAsk(request, extendedBy(request)), request.createdAt]);

function refuseOther(request: AccessRequest, link: ApprovalLink): void {
  if (digestOfRequest(request) !== link.askDigest) throw new LinkError('other_request', request.id);
}
