import { promising } from '../../core/decides-at-once.js';
import { invalid, readActor, readOptions } from '../../core/parse.js';
import type { ApproverContext, AskableApprover, Verdict } from '../../core/approver-port.js';
import { agentOf, type AccessRequest } from '../../records/index.js';
import { byCanonicalId } from '../canonical.js';
import { readQuestion } from './policy-question.js';
import { breakGlass } from './break-glass.js';
import { compile, type Compiled } from './compile.js';
import { answer, toVerdict, whyIneligible } from './decide.js';
import { copyPolicy, type Copy } from './copy.js';
import { explain } from './explain.js';
import { groupsOfAll, hasTogether } from './groups-of-all.js';
import { asksNobody } from './matching.js';
import { Question } from './question.js';
import { follow, type Steps } from './steps.js';
import { lint } from './lint.js';
import { ruleScopesOf, readRuleScopes } from './rule-scopes.js';
import { requestable } from './requestable.js';
import { groupsOf, mayReviewBreakGlass, reviewersOf, whyNoRight } from './rights.js';
import type { Policy, PolicyDefinition, PolicyOptions, RuleGroup } from './types.js';

/**
 * Makes an approver from rules. A rule states who may ask for which scopes, for how long, and who decides.
 *
 * - A deny rule that overlaps a requested scope takes precedence over every other rule, in any order, and over break-glass.
 * - Otherwise the first rule that covers a scope for this subject decides it, with its own limits. Without such a rule, the
 *   subject is not eligible.
 * - Several scopes, or a pattern, have one decision. It must satisfy every rule that applies, with the strictest of their limits.
 *
 * Gotcha: the order of the rules matters. `lint()` finds the rules that can never decide.
 *
 * The compiler reports a name that `groups` does not have, if all names of groups in `policy` are literals.
 *
 * An engine uses its own matcher and `canonicalId` for this policy. The options serve `lint` and `explain`, which have no engine.
 *
 * @param options.scopes the matcher. An engine whose matcher has another name refuses this policy. Default: the engine's matcher,
 *   and `patternScopes` for `lint` and `explain`
 * @param options.canonicalId the engine's `canonicalId`. `lint` names the ids that it changes
 * @throws InvalidArgumentError that names the rule and the field: `rules[1] ("prod-write").maxTtl`
 * @example
 * definePolicy({
 *   groups: { sre: ['user:maya', 'user:lee'], dba: ['user:ana', 'user:kim'] },
 *   rules: [
 *     { id: 'staging', scopes: ['db-staging:**'], subjects: [{ group: 'sre' }], maxTtl: '8h', approve: true },
 *     { id: 'prod', scopes: ['db-prod:*'], subjects: [{ group: 'sre' }], maxTtl: '1h', review: { groups: { dba: 1 } } },
 *   ],
 * })
 */
export function definePolicy<Group extends string = string, Named extends string = never>(
  policy: PolicyDefinition<Group, RuleGroup<Group, Named>>,
  options: PolicyOptions = {},
): Policy {
  return policyOf(copyPolicy(policy), readOptions<keyof PolicyOptions>('options', options, ['scopes', 'canonicalId']));
}

/** Makes the approver of a copied policy. */
export function policyOf(copy: Copy, { scopes, canonicalId: givenForm }: Partial<Record<keyof PolicyOptions, unknown>>): Policy {
  const reach = readRuleScopes('options.scopes', scopes);
  const own = { canonicalId: readForm(givenForm) };
  const compiledFor = byCanonicalId((canonical) => compile(copy, reach, canonical));
  const compiled = compiledFor(own);
  // Uses the engine's matcher and `canonicalId`, not those of the options: a deny rule must reach as far as a grant does.
  const asked = (request: AccessRequest, context?: ApproverContext) => {
    const policy = compiledFor(context ?? own);
    return [policy, new Question(policy, request, context && ruleScopesOf(context.scopes), context?.at)] as const;
  };
  const approver: Required<Omit<AskableApprover, 'answersFor' | 'decidesAtOnce' | 'groupsOfAll'>> = {
    name: compiled.name,
    fits(engine) {
      if (scopes !== undefined && reach.name !== engine.scopes.name) {
        throw invalid('scopes', `${reach.name}, the matcher in options.scopes of policy ${compiled.name}`, engine.scopes.name);
      }
      compiledFor(engine);
    },
    // Without a promise, unless a group of code is asked or the comparisons are many.
    decide: (request, context) => follow(verdictOn(...asked(request, context))),
    groupsOf: (reviewer, request, context) => groupsOf(reviewer, asked(request, context)[1]),
    membersOf: (request, context) => reviewersOf(asked(request, context)[1]),
    async isEligible(request, when, context) {
      const [policy, question] = asked(request, context);
      if (when === 'creation') {
        const unmet = whyIneligible(await follow(answer(policy, question)), request);
        return unmet === undefined ? true : Object.freeze({ eligible: false, ...unmet });
      }
      const reason = await whyNoRight(policy, question);
      return reason === undefined ? true : Object.freeze({ eligible: false, reason });
    },
    breakGlass: (request, context) => breakGlass(...asked(request, context)),
    mayReviewBreakGlass: (reviewer, request, context) => mayReviewBreakGlass(reviewer, asked(request, context)[1]),
    requestable(subject, context) {
      const { requestedBy = agentOf(subject) ?? subject, operator, at = 0 } = context ?? {};
      const matcher = context === undefined ? reach : ruleScopesOf(context.scopes);
      return requestable(compiledFor(context ?? own), { subject, requestedBy, operator, at }, matcher);
    },
  };
  const made: Policy = {
    ...approver,
    // Without it, the engine itself asks about each request, and stops at its time limit.
    ...(hasTogether(compiled.groups) && {
      groupsOfAll: (reviewer: string, requests: readonly AccessRequest[], context?: ApproverContext) =>
        groupsOfAll(compiledFor(context ?? own).groups, reviewer, requests),
    }),
    lint: () => lint(compiled, own.canonicalId === undefined ? undefined : compiledFor()),
    explain: async (request: Parameters<Policy['explain']>[0]) => explain(compiled, readQuestion(request, compiled.hasCalendar)),
  };
  return promising(made, (request, context) => asksNobody(...asked(request, context)));
}

function* verdictOn(policy: Compiled, question: Question): Steps<Verdict> {
  return toVerdict(yield* answer(policy, question));
}

function readForm(canonicalId: unknown): ApproverContext['canonicalId'] {
  if (canonicalId === undefined) return undefined;
  if (typeof canonicalId !== 'function') throw invalid('options.canonicalId', 'a function', canonicalId);
  return (id) => readActor('id', (canonicalId as (id: string) => unknown)(id));
}
