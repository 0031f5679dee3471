import { isEnding, viewOf, type BadgeState } from '../../elements/view.js';
import type { AccessStatus } from '../../engine/answers.js';

export type { BadgeState };

/** What a badge shows. */
export interface Badge {
  /** What the badge shows: see {@link BadgeState}. */
  readonly state: BadgeState;
  /** The text of the badge. */
  readonly text: string;
}

/** The text of a badge for a page without script. The element of `jit-access/elements` counts down by itself. */
export function badgeOf({ at, windows }: Pick<AccessStatus, 'at' | 'windows'>): Badge {
  const { held } = viewOf(windows, at, at, null);
  if (held.size === 0) return { state: 'read-only', text: 'read-only' };
  const text = [...held].map(([scope, leftMs]) => `${scope} (expires ${new Date(at + leftMs).toISOString().slice(0, 16)}Z)`).join(', ');
  return { state: isEnding(Math.min(...held.values())) ? 'ending' : 'held', text };
}
