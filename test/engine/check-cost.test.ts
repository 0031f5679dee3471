import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  autoApprove,
  exactScopes,
  JitEngine,
  MemoryGrantStore,
  patternScopes,
  reviewers,
  type GrantStore,
  type JitEngineOptions,
} from '../../src/index.js';
import { ManualClock } from '../../src/testing.js';
import { aGranted, MAYA, MINUTE, refusal, SCOPE } from './an-engine.js';
import { promisesOf } from './promises-of.js';

afterEach(() => vi.restoreAllMocks());

/**
 * An engine over the in-memory store itself, with a clock that counts its readings. The engine does not know a `live` of the
 * instance that is a spy, so it asks that store as it asks any other.
 */
async function anEngineThatCounts(options: Partial<JitEngineOptions> = {}, way: Way = 'by the index') {
  const clock = new ManualClock();
  const now = vi.spyOn(clock, 'now');
  const store: GrantStore = new MemoryGrantStore();
  const live = vi.spyOn(way === 'by the index' ? MemoryGrantStore.prototype : store, 'live');
  const engine = new JitEngine({ approver: reviewers({ members: ['user:sam'] }), ...options, clock, store });
  const grant = await aGranted(engine);
  return { engine, store, clock, grant, now, live };
}

/** Names that no grant has, and that no check accepts (L23). */
const INVALID = [
  ['system:nobody', SCOPE],
  ['user:stranger\u200b', SCOPE],
  ['agent:x/run/1', SCOPE],
  ['user:stranger', 'db:*'],
  ['user:stranger', 'db:'],
] as const;

const WAYS = ['by the index', 'by asking the store'] as const;
type Way = (typeof WAYS)[number];

