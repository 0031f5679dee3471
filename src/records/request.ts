import type { Row } from '../core/store-port.js';
import { REQUEST_ENDS } from '../model/ends.js';
import type { HolderLimit } from '../model/holders.js';
import type { JsonObject } from '../model/json.js';
import type { AccessRequest, AfterReview, BreakGlassReview, Extension, RequestEnd, Terms } from '../model/request.js';
import { needsReview, requestDueAt } from './derived.js';
import {
  anyText,
  column,
  count,
  flag,
  headOf,
  instant,
  isObject,
  list,
  oneOf,
  optional,
  pattern,
  struct,
  subject,
  text,
  variants,
  where,
  type Field,
  type Given,
} from './fields.js';
import { freezeJson, frozen, frozenList, NONE } from './frozen.js';
import { columns, kindOf, type Columns } from './kind.js';
import { isSoundRequest } from './request-rules.js';
import { begunStep, granted, quorum, review } from './review.js';

/** The fields of a request that the approver has not answered yet. */
export const UNDECIDED = /* @__PURE__ */ Object.freeze({
  approver: undefined,
  rule: undefined,
  terms: undefined,
  assignedAt: undefined,
  quorum: undefined,
  escalatedAt: undefined,
  reminders: undefined,
  remindedAt: undefined,
  begunSteps: undefined,
  reviews: NONE,
  end: undefined,
  replacedBy: undefined,
  afterReview: undefined,
}) satisfies Partial<AccessRequest>;

/** A request without the fields that {@link UNDECIDED} has. */
export type AskedRequest = Omit<AccessRequest, keyof typeof UNDECIDED>;

/** The fields of a request that it has before the approver answers, in their order. */
export function askedIn(request: AccessRequest): AskedRequest {
  const asked: Record<string, unknown> = {};
  for (const name of Object.keys(request) as (keyof AccessRequest)[]) if (!Object.hasOwn(UNDECIDED, name)) asked[name] = request[name];
  return asked as unknown as AskedRequest;
}

export function makeRequest(fields: Given<Omit<AccessRequest, 'kind'>>): AccessRequest {
  return Object.freeze({
    kind: 'request',
    id: fields.id,
    version: fields.version,
    subject: fields.subject,
    requestedBy: fields.requestedBy,
    agent: fields.agent,
    operator: fields.operator,
    scopes: frozenList(fields.scopes),
    ttlMs: fields.ttlMs,
    until: fields.until,
    startsAt: fields.startsAt,
    extension: frozen(extension, fields.extension),
    replaces: fields.replaces,
    justification: fields.justification,
    ticket: fields.ticket,
    metadata: freezeJson(fields.metadata),
    correlation: fields.correlation,
    createdAt: fields.createdAt,
    reviewBy: fields.reviewBy,
    askAgainAt: fields.askAgainAt,
    approver: fields.approver,
    rule: fields.rule,
    terms: frozen(terms, fields.terms),
    assignedAt: fields.assignedAt,
    quorum: fields.quorum && frozen(quorum, fields.quorum),
    escalatedAt: fields.escalatedAt,
    reminders: fields.reminders,
    remindedAt: fields.remindedAt,
    begunSteps: frozen(begunSteps, fields.begunSteps),
    reviews: frozen(reviews, fields.reviews),
    end: frozen(end, fields.end),
    replacedBy: fields.replacedBy,
    afterReview: frozen(afterReview, fields.afterReview),
  });
}

export const makeTerms = (given: Terms): Terms => frozen(terms, given) as Terms;
export const makeAfterReview = (given: AfterReview): AfterReview => frozen(afterReview, given) as AfterReview;
export const makeRequestEnd = (given: RequestEnd): RequestEnd => frozen(end, given) as RequestEnd;

/** The earliest warning first, without repetition. */
const isDescending = (values: readonly number[]): boolean => values.every((ms, i, all) => i === 0 || ms < (all[i - 1] as number));

const terms = /* @__PURE__ */ (() =>
  optional(
    struct<Terms>()({
      warnBeforeMs: optional(where(list(count, 1), isDescending)),
      idleTtlMs: optional(count),
      maxUses: optional(count),
      maxTotalMs: optional(count),
      endBy: optional(instant),
      maxHolders: optional(list(struct<HolderLimit>()({ rule: text, max: count, scopes: list(pattern, 1) }), 1)),
    }),
  ))();

const extension = /* @__PURE__ */ (() =>
  optional(
    struct<Extension>()({
      grantIds: list(text, 1),
      requestId: optional(text),
      from: instant,
      firstStartsAt: instant,
      until: instant,
      breakGlass: flag,
    }),
  ))();

const afterReview = /* @__PURE__ */ (() =>
  optional(
    struct<AfterReview>()({
      reviewBy: instant,
      reviewers: list(text),
      skippedGroups: list(text),
      skippedPeople: optional(list(text)),
      missedAt: optional(instant),
      breakGlassReview: optional(
        struct<BreakGlassReview>()({ by: text, verdict: oneOf('justified', 'unjustified'), at: instant, reason: optional(anyText) }),
      ),
    }),
  ))();

const end = /* @__PURE__ */ (() => {
  const how = { at: instant, by: text, reason: optional(anyText) };
  return optional(
    variants<RequestEnd>()('status')({
      approved: { cause: oneOf(...REQUEST_ENDS.approved), ...how, granted },
      denied: { cause: oneOf(...REQUEST_ENDS.denied), ...how },
      cancelled: { cause: oneOf(...REQUEST_ENDS.cancelled), ...how },
      expired: { cause: oneOf(...REQUEST_ENDS.expired), ...how },
    }),
  );
})();

const begunSteps = /* @__PURE__ */ (() => optional(list(begunStep, 1)))();
const reviews = /* @__PURE__ */ (() => list(review))();
const json: Field<JsonObject> = { is: isObject };

/** A request whose break-glass access must still be reviewed stays open, and is due by the deadline of that review. */
function columnsOf(request: AccessRequest): Columns {
  const { subject, createdAt, reviewBy, end: ended, afterReview: after } = request;
  const sortAt = ended === undefined ? reviewBy : needsReview(request) ? after?.reviewBy : undefined;
  return columns(subject, undefined, sortAt !== undefined, createdAt, undefined, undefined, requestDueAt(request), sortAt);
}

export const REQUEST = /* @__PURE__ */ (() =>
  kindOf(
    struct<AccessRequest>()({
      ...headOf('request'),
      subject,
      requestedBy: text,
      agent: optional(text),
      operator: optional(text),
      scopes: list(pattern, 1),
      ttlMs: count,
      until: optional(instant),
      startsAt: optional(instant),
      extension,
      replaces: optional(text),
      justification: optional(anyText),
      ticket: optional(anyText),
      metadata: optional(json),
      correlation: optional(text),
      createdAt: column('createdAt', instant),
      reviewBy: instant,
      askAgainAt: instant,
      approver: optional(text),
      rule: optional(text),
      terms,
      assignedAt: optional(instant),
      quorum: optional(quorum),
      escalatedAt: optional(instant),
      reminders: optional(count),
      remindedAt: optional(instant),
      begunSteps,
      reviews,
      end,
      replacedBy: optional(text),
      afterReview,
    }),
    makeRequest,
    columnsOf,
    isSoundRequest,
  ))();

/** Returns the request of a row. @throws CorruptError if this version does not write such a row */
export const decodeRequest = (row: Row): AccessRequest => REQUEST.decode(row);
