import { preview } from '../../explain/preview.js';
import * as z from 'zod/mini';
import { DeniedError, NotFoundError } from '../../../core/errors.js';
import type { AccessAsk, ExtensionAsk } from '../../../engine/requests/ask.js';
import type { Amendment } from '../../../engine/requests/amend.js';
import type { AccessResult } from '../../../engine/answers.js';
import type { AccessRequest } from '../../../records/index.js';
import { requestStatus } from '../../../lifecycle/status.js';
import { limitedBy } from '../../../kernel/call-limit.js';
import { CallerBudgets } from '../caller-budgets.js';
import { changesAt } from '../changes-at.js';
import { operation, type Answer, type Call, type Parsed } from '../operation.js';
import { forbidden } from '../permission.js';
import * as answers from '../schemas/answers.js';
import * as bodies from '../schemas/bodies.js';
import * as records from '../schemas/records.js';
import { flag, id, instantInQuery, optional, paging, scope, text } from '../schemas/values.js';
import { idOf } from '../identity.js';
import { reviewersFor } from '../reviewers.js';
import { timelineOf } from '../timeline.js';
import { seesExclusions, visibleRequest } from '../visibility.js';
import { waitUntilDecided } from '../wait.js';

/* Requests: what their subject and their requester do with them. */

const area = 'requests';
const keyed = true;

/** 201 for a request that this call made, 200 for one that an earlier call made. */
export const created = (call: Pick<Call, 'options'>, result: AccessResult): Answer => ({
  status: result.reused ? 200 : 201,
  headers: { location: `${call.options.basePath}/v1/requests/${encodeURIComponent(result.request.id)}` },
  body: result,
});

/**
 * Each call that asks for access, also for more of it, asks `may` if the caller is not the subject. That the caller was permitted
 * once does not matter: the right may have ended since.
 *
 * @throws HttpError
 */
async function refuseToAskFor(call: Call, subject: string, scopes: readonly string[] | undefined): Promise<void> {
  if (subject !== call.self && !(await call.may('requestFor', { subject, scopes }))) throw forbidden();
}

/** The subject of an ask: the caller, or another one if `may` permits it. */
export async function subjectOf(
  call: Call,
  { subject: asked, scope, scopes }: Pick<Parsed<typeof bodies.ask>, 'subject' | 'scope' | 'scopes'>,
): Promise<string> {
  const subject = idOf(call, 'subject', asked) ?? call.self;
  await refuseToAskFor(call, subject, scopes ?? (scope === undefined ? undefined : [scope]));
  return subject;
}

export const requestAccess = operation({
  id: 'requestAccess',
  method: 'POST',
  path: '/requests',
  area,
  summary: 'Asks for access.',
  access: 'caller',
  body: bodies.ask,
  keyed,
  status: 201,
  answer: answers.askAnswer,
  example: { body: { scope: 'db-prod:write', ttl: '30m', justification: 'INC-204: backfill' } },
  async run(call) {
    const { dryRun, ...given } = call.body;
    const { key: idempotencyKey, self: requestedBy } = call;
    const subject = await subjectOf(call, given);
    const ask = { ...given, subject, requestedBy, idempotencyKey } as AccessAsk;
    if (dryRun === true) return { status: 200, body: await preview(call.engine, ask) };
    return created(call, await call.engine.requestAccess(limitedBy(call.limit, ask)));
  },
});

export const listRequests = operation({
  id: 'listRequests',
  method: 'GET',
  path: '/requests',
  area,
  summary: 'The requests of the caller; if `may` permits `listRequests`, those of any subject.',
  access: 'caller',
  query: () =>
    z.strictObject({
      ...paging(),
      subject: optional(id(), 'Default: the caller, unless `requestedBy` or `all` is given.'),
      requestedBy: optional(id(), 'The caller for its own asks for others.'),
      all: optional(flag(), '`true`: of every subject.'),
      scope: z.optional(scope()),
      ticket: z.optional(text()),
      status: z.optional(z.enum(['pending', 'approved', 'denied', 'cancelled', 'expired'])),
      from: optional(instantInQuery(), 'Requests made at or after this instant. Epoch milliseconds.'),
      to: optional(instantInQuery(), 'Requests made before this instant. Epoch milliseconds.'),
      order: z.optional(z.enum(['newest', 'oldest', 'due'])),
    }),
  answer: answers.requestPage,
  example: { query: { status: 'pending' } },
  async run(call) {
    const { all = false, ...given } = call.query;
    const query = { ...given, subject: idOf(call, 'subject', given.subject), requestedBy: idOf(call, 'requestedBy', given.requestedBy) };
    const { requestedBy } = query;
    const subject = query.subject ?? (all || requestedBy !== undefined ? undefined : call.self);
    const isOwn = subject === call.self || requestedBy === call.self;
    const target = { subject, requestedBy };
    if (!isOwn && !(await call.may('listRequests', target))) throw forbidden();
    return { body: await call.engine.listRequests({ ...query, subject }) };
  },
});

const oneRequest = { area, access: 'caller' } as const;
const example = { path: { requestId: '{requestId}' } };

export const getRequest = operation({
  ...oneRequest,
  id: 'getRequest',
  method: 'GET',
  path: '/requests/{requestId}',
  summary: 'A request with its outcome, its grants and its comments. `Prefer: wait=30` waits up to 30 seconds for a decision.',
  answer: answers.found,
  example,
  async run(call) {
    const request = await visibleRequest(call, call.path.requestId ?? '');
    const { id: requestId } = request;
    const headers = await waitUntilDecided(call, request);
    // The right may have ended during the wait, and a purge may have removed the request.
    if ('preference-applied' in headers) await visibleRequest(call, requestId);
    const { kernel } = call;
    const since = kernel.clock.read();
    const found = await call.engine.getRequest(requestId);
    if (found === undefined) throw new NotFoundError('request', requestId);
    return { headers, body: { ...found, changesAt: await changesAt(kernel, since, { requests: [found.request], grants: found.grants }) } };
  },
});

