import { describe, expect, it } from 'vitest';
import { explain } from '../../src/explain.js';
import { type JitEngine, type JitEngineOptions, type QuorumInput } from '../../src/index.js';
import { readJournal, replay, verifyStore } from '../../src/journal.js';
import { approvalLinks } from '../../src/links.js';
import { ScriptedApprover } from '../../src/testing.js';
import { expectReplayed } from '../property/fold.js';
import { ANA, anEngine, aPending, at, entriesOf, HOUR, LEE, MINUTE, refusal, SAM, typesOf } from './an-engine.js';
import { wholeStore } from './whole-store.js';

const [NOOR, KIM, ROB] = ['user:noor', 'user:kim', 'user:rob'] as const;

/** Sam and Ana are peers, Lee is of security, Noor is both, Kim is a lead, and Rob is a chief. Their groups may change. */
function anOffice(quorum: QuorumInput, options: Partial<JitEngineOptions> = {}) {
  const members: Record<string, readonly string[]> = {
    ...{ [SAM]: ['peers'], [ANA]: ['peers'], [LEE]: ['security'], [NOOR]: ['peers', 'security'], [KIM]: ['leads'], [ROB]: ['chiefs'] },
  };
  const approver = new ScriptedApprover({
    decide: { outcome: 'review', quorum },
    groupsOf: (reviewer) => members[reviewer] ?? [],
  });
  return { ...anEngine({ approver, ...options }), approver, members };
}

const group = (name: string, approvals = 1, denials?: number) => ({ name, approvals, denials });
const STEPS: QuorumInput = { steps: [{ groups: [group('peers')] }, { groups: [group('security')] }] };
const EITHER: QuorumInput = { anyOf: [{ groups: [group('peers', 2)] }, { groups: [group('security')] }] };

async function requestOf(engine: JitEngine, id: string) {
  const found = await engine.getRequest(id);
  if (found === undefined) throw new Error(`there is no request ${id}`);
  return found.request;
}
const statusOf = async (engine: JitEngine, id: string) => (await requestOf(engine, id)).end?.status ?? 'pending';
const itemOf = async (engine: JitEngine, reviewer: string) => (await engine.inbox(reviewer)).items[0];

