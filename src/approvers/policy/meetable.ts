import { missingInWords, missingOf, type Alternative, type QuorumGroup } from '../../records/index.js';

/** The people of a group who may review. `undefined`: they cannot be listed. */
export type Members = (group: string) => { readonly size: number; readonly people: () => Iterable<string> } | undefined;

/** Why an alternative can never be complete: too few people are listed, and no group may stand in. `group`: the one with too few. */
export interface Unmeetable {
  readonly group: string | undefined;
  readonly approvals: number;
  readonly people: number;
  /** The approvals that no listed person can give, in words. */
  readonly missing: string;
}

/**
 * Why the listed people can never complete an alternative, with each reviewer counted once (L14). `undefined`: they may. A group that
 * cannot be listed, and a step with an escalation, are taken to have enough people.
 */
export function whyUnmeetable({ steps }: Alternative, members: Members): Unmeetable | undefined {
  const closed = steps.flatMap(({ groups, escalation }) => (escalation === undefined ? groups : []));
  const needed = new Map<string, number>();
  for (const { name, approvals } of closed) needed.set(name, (needed.get(name) ?? 0) + approvals);
  for (const [group, approvals] of needed) {
    const people = members(group)?.size ?? Infinity;
    if (people < approvals) return { group, approvals, people, missing: `${approvals - people} more of ${group}` };
  }
  return tooFewTogether(needed, members);
}

/** Finds groups that have enough people each, but not together. A group with as many people as all places is never short. */
function tooFewTogether(needed: ReadonlyMap<string, number>, members: Members): Unmeetable | undefined {
  const all = [...needed.values()].reduce((sum, approvals) => sum + approvals, 0);
  const small = [...needed].filter(([group]) => (members(group)?.size ?? Infinity) < all);
  const groupsOf = new Map<string, string[]>();
  for (const [group] of small)
    for (const person of members(group)?.people() ?? []) groupsOf.set(person, [...(groupsOf.get(person) ?? []), group]);
  const groups = small.map(([name, approvals]): QuorumGroup => ({ name, approvals, denials: undefined }));
  const missing = missingOf(
    { groups, steps: undefined, anyOf: undefined, escalation: undefined, ...PLAIN },
    [...groupsOf.values()].map((own) => [[own]]),
  );
  if (missing.length === 0) return undefined;
  const approvals = groups.reduce((sum, group) => sum + group.approvals, 0);
  return { group: undefined, approvals, people: groupsOf.size, missing: missingInWords(missing) };
}

/** The number of people in these groups together, if it is below a number. `undefined`: it is not, or a group cannot be listed. */
export function listedBelow(number: number, groups: readonly string[], members: Members): number | undefined {
  const lists = groups.map(members);
  const people = new Set<string>();
  for (const list of lists) {
    if (list === undefined || list.size >= number) return undefined;
    for (const person of list.people()) people.add(person);
  }
  return people.size < number ? people.size : undefined;
}

const PLAIN = { denials: 1, approvalTtlMs: undefined, assurance: undefined, remindEveryMs: undefined } as const;
