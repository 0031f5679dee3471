import { holdersId, type HoldersByRule, type HoldersContext } from '../../lifecycle/holders.js';
import { hasPassed, type GrantUse } from '../../lifecycle/status.js';
import { recordTime } from '../../lifecycle/sweep.js';
import { moment, SWEEPER } from '../../lifecycle/transition.js';
import { decodeHolders, type AccessRequest } from '../../records/index.js';
import type { Kernel } from '../kernel.js';
import { fitting } from '../ledger/fits-change.js';

/** How often the grants are read at most: other callers may change them at any time. */
const MAX_READS = 3;
/** How many expired grants a row lists at most, about: without a sweeper it would grow. */
const MAX_EXPIRED = 32;

/**
 * The rows of the rules with `maxHolders` that decide a request. Reads each row before its grants: a grant issued in between makes the
 * commit conflict. Only a recorded end takes a grant off the row. So many expiries that no sweep has recorded are recorded first.
 *
 * @param decided the approver and the terms of the request, or of the answer that decides it
 * @param isBreakGlass whether the access is counted and never refused: then what is unreadable is left as it is
 * @throws CorruptError if a row or a grant is unreadable: it might be held
 */
export async function loadHolders(
  kernel: Kernel,
  { approver, terms }: Pick<AccessRequest, 'approver' | 'terms'>,
  isBreakGlass: boolean,
  dryRun: boolean,
): Promise<HoldersByRule> {
  const { ledger, settings } = kernel;
  const limits = terms?.maxHolders ?? [];
  if (approver === undefined || limits.length === 0) return NO_HOLDERS;
  const found = await ledger.rows(limits.map(({ rule }) => ({ kind: 'holders', id: holdersId(approver, rule) })));
  const byRule = new Map<string, HoldersContext>();
  for (const [i, { rule }] of limits.entries()) {
    const given = found[i];
    const [row] = given === undefined ? [] : isBreakGlass ? settings.decodeAll([given], decodeHolders) : [decodeHolders(given)];
    if (row === undefined && given !== undefined) continue;
    const unreadable: string[] = [];
    const read = () =>
      ledger.grantsWithUsage(row?.grantIds ?? [], ({ id }, error) => {
        if (!isBreakGlass) throw error;
        unreadable.push(id);
      });
    const grants = isBreakGlass || dryRun ? await read() : await withoutMany(kernel, read);
    byRule.set(rule, { row, grants, unreadable });
  }
  return byRule;
}

async function withoutMany(kernel: Kernel, read: () => Promise<readonly GrantUse[]>): Promise<readonly GrantUse[]> {
  for (let tries = 1; ; tries++) {
    const grants = await read();
    const now = moment(kernel.clock, SWEEPER);
    const expired = grants.filter(({ grant }) => grant.end === undefined && hasPassed(grant.expiresAt, now));
    if (expired.length < MAX_EXPIRED || tries === MAX_READS) return grants;
    await kernel.ledger.commitTransition(fitting(kernel, expired, (some) => recordTime(some, now)));
  }
}

const NO_HOLDERS: HoldersByRule = new Map();
