import { describe, expect, it } from 'vitest';
import type { JitEngine, JitEngineOptions, QuorumInput } from '../../src/index.js';
import { malformed, ScriptedApprover, throws } from '../../src/testing.js';
import { anEngine, aPending, ask, at, entriesOf, HOUR, MAYA, MINUTE, refusal, SCOPE, typesOf } from './an-engine.js';
import { wholeStore } from './whole-store.js';
import { decideAgain } from './decide-again.js';

/** The reviewers of these scenarios. Their groups may change during a scenario. */
const [OLA, OKE, SIA, SEM, BOTH] = ['ops:ola', 'ops:oke', 'sec:sia', 'sec:sem', 'both:bo'];

const people = (): Record<string, readonly string[]> => ({
  [OLA]: ['ops'],
  [OKE]: ['ops'],
  [SIA]: ['sec'],
  [SEM]: ['sec'],
  [BOTH]: ['ops', 'sec'],
});

/** Two teams: one reviewer of each must approve, unless overridden. */
function twoTeams(quorum: Partial<QuorumInput> = {}, options: Partial<JitEngineOptions> = {}) {
  const members = people();
  const groups = ['ops', 'sec'].map((name) => ({ name, approvals: 1 }));
  const approver = new ScriptedApprover({
    decide: { outcome: 'review', quorum: { groups, ...quorum } },
    groupsOf: (who) => members[who] ?? [],
    isEligible: true,
  });
  return { ...anEngine({ approver, ...options }), approver, members };
}

const outcomesOf = async (engine: JitEngine, id: string, reviewers: readonly string[]): Promise<readonly string[]> => {
  const outcomes: string[] = [];
  for (const by of reviewers) outcomes.push((await engine.approve(id, { by })).outcome);
  return outcomes;
};

const reviewsOf = async (engine: JitEngine, id: string) => (await engine.getRequest(id))?.request.reviews;

const endOf = async (engine: JitEngine, id: string) => (await engine.getRequest(id))?.request.end;

describe('a quorum of several groups', () => {
  it('L14 is complete when each group has its number of approvals', async () => {
    const groups = [
      { name: 'ops', approvals: 2 },
      { name: 'sec', approvals: 1 },
    ];
    // test/lifecycle/review.test.ts has other orders.
    const { engine } = twoTeams({ groups });
    const { id } = await aPending(engine);
    expect(await outcomesOf(engine, id, [BOTH, SIA, OLA])).toEqual(['pending', 'pending', 'granted']);
  });

  it('L17 never counts a group that the quorum does not name, nor a reviewer without a group of the quorum', async () => {
    const { engine, members } = twoTeams();
    members['x'] = ['finance', 'Ops', 'sec:sia'];
    const { id } = await aPending(engine);
    await refusal(engine.approve(id, { by: 'x' }), 'ERR_JIT_NOT_REVIEWER');
    await engine.approve(id, { by: OLA });
    expect((await reviewsOf(engine, id))?.map(({ groups }) => groups)).toEqual([['ops']]);
  });

  it('L10 a bundle is decided as one: one grant for each scope in one commit, or none', async () => {
    const { engine, store } = twoTeams();
    const { id } = await aPending(engine, { scopes: ['a', 'b', 'c'] });
    await engine.approve(id, { by: OLA });
    expect(await engine.filterAllowed(MAYA, ['a', 'b', 'c'])).toEqual([]);
    await engine.approve(id, { by: SIA });
    expect(await engine.filterAllowed(MAYA, ['a', 'b', 'c'])).toEqual(['a', 'b', 'c']);
    const last = (await entriesOf(store)).slice(-5);
    expect(last.map(({ type }) => type)).toEqual(['request.reviewed', 'request.approved', 'grant.issued', 'grant.issued', 'grant.issued']);
    expect(new Set(last.map((entry) => entry.id.split('.')[0])).size).toBe(1);
    const denied = twoTeams();
    const bundle = await aPending(denied.engine, { scopes: ['a', 'b'] });
    await denied.engine.approve(bundle.id, { by: OLA });
    await denied.engine.deny(bundle.id, { by: SIA });
    expect((await denied.engine.getRequest(bundle.id))?.grants).toEqual([]);
  });
});

