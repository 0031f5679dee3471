import { z } from 'zod';
import {
  accessRequest,
  askProblem,
  comment,
  endedRequest,
  grant,
  grantedTerms,
  listedRequest,
  lock,
  lockWithStatus,
  outcome,
  quorum,
  review,
} from './records.js';
import { json, id, instant, milliseconds, page, scope } from './values.js';

/* The bodies of the answers. */

const resultFields = {
  outcome,
  allowed: z.boolean().describe('Whether a grant of the request allows at this reading.'),
  reused: z.boolean().describe('Whether an earlier call made the request.'),
  differs: z.array(z.string()).describe('The fields in which a reused request differs from this call.'),
  request: accessRequest,
  grants: z.array(grant).optional(),
  reason: z.string().optional(),
  reviewers: z.array(z.string()).optional().describe('The possible reviewers of a pending request. Missing: they cannot be listed.'),
};

export const result = z.strictObject(resultFields).meta({ id: 'AccessResult' });

/** The answer of an ask, which may be a dry run. */
export const askAnswer = z.union([
  result,
  z.strictObject({ ...resultFields, dryRun: z.literal(true) }),
  z.strictObject({
    dryRun: z.literal(true),
    outcome: z.literal('refused'),
    code: z.string(),
    reason: z.string(),
    problems: z.array(askProblem),
  }),
]);

export const me = z
  .strictObject({
    subject: id,
    at: instant,
    standing: z.array(scope),
    locks: z.array(lock),
    held: z.array(grant),
    scheduled: z.array(grant),
    windows: z.array(z.strictObject({ grantId: id, scope, startsAt: instant, endsAt: instant })),
    changesAt: instant.optional(),
    badge: z.strictObject({ state: z.enum(['read-only', 'held', 'ending']), text: z.string() }),
  })
  .meta({ id: 'Me' });

const requestable = z.strictObject({
  scope,
  title: z.string().optional(),
  description: z.string().optional(),
  risk: z.string().optional(),
  outcome: z.enum(['approve', 'review', 'break_glass']),
  approver: z.string(),
  rule: z.string().optional(),
  except: z.array(scope),
  locked: z.boolean(),
  patterns: z.boolean(),
  minTtlMs: milliseconds,
  maxTtlMs: milliseconds,
  maxStartAheadMs: milliseconds,
  needs: z.strictObject({
    justification: z.boolean(),
    ticket: z.union([z.literal(true), z.string()]).optional(),
    fields: z.array(z.record(z.string(), json)),
  }),
  quorum: quorum.optional(),
  quorumInWords: z.string().optional(),
  afterReview: z.strictObject({ groups: z.array(z.string()), withinMs: milliseconds }).optional(),
  reviewers: z.array(z.string()).optional(),
  breakGlass: z.boolean(),
});

export const requestables = z.strictObject({ items: z.array(requestable), complete: z.boolean(), at: instant }).meta({ id: 'Requestable' });

export const canAsk = z
  .strictObject({
    canAsk: z.boolean(),
    outcome: z.enum(['granted', 'pending', 'requirements', 'denied', 'ineligible', 'locked']),
    rule: z.string().optional(),
    reason: z.string().optional(),
    problems: z.array(askProblem),
    subject: id,
    scope,
    at: instant,
  })
  .meta({ id: 'CanAsk' });

export const found = z
  .strictObject({ request: accessRequest, outcome, grants: z.array(grant), comments: z.array(comment) })
  .meta({ id: 'RequestFound' });

export const timeline = z
  .strictObject({
    events: z.array(
      z.strictObject({
        at: instant,
        type: z.string().describe('As in the journal, such as request.reviewed.'),
        by: z.string().optional(),
        grantId: id.optional(),
        scope: scope.optional(),
        verdict: z.string().optional(),
        cause: z.string().optional(),
        text: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'Timeline' });

const missing = z.strictObject({ group: z.string(), approvals: z.int(), alternative: z.int(), step: z.int() });

export const inboxPage = page(
  z
    .strictObject({
      request: accessRequest,
      groups: z.array(z.string()),
      locked: z.boolean(),
      missing: z.array(missing),
      missingInWords: z.string(),
      narrowedTo: grantedTerms.optional(),
      ownReview: review.optional(),
      comments: z.array(comment),
      denials: z.array(
        z.strictObject({
          by: id,
          at: instant,
          reason: z.string().optional(),
          requestId: id,
          requestedBy: id,
          scopes: z.array(scope),
        }),
      ),
      twins: z.array(id),
    })
    .meta({ id: 'InboxItem' }),
);

export const commentAnswer = z.strictObject({ comment, reused: z.boolean() });
export const requestPage = page(listedRequest);
export const grantPage = page(grant);
export const ended = z.strictObject({ grants: z.array(grant), requests: z.array(endedRequest) });
export const revoked = z
  .strictObject({ grants: z.array(grant), requests: z.array(endedRequest), matched: z.boolean(), similar: z.array(scope) })
  .meta({ id: 'Revoked' });
export const locked = z.strictObject({ lock: lockWithStatus, reused: z.boolean(), ended: revoked });
export const locks = z.strictObject({ items: z.array(lockWithStatus) });
export const breakGlassReviews = page(z.strictObject({ request: accessRequest, reviewBy: instant, isOverdue: z.boolean() }));
export const linkPreview = z
  .strictObject({
    request: accessRequest,
    reviewer: id,
    decision: z.enum(['approve', 'deny']),
    narrowedTo: grantedTerms.optional(),
    expiresAt: instant,
  })
  .meta({ id: 'LinkPreview' });

export const anchor = z.strictObject({ seq: z.int(), hash: z.string() }).meta({ id: 'Anchor' });
export const verification = z
  .strictObject({
    ok: z.boolean(),
    count: z.int().optional(),
    head: anchor.optional(),
    seq: z.int().optional(),
    problem: z.string().optional(),
    next: z.string().optional().describe('The `after` of the next call. Missing: the journal is verified up to its head.'),
  })
  .meta({ id: 'Verification' });

/** The report of `accessReport`. Its tables are those of the library; their fields are not repeated here. */
export const report = z
  .looseObject({
    from: instant,
    to: instant,
    scopes: z.array(z.record(z.string(), json)),
    heldMs: milliseconds,
    next: instant.optional(),
  })
  .meta({ id: 'AccessReport' });

export const health = z.strictObject({ status: z.literal('ok') });
export const document = z.looseObject({ openapi: z.string() });
