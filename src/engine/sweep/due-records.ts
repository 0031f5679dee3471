import type { Row } from '../../core/store-port.js';
import type { DueRows } from '../../kernel/due-handlers.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { GrantUse } from '../../lifecycle/status.js';
import {
  decodeGrant,
  decodeRequest,
  decodeUsage,
  hasUsageRow,
  isFeatureKind,
  isLockRow,
  isObject,
  type AccessRequest,
  type Grant,
  type Usage,
} from '../../records/index.js';
import type { SweepTally } from './sweep-report.js';

/** The due records of one page. */
export interface DueRecords {
  readonly grants: readonly GrantUse[];
  readonly requests: readonly AccessRequest[];
  /** Whether a lock is unfinished, or has passed its end. */
  readonly locks: boolean;
}

/**
 * Decodes a page of due rows into requests, and grants with their usage. Either row of a grant may be the due one. Rows of
 * features go to `ofFeatures`.
 *
 * @param seen the ids of grants with a usage row in earlier pages: both rows of a grant may be due. Ids of other grants are
 *   not kept, because there may be very many
 */
export async function readDue(
  kernel: Kernel,
  rows: readonly Row[],
  seen: Set<string>,
  ofFeatures: DueRows,
  tally: SweepTally,
): Promise<DueRecords> {
  const requests: AccessRequest[] = [];
  const ids: string[] = [];
  let locks = false;
  for (const row of rows) {
    if (isLockRow(row)) {
      locks = true;
      continue;
    }
    const record = decodeDue(kernel, row, ofFeatures);
    if (record === 'malformed') tally.skipped += 1;
    else if (record === undefined) continue;
    else if (record.kind === 'request') requests.push(record);
    else if (record.kind === 'grant' && !hasUsageRow(record)) ids.push(record.id);
    else if (!seen.has(record.id)) {
      seen.add(record.id);
      ids.push(record.id);
    }
  }
  return { grants: await kernel.ledger.grantsWithUsage(ids), requests, locks };
}

/** @returns `undefined`: the row belongs to a feature, not to the sweep */
function decodeDue({ settings }: Kernel, row: Row, ofFeatures: DueRows): AccessRequest | Grant | Usage | 'malformed' | undefined {
  try {
    const kind: unknown = isObject(row) ? row.kind : undefined;
    if (isFeatureKind(kind)) {
      ofFeatures.add(kind, row);
      return undefined;
    }
    if (kind === 'grant') return decodeGrant(row);
    // A row without a kind, or of an unknown kind, fails to decode as a request and is reported.
    return kind === 'usage' ? decodeUsage(row) : decodeRequest(row);
  } catch (error) {
    settings.onError(error, 'sweep');
    return 'malformed';
  }
}
