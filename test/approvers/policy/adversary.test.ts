import { describe, expect, it, vi } from 'vitest';
import { firstDecisive, JitEngine, MemoryGrantStore, patternScopes, reviewers, type JitEngineOptions } from '../../../src/index.js';
import { readJournal } from '../../../src/journal.js';
import { definePolicy, readPolicy, simulate, type LiveGroup, type PolicyDefinition } from '../../../src/policy.js';
import { aRequest, ManualClock, ScriptedApprover, START_AT } from '../../../src/testing.js';
import { CONFLICT } from '../../commit-answers.js';
import type { Duration } from '../../../src/index.js';

const HOUR = 3_600_000;

function world(policy: PolicyDefinition, over: Partial<JitEngineOptions> = {}) {
  const clock = new ManualClock();
  const store = new MemoryGrantStore();
  const engineWith = (approver: JitEngineOptions['approver'], more: Partial<JitEngineOptions> = {}) =>
    new JitEngine({ approver, clock, store, scopes: patternScopes, ...over, ...more });
  return { clock, store, engineWith, engine: engineWith(definePolicy(policy, { scopes: over.scopes })) };
}

/** patternScopes, and how often it has been asked. */
function counting() {
  let calls = 0;
  const scopes = {
    name: 'counted patterns',
    exact: false,
    covers: (a: string, b: string) => (calls++, patternScopes.covers(a, b)),
    overlaps: (a: string, b: string) => (calls++, patternScopes.overlaps(a, b)),
  };
  return { scopes, calls: () => calls };
}

const MAYA = { subject: 'user:maya', ttl: '30m' } as const;

describe('limits that cannot be bypassed', () => {
  it('L4 maxTotal of a rule: no first grant is longer than it', async () => {
    const { engine } = world({ rules: [{ id: 'r', scopes: ['db'], maxTotal: '1h', approve: true }] });
    const asked = engine.requestAccess({ subject: 'user:maya', scope: 'db', ttl: '8h' });
    const result = await asked.catch((error: unknown) => error as Error);
    const longest =
      result instanceof Error || result.outcome !== 'granted' ? 0 : Math.max(...result.grants.map((g) => g.expiresAt - g.firstStartsAt));
    expect(longest).toBeLessThanOrEqual(HOUR);
  });

  it('L4 limits.maxTotal of the engine: no first grant is longer than it', async () => {
    const { engine } = world({ rules: [{ id: 'r', scopes: ['db'], approve: true }] }, { limits: { maxTotal: '1h' } });
    const result = await engine.requestAccess({ subject: 'user:maya', scope: 'db', ttl: '8h' }).catch((error: unknown) => error as Error);
    const longest =
      result instanceof Error || result.outcome !== 'granted' ? 0 : Math.max(...result.grants.map((g) => g.expiresAt - g.firstStartsAt));
    expect(longest).toBeLessThanOrEqual(HOUR);
  });

  it('L4 maxTotal of a break-glass rule: a rule whose maxTtl or minTtl is longer is refused', () => {
    const bg = { id: 'bg', scopes: ['db'], maxTotal: '1h', reviewers: ['sec'], reviewWithin: '1d' } as const;
    const withRule = (rule: { maxTtl: Duration }) => () =>
      definePolicy({ groups: { sec: ['user:sam'] }, rules: [], breakGlass: [{ ...bg, ...rule }] });
    expect(withRule({ maxTtl: '4h' })).toThrow(
      'breakGlass[0] ("bg").maxTtl must be at most maxTotal, or the rule allows no window; got "4h" with maxTotal "1h"',
    );
    expect(withRule({ maxTtl: '1h' })).not.toThrow();
    const shortest = { id: 'r', scopes: ['db'], minTtl: '2h', maxTotal: '1h', approve: true } as const;
    expect(() => definePolicy({ rules: [shortest] })).toThrow('rules[0] ("r").minTtl must be at most maxTotal');
  });

  it('issue 3, require.justification and require.ticket: true are not met by invisible text', async () => {
    const policy = definePolicy({
      rules: [{ id: 'r', scopes: ['db'], require: { justification: true, ticket: true }, approve: true }],
    });
    const outcomes = [];
    for (const blank of ['\u200b', '\u2060', '\u00ad', '\u3164', '\u2800', '\u180e']) {
      outcomes.push((await policy.explain({ ...MAYA, scope: 'db', justification: blank, ticket: blank })).outcome);
    }
    expect(outcomes).toEqual(outcomes.map(() => 'ineligible'));
  });

  it('issue 3, break-glass: a zero-width space is not a justification', async () => {
    const { engine } = world({
      groups: { sec: ['user:sam'] },
      rules: [],
      breakGlass: [{ id: 'bg', scopes: ['db'], maxTtl: '1h', reviewers: ['sec'], reviewWithin: '1d' }],
    });
    await expect(engine.breakGlass({ ...MAYA, scope: 'db', justification: '\u200b' })).rejects.toMatchObject({
      code: 'ERR_JIT_INVALID_ARGUMENT',
    });
  });
});

