import { ASK_PROBLEM_CODES, type AskProblem, type AskProblemCode } from './ask-problem.js';
import { escapeUnshown, invalid, readBoundedList, readId, readOptions } from './parse.js';

/** The most problems of one answer. An approver that finds more combines them. */
export const MAX_PROBLEMS = 100;

const MAX_SHOWN = 100;

/** Shortens a text and makes its characters visible, so that a text of the requester is safe in logs and terminals. */
export function shown(text: string): string {
  const visible = escapeUnshown(text.slice(0, MAX_SHOWN + 1));
  return visible.length > MAX_SHOWN ? `${visible.slice(0, MAX_SHOWN - 3)}...` : visible;
}

/** @throws InvalidArgumentError for a malformed list, which counts as a failure of the approver */
export function readProblems(argument: string, given: unknown = []): readonly AskProblem[] {
  return readBoundedList(argument, given, 0, MAX_PROBLEMS).map((item, i) => readProblem(`${argument}[${i}]`, item));
}

function readProblem(at: string, item: unknown): AskProblem {
  const { rule, field, code, limit, got } = readOptions<keyof AskProblem>(at, item, ['rule', 'field', 'code', 'limit', 'got']);
  if (!ASK_PROBLEM_CODES.includes(code as AskProblemCode)) throw invalid(`${at}.code`, ASK_PROBLEM_CODES.join(', '), code);
  return Object.freeze({
    rule: rule === undefined ? undefined : readId(`${at}.rule`, rule),
    field: readId(`${at}.field`, field),
    code: code as AskProblemCode,
    limit: readBound(`${at}.limit`, limit),
    got: readBound(`${at}.got`, got),
  });
}

function readBound(argument: string, value: unknown): AskProblem['got'] {
  if (value === undefined || Number.isFinite(value)) return value as number | undefined;
  if (typeof value !== 'string') throw invalid(argument, 'a finite number or a text', value);
  return shown(value);
}
