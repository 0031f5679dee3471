import { describe, expect, it } from 'vitest';
import { createHttpHandler, type HttpHandler, type HttpOptions } from '../../../src/http.js';
import { MemoryGrantStore, type GrantStore, type JitEngine } from '../../../src/index.js';
import { journalHead } from '../../../src/engine/journal-head.js';
import { operations } from '../../../src/features/http/operations/index.js';
import { LateHooks, lateCalls, settle, type HookedCall } from '../late-hooks.js';
import { exampleOf } from './examples.js';
import { ManualClock } from '../../../src/testing.js';
import { BASE, identify, LINK_KEYS, may, MAYA, people, policy, RAJ, SAM, SEC, sender, type TestCaller } from './world.js';

/** A row for each option, so that a new one needs one. */
const OPTIONS = {
  identify: 'hook',
  may: 'hook',
  limit: 'hook',
  people: 'hook',
  onError: 'not awaited',
  basePath: 'no function',
  publicUrl: 'no function',
  corsOrigins: 'no function',
  linkKeys: 'no function',
  realm: 'no function',
} as const satisfies Record<keyof HttpOptions, string>;

const AT_THE_LIMIT = [
  ['lock', 'options.may'],
  ['approve', 'approver.groupsOf'],
  ['approve', 'approver.isEligible'],
] as const;

/** Who makes the call of each example, where it is neither maya nor a caller that `may` permits. */
const OF_REVIEWERS = ['inbox', 'approve', 'deny', 'listBreakGlassReviews', 'reviewBreakGlass', 'openApprovalLink', 'redeemApprovalLink'];
/** Made by the requester, who is not the subject: `may` is asked. */
const OF_REQUESTER = ['amend', 'extendRequest', 'extendGrant'];
/** A client posts it, and it writes nothing. */
const READS = ['openApprovalLink'];

interface Variant {
  readonly as?: string;
  readonly body?: object;
  readonly query?: string;
  /** The status in time. Default: that of the operation. */
  readonly status?: number;
  /** It writes nothing. Default: each operation that a client posts writes. */
  readonly reads?: true;
}

/** Further calls of an operation: other callers and bodies have other questions. */
const MORE: Readonly<Record<string, readonly Variant[]>> = {
  requestAccess: [
    // A dry run counts itself, before it asks.
    { body: { dryRun: true }, status: 200 },
    { as: RAJ, body: { subject: MAYA, scope: 'db-prod:drop' } },
    // Its approver decides at once.
    { body: { scope: 'logs:read' } },
  ],
  comment: [{ as: SAM }],
  cancel: [{ as: SEC, body: { onBehalfOf: MAYA } }],
  listRequests: [{ query: 'people=true' }],
  revokeAll: [{ body: { dryRun: true }, reads: true }, { body: { ticket: undefined, subject: MAYA } }],
  lock: [{ body: { dryRun: true }, status: 200, reads: true }, { body: { subject: undefined, scope: 'db-prod:*' } }],
};

/** The calls that have an answer without the hook. */
const ANSWERED: Readonly<Record<string, readonly string[]>> = {
  getReviewers: ['approver.membersOf 1', 'approver.membersOf 1 refuses'],
  'listRequests {"query":"people=true"}': ['people.describe 1'],
};

/** An operation, with the caller and the body of its example or of a variant. */
interface Row extends Variant {
  readonly name: string;
  readonly operation: (typeof operations)[number];
}

const rows = operations
  // The stream of events has no end: `hostile.test.ts` closes late ones.
  .filter(({ id }) => id !== 'events')
  .flatMap((operation): readonly Row[] =>
    [{}, ...(MORE[operation.id] ?? [])].map((more, i) => ({
      operation,
      name: i === 0 ? operation.id : `${operation.id} ${JSON.stringify(more)}`,
      ...more,
    })),
  );

const callerOf = ({ operation: { id, access }, as }: Row): string =>
  as ?? (OF_REVIEWERS.includes(id) ? SAM : OF_REQUESTER.includes(id) ? RAJ : access === 'may' ? SEC : MAYA);

interface LateService extends HookedCall {
  readonly clock: ManualClock;
  readonly engine: JitEngine;
  readonly handler: HttpHandler;
  readonly send: (headers?: Record<string, string>) => ReturnType<ReturnType<typeof sender>>;
  readonly failClock: () => void;
  readonly abort: () => void;
}

