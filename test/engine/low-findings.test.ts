import { preview } from 'jit-access/explain';
import { describe, expect, it } from 'vitest';
import { ScriptedApprover } from '../../src/testing.js';
import { aGranted, ANA, anEngine, aPending, ask, at, HOUR, LEE, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from './an-engine.js';
import { decideAgain } from './decide-again.js';

const quorumOf = (approvals: number) => ({ groups: [{ name: 'ops', approvals }], denials: 2 });

describe('cancel of a request that another one replaces', () => {
  it('L12 [EN7] is refused with the id of the new request, after an amendment and after break-glass', async () => {
    const breakGlass = { outcome: 'approve', reviewWithinMs: HOUR } as const;
    const approver = new ScriptedApprover({ decide: { outcome: 'review', quorum: quorumOf(1) }, groupsOf: ['ops'], breakGlass });
    const { engine, store } = anEngine({ approver });
    const old = await aPending(engine);
    const { request } = await engine.amend(old.id, { by: MAYA, ttl: '5m' });
    const length = (await typesOf(store)).length;
    expect(await refusal(engine.cancel(old.id, { by: MAYA }), 'ERR_JIT_DECIDED')).toMatchObject({ replacedBy: request.id });
    expect(await decideAgain(engine, old.id)).toMatchObject({ outcome: 'cancelled', request: { replacedBy: request.id } });
    expect((await typesOf(store)).slice(length).filter((type) => type !== 'attempt.refused')).toEqual([]);
    expect(await engine.cancel(request.id, { by: MAYA })).toMatchObject({ cancelled: true });
    expect(await engine.cancel(request.id, { by: MAYA })).toMatchObject({ cancelled: false });
    const overtaken = await aPending(engine);
    const taken = await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: '20m', justification: 'down' });
    expect(await refusal(engine.cancel(overtaken.id, { by: MAYA }), 'ERR_JIT_DECIDED')).toMatchObject({ replacedBy: taken.request.id });
  });
});

describe('canonicalId', () => {
  const shorter = (id: string) => id.replace(/\+x$/, '');

  it('L24 [EN8] must keep its own result: an id that it changes again is refused, and nothing is stored', async () => {
    const { engine, store } = anEngine({ canonicalId: shorter });
    const error = await refusal(ask(engine, { subject: 'user:eve+x+x' }), 'ERR_JIT_INVALID_ARGUMENT');
    expect(error).toMatchObject({ argument: 'subject' });
    await refusal(engine.isAllowed('user:eve+x+x', SCOPE), 'ERR_JIT_INVALID_ARGUMENT');
    expect(await typesOf(store)).not.toContain('request.created');
    expect((await ask(engine, { subject: 'user:eve+x' })).request.subject).toBe('user:eve');
  });

  it('L24 [EN8] is not applied to a stored subject: an extension is for the holder of the grant', async () => {
    const first = anEngine();
    const grant = await aGranted(first.engine, { subject: 'user:eve+x' });
    const { engine } = anEngine({ store: first.store, clock: first.clock, canonicalId: shorter });
    const { request } = await engine.extend(grant.id, { requestedBy: MAYA, ttl: HOUR });
    expect(request.subject).toBe('user:eve+x');
  });
});

describe('an ask until an instant', () => {
  it('L13 [EN9] needs more than minTtl: at exactly minTtl no instant would be left to decide', async () => {
    const { engine, store } = anEngine({ limits: { minTtl: MINUTE } });
    const asked = { subject: MAYA, scope: SCOPE, until: at(MINUTE) };
    for (const said of [await engine.requestAccess(asked).catch((e: unknown) => e), await preview(engine, asked)]) {
      expect(said).toMatchObject({ code: 'ERR_JIT_REQUIREMENTS', problems: [{ field: 'until', code: 'too_short' }] });
    }
    expect(await typesOf(store)).not.toContain('request.created');
    expect(await ask(engine, { ttl: undefined, until: at(MINUTE + 1) })).toMatchObject({ outcome: 'pending' });
    expect(await ask(engine, { scope: 'other', ttl: MINUTE })).toMatchObject({ outcome: 'pending' });
  });
});

describe('the reviewers of a pending request', () => {
  it('L42 [FE13] are those who can still act: one who has approved is omitted until the approval is stale', async () => {
    const quorum = { ...quorumOf(2), approvalTtlMs: 10 * MINUTE };
    const approver = new ScriptedApprover({ decide: { outcome: 'review', quorum }, groupsOf: ['ops'], membersOf: [SAM, ANA, LEE, MAYA] });
    const { engine, clock } = anEngine({ approver });
    const { id } = await aPending(engine);
    expect(await engine.approve(id, { by: SAM })).toMatchObject({ outcome: 'pending', reviewers: [ANA, LEE] });
    expect(await ask(engine)).toMatchObject({ reused: true, reviewers: [ANA, LEE] });
    await clock.set(at(10 * MINUTE));
    expect(await decideAgain(engine, id)).toMatchObject({ outcome: 'pending', reviewers: [SAM, ANA, LEE] });
  });
});

describe('the reason of a lock', () => {
  it.each(['', '   ', '\u200b\n'])('L30 [FE10] may be omitted, but not blank: %j', async (reason) => {
    const { engine, store } = anEngine();
    expect(await refusal(engine.lock({ subject: MAYA }, { by: SAM, reason }), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({
      argument: 'reason',
    });
    expect(await typesOf(store)).toEqual([]);
    expect((await engine.lock({ subject: MAYA }, { by: SAM })).lock.status).toBe('open');
  });
});

describe('an ask that a lock meets between its record and its decision', () => {
  it('L31 [ST7] is refused with the id of the recorded request, which the lock cancels', async () => {
    const made = anEngine();
    const other = anEngine({ store: made.store, clock: made.clock }).engine;
    const approver = new ScriptedApprover({
      decide: async () => {
        await other.lock({ scope: SCOPE }, { by: SAM, reason: 'x' });
        return { outcome: 'approve' };
      },
    });
    const { engine } = anEngine({ store: made.store, clock: made.clock, approver });
    const error = await refusal(ask(engine), 'ERR_JIT_LOCKED');
    const [row] = (await made.store.find({ kind: 'request', limit: 10 })).items;
    expect(row).toBeDefined();
    expect(error.requestId).toBe(row?.id);
    expect(error.message).toContain(`request ${row?.id} is recorded`);
    expect(await engine.getRequest(row?.id as string)).toMatchObject({ outcome: 'cancelled', request: { end: { cause: 'locked' } } });
    // Before anything is recorded, it names no request.
    expect((await refusal(ask(engine), 'ERR_JIT_LOCKED')).requestId).toBeUndefined();
  });
});