describe('how far deny rules reach', () => {
  it.each([
    ['NFD', 'user:jose\u0301*'],
    ['a zero-width space', 'user:\u200bmaya*'],
    ['a space in front', ' user:*'],
    ['the reserved system:', 'system:*'],
    ['a lone surrogate', 'user:\ud800*'],
  ])('L23: { like } with %s could match no valid id, and is refused', (_, like) => {
    const define = () =>
      definePolicy({
        rules: [
          { id: 'no', scopes: ['**'], subjects: [{ like }], deny: 'suspended' },
          { id: 'yes', scopes: ['db'], approve: true },
        ],
      });
    expect(define).toThrow(expect.objectContaining({ argument: 'rules[0] ("no").subjects[0].like' }));
  });

  it('L23: a policy file with an id in NFD is refused, so that no suspended subject is approved', () => {
    const text =
      '{"rules":[{"id":"no","scopes":["**"],"subjects":[{"like":"user:jose\u0301*"}],"deny":"suspended"},{"id":"yes","scopes":["db"],"approve":true}]}';
    expect(() => readPolicy(text)).toThrow(expect.objectContaining({ argument: 'rules[0] ("no").subjects[0].like' }));
  });

  it('L21: with a hierarchical matcher of the engine, no grant reaches a scope that a deny rule denies', async () => {
    // Hierarchical scopes: a grant on a node covers everything below it. Reflexive, transitive, symmetric: a legal ScopeMatcher.
    const below = (a: string, b: string) => a === b || b.startsWith(`${a}:`);
    const tree = { name: 'tree', exact: false, covers: below, overlaps: (a: string, b: string) => below(a, b) || below(b, a) };
    const { engine } = world(
      {
        rules: [
          { id: 'no', scopes: ['db:payroll'], deny: 'never' },
          { id: 'yes', scopes: ['db'], approve: true },
        ],
      },
      { scopes: tree },
    );
    await engine.requestAccess({ ...MAYA, scope: 'db' }).catch(() => undefined);
    expect(await engine.isAllowed('user:maya', 'db:payroll')).toBe(false);
  });

  const chainOf = (deny: boolean) =>
    firstDecisive(
      definePolicy({ name: 'bans', rules: deny ? [{ id: 'ban', scopes: ['**'], subjects: ['user:maya'], deny: 'suspended' }] : [] }),
      reviewers({ members: ['user:sam'] }),
    );

  it('issue 3, deny rules are asked live: in a chain, a rule added while the request is pending stops the completing approval', async () => {
    const { engineWith } = world({ rules: [] });
    const { request } = await engineWith(chainOf(false)).requestAccess({ ...MAYA, scope: 'db' });
    const edited = engineWith(chainOf(true));
    await edited.approve(request.id, { by: 'user:sam' }).catch(() => undefined);
    expect(await edited.isAllowed('user:maya', 'db')).toBe(false);
  });

  it('issue 3, a deny rule stops starts, in a chain too', async () => {
    const { engineWith, clock } = world({ rules: [] });
    const before = engineWith(chainOf(false));
    const { request } = await before.requestAccess({ ...MAYA, scope: 'db', startsAt: START_AT + HOUR });
    await before.approve(request.id, { by: 'user:sam' });
    await clock.advance('1h');
    expect(await engineWith(chainOf(true)).isAllowed('user:maya', 'db')).toBe(false);
  });

  it('issue 3, lost eligibility at the completing approval denies, however long the reason of the deny rule is', async () => {
    const rules: PolicyDefinition['rules'] = [{ id: 'yes', scopes: ['db'], review: { groups: { dba: 1 } } }];
    const groups = { dba: ['user:ana'] };
    const { engine, engineWith } = world({ groups, rules });
    const { request } = await engine.requestAccess({ ...MAYA, scope: 'db' });
    const edited = engineWith(definePolicy({ groups, rules: [...rules, { id: 'no', scopes: ['**'], deny: 'x'.repeat(4096) }] }));
    const result = await edited.approve(request.id, { by: 'user:ana' }).catch((error: unknown) => error);
    expect(result).toMatchObject({ outcome: 'denied', request: { end: { cause: 'ineligible' } } });
  });

  it('issue 3, lost eligibility at a scheduled start revokes, however long the reason of the deny rule is', async () => {
    const rules: PolicyDefinition['rules'] = [{ id: 'yes', scopes: ['db'], approve: true }];
    const { engine, engineWith, clock } = world({ rules });
    const result = await engine.requestAccess({ ...MAYA, scope: 'db', startsAt: START_AT + HOUR });
    await clock.advance('1h');
    const edited = engineWith(definePolicy({ rules: [...rules, { id: 'no', scopes: ['**'], deny: 'x'.repeat(4096) }] }));
    await edited.sweep();
    expect((await edited.getRequest(result.request.id))?.grants[0]?.end).toMatchObject({ status: 'revoked', cause: 'ineligible' });
  });
});

