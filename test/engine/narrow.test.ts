import { describe, expect, it } from 'vitest';
import { explain } from '../../src/explain.js';
import { autoApprove, reviewers, type AccessAsk, type JitEngine, type JitEngineOptions, type Verdict } from '../../src/index.js';
import { readJournal, replay, verifyStore } from '../../src/journal.js';
import { purge } from '../../src/retention.js';
import { ScriptedApprover } from '../../src/testing.js';
import { expectReplayed } from '../property/fold.js';
import { ANA, anEngine, aPending, ask, at, entriesOf, HOUR, LEE, MAYA, MINUTE, refusal, SAM, typesOf } from './an-engine.js';
import { wholeStore } from './whole-store.js';

const NOOR = 'user:noor';
const BUNDLE = { scopes: ['a', 'b', 'c'], ttl: HOUR } as const satisfies Partial<AccessAsk>;

type Quorum = Extract<Verdict, { outcome: 'review' }>['quorum'];

/** An engine with this quorum. The groups of the reviewers may change while it is asked. */
function anOffice(quorum: Quorum, options: Partial<JitEngineOptions> = {}) {
  const members: Record<string, readonly string[]> = { [SAM]: ['ops'], [ANA]: ['ops'], [LEE]: ['sec'], [NOOR]: ['ops', 'sec'] };
  const approver = new ScriptedApprover({
    decide: { outcome: 'review', quorum },
    groupsOf: (reviewer) => members[reviewer] ?? [],
  });
  return { ...anEngine({ approver, ...options, limits: { maxTotal: '7d', ...options.limits } }), approver, members };
}
const ops = (approvals: number, over: object = {}): Quorum => ({ groups: [{ name: 'ops', approvals }], ...over });
const BOTH: Quorum = {
  groups: [
    { name: 'ops', approvals: 1 },
    { name: 'sec', approvals: 1 },
  ],
};

async function requestOf(engine: JitEngine, id: string) {
  const found = await engine.getRequest(id);
  if (found === undefined) throw new Error(`there is no request ${id}`);
  return found;
}

/** The scopes and the window of the grants of a request, and what its end says. */
async function given(engine: JitEngine, id: string) {
  const { request, grants } = await requestOf(engine, id);
  const ids = grants.map((grant) => grant.id.slice(id.length));
  const granted = request.end?.status === 'approved' ? request.end.granted : undefined;
  return { ids, scopes: grants.map(({ scope }) => scope), ms: grants.map((one) => one.expiresAt - one.startsAt), granted };
}

describe('deny()', () => {
  it('L16 is accepted where the other approvals leave no time for an approval', async () => {
    const { engine, clock } = anOffice(ops(2));
    const { id } = await aPending(engine, { ...BUNDLE, startsAt: at(MINUTE) });
    await engine.approve(id, { by: SAM, ttl: 5 * MINUTE });
    await clock.advance(7 * MINUTE);
    await refusal(engine.approve(id, { by: ANA }), 'ERR_JIT_REQUIREMENTS');
    await engine.deny(id, { by: ANA });
    expect((await requestOf(engine, id)).request.end).toMatchObject({ status: 'denied', cause: 'quorum', by: ANA });
  });
});

