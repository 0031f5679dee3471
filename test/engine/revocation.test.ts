import { journalHead } from 'jit-access/journal';
import { describe, expect, it, vi } from 'vitest';
import { autoApprove, patternScopes, type JitEngine, type RevokeAllTarget } from '../../src/index.js';
import { hangs, ScriptedApprover, throws } from '../../src/testing.js';
import {
  aGranted,
  anEngine,
  aPending,
  ask,
  at,
  entriesOf,
  grantsOf,
  HOUR,
  MAYA,
  MINUTE,
  refusal,
  SAM,
  SCOPE,
  typesOf,
} from './an-engine.js';
import { CONFLICT } from '../commit-answers.js';
import { decideAgain } from './decide-again.js';

const CISO = 'user:ciso';

describe('JitEngine', () => {
  describe('cancel()', () => {
    it('cancels a pending request of its subject, with the reason', async () => {
      const { engine, clock } = anEngine();
      const request = await aPending(engine);
      await clock.set(at(5));
      const cancelled = await engine.cancel(request.id, { by: MAYA, reason: 'solved' });
      expect(cancelled).toMatchObject({
        version: request.version + 1,
        end: { status: 'cancelled', cause: 'cancelled', at: at(5), by: MAYA, reason: 'solved' },
      });
      await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_DECIDED');
      expect((await engine.inbox(SAM)).items).toEqual([]);
    });

    it('is open to the requester who asked on behalf of the subject too, and to no other caller', async () => {
      const { engine } = anEngine();
      const request = await aPending(engine, { requestedBy: 'agent:7' });
      for (const by of [SAM, CISO, 'agent:8']) {
        expect(await refusal(engine.cancel(request.id, { by }), 'ERR_JIT_DENIED')).toMatchObject({ actor: by, decision: undefined });
      }
      expect((await engine.cancel(request.id, { by: 'agent:7' })).end?.by).toBe('agent:7');
    });

    it('L8 succeeds when repeated, and is recorded once', async () => {
      const { engine, store } = anEngine();
      const request = await aPending(engine);
      const once = await engine.cancel(request.id, { by: MAYA });
      expect(await engine.cancel(request.id, { by: MAYA, reason: 'again' })).toEqual({ ...once, cancelled: false });
      expect((await typesOf(store)).filter((type) => type === 'request.cancelled')).toHaveLength(1);
      await refusal(engine.cancel(request.id, { by: SAM }), 'ERR_JIT_DENIED');
    });

    it('L8 cannot cancel a decided request', async () => {
      const { engine } = anEngine();
      const grant = await aGranted(engine);
      expect((await refusal(engine.cancel(grant.requestId, { by: MAYA }), 'ERR_JIT_DECIDED')).request.end?.status).toBe('approved');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('cancels a request that the approver has not decided', async () => {
      const { engine } = anEngine({ approver: new ScriptedApprover({ decide: throws(new Error('down')) }) });
      const { requestId = '' } = await refusal(ask(engine), 'ERR_JIT_APPROVER');
      expect((await engine.cancel(requestId, { by: MAYA })).end?.status).toBe('cancelled');
      expect((await decideAgain(engine, requestId)).outcome).toBe('cancelled');
    });

    it('rejects with ERR_JIT_NOT_FOUND for an unknown id', async () => {
      const { engine } = anEngine();
      expect(await refusal(engine.cancel('nothing', { by: MAYA }), 'ERR_JIT_NOT_FOUND')).toMatchObject({ kind: 'request', id: 'nothing' });
    });
  });

  describe('revoke()', () => {
    it('ends a grant for every engine on the store, and records the actor and the reason', async () => {
      const { engine, store, clock } = anEngine();
      const other = anEngine({ store, clock }).engine;
      const grant = await aGranted(engine);
      await clock.set(at(5));
      const revoked = await engine.revoke(grant.id, { by: CISO, reason: 'incident' });
      expect(revoked).toEqual({
        ...grant,
        version: 2,
        status: 'revoked',
        end: { status: 'revoked', cause: 'revoked', at: at(5), by: CISO, reason: 'incident' },
      });
      expect(await other.isAllowed(MAYA, SCOPE)).toBe(false);
      expect((await entriesOf(store)).at(-1)).toMatchObject({ type: 'grant.revoked', actor: CISO, grantId: grant.id, at: at(5) });
    });

    it('L12 denies every later check on the store, also by an engine that starts later', async () => {
      const { engine, store, clock } = anEngine();
      const grants = await grantsOf(engine, { scopes: ['a', 'b'] });
      await engine.revoke(grants[0]?.id ?? '', { by: CISO });
      for (const one of [engine, anEngine({ store, clock }).engine]) {
        expect(await one.isAllowed(MAYA, 'a')).toBe(false);
        expect(await one.isAllowed(MAYA, 'b')).toBe(true);
      }
    });

    it('L12 succeeds when repeated, and is recorded once, with the first end', async () => {
      const { engine, store, clock } = anEngine();
      const grant = await aGranted(engine);
      const first = await engine.revoke(grant.id, { by: CISO });
      await clock.set(at(HOUR));
      expect(await engine.revoke(grant.id, { by: SAM, reason: 'again' })).toEqual(first);
      expect(await engine.release(grant.id, { by: MAYA })).toEqual(first);
      expect((await typesOf(store)).filter((type) => type === 'grant.revoked')).toHaveLength(1);
    });

    it('L12 never rejects with a conflict, even for a busy grant', async () => {
      const { engine, store } = anEngine();
      const grant = await aGranted(engine);
      store.inject('commit', { fault: 'malformed', answer: CONFLICT }, 1_000);
      expect((await engine.revoke(grant.id, { by: CISO })).end?.cause).toBe('revoked');
    });

    it('L12 rejects with a failure of the store, not with a conflict, on a store that always conflicts', async () => {
      const { engine, store } = anEngine();
      const grant = await aGranted(engine);
      store.inject('commit', { fault: 'malformed', answer: CONFLICT });
      // Thousands of turns: not worth a millisecond each.
      vi.stubGlobal('setTimeout', setImmediate);
      await refusal(engine.revoke(grant.id, { by: CISO }), 'ERR_JIT_STORE').finally(() => vi.unstubAllGlobals());
    });

    it('asks no approver', async () => {
      const approver = new ScriptedApprover({ decide: { outcome: 'approve' }, groupsOf: [], isEligible: true });
      const { engine } = anEngine({ approver });
      const grant = await aGranted(engine);
      const asked = approver.questions.length;
      approver.script.decide = hangs();
      approver.script.isEligible = throws(new Error('down'));
      await engine.revoke(grant.id, { by: CISO });
      await engine.revokeAll({ subject: MAYA }, { by: CISO });
      expect(approver.questions).toHaveLength(asked);
    });

    it('records the expiry of a grant that has expired', async () => {
      const { engine, clock, store } = anEngine();
      const grant = await aGranted(engine);
      await clock.set(at(15 * MINUTE));
      expect((await engine.revoke(grant.id, { by: CISO })).end).toEqual({
        status: 'expired',
        cause: 'time',
        at: at(15 * MINUTE),
        by: 'system:sweeper',
        reason: undefined,
      });
      expect((await typesOf(store)).at(-1)).toBe('grant.expired');
    });

    it('rejects with ERR_JIT_NOT_FOUND for an unknown id, and for the id of a request', async () => {
      const { engine } = anEngine();
      const request = await aPending(engine);
      for (const id of ['nothing', request.id, `${request.id}.1`, '__proto__']) {
        expect(await refusal(engine.revoke(id, { by: CISO }), 'ERR_JIT_NOT_FOUND')).toMatchObject({ kind: 'grant', id });
      }
    });
  });

  describe('release()', () => {
    it('ends a grant for its own subject', async () => {
      const { engine } = anEngine();
      const grant = await aGranted(engine, { requestedBy: 'agent:7' });
      for (const by of [SAM, 'agent:7', CISO]) {
        expect(await refusal(engine.release(grant.id, { by }), 'ERR_JIT_DENIED')).toMatchObject({ actor: by });
      }
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      expect((await engine.release(grant.id, { by: MAYA, reason: 'done' })).end).toMatchObject({
        status: 'revoked',
        cause: 'released',
        by: MAYA,
      });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('L8 succeeds when repeated, and is recorded once', async () => {
      const { engine, store } = anEngine();
      const grant = await aGranted(engine);
      const once = await engine.release(grant.id, { by: MAYA });
      expect(await engine.release(grant.id, { by: MAYA })).toEqual(once);
      expect((await typesOf(store)).filter((type) => type === 'grant.revoked')).toHaveLength(1);
    });
  });

  describe('revokeAll()', () => {
    async function busy(engine: JitEngine) {
      return {
        write: await aGranted(engine),
        read: await aGranted(engine, { scope: 'db-prod:read' }),
        ana: await aGranted(engine, { subject: 'user:bob' }),
        pending: await aPending(engine, { scopes: [SCOPE, 'logs'] }),
        pendingBob: await aPending(engine, { subject: 'user:bob', scope: 'logs' }),
      };
    }

    it('ends the grants and requests of a subject, and of no other subject', async () => {
      const { engine } = anEngine();
      const made = await busy(engine);
      const report = await engine.revokeAll({ subject: MAYA }, { by: CISO, reason: 'phished' });
      expect(report.grants.map((grant) => grant.id).sort()).toEqual([made.write.id, made.read.id].sort());
      expect(report.grants.every((grant) => grant.end?.by === CISO && grant.end.reason === 'phished')).toBe(true);
      expect(report.requests).toMatchObject([{ id: made.pending.id, end: { status: 'cancelled', cause: 'revoked', by: CISO } }]);
      expect((await engine.status(MAYA)).held).toEqual([]);
      expect(await engine.isAllowed('user:bob', SCOPE)).toBe(true);
      expect((await decideAgain(engine, made.pendingBob.id)).outcome).toBe('pending');
    });

    it('ends a scope for every subject', async () => {
      const { engine } = anEngine();
      const made = await busy(engine);
      const report = await engine.revokeAll({ scope: SCOPE }, { by: CISO });
      expect(report.grants.map((grant) => grant.id).sort()).toEqual([made.write.id, made.ana.id].sort());
      expect(report.requests.map((request) => request.id)).toEqual([made.pending.id]);
      expect(await engine.isAllowed(MAYA, 'db-prod:read')).toBe(true);
    });

    it('ends one request and its grants', async () => {
      const { engine } = anEngine();
      const grants = await grantsOf(engine, { scopes: ['a', 'b'] });
      await aGranted(engine);
      const report = await engine.revokeAll({ requestId: grants[0]?.requestId ?? '' }, { by: CISO });
      expect(report.grants.map((grant) => grant.scope)).toEqual(['a', 'b']);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('returns an empty report when repeated', async () => {
      const { engine } = anEngine();
      await busy(engine);
      await engine.revokeAll({ subject: MAYA }, { by: CISO });
      const head = await journalHead(engine);
      expect(await engine.revokeAll({ subject: MAYA }, { by: CISO })).toEqual({ grants: [], requests: [], matched: false, similar: [] });
      expect(await journalHead(engine)).toEqual(head);
    });

    it('L21 reaches every scope that overlaps a pattern, from both sides', async () => {
      const { engine } = anEngine({ scopes: patternScopes, approver: autoApprove(() => true, { patterns: true }) });
      for (const scope of ['db:*', 'db:prod:write', '*:logs', 'db:**', 'web:x']) await aGranted(engine, { scope });
      const report = await engine.revokeAll({ scope: 'db:*' }, { by: CISO });
      expect(report.grants.map((grant) => grant.scope).sort()).toEqual(['*:logs', 'db:*', 'db:**']);
      expect((await engine.revokeAll({ scope: 'db:prod:write' }, { by: CISO })).grants.map((grant) => grant.scope)).toEqual([
        'db:prod:write',
      ]);
      expect((await engine.revokeAll({ scope: '**' }, { by: CISO })).grants.map((grant) => grant.scope)).toEqual(['web:x']);
    });

    it('L21 reaches every scope that overlaps a pattern, also if the engine uses exact scopes', async () => {
      const { engine } = anEngine({ approver: autoApprove(() => true) });
      for (const scope of ['db:prod:write', 'db:prod:read', 'web:x']) await aGranted(engine, { scope });
      const report = await engine.revokeAll({ scope: 'db:**' }, { by: CISO });
      expect(report.grants.map((grant) => grant.scope).sort()).toEqual(['db:prod:read', 'db:prod:write']);
      expect(await engine.isAllowed(MAYA, 'web:x')).toBe(true);
    });

    it('L12 ends more than one page of grants and requests', async () => {
      const { engine } = anEngine({
        approver: new ScriptedApprover({
          decide: (request) =>
            request.ticket === undefined
              ? { outcome: 'approve' }
              : { outcome: 'review', quorum: { groups: [{ name: 'a', approvals: 1 }] } },
        }),
      });
      for (let i = 0; i < 130; i++) await ask(engine, { scope: `s${i}`, ...(i % 2 === 0 ? {} : { ticket: 'T' }) });
      const report = await engine.revokeAll({ subject: MAYA }, { by: CISO });
      expect([report.grants.length, report.requests.length]).toEqual([65, 65]);
    });

    it('L12 no request made before it began gives access afterwards, over a store that yields at every await', async () => {
      for (let seed = 1; seed <= 15; seed++) {
        const { engine, store, clock } = anEngine();
        const other = anEngine({ store, clock }).engine;
        const asked = [];
        for (let i = 0; i < 12; i++) asked.push(await aPending(engine, { scope: `s${i}` }));
        store.inject('all', { fault: 'yield', seed });
        const approving = asked.map((request) => other.approve(request.id, { by: SAM }).catch(() => undefined));
        await engine.revokeAll({ subject: MAYA }, { by: CISO });
        expect((await other.status(MAYA)).held).toEqual([]);
        await Promise.all(approving);
        expect((await other.status(MAYA)).held).toEqual([]);
      }
    });

    for (const target of [
      {},
      { subject: MAYA, scope: SCOPE },
      { subject: undefined },
      { subject: '' },
      { scope: 'a*' },
      { scope: '' },
      { requestId: '' },
      { all: true },
      null,
      7,
    ]) {
      it(`refuses ${JSON.stringify(target)} as a target and ends nothing`, async () => {
        const { engine } = anEngine();
        await aGranted(engine);
        const error = await refusal(engine.revokeAll(target as unknown as RevokeAllTarget, { by: CISO }), 'ERR_JIT_INVALID_ARGUMENT');
        expect(error.argument).toMatch(/^target/);
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
      });
    }
  });

  describe('states', () => {
    for (const first of ['revoke', 'release', 'expire'] as const) {
      for (const second of ['revoke', 'release', 'sweep', 'revokeAll'] as const) {
        it(`L8 ${second} changes nothing about a grant that ended by ${first}`, async () => {
          const { engine, clock } = anEngine();
          const grant = await aGranted(engine);
          if (first === 'expire') {
            await clock.set(grant.expiresAt);
            await engine.sweep();
          } else await engine[first](grant.id, { by: MAYA });
          const ended = (await engine.getRequest(grant.requestId))?.grants;
          expect(ended?.[0]?.end?.status).toBe(first === 'expire' ? 'expired' : 'revoked');
          await clock.set(at(HOUR));
          if (second === 'sweep') await engine.sweep();
          else if (second === 'revokeAll') await engine.revokeAll({ subject: MAYA }, { by: CISO });
          else await engine[second](grant.id, { by: MAYA });
          expect((await engine.getRequest(grant.requestId))?.grants).toEqual(ended);
        });
      }
    }
  });
});