describe('a reviewer in several groups', () => {
  it('L14 counts only in the group that the reviewer names', async () => {
    const { engine } = twoTeams();
    const { id } = await aPending(engine);
    expect((await engine.approve(id, { by: BOTH, as: 'ops' })).outcome).toBe('pending');
    expect((await reviewsOf(engine, id))?.[0]).toMatchObject({ groups: ['ops', 'sec'], as: 'ops' });
    expect((await engine.approve(id, { by: OLA })).outcome).toBe('pending');
    expect((await engine.approve(id, { by: SIA })).outcome).toBe('granted');
  });

  it('L14 counts, without a named group, where it helps most: assigned again at each review', async () => {
    for (const other of [OLA, SIA]) {
      const { engine } = twoTeams();
      const { id } = await aPending(engine);
      expect(await outcomesOf(engine, id, [BOTH, other])).toEqual(['pending', 'granted']);
    }
  });

  it('L17 may name only a group that the reviewer is in and that the quorum names', async () => {
    const { engine, members, store } = twoTeams();
    members['x'] = ['ops', 'finance'];
    const { id } = await aPending(engine);
    const before = await wholeStore(store);
    for (const verb of ['approve', 'deny'] as const) {
      expect((await refusal(engine[verb](id, { by: 'x', as: 'finance' }), 'ERR_JIT_NOT_REVIEWER')).why).toBe('not_in_group');
    }
    for (const as of ['', ' ops', 7, null, ['ops']]) {
      expect((await refusal(engine.approve(id, { by: BOTH, as } as never), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe('as');
    }
    expect(await wholeStore(store)).toEqual(before);
  });

  it('L17 who leaves the named group no longer counts, even as a member of another group', async () => {
    const { engine, members } = twoTeams();
    const { id } = await aPending(engine);
    await engine.approve(id, { by: BOTH, as: 'ops' });
    members[BOTH] = ['sec'];
    expect(await outcomesOf(engine, id, [SIA, OLA])).toEqual(['pending', 'granted']);
    const other = twoTeams();
    const pending = await aPending(other.engine);
    await other.engine.approve(pending.id, { by: BOTH, as: 'ops' });
    other.members[BOTH] = ['sec'];
    // OLA for ops and BOTH for sec would be enough, if BOTH had not named ops.
    expect((await other.engine.approve(pending.id, { by: OLA })).outcome).toBe('pending');
  });

  it('L17 who joins another group after the review counts only in the earlier group', async () => {
    const { engine, members } = twoTeams();
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA });
    members[OLA] = ['ops', 'sec'];
    expect((await engine.approve(id, { by: OKE })).outcome).toBe('pending');
    expect((await engine.approve(id, { by: SIA })).outcome).toBe('granted');
  });

  it('L17 who moves from one group to another counts in neither', async () => {
    const moved = twoTeams();
    const pending = await aPending(moved.engine);
    await moved.engine.approve(pending.id, { by: OLA });
    moved.members[OLA] = ['sec'];
    // Reviewed for ops, now in sec: with BOTH it would be enough, if the review counted in the current group.
    expect((await moved.engine.approve(pending.id, { by: BOTH })).outcome).toBe('pending');
    expect(await moved.engine.isAllowed(MAYA, SCOPE)).toBe(false);
    const { engine, members } = twoTeams();
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA });
    members[OLA] = ['sec'];
    expect((await engine.approve(id, { by: OKE })).outcome).toBe('pending');
    members[OLA] = ['ops'];
    expect((await engine.approve(id, { by: SIA })).outcome).toBe('granted');
  });
});

