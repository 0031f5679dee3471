import type { JsonObject, JsonValue } from '../../core/json.js';
import { isObject, type AuditEntry, type EntryType } from '../../records/index.js';
import { misfit } from './misfit.js';
import type { Rebuild } from './rebuild.js';

type Write = (to: Rebuild, entry: AuditEntry, data: JsonObject) => void;

/** Asked for; with the subject's row, so that limits hold. */
const createRequest: Write = (to, entry, { version, subjectVersion, requesterVersion, ended = [], ...fields }) => {
  to.write(entry, 'request', entry.requestId, version, fields, true);
  touchSubjects(to, entry, subjectVersion, undefined);
  // Asked by somebody else: the row of whoever asked names it, and no longer what has ended.
  touchSubjects(to, entry, undefined, requesterVersion, (before) => ({
    ...before,
    openedForOthers: [...without(before.openedForOthers, ended), entry.requestId as string],
  }));
};

const amendRequest: Write = (to, entry, { version, subjectVersion, requesterVersion, ...fields }) => {
  to.write(entry, 'request', entry.requestId, version, fields);
  touchSubjects(to, entry, subjectVersion, requesterVersion);
};

/** A denial is noted on the subject's row, unless one of this request is there already. */
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

/** A reviewer has at most one word on a request: a later one replaces it. */
const reviewRequest: Write = (to, entry, { version, review, subjectVersion, forgotten }) => {
  const before = to.find('request', entry.requestId);
  const given = before === undefined || before === 'unproven' ? [] : (before.fields['reviews'] as readonly JsonValue[]);
  const others = given.filter((other) => reviewerOf(other) !== reviewerOf(review));
  to.write(entry, 'request', entry.requestId, version, { reviews: [...others, review] });
  noteDenial(to, entry, subjectVersion, forgotten);
};

const reviewerOf = (review: JsonValue | undefined): unknown => (isObject(review) ? (review as JsonObject)['reviewer'] : undefined);

/** What a subject's row lists, but for what it owes, which its requests say. */
interface Lists {
  readonly openedForOthers: readonly string[];
  readonly denied: readonly string[];
}

/** The rows of the subject, and of whoever asked for it, that a transition of their request has written. */
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

const reuse: Write = (to, entry, { reuseId, subject, askDigest }) => {
  to.require(entry, 'request', entry.requestId);
  to.write(entry, 'reuse', reuseId, 1, { subject, requestId: entry.requestId, askDigest }, true);
};

/** One that has an idle end, or uses, is counted from the start. */
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

/** A use under a key leaves a record of its own. */
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
  // Said only where the grant covers more than what was asked for.
  const scope = useScope ?? grant.fields['scope'];
  to.write(entry, 'use', useId, 1, { subject, scope, grantId, at: usedAt, expiresAt, usesLeft: Number(maxUses) - Number(uses) }, true);
};

const closeUsage: Write = (to, entry, { usageVersion, endedAt }) => to.write(entry, 'usage', entry.grantId, usageVersion, { endedAt });

const recordProvisioning: Write = (to, entry, { provisioningId, version, ...fields }) =>
  to.write(entry, 'provisioning', provisioningId, version, fields);

const purge: Write = (to, entry, { horizon, removed = [], trimmedTo = 0 }) => {
  const areKeys = Array.isArray(removed) && removed.every((key) => isObject(key) && typeof (key as JsonObject)['id'] === 'string');
  if (!areKeys) throw misfit(entry.seq, 'does not name the records that it removed');
  to.purge(entry, horizon, removed, Number(trimmedTo));
};

const nothing: Write = () => undefined;

/** What each type of entry says of which record. */
export const WRITES: Readonly<Record<EntryType, Write>> = {
  'request.created': createRequest,
  'request.assigned': amendRequest,
  'request.reused': reuse,
  'request.reviewed': reviewRequest,
  'request.escalated': amendRequest,
  'request.approved': amendRequest,
  'request.denied': denyRequest,
  'request.cancelled': amendRequest,
  'request.expired': amendRequest,
  'grant.issued': issueGrant,
  'grant.activated': amendGrant,
  'grant.extended': amendGrant,
  'grant.warned': amendGrant,
  'grant.used': countUse,
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
  'attempt.refused': nothing,
  'journal.purged': purge,
  'journal.accepted': nothing,
  'clock.accepted': nothing,
};
