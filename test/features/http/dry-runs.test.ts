import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, patternScopes, type AccessRequest, type JitEngine, type Verdict } from '../../../src/index.js';
import type { HttpPermission } from '../../../src/http.js';
import { placeOf } from '../../../src/records/index.js';
import type { FindQuery } from '../../../src/store.js';
import { FaultyStore, ScriptedApprover } from '../../../src/testing.js';
import { fillLocks } from '../../engine/an-engine.js';
import { wholeStore } from '../../engine/whole-store.js';
import { aClient } from '../client/client-world.js';
import { aService, EVE, MAYA, MINUTE, SAM, SEC, withExamples, type TestCaller } from './world.js';

const LEE = 'user:lee';
const BOT = 'agent:bot';

/** Approves every ask, except those that are justified with `review`. */
const approver = () =>
  new ScriptedApprover({
    decide: ({ justification, scopes }: AccessRequest): Verdict =>
      justification === 'review'
        ? { outcome: 'review', quorum: { groups: [{ name: 'leads', approvals: 1 }] } }
        : { outcome: 'approve', ...(scopes[0] === 'b:y' && { terms: { idleTtlMs: 5 * MINUTE } }) },
    groupsOf: () => ['leads'],
    breakGlass: { outcome: 'approve', reviewWithinMs: 60 * MINUTE },
    mayReviewBreakGlass: true,
  });

const aWorld = (store = new FaultyStore(new MemoryGrantStore())) => {
  const engine = {
    approver: approver(),
    store,
    scopes: patternScopes,
    agents: (id: string) => id === BOT,
    limits: { maxTotal: '30d', reviewWithin: '1h', resendMs: 0 },
  } as const;
  return { ...aService({ engine }), store };
};

const scope = fc.constantFrom('a:x', 'a:y', 'b:x', 'b:y');
const subject = fc.constantFrom(MAYA, LEE, 'run');
const requestedBy = fc.constantFrom(undefined, MAYA, LEE);
const ticket = fc.constantFrom('INC-1', 'INC-2', undefined);
const which = fc.nat(20);
const justification = fc.constantFrom('at once', 'review');
const ask = fc.record({
  does: fc.constant('ask' as const),
  subject,
  requestedBy,
  scopes: fc.uniqueArray(scope, { minLength: 1, maxLength: 2 }),
  ticket,
  justification,
});
const action = fc.oneof(
  ask,
  ask,
  ask,
  fc.record({ does: fc.constant('schedule' as const), subject, scope, ticket }),
  fc.record({ does: fc.constant('extend' as const), which, ticket, justification }),
  fc.record({ does: fc.constantFrom('amend' as const, 'deny' as const, 'release' as const, 'revoke' as const), which }),
  fc.record({ does: fc.constant('breakGlass' as const), subject, scope }),
  fc.record({ does: fc.constant('wait' as const), minutes: fc.constantFrom(1, 6, 16, 61, 1, 6) }),
);
type Action = typeof action extends fc.Arbitrary<infer One> ? One : never;

const target = fc.oneof(
  fc.constantFrom(MAYA, LEE, BOT, 'user:nobody').map((one) => ({ subject: one })),
  fc.constantFrom('a:x', 'a:*', '**', 'c:x').map((one) => ({ scope: one })),
  fc.constantFrom('INC-1', 'INC-2', 'INC-3').map((one) => ({ ticket: one })),
  which.map((one) => ({ requestId: one })),
);

/** Does what it can: an action that the engine refuses changes nothing. */
async function act({ engine, clock }: ReturnType<typeof aWorld>, done: Action): Promise<void> {
  if (done.does === 'wait') return clock.advance(done.minutes * MINUTE);
  const forWhom = (given: string, requestedBy = given) =>
    given === 'run' ? { run: { agent: BOT, job: 'r1', operator: MAYA } } : { subject: given, requestedBy };
  const pick = <T>(items: readonly T[], i: number): T => {
    const picked = items[i % Math.max(1, items.length)];
    if (picked === undefined) throw new Error('none');
    return picked;
  };
  const requests = async () => (await engine.listRequests({ order: 'oldest' })).items;
  const grants = async () => (await engine.listGrants({ order: 'oldest' })).items;
  const ttl = 15 * MINUTE;
  switch (done.does) {
    case 'ask': {
      const { subject: whom, requestedBy: asker, does: _, ...ask } = done;
      await engine.requestAccess({ ...forWhom(whom, asker), ...ask, ttl });
      return;
    }
    case 'schedule': {
      const { subject: whom, does: _, ...ask } = done;
      await engine.requestAccess({ ...forWhom(whom), ...ask, ttl, startsAt: clock.now() + 30 * MINUTE });
      return;
    }
    case 'breakGlass':
      await engine.breakGlass({ subject: done.subject, scope: done.scope, ttl, justification: 'it burns' });
      return;
    case 'extend': {
      const { id } = pick(await grants(), done.which);
      await engine.extend(id, { requestedBy: MAYA, ttl, justification: done.justification, ticket: done.ticket });
      return;
    }
    case 'amend': {
      const { id, requestedBy } = pick(await requests(), done.which);
      await engine.amend(id, { by: requestedBy, ttl: 10 * MINUTE });
      return;
    }
    case 'deny':
      await engine.deny(pick(await requests(), done.which).id, { by: SAM });
      return;
    default: {
      const { id, subject: by } = pick(await grants(), done.which);
      await (done.does === 'release' ? engine.release(id, { by }) : engine.revoke(id, { by: SEC }));
    }
  }
}

