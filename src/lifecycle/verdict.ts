import type { AskProblem } from '../core/ask-problem.js';
import { readProblems } from '../core/ask-problems.js';
import { invalid, readCount, readId, readBoundedList, readOptions, readText } from '../core/parse.js';
import { MAX_HOLDERS } from '../core/holder-limit.js';
import { readPattern } from '../core/scope.js';
import {
  makeQuorum,
  makeTerms,
  MAX_ALTERNATIVES,
  MAX_STEPS,
  type Escalation,
  type HolderLimit,
  type Quorum,
  type QuorumGroup,
  type Terms,
} from '../records/index.js';
import { readAssurance } from './assurance.js';
import { MAX_SCOPES } from './grant.js';
import { isDuration, readRemindEvery, readWarnings } from '../core/duration.js';
import { isInstant } from '../core/instant.js';

/** The approver that gave an answer, and its own name for the rule by which it answered. */
interface Source {
  readonly approver: string;
  readonly rule: string | undefined;
}

/** A validated verdict, with its approver and rule. */
export interface ParsedVerdict extends Source {
  readonly verdict:
    | { readonly outcome: 'approve'; readonly reason: string | undefined; readonly terms: Terms }
    | { readonly outcome: 'deny'; readonly reason: string | undefined }
    | { readonly outcome: 'review'; readonly quorum: Quorum; readonly reviewWithinMs: number | undefined; readonly terms: Terms }
    | { readonly outcome: 'abstain' };
}

/**
 * Reads an approver's answer. A malformed answer throws, and so counts as a failure of the approver. An absent or empty quorum,
 * or a count of 0, never means "always" (L16).
 *
 * @param name the approver that the engine asked. If this approver asks other approvers (`firstDecisive`), `answer.approver`
 *   names the one that decided
 */
export function readVerdict(name: string, answer: unknown): ParsedVerdict {
  const given = readOptions('verdict', answer, ['outcome', 'reason', 'quorum', 'terms', 'endBy', 'approver', 'rule']);
  const { outcome, reason, quorum, terms } = given;
  const source = readSource(name, given);
  refuseEndBy(given);
  if (outcome !== 'review' && quorum !== undefined) throw invalid('verdict.quorum', 'omitted unless the outcome is review', quorum);
  switch (outcome) {
    case 'approve':
      return { ...source, verdict: { outcome, reason: readText('verdict.reason', reason), terms: readTerms('verdict.terms', terms) } };
    case 'deny':
      return { ...source, verdict: { outcome, reason: readText('verdict.reason', reason) } };
    case 'review':
      return { ...source, verdict: { outcome, ...readQuorum('verdict.quorum', quorum), terms: readTerms('verdict.terms', terms) } };
    case 'abstain':
      return { ...source, verdict: { outcome } };
    default:
      throw invalid('verdict.outcome', 'approve, deny, review or abstain', outcome);
  }
}

/** A validated answer to a request for break-glass access, with its approver and rule. */
export interface ParsedBreakGlass extends Source {
  readonly verdict:
    | {
        readonly outcome: 'approve';
        readonly reviewWithinMs: number;
        readonly maxUnreviewed: number;
        readonly reviewers: readonly string[];
        readonly skippedGroups: readonly string[];
        readonly skippedPeople: readonly string[] | undefined;
        readonly terms: Terms;
      }
    | { readonly outcome: 'deny'; readonly reason: string | undefined; readonly problems: readonly AskProblem[] }
    | { readonly outcome: 'abstain' };
}

export function readBreakGlass(name: string, answer: unknown): ParsedBreakGlass {
  const given = readOptions('verdict', answer, [
    'outcome',
    'reason',
    'reviewWithinMs',
    'maxUnreviewed',
    'reviewers',
    'skippedGroups',
    'skippedPeople',
    'terms',
    'problems',
    'endBy',
    'approver',
    'rule',
  ]);
  const { problems } = given;
  refuseEndBy(given);
  if (given.outcome !== 'deny' && problems !== undefined) throw invalid('verdict.problems', 'omitted unless the outcome is deny', problems);
  const { outcome, reason, reviewWithinMs, maxUnreviewed = 1, reviewers = [], skippedGroups = [], skippedPeople, terms } = given;
  const source = readSource(name, given);
  switch (outcome) {
    case 'approve':
      return {
        ...source,
        verdict: {
          outcome,
          reviewWithinMs: readMs('verdict.reviewWithinMs', reviewWithinMs),
          maxUnreviewed: readCount('verdict.maxUnreviewed', maxUnreviewed, 1, MAX_COUNT),
          reviewers: readIds('verdict.reviewers', reviewers),
          skippedGroups: readIds('verdict.skippedGroups', skippedGroups),
          skippedPeople: skippedPeople === undefined ? undefined : readIds('verdict.skippedPeople', skippedPeople),
          terms: readTerms('verdict.terms', terms),
        },
      };
    case 'deny':
      return {
        ...source,
        verdict: { outcome, reason: readText('verdict.reason', reason), problems: readProblems('verdict.problems', problems) },
      };
    case 'abstain':
      return { ...source, verdict: { outcome } };
    default:
      throw invalid('verdict.outcome', 'approve, deny or abstain', outcome);
  }
}

