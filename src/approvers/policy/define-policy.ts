import type { Approver, Verdict } from '../../ports.js';
import type { AccessRequest } from '../../records.js';
import { breakGlass, mayAcknowledge } from './break-glass.js';
import { compile } from './compile.js';
import { answer, toVerdict, whyIneligible } from './decide.js';
import { explain, readQuestion } from './explain.js';
import { Memberships } from './groups.js';
import { lint } from './lint.js';
import { groupsOf, reviewersOf, whyNoRight } from './rights.js';
import type { Policy, PolicyDefinition } from './types.js';

/**
 * An approver made of rules: who may ask for what, for how long, decided by whom.
 *
 * - A deny rule that overlaps any scope asked beats everything, break-glass included, wherever it stands.
 * - Otherwise the first rule that covers a scope for this subject decides it, with its own limits. No rule: not eligible.
 * - Several scopes, or a pattern, are decided as one: every rule that holds must be satisfied, in its strictest form.
 *
 * Gotcha: the order of the rules matters. `lint()` finds those that can't decide anything.
 *
 * @throws InvalidArgumentError that names rule and field: `rules[1] ("prod-write").maxTtl`
 * @example
 * definePolicy({
 *   groups: { sre: ['user:maya', 'user:lee'], dba: ['user:ana', 'user:kim'] },
 *   rules: [
 *     { id: 'staging', scopes: ['db-staging:**'], subjects: [{ group: 'sre' }], maxTtl: '8h', approve: true },
 *     { id: 'prod', scopes: ['db-prod:*'], subjects: [{ group: 'sre' }], maxTtl: '1h', review: { groups: { dba: 1 } } },
 *   ],
 * })
 */
export function definePolicy(policy: PolicyDefinition): Policy {
  const compiled = compile(policy);
  const about = (request: AccessRequest) => new Memberships(compiled.groups, request);
  const approver: Required<Omit<Approver, 'answersFor'>> = {
    name: compiled.name,
    decide: async (request): Promise<Verdict> => toVerdict(await answer(compiled, about(request))),
    groupsOf: (reviewer, request) => groupsOf(reviewer, about(request)),
    membersOf: (request) => reviewersOf(about(request)),
    async isEligible(request, when) {
      const memberships = about(request);
      const reason =
        when === 'creation' ? whyIneligible(await answer(compiled, memberships), request) : await whyNoRight(compiled, memberships);
      return reason === undefined ? true : Object.freeze({ eligible: false, reason });
    },
    breakGlass: (request) => breakGlass(compiled, about(request)),
    mayAcknowledge: (reviewer, request) => mayAcknowledge(compiled, reviewer, about(request)),
  };
  return Object.freeze({
    ...approver,
    lint: () => lint(compiled),
    explain: async (request: Parameters<Policy['explain']>[0]) => explain(compiled, readQuestion(request)),
  });
}