describe('rights that are live', () => {
  it('L17 requesters who lose theirs: a request of a requester who may no longer ask for the subject is not approved', async () => {
    const leads = new Set(['user:lead']);
    const live: LiveGroup = { isMember: (person) => leads.has(person) };
    const { engine } = world({
      groups: { leads: live, dba: ['user:ana'] },
      rules: [{ id: 'r', scopes: ['db'], requesters: [{ group: 'leads' }], review: { groups: { dba: 1 } } }],
    });
    const { request } = await engine.requestAccess({ ...MAYA, scope: 'db', requestedBy: 'user:lead' });
    leads.clear();
    const result = await engine.approve(request.id, { by: 'user:ana' });
    expect(result).toMatchObject({ outcome: 'denied', request: { end: { cause: 'ineligible' } } });
  });
});

describe('break-glass', () => {
  const bg = { maxTtl: '1h', reviewWithin: '1d' } as const;
  const ask = { ...MAYA, scope: 'db', justification: 'down' };

  it('L17 rights never grow: an edit that removes the rule lets no reviewer of another rule review', async () => {
    const groups = { sec: ['user:sec'], buddies: ['user:buddy'] };
    const interns = { id: 'interns', scopes: ['db'], subjects: ['user:intern'], reviewers: ['buddies'], ...bg };
    const { engine, engineWith } = world({
      groups,
      rules: [],
      breakGlass: [interns, { id: 'all', scopes: ['db'], reviewers: ['sec'], ...bg }],
    });
    const { request } = await engine.breakGlass(ask);
    await expect(engine.reviewBreakGlass(request.id, { by: 'user:buddy', verdict: 'justified' })).rejects.toMatchObject({
      code: 'ERR_JIT_NOT_REVIEWER',
    });
    const edited = engineWith(definePolicy({ groups, rules: [], breakGlass: [interns] }));
    await expect(edited.reviewBreakGlass(request.id, { by: 'user:buddy', verdict: 'justified' })).rejects.toMatchObject({
      code: 'ERR_JIT_NOT_REVIEWER',
    });
  });

  it('issue 3, breakGlass.reviewers: no other reviewer may review if rules have long names that do not all fit on the request', async () => {
    const groups = { sec: ['user:sec'], buddies: ['user:buddy'] };
    const scopes = ['a', 'b', 'c', 'd', 'e'];
    const { engine } = world({
      groups,
      rules: [],
      breakGlass: [
        { id: 'interns', scopes: ['*'], subjects: ['user:intern'], reviewers: ['buddies'], ...bg },
        ...scopes.map((scope) => ({ id: scope.repeat(64), scopes: [scope], reviewers: ['sec'], ...bg })),
      ],
    });
    const { request } = await engine.breakGlass({ subject: 'user:maya', scopes, ttl: '30m', justification: 'down' });
    await expect(engine.reviewBreakGlass(request.id, { by: 'user:buddy', verdict: 'justified' })).rejects.toMatchObject({
      code: 'ERR_JIT_NOT_REVIEWER',
    });
  });

  it('issue 3, breakGlass.reviewers: no rule may have a name like that of a shortened list of rules', async () => {
    const groups = { sec: ['user:sec'], ops: ['user:ops'] };
    const scopes = ['a', 'b', 'c', 'd', 'e'];
    const rules = scopes.map((scope) => ({
      id: scope.repeat(64),
      scopes: [scope],
      reviewers: scope === 'e' ? ['sec'] : ['ops', 'sec'],
      ...bg,
    }));
    for (const id of ['...', 'a...']) {
      const stands = { id, scopes: ['z'], reviewers: ['ops', 'sec'], ...bg };
      expect(() => definePolicy({ groups, rules: [], breakGlass: [...rules, stands] })).toThrow('must be a name that does not end in ...');
    }
    const { engine } = world({ groups, rules: [], breakGlass: rules });
    const { request } = await engine.breakGlass({ subject: 'user:maya', scopes, ttl: '30m', justification: 'down' });
    await expect(engine.reviewBreakGlass(request.id, { by: 'user:ops', verdict: 'justified' })).rejects.toMatchObject({
      code: 'ERR_JIT_NOT_REVIEWER',
    });
    await expect(engine.reviewBreakGlass(request.id, { by: 'user:sec', verdict: 'justified' })).resolves.toMatchObject({
      afterReview: { reviewers: ['sec'] },
    });
  });

  it('issue 3, break-glass that no reviewer could review is refused: the only reviewer is the subject', async () => {
    const { engine } = world({
      groups: { sec: ['user:maya'] },
      rules: [],
      breakGlass: [{ id: 'bg', scopes: ['db'], reviewers: ['sec'], ...bg }],
    });
    await expect(engine.breakGlass(ask)).rejects.toMatchObject({ code: 'ERR_JIT_INELIGIBLE' });
  });

  it('issue 3, break-glass that no reviewer could review is refused: the group is empty', async () => {
    const { engine } = world({ groups: { sec: [] }, rules: [], breakGlass: [{ id: 'bg', scopes: ['db'], reviewers: ['sec'], ...bg }] });
    await expect(engine.breakGlass(ask)).rejects.toMatchObject({ code: 'ERR_JIT_INELIGIBLE' });
  });

  it('issue 3, the entry names the skipped groups, also for a pattern that no ordinary rule covers fully', async () => {
    const { engine, store } = world({
      groups: { sec: ['user:sec'], dba: ['user:ana'] },
      rules: [{ id: 'prod', scopes: ['db:prod'], review: { groups: { dba: 1 } } }],
      breakGlass: [{ id: 'bg', scopes: ['db:**'], patterns: true, reviewers: ['sec'], ...bg }],
    });
    await engine.breakGlass({ ...ask, scope: 'db:*' });
    const skipped: unknown[] = [];
    for await (const entry of readJournal(store)) {
      if (entry.type === 'request.approved')
        skipped.push((entry.data as { afterReview: { skippedGroups: unknown } }).afterReview.skippedGroups);
    }
    expect(skipped).toEqual([['dba']]);
  });

  it('issue 3, break-glass is immediate: a directory that only an ordinary rule needs does not stop it: it throws', async () => {
    const down: LiveGroup = { isMember: () => Promise.reject(new Error('LDAP is down')) };
    const { engine } = world({
      groups: { sec: ['user:sec'], dba: ['user:ana'], staff: down },
      rules: [{ id: 'prod', scopes: ['db'], subjects: [{ group: 'staff' }], review: { groups: { dba: 1 } } }],
      breakGlass: [{ id: 'bg', scopes: ['db'], reviewers: ['sec'], ...bg }],
    });
    await expect(engine.breakGlass(ask)).resolves.toMatchObject({ outcome: 'granted' });
  });

  it('issue 3, break-glass is immediate: a directory that only lists the skipped people does not stop it: it hangs', async () => {
    const hung: LiveGroup = { isMember: () => false, members: () => new Promise(() => undefined) };
    const { engine } = world({
      groups: { sec: ['user:sec'], dba: hung },
      rules: [{ id: 'prod', scopes: ['db'], review: { groups: { dba: 1 } } }],
      breakGlass: [{ id: 'bg', scopes: ['db'], reviewers: ['sec'], ...bg }],
    });
    await expect(engine.breakGlass(ask)).resolves.toMatchObject({ outcome: 'granted' });
  });
});

