import type { Row } from '../core/store-port.js';
import { GRANT_ENDS } from '../model/ends.js';
import type { Grant, GrantEnd, Successor } from '../model/grant.js';
import type { RequestEnd } from '../model/request.js';
import { DecodedOnce } from './decoded-once.js';
import { effectiveEnd, grantDueAt } from './derived.js';
import {
  anyText,
  column,
  count,
  headOf,
  instant,
  list,
  oneOf,
  optional,
  scope,
  set,
  sparse,
  struct,
  subject,
  text,
  variants,
} from './fields.js';
import { frozenList, NONE } from './frozen.js';
import { columns, confirmed, corrupt, fieldsOf, rowCheck, type Columns, type Kind } from './kind.js';

export function makeGrant(fields: Omit<Grant, 'kind'>): Grant {
  return Object.freeze({
    kind: 'grant',
    id: fields.id,
    version: fields.version,
    requestId: fields.requestId,
    subject: fields.subject,
    scope: fields.scope,
    issuedAt: fields.issuedAt,
    startsAt: fields.startsAt,
    expiresAt: fields.expiresAt,
    firstStartsAt: fields.firstStartsAt,
    extends: fields.extends,
    successors: frozenList(fields.successors.map(makeSuccessor)),
    breakGlass: fields.breakGlass,
    asksAtStart: fields.asksAtStart,
    activatedAt: fields.activatedAt,
    warnAt: frozenList(fields.warnAt),
    warnedAt: frozenList(fields.warnedAt),
    idleTtlMs: fields.idleTtlMs,
    maxUses: fields.maxUses,
    end: fields.end && makeEnd(fields.end),
  });
}

const makeSuccessor = ({ grantId, at }: Successor): Successor => Object.freeze({ grantId, at });

export function makeEnd<End extends RequestEnd | GrantEnd>({ status, cause, at, by, reason }: End): End {
  return Object.freeze({ status, cause, at, by, reason }) as End;
}

const table = /* @__PURE__ */ (() => {
  const how = { at: instant, by: text, reason: optional(anyText) };
  const end = variants<GrantEnd>()('status')({
    expired: { cause: oneOf(...GRANT_ENDS.expired), ...how },
    revoked: { cause: oneOf(...GRANT_ENDS.revoked), ...how },
  });
  return struct<Grant>()({
    ...headOf('grant'),
    requestId: text,
    subject,
    scope,
    issuedAt: column('createdAt', instant),
    startsAt: column('from', instant),
    expiresAt: instant,
    firstStartsAt: sparse(instant),
    extends: optional(text),
    successors: sparse(list(struct<Successor>()({ grantId: text, at: instant }), 1)),
    breakGlass: sparse(set),
    asksAtStart: sparse(set),
    activatedAt: optional(instant),
    // Each grant has both, so their names in the body are short.
    warnAt: sparse(list(instant, 1), 'warn'),
    warnedAt: sparse(list(instant, 1), 'warned'),
    idleTtlMs: optional(count),
    maxUses: optional(count),
    end: optional(end),
  });
})();

const bodyOf = /* @__PURE__ */ rowCheck(table);

/** A grant that ended before its start was never held. Its window is empty: `until` never lies before `from`. */
function columnsOf(grant: Grant): Columns {
  const { subject, scope, end, issuedAt, startsAt, expiresAt } = grant;
  const until = Math.max(startsAt, effectiveEnd(grant));
  const sortAt = end === undefined ? expiresAt : undefined;
  return columns(subject, scope, end === undefined, issuedAt, startsAt, until, grantDueAt(grant), sortAt);
}

export const GRANT = /* @__PURE__ */ ((): Kind<Grant> => ({
  fields: fieldsOf(table),
  make: makeGrant,
  columnsOf,
  decode: decodeGrant,
  /** Omits what follows from other fields, so that rows stay small. */
  stored: (grant) => ({
    ...grant,
    firstStartsAt: grant.firstStartsAt === grant.startsAt ? undefined : grant.firstStartsAt,
    activatedAt: grant.startsAt === grant.issuedAt ? undefined : grant.activatedAt,
  }),
}))();

/** The body of a grant's row. */
type Body = Partial<Grant> &
  Pick<Grant, 'requestId' | 'expiresAt'> & { readonly warn?: readonly number[]; readonly warned?: readonly number[] };

/** @throws CorruptError */
export function decodeGrant(row: Row): Grant {
  return DecodedOnce.grantOf(row, decoded);
}

function decoded(row: Row): Grant {
  const body = bodyOf(row) as Body | undefined;
  if (body === undefined) throw corrupt(row);
  const { requestId, expiresAt, firstStartsAt, activatedAt } = body;
  const { id, createdAt: issuedAt } = row;
  const startsAt = row.from as number;
  const { warn = NONE, warned = NONE, asksAtStart = false } = body;
  const isSound =
    id.startsWith(requestId) &&
    id[requestId.length] === '.' &&
    issuedAt <= startsAt &&
    startsAt < expiresAt &&
    // A grant that starts when it is issued needs no activation, and the engine asks nothing at its start.
    (issuedAt < startsAt || (activatedAt === undefined && !asksAtStart)) &&
    // An extension names the earlier first start of its chain. Without it, `maxTotal` would count from the extension itself.
    (body.extends === undefined ? firstStartsAt === undefined : firstStartsAt !== undefined && firstStartsAt < startsAt) &&
    (activatedAt === undefined || startsAt <= activatedAt) &&
    (warn.at(-1) ?? 0) < expiresAt &&
    warned.length <= warn.length;
  if (!isSound) throw corrupt(row);
  const grant = makeGrant({
    id,
    version: row.version,
    requestId,
    subject: row.subject as string,
    scope: row.scope as string,
    issuedAt,
    startsAt,
    expiresAt,
    firstStartsAt: firstStartsAt ?? startsAt,
    extends: body.extends,
    successors: body.successors ?? NONE,
    breakGlass: body.breakGlass ?? false,
    asksAtStart,
    activatedAt: issuedAt === startsAt ? startsAt : activatedAt,
    warnAt: warn,
    warnedAt: warned,
    idleTtlMs: body.idleTtlMs,
    maxUses: body.maxUses,
    end: body.end,
  });
  return confirmed(row, grant, columnsOf(grant));
}
