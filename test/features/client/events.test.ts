import { describe, expect, it } from 'vitest';
import { HttpClientError, type AccessEvent } from '../../../src/client.js';
import { aService, EVE, MAYA, SAM, SCOPE } from '../http/world.js';
import { aClient, asleep, caught, down, failing, passing } from './client-world.js';

const ASK = { scope: SCOPE, ttl: '30m', justification: 'INC-204' } as const;

/** Answers with a stream that sends these texts, one for each read, and then stays open or ends. */
function streaming(texts: readonly (string | Uint8Array)[], then: 'open' | 'ends' | 'breaks' = 'ends') {
  const state = { cancelled: 0 };
  const rest = [...texts];
  const body = () =>
    new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const next = rest.shift();
          if (next !== undefined) controller.enqueue(typeof next === 'string' ? new TextEncoder().encode(next) : next);
          else if (then === 'ends') controller.close();
          else if (then === 'breaks') controller.error(new TypeError('terminated'));
        },
        cancel: () => void state.cancelled++,
      },
      { highWaterMark: 0 },
    );
  return { state, response: () => new Response(body(), { headers: { 'content-type': 'text/event-stream' } }) };
}

/** The first events, as lines. */
async function read(events: AsyncIterable<AccessEvent>, count: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const { seq, type, requestId } of events) {
    lines.push([seq ?? '-', type, ...(requestId === undefined ? [] : [requestId])].join(' '));
    if (lines.length === count) break;
  }
  return lines;
}

const raise = (error: Error): never => {
  throw error;
};

const ready = () => 'event: ready\ndata: {}\n\n';

