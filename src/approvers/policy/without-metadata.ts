import type { AccessRequest } from '../../records/index.js';

/*
 * The journal has no metadata, so a request that was read from it lacks the metadata that it had. A rule cannot judge that, and must
 * not refuse the request for it.
 */
const requests = new WeakSet<AccessRequest>();

export const isWithoutMetadata = (request: AccessRequest): boolean => requests.has(request);

/** Marks a request of the journal. @returns the same request */
export function withoutMetadata(request: AccessRequest): AccessRequest {
  requests.add(request);
  return request;
}
