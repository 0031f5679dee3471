import { effectiveStart, effectiveEnd } from '../../records/index.js';
import { inTurns } from '../../core/time.js';
import type { Replayed } from '../replay.js';

/** How long a scope was held in a span. */
export interface ScopeReport {
  /** The scope as it was granted. A pattern counts as one scope. */
  readonly scope: string;
  /** The number of subjects that held it at some instant of the span. */
  readonly subjects: number;
  /** The number of its grants that were held at some instant of the span. */
  readonly grants: number;
  /** The time in milliseconds for which each subject held the scope, summed over the subjects. Overlapping grants count once. */
  readonly heldMs: number;
  /** The time in milliseconds if the same subjects had standing access: `subjects * (to - from)`. */
  readonly standingMs: number;
  /** `heldMs / standingMs`, above 0 and at most 1. */
  readonly ratio: number;
}

/** The half-open window `[from, until)`. */
interface Window {
  readonly from: number;
  readonly until: number;
}

/** One report for each scope that was held in `[from, to)`. */
export async function measureScopes({ grants, usages }: Replayed, from: number, to: number): Promise<readonly ScopeReport[]> {
  const held = new Map<string, Map<string, Window[]>>();
  for await (const grant of inTurns(grants.values())) {
    const window = { from: Math.max(from, effectiveStart(grant)), until: Math.min(to, effectiveEnd(grant, usages.get(grant.id))) };
    if (window.from >= window.until) continue;
    const subjects = held.get(grant.scope) ?? new Map<string, Window[]>();
    held.set(grant.scope, subjects);
    const windows = subjects.get(grant.subject);
    if (windows === undefined) subjects.set(grant.subject, [window]);
    else windows.push(window);
  }
  const scopes = [...held].map(([scope, subjects]) => {
    const windows = [...subjects.values()];
    const heldMs = windows.reduce((total, own) => total + unionMs(own), 0);
    const standingMs = subjects.size * (to - from);
    return Object.freeze({ scope, subjects: subjects.size, grants: windows.flat().length, heldMs, standingMs, ratio: heldMs / standingMs });
  });
  return Object.freeze(scopes.sort((a, b) => (a.scope < b.scope ? -1 : 1)));
}

/** The length of the union of these windows, in milliseconds. */
function unionMs(windows: readonly Window[]): number {
  let total = 0;
  let reached = 0;
  for (const { from, until } of [...windows].sort((a, b) => a.from - b.from)) {
    total += Math.max(0, until - Math.max(from, reached));
    reached = Math.max(reached, until);
  }
  return total;
}