async function played(actions: readonly Action[]) {
  const world = aWorld();
  for (const one of actions) await act(world, one).catch(() => undefined);
  return world;
}

const idOf = async (engine: JitEngine, i: number): Promise<string> => {
  const { items } = await engine.listRequests({ order: 'oldest' });
  return items[i % Math.max(1, items.length)]?.id ?? 'none';
};

describe('a dry run of `POST /revocations` and `POST /locks`', () => {
  it('counts what the call then ends, after any history, and writes nothing', async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 6, maxLength: 20 }), target, fc.boolean(), async (actions, given, locks) => {
        const { engine, send, store } = await played(actions);
        const named = 'requestId' in given ? { requestId: await idOf(engine, given.requestId) } : given;
        const path = locks && ('subject' in named || 'scope' in named) ? '/locks' : '/revocations';
        const before = [await wholeStore(store), store.called('commit')];
        const counted = await send('POST', path, { as: SEC, body: { ...named, dryRun: true } });
        expect([await wholeStore(store), store.called('commit')]).toEqual(before);
        const done = await send('POST', path, { as: SEC, body: named });
        if (counted.status !== 200) {
          expect([counted.status, counted.text]).toEqual([done.status, done.text]);
          return;
        }
        const ended = (path === '/locks' ? done.body.ended : done.body) as unknown as {
          readonly grants: readonly { readonly subject: string }[];
          readonly requests: readonly unknown[];
          readonly matched: boolean;
          readonly similar: readonly string[];
        };
        found += ended.grants.length + ended.requests.length;
        expect(counted.body).toEqual({
          at: expect.any(Number) as unknown,
          grants: ended.grants.length,
          people: new Set(ended.grants.map((grant) => grant.subject)).size,
          requests: ended.requests.length,
          atLeast: false,
          matched: ended.matched,
          similar: ended.similar,
        });
      }),
      { numRuns: 60 },
    );
    expect(found).toBeGreaterThan(50);
  });

  it('asks `may` what the call asks, and gives a caller without the right one refusal', async () => {
    const asked: unknown[] = [];
    const may = ({ caller: { roles }, action, target: about }: HttpPermission<TestCaller>) => {
      asked.push({ action, target: about });
      return roles.includes('security') && about.subject !== LEE;
    };
    const service = aService({ http: { may } });
    const { requestId } = await withExamples(service);
    const targets = [
      { subject: MAYA },
      { subject: LEE },
      { scope: 'db-prod:**' },
      { requestId },
      { requestId: 'none' },
      { ticket: 'INC-204' },
    ];
    for (const path of ['/revocations', '/locks']) {
      for (const named of path === '/locks' ? targets.slice(0, 3) : targets) {
        asked.length = 0;
        const dry = await service.send('POST', path, { as: SEC, body: { ...named, dryRun: true } });
        const ofDry = [...asked];
        asked.length = 0;
        const { status } = await service.send('POST', path, { as: SEC, body: named });
        expect([named, asked]).toEqual([named, ofDry]);
        expect([named, Math.floor(dry.status / 100)]).toEqual([named, Math.floor(status / 100)]);
        const refused = await service.send('POST', path, { as: EVE, body: { ...named, dryRun: true } });
        const other = await service.send('POST', path, { as: EVE, body: { subject: 'user:nobody', dryRun: true } });
        expect([refused.status, refused.text]).toEqual([403, other.text]);
      }
    }
    // Also a target that this caller may not end, although it may end others.
    const foreign = await service.send('POST', '/revocations', { as: SEC, body: { subject: LEE, dryRun: true } });
    expect([foreign.status, foreign.text.includes('grants')]).toEqual([403, false]);
  });

  it('refuses what the call refuses, with the same answer', async () => {
    const service = aService();
    const { send, clock, engine } = service;
    const soon = clock.now() + MINUTE;
    await engine.lock({ subject: 'user:u' }, { by: SEC, until: soon });
    await fillLocks(service.store);
    const bodies: readonly (readonly [string, object])[] = [
      ['/locks', {}],
      ['/locks', { subject: MAYA, scope: 'a' }],
      ['/locks', { subject: MAYA, until: clock.now() }],
      ['/locks', { subject: MAYA }],
      ['/revocations', {}],
      ['/revocations', { subject: MAYA, ticket: 'INC-1' }],
      ['/revocations', { ticket: ' ' }],
      ['/revocations', { requestId: '0'.repeat(32) }],
    ];
    for (const [path, body] of bodies) {
      const dry = await send('POST', path, { as: SEC, body: { ...body, dryRun: true } });
      const { status, text } = await send('POST', path, { as: SEC, body });
      expect([body, dry.status, dry.text]).toEqual([body, status, text]);
      expect(status).toBeGreaterThanOrEqual(400);
    }
    // A lock that has ended keeps its place until the journal confirms its end. Then no sweep is needed.
    await clock.set(soon);
    const dry = await send('POST', '/locks', { as: SEC, body: { subject: MAYA, dryRun: true } });
    expect([dry.status, dry.text]).toEqual([429, (await send('POST', '/locks', { as: SEC, body: { subject: MAYA } })).text]);
    expect(dry.body.detail).toContain('ended at');
    for (const ttl of ['10m', '11m', '12m'] as const) await engine.requestAccess({ subject: MAYA, scope: 'logs:read', ttl });
    expect((await send('POST', '/locks', { as: SEC, body: { subject: MAYA, dryRun: true } })).status).toBe(200);
    expect((await send('POST', '/revocations', { as: SEC, body: { subject: MAYA, dryRun: 'true' } })).status).toBe(400);
  });

  it('leaves the key of a lock unused, and promises nothing: the call ends what it finds', async () => {
    const service = aService();
    const { requestId } = await withExamples(service);
    const sent = { as: SEC, headers: { 'idempotency-key': 'k' } };
    const dry = await service.send('POST', '/locks', { ...sent, body: { subject: MAYA, dryRun: true } });
    expect([dry.status, dry.body.grants, dry.body.people, dry.body.requests]).toEqual([200, 2, 1, 2]);
    await service.engine.approve(requestId, { by: SAM });
    const locked = await service.send('POST', '/locks', { ...sent, body: { subject: MAYA } });
    const { grants, requests } = locked.body.ended as unknown as Record<'grants' | 'requests', readonly unknown[]>;
    expect([locked.status, locked.body.reused, grants.length, requests.length]).toEqual([201, false, 3, 1]);
  });

  it('says "at least" where a record cannot be read, and counts the others', async () => {
    const service = aService();
    const { approvedId, requestId } = await withExamples(service);
    for (const [kind, id] of [
      ['grant', `${approvedId}.1`],
      ['request', requestId],
    ] as const) {
      const [row] = await service.store.get([{ kind, id }]);
      if (row === undefined) throw new Error('no row');
      const bent = { ...row, version: row.version + 1, body: { ...row.body, more: 1 } };
      await service.store.commit({ id: `bend-${id}`, expect: [{ kind, id, version: row.version }], put: [bent], append: [] });
    }
    const { client } = aClient(service, SEC);
    expect(await client.revokeAll({ subject: MAYA, dryRun: true })).toMatchObject({ grants: 1, requests: 1, atLeast: true });
    expect(await client.lock({ scope: '**', dryRun: true })).toMatchObject({ grants: 1, people: 1, requests: 1, atLeast: true });
  });

  it('L42 reads at most 1,000 pages of a kind, and then says "at least"', async () => {
    class Endless extends MemoryGrantStore {
      override readonly context = undefined as never;
      pages = 0;
      override find(query: FindQuery) {
        if (query.open !== true) return super.find(query);
        this.pages++;
        return Promise.resolve({ items: [], next: placeOf({ createdAt: this.pages, sortAt: undefined, id: '' }) });
      }
    }
    const store = new Endless();
    const { send } = aService({ engine: { store } });
    const { body } = await send('POST', '/revocations', { as: SEC, body: { scope: '**', dryRun: true } });
    expect(body).toMatchObject({ grants: 0, atLeast: true });
    expect(store.pages).toBe(2 * 1_000);
  });
});
