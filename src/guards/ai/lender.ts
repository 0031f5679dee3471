import type { AccessResult } from '../../engine/answers.js';
import type { JitEngine } from '../../engine/engine.js';
import { isJitError, type JitErrorCode } from '../../core/errors.js';
import type { MaybePromise } from '../../core/ports.js';
import { sleepUntil } from '../../core/time.js';
import { waitFor, withAccess } from '../../features/work/functions.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import { keyAfter, type Borrowing, type ParsedTool, type ToolCall, type Unreadable } from './borrowing.js';

/** @throws InvalidArgumentError for anything but an engine of this copy of the package */
export function readLendingEngine(engine: unknown): JitEngine {
  kernelOf(engine);
  return engine as JitEngine;
}

/** Whether a call may run, and else what the model is told: no more than that, for it may tell anybody. */
export type Answer =
  | { readonly may: 'run'; readonly subject: string; readonly borrowing: Borrowing }
  | { readonly may: 'wait'; readonly reason: string; readonly requestId: string }
  | { readonly may: 'not'; readonly reason: string };

export type Ran<T> = { readonly ran: true; readonly result: T } | { readonly ran: false; readonly answer: Exclude<Answer, { may: 'run' }> };

/** A call that is made again each time after its access has ended asks so often, and no more. */
const MAX_ASKS = 10;

const UNREADABLE: Readonly<Record<Unreadable, string>> = {
  who: 'It is not known on whose behalf this tool is called. Nothing was done.',
  scope: 'The input of this call names nothing that this tool may be used on. Nothing was done.',
};
/** Codes with which an ask fails after its request was recorded, while the request may still be decided. */
const UNDECIDED: ReadonlySet<JitErrorCode> = new Set<JitErrorCode>([
  'ERR_JIT_APPROVER',
  'ERR_JIT_CLOCK',
  'ERR_JIT_CONFLICT',
  'ERR_JIT_OUTCOME_UNKNOWN',
  'ERR_JIT_STORE',
]);
const UNCONFIRMED = 'It could not be confirmed that this tool may be used now. Nothing was done.';

const not = (reason: string): Extract<Answer, { may: 'not' }> => ({ may: 'not', reason });
/** What somebody gave as a reason, behind what is said. */
const because = (reason: string | undefined): string => (reason === undefined ? '' : `: ${reason}`);

/**
 * Lends a tool's scope to a run of an agent: a call runs while its run holds the scope, and asks for it otherwise. Fails closed:
 * what can't be read, asked or confirmed doesn't run.
 */
export class Lender<Input, Context> {
  readonly #engine: JitEngine;
  readonly #tool: ParsedTool<Input, Context>;

  constructor(engine: JitEngine, tool: ParsedTool<Input, Context>) {
    this.#engine = engine;
    this.#tool = tool;
  }

  /** Reports an error that is to be thrown. */
  reported<E>(error: E): E {
    this.#tool.onError(error, this.#tool.tool);
    return error;
  }

  /** What makes a call the same call; `undefined`: it can't be judged. */
  keyOf(call: ToolCall<Input, Context>): string | undefined {
    const borrowing = this.#tool.read(call);
    return typeof borrowing === 'string' ? undefined : borrowing.key;
  }

  /**
   * Whether the call may run now. Asks for access where there is none, once for each call, however often this is asked
   * about it; where time has ended what it was given, anew.
   */
  async ask(
    call: ToolCall<Input, Context>,
    options: { readonly waits: boolean; readonly signal?: AbortSignal | undefined },
  ): Promise<Answer> {
    const borrowing = this.#tool.read(call);
    if (typeof borrowing === 'string') return not(UNREADABLE[borrowing]);
    try {
      return await this.#decide(borrowing, options.waits ? this.#tool.waitMs : undefined, options.signal);
    } catch (error) {
      return this.#refusal(error, borrowing);
    }
  }

