import { explain } from 'jit-access/explain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { autoApprove, reviewers, type JitEngine, type JitEngineOptions } from '../../src/index.js';
import { hangs, inTurn, malformed, ManualClock, ScriptedApprover, throws } from '../../src/testing.js';
import { untilAsleep } from './until-asleep.js';
import {
  aGranted,
  anEngine,
  aPending,
  ask,
  at,
  entriesOf,
  grantsOf,
  HOUR,
  LEE,
  MAYA,
  MINUTE,
  refusal,
  SAM,
  SCOPE,
  typesOf,
} from './an-engine.js';

const TTL = 15 * MINUTE;
const START = at(HOUR);
const END = START + TTL;

/** Approves at once, and is asked once more when a scheduled grant starts. */
const asking = () => new ScriptedApprover({ decide: { outcome: 'approve' }, isEligible: true });
const asksAt = (approver: ScriptedApprover, when: string) =>
  approver.questions.filter((question) => question.method === 'isEligible' && question.when === when).length;

/** An engine with one grant that starts in an hour. Nothing ever sweeps unless a test does. */
async function aScheduled(options: Partial<JitEngineOptions> & { readonly approver?: ScriptedApprover } = {}) {
  const approver = options.approver ?? asking();
  const made = anEngine({ ...options, approver });
  const grant = await aGranted(made.engine, { startsAt: START });
  return { ...made, approver, grant };
}

/** Every verb that answers whether maya is allowed, as a boolean. */
const ASKING: Readonly<Record<string, (engine: JitEngine) => Promise<boolean>>> = {
  check: async (engine) => (await engine.check(MAYA, SCOPE)).allowed,
  isAllowed: (engine) => engine.isAllowed(MAYA, SCOPE),
  assertAllowed: (engine) => yesUnlessDenied(engine.assertAllowed(MAYA, SCOPE)),
  filterAllowed: async (engine) => (await engine.filterAllowed(MAYA, [SCOPE])).length === 1,
  status: async (engine) => (await engine.status(MAYA)).held.length === 1,
  consume: (engine) => yesUnlessDenied(engine.consume(MAYA, SCOPE)),
  touch: async (engine) => (await engine.check(MAYA, SCOPE, { touch: 'wait' })).allowed,
};

async function yesUnlessDenied(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_JIT_DENIED' });
    return false;
  }
}

