import { describe, expect, it } from 'vitest';
import { firstDecisive, type Approver } from '../../../src/index.js';
import { definePolicy } from '../../../src/policy.js';
import { ScriptedApprover } from '../../../src/testing.js';
import { aClient } from '../client/client-world.js';
import { aService, EVE, MAYA, policy, RAJ, SAM, SEC, turns } from './world.js';

const KIM = 'user:kim';
const ANA = 'user:ana';
const SCOPE = 'db-prod:write';

/** maya, sam and kim lead; two approvals are needed, and then one of security. */
const TWO_STEPS = () =>
  definePolicy({
    groups: { leads: [MAYA, SAM, KIM], security: [ANA] },
    rules: [
      {
        id: 'database',
        scopes: ['db-prod:*'],
        subjects: [MAYA],
        requesters: [{ self: true }, RAJ],
        maxTtl: '1h',
        review: { steps: [{ groups: { leads: 2 } }, { groups: { security: 1 } }] },
      },
    ],
  });

async function aRequest(approver: Approver = TWO_STEPS()) {
  const service = aService({ engine: { approver } });
  const asked = await service.engine.requestAccess({ subject: MAYA, requestedBy: RAJ, scope: SCOPE, ttl: '30m' });
  const read = async (as: string) => (await service.send('GET', `/requests/${asked.request.id}/reviewers`, { as })).body;
  return { ...service, asked, id: asked.request.id, read };
}

