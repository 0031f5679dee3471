import { invalid } from '../../input.js';
import type { MaybePromise } from '../../ports.js';
import { callIdFrom, readToolOptions, type Borrower, type ToolRule } from './borrowing.js';
import { Lender, readLendingEngine, type LendingEngine } from './lender.js';

/*
 * MCP has no pause: a call that has to wait is answered with an error that says so, and the client calls again.
 */

/** What the SDK hands to a tool's handler beside its arguments, as far as it matters here. */
export interface McpExtra {
  readonly signal?: AbortSignal | undefined;
  readonly sessionId?: string | undefined;
  readonly requestId: string | number;
}

/** A handler's first argument; a tool without an input schema has none. */
export type McpInput<Parameters extends readonly unknown[]> = Parameters extends readonly [infer Input, unknown] ? Input : undefined;

/** A handler's last argument. */
export type McpContext<Parameters extends readonly unknown[]> = Parameters extends readonly [...unknown[], infer Extra] ? Extra : McpExtra;

export interface McpToolOptions<Input, Extra> extends Borrower<Extra>, ToolRule<Input> {
  /** The tool's name. */
  readonly tool: string;
}

/** The result of a call that did not run. */
export interface McpRefusal {
  [key: string]: unknown;
  isError: true;
  content: { type: 'text'; text: string }[];
  /** Of a call that waits: `jit-access/requestId`, the request that it waits for. */
  _meta?: Record<string, unknown>;
}

/**
 * Lends a scope to a tool of an MCP server: a call with no grant asks for it and is told to come back, one with an active
 * grant runs, one that was denied is answered with the reason.
 *
 * Gotcha: who calls is `authInfo`, if your transport verifies tokens. Nothing else in the call says who it is.
 *
 * @param handler the tool; the signal in its `extra` aborts when the access ends, too
 * @throws InvalidArgumentError
 * @example
 * server.registerTool('refund', { inputSchema: { order: z.string() } }, mcpTool(
 *   engine,
 *   { tool: 'refund', agent: ({ authInfo }) => authInfo && `agent:${authInfo.clientId}`, scope: 'billing:{order}:refund', ttl: '10m' },
 *   async ({ order }, extra) => refund(order, extra.signal),
 * ));
 */
export function mcpTool<Parameters extends readonly unknown[], Result>(
  engine: LendingEngine,
  options: McpToolOptions<McpInput<Parameters>, McpContext<Parameters>>,
  handler: (...parameters: Parameters) => MaybePromise<Result>,
): (...parameters: Parameters) => Promise<Result | McpRefusal> {
  type Input = McpInput<Parameters>;
  type Extra = McpContext<Parameters>;
  const lender = new Lender<Input, Extra>(readLendingEngine(engine), readToolOptions(options));
  if (typeof handler !== 'function') throw invalid('handler', 'a function', handler);
  // Request ids count from 0 in each session, and where there is no session, in each process.
  const process = crypto.randomUUID();
  return async (...parameters) => {
    const extra = parameters.at(-1) as Extra & McpExtra;
    const input = (parameters.length > 1 ? parameters[0] : undefined) as Input;
    const callId = callIdFrom(JSON.stringify([extra.sessionId ?? process, extra.requestId]));
    const ran = await lender.run(
      { input, context: extra, callId },
      extra.signal,
      (signal) => handler(...([...parameters.slice(0, -1), { ...extra, signal }] as unknown as Parameters)),
      true,
    );
    if (ran.ran) return ran.result;
    const { answer } = ran;
    return {
      isError: true,
      content: [{ type: 'text', text: answer.reason }],
      ...(answer.may === 'wait' && { _meta: { 'jit-access/requestId': answer.requestId } }),
    };
  };
}
