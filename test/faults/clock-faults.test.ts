import { describe, expect, it } from 'vitest';
import { isJitError } from '../../src/index.js';
import { START_AT } from '../../src/testing.js';
import { aGranted, anEngine, aPending, ask, at, entriesOf, HOUR, MAYA, refusal, SAM, SCOPE } from '../engine/an-engine.js';
import { everything, expectWhole, prepared, VERBS } from './verbs.js';

/** Values that are not a reading of a clock. */
const READINGS: readonly (readonly [string, () => unknown])[] = [
  ...[undefined, null, NaN, Infinity, -Infinity, -1, 1.5, 2 ** 53, 8.64e15, '', String(START_AT), true, 10n, Symbol('now')].map(
    (value) => [String(value), () => value] as const,
  ),
  ['a date', () => new Date(START_AT)],
  ['a list', () => [START_AT]],
  ['a boxed number', () => new Number(START_AT)],
  ['a promise', () => Promise.resolve(START_AT)],
  [
    'an exception',
    () => {
      throw new Error('no clock');
    },
  ],
];

describe('JitEngine', () => {
  describe('with a clock that fails', () => {
    for (const verb of Object.keys(VERBS)) {
      it(`L5 L25 L30 ${verb} allows no access and leaves no half change, and works once the clock works`, async () => {
        const [plain, made] = [await prepared(), await prepared()];
        await VERBS[verb]?.(plain);
        const typesOf = async (one: typeof made) => (await everything(one.store)).types.filter((type) => type !== 'attempt.refused');
        const before = await everything(made.store);
        const right = made.clock.now.bind(made.clock);
        for (const [what, now] of READINGS) {
          made.clock.now = now as () => number;
          const answer = await VERBS[verb]?.(made).catch((error: unknown) => {
            if (!isJitError(error)) throw new Error(`${verb}, ${what}: not an error of ours`, { cause: error });
            return error.code;
          });
          expect(answer, what).not.toBe(true);
          expect((answer as { allowed?: unknown } | undefined)?.allowed, what).not.toBe(true);
          expect((answer as { outcome?: unknown } | undefined)?.outcome === 'granted' && verb !== 'waitFor', what).toBe(false);
          if (verb === 'filterAllowed') expect(answer, what).toBe('ERR_JIT_CLOCK');
          expect((await everything(made.store)).rows, what).toEqual(before.rows);
        }
        made.clock.now = right;
        await VERBS[verb]?.(made);
        await made.engine.flushAudit();
        await plain.engine.flushAudit();
        expect(await typesOf(made)).toEqual(await typesOf(plain));
        await expectWhole(made.store, made.engine);
      });
    }

    it('L2 L3 L5 a clock that reads 1970, or seconds or microseconds, grants nothing and ends nothing permanently', async () => {
      for (const wrong of [0, START_AT / 1_000, START_AT * 1_000]) {
        const { engine, clock, store } = anEngine();
        const [grant, pending] = [await aGranted(engine), await aPending(engine, { scope: 'b' })];
        const before = (await entriesOf(store)).length;
        await clock.set(wrong);
        expect(await engine.isAllowed(MAYA, SCOPE), String(wrong)).toBe(false);
        if (wrong < START_AT) {
          await refusal(ask(engine, { scope: 'c' }), 'ERR_JIT_CLOCK');
          await refusal(engine.approve(pending.id, { by: SAM }), 'ERR_JIT_CLOCK');
          await clock.set(at(0));
          expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
          expect((await entriesOf(store)).slice(before).map(({ type }) => type)).not.toContain('grant.issued');
          expect((await engine.revoke(grant.id, { by: SAM })).end?.at).toBe(at(0));
        } else {
          // Far ahead every grant has expired for the engine that read that instant; for another engine it has not.
          await clock.set(at(0));
          expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
          expect(await anEngine({ clock, store }).engine.isAllowed(MAYA, SCOPE)).toBe(true);
        }
      }
    });

    it('L3 L4 a start in seconds, in microseconds, in 2099, or after its end is refused, and nothing is stored', async () => {
      const { engine, store } = anEngine();
      for (const [startsAt, code] of [
        [Math.floor(START_AT / 1_000), 'ERR_JIT_DEADLINE'],
        [START_AT * 1_000, 'ERR_JIT_REQUIREMENTS'],
        [Date.UTC(2099, 0), 'ERR_JIT_REQUIREMENTS'],
        [at(-HOUR), 'ERR_JIT_DEADLINE'],
      ] as const) {
        await refusal(ask(engine, { startsAt, ttl: HOUR }), code);
      }
      expect((await everything(store)).rows).toEqual([]);
    });
  });
});

describe('a cursor of another query', () => {
  it('L24 returns no items that the query itself would not return', async () => {
    const { engine } = anEngine();
    for (const subject of [MAYA, 'user:bob', MAYA, 'user:bob']) await aGranted(engine, { subject, scope: `s-${subject.slice(5)}` });
    await aGranted(engine, { subject: 'user:bob', scope: 'another' });
    const of = (subject: string, after?: string) => engine.listRequests({ subject, limit: 1, after });
    const [{ next: theirs }, everywhere] = [await of('user:bob'), await engine.whoHadAccess({ scope: 's-bob', at: at(0), limit: 1 })];
    for (const after of ['x', '~', '0']) {
      await refusal(of(MAYA, after), 'ERR_JIT_INVALID_ARGUMENT');
      await refusal(engine.whoHadAccess({ scope: 's-maya', at: at(0), after }), 'ERR_JIT_INVALID_ARGUMENT');
      await refusal(engine.listGrants({ subject: MAYA, after, during: { from: at(0), to: at(HOUR) } }), 'ERR_JIT_INVALID_ARGUMENT');
    }
    expect(theirs).toBeDefined();
    for (const after of [theirs, everywhere.next].filter((cursor) => cursor !== undefined)) {
      for (const { subject } of (await of(MAYA, after)).items) expect(subject).toBe(MAYA);
      for (const { scope } of (await engine.whoHadAccess({ scope: 's-maya', at: at(0), after })).items) expect(scope).toBe('s-maya');
      for (const { subject } of (await engine.listGrants({ subject: MAYA, after, during: { from: at(0), to: at(HOUR) } })).items)
        expect(subject).toBe(MAYA);
    }
  });
});
