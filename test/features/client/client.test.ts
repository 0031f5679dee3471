import { describe, expect, it } from 'vitest';
import { createClient } from '../../../src/client.js';
import { ROUTES } from '../../../src/features/client/routes.js';
import { operations } from '../../../src/features/http/operations/index.js';
import { aService, BASE, MAYA, SAM, SCOPE, SEC, withExamples } from '../http/world.js';
import { aClient, caught, passing } from './client-world.js';

/** The methods by the operation that they call. */
const methodsOf = ({ people, ...methods }: ReturnType<typeof createClient>) => Object.entries({ ...methods, searchPeople: people.search });

const ASK = { scope: SCOPE, ttl: '30m', justification: 'INC-204' } as const;

describe('a method of the client', () => {
  it('asks, waits for the decision of a reviewer, and reads what the caller holds', async () => {
    const service = aService();
    const { client } = aClient(service);
    const { client: reviewer } = aClient(service, SAM);
    const asked = await client.requestAccess({ ...ASK, until: undefined });
    expect([asked.outcome, asked.request.subject, asked.allowed]).toEqual(['pending', MAYA, false]);
    const { items } = await reviewer.inbox();
    expect(items.map(({ request }) => request.id)).toEqual([asked.request.id]);
    const decided = client.getRequest(asked.request.id, { wait: 30 });
    await reviewer.approve(asked.request.id, { ttl: '15m', reason: 'enough' });
    await service.clock.advance(1_000);
    expect((await decided).outcome).toBe('granted');
    const status = await client.status();
    expect([status.badge.state, status.held.map(({ scope }) => scope)]).toEqual(['held', [SCOPE]]);
  });

  it.each([
    ['health', (c) => c.health(), { status: 'ok' }],
    ['openapi', (c) => c.openapi(), { openapi: '3.1.0' }],
    ['requestable', (c) => c.requestable(), { complete: true }],
    ['canAsk', (c) => c.canAsk(SCOPE), { canAsk: true, scope: SCOPE }],
    ['views', (c) => c.views(), { actions: [] }],
    ['searchPeople', (c) => c.people.search('ito'), [{ id: MAYA, name: 'Maya Ito' }]],
    ['requestAccess, as a dry run', (c) => c.requestAccess({ ...ASK, dryRun: true }), { dryRun: true, outcome: 'pending' }],
    ['getTimeline', (c, ids) => c.getTimeline(ids.requestId), {}],
    ['amend', (c, ids) => c.amend(ids.requestId, { ttl: '15m' }), { outcome: 'pending' }],
    ['cancel', (c, ids) => c.cancel(ids.requestId), { cancelled: true }],
    ['comment', (c, ids) => c.comment(ids.requestId, { text: 'why' }), { reused: false }],
    ['extendRequest', (c, ids) => c.extendRequest(ids.approvedId, { ttl: '5m', justification: 'more' }), { outcome: 'pending' }],
    ['releaseRequest', (c, ids) => c.releaseRequest(ids.approvedId), { requests: [] }],
    ['deny', (c, ids) => c.deny(ids.requestId, { reason: 'no' }), { outcome: 'denied' }],
    ['getGrant', (c, ids) => c.getGrant(ids.grantId), { status: 'active' }],
    ['extendGrant', (c, ids) => c.extendGrant(ids.grantId, { ttl: '5m', justification: 'more' }), { outcome: 'pending' }],
    ['releaseGrant', (c, ids) => c.releaseGrant(ids.grantId), { status: 'revoked' }],
    ['breakGlass', (c) => c.breakGlass({ ...ASK, ttl: '15m' }), { outcome: 'granted' }],
    ['reviewBreakGlass', (c, ids) => c.reviewBreakGlass(ids.breakGlassId, { verdict: 'justified' }), { status: 'approved' }],
    ['openApprovalLink', (c, ids) => c.openApprovalLink({ token: ids.token }), { reviewer: SAM, decision: 'approve' }],
    ['redeemApprovalLink', (c, ids) => c.redeemApprovalLink({ token: ids.token }), { outcome: 'granted' }],
    ['revoke', (c, ids) => c.revoke(ids.grantId, { reason: 'over' }), { status: 'revoked' }],
    ['revokeAll', (c) => c.revokeAll({ ticket: 'INC-204' }), { matched: true }],
    ['lock', (c) => c.lock({ subject: 'user:eve', until: new Date(2e12) }), { lock: { subject: 'user:eve', until: 2e12 } }],
    ['unlock', (c, ids) => c.unlock(ids.lockId), { status: 'lifted' }],
    ['accessReport', (c, ids) => c.accessReport({ from: +ids.from, to: new Date(+ids.to) }), { heldMs: expect.any(Number) as number }],
    ['journalHead', (c) => c.journalHead(), { seq: expect.any(Number) as number }],
    ['verifyJournal', (c) => c.verifyJournal(), { ok: true }],
  ] satisfies [string, (client: ReturnType<typeof createClient>, ids: Awaited<ReturnType<typeof withExamples>>) => unknown, object][])(
    'sends what the handler takes: %s',
    async (name, call, expected) => {
      const service = aService();
      const ids = await withExamples(service);
      if (name === 'breakGlass') await service.engine.reviewBreakGlass(ids.breakGlassId, { by: SAM, verdict: 'justified' });
      const as = { deny: SAM, reviewBreakGlass: SAM, openApprovalLink: SAM, redeemApprovalLink: SAM }[name];
      const isMay = operations.some(({ id, access }) => id === name && access === 'may');
      const { client } = aClient(service, as ?? (isMay ? SEC : MAYA));
      expect(await call(client, ids)).toMatchObject(expected);
    },
  );

  it('returns whole lists as lists', async () => {
    const service = aService();
    const ids = await withExamples(service);
    const { client } = aClient(service, SEC);
    expect((await client.listLocks()).map(({ id }) => id)).toEqual([ids.lockId]);
    expect((await client.listBreakGlassReviews({ all: true })).items.map(({ request }) => request.id)).toEqual([ids.breakGlassId]);
  });

  it('sends the headers that the options name, asked before each call', async () => {
    const service = aService();
    let token = 0;
    const headers = async () => ({ 'x-user': MAYA, authorization: `Bearer ${++token}` });
    const { client, sent } = aClient(service, MAYA, { headers, baseUrl: `${BASE}/` });
    await client.status();
    await client.status();
    expect(sent.map((request) => [request.url, request.headers.get('authorization')])).toEqual([
      [`${BASE}/v1/me`, 'Bearer 1'],
      [`${BASE}/v1/me`, 'Bearer 2'],
    ]);
  });

  it('asks for headers once for each page of a list', async () => {
    const service = aService();
    let token = 0;
    const { client, sent } = aClient(service, MAYA, { headers: () => ({ 'x-user': MAYA, authorization: `Bearer ${++token}` }) });
    for (const scope of ['db-prod:1', 'db-prod:2']) await service.engine.requestAccess({ ...ASK, subject: MAYA, scope });
    for await (const { id } of client.listRequests({ limit: 1 })) expect(id).toBeDefined();
    expect(sent.map(({ headers }) => headers.get('authorization'))).toEqual(['Bearer 1', 'Bearer 2']);
  });

  it('refuses a path that would name another operation, and sends nothing', async () => {
    const { client, sent } = aClient(aService());
    for (const id of ['', '.', '..', '\ud800', undefined as never]) {
      expect(await caught(client.revoke(id))).toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'id' });
    }
    expect(await caught(client.getGrant('a/../b?c#d'))).toMatchObject({ code: 'ERR_JIT_NOT_FOUND' });
    expect(sent.map(({ url }) => url)).toEqual([`${BASE}/v1/grants/a%2F..%2Fb%3Fc%23d`]);
  });

  it('rejects for wrong arguments of each method, never throws, and sends nothing', async () => {
    const { client, sent } = aClient(aService());
    const unreadable = (): never => {
      throw new TypeError('unreadable');
    };
    const wrong = new Proxy({}, { get: unreadable, ownKeys: unreadable });
    for (const [name, method] of methodsOf(client).filter(([name]) => name !== 'events')) {
      const result = (method as (...args: unknown[]) => PromiseLike<unknown>)(wrong, wrong, wrong);
      expect([name, await caught(result)]).toEqual([name, expect.any(Error)]);
    }
    for (const given of [null, wrong] as never[])
      expect(await caught(client.events(given)[Symbol.asyncIterator]().next())).toBeInstanceOf(TypeError);
    expect(sent).toEqual([]);
  });

  it('[NC13] refuses options that it does not know, and sends nothing: each method, events and the client', async () => {
    const { client, sent } = aClient(aService());
    for (const [name, method] of methodsOf(client)) {
      const route = (ROUTES as Readonly<Record<string, string>>)[name] ?? '';
      const before = [...(route.includes('{}') ? ['an-id'] : []), ...(/^POST|query/.test(route) ? [{}] : [])];
      const call = (options: object) => (method as (...args: unknown[]) => never)(...before, options);
      const refused = [
        ...(/^POST/.test(route) ? [{ people: true }] : []),
        { reason: 'INC-9' },
        { signl: 1 },
        ...(route.endsWith(' key') ? [] : [{ idempotencyKey: 'k' }]),
      ];
      for (const options of refused) {
        const result =
          name === 'events'
            ? client
                .events(options as object)
                [Symbol.asyncIterator]()
                .next()
            : call(options);
        const argument = Object.keys(options)[0];
        expect([name, await caught(result)]).toMatchObject([name, { code: 'ERR_JIT_INVALID_ARGUMENT', argument }]);
      }
    }
    expect(sent).toEqual([]);
    expect(() => createClient({ baseUrl: BASE, header: {} } as never)).toThrow(expect.objectContaining({ argument: 'header' }));
  });

  it.each([
    undefined,
    7,
    'https://h/a?tenant=b',
    'https://h/a#b',
    '/a?',
    '/a#',
    'https://h?b',
    'https://sam:s3cret@h/a',
    'https://s3cret@h',
  ])('refuses a baseUrl that is no URL of a handler, and does not show it: %s', (baseUrl) => {
    const refused = {
      code: 'ERR_JIT_INVALID_ARGUMENT',
      argument: 'baseUrl',
      message: expect.not.stringMatching('s3cret|tenant') as string,
    };
    expect(() => createClient({ baseUrl: baseUrl as string })).toThrow(expect.objectContaining(refused));
  });

  it.each(['/@team/access', '', 'http://[::1]:8080/a', 'https://h/a@b'])('takes the baseUrl %j', (baseUrl) => {
    expect(createClient({ baseUrl })).toBeDefined();
  });
});

