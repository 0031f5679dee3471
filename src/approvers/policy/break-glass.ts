import type { BreakGlassVerdict } from '../../ports.js';
import { coversScope } from './matching.js';
import type { Compiled, Emergency } from './compile.js';
import { whatIsMissing } from './conditions.js';
import { reviewsOf, uncovered } from './decide.js';
import type { Memberships } from './groups.js';
import { findDenial, findHolding } from './matching.js';
import { joinIds, strictestTerms } from './strictest.js';

/** What is had at once. A deny rule stands above it, and so does what its own rule wants; nothing is asked of the other rules. */
export async function breakGlass(policy: Compiled, memberships: Memberships): Promise<BreakGlassVerdict> {
  const denial = await findDenial(policy, memberships);
  if (denial !== undefined) return Object.freeze({ outcome: 'deny', rule: denial.id, reason: denial.reason });
  const found = await findHolding(policy.breakGlass, memberships);
  if (uncovered(found, memberships.request) !== undefined) return Object.freeze({ outcome: 'abstain' });
  const rules = found.holding;
  const rule = joinIds(rules);
  const reason = (await whatIsMissing(found, memberships)) ?? whyUnreviewable(rules);
  if (reason !== undefined) return Object.freeze({ outcome: 'deny', rule, reason });
  const skippedGroups = await findSkipped(policy, memberships);
  return Object.freeze({
    outcome: 'approve',
    rule,
    reviewWithinMs: Math.min(...rules.map((one) => one.reviewWithinMs)),
    maxUnreviewed: Math.min(...rules.map((one) => one.maxUnreviewed)),
    skippedGroups,
    skippedPeople: await listSkipped(skippedGroups, memberships),
    terms: strictestTerms(rules),
  });
}

/** The groups whose members are reviewers under each of the rules. */
const commonReviewers = (rules: readonly Emergency[]): readonly string[] =>
  (rules[0]?.reviewers ?? []).filter((group) => rules.every((rule) => rule.reviewers.includes(group)));

/** A review that nobody could give would be owed for ever. */
function whyUnreviewable(rules: readonly Emergency[]): string | undefined {
  if (commonReviewers(rules).length > 0) return undefined;
  return `no group reviews for all of the rules ${joinIds(rules) ?? ''}: ask for less at a time (reviewers)`;
}

/** The groups that the ordinary rules would have asked. */
async function findSkipped(policy: Compiled, memberships: Memberships): Promise<readonly string[]> {
  const { holding } = await findHolding(policy.giving, memberships);
  return Object.freeze([...new Set(reviewsOf(holding).flatMap((review) => [...review.groups.keys()]))]);
}

/** As many as a verdict may name. */
const MAX_PEOPLE = 1_000;

/** For people to read: that a directory is down must not stand between somebody and an emergency. */
async function listSkipped(groups: readonly string[], memberships: Memberships): Promise<readonly string[] | undefined> {
  try {
    const people = await memberships.list(groups);
    return people.length > MAX_PEOPLE ? undefined : people;
  } catch {
    return undefined;
  }
}

/** Whether somebody is a reviewer under the rules by which the access was taken, as they are now. */
export async function mayAcknowledge(policy: Compiled, person: string, memberships: Memberships): Promise<boolean> {
  for (const group of commonReviewers(rulesOf(policy, memberships))) if (await memberships.has(group, person)) return true;
  return false;
}

/** The rules that the request names; where one is gone, those that would cover its scopes for somebody. */
function rulesOf({ breakGlass: rules }: Compiled, { request }: Memberships): readonly Emergency[] {
  const named = (request.rule ?? '').split(', ').map((id) => rules.find((rule) => rule.id === id));
  if (named.every((rule) => rule !== undefined)) return named;
  const covering = request.scopes.map((scope) => rules.find((rule) => coversScope(rule, scope)));
  return covering.every((rule) => rule !== undefined) ? covering : [];
}