describe('an approval that goes stale', () => {
  it('L17 is replaced by repeating it, once it is stale and not before', async () => {
    const { engine, clock, store } = twoTeams({ approvalTtlMs: MINUTE });
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA, reason: 'first' });
    await clock.set(at(MINUTE - 1));
    const before = await wholeStore(store);
    expect((await engine.approve(id, { by: OLA, reason: 'again', comment: 'x', as: 'ops' })).outcome).toBe('pending');
    expect(await wholeStore(store)).toEqual(before);
    await clock.set(at(MINUTE));
    await engine.approve(id, { by: OLA, reason: 'second' });
    expect(await reviewsOf(engine, id)).toMatchObject([{ reviewer: OLA, reason: 'second', at: at(MINUTE) }]);
    await clock.set(at(2 * MINUTE - 1));
    expect((await engine.approve(id, { by: SIA })).outcome).toBe('granted');
  });

  it('L17 that is renewed counts in the current group of the reviewer, not in the earlier one', async () => {
    const { engine, clock, members } = twoTeams({ approvalTtlMs: MINUTE });
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA });
    await clock.set(at(MINUTE));
    members[OLA] = ['sec'];
    await engine.approve(id, { by: OLA });
    expect((await engine.approve(id, { by: SIA })).outcome).toBe('pending');
    expect((await engine.approve(id, { by: OKE })).outcome).toBe('granted');
  });

  it('L5 stays stale when the clock steps back', async () => {
    const { engine, clock } = twoTeams({ approvalTtlMs: MINUTE });
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA });
    await clock.set(at(MINUTE));
    await engine.isAllowed(MAYA, SCOPE);
    await clock.set(at(MINUTE - 500));
    expect((await engine.approve(id, { by: SIA })).outcome).toBe('pending');
  });

  it('L6 goes stale early by the leeway', async () => {
    const { engine, clock } = twoTeams({ approvalTtlMs: MINUTE }, { leewayMs: 10 });
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA });
    await clock.set(at(MINUTE - 10));
    expect((await engine.approve(id, { by: SIA })).outcome).toBe('pending');
  });

  it('does not make a denial stale: a repeated denial adds nothing, is in no inbox, and counts', async () => {
    const { engine, clock, store } = twoTeams({ approvalTtlMs: MINUTE, denials: 2 });
    const { id } = await aPending(engine);
    await engine.deny(id, { by: OLA });
    await clock.set(at(HOUR));
    const before = await wholeStore(store);
    expect((await engine.deny(id, { by: OLA, reason: 'still' })).outcome).toBe('pending');
    expect(await wholeStore(store)).toEqual(before);
    expect((await engine.inbox(OLA)).items).toEqual([]);
    expect((await engine.deny(id, { by: SIA })).outcome).toBe('denied');
  });

  it('is in its reviewer\u2019s inbox again', async () => {
    const { engine, clock } = twoTeams({ approvalTtlMs: MINUTE });
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA });
    const inbox = async () => (await engine.inbox(OLA)).items.map(({ request }) => request.id);
    await clock.set(at(MINUTE - 1));
    expect(await inbox()).toEqual([]);
    await clock.set(at(MINUTE));
    expect(await inbox()).toEqual([id]);
  });
});

describe('a denial', () => {
  it('L16 counts over all groups', async () => {
    const { engine } = twoTeams({ denials: 2 });
    const { id } = await aPending(engine);
    expect((await engine.deny(id, { by: OLA })).outcome).toBe('pending');
    expect(await engine.deny(id, { by: SIA, reason: 'not now' })).toMatchObject({
      outcome: 'denied',
      reason: 'not now',
      request: { end: { status: 'denied', cause: 'quorum', by: SIA } },
    });
  });

  it('L16 by one person counts once, in several groups and when repeated', async () => {
    const { engine, store } = twoTeams({ denials: 2 });
    const { id } = await aPending(engine);
    for (const as of [undefined, 'ops', 'sec', undefined]) {
      expect((await engine.deny(id, { by: BOTH, as })).outcome).toBe('pending');
    }
    expect((await typesOf(store)).filter((type) => type === 'request.reviewed')).toHaveLength(1);
    expect(await reviewsOf(engine, id)).toHaveLength(1);
  });

  it('L16 counts before an approval, also when an earlier denier is back in the group', async () => {
    const { engine, members } = twoTeams();
    const { id } = await aPending(engine);
    members[BOTH] = ['ops'];
    await engine.approve(id, { by: OLA });
    const approver = twoTeams({ denials: 2 });
    const two = await aPending(approver.engine);
    await approver.engine.deny(two.id, { by: OKE });
    approver.members[OKE] = [];
    await approver.engine.approve(two.id, { by: OLA });
    await approver.engine.deny(two.id, { by: SEM });
    approver.members[OKE] = ['ops'];
    // This approval would complete both groups; both denials count again.
    expect(await approver.engine.approve(two.id, { by: SIA })).toMatchObject({ outcome: 'denied', request: { end: { cause: 'quorum' } } });
    expect((await approver.engine.getRequest(two.id))?.grants).toEqual([]);
  });

  it('L17 by a reviewer who has lost the right does not count, and does not stop an approval', async () => {
    const { engine, members } = twoTeams({ denials: 2 });
    const { id } = await aPending(engine);
    await engine.deny(id, { by: OKE });
    members[OKE] = [];
    expect((await engine.deny(id, { by: SEM })).outcome).toBe('pending');
    expect(await outcomesOf(engine, id, [OLA, SIA])).toEqual(['pending', 'granted']);
  });

  it('L16 short of the number that ends a request does not stop it', async () => {
    const { engine } = twoTeams({ denials: 2 });
    const { id } = await aPending(engine);
    await engine.deny(id, { by: OKE });
    expect(await outcomesOf(engine, id, [OLA, SIA])).toEqual(['pending', 'granted']);
  });

  it('L16 may replace an approval, which then no longer counts; never the reverse', async () => {
    const { engine, store, clock } = twoTeams({ denials: 2, approvalTtlMs: MINUTE });
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA });
    await engine.deny(id, { by: OLA, reason: 'on second thoughts' });
    expect(await reviewsOf(engine, id)).toMatchObject([{ reviewer: OLA, verdict: 'deny', reason: 'on second thoughts' }]);
    expect((await engine.approve(id, { by: SIA })).outcome).toBe('pending');
    const before = await wholeStore(store);
    for (const ms of [0, MINUTE, HOUR]) {
      await clock.set(at(ms));
      expect((await refusal(engine.approve(id, { by: OLA }), 'ERR_JIT_NOT_REVIEWER')).why).toBe('has_denied');
    }
    expect(await wholeStore(store)).toEqual(before);
    expect((await engine.approve(id, { by: OKE })).outcome).toBe('pending');
    expect((await engine.approve(id, { by: SEM })).outcome).toBe('granted');
  });

  it('L16 needs a valid number of denials in the quorum: any other value is an approver failure', async () => {
    const { engine } = twoTeams({ denials: 0 });
    await refusal(ask(engine), 'ERR_JIT_APPROVER');
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });
});

