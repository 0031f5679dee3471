import { BRAND } from './errors/jit-error.js';
import type {
  ApproverError,
  ClockError,
  ClosedError,
  ConflictError,
  CorruptError,
  HookError,
  LayoutError,
  OutcomeUnknownError,
  PartialError,
  PurgedError,
  RollbackError,
  StoreError,
} from './errors/failures.js';
import type { IdempotencyError, IneligibleError, LimitError, RequirementsError } from './errors/ask-refusals.js';
import type { LockedError } from './errors/locked.js';
import type { MovedError } from './errors/moved.js';
import type {
  DeadlineError,
  DecidedError,
  DeniedError,
  EndedError,
  InvalidArgumentError,
  LinkError,
  NotFoundError,
  NotReviewerError,
  SelfReviewError,
  UndecidedError,
} from './errors/refusals.js';

export { JitError, messageOf } from './errors/jit-error.js';
export {
  ApproverError,
  ClockError,
  ClosedError,
  ConflictError,
  CorruptError,
  HookError,
  LayoutError,
  OutcomeUnknownError,
  PartialError,
  PurgedError,
  RollbackError,
  StoreError,
  type EndFailure,
} from './errors/failures.js';
export { IdempotencyError, IneligibleError, LimitError, RequirementsError } from './errors/ask-refusals.js';
export { LockedError } from './errors/locked.js';
export { MovedError } from './errors/moved.js';
export {
  DeadlineError,
  DecidedError,
  DeniedError,
  EndedError,
  InvalidArgumentError,
  LinkError,
  NotFoundError,
  NotReviewerError,
  SelfReviewError,
  UndecidedError,
} from './errors/refusals.js';

/** Every code that this package throws. Codes and fields are SemVer; messages are for people and may change. */
export type JitErrorCode = AnyJitError['code'];

/** Any error of this package: a union that `switch (error.code)` narrows. */
export type AnyJitError =
  | InvalidArgumentError
  | StoreError
  | LayoutError
  | OutcomeUnknownError
  | HookError
  | ConflictError
  | DecidedError
  | DeadlineError
  | UndecidedError
  | NotFoundError
  | SelfReviewError
  | NotReviewerError
  | EndedError
  | LinkError
  | IneligibleError
  | RequirementsError
  | LockedError
  | IdempotencyError
  | LimitError
  | ClockError
  | RollbackError
  | MovedError
  | PurgedError
  | CorruptError
  | ApproverError
  | DeniedError
  | ClosedError
  | PartialError;

/**
 * Whether `error` is an error of this package, from any loaded copy of it.
 *
 * @example
 * if (isJitError(error) && error.code === 'ERR_JIT_DECIDED') console.log(error.request.end);
 */
export function isJitError(error: unknown): error is AnyJitError {
  try {
    return error instanceof Error && Object.hasOwn(error, BRAND);
  } catch {
    // A revoked proxy throws at every operation, `instanceof` included.
    return false;
  }
}
