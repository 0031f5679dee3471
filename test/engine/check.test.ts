import { journalHead } from 'jit-access/journal';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { autoApprove, patternScopes } from '../../src/index.js';
import { ManualClock, START_AT } from '../../src/testing.js';
import { aGranted, anEngine, at, MAYA, MINUTE, refusal, SAM, SCOPE } from './an-engine.js';

afterEach(() => {
  vi.restoreAllMocks();
});

const END = 15 * MINUTE;

/** The answer of every verb that checks access, as booleans. */
async function answers(engine: ReturnType<typeof anEngine>['engine'], scope = SCOPE) {
  const status = await engine.status(MAYA);
  const asserted = await engine.assertAllowed(MAYA, scope).then(
    () => true,
    (error: unknown) => (error as { code?: string }).code === 'ERR_JIT_DENIED' && false,
  );
  return [
    await engine.isAllowed(MAYA, scope),
    await engine.isAllowed(MAYA, { scope }),
    (await engine.check(MAYA, scope)).allowed,
    asserted,
    (await engine.filterAllowed(MAYA, [scope])).length === 1,
    status.held.some((grant) => grant.scope === scope),
  ];
}

const ALL = (yes: boolean) => [yes, yes, yes, yes, yes, yes];

describe('JitEngine', () => {
  describe('check()', () => {
    // test/lifecycle/check.test.ts has more instants.
    for (const [offset, allowed] of [
      [END - 1, true],
      [END, false],
    ] as const) {
      it(`L1 ${allowed ? 'allows' : 'denies'} ${offset} ms after the start of a window of ${END} ms, in every form`, async () => {
        const { engine, clock } = anEngine();
        await aGranted(engine);
        await clock.set(at(offset));
        expect(await answers(engine)).toEqual(ALL(allowed));
      });

      it(`L1 ${allowed ? 'allows' : 'denies'} at ${offset} ms also after a sweep`, async () => {
        const { engine, clock } = anEngine();
        await aGranted(engine);
        await clock.set(at(offset));
        expect((await engine.sweep()).ended).toBe(allowed ? 0 : 1);
        expect(await answers(engine)).toEqual(ALL(allowed));
      });
    }

    it('L1 denies from the revocation on, at the same millisecond', async () => {
      const { engine, clock } = anEngine();
      const grant = await aGranted(engine);
      await clock.set(at(1000));
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      await engine.revoke(grant.id, { by: SAM });
      expect(await answers(engine)).toEqual(ALL(false));
      await clock.set(at(0));
      expect(await answers(engine)).toEqual(ALL(false));
    });

    it('L1 denies at the end even when the store answers late', async () => {
      const { engine, clock, store } = anEngine();
      await aGranted(engine);
      await clock.set(at(END - 1));
      store.inject('live', { fault: 'hang' });
      const late = engine.isAllowed(MAYA, SCOPE);
      await clock.set(at(END));
      store.release();
      expect(await late).toBe(false);
    });

    it('L1 reads the clock after the store has answered, and once', async () => {
      const { engine, clock, store } = anEngine();
      await aGranted(engine);
      const order: string[] = [];
      const now = clock.now.bind(clock);
      vi.spyOn(clock, 'now').mockImplementation(() => (order.push('clock'), now()));
      const live = store.live.bind(store);
      vi.spyOn(store, 'live').mockImplementation((query) => (order.push('store'), live(query)));
      await engine.isAllowed(MAYA, SCOPE);
      expect(order).toEqual(['store', 'clock']);
    });

    it('L2 denies before the start in a process whose clock is behind', async () => {
      const { engine, store } = anEngine();
      const grant = await aGranted(engine);
      const clock = new ManualClock(START_AT - 1);
      const other = anEngine({ store, clock });
      expect(await answers(other.engine)).toEqual(ALL(false));
      expect(await other.engine.check(MAYA, SCOPE)).toMatchObject({ reason: 'not_started', grant: { id: grant.id }, validUntil: START_AT });
      expect(await other.engine.status(MAYA)).toMatchObject({ held: [], scheduled: [{ id: grant.id }], changesAt: START_AT });
      await clock.set(START_AT);
      expect(await answers(other.engine)).toEqual(ALL(true));
    });

    it('L2 names the grant that starts first if several are scheduled', async () => {
      const { engine, store, clock } = anEngine();
      await clock.set(at(5000));
      await aGranted(engine);
      await clock.set(at(4000));
      const earlier = await aGranted(engine);
      await clock.set(at(4500));
      await aGranted(engine);
      const other = anEngine({ store, clock: new ManualClock(START_AT) });
      expect((await other.engine.status(MAYA)).scheduled.map((grant) => grant.startsAt)).toEqual([at(4000), at(4500), at(5000)]);
      expect(await other.engine.check(MAYA, SCOPE)).toMatchObject({
        reason: 'not_started',
        grant: { id: earlier.id },
        validUntil: at(4000),
      });
    });

    for (const [offset, allowed] of [
      [END - 501, true],
      [END - 500, false],
    ] as const) {
      it(`L6 with 500 ms of leeway ${allowed ? 'allows' : 'denies'} ${END - offset} ms before the end`, async () => {
        const { engine, clock } = anEngine({ leewayMs: 500 });
        await aGranted(engine);
        await clock.set(at(offset));
        expect(await answers(engine)).toEqual(ALL(allowed));
      });
    }

    it('L6 never starts a grant early, with any leeway', async () => {
      const { store } = anEngine();
      await aGranted(anEngine({ store }).engine);
      const { engine } = anEngine({ store, clock: new ManualClock(START_AT - 1), leewayMs: 500 });
      expect(await answers(engine)).toEqual(ALL(false));
    });

    it('L6 shortens validUntil and changesAt by the leeway', async () => {
      const { engine } = anEngine({ leewayMs: 500 });
      await aGranted(engine);
      expect((await engine.check(MAYA, SCOPE)).validUntil).toBe(at(END - 500));
      expect((await engine.status(MAYA)).changesAt).toBe(at(END - 500));
    });

    it('L7 sets no timer between the grant and the denial at its end', async () => {
      let now = START_AT;
      const { engine } = anEngine({ approver: autoApprove(() => true), clock: { now: () => now } });
      await aGranted(engine);
      const timeout = vi.spyOn(globalThis, 'setTimeout');
      const interval = vi.spyOn(globalThis, 'setInterval');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      now = at(END);
      expect(await answers(engine)).toEqual(ALL(false));
      expect(timeout).not.toHaveBeenCalled();
      expect(interval).not.toHaveBeenCalled();
    });

    it('L20 denies a subject without a grant, and a scope without a grant', async () => {
      const { engine } = anEngine();
      await aGranted(engine);
      expect(await engine.check('user:eve', SCOPE)).toEqual({
        allowed: false,
        reason: 'no_grant',
        subject: 'user:eve',
        scope: SCOPE,
        at: START_AT,
        grant: undefined,
        pattern: undefined,
        validUntil: undefined,
      });
      for (const scope of ['db-prod:read', 'db-prod', 'db-prod:write:all', 'db-prod:WRITE', 'DB-prod:write']) {
        expect(await answers(engine, scope)).toEqual(ALL(false));
      }
    });

    it('L23 compares subjects byte for byte: another case or a homoglyph is another subject', async () => {
      const { engine } = anEngine();
      await aGranted(engine);
      for (const subject of ['User:maya', 'user:Maya', 'user:m\u0430ya', 'user:maya2', 'user:may']) {
        expect(await engine.isAllowed(subject, SCOPE)).toBe(false);
      }
    });

    it('L24 keeps subject and scope apart, for any position of a colon', async () => {
      const { engine } = anEngine({ approver: autoApprove(() => true) });
      await aGranted(engine, { subject: 'tenant:a', scope: 'b:c' });
      expect(await engine.isAllowed('tenant:a', 'b:c')).toBe(true);
      expect(await engine.isAllowed('tenant', 'a:b:c')).toBe(false);
      expect(await engine.isAllowed('tenant:a:b', 'c')).toBe(false);
    });

    it('L19 two grants together allow nothing that neither allows alone', async () => {
      const { engine } = anEngine({ scopes: patternScopes, approver: autoApprove(() => true, { patterns: true }) });
      await aGranted(engine, { scope: 'a:*' });
      await aGranted(engine, { scope: '*:b' });
      for (const [scope, allowed] of [
        ['a:x', true],
        ['x:b', true],
        ['a:b', true],
        ['x:y', false],
        ['a:b:c', false],
        ['a', false],
      ] as const) {
        expect(await engine.isAllowed(MAYA, scope)).toBe(allowed);
      }
    });

    it('names the grant that ends last, and its end as validUntil', async () => {
      const { engine } = anEngine();
      await aGranted(engine, { ttl: 5 * MINUTE });
      const longest = await aGranted(engine, { ttl: 20 * MINUTE });
      await aGranted(engine, { ttl: 10 * MINUTE });
      expect(await engine.check(MAYA, SCOPE)).toMatchObject({
        allowed: true,
        reason: 'granted',
        grant: { id: longest.id },
        pattern: undefined,
        validUntil: at(20 * MINUTE),
      });
    });

    it('still allows by the second grant when the first is revoked', async () => {
      const { engine } = anEngine();
      const first = await aGranted(engine);
      const second = await aGranted(engine, { ttl: '20m' });
      await engine.revoke(first.id, { by: SAM });
      expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: true, grant: { id: second.id } });
    });

    it('L34 asks the store once, for live rows, and nothing else', async () => {
      const { engine, store } = anEngine();
      await aGranted(engine);
      const before = store.calls.length;
      await engine.isAllowed(MAYA, SCOPE);
      await engine.check(MAYA, SCOPE);
      await engine.assertAllowed(MAYA, SCOPE);
      await engine.filterAllowed(MAYA, [SCOPE, 'a', 'b', 'c']);
      const calls = store.calls.slice(before);
      expect(calls.map((call) => call.method)).toEqual(['live', 'live', 'live', 'live']);
      expect(calls.slice(0, 3).map((call) => call.argument)).toEqual([1, 2, 3].map(() => ({ subject: MAYA, scope: SCOPE, at: START_AT })));
    });

    it('resolves in the first microtask when the store answers at once', async () => {
      const { engine } = anEngine();
      await aGranted(engine);
      let answer: boolean | undefined;
      void engine.isAllowed(MAYA, SCOPE).then((allowed) => (answer = allowed));
      await Promise.resolve();
      expect(answer).toBe(true);
    });
  });

  describe('assertAllowed()', () => {
    it('resolves to the decision', async () => {
      const { engine } = anEngine();
      await aGranted(engine);
      expect(await engine.assertAllowed(MAYA, SCOPE)).toMatchObject({ allowed: true, subject: MAYA, scope: SCOPE });
    });

    it('L20 throws with the decision and the subject', async () => {
      const { engine } = anEngine();
      const error = await refusal(engine.assertAllowed(MAYA, SCOPE), 'ERR_JIT_DENIED');
      expect(error).toMatchObject({ name: 'DeniedError', actor: MAYA, decision: { allowed: false, reason: 'no_grant' } });
    });
  });

  describe('filterAllowed()', () => {
    it('keeps the order and the same objects, including repetitions', async () => {
      const { engine } = anEngine({ standing: { [MAYA]: ['*:read'] } });
      await aGranted(engine);
      const [a, b, c] = [{ scope: 'db:read' }, { scope: 'db:drop' }, { scope: SCOPE, more: 1 }];
      const kept = await engine.filterAllowed(MAYA, [c, b, a, c]);
      expect(kept).toEqual([c, a, c]);
      expect(kept[0]).toBe(c);
    });

    it('answers an empty list with an empty list', async () => {
      expect(await anEngine().engine.filterAllowed(MAYA, [])).toEqual([]);
    });

    it('names the item that is not a scope', async () => {
      expect(await refusal(anEngine().engine.filterAllowed(MAYA, ['a', '*']), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({
        argument: 'actions[1]',
      });
    });
  });

  describe('status()', () => {
    it('lists the held grants by their end, and the instant of the next change', async () => {
      const { engine, clock } = anEngine({ standing: { [MAYA]: ['*:read'] } });
      const long = await aGranted(engine, { ttl: 20 * MINUTE });
      const short = await aGranted(engine, { ttl: 5 * MINUTE, scope: 'db-prod:read' });
      expect(await engine.status(MAYA)).toEqual({
        subject: MAYA,
        at: START_AT,
        standing: ['*:read'],
        locks: [],
        held: [short, long],
        scheduled: [],
        windows: [
          { grantId: short.id, scope: 'db-prod:read', startsAt: START_AT, endsAt: at(5 * MINUTE) },
          { grantId: long.id, scope: SCOPE, startsAt: START_AT, endsAt: at(20 * MINUTE) },
        ],
        changesAt: at(5 * MINUTE),
      });
      await clock.set(at(5 * MINUTE));
      expect(await engine.status(MAYA)).toMatchObject({ held: [{ id: long.id }], changesAt: at(20 * MINUTE) });
      await clock.set(at(20 * MINUTE));
      expect(await engine.status(MAYA)).toMatchObject({ held: [], changesAt: undefined });
    });

    it('L34 asks the store once, for live rows', async () => {
      const { engine, store } = anEngine();
      await aGranted(engine);
      const before = store.calls.length;
      await engine.status(MAYA);
      const calls = store.calls.slice(before);
      expect(calls.map(({ method, argument }) => [method, (argument as { kind?: string }).kind])).toEqual([['live', undefined]]);
    });

    it('lists nothing for a subject without grants', async () => {
      expect(await anEngine().engine.status('user:eve')).toMatchObject({ standing: [], held: [], scheduled: [], changesAt: undefined });
    });
  });

  describe('standing', () => {
    it('allows by pattern without the store, and names the pattern', async () => {
      const { engine, store } = anEngine({ standing: { [MAYA]: ['db:*', '*:read'] } });
      expect(await engine.check(MAYA, 'logs:read')).toEqual({
        allowed: true,
        reason: 'standing',
        subject: MAYA,
        scope: 'logs:read',
        at: START_AT,
        grant: undefined,
        pattern: '*:read',
        validUntil: undefined,
      });
      expect(await engine.isAllowed(MAYA, 'logs:write')).toBe(false);
      expect(await engine.isAllowed('user:eve', 'logs:read')).toBe(false);
      expect(store.called('live')).toBe(2);
    });

    it('is called for each check if it is a function', async () => {
      let patterns = ['*:read'];
      const { engine } = anEngine({ standing: (subject) => (subject === MAYA ? patterns : []) });
      expect(await engine.isAllowed(MAYA, 'a:read')).toBe(true);
      patterns = [];
      expect(await engine.isAllowed(MAYA, 'a:read')).toBe(false);
    });

    for (const [what, standing] of [
      [
        'throws',
        () => {
          throw new Error('LDAP is down');
        },
      ],
      ['answers with a promise', async () => ['**']],
      ['answers with a promise that rejects', () => Promise.reject(new Error('late'))],
      ['answers with text', () => '**'],
      ['answers with an invalid pattern', () => ['**', 7]],
      ['answers undefined', () => undefined],
    ] as const) {
      it(`L30 denies, and reports to onError, when the function ${what}`, async () => {
        const { engine, told } = anEngine({ standing: standing as unknown as () => string[] });
        expect(await engine.isAllowed(MAYA, 'a:read')).toBe(false);
        expect(told.length).toBeGreaterThan(0);
        expect(told.every((one) => one.during === 'standing')).toBe(true);
        expect(await engine.filterAllowed(MAYA, ['a:read'])).toEqual([]);
        expect((await engine.status(MAYA)).standing).toEqual([]);
      });
    }

    it('does not find subjects on a prototype', async () => {
      const { engine } = anEngine({ standing: { [MAYA]: ['**'] } });
      for (const subject of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
        expect(await engine.isAllowed(subject, 'a')).toBe(false);
    });
  });

  describe('clock', () => {
    // test/core/time.test.ts has every other reading that the clock of the engine refuses.
    for (const [what, now] of [
      [
        'throws',
        () => {
          throw new Error('no clock');
        },
      ],
      ['answers NaN', () => NaN],
    ] as const) {
      it(`L30 rejects every check when the clock ${what}, standing access too`, async () => {
        const { engine, store } = anEngine({ standing: { [MAYA]: ['s'] } });
        await aGranted(engine);
        const broken = anEngine({ store, clock: { now }, standing: { [MAYA]: ['s'] } });
        await refusal(broken.engine.isAllowed(MAYA, SCOPE), 'ERR_JIT_CLOCK');
        await refusal(broken.engine.isAllowed(MAYA, 's'), 'ERR_JIT_CLOCK');
        await refusal(broken.engine.filterAllowed(MAYA, [SCOPE]), 'ERR_JIT_CLOCK');
        await refusal(broken.engine.status(MAYA), 'ERR_JIT_CLOCK');
        const head = await journalHead(engine);
        await refusal(broken.engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: 1 }), 'ERR_JIT_CLOCK');
        expect(await journalHead(engine)).toEqual(head);
      });
    }
  });
});
