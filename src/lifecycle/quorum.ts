import { alternativesOf, beginOf, type AccessRequest, type Alternative, type Quorum, type Review } from '../records/index.js';

/*
 * The rule of a quorum. Each alternative is judged by itself, and in each a reviewer counts once, in one group of one step (L14).
 * A step is complete when it and all earlier steps have their approvals.
 */

/** The groups in which a review may count: for each alternative of the quorum, for each of its steps. */
export type Rights = readonly (readonly (readonly string[])[])[];

/** The approvals that a group still needs. */
export interface MissingApprovals {
  readonly group: string;
  readonly approvals: number;
  /** The position of the alternative in `anyOf` of the quorum, from 0. 0 also where the quorum has no alternatives. */
  readonly alternative: number;
  /** The position of the step in `steps`, from 0. 0 also where the alternative has no steps. */
  readonly step: number;
}

/**
 * The groups of the quorum in which a member of `groups` counts. Once a step has escalated, a member of the escalation group counts in
 * each group of that step. The escalation is judged at `now`, without leeway, so that this right never begins early (L6).
 *
 * @param as the only group in which the review may count; `undefined`: any
 */
export function rightsOf(request: AccessRequest, groups: readonly string[], as: string | undefined, now: number): Rights {
  if (request.quorum === undefined) return [];
  return alternativesOf(request.quorum).map(({ steps }, alternative) =>
    steps.map(({ groups: named, escalation = [] }, step) => {
      const begin = beginOf(request, alternative, step);
      const isStandIn = escalation.some(({ group, afterMs }) => groups.includes(group) && begin + afterMs <= now);
      const names = named.map(({ name }) => name);
      return names.filter((name) => (as === undefined || name === as) && (isStandIn || groups.includes(name)));
    }),
  );
}

/** The groups of these rights, each once. */
export const groupsOf = (rights: Rights): readonly string[] => [...new Set(rights.flat(2))];

/** The number of a step in the order in which the steps of a request began. 0: a first step. `Infinity`: it has not begun. */
function orderOf({ begunSteps = [] }: AccessRequest, alternative: number, step: number): number {
  if (step === 0) return 0;
  const index = begunSteps.findIndex((begun) => begun.alternative === alternative && begun.step === step);
  return index === -1 ? Infinity : index + 1;
}

/** The rights in the steps that had begun when a review was given. An approval never counts in a step that began later. */
export const withinSteps = (request: AccessRequest, rights: Rights, { steps = 0 }: Pick<Review, 'steps'>): Rights =>
  rights.map((ofSteps, alternative) => ofSteps.map((groups, step) => (orderOf(request, alternative, step) <= steps ? groups : [])));

/** The number of the last step that has begun and in which these rights count. -1: they count in no step that has begun. */
export const lastStep = (request: AccessRequest, rights: Rights): number =>
  Math.max(
    -1,
    ...rights.flatMap((ofSteps, alternative) =>
      ofSteps.flatMap((groups, step) => {
        const order = orderOf(request, alternative, step);
        return groups.length === 0 || order === Infinity ? [] : [order];
      }),
    ),
  );

/**
 * Whether a number of denials is reached: that of a group, of an alternative, or of the quorum. Each denial counts in every
 * alternative and in every group in which its reviewer could approve.
 */
export function isDenied(quorum: Quorum, denials: readonly Rights[]): boolean {
  const reaches = (number = Infinity, counts: (rights: Rights) => boolean) => denials.filter(counts).length >= number;
  return (
    reaches(quorum.denials, () => true) ||
    alternativesOf(quorum).some(
      ({ steps, denials: number }, alternative) =>
        reaches(number, (rights) => rights[alternative]?.some(({ length }) => length > 0) === true) ||
        steps.some(({ groups }, step) =>
          groups.some((group) => reaches(group.denials, (rights) => rights[alternative]?.[step]?.includes(group.name) === true)),
        ),
    )
  );
}

/** For each alternative, the number of its first steps that are complete together, and whether these are all. */
export function completedSteps(
  quorum: Quorum,
  approvals: readonly Rights[],
): readonly { readonly steps: number; readonly isMet: boolean }[] {
  return alternativesOf(quorum).map((one, alternative) => {
    // A step without places is never complete (L16).
    if (!one.steps.every(({ groups }) => groups.some((group) => group.approvals > 0))) return { steps: 0, isMet: false };
    const steps = missingIn(one, alternative, approvals)[0]?.step ?? one.steps.length;
    return { steps, isMet: steps === one.steps.length };
  });
}

/** Whether an alternative is complete. */
export const isMet = (quorum: Quorum, approvals: readonly Rights[]): boolean => completedSteps(quorum, approvals).some((one) => one.isMet);

/** The approvals that each group of each alternative still needs. Empty where an alternative needs none. */
export function missingOf(quorum: Quorum, approvals: readonly Rights[]): readonly MissingApprovals[] {
  const missing = alternativesOf(quorum).map((one, alternative) => missingIn(one, alternative, approvals));
  return missing.some(({ length }) => length === 0) ? [] : missing.flat();
}

/**
 * The approvals that each group of an alternative still needs, in order. A reviewer of several groups counts where that leaves the
 * fewest approvals missing. Where two groups are equal in that, the first group of the first step gets it.
 *
 * It is a bipartite matching of approvals to places, found with augmenting paths: a place that no path reaches stays empty in
 * every largest matching that fills the places before it.
 */
function missingIn({ steps }: Alternative, alternative: number, approvals: readonly Rights[]): readonly MissingApprovals[] {
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
export const quorumInWords = (quorum: Quorum): string => inWords(missingOf(quorum, []), 'of');

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
