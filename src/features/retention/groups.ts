import type { AccessRequest } from '../../records/index.js';

/** How many rows one change removes. Only a single request with more rows exceeds it (L42). */
const MAX_ROWS = 250;

/** The greatest number of rows that belong to a request, without its comments: itself, and for each scope a grant, its usage and its activity. */
export const rowsOf = ({ scopes }: AccessRequest): number => 1 + 3 * scopes.length;

/** Splits requests, in order, into groups that one change may remove. A request with too many rows is a group of its own. */
export function inGroups(
  requests: readonly AccessRequest[],
  sizeOf: (request: AccessRequest) => number,
): readonly (readonly AccessRequest[])[] {
  const groups: AccessRequest[][] = [];
  let room = 0;
  for (const request of requests) {
    const size = sizeOf(request);
    room -= size;
    if (room < 0) {
      groups.push([]);
      room = MAX_ROWS - size;
    }
    groups.at(-1)?.push(request);
  }
  return groups;
}
