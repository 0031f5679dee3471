import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, type JitEngineOptions } from '../../../src/index.js';
import type { HttpPermission } from '../../../src/http.js';
import { definePolicy } from '../../../src/policy.js';
import { FaultyStore } from '../../../src/testing.js';
import { aClient } from '../client/client-world.js';
import { aService, EVE, MAYA, MINUTE, RAJ, SAM, turns, type Body, type TestCaller } from './world.js';

/** Reviewers of the team may list what their own team holds. */
const team = ({ caller, action, target }: HttpPermission<TestCaller>): boolean | Promise<boolean> =>
  caller.subject === SAM && action === 'listGrants' && (target.subject === MAYA || target.subject === RAJ);

const policy = () =>
  definePolicy({
    groups: { leads: [SAM] },
    rules: [
      { id: 'database', scopes: ['db:*'], subjects: [{ like: 'user:*' }], maxTtl: '2h', review: { groups: { leads: 1 } } },
      { id: 'logs', scopes: ['logs:*'], subjects: [{ like: 'user:*' }], maxTtl: '8h', maxStartAhead: '8h', approve: true },
    ],
  });

function aTeam(may: typeof team = team, engine: Partial<JitEngineOptions> = {}) {
  const asked: HttpPermission<TestCaller>[] = [];
  const service = aService({
    engine: { approver: policy(), ...engine },
    http: { may: (permission) => (asked.push(permission), may(permission)) },
  });
  const ask = async (subject: string, scope: string, more: object = {}) => {
    // The rows of an inbox with one deadline have no certain order.
    await service.clock.advance(1);
    return service.engine.requestAccess({ subject, scope, ttl: '1h', ...more });
  };
  const inbox = (as = SAM, query = 'holdings=true') => service.send('GET', `/inbox?${query}`, { as });
  return { ...service, asked, ask, inbox };
}

interface Held {
  readonly subject: string;
  readonly grants: readonly { readonly scope: string; readonly status: string }[];
  readonly more: boolean;
}
const heldIn = (body: Body) =>
  (body['holdings'] as unknown as readonly Held[]).map(({ subject, grants, more }) => [subject, grants.map(({ scope }) => scope), more]);
const rowsIn = (body: Body) => (body.items as unknown as readonly unknown[]).length;

