import { LimitError } from '../core/errors.js';
import type { AccessRequest } from '../records/index.js';

/** The most grants of an extension chain, its first grant and all branches included, because one change ends them all (L12, L42). */
const MAX_CHAIN_GRANTS = 50;

/** The most open extension requests of a chain, because the same change ends them too. */
const MAX_CHAIN_REQUESTS = 10;

/** The most open extension requests of a chain by requesters other than the subject, so that the subject can always ask (L44). */
const MAX_CHAIN_REQUESTS_OF_OTHERS = 5;

/** The extension chain that a request would make longer, for the limits of a chain. */
export interface ChainContext {
  /** The ids of all grants of the chain, whichever of them the request extends; empty where it extends none. */
  readonly chain: ReadonlySet<string>;
}

/** The limit that one more grant of this chain would exceed; `undefined`: none. */
export function chainGrantsMet({ chain }: ChainContext): LimitError | undefined {
  if (chain.size < MAX_CHAIN_GRANTS) return undefined;
  const message = `an extension chain has at most ${MAX_CHAIN_GRANTS} grants, its first included; request access instead`;
  return new LimitError('extensions', MAX_CHAIN_GRANTS, chain.size + 1, message);
}

/**
 * The limit of the chain that a further extension request would exceed; `undefined`: none.
 *
 * @param open the subject's requests without a recorded end, also those that time has ended, because a revoke writes these too
 */
export function chainLimitMet(
  { subject, requestedBy }: Pick<AccessRequest, 'subject' | 'requestedBy'>,
  { chain, open }: ChainContext & { readonly open: readonly AccessRequest[] },
): LimitError | undefined {
  const tooMany = chainGrantsMet({ chain });
  if (tooMany !== undefined) return tooMany;
  const requests = open.filter((other) => other.extension !== undefined && chain.has(other.extension.grantId));
  if (requests.length >= MAX_CHAIN_REQUESTS) {
    const message = `an extension chain has at most ${MAX_CHAIN_REQUESTS} open extension requests; wait for their decisions or cancel one`;
    return new LimitError('extensionRequests', MAX_CHAIN_REQUESTS, requests.length + 1, message);
  }
  const ofOthers = requests.filter((other) => other.requestedBy !== subject).length;
  if (requestedBy === subject || ofOthers < MAX_CHAIN_REQUESTS_OF_OTHERS) return undefined;
  const message = `an extension chain has at most ${MAX_CHAIN_REQUESTS_OF_OTHERS} open extension requests by requesters other than ${subject}`;
  return new LimitError('extensionRequests', MAX_CHAIN_REQUESTS_OF_OTHERS, ofOthers + 1, message);
}