describe('a late or repeated review', () => {
  it('L9 after the decision is refused with the decision, for any verdict', async () => {
    const { engine, store, clock } = twoTeams();
    const { id } = await aPending(engine);
    await outcomesOf(engine, id, [OLA, SIA]);
    await clock.set(at(HOUR));
    const before = await wholeStore(store);
    for (const by of [OLA, SIA, OKE, SEM, 'user:nobody', MAYA]) {
      for (const verb of ['approve', 'deny'] as const) {
        const error = await refusal(engine[verb](id, { by }), 'ERR_JIT_DECIDED');
        expect(error.request.end).toEqual(await endOf(engine, id));
      }
    }
    expect(await wholeStore(store)).toEqual(before);
  });

  it('L13 is refused at the deadline that the rule sets', async () => {
    const { engine, clock, store } = twoTeams({ reviewWithinMs: HOUR });
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA });
    await clock.set(at(HOUR));
    const before = await wholeStore(store);
    for (const verb of ['approve', 'deny'] as const) {
      expect(await refusal(engine[verb](id, { by: SIA }), 'ERR_JIT_DEADLINE')).toMatchObject({ requestId: id, reviewBy: at(HOUR) });
      expect(await wholeStore(store)).toEqual(before);
    }
  });

  it('L17 repeated by a reviewer who is back in the group, completes the quorum without a second entry', async () => {
    const { engine, members, store } = twoTeams();
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA });
    members[OLA] = [];
    expect((await engine.approve(id, { by: SIA })).outcome).toBe('pending');
    await refusal(engine.approve(id, { by: OLA }), 'ERR_JIT_NOT_REVIEWER');
    members[OLA] = ['ops'];
    expect((await engine.approve(id, { by: OLA })).outcome).toBe('granted');
    expect((await typesOf(store)).filter((type) => type === 'request.reviewed')).toHaveLength(2);
  });

  it('L17 counts by the membership at the moment when the quorum would complete', async () => {
    const { engine, members } = twoTeams();
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA });
    for (const there of [false, true, false]) {
      members[OLA] = there ? ['ops'] : [];
      if (!there) expect((await engine.approve(id, { by: SIA })).outcome).toBe('pending');
    }
    members[OLA] = ['ops'];
    expect((await engine.approve(id, { by: SEM })).outcome).toBe('granted');
  });

  it('L17 asks about the memberships again after it loses a race to another review', async () => {
    const { engine, members, approver } = twoTeams();
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA });
    const { groupsOf } = approver.script;
    approver.script.groupsOf = async (who) => {
      if (who !== OLA) return members[who] ?? [];
      approver.script.groupsOf = groupsOf;
      await engine.approve(id, { by: OKE });
      members[OLA] = members[OKE] = [];
      // Was true at the time of the question, and no longer is.
      return ['ops'];
    };
    expect((await engine.approve(id, { by: SIA })).outcome).toBe('pending');
    expect(await reviewsOf(engine, id)).toHaveLength(3);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it('L30 fails and records nothing if the question about any counted reviewer fails', async () => {
    for (const answer of [throws(new Error('LDAP is down')), malformed(undefined), malformed('ops'), malformed(['']), malformed({})]) {
      const { engine, approver, store, members } = twoTeams();
      const { id } = await aPending(engine);
      await engine.approve(id, { by: OLA });
      const before = await wholeStore(store);
      approver.script.groupsOf = (who) => (who === OLA ? answer() : (members[who] ?? []));
      expect((await refusal(engine.approve(id, { by: SIA }), 'ERR_JIT_APPROVER')).requestId).toBe(id);
      expect(await wholeStore(store)).toEqual(before);
    }
  });
});

