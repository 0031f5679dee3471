import { CorruptError } from '../errors.js';
import type { JsonObject, JsonValue, Row } from '../ports.js';
import { isPattern } from '../scope.js';
import { isInstant } from '../time.js';
import { dueAt, heldUntil } from './derived.js';
import type { AccessRequest, Grant, GrantEnd, Quorum, RequestEnd, Review } from './types.js';

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
  return record.kind === 'grant' ? grantRow(record) : requestRow(record);
}

function grantRow(grant: Grant): Row {
  const { requestId, issuedAt, expiresAt, end } = grant;
  return {
    kind: 'grant',
    id: grant.id,
    version: grant.version,
    subject: grant.subject,
    scope: grant.scope,
    open: end === undefined,
    from: grant.startsAt,
    // A grant that ended before its start was never held: an empty window, not one that runs backwards.
    until: Math.max(grant.startsAt, heldUntil(grant)),
    dueAt: dueAt(grant),
    body: toJson({ requestId, issuedAt, expiresAt, end }),
  };
}

function requestRow(request: AccessRequest): Row {
  const { kind, id, version, subject, ...body } = request;
  return {
    kind,
    id,
    version,
    subject,
    scope: undefined,
    open: request.end === undefined,
    from: undefined,
    until: undefined,
    dueAt: dueAt(request),
    body: toJson(body),
  };
}

/** @throws CorruptError */
export function decodeGrant(row: Row): Grant {
  const { body } = row;
  const grant: Grant = Object.freeze({
    kind: 'grant',
    id: row.id,
    version: row.version,
    requestId: body['requestId'] as string,
    subject: row.subject as string,
    scope: row.scope as string,
    issuedAt: body['issuedAt'] as number,
    startsAt: row.from as number,
    expiresAt: body['expiresAt'] as number,
    end: body['end'] === undefined ? undefined : readEnd<GrantEnd>(row, body['end'], GRANT_ENDS),
  });
  const sound =
    row.kind === 'grant' &&
    isCount(grant.version) &&
    isText(grant.requestId) &&
    isText(grant.id) &&
    grant.id.startsWith(grant.requestId) &&
    /^\.\d+$/.test(grant.id.slice(grant.requestId.length)) &&
    isText(grant.subject) &&
    isPattern(grant.scope) &&
    isInstant(grant.issuedAt) &&
    isInstant(grant.startsAt) &&
    isInstant(grant.expiresAt) &&
    grant.startsAt < grant.expiresAt &&
    row.open === (grant.end === undefined) &&
    row.until === Math.max(grant.startsAt, heldUntil(grant)) &&
    (row.dueAt ?? undefined) === dueAt(grant) &&
    hasOnly(body, GRANT_FIELDS);
  if (!sound) throw corrupt(row);
  return grant;
}

/** @throws CorruptError */
export function decodeRequest(row: Row): AccessRequest {
  const { body } = row;
  const field = (name: string): JsonValue | undefined => body[name];
  const request: AccessRequest = Object.freeze({
    kind: 'request',
    id: row.id,
    version: row.version,
    subject: row.subject as string,
    requestedBy: field('requestedBy') as string,
    scopes: field('scopes') as readonly string[],
    ttlMs: field('ttlMs') as number,
    justification: field('justification') as string | undefined,
    ticket: field('ticket') as string | undefined,
    metadata: field('metadata') as JsonObject | undefined,
    createdAt: field('createdAt') as number,
    reviewBy: field('reviewBy') as number,
    askAgainAt: field('askAgainAt') as number,
    approver: field('approver') as string | undefined,
    assignedAt: field('assignedAt') as number | undefined,
    quorum: field('quorum') === undefined ? undefined : readQuorum(row, field('quorum')),
    reviews: readList(row, field('reviews')).map((review) => readReview(row, review)),
    end: field('end') === undefined ? undefined : readEnd<RequestEnd>(row, field('end'), REQUEST_ENDS),
  });
  const sound =
    row.kind === 'request' &&
    isText(request.id) &&
    isCount(request.version) &&
    isText(request.subject) &&
    isText(request.requestedBy) &&
    readList(row, request.scopes).length > 0 &&
    request.scopes.every(isPattern) &&
    isCount(request.ttlMs) &&
    isOptional(request.justification, 'string') &&
    isOptional(request.ticket, 'string') &&
    isOptional(request.metadata, 'object') &&
    isInstant(request.createdAt) &&
    isInstant(request.reviewBy) &&
    isInstant(request.askAgainAt) &&
    isOptional(request.approver, 'string') &&
    (request.assignedAt === undefined || isInstant(request.assignedAt)) &&
    row.open === (request.end === undefined) &&
    (row.dueAt ?? undefined) === dueAt(request) &&
    hasOnly(body, REQUEST_FIELDS);
  if (!sound) throw corrupt(row);
  return request;
}

