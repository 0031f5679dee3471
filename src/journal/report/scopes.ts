import type { HeldGrant } from './held.js';
import { countUse, type UseFigures } from './use.js';

/** How long a scope was held in a span, and how many of its grants were used. */
export interface ScopeReport extends UseFigures {
  /** The scope as it was granted. A pattern counts as one scope. */
  readonly scope: string;
  /** The number of subjects that held it at some instant of the span. */
  readonly subjects: number;
  /** The time in milliseconds for which each subject held the scope, summed over the subjects. Overlapping grants count once. */
  readonly heldMs: number;
  /** The time in milliseconds if the same subjects had standing access: `subjects * (to - from)`. */
  readonly standingMs: number;
  /** `heldMs / standingMs`, above 0 and at most 1. */
  readonly ratio: number;
}

/** One report for each scope of these grants, sorted by scope. */
export function measureScopes(
  held: readonly HeldGrant[],
  { from, to, recordsUse }: { readonly from: number; readonly to: number; readonly recordsUse: boolean },
): readonly ScopeReport[] {
  const byScope = new Map<string, Map<string, HeldGrant[]>>();
  for (const one of held) {
    const { scope, subject } = one.grant;
    const subjects = byScope.get(scope) ?? new Map<string, HeldGrant[]>();
    byScope.set(scope, subjects);
    const own = subjects.get(subject) ?? [];
    subjects.set(subject, own);
    own.push(one);
  }
  const scopes = [...byScope].map(([scope, subjects]) => {
    const windows = [...subjects.values()];
    const heldMs = windows.reduce((total, own) => total + unionMs(own), 0);
    const standingMs = subjects.size * (to - from);
    const use = countUse(windows.flat(), recordsUse);
    return Object.freeze({ scope, subjects: subjects.size, ...use, heldMs, standingMs, ratio: heldMs / standingMs });
  });
  return Object.freeze(scopes.sort((a, b) => (a.scope < b.scope ? -1 : 1)));
}

/** The length of the union of these windows, in milliseconds. */
function unionMs(windows: readonly Pick<HeldGrant, 'from' | 'until'>[]): number {
  let total = 0;
  let reached = 0;
  for (const { from, until } of [...windows].sort((a, b) => a.from - b.from)) {
    total += Math.max(0, until - Math.max(from, reached));
    reached = Math.max(reached, until);
  }
  return total;
}
