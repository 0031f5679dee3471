import type { BreakGlassVerdict } from '../../core/ports.js';
import type { Compiled, Emergency } from './compile.js';
import { whatIsMissing } from './conditions.js';
import { uncovered } from './decide.js';
import { allOverlapping, coversScope, findDenial, findHolding } from './matching.js';
import { mayInclude } from './people.js';
import type { Question } from './question.js';
import { joinIds, strictestTerms } from './strictest.js';

/** What is had at once. A deny rule stands above it, and so does what its own rule wants; nothing is asked of the other rules. */
export async function breakGlass(policy: Compiled, question: Question): Promise<BreakGlassVerdict> {
  const denial = await findDenial(policy, question);
  if (denial !== undefined) return Object.freeze({ outcome: 'deny', rule: denial.id, reason: denial.reason });
  const found = await findHolding(policy.breakGlass, question);
  if (uncovered(found, question) !== undefined) return Object.freeze({ outcome: 'abstain' });
  const rules = found.holding;
  const rule = joinIds(rules);
  const reviewers = commonReviewers(rules);
  const reason = (await whatIsMissing(found, question)) ?? whyUnreviewable(rules, reviewers, question);
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
    terms: strictestTerms(rules),
  });
}

/** As many as a verdict may name. */
const MAX_NAMED = 1_000;

/** The groups whose members are reviewers under each of the rules. */
const commonReviewers = (rules: readonly Emergency[]): readonly string[] =>
  Object.freeze((rules[0]?.reviewers ?? []).filter((group) => rules.every((rule) => rule.reviewers.includes(group))));

/** A review that nobody could give would be owed for ever. */
function whyUnreviewable(rules: readonly Emergency[], reviewers: readonly string[], question: Question): string | undefined {
  if (reviewers.length === 0)
    return `rules ${joinIds(rules) ?? ''} have no review group in common: ask for fewer scopes at a time (reviewers)`;
  if (reviewers.some((group) => question.atMost(group) > 0)) return undefined;
  return `the review groups of ${joinIds(rules) ?? ''} have no member who may review this access (reviewers)`;
}

/**
 * The groups that the ordinary rules would have asked. It is for people to read, and nobody is asked for it: a directory
 * that is down, or that hangs, must not stand between somebody and an emergency. What can't be told without is named.
 */
async function findSkipped({ giving, groups }: Compiled, question: Question): Promise<readonly string[]> {
  const { request, scopes, reach } = question;
  const skipped = new Set<string>();
  for (const scope of scopes) {
    for (const rule of await allOverlapping(giving, scope, question)) {
      const isFor = mayInclude(rule.subjects, request.subject, rule.runs, groups);
      if (isFor === false) continue;
      for (const group of rule.review?.groups.keys() ?? []) skipped.add(group);
      if (isFor === true && !scope.isWide && coversScope(rule, scope, reach)) break;
    }
  }
  return Object.freeze([...skipped].slice(0, MAX_NAMED));
}

/** Whether somebody is a reviewer of this now, in a group that was named when the access was taken. A group that is gone gives nothing. */
export async function mayReviewBreakGlass(person: string, question: Question): Promise<boolean> {
  for (const group of question.request.afterReview?.reviewers ?? []) if (await question.has(group, person)) return true;
  return false;
}
