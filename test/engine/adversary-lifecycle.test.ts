import { purge } from 'jit-access/retention';
import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import {
  autoApprove,
  firstDecisive,
  isJitError,
  JitEngine,
  MemoryGrantStore,
  StoreError,
  type Approver,
  type JitEngineOptions,
  type Verdict,
} from '../../src/index.js';
import { FaultyStore, ManualClock, ScriptedApprover, START_AT } from '../../src/testing.js';
import { CONFLICT } from '../commit-answers.js';
import { linksOf } from '../features/links/links-of.js';

const MINUTE = 60_000;
const MAYA = 'user:maya';
const SAM = 'user:sam';
const SCOPE = 'db-prod:write';
const REVIEW = { outcome: 'review', quorum: { groups: [{ name: 'g', approvals: 1 }] } } as const;

const inGroup = () => ['g'];
/** People review extensions; a first request is approved automatically. */
const people = () =>
  new ScriptedApprover({
    decide: (request) => (request.extension === undefined ? { outcome: 'approve' } : REVIEW),
    groupsOf: inGroup,
  });

function setup(over: Partial<JitEngineOptions> = {}) {
  const clock = new ManualClock();
  const store = new FaultyStore(new MemoryGrantStore());
  const approver = over.approver ?? autoApprove(() => true);
  const another = (more: Partial<JitEngineOptions> = {}) => new JitEngine({ clock, store, ...over, approver, ...more });
  return { clock, store, engine: another(), another };
}

async function granted(engine: JitEngine, ttl: number = 60 * MINUTE, subject = MAYA, scope = SCOPE) {
  const result = await engine.requestAccess({ subject, scope, ttl });
  if (result.outcome !== 'granted') throw new Error(result.outcome);
  return { request: result.request, grant: result.grants[0]! };
}

const settleMicro = async () => {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setTimeout(resolve, 0));
};

/** Before each commit that ends a grant, its subject takes a use, at most `times` times. @returns how many of those commits conflicted */
function consumedBefore(store: FaultyStore, subject: JitEngine, times: number): () => number {
  const commit = store.commit.bind(store);
  let lost = 0;
  let left = times;
  store.commit = async (change) => {
    const ends = change.put.some((row) => row.kind === 'grant' && !row.open);
    if (!ends || left === 0) return commit(change);
    left -= 1;
    await subject.consume(MAYA, SCOPE);
    const answer = await commit(change);
    if (answer.outcome === 'conflict') lost += 1;
    return answer;
  };
  return () => lost;
}

const codeOf = (error: unknown) => (isJitError(error) ? error.code : String(error));

