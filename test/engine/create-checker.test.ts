import fc from 'fast-check';
import { createChecker, type CheckerOptions } from 'jit-access/check';
import { describe, expect, it, vi } from 'vitest';
import { autoApprove, exactScopes, JitEngine, MemoryGrantStore, patternScopes, reviewers, type JitEngineOptions } from '../../src/index.js';
import { digestOf } from '../../src/journal/link.js';
import { FaultyStore, ManualClock } from '../../src/testing.js';
import { aGranted, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE } from './an-engine.js';

const NOOR = 'user:noor';

/** An engine, and a checker with the same options over the same store and clock. */
function both(options: Partial<JitEngineOptions> = {}, only: Partial<CheckerOptions> = {}) {
  const clock = new ManualClock();
  const store = (options.store ?? new MemoryGrantStore()) as MemoryGrantStore;
  const engine = new JitEngine({ approver: reviewers({ members: [SAM] }), ...options, clock, store });
  const { scopes, standing, leewayMs, canonicalId } = options;
  const told: string[] = [];
  const onError = (error: unknown, during: string) => void told.push(`${during}: ${(error as Error).message}`);
  const checker = createChecker({ scopes, standing, leewayMs, canonicalId, store, clock, onError, ...only });
  return { engine, checker, store, clock, told };
}

/** The engine and the checker decide the same: compares whole decisions. */
async function agree({ engine, checker }: ReturnType<typeof both>, subject = MAYA, scope = SCOPE) {
  const decision = await checker.check(subject, scope);
  expect(decision).toEqual(await engine.check(subject, scope));
  expect(await checker.isAllowed(subject, scope)).toBe(decision.allowed);
  expect(await checker.filterAllowed(subject, [scope])).toEqual(decision.allowed ? [scope] : []);
  return decision.reason;
}

