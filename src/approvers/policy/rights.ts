import { askedGroups, groupsIn, type AccessRequest } from '../../records/index.js';
import type { Compiled } from './compile.js';
import { whatRightIsMissing } from './conditions.js';
import { noRule, uncovered } from './decide.js';
import { cut } from './in-words.js';
import { findDenial, findHolding } from './matching.js';
import type { Question } from './question.js';
import { follow } from './steps.js';

/** The longest reason of a rule: followed by the rule's id, it must fit into a text of 4 KiB. */
const MAX_REASON_BYTES = 4_000;

/**
 * Why a subject may no longer receive the requested access. `undefined`: it still may. It checks rights alone: whether a deny rule
 * applies, whether a rule covers the scopes, and whether the requester may still ask for the subject. Numbers are frozen on the
 * request (L17).
 */
export async function whyNoRight(policy: Compiled, question: Question): Promise<string | undefined> {
  const denial = await follow(findDenial(policy, question));
  if (denial !== undefined) return `${cut(denial.reason, MAX_REASON_BYTES)} (rule ${denial.id})`;
  const found = await follow(findHolding(policy.giving, question));
  const without = uncovered(found, question);
  return without === undefined ? follow(whatRightIsMissing(found, question)) : noRule(without, question.request);
}

/** The groups of the frozen quorum, including those of escalations, each once. */
export const quorumGroups = ({ quorum }: AccessRequest): readonly string[] => (quorum === undefined ? [] : groupsIn(quorum));

/** The groups of the frozen quorum in which a person is now, including those of escalations. A removed group gives no right. */
export async function groupsOf(person: string, question: Question): Promise<readonly string[]> {
  const { names, failure } = await memberships(person, quorumGroups(question.request), question);
  if (failure !== undefined) throw failure.error;
  return Object.freeze(names);
}

/** Whether a person is now in a group that may review this use, as named at the break-glass. A removed group gives no right. */
export async function mayReviewBreakGlass(person: string, question: Question): Promise<boolean> {
  const { names, failure } = await memberships(person, question.request.afterReview?.reviewers ?? [], question);
  if (names.length === 0 && failure !== undefined) throw failure.error;
  return names.length > 0;
}

/**
 * The groups in which a person is now. Each group is asked, also after a yes or a failure, and one after another: what the groups answer
 * changes neither the number of questions nor the sum of their times, so a caller learns nothing from the time.
 */
async function memberships(person: string, groups: readonly string[], question: Question) {
  const names: string[] = [];
  let failure: { readonly error: unknown } | undefined;
  for (const name of groups) {
    try {
      if (await question.has(name, person)) names.push(name);
    } catch (error) {
      failure ??= { error };
    }
  }
  return { names, failure };
}

/** The possible reviewers: the members of the groups of the present steps and, once an escalation is recorded, of its group. */
export const reviewersOf = (question: Question): Promise<readonly string[]> =>
  question.list(askedGroups(question.request, question.request.escalatedAt ?? 0));