describe('steps in order (feature 5)', () => {
  it('A7 asks the second step when the first is complete, and records the step', async () => {
    const { engine, store } = anOffice(STEPS);
    const { id } = await aPending(engine);
    expect((await itemOf(engine, SAM))?.missingInWords).toBe('1 more of peers, then 1 more of security');
    expect(await itemOf(engine, LEE)).toBeUndefined();
    expect((await engine.approve(id, { by: SAM })).outcome).toBe('pending');
    expect(await itemOf(engine, LEE)).toMatchObject({
      groups: ['security'],
      missing: [{ group: 'security', approvals: 1, alternative: 0, step: 1 }],
      missingInWords: '1 more of security',
    });
    expect((await requestOf(engine, id)).begunSteps).toEqual([{ alternative: 0, step: 1, at: at(0) }]);
    const stepped = (await entriesOf(store)).filter(({ type }) => type === 'request.stepped');
    expect(stepped).toMatchObject([
      { actor: SAM, data: { begunSteps: [{ alternative: 0, step: 1, at: at(0) }], groups: [{ name: 'security', approvals: 1 }] } },
    ]);
    expect((await engine.approve(id, { by: LEE })).outcome).toBe('granted');
    expect((await typesOf(store)).filter((type) => type.startsWith('request.'))).toEqual([
      ...['request.created', 'request.assigned', 'request.reviewed', 'request.stepped', 'request.reviewed', 'request.approved'],
    ]);
    await expectReplayed(store);
    expect((await verifyStore(store)).ok).toBe(true);
  });

  it('A7 refuses an approval of a later step with not_your_step and records nothing, and takes a denial of it', async () => {
    const { engine, store } = anOffice(STEPS);
    const { id } = await aPending(engine);
    expect(await refusal(engine.approve(id, { by: LEE }), 'ERR_JIT_NOT_REVIEWER')).toMatchObject({ why: 'not_your_step' });
    expect((await refusal(engine.approve(id, { by: NOOR, as: 'security' }), 'ERR_JIT_NOT_REVIEWER')).why).toBe('not_your_step');
    expect((await refusal(engine.approve(id, { by: KIM }), 'ERR_JIT_NOT_REVIEWER')).why).toBe('not_in_group');
    expect((await requestOf(engine, id)).reviews).toEqual([]);
    expect((await typesOf(store)).filter((type) => type === 'request.reviewed')).toEqual([]);
    await engine.deny(id, { by: LEE });
    expect(await statusOf(engine, id)).toBe('denied');
  });

  it('L14 counts a reviewer of both steps once, over the whole request', async () => {
    const { engine } = anOffice(STEPS);
    const { id } = await aPending(engine);
    await engine.approve(id, { by: NOOR });
    expect((await requestOf(engine, id)).begunSteps).toHaveLength(1);
    // The approval of the first step is not one of the second, also where another peer would free it.
    expect((await engine.approve(id, { by: SAM })).outcome).toBe('pending');
    expect((await itemOf(engine, NOOR))?.missingInWords).toBe('1 more of security');
    // Given again, it counts in the second step, and Sam's in the first.
    expect((await engine.approve(id, { by: NOOR })).outcome).toBe('granted');
  });

  it('L14 does not let one person pass both steps', async () => {
    const { engine } = anOffice(STEPS);
    const { id } = await aPending(engine);
    for (let i = 0; i < 3; i++) expect((await engine.approve(id, { by: NOOR })).outcome).toBe('pending');
    expect((await requestOf(engine, id)).reviews).toHaveLength(1);
  });

  it('A7 L17 judges all steps again at the end: where an earlier one is no longer met, its reviewers may review again', async () => {
    const { engine, members } = anOffice(STEPS);
    const { id } = await aPending(engine);
    await engine.approve(id, { by: SAM });
    members[SAM] = [];
    expect((await engine.approve(id, { by: LEE })).outcome).toBe('pending');
    const request = await requestOf(engine, id);
    expect(request.reviews.map(({ reviewer }) => reviewer)).toEqual([SAM, LEE]);
    expect(request.begunSteps).toHaveLength(1);
    expect((await itemOf(engine, ANA))?.groups).toEqual(['peers']);
    expect((await engine.approve(id, { by: ANA })).outcome).toBe('granted');
  });

  it('L17 counts no stale approval of an earlier step', async () => {
    const { engine, clock } = anOffice({ ...STEPS, approvalTtlMs: 10 * MINUTE });
    const { id } = await aPending(engine);
    await engine.approve(id, { by: SAM });
    await clock.advance(10 * MINUTE);
    expect((await engine.approve(id, { by: LEE })).outcome).toBe('pending');
    expect((await itemOf(engine, SAM))?.missingInWords).toBe('1 more of peers');
    expect((await engine.approve(id, { by: SAM })).outcome).toBe('granted');
  });

  it('L18 a narrowing of each step binds', async () => {
    const { engine } = anOffice(STEPS);
    const { id } = await aPending(engine, { scopes: ['a', 'b', 'c'] });
    await engine.approve(id, { by: SAM, scopes: ['a', 'b'], ttl: '10m' });
    const result = await engine.approve(id, { by: LEE, scopes: ['b', 'c'] });
    expect(result).toMatchObject({ outcome: 'granted', request: { end: { granted: { scopes: ['b'], ttlMs: 10 * MINUTE } } } });
  });

  it('takes an approval link of a later step only once that step has begun', async () => {
    const { engine } = anOffice(STEPS);
    const { id } = await aPending(engine);
    const links = approvalLinks(engine, { keys: [{ id: 'a', secret: 'x'.repeat(32) }] });
    const token = await links.create(id, { reviewer: LEE, decision: 'approve' });
    expect((await refusal(links.redeem(token, { by: LEE }), 'ERR_JIT_NOT_REVIEWER')).why).toBe('not_your_step');
    await engine.approve(id, { by: SAM });
    expect((await links.redeem(token, { by: LEE })).outcome).toBe('granted');
  });

  it('names in explain who must act now, and what is missing', async () => {
    const { engine } = anOffice(STEPS);
    const request = await aPending(engine);
    const about = async () => (await explain(engine, request.subject, request.scopes[0] as string)).approvers;
    expect(await about()).toMatchObject({ groups: ['peers'], missingInWords: '1 more of peers, then 1 more of security' });
    await engine.approve(request.id, { by: SAM });
    expect(await about()).toMatchObject({ groups: ['security'], missingInWords: '1 more of security' });
  });
});

