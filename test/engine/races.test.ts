import { describe, expect, it } from 'vitest';
import { autoApprove, reviewers, type AccessResult, type Approver, type Grant, type JitEngine, type Verdict } from '../../src/index.js';
import { ScriptedApprover } from '../../src/testing.js';
import { expectReplayed } from '../property/fold.js';
import { ANA, anEngine, aPending, ask, at, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from './an-engine.js';
import { linksOf } from '../features/links/links-of.js';

const CISO = 'user:ciso';
const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);
const END = at(15 * MINUTE);

type Made = ReturnType<typeof anEngine> & { readonly other: JitEngine };

/** Two engines over one store. After `yields`, each store call yields, in another order for each seed. */
function made(approver: Approver, options: Parameters<typeof anEngine>[0] = {}): Made & { yields(seed: number): void } {
  const first = anEngine({ approver, ...options });
  const { engine: other } = anEngine({ approver, ...options, store: first.store, clock: first.clock });
  return { ...first, other, yields: (seed) => first.store.inject('all', { fault: 'yield', seed }) };
}

/** Extensions are reviewed; other requests are approved with these terms. */
const extending = (terms: object = {}) =>
  new ScriptedApprover({
    decide: (request): Verdict =>
      request.extension === undefined
        ? { outcome: 'approve', terms }
        : { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] }, terms },
    groupsOf: ['ops'],
    breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
    mayReviewBreakGlass: (reviewer) => reviewer === ANA,
  });

async function granted(work: Promise<AccessResult>): Promise<Grant> {
  const result = await work;
  const grant = result.outcome === 'granted' ? result.grants[0] : undefined;
  if (grant === undefined) throw new Error(`expected a grant, got ${result.outcome}`);
  return grant;
}

/** How many calls succeeded, and how often each error code occurred. */
async function tally(calls: readonly Promise<unknown>[]): Promise<{ won: number; codes: Readonly<Record<string, number>> }> {
  const codes: Record<string, number> = {};
  let won = 0;
  for (const one of await Promise.allSettled(calls)) {
    if (one.status === 'fulfilled') won += 1;
    else {
      const code = String((one.reason as { code?: string }).code ?? one.reason);
      codes[code] = (codes[code] ?? 0) + 1;
    }
  }
  return { won, codes };
}

/** Holds the first caller that passes until the gate is opened. */
function gate() {
  let reach: () => void = () => undefined;
  let open: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const opened = new Promise<void>((resolve) => (open = resolve));
  let isFirst = true;
  const pass = async () => {
    if (!isFirst) return;
    isFirst = false;
    reach();
    await opened;
  };
  return { reached, open, pass };
}

const count = (types: readonly string[], type: string): number => types.filter((one) => one === type).length;