const GRANT_FIELDS = ['requestId', 'issuedAt', 'expiresAt', 'end'];
const REQUEST_FIELDS = [
  'requestedBy',
  'scopes',
  'ttlMs',
  'justification',
  'ticket',
  'metadata',
  'createdAt',
  'reviewBy',
  'askAgainAt',
  'approver',
  'assignedAt',
  'quorum',
  'reviews',
  'end',
];
const GRANT_ENDS = { expired: ['time'], revoked: ['revoked', 'released'] };
const REQUEST_ENDS = {
  approved: ['approver', 'quorum'],
  denied: ['approver', 'quorum', 'abstained', 'ineligible'],
  cancelled: ['cancelled', 'revoked'],
  expired: ['time'],
};

function readEnd<End extends GrantEnd | RequestEnd>(row: Row, value: unknown, causes: Readonly<Record<string, readonly string[]>>): End {
  const { status, cause, at, by, reason } = readObject(row, value, ['status', 'cause', 'at', 'by', 'reason']);
  const known = isText(status) && Object.hasOwn(causes, status) && (causes[status]?.includes(cause as string) ?? false);
  if (!known || !isInstant(at) || !isText(by) || !isOptional(reason, 'string')) throw corrupt(row);
  return Object.freeze({ status, cause, at, by, reason }) as End;
}

function readQuorum(row: Row, value: unknown): Quorum {
  const { groups, denials, approvalTtlMs } = readObject(row, value, ['groups', 'denials', 'approvalTtlMs']);
  const read = readList(row, groups).map((group) => {
    const { name, approvals } = readObject(row, group, ['name', 'approvals']);
    if (!isText(name) || !isCount(approvals)) throw corrupt(row);
    return Object.freeze({ name, approvals });
  });
  if (read.length === 0 || !isCount(denials) || !(approvalTtlMs === undefined || isCount(approvalTtlMs))) throw corrupt(row);
  return Object.freeze({ groups: Object.freeze(read), denials, approvalTtlMs });
}

function readReview(row: Row, value: unknown): Review {
  const { reviewer, verdict, groups, at, reason } = readObject(row, value, ['reviewer', 'verdict', 'groups', 'at', 'reason']);
  const sound = isText(reviewer) && (verdict === 'approve' || verdict === 'deny') && isInstant(at) && isOptional(reason, 'string');
  if (!sound || !readList(row, groups).every(isText)) throw corrupt(row);
  return Object.freeze({ reviewer, verdict, groups: groups as readonly string[], at, reason: reason as string | undefined });
}

function readObject(row: Row, value: unknown, fields: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || !hasOnly(value, fields)) throw corrupt(row);
  return value as Readonly<Record<string, unknown>>;
}

function readList(row: Row, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw corrupt(row);
  return value;
}

function hasOnly(value: object, fields: readonly string[]): boolean {
  return Object.keys(value).every((key) => fields.includes(key));
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.length > 0;
const isCount = (value: unknown): value is number => isInstant(value) && value > 0;
const isOptional = (value: unknown, type: 'string' | 'object'): boolean => value === undefined || (typeof value === type && value !== null);

const corrupt = (row: Row): CorruptError => new CorruptError(String(row.kind), String(row.id), 'is not a row that this version writes');
