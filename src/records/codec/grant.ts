import type { JsonObject } from '../../model/json.js';
import type { Row } from '../../core/store-port.js';
import { isPattern } from '../../core/scope.js';
import { isInstant } from '../../core/instant.js';
import { grantDueAt, effectiveEnd } from '../derived.js';
import { GRANT_ENDS } from '../../model/ends.js';
import { DecodedOnce } from '../decoded-once.js';
import { makeGrant, NONE } from '../make.js';
import { isCount, isText, listOf, oneOf, optional, shape } from '../shape.js';
import type { Grant } from '../../model/types.js';
import { bodyOf, columns, confirmed, corrupt, toJson, type Columns } from './columns.js';
import { end } from './ends.js';

/** A grant that ended before its start was never held. Its window is empty: `until` never lies before `from`. */
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

/** Omits the fields that the columns hold, and the default values, so that rows stay small. */
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
    warn: warnAt.length === 0 ? undefined : warnAt,
    warned: warnedAt.length === 0 ? undefined : warnedAt,
    idleTtlMs,
    maxUses,
    end: grant.end,
  });
}

const isTrue = /* @__PURE__ */ oneOf(true);
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
    warn: optional(listOf(isInstant, 1)),
    warned: optional(listOf(isInstant, 1)),
    idleTtlMs: optional(isCount),
    maxUses: optional(isCount),
    end: end(GRANT_ENDS),
  }))();

/** The body of a grant's row. `warnAt` and `warnedAt` have shorter names there, because each grant has them. */
type Body = Partial<Grant> &
  Pick<Grant, 'requestId' | 'expiresAt'> & { readonly warn?: readonly number[]; readonly warned?: readonly number[] };

/** @throws CorruptError */
export function decodeGrant(row: Row): Grant {
  return DecodedOnce.grantOf(row, decoded);
}

function decoded(row: Row): Grant {
  const body = bodyOf<Grant>(row, 'grant') as Body;
  const { id, scope, createdAt: issuedAt, from: startsAt } = row;
  if (!isGrantBody(body) || !isPattern(scope) || !isInstant(issuedAt) || !isInstant(startsAt)) throw corrupt(row);
  const {
    requestId,
    expiresAt,
    firstStartsAt,
    extends: origin,
    successors = NONE,
    breakGlass = false,
    asksAtStart = false,
    activatedAt,
    warn = NONE,
    warned = NONE,
    idleTtlMs,
    maxUses,
    end: ended,
  } = body;
  const sound =
    id.startsWith(requestId) &&
    id[requestId.length] === '.' &&
    issuedAt <= startsAt &&
    startsAt < expiresAt &&
    // A grant that starts when it is issued needs no activation, and the engine asks nothing at its start.
    (issuedAt < startsAt || (activatedAt === undefined && !asksAtStart)) &&
    // An extension names the earlier first start of its chain. Without it, `maxTotal` would count from the extension itself.
    (origin === undefined ? firstStartsAt === undefined : firstStartsAt !== undefined && firstStartsAt < startsAt) &&
    (activatedAt === undefined || startsAt <= activatedAt) &&
    (warn.at(-1) ?? 0) < expiresAt &&
    warned.length <= warn.length;
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
    successors,
    breakGlass,
    asksAtStart,
    activatedAt: issuedAt === startsAt ? startsAt : activatedAt,
    warnAt: warn,
    warnedAt: warned,
    idleTtlMs,
    maxUses,
    end: ended,
  });
  return confirmed(row, grant, grantColumns(grant));
}
