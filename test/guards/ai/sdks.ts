import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  Agent,
  run,
  setTracingDisabled,
  tool as agentTool,
  Usage,
  type AgentInputItem,
  type Model,
  type ModelRequest,
  type ModelResponse,
  type RunState,
} from '@openai/agents';
import { generateText, isStepCount, tool as aiTool, type ModelMessage } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { z } from 'zod';
import type { JitEngine } from 'jit-access';
import { mcpTool, needsApproval, toolApproval, type Borrower, type ToolRule } from '../../../src/ai.js';

setTracingDisabled(true);

/** The input that the model chooses. */
export interface Refund {
  readonly order: string;
  readonly why: string | null;
}

// Strict schemas have no optional fields.
export const REFUND = { order: z.string(), why: z.string().nullable() };

/** The tool's function. */
export type Work = (input: Refund, signal: AbortSignal | undefined) => Promise<string> | string;

export type Options = Pick<Borrower, 'wait' | 'onError' | 'onWaiting'> &
  ToolRule<Refund> & { readonly agent: string; readonly operator?: string | undefined; readonly job?: string | undefined };

/** The outcome of a call: the tool ran, the run has paused for a review, or the model received a refusal. */
export interface Outcome {
  readonly state: 'ran' | 'paused' | 'told';
  /** What the model received; for a pause, its description. */
  readonly told: string;
  /** Resumes the same call, as if a person had approved it. */
  resume(): Promise<Outcome>;
}

/** A tool that a scripted model calls through an SDK. */
export interface Sdk {
  readonly name: string;
  /** Whether a waiting call pauses the run; otherwise the model receives the refusal, and calls again. */
  readonly pauses: boolean;
  open(engine: JitEngine, options: Options, work: Work): (input: Partial<Refund>, callId?: string) => Promise<Outcome>;
}

/** Whether the tool ran, independent of the SDK's report. */
function noting(work: Work) {
  const ran = { count: 0 };
  const noted: Work = (input, signal) => {
    ran.count += 1;
    return work(input, signal);
  };
  return { ran, noted };
}

export const USAGE = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

/** A model that makes these calls in its first step, and says "done" afterwards. */
export function callingModel(calls: readonly { readonly id: string; readonly input: unknown }[]): MockLanguageModelV4 {
  const made = calls.map(({ id, input }) => ({
    type: 'tool-call' as const,
    toolCallId: id,
    toolName: 'refund',
    input: JSON.stringify(input),
  }));
  return new MockLanguageModelV4({
    doGenerate: async ({ prompt }) => {
      const isAnswered = prompt.at(-1)?.role === 'tool';
      return Promise.resolve({
        content: isAnswered ? [{ type: 'text', text: 'done' }] : made,
        finishReason: isAnswered ? { unified: 'stop', raw: undefined } : { unified: 'tool-calls', raw: undefined },
        usage: USAGE,
        warnings: [],
      });
    },
  });
}

/** What the model received for its calls, in the last prompt. */
export function toldToModel(model: MockLanguageModelV4): readonly string[] {
  const last = model.doGenerateCalls.at(-1)?.prompt.at(-1);
  if (last?.role !== 'tool') return [];
  return last.content.flatMap((part) => {
    if (part.type !== 'tool-result') return [];
    const { output } = part;
    if (output.type === 'execution-denied') return [output.reason ?? ''];
    return [output.type === 'text' || output.type === 'error-text' ? output.value : JSON.stringify(output)];
  });
}

export const refundTool = (work: Work) =>
  aiTool({
    description: 'Refunds an order',
    inputSchema: z.object(REFUND),
    execute: (input: Refund, { abortSignal }) => work(input, abortSignal),
  });

const aiSdk: Sdk = {
  name: 'AI SDK',
  pauses: true,
  open: (engine, { scope, ttl, justification, ...borrower }, work) => {
    const { ran, noted } = noting(work);
    const guarded = toolApproval(engine, { refund: refundTool(noted) }, { ...borrower, tools: { refund: { scope, ttl, justification } } });
    const go = async (messages: ModelMessage[], model: MockLanguageModelV4): Promise<Outcome> => {
      const before = ran.count;
      const result = await generateText({ model, messages, stopWhen: isStepCount(3), ...guarded });
      const all = [...messages, ...result.responseMessages];
      const answered = new Set(result.content.flatMap((part) => (part.type === 'tool-approval-response' ? [part.approvalId] : [])));
      const open = result.content.find((part) => part.type === 'tool-approval-request' && !answered.has(part.approvalId));
      const resume = () => {
        const parts: readonly { readonly type: string }[] = all.flatMap(({ content }): readonly { readonly type: string }[] =>
          typeof content === 'string' ? [] : content,
        );
        const request = parts.find(({ type }) => type === 'tool-approval-request');
        const approvalId = (request as { approvalId?: string } | undefined)?.approvalId ?? 'none';
        const response = { type: 'tool-approval-response', approvalId, approved: true } as const;
        return go([...all, { role: 'tool', content: [response] }], model);
      };
      if (open?.type === 'tool-approval-request') return { state: 'paused', told: open.reason ?? '', resume };
      return { state: ran.count > before ? 'ran' : 'told', told: toldToModel(model).at(-1) ?? '', resume };
    };
    return (input, id = 'call-1') => go([{ role: 'user', content: 'Refund it' }], callingModel([{ id, input: { why: null, ...input } }]));
  },
};