describe('refusals with the right code', () => {
  it('L29: an ineligible ask with long ids is refused as ineligible, and leaves a refused attempt', async () => {
    const errors: unknown[] = [];
    const { engine, store } = world(
      {
        rules: ['a', 'b', 'c'].map((scope) => ({ id: scope, scopes: [scope], approve: true as const })),
      },
      { onError: (error) => errors.push(error) },
    );
    const asked = engine.requestAccess({
      subject: '王'.repeat(256),
      requestedBy: '李'.repeat(256),
      scopes: ['a', 'b', 'c'],
      ttl: '1h',
    });
    const code = await asked.catch((error: unknown) => (error as { code: string }).code);
    await engine.flushAudit();
    const types: string[] = [];
    for await (const entry of readJournal(store)) types.push(entry.type);
    expect([code, types]).toEqual(['ERR_JIT_INELIGIBLE', ['attempt.refused']]);
  });

  it('L23, explain refuses a value that is not a request with a typed error', async () => {
    const policy = definePolicy({ rules: [{ id: 'r', scopes: ['db'], approve: true }] });
    await expect(policy.explain({ kind: 'request' } as never)).rejects.toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT' });
  });

  it('issue 3, explain says what would happen: it agrees with requestAccess on which asks are valid', async () => {
    const policy = definePolicy({ rules: [{ id: 'r', scopes: ['db'], approve: true }] });
    await expect(policy.explain({ ...MAYA, scopes: ['db', 'db'] })).rejects.toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT' });
  });

  it('issue 3, explain says which rule: no rule "decides" a pattern that it does not cover', async () => {
    const policy = definePolicy({ rules: [{ id: 'narrow', scopes: ['db:prod'], patterns: true, approve: true }] });
    const said = await policy.explain({ ...MAYA, scope: 'db:*' });
    expect(said.outcome).toBe('ineligible');
    expect(said.scopes[0]?.considered.map(({ rule, verdict }) => [rule, verdict])).toEqual([['narrow', 'passed_over']]);
  });
});

