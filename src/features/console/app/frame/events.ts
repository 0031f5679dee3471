import type { AccessClient } from '../../../client/access-client.js';
import type { AccessEvent } from '../../../client/events.js';
import { after, deviceNow, every } from './clock.js';

/** Without a first event in this time, something between the page and the service keeps the stream back. Milliseconds. */
const READY_MS = 5_000;
/** The pause between two reads without a stream. Milliseconds. */
const POLL_MS = 15_000;
/** A hidden page keeps its stream for this long. Milliseconds. */
const HIDDEN_MS = 30_000;
/** The client ends a stream that is silent for 45 seconds, and connects again within two more. Milliseconds. */
const SILENT_MS = [44_000, 50_000] as const;
/** So many silent streams in a row are a proxy that keeps the comments back. */
const MAX_SILENT = 3;

export interface EventPorts {
  readonly document: Pick<Document, 'hidden' | 'addEventListener'>;
  readonly onEvent: (event: Pick<AccessEvent, 'type' | 'requestId' | 'grantId'>) => void;
  /** Whether the page reads by polling, and so later. */
  readonly onPolling: (isPolling: boolean) => void;
}

/**
 * The one subscription of the page. A hidden page ends it after 30 seconds, and reads again when it is shown. Without a stream, it calls
 * `onEvent` with a `reset` every 15 seconds.
 *
 * @returns what ends it
 */
export function subscribe(client: Pick<AccessClient, 'events'>, { document, onEvent, onPolling }: EventPorts): () => void {
  let stream: AbortController | undefined;
  let stopPolling: (() => void) | undefined;
  let stopWaiting: (() => void) | undefined;
  let isEnded = false;

  const poll = () => {
    stop();
    onPolling(true);
    stopPolling = every(POLL_MS, () => {
      if (!document.hidden) onEvent({ type: 'reset', requestId: undefined, grantId: undefined });
    });
  };
  const stop = () => {
    stream?.abort();
    stream = undefined;
    stopPolling?.();
    stopPolling = undefined;
  };
  const run = async (end: AbortController) => {
    const { signal } = end;
    let stopReady = after(READY_MS, poll);
    let readyAt = -Infinity;
    let silent = 0;
    try {
      for await (const event of client.events({ signal })) {
        stopReady();
        stopReady = () => undefined;
        if (event.type === 'ready') {
          const gap = deviceNow() - readyAt;
          silent = gap >= SILENT_MS[0] && gap <= SILENT_MS[1] ? silent + 1 : 0;
          readyAt = deviceNow();
          if (silent >= MAX_SILENT) {
            poll();
            return;
          }
          onPolling(false);
        } else {
          readyAt = -Infinity;
          silent = 0;
        }
        onEvent(event);
      }
    } catch {
      // The stream is refused. A read says why: signed out, or forbidden.
      if (!signal.aborted) poll();
    } finally {
      stopReady();
    }
  };
  const start = () => {
    if (isEnded || stream || stopPolling) return;
    void run((stream = new AbortController()));
  };

  document.addEventListener('visibilitychange', () => {
    stopWaiting?.();
    stopWaiting = undefined;
    if (isEnded) return;
    if (document.hidden) stopWaiting = after(HIDDEN_MS, stop);
    else {
      const wasPolling = stopPolling !== undefined;
      // What kept the stream back may be over: a sign-in in another tab, or another network.
      if (wasPolling) stop();
      start();
      // The first `ready` of a stream reads again. Without one, nothing would for 15 seconds.
      if (wasPolling) onEvent({ type: 'reset', requestId: undefined, grantId: undefined });
    }
  });
  start();
  return () => {
    isEnded = true;
    stopWaiting?.();
    stop();
  };
}
