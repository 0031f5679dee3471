import type { Row } from '../core/store-port.js';
import type { RequestComment } from '../model/comment.js';
import { commentId } from './derived.js';
import { column, headOf, instant, isCount, optional, struct, subject, text } from './fields.js';
import { columns, kindOf } from './kind.js';

export function makeComment({ id, version, requestId, subject, by, text, at, keyId }: Omit<RequestComment, 'kind'>): RequestComment {
  return Object.freeze({ kind: 'comment', id, version, requestId, subject, by, text, at, keyId });
}

/** The number in the id is that of a comment of the request. */
function hasNumber({ id, requestId }: RequestComment): boolean {
  const n = Number(id.slice(requestId.length + 1));
  return isCount(n) && commentId(requestId, n) === id;
}

/** Never open: nothing ends a comment. */
export const COMMENT = /* @__PURE__ */ (() =>
  kindOf(
    struct<RequestComment>()({
      ...headOf('comment'),
      requestId: text,
      subject,
      by: text,
      text,
      at: column('createdAt', instant),
      keyId: optional(text),
    }),
    makeComment,
    ({ subject, at }) => columns(subject, undefined, false, at),
    hasNumber,
  ))();

/** @throws CorruptError */
export const decodeComment = (row: Row): RequestComment => COMMENT.decode(row);
