import type { AccessRequest, Grant, GrantEnd, RequestEnd } from './types.js';

/*
 * Each kind of record is built here and nowhere else, by one literal with all fields in one order, so that all records
 * of a kind have one hidden class. Measured: records that are spread into `Object.freeze` make a check ten times slower.
 */

export function makeRequest(fields: Omit<AccessRequest, 'kind'>): AccessRequest {
  return Object.freeze({
    kind: 'request',
    id: fields.id,
    version: fields.version,
    subject: fields.subject,
    requestedBy: fields.requestedBy,
    scopes: Object.freeze(fields.scopes),
    ttlMs: fields.ttlMs,
    justification: fields.justification,
    ticket: fields.ticket,
    metadata: fields.metadata,
    createdAt: fields.createdAt,
    reviewBy: fields.reviewBy,
    askAgainAt: fields.askAgainAt,
    approver: fields.approver,
    assignedAt: fields.assignedAt,
    quorum: fields.quorum,
    reviews: Object.freeze(fields.reviews),
    end: fields.end,
  });
}

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
    end: fields.end,
  });
}

export function makeEnd<End extends RequestEnd | GrantEnd>({ status, cause, at, by, reason }: End): End {
  return Object.freeze({ status, cause, at, by, reason }) as End;
}