describe('numbers are frozen, rights are live', () => {
  it('L17 an edit changes neither quorum, deadline nor terms of a request that is open', async () => {
    const { engine, approver, clock } = twoTeams({ reviewWithinMs: HOUR, approvalTtlMs: 30 * MINUTE });
    const request = await aPending(engine);
    approver.script.decide = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] }, terms: { maxUses: 1 } };
    await clock.set(at(MINUTE));
    expect(await decideAgain(engine, request.id)).toMatchObject({ outcome: 'pending', request });
    expect((await engine.approve(request.id, { by: OLA })).outcome).toBe('pending');
    approver.script.decide = { outcome: 'deny', reason: 'no more' };
    const granted = await engine.approve(request.id, { by: SIA });
    expect(granted).toMatchObject({ outcome: 'granted', grants: [{ maxUses: undefined }] });
    expect(granted.request.quorum).toEqual(request.quorum);
    expect(approver.asked('decide')).toBe(1);
  });

  it('L17 a subject that may no longer hold it when the quorum would complete is denied, cause ineligible', async () => {
    const { engine, approver, store } = twoTeams();
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA });
    approver.script.isEligible = { eligible: false, reason: 'has left the company' };
    expect(await engine.approve(id, { by: SIA })).toMatchObject({
      outcome: 'denied',
      request: { end: { status: 'denied', cause: 'ineligible', by: SIA } },
    });
    expect(await typesOf(store)).not.toContain('grant.issued');
    expect(approver.questions.filter((one) => one.method === 'isEligible').map((one) => one.when)).toEqual(['creation', 'approval']);
  });

  it('L17 a subject that was ineligible in between and is eligible again is approved', async () => {
    const { engine, approver } = twoTeams();
    const { id } = await aPending(engine);
    approver.script.isEligible = false;
    expect((await engine.approve(id, { by: OLA })).outcome).toBe('pending');
    approver.script.isEligible = true;
    expect((await engine.approve(id, { by: SIA })).outcome).toBe('granted');
  });

  it('L30 a failed question about eligibility leaves the request pending, and the review is not recorded', async () => {
    for (const isEligible of [
      throws(new Error('down')),
      malformed(undefined),
      malformed('true'),
      malformed({ eligible: true }),
      malformed({}),
    ]) {
      const { engine, approver, store } = twoTeams();
      const { id } = await aPending(engine);
      await engine.approve(id, { by: OLA });
      const before = await wholeStore(store);
      approver.script.isEligible = isEligible;
      await refusal(engine.approve(id, { by: SIA }), 'ERR_JIT_APPROVER');
      expect(await wholeStore(store)).toEqual(before);
      approver.script.isEligible = true;
      expect((await engine.approve(id, { by: SIA })).outcome).toBe('granted');
    }
  });

  it('L16 a denial does not ask about eligibility', async () => {
    const { engine, approver } = twoTeams();
    const { id } = await aPending(engine);
    approver.script.isEligible = throws(new Error('down'));
    expect((await engine.deny(id, { by: OLA })).outcome).toBe('denied');
  });

  it('nothing is asked on revoke, release, cancel or expiry', async () => {
    const { engine, approver, clock } = twoTeams();
    const [one, two, three] = [
      await aPending(engine, { scope: 'a' }),
      await aPending(engine, { scope: 'b' }),
      await aPending(engine, { scopes: ['c', 'd'] }),
    ];
    await outcomesOf(engine, one.id, [OLA, SIA]);
    await outcomesOf(engine, three.id, [OLA, SIA]);
    const asked = approver.questions.length;
    await engine.revoke(`${one.id}.1`, { by: 'user:x' });
    await engine.release(`${three.id}.1`, { by: MAYA });
    await engine.cancel(two.id, { by: MAYA });
    await clock.set(at(HOUR));
    await engine.sweep();
    await engine.revokeAll({ subject: MAYA }, { by: 'user:x' });
    expect(approver.questions).toHaveLength(asked);
  });

  it('L18 what is granted is what was reviewed: subject, scopes and length', async () => {
    const { engine } = twoTeams();
    const request = await aPending(engine, { scopes: ['a', 'b'], ttl: HOUR, requestedBy: 'user:lead' });
    await engine.approve(request.id, { by: OLA });
    const { request: after } = (await engine.getRequest(request.id)) ?? {};
    for (const field of ['subject', 'requestedBy', 'scopes', 'ttlMs', 'startsAt', 'justification', 'ticket'] as const) {
      expect(after?.[field]).toEqual(request[field]);
    }
    expect(await engine.approve(request.id, { by: SIA })).toMatchObject({
      grants: ['a', 'b'].map((scope) => ({ scope, subject: MAYA, startsAt: at(0), expiresAt: at(HOUR) })),
    });
  });
});

