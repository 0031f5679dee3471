import type { AccessStatus } from '../../engine/answers.js';

/** What a badge shows. `ending`: held access ends within five minutes. */
export interface Badge {
  readonly state: 'read-only' | 'held' | 'ending';
  readonly text: string;
}

const ENDING_MS = 300_000;

/** The text of a badge for a page without script. The element of `jit-access/elements` counts down by itself. */
export function badgeOf({ at, windows }: Pick<AccessStatus, 'at' | 'windows'>): Badge {
  const ends = new Map<string, number>();
  for (const { scope, startsAt, endsAt } of windows) {
    if (startsAt <= at && at < endsAt) ends.set(scope, Math.max(endsAt, ends.get(scope) ?? 0));
  }
  if (ends.size === 0) return { state: 'read-only', text: 'read-only' };
  const isEnding = Math.min(...ends.values()) - at <= ENDING_MS;
  const text = [...ends].map(([scope, end]) => `${scope} (expires ${new Date(end).toISOString().slice(0, 16)}Z)`).join(', ');
  return { state: isEnding ? 'ending' : 'held', text };
}