describe('escalation (feature 5)', () => {
  const escalation = [
    { group: 'leads', afterMs: 10 * MINUTE },
    { group: 'chiefs', afterMs: 20 * MINUTE },
  ];

  it('A7 runs from the begin of the step that names it, and stands in for that step only', async () => {
    const { engine, clock } = anOffice({ steps: [{ groups: [group('peers')] }, { groups: [group('security')], escalation }] });
    const { id } = await aPending(engine);
    await clock.advance(HOUR);
    expect((await refusal(engine.approve(id, { by: KIM }), 'ERR_JIT_NOT_REVIEWER')).why).toBe('not_in_group');
    await engine.approve(id, { by: SAM });
    await clock.advance(10 * MINUTE - 1);
    expect(await itemOf(engine, KIM)).toBeUndefined();
    await clock.advance(1);
    expect(await itemOf(engine, KIM)).toMatchObject({ groups: ['security'] });
    expect((await engine.approve(id, { by: KIM })).outcome).toBe('granted');
  });

  it('L27 L34 records each group of a list once, in order, with the groups to notify', async () => {
    const { engine, clock, store } = anOffice({ groups: [group('peers', 2)], escalation });
    await aPending(engine);
    const sweptAt = async (ms: number) => {
      await clock.set(at(ms));
      return (await engine.sweep()).escalated;
    };
    expect(await sweptAt(10 * MINUTE - 1)).toBe(0);
    expect(await sweptAt(10 * MINUTE)).toBe(1);
    expect(await sweptAt(20 * MINUTE - 1)).toBe(0);
    expect(await sweptAt(20 * MINUTE)).toBe(1);
    expect(await sweptAt(30 * MINUTE)).toBe(0);
    const escalated = (await entriesOf(store)).filter(({ type }) => type === 'request.escalated');
    expect(escalated.map(({ data }) => data['groups'])).toEqual([['leads'], ['chiefs']]);
    await expectReplayed(store);
  });

  it('records a late sweep of several groups in one entry', async () => {
    const { engine, clock, store } = anOffice({ groups: [group('peers')], escalation });
    await aPending(engine);
    await clock.set(at(HOUR));
    expect((await engine.sweep()).escalated).toBe(1);
    const escalated = (await entriesOf(store)).find(({ type }) => type === 'request.escalated');
    expect(escalated?.data['groups']).toEqual(['leads', 'chiefs']);
  });
});

describe('alternatives (feature 5)', () => {
  it('A8 one complete alternative approves, and each is judged by itself', async () => {
    for (const [order, complete] of [
      [
        [SAM, ANA],
        [false, true],
      ],
      [[LEE], [true]],
      [
        [SAM, LEE],
        [false, true],
      ],
      [[NOOR], [true]],
    ] as const) {
      const { engine } = anOffice(EITHER);
      const { id } = await aPending(engine);
      for (const [i, by] of order.entries()) expect((await engine.approve(id, { by })).outcome === 'granted').toBe(complete[i]);
    }
  });

  it('says in the inbox what each alternative lacks', async () => {
    const { engine } = anOffice({ anyOf: [{ groups: [group('peers', 2)] }, ...[{ steps: STEPS.steps }]] });
    const { id } = await aPending(engine);
    expect((await itemOf(engine, SAM))?.missingInWords).toBe('2 more of peers, or 1 more of peers, then 1 more of security');
    await engine.approve(id, { by: SAM });
    expect((await itemOf(engine, ANA))?.missing).toEqual([
      { group: 'peers', approvals: 1, alternative: 0, step: 0 },
      { group: 'security', approvals: 1, alternative: 1, step: 1 },
    ]);
    expect((await requestOf(engine, id)).begunSteps).toEqual([{ alternative: 1, step: 1, at: at(0) }]);
    expect((await engine.approve(id, { by: LEE })).outcome).toBe('granted');
  });

  it('L18 every approval that counts binds, also one of another alternative', async () => {
    const { engine } = anOffice(EITHER);
    const { id } = await aPending(engine, { ttl: HOUR });
    await engine.approve(id, { by: SAM, ttl: '5m' });
    expect(await engine.approve(id, { by: LEE })).toMatchObject({ request: { end: { granted: { ttlMs: 5 * MINUTE } } } });
  });

  it('L9 decides once where two alternatives are completed at the same time', async () => {
    for (const seed of [1, 2, 3]) {
      const { engine, store } = anOffice(EITHER);
      const { id } = await aPending(engine);
      await engine.approve(id, { by: SAM });
      store.inject('all', { fault: 'yield', seed });
      const results = await Promise.allSettled([engine.approve(id, { by: ANA }), engine.approve(id, { by: LEE })]);
      store.clear();
      expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
      expect((await typesOf(store)).filter((type) => type === 'request.approved')).toHaveLength(1);
    }
  });
});

