import * as z from 'zod/mini';
import { limitedBy } from '../../../kernel/call-limit.js';
import { InvalidArgumentError, isJitError, NotFoundError } from '../../../core/errors.js';
import { requestIdOf, scopeOfGrant } from '../../../lifecycle/grant.js';
import type { Page } from '../../../core/ports.js';
import type { GrantWithStatus } from '../../../engine/with-status.js';
import { CallerBudgets } from '../caller-budgets.js';
import { changesAt } from '../changes-at.js';
import { operation, type Answer, type Call } from '../operation.js';
import { idOf } from '../identity.js';
import { forbidden } from '../permission.js';
import * as answers from '../schemas/answers.js';
import * as bodies from '../schemas/bodies.js';
import * as records from '../schemas/records.js';
import { flag, id, instantInQuery, optional, paging, patterns, scope, spanInQuery, text } from '../schemas/values.js';
import { visibleRequest } from '../visibility.js';
import { created, extensionOf, refuseToExtend } from './requests.js';

/* Grants: the access that is held, was held, or will be. */

/** The answer with a page of grants. */
async function changingGrants({ kernel }: Pick<Call, 'kernel'>, read: () => Promise<Page<GrantWithStatus>>): Promise<Answer> {
  const since = kernel.clock.read();
  const page = await read();
  return { body: { ...page, changesAt: await changesAt(kernel, since, { grants: page.items }) } };
}

/** What a query of grants selects. */
export interface Selecting {
  readonly scope?: string | undefined;
  readonly pattern?: readonly string[] | undefined;
}

export const patternsInQuery = (more: string) =>
  optional(patterns(), `Grants that overlap this pattern, or one of several with commas in between. ${more}`.trim());

/** The answer with a page of grants. A pattern takes a place of its caller: it may lead to as many pages as there are grants. */
export function listed(call: Call<Selecting>, read: () => Promise<Page<GrantWithStatus>>): Promise<Answer> {
  const answer = () => changingGrants(call, read);
  return call.query.pattern === undefined ? answer() : call.kernel.part(CallerBudgets).run(call.self, answer);
}

/** @throws InvalidArgumentError with the argument under the name that it has in the query */
export async function renamed<T>(names: Readonly<Record<string, string>>, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isJitError(error) || error.code !== 'ERR_JIT_INVALID_ARGUMENT') throw error;
    throw new InvalidArgumentError(names[error.argument] ?? error.argument, error.rule, error.got);
  }
}

const area = 'grants';
const path = { grantId: '{grantId}' };

export const listGrants = operation({
  id: 'listGrants',
  method: 'GET',
  path: '/grants',
  area,
  summary: 'The grants of the caller, also scheduled ones; if `may` permits `listGrants`, those of any subject.',
  access: 'caller',
  query: () =>
    z.strictObject({
      ...paging(),
      subject: optional(id(), 'Default: the caller, unless `all` is given.'),
      all: optional(flag(), '`true`: of every subject.'),
      scope: z.optional(scope()),
      pattern: patternsInQuery(''),
      status: optional(z.enum(['scheduled', 'active', 'expired', 'revoked', 'open']), '`open`: scheduled or active.'),
      at: optional(instantInQuery(), 'Grants that were held at this instant. Epoch milliseconds.'),
      during: optional(spanInQuery(), 'Grants that were held at some time of this span. Not with `at`, `status` or `scope`.'),
      ticket: optional(text(), 'Grants of requests that cite this ticket, and their extensions.'),
      order: z.optional(z.enum(['newest', 'oldest', 'due'])),
    }),
  answer: answers.grantPage,
  example: { query: { status: 'active' } },
  async run(call) {
    const { all = false, pattern: overlapping, ...query } = call.query;
    const subject = idOf(call, 'subject', query.subject) ?? (all ? undefined : call.self);
    if (subject !== call.self && !(await call.may('listGrants', { subject }))) throw forbidden();
    return renamed({ overlapping: 'pattern' }, () => listed(call, () => call.engine.listGrants({ ...query, subject, overlapping })));
  },
});

/** The request of a grant that the caller sees, with the id of the grant. */
async function visibleGrant(call: Call) {
  const grantId = call.path.grantId ?? '';
  const request = await visibleRequest(call, requestIdOf(grantId));
  return { grantId, request };
}

export const getGrant = operation({
  id: 'getGrant',
  method: 'GET',
  path: '/grants/{grantId}',
  area,
  summary: 'A grant with its status.',
  access: 'caller',
  answer: records.grant,
  example: { path },
  async run(call) {
    const { grantId } = await visibleGrant(call);
    const grant = await call.engine.getGrant(grantId);
    if (grant === undefined) throw new NotFoundError('grant', grantId);
    return { body: grant };
  },
});

export const extendGrant = operation({
  id: 'extendGrant',
  method: 'POST',
  path: '/grants/{grantId}/extend',
  area,
  summary: 'Asks for more time for a grant.',
  access: 'caller',
  body: bodies.extension,
  keyed: true,
  status: 201,
  answer: answers.result,
  example: { path, body: { ttl: '30m', justification: 'not finished' } },
  async run(call) {
    const { grantId, request } = await visibleGrant(call);
    const scope = scopeOfGrant(request, grantId);
    if (scope === undefined) throw new NotFoundError('grant', grantId);
    await refuseToExtend(call, request, [scope]);
    return created(call, await call.engine.extend(grantId, extensionOf(call)));
  },
});

export const releaseGrant = operation({
  id: 'releaseGrant',
  method: 'POST',
  path: '/grants/{grantId}/release',
  area,
  summary: 'Ends a grant of the caller early.',
  access: 'caller',
  body: bodies.withReason,
  answer: records.grant,
  example: { path, body: { reason: 'done' } },
  async run(call) {
    const { grantId } = await visibleGrant(call);
    return { body: await call.engine.release(grantId, limitedBy(call.limit, { by: call.self, reason: call.body.reason })) };
  },
});

export const revoke = operation({
  id: 'revoke',
  method: 'POST',
  path: '/grants/{grantId}/revoke',
  area: 'emergencies and audit',
  summary: 'Ends a grant of any subject.',
  access: 'may',
  body: bodies.withReason,
  answer: records.grant,
  example: { path, body: { reason: 'INC-204 has ended' } },
  async run(call) {
    const grantId = call.path.grantId ?? '';
    if (!(await call.may('revoke', { grantId }))) throw forbidden();
    return { body: await call.engine.revoke(grantId, limitedBy(call.limit, { by: call.self, reason: call.body.reason })) };
  },
});
