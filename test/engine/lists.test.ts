import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, type GrantStore, type JitEngine, type Page } from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { purge } from '../../src/retention.js';
import { ScriptedApprover } from '../../src/testing.js';
import { aGranted, ANA, anEngine, aPending, ask, at, grantsOf, HOUR, MAYA, MINUTE, refusal, SAM } from './an-engine.js';

const BOB = 'user:bob';

const idsOf = (page: Page<{ readonly id: string }>): readonly string[] => page.items.map(({ id }) => id);

async function all<T extends { readonly id: string }>(list: AsyncIterable<T>): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { id } of list) ids.push(id);
  return ids;
}

/** A store that counts the rows that `find` returned and the calls of `get`. */
function counting(store: GrantStore) {
  const seen = { found: 0, got: 0, queries: [] as object[] };
  const proxy = new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target);
      if (name !== 'find' && name !== 'get') return typeof method === 'function' ? (method.bind(target) as unknown) : method;
      return async (...given: unknown[]) => {
        const answer: unknown = await Reflect.apply(method as () => unknown, target, given);
        if (name === 'get') seen.got += (answer as readonly Row[]).length;
        else {
          seen.found += (answer as Page<Row>).items.length;
          seen.queries.push(given[0] as object);
        }
        return answer;
      };
    },
  });
  return { proxy, seen };
}

/** Seven requests, a second apart: of two subjects, two requesters, three scopes and two tickets. */
async function sevenRequests(engine: JitEngine, advance: (ms: number) => Promise<void>): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let i = 0; i < 7; i++) {
    const subject = i % 2 === 0 ? MAYA : BOB;
    const requestedBy = i % 3 === 0 ? ANA : subject;
    const ticket = i < 4 ? 'INC-1' : 'INC-2';
    ids.push((await aPending(engine, { subject, requestedBy, ticket, scopes: [`db:${i % 3}`, `own:${i}`] })).id);
    await advance(1_000);
  }
  return ids;
}

