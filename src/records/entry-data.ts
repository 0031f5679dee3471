import type { Activity } from '../model/activity.js';
import type { RequestComment } from '../model/comment.js';
import type { Holders } from '../model/holders.js';
import type { Locks } from '../model/lock.js';
import type { QuorumGroup, Review } from '../model/review.js';
import type { Anchor } from '../model/entry.js';
import type { Grant } from '../model/grant.js';
import type { ProvisioningChange } from '../model/provisioning.js';
import type { AccessRequest } from '../model/request.js';
import type { AskedRequest } from './request.js';
import type { Usage } from '../model/usage.js';

/** The row of the subject, which the transition wrote too. */
interface WithSubjectRow {
  /** The version of the subject's row after the transition. `undefined`: the transition did not write it. */
  readonly subjectVersion: number | undefined;
}

/** The row of a requester who is not the subject. */
interface WithRequesterRow {
  /** The version of the row of a requester who is not the subject. `undefined`: the transition did not write it. */
  readonly requesterVersion: number | undefined;
}

/** A denial, which the subject's row lists. */
interface WithDenial extends WithSubjectRow {
  /** The ids of denied requests that were removed from the subject's row to make room for this denial. */
  readonly forgotten: readonly string[] | undefined;
}

type VerdictFields = 'version' | 'end' | 'approver' | 'rule' | 'terms' | 'reviews';

interface RequestCreated
  extends Omit<AskedRequest, 'kind' | 'id' | 'metadata'>, Pick<AccessRequest, 'reviews'>, WithSubjectRow, WithRequesterRow {
  /** The SHA-256 of the metadata: 64 lower-case hex digits. */
  readonly metadataHash: string | undefined;
  /** The ids of ended requests that were removed from the requester's row, which lists the requests that it opened for others. */
  readonly ended: readonly string[] | undefined;
}

interface RequestReused {
  /** The id of the record that links the key to the request. Derived from the key. */
  readonly reuseId: string;
  /** The identity that would hold the access. */
  readonly subject: string;
  /** The digest of the ask: 64 lower-case hex digits. */
  readonly askDigest: string;
}

interface RequestReviewed extends Pick<AccessRequest, 'version'>, WithDenial {
  /** The review. It replaces an earlier review of the same reviewer. */
  readonly review: Review;
}

interface RequestCommented extends Pick<RequestComment, 'subject' | 'text' | 'keyId'> {
  /** The id of the comment's record: `<request id>.<n>`. */
  readonly commentId: string;
}

interface RequestApproved extends Pick<AccessRequest, VerdictFields | 'afterReview'>, WithSubjectRow, WithRequesterRow {
  /** The records of the rules with `maxHolders` under which the change issued grants, after the change. `undefined`: none. */
  readonly holders: readonly Omit<Holders, 'kind'>[] | undefined;
}

interface RequestDenied extends Pick<AccessRequest, VerdictFields>, WithDenial {}

interface RequestCancelled extends Pick<AccessRequest, VerdictFields | 'replacedBy'> {
  /** The subject or requester for whom the actor cancelled it. `undefined`: the actor is one of them, or may cancel every request. */
  readonly onBehalfOf: string | undefined;
}

interface BreakGlassReviewed extends Pick<AccessRequest, 'version' | 'afterReview'>, WithSubjectRow, WithRequesterRow {}

type GrantIssued = Omit<Grant, 'kind' | 'id' | 'requestId' | 'warnedAt' | 'end'>;

/** Entries of one change that say the same about several grants of a request, so that people get one notice. */
interface NoticedTogether {
  /** The scopes of the other grants, on the first of their entries. `undefined`: there are no others, or another entry is the first. */
  readonly alsoScopes: readonly string[] | undefined;
  /** The id of the grant of the first entry, on the other entries: these give no notice. */
  readonly noticeWith: string | undefined;
}

interface GrantWarned extends NoticedTogether, Pick<Grant, 'version' | 'warnedAt' | 'subject' | 'scope' | 'expiresAt'> {
  /** The time from the instant of the warning to the expiry. Milliseconds. */
  readonly beforeMs: number;
}

