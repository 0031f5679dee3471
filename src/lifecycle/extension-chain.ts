import { DeniedError } from '../core/errors.js';
import type { AccessRequest, Grant } from '../records/index.js';
import { endOne } from './grant.js';
import { endRequest, expireRequest } from './decision.js';
import { hasPassed, type GrantUse } from './status.js';
import { combine, type Moment, type Transition, type Writes } from './transition.js';

/** What ends with a grant that is ended early: the grants that extend it, and the open requests to extend any of them. */
export interface ExtensionChain {
  readonly successors: readonly GrantUse[];
  readonly requests: readonly AccessRequest[];
}

export interface EndCommand {
  readonly cause: 'revoked' | 'released' | 'unjustified';
  readonly reason: string | undefined;
}

/** Ends a grant early, and its line in the same step (L12): so that, after it, no process denies for its clock's sake alone. */
export function endGrant(held: GrantUse, line: ExtensionChain, { cause, reason }: EndCommand, moment: Moment): Transition<Grant> {
  const { grant } = held;
  if (cause === 'released' && moment.actor !== grant.subject) {
    throw new DeniedError(`only its subject may release grant ${grant.id}`, moment.actor, undefined);
  }
  const ended = endOne(held, { cause, reason }, moment);
  return combine(ended.result, [ended, ...endChain(line, moment)]);
}

/** Whatever a reviewer does at that moment, nothing that goes on from an ended grant gives access. */
export function endChain({ successors, requests }: ExtensionChain, moment: Moment): readonly Writes[] {
  return [
    ...successors.map((successor) => endOne(successor, { cause: 'origin_ended', reason: undefined }, moment)),
    ...requests.map((request) => cancelWithOrigin(request, moment)),
  ];
}

function cancelWithOrigin(request: AccessRequest, moment: Moment): Writes {
  // Time has ended it already, whether or not a sweep has said so.
  if (hasPassed(request.reviewBy, moment)) return expireRequest(request, moment);
  return endRequest(request, { status: 'cancelled', cause: 'origin_ended', by: moment.actor, reason: undefined }, moment);
}
