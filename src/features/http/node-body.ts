import type { Clock } from '../../core/ports.js';
import { sleepUntil } from '../../core/timers.js';
import { joined } from '../json-body/read-body.js';
import type { NodeRequest } from './node-types.js';

/** The most that is read of a body after its answer. Bytes. */
const MAX_DISCARDED = 1_048_576;
/** How long a connection may stay open after an answer that its client's body outlasts. Milliseconds. */
const LINGER_MS = 500;
/** Sleeps by real timers, from zero. */
const TIMER: Clock = { now: () => 0 };

/** The body of a request: the handler reads its start, and the adapter the rest. */
export interface IncomingBody {
  /** Reads the body. @returns `undefined`: it has more than `max` bytes */
  bytes(max: number): Promise<Uint8Array | undefined>;
  /** The same body, for code that reads it from the `Request`. */
  stream(): ReadableStream<Uint8Array>;
  /**
   * Reads and drops the rest, up to {@link MAX_DISCARDED} and {@link LINGER_MS}: Node reads the next request of a connection only after
   * the body of this one. If there is more, it reads no further and lets the time pass, in which the client reads its answer.
   *
   * @returns whether the body has ended
   */
  discard(): Promise<boolean>;
}

/** Whether a request has a body. Without a length and a transfer coding, a request of HTTP/1 has none. */
export const hasBody = ({ headers, httpVersionMajor = 1 }: NodeRequest): boolean =>
  httpVersionMajor > 1 || headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;

export function bodyOf(incoming: NodeRequest): IncomingBody {
  let chunks: AsyncIterator<Uint8Array> | undefined;
  const next = () => (chunks ??= incoming[Symbol.asyncIterator]()).next();
  let stop: (() => void) | undefined;
  let isAnswered = false;
  return {
    async bytes(max) {
      const reading = readByEvents(incoming, max);
      stop = reading.stop;
      return reading.bytes;
    },
    stream: () =>
      new ReadableStream<Uint8Array>({
        async pull(controller) {
          const chunk = await next();
          // A handler that still reads must not take the parts that `discard` leaves for a whole body.
          if (isAnswered) controller.error(new Error('the request has been answered'));
          else if (chunk.done === true) controller.close();
          else controller.enqueue(new Uint8Array(chunk.value));
        },
      }),
    async discard() {
      isAnswered = true;
      if (!hasBody(incoming) || incoming.readableEnded === true) return true;
      // Node itself drops a body that has arrived and that no code has begun to read.
      if (chunks === undefined && stop === undefined && incoming.complete !== false) return true;
      stop?.();
      const done = new AbortController();
      const late = sleepUntil(TIMER, LINGER_MS, done.signal, true).then(() => false);
      try {
        return await Promise.race([readUpTo(MAX_DISCARDED, next), late]);
      } finally {
        done.abort();
      }
    },
  };
}

/** Reads the body by events, because the iterator of a stream costs as much as the rest of a small call. */
function readByEvents(incoming: NodeRequest, max: number) {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let take: (chunk: Uint8Array) => void = () => undefined;
  const stop = (): void => {
    incoming.removeListener('data', take);
    incoming.pause();
  };
  const bytes = new Promise<Uint8Array | undefined>((resolve, reject) => {
    let hasEnded = false;
    take = (chunk) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length <= max) return;
      stop();
      resolve(undefined);
    };
    const end = (): void => {
      hasEnded = true;
      resolve(joined(chunks, length));
    };
    // Each body closes, and an error costs a stack.
    const fail = (): void => {
      if (!hasEnded) reject(new Error('the body ended early'));
    };
    if (incoming.readableEnded === true) end();
    else if (incoming.destroyed === true) fail();
    else {
      incoming.on('data', take);
      incoming.on('end', end);
      incoming.on('error', fail);
      incoming.on('close', fail);
      // A middleware that awaits something may have paused it.
      incoming.resume();
    }
  });
  return { bytes, stop };
}

/** Resolves when the body has ended; never, if it is longer. */
async function readUpTo(bytes: number, read: () => Promise<IteratorResult<Uint8Array>>): Promise<boolean> {
  try {
    for (let left = bytes, next = await read(); next.done !== true; next = await read()) {
      left -= next.value.length;
      if (left < 0) return await new Promise<never>(() => undefined);
    }
  } catch {
    // The client has gone, and its connection with it.
  }
  return true;
}
