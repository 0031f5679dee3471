import { ApproverError, messageOf } from '../../core/errors.js';
import { readId, readBoundedList, readOptions, readText } from '../../core/parse.js';
import { readBreakGlass, readVerdict, type ParsedBreakGlass, type ParsedVerdict } from '../../lifecycle/verdict.js';
import { readProblems } from '../../core/ask-problems.js';
import type { Refusal } from '../../lifecycle/requirements.js';
import { decidesAtOnce } from '../../core/decides-at-once.js';
import type { Approver, ApproverContext, RequestableContext } from '../../core/approver-port.js';
import type { Clock, MaybePromise } from '../../core/ports.js';
import type { AccessRequest } from '../../records/index.js';
import type { EngineClock } from '../../core/clock.js';
import { isThenable } from '../../core/thenable.js';
import { within } from '../../core/timers.js';
import { askInTime, type InTime, type QuestionTime } from './question-deadline.js';
import type { Settings } from '../settings/settings.js';

/**
 * Asks the approver, with a time limit, and validates each answer before the engine uses it. The approver is never asked about an
 * agent as a reviewer: agents are in no group and on no list, and they review no break-glass use.
 */
export class ApproverClient {
  readonly #approver: Approver;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #readId: Settings['readId'];
  readonly #isAgent: Settings['isAgent'];
  readonly #engineClock: Pick<EngineClock, 'read' | 'highWater'>;
  readonly #engine: Pick<ApproverContext, 'scopes' | 'canonicalId'>;

  constructor(
    {
      approver,
      clock,
      approverTimeoutMs,
      readId,
      isAgent,
      scopes,
      canonicalId,
    }: Pick<Settings, 'approver' | 'clock' | 'approverTimeoutMs' | 'readId' | 'isAgent' | 'scopes' | 'canonicalId'>,
    engineClock: Pick<EngineClock, 'read' | 'highWater'>,
  ) {
    this.#approver = approver;
    this.#clock = clock;
    this.#timeoutMs = approverTimeoutMs;
    this.#readId = readId;
    this.#isAgent = isAgent;
    this.#engineClock = engineClock;
    this.#engine = { scopes, canonicalId };
  }

  /** @param onRecord false: the request is not recorded, so that an error carries no request id. Default: true */
  decide(request: AccessRequest, onRecord = true): Promise<ParsedVerdict> {
    return this.#ask(
      request,
      'decide',
      (approver) => approver.decide(request, this.#atStartOf(request)),
      (answer) => this.#own(readVerdict(this.#approver.name, answer)),
      onRecord,
    );
  }

  /**
   * The verdict on a request that is not recorded yet, of an approver that decides it at once. `undefined`: the engine records the
   * request first, also after a throw, a promise or a malformed verdict: it asks again then, and reports the failure (L16).
   */
  decideAtOnce(request: AccessRequest): ParsedVerdict | undefined {
    const approver = this.#approver;
    try {
      const context = this.#atStartOf(request);
      if (!decidesAtOnce(approver, request, context)) return undefined;
      const answer: unknown = approver.decide(request, context);
      if (!isThenable(answer)) return this.#own(readVerdict(approver.name, answer));
      // The engine reads the answer of the second call. An unhandled rejection of the first one would end the process.
      Promise.resolve(answer).catch(() => undefined);
    } catch {
      // The second call reports it, with the id of the request.
    }
    return undefined;
  }