/** A service whose hooks may be late. The approver has more time than the handler, so that the handler answers first. */
async function callOf(row: Row, stalled?: StalledStore): Promise<LateService> {
  const { operation } = row;
  const hooks = new LateHooks();
  const engine = {
    approver: hooks.wrap('approver', policy()),
    limits: { approverTimeout: '10m' },
    ...(stalled && { store: stalled.store }),
  } as const;
  const { service, method, url, body } = await exampleOf(operation, OF_REQUESTER.includes(operation.id) ? RAJ : undefined, { engine });
  const { clock, engine: made } = service;
  const handler = createHttpHandler<TestCaller>(made, {
    ...hooks.wrap('options', { identify, may, limit: () => undefined }, {}),
    people: hooks.wrap('people', people as NonNullable<typeof people>, {}),
    linkKeys: LINK_KEYS,
    onError: () => undefined,
  });
  hooks.asked = [];
  const abort = new AbortController();
  const inClient = Object.assign((request: Request) => handler(new Request(request, { signal: abort.signal })), handler);
  const send = (headers: Record<string, string> = {}) =>
    sender(inClient)(method, row.query === undefined ? url : `${url}&${row.query}`, {
      as: callerOf(row),
      headers,
      ...(body && { body: { ...body, ...row.body } }),
    });
  const head = async () => {
    await made.idle();
    return (await journalHead(made)).seq;
  };
  const failing: (() => void)[] = [];
  clock.sleep = (until, signal) => {
    const failed = new Promise<void>((_, reject) => failing.push(() => reject(new Error('no clock'))));
    failed.catch(() => undefined);
    return Promise.race([ManualClock.prototype.sleep.call(clock, until, signal), failed]);
  };
  return {
    hooks,
    clock,
    engine: made,
    handler,
    advance: (by) => clock.advance(by as '1m'),
    send,
    head,
    failClock: () => failing.forEach((fail) => fail()),
    abort: () => abort.abort(),
  };
}

describe('[A1] a call that was answered begins nothing, when a hook answers late:', () => {
  const asked = new Set<string>();
  const wrapped = new Set<string>();

  it.each(rows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const { operation, reads = READS.includes(operation.id), status = operation.status } = row;
    const { inTime, late, names } = await lateCalls(() => callOf(row), '21s');
    expect(inTime.status).toBe(status);
    expect(inTime.written > 0).toBe(operation.method === 'POST' && !reads);
    for (const hook of inTime.asked) asked.add(hook);
    for (const name of names) wrapped.add(name);
    expect(late.filter(({ after }) => after !== 0)).toEqual([]);
    // All other calls have no answer without the hook.
    expect(late.filter(({ status: answered }) => answered !== 503).map(({ hook }) => hook)).toEqual(ANSWERED[row.name] ?? []);
  });

  it('each hook of the options and of the approver was late', () => {
    expect([...wrapped].filter((name) => !asked.has(name))).toEqual([]);
    const hooks = Object.entries(OPTIONS).flatMap(([name, kind]) => (kind === 'hook' ? [name] : []));
    expect(hooks.filter((name) => ![...asked].some((hook) => hook === `options.${name}` || hook.startsWith(`${name}.`)))).toEqual([]);
  });
});

/** They end much, in several changes: what they have begun, they end, however late it is. */
const ENDS_ALL = ['revokeAll', 'releaseRequest', 'lock'];

describe('[A1] [M3] a call that was answered begins nothing, when a read of the store answers late:', () => {
  const writing = rows.filter(({ operation, reads = READS.includes(operation.id) }) => operation.method === 'POST' && !reads);

  it.each(writing.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const after: unknown[] = [];
    let isHeld = true;
    for (let nth = 1; isHeld; nth++) {
      const store = new StalledStore();
      const { clock, send, engine } = await callOf(row, store);
      const head = async () => (await store.inner.journal({ after: Number.MAX_SAFE_INTEGER, limit: 1 })).head.seq;
      await engine.idle();
      const before = await head();
      store.stall(nth);
      const answer = send();
      await settle();
      ({ isHeld } = store);
      await clock.advance('21s');
      const { status } = await answer;
      const at = await head();
      store.release();
      await settle();
      await clock.advance('1m');
      await engine.idle();
      if (status === 503 && (await head()) !== at && !(ENDS_ALL.includes(row.operation.id) && at > before)) after.push(nth);
    }
    expect(after).toEqual([]);
  });
});