interface GrantUsed extends Pick<Usage, 'usedAt' | 'uses'> {
  /** The version of the grant's usage row after the use. */
  readonly usageVersion: number;
  /** The id of the use, derived from the idempotency key. `undefined`: the caller gave no key. */
  readonly useId: string | undefined;
  /** The scope of the use, if it has a key and the scope differs from the grant's. */
  readonly useScope: string | undefined;
}

interface GrantSeen extends Pick<Activity, 'firstUsedAt' | 'lastUsedAt' | 'count' | 'subject' | 'scope'> {
  /** The version of the grant's activity record after the write. */
  readonly activityVersion: number;
}

interface GrantExpired extends NoticedTogether, Pick<Grant, 'version' | 'end' | 'subject' | 'scope'> {
  /** The version of the grant's usage row after the expiry. `undefined`: the grant has none. */
  readonly usageVersion: number | undefined;
}

interface GrantRevoked extends NoticedTogether, Pick<Grant, 'version' | 'end' | 'subject' | 'scope'> {}

interface UsageClosed extends Pick<Usage, 'endedAt'> {
  /** The version of the grant's usage row after the transition. */
  readonly usageVersion: number;
}

interface ProvisioningIntended extends Omit<ProvisioningChange, 'kind' | 'id' | 'problem' | 'outcome'> {
  /** The id of the provisioning change, derived from name, subject and scope. */
  readonly provisioningId: string;
}

interface ProvisioningTried extends ProvisioningIntended, Pick<ProvisioningChange, 'problem'> {}

interface ProvisioningEnded extends ProvisioningTried, Pick<ProvisioningChange, 'outcome'> {}

/** Each entry of a lock has the whole row of locks, so that one entry says what is locked from then on. */
interface LockChanged extends Pick<Locks, 'version' | 'locks' | 'ended'> {
  /** The id of the lock that the entry is about. */
  readonly lockId: string;
}

interface LockGiven extends LockChanged {
  /** Why, in the caller's words. */
  readonly reason: string | undefined;
}

interface AttemptRefused {
  /** The code of the error that refused the attempt, or `dry_run`. */
  readonly code: string;
  /** The number of attempts that this entry counts. */
  readonly count: number;
  /** The requested scopes, at most 5. */
  readonly scopes: readonly string[] | undefined;
  /** The number of further requested scopes. */
  readonly moreScopes: number | undefined;
  /** `true`: the attempt asked for break-glass access. */
  readonly breakGlass: boolean | undefined;
}

interface JournalPurged {
  /** The purge horizon: questions about earlier instants are refused from now on. Epoch milliseconds. */
  readonly horizon: number;
  /** The removed rows. `undefined`: this entry removed none. */
  readonly removed: readonly { readonly kind: string; readonly id: string }[] | undefined;
  /** The number of the last entry that was trimmed. `undefined`: the journal was not trimmed. */
  readonly trimmedTo: number | undefined;
}

interface RequestStepped extends Pick<AccessRequest, 'version' | 'begunSteps'> {
  /** The groups of the steps that begin. */
  readonly groups: readonly QuorumGroup[];
}

interface RequestEscalated extends Pick<AccessRequest, 'version' | 'escalatedAt'> {
  /** The groups whose members may stand in from now on. */
  readonly groups: readonly string[];
}

interface RequestReminded extends Pick<AccessRequest, 'version' | 'reminders' | 'remindedAt'> {
  /** The groups whose reviewers are reminded: those of the present steps, and those that may stand in. */
  readonly groups: readonly string[];
}

interface JournalAccepted {
  /** The id of the acceptance, which every engine of the fleet takes over. */
  readonly acceptance: string;
  /** The newest entry that the engine had seen, and that the store lacks. */
  readonly lost: Anchor;
  /** The newest entry of the journal, from which it continues. */
  readonly head: Anchor;
  /** Why the person accepted it. */
  readonly reason: string | undefined;
}

interface ClockAccepted {
  /** The reading of the accepted clock. Epoch milliseconds. */
  readonly reading: number;
  /** The instant of the journal's newest entry, which lies after the reading. Epoch milliseconds. */
  readonly newest: number;
  /** Why the person accepted it. */
  readonly reason: string | undefined;
}

/**
 * The `data` of each type of entry; the comment of a type says when the entry is recorded. The journal holds JSON, in which a field
 * that is `undefined` is missing.
 */
