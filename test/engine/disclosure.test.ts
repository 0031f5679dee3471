import { preview } from 'jit-access/explain';
import { describe, expect, it } from 'vitest';
import { ScriptedApprover } from '../../src/testing.js';
import { ANA, aGranted, anEngine, aPending, ask, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE } from './an-engine.js';
import { linksOf } from '../features/links/links-of.js';
import { decideAgain } from './decide-again.js';

const EVE = 'user:eve';
/** Texts and metadata that are for reviewers and approvers. */
const TOLD = { justification: 'my secret-reason', ticket: 'secret-ticket', metadata: { note: 'secret-metadata' } } as const;

/** What a handler discloses if it serialises a value in any of the usual ways. */
function serialised(value: unknown): string {
  const own = { ...(value as object) };
  const message = value instanceof Error ? value.message : '';
  return [JSON.stringify(value), JSON.stringify(own), message].join('\n');
}

describe('disclosure about the request of another subject', () => {
  for (const verb of ['approve', 'deny', 'cancel'] as const) {
    it(`${verb} shows only the id and the status when it is refused because the request has ended [M13]`, async () => {
      const { engine } = anEngine();
      const { id } = await aPending(engine, TOLD);
      await engine.deny(id, { by: SAM, reason: 'secret-denial' });
      const error = await refusal(engine[verb](id, { by: verb === 'cancel' ? MAYA : EVE }), 'ERR_JIT_DECIDED');
      expect(serialised(error)).not.toContain('secret');
      expect(error).toMatchObject({ requestId: id, status: 'denied' });
      // Only serialisation hides the record: the caller's own code can read it.
      expect(error.request.end?.reason).toBe('secret-denial');
    });
  }

  it('reviewBreakGlass shows neither the reason nor the reviewer of an earlier review [M13]', async () => {
    const approver = new ScriptedApprover({ breakGlass: { outcome: 'approve', reviewWithinMs: HOUR }, mayReviewBreakGlass: true });
    const { engine } = anEngine({ approver });
    const { request } = await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: MINUTE, ...TOLD });
    await engine.reviewBreakGlass(request.id, { by: SAM, verdict: 'justified', reason: 'secret-review' });
    const error = await refusal(engine.reviewBreakGlass(request.id, { by: EVE, verdict: 'unjustified' }), 'ERR_JIT_DECIDED');
    expect(serialised(error)).not.toMatch(/secret|user:sam/);
    expect(error).toMatchObject({ requestId: request.id, status: 'approved' });
  });

  it('extend does not show why a grant was ended [M13]', async () => {
    const { engine } = anEngine();
    const grant = await aGranted(engine);
    await engine.revoke(grant.id, { by: SAM, reason: 'secret-incident' });
    const error = await refusal(engine.extend(grant.id, { ttl: MINUTE, requestedBy: EVE }), 'ERR_JIT_ENDED');
    expect(serialised(error)).not.toContain('secret');
    expect(error.end?.reason).toBe('secret-incident');
  });

  it('a link shows its holder the ask, without metadata and without reasons or comments of reviewers [M13]', async () => {
    const approver = new ScriptedApprover({
      decide: { outcome: 'review', quorum: { groups: [{ name: 'team', approvals: 2 }] } },
      groupsOf: () => ['team'],
    });
    const { engine } = anEngine({ approver });
    const { id } = await aPending(engine, TOLD);
    await engine.approve(id, { by: ANA, reason: 'hidden-word', comment: 'hidden-talk' });
    const token = await linksOf(engine).create(id, { reviewer: SAM, decision: 'approve' });
    const shown = await linksOf(engine).open(token);
    expect(serialised(shown)).not.toMatch(/secret-metadata|hidden/);
    expect(shown).toMatchObject({ reviewer: SAM, decision: 'approve' });
    expect(shown.request).toMatchObject({
      id,
      subject: MAYA,
      scopes: [SCOPE],
      justification: TOLD.justification,
      reviews: [{ reviewer: ANA }],
    });
    expect(shown.request.metadata).toBeUndefined();
  });

  it('a link shows everything, metadata too, to the reviewer whom the caller names; a link of another reviewer shows nothing [M13]', async () => {
    const { engine } = anEngine();
    const { id } = await aPending(engine, TOLD);
    const token = await linksOf(engine).create(id, { reviewer: SAM, decision: 'approve' });
    const { open } = linksOf(engine);
    expect((await open(token)).request.metadata).toBeUndefined();
    expect((await open(token, { by: SAM })).request.metadata).toEqual(TOLD.metadata);
    expect(serialised(await refusal(open(token, { by: EVE }), 'ERR_JIT_LINK'))).not.toContain('secret');
  });

  for (const dryRun of [false, true]) {
    it(`requestAccess shows no text of it to another requester for the same subject${dryRun ? ', in a dry run' : ''} [M13]`, async () => {
      const { engine } = anEngine();
      const { id } = await aPending(engine, TOLD);
      const asked = { subject: MAYA, scope: SCOPE, ttl: 15 * MINUTE, requestedBy: EVE };
      const answer = dryRun ? await preview(engine, asked) : await engine.requestAccess(asked);
      expect(serialised(answer)).not.toContain('secret');
      // The requester who made it sees all of it.
      expect((await decideAgain(engine, id)).request).toMatchObject(TOLD);
      expect((await ask(engine)).request.id).toBe(id);
    });
  }
});
