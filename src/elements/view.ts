import { isInstant } from '../time.js';

/** A window of which a badge tells: half-open, `[startsAt, endsAt)`. */
export interface BadgeWindow {
  readonly scope: string;
  /** Epoch milliseconds. */
  readonly startsAt: number;
  /** Epoch milliseconds. */
  readonly endsAt: number;
}

/** What a badge needs of what `engine.status(subject)` resolves to: all of it will do, and so will no more than this. */
export interface BadgeStatus {
  /** The reading of the clock that was asked. Epoch milliseconds. */
  readonly at: number;
  readonly windows: readonly BadgeWindow[];
}

/** `ending`: the first of what is held ends within five minutes. */
export type BadgeState = 'read-only' | 'held' | 'ending';

/** What is shown by one name, and until when it is held. */
export interface BadgeItem {
  /** The scope, or the label. */
  readonly name: string;
  /** Epoch milliseconds. */
  readonly endsAt: number;
}

/** From when on the time that is left is counted down. */
const COUNTDOWN_MS = 300_000;

export const isEnding = (leftMs: number): boolean => leftMs <= COUNTDOWN_MS;

/** How long what is said of the time that is left can stand: until the countdown begins, then to the next whole second. */
const standsMs = (leftMs: number): number => (isEnding(leftMs) ? ((leftMs - 1) % 1_000) + 1 : leftMs - COUNTDOWN_MS);

/**
 * Reads what somebody says is a status, once. Whatever isn't one, down to the last window, gives none of it.
 *
 * @throws TypeError
 */
export function readStatus({ at, windows }: BadgeStatus): BadgeStatus {
  const copy = windows.map(({ scope, startsAt, endsAt }) => ({ scope, startsAt, endsAt }));
  for (const { scope, startsAt, endsAt } of [...copy, { scope: '', startsAt: at, endsAt: at }]) {
    if (typeof scope !== 'string' || !isInstant(startsAt) || !isInstant(endsAt)) throw new TypeError('bad status');
  }
  return { at, windows: copy };
}

/**
 * What to show of these windows, the one that ends first before the others, and for how many milliseconds.
 *
 * @param early the instant by which starts are judged, so that they don't come early
 * @param late the instant by which ends are judged, so that they don't come late
 */
export function viewOf(windows: readonly BadgeWindow[], early: number, late: number, label: string | null) {
  const ends = new Map<string, number>();
  let forMs = Infinity;
  for (const { scope, startsAt, endsAt } of windows) {
    if (!(late < endsAt)) continue;
    const name = label || scope;
    if (startsAt <= early) ends.set(name, Math.max(endsAt, ends.get(name) ?? 0));
    forMs = Math.min(forMs, startsAt <= early ? standsMs(endsAt - late) : startsAt - early);
  }
  const held = [...ends].map(([name, endsAt]): BadgeItem => ({ name, endsAt })).sort((a, b) => a.endsAt - b.endsAt);
  return { held, forMs };
}