describe('approve() with ttl or scopes (feature 4)', () => {
  it('L18 grants the shorter time and the fewer scopes, and keeps what was requested on the request', async () => {
    const { engine, store } = anOffice(ops(1));
    const { id } = await aPending(engine, BUNDLE);
    const result = await engine.approve(id, { by: SAM, ttl: '10m', scopes: ['c', 'a'] });
    expect(result).toMatchObject({
      outcome: 'granted',
      request: { scopes: ['a', 'b', 'c'], ttlMs: HOUR, reviews: [{ reviewer: SAM, ttlMs: 10 * MINUTE, scopes: ['a', 'c'] }] },
    });
    expect(await given(engine, id)).toEqual({
      ids: ['.1', '.3'],
      scopes: ['a', 'c'],
      ms: [10 * MINUTE, 10 * MINUTE],
      granted: { scopes: ['a', 'c'], ttlMs: 10 * MINUTE },
    });
    expect(await engine.filterAllowed(MAYA, ['a', 'b', 'c'])).toEqual(['a', 'c']);
    const [reviewed, approved] = (await entriesOf(store)).filter(({ type }) => /reviewed|approved/.test(type));
    expect(reviewed?.data['review']).toMatchObject({ ttlMs: 10 * MINUTE, scopes: ['a', 'c'] });
    expect(approved?.data['end']).toMatchObject({ granted: { scopes: ['a', 'c'], ttlMs: 10 * MINUTE } });
  });

  it('L18 of several approvals the shortest time and the common scopes apply', async () => {
    const { engine } = anOffice(ops(3));
    const { id } = await aPending(engine, BUNDLE);
    await engine.approve(id, { by: SAM, scopes: ['a', 'b'], ttl: '30m' });
    await engine.approve(id, { by: ANA, scopes: ['b', 'c'] });
    await engine.approve(id, { by: NOOR, ttl: '20m' });
    expect(await given(engine, id)).toMatchObject({ ids: ['.2'], ms: [20 * MINUTE], granted: { scopes: ['b'], ttlMs: 20 * MINUTE } });
  });

  it('L18 an approval that the quorum does not need binds too', async () => {
    const { engine } = anOffice(BOTH);
    const { id } = await aPending(engine, BUNDLE);
    await engine.approve(id, { by: SAM });
    await engine.approve(id, { by: ANA, ttl: '5m' });
    await engine.approve(id, { by: LEE });
    expect(await given(engine, id)).toMatchObject({ granted: { scopes: ['a', 'b', 'c'], ttlMs: 5 * MINUTE } });
  });

  it('L17 a stale approval binds no more', async () => {
    const { engine, clock } = anOffice(ops(2, { approvalTtlMs: MINUTE }));
    const { id } = await aPending(engine, BUNDLE);
    await engine.approve(id, { by: SAM, scopes: ['a'], ttl: '5m' });
    await clock.set(at(MINUTE));
    await engine.approve(id, { by: ANA, scopes: ['b', 'c'] });
    await engine.approve(id, { by: NOOR });
    expect(await given(engine, id)).toMatchObject({ granted: { scopes: ['b', 'c'], ttlMs: HOUR } });
  });

  it('L17 the approval of a reviewer who has left the group binds no more', async () => {
    const { engine, members } = anOffice(ops(2));
    const { id } = await aPending(engine, BUNDLE);
    await engine.approve(id, { by: SAM, scopes: ['a', 'b'], ttl: '5m' });
    members[SAM] = [];
    await engine.approve(id, { by: ANA, scopes: ['b', 'c'] });
    await engine.approve(id, { by: NOOR });
    expect((await given(engine, id)).granted).toEqual({ scopes: ['b', 'c'], ttlMs: HOUR });
  });

  it('the approval of a locked reviewer binds no more while the lock is open', async () => {
    const { engine } = anOffice(ops(2));
    const { id } = await aPending(engine, BUNDLE);
    await engine.approve(id, { by: SAM, ttl: '5m' });
    await engine.lock({ subject: SAM }, { by: 'user:ciso' });
    await engine.approve(id, { by: ANA });
    await engine.approve(id, { by: NOOR });
    expect((await given(engine, id)).granted).toEqual({ scopes: ['a', 'b', 'c'], ttlMs: HOUR });
  });

  it('a denial of the same reviewer replaces the approval, and its terms bind no more', async () => {
    const { engine } = anOffice(ops(2, { denials: 2 }));
    const { id } = await aPending(engine, BUNDLE);
    await engine.approve(id, { by: SAM, scopes: ['a'] });
    await engine.deny(id, { by: SAM });
    await engine.approve(id, { by: ANA, scopes: ['b'] });
    await engine.approve(id, { by: NOOR });
    expect((await given(engine, id)).granted).toEqual({ scopes: ['b'], ttlMs: HOUR });
  });

  it('L14 a later approval with other terms replaces the earlier one of its reviewer, and one with the same terms adds nothing', async () => {
    const { engine, store, clock } = anOffice(ops(2));
    const { id } = await aPending(engine, BUNDLE);
    await engine.approve(id, { by: SAM, scopes: ['a'] });
    await clock.set(at(MINUTE));
    for (const terms of [{ scopes: ['b', 'a'] }, { scopes: ['a', 'b'] }, { scopes: ['a', 'b'], ttl: '1h' } as const]) {
      expect((await engine.approve(id, { by: SAM, ...terms })).outcome).toBe('pending');
    }
    const { reviews } = (await requestOf(engine, id)).request;
    expect(reviews).toMatchObject([{ reviewer: SAM, scopes: ['a', 'b'], ttlMs: undefined, at: at(MINUTE) }]);
    // Wider again: the reviewer may widen the own approval.
    await engine.approve(id, { by: SAM });
    expect((await requestOf(engine, id)).request.reviews).toMatchObject([{ scopes: undefined }]);
    expect((await typesOf(store)).filter((type) => type === 'request.reviewed')).toHaveLength(3);
  });

  it('L14 the quorum never shrinks with the scopes', async () => {
    const { engine } = anOffice(ops(2));
    const { id } = await aPending(engine, BUNDLE);
    expect((await engine.approve(id, { by: SAM, scopes: ['a'] })).outcome).toBe('pending');
    expect(await engine.isAllowed(MAYA, 'a')).toBe(false);
  });

  it('L10 refuses an approval that leaves nothing in common, records only the attempt, and names the rest', async () => {
    const { engine, store } = anOffice(ops(2));
    const { id } = await aPending(engine, BUNDLE);
    await engine.approve(id, { by: SAM, scopes: ['a', 'b'] });
    const before = (await requestOf(engine, id)).request;
    const error = await refusal(engine.approve(id, { by: ANA, scopes: ['c'] }), 'ERR_JIT_REQUIREMENTS');
    expect(error).toMatchObject({ requestId: id, problems: [{ field: 'scopes', code: 'nothing_left', limit: 'a, b', got: 'c' }] });
    expect((await requestOf(engine, id)).request).toEqual(before);
    await engine.flushAudit();
    const [last] = (await entriesOf(store)).slice(-1);
    expect(last).toMatchObject({ type: 'attempt.refused', actor: ANA, requestId: id, data: { code: 'ERR_JIT_REQUIREMENTS' } });
    expect((await engine.approve(id, { by: ANA, scopes: ['b', 'c'] })).outcome).toBe('granted');
    expect(await given(engine, id)).toMatchObject({ ids: ['.2'], granted: { scopes: ['b'], ttlMs: HOUR } });
  });

  it('L4 narrows a window with a start from its start, and refuses the approval that would leave none of it', async () => {
    const { engine, clock } = anOffice(ops(2));
    const { id } = await aPending(engine, { ...BUNDLE, startsAt: at(HOUR) });
    await engine.approve(id, { by: SAM, ttl: '10m' });
    await clock.set(at(HOUR + 10 * MINUTE));
    const error = await refusal(engine.approve(id, { by: ANA }), 'ERR_JIT_REQUIREMENTS');
    expect(error.problems).toEqual([{ field: 'ttl', code: 'nothing_left', limit: 10 * MINUTE, got: HOUR }]);
    await engine.approve(id, { by: SAM, ttl: '20m' });
    await engine.approve(id, { by: ANA });
    const { grants } = await requestOf(engine, id);
    expect(grants[0]).toMatchObject({ startsAt: at(HOUR + 10 * MINUTE), expiresAt: at(HOUR + 20 * MINUTE) });
  });

  it('L16 accepts a denial where the recorded approvals leave none of the window', async () => {
    const { engine, clock } = anOffice(ops(2));
    const { id } = await aPending(engine, { ...BUNDLE, startsAt: at(HOUR) });
    await engine.approve(id, { by: SAM, ttl: '10m' });
    await clock.set(at(HOUR + 10 * MINUTE));
    await refusal(engine.approve(id, { by: ANA }), 'ERR_JIT_REQUIREMENTS');
    await engine.deny(id, { by: ANA });
    expect((await requestOf(engine, id)).request.reviews).toMatchObject([{ reviewer: SAM }, { reviewer: ANA, verdict: 'deny' }]);
  });

  it('narrows an extension', async () => {
    const { engine } = anOffice(ops(1));
    const { id } = await aPending(engine, BUNDLE);
    await engine.approve(id, { by: SAM });
    const { request } = await engine.extend(`${id}.2`, { requestedBy: MAYA, ttl: '1h' });
    await engine.approve(request.id, { by: ANA, ttl: '15m' });
    expect(await given(engine, request.id)).toMatchObject({ ids: ['.1'], scopes: ['b'], ms: [15 * MINUTE] });
    expect((await engine.getGrant(`${id}.2`))?.successors).toMatchObject([{ grantId: `${request.id}.1` }]);
  });

  it('counts only the granted scopes against limits.maxGrants', async () => {
    const { engine } = anOffice(ops(1), { limits: { maxGrants: 3 } });
    const [first, second] = [await aPending(engine, BUNDLE), await aPending(engine, { scopes: ['d', 'e'], ttl: HOUR })];
    await engine.approve(first.id, { by: SAM, scopes: ['a', 'b'] });
    expect((await engine.approve(second.id, { by: SAM, scopes: ['e'] })).outcome).toBe('granted');
  });

  it('L11 does not return narrowed access for the same ask', async () => {
    const { engine } = anOffice(ops(1));
    for (const terms of [{ scopes: ['a', 'b'] }, { ttl: '30m' } as const]) {
      const { id } = await aPending(engine, BUNDLE);
      await engine.approve(id, { by: SAM, ...terms });
      expect(await ask(engine, BUNDLE)).toMatchObject({ reused: false, outcome: 'pending' });
      await engine.revokeAll({ subject: MAYA }, { by: 'user:ciso' });
    }
  });

  it.each([
    ['an approver', { approver: autoApprove(() => true) }, 'approver'],
    ['reviewers without terms', {}, 'quorum'],
  ] as const)('the end says that %s gave what was requested', async (_, options, cause) => {
    const { engine } = anEngine(options);
    const asked = await ask(engine, BUNDLE);
    if (asked.outcome === 'pending') await engine.approve(asked.request.id, { by: SAM });
    const { end } = (await requestOf(engine, asked.request.id)).request;
    expect(end).toMatchObject({ cause, granted: { scopes: ['a', 'b', 'c'], ttlMs: HOUR } });
  });

  it('shows other reviewers what the approvals so far leave', async () => {
    const { engine, clock } = anOffice(ops(3, { approvalTtlMs: MINUTE }));
    const { id } = await aPending(engine, BUNDLE);
    const narrowedTo = async () => (await engine.inbox(NOOR)).items.map((item) => item.narrowedTo);
    await engine.approve(id, { by: SAM });
    expect(await narrowedTo()).toEqual([undefined]);
    await engine.approve(id, { by: ANA, ttl: '5m', scopes: ['b', 'c'] });
    expect(await narrowedTo()).toEqual([{ scopes: ['b', 'c'], ttlMs: 5 * MINUTE }]);
    await clock.set(at(MINUTE));
    expect(await narrowedTo()).toEqual([undefined]);
  });
});

