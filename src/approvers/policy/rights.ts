import { askedGroups, groupsIn, type AccessRequest } from '../../records/index.js';
import type { Compiled } from './compile.js';
import { whatRightIsMissing } from './conditions.js';
import { noRule, uncovered } from './decide.js';
import { cut } from './in-words.js';
import { findDenial, findHolding } from './matching.js';
import type { Question } from './question.js';

/** The longest reason of a rule: followed by the rule's id, it must fit into a text of 4 KiB. */
const MAX_REASON_BYTES = 4_000;

/**
 * Why a subject may no longer receive the requested access. `undefined`: it still may. It checks rights alone: whether a deny rule
 * applies, whether a rule covers the scopes, and whether the requester may still ask for the subject. Numbers are frozen on the
 * request (L17).
 */
export async function whyNoRight(policy: Compiled, question: Question): Promise<string | undefined> {
  const denial = await findDenial(policy, question);
  if (denial !== undefined) return `${cut(denial.reason, MAX_REASON_BYTES)} (rule ${denial.id})`;
  const found = await findHolding(policy.giving, question);
  const without = uncovered(found, question);
  return without === undefined ? whatRightIsMissing(found, question) : noRule(without, question.request);
}

/** The groups of the frozen quorum, including those of escalations, each once. */
export const quorumGroups = ({ quorum }: AccessRequest): readonly string[] => (quorum === undefined ? [] : groupsIn(quorum));

/** The groups of the frozen quorum in which a person is now, including those of escalations. A removed group gives no right. */
export async function groupsOf(person: string, question: Question): Promise<readonly string[]> {
  const mine: string[] = [];
  for (const name of quorumGroups(question.request)) if (await question.has(name, person)) mine.push(name);
  return Object.freeze(mine);
}

/** The possible reviewers: the members of the groups of the present steps and, once an escalation is recorded, of its group. */
export const reviewersOf = (question: Question): Promise<readonly string[]> =>
  question.list(askedGroups(question.request, question.request.escalatedAt ?? 0));