describe('lint', () => {
  it('issue 3, lint: does not report a rule as shadowed while it guards a pattern', async () => {
    const wide = { id: 'wide', scopes: ['db:**'], patterns: true, approve: true } as const;
    const narrow = { id: 'narrow', scopes: ['db:prod'], review: { groups: { dba: 1 } } } as const;
    const groups = { dba: ['user:ana'] };
    const policy = definePolicy({ groups, rules: [wide, narrow] });
    const advice = policy.lint().filter(({ code, rule }) => code === 'shadowed' && rule === 'narrow');
    const outcome = async (rules: PolicyDefinition['rules']) =>
      (await definePolicy({ groups, rules }).explain({ ...MAYA, scope: 'db:**' })).outcome;
    const kept = advice.length === 0 ? [wide, narrow] : [wide];
    expect(await outcome(kept)).toBe(await outcome([wide, narrow]));
  });

  it('issue 3, lint of deny rules: a policy without the reported rules denies as much as before', async () => {
    const rules = [
      { id: 'ab', scopes: ['a', 'b'], deny: 'no' },
      { id: 'ac', scopes: ['a', 'c'], deny: 'no' },
      { id: 'bc', scopes: ['b', 'c'], deny: 'no' },
      { id: 'all', scopes: ['*'], approve: true as const },
    ];
    const advised = new Set(
      definePolicy({ rules })
        .lint()
        .filter(({ code }) => code === 'shadowed')
        .map(({ rule }) => rule),
    );
    const after = definePolicy({ rules: rules.filter(({ id }) => !advised.has(id)) });
    const outcomes = [];
    for (const scope of ['a', 'b', 'c']) outcomes.push((await after.explain({ ...MAYA, scope })).outcome);
    expect(outcomes).toEqual(['deny', 'deny', 'deny']);
  });

  it('issue 3, lint: finds a rule that several earlier rules shadow together', () => {
    const found = definePolicy({
      rules: [
        { id: 'a', scopes: ['db'], subjects: ['user:a'], approve: true },
        { id: 'b', scopes: ['db'], subjects: ['user:b'], approve: true },
        { id: 'both', scopes: ['db'], subjects: ['user:a', 'user:b'], approve: true },
      ],
    }).lint();
    expect(found).toMatchObject([{ rule: 'both', code: 'shadowed' }]);
  });

  it('issue 3, lint: finds a rule that accepts no requester', () => {
    const found = definePolicy({
      groups: { leads: [], x: ['user:x'] },
      rules: [{ id: 'r', scopes: ['db'], requesters: [{ group: 'leads' }], approve: true }],
    }).lint();
    expect(found.map(({ rule, code }) => [rule, code])).toContainEqual(['r', 'never_matches']);
  });

  it('issue 3, lint: finds more denials than there are people', () => {
    const found = definePolicy({
      groups: { dba: ['user:ana', 'user:kim'] },
      rules: [{ id: 'r', scopes: ['db'], review: { groups: { dba: 1 }, denials: 3 } }],
    }).lint();
    expect(found.map(({ rule }) => rule)).toContain('r');
  });

  it('L22, lint: compares no two scopes more than a few times, in a policy of a size that is allowed', () => {
    const rules = Array.from({ length: 50 }, (_, i) => ({
      id: `r${i}`,
      scopes: Array.from({ length: 20 }, (_, j) => `r${i}:s${j}`),
      approve: true as const,
    }));
    const { scopes, calls } = counting();
    expect(definePolicy({ rules }, { scopes }).lint()).toEqual([]);
    expect(calls()).toBeLessThanOrEqual(1_000 ** 2);
  });
});