describe('listRequests()', () => {
  it('filters by subject, requester, scope, ticket and time of creation, alone and together', async () => {
    const { engine, clock } = anEngine();
    const made = await sevenRequests(engine, (ms) => clock.advance(ms));
    const find = async (query: Parameters<JitEngine['listRequests']>[0]) =>
      idsOf(await engine.listRequests(query)).map((id) => made.indexOf(id));
    expect(await find({})).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect(await find({ order: 'oldest' })).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(await find({ requestedBy: ANA })).toEqual([6, 3, 0]);
    expect(await find({ requestedBy: ANA, subject: MAYA })).toEqual([6, 0]);
    expect(await find({ scope: 'db:1' })).toEqual([4, 1]);
    expect(await find({ scope: 'own:5' })).toEqual([5]);
    expect(await find({ scope: 'db:*' })).toEqual([]);
    expect(await find({ ticket: 'INC-2' })).toEqual([6, 5, 4]);
    expect(await find({ ticket: 'INC' })).toEqual([]);
    expect(await find({ from: at(2_000) })).toEqual([6, 5, 4, 3, 2]);
    expect(await find({ to: at(2_000) })).toEqual([1, 0]);
    expect(await find({ from: at(2_000), to: at(2_001) })).toEqual([2]);
    expect(await find({ from: new Date(at(1_999)), to: at(4_000), order: 'oldest' })).toEqual([2, 3]);
    expect(await find({ from: at(1_000), ticket: 'INC-1', subject: MAYA, scope: 'db:2' })).toEqual([2]);
    expect(await find({ from: at(7_000) })).toEqual([]);
  });

  it('pages through any filter and order, with one request per page or many', async () => {
    const { engine, clock } = anEngine();
    const made = await sevenRequests(engine, (ms) => clock.advance(ms));
    for (const order of ['newest', 'oldest', 'due'] as const) {
      for (const query of [{}, { ticket: 'INC-1' }, { from: at(1_000), to: at(5_000) }, { subject: MAYA, requestedBy: ANA }]) {
        const whole = idsOf(await engine.listRequests({ ...query, order }));
        expect(whole.length).toBeGreaterThan(0);
        for (const limit of [1, 2, 3]) expect(await all(engine.listRequests({ ...query, order, limit }))).toEqual(whole);
      }
    }
    expect(idsOf(await engine.listRequests({ order: 'due' }))).toEqual(made);
  });

  it('gives in the order of due only the requests with a pending review, by its deadline', async () => {
    const approver = new ScriptedApprover({
      decide: ({ scopes: [scope = ''] }) => ({
        outcome: 'review',
        quorum: { groups: [{ name: 'ops', approvals: 1 }], reviewWithinMs: Number(scope.split(':')[1]) * MINUTE },
      }),
      groupsOf: ['ops'],
    });
    const { engine } = anEngine({ approver });
    const made: string[] = [];
    for (const minutes of [30, 10, 20]) made.push((await aPending(engine, { scope: `within:${minutes}` })).id);
    await engine.cancel((await aPending(engine, { scope: 'within:5' })).id, { by: MAYA });
    expect(idsOf(await engine.listRequests({ order: 'due' })).map((id) => made.indexOf(id))).toEqual([1, 2, 0]);
  });

  it('says `ended` of an approved request once none of its grants can allow, now or later', async () => {
    const { engine, clock } = anEngine();
    const outcomes = async () => {
      const { items } = await engine.listRequests({ order: 'oldest' });
      for (const { id, status, outcome } of items) expect(await engine.getRequest(id)).toMatchObject({ outcome, request: { status } });
      return items.map(({ status, outcome }) => `${status} ${outcome}`);
    };
    const [first] = await grantsOf(engine, { scopes: ['a', 'b'], ttl: 10 * MINUTE });
    await clock.advance(1);
    const scheduled = await aGranted(engine, { scope: 'c', startsAt: at(HOUR), ttl: 10 * MINUTE });
    await clock.advance(1);
    const pending = await aPending(engine, { scope: 'd' });
    expect(await outcomes()).toEqual(['approved granted', 'approved granted', 'pending pending']);
    await engine.revoke(first?.id as string, { by: SAM });
    expect(await outcomes()).toEqual(['approved granted', 'approved granted', 'pending pending']);
    await engine.revoke(`${first?.requestId}.2`, { by: SAM });
    await engine.cancel(pending.id, { by: MAYA });
    expect(await outcomes()).toEqual(['approved ended', 'approved granted', 'cancelled cancelled']);
    await clock.set(scheduled.expiresAt - 1);
    expect((await outcomes())[1]).toBe('approved granted');
    await clock.set(scheduled.expiresAt);
    expect((await outcomes())[1]).toBe('approved ended');
  });

  it('says `ended` of a request whose grant was idle for too long, and `granted` while it is used', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { idleTtlMs: MINUTE } } });
    const { engine, clock } = anEngine({ approver });
    const { scope } = await aGranted(engine, { ttl: 10 * MINUTE });
    const outcome = async () => (await engine.listRequests()).items[0]?.outcome;
    await clock.advance(MINUTE - 1);
    await engine.check(MAYA, scope, { touch: 'wait' });
    await clock.advance(MINUTE - 1);
    expect(await outcome()).toBe('granted');
    await clock.advance(1);
    expect(await outcome()).toBe('ended');
  });

  it('reads no grant of a request whose window has passed, and one grant of each other approved request', async () => {
    const { proxy, seen } = counting(new MemoryGrantStore());
    const { engine, clock } = anEngine({ store: proxy });
    await grantsOf(engine, { scopes: ['a', 'b', 'c'], ttl: MINUTE });
    await clock.advance(2 * MINUTE);
    await grantsOf(engine, { scopes: ['d', 'e', 'f'], ttl: MINUTE });
    seen.got = 0;
    expect((await engine.listRequests()).items.map(({ outcome }) => outcome)).toEqual(['granted', 'ended']);
    expect(seen.got).toBe(1);
  });

  it('L42 looks at no more than 1,000 rows for a page, which is then empty and has a next', async () => {
    const { proxy, seen } = counting(new MemoryGrantStore());
    const { engine, clock } = anEngine({ store: proxy });
    const rare = await aPending(engine, { ticket: 'RARE', scope: 's:rare' });
    await clock.advance(1);
    for (let i = 0; i < 1_100; i++) await aPending(engine, { subject: `user:${i}` });
    seen.found = 0;
    const first = await engine.listRequests({ ticket: 'RARE' });
    expect(first.items).toEqual([]);
    expect(first.next).toBeDefined();
    expect(seen.found).toBeLessThanOrEqual(1_100);
    expect(idsOf(await engine.listRequests({ ticket: 'RARE', after: first.next }))).toEqual([rare.id]);
    expect(await all(engine.listRequests({ ticket: 'RARE' }))).toEqual([rare.id]);
  });

  it('L42 looks only at the rows of the time asked for, and of the status where that closes or opens a request', async () => {
    const { proxy, seen } = counting(new MemoryGrantStore());
    const { engine, clock } = anEngine({ store: proxy });
    for (let i = 0; i < 60; i++) {
      const { id } = await aPending(engine, { scope: `s:${i}` });
      if (i !== 30) await engine.cancel(id, { by: MAYA });
      await clock.advance(1_000);
    }
    const looked = async (query: Parameters<JitEngine['listRequests']>[0]) => {
      seen.found = 0;
      const { items } = await engine.listRequests({ limit: 2, ...query });
      return [items.length, seen.found];
    };
    expect(await looked({ from: at(10_000), to: at(12_000) })).toEqual([2, 3]);
    expect(await looked({ from: at(10_000), to: at(12_000), order: 'oldest' })).toEqual([2, 3]);
    expect(await looked({ to: at(1_000) })).toEqual([1, 1]);
    expect(await looked({ from: at(59_000), order: 'oldest' })).toEqual([1, 1]);
    expect(await looked({ status: 'pending' })).toEqual([1, 1]);
    expect(await looked({ status: 'cancelled' })).toEqual([2, 3]);
  });

  it('shows an unchanged request exactly once while others are made and end between its pages', async () => {
    const { engine, clock } = anEngine();
    const made = await sevenRequests(engine, (ms) => clock.advance(ms));
    const seen: string[] = [];
    let pages = 0;
    for (let after: string | undefined; ;) {
      const page = await engine.listRequests({ limit: 2, after });
      seen.push(...idsOf(page));
      await aPending(engine, { scope: `new:${pages}` });
      if (pages++ === 0) await engine.cancel(made[3] as string, { by: ANA });
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(seen).toEqual([...made].reverse());
  });
});

