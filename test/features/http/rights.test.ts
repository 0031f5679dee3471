import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import type { HttpAction, HttpPermission, HttpTarget } from '../../../src/http.js';
import { isPattern } from '../../../src/index.js';
import { isId } from '../../../src/core/parse.js';
import { PAGE_ACTIONS } from '../../../src/features/http/actions.js';
import { operations } from '../../../src/features/http/operations/index.js';
import { definePolicy } from '../../../src/policy.js';
import { exampleOf } from './examples.js';
import { aService, BASE, EVE, MAYA, policy, RAJ, SAM, SEC, type Body, type TestCaller } from './world.js';

/** The right of a call by another caller than the subject, and how that caller makes the call. */
interface Asks {
  /** Several: asked at once, and the call is answered without them. */
  readonly asks: HttpAction | readonly HttpAction[];
  readonly as: string;
  /** Members of the body beside those of the example. */
  readonly body?: Readonly<Record<string, string>>;
  readonly query?: string;
  /** A member of the query of the example, in whose place `query` is. */
  readonly without?: string;
  /** The status without the right. Default: 403. */
  readonly refused?: number;
}

/** Why no caller needs a right of `may`. */
interface AsksNothing {
  readonly why: string;
}

const ANYBODY = 'it tells every caller the same';
const DIRECTORY = 'the option `people` decides whom the caller finds';
const OWN = 'it is about the caller alone';
const REVIEWS = 'the approver says at each review who may give it';
const SUBJECT_ALONE = 'the engine lets the subject alone do it';
const NARROWS = 'it can only narrow access, and the caller is involved in the request';

/**
 * The right that each operation asks `may` where the caller is not the subject. A new operation needs a row. A call that gives, extends
 * or shows access of another asks at each call.
 */
const RIGHTS: Readonly<Record<string, Asks | AsksNothing>> = {
  health: { why: ANYBODY },
  openapi: { why: ANYBODY },
  status: { why: OWN },
  requestable: { why: OWN },
  canAsk: { why: OWN },
  views: { asks: PAGE_ACTIONS, as: SEC, refused: 200 },
  searchPeople: { why: DIRECTORY },
  requestAccess: { asks: 'requestFor', as: RAJ, body: { subject: MAYA } },
  listRequests: { asks: 'listRequests', as: SEC, query: 'all=true' },
  getRequest: { asks: 'viewRequest', as: SEC, refused: 404 },
  getTimeline: { asks: 'viewRequest', as: SEC, refused: 404 },
  getReviewers: { asks: 'viewRequest', as: SEC, refused: 404 },
  amend: { asks: 'requestFor', as: RAJ },
  cancel: { why: NARROWS },
  comment: { why: NARROWS },
  extendRequest: { asks: 'requestFor', as: RAJ },
  releaseRequest: { why: SUBJECT_ALONE },
  inbox: { why: OWN },
  approve: { why: REVIEWS },
  deny: { why: REVIEWS },
  listGrants: { asks: 'listGrants', as: SEC, query: 'all=true' },
  getGrant: { asks: 'viewRequest', as: SEC, refused: 404 },
  extendGrant: { asks: 'requestFor', as: RAJ },
  releaseGrant: { why: SUBJECT_ALONE },
  breakGlass: { asks: 'requestFor', as: RAJ, body: { subject: MAYA } },
  listBreakGlassReviews: { asks: 'breakGlassReviews', as: SEC, query: 'all=true' },
  reviewBreakGlass: { why: REVIEWS },
  openApprovalLink: { why: REVIEWS },
  redeemApprovalLink: { why: REVIEWS },
  events: { asks: 'viewEvents', as: SEC, refused: 200 },
  revoke: { asks: 'revoke', as: SEC },
  revokeAll: { asks: 'revokeAll', as: SEC },
  lock: { asks: 'lock', as: SEC },
  listLocks: { asks: 'listLocks', as: SEC },
  unlock: { asks: 'unlock', as: SEC },
  whoHadAccess: { asks: 'whoHadAccess', as: SEC },
  history: { asks: 'history', as: SEC },
  accessReport: { asks: 'accessReport', as: SEC },
  stats: { asks: 'viewStats', as: SEC },
  journal: { asks: 'readJournal', as: SEC },
  journalHead: { asks: 'journalHead', as: SEC },
  verifyJournal: { asks: 'verifyJournal', as: SEC },
};

