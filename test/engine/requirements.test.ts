import { describe, expect, it } from 'vitest';
import type { JitEngine } from '../../src/index.js';
import {
  firstDecisive,
  type Approver,
  type AskProblem,
  type BreakGlassVerdict,
  type Ineligibility,
  type JitEngineOptions,
} from '../../src/index.js';
import { explain, preview } from '../../src/explain.js';
import { definePolicy } from '../../src/policy.js';
import { ManualClock, ScriptedApprover } from '../../src/testing.js';
import { aGranted, anEngine, ask, at, HOUR, MAYA, MINUTE, refusal, typesOf } from './an-engine.js';

const DAY = 24 * HOUR;

const POLICY = definePolicy({
  groups: { sre: [MAYA] },
  rules: [
    {
      id: 'production',
      scopes: ['db-prod:*'],
      subjects: [{ group: 'sre' }],
      minTtl: '5m',
      maxTtl: '1h',
      maxStartAhead: '1d',
      require: { justification: true, ticket: 'INC-####' },
      approve: true,
    },
    { id: 'wiki', scopes: ['wiki:*'], maxTtl: '30m', approve: true },
  ],
  breakGlass: [
    {
      id: 'outage',
      scopes: ['db-prod:*'],
      subjects: [{ group: 'sre' }],
      maxTtl: '15m',
      require: { ticket: true },
      reviewers: ['sre'],
      reviewWithin: '24h',
    },
  ],
});

const withPolicy = (options: Partial<JitEngineOptions> = {}) => anEngine({ approver: POLICY, ...options });