  /** Asks for break-glass access, before anything is recorded. An approver without the method abstains. */
  breakGlass(request: AccessRequest): Promise<ParsedBreakGlass> {
    const ask = (approver: Approver) =>
      approver.breakGlass === undefined ? { outcome: 'abstain' } : approver.breakGlass(request, this.#now());
    const read = (answer: unknown) => this.#own(readBreakGlass(this.#approver.name, answer));
    return this.#ask(request, 'breakGlass', ask, read, false);
  }

  /** Whether this person may review this break-glass use. No for an agent, and for a request that this approver does not answer for. */
  async mayReviewBreakGlass(reviewer: string, request: AccessRequest): Promise<boolean> {
    if (this.#isAgent(reviewer)) return false;
    return this.#ask(request, 'mayReviewBreakGlass', () => this.#askMayReview(reviewer, request, this.#now()), readYesOrNo);
  }

  /** {@link mayReviewBreakGlass} for many requests, within the time that is left. At most 32 questions are open at a time. */
  async mayReviewEach(reviewer: string, requests: readonly AccessRequest[], time: QuestionTime): Promise<readonly InTime<boolean>[]> {
    if (this.#isAgent(reviewer)) return requests.map(() => false);
    const context = this.#now();
    return askInTime(this.#clock, time, requests, {
      one: (request) => this.#askMayReview(reviewer, request, context),
      all: undefined,
      read: readYesOrNo,
      failure: ({ id }, message, cause) => new ApproverError(this.#approver.name, id, `mayReviewBreakGlass ${message}`, cause),
    });
  }

  #askMayReview(reviewer: string, request: AccessRequest, context: ApproverContext): MaybePromise<unknown> {
    const approver = this.#approver;
    if (!this.#answersFor(request.approver) || approver.mayReviewBreakGlass === undefined) return false;
    return approver.mayReviewBreakGlass(reviewer, request, context);
  }

  /** The groups of a reviewer. Empty for an agent, for an approver without `groupsOf`, and for a request of another approver. */
  async groupsOf(reviewer: string, request: AccessRequest): Promise<readonly string[]> {
    if (this.#isAgent(reviewer)) return [];
    const ask = (approver: Approver) =>
      approver.groupsOf && this.#answersFor(request.approver) ? approver.groupsOf(reviewer, request, this.#now()) : [];
    return this.#ask(request, 'groupsOf', ask, readNames);
  }

  /** The time that all questions of one call share. */
  time(): QuestionTime {
    return { leftMs: this.#timeoutMs };
  }

  /**
   * {@link groupsOf} for many requests, within the time that is left. An approver with `groupsOfAll` is asked once. Of any other, at
   * most 32 questions are open at a time.
   */
  async groupsOfAll(
    reviewer: string,
    requests: readonly AccessRequest[],
    time: QuestionTime,
  ): Promise<readonly InTime<readonly string[]>[]> {
    const approver = this.#approver;
    if (approver.groupsOf === undefined || this.#isAgent(reviewer)) return requests.map(() => []);
    const context = this.#now();
    const failures = new Map<unknown, ApproverError>();
    const all =
      approver.groupsOfAll === undefined
        ? undefined
        : (asked: readonly AccessRequest[]) => approver.groupsOfAll?.(reviewer, asked, context) ?? [];
    const failure = (request: AccessRequest, message: string, cause?: unknown) => {
      if (all === undefined) return new ApproverError(approver.name, request.id, `groupsOf ${message}`, cause);
      // One question failed, however many requests it was about.
      const shared = failures.get(cause) ?? new ApproverError(approver.name, undefined, `groupsOfAll ${message}`, cause);
      failures.set(cause, shared);
      return shared;
    };
    const isOwn = requests.map((request) => {
      try {
        return this.#answersFor(request.approver);
      } catch (error) {
        return new ApproverError(approver.name, request.id, `answersFor failed: ${messageOf(error)}`, error);
      }
    });
    const own = Object.freeze(requests.filter((_, i) => isOwn[i] === true));
    const one = (request: AccessRequest) => approver.groupsOf?.(reviewer, request, context);
    const memberships = [...(await askInTime(this.#clock, time, own, { one, all, read: readNames, failure }))];
    return isOwn.map((answer) => (answer === true ? memberships.shift() : answer === false ? [] : answer));
  }

  /** The possible reviewers, without agents; `undefined` if the approver cannot list them. */
  async membersOf(request: AccessRequest): Promise<readonly string[] | undefined> {
    const members = await this.listOf(request);
    return members && this.withoutAgents(members);
  }

  /** The possible reviewers in the form in which the approver lists them, with agents and with the names of groups. */
  async listOf(request: AccessRequest): Promise<readonly string[] | undefined> {
    // Does not read the clock: a failing clock must not prevent the notice about a change that is committed.
    const context = this.#context(this.#engineClock.highWater);
    const ask = (approver: Approver) => (this.#answersFor(request.approver) ? approver.membersOf?.(request, context) : undefined);
    return this.#ask(request, 'membersOf', ask, (answer) => (answer === undefined ? undefined : readNames(answer)));
  }

  /** The people among the listed ids. */
  withoutAgents(members: readonly string[]): readonly string[] {
    return members.filter((member) => !this.#isAgent(this.#atTheDoor(member)));
  }

  /**
   * Asks what a subject may ask for.
   *
   * @param read checks the answer. It receives `undefined` from an approver that cannot list it
   */
  requestable<T>(
    subject: string,
    asker: Pick<RequestableContext, 'requestedBy' | 'operator'>,
    read: (answer: unknown, approver: string) => T,
  ): Promise<T> {
    const ask = (approver: Approver) => approver.requestable?.(subject, Object.freeze({ ...this.#now(), ...asker }));
    return this.#ask(undefined, 'requestable', ask, (answer) => read(answer, this.#approver.name));
  }

  /** The listed id as the engine would read it at a review. The approver may list ids in another form. */
  #atTheDoor(member: string): string {
    try {
      return this.#readId('member', member);
    } catch {
      return member;
    }
  }

  /** Whether the approver must be asked about eligibility at a scheduled start. */
  get asksAtStart(): boolean {
    return this.#approver.isEligible !== undefined;
  }

  /** Whether the subject may make this request, which is not recorded yet. */
  mayAsk(request: AccessRequest): Promise<Eligibility> {
    // Only an absent method counts as yes. A method that returns `undefined` does not.
    const ask = (approver: Approver) =>
      approver.isEligible === undefined ? true : approver.isEligible(request, 'creation', this.#atStartOf(request));
    return this.#ask(request, 'isEligible', ask, readEligibility, false);
  }

  /**
   * Whether the subject is still eligible when the quorum would complete, or when a scheduled grant starts. No for a request of
   * another approver, because this one cannot confirm it.
   */
  async mayHold(request: AccessRequest, when: 'approval' | 'start'): Promise<boolean> {
    const ask = (approver: Approver) =>
      this.#answersFor(request.approver) && (approver.isEligible === undefined ? true : approver.isEligible(request, when, this.#now()));
    return (await this.#ask(request, 'isEligible', ask, readEligibility)).eligible;
  }

  #context(at: number): ApproverContext {
    return Object.freeze({ at, ...this.#engine });
  }

  #now(): ApproverContext {
    return this.#context(this.#engineClock.read().now);
  }

  /** A request for a later start is judged at that start, not at the present instant. */
  #atStartOf({ startsAt }: AccessRequest): ApproverContext {
    return this.#context(Math.max(this.#engineClock.read().now, startsAt ?? 0));
  }

  async #ask<T>(
    request: AccessRequest | undefined,
    question: string,
    ask: (approver: Approver) => MaybePromise<unknown>,
    read: (answer: unknown) => T,
    onRecord = true,
  ): Promise<T> {
    const fail = (message: string, cause?: unknown) =>
      new ApproverError(this.#approver.name, onRecord ? request?.id : undefined, `${question} ${message}`, cause);
    let late: ApproverError | undefined;
    try {
      const answer = ask(this.#approver);
      if (!isThenable(answer)) return read(answer);
      const timeout = () => (late = fail(`gave no answer within ${this.#timeoutMs} ms`));
      // Parses the answer before it passes through another promise, which would adopt an object that has a `then` method.
      return await within(this.#clock, this.#timeoutMs, () => Promise.resolve(answer).then(read), timeout);
    } catch (error) {
      throw late !== undefined && error === late ? late : fail(`failed: ${messageOf(error)}`, error);
    }
  }

  /** Refuses a verdict in the name of an approver that this one does not answer for: no reviewer could ever review that request. */
  #own<T extends { readonly approver: string }>(verdict: T): T {
    if (!this.#answersFor(verdict.approver)) throw new TypeError(`it does not answer for ${verdict.approver}`);
    return verdict;
  }

  /** Whether this approver answers for a request. A request keeps the name of the approver that decided it, and only that one is asked. */
  #answersFor(name: string | undefined): boolean {
    if (name === undefined) return false;
    return this.#approver.answersFor === undefined ? name === this.#approver.name : readYesOrNo(this.#approver.answersFor(name));
  }
}

/** An answer with more names than this is malformed. */
const MAX_NAMES = 100_000;

/** Copies the names: the approver's list may have accessors, and may change later. */
const readNames = (answer: unknown): readonly string[] =>
  readBoundedList('the answer', answer, 0, MAX_NAMES).map((name, i) => readId(`the answer[${i}]`, name));

function readYesOrNo(answer: unknown): boolean {
  if (typeof answer !== 'boolean') throw new TypeError('the answer must be true or false');
  return answer;
}

/** Whether the subject is eligible; if not, why. */
export interface Eligibility extends Refusal {
  readonly eligible: boolean;
}

function readEligibility(answer: unknown): Eligibility {
  if (typeof answer === 'boolean') return { eligible: answer, reason: undefined, problems: [] };
  const { eligible, reason, problems } = readOptions('isEligible', answer, ['eligible', 'reason', 'problems']);
  if (eligible !== false) throw new TypeError('the answer must be true, false, or { eligible: false, reason }');
  return { eligible, reason: readText('isEligible.reason', reason), problems: readProblems('isEligible.problems', problems) };
}
