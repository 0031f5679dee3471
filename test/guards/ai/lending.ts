import { ScriptedApprover } from '../../../src/testing.js';
import { runSubject, type JitEngineOptions } from '../../../src/index.js';
import { anEngine, MINUTE } from '../../engine/an-engine.js';
import type { Options } from './sdks.js';

export const AGENT = 'agent:7';
export const OPERATOR = 'user:olga';
/** What holds the access of the operator's run. */
export const RUN = runSubject({ agent: AGENT, operator: OPERATOR });
export const SCOPE_42 = 'billing:42:refund';
export const TTL = 10 * MINUTE;

/** An engine in which whoever runs an agent may review for it, and other agents would be in the group, if that helped. */
export function anOffice(options: Partial<JitEngineOptions> = {}) {
  const approver = new ScriptedApprover({
    decide: { outcome: 'review', quorum: { groups: [{ name: 'operator', approvals: 1 }] } },
    groupsOf: (who, { operator }) => (who === operator || who.startsWith('agent:') ? ['operator'] : []),
    membersOf: ({ operator }) => (operator === undefined ? [] : [operator]),
    isEligible: true,
  });
  return { ...anEngine({ approver, ...options }), approver };
}

/** What the tool of these tests needs. */
export const refundOptions = (over: Partial<Options> = {}): Options => ({
  agent: AGENT,
  operator: OPERATOR,
  scope: 'billing:{order}:refund',
  ttl: TTL,
  justification: ({ why }) => why,
  ...over,
});
