import { invalid } from '../../core/parse.js';
import { digestOf } from '../../journal/link.js';
import type { MaybePromise } from '../../core/ports.js';
import { isObject } from '../../records/index.js';
import { callIdFrom, readToolOptions, type Borrower, type ToolRule } from './tool-run.js';
import type { JitEngine } from '../../engine/engine.js';
import { Lender, readLendingEngine } from './lender.js';

/*
 * MCP has no pause. A pending call gets an answer, and the client calls again. Since the protocol of 2026-07-28 the answer
 * is `input_required`, with a `requestState` that identifies the call. Before that it is an error.
 *
 * The handler's last argument shows the SDK's version: 2.x has `mcpReq`, 1.x has `requestId`.
 */

/** The parts that matter here of the last argument that an SDK 1.x passes to a tool's handler. */
export interface McpExtra {
  readonly signal?: AbortSignal | undefined;
  readonly sessionId?: string | undefined;
  /** The id of the call in its session. */
  readonly requestId: string | number;
}

/** The parts that matter here of the last argument that an SDK 2.x passes to a tool's handler. */
export interface McpServerContext {
  readonly sessionId?: string | undefined;
  readonly mcpReq: {
    readonly id: string | number;
    readonly signal?: AbortSignal | undefined;
    /** Present only on calls by the protocol of 2026-07-28 or later. */
    readonly envelope?: object | undefined;
    /** The state that the client sent back. It is not authenticated. */
    requestState(): unknown;
  };
}

/** A handler's first argument; `undefined` for a tool without an input schema. */
export type McpInput<Parameters extends readonly unknown[]> = Parameters extends readonly [infer Input, unknown] ? Input : undefined;

/** A handler's last argument. */
export type McpContext<Parameters extends readonly unknown[]> = Parameters extends readonly [...unknown[], infer Extra] ? Extra : McpExtra;

export interface McpToolOptions<Input, Extra> extends Borrower<Extra>, ToolRule<Input> {
  /** The tool's name. */
  readonly tool: string;
}

/**
 * The result of a call that did not run. For a pending call by the protocol of 2026-07-28 it has `resultType`
 * `'input_required'` and a `requestState` instead of `isError`.
 */
export interface McpRefusal {
  [key: string]: unknown;
  /** `true`: the tool did not run. */
  isError?: true;
  /** The reason, for the model to read. */
  content: { type: 'text'; text: string }[];
  /** For a pending call: `jit-access/requestId`, the id of its request. */
  _meta?: Record<string, unknown>;
}

/**
 * Lends a scope to a tool of an MCP server. A call without a grant requests access and gets the answer to come back. A call with an
 * active grant runs. A denied call is answered with the reason.
 *
 * Works with `@modelcontextprotocol/server` 2.x, where a pending call by the protocol of 2026-07-28 is answered
 * `input_required`, and with `@modelcontextprotocol/sdk` 1.x.
 *
 * Gotcha: take the caller's identity from `authInfo` (2.x: `http.authInfo`), if your transport verifies tokens. No other
 * part of the call is authenticated.
 *
 * @param handler the tool; the signal in its last argument (2.x: `mcpReq.signal`) also aborts when the access ends
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
    // A state that comes back with another run, tool, scope or justification belongs to another call (L43).
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

const FOREIGN_STATE = 'This requestState does not belong to this call: call again without it. Nothing was done.';

const refusal = (reason: string): McpRefusal => ({ isError: true, content: [{ type: 'text', text: reason }] });

/** The format of a `requestState`: its prefix, then its parts. */
const STATE = 'jit1';
const STATE_FORM = /^jit1\.([0-9a-f-]{36})\.([0-9a-f]{64})\.([0-9a-f]{1,64})$/;

/**
 * The digest that a `requestState` must carry for a call. It is not secret. A call id identifies only requests of the same
 * run, tool, scope and justification. So a forged state gives no more than a call without one.
 */
const bindingOf = (key: string | undefined, requestId: string | undefined): string =>
  digestOf(['requestState', key ?? null, requestId ?? null]);

interface McpCall {
  /** Unique for each call; a call that comes back with its `requestState` has the same id. */
  readonly callId: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** The state that came back; `undefined`: none did. */
  readonly state: { readonly binding: string | undefined; readonly requestId: string | undefined } | undefined;
  readonly knowsInputRequired: boolean;
  /** The last argument of the handler, with another signal. */
  withSignal(signal: AbortSignal | undefined): unknown;
}

function readMcpCall(given: unknown): McpCall {
  if (!isObject(given)) throw invalid('context', "what the MCP SDK passes to a tool's handler", given);
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

/** Request ids are unique only within one session. Without a session each call gets a new id. */
const callIdOf = (sessionId: string | undefined, requestId: unknown): string | undefined =>
  sessionId === undefined ? crypto.randomUUID() : callIdFrom(JSON.stringify([sessionId, requestId]));
