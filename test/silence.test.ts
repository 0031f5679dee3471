import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { mcpTool, needsApproval, toolApproval, type McpExtra } from '../src/ai.js';
import { createChecker } from '../src/check.js';
import { createClient } from '../src/client.js';
import { createGuard } from '../src/guard.js';
import { createHttpHandler } from '../src/http.js';
import { callbackSink, MemoryGrantStore, startSweeper, type GrantStore, type JitEngineOptions } from '../src/index.js';
import type { LiveQuery } from '../src/store.js';
import { ManualClock } from '../src/testing.js';
import { sqlGrantStore } from '../src/sql.js';
import { provision } from '../src/provisioning.js';
import { startRetention } from '../src/retention.js';
import { createView } from '../src/view.js';
import { webhookSink } from '../src/webhook.js';
import { anAuthzen } from './features/authzen/authzen-of.js';
import { aView } from './features/view/a-view.js';
import { RewindableStore } from './kernel/rewindable-store.js';
import { aGranted, anEngine, ask, MAYA, SCOPE } from './engine/an-engine.js';
import { AGENT, anOffice, TTL } from './guards/ai/lending.js';
import { SqliteFile } from './stores/sql/sqlite.js';

/* A failure without a listener is printed: each option `onError`, by failures that are made on purpose. */

/** What a driver or a caller could put into a message: a password, a line of its own, an escape. */
const SECRET = 'postgres://sam:hunter2@db refused\n2026-01-01 INFO grant approved \u001b[31m';
const fail = (): never => {
  throw new Error(SECRET);
};
const turns = async () => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** The option as a test gives it: `{}` for the default. */
type Listener = { readonly onError?: (error: unknown) => void };
interface Row {
  /** The line without its end. `undefined`: the option is never called. */
  readonly line: string | undefined;
  /** @returns what makes the failure, each time that it is called */
  readonly world: (listener: Listener) => Promise<() => Promise<unknown>>;
}

const justification = 'hunter2 grant approved';
/** As in a program that sets no listener. */
const DEFAULT = { onError: undefined } as unknown as Partial<JitEngineOptions>;

/** The guard under every adapter, over a store that is down. The contract of `jit-access/testing` tests the adapters. */
const GUARD: Row = {
  line: 'jit-access guard of db-prod:write (check): ERR_JIT_STORE caused by Error',
  world: async (listener) => {
    const { engine, store } = anEngine();
    store.inject('all', { fault: 'reject', error: new Error(SECRET) });
    const guard = createGuard(engine, { subject: () => MAYA, scope: SCOPE, ...listener });
    return async () => expect((await guard()).allowed).toBe(false);
  },
};

