import { DeniedError, InvalidArgumentError } from '../../core/errors.js';
import { invalid, readField, readOptions } from '../../core/parse.js';
import { isObject } from '../../records/index.js';
import { BORROWER, callIdFrom, readTool, RULE, type Borrower, type ToolRule } from './tool-run.js';
import type { JitEngine } from '../../engine/engine.js';
import { Lender, readLendingEngine } from './lender.js';

/*
 * The AI SDK calls `toolApproval` when the model makes a tool call, and again when a conversation with an approval comes
 * back. The second time only a denial stops the call. The conversation may come from a client, which can put anything into
 * it.
 *
 * So a call that is already in the messages is refused unless access is granted. And every execution checks again,
 * independently of any approval.
 */

/** The part of an AI SDK tool that matters here. */
export interface AiTool {
  readonly execute?: ((input: never, options: never) => unknown) | undefined;
}

/** The input type of a tool, if the tool declares it. */
export type AiToolInput<Tool> = Tool extends { readonly execute?: infer Execute }
  ? NonNullable<Execute> extends (input: infer Input, options: never) => unknown
    ? Input
    : unknown
  : unknown;

export interface ToolApprovalOptions<Tools> extends Omit<Borrower, 'agent' | 'operator' | 'job'> {
  /** The agent's own id. It is a constant: the code that calls `generateText` knows on whose behalf the agent runs. */
  readonly agent: string;
  /** The person who runs the agent. Becomes the request's `operator`, who may review if the approver allows it. Default: none. */
  readonly operator?: string | undefined;
  /** The run or the conversation, if the model's call ids are unique only within one. Default: none. */
  readonly job?: string | undefined;
  /** The rule of each tool; `'unguarded'`: no rule. Every tool must be listed, so that none is forgotten. */
  readonly tools: { readonly [Name in keyof Tools]: ToolRule<AiToolInput<Tools[Name]>> | 'unguarded' };
}

/** An answer of the AI SDK's `toolApproval`. */
export type AiApproval =
  | { readonly type: 'approved' }
  | { readonly type: 'denied'; readonly reason: string }
  | { readonly type: 'user-approval'; readonly reason: string };

/** A function of the AI SDK's `toolApproval`. */
export type AiApprovalFunction = (
  input: unknown,
  options: { readonly toolCallId: string; readonly messages: readonly unknown[] },
) => Promise<AiApproval>;

/** The arguments for `generateText`, `streamText` and `ToolLoopAgent`. Pass both. */
export interface ApprovedTools<Tools> {
  /** The tools. Guarded tools check access at each execution. */
  readonly tools: Tools;
  /** For each guarded tool, whether a call may run without a review. */
  readonly toolApproval: { readonly [Name in keyof Tools]?: AiApprovalFunction };
}

/**
 * Lends scopes to the tools of an AI SDK 7 agent. A call without a grant requests access and pauses the run. A call with an
 * active grant runs. A denied call returns the reason to the model.
 *
 * Requires the AI SDK 7, and so Node 22: on Node 20 npm installs the AI SDK 6, which never calls `toolApproval`. With
 * version 6 no tool runs: each call fails with an error that names both versions, which is also reported to `onError`.
 *
 * Gotcha: use both parts of the result. `toolApproval` alone decides before the call, `tools` while it runs.
 *
 * @throws InvalidArgumentError
 * @example
 * const guarded = toolApproval(engine, { refund, weather }, {
 *   agent: 'agent:7',
 *   operator: session.userId,
 *   tools: { refund: { scope: 'billing:{order}:refund', ttl: '10m' }, weather: 'unguarded' },
 * });
 * const result = await generateText({ model, prompt, ...guarded });
 */
