import { alternativesOf, beginOf, missingIn, type AccessRequest, type Quorum, type Review, type Rights } from '../records/index.js';

/*
 * The rule of a quorum. Each alternative is judged by itself, and in each a reviewer counts once, in one group of one step (L14).
 * A step is complete when it and all earlier steps have their approvals.
 */

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

/** The number of the first steps of an alternative that are complete together, and whether these are all. */
export interface CompletedSteps {
  readonly steps: number;
  readonly isMet: boolean;
}

/** How far each alternative is complete. */
export function completedSteps(quorum: Quorum, approvals: readonly Rights[]): readonly CompletedSteps[] {
  return alternativesOf(quorum).map((one, alternative) => {
    // A step without places is never complete (L16).
    if (!one.steps.every(({ groups }) => groups.some((group) => group.approvals > 0))) return { steps: 0, isMet: false };
    const steps = missingIn(one, alternative, approvals)[0]?.step ?? one.steps.length;
    return { steps, isMet: steps === one.steps.length };
  });
}