describe('attacks on the lifecycle', () => {
  it('L12: an extension request that a revoke could not see yet gives no access, also if the old grant had just expired', async () => {
    const { clock, store, engine, another } = setup({ approver: people() });
    const { grant } = await granted(engine, 10 * MINUTE);
    // The extension is requested in the last millisecond; its commit is in flight.
    await clock.set(grant.expiresAt - 1);
    const asker = another();
    store.inject('commit', { fault: 'hang' }, 1);
    const asking = asker.extend(grant.id, { requestedBy: MAYA, ttl: '30m' });
    await settleMicro();
    // The revoke has found no open extension request when the commit of the request arrives.
    await clock.set(grant.expiresAt);
    let letGo = () => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const commit = store.commit.bind(store);
    let mine = true;
    store.commit = async (change) => {
      if (mine) {
        mine = false;
        await held;
      }
      return commit(change);
    };
    const revoking = engine.revoke(grant.id, { by: 'user:boss' });
    await settleMicro();
    store.release();
    const pending = await asking;
    letGo();
    await revoking;
    await engine.approve(pending.request.id, { by: SAM }).catch(() => undefined);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it('issue 3, "use never makes a revoke lose": a revoke commits without a conflict when a use commits right before it', async () => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { maxUses: 1_000_000 } } });
    const { store, engine, clock } = setup({ approver });
    const { grant } = await granted(engine);
    const lost = consumedBefore(store, new JitEngine({ clock, store, approver }), 50);
    await engine.revoke(grant.id, { by: 'user:boss' });
    expect(lost()).toBe(0);
  });

  it('issue 3, acknowledge: "unjustified" ends the access even if its subject keeps using it', async () => {
    const breakGlass = { outcome: 'approve', reviewWithinMs: MINUTE, terms: { maxUses: 1_000_000 } } as const;
    const approver = new ScriptedApprover({ decide: { outcome: 'deny', reason: 'no' }, breakGlass, mayReviewBreakGlass: true });
    const { store, engine, clock } = setup({ approver });
    const { request } = await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: '30m', justification: 'fire' });
    consumedBefore(store, new JitEngine({ clock, store, approver }), 1_000);
    const told = await engine.reviewBreakGlass(request.id, { by: SAM, verdict: 'unjustified' }).then(() => 'ended', codeOf);
    expect({ told, allowed: await engine.isAllowed(MAYA, SCOPE) }).toEqual({ told: 'ended', allowed: false });
  });

  it('L11: the same key returns the same record and writes nothing, also if the first call returned an existing request', async () => {
    const { clock, store, engine } = setup();
    const { request } = await granted(engine);
    const ask = { subject: MAYA, scope: SCOPE, ttl: 60 * MINUTE, idempotencyKey: 'k' } as const;
    const first = await engine.requestAccess(ask);
    expect(first).toMatchObject({ reused: true, request: { id: request.id } });
    const before = (await journalHead(engine)).seq;
    await clock.advance('1m');
    const again = await engine.requestAccess(ask);
    expect({ id: again.request.id, head: (await journalHead(engine)).seq }).toEqual({ id: request.id, head: before });
    expect(store.called('commit')).toBeGreaterThan(0);
  });

  it('L17: an escalation reviewer who leaves the escalation group and then joins the regular group does not count', async () => {
    const groups: Record<string, string[]> = { [SAM]: ['managers'], 'user:joe': ['g'] };
    const approver = new ScriptedApprover({
      decide: {
        outcome: 'review',
        quorum: { groups: [{ name: 'g', approvals: 2 }], escalation: { group: 'managers', afterMs: MINUTE } },
      },
      groupsOf: (reviewer) => groups[reviewer] ?? [],
    });
    const { clock, engine } = setup({ approver });
    const { request } = await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '5m' });
    await clock.advance('2m');
    await engine.approve(request.id, { by: SAM });
    // Sam has left managers and has joined the group only now.
    groups[SAM] = ['g'];
    expect((await engine.approve(request.id, { by: 'user:joe' })).outcome).toBe('pending');
  });

  it('L34: checks do not repeat the question about a start each time while the approver fails', async () => {
    const approver = new ScriptedApprover({
      decide: { outcome: 'approve' },
      isEligible: (_request, when) => {
        if (when === 'start') throw new Error('LDAP is down');
        return true;
      },
    });
    const { clock, store, engine } = setup({ approver });
    await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '30m', startsAt: clock.now() + MINUTE });
    await clock.advance('2m');
    const before = store.calls.length;
    for (let i = 0; i < 100; i++) await engine.isAllowed(MAYA, SCOPE);
    const asked = approver.questions.filter((question) => question.method === 'isEligible' && question.when === 'start').length;
    expect({ asked: asked < 100, reads: store.calls.length - before < 200 }).toEqual({ asked: true, reads: true });
  });

  it('issue 3, links: a used link is refused, also after a purge and an identical new request', async () => {
    const approver = new ScriptedApprover({ decide: REVIEW, groupsOf: inGroup });
    const { clock, engine } = setup({ approver });
    const ask = { subject: MAYA, scope: SCOPE, ttl: '5m', idempotencyKey: 'nightly' } as const;
    const first = await engine.requestAccess(ask);
    const token = await linksOf(engine).create(first.request.id, { reviewer: SAM, decision: 'approve' });
    await clock.advance('1m');
    expect((await linksOf(engine).redeem(token, { by: SAM })).outcome).toBe('granted');
    await clock.advance('10m');
    await engine.sweep();
    await clock.advance('1m');
    await purge(engine, { before: clock.now(), by: 'user:ops', force: true });
    const second = await engine.requestAccess(ask);
    expect(second.outcome).toBe('pending');
    const code = await linksOf(engine)
      .redeem(token, { by: SAM })
      .then(({ outcome }) => outcome, codeOf);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    expect(code).toBe('ERR_JIT_LINK');
  });

  it('issue 3, limits: maxUnreviewed holds if a purge removes the subject row and another request creates it again', async () => {
    const breakGlass = { outcome: 'approve', reviewWithinMs: MINUTE } as const;
    const approver = new ScriptedApprover({ decide: { outcome: 'deny', reason: 'no' }, breakGlass, mayReviewBreakGlass: true });
    const { clock, store, engine, another } = setup({ approver });
    // An old, denied request: its subject row is at version 1.
    await engine.requestAccess({ subject: MAYA, scope: 'x:y', ttl: '1m' });
    await clock.advance('1h');
    // A slow break-glass call has read the row.
    Object.defineProperty(store, 'context', { value: undefined });
    store.inject('live', { fault: 'hang' }, 1);
    const slow = another().breakGlass({ subject: MAYA, scope: SCOPE, ttl: '5m', justification: 'fire' });
    slow.catch(() => undefined);
    await settleMicro();
    await purge(engine, { before: clock.now() - MINUTE, by: 'user:ops', force: true });
    await engine.breakGlass({ subject: MAYA, scope: 'db-prod:read', ttl: '5m', justification: 'fire' });
    store.release();
    expect(await slow.then(({ outcome }) => outcome, codeOf)).toBe('ERR_JIT_LIMIT');
    expect((await engine.listRequests({ afterReview: 'pending', subject: MAYA })).items).toHaveLength(1);
  });

  it('issue 3, limits: maxOpenRequests holds if a purge removes the subject row and another request creates it again', async () => {
    const approver = new ScriptedApprover({
      decide: (request) => (request.scopes[0] === 'x:y' ? { outcome: 'deny', reason: 'no' } : REVIEW),
      groupsOf: inGroup,
    });
    const { clock, store, engine, another } = setup({ approver, limits: { maxOpenRequests: 1 } });
    await engine.requestAccess({ subject: MAYA, scope: 'x:y', ttl: '1m' });
    await clock.advance('1h');
    // The find that lists the open requests returns the right answer late.
    const find = store.find.bind(store);
    let letGo = () => {};
    const held = new Promise<void>((resolve) => (letGo = resolve));
    let first = true;
    store.find = async (query) => {
      const answer = await find(query);
      if (first && query.kind === 'request' && query.open === true) {
        first = false;
        await held;
      }
      return answer;
    };
    const slow = another().requestAccess({ subject: MAYA, scope: SCOPE, ttl: '5m' });
    slow.catch(() => undefined);
    await settleMicro();
    await purge(engine, { before: clock.now() - MINUTE, by: 'user:ops', force: true });
    await engine.requestAccess({ subject: MAYA, scope: 'db-prod:read', ttl: '5m' });
    letGo();
    expect(await slow.then(({ outcome }) => outcome, codeOf)).toBe('ERR_JIT_LIMIT');
  });

  it('L27: an end recorded while the clock is set back keeps the time during which the grant was held', async () => {
    const { clock, engine } = setup();
    await granted(engine, 60 * MINUTE);
    await clock.set(START_AT + 30 * MINUTE);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    await clock.set(START_AT + 90 * MINUTE);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    await clock.set(START_AT + 10 * MINUTE);
    await engine.sweep();
    await clock.set(START_AT + 120 * MINUTE);
    const { items } = await engine.whoHadAccess({ scope: SCOPE, at: START_AT + 30 * MINUTE });
    expect(items).toHaveLength(1);
  });

  it('L30, L3: terms that the store cannot hold are refused instead of stored in an unreadable form', async () => {
    const terms = { maxUses: Number.MAX_SAFE_INTEGER };
    const approver = new ScriptedApprover({ decide: { ...REVIEW, terms }, groupsOf: inGroup });
    const { engine } = setup({ approver });
    const told = await engine
      .requestAccess({ subject: MAYA, scope: SCOPE, ttl: '5m' })
      .then(({ request }) => engine.getRequest(request.id).then(() => 'readable', codeOf), codeOf);
    expect(['readable', 'ERR_JIT_APPROVER']).toContain(told);
  });

  it('L12, L33: a purge does not change the outcome of an extension that was requested in time', async () => {
    const { clock, engine } = setup({ approver: people() });
    const { grant } = await granted(engine, 10 * MINUTE);
    const asked = await engine.extend(grant.id, { requestedBy: MAYA, ttl: '30m' });
    await clock.advance('11m');
    await engine.sweep();
    await clock.advance('1m');
    await purge(engine, { before: clock.now(), by: 'user:ops', force: true });
    expect((await engine.approve(asked.request.id, { by: SAM })).outcome).toBe('granted');
  });

  it('L12, L33: a purge keeps the grant through which its extension is revoked', async () => {
    const { clock, engine } = setup();
    const { grant } = await granted(engine, 10 * MINUTE);
    await engine.extend(grant.id, { requestedBy: MAYA, ttl: '60m' });
    await clock.advance('11m');
    await engine.sweep();
    await clock.advance('1m');
    await purge(engine, { before: clock.now(), by: 'user:ops', force: true });
    await engine.revoke(grant.id, { by: 'user:boss' }).catch(() => undefined);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it('L34: a grant row does not grow with each released extension', async () => {
    const { store, engine } = setup();
    const { grant } = await granted(engine, 60 * MINUTE);
    let given = 0;
    for (let i = 0; i < 300; i++) {
      const more = await engine.extend(grant.id, { requestedBy: MAYA, ttl: '10m' }).catch(codeOf);
      if (more === 'ERR_JIT_LIMIT') continue;
      if (typeof more === 'string' || more.outcome !== 'granted') throw new Error(JSON.stringify(more));
      given += 1;
      await engine.release(more.grants[0]!.id, { by: MAYA });
    }
    // With the grant itself, its chain has 50 grants.
    expect(given).toBe(49);
    const [row] = await store.get([{ kind: 'grant', id: grant.id }]);
    expect(JSON.stringify(row).length).toBeLessThan(8_192);
  });

  it('L29: no attempt is recorded for a purged request', async () => {
    const approver = new ScriptedApprover({ decide: REVIEW, groupsOf: inGroup });
    const { clock, store, engine } = setup({ approver });
    const { request } = await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '5m' });
    const token = await linksOf(engine).create(request.id, { reviewer: SAM, decision: 'approve' });
    await engine.cancel(request.id, { by: MAYA });
    await clock.advance('1m');
    await purge(engine, { before: clock.now(), by: 'user:ops', force: true });
    await linksOf(engine)
      .redeem(token, { by: 'user:eve' })
      .catch(() => undefined);
    await engine.flushAudit();
    const { entries } = await store.journal({ after: 0, limit: 100 });
    expect(entries.filter(({ type }) => type === 'attempt.refused').map(({ requestId }) => requestId)).toEqual([]);
  });

  it('L29: a refused consume is recorded in the journal', async () => {
    const { store, engine } = setup();
    await granted(engine);
    await engine.consume(MAYA, 'other:thing').catch(() => undefined);
    await engine.flushAudit();
    const { entries } = await store.journal({ after: 0, limit: 100 });
    expect(entries.map(({ type }) => type)).toContain('attempt.refused');
  });

  it('hostile inputs, sweep: a row that the store refuses to write does not stop the other ends of its batch from being recorded', async () => {
    const { clock, store, engine } = setup();
    const ids: string[] = [];
    for (const scope of ['a:a', 'b:b', 'c:c']) ids.push((await granted(engine, 10 * MINUTE, MAYA, scope)).grant.id);
    const commit = store.commit.bind(store);
    store.commit = async (change) => {
      if (change.put.some(({ id }) => id === ids[1])) throw new StoreError('commit', 'CHECK constraint failed');
      return commit(change);
    };
    await clock.advance('11m');
    await engine.sweep().catch(() => undefined);
    const rows = await store.get(ids.map((id) => ({ kind: 'grant', id })));
    expect(rows.map((row) => row?.open)).toEqual([false, true, false]);
  });

  it('L16, L30: in a chain too, an approver that returns nothing about a denier has failed: the denial is not dropped', async () => {
    let samIsKnown = true;
    const member = new ScriptedApprover({
      decide: { outcome: 'review', quorum: { groups: [{ name: 'g', approvals: 1 }], denials: 2 } },
      groupsOf: (reviewer) => (reviewer !== SAM || samIsKnown ? ['g'] : (undefined as never)),
    });
    const { engine } = setup({ approver: firstDecisive(member) });
    const { request } = await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '5m' });
    await engine.deny(request.id, { by: SAM });
    samIsKnown = false;
    expect(await engine.deny(request.id, { by: 'user:joe' }).then(({ outcome }) => outcome, codeOf)).toBe('ERR_JIT_APPROVER');
  });

  it('L16: a composite approver recognises its own requests, inside a chain too', async () => {
    const inner = new ScriptedApprover({ decide: REVIEW, groupsOf: inGroup }, 'inner');
    const composite: Approver = {
      name: 'composite',
      answersFor: (name) => name === 'inner',
      decide: async (request) => ({ ...(await inner.decide(request)), approver: 'inner' }) as Verdict,
      groupsOf: (reviewer, request) => (request.approver === 'inner' ? inner.groupsOf!(reviewer, request) : []),
    };
    const outcomes: string[] = [];
    for (const approver of [composite, firstDecisive(composite)]) {
      const { engine } = setup({ approver });
      const { request } = await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '5m' });
      outcomes.push(await engine.approve(request.id, { by: SAM }).then(({ outcome }) => outcome, codeOf));
    }
    expect(outcomes).toEqual(['granted', 'granted']);
  });

  it("issue 3, limits: duplicates 'refuse' also refuses an ask for one millisecond more, and allows one by another requester", async () => {
    const approver = new ScriptedApprover({ decide: REVIEW, groupsOf: inGroup });
    const { engine } = setup({ approver, limits: { duplicates: 'refuse' } });
    await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: 5 * MINUTE });
    const told = async (ask: { ttl: number; requestedBy?: string }) =>
      engine.requestAccess({ subject: MAYA, scope: SCOPE, ...ask }).then(({ outcome }) => outcome, codeOf);
    expect([await told({ ttl: 5 * MINUTE + 1 }), await told({ ttl: 5 * MINUTE, requestedBy: 'user:joe' })]).toEqual([
      'ERR_JIT_LIMIT',
      'pending',
    ]);
  });

  it('section 2: a retry asks the live questions again, including eligibility at creation', async () => {
    let mayAsk = true;
    const approver = new ScriptedApprover({ decide: REVIEW, groupsOf: inGroup, isEligible: () => mayAsk });
    const { store, engine } = setup({ approver });
    const commit = store.commit.bind(store);
    let first = true;
    store.commit = async (change) => {
      if (!first) return commit(change);
      first = false;
      // The commit conflicts, and the subject has lost its eligibility.
      mayAsk = false;
      return CONFLICT;
    };
    expect(await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '5m' }).then(({ outcome }) => outcome, codeOf)).toBe(
      'ERR_JIT_INELIGIBLE',
    );
  });

  it('L27: a revoke while the clock is set back keeps the time during which the grant was held', async () => {
    const { clock, engine } = setup();
    const { grant } = await granted(engine, 60 * MINUTE);
    await clock.set(START_AT + 30 * MINUTE);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    await clock.set(START_AT + 10 * MINUTE);
    await engine.revoke(grant.id, { by: 'user:boss' });
    await clock.set(START_AT + 120 * MINUTE);
    expect((await engine.whoHadAccess({ scope: SCOPE, at: START_AT + 29 * MINUTE })).items).toHaveLength(1);
  });

  it('issue 3, acknowledge: one unreadable grant of a bundle does not stop "unjustified" from ending the others', async () => {
    const breakGlass = { outcome: 'approve', reviewWithinMs: MINUTE } as const;
    const approver = new ScriptedApprover({ decide: { outcome: 'deny', reason: 'no' }, breakGlass, mayReviewBreakGlass: true });
    const { store, engine } = setup({ approver });
    const { request, grants } = await engine.breakGlass({ subject: MAYA, scopes: ['a:a', 'b:b'], ttl: '30m', justification: 'fire' });
    const [row] = await store.get([{ kind: 'grant', id: grants[0]!.id }]);
    const bad = { ...row!, version: row!.version + 1, body: { ...row!.body, expiresAt: 'soon' } };
    await store.commit({ id: 'x', expect: [{ kind: 'grant', id: bad.id, version: row!.version }], put: [bad], append: [] });
    await engine.reviewBreakGlass(request.id, { by: SAM, verdict: 'unjustified' }).catch(() => undefined);
    expect(await engine.isAllowed(MAYA, 'b:b')).toBe(false);
  });
});
