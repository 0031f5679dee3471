import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import { CallerChangedError, createClient, HttpClientError } from '../../../src/client.js';
import { operations } from '../../../src/features/http/operations/index.js';
import { aClient, caught, failing } from '../client/client-world.js';
import { exampleOf } from './examples.js';
import { aService, BASE, EVE, identify, MAYA, RAJ, SAM, SCOPE, SEC } from './world.js';

const ASK = { scope: SCOPE, ttl: '30m', justification: 'INC-204' } as const;
const CHANGED = 'urn:jit-access:problem:caller-changed';

/** A service that counts what a call asks, with the sign-in of a browser: one cookie for all of its windows. */
function aBrowser(given: Parameters<typeof aService>[0] = {}) {
  const asked: string[] = [];
  let signedIn = MAYA;
  const service = aService({
    ...given,
    http: {
      identify: () => ({ subject: signedIn, roles: [] }),
      limit: (_, route) => void asked.push(`limit of ${route}`),
      may: ({ action }) => {
        asked.push(action);
        return true;
      },
      ...given.http,
    },
  });
  return { ...service, asked, signIn: (as: string) => void (signedIn = as) };
}

describe('a call for another caller than the one that is signed in', () => {
  const writes = operations.filter(({ method }) => method === 'POST').map((operation) => [operation.id, operation] as const);

  it.each(writes)('is 412 and does nothing: %s', async (_, operation) => {
    const asked: string[] = [];
    const ask = (action: string) => {
      asked.push(action);
      return true;
    };
    const { service, send } = await exampleOf(operation, RAJ, {
      http: { may: ({ action }) => ask(action), limit: () => void ask('limit') },
    });
    const { seq } = await journalHead(service.engine);
    for (const as of [MAYA, SAM, SEC]) {
      const { status, body } = await send({ as, headers: { 'jit-caller': EVE } });
      expect([status, body.type]).toEqual([412, CHANGED]);
    }
    expect(asked).toEqual([]);
    expect((await journalHead(service.engine)).seq).toBe(seq);
  });

  it('is 412 before its body, its key and its limit are judged, and leaves the key unused', async () => {
    const { send, asked } = aBrowser();
    const wrong = { headers: { 'jit-caller': SAM, 'idempotency-key': 'k' } };
    for (const body of ['{', '[]', `{"text":"${'x'.repeat(70_000)}"}`, JSON.stringify(ASK)])
      expect((await send('POST', '/requests', { ...wrong, body })).status).toBe(412);
    expect((await send('POST', '/requests', { body: ASK, headers: { ...wrong.headers, 'idempotency-key': ' '.repeat(3) } })).status).toBe(
      412,
    );
    expect((await send('GET', '/requests?unknown=1', wrong)).status).toBe(412);
    expect(asked).toEqual([]);
    const first = await send('POST', '/requests', { body: ASK, headers: { 'jit-caller': MAYA, 'idempotency-key': 'k' } });
    expect([first.status, first.body.reused]).toEqual([201, false]);
  });

  it('is 412 also between a call and its repeat under the same key', async () => {
    const { send, signIn } = aBrowser();
    const sent = { body: ASK, headers: { 'jit-caller': MAYA, 'idempotency-key': 'k' } };
    expect((await send('POST', '/requests', sent)).status).toBe(201);
    signIn(RAJ);
    expect((await send('POST', '/requests', sent)).status).toBe(412);
    signIn(MAYA);
    expect((await send('POST', '/requests', sent)).body.reused).toBe(true);
  });

  it('is compared as the engine reads ids', async () => {
    const { send, signIn } = aBrowser({ engine: { canonicalId: (id) => id.toLowerCase() } });
    signIn('User:Maya');
    for (const [named, status] of [
      ['user:maya', 200],
      ['USER%3aMAYA', 200],
      ['user:may', 412],
      ['user:maya2', 412],
    ] as const)
      expect([named, (await send('GET', '/me', { headers: { 'jit-caller': named } })).status]).toEqual([named, status]);
  });

  it.each([
    ['nothing', ''],
    ['two callers', `${MAYA}, ${SAM}`],
    ['the same caller twice', `${MAYA}, ${MAYA}`],
    ['half an escape', 'user:maya%'],
    ['no UTF-8', 'user:%ff'],
    ['a line end', 'user:maya%0a'],
    ['a space at its end', 'user:maya%20'],
    ['a zero-width space', 'user:maya%E2%80%8B'],
    ['257 characters', 'u'.repeat(257)],
  ])('is 400 and does nothing if the header names %s', async (_, named) => {
    const { engine, send, asked } = aBrowser();
    const { status, body } = await send('POST', '/requests', { body: ASK, headers: { 'jit-caller': named } });
    expect([status, body.argument]).toEqual([400, 'Jit-Caller']);
    expect([asked, (await journalHead(engine)).seq]).toEqual([[], 0]);
  });

  it('is 401 without a caller, and needs none where a route is open', async () => {
    const { send } = aService();
    expect((await send('POST', '/requests', { body: ASK, headers: { 'jit-caller': MAYA } })).status).toBe(401);
    expect((await send('GET', '/health', { headers: { 'jit-caller': MAYA } })).status).toBe(200);
  });

  it('may be sent by a page of another origin', async () => {
    const origin = 'https://app.example.com';
    const { send } = aService({ http: { corsOrigins: [origin] } });
    const { headers } = await send('OPTIONS', '/requests', { headers: { origin, 'access-control-request-method': 'POST' } });
    expect(headers.get('access-control-allow-headers')).toContain('Jit-Caller');
    const refused = await send('POST', '/requests', { as: MAYA, body: ASK, headers: { origin, 'jit-caller': SAM } });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([412, origin]);
  });
});

