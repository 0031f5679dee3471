import { explain, preview } from 'jit-access/explain';
import { describe, expect, it } from 'vitest';
import { reviewers, type JitEngineOptions } from '../../src/index.js';
import { ScriptedApprover } from '../../src/testing.js';
import { ANA, anEngine, aPending, ask, at, entriesOf, HOUR, LEE, MAYA, MINUTE, refusal, SAM, SCOPE } from './an-engine.js';
import { linkTo, REQUEST_STATES, type State } from './states.js';
import { wholeStore } from './whole-store.js';
import { linksOf } from '../features/links/links-of.js';
import { decideAgain } from './decide-again.js';

const AGENT = 'agent:7';
const OTHER = 'agent:8';
const MEMBERS = [AGENT, OTHER, SAM, ANA, LEE];

/** An approver that accepts agents as reviewers. */
function anApprover(approvals = 1) {
  return new ScriptedApprover({
    decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals }] } },
    groupsOf: (who) => (MEMBERS.includes(who) ? ['ops'] : []),
    membersOf: MEMBERS,
    isEligible: true,
    breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
    mayReviewBreakGlass: (who) => MEMBERS.includes(who),
  });
}

function begin(options: Partial<JitEngineOptions> = {}, approver = anApprover()) {
  return { ...anEngine({ approver, ...options }), approver };
}

const NO_AGENT = { why: 'is_agent' } as const;

/** Each verb that gives or prepares a review, called by a given reviewer. */
const REVIEWS: Readonly<Record<string, (state: State, by: string) => Promise<unknown>>> = {
  approve: ({ engine, requestId }, by) => engine.approve(requestId, { by }),
  deny: ({ engine, requestId }, by) => engine.deny(requestId, { by }),
  reviewBreakGlass: ({ engine, requestId }, by) => engine.reviewBreakGlass(requestId, { by, verdict: 'justified' }),
  'links.create': ({ engine, requestId }, reviewer) => linksOf(engine).create(requestId, { reviewer, decision: 'approve' }),
  'links.redeem': async (state, by) => linksOf(state.engine).redeem(await linkTo(state), { by }),
};

