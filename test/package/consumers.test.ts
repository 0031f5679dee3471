import { describe, expect, it } from 'vitest';
import { check, compilers, settings } from './compile.js';
import { entries } from './entries.js';

/** Entries whose declarations import those of a framework, which are large and not part of this package. */
const adapters = ['express', 'fastify', 'hono', 'nest', 'react'];

const nameIn = (entry: string) => `${entry.replaceAll(/\W/g, '_')}_`;
const imports = (chosen: typeof entries) =>
  chosen.map(({ specifier, name }) => `import * as ${nameIn(name)} from '${specifier}';\nvoid ${nameIn(name)};\n`).join('');
/** Entries for runtimes with `Request` and `Response`, or with elements, and so with their types. */
const needFetch = [...adapters, 'authzen', 'authzen/access-request', 'client', 'console', 'elements', 'fetch', 'guard', 'http', 'testing'];
// Entries for browsers need the types of browsers.
const everyEntry = imports(entries.filter(({ name }) => name !== 'elements' && !adapters.includes(name)));

/** A service of each framework, with the arguments of its handlers. */
const services = `${imports(entries.filter(({ name }) => adapters.includes(name)))}
import type { Express } from 'express';
import type { FastifyInstance } from 'fastify';
import { Hono } from 'hono';
import type { JitEngine } from 'jit-access';

export async function serve(engine: JitEngine<'db-prod:write'>, app: Express, fastify: FastifyInstance): Promise<Hono> {
  app.get('/:id', express_.requireGrant(engine, { subject: (req) => req.get('x'), scope: 'db-prod:write' }), (req, res) => {
    res.json([req.params.id, express_.accessOf(res).decision.validUntil]);
  });
  await fastify.register(fastify_.jitAccess, { engine, subject: (request) => request.ip });
  fastify.get('/', { preHandler: fastify.requireGrant('db-prod:write') }, async (request) => request.access.decision.validUntil);
  const hono = new Hono();
  hono.get('/', hono_.requireGrant(engine, { subject: (c) => c.req.header('x'), scope: 'db-prod:write' }), (c) => c.json(c.var.access.decision.at));
  nest_.JitAccessModule.forRoot({ engine, subject: (context) => context.getClass().name });
  return hono;
}
`;

const consumer = `${everyEntry}
import { JitEngine, MemoryGrantStore, isJitError, reviewers, type AccessRequest, type Clock, type GrantStore } from 'jit-access';
import { ManualClock } from 'jit-access/testing';

const clock: Clock = new ManualClock();
const engine = new JitEngine({ store: new MemoryGrantStore(), approver: reviewers({ members: ['user:sam'] }), clock });
export const store: GrantStore = new index_.MemoryGrantStore();
export const ended = (request: AccessRequest): number | undefined => request.end?.at;

export async function main(): Promise<boolean> {
  try {
    const asked = await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m', justification: 'writes fail' });
    if (asked.outcome === 'pending') await engine.approve(asked.request.id, { by: 'user:sam' });
    return await engine.isAllowed('user:maya', 'db-prod:write');
  } catch (error) {
    if (isJitError(error) && error.code === 'ERR_JIT_DECIDED') return error.request.end !== undefined;
    throw error;
  }
}
`;

/** Handlers of every form in a runtime: with its own `Request`, with a context, with and without types. */
const handlers = `import type { JitEngine } from 'jit-access';
import { accessOf, requireGrant } from 'jit-access/fetch';
declare const engine: JitEngine<'db-prod:write'>;
declare const sessionOf: (request: Request) => { userId: string } | undefined;
declare class NextRequest extends Request { readonly nextUrl: URL; }
interface Context { readonly params: Promise<{ id: string }> }
const subject = (request: Request) => sessionOf(request)?.userId;

export const POST = requireGrant(engine, { subject: (request) => sessionOf(request)?.userId, scope: 'db-prod:write' }, async (request) =>
  Response.json({ until: accessOf(request).decision.validUntil }),
);
export const none: (request: Request) => Promise<Response> = requireGrant(engine, { subject, scope: 'db-prod:write' }, () => new Response('ok'));
export const plain: (request: Request) => Promise<Response> = requireGrant(engine, { subject, scope: 'db-prod:write' }, (request) => new Response(request.url));
export const next: (request: NextRequest, context: Context) => Promise<Response> = requireGrant(
  engine,
  { subject, scope: 'db-prod:write' },
  async (request: NextRequest, { params }: Context) => new Response(\`\${request.nextUrl.href} \${(await params).id}\`),
);
declare const anyEngine: JitEngine;
export const scoped = requireGrant(
  anyEngine,
  { subject, scope: async (request, { params }) => \`orders:\${(await params).id}:\${request.method}\` },
  async (request: Request, { params }: Context) => new Response((await params).id + request.url),
);
// @ts-expect-error the engine knows no such scope
requireGrant(engine, { subject, scope: 'db-prod:wirte' }, () => new Response('ok'));
// @ts-expect-error a handler gives a response
requireGrant(engine, { subject, scope: 'db-prod:write' }, () => 'ok');
`;