/** A store of which one read answers late: the nth from `stall` on. */
class StalledStore {
  readonly inner = new MemoryGrantStore();
  isHeld = false;
  #left = 0;
  #release: () => void = () => undefined;
  #released: Promise<void> = Promise.resolve();

  stall(nth: number): void {
    this.#left = nth;
    this.#released = new Promise((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.#release();
  }

  readonly store = new Proxy<GrantStore>(this.inner, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        const read = () => Reflect.apply(value, target, args) as unknown;
        if (name === 'commit' || this.#left === 0 || --this.#left > 0) return read();
        this.isHeld = true;
        return this.#released.then(read);
      };
    },
  });
}

const row = (id: string, variant: Variant = {}): Row => {
  const operation = operations.find((one) => one.id === id);
  if (operation === undefined) throw new Error(id);
  return { name: id, operation, ...variant };
};

describe('[A1] a call that was answered begins nothing', () => {
  it('when its body arrives late, after a slow hook', async () => {
    const { hooks, clock, engine, handler, head } = await callOf(row('lock'));
    const before = await head();
    hooks.hold('options.limit');
    let arrives: () => void = () => undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        arrives = () => {
          controller.enqueue(new TextEncoder().encode(JSON.stringify({ subject: 'user:eve', reason: 'INC-9' })));
          controller.close();
        };
      },
    });
    const headers = { 'x-user': SEC, 'content-type': 'application/json' };
    const answer = handler(new Request(`${BASE}/v1/locks`, { method: 'POST', headers, body, duplex: 'half' } as RequestInit));
    await settle();
    await clock.advance('15s');
    hooks.release();
    await settle();
    await clock.advance('6s');
    expect((await answer).status).toBe(503);
    arrives();
    await settle();
    expect([await head(), (await engine.listLocks()).length]).toEqual([before, 1]);
  });

  it.each([-1, 0, 1])('when a hook answers %i ms after the instant of the limit', async (ms) => {
    for (const [id, hook] of AT_THE_LIMIT) {
      const { hooks, clock, send, head } = await callOf(row(id));
      hooks.hold(hook);
      void clock.sleep(clock.now() + 20_000 + ms, new AbortController().signal).then(() => hooks.release());
      // Read in the turn of the answer.
      const answer = send().then(async ({ status }) => ({ status, at: await head() }));
      await settle();
      await clock.advance('21s');
      const { status, at } = await answer;
      await settle();
      // At the instant itself, either of the two may be first.
      if (ms !== 0) expect([id, hook, status === 503]).toEqual([id, hook, ms > 0]);
      expect([id, hook, (await head()) - at]).toEqual([id, hook, 0]);
    }
  });

  it.each<[string, (call: Awaited<ReturnType<typeof callOf>>) => Promise<unknown>]>([
    [
      'of a clock that steps back',
      async ({ clock }) => {
        await clock.step(-3_600_000);
        await clock.advance('21s');
      },
    ],
    ['of a clock that fails', async ({ failClock }) => failClock()],
    [
      'although its client has gone',
      async ({ clock, abort }) => {
        abort();
        await clock.advance('21s');
      },
    ],
  ])('when it is the answer %s', async (_, end) => {
    const call = await callOf(row('lock'));
    const { hooks, send, head } = call;
    hooks.hold('options.may');
    const answer = send();
    await settle();
    await end(call);
    expect((await answer).status).toBe(503);
    const at = await head();
    hooks.release();
    await settle();
    expect(await head()).toBe(at);
  });

  it.each(['requestAccess', 'lock', 'approve'])('so that a repeat of %s does the work once', async (id) => {
    const { hooks, send, advance, head } = await callOf(row(id));
    const key = { 'idempotency-key': 'k-1' };
    hooks.hold(id === 'approve' ? 'approver.groupsOf' : 'options.limit');
    const answer = send(key);
    await settle();
    await advance('21s');
    expect((await answer).status).toBe(503);
    const late = hooks.letNextPass();
    expect(await send(key)).toMatchObject({ status: row(id).operation.status });
    const at = await head();
    late();
    await settle();
    expect(await head()).toBe(at);
    expect([200, 409]).toContain((await send(key)).status);
  });
});
