import { assertBoolean, invalid, readBoundedList, readId, readOptions, readText } from '../../core/parse.js';
import type { RequestableAnswer, RequestableInput, RequestableNeeds, RequiredField } from '../../core/approver-port.js';
import { MAX_EXCLUDED, MAX_LISTED, MAX_REQUESTABLE, RISKS, type Risk } from '../../core/requestable.js';
import { readPattern } from '../../core/scope.js';
import { isDuration } from '../../core/duration.js';
import { quorumInWords } from '../../records/index.js';
import { readQuorum } from '../../lifecycle/verdict.js';
import type { Requestable, RequestableOutcome } from './requestable-types.js';

/** An item as the approver describes it, before the limits and the locks of the engine. */
export type ParsedItem = Omit<Requestable, 'minTtlMs' | 'maxTtlMs' | 'maxStartAheadMs' | 'breakGlass' | 'locked' | 'usualWaitMs'> &
  Pick<RequestableInput, 'minTtlMs' | 'maxTtlMs' | 'maxStartAheadMs'>;

/** A validated answer. */
interface ParsedAnswer {
  readonly items: readonly ParsedItem[];
  readonly complete: boolean;
}

/** @throws InvalidArgumentError for a malformed answer, which counts as a failure of the approver (L30) */
export function readRequestable(answer: unknown, approver: string): ParsedAnswer {
  if (answer === undefined) return { items: [], complete: false };
  const given = readOptions<keyof RequestableAnswer>('requestable', answer, ['items', 'denied', 'complete']);
  const { items, denied = [], complete = true } = given;
  listOf(readPattern, 'requestable.denied', denied, MAX_EXCLUDED);
  return {
    items: listOf((at, item) => readItem(at, item, approver), 'requestable.items', items, MAX_REQUESTABLE),
    complete: readFlag('requestable.complete', complete),
  };
}

const FIELDS = [
  'scope',
  'title',
  'description',
  'risk',
  'outcome',
  'except',
  'patterns',
  'minTtlMs',
  'maxTtlMs',
  'maxStartAheadMs',
  'needs',
  'quorum',
  'afterReview',
  'reviewers',
  'approver',
  'rule',
] as const;

const OUTCOMES: readonly unknown[] = ['approve', 'review', 'break_glass'] satisfies RequestableOutcome[];

function readItem(at: string, item: unknown, name: string): ParsedItem {
  const given = readOptions<keyof RequestableInput>(at, item, FIELDS);
  const { outcome, title, risk, except = [], patterns = false, quorum, afterReview, reviewers, approver = name, rule } = given;
  if (!OUTCOMES.includes(outcome)) throw invalid(`${at}.outcome`, OUTCOMES.join(', '), outcome);
  if (risk !== undefined && !RISKS.includes(risk as Risk)) throw invalid(`${at}.risk`, RISKS.join(', '), risk);
  if (outcome !== 'review' && quorum !== undefined) throw invalid(`${at}.quorum`, 'omitted unless the outcome is review', quorum);
  if (outcome !== 'break_glass' && afterReview !== undefined)
    throw invalid(`${at}.afterReview`, 'omitted unless the outcome is break_glass', afterReview);
  const needed = outcome === 'review' ? readQuorum(`${at}.quorum`, quorum).quorum : undefined;
  return {
    scope: readPattern(`${at}.scope`, given.scope),
    title: optional(readId, `${at}.title`, title),
    description: readText(`${at}.description`, given.description),
    risk: risk as Risk | undefined,
    outcome: outcome as RequestableOutcome,
    approver: readId(`${at}.approver`, approver),
    rule: optional(readId, `${at}.rule`, rule),
    except: listOf(readPattern, `${at}.except`, except, MAX_EXCLUDED),
    patterns: readFlag(`${at}.patterns`, patterns),
    minTtlMs: optional(readMs, `${at}.minTtlMs`, given.minTtlMs),
    maxTtlMs: optional(readMs, `${at}.maxTtlMs`, given.maxTtlMs),
    maxStartAheadMs: optional(readMs, `${at}.maxStartAheadMs`, given.maxStartAheadMs),
    needs: readNeeds(`${at}.needs`, given.needs),
    quorum: needed,
    quorumInWords: needed && quorumInWords(needed),
    afterReview: optional(readAfterReview, `${at}.afterReview`, afterReview),
    reviewers: optional(readReviewers, `${at}.reviewers`, reviewers),
  };
}

const optional = <T>(read: (argument: string, value: unknown) => T, argument: string, value: unknown): T | undefined =>
  value === undefined ? undefined : read(argument, value);

function readFlag(argument: string, value: unknown): boolean {
  assertBoolean(argument, value);
  return value;
}

function readMs(argument: string, value: unknown): number {
  if (!isDuration(value)) throw invalid(argument, 'a whole number of milliseconds from 1 to 1e12', value);
  return value;
}

const listOf = <T>(read: (argument: string, value: unknown) => T, argument: string, value: unknown, max: number): readonly T[] =>
  Object.freeze(readBoundedList(argument, value, 0, max).map((item, i) => read(`${argument}[${i}]`, item)));

const readReviewers = (argument: string, value: unknown): readonly string[] => listOf(readId, argument, value, MAX_LISTED);

function readAfterReview(argument: string, value: unknown): Requestable['afterReview'] {
  const { groups, withinMs } = readOptions(argument, value, ['groups', 'withinMs']);
  return Object.freeze({ groups: readReviewers(`${argument}.groups`, groups), withinMs: readMs(`${argument}.withinMs`, withinMs) });
}

/** The most required fields of an item, and the most values of a field. */
const MAX_FIELDS = 100;

function readNeeds(argument: string, value: unknown = {}): Requestable['needs'] {
  const given = readOptions<keyof RequestableNeeds>(argument, value, ['justification', 'ticket', 'fields']);
  const { justification = false, ticket, fields = [] } = given;
  return Object.freeze({
    justification: readFlag(`${argument}.justification`, justification),
    ticket: ticket === undefined || ticket === true ? ticket : readId(`${argument}.ticket`, ticket),
    fields: listOf(readField, `${argument}.fields`, fields, MAX_FIELDS),
  });
}

function readField(argument: string, value: unknown): RequiredField {
  const { field, title, values, form } = readOptions<keyof RequiredField>(argument, value, ['field', 'title', 'values', 'form']);
  return Object.freeze({
    field: readId(`${argument}.field`, field),
    title: optional(readId, `${argument}.title`, title),
    values: optional(readReviewers, `${argument}.values`, values),
    form: optional(readId, `${argument}.form`, form),
  });
}
