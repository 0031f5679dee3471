import * as z from 'zod/mini';
import type { BreakGlassAsk } from '../../../engine/requests/ask.js';
import type { Paging } from '../../../engine/lists/collect.js';
import { limitedBy } from '../../../kernel/call-limit.js';
import { CallerBudgets } from '../caller-budgets.js';
import { operation } from '../operation.js';
import { forbidden } from '../permission.js';
import * as answers from '../schemas/answers.js';
import * as bodies from '../schemas/bodies.js';
import * as records from '../schemas/records.js';
import { flag, optional, paging } from '../schemas/values.js';
import { visibleRequest } from '../visibility.js';
import { created, subjectOf } from './requests.js';

/* Break-glass: access at once, which a reviewer must review afterwards. */

const area = 'break-glass';

/** A person takes break-glass once and waits for its review, so there are few. */
const MOST_OWN = 1_000;

export const breakGlass = operation({
  id: 'breakGlass',
  method: 'POST',
  path: '/break-glass',
  area,
  summary: 'Takes access at once, in an emergency. A reviewer must review it afterwards.',
  access: 'caller',
  body: bodies.breakGlassAsk,
  keyed: true,
  status: 201,
  answer: answers.result,
  example: { body: { scope: 'db-prod:write', ttl: '15m', justification: 'the database is down' } },
  async run(call) {
    const subject = await subjectOf(call, call.body);
    const ask = { ...call.body, subject, requestedBy: call.self, idempotencyKey: call.key } as BreakGlassAsk;
    return created(call, await call.engine.breakGlass(limitedBy(call.limit, ask)));
  },
});

export const listBreakGlassReviews = operation({
  id: 'listBreakGlassReviews',
  method: 'GET',
  path: '/break-glass/reviews',
  area,
  summary: 'The pending break-glass reviews that the caller may give; if `may` permits `breakGlassReviews`, all of them.',
  access: 'caller',
  query: () => z.strictObject({ ...paging(), all: optional(flag(), '`true`: all pending reviews.') }),
  answer: answers.breakGlassReviews,
  async run(call) {
    const { all = false, ...query } = call.query;
    if (all && !(await call.may('breakGlassReviews', {}))) throw forbidden();
    const { engine, kernel, self } = call;
    const ownOf = (paged: Paging) => kernel.part(CallerBudgets).run(self, () => engine.inbox(self, { ...paged, of: 'breakGlass' }));
    const own = await ownOf(all ? { limit: MOST_OWN } : query);
    const ids = new Set(own.items.map(({ request }) => request.id));
    const page = all ? await engine.listRequests({ ...query, afterReview: 'pending' }) : own;
    return { body: { ...page, items: page.items.map((item) => ({ ...item, mine: ids.has(item.request.id) })) } };
  },
});

export const reviewBreakGlass = operation({
  id: 'reviewBreakGlass',
  method: 'POST',
  path: '/break-glass/{requestId}/review',
  area,
  summary: 'Reviews break-glass access. `unjustified` ends it.',
  access: 'caller',
  body: bodies.breakGlassVerdict,
  answer: records.accessRequest,
  example: { path: { requestId: '{breakGlassId}' }, body: { verdict: 'justified', reason: 'INC-204' } },
  async run(call) {
    const { id } = await visibleRequest(call, call.path.requestId ?? '');
    const { verdict, reason } = call.body;
    return { body: await call.engine.reviewBreakGlass(id, limitedBy(call.limit, { by: call.self, verdict, reason })) };
  },
});
