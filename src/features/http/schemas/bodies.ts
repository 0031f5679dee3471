import * as z from 'zod/mini';
import { documents, duration, id, instant, metadata, optional, scope, text } from './values.js';

/*
 * The bodies of the calls. No body names the caller: it comes from `identify` alone. Each is made at the first call of its operation, so
 * that an import builds no schema.
 */

const length = () => ({
  ttl: optional(duration(), 'The length of the window. Either this or `until`.'),
  until: optional(instant(), 'The end of the window, whenever the request is decided. Epoch milliseconds.'),
});

const reasons = () => ({
  justification: optional(text(), 'Why the caller asks.'),
  ticket: optional(text(), 'The ticket that the caller cites.'),
  // `jit-access/authzen` trusts this member: it says who submitted a request, and for which tuple.
  metadata: optional(
    metadata().check(z.refine((given) => !Object.hasOwn(given, 'authzen'), 'without the member authzen, which jit-access/authzen writes')),
    'JSON of your own, at most 8 KiB.',
  ),
});

const correlation = () => optional(id(), 'An id of your own, such as a trace: it is in the journal.');

const scopes = () => z.array(scope()).check(z.minLength(1), z.maxLength(50));

const access = () => ({
  subject: optional(id(), 'For whom, if this is not the caller. Only if `may` permits `requestFor`.'),
  scope: optional(scope(), 'The scope. Either this or `scopes`.'),
  scopes: optional(scopes(), 'Several scopes, decided together.'),
  ...length(),
  ...reasons(),
  correlation: correlation(),
});

export const ask = () =>
  z.strictObject({
    ...access(),
    startsAt: optional(instant(), 'The start of the window. Default: the decision. Epoch milliseconds.'),
    dryRun: optional(z.boolean(), '`true`: only says what the call would do, and answers 200. It makes no request.'),
  });

export const breakGlassAsk = () =>
  z.strictObject({ ...access(), justification: text().register(documents, { description: 'The emergency.' }) });

export const amendment = () => z.strictObject({ ...length(), ...reasons(), correlation: correlation() });
export const extension = () => z.strictObject({ ...length(), ...reasons(), correlation: correlation() });

const reason = () => optional(text(), 'Why. Recorded in the journal.');
export const withReason = () => z.strictObject({ reason: reason() });

export const cancellation = () =>
  z.strictObject({
    reason: reason(),
    onBehalfOf: optional(id(), 'The subject or the requester. Only if `may` permits `cancelFor`.'),
  });

export const commentText = () => z.strictObject({ text: text().check(z.minLength(1)) });

const review = () => ({
  reason: optional(text(), 'Why, for the requester. Recorded in the journal.'),
  comment: optional(text(), 'A text for the other reviewers.'),
  as: optional(id(), 'The group in which the review counts.'),
});

export const approval = () =>
  z.strictObject({
    ...review(),
    ttl: optional(duration(), 'A shorter window than the requested one.'),
    scopes: optional(scopes(), 'A part of the requested scopes.'),
  });
export const denial = () => z.strictObject(review());

export const breakGlassVerdict = () => z.strictObject({ verdict: z.enum(['justified', 'unjustified']), reason: reason() });

const token = () => z.string().check(z.minLength(1), z.maxLength(8_192)).register(documents, { description: 'The token of the link.' });
export const link = () => z.strictObject({ token: token() });
export const redemption = () => z.strictObject({ token: token(), ...review() });

const dryRun = () => optional(z.boolean(), '`true`: only counts what the call would end, and answers 200. It writes nothing.');

export const revocation = () =>
  z.strictObject({
    subject: optional(id(), 'Ends the access of this subject.'),
    scope: optional(scope(), 'Ends the access that overlaps this scope or pattern.'),
    requestId: optional(id(), 'Ends the access of this request and of its extensions.'),
    ticket: optional(id(), 'Ends the access of the requests that cite this ticket.'),
    reason: reason(),
    dryRun: dryRun(),
  });

export const locking = () =>
  z.strictObject({
    subject: optional(id(), 'Locks this id.'),
    scope: optional(scope(), 'Locks every scope that overlaps this scope or pattern.'),
    until: optional(instant(), 'When the lock ends by itself. Epoch milliseconds. Default: only `unlock` ends it.'),
    reason: reason(),
    dryRun: dryRun(),
  });