describe('denials (feature 5)', () => {
  it.each<readonly [string, QuorumInput, readonly string[], readonly boolean[]]>([
    ['the total, default 1', EITHER, [SAM], [true]],
    ['the total of the quorum, over all groups', { ...EITHER, denials: 2 }, [SAM, LEE], [false, true]],
    ['the number of a group', { groups: [group('peers', 2, 2), group('security')], denials: 3 }, [SAM, ANA], [false, true]],
    ['the number of another group not', { groups: [group('peers', 2), group('security', 1, 1)], denials: 3 }, [SAM, ANA], [false, false]],
    [
      'the number of an alternative',
      { anyOf: [{ groups: [group('peers', 2)], denials: 2 }, { groups: [group('security')] }], denials: 3 },
      [SAM, NOOR],
      [false, true],
    ],
    [
      'a group of a later step',
      { steps: [{ groups: [group('peers')] }, { groups: [group('security', 1, 1)] }], denials: 9 },
      [SAM, LEE],
      [false, true],
    ],
    ['each reviewer once', { ...EITHER, denials: 2 }, [NOOR], [false]],
  ])('A8 a denial ends the request by %s', async (_, quorum, order, ends) => {
    const { engine } = anOffice(quorum);
    const { id } = await aPending(engine);
    for (const [i, by] of order.entries()) {
      await engine.deny(id, { by });
      expect((await statusOf(engine, id)) === 'denied').toBe(ends[i]);
    }
  });

  it('A8 L16 counts a denial that is given again in another group, or after its reviewer has joined one', async () => {
    const quorum = { groups: [group('peers', 1, 2), group('security', 1, 1)], denials: 2 };
    const { engine, members } = anOffice(quorum);
    const first = await aPending(engine);
    expect((await engine.deny(first.id, { by: NOOR, as: 'peers' })).outcome).toBe('pending');
    expect((await engine.deny(first.id, { by: NOOR, as: 'peers' })).outcome).toBe('pending');
    expect((await engine.deny(first.id, { by: NOOR, as: 'security' })).outcome).toBe('denied');
    const second = await aPending(engine, { scope: 'other' });
    expect((await engine.deny(second.id, { by: SAM })).outcome).toBe('pending');
    members[SAM] = ['peers', 'security'];
    expect((await engine.deny(second.id, { by: SAM })).outcome).toBe('denied');
  });

  it('L14 counts an approval that is given again in another group, and the inbox offers that', async () => {
    const { engine, members } = anOffice({ groups: [group('peers'), group('security')] });
    const { id } = await aPending(engine);
    await engine.approve(id, { by: NOOR, as: 'security' });
    await engine.approve(id, { by: NOOR, as: 'peers' });
    expect((await engine.approve(id, { by: LEE })).outcome).toBe('granted');
    const next = await aPending(engine, { scope: 'other' });
    await engine.approve(next.id, { by: SAM });
    expect((await engine.inbox(SAM)).items).toEqual([]);
    members[SAM] = ['peers', 'security'];
    expect((await engine.inbox(SAM)).items).toHaveLength(1);
    await engine.approve(next.id, { by: ANA });
    expect((await engine.approve(next.id, { by: SAM })).outcome).toBe('granted');
  });

  it('L16 judges a number of a group before any approval', async () => {
    const { engine, members } = anOffice({ groups: [group('peers', 1, 1), group('security')], denials: 3 });
    const { id } = await aPending(engine);
    members[ANA] = ['security'];
    await engine.deny(id, { by: ANA });
    await engine.approve(id, { by: SAM });
    // Noor denied as a peer in the meantime; her denial counts once she is back.
    expect(await statusOf(engine, id)).toBe('pending');
    await engine.deny(id, { by: NOOR });
    expect(await statusOf(engine, id)).toBe('denied');
  });
});

describe('the records of a quorum (feature 5)', () => {
  it('L26 replays a journal with steps, escalations and alternatives to the rows of the store', async () => {
    const quorum: QuorumInput = {
      anyOf: [
        { groups: [group('chiefs', 1, 1)] },
        { steps: [{ groups: [group('peers')] }, { groups: [group('security')], escalation: { group: 'leads', afterMs: MINUTE } }] },
      ],
      denials: 2,
    };
    const { engine, clock, store } = anOffice(quorum);
    const { id } = await aPending(engine);
    await engine.approve(id, { by: SAM });
    await clock.advance(2 * MINUTE);
    await engine.sweep();
    await engine.deny(id, { by: LEE });
    await engine.approve(id, { by: KIM });
    expect(await statusOf(engine, id)).toBe('approved');
    const rebuilt = await replay(readJournal(store));
    expect(rebuilt).toBeDefined();
    await expectReplayed(store);
    expect((await verifyStore(store)).ok).toBe(true);
    expect(await wholeStore(store)).toBeDefined();
  });
});