describe('simulate', () => {
  it('issue 3, simulate lists every request whose outcome would differ: also if its deadline would differ', async () => {
    const policy = (reviewWithin: Duration) =>
      definePolicy({ groups: { dba: ['user:ana'] }, rules: [{ id: 'r', scopes: ['db'], review: { groups: { dba: 1 }, reviewWithin } }] });
    const { engineWith, store } = world({ rules: [] });
    await engineWith(policy('8h')).requestAccess({ ...MAYA, scope: 'db' });
    expect(await simulate(policy('8h'), readJournal(store))).toEqual([]);
    expect(await simulate(policy('1m'), readJournal(store))).toHaveLength(1);
  });

  it('issue 3, simulate: also if the deadline of a break-glass review would differ', async () => {
    const policy = (reviewWithin: Duration) =>
      definePolicy({
        groups: { sec: ['user:sec'] },
        rules: [],
        breakGlass: [{ id: 'r', scopes: ['db'], maxTtl: '1h', reviewers: ['sec'], reviewWithin }],
      });
    const { engineWith, store } = world({ rules: [] });
    await engineWith(policy('8h')).breakGlass({ ...MAYA, scope: 'db', justification: 'down' });
    expect(await simulate(policy('8h'), readJournal(store))).toEqual([]);
    expect(await simulate(policy('30d'), readJournal(store))).toHaveLength(1);
  });

  it('L30, simulate: rejects an entry that this package does not write', async () => {
    const policy = definePolicy({ rules: [{ id: 'r', scopes: ['db'], require: { justification: true }, approve: true }] });
    const { engineWith, store } = world({ rules: [] });
    await engineWith(policy).requestAccess({ ...MAYA, scope: 'db', justification: 'x' });
    const entries = [];
    for await (const entry of readJournal(store)) entries.push({ ...entry, data: { ...entry.data, justification: 5 } });
    await expect(simulate(policy, entries as never)).rejects.toMatchObject({ code: 'ERR_JIT_CORRUPT' });
  });
});