/** By the heading of the option in docs/reference/entries. */
const ROWS: Readonly<Record<string, Row>> = {
  'core JitEngineOptions': {
    line: 'jit-access engine (sink siem): Error',
    world: async (listener) => {
      const { engine } = anEngine({ ...DEFAULT, audit: callbackSink('siem', fail), ...listener });
      return async () => {
        await ask(engine, { justification });
        await engine.flushAudit();
      };
    },
  },
  'core SweeperOptions': {
    line: 'jit-access sweeper: ERR_JIT_STORE',
    world: async (listener) => {
      const { engine, store, clock } = anEngine();
      store.inject('all', { fault: 'reject', error: new Error(SECRET) });
      startSweeper(engine, { every: '10s', ...listener });
      return async () => {
        await turns();
        await clock.advance('10s');
        await turns();
      };
    },
  },
  'check CheckerOptions': {
    line: 'jit-access checker (check): ERR_JIT_CORRUPT',
    world: async (listener) => {
      const { engine, store, clock } = anEngine();
      await aGranted(engine, { justification });
      await ask(engine, { scope: 'db-prod:read', justification });
      const checker = createChecker({ store: spoilt(store), clock, ...listener });
      return () => checker.isAllowed(MAYA, SCOPE);
    },
  },
  'view CreateViewOptions': {
    line: 'jit-access view (standing): Error',
    world: async (listener) => {
      const store = new MemoryGrantStore({ namespace: 'team' });
      const view = createView({ store, clock: new ManualClock(), standing: fail, ...listener });
      return async () => view.isAllowed(MAYA, SCOPE);
    },
  },
  'express GuardOptions': GUARD,
  'fastify CallerOptions': GUARD,
  'fastify JitAccessOptions': GUARD,
  'nest JitAccessOptions': GUARD,
  'http HttpOptions': {
    line: 'jit-access HTTP handler (identify): Error',
    world: async (listener) => {
      const { engine } = anEngine();
      const handler = createHttpHandler(engine, { identify: fail, ...listener });
      return async () => expect((await handler(new Request('https://access.example.com/v1/me'))).status).toBe(503);
    },
  },
  'sql SqlGrantStoreOptions': {
    line: 'jit-access SQL store (onCommit): ERR_JIT_HOOK',
    world: async (listener) => {
      const file = await SqliteFile.migrated();
      onTestFinished(() => file.remove());
      let isDown = false;
      const onCommit = async () => (isDown ? fail() : undefined);
      const store = sqlGrantStore({ db: file.kysely(), dialect: 'sqlite', namespace: 'orders', onCommit, ...listener });
      const { engine } = anEngine({ store });
      return async () => {
        isDown = false;
        const { request } = await ask(engine);
        isDown = true;
        await engine.cancel(request.id, { by: MAYA, reason: justification });
      };
    },
  },
  'sql MigrateOptions': { line: undefined, world: async () => async () => undefined },
  'client EventOptions': {
    line: 'jit-access client (events): HttpClientError',
    world: async (listener) => {
      const clock = new ManualClock();
      const client = createClient({ baseUrl: 'https://access.example.com', clock, fetch: async () => fail() });
      const end = new AbortController();
      onTestFinished(() => end.abort());
      const events = client.events({ signal: end.signal, ...listener })[Symbol.asyncIterator]();
      void events.next();
      return async () => {
        await turns();
        await clock.advance('30s');
        await turns();
      };
    },
  },
  'ai ToolApprovalOptions': {
    line: 'jit-access agent tools (refund): Error',
    world: async (listener) => {
      const { engine } = anOffice();
      const refund = { execute: async () => 'refunded' };
      const { tools } = toolApproval(engine, { refund }, { agent: AGENT, tools: { refund: { scope: fail, ttl: TTL } }, ...listener });
      const execute = tools.refund.execute as (...call: unknown[]) => Promise<unknown>;
      return async () => execute({}, { toolCallId: 'a', messages: [] }).catch(() => undefined);
    },
  },
  'ai McpToolOptions': {
    line: 'jit-access agent tools (refund): Error',
    world: async (listener) => {
      const { engine } = anOffice();
      const call = mcpTool(engine, { tool: 'refund', agent: AGENT, scope: fail, ttl: TTL, ...listener }, (_: McpExtra) => ({
        content: [],
      }));
      return async () => call({ signal: new AbortController().signal, requestId: 1 });
    },
  },
  'ai NeedsApprovalOptions': {
    line: 'jit-access agent tools (refund): Error',
    world: async (listener) => {
      const { engine } = anOffice();
      const guarded = needsApproval(engine, { tool: 'refund', agent: AGENT, scope: fail, ttl: TTL, ...listener }, () => 'ran');
      return async () => guarded.execute({}, { context: undefined });
    },
  },
};

