import { describe, expect, it } from 'vitest';
import { ScriptedApprover } from '../../src/testing.js';
import { ANA, anEngine, ask, at, HOUR, LEE, MINUTE, SAM } from './an-engine.js';

const REVIEW = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 3 }] } } as const;
const BREAK_GLASS = { outcome: 'approve', reviewWithinMs: HOUR, reviewers: ['ops'], maxUnreviewed: 100 } as const;

/** An answer that resolves one turn of the event loop later; `most` is the largest number pending at the same time. */
function counted<Answer>(answer: Answer) {
  const count = { open: 0, most: 0 };
  const give = async (): Promise<Answer> => {
    count.open += 1;
    count.most = Math.max(count.most, count.open);
    await new Promise((resolve) => setImmediate(resolve));
    count.open -= 1;
    return answer;
  };
  return { count, give };
}

describe('L42 a verb asks its approver about many items concurrently', () => {
  it('in inbox(), at most 32 at a time, and lists the earliest deadline first', async () => {
    const groups = counted<readonly string[]>(['ops']);
    const approver = new ScriptedApprover({ decide: REVIEW, groupsOf: groups.give });
    const { engine, clock } = anEngine({ approver });
    const asked: string[] = [];
    for (let i = 0; i < 50; i++) {
      asked.push((await ask(engine, { scope: `a:${i}` })).request.id);
      await clock.advance(1_000);
    }
    const inbox = (await engine.inbox(SAM)).items;
    expect(groups.count.most).toBe(32);
    expect(inbox.map(({ request }) => request.id)).toEqual(asked);
  });

  it("in inbox({ of: 'breakGlass' })", async () => {
    const may = counted(true);
    const approver = new ScriptedApprover({ breakGlass: BREAK_GLASS, mayReviewBreakGlass: may.give });
    const { engine, clock } = anEngine({ approver });
    for (let i = 0; i < 5; i++) {
      await engine.breakGlass({ subject: `user:${i}`, scope: 'db:prod', ttl: '5m', justification: 'prod is down' });
      await clock.advance(1_000);
    }
    const owed = (await engine.inbox(SAM, { of: 'breakGlass' })).items;
    expect(may.count.most).toBe(5);
    expect(owed.map(({ reviewBy }) => reviewBy)).toEqual([0, 1, 2, 3, 4].map((i) => at(HOUR + i * 1_000)));
  });

  it('in approve(), about all reviewers whose approval is to be confirmed', async () => {
    const groups = counted<readonly string[]>(['ops']);
    const approver = new ScriptedApprover({ decide: REVIEW, groupsOf: groups.give, isEligible: true });
    const { engine } = anEngine({ approver });
    const { request } = await ask(engine, { ttl: 15 * MINUTE });
    for (const by of [SAM, ANA]) await engine.approve(request.id, { by });
    expect(groups.count.most).toBe(1);
    expect(await engine.approve(request.id, { by: LEE })).toMatchObject({ outcome: 'granted' });
    expect(groups.count.most).toBe(2);
  });
});
