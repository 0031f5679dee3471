import { formatDuration, type Duration } from '../../core/duration.js';
import { runSubject } from '../../engine/run-subject.js';
import type { AccessResult } from '../../engine/answers.js';
import type { JitEngine } from '../../engine/engine.js';
import { isJitError, type AnyJitError, type JitErrorCode, type RequirementsError } from '../../core/errors.js';
import type { MaybePromise } from '../../core/ports.js';
import { sleepUntil } from '../../core/timers.js';
import { waitFor, withAccess } from '../../features/work/functions.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import { keyAfter, type ToolRun, type ParsedTool, type ToolCall, type Unreadable } from './tool-run.js';

/** @throws InvalidArgumentError unless it is an engine of this copy of the package */
export function readLendingEngine(engine: unknown): JitEngine {
  kernelOf(engine);
  return engine as JitEngine;
}

/**
 * Whether a call may run; otherwise the reason that the model receives. It contains nothing else, because the model may pass
 * it on to anyone.
 */
export type Answer =
  | { readonly may: 'run'; readonly subject: string; readonly toolRun: ToolRun }
  | { readonly may: 'wait'; readonly reason: string; readonly requestId: string }
  | { readonly may: 'not'; readonly reason: string };

export type Ran<T> = { readonly ran: true; readonly result: T } | { readonly ran: false; readonly answer: Exclude<Answer, { may: 'run' }> };

/** The greatest number of requests for one call. It limits a call that is repeated each time its access has expired. */
const MAX_ASKS = 10;

const UNREADABLE: Readonly<Record<Unreadable, string>> = {
  who: 'Authentication required: the caller of this tool is unknown. Nothing was done.',
  scope: 'The input of this call names no valid scope for this tool. Nothing was done.',
};
/** Codes with which an ask fails after its request was recorded, while the request may still be decided. */
const UNDECIDED: ReadonlySet<JitErrorCode> = new Set<JitErrorCode>([
  'ERR_JIT_APPROVER',
  'ERR_JIT_CLOCK',
  'ERR_JIT_CONFLICT',
  'ERR_JIT_OUTCOME_UNKNOWN',
  'ERR_JIT_STORE',
]);
const UNCONFIRMED = 'Access for this tool cannot be checked now. Nothing was done.';

const not = (reason: string): Extract<Answer, { may: 'not' }> => ({ may: 'not', reason });
/** Appends the reason that a person or an approver gave. */
const because = (reason: string | undefined): string => (reason === undefined ? '' : `: ${reason}`);

/**
 * Lends a tool's scope to a run of an agent. A call runs while its run holds the scope; otherwise the lender requests
 * access. Fails closed: a call that cannot be read, requested or confirmed does not run.
 */
export class Lender<Input, Context> {
  readonly #engine: JitEngine;
  readonly #tool: ParsedTool<Input, Context>;

  constructor(engine: JitEngine, tool: ParsedTool<Input, Context>) {
    this.#engine = engine;
    this.#tool = tool;
  }

  /** Reports an error that the caller then throws. */
  reported<E>(error: E): E {
    this.#tool.onError(error, this.#tool.tool);
    return error;
  }

  /** The key that identifies the call; `undefined`: the call cannot be evaluated, or the SDK gives no call id. */
  keyOf(call: ToolCall<Input, Context>): string | undefined {
    const toolRun = this.#tool.read(call);
    return typeof toolRun === 'string' ? undefined : toolRun.key;
  }

  /**
   * Whether the call may run now. Without access it makes one request for each call, also when it is asked about the same
   * call again. If the request or its access has expired, it makes a new request.
   */
  async ask(
    call: ToolCall<Input, Context>,
    options: { readonly waits: boolean; readonly signal?: AbortSignal | undefined },
  ): Promise<Answer> {
    const toolRun = this.#tool.read(call);
    if (typeof toolRun === 'string') return not(UNREADABLE[toolRun]);
    try {
      return await this.#decide(toolRun, options.waits ? this.#tool.waitMs : undefined, options.signal);
    } catch (error) {
      return this.#refusal(error, toolRun);
    }
  }

