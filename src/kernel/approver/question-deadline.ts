import { askBounded, askForAll } from '../../core/ask-bounded.js';
import { messageOf, type ApproverError } from '../../core/errors.js';
import { Stopwatch } from '../../core/stopwatch.js';
import { within } from '../../core/timers.js';
import type { Clock, MaybePromise } from '../../core/ports.js';
import type { AccessRequest } from '../../records/index.js';

/** The answer about one request, or the error of that question. `undefined`: the time ended before it was asked. */
export type InTime<Answer> = Answer | ApproverError | undefined;

/** The time that all questions of one call share. Each round of answers takes from it. */
export interface QuestionTime {
  leftMs: number;
}

/** How to ask about one reviewer. */
export interface ReviewerQuestion<Answer> {
  readonly one: (request: AccessRequest) => MaybePromise<unknown>;
  /** Asks about all requests together. `undefined`: the approver answers only one at a time. */
  readonly all: ((requests: readonly AccessRequest[]) => MaybePromise<readonly MaybePromise<unknown>[]>) | undefined;
  /** Checks and copies an answer. */
  readonly read: (answer: unknown) => Answer;
  readonly failure: (request: AccessRequest, message: string, cause?: unknown) => ApproverError;
}

const LATE = 'gave no answer before the time limit of the call (limits.approverTimeout)';

/**
 * Asks about a reviewer on each request, for at most the time that is left. A question without an answer in that time has failed, and
 * delays no other.
 *
 * @returns in the order of the requests. The ones that were not asked are the last ones
 */
export async function askInTime<Answer>(
  clock: Clock,
  time: QuestionTime,
  requests: readonly AccessRequest[],
  { one, all, read, failure }: ReviewerQuestion<Answer>,
): Promise<readonly InTime<Answer>[]> {
  const given: InTime<Answer>[] = requests.map(() => undefined);
  if (requests.length === 0 || time.leftMs <= 0) return given;
  const asked = new Set<AccessRequest>();
  let isOver = false;
  const askOne = (request: AccessRequest): MaybePromise<unknown> => {
    // A place became free after the time limit: the caller gets this request with its next page.
    if (isOver) return [];
    asked.add(request);
    return one(request);
  };
  const watch = new Stopwatch(clock);
  const answers = all === undefined ? askBounded(requests, askOne) : askForAll(requests.length, () => all(requests));
  const put = (i: number, answer: InTime<Answer>): void => {
    if (!isOver) given[i] = answer;
  };
  const settled = answers.map((answer, i) =>
    answer.then(read).then(
      (value) => put(i, value),
      (error: unknown) => put(i, failure(requests[i] as AccessRequest, `failed: ${messageOf(error)}`, error)),
    ),
  );
  try {
    await within(
      clock,
      time.leftMs,
      () => Promise.all(settled),
      () => new Error(LATE),
    );
  } catch (error) {
    requests.forEach((request, i) => {
      if (all !== undefined || asked.has(request)) given[i] ??= failure(request, messageOf(error));
    });
  }
  isOver = true;
  time.leftMs = Math.max(0, time.leftMs - watch.ms);
  return given;
}
