import type { JsonObject } from '../../model/json.js';
import type { Row } from '../../core/store-port.js';
import { isPattern } from '../../core/scope.js';
import { isInstant } from '../../core/instant.js';
import { earliestStart, needsReview, requestDueAt } from '../derived.js';
import { REQUEST_ENDS } from '../../model/ends.js';
import { makeRequest } from '../make.js';
import { alternativesOf, MAX_REMINDERS } from '../quorum.js';
import { agentOf } from '../run.js';
import { isBoolean, isCount, isIndex, isObject, isString, isText, listOf, oneOf, optional, shape, type Check } from '../shape.js';
import type { Granted, Quorum, Review } from '../../model/review.js';
import type { AccessRequest, Extension } from '../../model/types.js';
import { bodyOf, columns, confirmed, corrupt, toJson, type Columns } from './columns.js';
import { end } from './ends.js';

/** A request whose break-glass access must still be reviewed stays open, and is due by the deadline of that review. */
export function requestColumns(request: AccessRequest): Columns {
  const { subject, createdAt, reviewBy, end, afterReview } = request;
  const sortAt = end === undefined ? reviewBy : needsReview(request) ? afterReview?.reviewBy : undefined;
  return columns(subject, undefined, sortAt !== undefined, createdAt, undefined, undefined, requestDueAt(request), sortAt);
}

/** Omits the fields that the row holds outside its body. */
export function requestBody(request: AccessRequest): JsonObject {
  const { kind: _kind, id: _id, version: _version, subject: _subject, createdAt: _createdAt, ...body } = request;
  return toJson(body);
}

/** The earliest warning first, without repetition. */
const isWarnBefore: Check = (value) =>
  listOf(isCount, 1)(value) && (value as readonly number[]).every((ms, i, all) => i === 0 || ms < (all[i - 1] as number));

/** An object with at least one field: an empty one would read as a requirement that asks for nothing. */
const isFilled = (fields: Readonly<Record<string, Check>>): Check => {
  const isShape = shape(fields);
  return (value) => isShape(value) && Object.keys(value as object).length > 0;
};

const isTerms = /* @__PURE__ */ (() =>
  shape({
    warnBeforeMs: optional(isWarnBefore),
    idleTtlMs: optional(isCount),
    maxUses: optional(isCount),
    maxTotalMs: optional(isCount),
    endBy: optional(isInstant),
    maxHolders: optional(listOf(shape({ rule: isText, max: isCount, scopes: listOf(isPattern, 1) }), 1)),
  }))();

const isExtension = /* @__PURE__ */ (() =>
  shape({
    grantIds: listOf(isText, 1),
    requestId: optional(isText),
    from: isInstant,
    firstStartsAt: isInstant,
    until: isInstant,
    breakGlass: isBoolean,
  }))();

const isQuorum = /* @__PURE__ */ (() => {
  const groups = listOf(shape({ name: isText, approvals: isCount, denials: optional(isCount) }), 1);
  const escalation = optional(listOf(shape({ group: isText, afterMs: isCount }), 1));
  const steps = optional(listOf(shape({ groups, escalation }), 1));
  return shape({
    groups: optional(groups),
    steps,
    anyOf: optional(listOf(shape({ groups: optional(groups), steps, denials: optional(isCount) }), 1)),
    denials: isCount,
    approvalTtlMs: optional(isCount),
    escalation,
    assurance: optional(isFilled({ acr: optional(listOf(isText, 1)), maxAgeMs: optional(isCount) })),
    remindEveryMs: optional(isCount),
  });
})();

const isAfterReview = /* @__PURE__ */ (() =>
  shape({
    reviewBy: isInstant,
    reviewers: listOf(isText),
    skippedGroups: listOf(isText),
    skippedPeople: optional(listOf(isText)),
    missedAt: optional(isInstant),
    breakGlassReview: optional(
      shape({ by: isText, verdict: oneOf('justified', 'unjustified'), at: isInstant, reason: optional(isString) }),
    ),
  }))();

