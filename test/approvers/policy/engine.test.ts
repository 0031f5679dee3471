import { isJitError, JitEngine, patternScopes, MemoryGrantStore, type AuditEntry } from 'jit-access';
import { readJournal } from 'jit-access/journal';
import {
  definePolicy,
  readPolicy,
  simulate,
  type ApproveRule,
  type BreakGlassRule,
  type DenyRule,
  type Policy,
  type PolicyDefinition,
  type ReviewRule,
} from 'jit-access/policy';
import { ManualClock } from 'jit-access/testing';
import { preview } from 'jit-access/explain';
import { describe, expect, it } from 'vitest';
import { HOUR, MINUTE } from './ask.js';
import type { Duration } from '../../../src/index.js';

const denial: DenyRule = { id: 'no-payroll', scopes: ['db:payroll'], deny: 'payroll stays closed' };
const read: ApproveRule = { id: 'read', scopes: ['db:read'], subjects: [{ group: 'sre' }], maxTtl: '1h', approve: true };
const db: ReviewRule = {
  id: 'db',
  scopes: ['db:*'],
  subjects: [{ group: 'sre' }],
  maxTtl: '1h',
  review: { groups: { dba: 1, security: 1 } },
};
const outage: BreakGlassRule = { id: 'outage', scopes: ['db:*'], maxTtl: '15m', reviewers: ['security'], reviewWithin: '1d' };
const definition = {
  name: 'on-call',
  groups: { sre: ['user:maya', 'user:lee'], dba: ['user:ana', 'user:kim'], security: ['user:noor', 'user:ana'] },
  rules: [denial, read, db],
  breakGlass: [outage],
} satisfies PolicyDefinition;

/** Lets a test edit the policy while requests are pending. */
function anEngine(first: Policy = definePolicy(definition)) {
  const now = { policy: first };
  const store = new MemoryGrantStore();
  const clock = new ManualClock();
  // As a service does that loads its policy again.
  const approver = {
    name: first.name,
    decide: (...given: Parameters<Policy['decide']>) => now.policy.decide(...given),
    groupsOf: (...given: Parameters<NonNullable<Policy['groupsOf']>>) => now.policy.groupsOf?.(...given) ?? [],
    isEligible: (...given: Parameters<NonNullable<Policy['isEligible']>>) => now.policy.isEligible?.(...given) ?? false,
    membersOf: (...given: Parameters<NonNullable<Policy['membersOf']>>) => now.policy.membersOf?.(...given),
    breakGlass: (...given: Parameters<NonNullable<Policy['breakGlass']>>) =>
      now.policy.breakGlass?.(...given) ?? ({ outcome: 'abstain' } as const),
    mayReviewBreakGlass: (...given: Parameters<NonNullable<Policy['mayReviewBreakGlass']>>) =>
      now.policy.mayReviewBreakGlass?.(...given) ?? false,
  };
  const engine = new JitEngine({ approver, store, clock, scopes: patternScopes });
  const edit = (change: Partial<PolicyDefinition>) => (now.policy = definePolicy({ ...definition, ...change }));
  return { engine, store, clock, edit };
}

async function entriesOf(store: MemoryGrantStore): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for await (const entry of readJournal(store)) entries.push(entry);
  return entries;
}

const ask = { subject: 'user:maya', scope: 'db:write', ttl: '30m' } as const;
const codeOf = async (call: Promise<unknown>) => {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return isJitError(error) ? `${error.code} ${error.message}` : error;
};

