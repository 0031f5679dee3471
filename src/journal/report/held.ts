import { inTurns } from '../../core/turns.js';
import { effectiveEnd, effectiveStart, type Grant } from '../../records/index.js';
import type { Replayed } from '../replay.js';

/** A grant that was held in a span, and for how long in that span: the half-open window `[from, until)`. */
export interface HeldGrant {
  readonly grant: Grant;
  readonly from: number;
  readonly until: number;
  /** The last recorded use, at any time: by checks or by `consume`. `undefined`: none is recorded. */
  readonly lastUsedAt: number | undefined;
}

/** The grants that were held at some instant of `[from, to)`. */
export async function heldGrants({ grants, usages, activities }: Replayed, from: number, to: number): Promise<readonly HeldGrant[]> {
  const held: HeldGrant[] = [];
  for await (const grant of inTurns(grants.values())) {
    const usage = usages.get(grant.id);
    const end = effectiveEnd(grant, usage);
    const window = { from: Math.max(from, effectiveStart(grant)), until: Math.min(to, end) };
    if (window.from >= window.until) continue;
    const usedAt = Math.max(activities.get(grant.id)?.lastUsedAt ?? 0, usage?.usedAt ?? 0);
    // Another process with another clock may have ended the grant before a use that was recorded earlier.
    held.push({ grant, ...window, lastUsedAt: usedAt === 0 ? undefined : Math.min(usedAt, end) });
  }
  return held;
}
