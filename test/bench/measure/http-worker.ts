/*
 * A server for the bench. Sends its port to its parent, and at each message the CPU time that it has taken so far, in microseconds.
 *
 *   http-worker.ts <name of a server>
 */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAuthzenHandler } from 'jit-access/authzen';
import { JitEngine, MemoryGrantStore, reviewers } from 'jit-access';
import { createHttpHandler, toNodeHandler } from 'jit-access/http';
import { MAYA, PER_SUBJECT, scopeOf, SUBJECTS, subjectOf } from './http-world.js';

const REVIEWER = 'user:sam';
const engine = new JitEngine({ store: new MemoryGrantStore(), approver: reviewers({ members: [REVIEWER] }) });

/** Every server trusts this header, as behind a proxy that authenticates. */
const callerOf = (value: unknown): string => (typeof value === 'string' ? value : 'user:unknown');

const textOf = async (incoming: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of incoming.setEncoding('utf8')) text += String(chunk);
  return text;
};

function answer(response: ServerResponse, body: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}

/** An empty route: it reads the body, and does nothing. */
const empty: RequestListener = (incoming, response) => void incoming.resume().on('end', () => answer(response, {}));

interface Evaluation {
  readonly subject: { readonly type: string; readonly id: string };
  readonly action: { readonly name: string };
  readonly resource: { readonly type: string; readonly id: string };
}
const subjectIn = ({ subject }: Pick<Evaluation, 'subject'>) => `${subject.type}:${subject.id}`;
const scopeIn = ({ resource, action }: Omit<Evaluation, 'subject'>) => `${resource.type}:${resource.id}:${action.name}`;

/** What a user would write without the handlers: the same call of the engine, without limits, tags and problems. */
const BY_HAND: Readonly<Record<string, (caller: string, body: string, id: string) => unknown>> = {
  me: (caller) => engine.status(caller),
  evaluation: async (_, body) => {
    const asked = JSON.parse(body) as Evaluation;
    const { allowed } = await engine.check(subjectIn(asked), scopeIn(asked));
    return { decision: allowed };
  },
  evaluations: async (_, body) => {
    const { subject, action, evaluations } = JSON.parse(body) as Evaluation & { readonly evaluations: readonly Evaluation[] };
    const scopes = evaluations.map(({ resource }) => scopeIn({ resource, action }));
    const allowed = new Set(await engine.filterAllowed(subjectIn({ subject }), scopes));
    return { evaluations: scopes.map((scope) => ({ decision: allowed.has(scope) })) };
  },
  requests: (caller, body) => {
    const asked = JSON.parse(body) as { readonly scope: string; readonly ttl: number; readonly justification: string };
    return engine.requestAccess({ ...asked, subject: caller, requestedBy: caller });
  },
  approve: (caller, _, id) => engine.approve(id, { by: caller }),
};

async function byHand(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts = (incoming.url ?? '').split('/');
  const body = incoming.method === 'POST' ? await textOf(incoming) : '';
  answer(response, await BY_HAND[parts.at(-1) ?? '']?.(callerOf(incoming.headers['x-user']), body, parts.at(-2) ?? ''));
}

function ofThePackage(): RequestListener {
  const identify = (request: Request) => ({ subject: callerOf(request.headers.get('x-user')) });
  const http = toNodeHandler(createHttpHandler(engine, { identify, basePath: '/access' }));
  const tokenKeys = [{ id: 'k1', secret: 'k'.repeat(32) }];
  const authzen = toNodeHandler(createAuthzenHandler(engine, { publicUrl: 'http://127.0.0.1', identify, tokenKeys }));
  return (incoming, response) => (incoming.url?.includes('/evaluation') === true ? authzen : http)(incoming, response);
}

const SERVERS: Readonly<Record<string, () => RequestListener>> = {
  'empty route': () => empty,
  'by hand': () => (incoming, response) => void byHand(incoming, response),
  'jit-access': ofThePackage,
};

async function give(subject: string, scope: string): Promise<void> {
  const { request } = await engine.requestAccess({ subject, scope, ttl: '8h', justification: 'bench' });
  await engine.approve(request.id, { by: REVIEWER });
}
await give(MAYA, scopeOf(0));
for (let n = 0; n < SUBJECTS * PER_SUBJECT; n++) await give(subjectOf(Math.floor(n / PER_SUBJECT)), scopeOf(n % PER_SUBJECT));
const server = createServer((SERVERS[process.argv[2] ?? ''] as () => RequestListener)());
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.on('disconnect', () => process.exit());
