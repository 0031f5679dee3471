import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { hasCerbos, startCerbos } from './cerbos.js';
import { quantile } from './figure.js';
import { MAYA, PER_SUBJECT, scopeOf, SUBJECTS } from './http-world.js';

/** What a client does, and what it costs the server: the CPU time of its process, garbage collection included. */
export const OPERATIONS = {
  me: { what: '`GET /me`', calls: 2_000, cerbos: false },
  evaluation: { what: 'an AuthZEN evaluation', calls: 2_000, cerbos: true },
  evaluations: { what: `AuthZEN evaluations, ${PER_SUBJECT}`, calls: 1_000, cerbos: true },
  'ask and approve': { what: 'an ask and its approval, two requests', calls: 500, cerbos: false },
} as const;
export type Operation = keyof typeof OPERATIONS;
export const SERVERS = ['empty route', 'by hand', 'jit-access', ...(hasCerbos ? ['Cerbos'] : [])];

const CONNECTIONS = 16;
/** Rounds for the compiler. */
const WARMING = 2;

interface Server {
  readonly port: number;
  /** Microseconds so far. */
  readonly cpuUs: () => Promise<number>;
  readonly stop: () => Promise<unknown>;
}

async function startOwn(name: string): Promise<Server> {
  const child = fork(fileURLToPath(new URL('http-worker.ts', import.meta.url)), [name], { execArgv: ['--import', 'tsx'] });
  const answer = async () => ((await once(child, 'message')) as [number])[0];
  const cpuUs = () => {
    child.send('cpu');
    return answer();
  };
  const stop = () => {
    const ended = once(child, 'exit');
    child.disconnect();
    return ended;
  };
  return { port: await answer(), cpuUs, stop };
}

/** Microseconds of each operation on each server, by `operation/server`, and `operation/over by hand`. Rounds of all servers alternate. */
export async function httpCosts(rounds: number): Promise<Record<string, number>> {
  const servers = new Map<string, Server>();
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const times = new Map<string, number[]>();
  try {
    for (const name of SERVERS) servers.set(name, await (name === 'Cerbos' ? startCerbos() : startOwn(name)));
    for (let round = -WARMING; round < rounds; round++) {
      for (const [operation, { calls, cerbos }] of Object.entries(OPERATIONS) as [Operation, (typeof OPERATIONS)[Operation]][]) {
        for (const [name, { port, cpuUs }] of servers) {
          if (name === 'Cerbos' && !cerbos) continue;
          const client: Client = { agent, port, isEmpty: name === 'empty route', round };
          const before = await cpuUs();
          await inLanes(calls, (i) => CALLS[operation](client, i));
          const us = ((await cpuUs()) - before) / calls;
          const key = `${operation}/${name}`;
          if (round >= 0) times.set(key, [...(times.get(key) ?? []), us]);
        }
      }
    }
  } finally {
    agent.destroy();
    for (const { stop } of servers.values()) await stop();
  }
  const costs = Object.fromEntries([...times].map(([key, us]) => [key, quantile(us, 0.5)]));
  for (const operation of Object.keys(OPERATIONS)) {
    const [own = [], byHand = []] = [times.get(`${operation}/jit-access`), times.get(`${operation}/by hand`)];
    const ratios = own.map((us, i) => us / (byHand[i] as number));
    costs[`${operation}/over by hand`] = quantile(ratios, 0.5);
  }
  return costs;
}

async function inLanes(calls: number, call: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < calls) await call(next++);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, lane));
}

interface Client {
  readonly agent: Agent;
  readonly port: number;
  readonly isEmpty: boolean;
  readonly round: number;
}

const resourceAt = (i: number) => ({ type: 'db', id: `prod-${i % PER_SUBJECT}` });
const write = { name: 'write' };
const userAt = (i: number) => ({ type: 'user', id: String(i % SUBJECTS) });
const YES = /"decision": ?true/g;

const CALLS: Readonly<Record<Operation, (client: Client, i: number) => Promise<void>>> = {
  async me(client) {
    const text = await send(client, { method: 'GET', path: '/access/v1/me', caller: MAYA });
    assertAnswer(client, text.includes(scopeOf(0)), text);
  },
  async evaluation(client, i) {
    const body = { subject: userAt(i), resource: resourceAt(i), action: write };
    const text = await send(client, { method: 'POST', path: '/access/v1/evaluation', caller: 'service:gateway', body });
    assertAnswer(client, text.match(YES)?.length === 1, text);
  },
  async evaluations(client, i) {
    const evaluations = Array.from({ length: PER_SUBJECT }, (_, n) => ({ resource: resourceAt(n) }));
    // Cerbos asks for a context that is not empty.
    const body = { subject: userAt(i), action: write, context: { channel: 'bench' }, evaluations };
    const text = await send(client, { method: 'POST', path: '/access/v1/evaluations', caller: 'service:gateway', body });
    assertAnswer(client, text.match(YES)?.length === PER_SUBJECT, text);
  },
  async 'ask and approve'(client, i) {
    const body = { scope: scopeOf(0), ttl: '30m', justification: 'INC-204: backfill' };
    const caller = `user:asks-${client.round}-${i}`;
    const asked = await send(client, { method: 'POST', path: '/access/v1/requests', caller, body });
    const id = client.isEmpty ? 'none' : (JSON.parse(asked) as { readonly request: { readonly id: string } }).request.id;
    const path = `/access/v1/requests/${id}/approve`;
    const text = await send(client, { method: 'POST', path, caller: 'user:sam', body: {} });
    assertAnswer(client, text.includes('"approved"'), text);
  },
};

function assertAnswer({ isEmpty }: Client, isRight: boolean, text: string): void {
  if (!isEmpty && !isRight) throw new Error(`the answer is wrong: ${text}`);
}

interface HttpCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly caller: string;
  readonly body?: unknown;
}

function send({ agent, port }: Client, { method, path, caller, body }: HttpCall): Promise<string> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const length = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const sent = request({ agent, port, host: '127.0.0.1', method, path, headers: { 'x-user': caller, ...length } }, (response) => {
      let answered = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (answered += chunk));
      response.on('end', () => {
        if ((response.statusCode ?? 0) < 300) resolve(answered);
        else reject(new Error(`${method} ${path} was answered with ${response.statusCode}: ${answered}`));
      });
      response.on('error', reject);
    });
    sent.on('error', reject).end(text);
  });
}
