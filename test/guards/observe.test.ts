import 'reflect-metadata';
import { Controller, Get, Module, type ExecutionContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { autoApprove, JitEngine, MemoryGrantStore, type Clock } from 'jit-access';
import { accessOf as ofExpress, requireGrant as expressGuard } from 'jit-access/express';
import { jitAccess } from 'jit-access/fastify';
import { accessOf as ofFetch, requireGrant as fetchGuard } from 'jit-access/fetch';
import { createChecker } from 'jit-access/check';
import { stats } from 'jit-access/explain';
import { createGuard, observedCounts, type Access, type GuardOptions, type Observation } from 'jit-access/guard';
import { requireGrant as honoGuard } from 'jit-access/hono';
import { CurrentAccess, GrantGuard, JitAccessModule, RequireGrant } from 'jit-access/nest';
import { ManualClock } from 'jit-access/testing';
import { createView } from 'jit-access/view';
import { watchAccess } from 'jit-access/work';
import type { Server } from 'node:http';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { requireGrant as koaGuard } from '../../examples/guards/koa.js';
import { at, listenTo, overSocket } from './serving.js';

async function aWorld() {
  const store = new MemoryGrantStore();
  const engine = new JitEngine({ store, approver: autoApprove(() => true) });
  const { request } = await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m' });
  return { store, engine, grantId: `${request.id}.1` };
}

/** Two guards on one route: each observes, or enforces the scope that user:maya holds. */
type Observes = readonly [first: boolean, second: boolean];
const choicesOf = (observe: boolean) => ({ observe, scope: observe ? 'db-prod:read' : 'db-prod:write' });
/** What each handler answers. */
const shown = ({ observed, grantId = 'none' }: Access) => `${String(observed)} ${grantId}`;

/** A service with one route `/a`, behind two guards. */
const SERVICES: Readonly<Record<string, (engine: JitEngine, observes: Observes) => ReturnType<typeof listenTo>>> = {
  Express: (engine, observes) => {
    const app = express();
    const guards = observes.map((o) => expressGuard(engine, { ...choicesOf(o), subject: (req) => req.get('session') }));
    app.get('/a', guards, (_req: unknown, res: express.Response) => res.send(`${shown(ofExpress(res))}`));
    return listenTo((req, res) => void app(req, res));
  },
  Fastify: async (engine, observes) => {
    const app = Fastify();
    await app.register(jitAccess, { engine, subject: (request) => request.headers.session as string });
    const preHandler = observes.map((o) => app.requireGrant(choicesOf(o).scope, { observe: o }));
    app.get('/a', { preHandler }, async (request) => shown(request.access));
    return at(await app.listen({ port: 0, host: '127.0.0.1' }), () => app.close());
  },
  Hono: async (engine, [first, second]) => {
    const app = new Hono();
    const subject = (c: { req: { header(name: string): string | undefined } }) => c.req.header('session');
    app.get('/a', honoGuard(engine, { ...choicesOf(first), subject }), honoGuard(engine, { ...choicesOf(second), subject }), (c) =>
      c.text(shown(c.var.access)),
    );
    return { call: async (name, _id, init) => app.request(`/${name}`, init), close: () => undefined };
  },
  fetch: async (engine, [first, second]) => {
    const subject = (request: Request) => request.headers.get('session');
    const inner = fetchGuard(engine, { ...choicesOf(second), subject }, (request: Request) => new Response(shown(ofFetch(request))));
    const outer = fetchGuard(engine, { ...choicesOf(first), subject }, inner);
    return { call: async (_name, _id, init) => outer(new Request('http://here/a', init)), close: () => undefined };
  },
  Koa: (engine, observes) => {
    const app = new Koa<{ access: Access }>();
    for (const o of observes) app.use(koaGuard(engine, { ...choicesOf(o), subject: (ctx) => ctx.headers.session as string | undefined }));
    app.use((ctx) => void (ctx.body = shown(ctx.state.access)));
    const handle = app.callback();
    return listenTo((req, res) => void handle(req, res));
  },
  Nest: async (engine, [onClass, onMethod]) => {
    class OneController {
      read(access: Access) {
        return shown(access);
      }
    }
    const method = [OneController.prototype, 'read'] as const;
    const descriptor = Object.getOwnPropertyDescriptor(...method) as PropertyDescriptor;
    CurrentAccess()(...method, 0);
    RequireGrant(choicesOf(onMethod).scope, { observe: onMethod })(...method, descriptor);
    Get()(...method, descriptor);
    RequireGrant(choicesOf(onClass).scope, { observe: onClass })(OneController);
    Controller('a')(OneController);
    class AppModule {}
    const subject = (context: ExecutionContext) => context.switchToHttp().getRequest<{ headers: Record<string, string> }>().headers.session;
    Module({ imports: [JitAccessModule.forRoot({ engine, subject })], controllers: [OneController] })(AppModule);
    const app = await NestFactory.create(AppModule, { logger: false });
    await app.listen(0, '127.0.0.1');
    return overSocket(app.getHttpServer() as Server);
  },
};

describe.each(Object.entries(SERVICES))('two guards on a route of %s', (_, serve) => {
  it.each([
    ['one that observes before one that enforces', [true, false]],
    ['one that enforces before one that observes', [false, true]],
  ] as const)('%s: the one that enforces refuses, and its access reaches the handler', async (_name, observes) => {
    const { engine, grantId } = await aWorld();
    const server = await serve(engine, observes);
    const call = async (session: string) => {
      const response = await server.call('a', '', { headers: { session }, signal: new AbortController().signal });
      return [response.status, await response.text()];
    };
    expect(await call('user:maya')).toEqual([200, `false ${grantId}`]);
    expect((await call('user:eve'))[0]).toBe(403);
    await server.close();
    await engine.close();
  });
});

describe('a guard that observes', () => {
  const options = (over: Partial<GuardOptions<[]>> = {}): GuardOptions<[]> => ({
    subject: () => 'user:eve',
    scope: 'db-prod:write',
    observe: true,
    ...over,
  });

  const REFUSED: readonly (readonly [argument: string, over: object, message: string])[] = [
    ['observe', { observe: () => true }, 'observe must be true, false or { until }; got a function'],
    ['observe', { observe: 'true' }, 'observe must be true, false or { until }'],
    ['observe', { observe: null }, 'observe must be true, false or { until }'],
    ['observe.until', { observe: {} }, "observe.until must be a day such as '2026-12-31'"],
    ...[
      '',
      'soon',
      '2026-02-30',
      '2026-13-01',
      '2026-12-31T00:00',
      '2026-12-31T00:00:00',
      '31.12.2026',
      '2026-12-31 00:00Z',
      ' 2026-12-31',
    ].map(
      (until) =>
        ['observe.until', { observe: { until } }, "observe.until must be a day such as '2026-12-31', or an instant with its zone"] as const,
    ),
    ...[1_798_675_200_000, new Date(0), null, ['2026-12-31']].map(
      (until) => ['observe.until', { observe: { until } }, "observe.until must be a day such as '2026-12-31'"] as const,
    ),
    ['observe', { observe: { until: '2026-12-31', from: 1 } }, 'observe must be an object with only until'],
    ['touch', { observe: { until: '2026-12-31' }, touch: true }, 'touch must be false or omitted with observe, which takes no use'],
    ['observed', { observed: 'log' }, 'observed must be a function'],
    ['touch', { touch: true }, 'touch must be false or omitted with observe, which takes no use'],
    ['recordUse', { recordUse: true }, 'recordUse must be false or omitted with observe, which takes no use'],
    ['abortOnEnd', { abortOnEnd: watchAccess }, 'abortOnEnd must be omitted with observe, which ends no response'],
  ];
  it.each(REFUSED)('refuses an option that contradicts it: %s %o', async (argument, over, message) => {
    const { engine } = await aWorld();
    const make = () => createGuard(engine, options(over as never));
    expect(make).toThrow(
      expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument, message: expect.stringContaining(message) as string }),
    );
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('the log is full');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the log is full'))],
    ['never resolves', () => new Promise<void>(() => undefined)],
    ['changes what it receives', (observation: object) => void Object.assign(observation, { decision: undefined })],
  ] as const satisfies readonly (readonly [string, (observation: Observation) => unknown])[])(
    'admits the request when the hook %s',
    async (_, hook) => {
      const { engine } = await aWorld();
      const outcome = await createGuard(engine, options({ observed: (observation) => hook(observation) as void }))();
      expect(outcome).toMatchObject({ allowed: true, access: { observed: true, decision: { allowed: false, reason: 'no_grant' } } });
    },
  );

  it('gives a signal that never aborts: a handler that listens to one runs as without a guard', async () => {
    const { engine } = await aWorld();
    const outcome = await createGuard(engine, options())();
    expect(outcome.allowed && outcome.access.signal.aborted).toBe(false);
  });

  it('counts each answer for the engine that it asks, and no answer of a guard that enforces', async () => {
    const { engine } = await aWorld();
    const none = { allowed: 0, unauthenticated: 0, 'invalid-scope': 0, 'access-required': 0, unavailable: 0, failed: 0 };
    expect(observedCounts(engine)).toEqual(none);
    await createGuard(engine, options({ subject: () => 'user:maya' }))();
    for (const over of [{}, {}, { subject: () => null }, { scope: () => '*' }, { subject: () => 7 as never }])
      await createGuard(engine, options(over))();
    await createGuard(engine, options({ observe: false }))();
    expect(observedCounts(engine)).toEqual({
      ...none,
      allowed: 1,
      'access-required': 2,
      unauthenticated: 1,
      'invalid-scope': 1,
      failed: 1,
    });
    expect(() => observedCounts(undefined as never)).toThrow(/engine must be/);
  });

  it('records no use, also where the engine records each', async () => {
    const store = new MemoryGrantStore();
    const engine = new JitEngine({ store, approver: autoApprove(() => true), recordUse: true });
    await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m' });
    const uses = async () => {
      await engine.sweep();
      await engine.idle();
      return (await store.find({ kind: 'activity', limit: 10 })).items.length;
    };
    await createGuard(engine, options({ subject: () => 'user:maya' }))();
    expect(await uses()).toBe(0);
    await createGuard(engine, options({ subject: () => 'user:maya', observe: false }))();
    expect(await uses()).toBe(1);
    await engine.close();
  });

  /** A guard over an engine on a clock, and whether it lets user:eve through. */
  const onClock = (clock: Clock, until: string, over: Partial<GuardOptions<[]>> = {}) => {
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: autoApprove(() => true), clock, onError: () => undefined });
    const guard = createGuard(engine, options({ observe: { until }, onError: () => undefined, ...over }));
    return { engine, guard, isOpen: async () => (await guard()).allowed };
  };

  it.each([
    ['2026-12-31', '2026-12-31T00:00:00.000Z'],
    ['2026-12-31T08:00:00+01:00', '2026-12-31T07:00:00.000Z'],
    ['2026-12-31T08:00-05:30', '2026-12-31T13:30:00.000Z'],
    ['2028-02-29T12:00:00.250Z', '2028-02-29T12:00:00.250Z'],
  ])('[A3] enforces from the instant that until names: %s', async (until, instant) => {
    const at = Date.parse(instant);
    const clock = new ManualClock(at - 1);
    const { isOpen } = onClock(clock, until);
    expect(await isOpen()).toBe(true);
    await clock.advance(1);
    expect(await isOpen()).toBe(false);
    await clock.step(-86_400_000);
    expect(await isOpen()).toBe(false);
  });

  it('[A3] enforces from the start on if until has passed, and while the clock is unreadable', async () => {
    expect(await onClock(new ManualClock(), '2025-12-31').isOpen()).toBe(false);
    let isDown = true;
    const clock: Clock = { now: () => (isDown ? NaN : Date.parse('2026-01-01T00:00:00Z')) };
    const { isOpen } = onClock(clock, '2026-12-31');
    expect(await isOpen()).toBe(false);
    isDown = false;
    expect(await isOpen()).toBe(true);
  });

  it('[A3] enforces by the system clock over a checker', async () => {
    const checker = createChecker({ store: new MemoryGrantStore() });
    const isOpen = async (until: string) =>
      (await createGuard(checker, options({ observe: { until }, onError: () => undefined }))()).allowed;
    expect([await isOpen('2026-01-01'), await isOpen('9999-12-31')]).toEqual([false, true]);
  });

  it('[A3] takes no use until then, and takes one afterwards as any guard', async () => {
    const clock = new ManualClock(Date.parse('2026-06-30T23:59:00Z'));
    const { engine, guard } = onClock(clock, '2026-07-01', { subject: () => 'user:maya' });
    const touches: unknown[] = [];
    const { check } = engine;
    engine.check = (subject, scope, touch) => (touches.push(touch), check.call(engine, subject, scope, touch));
    await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m' });
    expect(await guard()).toMatchObject({ allowed: true, access: { observed: true } });
    await clock.advance('1m');
    expect(await guard()).toMatchObject({ allowed: true, access: { observed: false } });
    expect(touches).toEqual([{ touch: false, recordUse: false }, { touch: true }]);
  });

  it('[A3] reports once an hour that it let a request through', async () => {
    const { engine } = await aWorld();
    const told: string[] = [];
    const start = Date.now();
    const now = vi.spyOn(Date, 'now').mockReturnValue(start);
    onTestFinished(() => now.mockRestore());
    const onError = (error: unknown, during: string) => told.push(`${during}: ${(error as Error).message}`);
    const guards = [createGuard(engine, options({ onError })), createGuard(engine, options({ onError, scope: () => 'db-prod:read' }))];
    const report = 'observe: this guard only observes: the request was let through';
    const call = async (): Promise<number> => {
      for (const guard of guards) await guard();
      await new Promise((resolve) => setImmediate(resolve));
      return told.length;
    };
    await createGuard(engine, options({ onError, subject: () => 'user:maya' }))();
    expect(told).toEqual([]);
    expect(await call()).toBe(2);
    now.mockReturnValue(start + 3_599_999);
    expect(await call()).toBe(2);
    now.mockReturnValue(start + 3_600_000);
    expect(await call()).toBe(4);
    expect(new Set(told)).toEqual(new Set([report]));
  });

  it('[A3] shows its counts in the stats of its engine', async () => {
    const { engine } = await aWorld();
    await createGuard(engine, options({ onError: () => undefined }))();
    expect((await stats(engine)).observed).toEqual({ ...observedCounts(engine), 'access-required': 1 });
  });

  it('observes by a view', async () => {
    const { engine, store } = await aWorld();
    const view = createView({ store });
    await view.refresh();
    expect(await createGuard(engine, options({ view }))()).toMatchObject({ allowed: true, access: { decision: { allowed: false } } });
    view.close();
  });

  it('lets a context that is not HTTP through, and reports that an enforcing guard would throw (Nest)', async () => {
    const { engine } = await aWorld();
    const Guarding = GrantGuard('db-prod:write', { observe: true }) as unknown as new (options: object) => {
      canActivate(context: object): Promise<boolean>;
    };
    expect(await new Guarding({ engine, subject: () => 'user:eve' }).canActivate({ getType: () => 'ws' })).toBe(true);
    expect(observedCounts(engine)).toMatchObject({ failed: 1, 'access-required': 0 });
  });
});