describe('JitEngine', () => {
  describe('concurrent calls that interfere', () => {
    const ENDINGS: Readonly<Record<string, (engine: JitEngine, grant: Grant) => Promise<unknown>>> = {
      revoke: (engine, { id }) => engine.revoke(id, { by: CISO }),
      release: (engine, { id }) => engine.release(id, { by: MAYA }),
      revokeAll: (engine) => engine.revokeAll({ subject: MAYA }, { by: CISO }),
    };
    for (const [verb, end] of Object.entries(ENDINGS)) {
      for (const [when, moveTo] of [
        ['', undefined],
        [', although it has expired', END],
        [', although its end was recorded', END],
      ] as const) {
        // revokeAll does not reach an ended grant, but it reaches the request to extend it.
        it(`L12 no extension outlives the ${verb} of the grant that it extends${when}, if approved concurrently`, async () => {
          for (const seed of SEEDS) {
            const { engine, other, store, clock, yields } = made(extending());
            const old = await granted(ask(engine));
            const { request } = await engine.extend(old.id, { requestedBy: MAYA, ttl: '20m' });
            if (moveTo !== undefined) await clock.set(moveTo);
            if (when.endsWith('on record')) await engine.sweep();
            yields(seed);
            const approving = other.approve(request.id, { by: SAM }).catch(() => undefined);
            await end(engine, old);
            await approving;
            store.clear();
            const told = await engine.getRequest(request.id);
            expect(told?.request.end?.status).toMatch(/^(cancelled|approved)$/);
            for (const grant of told?.grants ?? []) expect(grant.end).toMatchObject({ status: 'revoked' });
            for (const t of [0, 1, 14 * MINUTE, 15 * MINUTE, 20 * MINUTE, 34 * MINUTE]) {
              if (at(t) >= clock.now()) await clock.set(at(t));
              expect(await other.isAllowed(MAYA, SCOPE)).toBe(false);
            }
            await expectReplayed(store);
          }
        });
      }
    }

    it('L12 an extension requested concurrently with the revoke gives no access', async () => {
      for (const seed of SEEDS) {
        const { engine, other, store, clock, yields } = made(extending());
        const old = await granted(ask(engine));
        yields(seed);
        const extended = other.extend(old.id, { requestedBy: MAYA, ttl: '20m' }).then(
          ({ request }) => other.approve(request.id, { by: SAM }).catch(() => undefined),
          () => undefined,
        );
        await engine.revoke(old.id, { by: CISO });
        await extended;
        store.clear();
        await clock.set(END);
        expect(await engine.status(MAYA)).toMatchObject({ held: [], scheduled: [] });
        await expectReplayed(store);
      }
    });

    for (const recorded of [false, true]) {
      it(`L12 unjustified break-glass access ends with its extension, if approved concurrently${recorded ? ', although its end was recorded' : ''}`, async () => {
        for (const seed of SEEDS) {
          const { engine, other, store, clock, yields } = made(extending());
          const emergency = await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: '15m', justification: 'it burns' });
          const { request } = await engine.extend(emergency.grants[0]?.id ?? '', { requestedBy: MAYA, ttl: '20m' });
          if (recorded) {
            await clock.set(END);
            await engine.sweep();
          }
          yields(seed);
          const approving = other.approve(request.id, { by: SAM }).catch(() => undefined);
          await engine.reviewBreakGlass(emergency.request.id, { by: ANA, verdict: 'unjustified' });
          await approving;
          store.clear();
          for (const t of [0, 15 * MINUTE, 20 * MINUTE]) {
            if (at(t) >= clock.now()) await clock.set(at(t));
            expect(await other.isAllowed(MAYA, SCOPE)).toBe(false);
          }
          await expectReplayed(store);
        }
      });
    }

    for (const [whose, of] of [
      ['subject', (i: number) => ({ subject: MAYA, requestedBy: `agent:${i}` })],
      ['requester', (i: number) => ({ subject: `user:${i}`, requestedBy: 'agent:7' })],
    ] as const) {
      for (const maxUnreviewed of [1, 3]) {
        it(`one ${whose} uses break-glass eight times concurrently, and ${maxUnreviewed} may be pending review`, async () => {
          for (const seed of SEEDS) {
            const { engine, other, store, yields } = made(
              new ScriptedApprover({ breakGlass: { outcome: 'approve', reviewWithinMs: HOUR, maxUnreviewed } }),
            );
            yields(seed);
            const calls = Array.from({ length: 8 }, (_, i) =>
              (i % 2 === 0 ? engine : other).breakGlass({ ...of(i), scope: `s${i}`, ttl: MINUTE, justification: 'it burns' }),
            );
            expect(await tally(calls)).toEqual({ won: maxUnreviewed, codes: { ERR_JIT_LIMIT: 8 - maxUnreviewed } });
            store.clear();
            expect((await engine.listRequests({ afterReview: 'pending' })).items).toHaveLength(maxUnreviewed);
            expect(count(await typesOf(store), 'grant.issued')).toBe(maxUnreviewed);
            await expectReplayed(store);
          }
        });
      }
    }

    it('L11 two concurrent break-glass calls under one key give one access', async () => {
      for (const seed of SEEDS) {
        const { engine, other, store, yields } = made(extending());
        yields(seed);
        const calls = [engine, other].map((one) =>
          one.breakGlass({ subject: MAYA, scope: SCOPE, ttl: MINUTE, justification: 'it burns', idempotencyKey: 'k' }),
        );
        const ids = (await Promise.all(calls)).map((result) => result.request.id);
        expect(new Set(ids).size).toBe(1);
        store.clear();
        expect(count(await typesOf(store), 'grant.issued')).toBe(1);
      }
    });

    for (const first of ['reuse', 'request'] as const) {
      it(`L11 a key used twice concurrently names one request, although its duplicate was cancelled in between: the ${first} commits first`, async () => {
        const { engine, other, store } = made(reviewers({ members: [SAM] }));
        const before = await aPending(engine);
        // The first commit that writes a row of each kind waits until the test lets it go.
        const gates = { reuse: gate(), request: gate() };
        const commit = store.commit.bind(store);
        store.commit = async (change) => {
          const kind = change.put.some((row) => row.kind === 'reuse') ? 'reuse' : 'request';
          if (change.put.some((row) => row.kind === kind && row.open === (kind === 'request'))) await gates[kind].pass();
          return commit(change);
        };
        const keyed = { idempotencyKey: 'k' };
        const finding = ask(engine, keyed);
        await gates.reuse.reached;
        await engine.cancel(before.id, { by: MAYA });
        const opening = ask(other, keyed);
        await gates.request.reached;
        gates[first].open();
        await (first === 'reuse' ? finding : opening);
        gates[first === 'reuse' ? 'request' : 'reuse'].open();
        const answers = [await finding, await opening];
        const id = first === 'reuse' ? before.id : answers[1]?.request.id;
        expect(answers.map(({ request }) => request.id)).toEqual([id, id]);
        // If the request commits first, the call that made it has created something new.
        expect(answers.map(({ reused }) => reused)).toEqual([true, first === 'reuse']);
        expect((await ask(other, keyed)).request.id).toBe(id);
        const types = await typesOf(store);
        expect([count(types, 'request.created'), count(types, 'request.reused')]).toEqual(first === 'reuse' ? [1, 1] : [2, 0]);
      });
    }

    it('of 64 concurrent consumes, exactly as many succeed as uses are left', async () => {
      for (const seed of SEEDS.slice(0, 8)) {
        const maxUses = 1 + (seed % 4);
        const { engine, other, store, yields } = made(extending({ maxUses }));
        const grant = await granted(ask(engine));
        yields(seed);
        const calls = Array.from({ length: 64 }, (_, i) =>
          (i % 2 === 0 ? engine : other).consume(MAYA, SCOPE, i % 3 === 0 ? { idempotencyKey: `k${i}` } : {}),
        );
        expect(await tally(calls)).toEqual({ won: maxUses, codes: { ERR_JIT_DENIED: 64 - maxUses } });
        store.clear();
        const left = (await Promise.allSettled(calls)).flatMap((one) => (one.status === 'fulfilled' ? one.value.usesLeft : []));
        expect([...left].sort()).toEqual(Array.from({ length: maxUses }, (_, i) => i));
        expect((await engine.getRequest(grant.requestId))?.grants[0]?.end).toMatchObject({ status: 'expired', cause: 'used_up' });
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
        await expectReplayed(store);
      }
    });

    it.each([1, 2])('L11 16 concurrent consumes under one key take one use, if there are %i', async (maxUses) => {
      for (const seed of SEEDS) {
        const { engine, other, store, yields } = made(extending({ maxUses }));
        await granted(ask(engine));
        yields(seed);
        const calls = Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? engine : other).consume(MAYA, SCOPE, { idempotencyKey: 'k' }));
        expect(await tally(calls)).toEqual({ won: 16, codes: {} });
        store.clear();
        expect(count(await typesOf(store), 'grant.used')).toBe(1);
        const next = await engine.consume(MAYA, SCOPE).catch((error: unknown) => error);
        expect(next).toMatchObject(maxUses === 1 ? { code: 'ERR_JIT_DENIED' } : { usesLeft: 0 });
      }
    });

    it('L12 no use is taken after a revoke, and no use makes the revoke fail', async () => {
      for (const seed of SEEDS) {
        const { engine, other, store, yields } = made(extending({ maxUses: 50 }));
        const grant = await granted(ask(engine));
        yields(seed);
        const using = Array.from({ length: 12 }, () => other.consume(MAYA, SCOPE));
        const settled = tally(using);
        await engine.revoke(grant.id, { by: CISO });
        const used = count(await typesOf(store), 'grant.used');
        const { won } = await settled;
        store.clear();
        expect(won).toBe(used);
        expect((await engine.getRequest(grant.requestId))?.grants[0]?.end).toMatchObject({ status: 'revoked', cause: 'revoked' });
        await expectReplayed(store);
      }
    });

    it('a subject gets no more than maxGrants, for any number of concurrent asks', async () => {
      for (const seed of SEEDS.slice(0, 6)) {
        const { engine, other, store, yields } = made(
          autoApprove(() => true),
          { limits: { maxGrants: 7 } },
        );
        yields(seed);
        const calls = Array.from({ length: 64 }, (_, i) => ask(i % 2 === 0 ? engine : other, { scope: `s${i}` }));
        const settled = await Promise.allSettled(calls);
        store.clear();
        const outcomes = settled.map((one) =>
          one.status === 'fulfilled' ? one.value.outcome : String((one.reason as { code?: string }).code),
        );
        expect(outcomes.filter((outcome) => outcome === 'granted')).toHaveLength(7);
        expect(new Set(outcomes.filter((outcome) => outcome !== 'granted' && outcome !== 'denied'))).toEqual(new Set(['ERR_JIT_LIMIT']));
        for (const one of settled) {
          if (one.status === 'fulfilled' && one.value.outcome === 'denied') expect(one.value.request.end?.cause).toBe('limit');
        }
        expect((await engine.status(MAYA)).held).toHaveLength(7);
        await expectReplayed(store);
      }
    });

    it('a subject has no more than maxOpenRequests open, for any number of concurrent asks', async () => {
      for (const seed of SEEDS.slice(0, 6)) {
        const { engine, other, store, yields } = made(
          new ScriptedApprover({ decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } } }),
          { limits: { maxOpenRequests: 7 } },
        );
        yields(seed);
        const calls = Array.from({ length: 64 }, (_, i) => ask(i % 2 === 0 ? engine : other, { scope: `s${i}` }));
        expect(await tally(calls)).toEqual({ won: 7, codes: { ERR_JIT_LIMIT: 57 } });
        store.clear();
        expect((await engine.listRequests({ status: 'pending' })).items).toHaveLength(7);
      }
    });

    for (const duplicates of ['return', 'refuse'] as const) {
      it(`one ask made 32 times concurrently is one request (${duplicates})`, async () => {
        for (const seed of SEEDS.slice(0, 6)) {
          const { engine, other, store, yields } = made(
            autoApprove(() => true),
            { limits: { duplicates } },
          );
          yields(seed);
          const calls = Array.from({ length: 32 }, (_, i) => ask(i % 2 === 0 ? engine : other));
          const settled = await Promise.allSettled(calls);
          store.clear();
          const told = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
          expect(told.filter((one) => !one.reused)).toHaveLength(1);
          expect(told).toHaveLength(duplicates === 'return' ? 32 : 1);
          expect(new Set(told.map((one) => one.request.id)).size).toBe(1);
          expect(count(await typesOf(store), 'request.created')).toBe(1);
          expect(count(await typesOf(store), 'grant.issued')).toBe(1);
        }
      });
    }

    for (const [instant, t] of [
      ['within its window', 5 * MINUTE],
      ['at its idle end', 6 * MINUTE],
    ] as const) {
      it(`L12 a concurrent touch neither makes a revoke fail nor revives the grant: touched, revoked and swept ${instant}`, async () => {
        for (const seed of SEEDS) {
          const { engine, other, store, clock, yields } = made(extending({ idleTtlMs: 6 * MINUTE }));
          const grant = await granted(ask(engine));
          await clock.set(at(t));
          yields(seed);
          const touching = Promise.all(
            Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? engine : other).check(MAYA, SCOPE, { touch: 'wait' })),
          );
          const sweeping = Promise.all([engine.sweep(), other.sweep()]);
          await other.revoke(grant.id, { by: CISO });
          expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
          await Promise.all([touching, sweeping]);
          store.clear();
          const idle = t === 6 * MINUTE;
          expect((await engine.getRequest(grant.requestId))?.grants[0]?.end).toMatchObject(
            idle ? { status: 'expired', cause: 'idle', at: at(t) } : { status: 'revoked', cause: 'revoked', at: at(t) },
          );
          const types = await typesOf(store);
          expect(count(types, 'grant.used')).toBeLessThanOrEqual(idle ? 0 : 1);
          expect(count(types, 'grant.expired') + count(types, 'grant.revoked')).toBe(1);
          expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
          await expectReplayed(store);
        }
      });
    }

    for (const eligible of [false, true]) {
      it(`a start that 20 checks and 2 sweepers reach concurrently is decided once, when the approver says ${eligible ? 'yes' : 'no'}`, async () => {
        for (const seed of SEEDS) {
          const approver = new ScriptedApprover({
            decide: { outcome: 'approve' },
            isEligible: (_, when) => when !== 'start' || eligible,
          });
          const { engine, other, store, clock, yields, told } = made(approver);
          const grant = await granted(ask(engine, { startsAt: at(HOUR) }));
          await clock.set(at(HOUR - 1));
          expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
          await clock.set(at(HOUR));
          yields(seed);
          const checks = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? engine : other).isAllowed(MAYA, SCOPE));
          const [allowed] = await Promise.all([Promise.all(checks), engine.sweep(), other.sweep()]);
          store.clear();
          expect(new Set(allowed)).toEqual(new Set([eligible]));
          expect(await engine.isAllowed(MAYA, SCOPE)).toBe(eligible);
          const types = await typesOf(store);
          expect([count(types, 'grant.activated'), count(types, 'grant.revoked')]).toEqual(eligible ? [1, 0] : [0, 1]);
          if (!eligible) expect((await engine.getRequest(grant.requestId))?.grants[0]?.end).toMatchObject({ cause: 'ineligible' });
          expect(told).toEqual([]);
          await expectReplayed(store);
        }
      });
    }

    it('L12 a start that is confirmed concurrently with the revoke gives no access afterwards', async () => {
      for (const seed of SEEDS) {
        const { engine, other, store, clock, yields } = made(new ScriptedApprover({ decide: { outcome: 'approve' }, isEligible: true }));
        const grant = await granted(ask(engine, { startsAt: at(HOUR) }));
        await clock.set(at(HOUR));
        yields(seed);
        const checking = Promise.all([other.isAllowed(MAYA, SCOPE), engine.isAllowed(MAYA, SCOPE)]);
        await engine.revoke(grant.id, { by: CISO });
        expect(await other.isAllowed(MAYA, SCOPE)).toBe(false);
        await checking;
        store.clear();
        expect(await other.isAllowed(MAYA, SCOPE)).toBe(false);
        await expectReplayed(store);
      }
    });

    for (const approvals of [1, 2]) {
      it(`a link that 16 callers redeem concurrently gives one review (${approvals} needed)`, async () => {
        for (const seed of SEEDS) {
          const approver = new ScriptedApprover({
            decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals }] } },
            groupsOf: ['ops'],
          });
          const { engine, other, store, yields } = made(approver);
          const request = await aPending(engine);
          const token = await linksOf(engine).create(request.id, { reviewer: SAM, decision: 'approve' });
          yields(seed);
          const calls = Array.from({ length: 16 }, (_, i) => linksOf(i % 2 === 0 ? engine : other).redeem(token, { by: SAM }));
          const { won, codes } = await tally(calls);
          store.clear();
          expect(won).toBe(1);
          expect(codes).toEqual(approvals === 1 ? { ERR_JIT_DECIDED: 15 } : { ERR_JIT_LINK: 15 });
          expect(count(await typesOf(store), 'request.reviewed')).toBe(1);
          expect((await engine.getRequest(request.id))?.grants).toHaveLength(approvals === 1 ? 1 : 0);
          const again = await refusal(linksOf(other).redeem(token, { by: SAM }));
          expect(again.code).toBe(approvals === 1 ? 'ERR_JIT_DECIDED' : 'ERR_JIT_LINK');
        }
      });
    }
  });
});
