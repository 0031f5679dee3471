import type { AccessRequest, Grant } from '../records.js';
import { expireGrant } from './grant.js';
import { expireRequest } from './request.js';
import { isOver } from './status.js';
import type { Moment, Step } from './step.js';

/** Whether time has ended this record without its end being recorded yet. */
export function isDue(record: AccessRequest | Grant, moment: Moment): boolean {
  return record.end === undefined && isOver(record.kind === 'grant' ? record.expiresAt : record.reviewBy, moment);
}

/** Records the ends of a chunk in one step; `result` is how many. What isn't due (any more) is left alone. */
export function recordEnds(records: readonly (AccessRequest | Grant)[], moment: Moment): Step<number> {
  const steps = records
    .filter((record) => isDue(record, moment))
    .map((record) => (record.kind === 'grant' ? expireGrant(record, moment) : expireRequest(record, moment)));
  return {
    result: steps.length,
    put: steps.flatMap((step) => step.put),
    entries: steps.flatMap((step) => step.entries),
  };
}