describe('files', () => {
  it.each([
    ['rules', '{"rules":[{"id":"no","scopes":["**"],"deny":"frozen"}],"rules":[{"id":"yes","scopes":["**"],"approve":true}]}'],
    ['a field of a rule', '{"rules":[{"id":"r","scopes":["db"],"maxTtl":"5m","maxTtl":"8h","approve":true}]}'],
    ['a group', '{"groups":{"ban":["user:a"],"ban":[]},"rules":[{"id":"r","scopes":["db"],"subjects":[{"group":"ban"}],"deny":"x"}]}'],
  ])('issue 3, a policy file is validated: a duplicate field is refused instead of dropped: %s', (_, text) => {
    expect(() => readPolicy(text)).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT' }));
  });

  it('issue 3, a message that says what to change: names the line of invalid JSON', () => {
    const text = '{\n  "rules": [\n    { "id": oops }\n  ]\n}';
    expect(() => readPolicy(text)).toThrow(/line 3/);
  });

  it('L22, unbounded work: reports a duplicate person in the longest list within the time limit of the test', () => {
    const list = Array.from({ length: 100_000 }, (_, i) => `user:${String(i).padStart(6, '0')}`);
    list[99_999] = 'user:099998';
    expect(() => definePolicy({ groups: { g: list }, rules: [] })).toThrow('groups.g[99999] must be listed only once; got "user:099998"');
  });

  it('L22, unbounded work: reads no more of a list than the limit', () => {
    let reads = 0;
    const list = new Proxy(new Array(3_000_000), {
      get(target, key) {
        if (typeof key === 'string' && key !== 'length') reads += 1;
        return Reflect.get(target, key) as unknown;
      },
    });
    expect(() => definePolicy({ groups: { g: list as string[] }, rules: [] })).toThrow();
    expect(reads).toBeLessThanOrEqual(1_000_001);
  });

  it('issue 3, a message that says what to change stays short', () => {
    const groups = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`group-number-${i}`, []]));
    let message = '';
    try {
      definePolicy({ groups, rules: [{ id: 'r', scopes: ['db'], subjects: [{ group: 'zzz' }], approve: true }] });
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message.length).toBeLessThan(2_000);
  });

  it('hostile inputs: a file that cannot be read is an invalid argument', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(() => readPolicy(proxy)).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT' }));
    const getter = {
      rules: [],
      get name(): string {
        throw new Error('gotcha');
      },
    };
    expect(() => readPolicy(getter, { groups: { g: ['user:x'] } })).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT' }));
  });

  it('issue 3, a message that says what to change: refuses the bytes of a file, which are not text', () => {
    expect(() => readPolicy(Buffer.from('{"rules":[]}'))).toThrow(/^policy must be/);
  });
});

describe('a request whose reviewers are unavailable', () => {
  it('hostile inputs, a poison row: does not hide the rest of an inbox', async () => {
    const down: LiveGroup = { isMember: () => Promise.reject(new Error('LDAP is down')) };
    const { engine } = world({
      groups: { dba: ['user:ana'], live: down },
      rules: [
        { id: 'a', scopes: ['a'], review: { groups: { dba: 1 } } },
        { id: 'b', scopes: ['b'], review: { groups: { live: 1 } } },
      ],
    });
    const { request } = await engine.requestAccess({ ...MAYA, scope: 'a' });
    await engine.requestAccess({ ...MAYA, scope: 'b' });
    const { items } = await engine.inbox('user:ana').catch(() => ({ items: [] }));
    expect(items.map((item) => item.request.id)).toEqual([request.id]);
  });
});

describe('retries and work', () => {
  it('design 2, every retry asks the live questions again, including eligibility at creation', async () => {
    let eligible = true;
    const approver = new ScriptedApprover({ isEligible: () => eligible, decide: { outcome: 'approve' } });
    const store = new MemoryGrantStore();
    // Another caller wins the first race, and in the meantime the subject becomes ineligible.
    const lost = new Proxy(store, {
      get(target, key) {
        if (key === 'commit' && eligible) {
          return () => {
            eligible = false;
            return Promise.resolve(CONFLICT);
          };
        }
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      },
    });
    const engine = new JitEngine({ approver, clock: new ManualClock(), store: lost });
    const outcome = await engine.requestAccess({ ...MAYA, scope: 'db' }).then(
      (result) => result.outcome as string,
      (error: unknown) => (error as { code: string }).code,
    );
    expect(outcome).toBe('ERR_JIT_INELIGIBLE');
  });

  it('L34: an ask for 50 scopes is compared with each pattern of a policy once, and no pattern is parsed again', async () => {
    const deny = Array.from({ length: 50 }, (_, i) => ({
      id: `r${i}`,
      scopes: Array.from({ length: 20 }, (_, j) => `r${i}:s${j}`),
      deny: 'no',
    }));
    const asked = aRequest({ scopes: Array.from({ length: 50 }, (_, i) => `q:${i}`) });
    const { scopes, calls } = counting();
    expect(await definePolicy({ rules: deny }, { scopes }).decide(asked)).toEqual({ outcome: 'abstain' });
    expect(calls()).toBe(50 * 1_000);

    const policy = definePolicy({ rules: deny });
    const spies = [vi.spyOn(String.prototype, 'split'), vi.spyOn(RegExp.prototype, 'test'), vi.spyOn(RegExp.prototype, 'exec')];
    await policy.decide(asked);
    const work = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
    spies.forEach((spy) => {
      spy.mockRestore();
    });
    expect(work).toBeLessThanOrEqual(6 * 50);
  });
});
