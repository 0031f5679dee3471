import { ASK_PROBLEM_CODES, type AskProblem } from '../../../core/ask-problem.js';
import type { LockWithStatus } from '../../../engine/endings/locks.js';
import type { CancelResult } from '../../../engine/endings/revocation.js';
import type { GrantWithStatus, ListedRequest, RequestOutcome, RequestWithStatus } from '../../../engine/with-status.js';
import type { EndedLock } from '../../../model/lock.js';
import { COMMENT } from '../../../records/comment.js';
import {
  flag,
  list,
  oneOf,
  optional,
  set,
  struct,
  text,
  type AnyField,
  type Field,
  type Fields,
  type RecordTable,
} from '../../../records/fields.js';
import { GRANT } from '../../../records/grant.js';
import { fieldsOf, type Kind } from '../../../records/kind.js';
import { lock, lockEnd } from '../../../records/lock.js';
import { REQUEST } from '../../../records/request.js';
import { named, numberOrText } from './json-schema.js';

/* The records of the engine as JSON, from their tables. A field that the engine returns as `undefined` is missing. */

/** The fields of a record as an answer has them: with the values that a row omits. */
function answered<T>({ fields }: Kind<T>): Fields<T> {
  const whole = (field: AnyField): AnyField => {
    if (field.sparse !== true) return field;
    return field.list === undefined ? { is: field.is === set.is ? flag.is : field.is } : list(field.list);
  };
  return Object.fromEntries(
    Object.entries(fields as RecordTable).map(([name, field]) => [
      name,
      field.silent === undefined ? whole(field) : optional(field.silent as Field<unknown>),
    ]),
  ) as unknown as Fields<T>;
}

const ofRequest = { ...answered(REQUEST), status: oneOf('pending', 'approved', 'denied', 'cancelled', 'expired') };

export const outcome = oneOf<readonly RequestOutcome[]>('granted', 'ended', 'pending', 'denied', 'cancelled', 'expired');
export const accessRequest = named('Request', struct<RequestWithStatus>()(ofRequest));
export const listedRequest = named('ListedRequest', struct<ListedRequest>()({ ...ofRequest, outcome }));
/** A request that a call has ended. */
export const endedRequest = named(
  'EndedRequest',
  struct<RequestWithStatus & { readonly cancelled: boolean | undefined }>()({ ...ofRequest, cancelled: optional(flag) }),
);
export const cancelledRequest = named('CancelledRequest', struct<CancelResult>()({ ...ofRequest, cancelled: flag }));

export const grant = named(
  'Grant',
  struct<GrantWithStatus>()({ ...answered(GRANT), status: oneOf('scheduled', 'active', 'expired', 'revoked') }),
);

export const comment = named('Comment', struct<ReturnType<typeof COMMENT.make>>()(COMMENT.fields));

export const lockWithStatus = named(
  'Lock',
  struct<LockWithStatus & { readonly end: EndedLock['end'] | undefined }>()({
    ...fieldsOf(lock),
    end: optional(lockEnd),
    status: oneOf('open', 'lifted', 'expired'),
  }),
);

export const askProblem = struct<AskProblem>()({
  rule: optional(text),
  field: text,
  code: oneOf(...ASK_PROBLEM_CODES),
  limit: optional(numberOrText),
  got: optional(numberOrText),
});
