import { decodeEach } from '../../kernel/ledger/ledger-reads.js';
import { loadChains } from '../../kernel/loading/context.js';
import { readLocks } from '../../kernel/loading/locks.js';
import type { Kernel } from '../../kernel/kernel.js';
import { withUsage } from '../../kernel/ledger/grant-use.js';
import type { Row } from '../../core/store-port.js';
import { expireLocks, isLockRowFull, overdueLocks, setLock } from '../../lifecycle/lock.js';
import { hasEnded, requestStatus, type GrantUse } from '../../lifecycle/status.js';
import { moment } from '../../lifecycle/transition.js';
import { newId } from '../../kernel/ledger/ids.js';
import { decodeGrant, decodeRequest, hasUsageRow, type AccessRequest, type Grant } from '../../records/index.js';
import type { RevokeAllReport } from '../answers.js';
import { EndTally } from './end-tally.js';
import type { EndTarget } from './end-target.js';
import { confirmedEnds, targetOfLock, type ParsedLock } from './locks.js';
import { readTarget, type RevokeAllTarget } from './revoke-all.js';
import { TargetMatch } from './target-match.js';

/** The number of records that a `revokeAll` or a `lock` would end at this clock reading. It promises nothing about a later call. */
export interface EndCounts extends Pick<RevokeAllReport, 'matched' | 'similar'> {
  /** The clock reading of this answer. Epoch milliseconds. */
  readonly at: number;
  /** The grants that would end. */
  readonly grants: number;
  /** The subjects of these grants. */
  readonly people: number;
  /** The pending requests that would be cancelled. */
  readonly requests: number;
  /** True: the numbers may be too low. A record cannot be read, or the read reached its bound of 100,000 open records of a kind. */
  readonly atLeast: boolean;
}

/** Counts what `revokeAll` would end, and writes nothing. @throws InvalidArgumentError, NotFoundError, StoreError, ClockError */
export function countRevocation(kernel: Kernel, given: RevokeAllTarget): Promise<EndCounts> {
  const tally = new EndTally();
  return countEnds(kernel, readTarget(kernel, given, tally), tally);
}

/**
 * Counts what `lock` would end, and writes nothing. It refuses what `lock` refuses.
 *
 * @throws InvalidArgumentError, LimitError, StoreError, ClockError
 */
export async function countLock(kernel: Kernel, { key: _, by, reason, ...target }: ParsedLock): Promise<EndCounts> {
  const row = await readLocks(kernel);
  const now = moment(kernel.clock, by);
  // As `lock` does: a lock whose end the journal confirms must not refuse this one.
  const over = isLockRowFull(row) ? overdueLocks(row, Math.min(now.now, await confirmedEnds(kernel, row, 0))) : [];
  const [current = row] = expireLocks(row, over, now).put as (typeof row)[];
  setLock(current, { id: newId(), ...target, reason }, now);
  return countEnds(kernel, targetOfLock(kernel, target), new EndTally());
}

/** A page of the store has 100 records. */
const MAX_PAGES = 1_000;

/** One pass over a target, as `endAll` makes it. */
async function countEnds(kernel: Kernel, target: EndTarget, tally: EndTally): Promise<EndCounts> {
  const match = new TargetMatch(target.scope);
  const { now: at, forEnds } = kernel.clock.read();
  // By id: a record that changes during the read may be on two pages.
  const grants = new Map<string, string>();
  const requests = new Set<string>();
  const addRequests = (found: readonly AccessRequest[]): void => {
    for (const request of found) if (requestStatus(request, forEnds) === 'pending') requests.add(request.id);
  };
  const addGrants = (found: readonly GrantUse[]): void => {
    for (const use of found) if (!hasEnded(use, { forEnds })) grants.set(use.grant.id, use.grant.subject);
  };
  const isWhole = [
    await eachPage(target.requests(), (rows) => {
      const read = decodeEach(rows, decodeRequest, (row, error) => tally.fail('request', row.id, error));
      for (const request of read) match.add(request, request.scopes, target.isRequest(request));
      addRequests(read.filter(target.isRequest));
    }),
    await eachPage(target.grants(), async (rows) => {
      const read = decodeEach(rows, decodeGrant, (row, error) => {
        if (target.mayBeGrant(row)) tally.fail('grant', row.id, error);
      });
      for (const grant of read) match.add(grant, [grant.scope], target.isGrant(grant));
      const meant = read.filter(target.isGrant);
      addGrants(await withUsages(kernel, meant));
      if (target.isChained !== true) return;
      for (const chain of await loadChains(kernel, meant, (row, error) => tally.fail('grant', row.id, error))) {
        addGrants(chain.successors);
        addRequests(chain.requests);
      }
    }),
  ].every((isRead) => isRead);
  const atLeast = !isWhole || tally.failures.length > 0;
  return { at, grants: grants.size, people: new Set(grants.values()).size, requests: requests.size, atLeast, ...match.report() };
}

/** @returns false at the bound: there may be more pages */
async function eachPage(pages: AsyncIterable<readonly Row[]>, handle: (rows: readonly Row[]) => unknown): Promise<boolean> {
  let left = MAX_PAGES;
  for await (const rows of pages) {
    await handle(rows);
    if (--left === 0) return false;
  }
  return true;
}

/** An unreadable usage row counts as missing, as in `revokeAll`: the grant can still be revoked. */
async function withUsages({ ledger, settings }: Kernel, grants: readonly Grant[]): Promise<readonly GrantUse[]> {
  const open = grants.filter(({ end }) => end === undefined);
  const rows = await ledger.rows(open.filter(hasUsageRow).map(({ id }) => ({ kind: 'usage', id })));
  const usages = new Map(rows.map((row) => [row?.id, row]));
  return open.map((grant) => withUsage(grant, usages.get(grant.id), settings.decodeAll));
}