describe('JitEngine', () => {
  describe('agents', () => {
    // Ana reviews in these states, so this service counts her as an agent.
    const asAgent = async (make: () => Promise<State>): Promise<State> => {
      const state = await make();
      const { store, clock } = state;
      return { ...state, engine: begin({ store, clock, agents: (id) => id === ANA }).engine };
    };
    for (const [verb, review] of Object.entries(REVIEWS)) {
      for (const [name, make] of Object.entries(REQUEST_STATES).filter(([name]) => name !== 'none')) {
        it(`are refused, and change nothing: ${verb} on a request that is ${name}`, async () => {
          const state = await asAgent(make);
          const before = await wholeStore(state.store);
          const error = await refusal(review(state, ANA), 'ERR_JIT_NOT_REVIEWER');
          expect(error).toMatchObject({ requestId: state.requestId, reviewer: ANA, ...NO_AGENT });
          await state.engine.flushAudit();
          expect(await wholeStore(state.store)).toEqual(before);
        });
      }
    }

    it('are refused as agents on every request: their own, one of another agent, or one of a person', async () => {
      const { engine } = begin();
      const asked = [
        { subject: AGENT },
        { subject: OTHER },
        { subject: AGENT, requestedBy: OTHER },
        { subject: MAYA, requestedBy: AGENT },
        {},
      ];
      for (const over of asked) {
        const request = await aPending(engine, { ...over, scope: `db:${asked.indexOf(over)}` });
        for (const by of [AGENT, OTHER]) {
          for (const verb of ['approve', 'deny'] as const)
            expect(await refusal(engine[verb](request.id, { by }), 'ERR_JIT_NOT_REVIEWER')).toMatchObject(NO_AGENT);
        }
        expect((await engine.approve(request.id, { by: SAM })).outcome).toBe('granted');
      }
    });

    it('L29 are recorded in the journal when they are refused, but not for an unknown request id', async () => {
      const { engine, store, clock } = begin();
      const request = await aPending(engine, { subject: AGENT });
      await clock.set(at(5));
      await refusal(engine.approve(request.id, { by: OTHER }), 'ERR_JIT_NOT_REVIEWER');
      await refusal(linksOf(engine).create(request.id, { reviewer: OTHER, decision: 'deny' }), 'ERR_JIT_NOT_REVIEWER');
      await refusal(engine.approve('nothing', { by: OTHER }), 'ERR_JIT_NOT_FOUND');
      await engine.flushAudit();
      expect((await entriesOf(store)).filter(({ type }) => type === 'attempt.refused')).toMatchObject([
        { at: at(5), actor: OTHER, requestId: request.id, data: { code: 'ERR_JIT_NOT_REVIEWER', count: 1 } },
      ]);
    });

    it('are never listed as reviewers, and the approver is not asked about them', async () => {
      const { engine, approver } = begin();
      const asked = await ask(engine, { subject: MAYA });
      const { request } = asked;
      const people = [SAM, ANA, LEE];
      expect(asked).toMatchObject({ outcome: 'pending', reviewers: people });
      expect(await decideAgain(engine, request.id)).toMatchObject({ reviewers: people });
      expect((await explain(engine, MAYA, SCOPE)).approvers).toEqual({ groups: ['ops'], people, missingInWords: '1 more of ops' });
      // Also for a scope that is not requested yet.
      expect((await explain(engine, MAYA, 'db-prod:read')).approvers).toEqual({ groups: ['ops'], people, missingInWords: '1 more of ops' });
      expect(await preview(engine, { subject: MAYA, scope: 'db-prod:read', ttl: MINUTE })).toMatchObject({
        reviewers: people,
      });
      // Of another scope, so that it does not overtake the request.
      const { request: glass } = await engine.breakGlass({ subject: MAYA, scope: 'db-prod:admin', ttl: MINUTE, justification: 'it burns' });
      approver.questions.length = 0;
      expect((await engine.inbox(AGENT)).items).toEqual([]);
      expect((await engine.inbox(AGENT, { of: 'breakGlass' })).items).toEqual([]);
      expect(approver.questions).toEqual([]);
      expect((await engine.inbox(SAM)).items.map(({ request: { id } }) => id)).toEqual([request.id]);
      expect((await engine.inbox(SAM, { of: 'breakGlass' })).items.map(({ request: { id } }) => id)).toEqual([glass.id]);
    });

    it('L17 do not count with reviews that they gave before the service named them agents', async () => {
      const approver = anApprover(2);
      const { engine, store, clock } = begin({ agents: () => false }, approver);
      const request = await aPending(engine);
      await engine.approve(request.id, { by: AGENT });
      const now = begin({ store, clock }, approver).engine;
      expect((await now.approve(request.id, { by: SAM })).outcome).toBe('pending');
      expect((await now.approve(request.id, { by: ANA })).outcome).toBe('granted');
    });

    it('may request, cancel and release like any subject, and hold what they were granted', async () => {
      const { engine } = begin();
      const cancelled = await aPending(engine, { subject: AGENT });
      expect((await engine.cancel(cancelled.id, { by: AGENT })).end?.status).toBe('cancelled');
      const { id } = await aPending(engine, { subject: AGENT });
      const approved = await engine.approve(id, { by: SAM });
      expect(await engine.isAllowed(AGENT, SCOPE)).toBe(true);
      if (approved.outcome === 'granted') await engine.release(approved.grants[0]?.id as string, { by: AGENT });
      expect(await engine.isAllowed(AGENT, SCOPE)).toBe(false);
    });

    it('are those whose id starts with agent:, unless the service says otherwise', async () => {
      const ids = ['agent:7', 'agent:', 'agents:7', 'user:agent:7', 'Agent:7', 'bot:7', 'agent'];
      const approver = reviewers({ members: ids });
      const listed = async (options: Partial<JitEngineOptions>) => {
        const asked = await ask(anEngine({ approver, ...options }).engine);
        return asked.outcome === 'pending' ? asked.reviewers : undefined;
      };
      expect(await listed({})).toEqual(ids.slice(2));
      expect(await listed({ agents: undefined })).toEqual(ids.slice(2));
      expect(await listed({ agents: (id) => id.startsWith('bot:') })).toEqual(ids.filter((id) => id !== 'bot:7'));
    });

    it('L23 are recognised by their canonical id, as callers and in lists of members', async () => {
      const asked: string[] = [];
      const canonicalId = (id: string) => {
        if (id.includes('!')) throw new Error('no id of ours');
        return id.toLowerCase();
      };
      const agents = (id: string) => asked.push(id) > 0 && id.startsWith('agent:');
      const approver = new ScriptedApprover({
        decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } },
        groupsOf: ['ops'],
        membersOf: ['Agent:7', 'USER:Sam', 'AGENT:!', 'agent:!'],
      });
      const { engine } = anEngine({ approver, agents, canonicalId });
      const result = await ask(engine);
      // An id without a canonical form is checked as it is: no caller can have it.
      expect(result).toMatchObject({ outcome: 'pending', reviewers: ['USER:Sam', 'AGENT:!'] });
      expect(asked).toEqual(['agent:7', 'user:sam', 'AGENT:!', 'agent:!']);
      const error = await refusal(engine.approve(result.request.id, { by: 'AGENT:7' }), 'ERR_JIT_NOT_REVIEWER');
      expect(error).toMatchObject({ reviewer: 'agent:7', ...NO_AGENT });
    });

    const failures: readonly (readonly [string, unknown])[] = [
      [
        'throws',
        () => {
          throw new Error('no directory');
        },
      ],
      ['answers undefined', () => undefined],
      ['answers 0', () => 0],
      ['answers an empty text', () => ''],
      ['returns a promise of false', () => Promise.resolve(false)],
      ['returns a promise that rejects', () => Promise.reject(new Error('no directory'))],
    ];
    for (const [what, agents] of failures) {
      it(`L30 no reviewer may review while the predicate ${what}, which is reported to onError`, async () => {
        const { engine, told } = begin({ agents: agents as () => boolean });
        const asked = await ask(engine);
        expect(asked).toMatchObject({ outcome: 'pending', reviewers: [] });
        told.length = 0;
        expect(await refusal(engine.approve(asked.request.id, { by: SAM }), 'ERR_JIT_NOT_REVIEWER')).toMatchObject(NO_AGENT);
        expect(told.map(({ during }) => during)).toContain('agents');
        expect((await engine.inbox(SAM)).items).toEqual([]);
        // Requesting, holding and cancelling do not depend on the predicate.
        expect((await engine.cancel(asked.request.id, { by: MAYA })).end?.status).toBe('cancelled');
      });
    }
  });
});
