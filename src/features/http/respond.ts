import { sha256Hex } from '../../core/sha256.js';
import { toUtf8 } from '../../core/utf8.js';
import { isOwnRequest } from '../../lifecycle/review.js';
import { isObject, type AccessRequest } from '../../records/index.js';
import { headerOf } from '../json-body/headers.js';
import { withoutBody, type PlainAnswer } from '../json-body/plain-answer.js';
import type { Answer, Operation } from './operation.js';
import type { ProblemAnswer } from './problem.js';

const COMMON = { 'x-content-type-options': 'nosniff' } as const;

/**
 * The response of an operation. A client that has the present version of a resource gets 304.
 *
 * @param ofCaller whether the version is that of this caller alone: the cache of a browser must not show names to its next person
 */
export function respond(
  request: Request,
  { method, status: usual }: Operation,
  answer: Answer,
  self: string | undefined,
  ofCaller = false,
): PlainAnswer {
  const { status = usual, headers = {}, body, stream, written, tagged = body } = answer;
  if (stream !== undefined) {
    const type = { 'content-type': 'text/event-stream', 'cache-control': 'no-store' };
    if (request.method === 'HEAD') void stream.cancel();
    return withoutBody(request, { status, headers: { ...COMMON, ...type }, body: stream });
  }
  const text = written?.text ?? JSON.stringify(asSeenBy(self, body));
  const common = { ...COMMON, ...headers, 'content-type': 'application/json' };
  if (method !== 'GET') return { status, headers: { ...common, 'cache-control': 'no-store' }, body: text };
  const tag = written?.etag ?? tagOf(tagged === body ? text : JSON.stringify(asSeenBy(self, tagged)));
  const etag = ofCaller ? tagOf(`${tag} ${self}`) : tag;
  const cached = { ...common, 'cache-control': 'private, no-cache', etag };
  if (hasTag(headerOf(request, 'if-none-match'), etag)) {
    const { 'content-type': _, ...kept } = cached;
    return { status: 304, headers: kept, body: null };
  }
  return withoutBody(request, { status, headers: cached, body: text });
}

/**
 * A body as one caller may see it: the comment of a review is for the other reviewers, and not for the subject or requester. Only what
 * differs is copied.
 */
function asSeenBy(self: string | undefined, value: unknown): unknown {
  if (!isObject(value)) return value;
  const { kind } = value as { readonly kind?: unknown };
  if (kind === 'request') return withoutComments(value as AccessRequest, self);
  // Any other record has no request inside. Metadata, which its requester wrote, lies only inside requests.
  if (kind !== undefined) return value;
  let copy: Record<string, unknown> | unknown[] | undefined;
  for (const [name, item] of Object.entries(value)) {
    const seen = asSeenBy(self, item);
    if (seen !== item) Object.assign((copy ??= Array.isArray(value) ? [...(value as unknown[])] : { ...value }), { [name]: seen });
  }
  return copy ?? value;
}

function withoutComments(request: AccessRequest, self: string | undefined): AccessRequest {
  if (self === undefined || !isOwnRequest(request, self)) return request;
  return { ...request, reviews: request.reviews.map((review) => ({ ...review, comment: undefined })) };
}

/** Weak: the same access at another reading of the clock has the same tag. */
export const tagOf = (text: string): string => `W/"${sha256Hex(toUtf8(text)).slice(0, 32)}"`;

function hasTag(header: string | null, etag: string): boolean {
  if (header === null) return false;
  const bare = etag.slice(2);
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === bare);
}

export function respondProblem(request: Request, { status, headers, body }: ProblemAnswer): PlainAnswer {
  return withoutBody(request, { status, headers: { ...COMMON, ...headers }, body: JSON.stringify(body) });
}
