import type { Compiled } from './compile.js';
import { noRule } from './decide.js';
import type { Memberships } from './groups.js';
import { findCovering, findDenial, isWide } from './matching.js';

/**
 * Why a subject may no longer be given what its request froze; `undefined`: it still may. Asked are rights alone: whether
 * a rule denies, and whether one covers. Numbers are those of the request.
 */
export async function whyNoRight(policy: Compiled, memberships: Memberships): Promise<string | undefined> {
  const { request } = memberships;
  const denial = await findDenial(policy, memberships);
  if (denial !== undefined) return `${denial.reason} (rule ${denial.id})`;
  for (const scope of request.scopes) {
    const rule = await findCovering(policy.giving, scope, memberships);
    if (rule === undefined) return noRule(scope, request);
    if (!rule.patterns && isWide(scope)) return `${scope} is a pattern, and rule ${rule.id} gives none (patterns)`;
  }
  return request.scopes.length === 0 ? noRule('nothing', request) : undefined;
}

/** The frozen groups in which somebody is now, the one that stands in included. A group that is gone gives nothing. */
export async function groupsOf(person: string, memberships: Memberships): Promise<readonly string[]> {
  const { quorum } = memberships.request;
  const names = new Set(quorum?.groups.map((group) => group.name));
  if (quorum?.escalation !== undefined) names.add(quorum.escalation.group);
  const mine: string[] = [];
  for (const name of names) if (await memberships.has(name, person)) mine.push(name);
  return Object.freeze(mine);
}

/** Who may review: those of the frozen groups and, once it is on record that they may, those who stand in. */
export function reviewersOf(memberships: Memberships): Promise<readonly string[]> {
  const { quorum, escalatedAt } = memberships.request;
  const standIn = escalatedAt === undefined ? undefined : quorum?.escalation?.group;
  return memberships.list([...(quorum?.groups.map((group) => group.name) ?? []), ...(standIn === undefined ? [] : [standIn])]);
}
