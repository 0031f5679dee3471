import { createAuthzenHandler, type AuthzenOptions } from 'jit-access/authzen';
import { accessRequests, type AuthzenAccessRequestOptions } from 'jit-access/authzen/access-request';
import { describe, expect, it } from 'vitest';
import { defaultCodec } from '../../../src/features/authzen/codec.js';
import { journalHead } from '../../../src/engine/journal-head.js';
import type { AuthzenOperation } from '../../../src/features/authzen/options.js';
import { definePolicy } from '../../../src/policy.js';
import { anEngine, SAM } from '../../engine/an-engine.js';
import { LateHooks, lateCalls, type HookedCall } from '../late-hooks.js';
import { clientOf, DB, EVALUATION, MAYA, OPTIONS as PLAIN, signerOf, TOKEN_KEYS, WRITE, type Sent } from './authzen-of.js';
import { submissionOf, submitted } from './profile-of.js';

/** A row for each option of both faces, so that a new one needs one. */
const KINDS = {
  identify: 'hook',
  may: 'hook',
  limit: 'hook',
  codec: 'hook',
  map: 'hook',
  condition: 'hook',
  directory: 'hook',
  agent: 'hook',
  signer: 'hook',
  publicUrl: 'no function',
  basePath: 'no function',
  endpointUrl: 'no function',
  reasons: 'no function',
  tokenKeys: 'no function',
  challenge: 'no function',
  timeout: 'no function',
  accessRequests: 'no function',
  ttl: 'no function',
  requester: 'no function',
  bindingWindow: 'no function',
  clockSkewMs: 'no function',
  retention: 'no function',
  boundContext: 'no function',
  emergency: 'no function',
  exactTuple: 'no function',
} as const satisfies Record<keyof AuthzenOptions | keyof AuthzenAccessRequestOptions, string>;

const AGENT = 'agent:payments';
const EMERGENCY = { context: { business_justification: 'INC-1: the database is down' }, requested_access: { emergency: true } };
const ACTING = { subject: { ...MAYA, properties: { act: { sub: AGENT } } } };

/** A policy whose approver reviews, decides at once, and knows break-glass. */
const policy = () => {
  const subjects = [{ group: 'users' }];
  return definePolicy({
    groups: { ops: [SAM], users: ['user:maya'] },
    rules: [
      { id: 'db', scopes: ['db:**'], review: { groups: { ops: 1 } } },
      { id: 'logs', scopes: ['logs:**'], subjects, approve: true },
    ],
    breakGlass: [{ id: 'bg', scopes: ['db:**'], maxTtl: '2h', reviewers: ['ops'], reviewWithin: '24h' }],
  });
};

/** A service, and a way to call it in time. */
function aService() {
  const hooks = new LateHooks();
  const limits = { approverTimeout: '10m' } as const;
  const made = anEngine({ approver: hooks.wrap('approver', policy()), limits });
  const functions = {
    identify: PLAIN.identify,
    may: () => true,
    limit: () => undefined,
    map: () => undefined,
    condition: () => true,
    agent: ({ sub }: { readonly sub?: unknown }) => sub as string,
  };
  const directory = { subjects: () => ['maya'], resources: () => ['prod'], actions: () => ['write'] };
  const signer = signerOf();
  const handler = createAuthzenHandler(made.engine, {
    ...PLAIN,
    ...hooks.wrap('options', functions, {}),
    tokenKeys: TOKEN_KEYS,
    codec: hooks.wrap('codec', defaultCodec, { decodeSubject: defaultCodec.decodeSubject, decodeScope: defaultCodec.decodeScope }),
    directory: hooks.wrap('directory', directory, {}),
    accessRequests: accessRequests({ signer: hooks.wrap('signer', signer, {}), requester: 'subject', emergency: true, exactTuple: true }),
  });
  return { hooks, ...made, ...clientOf(handler) };
}

type Service = ReturnType<typeof aService>;
interface Row {
  readonly name: string;
  readonly status?: number;
  readonly writes?: true;
  /** Prepares the call. */
  readonly call: (service: Service) => Promise<readonly [path: string, body?: unknown, sent?: Sent]>;
}

