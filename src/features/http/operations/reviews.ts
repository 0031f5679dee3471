import * as z from 'zod/mini';
import type { ApproveBy } from '../../../engine/by.js';
import { limitedBy } from '../../../kernel/call-limit.js';
import { CallerBudgets } from '../caller-budgets.js';
import { authOf } from '../identity.js';
import { changesAt } from '../changes-at.js';
import { holdingsOf } from '../holdings.js';
import { operation, type Answer } from '../operation.js';
import { risksOf } from '../risks.js';
import * as answers from '../schemas/answers.js';
import * as bodies from '../schemas/bodies.js';
import { flag, optional, paging } from '../schemas/values.js';
import { visibleRequest } from '../visibility.js';

/* Reviews: what a reviewer sees and decides. */

const area = 'reviews';

export const inbox = operation({
  id: 'inbox',
  method: 'GET',
  path: '/inbox',
  area,
  summary: 'The pending requests that the caller may review now, the first due first.',
  access: 'caller',
  query: () =>
    z.strictObject({
      ...paging(),
      holdings: optional(flag(), '`true`: also the risks, and what the subjects hold, if `may` permits `listGrants`.'),
    }),
  answer: answers.inboxPage,
  async run(call) {
    const { holdings: withHoldings = false, ...query } = call.query;
    const { engine, kernel, self } = call;
    const since = kernel.clock.read();
    const read = async (): Promise<Answer> => {
      const page = await engine.inbox(self, query);
      const holdings = withHoldings ? await holdingsOf(call, page.items) : undefined;
      const risks = withHoldings ? await risksOf(call, page.items) : undefined;
      const grants = holdings?.flatMap((held) => held.grants) ?? [];
      return { body: { ...page, holdings, risks, changesAt: await changesAt(kernel, since, { inbox: page.items, grants }) } };
    };
    return kernel.part(CallerBudgets).run(self, read);
  },
});

const review = { method: 'POST', area, access: 'caller', answer: answers.result } as const;
const path = { requestId: '{requestId}' };

export const approve = operation({
  ...review,
  id: 'approve',
  path: '/requests/{requestId}/approve',
  summary: 'Approves a request, or a part of it.',
  body: bodies.approval,
  example: { path, body: { ttl: '15m', reason: 'enough for a backfill' } },
  async run(call) {
    const { id } = await visibleRequest(call, call.path.requestId ?? '');
    return { body: await call.engine.approve(id, limitedBy(call.limit, { ...call.body, by: call.self, auth: authOf(call) } as ApproveBy)) };
  },
});

export const deny = operation({
  ...review,
  id: 'deny',
  path: '/requests/{requestId}/deny',
  summary: 'Denies a request.',
  body: bodies.denial,
  example: { path, body: { reason: 'use staging' } },
  async run(call) {
    const { id } = await visibleRequest(call, call.path.requestId ?? '');
    return { body: await call.engine.deny(id, limitedBy(call.limit, { ...call.body, by: call.self })) };
  },
});
