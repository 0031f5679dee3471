import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JitEngine, MemoryGrantStore, reviewers, type Approver } from 'jit-access';
import { createHttpHandler, toNodeHandler } from 'jit-access/http';
import { quantile } from './figure.js';

const STREAMS = 1_000;
const SAM = 'user:sam';

const listed: Approver = reviewers({ members: [SAM] });
const { membersOf: _, ...unlisted } = listed;

/** Who sees the events, and whether the approver lists the reviewers. */
export const STREAM_CASES = {
  'seen by all': { approver: listed, seesAll: true },
  'seen by none, reviewers listed': { approver: listed, seesAll: false },
  'seen by none, reviewers not listed': { approver: unlisted, seesAll: false },
} as const;

/** How many asks, each with its approval, follow one another. */
export const ASKS = [1, 20] as const;

/** The clients, in a process of their own: their work is not that of the server. It ends with its input. */
const CLIENTS = `
const { connect } = require('node:net');
const [port, streams] = process.argv.slice(1).map(Number);
let ready = 0;
for (let i = 0; i < streams; i++) {
  const socket = connect(port, '127.0.0.1', () => socket.write('GET /access/v1/events HTTP/1.1\\r\\nHost: localhost\\r\\nX-User: user:' + i + '\\r\\n\\r\\n'));
  socket.once('data', () => ++ready === streams && console.log('ready'));
  socket.resume();
}
process.stdin.resume().on('end', () => process.exit(0));
`;

/**
 * How long requests hold the event loop of a server with 1,000 open streams: the CPU time of its longest turn, in milliseconds. Medians
 * of the rounds. The rounds of the cases are not interleaved: each case has its own connections.
 */
export async function streamTurns(rounds: number): Promise<Readonly<Record<string, number>>> {
  const turns: Record<string, number> = {};
  for (const [name, { approver, seesAll }] of Object.entries(STREAM_CASES)) {
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver });
    const identify = (request: Request) => ({ subject: request.headers.get('x-user') as string });
    const server = createServer(toNodeHandler(createHttpHandler(engine, { identify, may: () => seesAll, basePath: '/access' })));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const clients = spawn(process.execPath, ['-e', CLIENTS, String(port), String(STREAMS)], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(clients.stdout, 'data');
    for (const times of ASKS) {
      const longest: number[] = [];
      for (let round = 0; round <= rounds; round++) longest.push(await longestTurn(() => askAndApprove(engine, times)));
      // The first round is for the compiler.
      turns[`${name}/${times}`] = quantile(longest.slice(1), 0.5);
    }
    clients.stdin.end();
    await once(clients, 'exit');
    await engine.close();
    await new Promise((resolve) => server.close(resolve));
  }
  return turns;
}

let asks = 0;

async function askAndApprove(engine: JitEngine, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const ask = { subject: `bench:${asks++}`, scope: 'db-prod:write', ttl: '1h', justification: 'bench' } as const;
    const { request } = await engine.requestAccess(ask);
    await engine.approve(request.id, { by: SAM });
  }
}

/** How long no event may arrive before the work counts as over. Milliseconds. */
const QUIET_MS = 50;

/** @returns the CPU time of the longest turn of the event loop, until nothing is left to do */
async function longestTurn(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let before = cpuMs();
  let isOver = false;
  let quietSince = performance.now();
  const over = new Promise<void>((resolve) => {
    const tick = () => {
      const now = cpuMs();
      longest = Math.max(longest, now - before);
      // A turn of less than this is the measure itself.
      if (now - before > 0.5 || !isOver) quietSince = performance.now();
      before = now;
      if (isOver && performance.now() - quietSince > QUIET_MS) resolve();
      else setImmediate(tick);
    };
    setImmediate(tick);
  });
  await work();
  isOver = true;
  await over;
  return longest;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