function readSource(name: string, { approver = name, rule }: { readonly approver?: unknown; readonly rule?: unknown }): Source {
  return { approver: readId('verdict.approver', approver), rule: rule === undefined ? undefined : readId('verdict.rule', rule) };
}

const readIds = (argument: string, value: unknown): readonly string[] =>
  readBoundedList(argument, value, 0, MAX_COUNT).map((id, i) => readId(`${argument}[${i}]`, id));

/** Reads a duration of a verdict: a number only, as `Ms` in its name says. A text such as `'1h'` would differ from the record. */
function readMs(argument: string, value: unknown): number {
  if (!isDuration(value)) throw invalid(argument, 'a whole number of milliseconds from 1 to 1e12', value);
  return value;
}

/** An abstention may name an end, which only a chain uses. The end of a verdict that gives access is one of its terms. */
function refuseEndBy({ outcome, endBy }: { readonly outcome?: unknown; readonly endBy?: unknown }): void {
  if (endBy === undefined) return;
  if (outcome !== 'abstain') throw invalid('verdict.endBy', 'omitted unless the outcome is abstain', endBy);
  readEpoch('verdict.endBy', endBy);
}

/** Reads an instant of a verdict: a number only, as the record keeps it. */
function readEpoch(argument: string, value: unknown): number {
  if (!isInstant(value)) throw invalid(argument, 'an instant in epoch milliseconds', value);
  return value;
}

function readTerms(argument: string, value: unknown = {}): Terms {
  const { warnBeforeMs, idleTtlMs, maxUses, maxTotalMs, endBy, maxHolders } = readOptions<keyof Terms>(argument, value, [
    'warnBeforeMs',
    'idleTtlMs',
    'maxUses',
    'maxTotalMs',
    'endBy',
    'maxHolders',
  ]);
  const duration = (name: string, ms: unknown) => (ms === undefined ? undefined : readMs(`${argument}.${name}`, ms));
  return makeTerms({
    warnBeforeMs: warnBeforeMs === undefined ? undefined : readWarnings(`${argument}.warnBeforeMs`, warnBeforeMs, readMs),
    idleTtlMs: duration('idleTtlMs', idleTtlMs),
    maxUses: maxUses === undefined ? undefined : readCount(`${argument}.maxUses`, maxUses, 1),
    maxTotalMs: duration('maxTotalMs', maxTotalMs),
    endBy: endBy === undefined ? undefined : readEpoch(`${argument}.endBy`, endBy),
    maxHolders: maxHolders === undefined ? undefined : readHolderLimits(`${argument}.maxHolders`, maxHolders),
  });
}

/** Reads the limits on holders: at least one, and each rule once. */
function readHolderLimits(argument: string, value: unknown): readonly HolderLimit[] {
  const rules = new Set<unknown>();
  return readBoundedList(argument, value, 1, MAX_SCOPES).map((given, i) => {
    const at = `${argument}[${i}]`;
    const { rule, max, scopes } = readOptions<keyof HolderLimit>(at, given, ['rule', 'max', 'scopes']);
    if (rules.has(rule)) throw invalid(`${at}.rule`, 'different from every other item', rule);
    rules.add(rule);
    const read = readBoundedList(`${at}.scopes`, scopes, 1, MAX_SCOPES).map((scope, j) => readPattern(`${at}.scopes[${j}]`, scope));
    return { rule: readId(`${at}.rule`, rule), max: readCount(`${at}.max`, max, 1, MAX_HOLDERS), scopes: read };
  });
}

/** The greatest count, and the longest list of ids, in a verdict. More is a mistake. */
const MAX_COUNT = 1_000;

