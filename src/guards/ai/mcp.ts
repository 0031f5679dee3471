import { invalid } from '../../core/parse.js';
import { digestOf } from '../../journal/link.js';
import type { MaybePromise } from '../../core/ports.js';
import { isObject } from '../../records/index.js';
import { callIdFrom, readToolOptions, type Borrower, type ToolRule } from './borrowing.js';
import type { JitEngine } from '../../engine/engine.js';
import { Lender, readLendingEngine } from './lender.js';

/*
 * MCP has no pause. A call that waits is answered, and the client calls again: since the protocol of 2026-07-28 with
 * `input_required` and a `requestState` that says which call it is, before that with an error.
 *
 * What the SDK hands to a handler is told apart by its features: 2.x has `mcpReq`, 1.x has `requestId`.
 */

/** What an SDK of 1.x hands to a tool's handler beside its arguments, as far as it matters here. */
export interface McpExtra {
  readonly signal?: AbortSignal | undefined;
  readonly sessionId?: string | undefined;
  readonly requestId: string | number;
}

/** What an SDK of 2.x hands to a tool's handler beside its arguments, as far as it matters here. */
export interface McpServerContext {
  readonly sessionId?: string | undefined;
  readonly mcpReq: {
    readonly id: string | number;
    readonly signal?: AbortSignal | undefined;
    /** Only calls by the protocol of 2026-07-28 or later have an envelope. */
    readonly envelope?: object | undefined;
    /** What the client has sent back: nothing in it is proven. */
    requestState(): unknown;
  };
}

/** A handler's first argument; a tool without an input schema has none. */
export type McpInput<Parameters extends readonly unknown[]> = Parameters extends readonly [infer Input, unknown] ? Input : undefined;

/** A handler's last argument. */
export type McpContext<Parameters extends readonly unknown[]> = Parameters extends readonly [...unknown[], infer Extra] ? Extra : McpExtra;

export interface McpToolOptions<Input, Extra> extends Borrower<Extra>, ToolRule<Input> {
  /** The tool's name. */
  readonly tool: string;
}

/**
 * The result of a call that did not run. Of a call that waits by the protocol of 2026-07-28 it has `resultType`
 * `'input_required'` and a `requestState` instead of `isError`.
 */
export interface McpRefusal {
  [key: string]: unknown;
  isError?: true;
  content: { type: 'text'; text: string }[];
  /** Of a call that waits: `jit-access/requestId`, the request that it waits for. */
  _meta?: Record<string, unknown>;
}

/**
 * Lends a scope to a tool of an MCP server: a call with no grant asks for it and is told to come back, one with an active
 * grant runs, one that was denied is answered with the reason. Works with `@modelcontextprotocol/server` 2.x, where a call
 * that waits by the protocol of 2026-07-28 is answered `input_required`, and with `@modelcontextprotocol/sdk` 1.x.
 *
 * Gotcha: who calls is `authInfo` (2.x: `http.authInfo`), if your transport verifies tokens. Nothing else in the call says
 * who it is.
 *
 * @param handler the tool; the signal in its last argument (2.x: `mcpReq.signal`) aborts when the access ends, too
 * @throws InvalidArgumentError
 * @example
 * server.registerTool('refund', { inputSchema: { order: z.string() } }, mcpTool(
 *   engine,
 *   { tool: 'refund', agent: ({ authInfo }) => authInfo && `agent:${authInfo.clientId}`, scope: 'billing:{order}:refund', ttl: '10m' },
 *   async ({ order }, extra) => refund(order, extra.signal),
 * ));
 */
