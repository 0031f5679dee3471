import type { AskProblem } from '../../../../index.js';
import type { AccessPreview } from '../../../../explain.js';
import { lastingProblem } from '../../parts/problem-text.js';

/* Why an ask was refused, as the form shows it. */

/** A problem of one input. `invalid`: the API could not read the value, and `limit` says which values it reads. */
export interface FieldProblem extends Omit<AskProblem, 'code'> {
  readonly code: AskProblem['code'] | 'invalid' | 'forbidden';
}

/** Why a dry run or a send was refused. */
export interface AskRefusal {
  /** The name of the problem, such as `limit`. Empty: the failure is not a problem of the API. */
  readonly name: string;
  readonly problems: readonly FieldProblem[];
  /** The approver's reason for the requester. */
  readonly reason: string | undefined;
  /** The limit that refuses it, and when it no longer does. */
  readonly limit: string | undefined;
  readonly max: number | undefined;
  /** Epoch milliseconds. */
  readonly retryAt: number | undefined;
  /** Whether the request may have been made in spite of the failure: a repeat needs the same key. */
  readonly isUnknown: boolean;
  /** What the API says, if the failure lasts until an operator acts. */
  readonly lasting: string | undefined;
}

type Refused = Extract<AccessPreview, { readonly outcome: 'refused' }>;

const NONE = {
  name: '',
  problems: [],
  reason: undefined,
  limit: undefined,
  max: undefined,
  retryAt: undefined,
  isUnknown: false,
  lasting: undefined,
};

/** What a dry run refused: it has the code of the error that a send would reject with. */
export const refusedPreview = ({ code, reason, problems }: Refused): AskRefusal => ({
  ...NONE,
  name: code
    .replace(/^ERR_JIT_/, '')
    .toLowerCase()
    .replaceAll('_', '-'),
  problems,
  // In the words of the engine, which name ids and fields. The problems say it better.
  reason: problems.length > 0 ? undefined : reason,
});

/** @param error what a call of the client rejected with @param forOther whether the ask names another subject */
export function refusalOf(error: unknown, forOther: boolean): AskRefusal {
  const { status, problem = {} } = ((error as { readonly cause?: unknown }).cause ?? error) as Failure;
  const name = problem.type?.split(':').at(-1) ?? '';
  const { argument, rule, problems = [], reason, limit, max, retryAt } = problem;
  const invalid = argument === undefined ? [] : [{ field: argument, code: 'invalid' as const, limit: rule }];
  const forbidden = name === 'forbidden' && forOther ? [{ field: 'subject', code: 'forbidden' as const }] : [];
  return {
    name,
    problems: [...problems, ...invalid, ...forbidden],
    reason: problems.length > 0 ? undefined : reason,
    limit,
    max,
    retryAt,
    isUnknown: status === undefined || status >= 500,
    lasting: lastingProblem(error),
  };
}

/** The error of the client, or the cause of an error of the engine. */
interface Failure {
  readonly status?: number;
  readonly problem?: {
    readonly type?: string;
    readonly argument?: string;
    readonly rule?: string;
    readonly problems?: readonly AskProblem[];
    readonly reason?: string;
    readonly limit?: string;
    readonly max?: number;
    readonly retryAt?: number;
  };
}
