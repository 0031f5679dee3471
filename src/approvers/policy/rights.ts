import type { Compiled } from './compile.js';
import { whatRightIsMissing } from './conditions.js';
import { noRule, uncovered } from './decide.js';
import { cut } from './in-words.js';
import { findDenial, findHolding } from './matching.js';
import type { Question } from './question.js';

/** What a rule may say, less its name behind it, fits into a text of 4 KiB. */
const MAX_REASON_BYTES = 4_000;

/**
 * Why a subject may no longer be given what its request froze; `undefined`: it still may. Asked are rights alone: whether
 * a rule denies, whether one covers, whether whoever asked still may ask for the subject. Numbers are those of the request.
 */
export async function whyNoRight(policy: Compiled, question: Question): Promise<string | undefined> {
  const denial = await findDenial(policy, question);
  if (denial !== undefined) return `${cut(denial.reason, MAX_REASON_BYTES)} (rule ${denial.id})`;
  const found = await findHolding(policy.giving, question);
  const without = uncovered(found, question);
  return without === undefined ? whatRightIsMissing(found, question) : noRule(without, question.request);
}

/** The frozen groups in which somebody is now, the one that stands in included. A group that is gone gives nothing. */
export async function groupsOf(person: string, question: Question): Promise<readonly string[]> {
  const { quorum } = question.request;
  const names = new Set(quorum?.groups.map((group) => group.name));
  if (quorum?.escalation !== undefined) names.add(quorum.escalation.group);
  const mine: string[] = [];
  for (const name of names) if (await question.has(name, person)) mine.push(name);
  return Object.freeze(mine);
}

/** Who may review: those of the frozen groups and, once it is on record that they may, those who stand in. */
export function reviewersOf(question: Question): Promise<readonly string[]> {
  const { quorum, escalatedAt } = question.request;
  const standIn = escalatedAt === undefined ? undefined : quorum?.escalation?.group;
  return question.list([...(quorum?.groups.map((group) => group.name) ?? []), ...(standIn === undefined ? [] : [standIn])]);
}