describe('GET /inbox?holdings=true', () => {
  it('says in one call what the subject of each row holds, with one question to `may` for each subject', async () => {
    const { ask, inbox, asked, clock } = aTeam();
    for (const scope of ['db:a', 'db:b']) await ask(MAYA, scope);
    await ask(RAJ, 'db:a');
    await ask(MAYA, 'logs:late', { ttl: '3h' });
    await ask(MAYA, 'logs:soon', { ttl: '30m' });
    const soon = clock.now() + 30 * MINUTE;
    await ask(MAYA, 'logs:planned', { startsAt: clock.now() + 90 * MINUTE });
    const { status, body } = await inbox();
    expect([status, rowsIn(body), heldIn(body)]).toEqual([
      200,
      3,
      [
        [MAYA, ['logs:soon', 'logs:planned', 'logs:late'], false],
        [RAJ, [], false],
      ],
    ]);
    expect(asked.map(({ action, target }) => [action, target])).toEqual([MAYA, RAJ].map((subject) => ['listGrants', { subject }]));
    expect(body['changesAt']).toBe(soon);
  });

  it('shows of a subject what GET /grants shows, and omits one for whom it is 403', async () => {
    const { ask, inbox, send } = aTeam();
    for (const subject of [MAYA, EVE]) {
      await ask(subject, 'db:a');
      await ask(subject, 'logs:secret');
    }
    const { body, text } = await inbox();
    const listed = await send('GET', `/grants?status=open&order=due&subject=${MAYA}`, { as: SAM });
    expect((body['holdings'] as unknown as readonly Held[]).map(({ grants }) => grants)).toEqual([listed.body.items]);
    expect(text.split('logs:secret')).toHaveLength(2);
    expect((await send('GET', `/grants?subject=${EVE}`, { as: SAM })).status).toBe(403);
    // A caller that reviews nothing gets no row, and so no holdings, although `may` would permit some.
    expect((await inbox(RAJ)).body).toEqual({ items: [], holdings: [], risks: [] });
  });

  it('says the highest risk of each request, and omits one about which the approver fails', async () => {
    const base = { subjects: [{ like: 'user:*' }], maxTtl: '2h', review: { groups: { leads: 1 } } } as const;
    const rules = definePolicy({
      groups: { leads: [SAM] },
      rules: [
        { id: 'a', scopes: ['db:a'], risk: 'high', ...base },
        { id: 'b', scopes: ['db:*'], risk: 'low', ...base },
        { id: 'c', scopes: ['pay:*'], ...base },
      ],
    });
    const approver = Object.create(rules, {
      requestable: {
        value: (subject: string, context: never) => {
          if (subject === RAJ) throw new Error('down');
          return rules.requestable?.(subject, context);
        },
      },
    }) as typeof rules;
    const { ask, inbox, errors } = aTeam(team, { approver });
    const asked = [
      [MAYA, 'db:b'],
      [MAYA, 'pay:a'],
      [RAJ, 'db:a'],
    ] as const;
    const ids: string[] = [];
    for (const [subject, scope] of asked) ids.push((await ask(subject, scope)).request.id);
    const both = await ask(MAYA, 'db:c', { scopes: ['db:c', 'db:a'], scope: undefined });
    const { body } = await inbox();
    expect([rowsIn(body), body['risks']]).toEqual([
      4,
      [{ requestId: ids[0], risk: 'low' }, { requestId: ids[1] }, { requestId: both.request.id, risk: 'high' }],
    ]);
    expect(errors).toHaveLength(1);
  });

  it('asks `may` for nothing, and has no holdings, without the query', async () => {
    const { ask, inbox, asked } = aTeam();
    await ask(MAYA, 'db:a');
    for (const query of ['', 'holdings=false', 'limit=5']) {
      const { body } = await inbox(SAM, query);
      expect([query, Object.hasOwn(body, 'holdings'), rowsIn(body)]).toEqual([query, false, 1]);
    }
    expect(asked).toEqual([]);
    for (const query of ['holdings=1', 'holdings=', 'holdings=TRUE', 'holdings=true&holdings=true'])
      expect([query, (await inbox(SAM, query)).status]).toEqual([query, 400]);
  });

  it('hides only a subject about whom `may` or the store fails, and reports why: the rows are still there', async () => {
    const store = new FaultyStore(new MemoryGrantStore());
    const may: typeof team = (permission) => {
      if (permission.target.subject === RAJ) throw new Error('the permissions are down');
      return true;
    };
    const { ask, inbox, errors } = aTeam(may, { store });
    for (const subject of [MAYA, RAJ, EVE]) await ask(subject, 'db:a');
    for (const subject of [MAYA, EVE]) await ask(subject, 'logs:a');
    const first = await inbox();
    expect([first.status, rowsIn(first.body), heldIn(first.body)]).toEqual([
      200,
      3,
      [
        [MAYA, ['logs:a'], false],
        [EVE, ['logs:a'], false],
      ],
    ]);
    expect(errors.map(String)).toEqual(['Error: the permissions are down']);
    const find = store.find.bind(store);
    store.find = (query) => (query.kind === 'grant' && query.subject === EVE ? Promise.reject(new Error('the disk')) : find(query));
    const second = await inbox();
    expect([second.status, rowsIn(second.body), heldIn(second.body)]).toEqual([200, 3, [[MAYA, ['logs:a'], false]]]);
    expect(errors.slice(1).map(String)).toEqual(['Error: the permissions are down', expect.stringContaining('the disk')]);
  });

  it('begins no further read after a late answer of `may`', async () => {
    let release = (): void => undefined;
    const finds: string[] = [];
    const store = new FaultyStore(new MemoryGrantStore());
    const find = store.find.bind(store);
    store.find = (query) => (finds.push(query.kind), find(query));
    const { ask, inbox, clock, asked } = aTeam(() => new Promise((resolve) => (release = () => resolve(true))), { store });
    for (let i = 0; i < 40; i++) await ask(`user:${i}`, 'db:a');
    const call = inbox();
    await turns();
    await clock.advance('10s');
    expect((await call).status).toBe(503);
    finds.length = 0;
    const { length } = asked;
    release();
    await turns();
    expect([finds, asked.length - length]).toEqual([[], 0]);
  });

  it('L42 has at most 20 grants of a subject and 100 subjects, and skips grants whose end no sweep has recorded', async () => {
    const store = new MemoryGrantStore();
    const finds: unknown[] = [];
    const find = store.find.bind(store);
    store.find = (query) => (query.kind === 'grant' && finds.push(query.subject), find(query));
    const { ask, inbox, clock } = aTeam(() => true, { store });
    for (let i = 0; i < 30; i++) await ask(MAYA, `logs:over-${i}`, { ttl: '5m' });
    await clock.advance('10m');
    for (let i = 0; i < 25; i++) await ask(MAYA, `logs:${i}`, { ttl: '2h' });
    await ask(MAYA, 'db:a');
    for (let i = 0; i < 120; i++) await ask(`user:${i}`, 'db:a');
    finds.length = 0;
    const { body } = await inbox(SAM, 'holdings=true&limit=1000');
    expect(finds.filter((subject) => subject === MAYA)).toHaveLength(1);
    const held = heldIn(body);
    expect([rowsIn(body), held.length]).toEqual([121, 100]);
    const [, scopes, more] = held.find(([subject]) => subject === MAYA) ?? [];
    expect([(scopes as readonly string[]).length, (scopes as readonly string[]).some((scope) => scope.includes('over')), more]).toEqual([
      20,
      false,
      true,
    ]);
  });

  it('has the names of people, and reaches the client', async () => {
    const service = aTeam();
    const { client } = aClient(service, SAM);
    await service.ask(MAYA, 'db:a');
    await service.ask(MAYA, 'logs:a');
    const page = await client.inbox({ holdings: true }, { people: true });
    expect(page.holdings).toMatchObject([{ subject: MAYA, grants: [{ scope: 'logs:a', status: 'active' }], more: false }]);
    expect(page.people).toMatchObject({ [MAYA]: { name: 'Maya Ito' } });
    const rows = [];
    for await (const { request } of client.inbox({ holdings: true, limit: 1 })) rows.push(request.subject);
    expect(rows).toEqual([MAYA]);
    expect((await client.inbox()).holdings).toBeUndefined();
  });
});
