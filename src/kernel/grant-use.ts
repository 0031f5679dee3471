import type { GrantUse } from '../lifecycle/status.js';
import type { Row } from '../core/store-port.js';
import { decodeGrant, decodeUsage, hasUsageRow, isObject, type Grant } from '../records/index.js';
import type { DecodeAll } from './enforcement.js';

/**
 * A grant with the usage that a row tells. One that can't be read counts as none: the grant then allows nothing, but can
 * still be ended.
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

/** The usage among the rows that came with a grant. */
export const usageRow = (rows: readonly Row[], { id }: Grant): Row | undefined =>
  rows.find((row) => isObject(row) && row.kind === 'usage' && row.id === id);

/** The grants of a subject among what the store says is live, each with how it has been used. */
export function grantsAmong(rows: readonly Row[], subject: string, decodeAll: DecodeAll): readonly GrantUse[] {
  const grants = decodeAll(
    rows.filter((row) => !isObject(row) || (row.kind === 'grant' && row.subject === subject)),
    decodeGrant,
  );
  return grants.map((grant) => withUsage(grant, usageRow(rows, grant), decodeAll));
}
