import { describe, expect, it } from 'vitest';
import { explain, preview, requestable } from '../../src/explain.js';
import { approvalLinks } from '../../src/links.js';
import { verifyStore } from '../../src/journal.js';
import { definePolicy, type ReviewAssurance } from '../../src/policy.js';
import { ScriptedApprover } from '../../src/testing.js';
import { expectReplayed } from '../property/fold.js';
import { ANA, anEngine, aPending, at, entriesOf, MAYA, MINUTE, refusal, SAM, typesOf } from './an-engine.js';

const STRONG = { acr: ['phr', 'phrh'], maxAgeMs: 5 * MINUTE } as const;

/** An engine whose quorum needs two approvals with this assurance. The clock shows 10 minutes. */
async function aBank(assurance: object | null = STRONG, approvals = 1) {
  const quorum = { groups: [{ name: 'ops', approvals }], denials: 1, assurance: assurance ?? undefined };
  const made = anEngine({ approver: new ScriptedApprover({ decide: { outcome: 'review', quorum }, groupsOf: ['ops'] }) });
  const request = await aPending(made.engine);
  await made.clock.set(at(10 * MINUTE));
  return { ...made, request };
}

describe('the assurance of a quorum (feature 6)', () => {
  it('accepts an approval of a listed kind and age, and records on the review how the reviewer was authenticated', async () => {
    const { engine, store, request } = await aBank();
    expect(request.quorum?.assurance).toEqual(STRONG);
    const auth = { acr: 'phrh', authAt: new Date(at(5 * MINUTE)) };
    expect((await engine.approve(request.id, { by: SAM, auth })).outcome).toBe('granted');
    const recorded = { acr: 'phrh', authAt: at(5 * MINUTE) };
    expect((await engine.getRequest(request.id))?.request.reviews).toMatchObject([{ reviewer: SAM, auth: recorded }]);
    const reviewed = (await entriesOf(store)).find(({ type }) => type === 'request.reviewed');
    expect(reviewed?.data).toMatchObject({ review: { auth: recorded } });
    await expectReplayed(store);
  });

  it.each([
    ['no authentication', undefined, ['auth.acr', 'auth.authAt']],
    ['an empty one', {}, ['auth.acr', 'auth.authAt']],
    ['another kind', { acr: 'pwd', authAt: at(10 * MINUTE) }, ['auth.acr']],
    ['a kind in other letters', { acr: 'PHR', authAt: at(10 * MINUTE) }, ['auth.acr']],
    ['no kind', { authAt: at(10 * MINUTE) }, ['auth.acr']],
    ['no instant', { acr: 'phr' }, ['auth.authAt']],
    ['one that is too old', { acr: 'phr', authAt: at(5 * MINUTE) - 1 }, ['auth.authAt']],
    ['one in the future', { acr: 'phr', authAt: at(11 * MINUTE) + 1 }, ['auth.authAt']],
  ])('A16 refuses an approval with %s, and records no review', async (_what, auth, fields) => {
    const { engine, store, request } = await aBank();
    const refused = await refusal(engine.approve(request.id, { by: SAM, auth }), 'ERR_JIT_REQUIREMENTS');
    expect(refused.problems.map(({ code, field }) => [code, field])).toEqual(fields.map((field) => ['assurance', field]));
    await engine.flushAudit();
    expect(await typesOf(store)).toEqual(['request.created', 'request.assigned', 'attempt.refused']);
    expect((await engine.getRequest(request.id))?.request.reviews).toEqual([]);
  });

  it('names the accepted kinds and the ages, beside the other problems of the approval', async () => {
    const { engine, request } = await aBank();
    const auth = { acr: 'pwd', authAt: at(0) };
    const refused = await refusal(engine.approve(request.id, { by: SAM, auth, ttl: '8h' }), 'ERR_JIT_REQUIREMENTS');
    expect(refused.problems.map(({ field, code, limit, got }) => [field, code, limit, got])).toEqual([
      ['auth.acr', 'assurance', 'phr, phrh', 'pwd'],
      ['auth.authAt', 'assurance', 5 * MINUTE, 10 * MINUTE],
      ['ttl', 'too_long', request.ttlMs, 480 * MINUTE],
    ]);
    expect(refused.message).toContain('an approval needs an authentication of the last 5m; got one that is older');
  });

  it('A16 accepts an instant of a clock that is up to a minute ahead', async () => {
    const { engine, request } = await aBank();
    const auth = { acr: 'phr', authAt: at(11 * MINUTE) };
    expect((await engine.approve(request.id, { by: SAM, auth })).outcome).toBe('granted');
  });

  it('judges the age once, when the approval is given', async () => {
    const { engine, clock, request } = await aBank(STRONG, 2);
    await engine.approve(request.id, { by: SAM, auth: { acr: 'phr', authAt: at(10 * MINUTE) } });
    await clock.advance('30m');
    expect((await engine.approve(request.id, { by: ANA, auth: { acr: 'phr', authAt: at(40 * MINUTE) } })).outcome).toBe('granted');
  });

  it('A16 needs no authentication of a denial, which records none', async () => {
    const { engine, request } = await aBank();
    expect((await engine.deny(request.id, { by: SAM })).outcome).toBe('denied');
    expect((await engine.getRequest(request.id))?.request.reviews).toMatchObject([{ verdict: 'deny', auth: undefined }]);
    const second = await aPending(engine, { scope: 'other' });
    expect(await refusal(engine.deny(second.id, { by: SAM, auth: { acr: 'phr' } } as never), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({
      argument: 'options',
    });
  });

  it('A16 is not satisfied by an approval link alone, but by the authentication of its redeemer', async () => {
    const { engine, request } = await aBank();
    const links = approvalLinks(engine, { keys: [{ id: 'k', secret: 'x'.repeat(32) }] });
    const token = await links.create(request.id, { reviewer: SAM, decision: 'approve' });
    const auth = { acr: 'phr', authAt: at(9 * MINUTE) };
    expect((await refusal(links.redeem(token, { by: SAM }), 'ERR_JIT_REQUIREMENTS')).problems).toHaveLength(2);
    expect((await links.redeem(token, { by: SAM, auth })).outcome).toBe('granted');
  });

  it('is recorded where a quorum needs none', async () => {
    const { engine, request, store } = await aBank(null);
    await engine.approve(request.id, { by: SAM, auth: { acr: 'pwd' } });
    expect((await engine.getRequest(request.id))?.request.reviews).toMatchObject([{ auth: { acr: 'pwd', authAt: undefined } }]);
    expect((await verifyStore(store)).ok).toBe(true);
  });

  it.each([
    [{ acr: ' phr' }, 'auth.acr'],
    [{ acr: '' }, 'auth.acr'],
    [{ authAt: 'now' }, 'auth.authAt'],
    [{ authAt: NaN }, 'auth.authAt'],
    [{ kind: 'phr' }, 'auth'],
    [7, 'auth'],
  ])('refuses the malformed authentication %j', async (auth, argument) => {
    const { engine, request } = await aBank();
    expect(await refusal(engine.approve(request.id, { by: SAM, auth: auth as never }), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({
      argument,
    });
  });

  it.each([
    [{}, 'verdict.quorum.assurance'],
    [{ acr: [] }, 'verdict.quorum.assurance.acr'],
    [{ acr: ['a', 'a'] }, 'verdict.quorum.assurance.acr[1]'],
    [{ maxAgeMs: 0 }, 'verdict.quorum.assurance.maxAgeMs'],
    [{ maxAgeMs: '5m' }, 'verdict.quorum.assurance.maxAgeMs'],
    [{ maxAge: 5 }, 'verdict.quorum.assurance must be an object with only acr, maxAgeMs'],
  ])('L30 refuses the malformed assurance %j of an approver', async (assurance, argument) => {
    const quorum = { groups: [{ name: 'ops', approvals: 1 }], assurance } as never;
    const { engine } = anEngine({ approver: new ScriptedApprover({ decide: { outcome: 'review', quorum }, groupsOf: ['ops'] }) });
    const refused = await refusal(preview(engine, { subject: MAYA, scope: 'a', ttl: MINUTE }), 'ERR_JIT_APPROVER');
    expect(String(refused.cause)).toContain(argument);
  });
});

describe('the assurance of a rule (feature 6)', () => {
  const policyOf = (...assurances: readonly (ReviewAssurance | undefined)[]) =>
    definePolicy({
      groups: { ops: [SAM, ANA] },
      rules: assurances.map((assurance, i) => ({ id: `r${i}`, scopes: [`s${i}`], review: { groups: { ops: 1 }, assurance } })),
    });
  const quorumOf = async (...assurances: readonly (ReviewAssurance | undefined)[]) => {
    const { engine } = anEngine({ approver: policyOf(...assurances) });
    const asked = await engine.requestAccess({ subject: MAYA, scopes: assurances.map((_, i) => `s${i}`), ttl: MINUTE });
    return asked.request.quorum?.assurance ?? asked.request.end;
  };

  it('is frozen on the request, in milliseconds', async () => {
    expect(await quorumOf({ acr: ['phr'], maxAge: '5m' })).toEqual({ acr: ['phr'], maxAgeMs: 5 * MINUTE });
    expect(await quorumOf({ maxAge: '5m' })).toEqual({ acr: undefined, maxAgeMs: 5 * MINUTE });
    expect(await quorumOf(undefined)).toBeUndefined();
  });

  it('of several rules is what satisfies each: the common kinds, and the least age', async () => {
    const rules = [{ acr: ['phr', 'phrh'], maxAge: '1h' }, undefined, { acr: ['mfa', 'phrh'] }, { maxAge: '5m' }] as const;
    expect(await quorumOf(...rules)).toEqual({ acr: ['phrh'], maxAgeMs: 5 * MINUTE });
  });

  it('denies a request whose rules have no kind in common', async () => {
    expect(await quorumOf({ acr: ['phr'] }, { acr: ['mfa'] })).toMatchObject({
      status: 'denied',
      reason: 'its rules accept no authentication context in common: ask for the scopes of each rule separately',
    });
  });

  it.each([
    [{}, 'rules[0] ("r0").review.assurance must be an object with acr, maxAge or both; got none'],
    [{ acr: [] }, 'rules[0] ("r0").review.assurance.acr must be'],
    [{ acr: ['a', 'a'] }, 'rules[0] ("r0").review.assurance.acr'],
    [{ maxAge: '5' }, 'rules[0] ("r0").review.assurance.maxAge must be'],
    [{ max: '5m' }, 'rules[0] ("r0").review.assurance.max must be omitted'],
  ])('refuses the malformed %j', (assurance, text) => {
    expect(() => policyOf(assurance as never)).toThrow(text);
  });

  it('is described in words', async () => {
    const { engine } = anEngine({ approver: policyOf({ acr: ['phr', 'phrh'], maxAge: '5m' }) });
    const words = '1 of ops, signed in with phr or phrh at most 5m ago';
    expect((await requestable(engine, MAYA)).items).toMatchObject([{ quorumInWords: words }]);
    expect((await explain(engine, MAYA, 's0')).scope).toBe('s0');
    const { engine: aged } = anEngine({ approver: policyOf({ maxAge: '5m' }) });
    expect((await requestable(aged, MAYA)).items).toMatchObject([{ quorumInWords: '1 of ops, signed in at most 5m ago' }]);
  });
});
