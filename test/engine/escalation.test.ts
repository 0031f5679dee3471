import { describe, expect, it } from 'vitest';
import type { JitEngineOptions, QuorumInput } from '../../src/index.js';
import { verifyJournal } from '../../src/journal.js';
import { ScriptedApprover } from '../../src/testing.js';
import { anEngine, aPending, ask, at, entriesOf, HOUR, MAYA, MINUTE, refusal, SCOPE, typesOf } from './an-engine.js';
import { wholeStore } from './whole-store.js';
import { linksOf } from '../features/links/links-of.js';
import { decideAgain } from './decide-again.js';

const [OLA, OKE, SIA, LEAD, LEA] = ['ops:ola', 'ops:oke', 'sec:sia', 'lead:lo', 'lead:lea'];
const AFTER = 30 * MINUTE;

/** One of ops and one of sec; after half an hour the leads may stand in. */
function anEscalation(quorum: Partial<QuorumInput> = {}, options: Partial<JitEngineOptions> = {}) {
  const members: Record<string, readonly string[]> = {
    [OLA]: ['ops'],
    [OKE]: ['ops'],
    [SIA]: ['sec'],
    [LEAD]: ['leads'],
    [LEA]: ['leads'],
  };
  const groups = ['ops', 'sec'].map((name) => ({ name, approvals: 1 }));
  const approver = new ScriptedApprover({
    decide: { outcome: 'review', quorum: { groups, escalation: { group: 'leads', afterMs: AFTER }, ...quorum } },
    groupsOf: (who) => members[who] ?? [],
    isEligible: true,
  });
  return { ...anEngine({ approver, ...options }), approver, members };
}

