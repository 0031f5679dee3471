import { describe, expect, it } from 'vitest';
import type { JitEngine } from '../../src/index.js';
import { autoApprove, MemoryGrantStore, reviewers, type AccessRequest } from '../../src/index.js';
import { journalHead, verifyJournal } from '../../src/journal.js';
import { FaultyStore, ScriptedApprover } from '../../src/testing.js';
import { aGranted, anEngine, aPending, ask, at, entriesOf, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from './an-engine.js';
import { CONFLICT } from '../commit-answers.js';
import { decideAgain } from './decide-again.js';

const SEEDS = [1, 2, 3, 4, 5, 6];
const REVIEWERS = Array.from({ length: 64 }, (_, i) => `reviewer:${i}`);

const count = (types: readonly string[], type: string) => types.filter((one) => one === type).length;

/** The outcomes of concurrent calls: how many succeeded, and the error codes of the others. */
async function outcomes(calls: readonly Promise<unknown>[]): Promise<{ won: number; codes: readonly string[] }> {
  const settled = await Promise.allSettled(calls);
  const failed = settled.filter((one) => one.status === 'rejected');
  return {
    won: settled.length - failed.length,
    codes: [...new Set(failed.map((one) => String((one.reason as { code?: string }).code)))].sort(),
  };
}

describe('JitEngine', () => {
  describe('concurrent calls', () => {
    for (const seed of SEEDS) {
      it(`L9 exactly one of 64 deciders wins, and the others receive the decision (interleaving ${seed})`, async () => {
        const { store, clock, engine: first } = anEngine({ approver: reviewers({ members: REVIEWERS }) });
        const request = await aPending(first);
        store.inject('all', { fault: 'yield', seed });
        const engines = [first, anEngine({ approver: reviewers({ members: REVIEWERS }), store, clock }).engine];
        const calls = REVIEWERS.map((by, i) => {
          const engine = engines[i % 2] as JitEngine;
          return i % 3 === 0
            ? engine.approve(request.id, { by })
            : i % 3 === 1
              ? engine.deny(request.id, { by })
              : engine.cancel(request.id, { by: MAYA });
        });
        const { won, codes } = await outcomes(calls);
        store.clear();
        const types = await typesOf(store);
        const ends = ['request.approved', 'request.denied', 'request.cancelled'].map((type) => count(types, type));
        expect(ends.reduce((a, b) => a + b)).toBe(1);
        expect(codes).toEqual(['ERR_JIT_DECIDED']);
        // A repeated cancel succeeds, so those 21 all succeed when the cancel was first.
        expect(won).toBe(ends[2] === 1 ? 21 : 1);
        expect(count(types, 'grant.issued')).toBe(ends[0]);
        expect(await first.isAllowed(MAYA, SCOPE)).toBe(ends[0] === 1);
        expect(await verifyJournal(await entriesOf(store))).toMatchObject({ ok: true });
      });

      it(`L9 L10 64 reviewers complete a quorum of 5 exactly once, with one grant for each scope (interleaving ${seed})`, async () => {
        const { engine, store } = anEngine({ approver: reviewers({ members: REVIEWERS, approvals: 5 }) });
        const request = await aPending(engine, { scopes: ['a', 'b', 'c'] });
        store.inject('all', { fault: 'yield', seed });
        const { won, codes } = await outcomes(REVIEWERS.map((by) => engine.approve(request.id, { by })));
        store.clear();
        const types = await typesOf(store);
        expect(won).toBe(5);
        expect(codes).toEqual(['ERR_JIT_DECIDED']);
        expect(count(types, 'request.reviewed')).toBe(5);
        expect(count(types, 'request.approved')).toBe(1);
        expect(count(types, 'grant.issued')).toBe(3);
        const stored = await engine.getRequest(request.id);
        expect(stored?.request.reviews).toHaveLength(5);
        expect(stored?.grants.map((grant) => grant.scope)).toEqual(['a', 'b', 'c']);
      });
    }

    it('L9 records every one of 64 reviews that do not complete the quorum', async () => {
      const members = [...REVIEWERS, 'reviewer:last'];
      const { engine, store } = anEngine({ approver: reviewers({ members, approvals: 65 }) });
      const request = await aPending(engine);
      store.inject('all', { fault: 'yield', seed: 3 });
      const { won } = await outcomes(REVIEWERS.map((by) => engine.approve(request.id, { by })));
      expect(won).toBe(64);
      expect(new Set((await engine.getRequest(request.id))?.request.reviews.map((review) => review.reviewer))).toEqual(new Set(REVIEWERS));
      expect((await engine.approve(request.id, { by: 'reviewer:last' })).outcome).toBe('granted');
    });

    it('L9 a review whose commit always conflicts is refused with ERR_JIT_CONFLICT and records nothing', async () => {
      const { engine, store } = anEngine();
      const request = await aPending(engine);
      const head = await journalHead(engine);
      store.inject('commit', { fault: 'malformed', answer: CONFLICT });
      const { codes } = await outcomes([engine.approve(request.id, { by: SAM })]);
      expect(codes).toEqual(['ERR_JIT_CONFLICT']);
      store.clear();
      expect(await journalHead(engine)).toEqual(head);
      expect((await engine.getRequest(request.id))?.request).toEqual(request);
    });

    it('L9 asks the live questions and reads the clock again for each try', async () => {
      const approver = new ScriptedApprover({
        decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } },
        groupsOf: ['ops'],
        isEligible: true,
      });
      const { engine, store, clock } = anEngine({ approver });
      const request = await aPending(engine);
      store.inject('commit', { fault: 'malformed', answer: () => clock.set(clock.now() + 10).then(() => CONFLICT) }, 1);
      // The commit is applied before the fault answers, so this try has won without knowing it. The next try sees the decision.
      const { codes } = await outcomes([engine.approve(request.id, { by: SAM })]);
      expect(codes).toEqual(['ERR_JIT_DECIDED']);
      store.inject('commit', { fault: 'malformed', answer: CONFLICT }, 2);
      const second = await aPending(engine, { scope: 'b' });
      store.clear();
      const asked = approver.asked('groupsOf');
      store.inject('commit', { fault: 'malformed', answer: CONFLICT }, 2);
      expect((await engine.approve(second.id, { by: SAM })).outcome).toBe('granted');
      const thrice = approver.asked('groupsOf') - asked;
      expect((await engine.approve((await aPending(engine, { scope: 'c' })).id, { by: SAM })).outcome).toBe('granted');
      expect(thrice).toBe(3 * (approver.asked('groupsOf') - asked - thrice));
    });

    it('L9 L13 judges the deadline again for each try of a review', async () => {
      const { engine, store, clock } = anEngine({ limits: { reviewWithin: HOUR } });
      const request = await aPending(engine);
      await clock.set(at(HOUR - 1));
      // The first try loses to another change, and the deadline passes before the second.
      const commit = store.commit.bind(store);
      store.commit = async (change) => {
        store.commit = commit;
        await clock.set(at(HOUR));
        return { outcome: 'conflict', head: (await commit({ ...change, put: [], append: [], expect: [] })).head };
      };
      await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_DEADLINE');
    });

    for (const seed of SEEDS) {
      it(`L1 L9 approve against cancel, deny, another question to the approver, revokeAll and sweep at the deadline: one end, and no access without a grant (interleaving ${seed})`, async () => {
        const { engine, store, clock } = anEngine({ limits: { reviewWithin: HOUR } });
        const other = anEngine({ store, clock, limits: { reviewWithin: HOUR } }).engine;
        const asked: AccessRequest[] = [];
        for (let i = 0; i < 8; i++) asked.push(await aPending(engine, { scope: `s${i}` }));
        store.inject('all', { fault: 'yield', seed });
        await clock.set(at(HOUR - 1));
        const calls = asked.flatMap((request, i) => [
          engine.approve(request.id, { by: SAM }),
          i % 2 === 0 ? other.cancel(request.id, { by: MAYA }) : other.deny(request.id, { by: 'user:ana' }),
          decideAgain(other, request.id),
        ]);
        await outcomes([...calls, other.sweep(), clock.set(at(HOUR)), engine.sweep(), other.revokeAll({ scope: 's1' }, { by: SAM })]);
        store.clear();
        await engine.sweep();
        for (const request of asked) {
          const stored = await engine.getRequest(request.id);
          expect(stored?.request.end).toBeDefined();
          expect(stored?.grants.length).toBe(stored?.request.end?.status === 'approved' ? 1 : 0);
          const allowed = stored?.grants[0] !== undefined && stored.grants[0].end === undefined;
          expect(await other.isAllowed(MAYA, request.scopes[0] ?? '')).toBe(allowed);
        }
        const ends = (await entriesOf(store)).filter((entry) => /^request\.(approved|denied|cancelled|expired)$/.test(entry.type));
        expect(ends.map((entry) => entry.requestId).sort()).toEqual(asked.map((request) => request.id).sort());
      });

      it(`L12 revoke against release, sweep and another revoke: recorded once (interleaving ${seed})`, async () => {
        const { engine, store, clock } = anEngine();
        const other = anEngine({ store, clock }).engine;
        const grant = await aGranted(engine);
        store.inject('all', { fault: 'yield', seed });
        const calls = Array.from({ length: 32 }, (_, i) => {
          const one = i % 2 === 0 ? engine : other;
          return i % 3 === 0 ? one.release(grant.id, { by: MAYA }) : i % 3 === 1 ? one.revoke(grant.id, { by: SAM }) : one.sweep();
        });
        const { won } = await outcomes(calls);
        expect(won).toBe(32);
        store.clear();
        expect(count(await typesOf(store), 'grant.revoked')).toBe(1);
        expect(await other.isAllowed(MAYA, SCOPE)).toBe(false);
      });

      it(`L8 twenty sweepers record each end once (interleaving ${seed})`, async () => {
        const { engine, store, clock } = anEngine({ approver: autoApprove((request) => request.ticket === undefined) });
        for (let i = 0; i < 30; i++) await aGranted(engine, { scope: `s${i}` });
        await clock.set(at(15 * MINUTE));
        store.inject('all', { fault: 'yield', seed });
        const sweepers = Array.from({ length: 20 }, () => anEngine({ store, clock }).engine);
        const reports = await Promise.all(sweepers.map((one) => one.sweep()));
        store.clear();
        expect(reports.reduce((sum, report) => sum + report.ended, 0)).toBe(30);
        expect(count(await typesOf(store), 'grant.expired')).toBe(30);
      });

      it(`L11 64 asks with one key make one request, one decision and one grant (interleaving ${seed})`, async () => {
        const store = new FaultyStore(new MemoryGrantStore());
        store.inject('all', { fault: 'yield', seed });
        const engines = [1, 2, 3].map(() => anEngine({ store, approver: autoApprove(() => true) }).engine);
        const results = await Promise.all(Array.from({ length: 64 }, (_, i) => ask(engines[i % 3] as JitEngine, { idempotencyKey: 'k' })));
        store.clear();
        expect(new Set(results.map((result) => result.request.id)).size).toBe(1);
        expect(new Set(results.map((result) => result.outcome))).toEqual(new Set(['granted']));
        expect(await typesOf(store)).toEqual(['request.created', 'request.approved', 'grant.issued']);
      });
    }

    it('L20 asks about eligibility at creation again for each try, and refuses the ask once it is not eligible', async () => {
      const approver = new ScriptedApprover({ decide: { outcome: 'approve' }, isEligible: true });
      const { engine, store } = anEngine({ approver });
      const commit = store.commit.bind(store);
      let lost = 0;
      store.commit = async (change) => {
        if (lost === 3 || change.append[0]?.type !== 'request.created') return commit(change);
        lost += 1;
        if (lost === 3) approver.script.isEligible = false;
        return CONFLICT;
      };
      await refusal(ask(engine), 'ERR_JIT_INELIGIBLE');
      expect([lost, approver.asked('isEligible'), approver.asked('decide')]).toEqual([3, 4, 0]);
      await engine.flushAudit();
      expect(await typesOf(store)).toEqual(['attempt.refused']);
    });

    it('L11 of 64 asks with one key and two bodies, all with one body succeed and the others are refused', async () => {
      const { engine, store } = anEngine();
      store.inject('all', { fault: 'yield', seed: 5 });
      const calls = Array.from({ length: 64 }, (_, i) => ask(engine, { idempotencyKey: 'k', ttl: i % 2 === 0 ? 1000 : 2000 }));
      const { won, codes } = await outcomes(calls);
      expect(won).toBe(32);
      expect(codes).toEqual(['ERR_JIT_IDEMPOTENCY']);
      store.clear();
      expect(count(await typesOf(store), 'request.created')).toBe(1);
    });
  });
});
