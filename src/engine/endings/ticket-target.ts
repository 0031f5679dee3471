import { isJitError, NotFoundError } from '../../core/errors.js';
import type { Row } from '../../core/store-port.js';
import { decodeEach } from '../../kernel/ledger/ledger-reads.js';
import type { Kernel } from '../../kernel/kernel.js';
import { requestIdOf } from '../../lifecycle/grant.js';
import { decodeRequest, type Grant } from '../../records/index.js';
import type { EndTally } from './end-tally.js';
import type { EndTarget } from './end-target.js';

/**
 * The open requests that cite a ticket, and the open grants of requests that cite it. An extension of such access also belongs to it,
 * whichever ticket it cites. No index leads from a ticket to its requests, so each pass reads the whole namespace.
 *
 * @param tally gets each request that cannot be read, because it may cite the ticket
 */
export function targetOfTicket(kernel: Kernel, ticket: string, tally: EndTally): EndTarget {
  const pages = async function* (kind: 'request' | 'grant') {
    for await (const rows of kernel.ledger.pages({ kind, open: true })) {
      const idOf = ({ id }: Row): string => (kind === 'request' ? id : requestIdOf(id));
      const fail = (id: string, error: unknown): void => tally.fail('request', id, error);
      const citing = await requestsCiting(kernel, ticket, [...new Set(rows.map(idOf))], fail);
      yield rows.filter((row) => citing.has(idOf(row)));
    }
  };
  return {
    requests: () => pages('request'),
    grants: () => pages('grant'),
    // A request that is open only for its break-glass review has nothing left to cancel.
    isRequest: ({ end }) => end === undefined,
    isGrant: () => true,
    mayBeGrant: () => true,
  };
}

/**
 * The grants among these that a revocation of the ticket reaches, for a list of open and ended ones. `undefined`: all of them.
 *
 * @throws CorruptError if a request cannot be read
 */
export async function grantsCiting(kernel: Kernel, ticket: string | undefined, grants: readonly Grant[]): Promise<readonly Grant[]> {
  if (ticket === undefined || grants.length === 0) return grants;
  const ids = await requestsCiting(kernel, ticket, [...new Set(grants.map(({ requestId }) => requestId))], (_, error) => {
    // A purge removes a request and its grants in one commit, which may have happened between the two reads.
    if (!isJitError(error) || error.code !== 'ERR_JIT_NOT_FOUND') throw error;
  });
  return grants.filter(({ requestId }) => ids.has(requestId));
}

/**
 * Of these requests, those that cite the ticket, or extend access of a request that cites it, directly or through others.
 *
 * @param fail gets each request that is missing or cannot be read
 */
async function requestsCiting(
  kernel: Kernel,
  ticket: string,
  ids: readonly string[],
  fail: (id: string, error: unknown) => void,
): Promise<ReadonlySet<string>> {
  const citing = new Set<string>();
  /** By request, the request whose grants it extends. */
  const origins = new Map<string, string | undefined>();
  for (let next = ids; next.length > 0;) {
    const rows = await kernel.ledger.rows(next.map((id) => ({ kind: 'request', id })));
    next.forEach((id, i) => {
      origins.set(id, undefined);
      if (rows[i] === undefined) fail(id, new NotFoundError('request', id));
    });
    const requests = decodeEach(
      rows.filter((row) => row !== undefined),
      decodeRequest,
      (row, error) => fail(row.id, error),
    );
    for (const { id, ticket: cited, extension } of requests) {
      if (cited === ticket) citing.add(id);
      else if (extension !== undefined) origins.set(id, requestIdOf(extension.grantIds[0] as string));
    }
    next = [...new Set([...origins.values()].filter((id) => id !== undefined && !origins.has(id)))] as readonly string[];
  }
  return new Set(ids.filter((id) => isReached(id, citing, origins)));
}

function isReached(id: string, citing: ReadonlySet<string>, origins: ReadonlyMap<string, string | undefined>): boolean {
  const seen = new Set<string>();
  for (let next: string | undefined = id; next !== undefined && !seen.has(next); next = origins.get(next)) {
    if (citing.has(next)) return true;
    seen.add(next);
  }
  return false;
}