/** The same store, whose grants have an end of no instant. */
const spoilt = (store: GrantStore): GrantStore =>
  new Proxy(store, {
    get: (target, name) => {
      if (name === 'windowOf') return undefined;
      if (name === 'live') return async (query: LiveQuery) => (await target.live(query)).map((row) => ({ ...row, until: 'soon' }));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });

/** Other failures of these parts, and parts that report to the engine's listener. Nothing here has a listener. */
const FAILURES: Readonly<Record<string, Row>> = {
  'a store that is down behind the HTTP handler': {
    line: 'jit-access HTTP handler (http): ERR_JIT_STORE caused by Error',
    world: async (listener) => {
      const { engine, store } = anEngine(DEFAULT);
      const handler = createHttpHandler(engine, { identify: () => ({ subject: MAYA }), ...listener });
      store.inject('all', { fault: 'reject', error: new Error(SECRET) });
      return async () => expect((await handler(new Request('https://access.example.com/v1/me'))).status).toBe(503);
    },
  },
  'a hook of the HTTP handler that throws': {
    line: 'jit-access HTTP handler (may): Error',
    world: async (listener) => {
      const handler = createHttpHandler(anEngine(DEFAULT).engine, { identify: () => ({ subject: MAYA }), may: fail, ...listener });
      return async () => expect((await handler(new Request('https://access.example.com/v1/locks'))).status).toBe(503);
    },
  },
  'a store that went back, which the engine reports and the handler answers with 503': {
    line: 'jit-access engine (rollback): ERR_JIT_ROLLBACK: the store went back',
    world: async (listener) => {
      const store = new RewindableStore();
      return async () => {
        await store.goBackTo(0);
        const { engine } = anEngine({ ...DEFAULT, ...listener, store: store });
        await ask(engine);
        await ask(engine, { scope: 'db-prod:read' });
        await store.goBackTo(1);
        const handler = createHttpHandler(engine, { identify: () => ({ subject: MAYA }), ...listener });
        const body = JSON.stringify({ scope: SCOPE, ttl: '5m' });
        const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
        expect((await handler(new Request('https://access.example.com/v1/requests', init))).status).toBe(503);
      };
    },
  },
  'a call that takes too long': {
    line: 'jit-access HTTP handler (http): The service did not answer in time, and begins nothing more for this call. Repeat it, with the same Idempotency-Key if it has one',
    world: async (listener) => async () => {
      const { engine, store, clock } = anEngine(DEFAULT);
      const handler = createHttpHandler(engine, { identify: () => ({ subject: MAYA }), ...listener });
      store.inject('all', { fault: 'hang' });
      const answer = handler(new Request('https://access.example.com/v1/me'));
      await turns();
      await clock.advance('20s');
      expect((await answer).status).toBe(503);
    },
  },
  'a sink that hangs while the engine closes': {
    line: 'jit-access engine (close): close() has waited for 5 seconds, for sink siem',
    world: async (listener) => async () => {
      const audit = callbackSink('siem', () => new Promise<never>(() => undefined));
      const { engine, clock } = anEngine({ ...DEFAULT, audit, ...listener });
      await ask(engine);
      void engine.close();
      await turns();
      await clock.advance('5s');
    },
  },
  'a guard that only observes': {
    line: 'jit-access guard of db-prod:write (observe): this guard only observes: the request was let through',
    // Each guard reports it once an hour.
    world: async (listener) => async () => {
      const guard = createGuard(anEngine().engine, { subject: () => MAYA, scope: SCOPE, observe: true, ...listener });
      expect((await guard()).allowed).toBe(true);
    },
  },
  'a hook of AuthZEN that throws': {
    line: 'jit-access engine (authzen): Error',
    world: async (listener) => {
      const { send } = anAuthzen({ identify: fail }, { ...DEFAULT, ...listener });
      return async () => expect((await send('/evaluation', {})).status).toBe(503);
    },
  },
  'a clock that is set back': {
    line: 'jit-access engine (clock): ERR_JIT_CLOCK: the clock stepped back by more than a second',
    world: async (listener) => {
      const { engine, clock } = anEngine({ ...DEFAULT, ...listener });
      return async () => {
        await engine.check(MAYA, SCOPE);
        await clock.step(-60_000);
        await engine.check(MAYA, SCOPE);
        await clock.step(60_000);
      };
    },
  },
  'a function of standing access that throws': {
    line: 'jit-access engine (standing): Error',
    world: async (listener) => {
      const { engine } = anEngine({ ...DEFAULT, standing: fail, ...listener });
      return () => engine.check(MAYA, SCOPE);
    },
  },
  'an external system that refuses a call': {
    line: 'jit-access engine (provisioning roles): Error caused by ECONNREFUSED',
    world: async (listener) => {
      const { engine } = anEngine({ ...DEFAULT, ...listener });
      const apply = () => Promise.reject(Object.assign(new Error(SECRET), { code: 'ECONNREFUSED' }));
      provision(engine, { name: 'roles', scopes: [SCOPE], apply });
      let calls = 0;
      return async () => {
        await aGranted(engine, { subject: `user:${++calls}`, justification });
        await engine.idle();
      };
    },
  },
  'a purge over a store that is down': {
    line: 'jit-access engine (retention): ERR_JIT_STORE caused by Error',
    world: async (listener) => {
      const { engine, store, clock } = anEngine({ ...DEFAULT, ...listener });
      store.inject('all', { fault: 'reject', error: new Error(SECRET) });
      startRetention(engine, { keep: '400d', every: '10s' });
      return async () => {
        await turns();
        await clock.advance('10s');
        await turns();
      };
    },
  },
  'a webhook whose receiver is down': {
    line: 'jit-access engine (sink hook): WebhookError',
    world: async (listener) => {
      const clock = new ManualClock();
      const fetch = () => Promise.reject(new Error(SECRET));
      const audit = webhookSink({ name: 'hook', url: 'https://siem.example/s3cret', secrets: [`whsec_${'k'.repeat(43)}=`], fetch, clock });
      const { engine } = anEngine({ ...DEFAULT, audit, clock, ...listener });
      return async () => {
        await ask(engine, { justification });
        await engine.flushAudit();
      };
    },
  },
  'a view whose store is down': {
    line: 'jit-access view (view): ERR_JIT_STORE caused by Error',
    // A view reports an outage once.
    world: async (listener) => async () => {
      const { view, viewStore } = aView({ onError: undefined, ...listener });
      viewStore.inject('all', { fault: 'reject', error: new Error(SECRET) });
      await view.refresh().catch(() => undefined);
    },
  },
};

const pages = readdirSync('docs/reference/entries').filter((name) => name.endsWith('.md'));
/** The heading over each `onError` of the reference, which is made from the declarations. */
const found = pages.flatMap((page) => {
  let heading = '';
  return readFileSync(`docs/reference/entries/${page}`, 'utf8')
    .split('\n')
    .flatMap((line) => {
      heading = /^#+ `(\w+)`/.exec(line)?.[1] ?? heading;
      return line.startsWith('| `onError`') ? [`${page.replace('.md', '')} ${heading}`] : [];
    });
});

let now = Date.now() + 86_400_000;
let lines: string[] = [];
beforeEach(() => {
  // Later than every line of an earlier test.
  now += 86_400_000;
  lines = [];
  vi.spyOn(Date, 'now').mockImplementation(() => now);
  vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line));
});
afterEach(() => vi.restoreAllMocks());

