import { ApproverError, messageOf } from '../core/errors.js';
import { readId, readBoundedList, readOptions, readText } from '../core/parse.js';
import { readBreakGlass, readVerdict, type ParsedBreakGlass, type ParsedVerdict } from '../lifecycle/verdict.js';
import type { Approver, ApproverContext, Clock, MaybePromise } from '../core/ports.js';
import type { AccessRequest } from '../records/index.js';
import { isThenable, within, type EngineClock } from '../core/time.js';
import type { Settings } from './settings.js';

/**
 * Asks the approver: with a limit of time, and with answers that are checked before anybody believes them. About agents it
 * is not even asked: they are in no group, on no list, and acknowledge nothing.
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

  /** @param onRecord false for a request that is only thought of */
  decide(request: AccessRequest, onRecord = true): Promise<ParsedVerdict> {
    return this.#ask(
      request,
      'decide',
      (approver) => approver.decide(request, this.#atStartOf(request)),
      (answer) => this.#own(readVerdict(this.#approver.name, answer)),
      onRecord,
    );
  }

  /** What it says to break-glass: never, where it has no such method. Nothing is on record yet. */
  breakGlass(request: AccessRequest): Promise<ParsedBreakGlass> {
    const ask = (approver: Approver) =>
      approver.breakGlass === undefined ? { outcome: 'abstain' } : approver.breakGlass(request, this.#now());
    const read = (answer: unknown) => this.#own(readBreakGlass(this.#approver.name, answer));
    return this.#ask(request, 'breakGlass', ask, read, false);
  }

  /** Whether this person may give the review that break-glass access owes. */
  async mayReviewBreakGlass(reviewer: string, request: AccessRequest): Promise<boolean> {
    if (this.#isAgent(reviewer)) return false;
    const ask = (approver: Approver) =>
      this.#answersFor(request.approver) &&
      approver.mayReviewBreakGlass !== undefined &&
      approver.mayReviewBreakGlass(reviewer, request, this.#now());
    return this.#ask(request, 'mayReviewBreakGlass', ask, readYesOrNo);
  }

  /** Nobody may review where the approver knows no groups, or where the request is another's. */
  async groupsOf(reviewer: string, request: AccessRequest): Promise<readonly string[]> {
    if (this.#isAgent(reviewer)) return [];
    const ask = (approver: Approver) =>
      approver.groupsOf && this.#answersFor(request.approver) ? approver.groupsOf(reviewer, request, this.#now()) : [];
    return this.#ask(request, 'groupsOf', ask, readNames);
  }

  /** `undefined` where they can't be listed. */
  async membersOf(request: AccessRequest): Promise<readonly string[] | undefined> {
    // The clock is not read for it: a commit that has been made is told, whatever the clock does now.
    const context = this.#context(this.#engineClock.highWater);
    const ask = (approver: Approver) => (this.#answersFor(request.approver) ? approver.membersOf?.(request, context) : undefined);
    const members = await this.#ask(request, 'membersOf', ask, (answer) => (answer === undefined ? undefined : readNames(answer)));
    return members?.filter((member) => !this.#isAgent(this.#atTheDoor(member)));
  }

  /** What a listed id would be if its owner came: the list is the approver's own, in whatever form. */
  #atTheDoor(member: string): string {
    try {
      return this.#readId('member', member);
    } catch {
      return member;
    }
  }

  /** Whether it wants to be asked at a start that comes later. */
  get asksAtStart(): boolean {
    return this.#approver.isEligible !== undefined;
  }

  /** Whether the subject may ask for this; nothing is on record yet. */
  mayAsk(request: AccessRequest): Promise<Eligibility> {
    // A method that answers nothing has not said yes.
    const ask = (approver: Approver) =>
      approver.isEligible === undefined ? true : approver.isEligible(request, 'creation', this.#atStartOf(request));
    return this.#ask(request, 'isEligible', ask, readEligibility, false);
  }

  /** Whether the subject may still be given this, or have what has been given begin. */
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

  /** What is asked for later is judged by when it would begin. */
  #atStartOf({ startsAt }: AccessRequest): ApproverContext {
    return this.#context(Math.max(this.#engineClock.read().now, startsAt ?? 0));
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
    let late: ApproverError | undefined;
    try {
      const answer = ask(this.#approver);
      if (!isThenable(answer)) return read(answer);
      const timeout = () => (late = fail(`gave no answer within ${this.#timeoutMs} ms`));
      // Read before it is handed on: to a promise, what has a `then` of its own is never an answer.
      return await within(this.#clock, this.#timeoutMs, () => Promise.resolve(answer).then(read), timeout);
    } catch (error) {
      throw late !== undefined && error === late ? late : fail(`failed: ${messageOf(error)}`, error);
    }
  }

  /** A verdict in the name of somebody that this approver doesn't answer for would find nobody to review it. */
  #own<T extends { readonly approver: string }>(verdict: T): T {
    if (!this.#answersFor(verdict.approver)) throw new TypeError(`it does not answer for ${verdict.approver}`);
    return verdict;
  }

  /** Whether a request is this approver's to answer for: it keeps the name of the one that decided it, and that one alone is asked. */
  #answersFor(name: string | undefined): boolean {
    if (name === undefined) return false;
    return this.#approver.answersFor === undefined ? name === this.#approver.name : readYesOrNo(this.#approver.answersFor(name));
  }
}

/** More names than this are surely a mistake. */
const MAX_NAMES = 100_000;

/** A copy: a list of somebody else's may answer for itself, and change. */
const readNames = (answer: unknown): readonly string[] =>
  readBoundedList('the answer', answer, 0, MAX_NAMES).map((name, i) => readId(`the answer[${i}]`, name));

function readYesOrNo(answer: unknown): boolean {
  if (typeof answer !== 'boolean') throw new TypeError('the answer must be true or false');
  return answer;
}

/** A yes, or a no with what there is to say about it. */
export interface Eligibility {
  readonly eligible: boolean;
  readonly reason: string | undefined;
}

function readEligibility(answer: unknown): Eligibility {
  if (typeof answer === 'boolean') return { eligible: answer, reason: undefined };
  const { eligible, reason } = readOptions('isEligible', answer, ['eligible', 'reason']);
  if (eligible !== false) throw new TypeError('the answer must be true, false, or { eligible: false, reason }');
  return { eligible, reason: readText('isEligible.reason', reason) };
}