describe('a list', () => {
  it('is a page, and yields the items of all pages', async () => {
    const service = aService();
    const { client, sent } = aClient(service);
    for (let i = 0; i < 5; i++) {
      await client.requestAccess({ ...ASK, scope: `db-prod:${i}` });
      await service.clock.advance(1);
    }
    const before = sent.length;
    const page = await client.listRequests({ limit: 2, order: 'oldest' });
    expect([page.items.length, typeof page.next]).toEqual([2, 'string']);
    const scopes: string[] = [];
    for await (const request of client.listRequests({ limit: 2, order: 'oldest' })) scopes.push(...request.scopes);
    expect(scopes).toEqual(['db-prod:0', 'db-prod:1', 'db-prod:2', 'db-prod:3', 'db-prod:4']);
    expect(sent.length - before).toBe(4);
  });

  it('rejects where a later page fails', async () => {
    const service = aService();
    const { client } = aClient(service);
    for (let i = 0; i < 3; i++) await client.requestAccess({ ...ASK, scope: `db-prod:${i}` });
    const read = async () => {
      for await (const { id } of client.listRequests({ limit: 2 })) if (id !== '') await service.engine.close();
    };
    expect(await passing(service, caught(read()))).toMatchObject({ code: 'ERR_JIT_CLOSED' });
  });
});

