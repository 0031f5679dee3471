import { describe, expect, it } from 'vitest';
import { aRequest, inTurn, ScriptedApprover, throws, type ApproverScript } from '../../src/testing.js';

const ALLOWS = { outcome: 'approve', reviewWithinMs: 1 } as const;

describe('ScriptedApprover', () => {
  it('has break-glass where it is scripted, and answers and remembers it', async () => {
    expect(['breakGlass' in new ScriptedApprover(), 'mayAcknowledge' in new ScriptedApprover()]).toEqual([false, false]);
    const approver = new ScriptedApprover({
      breakGlass: inTurn(ALLOWS, throws(new Error('down'))),
      mayAcknowledge: (who) => who === 'user:lee',
    });
    const request = aRequest();
    expect(await approver.breakGlass?.(request)).toEqual(ALLOWS);
    expect(() => approver.breakGlass?.(request)).toThrow('down');
    expect([await approver.mayAcknowledge?.('user:lee', request), await approver.mayAcknowledge?.('user:eve', request)]).toEqual([
      true,
      false,
    ]);
    expect(approver.questions).toEqual([
      { method: 'breakGlass', request },
      { method: 'breakGlass', request },
      { method: 'mayAcknowledge', reviewer: 'user:lee', request },
      { method: 'mayAcknowledge', reviewer: 'user:eve', request },
    ]);
  });

  it('answers no to what is taken out of its script', async () => {
    const approver = new ScriptedApprover({ breakGlass: ALLOWS, mayAcknowledge: true });
    const script: ApproverScript = approver.script;
    delete script.breakGlass;
    delete script.mayAcknowledge;
    expect(await approver.breakGlass?.(aRequest())).toEqual({ outcome: 'abstain' });
    expect(await approver.mayAcknowledge?.('user:lee', aRequest())).toBe(false);
  });

  it('says why somebody is not eligible', async () => {
    const no = { eligible: false, reason: 'no rule' } as const;
    expect(await new ScriptedApprover({ isEligible: no }).isEligible?.(aRequest(), 'creation')).toEqual(no);
  });
});
