import type { AccessClient, AccessEvent } from '../../../client.js';
import { after, deviceNow, every } from './clock.js';

/** Without a first event in this time, something between the page and the service keeps the stream back. Milliseconds. */
const READY_MS = 5_000;
/** The pause between two reads without a stream. Milliseconds. */
const POLL_MS = 15_000;
/** The client ends a stream that is silent for 45 seconds, and connects again within two more. Milliseconds. */
const SILENT_MS = [44_000, 50_000] as const;
/** So many silent streams in a row are a proxy that keeps the comments back. */
const MAX_SILENT = 3;

export interface EventPorts {
  readonly document: Pick<Document, 'hidden' | 'addEventListener'>;
  readonly onEvent: (event: Pick<AccessEvent, 'type' | 'requestId' | 'grantId'>) => void;
  /** Whether the page reads by polling, and so later. */
  readonly onPolling: (isPolling: boolean) => void;
  /** Whether the page is hidden: it has no stream then, and reads nothing. */
  readonly onHidden: (isHidden: boolean) => void;
}

type EventClient = Pick<AccessClient, 'events'>;

/**
 * The one subscription of the page. A hidden page has none, also one that is opened hidden: a browser has few connections for all its
 * pages. Without a stream, it calls `onEvent` with a `reset` every 15 seconds.
 *
 * @returns what ends it
 */
export function subscribe(client: EventClient, ports: EventPorts): () => void {
  const { document } = ports;
  const feed = feedOf(client, ports);
  let [isEnded, isHidden] = [false, false];
  const follow = () => {
    if (isEnded) return;
    // What kept the stream back may be over: a sign-in in another tab, or another network.
    if (document.hidden || feed.isPolling()) feed.stop();
    if (document.hidden !== isHidden) ports.onHidden((isHidden = document.hidden));
    if (!document.hidden) feed.start();
  };
  document.addEventListener('visibilitychange', follow);
  follow();
  return () => {
    isEnded = true;
    feed.stop();
  };
}

function reset({ onEvent }: EventPorts): void {
  onEvent({ type: 'reset', requestId: undefined, grantId: undefined });
}

/** The stream, or the polling that replaces it: never both. */
function feedOf(client: EventClient, ports: EventPorts) {
  let stream: AbortController | undefined;
  let stopPolling: (() => void) | undefined;

  const stop = () => {
    stream?.abort();
    stream = undefined;
    stopPolling?.();
    stopPolling = undefined;
  };
  const poll = () => {
    stop();
    ports.onPolling(true);
    stopPolling = every(POLL_MS, () => {
      if (!ports.document.hidden) reset(ports);
    });
  };
  const start = () => {
    if (stream || stopPolling) return;
    stream = new AbortController();
    void readStream(client, stream.signal, ports, poll);
  };
  return { start, stop, isPolling: () => stopPolling !== undefined };
}

/** @param poll replaces the stream where it brings nothing */
async function readStream(client: EventClient, signal: AbortSignal, { onEvent, onPolling }: EventPorts, poll: () => void): Promise<void> {
  let stopReady = after(READY_MS, poll);
  const countSilent = silenceCounter();
  try {
    for await (const event of client.events({ signal })) {
      stopReady();
      stopReady = () => undefined;
      if (countSilent(event.type) >= MAX_SILENT) {
        poll();
        return;
      }
      if (event.type === 'ready') onPolling(false);
      onEvent(event);
    }
  } catch {
    // The stream is refused. A read says why: signed out, or forbidden.
    if (!signal.aborted) poll();
  } finally {
    stopReady();
  }
}

/** @returns what takes the type of each event, and returns how many streams in a row were silent */
function silenceCounter(): (type: AccessEvent['type']) => number {
  let readyAt = -Infinity;
  let silent = 0;
  return (type) => {
    if (type === 'ready') {
      const gap = deviceNow() - readyAt;
      silent = gap >= SILENT_MS[0] && gap <= SILENT_MS[1] ? silent + 1 : 0;
      readyAt = deviceNow();
    } else {
      readyAt = -Infinity;
      silent = 0;
    }
    return silent;
  };
}
