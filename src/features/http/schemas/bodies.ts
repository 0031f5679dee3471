import { z } from 'zod';
import { duration, id, instant, metadata, scope, text } from './values.js';

/* The bodies of the calls. No body names the caller: it comes from `identify` alone. */

const length = {
  ttl: duration.optional().describe('The length of the window. Either this or `until`.'),
  until: instant.optional().describe('The end of the window, whenever the request is decided. Epoch milliseconds.'),
};

const reasons = {
  justification: text.optional().describe('Why the caller asks.'),
  ticket: text.optional().describe('The ticket that the caller cites.'),
  // `jit-access/authzen` trusts this member: it says who submitted a request, and for which tuple.
  metadata: metadata
    .refine((given) => !Object.hasOwn(given, 'authzen'), 'without the member authzen, which jit-access/authzen writes')
    .optional()
    .describe('JSON of your own, at most 8 KiB.'),
};

const correlation = id.optional().describe('An id of your own, such as a trace: it is in the journal.');

const access = {
  subject: id.optional().describe('For whom, if this is not the caller. Only if `may` permits `requestFor`.'),
  scope: scope.optional().describe('The scope. Either this or `scopes`.'),
  scopes: z.array(scope).min(1).max(50).optional().describe('Several scopes, decided together.'),
  ...length,
  ...reasons,
  correlation,
};

export const ask = z.strictObject({
  ...access,
  startsAt: instant.optional().describe('The start of the window. Default: the decision. Epoch milliseconds.'),
  dryRun: z.boolean().optional().describe('`true`: only says what the call would do, and answers 200. It makes no request.'),
});

export const breakGlassAsk = z.strictObject({ ...access, justification: text.describe('The emergency.') });

export const amendment = z.strictObject({ ...length, ...reasons, correlation });
export const extension = z.strictObject({ ...length, ...reasons, correlation });

const reason = text.optional().describe('Why. Recorded in the journal.');
export const withReason = z.strictObject({ reason });

export const cancellation = z.strictObject({
  reason,
  onBehalfOf: id.optional().describe('The subject or the requester. Only if `may` permits `cancelFor`.'),
});

export const commentText = z.strictObject({ text: text.min(1) });

const review = {
  reason: text.optional().describe('Why, for the requester. Recorded in the journal.'),
  comment: text.optional().describe('A text for the other reviewers.'),
  as: id.optional().describe('The group in which the review counts.'),
};

export const approval = z.strictObject({
  ...review,
  ttl: duration.optional().describe('A shorter window than the requested one.'),
  scopes: z.array(scope).min(1).max(50).optional().describe('A part of the requested scopes.'),
});
export const denial = z.strictObject(review);

export const breakGlassVerdict = z.strictObject({ verdict: z.enum(['justified', 'unjustified']), reason });

const token = z.string().min(1).max(8_192).describe('The token of the link.');
export const link = z.strictObject({ token });
export const redemption = z.strictObject({ token, ...review });

export const revocation = z.strictObject({
  subject: id.optional().describe('Ends the access of this subject.'),
  scope: scope.optional().describe('Ends the access that overlaps this scope or pattern.'),
  requestId: id.optional().describe('Ends the access of this request and of its extensions.'),
  ticket: id.optional().describe('Ends the access of the requests that cite this ticket.'),
  reason,
});

export const locking = z.strictObject({
  subject: id.optional().describe('Locks this id.'),
  scope: scope.optional().describe('Locks every scope that overlaps this scope or pattern.'),
  until: instant.optional().describe('When the lock ends by itself. Epoch milliseconds. Default: only `unlock` ends it.'),
  reason,
});
