import type { Escalation, Quorum, QuorumStep } from '../model/review.js';
import type { AccessRequest } from '../model/request.js';

/** One way to complete a quorum: all of its steps, in order. */
export interface Alternative {
  readonly steps: readonly QuorumStep[];
  readonly denials: number | undefined;
}

/** The most alternatives of a quorum, and the most steps of each. */
export const MAX_ALTERNATIVES = 20;
export const MAX_STEPS = 10;

/** The most reminders of a request, because each is a message to people and an entry of the journal (L42). */
export const MAX_REMINDERS = 20;

type Assigned = Pick<AccessRequest, 'quorum' | 'assignedAt' | 'begunSteps' | 'escalatedAt'>;

/** Who must approve, in any of the three forms. */
export type QuorumForm = Pick<Quorum, 'groups' | 'steps' | 'anyOf' | 'escalation'>;

/** The alternatives of a quorum in one form. The plain form is one alternative of one step. */
export const alternativesOf = ({ anyOf, steps, groups, escalation }: QuorumForm): readonly Alternative[] =>
  (anyOf ?? [{ groups, steps, denials: undefined }]).map((one) => ({
    steps: one.steps ?? [{ groups: one.groups ?? [], escalation }],
    denials: one.denials,
  }));

/** The groups whose approval a quorum needs, each once. */
export const namedGroups = (quorum: QuorumForm): readonly string[] => [
  ...new Set(alternativesOf(quorum).flatMap(({ steps }) => steps.flatMap(({ groups }) => groups.map(({ name }) => name)))),
];

/** Every group that a quorum names: those whose approval it needs, and those of escalations. Each once. */
export const groupsIn = (quorum: QuorumForm): readonly string[] => {
  const steps = alternativesOf(quorum).flatMap((alternative) => alternative.steps);
  return [...new Set([...namedGroups(quorum), ...steps.flatMap(({ escalation = [] }) => escalation.map(({ group }) => group))])];
};

/** The instant from which the reviewers of a step may approve. `Infinity`: it has not begun. */
export const beginOf = ({ assignedAt, begunSteps = [] }: Assigned, alternative: number, step: number): number =>
  (step === 0 ? assignedAt : begunSteps.find((begun) => begun.alternative === alternative && begun.step === step)?.at) ?? Infinity;

/** The position of the step that the reviewers of an alternative must now complete. */
export const presentStep = ({ begunSteps = [] }: Assigned, alternative: number): number =>
  begunSteps.filter((begun) => begun.alternative === alternative).length;

/** The steps that must now be completed, one of each alternative, with the instants of their escalations. */
export function presentSteps(
  request: Assigned,
): readonly (QuorumStep & { readonly due: readonly (Escalation & { readonly at: number })[] })[] {
  const { quorum } = request;
  if (quorum === undefined) return [];
  return alternativesOf(quorum).flatMap(({ steps }, alternative) => {
    const present = presentStep(request, alternative);
    const begin = beginOf(request, alternative, present);
    return steps.slice(present, present + 1).map((step) => {
      const due = (step.escalation ?? []).map(({ group, afterMs }) => ({ group, afterMs, at: begin + afterMs }));
      return { ...step, due };
    });
  });
}

/** The groups of the present steps, and those that may stand in for them at an instant. Each once. */
export const askedGroups = (request: Assigned, at: number): readonly string[] => [
  ...new Set(
    presentSteps(request).flatMap(({ groups, due }) => [
      ...groups.map(({ name }) => name),
      ...due.flatMap((escalation) => (escalation.at <= at ? [escalation.group] : [])),
    ]),
  ),
];

/** The next instant at which a group may stand in and no entry says so. A recorded escalation is due by `escalatedAt`. */
export function escalatesAt(request: Assigned): number | undefined {
  const recorded = request.escalatedAt ?? 0;
  const next = Math.min(...presentSteps(request).flatMap(({ due }) => due.flatMap(({ at }) => (at > recorded ? [at] : []))));
  return next === Infinity ? undefined : next;
}

/**
 * The next instant at which the reviewers are reminded: the first multiple of the interval after the last reminder. So a late sweep
 * skips the intervals that it has missed. `undefined`: no reminder is left.
 */
export function remindsAt({
  quorum,
  assignedAt,
  reminders = 0,
  remindedAt = assignedAt,
}: Pick<AccessRequest, 'quorum' | 'assignedAt' | 'reminders' | 'remindedAt'>): number | undefined {
  const everyMs = quorum?.remindEveryMs;
  if (everyMs === undefined || assignedAt === undefined || remindedAt === undefined || reminders >= MAX_REMINDERS) return undefined;
  return assignedAt + (Math.floor((remindedAt - assignedAt) / everyMs) + 1) * everyMs;
}
