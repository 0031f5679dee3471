import { makeRequest, type AccessRequest } from '../../records/index.js';

/** The request for an unauthenticated reader: what is asked and its state, without the texts that are only for reviewers. */
export function forStrangers(request: AccessRequest): AccessRequest {
  const reviews = request.reviews.map((review) => ({ ...review, reason: undefined, comment: undefined }));
  const end = request.end && { ...request.end, reason: undefined };
  return makeRequest({ ...request, metadata: undefined, reviews, end });
}
