import { invalid } from '../../core/parse.js';
import type { MaybePromise } from '../../core/ports.js';
import { callIdFrom, readToolOptions, type Borrower, type ToolRule } from './tool-run.js';
import type { JitEngine } from '../../engine/engine.js';
import { Lender, readLendingEngine } from './lender.js';

/*
 * The OpenAI Agents SDK calls `needsApproval` before a tool call, but not for tools that were approved "always". An approval
 * only continues the run. So access is checked again when the call is executed.
 */

/** The context that the SDK passes with the input. `context` is the value given to `run`. */
export interface AgentRunContext<Context> {
  readonly context: Context;
}

/** The parts of the SDK's call details that matter here. */
export interface AgentCallDetails {
  readonly toolCall?: { readonly callId?: string } | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface NeedsApprovalOptions<Input, Context> extends Borrower<Context>, ToolRule<Input> {
  /** The tool's name. */
  readonly tool: string;
}

/** The options for `tool({ ... })` of the OpenAI Agents SDK. Pass both. */
export interface ApprovedFunction<Input, Context, Result> {
  /** Whether the run pauses for a review of this call. */
  readonly needsApproval: (runContext: AgentRunContext<unknown>, input: Input, callId?: string) => Promise<boolean>;
  /** The tool's result, or the reason why the tool did not run. */
  readonly execute: (input: Input, runContext?: AgentRunContext<Context>, details?: AgentCallDetails) => Promise<Result | string>;
}

/**
 * Lends a scope to a tool of the OpenAI Agents SDK. A call without a grant requests access and interrupts the run. A call
 * with an active grant runs. A denied call returns the reason as its result.
 *
 * Approve the interruption when the request is decided, whether approved or denied: that continues the run, and gives no access.
 *
 * @param execute the tool; `details.signal` also aborts when the access ends
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
