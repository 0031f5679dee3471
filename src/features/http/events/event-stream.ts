import { toUtf8 } from '../../../core/utf8.js';
import type { AuditEntry } from '../../../records/index.js';

/** How many bytes may wait for a slow client before the handler closes its stream. It continues with `Last-Event-ID`. */
const MAX_WAITING = 524_288;

/** The names of the events that are no entries. `ready`: the stream has begun. `reset`: events were missed, so read everything again. */
export type StreamSignal = 'ready' | 'reset';

/** An event about an entry. It names the records, and has none of their contents: the client reads what it may see. */
export const textOf = ({ seq, type, at, requestId, grantId }: AuditEntry): string =>
  `event: ${type}\nid: ${seq}\ndata: ${JSON.stringify({ type, at, requestId, grantId })}\n\n`;

/** The body of one connection: server-sent events. */
export class EventStream {
  readonly body: ReadableStream<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #isClosed = false;
  readonly #onClose: () => void;

  /** @param onClose called once: the client has disconnected, or the handler has closed the stream */
  constructor(onClose: () => void) {
    this.#onClose = onClose;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#controller = controller),
        cancel: () => this.#end(),
      },
      { highWaterMark: MAX_WAITING, size: (chunk) => chunk?.byteLength ?? 0 },
    );
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @param text the texts of events, from {@link textOf} */
  send(text: string): void {
    this.#write(text);
  }

  /** @param seq the place at which the stream is. `undefined`: the caller must not learn it, and resumes after the last event it saw */
  signal(name: StreamSignal, seq: number | undefined): void {
    this.#write(`event: ${name}\n${seq === undefined ? '' : `id: ${seq}\n`}data: {}\n\n`);
  }

  /** A comment, so that proxies do not close a connection without events. */
  keepAlive(): void {
    this.#write(': keep-alive\n\n');
  }

  close(): void {
    if (this.#isClosed) return;
    this.#end();
    this.#controller.close();
  }

  #write(text: string): void {
    if (this.#isClosed) return;
    this.#controller.enqueue(toUtf8(text));
    if ((this.#controller.desiredSize ?? 0) >= 0) return;
    this.#end();
    // Drops what waits. A stream that only closes would keep it, and the connection, for a client that may never read.
    this.#controller.error(new Error('the client reads too slowly'));
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose();
  }
}