describe('an engine with a policy', () => {
  it('approves, reviews, denies and refuses as the rules say, and records the rule', async () => {
    const { engine, store } = anEngine();
    expect(await engine.requestAccess({ ...ask, scope: 'db:read' })).toMatchObject({
      outcome: 'granted',
      request: { rule: 'read', approver: 'on-call' },
    });
    expect(await engine.requestAccess({ ...ask, scope: 'db:payroll' })).toMatchObject({
      outcome: 'denied',
      reason: 'payroll stays closed',
      request: { rule: 'no-payroll' },
    });
    const pending = await engine.requestAccess(ask);
    expect(pending).toMatchObject({ outcome: 'pending', request: { rule: 'db' }, reviewers: ['user:ana', 'user:kim', 'user:noor'] });
    const before = (await entriesOf(store)).length;
    expect(await codeOf(engine.requestAccess({ ...ask, subject: 'user:eve' }))).toMatch(
      /^ERR_JIT_INELIGIBLE .*no rule covers db:write for user:eve$/,
    );
    expect(await codeOf(engine.requestAccess({ ...ask, ttl: '2h' }))).toMatch(
      /^ERR_JIT_REQUIREMENTS .*ask for at most 1h \(rule db: maxTtl\)$/,
    );
    const left = (await entriesOf(store)).slice(before);
    expect(new Set(left.map((entry) => entry.type))).toEqual(new Set(['attempt.refused']));
  });

  it('L14 requires one reviewer of each of two teams', async () => {
    const { engine } = anEngine();
    const { request } = await engine.requestAccess(ask);
    expect((await engine.approve(request.id, { by: 'user:ana' })).outcome).toBe('pending');
    expect((await engine.approve(request.id, { by: 'user:noor' })).outcome).toBe('granted');
    expect(await engine.isAllowed('user:maya', 'db:write')).toBe(true);
  });

  it('L17 keeps the numbers of a request through every edit', async () => {
    const { engine, edit } = anEngine();
    const { request } = await engine.requestAccess(ask);
    edit({ rules: [{ ...db, maxTtl: '1ms', require: { ticket: true }, review: { groups: { dba: 2, security: 2 } } }] });
    await engine.approve(request.id, { by: 'user:kim' });
    expect((await engine.approve(request.id, { by: 'user:noor' })).outcome).toBe('granted');
  });

  it.each([
    ['a deny rule', { rules: [...definition.rules, { id: 'freeze', scopes: ['**'], deny: 'frozen' }] }],
    ['no rule', { rules: [denial, read] }],
    ['a subject that has left', { groups: { ...definition.groups, sre: ['user:lee'] } }],
  ] as [string, Partial<PolicyDefinition>][])('L17 denies at the completing approval after an edit: %s', async (_, change) => {
    const { engine, edit } = anEngine();
    const { request } = await engine.requestAccess(ask);
    await engine.approve(request.id, { by: 'user:kim' });
    edit(change);
    expect(await engine.approve(request.id, { by: 'user:noor' })).toMatchObject({
      outcome: 'denied',
      request: { end: { cause: 'ineligible' } },
    });
  });

  it('L17 does not count the approval of a reviewer who has left the group', async () => {
    const { engine, edit } = anEngine();
    const { request } = await engine.requestAccess(ask);
    await engine.approve(request.id, { by: 'user:kim' });
    edit({ groups: { ...definition.groups, dba: ['user:zoe'] } });
    expect((await engine.approve(request.id, { by: 'user:noor' })).outcome).toBe('pending');
    expect((await engine.approve(request.id, { by: 'user:zoe' })).outcome).toBe('granted');
  });

  it('asks again at a later start', async () => {
    const { engine, clock, edit } = anEngine();
    const startsAt = clock.now() + HOUR;
    const { request } = await engine.requestAccess({ ...ask, scope: 'db:read', startsAt });
    edit({ rules: [...definition.rules, { id: 'freeze', scopes: ['**'], deny: 'frozen' }] });
    await clock.set(startsAt);
    expect(await engine.isAllowed('user:maya', 'db:read')).toBe(false);
    const held = await engine.getRequest(request.id);
    expect(held?.grants[0]?.end).toMatchObject({ status: 'revoked', cause: 'ineligible' });
  });

  it('lets escalation stand in for any of the groups', async () => {
    const review = { ...db.review, escalate: { to: 'leads', after: '10m' } } as const;
    const { engine, clock } = anEngine(
      definePolicy({ ...definition, groups: { ...definition.groups, leads: ['user:rob', 'user:ida'] }, rules: [{ ...db, review }] }),
    );
    const { request } = await engine.requestAccess(ask);
    expect(await codeOf(engine.approve(request.id, { by: 'user:rob' }))).toMatch(/^ERR_JIT_NOT_REVIEWER/);
    await clock.advance(10 * MINUTE);
    await engine.approve(request.id, { by: 'user:rob' });
    expect((await engine.approve(request.id, { by: 'user:ida' })).outcome).toBe('granted');
  });

  it('grants break-glass access, to be reviewed by the group that the rule names', async () => {
    const { engine } = anEngine();
    const { request, grants } = await engine.breakGlass({
      subject: 'user:maya',
      scope: 'db:write',
      ttl: '15m',
      justification: 'writes fail',
    });
    expect(request).toMatchObject({
      rule: 'outage',
      afterReview: { skippedGroups: ['dba', 'security'], skippedPeople: ['user:ana', 'user:kim', 'user:noor'] },
    });
    expect(await codeOf(engine.breakGlass({ subject: 'user:maya', scope: 'db:payroll', ttl: '15m', justification: 'x' }))).toMatch(
      /payroll stays closed/,
    );
    expect(await codeOf(engine.reviewBreakGlass(request.id, { by: 'user:kim', verdict: 'justified' }))).toMatch(/^ERR_JIT_NOT_REVIEWER/);
    await engine.reviewBreakGlass(request.id, { by: 'user:noor', verdict: 'unjustified' });
    expect((await engine.getRequest(request.id))?.grants[0]).toMatchObject({ id: grants[0]?.id, end: { cause: 'unjustified' } });
  });

  it('previews the verdict of the policy', async () => {
    const { engine } = anEngine();
    expect(await preview(engine, ask)).toMatchObject({
      dryRun: true,
      outcome: 'pending',
      request: { rule: 'db' },
    });
    expect(await preview(engine, { ...ask, ttl: '2h' })).toMatchObject({
      outcome: 'refused',
      code: 'ERR_JIT_REQUIREMENTS',
      problems: [{ rule: 'db', field: 'ttl', code: 'too_long', limit: 3_600_000, got: 7_200_000 }],
    });
  });

  it('is the same from a JSON file', async () => {
    const { engine } = anEngine(readPolicy(JSON.stringify(definition)));
    expect(await engine.requestAccess(ask)).toMatchObject({ outcome: 'pending', request: { rule: 'db' } });
  });
});