  /**
   * Runs the tool if the call may run, judged now, whatever was answered before: approval and execution are two moments.
   * Takes a use, where uses are counted.
   *
   * @param signal the caller's own
   * @param work is given a signal that aborts at the caller's, and when the access ends
   */
  async run<T>(
    call: ToolCall<Input, Context>,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal | undefined) => MaybePromise<T>,
    waits = false,
  ): Promise<Ran<T>> {
    const answer = await this.ask(call, { waits, signal });
    if (answer.may !== 'run') return { ran: false, answer };
    const { subject, borrowing } = answer;
    const { scope } = borrowing;
    let access: AbortSignal | undefined;
    let hasBegun = false;
    const begin = async (ending: AbortSignal | undefined): Promise<Ran<T>> => {
      hasBegun = true;
      access = ending;
      const signals = [signal, ending].filter((one) => one !== undefined);
      return { ran: true, result: await work(signals.length > 1 ? AbortSignal.any(signals) : signals[0]) };
    };
    try {
      await this.#engine.touch(subject, scope);
      // `withAccess` takes the use, so that the run of the last use has a signal too.
      return await withAccess(this.#engine, subject, scope, begin, { consume: true });
    } catch (error) {
      const isOver = access?.aborted === true && error === access.reason;
      if (hasBegun && !isOver) throw error;
      return {
        ran: false,
        answer: hasBegun ? not(`The access to ${scope} has ended, and the tool was stopped.`) : this.#refusal(error, borrowing),
      };
    }
  }

  async #decide(borrowing: Borrowing, waitMs: number | undefined, signal: AbortSignal | undefined): Promise<Answer> {
    const { agent, run: of, scope, ttlMs: ttl, justification, metadata } = borrowing;
    // The run holds the access, never the agent: what one operator was lent is open to no other (L43).
    const subject = of === undefined ? agent : this.#engine.runSubject(of);
    const who = of === undefined ? { subject } : { run: of };
    const run = async (): Promise<Answer | undefined> =>
      (await this.#engine.check(subject, scope)).allowed ? { may: 'run', subject, borrowing } : undefined;
    let answer = await run();
    let key = borrowing.key;
    for (let asked = 0; answer === undefined && asked < MAX_ASKS; asked++) {
      const result = await this.#engine.requestAccess({ ...who, scope, ttl, justification, metadata, idempotencyKey: key });
      answer = await this.#told(borrowing, await this.#waited(result, waitMs, signal), run);
      if (key === undefined) break;
      key = keyAfter(key, result.request.id);
    }
    return answer ?? not(`The access to ${scope} has ended. Nothing was done.`);
  }

  /** What an ask has come to; `undefined`: time has ended that, and it is asked anew. */
  async #told(borrowing: Borrowing, result: AccessResult, run: () => Promise<Answer | undefined>): Promise<Answer | undefined> {
    const { scope } = borrowing;
    switch (result.outcome) {
      case 'granted':
      case 'ended': {
        const answer = await run();
        if (answer !== undefined) return answer;
        // What somebody has taken away is not asked for again by the call that had it.
        return result.grants.some(({ end }) => end?.status === 'revoked')
          ? not(`The access to ${scope} was taken back. Nothing was done.`)
          : undefined;
      }
      case 'denied':
        return not(`The request for ${scope} was denied${because(result.reason)}. Nothing was done.`);
      case 'cancelled':
        return not(`The request for ${scope} was taken back. Nothing was done.`);
      case 'expired':
        return undefined;
      case 'pending':
        return this.#waiting(result.request.id, borrowing);
    }
  }

  #waiting(requestId: string, { agent, scope, callId }: Borrowing): Extract<Answer, { may: 'wait' }> {
    const { tool, onWaiting } = this.#tool;
    onWaiting({ requestId, agent, tool, scope, callId });
    return {
      may: 'wait',
      requestId,
      reason: `Access to ${scope} was asked for, and waits for a review (request ${requestId}). Nothing was done yet.`,
    };
  }

  /** Holds the call up for a while; what is still undecided then is told as pending. */
  async #waited(result: AccessResult, waitMs: number | undefined, signal: AbortSignal | undefined): Promise<AccessResult> {
    if (result.outcome !== 'pending' || waitMs === undefined) return result;
    const { clock } = this.#engine;
    const enough = new AbortController();
    const stop = (): void => enough.abort(enough);
    signal?.addEventListener('abort', stop, { once: true });
    // Also where a clock that fails puts an end to it.
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

  /** What the model is told where the engine refuses or fails. Only what an approver says to whoever asks is passed on. */
  #refusal(error: unknown, borrowing: Borrowing): Exclude<Answer, { may: 'run' }> {
    const { scope } = borrowing;
    if (isJitError(error)) {
      if (error.code === 'ERR_JIT_DENIED') return not(`There is no access to ${scope} any more. Nothing was done.`);
      if (error.code === 'ERR_JIT_INELIGIBLE') return not(`${scope} can't be asked for${because(error.reason)}. Nothing was done.`);
    }
    this.#tool.onError(error, this.#tool.tool);
    if (!isJitError(error)) return not(UNCONFIRMED);
    if (error.code === 'ERR_JIT_LIMIT') return not(`${scope} can't be asked for now: it goes beyond a limit. Nothing was done.`);
    // The request is recorded and still undecided: the sweep asks the approver again.
    const recorded = UNDECIDED.has(error.code) && 'requestId' in error ? error.requestId : undefined;
    return recorded === undefined ? not(UNCONFIRMED) : this.#waiting(recorded, borrowing);
  }
}
