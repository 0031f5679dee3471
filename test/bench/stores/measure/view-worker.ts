/*
 * A process with a view over a store of a server. It obeys one message at a time:
 * - `load`: answers with the milliseconds until the view holds all grants, and with the bytes that it takes for each;
 * - `hears`: answers once when the view allows a pair, and again when it denies the pair, with the instant.
 *
 *   view-worker.ts <JSON of a place> <namespace> <what to keep> <number of grants>
 */
import { createView, type ViewOptions } from 'jit-access/view';
import { openStore, type Place } from '../../../stores/durable/place.js';

export interface Loaded {
  readonly ms: number;
  readonly bytes: number;
}

export type Message = { readonly do: 'load' } | { readonly do: 'hears'; readonly subject: string; readonly scope: string };

const [place = '', namespace = '', keep, grants] = process.argv.slice(2);
const { store } = await openStore(JSON.parse(place) as Place, { namespace, timeoutMs: 60_000 });

function inUse(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The wall clock in fractions of a millisecond: all processes of a machine share it. */
const now = () => performance.timeOrigin + performance.now();

const before = inUse();
const view = createView({ store, load: 'all', keep: keep as ViewOptions['keep'], maxStaleMs: 60_000, pollMs: 1_000 });

/** Asks once a millisecond: more followers than cores that ask without a pause would measure each other. */
async function until(isAllowed: boolean, subject: string, scope: string): Promise<number> {
  while (view.isAllowed(subject, scope) !== isAllowed) await new Promise((resolve) => setTimeout(resolve, 1));
  return now();
}

process.on('message', (message: Message) => void obey(message));
process.on('disconnect', () => process.exit());
process.send?.('ready');

async function obey(message: Message): Promise<void> {
  if (message.do === 'load') {
    const started = now();
    await view.refresh();
    const ms = now() - started;
    return void process.send?.({ ms, bytes: (inUse() - before) / Number(grants) } satisfies Loaded);
  }
  process.send?.(await until(true, message.subject, message.scope));
  process.send?.(await until(false, message.subject, message.scope));
}