describe('simulate()', () => {
  async function aJournal() {
    const { engine, store } = anEngine();
    await engine.requestAccess({ ...ask, scope: 'db:read' });
    const { request } = await engine.requestAccess(ask);
    await engine.approve(request.id, { by: 'user:kim' });
    await engine.approve(request.id, { by: 'user:noor' });
    await engine.requestAccess({ ...ask, scope: 'db:payroll' });
    await engine.requestAccess({ ...ask, subject: 'user:lee', scopes: ['db:read', 'db:write'], scope: undefined });
    await engine.breakGlass({ subject: 'user:maya', scope: 'db:drop', ttl: '15m', justification: 'writes fail' });
    const { grants } = await engine
      .requestAccess({ ...ask, scope: 'db:read' })
      .then((result) => ({ grants: 'grants' in result ? result.grants : [] }));
    await engine.extend(grants[0]?.id ?? '', { requestedBy: 'user:maya', ttl: '10m' });
    return entriesOf(store);
  }

  it('lists nothing if the policy has not changed, for any outcome of the requests', async () => {
    expect(await simulate(definePolicy(definition), await aJournal())).toEqual([]);
  });

  it('lists each request whose outcome would differ, with both outcomes', async () => {
    const entries = await aJournal();
    const changed = definePolicy({
      ...definition,
      rules: [denial, { ...read, maxTtl: '20m' }, { ...db, review: { groups: { dba: 2 } } }],
      breakGlass: [{ ...outage, maxTtl: '5m' }],
    });
    const told = (await simulate(changed, entries)).map(({ scopes, subject, breakGlass, was, would }) => [
      subject,
      scopes.join(' '),
      breakGlass,
      was.outcome,
      would.outcome,
      would.reason,
    ]);
    expect(told).toEqual([
      ['user:maya', 'db:read', false, 'approve', 'ineligible', 'ask for at most 20m (rule read: maxTtl)'],
      ['user:maya', 'db:write', false, 'review', 'review', undefined],
      ['user:lee', 'db:read db:write', false, 'review', 'ineligible', 'ask for at most 20m (rule read: maxTtl)'],
      ['user:maya', 'db:drop', true, 'approve', 'deny', 'ask for at most 5m (rule outage: maxTtl)'],
    ]);
  });

  it('distinguishes quorums, terms, and reasons of denials', async () => {
    const entries = await aJournal();
    const [first, second, third] = await simulate(
      definePolicy({ ...definition, rules: [{ ...denial, deny: 'closed' }, { ...read, idleTtl: '5m' }, db] }),
      entries,
    );
    expect(first).toMatchObject({
      was: { outcome: 'approve', rule: 'read' },
      would: { outcome: 'approve', terms: { idleTtlMs: 5 * MINUTE } },
    });
    expect(second).toMatchObject({
      was: { outcome: 'deny', reason: 'payroll stays closed' },
      would: { outcome: 'deny', reason: 'closed' },
    });
    expect(third).toMatchObject({ subject: 'user:lee', would: { outcome: 'review', terms: { idleTtlMs: 5 * MINUTE } } });
    const [, quorum] = await simulate(
      definePolicy({
        ...definition,
        rules: [denial, { ...read, subjects: ['user:zoe'] }, { ...db, review: { groups: { dba: 2 } } }],
      }),
      entries,
    );
    expect(quorum).toMatchObject({
      scopes: ['db:write'],
      was: {
        quorum: {
          groups: [
            { name: 'dba', approvals: 1 },
            { name: 'security', approvals: 1 },
          ],
        },
      },
      would: { quorum: { groups: [{ name: 'dba', approvals: 2 }] } },
    });
  });

  it('lists a different review deadline, unless the window itself is shorter', async () => {
    const withTerms = (reviewWithin: Duration, maxTotal: Duration = '90m') =>
      definePolicy({ ...definition, rules: [{ ...db, maxTotal, review: { groups: { dba: 1 }, reviewWithin } }] });
    const { engine, store, clock } = anEngine(withTerms('3h'));
    await engine.requestAccess({ ...ask, subject: 'user:lee', startsAt: clock.now() + HOUR });
    const { request } = await engine.requestAccess(ask);
    const approved = await engine.approve(request.id, { by: 'user:kim' });
    await engine.extend('grants' in approved ? (approved.grants[0]?.id ?? '') : '', { requestedBy: 'user:maya', ttl: '1h' });
    const differing = async (policy: Policy) => (await simulate(policy, readJournal(store))).map(({ requestId }) => requestId);
    expect(await differing(withTerms('3h'))).toEqual([]);
    // Reminders change no right and no deadline.
    const review = { groups: { dba: 1 }, reviewWithin: '3h', remindEvery: '1h' } as const;
    expect(await differing(definePolicy({ ...definition, rules: [{ ...db, maxTotal: '90m', review }] }))).toEqual([]);
    // Long enough for the scheduled window and for the cap on the extension, not for the one in between.
    expect(await differing(withTerms('100m'))).toEqual([request.id]);
    expect(await differing(withTerms('5m'))).toHaveLength(3);
    expect(await differing(withTerms('3h', '80m'))).toHaveLength(3);
  });

  it('lists different reviewers, or a different deadline, of a break-glass review', async () => {
    const entries = await aJournal();
    const differing = async (over: Partial<BreakGlassRule>) =>
      await simulate(definePolicy({ ...definition, breakGlass: [{ ...outage, ...over }] }), entries);
    expect(await differing({})).toEqual([]);
    expect(await differing({ reviewers: ['dba'] })).toMatchObject([{ was: { reviewers: ['security'] }, would: { reviewers: ['dba'] } }]);
    expect(await differing({ reviewWithin: '2d' })).toMatchObject([
      { was: { outcome: 'approve' }, would: { outcome: 'approve', reviewBy: expect.any(Number) as number } },
    ]);
  });

  it('accepts a stream of entries, and does not change them', async () => {
    const entries = await aJournal();
    const before = JSON.stringify(entries);
    const strict = definePolicy({ ...definition, rules: [denial], breakGlass: undefined });
    async function* stream() {
      yield* entries;
    }
    const streamed = await simulate(strict, stream());
    expect(streamed.map(({ would }) => would.outcome)).toEqual(['ineligible', 'ineligible', 'ineligible', 'ineligible', 'ineligible']);
    expect(streamed).toEqual(await simulate(strict, entries));
    expect(JSON.stringify(entries)).toBe(before);
    // After a purge, the end of a request may be left without its creation.
    expect(await simulate(strict, entries.slice(1))).toHaveLength(4);
  });

  it('does not list a request that neither approver decides', async () => {
    const store = new MemoryGrantStore();
    const engine = new JitEngine({ approver: { name: 'nobody', decide: () => ({ outcome: 'abstain' }) }, store, clock: new ManualClock() });
    await engine.requestAccess({ ...ask, subject: 'user:eve' });
    await engine.requestAccess(ask);
    const differences = await simulate(definePolicy(definition), readJournal(store));
    expect(differences.map(({ subject, was, would }) => [subject, was.outcome, would.outcome])).toEqual([
      ['user:maya', 'abstain', 'review'],
    ]);
  });

  it('omits a request that no approver has decided', async () => {
    const store = new MemoryGrantStore();
    const engine = new JitEngine({
      approver: { name: 'down', decide: () => Promise.reject(new Error('down')) },
      store,
      clock: new ManualClock(),
    });
    await engine.requestAccess(ask).catch(() => undefined);
    const [request] = (await engine.listRequests({})).items;
    await engine.cancel(request?.id ?? '', { by: 'user:maya' });
    expect(await simulate(definePolicy({ rules: [] }), readJournal(store))).toEqual([]);
  });

  it.each([
    ['a quorum without groups', 'request.assigned', { quorum: { groups: [], denials: 1 } }],
    ['an invalid number', 'request.approved', { terms: { maxUses: 'many' } }],
    ['an invalid end', 'request.denied', { end: { status: 'granted' } }],
    ['an invalid break-glass review', 'request.approved', { afterReview: 5 }],
  ])('L30 refuses an answer that this package does not write: %s', async (_, type, over) => {
    const entries = (await aJournal()).map((entry) => (entry.type === type ? { ...entry, data: { ...entry.data, ...over } } : entry));
    await expect(simulate(definePolicy(definition), entries as never)).rejects.toMatchObject({ code: 'ERR_JIT_CORRUPT', kind: 'entry' });
  });

  it.each([
    ['no scopes', { scopes: undefined }],
    ['an invalid window', { ttlMs: 'soon' }],
    ['an invalid subject', { subject: '' }],
    ['an invalid instant', { createdAt: null }],
    ['an invalid justification', { justification: 5 }],
    ['a quorum at creation', { quorum: {} }],
  ])('L30 refuses an entry that this package does not write: %s', async (_, over) => {
    const [created] = await aJournal();
    const broken = { ...created, data: { ...created?.data, ...over } };
    await expect(simulate(definePolicy(definition), [broken as never])).rejects.toMatchObject({ code: 'ERR_JIT_CORRUPT' });
  });
});
