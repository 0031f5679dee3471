import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { GuardServer } from 'jit-access/testing';
import { listenTo } from './serving.js';

/** Serves a function of a `Request` over a socket, as runtimes with a built-in server do. */
export function bridged(handler: (request: Request) => Promise<Response>): Promise<GuardServer> {
  return listenTo((incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once('close', () => {
      if (!outgoing.writableFinished) gone.abort();
    });
    const headers = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
      values.map((value): [string, string] => [name, value]),
    );
    const request = new Request(`http://${incoming.headers.host}${incoming.url}`, {
      headers,
      signal: gone.signal,
      method: incoming.method as string,
    });
    handler(request).then(
      (response) => {
        outgoing.writeHead(response.status, Object.fromEntries(response.headers));
        if (response.body === null) return void outgoing.end();
        pipeline(Readable.fromWeb(response.body as ReadableStream), outgoing).catch(() => outgoing.destroy());
      },
      () => outgoing.writeHead(500).end(),
    );
  });
}
