import { canAsk } from 'jit-access/explain';
import { describe, expect, it } from 'vitest';
import { autoApprove, denyAll, reviewers } from '../../../src/index.js';
import { definePolicy } from '../../../src/policy.js';
import { aChange, aRow, ScriptedApprover, throws } from '../../../src/testing.js';
import { aGranted, anEngine, aPending, at, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from '../../engine/an-engine.js';

const policy = definePolicy({
  groups: { ops: [SAM] },
  rules: [
    { id: 'payroll', scopes: ['payroll:*'], deny: 'payroll is opened by finance' },
    { id: 'staging', scopes: ['staging:*'], approve: true },
    { id: 'prod', scopes: ['db-prod:*'], review: { groups: { ops: 1 } } },
    { id: 'audit', scopes: ['audit:*'], require: { ticket: 'INC-####' }, review: { groups: { ops: 1 } } },
  ],
});

describe('canAsk', () => {
  it.each([
    ['staging:db', { canAsk: true, outcome: 'granted', rule: 'staging' }],
    ['db-prod:write', { canAsk: true, outcome: 'pending', rule: 'prod' }],
    ['audit:log', { canAsk: true, outcome: 'requirements', rule: 'audit' }],
    ['payroll:all', { canAsk: false, outcome: 'denied', rule: 'payroll', reason: 'payroll is opened by finance' }],
    ['unknown:all', { canAsk: false, outcome: 'ineligible', rule: undefined }],
  ])('names the rule that decides about %s (feature 10)', async (scope, expected) => {
    const { engine, store } = anEngine({ approver: policy });
    const answer = await canAsk(engine, MAYA, scope);
    expect(answer).toMatchObject({ ...expected, subject: MAYA, scope, at: at(0) });
    expect(answer.problems.length > 0).toBe(answer.outcome === 'requirements');
    expect(await typesOf(store)).toEqual([]);
  });

  it('takes the values of the request, and lists those to correct', async () => {
    const { engine } = anEngine({ approver: policy, limits: { maxTtl: '2h' } });
    expect(await canAsk(engine, MAYA, 'audit:log', { ask: { ticket: 'INC-4711' } })).toMatchObject({ outcome: 'pending', rule: 'audit' });
    const { outcome, problems } = await canAsk(engine, MAYA, 'audit:log', { ask: { ttl: '3h' } });
    expect(outcome).toBe('requirements');
    expect(problems).toMatchObject([
      { field: 'ttl', code: 'too_long', limit: 2 * HOUR },
      { rule: 'audit', field: 'ticket', code: 'missing' },
    ]);
    const own = await canAsk(engine, MAYA, 'staging:db', { ask: { until: at(MINUTE), startsAt: at(0) } });
    expect(own).toMatchObject({ outcome: 'granted', problems: [] });
  });

  it('asks as another requester, whom a rule must name', async () => {
    const ofDesk = definePolicy({
      groups: { ops: [SAM] },
      rules: [{ id: 'db', scopes: ['db-prod:*'], requesters: ['service:desk'], review: { groups: { ops: 1 } } }],
    });
    const { engine } = anEngine({ approver: ofDesk });
    expect(await canAsk(engine, MAYA, SCOPE)).toMatchObject({ outcome: 'ineligible' });
    expect(await canAsk(engine, MAYA, SCOPE, { ask: { requestedBy: 'service:desk' } })).toMatchObject({ outcome: 'pending', rule: 'db' });
    await engine.lock({ subject: 'service:desk' }, { by: SAM });
    expect(await canAsk(engine, MAYA, SCOPE, { ask: { requestedBy: 'service:desk' } })).toMatchObject({ outcome: 'locked' });
  });

  it('says denied where the terms of the approver do not allow the window', async () => {
    for (const terms of [{ maxTotalMs: 20 * MINUTE }, { endBy: at(20 * MINUTE) }]) {
      for (const decide of [
        { outcome: 'approve', terms },
        { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] }, terms },
      ] as const) {
        const { engine } = anEngine({ approver: new ScriptedApprover({ decide, groupsOf: ['ops'] }) });
        const until = (minutes: number) => canAsk(engine, MAYA, SCOPE, { ask: { until: at(minutes * MINUTE) } });
        expect(await until(20)).toMatchObject({ canAsk: true });
        expect(await until(21)).toMatchObject({ canAsk: false, outcome: 'denied', reason: expect.stringContaining('its rule') as string });
      }
    }
  });

  it('reads the locks alone: no request, no grant, and no limit that depends on them', async () => {
    const { engine, store } = anEngine({ limits: { maxOpenRequests: 1, askAgainAfter: '24h' } });
    const { id } = await aPending(engine);
    await engine.deny(id, { by: SAM });
    await aPending(engine, { scope: 'other' });
    await aGranted(engine, { scope: 'third', subject: 'user:lee' });
    store.calls.length = 0;
    expect(await canAsk(engine, MAYA, SCOPE)).toMatchObject({ canAsk: true, outcome: 'pending' });
    expect(store.calls.map(({ method, argument }) => [method, argument])).toEqual([['get', [{ kind: 'lock', id: 'open' }]]]);
  });

  it('says no under a lock on the subject or the scope, and while the locks are unreadable', async () => {
    const { engine, store } = anEngine({ approver: autoApprove(() => true) });
    const { lock } = await engine.lock({ subject: MAYA }, { by: SAM });
    expect(await canAsk(engine, MAYA, SCOPE)).toMatchObject({ canAsk: false, outcome: 'locked', rule: undefined });
    await engine.unlock(lock.id, { by: SAM });
    await engine.lock({ scope: 'db-prod:**' }, { by: SAM });
    expect((await canAsk(engine, MAYA, SCOPE)).outcome).toBe('locked');
    expect((await canAsk(engine, MAYA, 'other')).outcome).toBe('granted');
    const made = anEngine({ approver: autoApprove(() => true) });
    const empty = { subject: undefined, scope: undefined, from: undefined, until: undefined, dueAt: undefined, sortAt: undefined };
    const row = aRow({ kind: 'lock', id: 'open', createdAt: 0, ...empty, body: { locks: [{ subject: 'user:eve' }], ended: [] } });
    await made.store.commit(aChange({ put: [row] }));
    expect((await canAsk(made.engine, MAYA, SCOPE)).outcome).toBe('locked');
    expect(store).not.toBe(made.store);
  });

  it('asks every kind of approver', async () => {
    const outcomes = await Promise.all(
      [reviewers({ members: [SAM] }), denyAll('closed'), new ScriptedApprover({ decide: { outcome: 'abstain' } })].map(async (approver) =>
        canAsk(anEngine({ approver }).engine, MAYA, SCOPE),
      ),
    );
    expect(outcomes.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['pending', undefined],
      ['denied', 'closed'],
      ['denied', undefined],
    ]);
  });

  it('L30 rejects where the approver or the store fails, and after close', async () => {
    const { engine } = anEngine({ approver: new ScriptedApprover({ decide: throws(new Error('down')) }) });
    await refusal(canAsk(engine, MAYA, SCOPE), 'ERR_JIT_APPROVER');
    const other = anEngine();
    other.store.inject('get', { fault: 'reject' });
    await refusal(canAsk(other.engine, MAYA, SCOPE), 'ERR_JIT_STORE');
    await engine.close();
    await refusal(canAsk(engine, MAYA, SCOPE), 'ERR_JIT_CLOSED');
  });

  it.each([
    ['subject', '', SCOPE, {}],
    ['scope', MAYA, 'a:*', {}],
    ['options', MAYA, SCOPE, { ttl: 1 }],
    ['ttl', MAYA, SCOPE, { ask: { ttl: -1 } }],
    ['until', MAYA, SCOPE, { ask: { ttl: 1, until: 2 } }],
  ])('refuses a bad %s', async (argument, subject, scope, options) => {
    const error = await refusal(canAsk(anEngine().engine, subject, scope, options as never), 'ERR_JIT_INVALID_ARGUMENT');
    expect(error.argument).toBe(argument);
  });
});
