import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { generateText, isStepCount, tool } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type * as agents from '../../src/ai.js';
import type * as core from '../../src/index.js';
import { root } from './entries.js';

type Core = typeof core;
type Agents = typeof agents;

const dist = (file: string) => join(root, 'dist', file);
const require = createRequire(import.meta.url);

/** The build, as users of each module format load it. */
const formats: Readonly<Record<string, () => Promise<Core & Agents>>> = {
  ESM: async () => ({
    ...((await import(pathToFileURL(dist('index.js')).href)) as Core),
    ...((await import(pathToFileURL(dist('ai.js')).href)) as Agents),
  }),
  CJS: () => Promise.resolve({ ...(require(dist('index.cjs')) as Core), ...(require(dist('ai.cjs')) as Agents) }),
};

const usage = { inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 0, text: 0, reasoning: 0 } };

describe.each(Object.entries(formats))('the agents entry as %s', (_, load) => {
  it('pauses a call without a grant, runs it with one, and exports the other functions', async () => {
    const { JitEngine, MemoryGrantStore, reviewers, toolApproval, needsApproval, mcpTool, isJitError } = await load();
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: reviewers({ members: ['user:olga'] }) });
    const ran: string[] = [];
    const restart = tool({ inputSchema: z.object({ host: z.string() }), execute: ({ host }) => ran.push(host) });
    const rule = { scope: 'host:{host}:restart', ttl: '10m' } as const;
    const guarded = toolApproval(engine, { restart }, { agent: 'agent:7', tools: { restart: rule } });
    const call = async () => {
      const model = new MockLanguageModelV4({
        doGenerate: ({ prompt }) => {
          const isAnswered = prompt.at(-1)?.role === 'tool';
          const asked = { type: 'tool-call', toolCallId: 'a', toolName: 'restart', input: '{"host":"db-1"}' } as const;
          return Promise.resolve({
            content: isAnswered ? [{ type: 'text', text: 'done' }] : [asked],
            finishReason: { unified: isAnswered ? 'stop' : 'tool-calls', raw: undefined },
            usage,
            warnings: [],
          });
        },
      });
      await generateText({ model, prompt: 'x', stopWhen: isStepCount(2), ...guarded });
    };
    await call();
    expect(ran).toEqual([]);
    const [request] = (await engine.listRequests({})).items;
    await expect(engine.approve(request?.id as string, { by: 'agent:8' })).rejects.toSatisfy(isJitError);
    await engine.approve(request?.id as string, { by: 'user:olga' });
    await call();
    expect(ran).toEqual(['db-1']);
    const one = { tool: 'restart', agent: 'agent:7', ...rule } as const;
    expect(await needsApproval(engine, one, () => 'x').needsApproval({ context: undefined }, { host: 'db-1' })).toBe(false);
    const handler = mcpTool(engine, one, (_input: object, _extra: object) => 'restarted');
    expect(await handler({ host: 'db-1' }, { requestId: 1 })).toBe('restarted');
    await engine.close();
  });
});
