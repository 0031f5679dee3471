import { holdersId, type HoldersByRule, type HoldersContext } from '../../lifecycle/holders.js';
import { hasPassed, type GrantUse } from '../../lifecycle/status.js';
import { recordTime } from '../../lifecycle/sweep.js';
import { moment, SWEEPER } from '../../lifecycle/transition.js';
import { decodeHolders, type AccessRequest } from '../../records/index.js';
import type { CallLimit } from '../call-limit.js';
import type { Kernel } from '../kernel.js';
import { fitting } from '../ledger/fits-change.js';

/** How often the grants are read at most: other callers may change them at any time. */
const MAX_READS = 3;
/** How many expired grants a row lists at most, about: without a sweeper it would grow. */
const MAX_EXPIRED = 32;
/** How many of so many stay. */
const KEPT_EXPIRED = 16;

/**
 * The rows of the rules with `maxHolders` that decide a request. Reads each row before its grants: a grant issued in between makes the
 * commit conflict. Only a recorded end takes a grant off the row. Of so many expiries that no sweep has recorded, the first are recorded.
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
  limit: CallLimit | undefined,
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
    let unreadable: string[] = [];
    const read = () => {
      unreadable = [];
      return ledger.grantsWithUsage(row?.grantIds ?? [], ({ id }, error) => {
        if (!isBreakGlass) throw error;
        unreadable.push(id);
      });
    };
    const grants = dryRun ? await read() : await withoutMany(kernel, read, isBreakGlass, limit);
    byRule.set(rule, { row, grants, unreadable });
  }
  return byRule;
}

async function withoutMany(
  kernel: Kernel,
  read: () => Promise<readonly GrantUse[]>,
  isBreakGlass: boolean,
  limit: CallLimit | undefined,
): Promise<readonly GrantUse[]> {
  for (let tries = 1; ; tries++) {
    const grants = await read();
    const now = moment(kernel.clock, SWEEPER);
    const expired = grants.filter(({ grant }) => grant.end === undefined && hasPassed(grant.expiresAt, now));
    if (expired.length < MAX_EXPIRED || tries === MAX_READS) return grants;
    // Those that expired first: for a clock that is ahead, the last ones may be live on the other clocks.
    const first = expired.sort((a, b) => a.grant.expiresAt - b.grant.expiresAt).slice(0, -KEPT_EXPIRED);
    const step = fitting(kernel, first, (some) => recordTime(some, now));
    try {
      await kernel.ledger.commit(step, limit);
    } catch (error) {
      // It counts with the long row too.
      if (!isBreakGlass || limit?.hasPassed === true) throw error;
      kernel.settings.onError(error, 'breakGlass');
      return grants;
    }
  }
}

const NO_HOLDERS: HoldersByRule = new Map();