describe('listGrants()', () => {
  it('gives the grants held at an instant of the past, as whoHadAccess does, and of the future as known now', async () => {
    const { engine, clock } = anEngine();
    const early = await aGranted(engine, { scope: 'a', ttl: 10 * MINUTE });
    await clock.set(at(MINUTE));
    const revoked = await aGranted(engine, { scope: 'b', ttl: 20 * MINUTE });
    const later = await aGranted(engine, { scope: 'c', startsAt: at(HOUR), ttl: 10 * MINUTE });
    await clock.set(at(5 * MINUTE));
    await engine.revoke(revoked.id, { by: SAM });
    await clock.set(at(6 * MINUTE));
    const heldAt = async (instant: number) => idsOf(await engine.listGrants({ at: instant, order: 'oldest' }));
    expect(await heldAt(at(0) - 1)).toEqual([]);
    expect(await heldAt(at(0))).toEqual([early.id]);
    expect(await heldAt(at(5 * MINUTE) - 1)).toEqual([early.id, revoked.id]);
    expect(await heldAt(at(5 * MINUTE))).toEqual([early.id]);
    expect(await heldAt(early.expiresAt)).toEqual([]);
    expect(await heldAt(later.startsAt)).toEqual([later.id]);
    expect(await heldAt(later.expiresAt)).toEqual([]);
    for (const [scope, instant] of [
      ['a', at(0)],
      ['b', at(5 * MINUTE)],
      ['b', at(4 * MINUTE)],
    ] as const) {
      expect(idsOf(await engine.listGrants({ scope, at: instant }))).toEqual(idsOf(await engine.whoHadAccess({ scope, at: instant })));
    }
  });

  it('L27 gives no grant at a past instant at which its start was not confirmed, and expects a coming start', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve' }, isEligible: true });
    const { engine, clock } = anEngine({ approver });
    const grant = await aGranted(engine, { startsAt: at(HOUR), ttl: 10 * MINUTE });
    expect(idsOf(await engine.listGrants({ at: at(HOUR) }))).toEqual([grant.id]);
    await clock.set(at(HOUR + MINUTE));
    expect(idsOf(await engine.listGrants({ at: at(HOUR) }))).toEqual([]);
    expect((await engine.whoHadAccess({ scope: grant.scope, at: at(HOUR) })).items).toEqual([]);
    await engine.sweep();
    expect(idsOf(await engine.listGrants({ at: at(HOUR + MINUTE) }))).toEqual([grant.id]);
    expect(idsOf(await engine.listGrants({ at: at(HOUR) }))).toEqual([]);
  });

  it('L33 refuses an instant before the purge horizon', async () => {
    const { engine, clock } = anEngine();
    await aGranted(engine, { ttl: MINUTE });
    await clock.advance(72 * HOUR);
    await engine.sweep();
    await purge(engine, { before: at(HOUR), by: SAM, force: true });
    await refusal(engine.listGrants({ at: at(HOUR) - 1 }), 'ERR_JIT_PURGED');
    expect((await engine.listGrants({ at: at(HOUR) })).items).toEqual([]);
    expect((await engine.listGrants()).items).toEqual([]);
  });

  it('orders by issue, the newest or the oldest first, or open grants by their end', async () => {
    const { engine, clock } = anEngine();
    const made: string[] = [];
    for (const ttl of [30, 10, 20]) {
      made.push((await aGranted(engine, { scope: `s:${ttl}`, ttl: ttl * MINUTE })).id);
      await clock.advance(1_000);
    }
    await engine.revoke((await aGranted(engine, { scope: 'gone' })).id, { by: SAM });
    const find = async (order: 'newest' | 'oldest' | 'due', status?: 'active') =>
      idsOf(await engine.listGrants({ order, status })).map((id) => made.indexOf(id));
    expect(await find('newest', 'active')).toEqual([2, 1, 0]);
    expect(await find('oldest', 'active')).toEqual([0, 1, 2]);
    expect(await find('due')).toEqual([1, 2, 0]);
    for (const limit of [1, 2]) expect(await all(engine.listGrants({ order: 'due', limit }))).toEqual([made[1], made[2], made[0]]);
  });
});