export function toolApproval<Tools extends Readonly<Record<string, AiTool>>>(
  engine: JitEngine,
  tools: Tools,
  options: ToolApprovalOptions<NoInfer<Tools>>,
): ApprovedTools<Tools> {
  const lending = readLendingEngine(engine);
  if (!isObject(tools)) throw invalid('tools', 'the tools by name', tools);
  const { tools: given, ...borrower } = readOptions<(typeof BORROWER)[number] | 'tools'>('options', options, [...BORROWER, 'tools']);
  for (const who of ['agent', 'operator', 'job'] as const)
    if (typeof borrower[who] === 'function') throw invalid(who, 'an id: the SDK passes no context that could name it', borrower[who]);
  const names = Object.keys(tools);
  const rules = readOptions('options.tools', given, names);
  const guarded = names.flatMap((name) => {
    const tool = tools[name] as AiTool;
    const at = `options.tools.${name}`;
    if (rules[name] === 'unguarded') return [];
    const rule = readOptions(at, rules[name], RULE);
    const lender = new Lender<unknown, undefined>(lending, readTool(name, borrower, rule, `${at}.`));
    return [{ name, approve: approvalBy(lender), tool: lentTool(tool, lender, borrower.agent as string) }];
  });
  return {
    tools: { ...tools, ...Object.fromEntries(guarded.map(({ name, tool }) => [name, tool])) },
    toolApproval: Object.fromEntries(guarded.map(({ name, approve }) => [name, approve])) as ApprovedTools<Tools>['toolApproval'],
  };
}

function approvalBy(lender: Lender<unknown, undefined>): AiApprovalFunction {
  return async (input, { toolCallId, messages }) => {
    const answer = await lender.ask({ input, context: undefined, callId: callIdFrom(toolCallId) }, { waits: true });
    if (answer.may === 'run') return { type: 'approved' };
    const { reason } = answer;
    return answer.may === 'wait' && !isInMessages(messages, toolCallId) ? { type: 'user-approval', reason } : { type: 'denied', reason };
  };
}

/** Whether a call comes back in the messages, instead of being new. */
function isInMessages(messages: readonly unknown[], toolCallId: string): boolean {
  return messages.some((message) => {
    const content = isObject(message) ? readField('messages', message, 'content') : undefined;
    return Array.isArray(content) && content.some((part) => isObject(part) && readField('messages', part, 'toolCallId') === toolCallId);
  });
}

/** The error for an older SDK. It names both possible versions, because the tool's options do not distinguish them. */
const tooOld = (): InvalidArgumentError =>
  new InvalidArgumentError(
    'ai',
    'the AI SDK 7 or newer, which asks toolApproval and needs Node 22 (npm install ai@7)',
    'the AI SDK 6 or 5, which npm installs on Node 20',
  );

interface AiExecution {
  readonly toolCallId: string;
  readonly abortSignal?: AbortSignal;
}

/** A tool without `execute` runs on the client, so only its approval can be guarded here. */
function lentTool(tool: AiTool, lender: Lender<unknown, undefined>, agent: string): AiTool {
  const { execute } = tool;
  if (execute === undefined) return tool;
  const lent = async (input: unknown, options: AiExecution): Promise<unknown> => {
    // Only versions before 7 pass this option to a tool.
    if (Object.hasOwn(options, 'experimental_context')) throw lender.reported(tooOld());
    const call = { input, context: undefined, callId: callIdFrom(options.toolCallId) };
    const ran = await lender.run(call, options.abortSignal, (abortSignal) =>
      lastOf((execute as (input: unknown, options: unknown) => unknown).call(tool, input, { ...options, abortSignal })),
    );
    // The SDK passes the message of a thrown error to the model.
    if (!ran.ran) throw new DeniedError(ran.answer.reason, agent, undefined);
    return ran.result;
  };
  return { ...tool, execute: lent };
}

/** A streaming tool counts as running until its last output, which is the output that the model gets. */
async function lastOf(output: unknown): Promise<unknown> {
  if (!isObject(output) || !(Symbol.asyncIterator in output)) return output;
  let last: unknown;
  for await (const part of output as AsyncIterable<unknown>) last = part;
  return last;
}
