import type { JsonObject, Row } from '../../ports.js';
import { isPattern } from '../../scope.js';
import { isInstant } from '../../time.js';
import { GRANT_ENDS } from '../ends.js';
import { makeGrant } from '../make.js';
import { SettledRow } from '../settled-row.js';
import { isCount, isText, listOf, shape } from '../shape.js';
import type { Grant } from '../types.js';
import { bodyOf, confirmed, corrupt, toJson } from './columns.js';
import { end } from './ends.js';

/** What the columns say, and what an ordinary grant has not, is left out. */
export function grantBody(grant: Grant): JsonObject {
  const { requestId, issuedAt, startsAt, expiresAt, firstStartsAt, activatedAt, warnAt, warnedAt, idleTtlMs, maxUses } = grant;
  return toJson({
    requestId,
    issuedAt,
    expiresAt,
    firstStartsAt: firstStartsAt === startsAt ? undefined : firstStartsAt,
    extends: grant.extends,
    successors: grant.successors.length === 0 ? undefined : grant.successors,
    breakGlass: grant.breakGlass || undefined,
    asksAtStart: grant.asksAtStart || undefined,
    activatedAt: startsAt === issuedAt ? undefined : activatedAt,
    warnAt,
    warnedAt,
    idleTtlMs,
    maxUses,
    end: grant.end,
  });
}

const isGrantEnd = end(GRANT_ENDS);
const areSuccessors = listOf(shape({ grantId: isText, at: isInstant }), 1);
const isTrueOrAbsent = (value: unknown): boolean => value === undefined || value === true;
const NONE: Grant['successors'] = Object.freeze([]);

/** @throws CorruptError */
export function decodeGrant(row: Row): Grant {
  return SettledRow.grantOf(row, decoded);
}

/**
 * Written out field by field: it is on the path of every check of a store whose rows are not settled.
 *
 * @throws CorruptError
 */
function decoded(row: Row): Grant {
  const body = bodyOf<Grant>(row, 'grant');
  const { id, scope, from: startsAt } = row;
  const { requestId, issuedAt, expiresAt, firstStartsAt, successors, breakGlass, asksAtStart, activatedAt, warnAt, warnedAt } = body;
  const { idleTtlMs, maxUses, end: ended, extends: origin } = body;
  const sound =
    isPattern(scope) &&
    isText(requestId) &&
    id.startsWith(requestId) &&
    id[requestId.length] === '.' &&
    isInstant(issuedAt) &&
    isInstant(startsAt) &&
    isInstant(expiresAt) &&
    issuedAt <= startsAt &&
    startsAt < expiresAt &&
    // One that was issued with its start has no other activation than that, and nothing to ask at it.
    (issuedAt < startsAt || (activatedAt === undefined && asksAtStart === undefined)) &&
    // What extends another began before itself; without the one, the cap on the whole line would count from the other.
    (origin === undefined ? firstStartsAt === undefined : isText(origin) && isInstant(firstStartsAt) && firstStartsAt < startsAt) &&
    (successors === undefined || areSuccessors(successors)) &&
    isTrueOrAbsent(breakGlass) &&
    isTrueOrAbsent(asksAtStart) &&
    (activatedAt === undefined || (isInstant(activatedAt) && startsAt <= activatedAt)) &&
    (warnAt === undefined || (isInstant(warnAt) && warnAt < expiresAt)) &&
    (warnedAt === undefined || (isInstant(warnedAt) && warnAt !== undefined)) &&
    (idleTtlMs === undefined || isCount(idleTtlMs)) &&
    (maxUses === undefined || isCount(maxUses)) &&
    isGrantEnd(ended);
  if (!sound) throw corrupt(row);
  const grant = makeGrant({
    id,
    version: row.version,
    requestId,
    subject: row.subject as string,
    scope,
    issuedAt,
    startsAt,
    expiresAt,
    firstStartsAt: firstStartsAt ?? startsAt,
    extends: origin,
    successors: successors ?? NONE,
    breakGlass: breakGlass ?? false,
    asksAtStart: asksAtStart ?? false,
    activatedAt: issuedAt === startsAt ? startsAt : activatedAt,
    warnAt,
    warnedAt,
    idleTtlMs,
    maxUses,
    end: ended,
  });
  if (Object.keys(body).length !== fieldsOf(body)) throw corrupt(row);
  return confirmed(row, grant);
}

/** How many of the fields that a body may have it has. */
function fieldsOf({
  firstStartsAt,
  successors,
  breakGlass,
  asksAtStart,
  activatedAt,
  warnAt,
  warnedAt,
  idleTtlMs,
  maxUses,
  end: ended,
  extends: origin,
}: Partial<Grant>): number {
  let count = 3;
  if (firstStartsAt !== undefined) count++;
  if (successors !== undefined) count++;
  if (breakGlass !== undefined) count++;
  if (asksAtStart !== undefined) count++;
  if (activatedAt !== undefined) count++;
  if (warnAt !== undefined) count++;
  if (warnedAt !== undefined) count++;
  if (idleTtlMs !== undefined) count++;
  if (maxUses !== undefined) count++;
  if (ended !== undefined) count++;
  if (origin !== undefined) count++;
  return count;
}
