import { describe, expect, it } from 'vitest';
import {
  autoApprove,
  denyAll,
  firstDecisive,
  JitEngine,
  MemoryGrantStore,
  reviewers,
  type Approver,
  type BreakGlassVerdict,
} from '../../src/index.js';
import { definePolicy } from '../../src/policy.js';
import { hangs, ManualClock, ScriptedApprover, throws, type ApproverScript } from '../../src/testing.js';
import { yieldToOthers } from '../../src/core/turns.js';
import { anEngine, MAYA, MINUTE, refusal, SAM, SCOPE } from '../engine/an-engine.js';
import { untilAsleep } from '../engine/until-asleep.js';

const ALLOWS: BreakGlassVerdict = { outcome: 'approve', reviewWithinMs: MINUTE };
const says = (name: string, script: ApproverScript) => new ScriptedApprover(script, name);

/** A policy that approves everything, also by break-glass. */
const policy = definePolicy({
  groups: { security: [SAM] },
  rules: [{ id: 'yes', scopes: ['**'], approve: true }],
  breakGlass: [{ id: 'emergency', scopes: ['**'], maxTtl: '1h', reviewers: ['security'], reviewWithin: '1d' }],
});

/** The outcome of a break-glass call: the code of its refusal, or granted. */
async function emergency(approver: Approver) {
  const made = anEngine({ approver });
  const work = made.engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: MINUTE, justification: 'down' });
  const said = await work.then(
    () => 'granted',
    (error: unknown) => error as { readonly code: string; readonly reason?: string },
  );
  return { ...made, said: typeof said === 'string' ? said : said.code, reason: typeof said === 'string' ? undefined : said.reason };
}

describe('break-glass in a chain', () => {
  it('L16 denyAll as the first member stops break-glass access [H8]', async () => {
    const { said, reason, engine } = await emergency(firstDecisive(denyAll('switched off'), policy));
    expect([said, reason]).toEqual(['ERR_JIT_INELIGIBLE', 'switched off']);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it('L16 denyAll alone denies break-glass too, with its reason [H8]', async () => {
    expect(await emergency(denyAll('switched off'))).toMatchObject({ said: 'ERR_JIT_INELIGIBLE', reason: 'switched off' });
  });

  it('L16 a member without breakGlass whose decide denies is a denial, at any position before the approving member [H8]', async () => {
    const freeze = says('freeze', { decide: ({ scopes }) => ({ outcome: 'deny', reason: `frozen: ${scopes.join()}` }) });
    const quiet = says('quiet', {});
    for (const chain of [
      firstDecisive(freeze, policy),
      firstDecisive(quiet, freeze, policy),
      firstDecisive(firstDecisive(quiet, freeze), policy),
      firstDecisive(says('early', { breakGlass: { outcome: 'abstain' } }), freeze, says('late', { breakGlass: ALLOWS })),
    ]) {
      expect(await emergency(chain)).toMatchObject({ said: 'ERR_JIT_INELIGIBLE', reason: `frozen: ${SCOPE}` });
    }
  });

  it('L30 an earlier member that fails, hangs, or gives no verdict refuses: it may have been a freeze [H8]', async () => {
    for (const decide of [throws(new Error('down')), () => ({}) as never, () => ({ outcome: 'denied' }) as never]) {
      expect((await emergency(firstDecisive(says('freeze', { decide }), policy))).said).toBe('ERR_JIT_APPROVER');
    }
    const clock = new ManualClock();
    const { engine } = anEngine({ approver: firstDecisive(says('freeze', { decide: hangs() }), policy), clock });
    const work = engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: MINUTE, justification: 'down' });
    work.catch(() => undefined);
    await untilAsleep(clock);
    await clock.advance(MINUTE);
    expect((await refusal(work, 'ERR_JIT_APPROVER')).message).toContain('no answer within 10000 ms');
  });

  it('a member with breakGlass is asked only that, so a member that depends on an external system can abstain [H8]', async () => {
    const tickets = says('tickets', { decide: throws(new Error('the ticket system is down')), breakGlass: { outcome: 'abstain' } });
    expect((await emergency(firstDecisive(tickets, denyless(), policy))).said).toBe('granted');
    expect(tickets.asked('decide')).toBe(0);
    expect(tickets.asked('breakGlass')).toBe(1);
  });

  it('L42 all members are asked concurrently, so they share one time limit [H8]', async () => {
    const clock = new ManualClock();
    const asked: string[] = [];
    const slow = (name: string): Approver => ({
      name,
      decide: async () => {
        asked.push(name);
        await clock.sleep(clock.now() + 9_000, new AbortController().signal);
        return { outcome: 'abstain' };
      },
    });
    const engine = new JitEngine({
      store: new MemoryGrantStore(),
      approver: firstDecisive(slow('a'), slow('b'), slow('c'), policy),
      clock,
    });
    const work = engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: '10m', justification: 'down' });
    work.catch(() => undefined);
    for (let turn = 0; asked.length < 3 && turn < 100; turn++) await yieldToOthers();
    // Each takes nine of the ten seconds.
    expect(asked).toEqual(['a', 'b', 'c']);
    await clock.advance(9_500);
    expect((await work).outcome).toBe('granted');
  });

  it('a failing member after the approving one changes nothing, and is not asked', async () => {
    const behind = says('behind', { decide: throws(new Error('down')) });
    expect((await emergency(firstDecisive(policy, denyAll(), behind))).said).toBe('granted');
    expect(behind.questions).toEqual([]);
  });

  it('reviewers and autoApprove abstain: neither a failing rule nor too few reviewers stop break-glass', async () => {
    const failing = autoApprove(() => {
      throw new Error('down');
    });
    const few = reviewers({ members: [MAYA], name: 'few' });
    expect((await emergency(firstDecisive(failing, few, policy))).said).toBe('granted');
  });
});

/** Abstains from everything. */
const denyless = (): Approver => ({ name: 'denyless', decide: () => ({ outcome: 'abstain' }) });
