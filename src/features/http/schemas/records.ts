import { z } from 'zod';
import { GRANT_ENDS, REQUEST_ENDS } from '../../../records/index.js';
import { ASK_PROBLEM_CODES } from '../../../core/ask-problem.js';
import { json, id, instant, metadata, milliseconds, scope } from './values.js';

/*
 * The records of the engine as JSON. A field that the engine returns as `undefined` is missing. The fields of the records are described
 * in the reference of the types, so only units are repeated here.
 */

const ids = z.array(z.string());
const reason = z.string().optional();

const escalation = z.strictObject({ group: z.string(), afterMs: milliseconds });
const quorumGroup = z.strictObject({ name: z.string(), approvals: z.int(), denials: z.int().optional() });
const quorumStep = z.strictObject({ groups: z.array(quorumGroup), escalation: z.array(escalation).optional() });
const quorumAlternative = z.strictObject({
  groups: z.array(quorumGroup).optional(),
  steps: z.array(quorumStep).optional(),
  denials: z.int().optional(),
  escalation: z.array(escalation).optional(),
});

export const quorum = z.strictObject({
  groups: z.array(quorumGroup).optional(),
  steps: z.array(quorumStep).optional(),
  anyOf: z.array(quorumAlternative).optional(),
  denials: z.int(),
  approvalTtlMs: milliseconds.optional(),
  escalation: z.array(escalation).optional(),
  assurance: z.strictObject({ acr: ids.optional(), maxAgeMs: milliseconds.optional() }).optional(),
  remindEveryMs: milliseconds.optional(),
});

const granted = z.strictObject({ scopes: z.array(scope), ttlMs: milliseconds });

export const review = z.strictObject({
  reviewer: id,
  verdict: z.enum(['approve', 'deny']),
  groups: ids,
  as: z.string().optional(),
  steps: z.int().optional(),
  at: instant,
  reason,
  comment: z.string().optional(),
  ttlMs: milliseconds.optional(),
  scopes: z.array(scope).optional(),
  auth: z.strictObject({ acr: z.string().optional(), authAt: instant.optional() }).optional(),
});

const terms = z.strictObject({
  warnBeforeMs: z.array(milliseconds).optional(),
  idleTtlMs: milliseconds.optional(),
  maxUses: z.int().optional(),
  maxTotalMs: milliseconds.optional(),
  endBy: instant.optional(),
  maxHolders: z.array(z.record(z.string(), json)).optional(),
});

const requestStatus = z.enum(['pending', 'approved', 'denied', 'cancelled', 'expired']);
const requestOutcome = z.enum(['granted', 'ended', 'pending', 'denied', 'cancelled', 'expired']);

/** The end of a record: its status, its cause and its actor. */
const endOf = (ends: Readonly<Record<string, readonly string[]>>) => ({
  status: z.enum(Object.keys(ends)),
  cause: z.enum([...new Set(Object.values(ends).flat())]),
  at: instant,
  by: z.string(),
  reason,
});

const requestFields = {
  kind: z.literal('request'),
  id,
  version: z.int(),
  subject: id,
  requestedBy: id,
  agent: id.optional(),
  operator: id.optional(),
  scopes: z.array(scope),
  ttlMs: milliseconds,
  until: instant.optional(),
  startsAt: instant.optional(),
  extension: z
    .strictObject({
      grantIds: ids,
      requestId: id.optional(),
      from: instant,
      firstStartsAt: instant,
      until: instant,
      breakGlass: z.boolean(),
    })
    .optional(),
  replaces: id.optional(),
  justification: z.string().optional(),
  ticket: z.string().optional(),
  metadata: metadata.optional(),
  correlation: id.optional(),
  createdAt: instant,
  reviewBy: instant,
  askAgainAt: instant,
  approver: z.string().optional(),
  rule: z.string().optional(),
  terms: terms.optional(),
  assignedAt: instant.optional(),
  quorum: quorum.optional(),
  escalatedAt: instant.optional(),
  reminders: z.int().optional(),
  remindedAt: instant.optional(),
  begunSteps: z.array(z.strictObject({ alternative: z.int(), step: z.int(), at: instant })).optional(),
  reviews: z.array(review),
  end: z.strictObject({ ...endOf(REQUEST_ENDS), granted: granted.optional() }).optional(),
  replacedBy: id.optional(),
  afterReview: z
    .strictObject({
      reviewBy: instant,
      reviewers: ids,
      skippedGroups: ids,
      skippedPeople: ids.optional(),
      missedAt: instant.optional(),
      breakGlassReview: z.strictObject({ by: id, verdict: z.enum(['justified', 'unjustified']), at: instant, reason }).optional(),
    })
    .optional(),
  status: requestStatus,
};

export const accessRequest = z.strictObject(requestFields).meta({ id: 'Request' });
export const listedRequest = z.strictObject({ ...requestFields, outcome: requestOutcome }).meta({ id: 'ListedRequest' });
/** A request that a call has ended. */
export const endedRequest = z.strictObject({ ...requestFields, cancelled: z.boolean().optional() }).meta({ id: 'EndedRequest' });
export const cancelledRequest = z.strictObject({ ...requestFields, cancelled: z.boolean() }).meta({ id: 'CancelledRequest' });

export const grant = z
  .strictObject({
    kind: z.literal('grant'),
    id,
    version: z.int(),
    requestId: id,
    subject: id,
    scope,
    issuedAt: instant,
    startsAt: instant,
    expiresAt: instant,
    firstStartsAt: instant,
    extends: id.optional(),
    successors: z.array(z.strictObject({ grantId: id, at: instant })),
    breakGlass: z.boolean(),
    asksAtStart: z.boolean(),
    activatedAt: instant.optional(),
    warnAt: z.array(instant),
    warnedAt: z.array(instant),
    idleTtlMs: milliseconds.optional(),
    maxUses: z.int().optional(),
    end: z.strictObject(endOf(GRANT_ENDS)).optional(),
    status: z.enum(['scheduled', 'active', 'expired', 'revoked']),
  })
  .meta({ id: 'Grant' });

export const comment = z
  .strictObject({
    kind: z.literal('comment'),
    id,
    version: z.int(),
    requestId: id,
    subject: id,
    by: id,
    text: z.string(),
    at: instant,
    keyId: z.string().optional(),
  })
  .meta({ id: 'Comment' });

const lockFields = {
  id,
  subject: id.optional(),
  scope: scope.optional(),
  by: id,
  at: instant,
  until: instant.optional(),
  completedAt: instant.optional(),
};

export const lock = z.strictObject(lockFields);
export const lockWithStatus = z
  .strictObject({
    ...lockFields,
    end: z.strictObject({ status: z.enum(['lifted', 'expired']), at: instant, by: id }).optional(),
    status: z.enum(['open', 'lifted', 'expired']),
  })
  .meta({ id: 'Lock' });

export const askProblem = z.strictObject({
  rule: z.string().optional(),
  field: z.string(),
  code: z.enum(ASK_PROBLEM_CODES),
  limit: z.union([z.number(), z.string()]).optional(),
  got: z.union([z.number(), z.string()]).optional(),
});

export const grantedTerms = granted;
export const outcome = requestOutcome;
