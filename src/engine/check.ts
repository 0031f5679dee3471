import { isUsable } from '../lifecycle/status.js';
import type { Row, ScopeMatcher } from '../ports.js';
import { decodeGrant, type Decision, type Grant } from '../records.js';
import type { Reading } from '../time.js';

/**
 * Judges the rows that a store gave for a subject. Allow only if some grant covers the scope, has no recorded end, and
 * has `startsAt <= now` and `late < expiresAt`; a row that is malformed allows nothing and is told to `onMalformed`.
 *
 * The columns are looked at first, so that only a row that would matter is decoded: one for an ordinary yes.
 */
export function judge(
  rows: readonly Row[],
  subject: string,
  scope: string,
  matcher: ScopeMatcher,
  reading: Reading,
  leewayMs: number,
  onMalformed: (error: unknown) => void,
): Decision {
  let usable: Grant | undefined;
  let upcoming: Grant | undefined;
  for (const row of rows) {
    if (row.kind !== 'grant' || row.subject !== subject || !reaches(matcher, row.scope, scope)) continue;
    const { from, until } = row;
    const mayAllow = isUsable(row.open, from as number, until as number, reading);
    if (!mayAllow && !(row.open && (from as number) > reading.now)) continue;
    let grant: Grant;
    try {
      grant = decodeGrant(row);
    } catch (error) {
      onMalformed(error);
      continue;
    }
    // Both the one that ends last and the one that begins next bound how long the answer stands.
    if (mayAllow && (usable === undefined || grant.expiresAt > usable.expiresAt)) usable = grant;
    if (!mayAllow && (upcoming === undefined || grant.startsAt < upcoming.startsAt)) upcoming = grant;
  }
  const allowed = usable !== undefined;
  return {
    allowed,
    reason: allowed ? 'granted' : upcoming !== undefined ? 'not_started' : 'no_grant',
    subject,
    scope,
    at: reading.now,
    grant: usable ?? upcoming,
    pattern: undefined,
    validUntil: usable !== undefined ? usable.expiresAt - leewayMs : upcoming?.startsAt,
  };
}

function reaches(matcher: ScopeMatcher, granted: string | undefined, scope: string): boolean {
  return granted !== undefined && (matcher.exact ? granted === scope : matcher.covers(granted, scope));
}
