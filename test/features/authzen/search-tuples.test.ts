import { describe, expect, it, vi } from 'vitest';
import type { AuthzenOptions } from 'jit-access/authzen';
import { patternScopes, reviewers, type JitEngineOptions } from '../../../src/index.js';
import { SAM } from '../../engine/an-engine.js';
import { aProfile, DB, EVALUATION, grant, MAYA, SCOPE, SUBJECT, WRITE } from './authzen-of.js';
import { evaluate, requestIdOf, submitted } from './profile-of.js';

type Made = ReturnType<typeof aProfile>;

const SMALL = { amount: 5 };
const LARGE = { amount: 5_000 };
const SEARCHES = [
  ['subject', { subject: { type: 'user' }, action: WRITE, resource: DB }, MAYA],
  ['resource', { subject: MAYA, action: WRITE, resource: { type: 'db' } }, DB],
  ['action', { subject: MAYA, resource: DB }, WRITE],
] as const;

const exact = (engine: Partial<JitEngineOptions> = {}, options: Partial<AuthzenOptions> = {}) =>
  aProfile(options, engine, { exactTuple: true, requester: 'subject' });

/** Asks for the tuple with this context, as maya, and approves. @returns the id of the request */
async function approvedFor(made: Made, context: object) {
  const { task } = await submitted(made, {}, { context });
  await made.engine.approve(requestIdOf(task), { by: SAM });
  return requestIdOf(task);
}

const isOfRequest = (keys: readonly { readonly kind: string }[]): boolean => keys.some(({ kind }) => kind === 'request');

const find = async ({ send }: Made, kind: string, body: object): Promise<readonly object[]> => {
  const answer = await send(`/search/${kind}`, body);
  expect(answer.status).toBe(200);
  return (answer.body as unknown as { readonly results: readonly object[] }).results;
};

describe('A9 searches with exactTuple', () => {
  it.each(SEARCHES)('A9 the %s search finds access only for its tuple, as an evaluation does', async (kind, body, result) => {
    const made = exact();
    await approvedFor(made, SMALL);
    for (const context of [SMALL, LARGE, {}]) {
      const { decision } = await evaluate(made, { context });
      expect(decision).toBe(context === SMALL);
      expect(await find(made, kind, { ...body, context })).toEqual(decision ? [result] : []);
    }
  });

  it('A9 the properties of the searched entity belong to the tuple', async () => {
    const made = exact();
    const resource = (name: string) => ({ resource: { ...DB, properties: { table: name } } });
    const { task } = await submitted(made, {}, resource('public'));
    await made.engine.approve(requestIdOf(task), { by: SAM });
    for (const [name, found] of [
      ['public', [DB]],
      ['salaries', []],
    ] as const)
      expect(await find(made, 'resource', { subject: MAYA, action: WRITE, ...resource(name) })).toEqual(found);
  });

  it.each(SEARCHES)('A9 the %s search finds access without a task, and standing access, for any tuple', async (kind, body, result) => {
    const made = exact();
    await grant(made.engine, SUBJECT, SCOPE);
    const directory = { subjects: () => ['maya'], resources: () => ['prod'], actions: () => ['write'] };
    const standing = exact({ standing: { [SUBJECT]: [SCOPE] } }, { directory });
    for (const each of [made, standing]) expect(await find(each, kind, { ...body, context: LARGE })).toEqual([result]);
  });

  it('A9 a due start for this tuple counts beside access for another tuple', async () => {
    const made = exact({ approver: { ...reviewers({ members: [SAM] }), isEligible: () => true } });
    await approvedFor(made, LARGE);
    const metadata = (await made.engine.listRequests({ subject: SUBJECT })).items[0]?.metadata;
    await made.engine.revokeAll({ subject: SUBJECT }, { by: SAM });
    await approvedFor(made, SMALL);
    const startsAt = made.clock.now() + 60_000;
    const { request } = await made.engine.requestAccess({ subject: SUBJECT, scope: SCOPE, ttl: '15m', startsAt, metadata });
    await made.engine.approve(request.id, { by: SAM });
    const body = { ...SEARCHES[0][1], context: LARGE };
    expect(await find(made, 'subject', body)).toEqual([]);
    await made.clock.advance('1m');
    expect(await find(made, 'subject', body)).toEqual([MAYA]);
  });

  it('A9 a page is filled with results for the tuple', async () => {
    const made = exact();
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      const evaluation = { resource: { type: 'db', id }, context: id === 'b' || id === 'e' ? SMALL : LARGE };
      const { task } = await submitted(made, {}, evaluation);
      await made.engine.approve(requestIdOf(task), { by: SAM });
    }
    const body = { ...SEARCHES[1][1], context: SMALL };
    const first = (await made.send('/search/resource', { ...body, page: { limit: 1 } })).body as unknown as {
      readonly page: { readonly next_token: string };
      readonly results: readonly object[];
    };
    expect(first.results).toEqual([{ type: 'db', id: 'b' }]);
    const { body: second } = await made.send('/search/resource', { ...body, page: { token: first.page.next_token } });
    expect(second).toEqual({ page: { next_token: '', count: 1 }, results: [{ type: 'db', id: 'e' }] });
  });
});

