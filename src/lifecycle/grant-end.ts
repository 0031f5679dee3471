import { makeEnd, makeGrant, makeUsage, type Grant, type GrantEnd, type Usage } from '../records.js';
import type { Held } from './status.js';
import { entryOf, nextVersion, type Step } from './step.js';

/**
 * The one way out for a grant. Its usage row, where it has one, is closed in the same step.
 *
 * @param at when it goes on record; the end itself may lie before
 * @param written the usage as this very step writes it, where it does
 */
export function endWith({ grant, usage }: Held, ending: GrantEnd, at: number, written?: Usage): Step<Grant> {
  const end = makeEnd(ending);
  const next = makeGrant({ ...grant, version: nextVersion(grant), end });
  const last = written ?? usage;
  const closed = last && makeUsage({ ...last, version: written?.version ?? nextVersion(last), endedAt: end.at });
  return {
    result: next,
    put: closed === undefined ? [next] : [next, closed],
    entries: [entryOf(next, `grant.${end.status}`, at, end.by, { end, usageVersion: closed?.version })],
  };
}
