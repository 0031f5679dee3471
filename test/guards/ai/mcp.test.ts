import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { autoApprove } from '../../../src/index.js';
import { mcpTool, type McpExtra, type McpToolOptions } from '../../../src/ai.js';
import { anEngine, refusal } from '../../engine/an-engine.js';
import { AGENT, anOffice, OPERATOR, SCOPE_42, TTL } from './lending.js';
import { connected } from './sdks.js';

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

const textOf = (result: object): string => (result as { content: { text: string }[] }).content.map(({ text }) => text).join('\n');

describe('mcpTool()', () => {
  it("fits the SDK’s own types, with and without arguments, and infers the handler's parameters", async () => {
    const { engine } = anEngine({ approver: autoApprove(() => true) });
    const server = new McpServer({ name: 's', version: '1' });
    server.registerTool(
      'refund',
      { inputSchema: { order: z.string() }, outputSchema: { refunded: z.string() } },
      mcpTool(
        engine,
        { tool: 'refund', agent: AGENT, scope: ({ order }) => `billing:${order}:refund`, ttl: TTL },
        ({ order }: { order: string }, { signal }: Extra) => ({
          content: [{ type: 'text' as const, text: String(signal.aborted) }],
          structuredContent: { refunded: order },
        }),
      ),
    );
    server.registerTool(
      'restart',
      {},
      mcpTool(engine, { tool: 'restart', agent: AGENT, scope: 'db:restart', ttl: TTL }, ({ signal }: Extra) => ({
        content: [{ type: 'text' as const, text: `restarted ${String(signal.aborted)}` }],
      })),
    );
    const client = await connected(server);
    const refunded = await client.callTool({ name: 'refund', arguments: { order: '42' } });
    expect(refunded).toMatchObject({ structuredContent: { refunded: '42' } });
    expect(textOf(await client.callTool({ name: 'restart' }))).toBe('restarted false');
    expect((await engine.listRequests({})).items.map(({ scopes }) => scopes[0]).sort()).toEqual([SCOPE_42, 'db:restart']);
  });

  it('answers a waiting call as an error, with the request in its metadata, also for tools with an output schema', async () => {
    const { engine } = anOffice();
    const server = new McpServer({ name: 's', version: '1' });
    server.registerTool(
      'refund',
      { inputSchema: { order: z.string() }, outputSchema: { refunded: z.string() } },
      mcpTool(
        engine,
        { tool: 'refund', agent: AGENT, operator: OPERATOR, scope: 'billing:{order}:refund', ttl: TTL },
        ({ order }: { order: string }, _: Extra) => ({ content: [], structuredContent: { refunded: order } }),
      ),
    );
    const client = await connected(server);
    const call = () => client.callTool({ name: 'refund', arguments: { order: '42' } });
    const waiting = await call();
    const [request] = (await engine.listRequests({})).items;
    expect(waiting).toMatchObject({ isError: true, _meta: { 'jit-access/requestId': request?.id } });
    await engine.deny(request?.id as string, { by: OPERATOR, reason: 'no' });
    // A repeated call is a new call for MCP, and makes a new request.
    expect((await call())['_meta']).toBeDefined();
    expect((await engine.listRequests({})).items).toHaveLength(2);
  });

  it('takes the caller from the verified transport, never from the arguments', async () => {
    const { engine } = anOffice();
    const ran: string[] = [];
    const handler = mcpTool(
      engine,
      { tool: 'refund', agent: ({ authInfo }) => authInfo && `agent:${authInfo.clientId}`, scope: 'billing:{order}:refund', ttl: TTL },
      ({ order }: { order: string }, _: Extra) => {
        ran.push(order);
        return { content: [] };
      },
    );
    const extra = { requestId: 1, signal: new AbortController().signal } as Extra;
    const nobody = await handler({ order: '42', agent: AGENT, authInfo: { clientId: '7' } } as { order: string }, extra);
    expect(textOf(nobody)).toBe('Authentication required: the caller of this tool is unknown. Nothing was done.');
    await handler({ order: '42' }, { ...extra, authInfo: { token: 't', clientId: '7', scopes: [] } });
    expect((await engine.listRequests({})).items).toMatchObject([{ subject: AGENT }]);
    expect(ran).toEqual([]);
  });

  it('L11 identifies a call by its session; without one each call is a new one, as each session reuses the ids [F11]', async () => {
    const made = anOffice();
    const handlerOf = () =>
      mcpTool(
        made.engine,
        { tool: 'refund', agent: AGENT, operator: OPERATOR, scope: 'billing:refund', ttl: TTL },
        (_: object, __: Extra) => ({ content: [] }),
      );
    const signal = new AbortController().signal;
    const call = (handler: ReturnType<typeof handlerOf>, over: Partial<Extra>) => handler({}, { requestId: 1, signal, ...over } as Extra);
    const handler = handlerOf();
    const waits = async (answer: Promise<object>) => '_meta' in (await answer);
    expect(await waits(call(handler, { sessionId: 's1' }))).toBe(true);
    const deny = async () => {
      const [pending] = (await made.engine.listRequests({ status: 'pending' })).items;
      await made.engine.deny(pending?.id as string, { by: OPERATOR });
    };
    await deny();
    expect(await waits(call(handler, { sessionId: 's1' }))).toBe(false);
    // Delivered to another instance.
    expect(await waits(call(handlerOf(), { sessionId: 's1' }))).toBe(false);
    expect(await waits(call(handler, { sessionId: 's2' }))).toBe(true);
    await deny();
    expect(await waits(call(handler, {}))).toBe(true);
    await deny();
    // Another, unknown client, whose ids start at the same number.
    expect(await waits(call(handler, {}))).toBe(true);
    await deny();
    expect(await waits(call(handlerOf(), {}))).toBe(true);
  });

  it('stops the wait, and the tool, when the client cancels the call', async () => {
    const made = anOffice();
    const seen: AbortSignal[] = [];
    const { engine, clock } = made;
    const handler = mcpTool(
      engine,
      { tool: 'refund', agent: AGENT, operator: OPERATOR, scope: 'billing:refund', ttl: TTL, wait: '1m' },
      (_: object, { signal }: Extra) => {
        seen.push(signal);
        return new Promise<{ content: [] }>((resolve) => signal.addEventListener('abort', () => resolve({ content: [] })));
      },
    );
    const gone = new AbortController();
    const waiting = handler({}, { requestId: 1, signal: gone.signal } as Extra);
    while (clock.sleepers === 0) await new Promise((resolve) => setImmediate(resolve));
    gone.abort();
    expect(textOf(await waiting)).toMatch(/waits for review/);
    expect(clock.sleepers).toBe(0);
    // A call that was cancelled before it arrived waits for nothing.
    expect(textOf(await handler({}, { requestId: 2, signal: gone.signal } as Extra))).toMatch(/waits for review/);
    await engine.approve((await engine.listRequests({})).items[0]?.id as string, { by: OPERATOR });
    const again = new AbortController();
    const running = handler({}, { requestId: 3, signal: again.signal } as Extra);
    while (seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
    again.abort();
    expect(await running).toEqual({ content: [] });
  });

  it('L23 refuses invalid options at its construction, and names them', async () => {
    const { engine } = anOffice();
    const good = { tool: 'refund', agent: AGENT, scope: 'a:b', ttl: '1m' };
    for (const [argument, options, handler] of [
      ['options', { ...good, subject: 'x' }, () => 'x'],
      ['tool', { ...good, tool: '' }, () => 'x'],
      ['handler', good, undefined],
    ] as const) {
      const make = () => mcpTool(engine, options as McpToolOptions<undefined, McpExtra>, handler as () => string);
      expect((await refusal(make, 'ERR_JIT_INVALID_ARGUMENT')).argument).toBe(argument);
    }
  });
});
