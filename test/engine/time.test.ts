import { acceptClock } from 'jit-access/retention';
import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import { autoApprove, reviewers, type AccessResult } from '../../src/index.js';
import { ManualClock, ScriptedApprover, START_AT } from '../../src/testing.js';
import { aGranted, ANA, anEngine, aPending, ask, at, entriesOf, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from './an-engine.js';
import { decideAgain } from './decide-again.js';

const MAX_INSTANT = 8_640_000_000_000_000;

describe('JitEngine', () => {
  describe('windows', () => {
    it('L3 refuses a window above the limit and never cuts it', async () => {
      const { engine, store } = anEngine({ limits: { maxTtl: '30m' } });
      const error = await refusal(ask(engine, { ttl: 30 * MINUTE + 1 }), 'ERR_JIT_REQUIREMENTS');
      expect(error).toMatchObject({
        name: 'RequirementsError',
        problems: [{ rule: undefined, field: 'ttl', code: 'too_long', limit: 30 * MINUTE, got: 30 * MINUTE + 1 }],
      });
      await engine.flushAudit();
      expect(await typesOf(store)).toEqual(['attempt.refused']);
      expect((await ask(engine, { ttl: 30 * MINUTE })).outcome).toBe('pending');
    });

    it('L3 has a limit of eight hours where none is set', async () => {
      const { engine } = anEngine();
      await refusal(ask(engine, { ttl: 8 * HOUR + 1 }), 'ERR_JIT_REQUIREMENTS');
      expect((await ask(engine, { ttl: '8h' })).outcome).toBe('pending');
    });

    it('L3 refuses a maxTtl that is not a bounded duration', () => {
      for (const maxTtl of [0, Infinity, NaN, -1, 2 ** 53, MAX_INSTANT + 1, '', 'forever']) {
        expect(() => anEngine({ limits: { maxTtl: maxTtl as number } })).toThrow(/limits.maxTtl/);
      }
    });

    it('L3 refuses a limit, or a ttl, that would exceed the last possible instant', async () => {
      for (const limits of [{ maxTtl: MAX_INSTANT }, { reviewWithin: MAX_INSTANT }, { retryAfter: MAX_INSTANT }]) {
        expect(() => anEngine({ limits })).toThrow(/^limits\./);
      }
      const longest = 1_000_000_000_000;
      const { engine } = anEngine({
        limits: { maxTtl: longest, maxTotal: longest, reviewWithin: longest },
        approver: autoApprove(() => true),
      });
      await refusal(ask(engine, { ttl: longest + 1 }), 'ERR_JIT_INVALID_ARGUMENT');
      const grant = await aGranted(engine, { ttl: longest });
      expect((await engine.getRequest(grant.requestId))?.grants).toEqual([grant]);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('L3 stores nothing when the clock is near the last possible instant', async () => {
      const { engine, store } = anEngine({ clock: new ManualClock(MAX_INSTANT - MINUTE), approver: autoApprove(() => true) });
      await refusal(ask(engine));
      const created = (await entriesOf(store)).filter((entry) => entry.type === 'request.created');
      expect(created).toEqual([]);
    });

    for (const [field, value] of [
      ['reviewWithinMs', MAX_INSTANT],
      ['reviewWithinMs', Number.MAX_SAFE_INTEGER],
      ['approvalTtlMs', Number.MAX_SAFE_INTEGER],
      ['denials', Number.MAX_SAFE_INTEGER],
    ] as const) {
      it(`L3 a quorum with ${field} ${value} leaves a request that can still be read and decided`, async () => {
        const approver = new ScriptedApprover({
          decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }], [field]: value } },
          groupsOf: ['ops'],
        });
        const { engine } = anEngine({ approver });
        let id: string | undefined;
        try {
          id = (await ask(engine)).request.id;
        } catch (error) {
          // The engine may also refuse such a quorum, as long as the request stays readable.
          expect(error).toMatchObject({ code: 'ERR_JIT_APPROVER' });
          id = (error as { requestId?: string }).requestId;
        }
        expect(await engine.getRequest(id ?? '')).toMatchObject({ request: { end: undefined } });
        expect((await engine.sweep()).skipped).toBe(0);
      });
    }

    it('L4 starts the window at the decision, not at the request', async () => {
      const { engine, clock } = anEngine();
      const request = await aPending(engine);
      await clock.set(at(20 * MINUTE));
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      const result = await engine.approve(request.id, { by: SAM });
      expect(result).toMatchObject({ grants: [{ issuedAt: at(20 * MINUTE), startsAt: at(20 * MINUTE), expiresAt: at(35 * MINUTE) }] });
    });

    it('L4 starts the window when a slow approver answers', async () => {
      const approver = new ScriptedApprover({
        decide: () => new Promise((resolve) => queueMicrotask(() => void clock.set(at(7)).then(() => resolve({ outcome: 'approve' })))),
      });
      const { engine, clock } = anEngine({ approver });
      expect(await ask(engine, { ttl: 10 })).toMatchObject({ grants: [{ startsAt: at(7), expiresAt: at(17) }] });
    });

    it('the shortest window is one millisecond', async () => {
      const { engine, clock } = anEngine();
      await aGranted(engine, { ttl: 1 });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      await clock.set(at(1));
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('a 15-minute window ends while the work continues to minute 20, and more time is a new request', async () => {
      const { engine, clock } = anEngine();
      await aGranted(engine);
      await clock.advance('15m');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      await aGranted(engine, { ttl: '5m' });
      await clock.advance('4m');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });
  });

  describe('deadlines', () => {
    const WITHIN = 10 * MINUTE;

    for (const [offset, inTime] of [
      [-1, true],
      [0, false],
      [1, false],
    ] as const) {
      for (const verb of ['approve', 'deny'] as const) {
        it(`L13 ${verb} ${offset} ms from the deadline is ${inTime ? 'accepted' : 'refused'}, with no sweep`, async () => {
          const { engine, clock } = anEngine({ limits: { reviewWithin: WITHIN } });
          const request = await aPending(engine);
          await clock.set(at(WITHIN + offset));
          const review = engine[verb](request.id, { by: SAM });
          if (inTime) expect((await review).outcome).toBe(verb === 'approve' ? 'granted' : 'denied');
          else expect(await refusal(review, 'ERR_JIT_DEADLINE')).toMatchObject({ requestId: request.id, reviewBy: at(WITHIN) });
          expect(await engine.isAllowed(MAYA, SCOPE)).toBe(inTime && verb === 'approve');
        });
      }

      it(`L13 an approver that answers ${offset} ms from the deadline is ${inTime ? 'in time' : 'too late'}`, async () => {
        const approver = new ScriptedApprover({
          decide: () => clock.set(at(WITHIN + offset)).then(() => ({ outcome: 'approve' }) as const),
        });
        const { engine, clock } = anEngine({ approver, limits: { reviewWithin: WITHIN } });
        if (inTime) expect((await ask(engine)).outcome).toBe('granted');
        else await refusal(ask(engine), 'ERR_JIT_DEADLINE');
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(inTime);
      });

      it(`L6 L13 the leeway makes the deadline earlier: ${offset} ms from the earlier one`, async () => {
        const { engine, clock } = anEngine({ limits: { reviewWithin: WITHIN }, leewayMs: 500 });
        const request = await aPending(engine);
        await clock.set(at(WITHIN - 500 + offset));
        const review = engine.approve(request.id, { by: SAM });
        if (inTime) expect((await review).outcome).toBe('granted');
        else await refusal(review, 'ERR_JIT_DEADLINE');
      });

      it(`L13 a question to the approver, listRequests, inbox and sweep apply the deadline ${offset} ms from it`, async () => {
        const { engine, clock } = anEngine({ limits: { reviewWithin: WITHIN } });
        const request = await aPending(engine);
        await clock.set(at(WITHIN + offset));
        expect((await decideAgain(engine, request.id)).outcome).toBe(inTime ? 'pending' : 'expired');
        expect((await engine.listRequests({ status: 'expired' })).items.length).toBe(inTime ? 0 : 1);
        expect((await engine.inbox(SAM)).items.length).toBe(inTime ? 1 : 0);
        expect((await engine.sweep()).expired).toBe(inTime ? 0 : 1);
      });
    }

    it('L13 counts from the assignment where the approver sets a deadline', async () => {
      const { engine, clock } = anEngine({ approver: reviewers({ members: [SAM], reviewWithin: '5m' }), limits: { reviewWithin: '1m' } });
      const request = await aPending(engine);
      expect(request.reviewBy).toBe(at(5 * MINUTE));
      await clock.set(at(5 * MINUTE - 1));
      expect((await engine.approve(request.id, { by: SAM })).outcome).toBe('granted');
    });

    it('L8 an expired request can no longer be cancelled', async () => {
      const { engine, clock } = anEngine({ limits: { reviewWithin: WITHIN } });
      const request = await aPending(engine);
      await clock.set(at(WITHIN));
      expect((await decideAgain(engine, request.id)).outcome).toBe('expired');
      const settled = await engine.cancel(request.id, { by: MAYA }).catch(() => undefined);
      expect(settled?.end?.status ?? 'expired').toBe('expired');
      await engine.revokeAll({ requestId: request.id }, { by: 'user:ciso' });
      expect((await decideAgain(engine, request.id)).outcome).toBe('expired');
    });
  });

  describe('a clock that steps back', () => {
    /** Time has been at 60 s; now the clock says 60 s minus `by`. */
    async function steppedBack(by: number) {
      const made = anEngine({ limits: { reviewWithin: HOUR } });
      const { engine, clock } = made;
      const granted = await aGranted(engine, { scope: 'held' });
      const short = await aGranted(engine, { scope: 'short', ttl: MINUTE });
      const pending = await aPending(engine, { scope: 'asked' });
      await clock.set(at(MINUTE));
      expect(await engine.isAllowed(MAYA, 'held')).toBe(true);
      await clock.set(at(MINUTE - by));
      return { ...made, granted, short, pending };
    }

    it('L5 refuses to create access when the clock is more than a second back, and reports that to onError', async () => {
      const { engine, pending, store, told } = await steppedBack(1001);
      const head = await journalHead(engine);
      await refusal(ask(engine), 'ERR_JIT_CLOCK');
      expect(told).toMatchObject([{ error: { code: 'ERR_JIT_CLOCK' }, during: 'clock' }]);
      await refusal(engine.approve(pending.id, { by: SAM }), 'ERR_JIT_CLOCK');
      expect(await journalHead(engine)).toEqual(head);
      expect(await engine.isAllowed(MAYA, 'asked')).toBe(false);
      expect((await entriesOf(store)).some((entry) => entry.type === 'attempt.refused')).toBe(false);
    });

    it('L5 reports to onError also when another question to the approver is refused', async () => {
      const approver = new ScriptedApprover({ decide: () => Promise.reject(new Error('down')) });
      const { engine, clock, told } = anEngine({ approver });
      const { requestId = '' } = await refusal(ask(engine), 'ERR_JIT_APPROVER');
      await clock.set(at(MINUTE));
      await engine.isAllowed(MAYA, SCOPE);
      await clock.set(at(0));
      approver.script.decide = { outcome: 'approve' };
      await refusal(decideAgain(engine, requestId), 'ERR_JIT_CLOCK');
      expect(told).toMatchObject([{ error: { code: 'ERR_JIT_CLOCK' } }]);
    });

    it('L5 creates access when the clock is a second or less back', async () => {
      const { engine, pending } = await steppedBack(1000);
      expect((await engine.approve(pending.id, { by: SAM })).outcome).toBe('granted');
      expect((await ask(engine)).outcome).toBe('pending');
    });

    it('L5 accepts a review that creates no access, and a denial', async () => {
      const made = anEngine({ approver: reviewers({ members: [SAM, ANA], approvals: 2 }) });
      const request = await aPending(made.engine);
      await made.clock.set(at(MINUTE));
      await made.engine.isAllowed(MAYA, SCOPE);
      await made.clock.set(at(0));
      expect((await made.engine.approve(request.id, { by: SAM })).outcome).toBe('pending');
      expect((await made.engine.deny(request.id, { by: ANA })).outcome).toBe('denied');
    });

    it('L5 revoke, release, cancel and checks keep working', async () => {
      const { engine, granted, pending, clock, short } = await steppedBack(MINUTE);
      expect(await engine.isAllowed(MAYA, 'held')).toBe(true);
      expect((await engine.release(granted.id, { by: MAYA })).end?.cause).toBe('released');
      expect(await engine.isAllowed(MAYA, 'held')).toBe(false);
      expect((await engine.cancel(pending.id, { by: MAYA })).end?.status).toBe('cancelled');
      expect((await engine.revoke(short.id, { by: SAM })).end).toBeDefined();
      expect(clock.now()).toBe(START_AT);
    });

    for (const [verb, cause] of [
      ['revoke', 'revoked'],
      ['release', 'released'],
    ] as const) {
      it(`L5 L27 ${verb} ends at the highest reading: the past keeps the access that was held until then`, async () => {
        const { engine, clock } = anEngine();
        const grant = await aGranted(engine);
        await clock.set(at(10 * MINUTE));
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
        await clock.set(at(5 * MINUTE));
        const { end } = await engine[verb](grant.id, { by: MAYA });
        expect(end).toMatchObject({ cause, at: at(10 * MINUTE) });
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
        await clock.set(at(20 * MINUTE));
        for (const [ms, held] of [
          [10 * MINUTE - 1, 1],
          [10 * MINUTE, 0],
        ] as const) {
          expect((await engine.whoHadAccess({ scope: SCOPE, at: at(ms) })).items).toHaveLength(held);
        }
      });
    }

    it('L1 L27 a sweep while the clock is back records the expiry at its own instant, and no earlier one', async () => {
      const { engine, clock } = anEngine();
      const grant = await aGranted(engine);
      await clock.set(at(10 * MINUTE));
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      await clock.set(at(20 * MINUTE));
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      await clock.set(at(5 * MINUTE));
      expect(await engine.sweep()).toMatchObject({ ended: 1 });
      const end = (await engine.getRequest(grant.requestId))?.grants[0]?.end;
      expect(end).toMatchObject({ status: 'expired', cause: 'time', at: grant.expiresAt });
    });

    it('L1 L5 judges ends at the highest reading: what has ended stays ended', async () => {
      const { engine } = await steppedBack(MINUTE);
      expect(await engine.isAllowed(MAYA, 'short')).toBe(false);
      expect((await engine.status(MAYA)).held.map((grant) => grant.scope)).toEqual(['held']);
      expect((await engine.sweep()).ended).toBe(1);
    });

    it('L5 judges deadlines at the highest reading', async () => {
      const { engine, clock } = anEngine({ limits: { reviewWithin: MINUTE } });
      const request = await aPending(engine);
      await clock.set(at(MINUTE));
      await engine.isAllowed(MAYA, SCOPE);
      await clock.set(at(MINUTE - 1));
      await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_DEADLINE');
    });

    it('L5 creates access again once the clock has caught up', async () => {
      const { engine, clock, pending } = await steppedBack(MINUTE);
      await refusal(engine.approve(pending.id, { by: SAM }), 'ERR_JIT_CLOCK');
      await clock.set(at(MINUTE - 1000));
      expect((await engine.approve(pending.id, { by: SAM })).outcome).toBe('granted');
    });

    it('L5 one engine whose clock jumped a day ahead does not affect another', async () => {
      const { engine, clock, store } = anEngine();
      await aGranted(engine);
      await clock.set(at(24 * HOUR));
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      await clock.set(at(1));
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect(await anEngine({ store, clock }).engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('L27 stamps nothing before the last instant of the record', async () => {
      const { engine, clock, store } = anEngine();
      await clock.set(at(5000));
      const request = await aPending(engine);
      const other = anEngine({ store, clock: new ManualClock(at(1000)) });
      // Its clock is four seconds behind the journal, so a person has to accept it.
      await acceptClock(other.engine, { by: SAM });
      const result: AccessResult = await other.engine.approve(request.id, { by: SAM });
      expect(result).toMatchObject({ request: { end: { at: at(5000) } }, grants: [{ startsAt: at(5000), issuedAt: at(5000) }] });
      expect(await other.engine.isAllowed(MAYA, SCOPE)).toBe(false);
      if (result.outcome !== 'granted') return;
      expect((await other.engine.revoke(result.grants[0]?.id ?? '', { by: SAM })).end?.at).toBe(at(5000));
    });
  });
});
