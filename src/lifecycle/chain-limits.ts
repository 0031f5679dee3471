import { LimitError } from '../core/errors.js';
import type { AccessRequest } from '../records/index.js';

/** The most grants of an extension chain, its first grant and all branches included, because one change ends them all (L12, L42). */
const MAX_CHAIN_GRANTS = 50;

/** The most open extension requests of a chain, because the same change ends them too. */
const MAX_CHAIN_REQUESTS = 10;

/** The most open extension requests of a chain by requesters other than the subject, so that the subject can always ask (L44). */
const MAX_CHAIN_REQUESTS_OF_OTHERS = 5;

/** The extension chains that a request would make longer, for the limits of a chain. */
export interface ChainContext {
  /** For each grant that the request extends, the ids of all grants of its chain; empty if the request extends none. */
  readonly chains: readonly ReadonlySet<string>[];
}

/** The limit that one more grant of one of these chains would exceed; `undefined`: none. */
export function chainGrantsMet({ chains }: ChainContext): LimitError | undefined {
  const chain = chains.find(({ size }) => size >= MAX_CHAIN_GRANTS);
  if (chain === undefined) return undefined;
  const message = `an extension chain has at most ${MAX_CHAIN_GRANTS} grants, its first included; request access instead`;
  return new LimitError('extensions', MAX_CHAIN_GRANTS, chain.size + 1, message);
}

/**
 * The limit of a chain that a further extension request would exceed; `undefined`: none.
 *
 * @param open the subject's requests without a recorded end, also those that time has ended, because a revoke writes these too
 */
export function chainLimitMet(
  request: Asked,
  { chains, open }: ChainContext & { readonly open: readonly AccessRequest[] },
): LimitError | undefined {
  const tooMany = chainGrantsMet({ chains });
  if (tooMany !== undefined) return tooMany;
  for (const chain of chains) {
    const requests = open.filter((other) => isExtensionIn(chain, other));
    const met = chainRequestsMet(request, requests);
    if (met !== undefined) return met;
  }
  return undefined;
}

type Asked = Pick<AccessRequest, 'subject' | 'requestedBy'>;

/** Whether a request extends a grant of this chain. */
export const isExtensionIn = (chain: ReadonlySet<string>, { extension }: Pick<AccessRequest, 'extension'>): boolean =>
  extension !== undefined && extension.grantIds.some((id) => chain.has(id));

function chainRequestsMet({ subject, requestedBy }: Asked, requests: readonly AccessRequest[]): LimitError | undefined {
  if (requests.length >= MAX_CHAIN_REQUESTS) {
    const message = `an extension chain has at most ${MAX_CHAIN_REQUESTS} open extension requests; wait for their decisions or cancel one`;
    return new LimitError('extensionRequests', MAX_CHAIN_REQUESTS, requests.length + 1, message);
  }
  const ofOthers = requests.filter((other) => other.requestedBy !== subject).length;
  if (requestedBy === subject || ofOthers < MAX_CHAIN_REQUESTS_OF_OTHERS) return undefined;
  const message = `an extension chain has at most ${MAX_CHAIN_REQUESTS_OF_OTHERS} open extension requests by requesters other than ${subject}`;
  return new LimitError('extensionRequests', MAX_CHAIN_REQUESTS_OF_OTHERS, ofOthers + 1, message);
}