describe('events()', () => {
  it('yields what the caller sees, as it happens, until the loop ends', async () => {
    const service = aService();
    const { client } = aClient(service);
    const end = new AbortController();
    const seen: Record<string, string[]> = { maya: [], eve: [] };
    const follow = async (name: string, as: string) => {
      for await (const { seq, type } of aClient(service, as).client.events({ signal: end.signal }))
        seen[name]?.push(`${seq ?? '-'} ${type}`);
    };
    const following = Promise.all([follow('maya', MAYA), follow('eve', EVE)]);
    await expect.poll(() => seen).toEqual({ maya: ['- ready'], eve: ['- ready'] });
    const { request } = await client.requestAccess(ASK);
    await aClient(service, SAM).client.approve(request.id);
    const types = ['request.created', 'request.assigned', 'request.reviewed', 'request.approved', 'grant.issued'];
    await expect.poll(() => seen['maya']).toEqual(['- ready', ...types.map((type, i) => `${i + 1} ${type}`)]);
    end.abort();
    await following;
    expect(seen['eve']).toEqual(['- ready']);
  });

  it('yields the instant and the grant of an entry, and neither for a signal', async () => {
    const entry = 'event: grant.issued\nid: 7\ndata: {"type":"grant.issued","at":5,"requestId":"r","grantId":"r.1"}\n\n';
    const { response } = streaming(['event: ready\nid: 6\ndata: {}\n\n', entry]);
    const { client } = aClient(aService(), MAYA, { fetch: async () => response() });
    const events: AccessEvent[] = [];
    for await (const event of client.events()) if (events.push(event) === 2) break;
    expect(events).toEqual([
      { seq: 6, type: 'ready', at: undefined, requestId: undefined, grantId: undefined },
      { seq: 7, type: 'grant.issued', at: 5, requestId: 'r', grantId: 'r.1' },
    ]);
  });

  it.each([1, 2, 3, 7])('reads events that arrive in pieces of %i bytes, with comments and CR LF between them', async (size) => {
    const text = ': keep-alive\n\nevent: ready\r\nid: 6\r\ndata: {}\r\n\r\n:\n\nevent: grant.issued\nid: 7\ndata: {"requestId":"é"}\n\n';
    const bytes = new TextEncoder().encode(text);
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size));
    const { client } = aClient(aService(), MAYA, { fetch: async () => streaming(pieces).response() });
    expect(await read(client.events(), 2)).toEqual(['6 ready', '7 grant.issued é']);
  });

  it('connects again after the last event after the stream ended, broke, or got no answer', async () => {
    const service = aService();
    const { client: own } = aClient(service);
    const { request } = await own.requestAccess(ASK);
    const first = streaming([`event: request.created\nid: 1\ndata: {"requestId":"${request.id}"}\n\n`], 'breaks');
    const failures = [first.response(), new TypeError('fetch failed'), down('1'), streaming([]).response()];
    const { client, sent } = aClient(service, MAYA, { fetch: failing(service, ...failures) });
    const errors: unknown[] = [];
    const lines = await passing(service, read(client.events({ after: 0, onError: (error) => errors.push(error) }), 3), 1_000);
    expect(lines).toEqual([`1 request.created ${request.id}`, '- ready', `2 request.assigned ${request.id}`]);
    expect(sent.map(({ headers }) => headers.get('last-event-id'))).toEqual(['0', '1', '1', '1', '1']);
    expect(errors.map((error) => (error as Error).message)).toEqual(['terminated', 'GET /events: no answer (fetch failed)', 'later']);
  });

  it('asks for headers before each connection, since a token may expire between two', async () => {
    const service = aService();
    let token = 0;
    const { client, sent } = aClient(service, MAYA, {
      headers: () => ({ 'x-user': MAYA, authorization: `Bearer ${++token}` }),
      fetch: failing(service, down('1')),
    });
    await passing(service, read(client.events(), 1), 1_000);
    expect(sent.map(({ headers }) => headers.get('authorization'))).toEqual(['Bearer 1', 'Bearer 2']);
  });

  it('pauses longer after each failure, up to 30 seconds, and from the start after an event', async () => {
    const service = aService();
    const pauses: number[] = [];
    let last: number | undefined;
    let calls = 0;
    const end = new AbortController();
    const { client } = aClient(service, MAYA, {
      fetch: async () => {
        const now = service.clock.now();
        if (last !== undefined) pauses.push(now - last);
        last = now;
        if (++calls === 10) end.abort();
        if (calls === 8) return streaming(['event: ready\nid: 6\ndata: {}\n\n']).response();
        throw new TypeError('fetch failed');
      },
    });
    await passing(service, read(client.events({ signal: end.signal }), 9), 50);
    const most = [1, 2, 4, 8, 16, 30, 30, 1, 2].map((seconds) => seconds * 1_000);
    for (const [i, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual((most[i] as number) / 2);
      expect(pause).toBeLessThanOrEqual((most[i] as number) + 50);
    }
    expect(pauses).toHaveLength(9);
  });

  it.each([
    ['20', 20_000],
    ['86400', 30_000],
    ['Infinity', 30_000],
  ])('waits for as long as Retry-After says, up to 30 seconds: %s', async (seconds, ms) => {
    const service = aService();
    const { client, sent } = aClient(service, MAYA, { fetch: failing(service, down(seconds, 429)) });
    const reading = read(client.events(), 1);
    await asleep(service);
    await service.clock.advance(ms - 1);
    expect(sent).toHaveLength(1);
    await service.clock.advance(1);
    expect(await reading).toEqual(['- ready']);
  });

  it('connects again where an event does not end, and holds no more of it', async () => {
    const service = aService();
    let pieces = 0;
    const piece = new TextEncoder().encode('x'.repeat(10_000));
    const body = new ReadableStream({
      pull: (controller) => {
        controller.enqueue(++pieces === 1 ? new TextEncoder().encode('event: ready\nid: 6\ndata: {}\n\n') : piece);
        if (pieces === 100) controller.close();
      },
    });
    const endless = new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    const { client, sent } = aClient(service, MAYA, { fetch: failing(service, endless) });
    const errors: unknown[] = [];
    const lines = await passing(service, read(client.events({ onError: (error) => errors.push(error) }), 2), 1_000);
    expect(lines).toEqual(['6 ready', '- reset']);
    expect(errors).toEqual([expect.objectContaining({ name: 'HttpClientError', message: 'GET /events: an event is too long' })]);
    expect([sent.length, pieces]).toEqual([2, 9]);
  });

  it.each([
    ['throws', (): never => raise(new Error('the console is closed'))],
    ['rejects', () => Promise.reject(new Error('the reporter is down'))],
  ])('connects again where onError %s', async (_, onError: () => unknown) => {
    const unhandled: unknown[] = [];
    const hear = (error: unknown) => void unhandled.push(error);
    process.on('unhandledRejection', hear);
    try {
      const service = aService();
      const { client } = aClient(service, MAYA, { fetch: failing(service, streaming([ready()], 'breaks').response()) });
      expect(await passing(service, read(client.events({ onError }), 2), 1_000)).toEqual(['- ready', '- ready']);
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', hear);
    }
  });

  it.each([
    ['401', (service: ReturnType<typeof aService>) => aClient(service, MAYA, { headers: {} }).client, { status: 401 }],
    [
      'a page of a proxy',
      (service: ReturnType<typeof aService>) => aClient(service, MAYA, { fetch: async () => new Response('<html>') }).client,
      { status: 200, message: 'GET /events: status 200, not from the handler' },
    ],
  ])('rejects for an answer that a repeat would get again: %s', async (_, client, expected) => {
    const error = await caught(read(client(aService()).events(), 1));
    expect(error).toBeInstanceOf(HttpClientError);
    expect(error).toMatchObject(expected);
  });

  it('ends without an error when its signal aborts, in a stream, in a pause, and before', async () => {
    const service = aService();
    const end = new AbortController();
    const { state, response } = streaming(['event: ready\nid: 6\ndata: {}\n\n'], 'open');
    const open = read(aClient(service, MAYA, { fetch: async () => response() }).client.events({ signal: end.signal }), 2);
    const paused = read(aClient(service, MAYA, { fetch: failing(service, down('9')) }).client.events({ signal: end.signal }), 2);
    await asleep(service, 2);
    end.abort();
    expect([await open, await paused, state.cancelled]).toEqual([['6 ready'], [], 1]);
    const { client, sent } = aClient(service);
    expect([await read(client.events({ signal: end.signal }), 1), sent, service.clock.sleepers]).toEqual([[], [], 0]);
  });

  it('closes the connection when the loop ends', async () => {
    const service = aService();
    const { state, response } = streaming(['event: ready\nid: 6\ndata: {}\n\n'], 'open');
    const { client } = aClient(service, MAYA, { fetch: async () => response() });
    await read(client.events(), 1);
    await asleep(service, 0);
    expect(state.cancelled).toBe(1);
  });

  it('connects again where a stream is silent for longer than the handler ever is', async () => {
    const service = aService();
    const silent = streaming(['event: ready\nid: 6\ndata: {}\n\n', ': keep-alive\n\n'], 'open');
    let calls = 0;
    const { client, sent } = aClient(service, MAYA, {
      fetch: async (url, init) => (++calls === 1 ? silent.response() : service.handler(new Request(url, init))),
    });
    const from = service.clock.now();
    expect(await passing(service, read(client.events(), 2), 1_000)).toEqual(['6 ready', '- reset']);
    const seconds = (service.clock.now() - from) / 1_000;
    expect(seconds).toBeGreaterThanOrEqual(45);
    expect(seconds).toBeLessThanOrEqual(92);
    expect([sent.length, silent.state.cancelled]).toEqual([2, 1]);
  });
});
