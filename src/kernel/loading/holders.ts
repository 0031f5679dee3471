import { holdersId, type HoldersByRule, type HoldersContext } from '../../lifecycle/holders.js';
import { decodeHolders, type AccessRequest } from '../../records/index.js';
import type { Kernel } from '../kernel.js';

/**
 * The rows of the rules with `maxHolders` that decide a request. Reads each row before its grants: a grant issued in between makes the
 * commit conflict.
 *
 * @param decided the approver and the terms of the request, or of the answer that decides it
 * @param isBreakGlass whether the access is counted and never refused: then what is unreadable is left as it is
 * @throws CorruptError if a row or a grant is unreadable: it might be held
 */
export async function loadHolders(
  { ledger, settings }: Kernel,
  { approver, terms }: Pick<AccessRequest, 'approver' | 'terms'>,
  isBreakGlass: boolean,
): Promise<HoldersByRule> {
  const limits = terms?.maxHolders ?? [];
  if (approver === undefined || limits.length === 0) return NO_HOLDERS;
  const found = await ledger.rows(limits.map(({ rule }) => ({ kind: 'holders', id: holdersId(approver, rule) })));
  const byRule = new Map<string, HoldersContext>();
  for (const [i, { rule }] of limits.entries()) {
    const given = found[i];
    const [row] = given === undefined ? [] : isBreakGlass ? settings.decodeAll([given], decodeHolders) : [decodeHolders(given)];
    if (row === undefined && given !== undefined) continue;
    const unreadable: string[] = [];
    const grants = await ledger.grantsWithUsage(row?.grantIds ?? [], ({ id }, error) => {
      if (!isBreakGlass) throw error;
      unreadable.push(id);
    });
    byRule.set(rule, { row, grants, unreadable });
  }
  return byRule;
}

const NO_HOLDERS: HoldersByRule = new Map();