const isRequestBody = /* @__PURE__ */ (() =>
  shape({
    requestedBy: isText,
    agent: optional(isText),
    operator: optional(isText),
    scopes: listOf(isPattern, 1),
    ttlMs: isCount,
    until: optional(isInstant),
    startsAt: optional(isInstant),
    extension: optional(isExtension),
    replaces: optional(isText),
    justification: optional(isString),
    ticket: optional(isString),
    metadata: optional(isObject),
    correlation: optional(isText),
    reviewBy: isInstant,
    askAgainAt: isInstant,
    approver: optional(isText),
    rule: optional(isText),
    terms: optional(isTerms),
    assignedAt: optional(isInstant),
    quorum: optional(isQuorum),
    escalatedAt: optional(isInstant),
    reminders: optional(isCount),
    remindedAt: optional(isInstant),
    begunSteps: optional(listOf(shape({ alternative: isIndex, step: isCount, at: isInstant }), 1)),
    reviews: listOf(
      shape({
        reviewer: isText,
        verdict: oneOf('approve', 'deny'),
        groups: listOf(isText),
        as: optional(isText),
        steps: optional(isCount),
        at: isInstant,
        reason: optional(isString),
        comment: optional(isString),
        ttlMs: optional(isCount),
        scopes: optional(listOf(isPattern, 1)),
        auth: optional(isFilled({ acr: optional(isText), authAt: optional(isInstant) })),
      }),
    ),
    end: end(REQUEST_ENDS, { approved: { granted: shape({ scopes: listOf(isPattern, 1), ttlMs: isCount }) } }),
    replacedBy: optional(isText),
    afterReview: optional(isAfterReview),
  }))();

/** Returns the request of a row. @throws CorruptError where this version does not write such a row */
export function decodeRequest(row: Row): AccessRequest {
  const body = bodyOf<AccessRequest>(row, 'request') as AccessRequest;
  const { id, version, subject, createdAt } = row;
  if (
    !isRequestBody(body) ||
    !isInstant(createdAt) ||
    !isConsistent(body) ||
    !isUpToItsEnd(body, createdAt) ||
    !namesItsAgent(subject, body)
  )
    throw corrupt(row);
  const request = makeRequest({ ...body, id, version, subject: subject as string, createdAt });
  return confirmed(row, request, requestColumns(request));
}

/** With a requested end, the length is that of the longest window up to it. */
const isUpToItsEnd = ({ until, ttlMs, startsAt, extension }: AccessRequest, createdAt: number): boolean =>
  until === undefined || ttlMs === until - earliestStart({ createdAt, startsAt, extension });

/** The request of a run names its agent, also as `requestedBy`. No other request names an agent or an operator. */
function namesItsAgent(subject: string | undefined, { agent, operator, requestedBy }: AccessRequest): boolean {
  if (agent !== (subject === undefined ? undefined : agentOf(subject))) return false;
  return agent === undefined ? operator === undefined : requestedBy === agent;
}

/**
 * Whether the fields of a request agree with each other:
 *
 * - Each reviewer has one review.
 * - A request with a quorum has the approver that named it, and the instant of the assignment.
 * - A quorum has one form, and names each group once in a step.
 * - `escalatedAt` needs an escalation, and `begunSteps` and the steps of a review need steps that can have begun.
 * - A request has `reminders` and `remindedAt` together, and only as many as its quorum allows by then.
 * - A review, and the end of an approved request, narrow what was requested: fewer scopes, in the same order, or less time.
 * - Exactly an amended or overtaken request has `replacedBy`.
 * - Exactly a break-glass request has `afterReview`.
 * - An extension starts below its cap, its request has no `startsAt`, and it names one grant for each scope.
 */
