import type { JsonObject } from '../../model/json.js';
import type { Row } from '../../core/store-port.js';
import { isInstant } from '../../core/instant.js';
import { commentId } from '../derived.js';
import type { RequestComment } from '../../model/comment.js';
import { makeComment } from '../make.js';
import { isCount, isText, optional, shape } from '../shape.js';
import { bodyOf, columns, confirmed, corrupt, toJson, type Columns } from './columns.js';

/** Never open: nothing ends a comment. The instant of the comment is the column `createdAt`. */
export const commentColumns = ({ subject, at }: RequestComment): Columns => columns(subject, undefined, false, at);

export function commentBody({ requestId, by, text, keyId }: RequestComment): JsonObject {
  return toJson({ requestId, by, text, keyId });
}

const isCommentBody = /* @__PURE__ */ (() => shape({ requestId: isText, by: isText, text: isText, keyId: optional(isText) }))();

/** @throws CorruptError */
export function decodeComment(row: Row): RequestComment {
  const body = bodyOf<RequestComment>(row, 'comment') as RequestComment;
  const { id, version, createdAt: at } = row;
  if (!isCommentBody(body) || !isInstant(at) || !isIdOf(body.requestId, id)) throw corrupt(row);
  const comment = makeComment({ ...body, id, version, subject: row.subject as string, at });
  return confirmed(row, comment, commentColumns(comment));
}

function isIdOf(requestId: string, id: string): boolean {
  const n = Number(id.slice(requestId.length + 1));
  return isCount(n) && commentId(requestId, n) === id;
}