export const getTimeline = operation({
  ...oneRequest,
  id: 'getTimeline',
  method: 'GET',
  path: '/requests/{requestId}/timeline',
  summary: 'What happened to a request and its grants, the oldest first.',
  answer: answers.timeline,
  example,
  async run(call) {
    const { id: requestId } = await visibleRequest(call, call.path.requestId ?? '');
    const found = await call.engine.getRequest(requestId);
    return { body: { events: found === undefined ? [] : timelineOf(found) } };
  },
});

export const getReviewers = operation({
  ...oneRequest,
  id: 'getReviewers',
  method: 'GET',
  path: '/requests/{requestId}/reviewers',
  summary: 'What a pending request waits for: groups, people, and the approvals that are missing.',
  answer: answers.reviewers,
  example,
  async run(call) {
    const request = await visibleRequest(call, call.path.requestId ?? '');
    const { kernel, self } = call;
    const since = kernel.clock.read();
    const requests = [{ ...request, status: requestStatus(request, since.forEnds) }];
    const found = await kernel.part(CallerBudgets).run(self, () => reviewersFor(kernel, request, seesExclusions(request, self)));
    return { body: { ...found, changesAt: await changesAt(kernel, since, { requests }) } };
  },
});

export const amend = operation({
  ...oneRequest,
  id: 'amend',
  method: 'POST',
  path: '/requests/{requestId}/amend',
  summary: 'Replaces a pending request of the caller by one with other values.',
  body: bodies.amendment,
  keyed,
  status: 201,
  answer: answers.result,
  example: { ...example, body: { ttl: '15m' } },
  async run(call) {
    const { id: requestId, subject, scopes } = await visibleRequest(call, call.path.requestId ?? '');
    await refuseToAskFor(call, subject, scopes);
    const amendment = { ...call.body, by: call.self, idempotencyKey: call.key } as Amendment;
    return created(call, await call.engine.amend(requestId, limitedBy(call.limit, amendment)));
  },
});

export const cancel = operation({
  ...oneRequest,
  id: 'cancel',
  method: 'POST',
  path: '/requests/{requestId}/cancel',
  summary: 'Cancels a pending request. A repeat answers `cancelled: false`.',
  body: bodies.cancellation,
  answer: records.cancelledRequest,
  example: { ...example, body: { reason: 'no longer needed' } },
  async run(call) {
    const { id: requestId, subject } = await visibleRequest(call, call.path.requestId ?? '');
    const { onBehalfOf, reason } = call.body;
    if (onBehalfOf !== undefined && onBehalfOf !== call.self && !(await call.may('cancelFor', { requestId, subject }))) throw forbidden();
    return { body: await call.engine.cancel(requestId, limitedBy(call.limit, { by: call.self, reason, onBehalfOf })) };
  },
});

export const comment = operation({
  ...oneRequest,
  id: 'comment',
  method: 'POST',
  path: '/requests/{requestId}/comments',
  summary: 'Comments on a pending request.',
  body: bodies.commentText,
  keyed,
  status: 201,
  answer: answers.commentAnswer,
  example: { ...example, body: { text: 'The backfill takes 20 minutes.' } },
  async run(call) {
    const { id: requestId } = await visibleRequest(call, call.path.requestId ?? '');
    const by = { by: call.self, text: call.body.text, idempotencyKey: call.key };
    const said = await call.engine.comment(requestId, limitedBy(call.limit, by));
    return { status: said.reused ? 200 : 201, body: said };
  },
});

export const extendRequest = operation({
  ...oneRequest,
  id: 'extendRequest',
  method: 'POST',
  path: '/requests/{requestId}/extend',
  summary: 'Asks for more time for all grants of a request.',
  body: bodies.extension,
  keyed,
  status: 201,
  answer: answers.result,
  example: { ...example, body: { ttl: '30m', justification: 'not finished' } },
  async run(call) {
    const request = await visibleRequest(call, call.path.requestId ?? '');
    await refuseToExtend(call, request, request.scopes);
    return created(call, await call.engine.extend({ requestId: request.id }, extensionOf(call)));
  },
});

export const releaseRequest = operation({
  ...oneRequest,
  id: 'releaseRequest',
  method: 'POST',
  path: '/requests/{requestId}/release',
  summary: 'Ends all grants of a request of the caller early.',
  body: bodies.withReason,
  answer: answers.ended,
  example: { ...example, body: {} },
  async run(call) {
    const { id: requestId } = await visibleRequest(call, call.path.requestId ?? '');
    return { body: await call.engine.release({ requestId }, limitedBy(call.limit, { by: call.self, reason: call.body.reason })) };
  },
});

/**
 * The engine lets any caller ask for an extension. Over HTTP only the subject and the requester do: a reviewer decides it.
 *
 * @throws DeniedError, HttpError
 */
export async function refuseToExtend(
  call: Call,
  { subject, requestedBy }: Pick<AccessRequest, 'subject' | 'requestedBy'>,
  scopes: readonly string[],
): Promise<void> {
  if (subject !== call.self && requestedBy !== call.self)
    throw new DeniedError('only the subject and the requester extend access', call.self, undefined);
  await refuseToAskFor(call, subject, scopes);
}

export const extensionOf = (call: Call<undefined, Parsed<typeof bodies.extension>>): ExtensionAsk =>
  limitedBy(call.limit, { ...call.body, requestedBy: call.self, idempotencyKey: call.key } as ExtensionAsk);
