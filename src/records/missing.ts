import { formatDuration } from '../core/duration.js';
import { alternativesOf, type Alternative } from './quorum.js';
import type { Quorum } from '../model/review.js';

/*
 * The approvals that a quorum still needs, as data and in words. Each alternative is judged by itself, and in each a reviewer
 * counts once, in one group of one step (L14).
 */

/** The groups in which a review may count: for each alternative of the quorum, for each of its steps. */
export type Rights = readonly (readonly (readonly string[])[])[];

/** The approvals that a group still needs. */
export interface MissingApprovals {
  /** The name of the group. */
  readonly group: string;
  /** How many more of its members must approve. */
  readonly approvals: number;
  /** The position of the alternative in `anyOf` of the quorum, from 0. 0 also if the quorum has no alternatives. */
  readonly alternative: number;
  /** The position of the step in `steps`, from 0. 0 also if the alternative has no steps. */
  readonly step: number;
}

/** The approvals that each group of each alternative still needs. Empty if an alternative needs none. */
export function missingOf(quorum: Quorum, approvals: readonly Rights[]): readonly MissingApprovals[] {
  const missing = alternativesOf(quorum).map((one, alternative) => missingIn(one, alternative, approvals));
  return missing.some(({ length }) => length === 0) ? [] : missing.flat();
}

/**
 * The approvals that each group of an alternative still needs, in order. A reviewer of several groups counts if that leaves the
 * fewest approvals missing. If two groups are equal in that, the first group of the first step gets it.
 *
 * It is a bipartite matching of approvals to places, found with augmenting paths: a place that no path reaches stays empty in
 * every largest matching that fills the places before it.
 */
export function missingIn({ steps }: Alternative, alternative: number, approvals: readonly Rights[]): readonly MissingApprovals[] {
  const groups = steps.flatMap((one, step) =>
    one.groups.map((group) => ({ group: group.name, approvals: group.approvals, alternative, step })),
  );
  // More places than approvals stay empty.
  const places = groups.flatMap((group) => Array.from({ length: Math.min(group.approvals, approvals.length + 1) }, () => group));
  const takenBy = new Map<number, MissingApprovals>();
  const fill = (place: MissingApprovals, tried: Set<number>): boolean =>
    approvals.some((rights, i) => {
      if (tried.has(i) || rights[alternative]?.[place.step]?.includes(place.group) !== true) return false;
      tried.add(i);
      const holder = takenBy.get(i);
      if (holder !== undefined && !fill(holder, tried)) return false;
      takenBy.set(i, place);
      return true;
    });
  const filled = new Map<MissingApprovals, number>();
  for (const place of places) if (fill(place, new Set())) filled.set(place, (filled.get(place) ?? 0) + 1);
  return groups
    .map((group) => ({ ...group, approvals: group.approvals - (filled.get(group) ?? 0) }))
    .filter((group) => group.approvals > 0);
}

/** The approvals that a quorum needs, in words: `2 of dba and 1 of security`, `2 of peers, or 1 of lead, then 1 of security`. */
export const quorumInWords = (quorum: Quorum): string => `${inWords(missingOf(quorum, []), 'of')}${signedIn(quorum)}`;

function signedIn({ assurance }: Quorum): string {
  if (assurance === undefined) return '';
  const { acr, maxAgeMs } = assurance;
  const how = acr === undefined ? '' : ` with ${acr.join(' or ')}`;
  const when = maxAgeMs === undefined ? '' : ` at most ${formatDuration(maxAgeMs)} ago`;
  return `, signed in${how}${when}`;
}

/** The missing approvals in words: `1 more of dba and 2 more of security`. */
export const missingInWords = (missing: readonly MissingApprovals[]): string =>
  missing.length === 0 ? 'no more: the next approval counts the quorum again' : inWords(missing, 'more of');

const inWords = (missing: readonly MissingApprovals[], link: string): string =>
  runsOf(missing, 'alternative')
    .map((ofAlternative) =>
      runsOf(ofAlternative, 'step')
        .map((ofStep) => listOf(ofStep, link))
        .join(', then '),
    )
    .join(', or ');

/** Splits a list into its runs of one position. */
function runsOf(missing: readonly MissingApprovals[], by: 'alternative' | 'step'): readonly (readonly MissingApprovals[])[] {
  const runs: MissingApprovals[][] = [];
  for (const one of missing) {
    const run = runs.at(-1);
    if (run?.[0]?.[by] === one[by]) run?.push(one);
    else runs.push([one]);
  }
  return runs;
}

function listOf(missing: readonly MissingApprovals[], link: string): string {
  const parts = missing.map(({ group, approvals }) => `${approvals} ${link} ${group}`);
  return [parts.slice(0, -1).join(', '), parts.slice(-1).join()].filter((part) => part !== '').join(' and ');
}