function isConsistent(request: AccessRequest): boolean {
  const { reviews, quorum, approver, assignedAt, escalatedAt, begunSteps, end: ended, replacedBy, afterReview, extension } = request;
  const isAssigned = approver !== undefined && assignedAt !== undefined;
  return (
    areDifferent(reviews.map((review) => review.reviewer)) &&
    (quorum === undefined ? escalatedAt === undefined && begunSteps === undefined : isAssigned && isSound(quorum, request)) &&
    areReminders(request) &&
    (ended?.cause === 'amended' || ended?.cause === 'overtaken') === (replacedBy !== undefined) &&
    (ended?.cause === 'break_glass') === (afterReview !== undefined) &&
    reviews.every((review) => isNarrowing(request, review)) &&
    (ended?.status !== 'approved' || isWithin(request, ended.granted)) &&
    (extension === undefined || isExtensionOf(extension, request))
  );
}

const areDifferent = (texts: readonly string[]): boolean => new Set(texts).size === texts.length;

/** Whether a quorum has one form, and the progress of its request is possible. */
function isSound(quorum: Quorum, { escalatedAt, begunSteps = [], reviews }: AccessRequest): boolean {
  const alternatives = alternativesOf(quorum);
  const steps = alternatives.flatMap((alternative) => alternative.steps);
  return (
    [quorum, ...(quorum.anyOf ?? [])].every(hasOneForm) &&
    steps.every(({ groups }) => areDifferent(groups.map(({ name }) => name))) &&
    (escalatedAt === undefined || steps.some(({ escalation }) => escalation !== undefined)) &&
    // Steps begin one after the other. Their instants may go back: a wrong clock may have stamped one of them (L47).
    begunSteps.every(({ alternative, step }, i) => {
      const before = begunSteps.slice(0, i);
      const isNext = step === before.filter((one) => one.alternative === alternative).length + 1;
      return isNext && step < (alternatives[alternative]?.steps.length ?? 0);
    }) &&
    reviews.every((review) => (review.steps ?? 0) <= begunSteps.length && (review.steps === undefined || review.verdict === 'approve'))
  );
}

/** Whether each recorded reminder has an interval of its own. */
function areReminders({ quorum, assignedAt, reminders, remindedAt }: AccessRequest): boolean {
  if (reminders === undefined || remindedAt === undefined) return reminders === remindedAt;
  const everyMs = quorum?.remindEveryMs;
  if (everyMs === undefined || assignedAt === undefined) return false;
  return reminders <= MAX_REMINDERS && reminders <= Math.floor((remindedAt - assignedAt) / everyMs);
}

const hasOneForm = ({ groups, steps, anyOf }: { readonly [Form in 'groups' | 'steps' | 'anyOf']?: unknown }): boolean =>
  [groups, steps, anyOf].filter((form) => form !== undefined).length === 1;

/** Whether the terms of a review narrow the request: only an approval has terms, in the form that `narrowingOf` gives them. */
function isNarrowing({ ttlMs, scopes }: AccessRequest, review: Review): boolean {
  if (review.ttlMs === undefined && review.scopes === undefined) return true;
  return (
    review.verdict === 'approve' &&
    (review.ttlMs === undefined || review.ttlMs < ttlMs) &&
    (review.scopes === undefined || (review.scopes.length < scopes.length && isPart(review.scopes, scopes)))
  );
}

const isWithin = ({ ttlMs, scopes }: AccessRequest, granted: Granted): boolean => granted.ttlMs <= ttlMs && isPart(granted.scopes, scopes);

/** Whether a list is the other without some of its items. */
function isPart(part: readonly string[], whole: readonly string[]): boolean {
  let from = 0;
  return part.every((item) => (from = whole.indexOf(item, from) + 1) > 0);
}

const isExtensionOf = ({ grantIds, requestId, firstStartsAt, from, until }: Extension, { scopes, startsAt }: AccessRequest): boolean =>
  firstStartsAt < from &&
  from < until &&
  startsAt === undefined &&
  grantIds.length === scopes.length &&
  new Set(grantIds).size === grantIds.length &&
  (requestId !== undefined || grantIds.length === 1);
