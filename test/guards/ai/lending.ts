import { ScriptedApprover } from '../../../src/testing.js';
import { runSubject, type JitEngineOptions } from '../../../src/index.js';
import { anEngine, MINUTE } from '../../engine/an-engine.js';
import type { Options } from './sdks.js';

export const AGENT = 'agent:7';
export const OPERATOR = 'user:olga';
/** The id under which the operator's run holds access. */
export const RUN = runSubject({ agent: AGENT, operator: OPERATOR });
export const SCOPE_42 = 'billing:42:refund';
export const TTL = 10 * MINUTE;

/** An engine in which the operator of an agent may review for it; other agents claim to be in the group. */
export function anOffice(options: Partial<JitEngineOptions> = {}) {
  const approver = new ScriptedApprover({
    decide: { outcome: 'review', quorum: { groups: [{ name: 'operator', approvals: 1 }] } },
    groupsOf: (who, { operator }) => (who === operator || who.startsWith('agent:') ? ['operator'] : []),
    membersOf: ({ operator }) => (operator === undefined ? [] : [operator]),
    isEligible: true,
  });
  return { ...anEngine({ approver, ...options }), approver };
}

/** The scope of the tool in these tests. */
export const refundOptions = (over: Partial<Options> = {}): Options => ({
  agent: AGENT,
  operator: OPERATOR,
  scope: 'billing:{order}:refund',
  ttl: TTL,
  justification: ({ why }) => why,
  ...over,
});