describe('the bad terms of an approval', () => {
  it.each([
    ['ttl', { ttl: 0 }, 'ttl'],
    ['ttl', { ttl: '1 h' }, 'ttl'],
    ['ttl', { ttl: null }, 'ttl'],
    ['no scope', { scopes: [] }, 'scopes'],
    ['scopes', { scopes: 'a' }, 'scopes'],
    ['a scope', { scopes: ['a', 'a::b'] }, 'scopes[1]'],
    ['a scope twice', { scopes: ['a', 'b', 'a'] }, 'scopes[2]'],
    ['51 scopes', { scopes: Array.from({ length: 51 }, (_, i) => `s${i}`) }, 'scopes'],
    ['an unknown option', { scope: 'a' }, 'options'],
  ])('L23 are refused by name, and nothing is stored: %s', async (_, terms, argument) => {
    const { engine, store } = anOffice(ops(1));
    const { id } = await aPending(engine, BUNDLE);
    const before = await wholeStore(store);
    const error = await refusal(engine.approve(id, { by: SAM, ...(terms as object) }), 'ERR_JIT_INVALID_ARGUMENT');
    expect(error.argument).toBe(argument);
    expect(await wholeStore(store)).toEqual(before);
  });

  it('a denial has no terms', async () => {
    const { engine } = anOffice(ops(1));
    const { id } = await aPending(engine, BUNDLE);
    for (const terms of [{ ttl: '5m' }, { scopes: ['a'] }]) {
      const error = await refusal(engine.deny(id, { by: SAM, ...terms }), 'ERR_JIT_INVALID_ARGUMENT');
      expect(error.argument).toBe('options');
    }
  });

  it('L18 that exceed what was requested are refused with all problems, and nothing is recorded', async () => {
    const { engine } = anOffice(ops(1), { limits: { minTtl: '1m' } });
    const { id } = await aPending(engine, BUNDLE);
    const before = (await requestOf(engine, id)).request;
    for (const [terms, problems] of [
      [{ ttl: '2h', scopes: ['a', 'd'] }, ['too_long', 'not_allowed']],
      [{ ttl: '59s' }, ['too_short']],
    ] as const) {
      const error = await refusal(engine.approve(id, { by: SAM, ...terms }), 'ERR_JIT_REQUIREMENTS');
      expect(error.problems.map(({ code }) => code)).toEqual(problems);
    }
    expect((await requestOf(engine, id)).request).toEqual(before);
  });
});

