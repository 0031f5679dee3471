import { describe, expect, it } from 'vitest';
import { JitEngine, MemoryGrantStore, patternScopes, reviewers, type GrantStore, type JitEngineOptions } from '../../src/index.js';
import type { GrantWindow } from '../../src/store.js';
import { ManualClock } from '../../src/testing.js';
import { aGranted, MAYA, MINUTE, refusal, SCOPE } from './an-engine.js';

/** An engine over a store, with a grant of 15 minutes. */
async function granted(store: GrantStore) {
  const clock = new ManualClock();
  const engine = new JitEngine({ approver: reviewers({ members: ['user:sam'] }), store, clock });
  await aGranted(engine);
  return { engine, clock };
}

/** A store whose `windowOf` gives the same answer to each question. */
class Answering extends MemoryGrantStore {
  asked = 0;
  answer: () => unknown = () => undefined;
  override live(query: Parameters<MemoryGrantStore['live']>[0]) {
    this.asked += 1;
    return super.live(query);
  }
  override windowOf(): GrantWindow | undefined {
    return this.answer() as GrantWindow | undefined;
  }
}

const gone = () => {
  throw new Error('gone');
};

describe('windowOf of a store', () => {
  it('is used by a check, which then asks nothing else (L34)', async () => {
    const store = new Answering();
    const { engine, clock } = await granted(store);
    const [row] = store.live({ subject: MAYA, scope: SCOPE, at: 0 });
    store.answer = () => ({ from: row?.from, until: row?.until, row });
    store.asked = 0;
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    expect(await engine.check(MAYA, SCOPE)).toMatchObject({ reason: 'granted', grant: { id: row?.id }, validUntil: row?.until });
    expect(store.asked).toBe(0);
    await clock.advance(15 * MINUTE);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    expect(store.asked).toBe(1);
  });

  it('denies by an empty window, and then asks nothing else (L34)', async () => {
    const store = new Answering();
    const { engine, clock } = await granted(store);
    store.answer = () => ({ from: 0, until: 0, row: undefined });
    store.asked = 0;
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    expect(await engine.check(MAYA, SCOPE)).toEqual({
      allowed: false,
      reason: 'no_grant',
      subject: MAYA,
      scope: SCOPE,
      at: clock.now(),
      grant: undefined,
      pattern: undefined,
      validUntil: undefined,
    });
    await refusal(engine.assertAllowed(MAYA, SCOPE), 'ERR_JIT_DENIED');
    expect(store.asked).toBe(0);
  });

  it('denies by an empty window only two strings (L23)', async () => {
    const store = new Answering();
    const { engine } = await granted(store);
    store.answer = () => ({ from: 0, until: 0, row: undefined });
    for (const [subject, action] of [
      [undefined, SCOPE],
      [[MAYA], SCOPE],
      [MAYA, undefined],
      [MAYA, [SCOPE]],
    ] as unknown as [string, string][]) {
      await refusal(engine.isAllowed(subject, action), 'ERR_JIT_INVALID_ARGUMENT');
      await refusal(engine.check(subject, action), 'ERR_JIT_INVALID_ARGUMENT');
    }
    expect(await engine.isAllowed(MAYA, { scope: SCOPE })).toBe(true);
  });

  it('decides nothing by an empty window where the clock fails (L30)', async () => {
    const store = new Answering();
    await granted(store);
    store.answer = () => ({ from: 0, until: 0, row: undefined });
    const engine = new JitEngine({ approver: reviewers({ members: ['user:sam'] }), store, clock: { now: () => NaN } });
    await refusal(engine.isAllowed(MAYA, SCOPE), 'ERR_JIT_CLOCK');
    await refusal(engine.check(MAYA, SCOPE), 'ERR_JIT_CLOCK');
  });

  it.each<[string, Partial<JitEngineOptions>]>([
    ['patterns', { scopes: patternScopes }],
    ['standing access', { standing: { [MAYA]: [SCOPE] } }],
    ['canonicalId', { canonicalId: (id) => id.toLowerCase() }],
  ])('is ignored with %s, also where it is empty', async (_, options) => {
    const store = new Answering();
    const { clock } = await granted(store);
    store.answer = () => ({ from: 0, until: 0, row: undefined });
    const engine = new JitEngine({ approver: reviewers({ members: ['user:sam'] }), store, clock, ...options });
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
  });

  it.each<[string, (store: MemoryGrantStore) => GrantStore]>([
    ['a subclass overrides live alone', (store) => Object.setPrototypeOf(store, Outage.prototype) as GrantStore],
    ['the instance has a live of its own', (store) => Object.assign(store, { live: gone })],
    [
      'a wrapper answers another live',
      (store) => new Proxy(store, { get: (target, name) => (name === 'live' ? gone : (Reflect.get(target, name, target) as unknown)) }),
    ],
  ])('is ignored where %s (L30)', async (_, broken) => {
    const store = new MemoryGrantStore();
    const { clock } = await granted(store);
    const engine = new JitEngine({ approver: reviewers({ members: ['user:sam'] }), store: broken(store), clock });
    await refusal(engine.isAllowed(MAYA, SCOPE), 'ERR_JIT_STORE');
    await refusal(engine.check(MAYA, SCOPE), 'ERR_JIT_STORE');
  });

  it('is ignored once it or live was replaced after the engine was built (L30)', async () => {
    for (const method of ['live', 'windowOf'] as const) {
      const store = new MemoryGrantStore();
      const { engine } = await granted(store);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      Object.assign(store, { [method]: gone });
      if (method === 'live') await refusal(engine.isAllowed(MAYA, SCOPE), 'ERR_JIT_STORE');
      else expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    }
  });

  it('rejects the check with ERR_JIT_STORE where it throws (L30)', async () => {
    const store = new Answering();
    const { engine } = await granted(store);
    store.answer = gone;
    await refusal(engine.isAllowed(MAYA, SCOPE), 'ERR_JIT_STORE');
    expect((await refusal(engine.check(MAYA, SCOPE), 'ERR_JIT_STORE')).message).toContain('windowOf');
  });

  it.each([[null], ['a window'], [5], [true]])('rejects the check with ERR_JIT_STORE where it answers %s (L30)', async (answer) => {
    const store = new Answering();
    const { engine } = await granted(store);
    store.answer = () => answer;
    await refusal(engine.isAllowed(MAYA, SCOPE), 'ERR_JIT_STORE');
    await refusal(engine.check(MAYA, SCOPE), 'ERR_JIT_STORE');
  });

  it('gives no decision by the row of another subject (L20)', async () => {
    const store = new Answering();
    const { engine } = await granted(store);
    const [row] = store.live({ subject: MAYA, scope: SCOPE, at: 0 });
    store.answer = () => ({ from: row?.from, until: row?.until, row });
    expect(await engine.check('user:noor', SCOPE)).toMatchObject({ allowed: false, subject: 'user:noor' });
    await refusal(engine.check({} as never, SCOPE), 'ERR_JIT_INVALID_ARGUMENT');
  });

  it('gives no decision by the grant of another subject, also where a store passes on a window of the in-memory store (L20)', async () => {
    const store = new Answering();
    const { engine } = await granted(store);
    store.answer = () => MemoryGrantStore.prototype.windowOf.call(store, MAYA, SCOPE);
    expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: true, subject: MAYA });
    expect(await engine.check('user:noor', SCOPE)).toMatchObject({ allowed: false, subject: 'user:noor', grant: undefined });
  });

  it('is not a fast path if an accessor returns it', async () => {
    const rows = new MemoryGrantStore();
    const store = Object.defineProperties(new MemoryGrantStore(), {
      live: { get: () => rows.live.bind(rows) },
      windowOf: { get: () => rows.windowOf.bind(rows) },
    });
    const engine = new JitEngine({ approver: reviewers({ members: ['user:sam'] }), store });
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it.each([
    ['no from', { until: 8.64e15 }],
    ['a from of null', { from: null, until: 8.64e15 }],
    ['an until without an end', { from: 0, until: Infinity }],
    ['instants in text', { from: '0', until: '8640000000000000' }],
    ['no numbers', { from: Number.NaN, until: Number.NaN }],
    ['nothing', {}],
  ])('allows nothing by a window with %s (L3, L20)', async (_, window) => {
    const store = new Answering();
    const { engine, clock } = await granted(store);
    await clock.advance(15 * MINUTE);
    store.answer = () => window;
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    expect((await engine.check(MAYA, SCOPE)).reason).toBe('no_grant');
  });

  it('keeps the window that a check has read, even where the clock asks the same store (L1)', async () => {
    const store = new MemoryGrantStore();
    const clock = new ManualClock();
    const reading = { now: () => (store.windowOf('user:noor', SCOPE), clock.now()) };
    const options = { approver: reviewers({ members: ['user:sam'] }), store };
    const engine = new JitEngine({ ...options, clock: reading });
    const grant = await aGranted(engine);
    await clock.advance(MINUTE);
    const other = await aGranted(engine, { subject: 'user:noor' });
    await clock.advance(14 * MINUTE);
    expect([await engine.isAllowed(MAYA, SCOPE), await engine.isAllowed('user:noor', SCOPE)]).toEqual([false, true]);
    expect((await engine.check(MAYA, SCOPE)).allowed).toBe(false);
    expect([grant.expiresAt < other.expiresAt, (await engine.check('user:noor', SCOPE)).grant?.id]).toEqual([true, other.id]);
  });
});

/** A store whose backend is unreachable: it inherits `windowOf`. */
class Outage extends MemoryGrantStore {
  override live(): never {
    return gone();
  }
}
