import { makeRequest, type AccessRequest } from '../../records/index.js';

/** A request as a reader may see it who is not known: what is asked and how it stands, without what is for reviewers alone. */
export function forStrangers(request: AccessRequest): AccessRequest {
  const reviews = request.reviews.map((review) => ({ ...review, reason: undefined, comment: undefined }));
  const end = request.end && { ...request.end, reason: undefined };
  return makeRequest({ ...request, metadata: undefined, reviews, end });
}
