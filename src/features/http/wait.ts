import { waitFor } from '../work/functions.js';
import { isJitError } from '../../core/errors.js';
import { sleepUntil, whyNoLastingTimers } from '../../core/time.js';
import type { Call } from './operation.js';

/** The most waits of one caller at a time. A call beyond that is answered at once. */
const MAX_WAITS = 10;
/** The longest wait that `Prefer: wait=` gets. Seconds. */
const MAX_WAIT = 30;

/**
 * Waits until the request is decided, where the client prefers that (RFC 7240). The wait ends early when the client disconnects.
 *
 * @returns the header that says how long the wait could be; none where the client did not ask
 */
export async function waitUntilDecided(
  { engine, kernel, request, self }: Pick<Call, 'engine' | 'kernel' | 'request' | 'self'>,
  requestId: string,
) {
  const asked = /(?:^|[,;]\s*)wait\s*=\s*"?(\d{1,5})"?/i.exec(request.headers.get('prefer') ?? '')?.[1];
  // In Workers, a commit of another request cannot wake this one.
  if (asked === undefined || whyNoLastingTimers() !== undefined) return {};
  const { now } = kernel.clock.read();
  const waits = kernel.part(Waits);
  if (!waits.begin(self)) return {};
  const seconds = Math.min(Number(asked), MAX_WAIT);
  const end = new AbortController();
  const stop = () => end.abort(STOPPED);
  request.signal.addEventListener('abort', stop, { once: true });
  if (request.signal.aborted) stop();
  void sleepUntil(kernel.clock.source, now + seconds * 1_000, end.signal).then(stop, stop);
  try {
    await waitFor(engine, requestId, { signal: end.signal });
  } catch (error) {
    // Any other failure of the wait also fails the read that follows, which then answers.
    if (error !== STOPPED && (!isJitError(error) || error.code === 'ERR_JIT_CLOSED')) throw error;
  } finally {
    waits.end(self);
    stop();
    request.signal.removeEventListener('abort', stop);
  }
  return { 'preference-applied': `wait=${seconds}` };
}

const STOPPED = Symbol('the wait has ended');

/** How many waits each caller has open. */
class Waits {
  readonly #open = new Map<string, number>();

  begin(caller: string): boolean {
    const open = this.#open.get(caller) ?? 0;
    if (open >= MAX_WAITS) return false;
    this.#open.set(caller, open + 1);
    return true;
  }

  end(caller: string): void {
    const open = (this.#open.get(caller) ?? 1) - 1;
    if (open === 0) this.#open.delete(caller);
    else this.#open.set(caller, open);
  }
}