describe('L12 the last read judges only the access for the tuple', () => {
  const asked: readonly (readonly [path: string, body: object, expected: object])[] = [
    ['/evaluation', EVALUATION, { decision: false }],
    ['/evaluations', { evaluations: [EVALUATION, EVALUATION] }, { evaluations: [{ decision: false }, { decision: false }] }],
    ...SEARCHES.map(([kind, body]) => [`/search/${kind}`, body, { results: [] }] as const),
  ];

  it.each(asked)('L12 %s gives no yes where access for another tuple is left', async (path, body, expected) => {
    let revoke: () => Promise<unknown> = async () => undefined;
    const made = exact({}, { condition: async () => (await revoke(), true) });
    await approvedFor(made, LARGE);
    // A request that asks for no later end would repeat the approved one.
    await made.clock.advance('1m');
    const requestId = await approvedFor(made, SMALL);
    revoke = async () => made.engine.revokeAll({ requestId }, { by: SAM });
    expect((await made.send(path, { ...body, context: SMALL })).body).toMatchObject(expected);
    expect(await made.engine.isAllowed(SUBJECT, SCOPE)).toBe(true);
  });
});

describe('L42 the reads of a search with exactTuple', () => {
  it('L42 reads each request once for all results of a page', async () => {
    const resources = () => Array.from({ length: 100 }, (_, i) => `r${i}`);
    const approver = reviewers({ members: [SAM], patterns: true });
    const made = exact({ scopes: patternScopes, approver }, { directory: { resources } });
    await grant(made.engine, SUBJECT, 'db:*:write');
    made.store.calls.length = 0;
    expect(await find(made, 'resource', SEARCHES[1][1])).toHaveLength(100);
    const count = (name: string) => made.store.calls.filter(({ method }) => method === name).length;
    // The access is read for the candidates, for the results, for their tuples, and at the end.
    expect([count('get'), count('live')]).toEqual([1, 4]);
  });

  it('L42 asks the store at most 32 questions at once, and for a small page not about all candidates', async () => {
    const made = exact();
    for (let i = 0; i < 100; i++) await grant(made.engine, `user:u${i}`, SCOPE);
    const get = made.store.get.bind(made.store);
    const count = { open: 0, most: 0, all: 0 };
    vi.spyOn(made.store, 'get').mockImplementation(async (keys) => {
      if (!isOfRequest(keys)) return get(keys);
      count.all += 1;
      count.most = Math.max(count.most, ++count.open);
      await new Promise((resolve) => setImmediate(resolve));
      count.open -= 1;
      return get(keys);
    });
    expect(await find(made, 'subject', SEARCHES[0][1])).toHaveLength(100);
    expect(count).toEqual({ open: 0, most: 32, all: 100 });
    count.all = 0;
    expect(await find(made, 'subject', { ...SEARCHES[0][1], page: { limit: 2 } })).toHaveLength(2);
    expect(count.all).toBe(32);
  });

  it('L42 reads no more after the time limit', async () => {
    const made = exact({}, { timeout: '1s' });
    for (let i = 0; i < 100; i++) await grant(made.engine, `user:u${i}`, SCOPE);
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const get = made.store.get.bind(made.store);
    const reads = vi.spyOn(made.store, 'get').mockImplementation(async (keys) => {
      if (isOfRequest(keys)) await opened;
      return get(keys);
    });
    const readRequests = () => reads.mock.calls.filter(([keys]) => isOfRequest(keys)).length;
    const answer = made.send('/search/subject', SEARCHES[0][1]);
    await vi.waitFor(() => expect(readRequests()).toBe(32));
    await made.clock.advance('1s');
    expect((await answer).status).toBe(503);
    open();
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(readRequests()).toBe(32);
  });
});