export function mcpTool<Parameters extends readonly unknown[], Result>(
  engine: JitEngine,
  options: McpToolOptions<McpInput<Parameters>, McpContext<Parameters>>,
  handler: (...parameters: Parameters) => MaybePromise<Result>,
): (...parameters: Parameters) => Promise<Result | McpRefusal> {
  type Input = McpInput<Parameters>;
  type Extra = McpContext<Parameters>;
  const lender = new Lender<Input, Extra>(readLendingEngine(engine), readToolOptions(options));
  if (typeof handler !== 'function') throw invalid('handler', 'a function', handler);
  return async (...parameters) => {
    const extra = parameters.at(-1) as Extra;
    const input = (parameters.length > 1 ? parameters[0] : undefined) as Input;
    const called = readMcpCall(extra);
    const { callId } = called;
    const call = { input, context: extra, callId };
    // What comes back with another run, tool, scope or words belongs to another call (L43).
    if (
      called.state !== undefined &&
      (callId === undefined || bindingOf(lender.keyOf(call), called.state.requestId) !== called.state.binding)
    ) {
      return refusal(FOREIGN_STATE);
    }
    const work = (signal: AbortSignal | undefined) =>
      handler(...([...parameters.slice(0, -1), called.withSignal(signal)] as unknown as Parameters));
    const ran = await lender.run(call, called.signal, work, true);
    if (ran.ran) return ran.result;
    const { answer } = ran;
    if (answer.may === 'not') return refusal(answer.reason);
    const { requestId } = answer;
    const waits = { content: refusal(answer.reason).content, _meta: { 'jit-access/requestId': requestId } };
    if (!called.knowsInputRequired) return { ...waits, isError: true };
    const requestState = [STATE, callId, bindingOf(lender.keyOf(call), requestId), requestId].join('.');
    return { ...waits, resultType: 'input_required', requestState };
  };
}

const FOREIGN_STATE = 'The requestState of this call is not one that this tool gave for it: call again without it. Nothing was done.';

const refusal = (reason: string): McpRefusal => ({ isError: true, content: [{ type: 'text', text: reason }] });

/** What stands before the parts of a `requestState`: its format. */
const STATE = 'jit1';
const STATE_FORM = /^jit1\.([0-9a-f-]{36})\.([0-9a-f]{64})\.([0-9a-f]{1,64})$/;

/**
 * What a `requestState` must carry for a call. It is no secret, and needs none: the id of a call only ever stands for the
 * asks of the very same run, tool, scope and words, so a forged one gives what a call without it would.
 */
const bindingOf = (key: string | undefined, requestId: string | undefined): string =>
  digestOf(['requestState', key ?? null, requestId ?? null]);

interface McpCall {
  /** Of its own for each call, and the same for a call that comes back with its `requestState`. */
  readonly callId: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** What came back; `undefined`: nothing did. */
  readonly state: { readonly binding: string | undefined; readonly requestId: string | undefined } | undefined;
  readonly knowsInputRequired: boolean;
  /** What the handler is given. */
  withSignal(signal: AbortSignal | undefined): unknown;
}

function readMcpCall(given: unknown): McpCall {
  if (!isObject(given)) throw invalid('context', "what the MCP SDK hands to a tool's handler", given);
  const extra = given as unknown as McpExtra & Partial<McpServerContext>;
  const { mcpReq, sessionId } = extra;
  if (mcpReq === undefined) {
    const { requestId, signal } = extra;
    return {
      callId: callIdOf(sessionId, requestId),
      signal,
      state: undefined,
      knowsInputRequired: false,
      withSignal: (both) => ({ ...extra, signal: both }),
    };
  }
  // Only calls by the protocol of 2026-07-28 carry an envelope.
  const knowsInputRequired = mcpReq.envelope !== undefined;
  const state = typeof mcpReq.requestState === 'function' ? mcpReq.requestState() : undefined;
  const [, callId, binding, requestId] = (typeof state === 'string' && STATE_FORM.exec(state)) || [];
  return {
    callId: state === undefined ? callIdOf(knowsInputRequired ? undefined : sessionId, mcpReq.id) : callId,
    signal: mcpReq.signal,
    state: state === undefined ? undefined : { binding, requestId },
    knowsInputRequired,
    withSignal: (signal) => ({ ...extra, mcpReq: { ...mcpReq, signal } }),
  };
}

/** Ids of requests are unique inside one session. Where there is none they name nobody's call: each call is one of its own. */
const callIdOf = (sessionId: string | undefined, requestId: unknown): string | undefined =>
  sessionId === undefined ? crypto.randomUUID() : callIdFrom(JSON.stringify([sessionId, requestId]));
