import type { EntryType } from '../../records/index.js';
import { codeOf, printLine } from '../../core/print-failure.js';
import { engineErrorOf, HttpClientError } from './errors.js';
import { parse, refuseUnknown, valueOf, type Sent, type Transport } from './transport.js';

/**
 * Something that the caller sees has changed. An event names the records and has none of their contents: read what you show.
 *
 * - `ready`: the stream has begun. What changed since the last event follows. Before the first event, read everything after `ready`.
 * - `reset`: events were missed. Read everything again.
 */
export interface AccessEvent {
  /**
   * The number of the entry in the journal. `events({ after })` continues after it. `undefined` for `ready` and `reset`, unless the caller
   * sees every event.
   */
  readonly seq: number | undefined;
  /** The type of the entry, or `ready` or `reset`: see {@link AccessEvent}. */
  readonly type: EntryType | 'ready' | 'reset';
  /** Epoch milliseconds. `undefined` for `ready` and `reset`. */
  readonly at: number | undefined;
  /** The request that the event is about. `undefined`: none. */
  readonly requestId: string | undefined;
  /** The grant that the event is about. `undefined`: none. */
  readonly grantId: string | undefined;
}

/** The options of `events`. */
export interface EventOptions {
  /** Ends the iteration, without an error. Default: only the loop ends it. */
  readonly signal?: AbortSignal | undefined;
  /** The `seq` of the last event that was handled. Default: the stream begins with the next event. */
  readonly after?: number | undefined;
  /**
   * Called with each failure after which the client connects again. A throw is ignored. Default: prints a line to `console.error`, at most
   * one for each kind and minute.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** The longest pause between two attempts to connect, also if `Retry-After` asks for more. Milliseconds. */
const MAX_PAUSE_MS = 30_000;
/** The most characters of an event that has not ended. The handler's events have fewer than 1,000. */
const MAX_EVENT = 65_536;
/** The handler sends a comment every 15 seconds. A stream that is silent for longer is dead. Milliseconds. */
const SILENCE_MS = 45_000;

/** @throws an error of the engine, or HttpClientError, if a repeat would get the same answer, such as 401 */
export async function* eventsOf(transport: Transport, options: EventOptions = {}): AsyncGenerator<AccessEvent, void, undefined> {
  // Not in the list of parameters, where wrong options would throw before the loop begins.
  const { signal = new AbortController().signal, after, onError = (error) => printLine(`client (events): ${codeOf(error)}`) } = options;
  refuseUnknown(options, ['signal', 'after', 'onError']);
  let last = after;
  for (let failures = 0; !signal.aborted; failures++) {
    let leastMs = 0;
    try {
      for await (const event of streamOf(transport, last, signal)) {
        failures = 0;
        // After a reset without a place, the old place is no longer one of this journal.
        last = event.seq ?? (event.type === 'reset' ? undefined : last);
        yield event;
      }
    } catch (error) {
      if (signal.aborted) return;
      const { status = 500, retryAfterMs = 0 } = error as Partial<HttpClientError>;
      if (status < 500 && status !== 429) throw engineErrorOf(error);
      leastMs = Math.min(MAX_PAUSE_MS, retryAfterMs);
      // Aside: a listener that throws or rejects ends neither the loop nor the process.
      void Promise.resolve(engineErrorOf(error))
        .then(onError)
        .catch(() => undefined);
    }
    // Spread over half of the pause: after a restart of the service, its clients do not return all at once.
    const pauseMs = Math.min(MAX_PAUSE_MS, 1_000 * 2 ** failures) * (1 - Math.random() / 2);
    await transport.pause(Math.max(pauseMs, leastMs), signal);
  }
}

/** The events of one connection. It ends when the handler closes it, or is silent. @throws HttpClientError */
async function* streamOf(transport: Transport, last: number | undefined, given: AbortSignal): AsyncGenerator<AccessEvent, void, undefined> {
  const end = new AbortController();
  const { signal } = end;
  const stop = () => {
    end.abort();
  };
  given.addEventListener('abort', stop, { signal });
  try {
    const resumed = last === undefined ? {} : { 'last-event-id': String(last) };
    const call: Sent = { method: 'GET', path: '/events', headers: { accept: 'text/event-stream', ...resumed }, signal };
    const response = await transport.open(await transport.withHeaders(call));
    if (!response.headers.get('content-type')?.startsWith('text/event-stream')) await valueOf(call, response);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    signal.addEventListener('abort', () => {
      reader.cancel().catch(stop);
    });
    let isHeard = true;
    const watch = async () => {
      while (isHeard && !signal.aborted) {
        isHeard = false;
        await transport.pause(SILENCE_MS, signal);
      }
      stop();
    };
    void watch();
    const utf8 = new TextDecoder();
    for (let rest = ''; ;) {
      const { done, value } = await reader.read();
      if (done) return;
      isHeard = true;
      const blocks = (rest + utf8.decode(value, { stream: true })).replaceAll('\r', '').split('\n\n');
      rest = blocks.pop() as string;
      for (const block of blocks) {
        const event = eventIn(block);
        if (event !== undefined) yield event;
      }
      if (rest.length > MAX_EVENT) throw new HttpClientError('GET /events: an event is too long');
    }
  } finally {
    // Also if the loop of the caller ends early.
    stop();
  }
}

/** `undefined`: a comment, or an event of a later version. */
function eventIn(block: string): AccessEvent | undefined {
  const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
  const data = parse(fields.get('data')) as Partial<AccessEvent> | undefined;
  if (data === undefined) return undefined;
  const { at, requestId, grantId } = data;
  const id = fields.get('id');
  return { seq: id === undefined ? id : Number(id), type: fields.get('event') as AccessEvent['type'], at, requestId, grantId };
}