describe('the reviewers of a pending request', () => {
  it('are for the subject and the requester what the answer `pending` said, and nothing more', async () => {
    const { asked, read } = await aRequest();
    const named = {
      groups: ['leads'],
      reviewers: [SAM, KIM],
      missing: [
        { group: 'leads', approvals: 2, alternative: 0, step: 0 },
        { group: 'security', approvals: 1, alternative: 0, step: 1 },
      ],
      missingInWords: '2 more of leads, then 1 more of security',
      changesAt: asked.request.reviewBy,
    };
    expect(asked.outcome === 'pending' && asked.reviewers).toEqual(named.reviewers);
    expect(await read(MAYA)).toEqual(named);
    expect(await read(RAJ)).toEqual(named);
  });

  it('are shown to its reviewers and to callers with `viewRequest` with the reason why a reviewer does not count', async () => {
    const { engine, id, read } = await aRequest();
    await engine.approve(id, { by: KIM });
    await engine.lock({ subject: SAM }, { by: SEC });
    const excluded = [
      { reviewer: MAYA, why: 'own_request' },
      { reviewer: KIM, why: 'has_approved' },
      { reviewer: SAM, why: 'locked' },
    ];
    for (const as of [SAM, KIM, ANA, SEC]) expect([as, (await read(as)).excluded]).toEqual([as, excluded]);
    for (const as of [MAYA, RAJ]) expect([as, 'excluded' in (await read(as))]).toEqual([as, false]);
  });

  it('give the subject no reason even if `may` permits the subject everything', async () => {
    const service = aService({ engine: { approver: TWO_STEPS() }, http: { may: () => true } });
    const { request } = await service.engine.requestAccess({ subject: MAYA, requestedBy: RAJ, scope: SCOPE, ttl: '30m' });
    for (const as of [MAYA, RAJ]) {
      const { status, body } = await service.send('GET', `/requests/${request.id}/reviewers`, { as });
      expect([as, status, Object.keys(body)]).toEqual([as, 200, ['groups', 'reviewers', 'missing', 'missingInWords', 'changesAt']]);
    }
  });

  it('name a reviewer of a later step, one that has denied, and one that has left the group', async () => {
    const quorum = {
      steps: [{ groups: [{ name: 'leads', approvals: 2 }] }, { groups: [{ name: 'security', approvals: 1 }] }],
      denials: 2,
    };
    const groups: Record<string, readonly string[]> = { [SAM]: ['leads'], [KIM]: ['leads'], [ANA]: ['security'] };
    const approver = new ScriptedApprover({
      decide: { outcome: 'review', quorum },
      groupsOf: (person) => groups[person] ?? [],
      membersOf: () => [SAM, KIM, ANA],
    });
    const { engine, id, read } = await aRequest(approver);
    await engine.deny(id, { by: SAM });
    await engine.approve(id, { by: KIM });
    groups[KIM] = [];
    expect((await read(SEC)).excluded).toEqual([
      { reviewer: SAM, why: 'has_denied' },
      { reviewer: KIM, why: 'not_in_group' },
      { reviewer: ANA, why: 'not_your_step' },
    ]);
  });

  it('are none of a request that is decided, that has expired, or that waits for its approver', async () => {
    const none = { groups: [], reviewers: [], missing: [] };
    const { engine, id, read } = await aRequest();
    await engine.deny(id, { by: SAM });
    expect([await read(MAYA), await read(SAM)]).toEqual([none, { ...none, excluded: [] }]);
    const late = await aRequest();
    await late.clock.advance('30d');
    expect(await late.read(MAYA)).toEqual(none);
    const decide: Approver['decide'] = () => {
      throw new Error('down');
    };
    const waiting = aService({ engine: { approver: { ...policy(), decide } } });
    const ask = { subject: MAYA, scope: SCOPE, ttl: '30m', justification: 'INC-204', idempotencyKey: 'k' } as const;
    await expect(waiting.engine.requestAccess(ask)).rejects.toThrow('down');
    const [request] = (await waiting.engine.listRequests()).items;
    expect((await waiting.send('GET', `/requests/${request?.id ?? ''}/reviewers`, { as: MAYA })).body).toEqual({
      ...none,
      changesAt: request?.reviewBy,
    });
  });

  it('omit a reviewer about whom the approver fails, report it, and ask about at most 100', async () => {
    const all = Array.from({ length: 300 }, (_, i) => `user:r${i}`);
    const asked = new Set<string>();
    const approver = new ScriptedApprover({
      decide: { outcome: 'review', quorum: { groups: [{ name: 'leads', approvals: 1 }] } },
      groupsOf(person) {
        asked.add(person);
        if (person === 'user:r7') throw new Error('the directory is down');
        return person === SAM ? ['leads'] : [];
      },
      membersOf: () => [SAM, ...all],
    });
    const { read, errors } = await aRequest(firstDecisive(approver));
    const { excluded, reviewers } = await read(SAM);
    expect([excluded?.length, reviewers?.length]).toEqual([96, 301]);
    expect(JSON.stringify(excluded)).not.toContain('user:r7"');
    expect(asked.size).toBe(100);
    expect(errors.map(String)).toContainEqual(expect.stringContaining('the directory is down'));
  });

  it('wait 3 seconds for the approver, and omit what it has not answered', async () => {
    const approver = new ScriptedApprover({
      decide: { outcome: 'review', quorum: { groups: [{ name: 'leads', approvals: 1 }] } },
      groupsOf: (person) => (person === KIM ? new Promise(() => undefined) : [SAM, MAYA].includes(person) ? ['leads'] : []),
      membersOf: () => [SAM, KIM, ANA],
    });
    const { read, clock, errors } = await aRequest(approver);
    const answer = read(SEC);
    await turns();
    await clock.advance('3s');
    expect((await answer).excluded).toEqual([
      { reviewer: MAYA, why: 'own_request' },
      { reviewer: ANA, why: 'not_in_group' },
    ]);
    expect(errors.map(String)).toContainEqual(expect.stringContaining('gave no answer within 3000 ms'));
  });

  it('are listed as unknown, and not as none, if the approver cannot list them', async () => {
    const approver = new ScriptedApprover({
      decide: { outcome: 'review', quorum: { groups: [{ name: 'leads', approvals: 1 }] } },
      groupsOf: (person) => (person === SAM ? ['leads'] : []),
    });
    const { asked, read } = await aRequest(approver);
    expect(await read(SAM)).toEqual({
      changesAt: asked.request.reviewBy,
      groups: ['leads'],
      missing: [{ group: 'leads', approvals: 1, alternative: 0, step: 0 }],
      missingInWords: '1 more of leads',
      excluded: [],
    });
  });

  it('are 404 for a stranger, also as a member of a group that reviews other requests', async () => {
    const { id, send } = await aRequest();
    const unknown = await send('GET', `/requests/${'0'.repeat(32)}/reviewers`, { as: EVE });
    const known = await send('GET', `/requests/${id}/reviewers`, { as: EVE });
    expect([known.status, known.text]).toEqual([404, unknown.text]);
  });

  it('reach the client', async () => {
    const service = await aRequest();
    const { excluded, missingInWords } = await aClient(service, SAM).client.getReviewers(service.id);
    expect([excluded, missingInWords]).toEqual([[{ reviewer: MAYA, why: 'own_request' }], '2 more of leads, then 1 more of security']);
  });
});
