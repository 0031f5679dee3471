import { signal } from '@preact/signals';

/** The viewer's clock and timers. Only this file of the page reads them. */
export const deviceNow = (): number => Date.now();

/** A clock of the device that no one sets. It may stand still while the device sleeps. Milliseconds. */
export const elapsed = (): number => performance.now();

/** @returns what cancels the call */
export function after(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms);
  return () => {
    clearTimeout(timer);
  };
}

/** Calls each `ms`, until the function that it returns is called. */
export function every(ms: number, call: () => void): () => void {
  const timer = setInterval(call, ms);
  return () => {
    clearInterval(timer);
  };
}

/** By how much the clock of the service is ahead of the viewer's. Milliseconds. */
const aheadMs = signal(0);

/**
 * By how much the clock of the service is ahead, by an answer. The way of an answer varies by some milliseconds, and a countdown that
 * follows them would go back: a difference that the way explains leaves the value.
 *
 * @param before the value so far
 * @param at the `at` of the answer. Epoch milliseconds
 * @param sentAt when the call was sent, and `receivedAt` when its answer arrived, both by {@link deviceNow}
 */
export function aheadBy(before: number, at: number, sentAt: number, receivedAt: number): number {
  const next = at - (sentAt + receivedAt) / 2;
  const doubtMs = Math.max(0, receivedAt - sentAt) / 2 + 50;
  return Math.abs(next - before) > doubtMs ? next : before;
}

/** Takes the clock reading of an answer: the viewer's clock may be wrong by an hour. */
export function readServiceClock(at: number, sentAt: number, receivedAt: number): void {
  const ahead = aheadBy(aheadMs.peek(), at, sentAt, receivedAt);
  if (ahead === aheadMs.peek()) return;
  aheadMs.value = ahead;
  // Not only at the next tick: until then, a grant that is held would be shown as one that starts later.
  second.value = minute.value = now();
}

/** Now, by the clock of the service. Epoch milliseconds. */
export const now = (): number => deviceNow() + aheadMs.value;

/** Now, by the clock of the service, once a second while the page is visible. A part that reads it is drawn again each second. */
export const second = signal(deviceNow());
/** Now, once a minute while the page is visible. For what shows no seconds. */
export const minute = signal(deviceNow());

/** How long an instant counts as the next one after it has passed: the clock of the service may be a moment behind. Milliseconds. */
const GRACE_MS = 5_000;

/** The next of some instants at which time changes an answer that was just read. `undefined`: none. */
export function nextOf(instants: readonly (number | undefined)[]): number | undefined {
  const from = now() - GRACE_MS;
  const next = instants.reduce<number>((least, at = Infinity) => (at > from && at < least ? at : least), Infinity);
  return next === Infinity ? undefined : next;
}

/** A greater difference between two clocks of the device than its own drift: one of them was set, or has slept. Milliseconds. */
const STEP_MS = 1_000;

/**
 * Starts the clock of the countdowns.
 *
 * @param onStep called when the clock of the viewer was set, or the device has slept: the clock of the service must be read again
 */
export function startTicks(document: Document, onStep: () => void): void {
  const offset = () => deviceNow() - performance.now();
  let before = offset();
  const tick = () => {
    if (document.hidden) return;
    const step = offset() - before;
    before += step;
    if (Math.abs(step) > STEP_MS) {
      // Until the next tick nothing begins or ends by a clock that may be wrong.
      onStep();
      return;
    }
    const at = now();
    second.value = at;
    if (Math.abs(at - minute.peek()) >= 60_000 || at < minute.peek()) minute.value = at;
  };
  tick();
  every(1_000, tick);
  document.addEventListener('visibilitychange', tick);
}
