import { generateText, stepCountIs, tool } from 'ai-6';
import { MockLanguageModelV3 } from 'ai-6/test';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { toolApproval } from '../../../src/ai.js';
import { autoApprove } from '../../../src/index.js';
import { anEngine } from '../../engine/an-engine.js';

const USAGE = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

describe('toolApproval() with the AI SDK 6', () => {
  it('runs no tool, even with a grant, and its error names the version found and the required version', async () => {
    const ran: string[] = [];
    const failures: unknown[] = [];
    const { engine } = anEngine({ approver: autoApprove(() => true) });
    await engine.requestAccess({ subject: 'agent:7', scope: 'billing:refund', ttl: '10m' });
    const refund = tool({
      inputSchema: z.object({ order: z.string() }),
      execute: ({ order }) => {
        ran.push(order);
        return 'refunded';
      },
    });
    const rule = { scope: 'billing:refund', ttl: '10m' } as const;
    const onError = (error: unknown) => failures.push(error);
    const { tools } = toolApproval(engine, { refund }, { agent: 'agent:7', tools: { refund: rule }, onError });
    const call = { type: 'tool-call', toolCallId: 'a', toolName: 'refund', input: '{"order":"42"}' } as const;
    const model = new MockLanguageModelV3({
      doGenerate: {
        content: [call],
        finishReason: { unified: 'tool-calls', raw: undefined },
        usage: USAGE,
        warnings: [],
      },
    });
    const { content } = await generateText({ model, prompt: 'Refund it', tools, stopWhen: stepCountIs(1) });
    const message =
      'ai must be the AI SDK 7 or newer, which asks toolApproval and needs Node 22 (npm install ai@7); got the AI SDK 6 or 5, which npm installs on Node 20';
    expect(content.find(({ type }) => type === 'tool-error')).toMatchObject({ error: { code: 'ERR_JIT_INVALID_ARGUMENT', message } });
    expect(failures).toMatchObject([{ message }]);
    expect(ran).toEqual([]);
  });
});
