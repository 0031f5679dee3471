/*
 * A process with a view over a store of a server. To each message with a pair it answers once when the view allows the pair, and again
 * when it denies the pair, with the instant.
 *
 *   view-worker.ts <JSON of a place> <namespace>
 */
import { createView } from 'jit-access/view';
import { openStore, type Place } from '../../../stores/durable/place.js';

export interface Pair {
  readonly subject: string;
  readonly scope: string;
}

const [place = '', namespace = ''] = process.argv.slice(2);
const { store } = await openStore(JSON.parse(place) as Place, { namespace, timeoutMs: 60_000 });

/** The wall clock in fractions of a millisecond: all processes of a machine share it. */
const now = () => performance.timeOrigin + performance.now();

const view = createView({ store, load: 'all', keep: 'ids', maxStaleMs: 60_000, pollMs: 1_000 });
await view.refresh();

/** Asks once a millisecond: more followers than cores that ask without a pause would measure each other. */
async function until(isAllowed: boolean, subject: string, scope: string): Promise<number> {
  while (view.isAllowed(subject, scope) !== isAllowed) await new Promise((resolve) => setTimeout(resolve, 1));
  return now();
}

process.on('message', ({ subject, scope }: Pair) => void follow(subject, scope));
process.on('disconnect', () => process.exit());
process.send?.('ready');

async function follow(subject: string, scope: string): Promise<void> {
  process.send?.(await until(true, subject, scope));
  process.send?.(await until(false, subject, scope));
}