describe('JitEngine', () => {
  describe('a scheduled start', () => {
    const moments = [
      [START - 1, false],
      [START, true],
      [START + 1, true],
      [END - 1, true],
      [END, false],
      [END + 1, false],
    ] as const;

    for (const [verb, asks] of Object.entries(ASKING)) {
      for (const [now, allowed] of moments) {
        const offset = now < END - 1 ? `the start ${now - START}` : `the end ${now - END}`;
        it(`L1 L2 L7 ${verb} says ${allowed} at ${offset} ms, with no sweeper, whether or not the approver asks at starts`, async () => {
          for (const approver of [asking(), new ScriptedApprover({ decide: { outcome: 'approve' } })]) {
            const { engine, clock } = await aScheduled({ approver });
            await clock.set(now);
            expect(await asks(engine)).toBe(allowed);
          }
        });
      }
    }

    it('L2 is listed as scheduled until then, with its instant as the next change', async () => {
      const { engine, clock, grant } = await aScheduled();
      expect(grant).toMatchObject({ issuedAt: at(0), startsAt: START, expiresAt: END, activatedAt: undefined, asksAtStart: true });
      expect(await engine.status(MAYA)).toMatchObject({ held: [], scheduled: [{ id: grant.id }], changesAt: START });
      expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'not_started', validUntil: START });
      await clock.set(START);
      expect(await engine.status(MAYA)).toMatchObject({ held: [{ id: grant.id }], scheduled: [], changesAt: END });
      expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: true, reason: 'granted', validUntil: END });
    });

    it('L1 L2 allows at random instants exactly within the window', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 5_000 }),
          fc.integer({ min: 1, max: 5_000 }),
          fc.array(fc.integer({ min: 0, max: 12_000 }), { maxLength: 20 }),
          fc.boolean(),
          async (ahead, ttl, readings, asks) => {
            const approver = asks ? asking() : new ScriptedApprover({ decide: { outcome: 'approve' } });
            const { engine, clock } = anEngine({ approver });
            await aGranted(engine, { startsAt: at(ahead), ttl });
            for (const reading of [...readings, ahead - 1, ahead, ahead + ttl - 1, ahead + ttl].sort((a, b) => a - b)) {
              await clock.set(at(reading));
              expect(await engine.isAllowed(MAYA, SCOPE)).toBe(ahead <= reading && reading < ahead + ttl);
            }
          },
        ),
        { numRuns: 60 },
      );
    });

    it('L4 that is not an instant is refused with the argument startsAt', async () => {
      const { engine } = anEngine();
      for (const startsAt of [NaN, -1, 1.5, Infinity, 2 ** 53, null, '2026-01-01', new Date(NaN)]) {
        expect(await refusal(ask(engine, { startsAt: startsAt as number }), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({
          argument: 'startsAt',
        });
      }
    });
  });

  describe('the question at a scheduled start', () => {
    for (const [verb, asks] of [...Object.entries(ASKING), ['sweep', undefined]] as const) {
      it(`is asked once, by the first ${verb} at or after the start, and its answer is recorded`, async () => {
        const { engine, clock, store, approver, grant } = await aScheduled();
        await clock.set(START - 1);
        await (asks ?? (() => engine.sweep()))(engine);
        expect(asksAt(approver, 'start')).toBe(0);
        await clock.set(START + 7);
        if (asks === undefined) expect(await engine.sweep()).toMatchObject({ asked: 1, started: 0, skipped: 0 });
        else expect(await asks(engine)).toBe(true);
        expect(asksAt(approver, 'start')).toBe(1);
        expect((await engine.getRequest(grant.requestId))?.grants).toMatchObject([{ activatedAt: START + 7, end: undefined }]);
        const activated = (await entriesOf(store)).filter((entry) => entry.type === 'grant.activated');
        expect(activated).toMatchObject([
          {
            at: START + 7,
            actor: asks === undefined ? 'system:sweeper' : MAYA,
            requestId: grant.requestId,
            grantId: grant.id,
            data: { version: 2, activatedAt: START + 7 },
          },
        ]);
        for (const other of Object.values(ASKING)) expect(await other(engine)).toBe(true);
        await engine.sweep();
        expect(asksAt(approver, 'start')).toBe(1);
      });
    }

    it('is not asked where the approver has no isEligible: the sweep only records the start', async () => {
      const approver = new ScriptedApprover({ decide: { outcome: 'approve' } });
      const { engine, clock, store, grant } = await aScheduled({ approver });
      expect(grant.asksAtStart).toBe(false);
      await clock.set(START);
      const commits = store.called('commit');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      expect(store.called('commit')).toBe(commits);
      expect(await engine.sweep()).toMatchObject({ started: 1, asked: 0 });
      expect((await entriesOf(store)).at(-1)).toMatchObject({ type: 'grant.activated', actor: 'system:sweeper', at: START });
      expect(await engine.sweep()).toMatchObject({ started: 0 });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('is not asked for a grant that starts with its decision', async () => {
      const approver = asking();
      const { engine } = anEngine({ approver });
      expect(await aGranted(engine)).toMatchObject({ asksAtStart: false, activatedAt: at(0) });
      expect(await aGranted(engine, { scope: 'b', startsAt: at(0) })).toMatchObject({ asksAtStart: false, activatedAt: at(0) });
      expect(await engine.isAllowed(MAYA, 'b')).toBe(true);
      expect(asksAt(approver, 'start')).toBe(0);
    });

    it('is not asked while another grant allows', async () => {
      const { engine, clock, approver } = await aScheduled();
      await clock.set(START - 1);
      const other = await aGranted(engine, { ttl: 5 * MINUTE });
      await clock.set(START);
      expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: true, grant: { id: other.id } });
      expect(asksAt(approver, 'start')).toBe(0);
    });

    it('is asked of each waiting grant until one allows', async () => {
      const approver = asking();
      const { engine, clock } = anEngine({ approver });
      const [long, short] = [await aGranted(engine, { startsAt: START, ttl: 2 * TTL }), await aGranted(engine, { startsAt: START - 1 })];
      await clock.set(START);
      approver.script.isEligible = inTurn(false, true);
      expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: true, grant: { id: short.id } });
      expect((await engine.getRequest(long.requestId))?.grants).toMatchObject([{ end: { status: 'revoked', cause: 'ineligible' } }]);
    });

    it('is asked only about the scopes that filterAllowed is asked about', async () => {
      const approver = asking();
      const { engine, clock } = anEngine({ approver });
      const grants = await grantsOf(engine, { scopes: ['a', 'b', 'c'], startsAt: START });
      await clock.set(START);
      expect(await engine.filterAllowed(MAYA, ['b', 'x'])).toEqual(['b']);
      expect(asksAt(approver, 'start')).toBe(1);
      const stored = (await engine.getRequest(grants[0]?.requestId ?? ''))?.grants;
      expect(stored?.map((grant) => grant.activatedAt)).toEqual([undefined, START, undefined]);
    });

    for (const [what, answer] of [
      ['throws', throws(new Error('LDAP is down'))],
      ['throws a value that is not an Error', throws(undefined)],
      ['answers undefined', malformed(undefined)],
      ['answers null', malformed(null)],
      ['answers 1', malformed(1)],
      ["answers 'true'", malformed('true')],
      ['answers { eligible: true }', malformed({ eligible: true })],
      ['answers { eligible: 0 }', malformed({ eligible: 0 })],
      ['rejects', () => Promise.reject(new Error('LDAP is down'))],
    ] as const) {
      it(`L30 that ${what} leaves the grant unactivated and denied, and is asked again`, async () => {
        const { engine, clock, approver, told, grant } = await aScheduled();
        await clock.set(START);
        approver.script.isEligible = answer;
        for (const [verb, asks] of Object.entries(ASKING)) {
          expect(await asks(engine), verb).toBe(false);
          await clock.advance(1_000);
        }
        const denied = { reason: 'not_activated', grant: { id: grant.id }, validUntil: clock.now() };
        expect(await engine.check(MAYA, SCOPE)).toMatchObject(denied);
        expect(await engine.sweep()).toMatchObject({ asked: 1, started: 0 });
        expect(told.every(({ during, error }) => ['activation', 'sweep'].includes(during) && error instanceof Error)).toBe(true);
        expect(told.length).toBe(Object.keys(ASKING).length + 2);
        expect((await engine.getRequest(grant.requestId))?.grants).toEqual([grant]);
        expect(await engine.status(MAYA)).toMatchObject({ held: [], scheduled: [{ id: grant.id }] });
        approver.script.isEligible = true;
        await clock.advance(1_000);
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      });
    }

    it('L30 L34 that has failed is not repeated by a check within a second, which denies; a sweep, or a later check, repeats it', async () => {
      const { engine, clock, approver, grant } = await aScheduled();
      approver.script.isEligible = throws(new Error('LDAP is down'));
      await clock.set(START);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      for (const now of [START, START + 1, START + 999]) {
        await clock.set(now);
        for (const [verb, asks] of Object.entries(ASKING)) expect(await asks(engine), verb).toBe(false);
      }
      expect(asksAt(approver, 'start')).toBe(1);
      await clock.set(START + 1_000);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect(asksAt(approver, 'start')).toBe(2);
      approver.script.isEligible = true;
      expect(await engine.sweep()).toMatchObject({ asked: 1 });
      expect((await engine.getRequest(grant.requestId))?.grants).toMatchObject([{ activatedAt: START + 1_000 }]);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('L34 that has failed is still asked by checks of other grants and of other processes', async () => {
      const approver = asking();
      const { engine, clock, store } = anEngine({ approver });
      for (const scope of ['a', 'b']) await aGranted(engine, { scope, startsAt: START });
      approver.script.isEligible = throws(new Error('LDAP is down'));
      await clock.set(START);
      expect(await engine.isAllowed(MAYA, 'a')).toBe(false);
      approver.script.isEligible = true;
      expect([await engine.isAllowed(MAYA, 'a'), await engine.isAllowed(MAYA, 'b')]).toEqual([false, true]);
      expect(await anEngine({ store, clock, approver }).engine.isAllowed(MAYA, 'a')).toBe(true);
      expect(await engine.isAllowed(MAYA, 'a')).toBe(true);
    });

    it('L30 that hangs fails after the time limit, and its late yes activates nothing', async () => {
      const { engine, clock, approver, grant } = await aScheduled({ limits: { approverTimeout: 1_000 } });
      await clock.set(START);
      let answer: (yes: boolean) => void = () => undefined;
      approver.script.isEligible = () => new Promise<boolean>((resolve) => (answer = resolve));
      const asked = engine.check(MAYA, SCOPE);
      await untilAsleep(clock);
      await clock.advance(1_000);
      expect(await asked).toMatchObject({ allowed: false, reason: 'not_activated' });
      answer(true);
      // A check does not ask again within a second after a failure.
      await clock.advance(1_000);
      expect((await engine.getRequest(grant.requestId))?.grants).toEqual([grant]);
      approver.script.isEligible = hangs();
      const again = engine.isAllowed(MAYA, SCOPE);
      await untilAsleep(clock);
      await clock.advance(1_000);
      expect(await again).toBe(false);
      expect(clock.sleepers).toBe(0);
    });

    it('L1 that is answered with yes after the end gives nothing', async () => {
      const { engine, clock, approver, grant } = await aScheduled({ limits: { approverTimeout: HOUR } });
      await clock.set(END - 1);
      approver.script.isEligible = () => new Promise((resolve) => queueMicrotask(() => void clock.set(END).then(() => resolve(true))));
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect((await engine.getRequest(grant.requestId))?.grants).toMatchObject([{ activatedAt: undefined, end: { status: 'expired' } }]);
    });

    for (const [verb, asks] of [...Object.entries(ASKING), ['sweep', (engine: JitEngine) => engine.sweep()]] as const) {
      it(`that is answered with no to ${verb} ends the grant permanently, in the journal`, async () => {
        const { engine, clock, store, approver, grant } = await aScheduled();
        await clock.set(START);
        approver.script.isEligible = false;
        await asks(engine);
        const end = {
          status: 'revoked',
          cause: 'ineligible',
          at: START,
          by: 'system:approver',
          reason: 'the subject is no longer eligible',
        };
        expect((await engine.getRequest(grant.requestId))?.grants).toMatchObject([{ end, activatedAt: undefined }]);
        const kept = (await entriesOf(store)).filter(({ type }) => type !== 'attempt.refused');
        expect(kept.at(-1)).toMatchObject({ type: 'grant.revoked', grantId: grant.id, data: { end } });
        approver.script.isEligible = true;
        for (const other of Object.values(ASKING)) expect(await other(engine)).toBe(false);
        expect(asksAt(approver, 'start')).toBe(1);
        await clock.set(END);
        expect((await engine.listGrants({ during: { from: at(0), to: END } })).items).toEqual([]);
      });
    }

    it('is not asked again after a yes: a start is confirmed once', async () => {
      const { engine, clock, approver } = await aScheduled();
      await clock.set(START);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      approver.script.isEligible = false;
      await engine.sweep();
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('L12 that is answered with no ends the extensions of the grant in the same change', async () => {
      const approver = asking();
      const { engine, clock, store } = anEngine({ approver });
      const grant = await aGranted(engine, { startsAt: START });
      const extension = await engine.extend(grant.id, { requestedBy: MAYA, ttl: TTL });
      approver.script.decide = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } };
      const pending = await engine.extend(grant.id, { requestedBy: MAYA, ttl: 2 * TTL });
      expect([extension.outcome, pending.outcome]).toEqual(['granted', 'pending']);
      await clock.set(START);
      approver.script.isEligible = false;
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      const last = (await entriesOf(store)).slice(-3);
      expect(last.map((entry) => [entry.type, entry.requestId])).toEqual([
        ['grant.revoked', grant.requestId],
        ['grant.revoked', extension.request.id],
        ['request.cancelled', pending.request.id],
      ]);
      expect(new Set(last.map((entry) => entry.id.split('.')[0])).size).toBe(1);
      expect((await engine.getRequest(pending.request.id))?.request.end).toMatchObject({ cause: 'origin_ended', by: 'system:approver' });
    });

    it('L34 is asked once for a burst of checks and a sweep, and its answer is committed once', async () => {
      const { engine, clock, store, approver } = await aScheduled();
      await clock.set(START);
      let answer: (yes: boolean) => void = () => undefined;
      approver.script.isEligible = () => new Promise<boolean>((resolve) => (answer = resolve));
      const checks = Array.from({ length: 20 }, () => engine.isAllowed(MAYA, SCOPE));
      const swept = engine.sweep();
      for (let turn = 0; turn < 200; turn++) await Promise.resolve();
      expect(asksAt(approver, 'start')).toBe(1);
      answer(true);
      expect(new Set(await Promise.all(checks))).toEqual(new Set([true]));
      await swept;
      expect(asksAt(approver, 'start')).toBe(1);
      expect((await typesOf(store)).filter((type) => type === 'grant.activated')).toHaveLength(1);
    });

    it('L9 is answered by two processes, and committed once', async () => {
      const { engine, clock, store, approver } = await aScheduled();
      const other = anEngine({ store, clock, approver }).engine;
      await clock.set(START);
      for (const seed of [5, 6, 7]) {
        store.inject('all', { fault: 'yield', seed });
        const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? engine : other).isAllowed(MAYA, SCOPE)));
        store.clear();
        expect(new Set(answers)).toEqual(new Set([true]));
        expect((await typesOf(store)).filter((type) => type === 'grant.activated')).toHaveLength(1);
      }
    });

    it('L12 loses to a revoke that commits while it is being asked', async () => {
      const { engine, clock, store, approver, grant } = await aScheduled();
      const other = anEngine({ store, clock, approver }).engine;
      await clock.set(START);
      approver.script.isEligible = async () => {
        await other.revoke(grant.id, { by: SAM });
        return true;
      };
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect(await typesOf(store)).not.toContain('grant.activated');
    });

    it('L30 whose answer cannot be committed leaves access denied; whose commit loses its reply leaves it allowed', async () => {
      const { engine, clock, store, told } = await aScheduled();
      await clock.set(START);
      const clear = store.inject('commit', { fault: 'reject' });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect(told).toMatchObject([{ during: 'activation', error: { code: 'ERR_JIT_STORE' } }]);
      clear();
      await clock.advance(1_000);
      store.inject('commit', { fault: 'lose reply' }, 1);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      expect((await typesOf(store)).filter((type) => type === 'grant.activated')).toHaveLength(1);
    });

    it('L27 that is answered late: the grant was held from the answer on, not before', async () => {
      const { engine, clock, grant } = await aScheduled();
      await clock.set(START + 5);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      await clock.set(END);
      for (const [t, held] of [
        [START - 1, false],
        [START, false],
        [START + 4, false],
        [START + 5, true],
        [END - 1, true],
        [END, false],
      ] as const) {
        expect((await engine.whoHadAccess({ scope: SCOPE, at: t })).items.map(({ id }) => id)).toEqual(held ? [grant.id] : []);
      }
      expect((await engine.listGrants({ during: { from: START, to: START + 5 } })).items).toEqual([]);
      expect((await engine.listGrants({ during: { from: START, to: START + 6 } })).items).toHaveLength(1);
    });

    it('L5 L27 that is answered late: the grant does not allow before the answer when the clock steps back', async () => {
      const { engine, clock, grant } = await aScheduled();
      await clock.set(START + 300);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      await clock.set(START + 200);
      expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'not_started', validUntil: START + 300 });
      expect(await engine.status(MAYA)).toMatchObject({ held: [], scheduled: [{ id: grant.id }], changesAt: START + 300 });
      expect(await explain(engine, MAYA, SCOPE)).toMatchObject({ reason: 'not_started', changesAt: START + 300 });
      expect((await engine.whoHadAccess({ scope: SCOPE, at: START + 200 })).items).toEqual([]);
      await clock.set(START + 300);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('L27 that is never answered: the grant was never held, and expires without activation', async () => {
      const { engine, clock, approver, grant } = await aScheduled();
      approver.script.isEligible = throws(new Error('down'));
      await clock.set(START);
      await engine.sweep();
      await clock.set(END);
      expect(await engine.sweep()).toMatchObject({ ended: 1, asked: 0 });
      expect((await engine.getRequest(grant.requestId))?.grants).toMatchObject([
        { activatedAt: undefined, end: { status: 'expired', cause: 'time', at: END } },
      ]);
      expect((await engine.listGrants({ during: { from: at(0), to: END + 1 } })).items).toEqual([]);
      expect((await engine.whoHadAccess({ scope: SCOPE, at: START })).items).toEqual([]);
    });
  });

  describe('a decision about a request with a start', () => {
    // test/lifecycle/grant.test.ts has more instants.
    for (const [what, now, window] of [
      ['1 ms before the start', START - 1, { startsAt: START, expiresAt: END, activatedAt: undefined }],
      ['1 ms after the start', START + 1, { startsAt: START + 1, expiresAt: END, activatedAt: START + 1 }],
    ] as const) {
      it(`L4 gives ${what} the remaining window, and never shifts it`, async () => {
        const { engine, clock } = anEngine({ approver: reviewers({ members: [SAM] }) });
        const request = await aPending(engine, { startsAt: START });
        await clock.set(now);
        const result = await engine.approve(request.id, { by: SAM });
        expect(result).toMatchObject({ outcome: 'granted', grants: [{ issuedAt: now, ...window }] });
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(now >= START);
        await clock.set(END);
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      });
    }

    it('L4 L13 is refused at the end of the window, with no sweep', async () => {
      const { engine, clock, store } = anEngine({ approver: reviewers({ members: [SAM] }) });
      const request = await aPending(engine, { startsAt: START });
      expect(request.reviewBy).toBe(END);
      await clock.set(END);
      expect(await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_DEADLINE')).toMatchObject({ reviewBy: END });
      await engine.sweep();
      expect((await engine.getRequest(request.id))?.request.end).toMatchObject({ status: 'expired', at: END });
      expect(await typesOf(store)).not.toContain('grant.issued');
    });

    it('L4 L13 has its deadline at the end of the window, even if the quorum leaves reviewers more time', async () => {
      const decide = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }], reviewWithinMs: 24 * HOUR } } as const;
      const { engine, clock } = anEngine({ approver: new ScriptedApprover({ decide, groupsOf: ['ops'] }) });
      const request = await aPending(engine, { startsAt: START });
      expect(request.reviewBy).toBe(END);
      await clock.set(END);
      await refusal(engine.approve(request.id, { by: LEE }), 'ERR_JIT_DEADLINE');
    });

    it('L4 L13 of an approver that answers too late grants nothing', async () => {
      const approver = new ScriptedApprover({
        decide: () => new Promise((resolve) => queueMicrotask(() => void clock.set(END).then(() => resolve({ outcome: 'approve' })))),
      });
      const { engine, clock, store } = anEngine({ approver, limits: { approverTimeout: 2 * HOUR } });
      await refusal(ask(engine, { startsAt: START }), 'ERR_JIT_DEADLINE');
      expect(await typesOf(store)).not.toContain('grant.issued');
    });

    it('L4 grants the rest of the window for a start that has passed, and refuses a window that has passed', async () => {
      const { engine, clock, store } = anEngine({ approver: autoApprove(() => true) });
      await clock.set(START + 5);
      expect(await aGranted(engine, { startsAt: START })).toMatchObject({ startsAt: START + 5, expiresAt: END });
      await clock.set(END - 1);
      expect(await aGranted(engine, { scope: 'b', startsAt: START })).toMatchObject({ startsAt: END - 1, expiresAt: END });
      await clock.set(END);
      expect(await refusal(ask(engine, { scope: 'c', startsAt: START }), 'ERR_JIT_DEADLINE')).toMatchObject({ reviewBy: END });
      await engine.flushAudit();
      expect((await typesOf(store)).filter((type) => type === 'request.created')).toHaveLength(2);
    });

    it('L3 limits how far ahead a start may lie: at the limit, not a millisecond more', async () => {
      const { engine, store } = anEngine({ limits: { maxStartAhead: HOUR } });
      expect(await refusal(ask(engine, { startsAt: START + 1 }), 'ERR_JIT_REQUIREMENTS')).toMatchObject({
        problems: [{ rule: undefined, field: 'startsAt', code: 'too_far_ahead', limit: HOUR, got: HOUR + 1 }],
      });
      await engine.flushAudit();
      expect(await typesOf(store)).toEqual(['attempt.refused']);
      expect((await ask(engine, { startsAt: START })).outcome).toBe('pending');
      const { engine: other } = anEngine();
      await refusal(ask(other, { startsAt: at(7 * 24 * HOUR + 1) }), 'ERR_JIT_REQUIREMENTS');
      expect((await ask(other, { startsAt: at(7 * 24 * HOUR) })).outcome).toBe('pending');
    });

    it('L3 stores nothing that ends after the last possible instant, with a start far ahead', async () => {
      const last = 8_640_000_000_000_000;
      const longest = 1_000_000_000_000;
      const limits = { maxTtl: longest, maxStartAhead: longest, maxTotal: longest, reviewWithin: longest };
      const approver = autoApprove(() => true);
      const asked = { startsAt: last - longest, ttl: longest };
      const inReach = anEngine({ approver, limits, clock: new ManualClock(last - 2 * longest) });
      const grant = await aGranted(inReach.engine, asked);
      expect(grant.expiresAt).toBe(last);
      expect((await inReach.engine.getRequest(grant.requestId))?.grants).toEqual([grant]);
      // One millisecond later, the request is refused.
      const beyond = anEngine({ approver, limits, clock: new ManualClock(last - 2 * longest + 1) });
      await refusal(ask(beyond.engine, { ...asked, startsAt: last - longest + 1 }), 'ERR_JIT_CLOCK');
      expect(await typesOf(beyond.store)).toEqual([]);
    });

    it('L3 still limits the length of the window', async () => {
      const { engine } = anEngine({ limits: { maxTtl: TTL } });
      const { problems } = await refusal(ask(engine, { startsAt: START, ttl: TTL + 1 }), 'ERR_JIT_REQUIREMENTS');
      expect(problems).toMatchObject([{ field: 'ttl', code: 'too_long', limit: TTL }]);
    });
  });

  describe('a scheduled grant', () => {
    it('counts against the limit of grants', async () => {
      const { engine, clock } = await aScheduled({ limits: { maxGrants: 1 } });
      expect(await refusal(ask(engine, { scope: 'b' }), 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'maxGrants', max: 1, got: 2 });
      await clock.set(END);
      expect((await ask(engine, { scope: 'b' })).outcome).toBe('granted');
    });

    for (const [how, end] of [
      ['revoke', (engine: JitEngine, id: string) => engine.revoke(id, { by: SAM })],
      ['release', (engine: JitEngine, id: string) => engine.release(id, { by: MAYA })],
      ['revokeAll', (engine: JitEngine) => engine.revokeAll({ subject: MAYA }, { by: SAM })],
    ] as const) {
      it(`L12 ends by ${how}, is then never asked about, never starts and was never held`, async () => {
        const { engine, clock, approver, grant } = await aScheduled();
        await clock.set(START - 1);
        await end(engine, grant.id);
        expect((await engine.getRequest(grant.requestId))?.grants).toMatchObject([{ end: { status: 'revoked', at: START - 1 } }]);
        expect(await engine.status(MAYA)).toMatchObject({ held: [], scheduled: [], changesAt: undefined });
        await clock.set(START);
        expect(await engine.sweep()).toMatchObject({ started: 0, asked: 0, ended: 0 });
        for (const asks of Object.values(ASKING)) expect(await asks(engine)).toBe(false);
        expect(asksAt(approver, 'start')).toBe(0);
        expect((await engine.listGrants({ during: { from: at(0), to: END } })).items).toEqual([]);
      });
    }

    it('L6 never starts early, and ends early by the leeway', async () => {
      const { engine, clock, approver } = await aScheduled({ leewayMs: 1_000 });
      for (const now of [START - 1_000, START - 1]) {
        await clock.set(now);
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
        expect(await engine.sweep()).toMatchObject({ started: 0, asked: 0 });
      }
      expect(asksAt(approver, 'start')).toBe(0);
      await clock.set(START);
      expect(await engine.check(MAYA, SCOPE)).toMatchObject({ allowed: true, validUntil: END - 1_000 });
      await clock.set(END - 1_001);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      await clock.set(END - 1_000);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('L6 ends before its start if the leeway is longer than its window: check, status and explain name the instant', async () => {
      const { engine, clock } = await aScheduled({ leewayMs: TTL + MINUTE });
      const over = END - (TTL + MINUTE);
      const told = async () => {
        const [check, status, explained] = [await engine.check(MAYA, SCOPE), await engine.status(MAYA), await explain(engine, MAYA, SCOPE)];
        return [check.reason, check.validUntil, status.scheduled.length, status.changesAt, explained.reason, explained.changesAt];
      };
      await clock.set(over - 1);
      expect(await told()).toEqual(['not_started', over, 1, over, 'not_started', over]);
      await clock.set(over);
      expect(await told()).toEqual(['no_grant', undefined, 0, undefined, 'expired', undefined]);
    });

    it('L30 without a confirmed start is listed as scheduled until its end, which is the next change', async () => {
      const { engine, clock, approver } = await aScheduled();
      approver.script.isEligible = throws(new Error('LDAP'));
      await clock.set(START);
      expect(await engine.status(MAYA)).toMatchObject({ held: [], scheduled: [{ expiresAt: END }], changesAt: END });
      await clock.set(END);
      expect(await engine.status(MAYA)).toMatchObject({ held: [], scheduled: [], changesAt: undefined });
    });

    it('L6 L13 can be decided only until the leeway before its end', async () => {
      const { engine, clock } = anEngine({ leewayMs: 1_000 });
      const [first, second] = [await aPending(engine, { startsAt: START }), await aPending(engine, { scope: 'b', startsAt: START })];
      await clock.set(END - 1_001);
      expect((await engine.approve(first.id, { by: SAM })).outcome).toBe('granted');
      await clock.set(END - 1_000);
      await refusal(engine.approve(second.id, { by: SAM }), 'ERR_JIT_DEADLINE');
    });

    it('L5 counts as not started after the clock steps back before its start', async () => {
      const { engine, clock } = await aScheduled();
      await clock.set(START);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      await clock.set(START - 1);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect(await engine.check(MAYA, SCOPE)).toMatchObject({ reason: 'not_started' });
      await clock.set(START);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('L5 is not activated at its highest reading when the clock has stepped back before its start', async () => {
      const { engine, clock, approver, grant } = await aScheduled();
      await clock.set(START);
      await engine.isAllowed('user:noor', SCOPE);
      await clock.set(START - 1);
      for (const asks of Object.values(ASKING)) expect(await asks(engine)).toBe(false);
      await engine.sweep();
      expect(asksAt(approver, 'start')).toBe(0);
      expect((await engine.getRequest(grant.requestId))?.grants).toMatchObject([{ activatedAt: undefined, end: undefined }]);
    });

    it('L5 does not start while the clock is more than a second below its highest reading', async () => {
      const { engine, clock, told } = await aScheduled();
      await clock.set(START + 2_001);
      await engine.isAllowed('user:noor', SCOPE);
      await clock.set(START + 1_000);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect(told.map(({ during }) => during)).toEqual(['clock', 'activation']);
      expect(told.at(-1)).toMatchObject({ error: { code: 'ERR_JIT_CLOCK' } });
      await clock.set(START + 1_001);
      // A check repeats a failed question only after a second on the clock; a sweep repeats it at once.
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      await engine.sweep();
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('L1 L5 stays ended after the clock steps back from its end, also if it was never activated', async () => {
      const { engine, clock } = await aScheduled();
      await clock.set(END);
      await engine.status('user:noor');
      await clock.set(END - 1);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      await clock.set(START);
      for (const asks of Object.values(ASKING)) expect(await asks(engine)).toBe(false);
    });

    it('L5 cannot be requested while the clock is below its highest reading', async () => {
      const { engine, clock } = await aScheduled();
      await clock.set(at(5_000));
      await engine.isAllowed(MAYA, SCOPE);
      await clock.set(at(3_999));
      await refusal(ask(engine, { scope: 'b', startsAt: START }), 'ERR_JIT_CLOCK');
    });

    it('L27 is activated at an instant that is never before its last entry: a slow process adds no earlier instant', async () => {
      const { engine, clock, store, grant } = await aScheduled();
      const slow = anEngine({ store, approver: asking() });
      await clock.set(START);
      await slow.clock.set(START + 3);
      expect(await slow.engine.isAllowed(MAYA, SCOPE)).toBe(true);
      await engine.extend(grant.id, { requestedBy: MAYA, ttl: TTL });
      const ats = (await entriesOf(store)).filter((entry) => entry.grantId === grant.id).map((entry) => entry.at);
      expect(ats).toEqual([...ats].sort((a, b) => a - b));
    });
  });
});
