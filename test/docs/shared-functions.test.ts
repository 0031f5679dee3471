import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { requireGrant as guardExpress } from 'jit-access/express';
import { jitAccess } from 'jit-access/fastify';
import { requireGrant as guardFetch } from 'jit-access/fetch';
import { requireGrant as guardHono } from 'jit-access/hono';
import { createHttpHandler } from 'jit-access/http';
import { definePolicy } from 'jit-access/policy';
import { beforeAll, describe, expect, it } from 'vitest';
import { aGranted, anEngine, MAYA, SCOPE } from '../engine/an-engine.js';
import { blocks } from './blocks.js';
import { pages, textOf } from './pages.js';

/* [A14] A sentence that passes a function of one part of the package to another part is true only if that part can call it. */

type OfRequest = (request: unknown) => Promise<string | undefined>;

interface SignIn {
  readonly identify: (request: Request) => Promise<{ readonly subject: string } | undefined>;
  readonly subject: OfRequest;
  readonly subjectOfNode: OfRequest;
}

/** The code of the page, with a `jose` that takes the token as the subject. */
async function signIn(): Promise<SignIn> {
  const [first = '', ...rest] = blocks
    .filter(({ page, info }) => page === 'docs/guides/sign-in.md' && info === 'js')
    .map(({ code }) => code);
  const jose = 'const createRemoteJWKSet = () => 0, jwtVerify = async (token) => ({ payload: { sub: token } });';
  const program = [jose, first.replace(/^import .*$/m, ''), ...rest, 'export { subject, subjectOfNode };'].join('\n');
  return (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(program)}`)) as SignIn;
}

describe('[A14] the functions of *Sign people in*', () => {
  const { engine } = anEngine();
  const bearer = { authorization: `Bearer ${MAYA.replace('user:', '')}` };
  let page: SignIn;
  beforeAll(async () => {
    page = await signIn();
    await aGranted(engine);
  });

  it('are `identify` for the HTTP API', async () => {
    const handler = createHttpHandler(engine, { identify: page.identify, may: () => false, basePath: '' });
    const me = (headers: Record<string, string>) => handler(new Request('https://service.example/v1/me', { headers }));
    expect([(await me(bearer)).status, (await me({})).status]).toEqual([200, 401]);
  });

  it('are `subject` for the guards of Request, Hono, Express and Fastify', async () => {
    const { subject, subjectOfNode } = page;
    const statuses: Record<string, readonly number[]> = {};
    const both = async (name: string, call: (headers: Record<string, string>) => Promise<number>) => {
      statuses[name] = [await call(bearer), await call({})];
    };

    const guarded = guardFetch(engine, { subject, scope: SCOPE }, () => new Response('in'));
    await both('fetch', async (headers) => (await guarded(new Request('http://localhost/', { headers }))).status);

    const hono = new Hono().get('/', guardHono(engine, { subject: (context) => subject(context.req.raw), scope: SCOPE }), (c) =>
      c.text('in'),
    );
    await both('hono', async (headers) => (await hono.request('/', { headers })).status);

    const app = express().get(
      '/',
      guardExpress(engine, { subject: subjectOfNode, scope: SCOPE }),
      (_, response) => void response.send('in'),
    );
    const server = createServer(app as RequestListener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await both('express', async (headers) => (await fetch(root, { headers: { ...headers, connection: 'close' } })).status);
    server.close();

    const fastify = Fastify();
    await fastify.register(jitAccess, { engine, subject: subjectOfNode });
    fastify.get('/', { preHandler: fastify.requireGrant(SCOPE) }, () => 'in');
    await both('fastify', async (headers) => (await fastify.inject({ url: '/', headers })).statusCode);

    expect(statuses).toEqual({ fetch: [200, 401], hono: [200, 401], express: [200, 401], fastify: [200, 401] });
  });
});

/** Words by which a sentence passes a function on to another part. */
const PASSED_ON = [
  /\bthe same (?:function|hook|option)s? (?:as|to|for)\b/i,
  /(?<!such )\bas `(?:subject|identify|may|limit|isMember|membersOf|groups|canonicalId|onError)`/,
  /\b(?:give|pass) it to `.*` too\b/i,
];

/** The sentences of the docs with such words, by page. Each runs. */
const SENTENCES: Readonly<Record<string, () => Promise<void>>> = {
  'docs/reference/policy.md: Give it to `definePolicy(policy, { canonicalId })` too, and `lint` names the ids that it changes.':
    async () => {
      const canonicalId = (id: string) => id.toLowerCase();
      const rule = { id: 'logs', scopes: ['logs:read'], subjects: ['user:Maya'], maxTtl: '1h', approve: true } as const;
      const approver = definePolicy({ groups: {}, rules: [rule] }, { canonicalId });
      const { engine } = anEngine({ approver, canonicalId });
      expect((await engine.requestAccess({ subject: MAYA, scope: 'logs:read', ttl: '5m' })).outcome).toBe('granted');
      expect(approver.lint()).toMatchObject([{ code: 'changed_id' }]);
    },
};

describe('[A14] each sentence of the docs that passes a function on to another part', () => {
  it('is in this table', () => {
    const found = pages.flatMap((name) =>
      textOf(name)
        .replace(/^```[^]*?^```/gm, '')
        .split(/\n|(?<=[.:]) (?=[A-Z])/)
        .filter((sentence) => PASSED_ON.some((words) => words.test(sentence)))
        .map((sentence) => `${name}: ${sentence}`),
    );
    expect(found).toEqual(Object.keys(SENTENCES));
  });

  it.each(Object.entries(SENTENCES))('runs: %s', (_, run) => run());
});
