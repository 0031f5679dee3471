import { InvalidArgumentError } from '../../core/errors.js';
import { readWindow, readRemindEvery, type Duration } from '../../core/duration.js';
import { invalid } from '../../core/parse.js';
import type { Alternative, Assurance, Escalation, Quorum, QuorumGroup, QuorumStep } from '../../records/index.js';
import { readAcr } from '../../core/acr.js';
import type { EscalateTo, ReviewAssurance, ReviewGroups, ReviewStep } from './review-forms.js';
import type { ReviewRule } from './types.js';

/** The review that a rule requires, in one form: the plain form is one alternative of one step. Durations in milliseconds. */
export interface ReviewTerms {
  readonly alternatives: readonly Alternative[];
  readonly denials: number;
  readonly approvalTtlMs: number | undefined;
  readonly reviewWithinMs: number | undefined;
  readonly assurance: Assurance | undefined;
  readonly remindEveryMs: number | undefined;
}

/** A quorum of a policy, with every field. */
export type PolicyQuorum = Quorum & { readonly reviewWithinMs: number | undefined };

type Review = ReviewRule['review'];
type At = (...path: readonly (string | number)[]) => string;
/** Refuses a group that is not defined. */
type Known = (path: string, group: string) => void;

/** Reads the review of a rule. @throws InvalidArgumentError */
export function readReview(review: Review, at: At, known: Known): ReviewTerms {
  const { groups, steps, anyOf, denials = 1, approvalTtl, reviewWithin, escalate, assurance, remindEvery } = review;
  const forms = Object.entries({ groups, steps, anyOf }).flatMap(([form, value]) => (value === undefined ? [] : [form]));
  if (forms.length !== 1) {
    const got = forms.length === 0 ? 'none' : forms.join(' and ');
    throw new InvalidArgumentError(at(), 'a review with exactly one of groups, steps and anyOf', got);
  }
  const escalation = readEscalation(escalate, (...path) => at('escalate', ...path), known);
  const read = (one: Pick<Review, 'groups' | 'steps'>, path: At) => readSteps(one, escalation, path, known);
  const alternatives =
    anyOf === undefined
      ? [{ steps: read({ groups, steps }, at), denials: undefined }]
      : anyOf.map((one, i) => {
          const path: At = (...rest) => at('anyOf', i, ...rest);
          if ((one.groups === undefined) === (one.steps === undefined))
            throw new InvalidArgumentError(path(), 'an alternative with exactly one of groups and steps', one.groups ? 'both' : 'none');
          return { steps: read(one, path), denials: one.denials };
        });
  if (escalate !== undefined && (anyOf ?? [{ groups }]).every((one) => one.groups === undefined))
    throw invalid(at('escalate'), 'omitted, because each step has its own', escalate);
  return Object.freeze({
    alternatives: Object.freeze(alternatives.map((one) => Object.freeze(one))),
    denials,
    approvalTtlMs: approvalTtl === undefined ? undefined : readWindow(at('approvalTtl'), approvalTtl),
    reviewWithinMs: reviewWithin === undefined ? undefined : readWindow(at('reviewWithin'), reviewWithin),
    assurance: readAssurance(assurance, (...path) => at('assurance', ...path)),
    remindEveryMs: remindEvery === undefined ? undefined : readRemindEvery(at('remindEvery'), remindEvery),
  });
}

/** @param escalation of the quorum, for `groups`. Each of `steps` has its own */
function readSteps(
  { groups = {}, steps }: { readonly groups?: ReviewGroups | undefined; readonly steps?: readonly ReviewStep[] | undefined },
  escalation: readonly Escalation[] | undefined,
  at: At,
  known: Known,
): readonly QuorumStep[] {
  if (steps === undefined) return Object.freeze([Object.freeze({ groups: readGroups(groups, at, known), escalation })]);
  return Object.freeze(
    steps.map((step, i) => {
      const path: At = (...rest) => at('steps', i, ...rest);
      const own = readEscalation(step.escalate, (...rest) => path('escalate', ...rest), known);
      return Object.freeze({ groups: readGroups(step.groups, path, known), escalation: own });
    }),
  );
}

function readGroups(groups: ReviewGroups, at: At, known: Known): readonly QuorumGroup[] {
  const entries = Object.entries(groups);
  if (entries.length === 0)
    throw new InvalidArgumentError(at('groups'), 'an object with at least one group, for example { dba: 1 }', 'no group');
  return Object.freeze(
    entries.map(([name, needed]) => {
      known(at('groups', name), name);
      const { approvals, denials } = typeof needed === 'number' ? { approvals: needed, denials: undefined } : needed;
      return Object.freeze({ name, approvals, denials });
    }),
  );
}

function readEscalation(escalate: EscalateTo | readonly EscalateTo[] | undefined, at: At, known: Known): readonly Escalation[] | undefined {
  if (escalate === undefined) return undefined;
  const read = ({ to, after }: { readonly to: string; readonly after: Duration }, path: At): Escalation => {
    known(path('to'), to);
    return Object.freeze({ group: to, afterMs: readWindow(path('after'), after) });
  };
  if (!isList(escalate)) return Object.freeze([read(escalate, at)]);
  const twice = escalate.findIndex(({ to }, i) => escalate.findIndex((other) => other.to === to) < i);
  if (twice !== -1) throw invalid(at(twice, 'to'), 'different from every other item', escalate[twice]?.to);
  return Object.freeze(escalate.map((one, i) => read(one, (...path) => at(i, ...path))));
}

const isList = (value: EscalateTo | readonly EscalateTo[]): value is readonly EscalateTo[] => Array.isArray(value);

function readAssurance(assurance: ReviewAssurance | undefined, at: At): Assurance | undefined {
  if (assurance === undefined) return undefined;
  const { acr, maxAge } = assurance;
  if (acr === undefined && maxAge === undefined) throw new InvalidArgumentError(at(), 'an object with acr, maxAge or both', 'none');
  return Object.freeze({
    acr: acr && Object.freeze(readAcr(at('acr'), acr)),
    maxAgeMs: maxAge === undefined ? undefined : readWindow(at('maxAge'), maxAge),
  });
}

/** The shortest form of these alternatives. */
export function formOf(alternatives: readonly Alternative[]): Pick<Quorum, 'groups' | 'steps' | 'anyOf' | 'escalation'> {
  const [only, ...others] = alternatives;
  const nothing = { groups: undefined, steps: undefined, anyOf: undefined, escalation: undefined };
  if (only === undefined || others.length > 0 || only.denials !== undefined) {
    const anyOf = alternatives.map(({ steps, denials }) =>
      Object.freeze({ groups: undefined, steps: undefined, ...(hasGroupsOnly(steps) ? { groups: steps[0]?.groups } : { steps }), denials }),
    );
    return { ...nothing, anyOf: Object.freeze(anyOf) };
  }
  const { steps } = only;
  return steps.length === 1 ? { ...nothing, ...steps[0] } : { ...nothing, steps };
}

const hasGroupsOnly = ([first, ...later]: readonly QuorumStep[]): boolean => later.length === 0 && first?.escalation === undefined;
