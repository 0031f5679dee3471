import type { GrantUse } from '../../lifecycle/status.js';
import type { Row } from '../../core/store-port.js';
import { decodeGrant, decodeUsage, hasUsageRow, isObject, type Grant } from '../../records/index.js';
import type { DecodeAll } from '../settings/enforcement.js';

/**
 * Pairs a grant with its usage row. A usage row that is unreadable or belongs to another grant counts as missing: the grant
 * then allows nothing, but can still be ended.
 */
export function withUsage(grant: Grant, row: Row | undefined, decodeAll: DecodeAll): GrantUse {
  if (row === undefined || !hasUsageRow(grant)) return { grant, usage: undefined };
  const [usage] = decodeAll([row], decodeUsage);
  const isItsOwn =
    usage?.id === grant.id &&
    usage.subject === grant.subject &&
    usage.scope === grant.scope &&
    usage.startsAt === grant.startsAt &&
    usage.expiresAt === grant.expiresAt &&
    usage.idleTtlMs === grant.idleTtlMs;
  return { grant, usage: isItsOwn ? usage : undefined };
}

/** The usage row of a grant among the rows that `live` returned, which has both kinds. Looks for none if the grant has none. */
export const usageRow = (rows: readonly Row[], grant: Grant): Row | undefined =>
  hasUsageRow(grant) ? rows.find((row) => isObject(row) && row.kind === 'usage' && row.id === grant.id) : undefined;

/** The grants of a subject among the rows that `live` returned, each with its usage. */
export function grantsAmong(rows: readonly Row[], subject: string, decodeAll: DecodeAll): readonly GrantUse[] {
  const grants = decodeAll(
    rows.filter((row) => !isObject(row) || (row.kind === 'grant' && row.subject === subject)),
    decodeGrant,
  );
  return grants.map((grant) => withUsage(grant, usageRow(rows, grant), decodeAll));
}