const search = (what: string, body: object): Row => ({ name: `search for ${what}`, call: async () => [`/search/${what}`, body] });
const submission = (name: string, evaluated: object, over: object, headers?: Record<string, string>, status = 202): Row => ({
  name,
  status,
  writes: true,
  call: async (service) => ['/requests', await submissionOf(service, over, evaluated), { headers: headers ?? {} }],
});

/** Each operation of both faces, so that a new one needs a row. */
const ROWS = {
  evaluate: [
    { name: 'evaluation', call: async () => ['/evaluation', EVALUATION] },
    {
      name: 'evaluation of access that is held',
      call: async ({ engine }) => {
        await engine.requestAccess({ subject: 'user:maya', scope: 'logs:prod:write', ttl: '15m' });
        return ['/evaluation', { ...EVALUATION, resource: { type: 'logs', id: 'prod' } }];
      },
    },
    { name: 'evaluation of a run', call: async () => ['/evaluation', { ...EVALUATION, ...ACTING }] },
    { name: 'evaluations', call: async () => ['/evaluations', { ...EVALUATION, evaluations: [{}, { action: { name: 'read' } }] }] },
  ],
  search: [
    search('subject', { subject: { type: 'user' }, resource: DB, action: WRITE }),
    search('resource', { subject: MAYA, resource: { type: 'db' }, action: WRITE }),
    search('action', { subject: MAYA, resource: DB }),
  ],
  submit: [
    submission('submission', {}, {}),
    submission('submission under a key', {}, {}, { 'idempotency-key': 'k-1' }),
    submission('submission for a run', ACTING, {}),
    submission('submission that is decided at once', { resource: { type: 'logs', id: 'prod' } }, {}, {}, 201),
    submission('submission in an emergency', {}, EMERGENCY, {}, 201),
  ],
  view: [
    { name: 'status of a task', call: async (service) => [(await submitted(service)).task.status_endpoint, undefined, { method: 'GET' }] },
  ],
  cancel: [{ name: 'cancellation', writes: true, call: async (service) => [(await submitted(service)).task.links?.cancel ?? '', {}] }],
} as const satisfies Record<AuthzenOperation, readonly Row[]>;

const rows: readonly Row[] = Object.values(ROWS).flat();

async function callOf({ call }: Row): Promise<HookedCall> {
  const service = aService();
  const { hooks, engine, clock, send } = service;
  const args = await call(service);
  hooks.asked = [];
  return {
    hooks,
    advance: (by) => clock.advance(by as '1m'),
    send: () => send(...args),
    head: async () => {
      await engine.idle();
      return (await journalHead(engine)).seq;
    },
  };
}

describe('[A1] a call of AuthZEN that was answered begins nothing, when a hook answers late:', () => {
  const asked = new Set<string>();

  it.each(rows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const { inTime, late } = await lateCalls(() => callOf(row), '21s');
    expect([inTime.status, inTime.written > 0]).toEqual([row.status ?? 200, row.writes === true]);
    for (const hook of inTime.asked) asked.add(hook);
    expect(late.filter(({ after }) => after !== 0)).toEqual([]);
    expect(late.filter(({ status }) => status !== 503)).toEqual([]);
  });

  it('each hook was late', () => {
    const hooks = Object.entries(KINDS).flatMap(([name, kind]) => (kind === 'hook' ? [name] : []));
    expect(hooks.filter((name) => ![...asked].some((hook) => hook === `options.${name}` || hook.startsWith(`${name}.`)))).toEqual([]);
  });

  it('each endpoint of the metadata has a row', async () => {
    const paths = await Promise.all(rows.map(async ({ call }) => (await call(aService()))[0]));
    const urls = Object.values(aService().handler.metadata).filter(
      (value): value is string => typeof value === 'string' && value.includes('/access/v1/'),
    );
    expect(urls.length).toBeGreaterThan(6);
    const isOpen = (url: string) => url.endsWith('/jwks.json');
    expect(urls.filter((url) => !isOpen(url) && !paths.some((path) => url.endsWith(path)))).toEqual([]);
  });
});
