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

/** From when on the time that is left is counted down. */
const COUNTDOWN_MS = 300_000;

/** @param leftMs `undefined`: nothing is held */
export const stateOf = (leftMs: number | undefined): BadgeState =>
  leftMs === undefined ? 'read-only' : leftMs > COUNTDOWN_MS ? 'held' : 'ending';

/**
 * Whatever isn't a status, down to its last window, gives none of it.
 *
 * @throws TypeError
 */
export function assertStatus({ at, windows }: BadgeStatus): void {
  for (const { scope, startsAt, endsAt } of windows) {
    if (typeof scope !== 'string' || ![at, startsAt, endsAt].every(isInstant)) throw new TypeError('bad status');
  }
}

/** What a badge shows at an instant. */
export interface View {
  /** What is held, by name, and how long for; the one that ends first before the others. Milliseconds, above 0. */
  readonly held: readonly (readonly [name: string, leftMs: number])[];
  /** How long this stands. Milliseconds; `Infinity`: for good. */
  readonly forMs: number;
}

/**
 * What to show of these windows.
 *
 * @param early the instant by which starts are judged, so that they don't come early
 * @param late the instant by which ends are judged, so that they don't come late
 * @param label the name of whatever is held; without one each scope goes by itself
 */
export function viewOf(windows: readonly BadgeWindow[], early: number, late: number, label: string | null): View {
  const held = new Map<string, number>();
  let forMs = Infinity;
  for (const { scope, startsAt, endsAt } of windows) {
    const leftMs = endsAt - late;
    let standsMs = startsAt - early;
    if (!(leftMs > 0)) continue;
    if (!(standsMs > 0)) {
      const name = label || scope;
      held.set(name, Math.max(leftMs, held.get(name) ?? 0));
      // Until the countdown begins; then to the next whole second.
      standsMs = leftMs > COUNTDOWN_MS ? leftMs - COUNTDOWN_MS : ((leftMs - 1) % 1_000) + 1;
    }
    forMs = Math.min(forMs, standsMs);
  }
  return { held: [...held].sort(([, a], [, b]) => a - b), forMs };
}
