import type { Row } from '../core/store-port.js';
import { isScope } from '../core/scope.js';
import { isInstant } from '../core/instant.js';
import { decodeGrant } from './grant.js';
import { effectiveStart, effectiveEnd, hasUsageRow } from './derived.js';
import { isSubject } from './run.js';

/**
 * The window of a grant whose access only time decides: a check allows exactly inside it. A store with `windowOf` computes the
 * window once, when it writes the row, and keeps it.
 *
 * @returns the half-open window `[from, until)` in epoch milliseconds. `undefined`: the row is malformed or no grant, or the
 *   grant has ended, has a usage row or awaits its activation
 */
export function plainWindow(row: Row): { readonly from: number; readonly until: number } | undefined {
  // The fast path looks up the caller's unparsed values, so only a canonical subject and scope may have a window (L23).
  if (row.kind !== 'grant' || !isSubject(row.subject) || !isScope(row.scope)) return undefined;
  try {
    // Decodes a copy: an immutable row keeps its decoded grant in memory, even if no check ever reads that row.
    const grant = decodeGrant({ ...row });
    const [from, until] = [effectiveStart(grant), effectiveEnd(grant)];
    return grant.end !== undefined || hasUsageRow(grant) || !isInstant(from) ? undefined : { from, until };
  } catch {
    return undefined;
  }
}