export interface EntryData {
  /** A requester asked for access. The actor is the requester, or the caller that spoke for it. */
  readonly 'request.created': RequestCreated;
  /** The approver named the quorum. */
  readonly 'request.assigned': Pick<AccessRequest, 'version' | 'approver' | 'rule' | 'terms' | 'assignedAt' | 'quorum' | 'reviewBy'>;
  /** An ask under an idempotency key repeated an existing request: the key now identifies that request. */
  readonly 'request.reused': RequestReused;
  /** A reviewer approved or denied. */
  readonly 'request.reviewed': RequestReviewed;
  /** A step of the quorum is complete, and the next one has begun. */
  readonly 'request.stepped': RequestStepped;
  /** Another group may stand in from now on. */
  readonly 'request.escalated': RequestEscalated;
  /** The request still waits, and its reviewers are reminded. A late sweep records one reminder for all that it has missed. */
  readonly 'request.reminded': RequestReminded;
  /** The subject, the requester or a reviewer commented. The actor is the author. */
  readonly 'request.commented': RequestCommented;
  /** The request ended as approved. */
  readonly 'request.approved': RequestApproved;
  /** The request ended as denied. */
  readonly 'request.denied': RequestDenied;
  /** The request ended as cancelled. */
  readonly 'request.cancelled': RequestCancelled;
  /** The request ended as expired. */
  readonly 'request.expired': Pick<AccessRequest, 'version' | 'end'>;
  /** Access was granted. It begins at `startsAt`. */
  readonly 'grant.issued': GrantIssued;
  /** A scheduled start was recorded. */
  readonly 'grant.activated': Pick<Grant, 'version' | 'activatedAt' | 'subject' | 'scope'>;
  /** A new grant extends this grant. */
  readonly 'grant.extended': Pick<Grant, 'version' | 'successors'>;
  /** The end of the grant is near. */
  readonly 'grant.warned': GrantWarned;
  /** `consume` took a use, or a use was recorded for the idle end. */
  readonly 'grant.used': GrantUsed;
  /** The option `recordUse` recorded checks that the grant allowed. It may follow the end of the grant. The actor is `system:use`. */
  readonly 'grant.seen': GrantSeen;
  /** The grant ended as expired. */
  readonly 'grant.expired': GrantExpired;
  /** The grant ended as revoked. */
  readonly 'grant.revoked': GrantRevoked;
  /** The usage record of a grant that was ended early was closed. */
  readonly 'usage.closed': UsageClosed;
  /** The review of break-glass access is overdue. */
  readonly 'breakGlass.overdue': Pick<AccessRequest, 'version' | 'afterReview'>;
  /** A reviewer gave the review of break-glass access. */
  readonly 'breakGlass.reviewed': BreakGlassReviewed;
  /** An external system must apply a change of access. */
  readonly 'provisioning.intended': ProvisioningIntended;
  /** A call to the external system failed, and will be repeated. */
  readonly 'provisioning.failed': ProvisioningTried;
  /** The external system applied the change. */
  readonly 'provisioning.done': ProvisioningEnded;
  /** The last call failed too. */
  readonly 'provisioning.stuck': ProvisioningEnded;
  /** A stuck change is tried again. */
  readonly 'provisioning.retried': ProvisioningTried;
  /** A person set the change aside. */
  readonly 'provisioning.dismissed': ProvisioningEnded;
  /** A caller locked a subject or a scope. From then on every check that the lock reaches denies. */
  readonly 'lock.set': LockGiven;
  /** All access that the lock reaches has been ended. */
  readonly 'lock.completed': LockChanged;
  /** A caller lifted the lock. */
  readonly 'lock.lifted': LockGiven;
  /** The lock's `until` has passed. */
  readonly 'lock.expired': LockChanged;
  /** An attempt of a known actor was refused, or the actor made a dry run. */
  readonly 'attempt.refused': AttemptRefused;
  /** Records were removed. The actor is the caller of `purge`. */
  readonly 'journal.purged': JournalPurged;
  /** A person accepted that the store went back: the lost entry, and the head to continue from. */
  readonly 'journal.accepted': JournalAccepted;
  /** A person accepted a clock that is below another process's newest entry. */
  readonly 'clock.accepted': ClockAccepted;
}
