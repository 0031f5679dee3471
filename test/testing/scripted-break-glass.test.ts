import { describe, expect, it } from 'vitest';
import { aRequest, inTurn, ScriptedApprover, throws, type ApproverScript } from '../../src/testing.js';

const ALLOWS = { outcome: 'approve', reviewWithinMs: 1 } as const;

describe('ScriptedApprover', () => {
  it('has break-glass methods where they are scripted, and answers and records them', async () => {
    expect(['breakGlass' in new ScriptedApprover(), 'mayReviewBreakGlass' in new ScriptedApprover()]).toEqual([false, false]);
    const approver = new ScriptedApprover({
      breakGlass: inTurn(ALLOWS, throws(new Error('down'))),
      mayReviewBreakGlass: (who) => who === 'user:lee',
    });
    const request = aRequest();
    expect(await approver.breakGlass?.(request)).toEqual(ALLOWS);
    expect(() => approver.breakGlass?.(request)).toThrow('down');
    expect([await approver.mayReviewBreakGlass?.('user:lee', request), await approver.mayReviewBreakGlass?.('user:eve', request)]).toEqual([
      true,
      false,
    ]);
    expect(approver.questions).toEqual([
      { method: 'breakGlass', request },
      { method: 'breakGlass', request },
      { method: 'mayReviewBreakGlass', reviewer: 'user:lee', request },
      { method: 'mayReviewBreakGlass', reviewer: 'user:eve', request },
    ]);
  });

  it('answers no where an answer is removed from its script', async () => {
    const approver = new ScriptedApprover({ breakGlass: ALLOWS, mayReviewBreakGlass: true });
    const script: ApproverScript = approver.script;
    delete script.breakGlass;
    delete script.mayReviewBreakGlass;
    expect(await approver.breakGlass?.(aRequest())).toEqual({ outcome: 'abstain' });
    expect(await approver.mayReviewBreakGlass?.('user:lee', aRequest())).toBe(false);
  });

  it('gives the reason why a subject is not eligible', async () => {
    const no = { eligible: false, reason: 'no rule' } as const;
    expect(await new ScriptedApprover({ isEligible: no }).isEligible?.(aRequest(), 'creation')).toEqual(no);
  });
});
