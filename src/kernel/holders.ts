import { holdersId, type HoldersByRule, type HoldersContext } from '../lifecycle/holders.js';
import { decodeHolders, type AccessRequest } from '../records/index.js';
import type { Kernel } from './kernel.js';

/**
 * The rows of the rules with `maxHolders` that decide a request. Reads each row before its grants: a grant issued in between makes the
 * commit conflict.
 *
 * @param decided the approver and the terms of the request, or of the answer that decides it
 * @throws CorruptError where a row or a grant is unreadable: it might be held
 */
export async function loadHolders(
  { ledger }: Kernel,
  { approver, terms }: Pick<AccessRequest, 'approver' | 'terms'>,
): Promise<HoldersByRule> {
  const limits = terms?.maxHolders ?? [];
  if (approver === undefined || limits.length === 0) return NO_HOLDERS;
  const found = await ledger.rows(limits.map(({ rule }) => ({ kind: 'holders', id: holdersId(approver, rule) })));
  const rows = found.map((row) => row && decodeHolders(row));
  const byRule = new Map<string, HoldersContext>();
  for (const [i, { rule }] of limits.entries()) {
    const row = rows[i];
    const grants = await ledger.grantsWithUsage(row?.grantIds ?? [], (_, error) => {
      throw error;
    });
    byRule.set(rule, { row, grants });
  }
  return byRule;
}

const NO_HOLDERS: HoldersByRule = new Map();
