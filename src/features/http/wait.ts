import { isJitError } from '../../core/errors.js';
import { sleepUntil, whyNoLastingTimers } from '../../core/timers.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { AccessRequest } from '../../records/index.js';
import { headerOf } from '../json-body/headers.js';
import { Work } from '../work/work.js';
import type { Call } from './operation.js';

/** The most waits of an engine, and of one caller of it, at a time. A call beyond that is answered at once. */
const MAX_WAITS = 1_000;
const MAX_OF_CALLER = 10;
/** The longest wait that `Prefer: wait=` gets. Seconds. */
const MAX_WAIT = 30;
/** How often a waited request is read again: the store's `watch` reports a decision earlier. Milliseconds. */
const POLL_MS = 15_000;
const POLL_WITHOUT_WATCH_MS = 1_000;

/**
 * Waits until the request is decided, if the client prefers that (RFC 7240). The wait ends early when the client disconnects.
 *
 * @returns the header that says how long the wait could be; none if the client did not ask
 */
export async function waitUntilDecided(
  { kernel, request, self }: Pick<Call, 'kernel' | 'request' | 'self'>,
  { id: requestId, end: ended }: Pick<AccessRequest, 'id' | 'end'>,
) {
  const asked = /(?:^|[,;]\s*)wait\s*=\s*"?(\d{1,5})"?/i.exec(headerOf(request, 'prefer') ?? '')?.[1];
  // In Workers, a commit of another request cannot wake this one.
  if (asked === undefined || whyNoLastingTimers() !== undefined) return {};
  const { now } = kernel.clock.read();
  const waits = kernel.part(Waits);
  if (!waits.begin(self)) return {};
  const seconds = Math.min(Number(asked), MAX_WAIT);
  const end = new AbortController();
  const stop = () => end.abort();
  request.signal.addEventListener('abort', stop, { once: true });
  if (request.signal.aborted) stop();
  void sleepUntil(kernel.clock.source, now + seconds * 1_000, end.signal).then(stop, stop);
  try {
    // A wait that others began may learn late of a decision that this call has read.
    if (ended === undefined) await waits.join(requestId, now, end.signal);
  } finally {
    waits.end(self);
    stop();
    request.signal.removeEventListener('abort', stop);
  }
  return { 'preference-applied': `wait=${seconds}` };
}

/** One wait for a request, which the calls share that came within one poll of each other. */
interface SharedWait {
  readonly settled: Promise<void>;
  readonly end: AbortController;
  readonly startedAt: number;
  calls: number;
}

/** The waits of one engine, counted for each caller. A test fills them. */
export class Waits {
  readonly #kernel: Kernel;
  readonly #ofCaller = new Map<string, number>();
  /** By request. */
  readonly #shared = new Map<string, SharedWait>();
  #open = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  begin(caller: string): boolean {
    const ofCaller = this.#ofCaller.get(caller) ?? 0;
    if (this.#open >= MAX_WAITS || ofCaller >= MAX_OF_CALLER) return false;
    this.#open++;
    this.#ofCaller.set(caller, ofCaller + 1);
    return true;
  }

  end(caller: string): void {
    this.#open--;
    const ofCaller = (this.#ofCaller.get(caller) ?? 1) - 1;
    if (ofCaller === 0) this.#ofCaller.delete(caller);
    else this.#ofCaller.set(caller, ofCaller);
  }

  /** Resolves when the request is decided or `signal` aborts, which ends only this call. @throws ClosedError */
  async join(requestId: string, now: number, signal: AbortSignal): Promise<void> {
    const running = this.#shared.get(requestId);
    // A read that never settles delays only the calls that came soon after it began.
    const isYoung = running !== undefined && Math.abs(now - running.startedAt) < POLL_MS;
    const shared = isYoung ? running : this.#start(requestId, now);
    shared.calls++;
    const left = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    try {
      await Promise.race([shared.settled, left]);
    } finally {
      shared.calls--;
      if (shared.calls === 0) this.#drop(requestId, shared);
    }
  }

  #start(requestId: string, now: number): SharedWait {
    const end = new AbortController();
    const pollMs = this.#kernel.ledger.store.watch === undefined ? POLL_WITHOUT_WATCH_MS : POLL_MS;
    const waiting = this.#kernel.part(Work).waitFor(requestId, { signal: end.signal, pollMs });
    const settled = waiting.then(
      () => undefined,
      (error: unknown) => {
        // Any other failure of the wait also fails the read that follows, which then answers.
        if (!isJitError(error) || error.code === 'ERR_JIT_CLOSED') throw error;
      },
    );
    const shared: SharedWait = { settled, end, startedAt: now, calls: 0 };
    this.#shared.set(requestId, shared);
    return shared;
  }

  #drop(requestId: string, shared: SharedWait): void {
    shared.end.abort();
    if (this.#shared.get(requestId) === shared) this.#shared.delete(requestId);
  }
}
