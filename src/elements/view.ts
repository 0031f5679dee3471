/** A window that a badge shows: half-open, `[startsAt, endsAt)`. */
export interface BadgeWindow {
  /** The scope of the window. */
  readonly scope: string;
  /** Epoch milliseconds. */
  readonly startsAt: number;
  /** Epoch milliseconds. */
  readonly endsAt: number;
}

/** The part of an `engine.status(subject)` result that a badge needs. */
export interface BadgeStatus {
  /** The clock reading of the engine. Epoch milliseconds. */
  readonly at: number;
  /** The windows of the access that is held or scheduled. */
  readonly windows: readonly BadgeWindow[];
}

/** `ending`: a held scope ends within five minutes. */
export type BadgeState = 'read-only' | 'held' | 'ending';

/** The countdown starts when this much time is left. */
const COUNTDOWN_MS = 300_000;

export const isEnding = (leftMs: number): boolean => leftMs <= COUNTDOWN_MS;

/** What a badge shows at one instant. */
export interface View {
  /** The held names, with the time left. Milliseconds, above 0. */
  readonly held: ReadonlyMap<string, number>;
  /** How long this view stays valid. Milliseconds; `Infinity`: it does not change. */
  readonly forMs: number;
}

/**
 * Computes what to show for a status. One invalid window makes the whole status invalid.
 *
 * @param early the instant for starts, so that none is shown too early
 * @param late the instant for ends, so that none is shown too late
 * @param label one name for all held scopes; without it each scope is shown by itself
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
        // Valid until the countdown begins; during the countdown, until the next whole second.
        standsMs = isEnding(leftMs) ? ((leftMs - 1) % 1_000) + 1 : leftMs - COUNTDOWN_MS;
      }
      forMs = Math.min(forMs, standsMs);
    }
  }
  return { held, forMs };
}
