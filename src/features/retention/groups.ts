import type { Expectation } from '../../core/store-port.js';
import type { AccessRequest } from '../../records/index.js';

/** How many rows one change removes, if the store takes as many. Only a single request with more rows exceeds it (L42). */
export const MAX_ROWS = 250;

/** The greatest number of rows that belong to a request, without its comments: itself, and for each scope a grant, its usage and its activity. */
export const rowsOf = ({ scopes }: AccessRequest): number => 1 + 3 * scopes.length;

/** Splits requests, in order, into groups that one change may remove. A request with too many rows is a group of its own. */
export function inGroups(
  requests: readonly AccessRequest[],
  sizeOf: (request: AccessRequest) => number,
  most = MAX_ROWS,
): readonly (readonly AccessRequest[])[] {
  const groups: AccessRequest[][] = [];
  let room = 0;
  for (const request of requests) {
    const size = sizeOf(request);
    room -= size;
    if (room < 0) {
      groups.push([]);
      room = most - size;
    }
    groups.at(-1)?.push(request);
  }
  return groups;
}

/**
 * Splits the records of one removal into parts that one change each may remove: one, unless the store takes less. The comments then go
 * first, so that none outlives its request.
 */
export function partsOf(records: readonly Expectation[], most: number): readonly (readonly Expectation[])[] {
  if (records.length <= most) return records.length === 0 ? [] : [records];
  const isComment = ({ kind }: Expectation): boolean => kind === 'comment';
  return [records.filter(isComment), records.filter((record) => !isComment(record))].flatMap((list) =>
    Array.from({ length: Math.ceil(list.length / most) }, (_, i) => list.slice(i * most, (i + 1) * most)),
  );
}