  /**
   * Runs the tool if the call may run. It checks again, even if the call was approved before: access may have ended between
   * approval and execution. Takes a use, if the grant counts uses.
   *
   * @param signal the caller's own signal
   * @param work receives a signal that aborts with the caller's signal, and when the access ends
   */
  async run<T>(
    call: ToolCall<Input, Context>,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal | undefined) => MaybePromise<T>,
    waits = false,
  ): Promise<Ran<T>> {
    const answer = await this.ask(call, { waits, signal });
    if (answer.may !== 'run') return { ran: false, answer };
    const { subject, toolRun } = answer;
    const { scope } = toolRun;
    let access: AbortSignal | undefined;
    let hasBegun = false;
    const begin = async (ending: AbortSignal | undefined): Promise<Ran<T>> => {
      hasBegun = true;
      access = ending;
      const signals = [signal, ending].filter((one) => one !== undefined);
      return { ran: true, result: await work(signals.length > 1 ? AbortSignal.any(signals) : signals[0]) };
    };
    try {
      await this.#engine.check(subject, scope, { touch: 'wait' });
      // `withAccess` takes the use, so that the run of the last use also has a signal.
      return await withAccess(this.#engine, subject, scope, begin, { consume: true });
    } catch (error) {
      const isOver = access?.aborted === true && error === access.reason;
      if (hasBegun && !isOver) throw error;
      return {
        ran: false,
        answer: hasBegun ? not(`The access to ${scope} has ended, and the tool was stopped.`) : this.#refusal(error, toolRun),
      };
    }
  }

  async #decide(toolRun: ToolRun, waitMs: number | undefined, signal: AbortSignal | undefined): Promise<Answer> {
    const { agent, run: of, scope, ttlMs, justification, metadata } = toolRun;
    const ttl = formatDuration(ttlMs) as Duration;
    // The run holds the access, never the agent: access lent for one operator is not valid for another (L43).
    const subject = of === undefined ? agent : runSubject(of, this.#engine);
    const who = of === undefined ? { subject } : { run: of };
    const run = async (): Promise<Answer | undefined> =>
      (await this.#engine.check(subject, scope)).allowed ? { may: 'run', subject, toolRun } : undefined;
    let answer = await run();
    let key = toolRun.key;
    for (let asked = 0; answer === undefined && asked < MAX_ASKS; asked++) {
      const result = await this.#engine.requestAccess({ ...who, scope, ttl, justification, metadata, idempotencyKey: key });
      answer = await this.#told(toolRun, await this.#waited(result, waitMs, signal), run);
      if (key === undefined) break;
      key = keyAfter(key, result.request.id);
    }
    return answer ?? not(`The access to ${scope} has ended. Nothing was done.`);
  }

  /** The answer for the outcome of a request; `undefined`: the request or its access has expired, and a new request follows. */
  async #told(toolRun: ToolRun, result: AccessResult, run: () => Promise<Answer | undefined>): Promise<Answer | undefined> {
    const { scope } = toolRun;
    switch (result.outcome) {
      case 'granted':
      case 'ended': {
        const answer = await run();
        if (answer !== undefined) return answer;
        // A call does not request access again that a person has revoked.
        return result.grants.some(({ end }) => end?.status === 'revoked')
          ? not(`The access to ${scope} was revoked. Nothing was done.`)
          : undefined;
      }
      case 'denied':
        return not(`The request for ${scope} was denied${because(result.reason)}. Nothing was done.`);
      case 'cancelled':
        return not(`The request for ${scope} was cancelled. Nothing was done.`);
      case 'expired':
        return undefined;
      case 'pending':
        return this.#waiting(result.request.id, toolRun);
    }
  }

  #waiting(requestId: string, { agent, scope, callId }: ToolRun): Extract<Answer, { may: 'wait' }> {
    const { tool, onWaiting } = this.#tool;
    onWaiting({ requestId, agent, tool, scope, callId });
    return {
      may: 'wait',
      requestId,
      reason: `Access to ${scope} was requested and waits for review (request ${requestId}). Nothing was done yet.`,
    };
  }

  /** Waits for a decision for a while. A request that is still undecided then is answered as pending. */
  async #waited(result: AccessResult, waitMs: number | undefined, signal: AbortSignal | undefined): Promise<AccessResult> {
    if (result.outcome !== 'pending' || waitMs === undefined) return result;
    const { clock } = this.#engine;
    const enough = new AbortController();
    const stop = (): void => enough.abort(enough);
    signal?.addEventListener('abort', stop, { once: true });
    // A clock that fails ends the wait too.
    void sleepUntil(clock, clock.now() + waitMs, enough.signal).then(stop, stop);
    try {
      if (signal?.aborted === true) return result;
      return await waitFor(this.#engine, result.request.id, { signal: enough.signal });
    } catch (error) {
      if (error === enough) return result;
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
      stop();
    }
  }

  /**
   * The reason that the model receives when the engine refuses or fails. Of an error it contains only the reason that an
   * approver gives to the requester.
   */
  #refusal(error: unknown, toolRun: ToolRun): Exclude<Answer, { may: 'run' }> {
    const { scope } = toolRun;
    if (isJitError(error)) {
      if (error.code === 'ERR_JIT_DENIED') return not(`The access to ${scope} exists no longer. Nothing was done.`);
      if (error.code === 'ERR_JIT_LOCKED') return not(`${scope} is locked and cannot be requested. Nothing was done.`);
      if (error.code === 'ERR_JIT_INELIGIBLE' || isOfRules(error))
        return not(`${scope} cannot be requested${because(error.reason)}. Nothing was done.`);
    }
    this.#tool.onError(error, this.#tool.tool);
    if (!isJitError(error)) return not(UNCONFIRMED);
    if (error.code === 'ERR_JIT_LIMIT' || error.code === 'ERR_JIT_REQUIREMENTS')
      return not(`${scope} cannot be requested now: a limit is reached. Nothing was done.`);
    // The request is recorded and undecided: the sweep asks the approver again.
    const isRecorded = UNDECIDED.has(error.code) && !(error.code === 'ERR_JIT_OUTCOME_UNKNOWN' && error.mayBeRecorded);
    const recorded = isRecorded && 'requestId' in error ? error.requestId : undefined;
    return recorded === undefined ? not(UNCONFIRMED) : this.#waiting(recorded, toolRun);
  }
}

/** Whether only the rules of the approver refuse the values. The limits of the engine are not for the model: code sets the `ttl`. */
const isOfRules = (error: AnyJitError): error is RequirementsError =>
  error.code === 'ERR_JIT_REQUIREMENTS' && error.problems.every(({ rule }) => rule !== undefined);
