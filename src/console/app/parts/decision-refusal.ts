/** Why the API did not record a decision: the parts of its answer that a page shows. */
export interface Refusal {
  /** The HTTP status. `undefined`: no answer arrived, so the decision may have been recorded. */
  readonly status: number | undefined;
  /** The last part of the problem's type, such as `decided`. */
  readonly name: string;
  /** Why a reviewer does not count; how another reviewer was faster. `undefined`: not said. */
  readonly why: string | undefined;
  /** How the reviewer must sign in first. `undefined`: no sign-in helps. */
  readonly stepUp: StepUp | undefined;
}

/** The parameters of RFC 9470 for another sign-in. */
export interface StepUp {
  readonly acrValues?: string | undefined;
  /** Seconds. */
  readonly maxAge?: number | undefined;
}

const TYPE = 'urn:jit-access:problem:';

/** @param error what a call of the client rejected with */
export function refusalOf(error: unknown): Refusal {
  const failure = ((error as { readonly cause?: unknown }).cause ?? error) as Failure;
  const { status, problem } = failure;
  const name = problem?.type?.startsWith(TYPE) === true ? problem.type.slice(TYPE.length) : '';
  return { status, name, why: problem?.why ?? problem?.outcome, stepUp: status === 401 ? stepUpOf(problem?.problems ?? []) : undefined };
}

/** The error of the client is the cause of an error of the engine. */
interface Failure {
  readonly status?: number;
  readonly problem?: {
    readonly type?: string;
    readonly why?: string;
    readonly outcome?: string;
    readonly problems?: readonly Problem[];
  };
}

interface Problem {
  readonly code?: string;
  readonly field?: string;
  readonly limit?: string | number;
}

/** The challenge in the body of an answer: its header says the same, and the client keeps no header. */
function stepUpOf(problems: readonly Problem[]): StepUp | undefined {
  const needed = problems.filter(({ code }) => code === 'assurance');
  if (needed.length === 0) return undefined;
  const limitOf = (field: string) => needed.find((problem) => problem.field === field)?.limit;
  const acr = limitOf('auth.acr');
  const maxAgeMs = limitOf('auth.authAt');
  return {
    acrValues: typeof acr === 'string' ? acr.replaceAll(', ', ' ') : undefined,
    maxAge: typeof maxAgeMs === 'number' ? Math.floor(maxAgeMs / 1_000) : undefined,
  };
}