/** The rights of members of a query that need more than the call without them. A new member of this kind needs a row. */
const MORE: readonly (readonly [id: string, asks: Asks])[] = [
  ['inbox', { asks: 'listGrants', as: SAM, query: 'holdings=true', refused: 200 }],
  ['whoHadAccess', { asks: 'whoHadAccess', as: SEC, query: 'pattern=**', without: 'scope' }],
  ['history', { asks: 'history', as: SEC, query: 'pattern=**' }],
];

type Operation = (typeof operations)[number];
const rows = operations.flatMap((operation) => {
  const row = RIGHTS[operation.id];
  return row === undefined ? [] : [{ operation, row }];
});
const asking = rows.flatMap(({ operation, row }) => ('asks' in row ? [[operation.id, operation, row] as const] : []));
const asksNothing = rows.flatMap(({ operation, row }) => ('why' in row ? [[operation.id, operation, row] as const] : []));

/** Makes the example call of an operation, about requests that raj made for maya, with a `may` that permits only some actions. */
async function callOf(operation: Operation, permitted: readonly HttpAction[], { as, body: more, query, without = '' }: Omit<Asks, 'asks'>) {
  const asked: HttpPermission<TestCaller>[] = [];
  const may = (permission: HttpPermission<TestCaller>) => {
    asked.push(permission);
    return permitted.includes(permission.action);
  };
  const { service, method, url, body } = await exampleOf(operation, RAJ, { http: { may } });
  const { seq } = await journalHead(service.engine);
  const given = url.replace(new RegExp(`\\b${without}=[^&]*`), without === '' ? '$&' : '');
  const to = query === undefined ? given : `${given}${given.includes('?') ? '&' : '?'}${query}`;
  const response = await service.handler(
    new Request(`${BASE}/v1${to}`, {
      method,
      headers: { 'x-user': as, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify({ ...body, ...more }) }),
    }),
  );
  const isForbidden = response.status === 403 && (await response.text()).includes('urn:jit-access:problem:forbidden');
  const { entries } = await service.store.journal({ after: seq, limit: 100 });
  // The body of a stream ends with the engine.
  await service.engine.close();
  const recorded = entries.map(({ type }) => type).filter((type) => type !== 'attempt.refused');
  return { status: response.status, isForbidden, asked, recorded };
}

describe('the right of each operation', () => {
  it('[WF4] is in the table: a new operation needs a row', () => {
    expect(Object.keys(RIGHTS)).toEqual(operations.map(({ id }) => id));
  });

  it.each(asking)('[WF4] %s asks `may` for what it does now, and is refused without it', async (_, operation, row) => {
    const { asks, refused = 403 } = row;
    const without = await callOf(operation, [], row);
    expect([without.status, without.isForbidden, without.recorded]).toEqual([refused, refused === 403, []]);
    const all = [asks].flat();
    expect(without.asked.map(({ action }) => action)).toEqual(all);
    const withRight = await callOf(operation, all, row);
    expect([withRight.isForbidden, withRight.asked.map(({ action }) => action)]).toEqual([false, all]);
    expect(withRight.status).not.toBe(404);
  });

  it.each(MORE)('[WF4] %s asks `may` for what a member of its query adds, and lacks it without the right', async (id, row) => {
    const operation = operations.find((one) => one.id === id) as Operation;
    const { asks, refused = 403 } = row;
    const without = await callOf(operation, [], row);
    expect([without.status, without.isForbidden, without.recorded]).toEqual([refused, refused === 403, []]);
    // One question for each subject of the inbox, and one for a pattern: about no scope, which is about all.
    expect(without.asked.map(({ action, target }) => [action, target.scopes])).toEqual([[asks, undefined]]);
    const withRight = await callOf(operation, [asks].flat(), row);
    expect([withRight.status, withRight.asked.map(({ action }) => action)]).toEqual([200, [asks]]);
  });

  it.each(asksNothing)('[WF4] %s asks `may` for nothing, as the table explains', async (_, operation, { why }) => {
    // raj is involved in every request, sam reviews them, and sec is in none.
    for (const as of [RAJ, SAM, SEC]) {
      const { status, asked, recorded } = await callOf(operation, [], { as });
      expect([as, ...asked.map(({ action }) => action)]).toEqual([as, ...(status === 404 ? ['viewRequest'] : [])]);
      // A reviewer reviews, and the requester withdraws. Anything else would be done for the subject.
      const own = why === REVIEWS && as === SAM ? recorded : why === NARROWS ? ['request.cancelled', 'request.commented'] : [];
      expect([as, recorded.filter((type) => !own.includes(type))]).toEqual([as, []]);
    }
  });
});