describe('a narrowed request', () => {
  async function narrowed() {
    const made = anOffice(ops(1));
    const { id } = await aPending(made.engine, BUNDLE);
    await made.engine.approve(id, { by: SAM, scopes: ['c', 'a'], ttl: '10m' });
    return { ...made, id };
  }

  it('L10 L27 is replayed and verified with its gaps, and the past agrees', async () => {
    const { engine, store, clock, id } = await narrowed();
    await clock.set(at(MINUTE));
    await expectReplayed(store);
    expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [] });
    const { requests, grants } = await replay(readJournal(store));
    expect([...grants.keys()]).toEqual([`${id}.1`, `${id}.3`]);
    expect(requests.get(id)?.end).toMatchObject({ granted: { scopes: ['a', 'c'], ttlMs: 10 * MINUTE } });
    const holders = async (scope: string) => (await engine.whoHadAccess({ scope, at: at(MINUTE) })).items.map((grant) => grant.id);
    expect([await holders('a'), await holders('b'), await holders('c')]).toEqual([[`${id}.1`], [], [`${id}.3`]]);
  });

  it('L26 a grant of an omitted scope is named as a difference', async () => {
    const { store, id } = await narrowed();
    const [row] = await store.get([{ kind: 'grant', id: `${id}.1` }]);
    if (row === undefined) throw new Error('there is no grant');
    const forged = { ...row, id: `${id}.2`, scope: 'b' };
    await store.commit({ id: 'forged', expect: [{ kind: 'grant', id: forged.id, version: 0 }], put: [forged], append: [] });
    expect((await verifyStore(store)).differences.map((one) => one.id)).toEqual([forged.id]);
  });

  it('L12 is ended whole by revokeAll of the request', async () => {
    const { engine, id } = await narrowed();
    const { grants } = await engine.revokeAll({ requestId: id }, { by: 'user:ciso' });
    expect(grants.map((grant) => grant.id).sort()).toEqual([`${id}.1`, `${id}.3`]);
    expect(await engine.filterAllowed(MAYA, ['a', 'b', 'c'])).toEqual([]);
  });

  it('lists as granted until its narrowed window ends, then as ended', async () => {
    const { engine, clock } = await narrowed();
    const outcomes = async () => (await engine.listRequests()).items.map(({ outcome }) => outcome);
    await clock.set(at(10 * MINUTE - 1));
    expect(await outcomes()).toEqual(['granted']);
    await clock.set(at(10 * MINUTE));
    expect(await outcomes()).toEqual(['ended']);
  });

  it('L33 is purged with its grants', async () => {
    const { engine, store, clock } = await narrowed();
    await clock.advance('2d');
    await engine.sweep();
    expect(await purge(engine, { before: clock.now(), by: 'user:dpo', force: true })).toMatchObject({ requests: 1, grants: 2 });
    for (const kind of ['request', 'grant']) expect((await store.find({ kind, limit: 9 })).items).toEqual([]);
  });

  it('explains an omitted scope as narrowed, with the request', async () => {
    const { engine, id } = await narrowed();
    expect(await explain(engine, MAYA, 'b')).toMatchObject({ allowed: false, reason: 'narrowed', request: { id }, grant: undefined });
    expect(await explain(engine, MAYA, 'a')).toMatchObject({ allowed: true, reason: 'granted', request: { id } });
  });

  it('is not reported as unreadable to a sink that asks for its grants', async () => {
    const { engine, store, clock } = await narrowed();
    const seen: (readonly string[] | undefined)[] = [];
    const write = async (entries: readonly { readonly type: string; readonly requestId?: string | undefined }[], context: unknown) => {
      const { request } = context as {
        request(id: string): Promise<{ readonly grants: readonly { readonly scope: string }[] } | undefined>;
      };
      for (const { type, requestId = '' } of entries)
        if (type === 'request.approved') seen.push((await request(requestId))?.grants.map(({ scope }) => scope));
    };
    const { engine: reader, told } = anEngine({ store, clock, audit: { name: 'siem', write } });
    await reader.flushAudit();
    expect(seen).toEqual([['a', 'c']]);
    expect(told).toEqual([]);
    await engine.close();
  });
});