/** Reads the quorum of an approver's answer. */
export function readQuorum(argument: string, value: unknown): { quorum: Quorum; reviewWithinMs: number | undefined } {
  const given = readOptions(argument, value, QUORUM_FIELDS);
  const { denials = 1, approvalTtlMs, reviewWithinMs, escalation, assurance, remindEveryMs, anyOf } = given;
  const form = readForm(argument, given, FORMS);
  const alternatives =
    anyOf === undefined
      ? undefined
      : readItems(`${argument}.anyOf`, anyOf, MAX_ALTERNATIVES, (at, item) => {
          const one = readOptions(at, item, ['groups', 'steps', 'denials']);
          return { ...readForm(at, one, ['groups', 'steps']), denials: optionalCount(`${at}.denials`, one.denials) };
        });
  // The escalation belongs to groups. Without this check it would have no effect.
  if (escalation !== undefined && (alternatives ?? [form]).every(({ steps }) => steps !== undefined))
    throw invalid(`${argument}.escalation`, 'omitted, because each step has its own', escalation);
  const quorum = makeQuorum({
    ...form,
    anyOf: alternatives,
    denials: readCount(`${argument}.denials`, denials, 1, MAX_COUNT),
    approvalTtlMs: approvalTtlMs === undefined ? undefined : readMs(`${argument}.approvalTtlMs`, approvalTtlMs),
    escalation: readEscalation(`${argument}.escalation`, escalation),
    assurance: readAssurance(`${argument}.assurance`, assurance),
    remindEveryMs: remindEveryMs === undefined ? undefined : readRemindEvery(`${argument}.remindEveryMs`, remindEveryMs, readMs),
  });
  return { quorum, reviewWithinMs: reviewWithinMs === undefined ? undefined : readMs(`${argument}.reviewWithinMs`, reviewWithinMs) };
}

const FORMS = ['groups', 'steps', 'anyOf'] as const;
const QUORUM_FIELDS = [...FORMS, 'denials', 'approvalTtlMs', 'reviewWithinMs', 'escalation', 'assurance', 'remindEveryMs'] as const;

/** Reads `groups` or `steps`, of which exactly one form is given. */
function readForm(argument: string, given: Partial<Record<string, unknown>>, forms: readonly string[]): Pick<Quorum, 'groups' | 'steps'> {
  const { groups, steps } = given;
  const found = forms.filter((form) => given[form] !== undefined);
  if (found.length > 1) throw invalid(argument, `an object with exactly one of ${forms.join(', ')}`, found.join(' and '));
  return {
    groups: groups === undefined && found.length > 0 ? undefined : readGroups(`${argument}.groups`, groups),
    steps:
      steps === undefined
        ? undefined
        : readItems(`${argument}.steps`, steps, MAX_STEPS, (at, item) => {
            const step = readOptions(at, item, ['groups', 'escalation']);
            return { groups: readGroups(`${at}.groups`, step.groups), escalation: readEscalation(`${at}.escalation`, step.escalation) };
          }),
  };
}

function readGroups(argument: string, value: unknown): readonly QuorumGroup[] {
  const names = new Set<unknown>();
  return readItems(argument, value, Infinity, (at, group) => {
    const { name, approvals, denials } = readOptions(at, group, ['name', 'approvals', 'denials']);
    if (names.has(name)) throw invalid(`${at}.name`, 'different from every other item', name);
    names.add(name);
    return {
      name: readId(`${at}.name`, name),
      approvals: readCount(`${at}.approvals`, approvals, 1, MAX_COUNT),
      denials: optionalCount(`${at}.denials`, denials),
    };
  });
}

/** Reads one escalation, or a list of them. */
function readEscalation(argument: string, value: unknown): readonly Escalation[] | undefined {
  const read = (at: string, item: unknown): Escalation => {
    const { group, afterMs } = readOptions(at, item, ['group', 'afterMs']);
    return { group: readId(`${at}.group`, group), afterMs: readMs(`${at}.afterMs`, afterMs) };
  };
  if (value === undefined) return undefined;
  return Array.isArray(value) ? readItems(argument, value, MAX_STEPS, read) : [read(argument, value)];
}

const readItems = <T>(argument: string, value: unknown, max: number, read: (at: string, item: unknown) => T): readonly T[] =>
  readBoundedList(argument, value, 1, max).map((item, i) => read(`${argument}[${i}]`, item));

const optionalCount = (argument: string, value: unknown): number | undefined =>
  value === undefined ? undefined : readCount(argument, value, 1, MAX_COUNT);