describe('pages', () => {
  it('`for await` yields every record of every verb with pages', async () => {
    const { engine, clock } = anEngine();
    const made: string[] = [];
    for (let i = 0; i < 5; i++) {
      made.unshift((await aGranted(engine, { scope: 'db', ttl: HOUR, subject: `user:${i}` })).id);
      await clock.advance(1);
    }
    expect(await all(engine.listGrants({ limit: 2 }))).toEqual(made);
    expect(await all(engine.whoHadAccess({ scope: 'db', at: at(5), limit: 2 }))).toEqual(made);
    expect(await all(engine.listGrants({ limit: 2, during: { from: at(0), to: at(5) } }))).toEqual(made);
    expect((await all(engine.listRequests({ limit: 2 }))).map((id) => `${id}.1`)).toEqual(made);
    const { next } = await engine.listGrants({ limit: 2 });
    expect(await all(engine.listGrants({ limit: 2, after: next }))).toEqual(made.slice(2));
  });

  it('`for await` can be left and started again, and reads the first page once', async () => {
    const { proxy, seen } = counting(new MemoryGrantStore());
    const { engine } = anEngine({ store: proxy });
    for (let i = 0; i < 3; i++) await ask(engine, { scope: `s:${i}` });
    seen.queries.length = 0;
    const list = engine.listRequests({ limit: 1 });
    for await (const request of list) {
      expect(request.status).toBe('pending');
      break;
    }
    expect(seen.queries).toHaveLength(1);
    expect(await all(list)).toHaveLength(3);
    expect(seen.queries).toHaveLength(3);
  });

  it('reject, and never throw, where an argument is bad or the engine is closed', async () => {
    const { engine } = anEngine();
    const bad = engine.listRequests({ order: 'first' as 'newest' });
    await refusal(all(bad), 'ERR_JIT_INVALID_ARGUMENT');
    await refusal(bad, 'ERR_JIT_INVALID_ARGUMENT');
    await engine.close();
    await refusal(engine.listGrants(), 'ERR_JIT_CLOSED');
    await refusal(all(engine.listGrants({ during: { from: 0, to: 1 } })), 'ERR_JIT_CLOSED');
  });
});
