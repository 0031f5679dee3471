import { LimitError } from '../core/errors.js';
import type { AccessRequest } from '../records/index.js';

/** How many grants an extension chain has at most, its first grant and all branches included: one change ends them all (L12, L42). */
const MAX_CHAIN_GRANTS = 50;

/** How many open extension requests a chain has at most, for the same change ends them too. */
const MAX_CHAIN_REQUESTS = 10;

/** How many of these requesters other than the subject have together, so that the subject can always ask for itself (L44). */
const MAX_CHAIN_REQUESTS_OF_OTHERS = 5;

/** What a rule knows about the chain that a request extends. */
export interface ChainContext {
  /** The ids of all grants of the chain, whichever of them the request extends; empty where it extends none. */
  readonly chain: ReadonlySet<string>;
}

/** The limit that one more grant of this chain would go beyond; `undefined`: none. */
export function chainGrantsMet({ chain }: ChainContext): LimitError | undefined {
  if (chain.size < MAX_CHAIN_GRANTS) return undefined;
  const message = `an extension chain has at most ${MAX_CHAIN_GRANTS} grants, its first included; request access instead`;
  return new LimitError('extensions', MAX_CHAIN_GRANTS, chain.size + 1, message);
}

/**
 * The limit of its chain that a further extension request would go beyond; `undefined`: none.
 *
 * @param open the subject's requests without a recorded end: a revoke writes those too whose time has ended
 */
export function chainLimitMet(
  { extension, subject, requestedBy }: Pick<AccessRequest, 'extension' | 'subject' | 'requestedBy'>,
  { chain, open }: ChainContext & { readonly open: readonly AccessRequest[] },
): LimitError | undefined {
  if (extension === undefined) return undefined;
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
