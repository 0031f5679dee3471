/*
 * A tool that runs only while its grant lives. A support agent on the AI SDK wants to refund an order: its first call asks
 * for the scope, its operator approves from a phone, the same call runs, and when the window has ended the next one asks
 * again. The model is the SDK's mock, and the clock is a fake one, so nothing is called and nothing waits.
 */
import { generateText, isStepCount, tool, type ModelMessage } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import {
  JitEngine,
  MemoryGrantStore,
  type AccessRequest,
  type Approver,
} from 'jit-access';
import { toolApproval } from 'jit-access/ai';
import { ManualClock } from 'jit-access/testing';
import { z } from 'zod';

// The SDK would warn that it wants a newer Node.
(globalThis as { AI_SDK_LOG_WARNINGS?: boolean }).AI_SDK_LOG_WARNINGS =
  false;

/** The person who runs the agent reviews its requests. */
const operatorReviews: Approver = {
  name: 'operator',
  decide: () => ({
    outcome: 'review',
    quorum: { groups: [{ name: 'operator', approvals: 1 }] },
  }),
  groupsOf: (reviewer, { operator }: AccessRequest) =>
    reviewer === operator ? ['operator'] : [],
};

const clock = new ManualClock();
const engine = new JitEngine({
  store: new MemoryGrantStore(),
  clock,
  approver: operatorReviews,
});

const refund = tool({
  description: 'Refunds an order',
  inputSchema: z.object({ order: z.string(), why: z.string() }),
  execute: ({ order }) => `order ${order} is refunded`,
});

let waitsFor = '';
const guarded = toolApproval(
  engine,
  { refund },
  {
    agent: 'agent:support-7',
    // What is lent to the agent for her is open to no other operator's run of it.
    operator: 'user:olga',
    tools: {
      refund: {
        scope: 'billing:{order}:refund',
        ttl: '10m',
        justification: ({ why }) => why,
      },
    },
    onWaiting: ({ requestId }) => (waitsFor = requestId),
  },
);

/** What the model receives about its call, if anything. */
function show(model: MockLanguageModelV4): void {
  const last = model.doGenerateCalls.at(-1)?.prompt.at(-1);
  if (last?.role !== 'tool') return;
  for (const part of last.content)
    if (part.type === 'tool-result')
      console.log('  the model receives:', JSON.stringify(part.output));
}

/** Continues a conversation; the model only ever wants to refund order 1138. */
async function go(messages: ModelMessage[], callId: string) {
  const input = JSON.stringify({ order: '1138', why: 'it arrived broken' });
  const usage = {
    inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 0, text: 0, reasoning: 0 },
  };
  const model = new MockLanguageModelV4({
    doGenerate: ({ prompt }) => {
      const isAnswered = prompt.at(-1)?.role === 'tool';
      return Promise.resolve({
        content: isAnswered
          ? [{ type: 'text', text: 'I see.' }]
          : [
              {
                type: 'tool-call',
                toolCallId: callId,
                toolName: 'refund',
                input,
              },
            ],
        finishReason: {
          unified: isAnswered ? 'stop' : 'tool-calls',
          raw: undefined,
        },
        usage,
        warnings: [],
      });
    },
  });
  const result = await generateText({
    model,
    messages,
    stopWhen: isStepCount(2),
    ...guarded,
  });
  show(model);
  // What the answer was known for is noted as well; those are no pauses.
  const [pause] = result.content.flatMap((part) =>
    part.type === 'tool-approval-request' && part.isAutomatic !== true
      ? [part]
      : [],
  );
  if (pause !== undefined)
    console.log(
      '  the run has paused:',
      pause.reason?.replace(/request \w+/, 'request ...'),
    );
  return {
    messages: [...messages, ...result.responseMessages],
    approvalId: pause?.approvalId,
  };
}

console.log('The agent wants to refund order 1138.');
const asked = await go(
  [{ role: 'user', content: 'My order 1138 arrived broken.' }],
  'call-1',
);

console.log('Another agent tries to approve it.');
await engine
  .approve(waitsFor, { by: 'agent:manager-1' })
  .catch((error: unknown) =>
    console.log('  refused:', (error as { code: string }).code),
  );

console.log('Olga looks at it, and approves.');
const [waiting] = (await engine.inbox('user:olga')).items;
console.log('  she reads:', waiting?.request.justification);
await engine.approve(waitsFor, { by: 'user:olga' });
const response = {
  type: 'tool-approval-response',
  approvalId: asked.approvalId ?? '',
  approved: true,
} as const;
const refunded = await go(
  [...asked.messages, { role: 'tool', content: [response] }],
  'call-2',
);

console.log('Ten minutes later it wants to refund it once more.');
await clock.advance('10m');
await go(
  [...refunded.messages, { role: 'user', content: 'Once more, please.' }],
  'call-3',
);

console.log('Olga has seen enough.');
await engine.deny(waitsFor, {
  by: 'user:olga',
  reason: 'it was refunded already',
});
await go([{ role: 'user', content: 'Once more, please.' }], 'call-3');
await engine.close();
