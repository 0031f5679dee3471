import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { GuardServer } from 'jit-access/testing';

/** Serves on a free port of this machine, and calls the service as a client would. */
export async function overSocket(server: Server): Promise<GuardServer> {
  if (!server.listening) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  return at(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  });
}

export const listenTo = (listener: RequestListener): Promise<GuardServer> => overSocket(createServer(listener));

export function at(url: string, close: () => Promise<void>): GuardServer {
  return { call: (name, id, init) => fetch(`${url}/${name}${id === '' ? '' : `/${encodeURIComponent(id)}`}`, init), close };
}

/** A body from the pieces of an answer, each as soon as it exists. */
export const bodyOf = (pieces: AsyncIterable<string>) =>
  Readable.toWeb(Readable.from(pieces, { objectMode: false })) as ReadableStream<Uint8Array<ArrayBuffer>>;
