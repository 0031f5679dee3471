import { DecidedError, DeniedError } from '../core/errors.js';
import { askedIn, type AccessRequest } from '../records/index.js';
import { endRequest, refuseIfLate } from './decision.js';
import { lockableOf, refuseIfLocked } from './lock.js';
import { extendedBy, type Ask } from './ask.js';
import { limitedRequest, recordRequest, type OpeningContext, type RequestLimits } from './request.js';
import { duplicateRefused, findDuplicate } from './subject.js';
import { combine, type Moment, type Transition } from './transition.js';

/*
 * A pending request is amended by replacing it: one commit cancels it and opens a new request. So an approval of the old terms can
 * never give the new ones (L18): the reviews, the quorum and the links belong to the old request, which has ended.
 */

/** The values of a request that its requester may amend. The subject, the scopes, the start and the extended grant stay. */
export type Amended = {
  readonly [Field in 'ttlMs' | 'until' | 'justification' | 'ticket' | 'metadata' | 'correlation']?: Ask[Field] | undefined;
};

/** The ask that replaces a request. A value that is not given stays. An extension of a request asks for no scope that the old one lacked. */
export function amendedAsk(request: AccessRequest, id: string, given: Amended): Ask {
  // The new request gets an id and instants of its own.
  const { extension, ...asked } = askedIn(request);
  return {
    ...asked,
    extends: extendedBy({ extension }),
    replaces: id,
    ...((given.ttlMs ?? given.until) === undefined
      ? { ttlMs: request.ttlMs, until: request.until }
      : { ttlMs: given.ttlMs, until: given.until }),
    justification: given.justification ?? request.justification,
    ticket: given.ticket ?? request.ticket,
    metadata: given.metadata ?? request.metadata,
    correlation: given.correlation ?? request.correlation,
  };
}

/**
 * Refuses to amend a request that has ended, or by a caller other than its requester. Its subject may not: the new request would
 * name a requester who never asked for it.
 *
 * @throws DeniedError, DecidedError, DeadlineError
 */
export function refuseToAmend(request: AccessRequest, moment: Moment): void {
  if (moment.actor !== request.requestedBy)
    throw new DeniedError(`only its requester may amend request ${request.id}`, moment.actor, undefined);
  if (request.end !== undefined) throw new DecidedError(request);
  refuseIfLate(request, moment);
}

/**
 * Cancels a pending request and opens the request that replaces it. A decision writes the same row, so exactly one of the two
 * commits. A denial of the old request stands against the new one like against any other ask (`limits.askAgainAfter`).
 *
 * @param context without `before`, which the new request replaces
 * @returns the id of the new request
 * @throws LimitError also if the new request would only repeat another one and `limits.duplicates` refuses that, and while a
 *   denial stands against it
 */
export function amendRequest(
  before: AccessRequest,
  ask: Ask,
  id: string,
  limits: RequestLimits,
  context: OpeningContext,
  moment: Moment,
): Transition<string> {
  refuseToAmend(before, moment);
  const request = limitedRequest(ask, id, limits, context.origins, moment);
  refuseIfLocked(context.locks, lockableOf(request), moment);
  const duplicate = limits.duplicates === 'refuse' ? findDuplicate(request, context.open, context, moment) : undefined;
  if (duplicate !== undefined) throw duplicateRefused(duplicate);
  const opened = recordRequest(request, false, limits, context, moment);
  const ending = { status: 'cancelled', cause: 'amended', by: moment.actor, reason: undefined } as const;
  return combine(id, [endRequest(before, ending, moment, { replacedBy: id }), opened]);
}
