import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createConsoleHandler, type ConsoleOptions } from '../../src/console.js';
import { toNodeHandler } from '../../src/http.js';

interface Front {
  /** The path that it removes. */
  readonly prefix?: string;
  /** Headers that each answer gets, unless it has its own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The options of its own console, which it serves instead of that of the server. */
  readonly console?: Partial<ConsoleOptions>;
  /** Changes each answer of the API, except the events. */
  readonly change?: (text: string) => string;
}

/** A proxy before a server of `dev`, on another port of the same host, so that it has the same cookies. */
export async function aFront(origin: string, { prefix = '', headers = {}, console, change }: Front) {
  const own = console && toNodeHandler(createConsoleHandler({ api: '/access', basePath: '/console', ...console }));
  const server = createServer((request, response) => {
    if (!request.url?.startsWith(`${prefix}/`)) {
      response.writeHead(404).end();
      return;
    }
    request.url = request.url.slice(prefix.length);
    if (own) own(request, response, () => forward(request, response));
    else forward(request, response);
  });

  const forward = (request: IncomingMessage, response: ServerResponse): void => {
    const { origin: page, 'accept-encoding': _encoding, ...rest } = request.headers;
    const sent = { ...rest, host: new URL(origin).host, ...(page !== undefined && { origin }) };
    const onward = send(`${origin}${request.url ?? ''}`, { method: request.method, headers: sent }, (answer) => {
      const all = { ...headers, ...answer.headers };
      if (change === undefined || !/json/.test(answer.headers['content-type'] ?? '')) {
        response.writeHead(answer.statusCode ?? 502, all);
        answer.pipe(response);
        return;
      }
      delete all['content-length'];
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => response.writeHead(answer.statusCode ?? 502, all).end(change(Buffer.concat(parts).toString())));
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