describe('two reviewers who narrow differently at once', () => {
  const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);

  it('L9 L10 L18 have one order: both terms apply, or the second is refused with what the first left, and both are logged', async () => {
    const outcomes = new Set<string>();
    for (const seed of SEEDS) {
      for (const [sams, anas] of [
        [
          ['a', 'b'],
          ['b', 'c'],
        ],
        [['a'], ['b']],
      ] as const) {
        const { engine, store, clock } = anOffice(ops(2));
        const { engine: other } = anOffice(ops(2), { store, clock });
        const { id } = await aPending(engine, BUNDLE);
        store.inject('all', { fault: 'yield', seed });
        const settled = await Promise.allSettled([
          engine.approve(id, { by: SAM, scopes: sams }),
          other.approve(id, { by: ANA, scopes: anas, ttl: '5m' }),
        ]);
        store.clear();
        await Promise.all([engine.flushAudit(), other.flushAudit()]);
        const codes = settled.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : []));
        const { request, grants } = await requestOf(engine, id);
        const types = await typesOf(store);
        outcomes.add(codes.join());
        if (sams.length === 1) {
          expect(codes).toEqual(['ERR_JIT_REQUIREMENTS']);
          expect(request).toMatchObject({ end: undefined, reviews: [{ verdict: 'approve' }] });
          expect(grants).toEqual([]);
          expect(types.filter((type) => /reviewed|refused/.test(type))).toEqual(['request.reviewed', 'attempt.refused']);
        } else {
          expect(codes).toEqual([]);
          expect(request.end).toMatchObject({ status: 'approved', granted: { scopes: ['b'], ttlMs: 5 * MINUTE } });
          expect(grants.map((grant) => grant.id)).toEqual([`${id}.2`]);
          expect(types.filter((type) => /reviewed|approved|issued/.test(type))).toHaveLength(4);
        }
        await expectReplayed(store);
      }
    }
    expect([...outcomes].sort()).toEqual(['', 'ERR_JIT_REQUIREMENTS']);
  });

  it('L9 an approval of the whole and a narrow one that both complete the quorum: exactly one decides', async () => {
    for (const seed of SEEDS) {
      const { engine, store, clock } = anEngine({ approver: reviewers({ members: [SAM, ANA] }) });
      const { engine: other } = anEngine({ approver: reviewers({ members: [SAM, ANA] }), store, clock });
      const { id } = await aPending(engine, BUNDLE);
      store.inject('all', { fault: 'yield', seed });
      const [whole, narrow] = await Promise.allSettled([
        engine.approve(id, { by: SAM }),
        other.approve(id, { by: ANA, scopes: ['b'], ttl: '5m' }),
      ]);
      store.clear();
      expect([whole.status, narrow.status].sort()).toEqual(['fulfilled', 'rejected']);
      const expected = whole.status === 'fulfilled' ? { scopes: ['a', 'b', 'c'], ttlMs: HOUR } : { scopes: ['b'], ttlMs: 5 * MINUTE };
      expect((await given(engine, id)).granted).toEqual(expected);
      expect((await typesOf(store)).filter((type) => type === 'request.approved')).toHaveLength(1);
    }
  });
});
