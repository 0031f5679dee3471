import { invalid } from '../../core/parse.js';
import type { MaybePromise } from '../../core/ports.js';
import { callIdFrom, readToolOptions, type Borrower, type ToolRule } from './borrowing.js';
import type { JitEngine } from '../../engine/engine.js';
import { Lender, readLendingEngine } from './lender.js';

/*
 * The OpenAI Agents SDK asks `needsApproval` before a call, and not at all about what was approved "always". Approval
 * there pauses the run and nothing more: what the call comes to is judged when it is executed.
 */

/** What the SDK hands on beside the input. `context` is what was given to `run`. */
export interface AgentRunContext<Context> {
  readonly context: Context;
}

/** What the SDK says of a call, as far as it matters here. */
export interface AgentCallDetails {
  readonly toolCall?: { readonly callId?: string } | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface NeedsApprovalOptions<Input, Context> extends Borrower<Context>, ToolRule<Input> {
  /** The tool's name. */
  readonly tool: string;
}

/** For `tool({ ... })` of the OpenAI Agents SDK: both go in together. */
export interface ApprovedFunction<Input, Context, Result> {
  readonly needsApproval: (runContext: AgentRunContext<unknown>, input: Input, callId?: string) => Promise<boolean>;
  /** What the tool gives, or, where it did not run, why. */
  readonly execute: (input: Input, runContext?: AgentRunContext<Context>, details?: AgentCallDetails) => Promise<Result | string>;
}

/**
 * Lends a scope to a tool of the OpenAI Agents SDK: a call with no grant asks for it and interrupts the run, one with an
 * active grant runs, one that was denied gives the model the reason as its result.
 *
 * Approve the interruption when the request is decided, whichever way: that goes on with the run, and gives no access.
 *
 * @param execute the tool; `details.signal` aborts when the access ends, too
 * @throws InvalidArgumentError
 * @example
 * const refund = tool({
 *   name: 'refund', description: 'Refunds an order', parameters: z.object({ order: z.string() }),
 *   ...needsApproval(engine, { tool: 'refund', agent: 'agent:7', scope: 'billing:{order}:refund', ttl: '10m' }, refundOrder),
 * });
 */
export function needsApproval<Input, Result, Context = unknown>(
  engine: JitEngine,
  options: NeedsApprovalOptions<Input, Context>,
  execute: (input: Input, runContext?: AgentRunContext<Context>, details?: AgentCallDetails) => MaybePromise<Result>,
): ApprovedFunction<Input, Context, Result> {
  const lender = new Lender<Input, Context>(readLendingEngine(engine), readToolOptions(options));
  if (typeof execute !== 'function') throw invalid('execute', 'a function', execute);
  return {
    async needsApproval(runContext, input, callId) {
      const call = { input, context: runContext.context as Context, callId: callIdFrom(callId) };
      return (await lender.ask(call, { waits: true })).may === 'wait';
    },
    async execute(input, runContext, details) {
      const call = { input, context: runContext?.context as Context, callId: callIdFrom(details?.toolCall?.callId) };
      const ran = await lender.run(call, details?.signal, (signal) => execute(input, runContext, { ...details, signal }));
      return ran.ran ? ran.result : ran.answer.reason;
    },
  };
}
