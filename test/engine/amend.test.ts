import { describe, expect, it, vi } from 'vitest';
import { reviewers, type AccessRequest, type AccessResult, type JitEngine } from '../../src/index.js';
import { purge } from '../../src/retention.js';
import { verifyStore } from '../../src/journal.js';
import { ScriptedApprover } from '../../src/testing.js';
import { linksOf } from '../features/links/links-of.js';
import { expectReplayed } from '../property/fold.js';
import { ANA, anEngine, aPending, ask, at, entriesOf, HOUR, LEE, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from './an-engine.js';
import { wholeStore } from './whole-store.js';

const NOOR = 'user:noor';
const TWO = reviewers({ members: [SAM, ANA, LEE], approvals: 2 });
const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);

const byMaya = { by: MAYA };

async function amended(engine: JitEngine, id: string, over: object = { ttl: '1h' }): Promise<AccessResult> {
  return engine.amend(id, { ...byMaya, ...over });
}

describe('amend', () => {
  it('cancels the request and opens a new one that replaces it, in one change (feature 10)', async () => {
    const { engine, clock, store } = anEngine();
    const old = await aPending(engine, { justification: 'a hotfix', ticket: 'INC-1', metadata: { env: 'prod' } });
    await clock.advance(MINUTE);
    const { request, outcome, reused } = await amended(engine, old.id, { ttl: '1h', justification: 'a migration' });
    expect({ outcome, reused }).toEqual({ outcome: 'pending', reused: false });
    expect(request).toMatchObject({ subject: MAYA, requestedBy: MAYA, scopes: [SCOPE], ttlMs: HOUR, replaces: old.id });
    expect(request).toMatchObject({ justification: 'a migration', ticket: 'INC-1', metadata: { env: 'prod' }, status: 'pending' });
    expect(request.reviewBy).toBe(old.reviewBy + MINUTE);
    const before = (await engine.getRequest(old.id))?.request;
    expect(before).toMatchObject({ status: 'cancelled', end: { cause: 'amended', by: MAYA }, replacedBy: request.id, ttlMs: old.ttlMs });
    const made = (await entriesOf(store)).filter(({ type }) => type === 'request.cancelled' || type === 'request.created');
    expect(made.map(({ type, requestId }) => [type, requestId])).toEqual([
      ['request.created', old.id],
      ['request.cancelled', old.id],
      ['request.created', request.id],
    ]);
    const changeOf = (id = '') => id.slice(0, id.lastIndexOf('.'));
    expect(changeOf(made[1]?.id)).toBe(changeOf(made[2]?.id));
    expect(made[1]?.data).toMatchObject({ replacedBy: request.id });
    expect(made[2]?.data).toMatchObject({ replaces: old.id });
    await expectReplayed(store);
    expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [] });
  });

  it.each([
    ['ttl', { ttl: '20m' }, { ttlMs: 20 * MINUTE }],
    ['justification', { justification: 'other' }, { justification: 'other' }],
    ['ticket', { ticket: 'INC-2' }, { ticket: 'INC-2' }],
    ['metadata', { metadata: { env: 'test' } }, { metadata: { env: 'test' } }],
  ])('changes only the %s (feature 10)', async (_, over, changed) => {
    const { engine } = anEngine();
    const given = { justification: 'a hotfix', ticket: 'INC-1', metadata: { env: 'prod' }, startsAt: at(HOUR) };
    const old = await aPending(engine, { scopes: ['a', 'b'], ...given });
    const { request } = await amended(engine, old.id, over);
    const { subject, scopes, ttlMs, startsAt, justification, ticket, metadata } = old;
    expect(request).toMatchObject({ subject, scopes, ttlMs, startsAt, justification, ticket, metadata, ...changed });
  });

  it('L18 counts no review and no link of the old request: both are refused, and name the new one', async () => {
    const { engine } = anEngine({ approver: TWO });
    const old = await aPending(engine);
    const links = linksOf(engine);
    const link = await links.create(old.id, { reviewer: ANA, decision: 'approve' });
    await engine.approve(old.id, { by: SAM });
    const { request } = await amended(engine, old.id, { ttl: '8h' });
    expect(request.reviews).toEqual([]);
    for (const late of [
      () => engine.approve(old.id, { by: ANA }),
      () => engine.deny(old.id, { by: ANA }),
      () => links.redeem(link, { by: ANA }),
    ])
      expect(await refusal(late, 'ERR_JIT_DECIDED')).toMatchObject({ requestId: old.id, status: 'cancelled', replacedBy: request.id });
    expect((await engine.approve(request.id, { by: ANA })).outcome).toBe('pending');
    expect((await engine.approve(request.id, { by: SAM })).outcome).toBe('granted');
  });

  it('is reached by revokeAll of the old request, as are its grants, also after a second amendment', async () => {
    const { engine, store } = anEngine();
    const old = await aPending(engine);
    const { request: second } = await amended(engine, old.id, { ttl: '1h' });
    const { request: third } = await amended(engine, second.id, { ttl: '30m' });
    expect((await engine.approve(third.id, { by: SAM })).outcome).toBe('granted');
    const report = await engine.revokeAll({ requestId: old.id }, { by: SAM });
    expect(report.grants).toMatchObject([{ requestId: third.id, status: 'revoked' }]);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    const again = await aPending(engine);
    const { request: pending } = await amended(engine, again.id, { ttl: '1h' });
    expect((await engine.revokeAll({ requestId: again.id }, { by: SAM })).requests).toMatchObject([
      { id: pending.id, status: 'cancelled' },
    ]);
    await expectReplayed(store);
  });

  it('L12 is followed by revokeAll of the old request while its requester amends it repeatedly', async () => {
    const { engine, store, clock } = anEngine();
    const first = await aPending(engine);
    const commit = store.commit.bind(store);
    let [latest, left, isBusy] = [first.id, 3, false];
    vi.spyOn(store, 'commit').mockImplementation(async (change) => {
      if (!isBusy && left > 0 && change.put.some(({ kind, id }) => kind === 'request' && id === latest)) {
        isBusy = true;
        // The newer requests cause no further pass.
        await clock.advance(1);
        latest = (await amended(engine, latest, { justification: `try ${left--}` })).request.id;
        isBusy = false;
      }
      return commit(change);
    });
    await engine.revokeAll({ requestId: first.id }, { by: SAM });
    expect(left).toBe(0);
    expect((await engine.getRequest(latest))?.request).toMatchObject({ status: 'cancelled', end: { cause: 'revoked' } });
  });

  it('L42 makes revokeAll say that it failed, where that never ends', async () => {
    const { engine, store } = anEngine();
    const first = await aPending(engine);
    const commit = store.commit.bind(store);
    let [latest, made, isBusy] = [first.id, 0, false];
    vi.spyOn(store, 'commit').mockImplementation(async (change) => {
      if (!isBusy && made < 400 && change.put.some(({ kind, id }) => kind === 'request' && id === latest)) {
        isBusy = true;
        latest = (await amended(engine, latest, { justification: `try ${made++}` })).request.id;
        isBusy = false;
      }
      return commit(change);
    });
    const error = await refusal(engine.revokeAll({ requestId: first.id }, { by: SAM }), 'ERR_JIT_PARTIAL');
    expect(error.failures).toMatchObject([{ kind: 'request' }]);
  });

  it('asks the approver again: a value that a rule allows at once is granted', async () => {
    const quorum = { groups: [{ name: 'ops', approvals: 1 }] };
    const approver = new ScriptedApprover({
      decide: ({ ttlMs }) => (ttlMs > HOUR / 2 ? { outcome: 'review', quorum } : { outcome: 'approve' }),
      groupsOf: ['ops'],
    });
    const { engine } = anEngine({ approver });
    const old = await aPending(engine, { ttl: '1h' });
    const result = await amended(engine, old.id, { ttl: '10m' });
    expect(result).toMatchObject({ outcome: 'granted', allowed: true, request: { replaces: old.id } });
  });

  it('is for the requester alone: not for the subject of a request that another caller made (L15)', async () => {
    const { engine, store } = anEngine();
    const old = await aPending(engine, { requestedBy: NOOR });
    for (const by of [MAYA, SAM]) {
      const error = await refusal(engine.amend(old.id, { by, ttl: '1h' }), 'ERR_JIT_DENIED');
      expect(error.message).toBe(`only its requester may amend request ${old.id}`);
    }
    expect((await engine.getRequest(old.id))?.outcome).toBe('pending');
    const { request } = await engine.amend(old.id, { by: NOOR, ttl: '1h' });
    expect(request).toMatchObject({ subject: MAYA, requestedBy: NOOR });
    await expectReplayed(store);
  });

  it('L8 L13 refuses a request that has ended, or whose deadline has passed', async () => {
    const { engine, clock, store } = anEngine();
    const approved = await aPending(engine, { scope: 'a' });
    await engine.approve(approved.id, { by: SAM });
    const cancelled = await aPending(engine, { scope: 'b' });
    await engine.cancel(cancelled.id, byMaya);
    const overdue = await aPending(engine, { scope: 'c' });
    for (const [id, status] of [
      [approved.id, 'approved'],
      [cancelled.id, 'cancelled'],
    ] as const)
      expect(await refusal(amended(engine, id), 'ERR_JIT_DECIDED')).toMatchObject({ status, replacedBy: undefined });
    await clock.set(overdue.reviewBy);
    expect(await refusal(amended(engine, overdue.id), 'ERR_JIT_DEADLINE')).toMatchObject({ requestId: overdue.id });
    expect(await engine.getRequest(overdue.id)).toMatchObject({
      outcome: 'expired',
      request: { version: overdue.version, replacedBy: undefined },
    });
    expect((await typesOf(store)).filter((type) => type === 'request.created')).toHaveLength(3);
    await refusal(amended(engine, 'nothing'), 'ERR_JIT_NOT_FOUND');
  });

  it('refuses an amendment that changes nothing, so that it voids no review', async () => {
    const { engine } = anEngine({ approver: TWO });
    const old = await aPending(engine, { justification: 'a hotfix' });
    await engine.approve(old.id, { by: SAM });
    const error = await refusal(amended(engine, old.id, { ttl: 15 * MINUTE, justification: 'a hotfix' }), 'ERR_JIT_INVALID_ARGUMENT');
    expect(error.argument).toBe('options');
    expect((await engine.getRequest(old.id))?.request.reviews).toHaveLength(1);
  });

  it('L3 judges the new values by every limit, and keeps the old request where they are refused', async () => {
    const { engine } = anEngine({ limits: { maxTtl: '2h' } });
    const old = await aPending(engine);
    expect(await refusal(amended(engine, old.id, { ttl: '3h' }), 'ERR_JIT_REQUIREMENTS')).toMatchObject({
      problems: [{ field: 'ttl', code: 'too_long', limit: 2 * HOUR, got: 3 * HOUR }],
    });
    expect((await engine.getRequest(old.id))?.outcome).toBe('pending');
  });

  it('asks for eligibility again, and keeps the old request where the subject has none', async () => {
    const approver = new ScriptedApprover({
      decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } },
      isEligible: true,
    });
    const { engine } = anEngine({ approver });
    const old = await aPending(engine);
    approver.script.isEligible = false;
    await refusal(amended(engine, old.id), 'ERR_JIT_INELIGIBLE');
    expect((await engine.getRequest(old.id))?.outcome).toBe('pending');
  });

  it('does not count the old request against the limits (L44)', async () => {
    const { engine, store } = anEngine({ limits: { maxOpenRequests: 1, maxTotal: '1h' } });
    const own = await aPending(engine, { ttl: '30m' });
    expect((await amended(engine, own.id)).outcome).toBe('pending');
    const forLee = await aPending(engine, { subject: LEE, requestedBy: NOOR, scope: 'b' });
    const next = await engine.amend(forLee.id, { by: NOOR, ttl: '30m' });
    expect(next.outcome).toBe('pending');
    expect(await refusal(ask(engine, { subject: LEE, requestedBy: NOOR, scope: 'c' }), 'ERR_JIT_LIMIT')).toMatchObject({
      limit: 'maxOpenRequests',
    });
    await engine.cancel(next.request.id, { by: NOOR });
    expect((await ask(engine, { subject: LEE, requestedBy: NOOR, scope: 'c' })).outcome).toBe('pending');
    await expectReplayed(store);
  });

  it('still counts every other request and grant against the limits', async () => {
    const { engine } = anEngine({ limits: { maxTotal: '1h' } });
    await engine.approve((await aPending(engine, { ttl: '40m' })).id, { by: SAM });
    const next = await aPending(engine, { startsAt: at(40 * MINUTE), ttl: '10m' });
    expect((await amended(engine, next.id, { ttl: '20m' })).outcome).toBe('pending');
    const [open] = (await engine.listRequests({ status: 'pending' })).items;
    const error = await refusal(amended(engine, open?.id as string, { ttl: '30m' }), 'ERR_JIT_LIMIT');
    expect(error).toMatchObject({ limit: 'maxTotal', max: HOUR, got: 70 * MINUTE });
  });

  describe('of a request with a denial', () => {
    const quorum = { groups: [{ name: 'ops', approvals: 1 }], denials: 2 };
    const made = (askAgainAfter?: '24h') =>
      anEngine({
        approver: new ScriptedApprover({ decide: { outcome: 'review', quorum }, groupsOf: ['ops'] }),
        limits: { askAgainAfter, reviewWithin: '3d' },
      });

    it('shows reviewers the denial of the old request in the inbox', async () => {
      const { engine } = made();
      const old = await aPending(engine);
      await engine.deny(old.id, { by: SAM, reason: 'too long' });
      const { request } = await amended(engine, old.id, { ttl: '5m' });
      const [item] = (await engine.inbox(ANA)).items;
      expect(item?.request.id).toBe(request.id);
      expect(item?.denials).toMatchObject([{ requestId: old.id, by: SAM, reason: 'too long' }]);
      expect(item?.twins).toEqual([]);
    });

    it('L44 [EN5] is refused for limits.askAgainAfter, like a new ask: the denial stays, and a second one ends the request', async () => {
      const { engine, clock, store } = made('24h');
      const { id } = await aPending(engine);
      await engine.deny(id, { by: SAM });
      const before = await wholeStore(store);
      for (const values of [{ ttl: 15 * MINUTE - 1000 }, { until: at(HOUR) }, { justification: 'please' }]) {
        const error = await refusal(amended(engine, id, values), 'ERR_JIT_LIMIT');
        expect(error).toMatchObject({ limit: 'askAgainAfter', retryAt: at(24 * HOUR) });
        expect(await refusal(ask(engine, { ttl: '1m' }), 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'askAgainAfter' });
      }
      expect(await wholeStore(store)).toEqual(before);
      expect(await engine.deny(id, { by: ANA })).toMatchObject({ outcome: 'denied' });
      const { id: other } = await aPending(engine, { scope: 'other' });
      await engine.deny(other, { by: SAM });
      await clock.set(at(24 * HOUR - 1));
      await refusal(amended(engine, other, { ttl: '5m' }), 'ERR_JIT_LIMIT');
      await clock.set(at(24 * HOUR));
      expect(await amended(engine, other, { ttl: '5m' })).toMatchObject({ outcome: 'pending' });
    });

    it('L44 [EN5] is refused after thirty denials of three reviewers: no chain of amendments voids one', async () => {
      const { engine } = made('24h');
      let { id } = await aPending(engine);
      let denials = 0;
      for (let i = 0; i < 30; i++) {
        const result = await engine.deny(id, { by: [SAM, ANA, LEE][i % 3] as string }).catch(() => undefined);
        denials += result === undefined ? 0 : 1;
        const next = await amended(engine, id, { ttl: 15 * MINUTE - 1000 * (i + 1) }).catch(() => undefined);
        id = next?.request.id ?? id;
      }
      expect(denials).toBe(2);
      expect(await engine.getRequest(id)).toMatchObject({ outcome: 'denied' });
    });

    it('L44 [EN5] and so is another extension, or the amendment of one; a denial of another ask does not stand against it', async () => {
      const { engine } = made('24h');
      const { id } = await aPending(engine);
      const granted = await engine.approve(id, { by: SAM });
      const grantId = granted.outcome === 'granted' ? (granted.grants[0]?.id as string) : '';
      const extend = (ttl: number) => engine.extend(grantId, { requestedBy: MAYA, ttl });
      await engine.deny((await aPending(engine, { ttl: '2h' })).id, { by: SAM });
      const more = await extend(HOUR);
      expect(more.outcome).toBe('pending');
      await engine.deny(more.request.id, { by: SAM });
      expect(await refusal(amended(engine, more.request.id, { ttl: '5m' }), 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'askAgainAfter' });
      await engine.cancel(more.request.id, { by: MAYA });
      expect(await refusal(extend(HOUR - 1), 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'askAgainAfter' });
    });

    it('L44 [EN5] keeps its denial for other asks after break-glass has overtaken it', async () => {
      const approver = new ScriptedApprover({
        decide: { outcome: 'review', quorum },
        groupsOf: ['ops'],
        breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
      });
      const { engine } = anEngine({ approver, limits: { askAgainAfter: '24h' } });
      const { id } = await aPending(engine);
      await engine.deny(id, { by: SAM });
      await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: '20m', justification: 'down' });
      expect(await engine.getRequest(id)).toMatchObject({ outcome: 'cancelled', request: { end: { cause: 'overtaken' } } });
      expect(await refusal(ask(engine), 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'askAgainAfter' });
    });
  });

  it('opens the new request beside another one that it repeats, unless limits.duplicates refuses that', async () => {
    for (const duplicates of ['return', 'refuse'] as const) {
      const { engine } = anEngine({ limits: { duplicates } });
      const long = await aPending(engine, { ttl: '2h' });
      const short = await aPending(engine, { ttl: '10m' });
      const amending = amended(engine, long.id, { ttl: '30m' });
      if (duplicates === 'refuse') {
        expect(await refusal(amending, 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'duplicates' });
        expect((await engine.getRequest(long.id))?.outcome).toBe('pending');
      } else {
        expect((await amending).request.id).not.toBe(short.id);
        expect((await engine.getRequest(short.id))?.outcome).toBe('pending');
      }
    }
  });

  it('amends a request for more time, which keeps its grant (L12)', async () => {
    const { engine, store } = anEngine();
    const grant = (await engine.approve((await aPending(engine)).id, { by: SAM })) as AccessResult & { grants: readonly { id: string }[] };
    const grantId = grant.grants[0]?.id as string;
    const { request: extension } = await engine.extend(grantId, { requestedBy: MAYA, ttl: '5m' });
    const { request } = await amended(engine, extension.id, { ttl: '10m' });
    expect(request.extension).toEqual(extension.extension);
    await engine.revoke(grantId, { by: 'user:ciso' });
    expect((await engine.getRequest(request.id))?.request.end).toMatchObject({ status: 'cancelled', cause: 'origin_ended' });
    const error = await refusal(amended(engine, request.id, { ttl: '20m' }), 'ERR_JIT_DECIDED');
    expect(error.replacedBy).toBeUndefined();
    await expectReplayed(store);
  });

  it('refuses to amend a request whose extended grant has expired (L4)', async () => {
    const { engine, clock } = anEngine();
    const granted = await engine.approve((await aPending(engine)).id, { by: SAM });
    const { request } = await engine.extend(granted.outcome === 'granted' ? (granted.grants[0]?.id as string) : '', {
      requestedBy: MAYA,
      ttl: '5m',
    });
    await clock.advance(15 * MINUTE);
    await refusal(amended(engine, request.id, { ttl: '10m' }), 'ERR_JIT_ENDED');
    expect((await engine.getRequest(request.id))?.outcome).toBe('pending');
  });

  it('is refused under a lock, and the old request stays for the passes of the lock', async () => {
    const { engine } = anEngine();
    const old = await aPending(engine, { requestedBy: NOOR });
    await engine.lock({ scope: 'other:**' }, { by: SAM });
    expect((await engine.amend(old.id, { by: NOOR, ttl: '5m' })).outcome).toBe('pending');
    await engine.lock({ subject: NOOR }, { by: SAM });
    expect(await refusal(engine.amend(old.id, { by: NOOR, ttl: '6m' }), 'ERR_JIT_DECIDED')).toMatchObject({ status: 'cancelled' });
  });

  describe('under an idempotency key', () => {
    const key = { idempotencyKey: 'k' };

    it('L11 returns the new request as it is now, and writes nothing', async () => {
      const { engine, store } = anEngine();
      const old = await aPending(engine);
      const first = await amended(engine, old.id, { ttl: '1h', ...key });
      await engine.approve(first.request.id, { by: SAM });
      const before = await typesOf(store);
      const again = await amended(engine, old.id, { ttl: '1h', ...key });
      expect(again).toMatchObject({ outcome: 'granted', reused: true, differs: [], request: { id: first.request.id } });
      expect(await typesOf(store)).toEqual(before);
    });

    it('L11 refuses other values and another request under the same key', async () => {
      const { engine } = anEngine();
      const [one, two] = [await aPending(engine, { scope: 'a', ticket: 'T' }), await aPending(engine, { scope: 'b' })];
      await amended(engine, one.id, { ttl: '1h', ticket: 'T', ...key });
      expect((await amended(engine, one.id, { ttl: '1h', ...key })).reused).toBe(true);
      for (const [id, over] of [
        [one.id, { ttl: '2h' }],
        [one.id, { ttl: '1h', ticket: 'U' }],
        [two.id, { ttl: '1h' }],
      ] as const)
        await refusal(amended(engine, id, { ...over, ...key }), 'ERR_JIT_IDEMPOTENCY');
      expect((await engine.getRequest(two.id))?.outcome).toBe('pending');
    });

    it('L11 keeps the key of the ask for the old request, which names the new one', async () => {
      const { engine } = anEngine();
      const old = await aPending(engine, key);
      const { request } = await amended(engine, old.id);
      const repeated = await ask(engine, key);
      expect(repeated).toMatchObject({ outcome: 'cancelled', reused: true, request: { id: old.id, replacedBy: request.id } });
    });

    it('L33 still knows the key after a purge has removed the old request', async () => {
      const { engine, clock } = anEngine({ limits: { maxStartAhead: '30d', reviewWithin: '30d' } });
      const old = await aPending(engine, { ticket: 'T' });
      const { request } = await amended(engine, old.id, { ttl: '1h', ...key });
      await clock.advance('3d');
      await ask(engine, { scope: 'later' });
      await clock.advance('2d');
      await purge(engine, { before: clock.now() - 2 * 24 * HOUR, by: 'user:ops', force: true });
      expect(await engine.getRequest(old.id)).toBeUndefined();
      expect(await amended(engine, old.id, { ttl: '1h', ...key })).toMatchObject({ reused: true, request: { id: request.id } });
      await refusal(amended(engine, old.id, { ttl: '2h', ...key }), 'ERR_JIT_IDEMPOTENCY');
      await refusal(amended(engine, old.id, { ttl: '1h' }), 'ERR_JIT_NOT_FOUND');
    });
  });

  describe('at the same time as another call', () => {
    type Call = (engine: JitEngine, old: AccessRequest, link: string) => Promise<unknown>;
    const RACES: Readonly<Record<string, Call>> = {
      'an approval': (engine, { id }) => engine.approve(id, { by: SAM }),
      'a denial': (engine, { id }) => engine.deny(id, { by: SAM }),
      'an approval link': (engine, _, link) => linksOf(engine).redeem(link, { by: SAM }),
      'a cancel': (engine, { id }) => engine.cancel(id, { by: MAYA }),
      'another amendment': (engine, { id }) => engine.amend(id, { by: MAYA, ttl: '2h' }),
    };
    for (const [what, call] of Object.entries(RACES)) {
      it(`L9 L18 has one outcome against ${what}`, async () => {
        const won = { amend: 0, other: 0 };
        for (const seed of SEEDS) {
          const { engine, store, clock } = anEngine();
          const { engine: other } = anEngine({ store, clock });
          const old = await aPending(engine);
          const link = await linksOf(engine).create(old.id, { reviewer: SAM, decision: 'approve' });
          store.inject('all', { fault: 'yield', seed });
          const [first, second] = await Promise.allSettled([amended(engine, old.id), call(other, old, link)]);
          const winners = [first, second].filter(({ status }) => status === 'fulfilled');
          const end = (await engine.getRequest(old.id))?.request;
          if (first.status === 'fulfilled') {
            won.amend += 1;
            expect(end).toMatchObject({ end: { cause: 'amended' }, replacedBy: first.value.request.id });
            expect(first.value.request.ttlMs).toBe(HOUR);
            expect(first.value.outcome).toBe('pending');
          } else {
            won.other += 1;
            expect((first.reason as { code: string }).code).toBe('ERR_JIT_DECIDED');
          }
          // A cancel of a request that an amendment has cancelled is allowed, and writes nothing.
          if (what !== 'a cancel') expect(winners).toHaveLength(1);
          if (second.status === 'rejected') expect((second.reason as { code: string }).code).toBe('ERR_JIT_DECIDED');
          const open = (await engine.listRequests({ subject: MAYA, status: 'pending' })).items;
          expect(open.length).toBe(first.status === 'fulfilled' || what === 'another amendment' ? 1 : 0);
          await expectReplayed(store);
        }
        expect(won.amend).toBeGreaterThan(0);
        expect(won.other).toBeGreaterThan(0);
      });
    }

    it('L11 returns one request to calls with the same key, and to a repeat of the key of the ask the old one', async () => {
      for (const seed of SEEDS) {
        const { engine, store, clock } = anEngine({ limits: { maxOpenRequests: 1 } });
        const { engine: other } = anEngine({ store, clock, limits: { maxOpenRequests: 1 } });
        const old = await aPending(engine, { idempotencyKey: 'ask' });
        store.inject('all', { fault: 'yield', seed });
        const [one, two, repeat] = await Promise.all([
          amended(engine, old.id, { ttl: '1h', idempotencyKey: 'k' }),
          amended(other, old.id, { ttl: '1h', idempotencyKey: 'k' }),
          ask(other, { idempotencyKey: 'ask' }),
        ]);
        expect(two.request.id).toBe(one.request.id);
        expect([one.reused, two.reused].filter(Boolean)).toHaveLength(1);
        expect(repeat).toMatchObject({ reused: true, request: { id: old.id } });
        expect((await engine.listRequests({ subject: MAYA, status: 'pending' })).items).toHaveLength(1);
      }
    });
  });
});
