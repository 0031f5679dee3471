import { DeniedError } from '../core/errors.js';
import type { AccessRequest, Grant } from '../records/index.js';
import { endOne } from './grant.js';
import { endRequest, expireRequest } from './decision.js';
import { hasPassed, type GrantUse } from './status.js';
import { combine, type Moment, type Transition, type Writes } from './transition.js';

/** The part of an extension chain that ends with a grant: the grants that extend it, and the open requests to extend any of them. */
export interface ExtensionChain {
  readonly successors: readonly GrantUse[];
  readonly requests: readonly AccessRequest[];
}

export interface EndCommand {
  readonly cause: 'revoked' | 'released' | 'locked' | 'unjustified';
  readonly reason: string | undefined;
}

/** Ends a grant early, and its chain in the same commit (L12). From then on every process denies, regardless of its clock. */
export function endGrant(use: GrantUse, chain: ExtensionChain, { cause, reason }: EndCommand, moment: Moment): Transition<Grant> {
  const { grant } = use;
  if (cause === 'released' && moment.actor !== grant.subject) {
    throw new DeniedError(`only its subject may release grant ${grant.id}`, moment.actor, undefined);
  }
  const ended = endOne(use, { cause, reason }, moment);
  return combine(ended.result, [ended, ...endChain(chain, moment)]);
}

/** Ends the later grants of a chain and its open requests, so that no concurrent approval gives access after the end. */
export function endChain({ successors, requests }: ExtensionChain, moment: Moment): readonly Writes[] {
  return [
    ...successors.map((successor) => endOne(successor, { cause: 'origin_ended', reason: undefined }, moment)),
    ...requests.map((request) => cancelWithOrigin(request, moment)),
  ];
}

function cancelWithOrigin(request: AccessRequest, moment: Moment): Writes {
  // The request has expired, even if no sweep has recorded that yet.
  if (hasPassed(request.reviewBy, moment)) return expireRequest(request, moment);
  return endRequest(request, { status: 'cancelled', cause: 'origin_ended', by: moment.actor, reason: undefined }, moment);
}