describe('comments and reasons of reviewers', () => {
  it('L27 are on the review and in the journal, and the last reason is the reason of the decision', async () => {
    const { engine, store } = twoTeams();
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA, reason: 'seen the page', comment: 'please be quick' });
    const { request } = await engine.approve(id, { by: SIA, reason: 'INC-1 is ours', comment: 'ok' });
    expect(request.end?.reason).toBe('INC-1 is ours');
    const said = (await entriesOf(store)).filter(({ type }) => type === 'request.reviewed').map(({ data }) => data['review']);
    expect(said).toEqual([
      { reviewer: OLA, verdict: 'approve', groups: ['ops'], at: at(0), reason: 'seen the page', comment: 'please be quick' },
      { reviewer: SIA, verdict: 'approve', groups: ['sec'], at: at(0), reason: 'INC-1 is ours', comment: 'ok' },
    ]);
  });

  it('L23 are texts of at most 4 KiB', async () => {
    const { engine, store } = twoTeams();
    const { id } = await aPending(engine);
    const before = await wholeStore(store);
    for (const field of ['reason', 'comment'] as const) {
      for (const text of ['x'.repeat(4_097), 'é'.repeat(2_049), 'a\u001b[31mb', '\ud800', 7, {}, null]) {
        expect((await refusal(engine.approve(id, { by: OLA, [field]: text }), 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe(field);
      }
    }
    expect(await wholeStore(store)).toEqual(before);
    await engine.approve(id, { by: OLA, comment: 'x'.repeat(4_096) });
  });

  it('L15 are refused from the subject and the requester, in any group, at any time', async () => {
    const { engine, members, store, clock } = twoTeams({ approvalTtlMs: MINUTE, escalation: { group: 'leads', afterMs: MINUTE } });
    members[MAYA] = ['ops', 'sec', 'leads'];
    members['user:lead'] = ['ops', 'sec', 'leads'];
    const { id } = await aPending(engine, { requestedBy: 'user:lead' });
    const before = await wholeStore(store);
    for (const ms of [0, HOUR]) {
      await clock.set(at(ms));
      for (const by of [MAYA, 'user:lead']) {
        for (const verb of ['approve', 'deny'] as const) {
          await refusal(engine[verb](id, { by, as: 'ops' }), 'ERR_JIT_SELF_REVIEW');
        }
        expect((await engine.inbox(by)).items).toEqual([]);
      }
    }
    expect(await wholeStore(store)).toEqual(before);
  });
});

describe('two concurrent deciders', () => {
  for (let seed = 1; seed <= 6; seed++) {
    it(`L9 L16 a completing approval against a denial: one decision, and grants only with an approval (interleaving ${seed})`, async () => {
      const { engine, store } = twoTeams();
      const { id } = await aPending(engine);
      await engine.approve(id, { by: OLA });
      store.inject('all', { fault: 'yield', seed });
      const settled = await Promise.allSettled([
        engine.approve(id, { by: SIA }),
        engine.deny(id, { by: OLA }),
        engine.approve(id, { by: SEM }),
        engine.deny(id, { by: OKE }),
      ]);
      store.clear();
      const types = await typesOf(store);
      expect(types.filter((type) => type === 'request.approved' || type === 'request.denied')).toHaveLength(1);
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const end = await endOf(engine, id);
      expect(await engine.isAllowed(MAYA, SCOPE)).toBe(end?.status === 'approved');
      for (const one of settled)
        if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'ERR_JIT_DECIDED', request: { end } });
    });
  }
});
