import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JitEngine } from '../../index.js';
import { createConsoleHandler } from '../../console.js';
import { createHttpHandler, toNodeHandler, type HttpOptions, type MountedHandler } from '../../http.js';
import { openGate } from './gate.js';
import { directory, may, PEOPLE } from './example/people.js';
import { peoplePage } from './people-page.js';

const API = '/access';
const CONSOLE = '/console';
/** The port that is tried first. */
const PORT = 4280;

/** Which person a request of the gate comes from. A handler sees only the request. */
const CALLER = 'x-jit-dev-person';

export interface DevServer {
  /** The address to print, with its token. */
  readonly address: string;
  readonly close: () => Promise<void>;
}

/**
 * Serves the API, the console and the page that takes the place of a sign-in, on the loopback.
 *
 * @param port default: one that is free
 * @param onUse called with the next address, when one was used
 * @throws the error of `listen`, such as `EADDRINUSE`
 */
export async function serveDev(
  engine: JitEngine,
  port: number | undefined,
  onError: HttpOptions['onError'],
  onUse: (next: string) => void = () => undefined,
): Promise<DevServer> {
  const server = createServer();
  await listen(server, port);
  const gate = openGate((server.address() as AddressInfo).port, onUse);
  const api = createHttpHandler(engine, {
    identify: (request) =>
      PEOPLE.find(({ id }) => id === request.headers.get(CALLER)) && { subject: request.headers.get(CALLER) as string },
    may,
    people: directory,
    basePath: API,
    publicUrl: gate.origin,
    onError,
  });
  const page = peoplePage(gate.origin, gate.choose, CONSOLE);
  const people: MountedHandler = Object.assign((request: Request) => page(request, request.headers.get(CALLER) ?? ''), { basePath: '' });
  const view = createConsoleHandler({
    api: API,
    basePath: CONSOLE,
    title: 'Access',
    languages: ['de', 'es'],
    signInUrl: '/',
    signOutUrl: '/',
  });
  const [serveApi, serveConsole, servePeople] = [toNodeHandler(api), toNodeHandler(view), toNodeHandler(people)];
  server.on('request', (request, response) => {
    const verdict = gate.judge(request.url ?? '/', request.headers);
    if ('status' in verdict) {
      response.writeHead(verdict.status, verdict.headers).end(verdict.text);
      return;
    }
    request.headers[CALLER] = verdict.person;
    serveApi(request, response, () => serveConsole(request, response, () => servePeople(request, response)));
  });
  return {
    get address() {
      return gate.address;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server, port: number | undefined): Promise<void> {
  const at = (given: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(given, '127.0.0.1', () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
  if (port !== undefined) return at(port);
  await at(PORT).catch(() => at(0));
}
