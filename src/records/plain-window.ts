import { isActor } from '../core/parse.js';
import type { Row } from '../core/store-port.js';
import { isScope } from '../core/scope.js';
import { isInstant } from '../core/instant.js';
import { decodeGrant } from './codec/grant.js';
import { effectiveStart, effectiveEnd, hasUsageRow } from './derived.js';

/**
 * The window in which the grant of a row allows, where only time decides: inside of it, and only there, a check says yes.
 * For a store's own `windowOf`: keep what this gives when the row is put.
 *
 * @returns half-open `[from, until)` in epoch milliseconds; `undefined` where more than time decides: no grant, one that has
 * ended, is counted or must still be confirmed at its start, and a row that a check would report as malformed
 */
export function plainWindow(row: Row): { readonly from: number; readonly until: number } | undefined {
  // A check asks by what its caller gave, unread: only a pair that passes the door may be found by it (L23).
  if (row.kind !== 'grant' || !isActor(row.subject) || !isScope(row.scope)) return undefined;
  try {
    // Of a copy, which remembers nothing: a row that is never asked about takes no more memory than itself.
    const grant = decodeGrant({ ...row });
    const [from, until] = [effectiveStart(grant), effectiveEnd(grant)];
    return grant.end !== undefined || hasUsageRow(grant) || !isInstant(from) ? undefined : { from, until };
  } catch {
    return undefined;
  }
}
