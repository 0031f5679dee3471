import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JitEngineOptions } from '../../../src/index.js';
import { definePolicy } from '../../../src/policy.js';
import { aClient } from '../client/client-world.js';
import { aService, EVE, MAYA, MINUTE, RAJ, SAM, SEC, type Body } from './world.js';

const ANA = 'user:ana';
const LEO = 'user:leo';
const LEEWAY = 1_000;

/** Two leads review `db:*`, after twenty minutes also a director; an approval counts for half an hour. `logs:*` is granted at once. */
const policy = () =>
  definePolicy({
    groups: { people: [MAYA, RAJ, EVE], leads: [SAM, ANA], directors: [LEO] },
    rules: [
      {
        id: 'database',
        scopes: ['db:*'],
        subjects: [{ group: 'people' }],
        maxTtl: '2h',
        review: { groups: { leads: 2 }, escalate: { to: 'directors', after: '20m' }, approvalTtl: '30m' },
      },
      { id: 'logs', scopes: ['logs:*'], subjects: [{ group: 'people' }], maxTtl: '2h', maxStartAhead: '2h', approve: true },
      { id: 'idle', scopes: ['idle:*'], subjects: [{ group: 'people' }], maxTtl: '2h', idleTtl: '10m', approve: true },
    ],
  });

const service = (engine: Partial<JitEngineOptions> = {}) =>
  aService({ engine: { approver: policy(), limits: { reviewWithin: '1h' }, ...engine } });
type Service = ReturnType<typeof service>;

const read = async ({ send }: Service, path: string, as: string) => {
  const { status, body, text } = await send('GET', path, { as });
  expect(status).toBe(200);
  return { body, text, changesAt: body['changesAt'] as unknown as number | undefined };
};
const statusesOf = ({ items }: Body) => (items as unknown as readonly { readonly status: string }[]).map(({ status }) => status);