describe('an unchanged answer', () => {
  it('is not sent again, and no caller sees the changes that another one made to it', async () => {
    const service = aService();
    const statuses: number[] = [];
    const fetch = async (url: string, init: RequestInit) => {
      const response = await service.handler(new Request(url, init));
      statuses.push(response.status);
      return response;
    };
    const { client } = aClient(service, MAYA, { fetch });
    const { request } = await client.requestAccess(ASK);
    const first = await client.getRequest(request.id);
    (first.grants as unknown[]).push('mine');
    expect((await client.getRequest(request.id)).grants).toEqual([]);
    await service.engine.approve(request.id, { by: SAM });
    expect((await client.getRequest(request.id)).outcome).toBe('granted');
    expect(statuses).toEqual([201, 200, 304, 200]);
  });

  it('is sent again where it has a reading of the clock', async () => {
    const service = aService();
    const { client, sent } = aClient(service);
    const first = await client.status();
    await service.clock.advance('1m');
    expect((await client.status()).at - first.at).toBe(60_000);
    expect(sent.map(({ headers }) => headers.get('if-none-match'))).toEqual(['"-"', '"-"']);
  });

  it('is forgotten after 100 others', async () => {
    const service = aService();
    const ids = await withExamples(service);
    const { client, sent } = aClient(service);
    for (let i = 0; i <= 100; i++) await client.listGrants({ limit: i + 1 });
    await client.getGrant(ids.grantId);
    await client.listGrants({ limit: 1 });
    expect(sent.at(-1)?.headers.get('if-none-match')).toBe('"-"');
    await client.getGrant(ids.grantId);
    expect(sent.at(-1)?.headers.get('if-none-match')).toMatch(/^W\//);
  });
});
