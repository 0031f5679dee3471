import { DeniedError, UndecidedError } from '../core/errors.js';
import type { AccessRequest, Grant } from '../records/index.js';
import { endOne } from './grant.js';
import { endRequest, expireRequest } from './decision.js';
import { hasPassed, type GrantUse } from './status.js';
import { isPending } from './subject.js';
import { combine, noticeTogether, type Moment, type Transition, type Writes } from './transition.js';

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

/** A grant and the part of its chain that ends with it. */
export interface ChainedUse {
  readonly use: GrantUse;
  readonly chain: ExtensionChain;
}

/** Ends several grants of a request, each with its chain, in one transition. An open request may extend several of them. */
export function endGrants(grants: readonly ChainedUse[], command: EndCommand, moment: Moment): Transition<readonly Grant[]> {
  const cancelled = new Set<string>();
  const steps = grants.map(({ use, chain }) => {
    const requests = chain.requests.filter(({ id }) => !cancelled.has(id));
    for (const { id } of requests) cancelled.add(id);
    return endGrant(use, { ...chain, requests }, command, moment);
  });
  return noticeTogether(
    combine(
      steps.map(({ result }) => result),
      steps,
    ),
  );
}

/** Releases the grants of a request that have no end, and their chains. */
export function releaseGrants(
  request: AccessRequest,
  grants: readonly ChainedUse[],
  reason: string | undefined,
  moment: Moment,
): Transition<readonly Grant[]> {
  if (moment.actor !== request.subject) {
    throw new DeniedError(`only its subject may release the grants of request ${request.id}`, moment.actor, undefined);
  }
  if (isPending(request, moment)) {
    throw new UndecidedError(request.id, `request ${request.id} is pending, so it has no grants to release; cancel it instead`);
  }
  return endGrants(grants, { cause: 'released', reason }, moment);
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