describe('changesAt of a page of grants', () => {
  it('is the first begin or end of the grants of this page alone, less the leeway of ends', async () => {
    const made = service({ leewayMs: LEEWAY });
    const { engine, clock } = made;
    const now = clock.now();
    await engine.requestAccess({ subject: MAYA, scope: 'logs:a', ttl: '1h' });
    await clock.advance(1);
    await engine.requestAccess({ subject: MAYA, scope: 'logs:b', ttl: '30m', startsAt: now + 20 * MINUTE });
    await clock.advance(1);
    await engine.requestAccess({ subject: EVE, scope: 'logs:c', ttl: '5m' });
    // The grant of eve ends first, and only a page that shows it says so.
    expect((await read(made, '/grants?status=open', MAYA)).changesAt).toBe(now + 20 * MINUTE);
    expect((await read(made, '/grants?status=active', MAYA)).changesAt).toBe(now + 60 * MINUTE - LEEWAY);
    expect((await read(made, '/grants?status=open&all=true', SEC)).changesAt).toBe(now + 2 + 5 * MINUTE - LEEWAY);
    const first = await read(made, '/grants?order=oldest&limit=1&all=true', SEC);
    expect([first.changesAt, statusesOf(first.body)]).toEqual([now + 60 * MINUTE - LEEWAY, ['active']]);
    for (const path of ['/holders?scope=logs:a', `/history?from=${now}&to=${now + 2}&scope=logs:a`])
      expect([path, (await read(made, path, SEC)).changesAt]).toEqual([path, now + 60 * MINUTE - LEEWAY]);
    await clock.advance('2h');
    // Ended by time alone, and no sweep has recorded it.
    expect(await read(made, '/grants', MAYA)).toMatchObject({ changesAt: undefined });
    expect(await read(made, '/grants?status=open', MAYA)).toMatchObject({ changesAt: undefined, body: { items: [] } });
  });

  it('counts the idle end, which moves with each use', async () => {
    const made = service();
    const { engine, clock } = made;
    await engine.requestAccess({ subject: MAYA, scope: 'idle:a', ttl: '1h' });
    expect((await read(made, '/grants', MAYA)).changesAt).toBe(clock.now() + 10 * MINUTE);
    await clock.advance('9m');
    await engine.check(MAYA, 'idle:a', { touch: 'wait' });
    const { changesAt, text } = await read(made, '/grants', MAYA);
    expect(changesAt).toBe(clock.now() + 10 * MINUTE);
    await clock.set((changesAt as number) - 1);
    expect((await read(made, '/grants', MAYA)).text).toBe(text);
    await clock.advance(1);
    expect(statusesOf((await read(made, '/grants', MAYA)).body)).toEqual(['expired']);
  });

  it('is the same for the same access, so that a poll is answered with 304', async () => {
    const { engine, clock, send } = service();
    await engine.requestAccess({ subject: MAYA, scope: 'logs:a', ttl: '1h' });
    const first = await send('GET', '/grants', { as: MAYA });
    await clock.advance('5m');
    const again = await send('GET', '/grants', { as: MAYA, headers: { 'if-none-match': first.headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
  });

  it('reaches the client', async () => {
    const made = service();
    const { client } = aClient(made);
    await made.engine.requestAccess({ subject: MAYA, scope: 'logs:a', ttl: '1h' });
    const { request } = await made.engine.requestAccess({ subject: MAYA, scope: 'db:a', ttl: '1h' });
    const now = made.clock.now();
    expect((await client.listGrants({ status: 'open' })).changesAt).toBe(now + 60 * MINUTE);
    expect((await client.getRequest(request.id)).changesAt).toBe(now + 20 * MINUTE);
    expect((await aClient(made, SAM).client.inbox()).changesAt).toBe(now + 20 * MINUTE);
  });
});

describe('the filter `status=open` of GET /grants', () => {
  it('lists scheduled and active grants in one call, and no grant that time has ended without a sweep', async () => {
    const made = service();
    const { engine, clock } = made;
    const now = clock.now();
    await engine.requestAccess({ subject: MAYA, scope: 'logs:over', ttl: '5m' });
    await engine.requestAccess({ subject: MAYA, scope: 'logs:held', ttl: '1h' });
    await engine.requestAccess({ subject: MAYA, scope: 'logs:soon', ttl: '30m', startsAt: now + 90 * MINUTE });
    await clock.advance('10m');
    const open = async () => statusesOf((await read(made, '/grants?status=open&order=due', MAYA)).body);
    expect(await open()).toEqual(['active', 'scheduled']);
    await engine.revokeAll({ subject: MAYA }, { by: SEC });
    expect(await open()).toEqual([]);
  });
});

describe('changesAt of a request and of the inbox', () => {
  it('is the escalation, then the instant at which an approval is stale, then the deadline, less the leeway', async () => {
    const made = service({ leewayMs: LEEWAY });
    const { engine, clock } = made;
    const { request } = await engine.requestAccess({ subject: MAYA, scope: 'db:a', ttl: '1h' });
    const from = clock.now();
    const both = async () => [(await read(made, `/requests/${request.id}`, MAYA)).changesAt, (await read(made, '/inbox', ANA)).changesAt];
    expect(await both()).toEqual([from + 20 * MINUTE, from + 20 * MINUTE]);
    await clock.advance('10m');
    await engine.approve(request.id, { by: SAM });
    await clock.advance('10m');
    const stale = from + 40 * MINUTE - LEEWAY;
    expect(await both()).toEqual([stale, stale]);
    await clock.set(stale - 1);
    const [waiting] = [await read(made, '/inbox', ANA)];
    await clock.advance(1);
    expect((await read(made, '/inbox', ANA)).body).not.toEqual(waiting.body);
    expect(await both()).toEqual([request.reviewBy - LEEWAY, request.reviewBy - LEEWAY]);
    await clock.set(request.reviewBy - LEEWAY);
    expect(await both()).toEqual([undefined, undefined]);
    expect((await read(made, `/requests/${request.id}`, MAYA)).body['outcome']).toBe('expired');
  });

  it('is in the inbox also the instant at which an earlier denial of the same ask is no longer shown', async () => {
    const made = service();
    const { engine, clock } = made;
    const ask = () => engine.requestAccess({ subject: MAYA, scope: 'db:a', ttl: '1h' });
    const { request } = await ask();
    await engine.deny(request.id, { by: SAM });
    const until = clock.now() + 24 * 60 * MINUTE;
    await clock.set(until - 15 * MINUTE);
    await ask();
    const { changesAt, text } = await read(made, '/inbox', ANA);
    expect(changesAt).toBe(until);
    await clock.set(until - 1);
    expect((await read(made, '/inbox', ANA)).text).toBe(text);
    await clock.advance(1);
    expect((await read(made, '/inbox', ANA)).text).not.toBe(text);
  });

  it('is in the inbox also the deadline of a twin that waits for others', async () => {
    const made = service();
    const { engine, clock } = made;
    const ask = (scopes: readonly string[]) => engine.requestAccess({ subject: MAYA, scopes, ttl: '1h' });
    const { request: twin } = await ask(['db:a']);
    await clock.advance('45m');
    await engine.approve(twin.id, { by: SAM });
    await ask(['db:a', 'db:b']);
    const { changesAt, text, body } = await read(made, '/inbox', SAM);
    expect(body).toMatchObject({ items: [{ twins: [twin.id] }] });
    expect(changesAt).toBe(twin.reviewBy);
    await clock.set(twin.reviewBy - 1);
    expect((await read(made, '/inbox', SAM)).text).toBe(text);
    await clock.advance(1);
    expect((await read(made, '/inbox', SAM)).body).toMatchObject({ items: [{ twins: [] }] });
  });

  it('shows no instant of what the page does not show: a lock, another subject, the next page', async () => {
    const made = service();
    const { engine, clock } = made;
    const ask = (subject: string) => engine.requestAccess({ subject, scope: 'db:a', ttl: '1h' });
    await ask(MAYA);
    await clock.advance(1);
    await ask(RAJ);
    const before = await read(made, '/inbox?limit=1', SAM);
    await engine.lock({ scope: 'other:*' }, { by: SEC, until: clock.now() + MINUTE });
    await engine.requestAccess({ subject: EVE, scope: 'logs:a', ttl: '2m' });
    expect((await read(made, '/inbox?limit=1', SAM)).text).toBe(before.text);
  });
});

describe('changesAt in random lives', () => {
  const minutes = (max: number) => fc.integer({ min: 1, max });
  const step = fc.oneof(
    fc.record({ do: fc.constant('ask' as const), scope: fc.constantFrom('db:a', 'db:b', 'logs:a', 'logs:b', 'idle:a'), ttl: minutes(60) }),
    fc.record({ do: fc.constant('later' as const), scope: fc.constantFrom('logs:c', 'logs:d'), ttl: minutes(60), ahead: minutes(60) }),
    fc.record({ do: fc.constant('use' as const) }),
    fc.record({
      do: fc.constant('review' as const),
      by: fc.constantFrom(SAM, ANA, LEO),
      verdict: fc.constantFrom('approve', 'approve', 'deny'),
    }),
    fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 15 * MINUTE }) }),
    fc.record({ do: fc.constant('sweep' as const) }),
    fc.record({ do: fc.constant('follow' as const) }),
  );

  it('comes with each change of a shown status: until then, each read of a page gives the same bytes', async () => {
    let followed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), fc.constantFrom(0, LEEWAY), async (steps, leewayMs) => {
        const made = service({ leewayMs });
        const { engine, clock } = made;
        const views = async (): Promise<readonly (readonly [path: string, as: string])[]> => {
          const { items } = await engine.listRequests({ subject: MAYA, status: 'pending' });
          return [
            ['/grants', MAYA],
            ['/grants?status=open', MAYA],
            ['/grants?status=active&all=true', SEC],
            ...[SAM, ANA].flatMap((as) => [['/inbox', as] as const, ['/inbox?holdings=true', as] as const]),
            ...items.flatMap(({ id }) => [[`/requests/${id}`, MAYA] as const]),
          ];
        };
        for (const one of steps) {
          const quiet = (call: Promise<unknown>) => call.catch(() => undefined);
          if (one.do === 'ask') await quiet(engine.requestAccess({ subject: MAYA, scope: one.scope, ttl: one.ttl * MINUTE }));
          if (one.do === 'later')
            await quiet(
              engine.requestAccess({ subject: MAYA, scope: one.scope, ttl: one.ttl * MINUTE, startsAt: clock.now() + one.ahead * MINUTE }),
            );
          if (one.do === 'use') await quiet(engine.check(MAYA, 'idle:a', { touch: 'wait' }));
          if (one.do === 'review') {
            const [first] = (await engine.inbox(one.by)).items;
            if (first !== undefined) await quiet(engine[one.verdict](first.request.id, { by: one.by }));
          }
          if (one.do === 'pass') await clock.advance(one.ms);
          if (one.do === 'sweep') await engine.sweep();
          if (one.do !== 'follow') continue;
          // Without a sweep and a call, only time passes.
          const shown = await Promise.all((await views()).map(async ([path, as]) => ({ path, as, ...(await read(made, path, as)) })));
          const next = Math.min(...shown.map(({ changesAt = Infinity }) => changesAt));
          if (next === Infinity) continue;
          expect(next).toBeGreaterThan(clock.now());
          await clock.set(next - 1);
          for (const { path, as, text } of shown) {
            // Time that only lets another reviewer in may show more requests.
            expect([path, as, (await read(made, path, as)).text]).toEqual([path, as, text]);
          }
          await clock.advance(1);
          // An approver confirms each begin, and this call asks it. A page of what is held makes it too.
          await read(made, '/me', MAYA);
          for (const { path, as, changesAt, text } of shown) {
            if (changesAt !== next) continue;
            followed++;
            expect([path, as, (await read(made, path, as)).text]).not.toEqual([path, as, text]);
          }
        }
        await engine.close();
      }),
      { numRuns: 25 },
    );
    expect(followed).toBeGreaterThan(50);
  });
});