describe('an escalation', () => {
  for (const ms of [AFTER - 1, AFTER, AFTER + 1]) {
    const may = ms >= AFTER;
    it(`L2 ${may ? 'lets' : 'does not let'} its group stand in ${ms - AFTER} ms from its instant, with or without a sweep`, async () => {
      for (const swept of [false, true]) {
        const { engine, clock } = anEscalation();
        const { id } = await aPending(engine);
        await clock.set(at(ms));
        if (swept) await engine.sweep();
        expect((await engine.inbox(LEAD)).items.map(({ groups }) => groups)).toEqual(may ? [['ops', 'sec']] : []);
        const link = () => linksOf(engine).create(id, { reviewer: LEAD, decision: 'approve' });
        if (may) {
          expect(await linksOf(engine).open(await link())).toMatchObject({ reviewer: LEAD });
          expect((await engine.approve(id, { by: LEAD })).outcome).toBe('pending');
          expect((await engine.getRequest(id))?.request.reviews).toMatchObject([
            { reviewer: LEAD, groups: ['leads'], as: undefined, at: at(ms) },
          ]);
        } else {
          await refusal(link(), 'ERR_JIT_NOT_REVIEWER');
          for (const verb of ['approve', 'deny'] as const) await refusal(engine[verb](id, { by: LEAD }), 'ERR_JIT_NOT_REVIEWER');
        }
      }
    });
  }

  it('L14 counts a member of its group in any group of the quorum, once', async () => {
    // test/lifecycle/review.test.ts has other reviewers.
    const { engine, clock } = anEscalation();
    const { id } = await aPending(engine);
    await clock.set(at(AFTER));
    const outcomes: string[] = [];
    for (const by of [LEAD, LEAD, OLA]) outcomes.push((await engine.approve(id, { by })).outcome);
    expect(outcomes).toEqual(['pending', 'pending', 'granted']);
  });

  it('L14 counts a member of its group only in the group that the member names', async () => {
    const { engine, clock } = anEscalation();
    const { id } = await aPending(engine);
    await clock.set(at(AFTER));
    await refusal(engine.approve(id, { by: LEAD, as: 'leads' }), 'ERR_JIT_NOT_REVIEWER');
    expect((await engine.approve(id, { by: LEAD, as: 'ops' })).outcome).toBe('pending');
    expect((await engine.approve(id, { by: OLA })).outcome).toBe('pending');
    expect((await engine.approve(id, { by: SIA })).outcome).toBe('granted');
  });

  it('L16 lets a member of its group deny', async () => {
    const { engine, clock } = anEscalation();
    const { id } = await aPending(engine);
    await clock.set(at(AFTER));
    expect((await engine.deny(id, { by: LEAD, reason: 'no' })).outcome).toBe('denied');
  });

  it('L17 does not count a member who leaves its group, and counts the member again after a return', async () => {
    const { engine, clock, members } = anEscalation();
    const { id } = await aPending(engine);
    await clock.set(at(AFTER));
    await engine.approve(id, { by: LEAD });
    members[LEAD] = [];
    expect((await engine.approve(id, { by: OLA })).outcome).toBe('pending');
    members[LEAD] = ['sec'];
    // In one of the groups for which the lead has stood in, but not a member of it at the time of the review.
    expect((await engine.approve(id, { by: OKE })).outcome).toBe('pending');
    members[LEAD] = ['leads'];
    expect((await engine.approve(id, { by: LEAD })).outcome).toBe('granted');
  });

  it('L17 counts a review given before it in the groups that the reviewer had then', async () => {
    const { engine, clock } = anEscalation({ escalation: { group: 'ops', afterMs: AFTER } });
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA });
    await clock.set(at(AFTER));
    expect((await engine.approve(id, { by: OLA })).outcome).toBe('pending');
    // Another member of ops now stands in for sec.
    expect((await engine.approve(id, { by: OKE })).outcome).toBe('granted');
  });

  it('L17 counts a reviewer who was in both groups as a stand-in while in its group, and otherwise in the regular group', async () => {
    // test/lifecycle/review.test.ts has other groups.
    const { engine, clock, members } = anEscalation();
    members[LEAD] = ['ops', 'leads', 'finance'];
    const { id } = await aPending(engine);
    await engine.approve(id, { by: LEAD });
    expect((await engine.getRequest(id))?.request.reviews).toMatchObject([{ reviewer: LEAD, groups: ['ops', 'leads'], as: undefined }]);
    await clock.set(at(AFTER));
    members[LEAD] = ['ops'];
    expect((await engine.approve(id, { by: OLA })).outcome).toBe('pending');
    members[LEAD] = ['leads'];
    expect((await engine.approve(id, { by: OLA })).outcome).toBe('granted');
  });

  it('L17 leaves the groups of the quorum able to approve without it', async () => {
    const { engine, clock } = anEscalation();
    const { id } = await aPending(engine);
    await clock.set(at(AFTER));
    await engine.approve(id, { by: OLA });
    expect((await engine.approve(id, { by: SIA })).outcome).toBe('granted');
  });

  it('L15 does not let the subject, or the requester, stand in', async () => {
    const { engine, clock, members } = anEscalation();
    members[MAYA] = ['leads'];
    const { id } = await aPending(engine, { requestedBy: LEAD });
    await clock.set(at(AFTER));
    for (const by of [MAYA, LEAD]) await refusal(engine.approve(id, { by }), 'ERR_JIT_SELF_REVIEW');
  });

  it('L27 is recorded once, at its millisecond, with the group to notify', async () => {
    const { engine, clock, store } = anEscalation();
    const { id } = await aPending(engine);
    const escalated = async () => (await entriesOf(store)).filter(({ type }) => type === 'request.escalated');
    await clock.set(at(AFTER - 1));
    expect((await engine.sweep()).escalated).toBe(0);
    await clock.set(at(AFTER));
    expect((await engine.sweep()).escalated).toBe(1);
    for (let i = 0; i < 3; i++) {
      await clock.advance(MINUTE);
      expect((await engine.sweep()).escalated).toBe(0);
    }
    expect(await escalated()).toMatchObject([
      {
        at: at(AFTER),
        actor: 'system:sweeper',
        requestId: id,
        data: { escalatedAt: at(AFTER), groups: ['leads'] },
      },
    ]);
    expect((await engine.getRequest(id))?.request.escalatedAt).toBe(at(AFTER));
  });

  it('L34 costs a sweep nothing before its instant and nothing after it is recorded', async () => {
    const { engine, clock, store } = anEscalation();
    await aPending(engine);
    const due = async (ms: number) => (await store.due({ at: at(ms), limit: 10 })).items.length;
    expect([await due(AFTER - 1), await due(AFTER)]).toEqual([0, 1]);
    await clock.set(at(AFTER));
    await engine.sweep();
    expect([await due(24 * HOUR - 1), await due(24 * HOUR)]).toEqual([0, 1]);
  });

  it('L9 is recorded exactly once by concurrent sweepers', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const { engine, clock, store, approver } = anEscalation();
      await aPending(engine);
      const other = anEngine({ approver, store, clock }).engine;
      await clock.set(at(AFTER));
      store.inject('all', { fault: 'yield', seed });
      await Promise.all([engine.sweep(), other.sweep(), engine.sweep(), other.sweep()]);
      store.clear();
      expect((await typesOf(store)).filter((type) => type === 'request.escalated')).toHaveLength(1);
    }
  });

  it('is recorded at most once by concurrent sweepers, also during a review', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const { engine, clock, store, approver } = anEscalation();
      const { id } = await aPending(engine);
      const other = anEngine({ approver, store, clock }).engine;
      await clock.set(at(AFTER));
      store.inject('all', { fault: 'yield', seed });
      await Promise.all([engine.sweep(), other.sweep(), engine.approve(id, { by: OLA }), other.sweep(), engine.approve(id, { by: LEAD })]);
      store.clear();
      const entries = await entriesOf(store);
      expect(entries.filter(({ type }) => type === 'request.escalated').length).toBeLessThanOrEqual(1);
      expect((await engine.getRequest(id))?.request.end).toMatchObject({ status: 'approved' });
      expect(await verifyJournal(entries)).toMatchObject({ ok: true });
    }
  });

  it('L13 has no effect after the deadline, and is not recorded if it falls on the deadline', async () => {
    const { engine, clock, store } = anEscalation({ reviewWithinMs: AFTER });
    const { id } = await aPending(engine);
    await clock.set(at(AFTER));
    await refusal(engine.approve(id, { by: LEAD }), 'ERR_JIT_DEADLINE');
    expect(await engine.sweep()).toMatchObject({ expired: 1, escalated: 0 });
    expect((await entriesOf(store)).map(({ type }) => type)).not.toContain('request.escalated');
  });

  it('L8 is never recorded for a request that was decided before', async () => {
    const { engine, clock } = anEscalation();
    await engine.deny((await aPending(engine)).id, { by: OLA });
    await clock.set(at(AFTER));
    expect((await engine.sweep()).escalated).toBe(0);
  });

  it('L6 never begins early, with any leeway or after the clock steps back', async () => {
    const { engine, clock } = anEscalation({}, { leewayMs: MINUTE });
    const { id } = await aPending(engine);
    await clock.set(at(AFTER - 1));
    await refusal(engine.approve(id, { by: LEAD }), 'ERR_JIT_NOT_REVIEWER');
    expect((await engine.sweep()).escalated).toBe(0);
    await clock.set(at(AFTER));
    await engine.isAllowed(MAYA, SCOPE);
    await clock.set(at(AFTER - 1));
    await refusal(engine.approve(id, { by: LEAD }), 'ERR_JIT_NOT_REVIEWER');
  });

  it('counts its delay from the naming of the quorum, not from the ask', async () => {
    const { engine, clock, approver } = anEscalation();
    const { decide } = approver.script;
    approver.script.decide = () => {
      throw new Error('down');
    };
    const { requestId = '' } = await refusal(ask(engine), 'ERR_JIT_APPROVER');
    await clock.set(at(10 * MINUTE));
    approver.script.decide = decide;
    await decideAgain(engine, requestId);
    await clock.set(at(AFTER + 10 * MINUTE - 1));
    await refusal(engine.approve(requestId, { by: LEAD }), 'ERR_JIT_NOT_REVIEWER');
    await clock.set(at(AFTER + 10 * MINUTE));
    expect((await engine.approve(requestId, { by: LEAD })).outcome).toBe('pending');
  });

  it('L17 is frozen: no later answer of the approver moves it or names another group', async () => {
    const { engine, clock, approver, members } = anEscalation();
    const { id } = await aPending(engine);
    approver.script.decide = {
      outcome: 'review',
      quorum: { groups: [{ name: 'ops', approvals: 1 }], escalation: { group: 'interns', afterMs: 1 } },
    };
    members['intern'] = ['interns'];
    await clock.set(at(AFTER));
    await refusal(engine.approve(id, { by: 'intern' }), 'ERR_JIT_NOT_REVIEWER');
    expect((await engine.approve(id, { by: LEAD })).outcome).toBe('pending');
  });

  it('L30 that is malformed is an approver failure, and no quorum is stored', async () => {
    const { engine, store } = anEscalation({ escalation: { group: 'leads', afterMs: 0 } });
    await refusal(ask(engine), 'ERR_JIT_APPROVER');
    expect((await wholeStore(store)).rows.find(({ kind }) => kind === 'request')?.body['quorum']).toBeUndefined();
  });
});
