import { CorruptError } from '../errors.js';
import type { JsonObject, Row } from '../ports.js';
import { isPattern } from '../scope.js';
import { isInstant } from '../time.js';
import { dueAt, heldUntil } from './derived.js';
import { makeGrant, makeRequest } from './make.js';
import { isCount, isObject, isText, listOf, oneOf, optional, shape, type Check } from './shape.js';
import type { AccessRequest, Grant } from './types.js';

/*
 * The one strict codec between rows and records. What a column says is not repeated in the body, except `expiresAt`:
 * the column `until` becomes the effective end. Decoding derives every column anew and compares, so a row that was
 * changed outside, written by a newer version, or cut short is malformed, and a malformed row gives nothing.
 */

/** Plain JSON of an object's defined fields. */
export function toJson(fields: object): JsonObject {
  return JSON.parse(JSON.stringify(fields)) as JsonObject;
}

export function encode(record: AccessRequest | Grant): Row {
  const { kind, id, version, subject, ...rest } = record;
  // Columns, and what `requestId` and the rest of a grant say, are not written twice.
  const body =
    record.kind === 'grant'
      ? { requestId: record.requestId, issuedAt: record.issuedAt, expiresAt: record.expiresAt, end: record.end }
      : rest;
  return { kind, id, version, subject, ...columnsOf(record), body: toJson(body) };
}

/** What the columns of a record must be. */
function columnsOf(record: AccessRequest | Grant): Pick<Row, 'scope' | 'open' | 'from' | 'until' | 'dueAt'> {
  const isGrant = record.kind === 'grant';
  return {
    scope: isGrant ? record.scope : undefined,
    open: record.end === undefined,
    from: isGrant ? record.startsAt : undefined,
    // A grant that ended before its start was never held: an empty window, not one that runs backwards.
    until: isGrant ? Math.max(record.startsAt, heldUntil(record)) : undefined,
    dueAt: dueAt(record),
  };
}

const end = (causes: Readonly<Record<string, readonly string[]>>): Check => {
  const checks = Object.entries(causes).map(([status, allowed]) =>
    shape({
      status: oneOf(status),
      cause: oneOf(...allowed),
      at: isInstant,
      by: isText,
      reason: optional((value) => typeof value === 'string'),
    }),
  );
  return optional((value) => checks.some((check) => check(value)));
};

const isGrantEnd = end({ expired: ['time'], revoked: ['revoked', 'released'] });

const isRequestBody = shape({
  requestedBy: isText,
  scopes: listOf(isPattern, 1),
  ttlMs: isCount,
  justification: optional((value) => typeof value === 'string'),
  ticket: optional((value) => typeof value === 'string'),
  metadata: optional(isObject),
  createdAt: isInstant,
  reviewBy: isInstant,
  askAgainAt: isInstant,
  approver: optional(isText),
  assignedAt: optional(isInstant),
  quorum: optional(
    shape({ groups: listOf(shape({ name: isText, approvals: isCount }), 1), denials: isCount, approvalTtlMs: optional(isCount) }),
  ),
  reviews: listOf(
    shape({
      reviewer: isText,
      verdict: oneOf('approve', 'deny'),
      groups: listOf(isText),
      at: isInstant,
      reason: optional((value) => typeof value === 'string'),
    }),
  ),
  end: end({
    approved: ['approver', 'quorum'],
    denied: ['approver', 'quorum', 'abstained', 'ineligible'],
    cancelled: ['cancelled', 'revoked'],
    expired: ['time'],
  }),
});

/**
 * Written out field by field: it is on the path of every check.
 *
 * @throws CorruptError
 */
export function decodeGrant(row: Row): Grant {
  refuseNonRow(row);
  const { id, version, subject, scope, from: startsAt } = row;
  const body: unknown = row.body;
  if (isObject(body) && isText(id) && isPattern(scope) && isInstant(startsAt)) {
    const { requestId, issuedAt, expiresAt, end: ended } = body as Grant;
    const sound =
      isText(requestId) &&
      id.startsWith(requestId) &&
      id[requestId.length] === '.' &&
      isInstant(issuedAt) &&
      isInstant(expiresAt) &&
      startsAt < expiresAt &&
      isGrantEnd(ended) &&
      Object.keys(body).length === (ended === undefined ? 3 : 4);
    if (sound) {
      const grant = makeGrant({ id, version, requestId, subject: subject as string, scope, issuedAt, startsAt, expiresAt, end: ended });
      if (agrees(row, grant)) return grant;
    }
  }
  throw corrupt(row);
}

/** @throws CorruptError */
export function decodeRequest(row: Row): AccessRequest {
  refuseNonRow(row);
  const { id, version, subject } = row;
  const body = row.body as unknown as AccessRequest;
  if (isRequestBody(body) && isConsistent(body)) {
    const request = makeRequest({ ...body, id, version, subject: subject as string });
    if (agrees(row, request)) return request;
  }
  throw corrupt(row);
}

/** Nobody's review is counted twice, no group is asked twice, and a quorum is somebody's. */
function isConsistent({ reviews, quorum, approver, assignedAt }: AccessRequest): boolean {
  const reviewers = reviews.map((review) => review.reviewer);
  const groups = quorum?.groups.map((group) => group.name) ?? [];
  const isAssigned = approver !== undefined && assignedAt !== undefined;
  return new Set(reviewers).size === reviewers.length && new Set(groups).size === groups.length && (quorum === undefined || isAssigned);
}

function agrees(row: Row, record: AccessRequest | Grant): boolean {
  const columns = columnsOf(record);
  return (
    row.kind === record.kind &&
    isText(row.id) &&
    isCount(row.version) &&
    isText(row.subject) &&
    row.scope === columns.scope &&
    row.open === columns.open &&
    row.from === columns.from &&
    row.until === columns.until &&
    row.dueAt === columns.dueAt
  );
}

function refuseNonRow(row: unknown): void {
  if (!isObject(row)) throw new CorruptError('row', String(row), 'is no row at all');
}

const corrupt = (row: Row): CorruptError => new CorruptError(String(row.kind), String(row.id), 'is not a row that this version writes');
