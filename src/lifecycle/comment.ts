import { DecidedError, LimitError, NotReviewerError, UndecidedError } from '../core/errors.js';
import { commentId, makeComment, toJson, type AccessRequest, type RequestComment } from '../records/index.js';
import { refuseIfLate } from './decision.js';
import { locksAsRead, refuseIfLocked, type LocksContext } from './lock.js';
import { countsIn, isOwnRequest } from './review.js';
import { asRead, nextVersion, stamp, type Moment, type Transition } from './transition.js';

/*
 * Rules about comments. A comment depends on the version of its request and does not write it: comments make no review retry, and of
 * a comment and a decision at once exactly one commits first.
 */

/** The most comments on a request. */
export const MAX_COMMENTS = 100;
/** The most comments of one author on a request. */
const MAX_COMMENTS_OF_AUTHOR = 20;

/** A comment to record. The moment's actor is the author. */
export type CommentCommand = Pick<RequestComment, 'text' | 'keyId'>;

export interface CommentContext {
  /** All comments on the request. */
  readonly comments: readonly RequestComment[];
  /** The present groups of the author. Not needed for the subject and the requester. */
  readonly groups: readonly string[];
  readonly locks: LocksContext;
}

/**
 * Refuses a comment that no answer of the approver could allow.
 *
 * @throws DecidedError, DeadlineError
 * @throws UndecidedError if the request has no reviewers yet, and the author is neither its subject nor its requester
 */
export function refuseToComment(request: AccessRequest, moment: Moment): void {
  if (request.end !== undefined) throw new DecidedError(request);
  refuseIfLate(request, moment);
  if (request.quorum === undefined && !isOwnRequest(request, moment.actor)) throw new UndecidedError(request.id);
}

/**
 * Records a comment of the subject, the requester or a reviewer.
 *
 * @throws NotReviewerError, LockedError, LimitError, and the errors of {@link refuseToComment}
 */
export function commentOn(
  request: AccessRequest,
  { text, keyId }: CommentCommand,
  { comments, groups, locks }: CommentContext,
  moment: Moment,
): Transition<RequestComment> {
  const { id: requestId, subject } = request;
  const { actor: by } = moment;
  refuseToComment(request, moment);
  if (!isOwnRequest(request, by) && countsIn(request, groups, moment).length === 0)
    throw new NotReviewerError(requestId, by, 'not_in_group');
  refuseIfLocked(locks, { ids: [by], scopes: [] }, moment);
  refuseTooMany(comments, by);
  const at = stamp(moment, request, comments.at(-1));
  const id = commentId(requestId, comments.length + 1);
  const comment = makeComment({ id, version: nextVersion(), requestId, subject, by, text, at, keyId });
  const data = toJson({ commentId: id, subject, text, keyId });
  return {
    result: comment,
    put: [comment],
    entries: [{ type: 'request.commented', at, actor: by, requestId, data }],
    dependsOn: [asRead(request), locksAsRead(locks)],
  };
}

function refuseTooMany(comments: readonly RequestComment[], by: string): void {
  if (comments.length >= MAX_COMMENTS) {
    const message = `a request has at most ${MAX_COMMENTS} comments`;
    throw new LimitError('comments', MAX_COMMENTS, comments.length + 1, message);
  }
  const own = comments.filter((comment) => comment.by === by).length;
  if (own >= MAX_COMMENTS_OF_AUTHOR) {
    const message = `an author may comment at most ${MAX_COMMENTS_OF_AUTHOR} times on a request`;
    throw new LimitError('commentsOfAuthor', MAX_COMMENTS_OF_AUTHOR, own + 1, message);
  }
}