/** As {@link callingModel}, in the form of the Agents SDK. */
export class CallingModel implements Model {
  readonly requests: ModelRequest[] = [];
  readonly #calls: readonly { readonly id: string; readonly input: unknown }[];

  constructor(calls: readonly { readonly id: string; readonly input: unknown }[]) {
    this.#calls = calls;
  }

  getResponse(request: ModelRequest): Promise<ModelResponse> {
    this.requests.push(request);
    const isAnswered = this.told.length > 0;
    const output: ModelResponse['output'] = isAnswered
      ? [{ type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'done' }] }]
      : this.#calls.map(({ id, input }) => ({
          type: 'function_call',
          callId: id,
          name: 'refund',
          status: 'completed',
          arguments: JSON.stringify(input),
        }));
    return Promise.resolve({ usage: new Usage(), output });
  }

  getStreamedResponse(): AsyncIterable<never> {
    throw new Error('the runs here do not stream');
  }

  /** What the model received for its calls. */
  get told(): readonly string[] {
    const input: string | readonly AgentInputItem[] = this.requests.at(-1)?.input ?? [];
    if (typeof input === 'string') return [];
    return input.flatMap((item) => {
      if (item.type !== 'function_call_result') return [];
      const { output } = item;
      return [
        typeof output === 'string' ? output : !Array.isArray(output) && output.type === 'text' ? output.text : JSON.stringify(output),
      ];
    });
  }
}

const agents: Sdk = {
  name: 'OpenAI Agents SDK',
  pauses: true,
  open: (engine, options, work) => {
    const { ran, noted } = noting(work);
    let waits = '';
    const onWaiting: Options['onWaiting'] = (waiting) => {
      waits = waiting.requestId;
      options.onWaiting?.(waiting);
    };
    const refund = agentTool({
      name: 'refund',
      description: 'Refunds an order',
      parameters: z.object(REFUND),
      ...needsApproval(engine, { tool: 'refund', ...options, onWaiting }, (input: Refund, _, details) => noted(input, details?.signal)),
    });
    return (input, id = 'call-1') => {
      const model = new CallingModel([{ id, input: { why: null, ...input } }]);
      const agent = new Agent({ name: 'support', model, tools: [refund] });
      const go = async (state: string | RunState<unknown, typeof agent>): Promise<Outcome> => {
        const before = ran.count;
        const result = await run(agent, state as string);
        const resume = () => {
          for (const item of result.interruptions ?? []) result.state.approve(item);
          return go(result.state as never);
        };
        if ((result.interruptions?.length ?? 0) > 0) return { state: 'paused', told: waits, resume };
        return { state: ran.count > before ? 'ran' : 'told', told: model.told.at(-1) ?? '', resume };
      };
      return go('Refund it');
    };
  },
};

/** A client that is connected to a server with the tool. */
export async function connected(server: McpServer): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const [one, other] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(one), client.connect(other)]);
  return client;
}

const mcp: Sdk = {
  name: 'MCP',
  pauses: false,
  open: (engine, options, work) => {
    const { ran, noted } = noting(work);
    const server = new McpServer({ name: 'billing', version: '1' });
    server.registerTool(
      'refund',
      { inputSchema: REFUND },
      mcpTool(
        engine,
        { tool: 'refund', ...options },
        async (input: Refund, { signal }: { signal: AbortSignal; requestId: string | number }) => ({
          content: [{ type: 'text' as const, text: await noted(input, signal) }],
        }),
      ),
    );
    const client = connected(server);
    const call = async (input: Partial<Refund>): Promise<Outcome> => {
      const before = ran.count;
      const { content } = await (await client).callTool({ name: 'refund', arguments: { why: null, ...input } });
      const [part] = content as { text: string }[];
      return { state: ran.count > before ? 'ran' : 'told', told: part?.text ?? '', resume: () => call(input) };
    };
    return call;
  },
};

export const SDKS: readonly Sdk[] = [aiSdk, agents, mcp];