describe('JitEngine', () => {
  describe('the cost of a check over a store that answers at once', () => {
    for (const [verb, way] of (['isAllowed', 'check', 'assertAllowed'] as const).flatMap((verb) =>
      WAYS.map((way) => [verb, way] as const),
    )) {
      it(`${verb}() ${way} creates one promise, which is already settled when it is returned`, async () => {
        const { engine } = await anEngineThatCounts({}, way);
        // Counted by await: a settled promise resumes in the first microtask.
        for (const scope of [SCOPE, { scope: SCOPE }]) {
          expect(promisesOf(() => engine[verb](MAYA, scope))).toBe(1);
          let isThere = false;
          void engine[verb](MAYA, scope).then(() => (isThere = true));
          await Promise.resolve();
          expect(isThere).toBe(true);
        }
      });

      it(`${verb}() ${way} reads the clock once and asks the store at most once (L5, L34)`, async () => {
        const { engine, now, live } = await anEngineThatCounts({}, way);
        const expected = way === 'by the index' ? 0 : 1;
        for (let look = 0; look < 3; look++) {
          now.mockClear();
          live.mockClear();
          await engine[verb](MAYA, SCOPE);
          expect([now.mock.calls.length, live.mock.calls.length]).toEqual([1, expected]);
        }
      });
    }

    for (const verb of ['isAllowed', 'check'] as const) {
      it(`${verb}() denies a pair without a grant by the index alone: one promise, one reading, no question (L5, L34)`, async () => {
        const { engine, now, live } = await anEngineThatCounts();
        await aGranted(engine, { subject: 'user:noor', scope: 'db:other' });
        for (const [subject, scope] of [
          [MAYA, 'db:other'],
          [MAYA, 'db:unknown'],
          ['user:stranger', SCOPE],
        ] as const) {
          now.mockClear();
          live.mockClear();
          expect(promisesOf(() => engine[verb](subject, scope))).toBe(1);
          expect([now.mock.calls.length, live.mock.calls.length]).toEqual([1, 0]);
        }
        for (const [subject, scope] of INVALID) await refusal(engine[verb](subject, scope), 'ERR_JIT_INVALID_ARGUMENT');
      });
    }

    it('denies the same by the index as by asking the store', async () => {
      const [short, long] = await Promise.all(
        WAYS.map(async (way) => {
          const { engine } = await anEngineThatCounts({}, way);
          await aGranted(engine, { subject: 'user:noor', scope: 'db:other' });
          return [await engine.check(MAYA, 'db:other'), await engine.check('user:noor', SCOPE), await engine.isAllowed(MAYA, 'db:other')];
        }),
      );
      expect(short).toEqual(long);
      expect(short).toMatchObject([{ reason: 'no_grant' }, { reason: 'no_grant' }, false]);
    });

    for (const way of WAYS) {
      it(`decodes a row of the in-memory store once: two checks ${way} name the same record`, async () => {
        const { engine } = await anEngineThatCounts({}, way);
        const [first, second] = [await engine.check(MAYA, SCOPE), await engine.check(MAYA, SCOPE)];
        expect(second.grant).toBe(first.grant);
        expect(Object.isFrozen(first.grant)).toBe(true);
      });
    }

    it('decides the same by the index as by asking the store, just before the end and at the end, with leeway (L1, L6)', async () => {
      const ways = await Promise.all(WAYS.map((way) => anEngineThatCounts({ leewayMs: 1_000 }, way)));
      const bare = async ({ engine, clock, grant }: (typeof ways)[number]) => {
        const { grant: by, ...rest } = await engine.check(MAYA, SCOPE);
        return { ...rest, isIts: by?.id === grant.id, isAllowed: await engine.isAllowed(MAYA, SCOPE), at: clock.now() };
      };
      const both = async () => Promise.all(ways.map(bare));
      for (const [ms, allowed] of [
        [1, true],
        [15 * MINUTE - 1_002, true],
        [1, false],
        [999, false],
        [1, false],
      ] as const) {
        for (const { clock } of ways) await clock.advance(ms);
        const [short, long] = await both();
        expect(short).toEqual(long);
        expect(short).toMatchObject({ allowed, isAllowed: allowed });
      }
    });
  });

  describe('a check with warm caches', () => {
    it('L12 denies after a revoke, and at the end', async () => {
      const { engine, clock, grant } = await anEngineThatCounts();
      await aGranted(engine, { scope: 'db:other' });
      for (const scope of [SCOPE, 'db:other']) expect(await engine.isAllowed(MAYA, scope)).toBe(true);
      await engine.revoke(grant.id, { by: 'user:sam' });
      expect([await engine.isAllowed(MAYA, SCOPE), await engine.isAllowed(MAYA, 'db:other')]).toEqual([false, true]);
      await clock.advance(15 * MINUTE);
      expect(await engine.isAllowed(MAYA, 'db:other')).toBe(false);
    });

    it('L23 refuses a granted pattern as its scope if the engine uses exact scopes', async () => {
      const { engine, store, clock } = await anEngineThatCounts();
      const approver = autoApprove(() => true, { patterns: true });
      const others = new JitEngine({ approver, store, clock, scopes: patternScopes });
      await others.requestAccess({ subject: MAYA, scope: 'billing:*', ttl: '15m' });
      expect(await others.isAllowed(MAYA, 'billing:read')).toBe(true);
      await refusal(engine.isAllowed(MAYA, 'billing:*'), 'ERR_JIT_INVALID_ARGUMENT');
      await refusal(engine.check(MAYA, 'billing:*'), 'ERR_JIT_INVALID_ARGUMENT');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('L20 looks at all rows after a second grant of the same scope is issued', async () => {
      const { engine, grant, clock } = await anEngineThatCounts();
      expect((await engine.check(MAYA, SCOPE)).grant?.id).toBe(grant.id);
      const { request } = await engine.extend(grant.id, { requestedBy: MAYA, ttl: 15 * MINUTE });
      await engine.approve(request.id, { by: 'user:sam' });
      await clock.advance(15 * MINUTE);
      const second = (await engine.check(MAYA, SCOPE)).grant;
      expect(second?.extends).toBe(grant.id);
      await engine.revoke(second?.id as string, { by: 'user:sam' });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('L30 asks a store whose live was replaced after the engine was built', async () => {
      const { engine, store } = await anEngineThatCounts();
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      store.live = () => {
        throw new Error('gone');
      };
      await refusal(engine.isAllowed(MAYA, SCOPE), 'ERR_JIT_STORE');
      await refusal(engine.check(MAYA, SCOPE), 'ERR_JIT_STORE');
    });

    it('still answers by standing access', async () => {
      const { engine, store, clock } = await anEngineThatCounts({ standing: { [MAYA]: [SCOPE] } });
      // This check decodes the row, for every engine.
      expect(await new JitEngine({ approver: autoApprove(() => true), store, clock }).isAllowed(MAYA, SCOPE)).toBe(true);
      expect(await engine.check(MAYA, SCOPE)).toMatchObject({ reason: 'standing', grant: undefined });
    });

    for (const scopes of [patternScopes, exactScopes])
      it(`L23 refuses the same bad arguments after good ones: ${scopes.exact ? 'exact scopes' : 'patterns'}`, async () => {
        const { engine } = await anEngineThatCounts({ scopes });
        await aGranted(engine, { scope: 'billing:read' });
        for (const scope of [SCOPE, 'billing:read']) expect(await engine.isAllowed(MAYA, scope)).toBe(true);
        const bad: readonly (readonly [unknown, unknown])[] = [
          [` ${MAYA}`, SCOPE],
          [`${MAYA}\u200b`, SCOPE],
          ['system:sweeper', SCOPE],
          [new String(MAYA), SCOPE],
          [[MAYA], SCOPE],
          [undefined, SCOPE],
          [MAYA, `${SCOPE}:`],
          [MAYA, 'db-prod:*'],
          [MAYA, '**'],
          [MAYA, [SCOPE]],
          [MAYA, new String(SCOPE)],
          [MAYA, { scope: '*' }],
          [MAYA, undefined],
        ];
        for (const [subject, action] of bad) {
          await refusal(engine.isAllowed(subject as string, action as string), 'ERR_JIT_INVALID_ARGUMENT');
          await refusal(engine.check(subject as string, action as string), 'ERR_JIT_INVALID_ARGUMENT');
        }
      });

    it('L20 does not apply what is cached for one subject or scope to another', async () => {
      const { engine } = await anEngineThatCounts();
      await aGranted(engine, { subject: 'user:noor', scope: 'db:other' });
      expect([await engine.isAllowed(MAYA, SCOPE), await engine.isAllowed('user:noor', 'db:other')]).toEqual([true, true]);
      expect([await engine.isAllowed(MAYA, 'db:other'), await engine.isAllowed('user:noor', SCOPE)]).toEqual([false, false]);
    });

    it('calls canonicalId for every id, known or not, and again for an id that it has changed [EN8]', async () => {
      const names = new Map([['user:alias', MAYA]]);
      const canonicalId = vi.fn((id: string) => names.get(id) ?? id);
      const { engine } = await anEngineThatCounts({ canonicalId });
      for (const subject of [MAYA, 'user:alias', MAYA]) {
        canonicalId.mockClear();
        expect(await engine.isAllowed(subject, SCOPE)).toBe(true);
        expect(canonicalId).toHaveBeenCalledTimes(subject === MAYA ? 1 : 2);
      }
      names.set(MAYA, 'user:renamed');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });
  });
});
