import { JitEngine, MemoryGrantStore, type GrantStore, type JitEngineOptions } from '../../../src/index.js';
import { createHttpHandler, type HttpHandler, type HttpOptions, type HttpPermission, type NodeRequest } from '../../../src/http.js';
import { approvalLinks } from '../../../src/links.js';
import { definePolicy } from '../../../src/policy.js';
import { ManualClock } from '../../../src/testing.js';

/** The callers of the tests. Each request names its caller in the header `x-user`. */
export const MAYA = 'user:maya';
export const RAJ = 'user:raj';
export const SAM = 'user:sam';
export const EVE = 'user:eve';
export const SEC = 'user:sec';
export const BASE = 'https://access.example.com';
export const SCOPE = 'db-prod:write';
export const MINUTE = 60_000;
export const LINK_KEYS = [{ id: 'k1', secret: 's'.repeat(32) }] as const;

export interface TestCaller {
  readonly subject: string;
  readonly roles: readonly string[];
}

/** maya may ask for the database, also through raj, who manages her; sam reviews; sec is on the security team; eve is a stranger. */
export const policy = () =>
  definePolicy({
    groups: { engineers: [MAYA], leads: [SAM] },
    rules: [
      {
        id: 'database',
        scopes: ['db-prod:*'],
        subjects: [{ group: 'engineers' }],
        requesters: [{ self: true }, RAJ],
        maxTtl: '1h',
        maxTotal: '4h',
        require: { justification: true },
        review: { groups: { leads: 1 } },
      },
      { id: 'logs', scopes: ['logs:read'], subjects: [{ group: 'engineers' }], maxTtl: '8h', approve: true },
    ],
    breakGlass: [
      {
        id: 'outage',
        scopes: ['db-prod:*'],
        subjects: [{ group: 'engineers' }],
        maxTtl: '15m',
        reviewers: ['leads'],
        reviewWithin: '1d',
      },
    ],
  });

const ROLES: Readonly<Record<string, readonly string[]>> = { [SEC]: ['security'], [RAJ]: ['manager'] };

/** The security team may do everything, and a manager may ask for others. */
export const may = ({ caller, action }: HttpPermission<TestCaller>): boolean =>
  caller.roles.includes('security') || (caller.roles.includes('manager') && action === 'requestFor');

export const identify = (request: Request): TestCaller | undefined => {
  const subject = request.headers.get('x-user');
  return subject === null ? undefined : { subject, roles: ROLES[subject] ?? [] };
};

/** The names that the service knows. */
export const NAMES: Readonly<Record<string, string>> = { [MAYA]: 'Maya Ito', [RAJ]: 'Raj Rao', [SAM]: 'Sam Sol', [EVE]: 'Eve Ek' };

export const people: HttpOptions['people'] = {
  describe: (ids) => Object.fromEntries(ids.flatMap((id) => (NAMES[id] === undefined ? [] : [[id, { name: NAMES[id] }]]))),
  search: (text) => Object.entries(NAMES).flatMap(([id, name]) => (name.toLowerCase().includes(text.toLowerCase()) ? [{ id, name }] : [])),
};

/** A service: an engine, its handler, and a way to call it. */
export function aService(given: { readonly engine?: Partial<JitEngineOptions>; readonly http?: Partial<HttpOptions<TestCaller>> } = {}) {
  const clock = new ManualClock();
  const store: GrantStore = given.engine?.store ?? new MemoryGrantStore();
  const errors: unknown[] = [];
  const engine = new JitEngine({ approver: policy(), clock, onError: (error) => errors.push(error), ...given.engine, store });
  const handler = createHttpHandler<TestCaller>(engine, {
    identify,
    may,
    linkKeys: LINK_KEYS,
    people,
    onError: (error) => errors.push(error),
    ...given.http,
  });
  return { clock, store, engine, handler, errors, send: sender(handler) };
}

export interface Sent {
  readonly as?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Calls a handler. The path is below `<basePath>/v1`. */
export const sender =
  (handler: HttpHandler) =>
  async (method: string, path: string, { as, body, headers = {} }: Sent = {}) => {
    const all = {
      ...(as === undefined ? {} : { 'x-user': as }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await handler(
      new Request(`${BASE}${handler.basePath}/v1${path}`, { method, headers: all, ...(body === undefined ? {} : { body: text }) }),
    );
    return read(response);
  };

/** A body of any shape: the tests look into it, and the schemas check it. */
export interface Body {
  readonly [name: string]: Body;
}

export async function read(response: Response) {
  const text = await response.text();
  const type = response.headers.get('content-type') ?? '';
  return { status: response.status, headers: response.headers, text, body: (type.includes('json') ? JSON.parse(text) : undefined) as Body };
}

/** What the examples of the documents refer to: a pending request of maya, one that was approved, break-glass access, a lock, a link. */
export async function withExamples(service: ReturnType<typeof aService>, requestedBy = MAYA) {
  const { engine, clock } = service;
  const ask = { subject: MAYA, requestedBy, scope: SCOPE, ttl: '30m', justification: 'INC-204: backfill', ticket: 'INC-204' } as const;
  const pending = await engine.requestAccess({ ...ask, scope: 'db-prod:read' });
  const approved = await engine.requestAccess({ ...ask, scope: 'db-prod:admin' });
  const { request } = await engine.approve(approved.request.id, { by: SAM });
  const emergency = await engine.breakGlass({ ...ask, scope: 'db-prod:drop', ttl: '15m', requestedBy: MAYA });
  const { lock } = await engine.lock({ subject: 'user:mallory' }, { by: SEC, reason: 'INC-9' });
  const linked = await engine.requestAccess({ ...ask, scope: 'db-prod:index' });
  const token = await approvalLinks(engine, { keys: LINK_KEYS }).create(linked.request.id, { reviewer: SAM, decision: 'approve' });
  await clock.advance('1m');
  return {
    requestId: pending.request.id,
    approvedId: request.id,
    grantId: `${request.id}.1`,
    breakGlassId: emergency.request.id,
    lockId: lock.id,
    token,
    from: String(clock.now() - MINUTE),
    to: String(clock.now() + MINUTE),
  };
}

/** A GET of Node, without a server. */
export const aNodeRequest = (url: string): NodeRequest => ({
  method: 'GET',
  url,
  headers: {},
  on: () => undefined,
  removeListener: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
  async *[Symbol.asyncIterator]() {},
});

/** Lets a call reach the timer that the test then moves: everything before it waits for no I/O. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}
