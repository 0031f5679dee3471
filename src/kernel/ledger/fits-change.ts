import { excessOf, MAX_CHANGE, type Excess } from '../../core/change-size.js';
import { LimitError } from '../../core/errors.js';
import { longestApproval } from '../../lifecycle/longest-approval.js';
import type { Writes } from '../../lifecycle/transition.js';
import { hold } from '../../records/bookmark.js';
import { encode, type AccessRequest } from '../../records/index.js';
import type { GrantStore } from '../../core/store-port.js';
import type { Kernel } from '../kernel.js';

/** Whether one change of the store can hold everything that a rule writes (L42). */
export const fitsChange = (kernel: Kernel, writes: Writes): boolean => excessIn(kernel, writes) === undefined;

/**
 * How far a rule's writes exceed one change of the store, with the row that a commit may add to hold back purges. The size is
 * computed with a placeholder id and digest, which have the length of the real ones.
 */
function excessIn({ ledger, settings }: Kernel, { put, entries, dependsOn = [] }: Writes): Excess | undefined {
  const { namespace, maxChange } = ledger.store;
  const id = '0'.repeat(32);
  const digest = '0'.repeat(64);
  const rows = [
    ...put.map(encode),
    hold(
      id,
      settings.sinks.map(({ name }) => name),
    ),
  ];
  const change = {
    id,
    expect: [...rows, ...dependsOn].map(({ kind, id: recordId, version }) => ({ kind, id: recordId, version })),
    put: rows,
    append: entries.map((entry, i) => ({ v: 1 as const, namespace, id: `${id}.${i + 1}`, ...entry, digest })),
  };
  return excessOf(change, maxChange);
}

/**
 * A change that writes as many of these records as it can hold (L42): all, or the first half of them, and so on. Without any of them
 * it may still be too large.
 */
export function fitting<T, Change extends Writes>(kernel: Kernel, records: readonly T[], make: (some: readonly T[]) => Change): Change {
  const change = make(records);
  if (records.length === 0 || fitsChange(kernel, change)) return change;
  return fitting(kernel, records.slice(0, Math.floor(records.length / 2)), make);
}

/** How many records of one row and one entry each share a change: at most `most`. One row is left for a bookmark. */
export const mostInChange = ({ maxChange = MAX_CHANGE }: GrantStore, most: number): number =>
  Math.min(most, maxChange.rows - 1, maxChange.entries);

/**
 * Refuses writes that the store takes in no change.
 *
 * @returns the writes
 * @throws LimitError
 */
export function refuseTooLarge<Change extends Writes>(kernel: Kernel, writes: Change): Change {
  refuseExcess(excessIn(kernel, writes));
  return writes;
}

/**
 * Refuses a request that one change of the store could not approve: it would stay pending until it expires. Only a store with a
 * `maxChange` can be too small for a request.
 *
 * @throws LimitError
 */
export function refuseUnapprovable(kernel: Kernel, request: AccessRequest): void {
  if (kernel.ledger.store.maxChange !== undefined) refuseExcess(excessIn(kernel, longestApproval(request)));
}

/**
 * Refuses an approval that leaves its request too large for the review that decides it, which may be a denial.
 *
 * @throws LimitError
 */
export function refuseLargeReview(kernel: Kernel, request: AccessRequest, review: Writes): void {
  if (kernel.ledger.store.maxChange === undefined) return;
  refuseExcess(excessIn(kernel, request.end === undefined ? longestApproval(request) : review));
}

function refuseExcess(excess: Excess | undefined): void {
  if (excess === undefined) return;
  const { part, got, max } = excess;
  throw new LimitError('maxChange', max, got, `the store takes changes of at most ${max} ${part}, and this may need one of ${got}`);
}
