import { Client, StreamableHTTPClientTransport, type CallToolResult } from '@modelcontextprotocol/client';
import { createMcpHandler, McpServer, type ServerContext } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { mcpTool } from '../../../src/ai.js';
import type { AccessRequest } from '../../../src/index.js';
import { anEngine, MINUTE } from '../../engine/an-engine.js';

const OPERATOR = 'user:olga';
const TTL = 10 * MINUTE;

type Answer = CallToolResult & { resultType?: string; requestState?: string };

/** A server of SDK 2.x with its own HTTP handler; the operator of a call is the client that the transport verified. */
function aServer(work: (order: string, signal: AbortSignal) => string | Promise<string> = (order) => `refunded ${order}`) {
  const made = anEngine({
    approver: {
      name: 'operator',
      decide: () => ({ outcome: 'review', quorum: { groups: [{ name: 'operator', approvals: 1 }] } }),
      groupsOf: (who, { operator, metadata }: AccessRequest) => (who === (operator ?? metadata?.['operator']) ? ['operator'] : []),
    },
  });
  const options = {
    tool: 'refund',
    agent: 'agent:7',
    operator: ({ http }: ServerContext) => http?.authInfo?.clientId,
    scope: 'billing:{order}:refund',
    ttl: TTL,
  };
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'billing', version: '1' });
    server.registerTool(
      'refund',
      { inputSchema: z.object({ order: z.string() }) },
      mcpTool(made.engine, options, async ({ order }: { order: string }, { mcpReq: { signal } }: ServerContext) => ({
        content: [{ type: 'text' as const, text: await work(order, signal) }],
      })),
    );
    return server;
  });
  /** A client of SDK 2.x that calls the tool once, and resumes the call by hand. */
  const clientOf = async (clientId: string, mode: 'legacy' | { pin: string } = { pin: '2026-07-28' }) => {
    const fetch = (url: URL | string, init?: RequestInit) =>
      handler.fetch(new Request(url, init), { authInfo: { token: 't', clientId, scopes: [] } });
    const client = new Client({ name: 'test', version: '1' }, { inputRequired: { autoFulfill: false }, versionNegotiation: { mode } });
    await client.connect(new StreamableHTTPClientTransport(new URL('http://mcp.test/mcp'), { fetch }));
    return async (order: string, requestState?: string, signal?: AbortSignal) => {
      const params = { name: 'refund', arguments: { order }, ...(requestState !== undefined && { requestState }) };
      return (await client.callTool(params, { allowInputRequired: true, ...(signal && { signal }) })) as unknown as Answer;
    };
  };
  const asked = async () => (await made.engine.listRequests({})).items;
  return { ...made, clientOf, asked };
}

const textOf = (answer: Answer): string => answer.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');

describe('mcpTool() with @modelcontextprotocol/server 2.x', () => {
  it('answers input_required while the request is pending, and runs when the client calls again with its requestState', async () => {
    const { clientOf, engine, asked } = aServer();
    const call = await clientOf(OPERATOR);
    const waits = await call('42');
    const [request] = await asked();
    expect(waits.resultType).toBe('input_required');
    expect(waits.requestState).toContain(request?.id);
    expect(waits._meta).toMatchObject({ 'jit-access/requestId': request?.id });
    // Still pending: the same request.
    expect((await call('42', waits.requestState)).requestState).toBe(waits.requestState);
    expect(await asked()).toHaveLength(1);
    await engine.approve(request?.id as string, { by: OPERATOR });
    expect(textOf(await call('42', waits.requestState))).toBe('refunded 42');
    expect(await asked()).toHaveLength(1);
  });

  it('answers the resumed call with its denial, and a new call with a new request: no key is shared [F11]', async () => {
    const { clientOf, engine, asked } = aServer();
    const call = await clientOf(OPERATOR);
    const waits = await call('42');
    await engine.deny((await asked())[0]?.id as string, { by: OPERATOR, reason: 'too old' });
    expect(textOf(await call('42', waits.requestState))).toContain('was denied: too old');
    // Another client, whose call ids start at the same number.
    const other = await clientOf(OPERATOR);
    expect((await other('42')).resultType).toBe('input_required');
    expect(await asked()).toHaveLength(2);
  });

  it('refuses the requestState of another run or another input, and an altered one (L43)', async () => {
    const { clientOf, asked } = aServer();
    const call = await clientOf(OPERATOR);
    const { requestState = '' } = await call('42');
    const eve = await clientOf('user:eve');
    const altered = (state: string, at: number) => state.slice(0, at) + (state[at] === '0' ? '1' : '0') + state.slice(at + 1);
    for (const answer of [
      await eve('42', requestState),
      await call('43', requestState),
      await call('42', altered(requestState, 8)),
      await call('42', altered(requestState, 60)),
      await call('42', altered(requestState, requestState.length - 1)),
      await call('42', `${requestState}0`),
      await call('42', ''),
      await call('42', '{"requestId":"x"}'),
      await call('42', 'x'.repeat(100_000)),
    ]) {
      expect(answer).toMatchObject({ isError: true });
      expect(textOf(answer)).toMatch(/^This requestState does not belong to this call/);
    }
    expect(await asked()).toHaveLength(1);
  });

  it('answers a client of an earlier protocol with an error that names the request, as that protocol has no input_required', async () => {
    const { clientOf, engine, asked } = aServer();
    const call = await clientOf(OPERATOR, 'legacy');
    const waits = await call('42');
    expect(waits).toMatchObject({ isError: true, _meta: { 'jit-access/requestId': (await asked())[0]?.id } });
    await engine.approve((await asked())[0]?.id as string, { by: OPERATOR });
    expect(textOf(await call('42'))).toBe('refunded 42');
  });

  it('aborts the tool at the end of its access', async () => {
    const { clientOf, engine, asked, clock } = aServer(
      (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
          void clock.advance(TTL);
        }),
    );
    const call = await clientOf(OPERATOR);
    const { requestState } = await call('42');
    await engine.approve((await asked())[0]?.id as string, { by: OPERATOR });
    expect(textOf(await call('42', requestState))).toBe('The access to billing:42:refund has ended, and the tool was stopped.');
  });
});
