import { UndecidedError } from '../../core/errors.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Ask, Extended } from '../../lifecycle/ask.js';
import { hasEnded, requestStatus, type GrantUse } from '../../lifecycle/status.js';
import type { ExtendedAccess } from './ask.js';

/** The access that a call of `extend` names. @throws NotFoundError */
export async function loadExtended({ ledger }: Kernel, extended: Extended): Promise<ExtendedAccess> {
  if (typeof extended === 'object') {
    const { subject, operator } = await ledger.request(extended.requestId);
    return { subject, operator, scopes: [], extends: extended };
  }
  const { grant } = await ledger.grantUse(extended);
  return { subject: grant.subject, operator: await ledger.operatorOf(grant), scopes: [grant.scope], extends: extended };
}

/** The record that a refused attempt names. */
export const namedIn = (extended: Extended): { readonly grantId: string } | { readonly requestId: string } =>
  typeof extended === 'string' ? { grantId: extended } : extended;

/**
 * The grants that an ask may extend. It omits the grants of a bundle that have a live extension: their holder extends the later grants. A
 * new extension writes that grant, so the commit of the ask then conflicts.
 *
 * @throws UndecidedError if the request of the bundle is pending
 */
export async function loadOrigins({ clock, ledger }: Kernel, { extends: extended }: Ask): Promise<readonly GrantUse[]> {
  if (extended === undefined) return [];
  if (typeof extended === 'string') return ledger.grantsWithUsage([extended]);
  const request = await ledger.request(extended.requestId);
  if (requestStatus(request, clock.read().forEnds) === 'pending') {
    throw new UndecidedError(request.id, `request ${request.id} is pending, so it has no grants to extend`);
  }
  const uses = await ledger.grantUsesOf(request);
  const successors = await ledger.grantsWithUsage(uses.flatMap(({ grant }) => grant.successors.map(({ grantId }) => grantId)));
  const reading = clock.read();
  const extendedIds = new Set(successors.filter((use) => !hasEnded(use, reading)).map(({ grant }) => grant.extends));
  return uses.filter(({ grant }) => !extendedIds.has(grant.id));
}
