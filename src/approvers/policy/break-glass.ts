import type { BreakGlassVerdict } from '../../core/approver-port.js';
import { namedGroups } from '../../records/index.js';
import type { Compiled, Emergency } from './compile.js';
import { frozen, whatIsMissing } from './conditions.js';
import { abstention, uncovered } from './decide.js';
import { countedHolders } from './holders.js';
import { allOverlapping, coversScope, findDenial, findHolding } from './matching.js';
import { mayInclude } from './selectors.js';
import type { Question } from './question.js';
import { follow } from './steps.js';
import { formOf } from './review-terms.js';
import { joinIds, combinedTerms } from './combined-terms.js';
import { endOf } from './times.js';

/** The break-glass verdict. Deny rules and the conditions of its own rules apply. The other rules do not. */
export async function breakGlass(policy: Compiled, question: Question): Promise<BreakGlassVerdict> {
  const denial = await follow(findDenial(policy, question));
  if (denial !== undefined) return Object.freeze({ outcome: 'deny', rule: denial.id, reason: denial.reason, ...frozen(denial, question) });
  const found = await follow(findHolding(policy.breakGlass, question));
  if (uncovered(found, question) !== undefined) return abstention((await follow(endOf(policy, [], question)))?.at);
  const rules = found.holding;
  const rule = joinIds(rules);
  const reviewers = commonReviewers(rules);
  const end = await follow(endOf(policy, rules, question));
  const unmet = await follow(whatIsMissing(found, question, end));
  if (unmet !== undefined) return Object.freeze({ outcome: 'deny', rule, ...unmet });
  const reason = whyUnreviewable(rules, reviewers, question);
  if (reason !== undefined) return Object.freeze({ outcome: 'deny', rule, reason });
  const skippedGroups = await findSkipped(policy, question);
  const skippedPeople = question.listed(skippedGroups);
  return Object.freeze({
    outcome: 'approve',
    rule,
    reviewWithinMs: Math.min(...rules.map((one) => one.reviewWithinMs)),
    maxUnreviewed: Math.min(...rules.map((one) => one.maxUnreviewed)),
    reviewers,
    skippedGroups,
    skippedPeople: skippedPeople.length > MAX_NAMED ? undefined : skippedPeople,
    terms: combinedTerms(rules, end?.at, await countedHolders(policy, question)),
  });
}

/** The greatest number of names in a verdict. */
const MAX_NAMED = 1_000;

/** The groups whose members may review under each of the rules. */
export const commonReviewers = (rules: readonly Emergency[]): readonly string[] =>
  Object.freeze((rules[0]?.reviewers ?? []).filter((group) => rules.every((rule) => rule.reviewers.includes(group))));

/** Why no reviewer could give the review: it would stay pending for ever, and block further break-glass. */
export function whyUnreviewable(rules: readonly Emergency[], reviewers: readonly string[], question: Question): string | undefined {
  if (reviewers.length === 0)
    return `rules ${joinIds(rules) ?? ''} have no review group in common: ask for fewer scopes at a time (reviewers)`;
  if (reviewers.some((group) => question.atMost(group) > 0)) return undefined;
  return `the review groups of ${joinIds(rules) ?? ''} have no member who may review this access (reviewers)`;
}

/**
 * The groups that the ordinary rules would have asked, for people to read. It asks no live group, because a directory that is down
 * or hangs must not delay break-glass. If only a live group knows whether a rule applies, it includes the rule's groups.
 */
async function findSkipped({ giving, groups }: Compiled, question: Question): Promise<readonly string[]> {
  const { request, scopes, reach } = question;
  const skipped = new Set<string>();
  for (const scope of scopes) {
    for (const rule of await allOverlapping(giving, scope, question)) {
      const isFor = mayInclude(rule.subjects, request.subject, rule.runs, groups);
      if (isFor === false) continue;
      if (rule.review !== undefined) for (const group of namedGroups(formOf(rule.review.alternatives))) skipped.add(group);
      if (isFor === true && !scope.isWide && coversScope(rule, scope, reach)) break;
    }
  }
  return Object.freeze([...skipped].slice(0, MAX_NAMED));
}
