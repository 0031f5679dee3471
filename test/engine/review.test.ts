import { describe, expect, it } from 'vitest';
import { autoApprove, denyAll, firstDecisive, reviewers, type AccessRequest, type Verdict } from '../../src/index.js';
import { hangs, inTurn, malformed, ScriptedApprover, throws } from '../../src/testing.js';
import { aGranted, ANA, anEngine, aPending, ask, at, entriesOf, LEE, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from './an-engine.js';
import { decideAgain } from './decide-again.js';

/** An approver that requires a quorum. The groups of the reviewers may change while it is asked. */
function aQuorum(quorum: Extract<Verdict, { outcome: 'review' }>['quorum'], members: Record<string, readonly string[]>) {
  const approver = new ScriptedApprover({
    decide: { outcome: 'review', quorum },
    groupsOf: (reviewer) => members[reviewer] ?? [],
    isEligible: true,
  });
  return { ...anEngine({ approver }), approver, members };
}

const TWO_GROUPS = {
  groups: [
    { name: 'ops', approvals: 1 },
    { name: 'sec', approvals: 1 },
  ],
};

describe('JitEngine', () => {
  describe('approve()', () => {
    it('issues one grant for each scope when the quorum is complete', async () => {
      const { engine, store } = anEngine();
      const request = await aPending(engine, { scopes: ['a', 'b'] });
      const result = await engine.approve(request.id, { by: SAM, reason: 'INC-1' });
      expect(result).toMatchObject({
        outcome: 'granted',
        request: { version: 3, end: { status: 'approved', cause: 'quorum', by: SAM, reason: 'INC-1', at: at(0) } },
        grants: [
          { id: `${request.id}.1`, scope: 'a', subject: MAYA, version: 1, end: undefined },
          { id: `${request.id}.2`, scope: 'b', subject: MAYA, version: 1, end: undefined },
        ],
      });
      expect(await typesOf(store)).toEqual([
        'request.created',
        'request.assigned',
        'request.reviewed',
        'request.approved',
        'grant.issued',
        'grant.issued',
      ]);
    });

    it('stays pending until m of n have approved, and lists the possible reviewers', async () => {
      const { engine } = anEngine({ approver: reviewers({ members: [SAM, ANA, LEE], approvals: 2 }) });
      const request = await aPending(engine);
      expect(await engine.approve(request.id, { by: SAM })).toMatchObject({ outcome: 'pending', reviewers: [ANA, LEE] });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect((await engine.approve(request.id, { by: LEE })).outcome).toBe('granted');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(true);
    });

    it('L14 counts a reviewer once, however often they approve', async () => {
      const { engine, store } = anEngine({ approver: reviewers({ members: [SAM, ANA, LEE], approvals: 2 }) });
      const request = await aPending(engine);
      for (let i = 0; i < 3; i++) expect((await engine.approve(request.id, { by: SAM })).outcome).toBe('pending');
      expect((await engine.getRequest(request.id))?.request.reviews).toHaveLength(1);
      expect((await typesOf(store)).filter((type) => type === 'request.reviewed')).toHaveLength(1);
    });

    it('L14 counts a reviewer of two groups in one of them only', async () => {
      const { engine } = aQuorum(TWO_GROUPS, { [SAM]: ['ops', 'sec'], [ANA]: ['ops'] });
      const request = await aPending(engine);
      expect((await engine.approve(request.id, { by: SAM })).outcome).toBe('pending');
      expect((await engine.approve(request.id, { by: ANA })).outcome).toBe('granted');
    });

    it('L14 finds the assignment of reviewers to groups that completes the quorum', async () => {
      const members = { a: ['x', 'y', 'z'], b: ['x', 'y'], c: ['x'], d: ['y', 'z'] };
      const groups = ['x', 'y', 'z'].map((name) => ({ name, approvals: 1 }));
      // test/lifecycle/review.test.ts has other orders.
      const { engine } = aQuorum({ groups }, members);
      const request = await aPending(engine);
      const outcomes: string[] = [];
      for (const by of ['d', 'b', 'c']) outcomes.push((await engine.approve(request.id, { by })).outcome);
      expect(outcomes).toEqual(['pending', 'pending', 'granted']);
    });

    it('L15 refuses the subject and the requester, in any group of which they are members', async () => {
      const { engine, store } = aQuorum({ groups: [{ name: 'ops', approvals: 1 }] }, { [MAYA]: ['ops'], [SAM]: ['ops'] });
      const request = await aPending(engine, { requestedBy: SAM });
      for (const by of [MAYA, SAM]) {
        for (const verb of ['approve', 'deny'] as const) {
          expect(await refusal(engine[verb](request.id, { by }), 'ERR_JIT_SELF_REVIEW')).toMatchObject({
            requestId: request.id,
            reviewer: by,
          });
        }
      }
      expect((await engine.getRequest(request.id))?.request.reviews).toEqual([]);
      expect(await typesOf(store)).not.toContain('request.reviewed');
      expect((await engine.inbox(SAM)).items).toEqual([]);
    });

    it('L17 refuses a reviewer who is in none of the groups, and records nothing', async () => {
      const { engine } = anEngine();
      const request = await aPending(engine);
      expect(await refusal(engine.approve(request.id, { by: 'user:eve' }), 'ERR_JIT_NOT_REVIEWER')).toMatchObject({
        requestId: request.id,
        reviewer: 'user:eve',
        why: 'not_in_group',
      });
      expect((await engine.getRequest(request.id))?.request).toEqual(request);
    });

    it('L17 a group that the quorum does not name gives no right', async () => {
      const { engine } = aQuorum({ groups: [{ name: 'ops', approvals: 1 }] }, { [SAM]: ['admins', 'OPS', 'op'] });
      await refusal(engine.approve((await aPending(engine)).id, { by: SAM }), 'ERR_JIT_NOT_REVIEWER');
    });

    it('L17 a stale approval can be given again, and then counts', async () => {
      const { engine, clock } = anEngine({ approver: reviewers({ members: [SAM, ANA], approvals: 2, approvalTtl: MINUTE }) });
      const request = await aPending(engine);
      await engine.approve(request.id, { by: SAM });
      await clock.set(at(MINUTE));
      expect((await engine.inbox(SAM)).items.map((item) => item.request.id)).toEqual([request.id]);
      expect((await engine.approve(request.id, { by: ANA })).outcome).toBe('pending');
      expect((await engine.approve(request.id, { by: SAM })).outcome).toBe('granted');
    });

    it('L17 does not count a reviewer who has left the group since', async () => {
      const { engine, members } = aQuorum({ groups: [{ name: 'ops', approvals: 2 }] }, { [SAM]: ['ops'], [ANA]: ['ops'], [LEE]: ['ops'] });
      const request = await aPending(engine);
      await engine.approve(request.id, { by: SAM });
      members[SAM] = [];
      expect((await engine.approve(request.id, { by: ANA })).outcome).toBe('pending');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect((await engine.approve(request.id, { by: LEE })).outcome).toBe('granted');
    });

    it('L17 does not count a reviewer for a group joined after the review', async () => {
      const { engine, members } = aQuorum(TWO_GROUPS, { [SAM]: ['ops'], [ANA]: ['ops'] });
      const request = await aPending(engine);
      await engine.approve(request.id, { by: SAM });
      members[SAM] = ['sec'];
      expect((await engine.approve(request.id, { by: ANA })).outcome).toBe('pending');
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    });

    it('L17 the numbers are frozen on the request: later answers of the approver do not change them', async () => {
      const approver = new ScriptedApprover({
        decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 2 }] } },
        groupsOf: ['ops'],
      });
      const { engine } = anEngine({ approver });
      const request = await aPending(engine);
      approver.script.decide = { outcome: 'approve' };
      expect((await decideAgain(engine, request.id)).outcome).toBe('pending');
      expect((await engine.approve(request.id, { by: SAM })).outcome).toBe('pending');
      expect(request.quorum).toEqual({ groups: [{ name: 'ops', approvals: 2 }], denials: 1, approvalTtlMs: undefined });
      expect(approver.asked('decide')).toBe(1);
    });

    it("L17 a change to the approver's own object after it answered changes nothing", async () => {
      const groups = [{ name: 'ops', approvals: 2 }];
      const approver = new ScriptedApprover({ decide: { outcome: 'review', quorum: { groups } }, groupsOf: ['ops'] });
      const { engine } = anEngine({ approver });
      const request = await aPending(engine);
      groups[0] = { name: 'ops', approvals: 1 };
      expect((await engine.approve(request.id, { by: SAM })).outcome).toBe('pending');
    });

    it('L16 L17 asks about eligibility when the quorum would complete, and denies as ineligible', async () => {
      const { engine, approver, store } = aQuorum({ groups: [{ name: 'ops', approvals: 2 }] }, { [SAM]: ['ops'], [ANA]: ['ops'] });
      const request = await aPending(engine);
      approver.script.isEligible = (_, when) => when !== 'approval';
      expect((await engine.approve(request.id, { by: SAM })).outcome).toBe('pending');
      expect(approver.questions.filter((one) => one.method === 'isEligible').map((one) => one.when)).toEqual(['creation']);
      expect(await engine.approve(request.id, { by: ANA })).toMatchObject({
        outcome: 'denied',
        request: { end: { cause: 'ineligible', by: ANA } },
      });
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      expect(await typesOf(store)).not.toContain('grant.issued');
    });

    it('L30 a failing question about groups or eligibility records nothing', async () => {
      for (const broken of ['groupsOf', 'isEligible'] as const) {
        const { engine, approver } = aQuorum({ groups: [{ name: 'ops', approvals: 1 }] }, { [SAM]: ['ops'] });
        const request = await aPending(engine);
        for (const answer of [
          throws(new Error('LDAP')),
          malformed(undefined),
          malformed(null),
          malformed('ops'),
          malformed(1),
          malformed([1]),
          malformed({ length: 1, 0: 'ops' }),
        ]) {
          approver.script[broken] = answer;
          const error = await refusal(engine.approve(request.id, { by: SAM }));
          expect(error).toMatchObject({ requestId: request.id });
          // A malformed answer about groups may also count as membership in no group.
          expect(broken === 'groupsOf' ? ['ERR_JIT_APPROVER', 'ERR_JIT_NOT_REVIEWER'] : ['ERR_JIT_APPROVER']).toContain(error.code);
        }
        expect((await engine.getRequest(request.id))?.request).toEqual(request);
      }
    });

    it('L18 grants exactly what was asked and reviewed', async () => {
      const { engine } = anEngine();
      const scopes = ['a', 'b'];
      const request = await aPending(engine, { scopes, ttl: 1000 });
      scopes.push('c');
      const result = await engine.approve(request.id, { by: SAM });
      expect(result.outcome === 'granted' && result.grants.map((grant) => [grant.scope, grant.expiresAt - grant.startsAt])).toEqual([
        ['a', 1000],
        ['b', 1000],
      ]);
    });

    it('L8 refuses later reviewers with the decision', async () => {
      const { engine } = anEngine();
      const request = await aPending(engine);
      await engine.approve(request.id, { by: SAM });
      for (const by of [SAM, ANA, 'user:eve', MAYA]) {
        expect((await refusal(engine.approve(request.id, { by }), 'ERR_JIT_DECIDED')).request.end).toMatchObject({
          status: 'approved',
          by: SAM,
        });
      }
    });

    it('rejects with ERR_JIT_NOT_FOUND for a request of another namespace', async () => {
      const { engine, store } = anEngine();
      const request = await aPending(engine);
      const other = anEngine({ store: store.in('other') });
      expect(await refusal(other.engine.approve(request.id, { by: SAM }), 'ERR_JIT_NOT_FOUND')).toMatchObject({
        kind: 'request',
        id: request.id,
      });
    });
  });

  describe('deny()', () => {
    it('ends the request, with the reason', async () => {
      const { engine } = anEngine();
      const request = await aPending(engine);
      expect(await engine.deny(request.id, { by: SAM, reason: 'not now' })).toMatchObject({
        outcome: 'denied',
        reason: 'not now',
        request: { end: { status: 'denied', cause: 'quorum', by: SAM } },
      });
      await refusal(engine.approve(request.id, { by: ANA }), 'ERR_JIT_DECIDED');
    });

    it('L16 leaves the request pending until the denials reach the number of the quorum', async () => {
      const { engine } = anEngine({ approver: reviewers({ members: [SAM, ANA, LEE], approvals: 1, denials: 2 }) });
      const request = await aPending(engine);
      expect((await engine.deny(request.id, { by: SAM })).outcome).toBe('pending');
      expect((await engine.deny(request.id, { by: SAM })).outcome).toBe('pending');
      expect((await engine.deny(request.id, { by: ANA })).outcome).toBe('denied');
    });

    it('L16 a denial cannot become an approval, an approval can become a denial', async () => {
      const { engine } = anEngine({ approver: reviewers({ members: [SAM, ANA, LEE], approvals: 2, denials: 2 }) });
      const request = await aPending(engine);
      await engine.approve(request.id, { by: SAM });
      await engine.deny(request.id, { by: SAM });
      expect((await engine.getRequest(request.id))?.request.reviews).toMatchObject([{ reviewer: SAM, verdict: 'deny' }]);
      expect(await refusal(engine.approve(request.id, { by: SAM }), 'ERR_JIT_NOT_REVIEWER')).toMatchObject({ why: 'has_denied' });
      expect((await engine.approve(request.id, { by: ANA })).outcome).toBe('pending');
      expect((await engine.deny(request.id, { by: LEE })).outcome).toBe('denied');
    });

    it('L16 denials outlive the freshness of approvals', async () => {
      const { engine, clock } = anEngine({ approver: reviewers({ members: [SAM, ANA, LEE], denials: 2, approvalTtl: '1s' }) });
      const request = await aPending(engine);
      await engine.deny(request.id, { by: SAM });
      await clock.set(at(MINUTE));
      expect((await engine.deny(request.id, { by: ANA })).outcome).toBe('denied');
    });

    it('L17 does not count the denial of a reviewer who has left the group', async () => {
      const { engine, members } = aQuorum(
        { groups: [{ name: 'ops', approvals: 1 }], denials: 2 },
        { [SAM]: ['ops'], [ANA]: ['ops'], [LEE]: ['ops'] },
      );
      const request = await aPending(engine);
      await engine.deny(request.id, { by: SAM });
      members[SAM] = [];
      expect((await engine.deny(request.id, { by: ANA })).outcome).toBe('pending');
      expect((await engine.deny(request.id, { by: LEE })).outcome).toBe('denied');
    });

    it('L16 counts denials before approvals, also when an earlier denier is back in the group', async () => {
      const { engine, members } = aQuorum(
        { groups: [{ name: 'ops', approvals: 1 }], denials: 2 },
        { [SAM]: ['ops'], [ANA]: ['ops'], [LEE]: ['ops'] },
      );
      const request = await aPending(engine);
      await engine.deny(request.id, { by: SAM });
      members[SAM] = [];
      await engine.deny(request.id, { by: ANA });
      members[SAM] = ['ops'];
      expect((await engine.approve(request.id, { by: LEE })).outcome).toBe('denied');
    });

    it('does not ask about eligibility', async () => {
      const { engine, approver } = aQuorum({ groups: [{ name: 'ops', approvals: 1 }] }, { [SAM]: ['ops'] });
      const request = await aPending(engine);
      approver.script.isEligible = throws(new Error('never'));
      expect((await engine.deny(request.id, { by: SAM })).outcome).toBe('denied');
    });
  });

  describe('an approver', () => {
    it('approves, denies, or abstains: if it abstains, the request is denied', async () => {
      expect(await ask(anEngine({ approver: autoApprove(() => true) }).engine)).toMatchObject({
        outcome: 'granted',
        request: { approver: 'auto-approve', end: { cause: 'approver', by: 'system:approver' } },
      });
      expect(await ask(anEngine({ approver: denyAll('off') }).engine)).toMatchObject({ outcome: 'denied', reason: 'off' });
      expect(await ask(anEngine({ approver: new ScriptedApprover() }).engine)).toMatchObject({
        outcome: 'denied',
        request: { approver: 'scripted', end: { cause: 'abstained' } },
      });
    });

    it('can read the stored request while it decides', async () => {
      const seen: unknown[] = [];
      const approver = new ScriptedApprover({
        decide: async (request) => {
          seen.push((await engine.getRequest(request.id))?.request);
          return { outcome: 'approve', reason: 'fine' };
        },
      });
      const { engine } = anEngine({ approver });
      const result = await ask(engine);
      expect(seen).toMatchObject([{ id: result.request.id, end: undefined, approver: undefined }]);
      expect(result.request.end?.reason).toBe('fine');
    });

    // Which answers are malformed is a rule: test/lifecycle/verdict.test.ts has all of them.
    const MALFORMED: readonly (readonly [string, unknown])[] = [
      ['undefined', undefined],
      ['an outcome on its prototype', Object.create({ outcome: 'approve' })],
      [
        'a getter that throws',
        {
          get outcome() {
            throw new Error('no');
          },
        },
      ],
      ['0 approvals', { outcome: 'review', quorum: { groups: [{ name: 'a', approvals: 0 }] } }],
    ];
    for (const [what, answer] of MALFORMED) {
      it(`L16 L30 that answers with ${what} leaves the request pending and undecided`, async () => {
        const approver = new ScriptedApprover({ decide: malformed(answer), groupsOf: ['a'] });
        const { engine, store } = anEngine({ approver });
        const error = await refusal(ask(engine), 'ERR_JIT_APPROVER');
        const id = error.requestId ?? '';
        expect((await engine.getRequest(id))?.request).toMatchObject({ quorum: undefined, approver: undefined, end: undefined });
        expect(await refusal(engine.approve(id, { by: SAM }), 'ERR_JIT_UNDECIDED')).toMatchObject({ requestId: id });
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
        expect(await typesOf(store)).toEqual(['request.created', 'attempt.refused']);
      });
    }

    for (const [how, again] of [
      ['the same key', (made: ReturnType<typeof anEngine>) => ask(made.engine, { idempotencyKey: 'k' })],
      ['the same ask', (made: ReturnType<typeof anEngine>) => ask(made.engine)],
      [
        'the sweep',
        async (made: ReturnType<typeof anEngine>, id: string) => {
          await made.clock.set(at(30_000 - 1));
          expect((await made.engine.sweep()).asked).toBe(0);
          await made.clock.set(at(30_000));
          expect((await made.engine.sweep()).asked).toBe(1);
          return decideAgain(made.engine, id);
        },
      ],
    ] as const) {
      it(`L16 that failed is asked again by ${how}`, async () => {
        const approver = new ScriptedApprover({
          decide: inTurn<Verdict, [AccessRequest]>(throws(new Error('down')), { outcome: 'approve' }),
        });
        const made = anEngine({ approver });
        const error = await refusal(ask(made.engine, { idempotencyKey: 'k' }), 'ERR_JIT_APPROVER');
        expect(error.message).toContain('down');
        expect((error.cause as Error).message).toBe('down');
        expect((await again(made, error.requestId ?? '')).outcome).toBe('granted');
        expect(approver.asked('decide')).toBe(2);
        expect(await typesOf(made.store)).toEqual(['request.created', 'request.approved', 'grant.issued']);
      });
    }

    it('L16 that never answers fails after its time limit, and its next answer counts', async () => {
      const approver = new ScriptedApprover({ decide: hangs() });
      const { engine, clock } = anEngine({ approver, limits: { approverTimeout: 5_000 } });
      let settled = false;
      const asking = refusal(ask(engine), 'ERR_JIT_APPROVER').finally(() => (settled = true));
      while (clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve));
      await clock.set(at(4_999));
      expect(settled).toBe(false);
      await clock.set(at(5_000));
      const error = await asking;
      expect(error.message).toContain('5000 ms');
      expect(clock.sleepers).toBe(0);
      approver.script.decide = { outcome: 'approve' };
      expect((await decideAgain(engine, error.requestId ?? '')).outcome).toBe('granted');
    });

    for (const [how, end, outcome] of [
      ['a cancel', (made: ReturnType<typeof anEngine>, id: string) => made.engine.cancel(id, { by: MAYA }), 'cancelled'],
      ['revokeAll', (made: ReturnType<typeof anEngine>) => made.engine.revokeAll({ subject: MAYA }, { by: SAM }), 'cancelled'],
      [
        "another engine's decision",
        (made: ReturnType<typeof anEngine>, id: string) =>
          decideAgain(anEngine({ store: made.store, clock: made.clock, approver: denyAll() }).engine, id),
        'denied',
      ],
    ] as const) {
      it(`L9 whose answer comes after ${how} changes nothing`, async () => {
        let answer: (verdict: Verdict) => void = () => undefined;
        let id = '';
        const approver = new ScriptedApprover({
          decide: (request) => {
            id = request.id;
            return new Promise((resolve) => (answer = resolve));
          },
        });
        const made = anEngine({ approver });
        const asking = ask(made.engine);
        while (id === '') await new Promise((resolve) => setImmediate(resolve));
        await end(made, id);
        answer({ outcome: 'approve' });
        expect((await asking).outcome).toBe(outcome);
        expect(await made.engine.isAllowed(MAYA, SCOPE)).toBe(false);
        expect(await typesOf(made.store)).not.toContain('grant.issued');
      });
    }

    it('that decides in a firstDecisive chain is the only one asked about groups afterwards, and its name is kept', async () => {
      const first = new ScriptedApprover({ decide: { outcome: 'abstain' }, groupsOf: ['second'] }, 'first');
      const second = new ScriptedApprover(
        {
          decide: { outcome: 'review', quorum: { groups: [{ name: 'second', approvals: 1 }] } },
          groupsOf: (who) => (who === SAM ? ['second'] : []),
        },
        'second',
      );
      const { engine } = anEngine({ approver: firstDecisive(first, second) });
      const request = await aPending(engine);
      expect(request.approver).toBe('second');
      await refusal(engine.approve(request.id, { by: ANA }), 'ERR_JIT_NOT_REVIEWER');
      expect((await engine.approve(request.id, { by: SAM })).outcome).toBe('granted');
      expect(first.asked('groupsOf')).toBe(0);
    });

    it('whose membersOf fails does not fail the ask: reviewers is undefined, and the failure is reported to onError', async () => {
      for (const answer of [throws(new Error('LDAP')), malformed('sam'), malformed([7])]) {
        const approver = new ScriptedApprover({
          decide: { outcome: 'review', quorum: { groups: [{ name: 'a', approvals: 1 }] } },
          membersOf: answer,
        });
        const { engine, told } = anEngine({ approver });
        expect(await ask(engine)).toMatchObject({ outcome: 'pending', reviewers: undefined });
        expect(told).toMatchObject([{ during: 'membersOf', error: { code: 'ERR_JIT_APPROVER' } }]);
      }
    });

    it('without membersOf leaves reviewers undefined', async () => {
      const approver = new ScriptedApprover({ decide: { outcome: 'review', quorum: { groups: [{ name: 'a', approvals: 1 }] } } });
      expect(await ask(anEngine({ approver }).engine)).toMatchObject({ outcome: 'pending', reviewers: undefined });
    });

    it('without groupsOf allows no reviewer', async () => {
      const approver = new ScriptedApprover({ decide: { outcome: 'review', quorum: { groups: [{ name: 'a', approvals: 1 }] } } });
      const { engine } = anEngine({ approver });
      await refusal(engine.approve((await aPending(engine)).id, { by: SAM }), 'ERR_JIT_NOT_REVIEWER');
    });
  });

  describe('eligibility at creation', () => {
    it('refuses and records no request, only the attempt', async () => {
      const approver = new ScriptedApprover({ isEligible: false });
      const { engine, store } = anEngine({ approver });
      expect(await refusal(ask(engine), 'ERR_JIT_INELIGIBLE')).toMatchObject({ subject: MAYA, scopes: [SCOPE] });
      await engine.flushAudit();
      expect(await entriesOf(store)).toMatchObject([
        { type: 'attempt.refused', actor: MAYA, data: { code: 'ERR_JIT_INELIGIBLE', count: 1, scopes: [SCOPE] } },
      ]);
      expect(approver.asked('decide')).toBe(0);
    });

    it('records nothing when the question fails', async () => {
      for (const answer of [throws(new Error('LDAP')), malformed(undefined), malformed('yes'), malformed(1), malformed(null)]) {
        const { engine, store } = anEngine({ approver: new ScriptedApprover({ isEligible: answer }) });
        expect((await refusal(ask(engine), 'ERR_JIT_APPROVER')).requestId).toBeUndefined();
        await engine.flushAudit();
        expect(await typesOf(store)).toEqual([]);
      }
    });

    it('is never asked on cancel', async () => {
      const quorum = { groups: [{ name: 'ops', approvals: 1 }] };
      const approver = new ScriptedApprover({ decide: { outcome: 'review', quorum }, groupsOf: ['ops'], isEligible: true });
      const { engine } = anEngine({ approver });
      const { id } = await aPending(engine);
      const asked = approver.questions.length;
      await engine.cancel(id, { by: MAYA });
      expect(approver.questions).toHaveLength(asked);
    });

    it('is never asked on revoke, release and expiry', async () => {
      const approver = new ScriptedApprover({ decide: { outcome: 'approve' }, isEligible: true });
      const { engine, clock } = anEngine({ approver });
      const grants = [await aGranted(engine), await aGranted(engine), await aGranted(engine)];
      const asked = approver.questions.length;
      await engine.revoke(grants[0]?.id ?? '', { by: SAM });
      await engine.release(grants[1]?.id ?? '', { by: MAYA });
      await clock.set(at(MINUTE * 60));
      await engine.sweep();
      expect(approver.questions).toHaveLength(asked);
    });
  });
});