describe.concurrent.each(Object.entries(compilers))('a consumer on TypeScript %s', (version, compiler) => {
  it.each(Object.entries(settings))('type-checks every entry without skipLibCheck: %s', async (setting, options) => {
    const forBrowsers = "import { defineJitBadge, JitBadge } from 'jit-access/elements';\ndefineJitBadge();\nvoid JitBadge;\n";
    const browser = options.lib.includes('dom') ? { 'browser.ts': forBrowsers } : {};
    const files = {
      'consumer.ts': consumer,
      ...browser,
      ...(options.module === 'nodenext' ? { 'esm.mts': consumer, 'cjs.cts': consumer } : {}),
    };
    expect(await check(`${version} ${setting}`, compiler, options, files)).toBe('');
  });

  it('type-checks the adapters, with the declarations of their frameworks', async () => {
    const options = { ...settings['nodenext, types of Node'], lib: ['es2022', 'dom'] };
    const printed = await check(`${version} frameworks`, compiler, options, { 'services.mts': services });
    const isOurs = (line: string) => /^services\.mts|node_modules\/jit-access\//.test(line);
    expect(printed.split('\n').filter(isOurs)).toEqual([]);
  });

  it('type-checks every form of a handler with the guard of jit-access/fetch', async () => {
    const options = { ...settings['nodenext, types of Node'], lib: ['es2022', 'dom'] };
    expect(await check(`${version} fetch`, compiler, options, { 'handlers.mts': handlers })).toBe('');
  });

  it('gets a type error for a misspelt scope, an ask without a window, and a misspelt group', async () => {
    const text = `import { JitEngine, MemoryGrantStore, denyAll } from 'jit-access';
import { definePolicy } from 'jit-access/policy';
const engine = new JitEngine<'db-prod:read' | 'db-prod:write'>({ store: new MemoryGrantStore(), approver: denyAll() });
void engine.isAllowed('user:maya', 'db-prod:write');
void engine.isAllowed('user:maya', 'db-prod:wirte');
void engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m' });
void engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:wirte', ttl: '15m' });
void engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write' });
const groups = { dba: ['user:ana'] };
definePolicy({ groups, rules: [{ id: 'p', scopes: ['db:*'], review: { groups: { dba: 1 } } }] });
definePolicy({ groups, rules: [{ id: 'p', scopes: ['db:*'], review: { groups: { dbaa: 1 } } }] });
`;
    const printed = await check(`${version} misspelt`, compiler, settings['nodenext, types of Node'], { 'misspelt.mts': text });
    expect(printed.match(/^misspelt\.mts\(\d+/gm)).toEqual([5, 7, 8, 11].map((line) => `misspelt.mts(${line}`));
  });
});

describe('a consumer without the types of Node or of browsers', () => {
  // Also shows that the declarations themselves are checked above.
  it('gets only the error that AbortSignal is missing', async () => {
    const options = { ...settings['nodenext, types of Node'], types: [] };
    const printed = await check('bare', compilers['5.6'], options, {
      'bare.mts': imports(entries.filter(({ name }) => !needFetch.includes(name))),
    });
    expect([...new Set([...printed.matchAll(/error TS\d+: (.*)/g)].map((found) => found[1]))]).toEqual(["Cannot find name 'AbortSignal'."]);
  });
});