describe('the option caller of the client', () => {
  it('names the caller in each call that writes, and in no other', async () => {
    const service = aService();
    const { client, sent } = aClient(service, MAYA, { caller: MAYA });
    const { request } = await client.requestAccess(ASK);
    await client.cancel(request.id);
    await client.status();
    const named = sent.map(({ method, headers }) => [method, headers.get('jit-caller')]);
    expect(named).toEqual([
      ['POST', 'user%3Amaya'],
      ['POST', 'user%3Amaya'],
      ['GET', null],
    ]);
  });

  it('rejects as CallerChangedError after another sign-in, sends the call once, and changes nothing', async () => {
    const { signIn, engine, ...rest } = aBrowser();
    const service = { ...rest, engine };
    const { client, sent } = aClient(service, MAYA, { caller: MAYA, headers: {} });
    const { request } = await client.requestAccess(ASK);
    signIn(SAM);
    const { seq } = await journalHead(engine);
    for (const call of [() => client.approve(request.id), () => client.requestAccess(ASK), () => client.revokeAll({ scope: SCOPE })]) {
      const error = await caught(call());
      expect(error).toBeInstanceOf(CallerChangedError);
      expect(error).toBeInstanceOf(HttpClientError);
      expect(error).toMatchObject({ name: 'CallerChangedError', status: 412, type: CHANGED });
    }
    expect([sent.length, (await journalHead(engine)).seq]).toEqual([4, seq]);
    // The next person makes a client of their own.
    expect((await aClient(service, SAM, { caller: SAM, headers: {} }).client.approve(request.id)).outcome).toBe('granted');
  });

  it('is no CallerChangedError for the 412 of a proxy', async () => {
    const service = aService();
    const { client } = aClient(service, MAYA, { fetch: failing(service, Response.json({}, { status: 412 })) });
    expect(await caught(client.status())).toMatchObject({ name: 'HttpClientError', status: 412 });
  });

  it.each(['user:søren', 'user:山田', 'a, b', '50%', 'user:%41'])('takes any id of the engine: %s', async (id) => {
    const service = aService({ http: { identify: () => ({ subject: id, roles: [] }), may: () => true } });
    const { client } = aClient(service, id, { caller: id, headers: {} });
    expect((await client.revokeAll({ subject: 'user:nobody' })).matched).toBe(false);
  });

  it.each(['', '.', '\ud800', 7, {}])('refuses the caller %j before anything is sent', (caller) => {
    expect(() => createClient({ baseUrl: BASE, caller: caller as string })).toThrow(expect.objectContaining({ argument: 'caller' }));
  });

  it('cannot be overridden by the headers of the options', async () => {
    const service = aService({ http: { identify } });
    const as = (headers: Readonly<Record<string, string>>) =>
      aClient(service, SAM, { caller: MAYA, headers: { 'x-user': SAM, ...headers } }).client;
    expect(await caught(as({ 'jit-caller': SAM }).requestAccess(ASK))).toBeInstanceOf(CallerChangedError);
    expect(await caught(as({ 'Jit-Caller': SAM }).requestAccess(ASK))).toMatchObject({ argument: 'Jit-Caller' });
  });
});