it('[A2] has a row here for each option onError', () => {
  expect(Object.keys(ROWS).sort()).toEqual([...new Set(found)].sort());
});

/** The whole line. A text of this package may follow the code. */
const whole = (line: string) => new RegExp(`^${line.replace(/[()]/g, '\\$&')}[^?]*\\. Set onError to log the whole error\\.$`);
const cases = Object.entries({ ...ROWS, ...FAILURES }).flatMap(([name, { line, world }]) =>
  line === undefined ? [] : [[name, line, world] as const],
);

describe.each(cases)('%s:', (_, line, world) => {
  it('[A2] is printed without a listener, one line for each minute and no text of a caller', async () => {
    const again = await world({});
    await again();
    await turns();
    expect(lines).toEqual([expect.stringMatching(whole(line))]);
    await again();
    now += 59_999;
    await again();
    await turns();
    expect(lines).toHaveLength(1);
    const [first] = lines;
    now += 1;
    await again();
    await turns();
    expect(lines).toEqual([first, first]);
    expect(lines.join('')).not.toMatch(/hunter2|approved|[^ -~]/);
  });

  it('[A2] is not printed where a listener gets it, also one that does nothing', async () => {
    const again = await world({ onError: () => undefined });
    await again();
    await turns();
    expect(lines).toEqual([]);
    const told: unknown[] = [];
    await (
      await world({ onError: (error) => told.push(error) })
    )();
    await turns();
    expect(told).not.toEqual([]);
    expect(lines).toEqual([]);
  });

  it('[A2] changes nothing where the listener or the console fails', async () => {
    await (
      await world({ onError: fail })
    )();
    vi.spyOn(console, 'error').mockImplementation(fail);
    await (
      await world({})
    )();
    vi.stubGlobal('console', undefined);
    now += 60_000;
    try {
      await (
        await world({})
      )();
      await turns();
    } finally {
      vi.unstubAllGlobals();
    }
  });
});
