import type { JsonObject, JsonValue } from '../../model/json.js';
import { isObject, LOCK_ROW, type AuditEntry, type EntryType } from '../../records/index.js';
import { misfit } from './misfit.js';
import type { Rebuild } from './rebuild.js';

type Write = (to: Rebuild, entry: AuditEntry, data: JsonObject) => void;

/** Creates a request. Its change also wrote the subject's row, which enforces the limits. */
const createRequest: Write = (to, entry, { version, subjectVersion, requesterVersion, ended = [], ...fields }) => {
  to.write(entry, 'request', entry.requestId, version, fields, true);
  touchSubjects(to, entry, subjectVersion, undefined);
  // If the requester is not the subject, the requester's row lists this request, and its ended requests leave the list.
  touchSubjects(to, entry, undefined, requesterVersion, (before) => ({
    ...before,
    openedForOthers: [...without(before.openedForOthers, ended), entry.requestId as string],
  }));
};

const amendRequest: Write = (to, entry, { version, subjectVersion, requesterVersion, ...fields }) => {
  to.write(entry, 'request', entry.requestId, version, fields);
  touchSubjects(to, entry, subjectVersion, requesterVersion);
};

/** Approves a request. Its change also wrote the row of each rule with `maxHolders` under which it issued grants. */
const approveRequest: Write = (to, entry, { holders = [], ...data }) => {
  amendRequest(to, entry, data);
  if (!Array.isArray(holders)) throw new TypeError('no list');
  for (const { id, version, ...fields } of holders as readonly JsonObject[]) to.write(entry, 'holders', id, version, fields);
};

/** Denies a request. With a `subjectVersion`, the change also listed the denial on the subject's row. */
const denyRequest: Write = (to, entry, { version, subjectVersion, forgotten, ...fields }) => {
  to.write(entry, 'request', entry.requestId, version, fields);
  noteDenial(to, entry, subjectVersion, forgotten);
};

function noteDenial(to: Rebuild, entry: AuditEntry, subjectVersion: unknown, forgotten: JsonValue = []): void {
  touchSubjects(to, entry, subjectVersion, undefined, (before) => ({
    ...before,
    denied: [...without(before.denied, forgotten), entry.requestId as string],
  }));
}

const without = (ids: readonly string[], gone: JsonValue): readonly string[] => {
  if (!Array.isArray(gone)) throw new TypeError('no list');
  return ids.filter((id) => !gone.includes(id));
};

/** A reviewer has at most one review on a request. A later one replaces it. */
const reviewRequest: Write = (to, entry, { version, review, subjectVersion, forgotten }) => {
  const before = to.find('request', entry.requestId);
  const given = before === undefined || before === 'unproven' ? [] : (before.fields['reviews'] as readonly JsonValue[]);
  const others = given.filter((other) => reviewerOf(other) !== reviewerOf(review));
  to.write(entry, 'request', entry.requestId, version, { reviews: [...others, review] });
  noteDenial(to, entry, subjectVersion, forgotten);
};

const reviewerOf = (review: JsonValue | undefined): unknown => (isObject(review) ? (review as JsonObject)['reviewer'] : undefined);

/** The lists of a subject's row, except `unreviewed`: that one follows from the requests. */
interface Lists {
  readonly openedForOthers: readonly string[];
  readonly denied: readonly string[];
}

/** Applies the writes of a request's transition to the rows of its subject and its requester. */
function touchSubjects(
  to: Rebuild,
  entry: AuditEntry,
  subjectVersion: unknown,
  requesterVersion: unknown,
  change: (before: Lists) => Lists = (before) => before,
): void {
  const request = to.find('request', entry.requestId);
  if (request === undefined || request === 'unproven') return;
  const { subject, requestedBy } = request.fields;
  const touch = (id: unknown, version: unknown): void => {
    const draft = to.find('subject', id);
    const lists: Partial<Lists> = draft === undefined || draft === 'unproven' ? {} : draft.fields;
    const { openedForOthers = [], denied = [] } = lists;
    to.write(entry, 'subject', id, version, { ...change({ openedForOthers, denied }) });
  };
  if (subjectVersion !== undefined) touch(subject, subjectVersion);
  if (requesterVersion !== undefined) touch(requestedBy, requesterVersion);
}

/** Records a comment. It depends on the request's version and does not change it. */
const recordComment: Write = (to, entry, { commentId, subject, text, keyId }) => {
  const { requestId, actor: by, at } = entry;
  to.require(entry, 'request', requestId);
  to.write(entry, 'comment', commentId, 1, { requestId, subject, by, text, at, keyId }, true);
};

const reuse: Write = (to, entry, { reuseId, subject, askDigest }) => {
  to.require(entry, 'request', entry.requestId);
  to.write(entry, 'reuse', reuseId, 1, { subject, requestId: entry.requestId, askDigest }, true);
};

