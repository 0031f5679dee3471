import { readOptions } from '../../input.js';
import type { Approver, Verdict } from '../../ports.js';
import type { AccessRequest } from '../../records.js';
import { readQuestion } from './asked.js';
import { breakGlass, mayAcknowledge } from './break-glass.js';
import { compile } from './compile.js';
import { answer, toVerdict, whyIneligible } from './decide.js';
import { copyPolicy, type Copy } from './copy.js';
import { explain } from './explain.js';
import { Question } from './question.js';
import { lint } from './lint.js';
import { readReach } from './reach.js';
import { groupsOf, reviewersOf, whyNoRight } from './rights.js';
import type { Policy, PolicyDefinition, PolicyOptions } from './types.js';

/**
 * An approver made of rules: who may ask for what, for how long, decided by whom.
 *
 * - A deny rule that overlaps any scope asked beats everything, break-glass included, wherever it stands.
 * - Otherwise the first rule that covers a scope for this subject decides it, with its own limits. No rule: not eligible.
 * - Several scopes, or a pattern, are decided as one: every rule that holds must be satisfied, in its strictest form.
 *
 * Gotcha: the order of the rules matters. `lint()` finds those that can't decide anything.
 *
 * @param options.scopes how far scopes reach; default `patternScopes`, which is right for engines with exact scopes too
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
export function definePolicy(policy: PolicyDefinition, options: PolicyOptions = {}): Policy {
  return policyOf(copyPolicy(policy), readOptions<keyof PolicyOptions>('options', options, ['scopes']).scopes);
}

/** The approver that a copied policy makes. */
export function policyOf(copy: Copy, scopes: unknown): Policy {
  const compiled = compile(copy, readReach('options.scopes', scopes));
  const about = (request: AccessRequest) => new Question(compiled, request);
  const approver: Required<Omit<Approver, 'answersFor'>> = {
    name: compiled.name,
    decide: async (request): Promise<Verdict> => toVerdict(await answer(compiled, about(request))),
    groupsOf: (reviewer, request) => groupsOf(reviewer, about(request)),
    membersOf: (request) => reviewersOf(about(request)),
    async isEligible(request, when) {
      const question = about(request);
      const reason = when === 'creation' ? whyIneligible(await answer(compiled, question), request) : await whyNoRight(compiled, question);
      return reason === undefined ? true : Object.freeze({ eligible: false, reason });
    },
    breakGlass: (request) => breakGlass(compiled, about(request)),
    mayAcknowledge: (reviewer, request) => mayAcknowledge(reviewer, about(request)),
  };
  return Object.freeze({
    ...approver,
    lint: () => lint(compiled),
    explain: async (request: Parameters<Policy['explain']>[0]) => explain(compiled, readQuestion(request)),
  });
}