/** The id of the request of an answer. */
const idOf = ({ body }: { readonly body: Body }): string => {
  const id: unknown = body.request?.id;
  return typeof id === 'string' ? id : '';
};

describe('a requester for another subject', () => {
  const ENDLESS = definePolicy({
    rules: [{ id: 'logs', scopes: ['logs:*'], subjects: [MAYA], requesters: [RAJ], maxTtl: '8h', maxTotal: '30d', approve: true }],
  });

  /** A service whose `may` permits raj to ask for maya, until it is withdrawn, and then for the listed scopes. */
  const aManager = (approver = ENDLESS) => {
    let permitted: readonly string[] | undefined;
    const targets: unknown[] = [];
    const may = ({ action, target }: HttpPermission<TestCaller>) => {
      if (action === 'requestFor') targets.push(target);
      return action === 'requestFor' && (permitted === undefined || (target.scopes ?? []).every((scope) => permitted?.includes(scope)));
    };
    const service = aService({ engine: { approver }, http: { may } });
    const withdraw = (except: readonly string[] = []) => void (permitted = except);
    return { ...service, targets, withdraw };
  };
  const ask = { subject: MAYA, scopes: ['logs:read', 'logs:write'], ttl: '1h' };
  const more = { ttl: '8h' };

  it.each(['/requests/{id}/extend', '/grants/{id}.1/extend'])('[WF4] extends by POST %s only while `may` permits it', async (path) => {
    const service = aManager();
    const asked = await service.send('POST', '/requests', { as: RAJ, body: ask });
    const id = idOf(asked);
    const extend = () => service.send('POST', path.replace('{id}', id), { as: RAJ, body: more });
    service.withdraw();
    const { seq } = await journalHead(service.engine);
    const refused = await extend();
    expect([refused.status, refused.body.type]).toEqual([403, 'urn:jit-access:problem:forbidden']);
    expect((await journalHead(service.engine)).seq).toBe(seq);
    const scopes = path.startsWith('/grants') ? ['logs:read'] : ask.scopes;
    expect(service.targets.at(-1)).toEqual({ subject: MAYA, scopes });
    service.withdraw(scopes);
    expect((await extend()).status).toBe(201);
  });

  it('[WF4] amends only while `may` permits it, also under the key of an earlier amendment', async () => {
    const service = aManager(policy());
    const body = { ...ask, scopes: ['db-prod:write'], justification: 'INC-204' };
    const first = await service.send('POST', '/requests', { as: RAJ, body });
    const amend = (id: string) =>
      service.send('POST', `/requests/${id}/amend`, { as: RAJ, body: { ttl: '59m' }, headers: { 'idempotency-key': 'k' } });
    const amended = await amend(idOf(first));
    expect(amended.status).toBe(201);
    service.withdraw();
    const { seq } = await journalHead(service.engine);
    for (const id of [idOf(first), idOf(amended)]) expect((await amend(id)).status).toBe(403);
    expect((await journalHead(service.engine)).seq).toBe(seq);
    expect(service.targets.at(-1)).toEqual({ subject: MAYA, scopes: ['db-prod:write'] });
  });

  it('[WF4] cancels and comments without the right, because both can only narrow access', async () => {
    const service = aManager(policy());
    const body = { ...ask, scopes: ['db-prod:write'], justification: 'INC-204' };
    const asked = await service.send('POST', '/requests', { as: RAJ, body });
    service.withdraw();
    const path = `/requests/${idOf(asked)}`;
    expect((await service.send('POST', `${path}/comments`, { as: RAJ, body: { text: 'on hold' } })).status).toBe(201);
    expect((await service.send('POST', `${path}/cancel`, { as: RAJ, body: {} })).status).toBe(200);
  });

  it('[WF4] needs the right to cancel in the name of another, and is a stranger to the extension of the subject', async () => {
    const service = aManager(policy());
    const body = { ...ask, scopes: ['db-prod:write'], justification: 'INC-204' };
    const asked = await service.send('POST', '/requests', { as: RAJ, body });
    const path = `/requests/${idOf(asked)}`;
    expect((await service.send('POST', `${path}/cancel`, { as: RAJ, body: { onBehalfOf: MAYA } })).status).toBe(403);
    expect((await service.send('POST', `${path}/extend`, { as: EVE, body: more })).status).toBe(404);
  });
});