describe('a refusal by the values of an ask', () => {
  it('lists all problems at once: those of the limits of the engine, then those of the rules', async () => {
    const { engine, store } = withPolicy({ limits: { maxTtl: '2h', maxStartAhead: '2d' } });
    const over = { ttl: 3 * HOUR, startsAt: at(3 * DAY), ticket: 'JIRA-7' };
    const error = await refusal(ask(engine, over), 'ERR_JIT_REQUIREMENTS');
    const problems: readonly AskProblem[] = [
      { rule: undefined, field: 'ttl', code: 'too_long', limit: 2 * HOUR, got: 3 * HOUR },
      { rule: undefined, field: 'startsAt', code: 'too_far_ahead', limit: 2 * DAY, got: 3 * DAY },
      { rule: 'production', field: 'ttl', code: 'too_long', limit: HOUR, got: 3 * HOUR },
      { rule: 'production', field: 'startsAt', code: 'too_far_ahead', limit: DAY, got: 3 * DAY },
      { rule: 'production', field: 'justification', code: 'missing', limit: undefined, got: undefined },
      { rule: 'production', field: 'ticket', code: 'malformed', limit: 'INC-####', got: 'JIRA-7' },
    ];
    expect(error.problems).toEqual(problems);
    expect(Object.isFrozen(error.problems) && error.problems.every((problem) => Object.isFrozen(problem))).toBe(true);
    for (const text of ['limits.maxTtl', 'limits.maxStartAhead', 'rule production: maxTtl', 'rule production: require.ticket']) {
      expect(error.message).toContain(text);
    }
    // A dry run lists the same, and the journal has only the attempts.
    expect(await preview(engine, { subject: MAYA, scope: 'db-prod:write', ...over })).toMatchObject({
      outcome: 'refused',
      code: 'ERR_JIT_REQUIREMENTS',
      problems,
    });
    await engine.flushAudit();
    expect(new Set(await typesOf(store))).toEqual(new Set(['attempt.refused']));
  });

  it('needs one correction: the ask that meets every listed bound is accepted', async () => {
    const { engine } = withPolicy({ limits: { maxTtl: '2h', maxTotal: '90m' } });
    const { problems } = await refusal(ask(engine, { ttl: 3 * HOUR }), 'ERR_JIT_REQUIREMENTS');
    const bounds = problems.flatMap(({ field, limit }) => (field === 'ttl' ? [limit as number] : []));
    expect(bounds).toEqual([2 * HOUR, 1.5 * HOUR, HOUR]);
    const over = { ttl: Math.min(...bounds), justification: 'the index is corrupt', ticket: 'INC-4711' };
    expect((await ask(engine, over)).outcome).toBe('granted');
  });

  it('is about rights alone where a right is missing, and then lists no value', async () => {
    const { engine } = withPolicy({ limits: { maxTtl: '1h' } });
    for (const over of [{ subject: 'user:eve' }, { scope: 'mail:read' }, { requestedBy: 'user:lee' }]) {
      const error = await refusal(ask(engine, { ttl: '9h', ...over }), 'ERR_JIT_INELIGIBLE');
      expect(error.message).not.toMatch(/maxTtl|justification|ticket/);
      expect(error).not.toHaveProperty('problems');
    }
  });

  it.each<[string, object]>([
    ['a window', { ttl: 'soon' }],
    ['a window of null', { ttl: null }],
    ['a start', { startsAt: NaN }],
    ['a ticket', { ticket: 5 }],
  ])('stays ERR_JIT_INVALID_ARGUMENT for a malformed value: %s', async (_, over) => {
    await refusal(ask(withPolicy().engine, over), 'ERR_JIT_INVALID_ARGUMENT');
  });

  it('lists the rest of a window that has begun, as of the commit', async () => {
    const clock = new ManualClock();
    const slow = new ScriptedApprover({ isEligible: () => clock.advance('2m').then(() => true), decide: { outcome: 'abstain' } });
    const { engine, store } = anEngine({ clock, approver: slow, limits: { minTtl: '10m' } });
    const { problems } = await refusal(ask(engine, { startsAt: at(-4 * MINUTE), ttl: 15 * MINUTE }), 'ERR_JIT_REQUIREMENTS');
    expect(problems).toEqual([{ rule: undefined, field: 'ttl', code: 'too_short', limit: 10 * MINUTE, got: 9 * MINUTE }]);
    expect((await typesOf(store)).filter((type) => type === 'request.created')).toEqual([]);
  });

  it('bounds an extension, too', async () => {
    const { engine } = anEngine({ limits: { maxTtl: '1h' } });
    const grant = await aGranted(engine);
    const { problems } = await refusal(engine.extend(grant.id, { requestedBy: MAYA, ttl: '2h' }), 'ERR_JIT_REQUIREMENTS');
    expect(problems).toMatchObject([{ field: 'ttl', code: 'too_long', limit: HOUR, got: 2 * HOUR }]);
  });

  it('uses up no idempotency key: the corrected ask under the same key opens the request (L11)', async () => {
    const { engine, store } = withPolicy();
    const keyed = { idempotencyKey: 'form-1', justification: 'the index is corrupt' };
    await refusal(ask(engine, { ...keyed, ttl: '9h', ticket: 'x' }), 'ERR_JIT_REQUIREMENTS');
    const answers = await Promise.allSettled([
      ask(engine, { ...keyed, ttl: '9h' }),
      ask(engine, { ...keyed, ticket: 'INC-4711' }),
      ask(engine, { ...keyed, ticket: 'INC-4711' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect((await typesOf(store)).filter((type) => type === 'request.created')).toHaveLength(1);
  });

  it('does not depend on the values that another requester asks for (L44)', async () => {
    const { engine } = withPolicy({ limits: { maxTtl: '1h' } });
    await refusal(ask(engine, { requestedBy: 'user:lee', ttl: '9h' }), 'ERR_JIT_INELIGIBLE');
    expect((await ask(engine, { ticket: 'INC-4711', justification: 'x' })).outcome).toBe('granted');
  });

  it('is ERR_JIT_CLOCK while the clock is set back, and ERR_JIT_APPROVER where the approver fails: nothing is recorded', async () => {
    const clock = new ManualClock();
    const { engine, store } = withPolicy({ clock });
    await clock.set(at(HOUR));
    await engine.isAllowed(MAYA, 'db-prod:write');
    await clock.set(at(0));
    await refusal(ask(engine, { ttl: '9h' }), 'ERR_JIT_CLOCK');
    const failing: Approver = { name: 'p', decide: () => ({ outcome: 'abstain' }), isEligible: () => Promise.reject(new Error('down')) };
    const other = anEngine({ approver: failing });
    await refusal(ask(other.engine, { ttl: '9h' }), 'ERR_JIT_APPROVER');
    for (const one of [store, other.store]) expect(await typesOf(one)).toEqual([]);
  });

  it('is recorded as an attempt without a value of the ask (L29)', async () => {
    const { engine, store } = withPolicy();
    await refusal(ask(engine, { ticket: 'hunter2' }), 'ERR_JIT_REQUIREMENTS');
    await engine.flushAudit();
    const entries = await store.journal({ after: 0, limit: 10 });
    expect(entries.entries.map(({ data }) => data)).toEqual([{ code: 'ERR_JIT_REQUIREMENTS', count: 1, scopes: ['db-prod:write'] }]);
    expect(JSON.stringify(entries)).not.toContain('hunter2');
  });

  it('is explained: the subject is not ineligible, and the preview lists what to fill in', async () => {
    const { engine } = withPolicy();
    const explained = await explain(engine, MAYA, 'db-prod:write');
    expect(explained).toMatchObject({ reason: 'no_request', asking: { code: 'ERR_JIT_REQUIREMENTS' } });
    expect(explained.asking).toMatchObject({ problems: [{ field: 'justification' }, { field: 'ticket' }] });
    expect(await explain(engine, 'user:eve', 'db-prod:write')).toMatchObject({ reason: 'ineligible', asking: { problems: [] } });
  });

  it.each([
    ['control characters', { ticket: 'INC\u001b[31m' }],
    ['bidi characters', { ticket: 'INC\u202e4711' }],
    ['4 KiB', { ticket: 'x'.repeat(4096) }],
    ['characters that combine', { ticket: '\u0301'.repeat(2_000) }],
  ])('shows a hostile ticket shortened and visible, or refuses it as malformed: %s', async (_, over) => {
    const { engine } = withPolicy();
    const error = await refusal(ask(engine, { justification: 'x', ...over }));
    if (error.code === 'ERR_JIT_INVALID_ARGUMENT') return;
    const [problem] = error.code === 'ERR_JIT_REQUIREMENTS' ? error.problems : [];
    expect(problem).toMatchObject({ field: 'ticket', code: 'malformed' });
    expect(String(problem?.got).length).toBeLessThanOrEqual(100);
    expect(problem?.got).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
  });
});

describe('break-glass that is refused by its values', () => {
  const take = (engine: JitEngine, over: object) =>
    engine.breakGlass({ subject: MAYA, scope: 'db-prod:write', ttl: '15m', justification: 'down', ticket: 'INC-1', ...over });

  it('lists the problems of the limits and of its rules at once', async () => {
    const { engine, store } = withPolicy({ limits: { maxTtl: '1h' } });
    const { problems } = await refusal(take(engine, { ttl: '2h', ticket: undefined }), 'ERR_JIT_REQUIREMENTS');
    expect(problems.map(({ rule, field, code }) => [rule, field, code])).toEqual([
      [undefined, 'ttl', 'too_long'],
      ['outage', 'ttl', 'too_long'],
      ['outage', 'ticket', 'missing'],
    ]);
    await engine.flushAudit();
    expect(await typesOf(store)).toEqual(['attempt.refused']);
  });

  it('lists the maxTotal of the terms of a custom approver, too', async () => {
    const approver = new ScriptedApprover({
      decide: { outcome: 'abstain' },
      breakGlass: { outcome: 'approve', rule: 'r', reviewWithinMs: HOUR, terms: { maxTotalMs: MINUTE } },
    });
    const { engine } = anEngine({ approver, limits: { maxTtl: '10m' } });
    const { problems } = await refusal(take(engine, {}), 'ERR_JIT_REQUIREMENTS');
    expect(problems.map(({ rule, limit }) => [rule, limit])).toEqual([
      [undefined, 10 * MINUTE],
      ['r', MINUTE],
    ]);
  });

  it('is about rights alone where no rule allows it', async () => {
    const { engine } = withPolicy({ limits: { maxTtl: '1h' } });
    await refusal(take(engine, { subject: 'user:eve', ttl: '9h' }), 'ERR_JIT_INELIGIBLE');
  });
});

const TOO_LONG: AskProblem = { field: 'ttl', code: 'too_long', limit: MINUTE };
const no = (problems: unknown, reason: unknown = 'correct it') => ({ eligible: false, reason, problems }) as Ineligibility;

describe('the problems that an approver lists', () => {
  const decide = { outcome: 'abstain' } as const;
  const asked = (isEligible: Ineligibility) => ask(anEngine({ approver: new ScriptedApprover({ decide, isEligible }) }).engine);
  const taken = (problems: unknown) => {
    const breakGlass = { outcome: 'deny', reason: 'correct it', problems } as BreakGlassVerdict;
    const { engine } = anEngine({ approver: new ScriptedApprover({ decide, breakGlass }) });
    return engine.breakGlass({ subject: MAYA, scope: 'a', ttl: '15m', justification: 'down' });
  };

  it('reach the requester with each field present, and without a rule where the approver names none', async () => {
    const problem = { rule: undefined, field: 'metadata.environment', code: 'not_allowed', limit: 'staging, test', got: 'prod' } as const;
    for (const work of [asked(no([problem])), taken([problem])]) {
      expect((await refusal(work, 'ERR_JIT_REQUIREMENTS')).problems).toEqual([problem]);
    }
  });

  it('have words of their own where the approver gives no reason', async () => {
    const given = { eligible: false, problems: [TOO_LONG] } as unknown as Ineligibility;
    expect((await refusal(asked(given), 'ERR_JIT_REQUIREMENTS')).reason).toBe('ttl: too_long');
  });

  it('count as a missing right where the list is empty', async () => {
    for (const problems of [[], undefined]) {
      for (const work of [asked(no(problems)), taken(problems)]) await refusal(work, 'ERR_JIT_INELIGIBLE');
    }
  });

  it.each<[string, unknown]>([
    ['no list', 'ttl'],
    ['null', null],
    ['an object', { 0: TOO_LONG, length: 1 }],
    ['a list of texts', ['ttl']],
    ['a list with a hole', Array(1)],
    ['101 problems', Array(101).fill(TOO_LONG)],
    ['a length without items', Object.assign([], { length: 2 ** 32 - 1 })],
    ['no field', [{ code: 'missing' }]],
    ['a field that is no text', [{ ...TOO_LONG, field: 5 }]],
    ['a field with invisible characters', [{ ...TOO_LONG, field: 'ttl\u202e' }]],
    ['an unknown code', [{ ...TOO_LONG, code: 'too_big' }]],
    ['a code of Object.prototype', [{ ...TOO_LONG, code: 'constructor' }]],
    ['no code', [{ field: 'ttl' }]],
    ['a limit that is not finite', [{ ...TOO_LONG, limit: NaN }]],
    ['a limit that is a bigint', [{ ...TOO_LONG, limit: 5n }]],
    ['a value that is an object', [{ ...TOO_LONG, got: { toString: () => 'x' } }]],
    ['an unknown member', [{ ...TOO_LONG, reason: 'x' }]],
    ['an accessor', [Object.defineProperty({ ...TOO_LONG }, 'got', { get: () => 'x' })]],
    [
      'a getter that throws',
      new Proxy([], {
        get() {
          throw new Error('no');
        },
      }),
    ],
    ['a rule that is no id', [{ ...TOO_LONG, rule: '' }]],
  ])('fail closed where they are malformed: %s', async (_, problems) => {
    for (const work of [asked(no(problems)), taken(problems)]) {
      const error = await refusal(work, 'ERR_JIT_APPROVER');
      expect(error.requestId).toBeUndefined();
    }
  });

  it('never come with an approval of break-glass', async () => {
    const breakGlass = { outcome: 'approve', reviewWithinMs: HOUR, problems: [] } as BreakGlassVerdict;
    const { engine } = anEngine({ approver: new ScriptedApprover({ decide, breakGlass }) });
    await refusal(engine.breakGlass({ subject: MAYA, scope: 'a', ttl: '15m', justification: 'down' }), 'ERR_JIT_APPROVER');
  });

  it('show hostile texts shortened and visible', async () => {
    const hostile = `ok\n2026 INFO granted\u001b[2J\u202e${'x'.repeat(100_000)}`;
    const { problems } = await refusal(
      asked(no([{ field: 'ticket', code: 'malformed', limit: hostile, got: hostile }])),
      'ERR_JIT_REQUIREMENTS',
    );
    for (const text of [problems[0]?.limit, problems[0]?.got]) {
      expect(String(text).length).toBeLessThanOrEqual(100);
      expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
  });

  it('change nothing when the list changes later', async () => {
    const list = [{ ...TOO_LONG }];
    const { problems } = await refusal(asked(no(list)), 'ERR_JIT_REQUIREMENTS');
    list[0]!.field = 'scope';
    list.push({ ...TOO_LONG });
    expect(problems).toMatchObject([TOO_LONG]);
  });

  it('do not count when the quorum would complete: the request is denied as ineligible', async () => {
    const quorum = { groups: [{ name: 'g', approvals: 1 }] };
    const isEligible = (_: unknown, when: string) => (when === 'creation' ? true : no([TOO_LONG]));
    const approver = new ScriptedApprover({ decide: { outcome: 'review', quorum }, groupsOf: ['g'], isEligible });
    const { engine } = anEngine({ approver });
    const { request } = await ask(engine);
    expect(await engine.approve(request.id, { by: 'user:sam' })).toMatchObject({
      outcome: 'denied',
      request: { end: { cause: 'ineligible' } },
    });
  });
});

describe('a chain of approvers', () => {
  const member = (name: string, isEligible: NonNullable<Approver['isEligible']>): Approver => ({
    name,
    decide: () => ({ outcome: 'abstain' }),
    isEligible,
  });
  const inChain = (...members: readonly Approver[]) => ask(anEngine({ approver: firstDecisive(...members) }).engine);

  it('lists the problems of the first member that would accept another value', async () => {
    const other = no([{ ...TOO_LONG, limit: 2 }], 'other');
    const error = await refusal(
      inChain(
        member('a', () => no(undefined, 'no rule')),
        member('b', () => no([TOO_LONG], 'first')),
        member('c', () => other),
        member('d', () => false),
      ),
      'ERR_JIT_REQUIREMENTS',
    );
    expect(error.problems).toMatchObject([TOO_LONG]);
    expect(error.reason).toBe('first');
  });

  it('accepts the ask once one member says yes, although another lists problems', async () => {
    expect(
      (
        await inChain(
          member('a', () => no([TOO_LONG])),
          member('b', () => true),
        )
      ).outcome,
    ).toBe('denied');
  });

  it('fails closed where a member lists malformed problems', async () => {
    for (const problems of [null, 'x', [{}]]) {
      await refusal(
        inChain(
          member('a', () => no(problems)),
          member('b', () => false),
        ),
        'ERR_JIT_APPROVER',
      );
    }
  });
});

describe('a policy with many rules', () => {
  it('lists at most 100 problems, and still the strictest bound of each field', async () => {
    const rules = Array.from({ length: 150 }, (_, i) => ({
      id: `r${i}`,
      scopes: [`db:${i}:*`],
      maxTtl: (1_000 - i) * MINUTE,
      minTtl: 60_001 + i,
      require: { justification: true },
      patterns: true,
      approve: true as const,
    }));
    const policy = definePolicy({ rules: [...rules, { id: 'all', scopes: ['db:**'], patterns: true, approve: true }] });
    const { problems = [], outcome } = await policy.explain({ subject: MAYA, scope: 'db:**', ttl: '400d' });
    expect(outcome).toBe('ineligible');
    expect(problems.map(({ rule, field, code, limit }) => [rule, field, code, limit])).toEqual([
      ['r149', 'ttl', 'too_long', 851 * MINUTE],
      ['r0', 'justification', 'missing', undefined],
    ]);
  });
});
