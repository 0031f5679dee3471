import type { AccessRequest, Grant } from './types.js';

/** The first instant at which a grant was no longer held: its effective end. */
export function heldUntil({ expiresAt, end }: Pick<Grant, 'expiresAt' | 'end'>): number {
  return end === undefined ? expiresAt : Math.min(expiresAt, end.at);
}

/** The next instant at which time alone changes a record; `undefined` once it has ended. */
export function dueAt(record: AccessRequest | Grant): number | undefined {
  if (record.end !== undefined) return undefined;
  if (record.kind === 'grant') return record.expiresAt;
  return record.approver === undefined ? Math.min(record.askAgainAt, record.reviewBy) : record.reviewBy;
}

/** The last instant that a record has on it: nothing that happens to it later is stamped earlier. */
export function lastInstant(record: AccessRequest | Grant): number {
  if (record.kind === 'grant') return Math.max(record.issuedAt, record.end?.at ?? 0);
  return Math.max(record.createdAt, record.assignedAt ?? 0, record.end?.at ?? 0, ...record.reviews.map((review) => review.at));
}
