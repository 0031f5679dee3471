import type { Quorum } from '../records/index.js';

/** An approval that counts, and the groups in which it may count. */
export interface Approval {
  readonly groups: readonly string[];
}

/** The approvals that a group still needs. */
export interface MissingApprovals {
  readonly group: string;
  readonly approvals: number;
}

/** Whether every group can reach its number with each reviewer counted once, in one group (L14). */
export function isMet(quorum: Quorum, approvals: readonly Approval[]): boolean {
  const needed = quorum.groups.reduce((sum, group) => sum + group.approvals, 0);
  return needed > 0 && needed <= approvals.length && missingOf(quorum, approvals).length === 0;
}

/**
 * The approvals that each group still needs, with each reviewer counted once, in one group (L14). A reviewer of several groups
 * counts where that leaves the fewest approvals missing. Where two groups are equal in that, the first group of the quorum gets it.
 *
 * It is a bipartite matching of approvals to places, found with augmenting paths: a place that no path reaches stays empty in
 * every largest matching that fills the places before it.
 */
export function missingOf(quorum: Quorum, approvals: readonly Approval[]): readonly MissingApprovals[] {
  const places = quorum.groups.flatMap((group) => Array.from({ length: group.approvals }, () => group.name));
  const takenBy = new Map<number, number>();
  const fill = (place: number, tried: Set<number>): boolean =>
    approvals.some((approval, i) => {
      if (tried.has(i) || !approval.groups.includes(places[place] as string)) return false;
      tried.add(i);
      const holder = takenBy.get(i);
      if (holder !== undefined && !fill(holder, tried)) return false;
      takenBy.set(i, place);
      return true;
    });
  const missing = new Map<string, number>();
  places.forEach((group, place) => {
    if (!fill(place, new Set())) missing.set(group, (missing.get(group) ?? 0) + 1);
  });
  return [...missing].map(([group, count]) => ({ group, approvals: count }));
}

/** The missing approvals in words: `1 more of dba and 2 more of security`. */
export function missingInWords(missing: readonly MissingApprovals[]): string {
  if (missing.length === 0) return 'no more: the next approval counts the quorum again';
  const parts = missing.map(({ group, approvals }) => `${approvals} more of ${group}`);
  return [parts.slice(0, -1).join(', '), parts.slice(-1).join()].filter((part) => part !== '').join(' and ');
}
