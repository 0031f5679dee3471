import type { JsonObject } from '../../core/json.js';
import type { Row } from '../../core/store-port.js';
import { isPattern } from '../../core/scope.js';
import { isInstant } from '../../core/instant.js';
import { grantDueAt, effectiveEnd } from '../derived.js';
import { GRANT_ENDS } from '../ends.js';
import { DecodedOnce } from '../decoded-once.js';
import { makeGrant } from '../make.js';
import { isCount, isText, listOf, oneOf, optional, shape } from '../shape.js';
import type { Grant } from '../types.js';
import { bodyOf, columns, confirmed, corrupt, toJson, type Columns } from './columns.js';
import { end } from './ends.js';

/** A grant that ended before its start was never held: an empty window, not one that runs backwards. */
export function grantColumns(grant: Grant): Columns {
  const { subject, scope, end, issuedAt, startsAt, expiresAt } = grant;
  const until = Math.max(startsAt, effectiveEnd(grant));
  return columns(
    subject,
    scope,
    end === undefined,
    issuedAt,
    startsAt,
    until,
    grantDueAt(grant),
    end === undefined ? expiresAt : undefined,
  );
}

/** What the columns say, and what an ordinary grant has not, is left out. */
export function grantBody(grant: Grant): JsonObject {
  const { requestId, issuedAt, startsAt, expiresAt, firstStartsAt, activatedAt, warnAt, warnedAt, idleTtlMs, maxUses } = grant;
  return toJson({
    requestId,
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

const isTrue = oneOf(true);
const isGrantBody = /* @__PURE__ */ (() =>
  shape({
    requestId: isText,
    expiresAt: isInstant,
    firstStartsAt: optional(isInstant),
    extends: optional(isText),
    successors: optional(listOf(shape({ grantId: isText, at: isInstant }), 1)),
    breakGlass: optional(isTrue),
    asksAtStart: optional(isTrue),
    activatedAt: optional(isInstant),
    warnAt: optional(isInstant),
    warnedAt: optional(isInstant),
    idleTtlMs: optional(isCount),
    maxUses: optional(isCount),
    end: end(GRANT_ENDS),
  }))();

const NONE: Grant['successors'] = Object.freeze([]);

/** @throws CorruptError */
export function decodeGrant(row: Row): Grant {
  return DecodedOnce.grantOf(row, decoded);
}

function decoded(row: Row): Grant {
  const body = bodyOf<Grant>(row, 'grant') as Partial<Grant> & Pick<Grant, 'requestId' | 'expiresAt'>;
  const { id, scope, createdAt: issuedAt, from: startsAt } = row;
  if (!isGrantBody(body) || !isPattern(scope) || !isInstant(issuedAt) || !isInstant(startsAt)) throw corrupt(row);
  const { requestId, expiresAt, firstStartsAt, successors, breakGlass, asksAtStart, activatedAt, warnAt, warnedAt } = body;
  const { idleTtlMs, maxUses, end: ended, extends: origin } = body;
  const sound =
    id.startsWith(requestId) &&
    id[requestId.length] === '.' &&
    issuedAt <= startsAt &&
    startsAt < expiresAt &&
    // One that was issued with its start has no other activation than that, and nothing to ask at it.
    (issuedAt < startsAt || (activatedAt === undefined && asksAtStart === undefined)) &&
    // What extends another began before itself; without the one, the cap on the whole line would count from the other.
    (origin === undefined ? firstStartsAt === undefined : firstStartsAt !== undefined && firstStartsAt < startsAt) &&
    (activatedAt === undefined || startsAt <= activatedAt) &&
    (warnAt === undefined || warnAt < expiresAt) &&
    (warnedAt === undefined || warnAt !== undefined);
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
  return confirmed(row, grant, grantColumns(grant));
}