describe('createChecker', () => {
  it('decides what an engine over the same store decides: granted, at the end, revoked, never requested (L1, L2, L12, L20)', async () => {
    const made = both();
    expect(await agree(made)).toBe('no_grant');
    const grant = await aGranted(made.engine);
    expect(await agree(made)).toBe('granted');
    await made.clock.advance(15 * MINUTE - 1);
    expect(await agree(made)).toBe('granted');
    await made.clock.advance(1);
    expect(await agree(made)).toBe('no_grant');
    const second = await aGranted(made.engine);
    expect(second.id).not.toBe(grant.id);
    expect(await agree(made)).toBe('granted');
    await made.engine.revoke(second.id, { by: SAM });
    expect(await agree(made)).toBe('no_grant');
    expect(await agree(made, NOOR)).toBe('no_grant');
  });

  it.each<[string, Partial<JitEngineOptions>]>([
    ['with a leeway (L6)', { leewayMs: 5_000 }],
    ['with patterns (L21)', { scopes: patternScopes }],
    ['with standing access', { standing: { [NOOR]: ['db-prod:*'] } }],
    ['with canonical ids (L23)', { canonicalId: (id) => id.toLowerCase() }],
  ])('decides what an engine decides in random lives %s', async (_, options) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(4), fc.nat(3), fc.nat(20 * MINUTE)), { maxLength: 12 }), async (steps) => {
        const made = both({ ...options, limits: { minTtl: 1 } });
        const grants: string[] = [];
        for (const [step, whom, ms] of steps) {
          const subject = whom < 2 ? MAYA : NOOR;
          if (step === 0) await made.clock.advance(ms + 1);
          else if (step === 1 && grants.length > 0) await made.engine.revoke(grants[ms % grants.length] as string, { by: SAM });
          else grants.push((await aGranted(made.engine, { subject, scope: whom % 2 === 0 ? SCOPE : 'db-prod:read', ttl: ms + 10_001 })).id);
          for (const who of [MAYA, NOOR]) for (const scope of [SCOPE, 'db-prod:read', 'other']) await agree(made, who, scope);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('says not_started before a start, and not_activated until an engine has confirmed it (L2)', async () => {
    const approver = { ...reviewers({ members: [SAM] }), isEligible: () => true };
    const made = both({ approver });
    await aGranted(made.engine, { startsAt: made.clock.now() + HOUR });
    expect(await agree(made)).toBe('not_started');
    await made.clock.advance(HOUR);
    expect(await made.checker.check(MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'not_activated', validUntil: made.clock.now() });
    expect(await made.engine.isAllowed(MAYA, SCOPE)).toBe(true);
    expect(await agree(made)).toBe('granted');
  });

  it('denies a grant with a number of uses, unless countedGrants is allow', async () => {
    const decide = () => ({ outcome: 'approve' as const, terms: { maxUses: 2 } });
    const made = both({ approver: { ...autoApprove(() => true), decide } });
    const grant = await aGranted(made.engine);
    const decision = await made.checker.check(MAYA, SCOPE);
    expect(decision).toMatchObject({ allowed: false, reason: 'use_required', grant: { id: grant.id }, validUntil: undefined });
    expect(await made.checker.isAllowed(MAYA, SCOPE)).toBe(false);
    expect(await made.checker.filterAllowed(MAYA, [SCOPE])).toEqual([]);
    expect((await refusal(made.checker.assertAllowed(MAYA, SCOPE), 'ERR_JIT_DENIED')).message).toContain('use_required');
    const { store, clock } = made;
    const allowing = createChecker({ store, clock, countedGrants: 'allow' });
    expect(await allowing.check(MAYA, SCOPE)).toEqual(await made.engine.check(MAYA, SCOPE));
    await made.engine.consume(MAYA, SCOPE);
    await made.engine.consume(MAYA, SCOPE);
    expect(await allowing.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it('allows by a grant without a number of uses beside one that has it', async () => {
    let maxUses: number | undefined = 1;
    const approver = { ...autoApprove(() => true), decide: () => ({ outcome: 'approve' as const, terms: { maxUses } }) };
    const made = both({ approver });
    await aGranted(made.engine);
    maxUses = undefined;
    const plain = await aGranted(made.engine, { ttl: 20 * MINUTE });
    expect(await made.checker.check(MAYA, SCOPE)).toMatchObject({ reason: 'granted', grant: { id: plain.id } });
  });

  it('does not revive access when its clock steps back, and reports the step to onError (L5)', async () => {
    const made = both();
    await aGranted(made.engine);
    const end = made.clock.now() + 15 * MINUTE;
    await made.clock.set(end);
    expect(await made.checker.isAllowed(MAYA, SCOPE)).toBe(false);
    await made.clock.set(end - MINUTE);
    expect(await made.checker.isAllowed(MAYA, SCOPE)).toBe(false);
    expect(made.told.join()).toMatch(/^clock: the clock stepped back/);
  });

  it('denies a grant again when its clock steps back before the start (L2, L5)', async () => {
    const made = both();
    const start = made.clock.now() + HOUR;
    await aGranted(made.engine, { startsAt: start });
    await made.clock.set(start);
    expect(await made.checker.isAllowed(MAYA, SCOPE)).toBe(true);
    await made.clock.set(start - 1);
    expect(await made.checker.check(MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'not_started', validUntil: start });
  });

  it('denies a grant that an engine over the same clock has seen end, also if the checker was created after a step back (L1, L5)', async () => {
    const made = both();
    await aGranted(made.engine);
    const end = made.clock.now() + 15 * MINUTE;
    await made.clock.set(end);
    expect(await made.engine.isAllowed(MAYA, SCOPE)).toBe(false);
    await made.clock.set(end - MINUTE);
    const { store, clock } = made;
    expect(await createChecker({ store, clock }).isAllowed(MAYA, SCOPE)).toBe(false);
    // Another clock object starts its own high-water mark.
    expect(await createChecker({ store, clock: { now: () => clock.now() } }).isAllowed(MAYA, SCOPE)).toBe(true);
  });

  it('writes nothing, and asks the store once a check (L34)', async () => {
    const store = new FaultyStore(new MemoryGrantStore());
    const made = both({ store: store as unknown as MemoryGrantStore });
    await aGranted(made.engine);
    const commits = store.called('commit');
    await made.checker.isAllowed(MAYA, SCOPE);
    const before = store.calls.length;
    for (let i = 0; i < 5; i++) await made.checker.check(MAYA, SCOPE);
    expect([store.calls.length - before, store.called('commit') - commits]).toEqual([5, 0]);
  });

  it('asks a store of its own process for a window, as an engine does, unless only `live` was replaced (L30)', async () => {
    const live = vi.spyOn(MemoryGrantStore.prototype, 'live');
    const store = new MemoryGrantStore();
    const made = both({ store });
    await aGranted(made.engine);
    live.mockClear();
    for (const [subject, scope] of [
      [MAYA, SCOPE],
      ['user:stranger', SCOPE],
      [MAYA, 'db:none'],
    ] as const)
      expect(await made.checker.check(subject, scope)).toEqual(await made.engine.check(subject, scope));
    expect(await made.checker.isAllowed(MAYA, SCOPE)).toBe(true);
    expect(live).not.toHaveBeenCalled();
    live.mockRestore();
    for (const scope of ['db:*', '']) await refusal(made.checker.isAllowed('user:stranger', scope), 'ERR_JIT_INVALID_ARGUMENT');
    store.live = () => [];
    expect(await made.checker.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it.each([['throw'], ['reject']] as const)('fails closed where the store is unavailable: %s (L30)', async (fault) => {
    const store = new FaultyStore(new MemoryGrantStore());
    const made = both({ store: store as unknown as MemoryGrantStore });
    await aGranted(made.engine);
    store.inject('live', { fault });
    for (const verb of ['isAllowed', 'check', 'assertAllowed'] as const) await refusal(made.checker[verb](MAYA, SCOPE), 'ERR_JIT_STORE');
    await refusal(made.checker.filterAllowed(MAYA, [SCOPE]), 'ERR_JIT_STORE');
  });

  it('reports a malformed row, which allows nothing (L30)', async () => {
    const store = new FaultyStore(new MemoryGrantStore());
    const made = both({ store: store as unknown as MemoryGrantStore });
    await aGranted(made.engine);
    store.inject('live', { fault: 'malformed', answer: (rows: readonly object[]) => rows.map((row) => ({ ...row, body: {} })) });
    expect(await made.checker.isAllowed(MAYA, SCOPE)).toBe(false);
    expect(made.told.join()).toMatch(/^check: /);
  });

  it.each<[string, unknown]>([
    ['store', {}],
    ['clock', { now: 5 }],
    ['scopes', {}],
    ['leewayMs', -1],
    ['canonicalId', 'lower'],
    ['countedGrants', 'maybe'],
    ['onError', 'log'],
    ['approver', reviewers({ members: [SAM] })],
  ])('refuses a wrong option by its name: %s', (name, value) => {
    const options = { store: new MemoryGrantStore(), [name]: value } as CheckerOptions;
    expect(() => createChecker(options)).toThrow(new RegExp(name === 'approver' ? 'options must be' : name));
  });
});

describe('the matcher of a checker', () => {
  /** Over a store whose durability says that it outlives its engines. */
  function lasting(matcher?: JitEngineOptions['scopes']) {
    const store = new FaultyStore(new MemoryGrantStore({ namespace: 'shop' }));
    Object.defineProperty(store, 'durability', { value: 'process' });
    return both({ store: store as unknown as MemoryGrantStore, scopes: matcher });
  }
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  it('must be the matcher of an engine: otherwise every call is refused with an error that names both (L21)', async () => {
    const { engine, store, clock } = lasting();
    await aGranted(engine);
    await settle();
    const checker = createChecker({ store, clock, scopes: patternScopes });
    for (const verb of ['isAllowed', 'check', 'assertAllowed'] as const) {
      const { message } = await refusal(checker[verb](MAYA, SCOPE), 'ERR_JIT_INVALID_ARGUMENT');
      expect(message).toBe('scopes must be a matcher of the engines of namespace shop (exact); got the matcher patterns');
    }
    await refusal(checker.filterAllowed(MAYA, [SCOPE]), 'ERR_JIT_INVALID_ARGUMENT');
    expect(await createChecker({ store, clock }).isAllowed(MAYA, SCOPE)).toBe(true);
  });

  it('may be any matcher while no engine is registered, and is compared again each hour', async () => {
    const made = lasting(patternScopes);
    const { store, clock, engine } = made;
    const told: string[] = [];
    const checker = createChecker({ store, clock, onError: (error) => void told.push((error as Error).message) });
    expect(await checker.isAllowed(MAYA, SCOPE)).toBe(false);
    await aGranted(engine);
    await settle();
    expect(await checker.isAllowed(MAYA, SCOPE)).toBe(true);
    await clock.advance(HOUR);
    await checker.isAllowed(MAYA, SCOPE);
    await checker.isAllowed(MAYA, SCOPE);
    await settle();
    await refusal(checker.isAllowed(MAYA, SCOPE), 'ERR_JIT_INVALID_ARGUMENT');
    // A grant may live through a day without a commit, so the matcher of its engine stays registered.
    await clock.advance(25 * HOUR);
    await refusal(checker.isAllowed(MAYA, SCOPE), 'ERR_JIT_INVALID_ARGUMENT');
    await settle();
    await refusal(checker.isAllowed(MAYA, SCOPE), 'ERR_JIT_INVALID_ARGUMENT');
  });

  it('is compared with a silent engine too: a grant may live through a day without a commit (L21)', async () => {
    const { engine, store, clock } = lasting();
    await aGranted(engine, { startsAt: clock.now() + 25 * HOUR, ttl: '2h' });
    await settle();
    await clock.advance(26 * HOUR);
    await refusal(createChecker({ store, clock, scopes: patternScopes }).isAllowed(MAYA, SCOPE), 'ERR_JIT_INVALID_ARGUMENT');
    expect(await createChecker({ store, clock }).isAllowed(MAYA, SCOPE)).toBe(true);
  });

  it('is compared with the matchers of all engines, for any number of engines (L21)', async () => {
    const { store, clock } = lasting();
    const names = Array.from({ length: 1_000 }, (_, i) => `desk-${i}`);
    // The row of the engine with patterns comes last, in the order in which a store gives the rows.
    const last = names.reduce((a, b) => (digestOf([a, 'patterns']) > digestOf([b, 'patterns']) ? a : b));
    const engines = [...names.slice(0, 20).map((name) => ({ name, scopes: exactScopes })), { name: last, scopes: patternScopes }];
    for (const { name, scopes } of engines) {
      await aGranted(new JitEngine({ approver: reviewers({ members: [SAM], name }), store, clock, scopes }), { scope: `db:${name}` });
      await settle();
    }
    expect((await store.find({ kind: 'engine', limit: 100 })).items.at(-1)?.body).toMatchObject({ matcher: 'patterns' });
    for (const scopes of [exactScopes, patternScopes]) {
      expect(await createChecker({ store, clock, scopes }).isAllowed(MAYA, 'db:desk-3')).toBe(true);
    }
    const hierarchy = { ...patternScopes, name: 'hierarchy' };
    await refusal(createChecker({ store, clock, scopes: hierarchy }).isAllowed(MAYA, 'db:desk-3'), 'ERR_JIT_INVALID_ARGUMENT');
  });

  it('is read again if a reply never comes: one lost reply needs no restart (L38)', async () => {
    const { engine, store, clock } = lasting();
    await aGranted(engine);
    await settle();
    const checker = createChecker({ store, clock });
    (store as unknown as FaultyStore).inject('find', { fault: 'hang' }, 1);
    void checker.isAllowed(MAYA, SCOPE).catch(() => undefined);
    await clock.advance(MINUTE);
    expect(await checker.isAllowed(MAYA, SCOPE)).toBe(true);
    (store as unknown as FaultyStore).inject('find', { fault: 'hang' }, 1);
    await clock.advance(HOUR);
    const { calls } = store as unknown as FaultyStore;
    const asked = () => calls.filter(({ method }) => method === 'find').length;
    const before = asked();
    for (let i = 0; i < 100; i++) await checker.isAllowed(MAYA, SCOPE);
    expect(asked() - before).toBe(1);
  });

  it('is read once an hour by the high-water mark, also after a step back (L34)', async () => {
    const { engine, store, clock } = lasting();
    await aGranted(engine, { ttl: '8h' });
    await clock.advance(2 * HOUR);
    await engine.isAllowed(MAYA, SCOPE);
    await clock.set(clock.now() - 2 * HOUR);
    const checker = createChecker({ store, clock, onError: () => undefined });
    await checker.isAllowed(MAYA, SCOPE);
    const { calls } = store as unknown as FaultyStore;
    const before = calls.filter(({ method }) => method === 'find').length;
    for (let i = 0; i < 100; i++) await checker.isAllowed(MAYA, SCOPE);
    expect(calls.filter(({ method }) => method === 'find').length - before).toBe(0);
  });

  it('is read again a minute after a failed read in the background', async () => {
    const { engine, store, clock } = lasting(patternScopes);
    await aGranted(engine);
    await settle();
    const checker = createChecker({ store, clock, onError: () => undefined });
    await refusal(checker.isAllowed(MAYA, SCOPE), 'ERR_JIT_INVALID_ARGUMENT');
    await aGranted(new JitEngine({ approver: reviewers({ members: [SAM] }), store, clock }), { subject: NOOR });
    await settle();
    (store as unknown as FaultyStore).inject('find', { fault: 'reject' }, 1);
    await clock.advance(HOUR);
    await refusal(checker.isAllowed(NOOR, SCOPE), 'ERR_JIT_INVALID_ARGUMENT');
    await settle();
    await clock.advance(MINUTE);
    await refusal(checker.isAllowed(NOOR, SCOPE), 'ERR_JIT_INVALID_ARGUMENT');
    await settle();
    expect(await checker.check(NOOR, SCOPE)).toMatchObject({ reason: 'no_grant' });
  });

  it('does not make standing access, or the refusal of a bad argument, wait for the store', async () => {
    const { store, clock } = lasting();
    (store as unknown as FaultyStore).inject('all', { fault: 'hang' });
    const checker = createChecker({ store, clock, standing: { [MAYA]: [SCOPE] } });
    expect((await checker.check(MAYA, SCOPE)).reason).toBe('standing');
    expect(await checker.isAllowed(MAYA, SCOPE)).toBe(true);
    expect(await checker.filterAllowed(MAYA, [SCOPE])).toEqual([SCOPE]);
    await refusal(checker.isAllowed(' bad ', SCOPE), 'ERR_JIT_INVALID_ARGUMENT');
    expect((store as unknown as FaultyStore).calls.length).toBe(0);
  });

  it('requires a namespace if the store outlives its process [M10]', () => {
    const store = new FaultyStore(new MemoryGrantStore());
    Object.defineProperty(store, 'durability', { value: 'process' });
    expect(() => createChecker({ store })).toThrow(/store\.namespace must be a name of your service/);
  });

  it('is read again after a failed first read; until then nothing is allowed (L30)', async () => {
    const { engine, store, clock } = lasting();
    await aGranted(engine);
    await settle();
    const checker = createChecker({ store, clock });
    const mend = (store as unknown as FaultyStore).inject('find', { fault: 'reject' });
    await refusal(checker.isAllowed(MAYA, SCOPE), 'ERR_JIT_STORE');
    mend();
    expect(await checker.isAllowed(MAYA, SCOPE)).toBe(true);
  });

  it('is not confirmed by an unreadable row (L30)', async () => {
    const { engine, store, clock } = lasting();
    await aGranted(engine);
    await settle();
    (store as unknown as FaultyStore).inject('find', {
      fault: 'malformed',
      answer: (page: { readonly items: readonly object[] }) => ({ ...page, items: page.items.map((row) => ({ ...row, body: {} })) }),
    });
    const told: string[] = [];
    const checker = createChecker({ store, clock, onError: (_, during) => void told.push(during) });
    await refusal(checker.isAllowed(MAYA, SCOPE), 'ERR_JIT_INVALID_ARGUMENT');
    expect(told).toEqual(['engines']);
  });
});
