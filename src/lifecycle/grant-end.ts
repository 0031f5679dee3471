import { makeEnd, makeGrant, makeUsage, type Grant, type GrantEnd } from '../records/index.js';
import type { GrantUse } from './status.js';
import { entryOf, nextVersion, type Transition } from './transition.js';

/** Ends a grant. Every end goes through this function; it writes nothing else, such as the usage row. */
export function endWith(grant: Grant, ending: GrantEnd, at: number, written: object = {}): Transition<Grant> {
  const end = makeEnd(ending);
  const next = makeGrant({ ...grant, version: nextVersion(grant), end });
  const { subject, scope } = grant;
  // The subject and the scope, so that a follower of the journal need not look them up: they may have been purged.
  return { result: next, put: [next], entries: [entryOf(next, `grant.${end.status}`, at, end.by, { end, subject, scope, ...written })] };
}

/** Ends a grant and closes its usage row in one transition, so that no use can be recorded after the end was computed. */
export function endWithUsage({ grant, usage }: GrantUse, ending: GrantEnd, at: number): Transition<Grant> {
  if (usage === undefined) return endWith(grant, ending, at);
  const closed = makeUsage({ ...usage, version: nextVersion(usage), endedAt: ending.at });
  const step = endWith(grant, ending, at, { usageVersion: closed.version });
  return { ...step, put: [...step.put, closed] };
}
