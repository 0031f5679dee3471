import * as jose from 'jose';
import { createAuthzenHandler, type AuthzenHandler, type AuthzenOptions } from 'jit-access/authzen';
import { accessRequests, joseSigner, type AuthzenAccessRequestOptions } from 'jit-access/authzen/access-request';
import type { JitEngine, JitEngineOptions } from '../../../src/index.js';
import { anEngine } from '../../engine/an-engine.js';

/** The private key of all tests: the example key of RFC 7515, A.3. A fixed key keeps the tests without chance. */
export const JWK = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
};

export const GATEWAY = 'service:gateway';
export const OTHER = 'service:other';
export const PUBLIC_URL = 'https://pdp.example.com';
export const TOKEN_KEYS = [{ id: 'k1', secret: 'k'.repeat(32) }];

export const signerOf = (kid = 'key-1') => joseSigner(jose, { keys: [{ kid, alg: 'ES256', jwk: JWK }] });

/** The caller is named by the header `authorization`: in tests that is the authentication. */
export const OPTIONS: AuthzenOptions = {
  publicUrl: PUBLIC_URL,
  identify: (request) => {
    const subject = request.headers.get('authorization');
    return subject === null ? undefined : { subject };
  },
  tokenKeys: TOKEN_KEYS,
};

/** An engine with a handler of the Authorization API alone. */
export function anAuthzen(options: Partial<AuthzenOptions> = {}, ofEngine: Partial<JitEngineOptions> = {}) {
  const made = anEngine(ofEngine);
  return { ...made, ...clientOf(createAuthzenHandler(made.engine, { ...OPTIONS, ...options })) };
}

/** An engine with a handler that also takes requests for access. */
export const aProfile = (
  options: Partial<AuthzenOptions> = {},
  ofEngine: Partial<JitEngineOptions> = {},
  profile: Partial<AuthzenAccessRequestOptions> = {},
) => anAuthzen({ accessRequests: accessRequests({ signer: signerOf(), ...profile }), ...options }, ofEngine);

/** Lets every service submit for the runs of any agent. */
export const FOR_AGENTS: Partial<AuthzenOptions> = {
  may: ({ byDefault, operation, agent }) => byDefault || (operation === 'submit' && agent !== undefined),
};

export interface Sent {
  readonly as?: string | null;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // The tests read members of any depth.
  readonly body: Record<string, never>;
}

export function clientOf(handler: AuthzenHandler) {
  const send = async (path: string, body?: unknown, { as = GATEWAY, method = 'POST', headers = {} }: Sent = {}): Promise<Answer> => {
    const url = path.startsWith('https:') ? path : `${PUBLIC_URL}/access/v1${path}`;
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const response = await handler(
      new Request(url, {
        method,
        headers: {
          ...(text !== undefined && { 'content-type': 'application/json' }),
          ...(as !== null && { authorization: as }),
          ...headers,
        },
        ...(text !== undefined && { body: text }),
      }),
    );
    const received = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, headers: response.headers, text: received, body: (isJson ? JSON.parse(received) : {}) as never };
  };
  return { handler, send };
}

export const MAYA = { type: 'user', id: 'maya' };
export const DB = { type: 'db', id: 'prod' };
export const WRITE = { name: 'write' };
export const EVALUATION = { subject: MAYA, resource: DB, action: WRITE };
/** The engine's subject and scope of {@link EVALUATION}. */
export const SUBJECT = 'user:maya';
export const SCOPE = 'db:prod:write';

/** Gives a subject a scope for 15 minutes. */
export async function grant(engine: JitEngine, subject: string, scope: string) {
  const { request } = await engine.requestAccess({ subject, scope, ttl: '15m' });
  const { allowed } = await engine.approve(request.id, { by: 'user:sam' });
  if (!allowed) throw new Error('the grant must allow');
  return request.id;
}