/** Issues a grant. A grant with an idle end or a number of uses gets its usage row in the same change. */
const issueGrant: Write = (to, entry, { version, ...fields }) => {
  const { requestId, grantId } = entry;
  to.require(entry, 'request', requestId);
  to.write(entry, 'grant', grantId, version, { requestId, warnedAt: [], ...fields }, true);
  const { subject, scope, startsAt, expiresAt, idleTtlMs, maxUses } = fields;
  if (idleTtlMs === undefined && maxUses === undefined) return;
  to.write(entry, 'usage', grantId, 1, { subject, scope, startsAt, expiresAt, idleTtlMs, uses: 0 }, true);
};

const amendGrant: Write = (to, entry, { version, usageVersion, ...fields }) => {
  to.write(entry, 'grant', entry.grantId, version, fields);
  const { end } = fields;
  // A revoke leaves the usage to the sweep.
  if (usageVersion !== undefined)
    to.write(entry, 'usage', entry.grantId, usageVersion, { endedAt: isObject(end) && (end as JsonObject)['at'] });
};

/** Counts a use. A use under an idempotency key also creates a `use` record. */
const countUse: Write = (to, entry, { usageVersion, usedAt, uses, useId, useScope }) => {
  const { grantId } = entry;
  to.write(entry, 'usage', grantId, usageVersion, { usedAt, uses });
  if (useId === undefined) return;
  const grant = to.find('grant', grantId);
  if (grant === undefined || grant === 'unproven') {
    to.doubt('use', useId as string);
    return;
  }
  const { subject, expiresAt, maxUses } = grant.fields;
  // The entry has `useScope` only if it differs from the grant's scope.
  const scope = useScope ?? grant.fields['scope'];
  to.write(entry, 'use', useId, 1, { subject, scope, grantId, at: usedAt, expiresAt, usesLeft: Number(maxUses) - Number(uses) }, true);
};

/** Records checks that a grant allowed. The first record of a grant creates its activity row. */
const recordActivity: Write = (to, entry, { activityVersion, ...fields }) => {
  to.require(entry, 'grant', entry.grantId);
  to.write(entry, 'activity', entry.grantId, activityVersion, fields, activityVersion === 1);
};

const closeUsage: Write = (to, entry, { usageVersion, endedAt }) => to.write(entry, 'usage', entry.grantId, usageVersion, { endedAt });

const recordProvisioning: Write = (to, entry, { provisioningId, version, ...fields }) =>
  to.write(entry, 'provisioning', provisioningId, version, fields);

const recordLocks: Write = (to, entry, { version, ...fields }) => to.write(entry, 'lock', LOCK_ROW.id, version, fields);

const purge: Write = (to, entry, { horizon, removed = [], trimmedTo = 0 }) => {
  const areKeys = Array.isArray(removed) && removed.every((key) => isObject(key) && typeof (key as JsonObject)['id'] === 'string');
  if (!areKeys) throw misfit(entry.seq, 'does not name the records that it removed');
  to.purge(entry, horizon, removed, Number(trimmedTo));
};

const nothing: Write = () => undefined;

/** The write of each type of entry. */
export const WRITES: Readonly<Record<EntryType, Write>> = {
  'request.created': createRequest,
  'request.assigned': amendRequest,
  'request.reused': reuse,
  'request.reviewed': reviewRequest,
  'request.stepped': amendRequest,
  'request.escalated': amendRequest,
  'request.reminded': amendRequest,
  'request.commented': recordComment,
  'request.approved': approveRequest,
  'request.denied': denyRequest,
  'request.cancelled': amendRequest,
  'request.expired': amendRequest,
  'grant.issued': issueGrant,
  'grant.activated': amendGrant,
  'grant.extended': amendGrant,
  'grant.warned': amendGrant,
  'grant.used': countUse,
  'grant.seen': recordActivity,
  'grant.expired': amendGrant,
  'grant.revoked': amendGrant,
  'usage.closed': closeUsage,
  'breakGlass.overdue': amendRequest,
  'breakGlass.reviewed': amendRequest,
  'provisioning.intended': recordProvisioning,
  'provisioning.failed': recordProvisioning,
  'provisioning.done': recordProvisioning,
  'provisioning.stuck': recordProvisioning,
  'provisioning.retried': recordProvisioning,
  'provisioning.dismissed': recordProvisioning,
  'lock.set': recordLocks,
  'lock.completed': recordLocks,
  'lock.lifted': recordLocks,
  'lock.expired': recordLocks,
  'attempt.refused': nothing,
  'journal.purged': purge,
  'journal.accepted': nothing,
  'clock.accepted': nothing,
};
