import type { Kernel } from '../../kernel/kernel.js';
import { refuseUnapprovable } from '../../kernel/ledger/fits-change.js';
import { loadOpeningContext, type OpeningOptions } from '../../kernel/loading/opening-context.js';
import type { Ask } from '../../lifecycle/ask.js';
import { draftRequest, type OpeningContext } from '../../lifecycle/request.js';
import { beyondLimits, refusalOf, refuseUnmet } from '../../lifecycle/requirements.js';
import { moment } from '../../lifecycle/transition.js';
import type { ParsedVerdict } from '../../lifecycle/verdict.js';
import type { AccessRequest } from '../../records/index.js';
import { loadOrigins } from './extension.js';

/** A request as the engine would record it, and the grants that it may extend. */
export interface Draft {
  readonly request: AccessRequest;
  /** The request is opened by the same ones: the approver has judged no others. Its commit expects those that it extends. */
  readonly origins: OpeningContext['origins'];
}

/**
 * Drafts the request, and asks the approver whether the subject may ask for it.
 *
 * @throws IneligibleError if the subject has no right to it
 * @throws LimitError if one change of the store could not approve it
 * @throws RequirementsError if values of the ask exceed the engine's limits, or do not meet the approver's rules
 */
export async function draftOf(kernel: Kernel, id: string, ask: Ask): Promise<Draft> {
  const { limits } = kernel.settings;
  const origins = await loadOrigins(kernel, ask);
  const request = draftRequest(ask, id, limits, origins, moment(kernel.clock, ask.requestedBy));
  const answer = await kernel.approver.mayAsk(request);
  if (!answer.eligible) throw refusalOf(request, answer, limits);
  refuseUnmet(request, beyondLimits(request, limits));
  refuseUnapprovable(kernel, request);
  return { request, origins };
}

/** The records by which a request is opened, with the grants that it extends. */
export async function openingContext(kernel: Kernel, { request, origins }: Draft, options: OpeningOptions): Promise<OpeningContext> {
  return { ...(await loadOpeningContext(kernel, request, options)), origins };
}

/** The approver and the terms of an answer. */
export const decidedBy = ({ approver, verdict }: ParsedVerdict) => ({ approver, terms: 'terms' in verdict ? verdict.terms : undefined });
