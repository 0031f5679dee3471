import { requestable, type RequestableList } from 'jit-access/explain';
import { definePolicy, type PolicyRule } from 'jit-access/policy';
import { describe, expect, it } from 'vitest';
import { autoApprove, isJitError, patternScopes, reviewers, runSubject, type Approver, type JitEngineOptions } from '../../../src/index.js';
import type { RequestableAnswer, RequestableInput } from '../../../src/explain.js';
import { aChange, aRow, hangs, malformed, ScriptedApprover, throws } from '../../../src/testing.js';
import { ANA, anEngine, at, HOUR, MAYA, MINUTE, refusal, SAM } from '../../engine/an-engine.js';
import { untilAsleep } from '../../engine/until-asleep.js';
import { aQuorum } from '../../lifecycle/a-quorum.js';

const DAY = 24 * HOUR;

function begin(answer: unknown, options: Partial<JitEngineOptions> = {}) {
  const approver = new ScriptedApprover({ requestable: malformed(answer) });
  return { ...anEngine({ approver, scopes: patternScopes, ...options }), approver };
}
const item = (over: Partial<RequestableInput> = {}): RequestableInput => ({ scope: 'a', outcome: 'approve', ...over });
const withItems = (...items: readonly RequestableInput[]) => begin({ items } satisfies RequestableAnswer);
const scopesOf = ({ items }: RequestableList) => items.map(({ scope }) => scope);

