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

/** `ending`: something that is held ends within five minutes. */
export type BadgeState = 'read-only' | 'held' | 'ending';

/** From when on the time that is left is counted down. */
const COUNTDOWN_MS = 300_000;

export const isEnding = (leftMs: number): boolean => leftMs <= COUNTDOWN_MS;

/** What a badge shows at an instant. */
export interface View {
  /** What is held, by name, and how long for. Milliseconds, above 0. */
  readonly held: ReadonlyMap<string, number>;
  /** How long this stands. Milliseconds; `Infinity`: for good. */
  readonly forMs: number;
}

/**
 * What to show of a status. Whatever isn't one, down to the last window, gives none of it.
 *
 * @param early the instant by which starts are judged, so that they don't come early
 * @param late the instant by which ends are judged, so that they don't come late
 * @param label the name of whatever is held; without one each scope goes by itself
 * @throws TypeError
 */
export function viewOf(windows: readonly BadgeWindow[], early: number, late: number, label: string | null): View {
  const held = new Map<string, number>();
  let forMs = Infinity;
  for (const { scope, startsAt, endsAt } of windows) {
    if (typeof scope !== 'string' || ![early, late, startsAt, endsAt].every(Number.isSafeInteger)) throw TypeError('bad status');
    const leftMs = endsAt - late;
    let standsMs = startsAt - early;
    if (leftMs > 0) {
      if (standsMs <= 0) {
        const name = label || scope;
        held.set(name, Math.max(leftMs, held.get(name) ?? 0));
        // Until the countdown begins; then to the next whole second.
        standsMs = isEnding(leftMs) ? ((leftMs - 1) % 1_000) + 1 : leftMs - COUNTDOWN_MS;
      }
      forMs = Math.min(forMs, standsMs);
    }
  }
  return { held, forMs };
}