describe('the option `may`', () => {
  const HOSTILE = ['a\nb', 'a\r\nINFO granted', '\u001b[31mred', 'a\0b', 'a\u202eb', ' a', 'x'.repeat(4_000), ''];
  /** The fields of a query or a body that a target may name. */
  const TARGETS = ['subject', 'requestedBy', 'scope', 'scopes', 'requestId', 'grantId', 'lockId', 'ticket', 'onBehalfOf'];
  const isRead = (text: string): boolean => isId(text) || isPattern(text);

  /** Every text of a target. */
  const textsOf = (target: HttpTarget): readonly string[] =>
    Object.values(target).flatMap((value: string | readonly string[] | undefined) => value ?? []);

  it.each(operations.map((operation) => [operation.id, operation] as const))(
    '[WF18] receives from %s only what the engine reads: ids and scopes, and none of the text of a refused call',
    async (_, operation) => {
      const targets: HttpTarget[] = [];
      const may = ({ target }: HttpPermission<TestCaller>) => {
        targets.push(target);
        return true;
      };
      const { service, method, url, body = {} } = await exampleOf(operation, RAJ, { http: { may } });
      const [path = '', query = ''] = url.split('?');
      const send = async (to: string, sentBody: object) => {
        const sent = operation.example.body === undefined ? {} : { body: JSON.stringify(sentBody) };
        const headers = { 'x-user': SEC, 'content-type': 'application/json' };
        const response = await service.handler(new Request(`${BASE}/v1${to}`, { method, headers, ...sent }));
        await response.body?.cancel();
        return response.status;
      };
      for (const text of HOSTILE) {
        const inPath = operation.path.replace(/\{\w+\}/, encodeURIComponent(text));
        if (inPath !== operation.path) expect(await send(inPath, body)).toBe(404);
        for (const name of TARGETS.filter((one) => one in (operation.query?.().shape ?? {}))) {
          const given = new URLSearchParams(query);
          given.set(name, text);
          await send(`${path}?${given.toString()}`, body);
        }
        for (const name of TARGETS.filter((one) => one in (operation.body?.().shape ?? {}))) {
          const { scope: _scope, ...others } = body as Record<string, unknown>;
          await send(path, { ...(name === 'scopes' ? others : body), [name]: name === 'scopes' ? [text] : text });
        }
      }
      expect(targets.flatMap(textsOf).filter((text) => !isRead(text))).toEqual([]);
    },
  );

  it('[WF18] is not asked about the request of an invalid grant id', async () => {
    const targets: HttpTarget[] = [];
    const may = ({ target }: HttpPermission<TestCaller>) => {
      targets.push(target);
      return true;
    };
    const { send } = aService({ http: { may } });
    for (const id of ['.1', '%20.1', 'a%0A.1', 'a%00b.1']) expect((await send('GET', `/grants/${id}`, { as: SEC })).status).toBe(404);
    expect(targets).toEqual([]);
  });
});