describe('requestable() (feature 1)', () => {
  it('completes each item with the approver and the limits of the engine', async () => {
    const { engine } = withItems(item());
    expect(await requestable(engine, MAYA)).toEqual({
      items: [
        {
          scope: 'a',
          title: undefined,
          description: undefined,
          risk: undefined,
          outcome: 'approve',
          approver: 'scripted',
          rule: undefined,
          except: [],
          locked: false,
          patterns: false,
          minTtlMs: 1,
          maxTtlMs: 8 * HOUR,
          maxStartAheadMs: 7 * DAY,
          needs: { justification: false, ticket: undefined, fields: [] },
          quorum: undefined,
          afterReview: undefined,
          reviewers: undefined,
          breakGlass: false,
        },
      ],
      complete: true,
      at: at(0),
    });
  });

  it('returns every field of an item as the approver gives it', async () => {
    const given: RequestableInput = {
      ...item({ scope: 'a:*', outcome: 'review' }),
      title: 'The database',
      description: 'Reads\nand writes',
      risk: 'critical',
      rule: 'r',
      except: ['a:b'],
      patterns: true,
      minTtlMs: MINUTE,
      maxTtlMs: HOUR,
      maxStartAheadMs: DAY,
      needs: {
        justification: true,
        ticket: 'INC-#',
        fields: [{ field: 'metadata.environment', title: 'Environment', values: ['staging'], form: undefined }],
      },
      quorum: { groups: [{ name: 'dba', approvals: 2 }] },
      reviewers: [SAM, 'group:dba'],
    };
    const [only] = (await requestable(withItems(given).engine, MAYA)).items;
    expect(only).toEqual({
      ...given,
      quorum: aQuorum({ groups: [{ name: 'dba', approvals: 2 }] }),
      quorumInWords: '2 of dba',
      approver: 'scripted',
      afterReview: undefined,
      locked: false,
      breakGlass: false,
    });
    expect(Object.isFrozen(only)).toBe(true);
  });

  it('L3 bounds the window by the limits, and omits an item without a possible window', async () => {
    const limits = { minTtl: '10m', maxTtl: '4h', maxTotal: '2h', maxStartAhead: '1d' } as const;
    const { engine } = begin(
      {
        items: [
          item({ minTtlMs: MINUTE, maxTtlMs: 5 * HOUR, maxStartAheadMs: 2 * DAY }),
          item({ scope: 'b:c', maxTtlMs: MINUTE }),
          item({ scope: 'b:*', minTtlMs: 20 * MINUTE, maxTtlMs: HOUR }),
          item({ scope: 'b:d', outcome: 'break_glass', minTtlMs: 3 * HOUR }),
          item({ scope: 'b:*', outcome: 'break_glass', maxTtlMs: 15 * MINUTE, afterReview: { groups: ['leads'], withinMs: DAY } }),
        ],
      },
      { limits },
    );
    const { items } = await requestable(engine, MAYA);
    expect(
      items.map(({ scope, minTtlMs, maxTtlMs, maxStartAheadMs, except }) => [scope, minTtlMs, maxTtlMs, maxStartAheadMs, except]),
    ).toEqual([
      ['a', 10 * MINUTE, 2 * HOUR, DAY, []],
      // The item for b:c decides b:c, and no window is possible there.
      ['b:*', 20 * MINUTE, HOUR, DAY, ['b:c']],
      ['b:*', 10 * MINUTE, 15 * MINUTE, 0, []],
    ]);
  });

  it('says for each item whether break-glass is open for all of its scopes', async () => {
    const glass = (scope: string, over: Partial<RequestableInput> = {}) => item({ scope, outcome: 'break_glass', ...over });
    const { engine } = withItems(item({ scope: 'a:b' }), item({ scope: 'a:c' }), item({ scope: '**' }), glass('a:*', { except: ['a:c'] }));
    const { items } = await requestable(engine, MAYA);
    expect(items.map(({ scope, breakGlass }) => [scope, breakGlass])).toEqual([
      ['a:b', true],
      ['a:c', false],
      ['**', false],
      ['a:*', false],
    ]);
  });

  it('offers no pattern in an engine with exact scopes', async () => {
    const given = { items: [item({ scope: 'a:*', patterns: true })] };
    const patternsWith = async (options: Partial<JitEngineOptions>) =>
      (await requestable(begin(given, options).engine, MAYA)).items[0]?.patterns;
    expect(await patternsWith({ scopes: undefined })).toBe(false);
    expect(await patternsWith({ scopes: patternScopes })).toBe(true);
  });

  it('lists no agent as a reviewer, in any form in which the approver lists it', async () => {
    const given = { items: [item({ outcome: 'review', quorum: { groups: [{ name: 'g', approvals: 1 }] }, reviewers: ['AGENT:7', SAM] })] };
    const { engine } = begin(given, { canonicalId: (id) => id.toLowerCase() });
    expect((await requestable(engine, MAYA)).items[0]?.reviewers).toEqual([SAM]);
  });

  it('asks with the clock, the matcher, and the canonical ids of who would ask', async () => {
    const seen: unknown[] = [];
    const approver: Approver = {
      name: 'seen',
      decide: () => ({ outcome: 'abstain' }),
      requestable: (subject, { at: now, scopes, requestedBy, operator }) => {
        seen.push([subject, now, scopes.name, requestedBy, operator]);
        return { items: [] };
      },
    };
    const { engine, clock } = anEngine({ approver, scopes: patternScopes, canonicalId: (id) => id.toLowerCase() });
    await clock.advance('1h');
    await requestable(engine, 'USER:MAYA');
    await requestable(engine, 'USER:MAYA', { requestedBy: 'USER:SAM' });
    const run = { agent: 'AGENT:7', operator: 'USER:ANA', job: 'J' };
    await requestable(engine, runSubject(run, engine), { operator: 'USER:ANA' });
    await requestable(engine, runSubject(run, engine));
    const subject = runSubject({ agent: 'agent:7', operator: ANA, job: 'j' });
    expect(seen).toEqual([
      [MAYA, at(HOUR), 'patterns', MAYA, undefined],
      [MAYA, at(HOUR), 'patterns', SAM, undefined],
      [subject, at(HOUR), 'patterns', 'agent:7', ANA],
      [subject, at(HOUR), 'patterns', 'agent:7', undefined],
    ]);
    const error = await refusal(requestable(engine, MAYA, { operator: ANA }), 'ERR_JIT_INVALID_ARGUMENT');
    expect(error.argument).toBe('operator');
  });

  it('is empty and incomplete for an approver that cannot list', async () => {
    for (const approver of [autoApprove(() => true), new ScriptedApprover({ requestable: () => undefined })])
      expect(await requestable(anEngine({ approver }).engine, MAYA)).toMatchObject({ items: [], complete: false });
  });

  it('says what is locked: the subject, its requester or operator, or the scope, whole or in part, until the lock is lifted', async () => {
    const { engine, clock } = withItems(item({ scope: 'a:*' }), item({ scope: 'b' }));
    const lockedFor = async (subject = MAYA, options = {}) =>
      (await requestable(engine, subject, options)).items.map(({ locked, except }) => [locked, ...except]);
    const none = [[false], [false]];
    expect(await lockedFor()).toEqual(none);
    const { lock: ofSam } = await engine.lock({ subject: SAM }, { by: ANA });
    expect(await lockedFor()).toEqual(none);
    expect(await lockedFor(SAM)).toEqual([[true], [true]]);
    expect(await lockedFor(MAYA, { requestedBy: SAM })).toEqual([[true], [true]]);
    expect(await lockedFor(runSubject({ agent: 'agent:7', operator: SAM }, engine), { operator: SAM })).toEqual([[true], [true]]);
    await engine.unlock(ofSam.id, { by: ANA });
    await engine.lock({ scope: 'a:b' }, { by: ANA, until: at(HOUR) });
    await engine.lock({ scope: 'b' }, { by: ANA, until: at(HOUR) });
    expect(await lockedFor(SAM)).toEqual([
      [false, 'a:b'],
      [true, 'b'],
    ]);
    await clock.advance('1h');
    expect(await lockedFor()).toEqual(none);
  });

  it('judges a lock also by the matcher of the engine', async () => {
    const tree = {
      name: 'tree',
      exact: false,
      covers: (granted: string, required: string) => granted === required || required.startsWith(`${granted}:`),
      overlaps: (a: string, b: string) => a === b || a.startsWith(`${b}:`) || b.startsWith(`${a}:`),
    };
    const { engine } = begin({ items: [item({ scope: 'a:b' }), item({ scope: 'a:**' })] }, { scopes: tree });
    await engine.lock({ scope: 'a' }, { by: ANA });
    expect((await requestable(engine, MAYA)).items.map(({ locked }) => locked)).toEqual([true, true]);
  });

  it('L30 lists everything as locked while the locks are unreadable, and reports it', async () => {
    const { engine, store, told } = withItems(item());
    const empty = { subject: undefined, scope: undefined, from: undefined, until: undefined, dueAt: undefined, sortAt: undefined };
    await store.commit(aChange({ put: [aRow({ kind: 'lock', id: 'open', createdAt: 0, ...empty, body: { locks: 'gone' } })] }));
    expect((await requestable(engine, MAYA)).items[0]?.locked).toBe(true);
    expect(told.map(({ during }) => during)).toContain('requestable');
  });

  it('omits an item that excludes more than 1,000 scopes together with the locks, and says so', async () => {
    const except = Array.from({ length: 1_000 }, (_, i) => `a:${i}`);
    const { engine } = withItems(item({ scope: 'a:*', except }), item({ scope: 'b' }));
    expect(await requestable(engine, MAYA)).toMatchObject({ items: [{ scope: 'a:*' }, { scope: 'b' }], complete: true });
    await engine.lock({ scope: 'a:locked' }, { by: ANA });
    const list = await requestable(engine, MAYA);
    expect([scopesOf(list), list.complete]).toEqual([['b'], false]);
  });

  it('L30 rejects with ERR_JIT_APPROVER when the approver throws, hangs or answers with anything else', async () => {
    const broken: readonly unknown[] = [
      null,
      [],
      'all',
      {},
      { items: [{}] },
      { items: [], denied: ['a b'] },
      { items: [], denied: ['a'], complete: 1 },
      { items: [], other: 1 },
      { items: Array.from({ length: 2_001 }, () => item()) },
      ...[
        { scope: 'a b' },
        { scope: undefined },
        { outcome: 'deny' },
        { title: ' x' },
        { title: 'x'.repeat(257) },
        { description: 'a\u0000' },
        { risk: 'severe' },
        { except: ['a:'] },
        { patterns: 1 },
        { minTtlMs: 0 },
        { maxTtlMs: '1h' },
        { maxStartAheadMs: NaN },
        { needs: { justification: 'yes' } },
        { needs: { ticket: false } },
        { needs: { fields: [{}] } },
        { needs: { fields: [{ field: 'metadata.a', values: [1] }] } },
        { needs: { other: true } },
        { outcome: 'review' },
        { outcome: 'review', quorum: { groups: [] } },
        { quorum: { groups: [{ name: 'g', approvals: 1 }] } },
        { afterReview: { groups: [], withinMs: 1 } },
        { outcome: 'break_glass', afterReview: { groups: ['g'], withinMs: 0 } },
        { reviewers: [''] },
        { reviewers: Array.from({ length: 101 }, (_, i) => `user:${i}`) },
        { approver: '' },
        { rule: '' },
        { other: 1 },
      ].map((over) => ({ items: [{ ...item(), ...over }] })),
    ];
    for (const answer of broken) {
      const error = await refusal(requestable(begin(answer).engine, MAYA), 'ERR_JIT_APPROVER');
      expect(error.message, JSON.stringify(answer)).toMatch(/requestable failed/);
      expect(error.requestId).toBeUndefined();
    }
    const down = anEngine({ approver: new ScriptedApprover({ requestable: throws(new Error('down')) }) });
    expect((await refusal(requestable(down.engine, MAYA), 'ERR_JIT_APPROVER')).message).toMatch(/down/);
    const { engine, clock } = anEngine({ approver: new ScriptedApprover({ requestable: hangs() }), limits: { approverTimeout: 1_000 } });
    const late = requestable(engine, MAYA).catch((error: unknown) => error);
    await untilAsleep(clock);
    await clock.advance(1_000);
    const error = await late;
    expect(isJitError(error) && error.message).toMatch(/no answer within 1000 ms/);
  });

  it('records nothing, and asks the store only for the locks', async () => {
    const { engine, store } = withItems(item());
    const before = [store.called('commit'), store.called('get')];
    await requestable(engine, MAYA);
    expect([store.called('commit'), store.called('get')]).toEqual([before[0], (before[1] as number) + 1]);
    expect(['live', 'find', 'due'].map((method) => store.called(method as 'live'))).toEqual([0, 0, 0]);
  });

  it('lists for a policy exactly what the engine then grants, assigns to reviewers or refuses', async () => {
    const rules: PolicyRule[] = [
      { id: 'staging', scopes: ['db-staging:*'], maxTtl: '4h', approve: true },
      { id: 'orders', scopes: ['db-prod:orders'], require: { ticket: 'INC-#' }, review: { groups: { dba: 1 } } },
      { id: 'payroll', scopes: ['db-prod:payroll'], deny: 'no' },
      { id: 'for-leads', scopes: ['vault'], requesters: [{ group: 'dba' }], approve: true },
      { id: 'rest', scopes: ['db-prod:*', 'vault'], maxTtl: '30m', approve: true },
    ];
    const { engine } = anEngine({ approver: definePolicy({ groups: { dba: [SAM] }, rules }) });
    const { items, complete } = await requestable(engine, MAYA);
    expect(complete).toBe(true);
    expect(items.map(({ scope, outcome, rule, except, reviewers: people }) => [scope, outcome, rule, except, people])).toEqual([
      ['db-staging:*', 'approve', 'staging', [], undefined],
      ['db-prod:orders', 'review', 'orders', [], [SAM]],
      ['db-prod:*', 'approve', 'rest', ['db-prod:payroll'], undefined],
    ]);
    const outcomeOf = async (scope: string, ttl: number, ticket?: string) => {
      try {
        return (await engine.requestAccess({ subject: MAYA, scope, ttl, ticket })).outcome;
      } catch (error) {
        return isJitError(error) && error.code;
      }
    };
    expect(await outcomeOf('db-staging:x', 4 * HOUR)).toBe('granted');
    expect(await outcomeOf('db-staging:y', 4 * HOUR + 1)).toBe('ERR_JIT_REQUIREMENTS');
    expect(await outcomeOf('db-prod:orders', HOUR, 'INC-7')).toBe('pending');
    expect(await outcomeOf('db-prod:orders', HOUR)).toBe('ERR_JIT_REQUIREMENTS');
    expect(await outcomeOf('db-prod:x', 30 * MINUTE)).toBe('granted');
    expect(await outcomeOf('db-prod:payroll', 30 * MINUTE)).toBe('denied');
    expect(await outcomeOf('vault', 30 * MINUTE)).toBe('ERR_JIT_INELIGIBLE');
    expect(scopesOf(await requestable(anEngine({ approver: reviewers({ members: [SAM] }) }).engine, MAYA))).toEqual(['**']);
  });
});
