import { ApproverError, isJitError } from '../errors.js';
import { isId } from '../input.js';
import { readVerdict, type ReadVerdict } from '../lifecycle/verdict.js';
import type { Approver, Clock, MaybePromise } from '../ports.js';
import type { AccessRequest } from '../records.js';
import { within } from '../time.js';

/** Asks the approver: with a limit of time, and with answers that are checked before anybody believes them. */
export class ApproverDesk {
  readonly #approver: Approver;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  constructor(approver: Approver, clock: Clock, timeoutMs: number) {
    this.#approver = approver;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  decide(request: AccessRequest): Promise<ReadVerdict> {
    return this.#ask(
      request,
      'decide',
      (approver) => approver.decide(request),
      (answer) => readVerdict(this.#approver.name, answer),
    );
  }

  /** Nobody may review where the approver knows no groups. */
  groupsOf(reviewer: string, request: AccessRequest): Promise<readonly string[]> {
    return this.#ask(request, 'groupsOf', (approver) => approver.groupsOf?.(reviewer, request) ?? [], readNames);
  }

  /** `undefined` where they can't be listed. */
  membersOf(request: AccessRequest): Promise<readonly string[] | undefined> {
    return this.#ask(
      request,
      'membersOf',
      (approver) => approver.membersOf?.(request),
      (answer) => (answer === undefined ? undefined : readNames(answer)),
    );
  }

  isEligible(request: AccessRequest, when: 'creation' | 'approval'): Promise<boolean> {
    return this.#ask(
      request,
      'isEligible',
      (approver) => (approver.isEligible ? approver.isEligible(request, when) : true),
      readYesOrNo,
      when !== 'creation',
    );
  }

  async #ask<T>(
    request: AccessRequest,
    question: string,
    ask: (approver: Approver) => MaybePromise<unknown>,
    read: (answer: unknown) => T,
    onRecord = true,
  ): Promise<T> {
    const fail = (message: string, cause?: unknown) =>
      new ApproverError(this.#approver.name, onRecord ? request.id : undefined, `${question} ${message}`, cause);
    try {
      const late = () => fail(`gave no answer within ${this.#timeoutMs} ms`);
      return read(await within(this.#clock, this.#timeoutMs, () => ask(this.#approver), late));
    } catch (error) {
      if (isJitError(error) && error.code === 'ERR_JIT_APPROVER') throw error;
      throw fail(`failed: ${error instanceof Error ? error.message : 'no error was given'}`, error);
    }
  }
}

function readNames(answer: unknown): readonly string[] {
  if (!Array.isArray(answer) || !answer.every(isId)) throw new TypeError('the answer must be a list of ids');
  return answer;
}

function readYesOrNo(answer: unknown): boolean {
  if (typeof answer !== 'boolean') throw new TypeError('the answer must be true or false');
  return answer;
}
