import { describe, expect, it } from 'vitest';
import { HttpClientError, type createClient } from '../../../src/client.js';
import { isJitError } from '../../../src/index.js';
import { aService, MAYA, SAM, SCOPE, withExamples } from '../http/world.js';
import { aClient, asleep, caught, down, failing, passing } from './client-world.js';

const ASK = { scope: SCOPE, ttl: '30m', justification: 'INC-204' } as const;

describe('a key', () => {
  it('is random for each call, or that of the caller', async () => {
    const { client, sent } = aClient(aService());
    const [one, two] = [await client.requestAccess(ASK), await client.requestAccess({ ...ASK, scope: 'db-prod:read' })];
    const again = await client.requestAccess(ASK, { idempotencyKey: sent[0]?.headers.get('idempotency-key') ?? '' });
    const keys = sent.map(({ headers }) => headers.get('idempotency-key'));
    expect(new Set(keys).size).toBe(2);
    expect(keys[0]).toMatch(/^[\d-]{7,43}$/);
    expect([again.reused, again.request.id === one.request.id, one.request.id === two.request.id]).toEqual([true, true, false]);
  });

  it('[A32] with a comma is sent in quotes, so that it looks like no second key', async () => {
    const { client, sent } = aClient(aService());
    const made = await client.requestAccess(ASK, { idempotencyKey: 'INC-204,\\1' });
    const again = await client.requestAccess(ASK, { idempotencyKey: 'INC-204,\\1' });
    expect([again.reused, again.request.id]).toEqual([true, made.request.id]);
    expect(sent[0]?.headers.get('idempotency-key')).toBe('"INC-204,\\\\1"');
  });

  it('is sent only with operations that take one', async () => {
    const service = aService();
    const ids = await withExamples(service);
    const { client, sent } = aClient(service);
    await client.cancel(ids.requestId);
    await client.status();
    expect(sent.map(({ headers }) => headers.has('idempotency-key'))).toEqual([false, false]);
  });
});

describe('a repeat', () => {
  it('sends a keyed call again with its key after the network failed and after a 503, and makes one request', async () => {
    const service = aService();
    const lost = failing(service, new TypeError('fetch failed'), down());
    const { client, sent } = aClient(service, MAYA, { fetch: lost });
    const asking = client.requestAccess(ASK);
    for (const [i, ms] of [500, 2_000].entries()) {
      await asleep(service);
      await service.clock.advance(ms - 1);
      await asleep(service);
      expect(sent).toHaveLength(i + 1);
      await service.clock.advance(1);
    }
    expect((await asking).outcome).toBe('pending');
    expect(new Set(sent.map(({ headers }) => headers.get('idempotency-key'))).size).toBe(1);
    expect((await service.engine.listRequests()).items).toHaveLength(1);
  });

  it('has the headers of its call, also if another person has signed in since', async () => {
    const service = aService();
    let user = MAYA;
    const lost = failing(service, new TypeError('fetch failed'), down());
    const { client, sent } = aClient(service, MAYA, {
      headers: () => ({ 'x-user': user }),
      fetch: (url, init) => {
        user = SAM;
        return lost(url, init);
      },
    });
    expect((await passing(service, client.requestAccess(ASK))).request.subject).toBe(MAYA);
    await client.health();
    expect(sent.map(({ headers }) => headers.get('x-user'))).toEqual([MAYA, MAYA, MAYA, SAM]);
  });

  it('finds the request of a call whose answer was lost', async () => {
    const service = aService();
    let calls = 0;
    const { client } = aClient(service, MAYA, {
      fetch: async (url, init) => {
        const response = await service.handler(new Request(url, init));
        if (++calls === 1) throw new TypeError('terminated');
        return response;
      },
    });
    expect((await passing(service, client.requestAccess(ASK))).reused).toBe(true);
  });

  it('happens twice at most, and then rejects with the failure', async () => {
    const service = aService();
    const { client, sent } = aClient(service, MAYA, { fetch: failing(service, ...Array.from({ length: 9 }, () => down('3600'))) });
    const from = service.clock.now();
    const error = await passing(service, caught(client.status()));
    expect(service.clock.now() - from).toBe(20_000);
    expect(sent).toHaveLength(3);
    expect([isJitError(error) && error.code, (error as Error).cause]).toEqual(['ERR_JIT_STORE', expect.any(HttpClientError)]);
  });

  it.each([
    ['a review', (c, id) => c.approve(id), new TypeError('fetch failed')],
    ['a review that got a 503', (c, id) => c.approve(id), down()],
    ['a read that got a 503 without Retry-After', (c) => c.status(), new Response('', { status: 503 })],
    ['a read that got a 429', (c) => c.status(), down('1', 429)],
    ['a read that got a 500', (c) => c.status(), new Response('', { status: 500, headers: { 'retry-after': '1' } })],
  ] satisfies [string, (client: ReturnType<typeof createClient>, id: string) => unknown, Error | Response][])(
    'never happens for %s',
    async (_, call, failure) => {
      const service = aService();
      const { client, sent } = aClient(service, SAM, { fetch: failing(service, failure) });
      await caught(call(client, 'some-id'));
      expect(sent).toHaveLength(1);
    },
  );

  it('ends at once with the reason of the signal', async () => {
    const service = aService();
    const end = new AbortController();
    const { client, sent } = aClient(service, MAYA, { fetch: failing(service, down('9'), down('9')) });
    const reading = caught(client.status({ signal: end.signal }));
    await asleep(service);
    end.abort('the page was left');
    expect(await reading).toBe('the page was left');
    expect([sent.length, service.clock.sleepers]).toEqual([1, 0]);
  });
});
