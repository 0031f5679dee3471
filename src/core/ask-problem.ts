/** Every {@link AskProblemCode}. */
export const ASK_PROBLEM_CODES = [
  'missing',
  'malformed',
  'not_allowed',
  'too_short',
  'too_long',
  'too_far_ahead',
  'outside_hours',
  'nothing_left',
  'assurance',
] as const;

/**
 * Why a value of an ask, or of an approval that narrows a request, is refused.
 *
 * - `missing`: the field is required.
 * - `malformed`: the value does not have the form in `limit`, such as `INC-####`.
 * - `not_allowed`: the value is not among those that are allowed.
 * - `too_short`, `too_long`: the value lies below or above `limit`. For a window, both are milliseconds.
 * - `too_far_ahead`: the start lies more than `limit` milliseconds after the request.
 * - `outside_hours`: a calendar does not allow this time. Of `ttl`: the access must end by the instant `limit`, and `got` is its end. Of
 *   `startsAt`: it must start later, at `limit` at the earliest; `undefined`: no later start is allowed. Instants are epoch milliseconds.
 * - `nothing_left`: only of an approval. Together with the other recorded approvals it would leave no scope, or no time. `limit` is what
 *   the others leave: the scopes, joined by `, `, or milliseconds.
 * - `assurance`: only of an approval. Its reviewer must sign in again. Of `auth.acr`, `limit` lists the accepted values, joined by `, `.
 *   Of `auth.authAt`, `limit` and `got` are ages in milliseconds; a negative age lies in the future.
 */
export type AskProblemCode = (typeof ASK_PROBLEM_CODES)[number];

/** A value of an ask or of an approval that is missing or out of bounds. A form shows it beside the input of `field`. */
export interface AskProblem {
  /** The approver's name for the rule that bounds the value; `undefined`: a limit of the engine does, or the approver named none. */
  readonly rule?: string | undefined;
  /** The field of the call, such as `ttl`, `scopes`, `startsAt`, `justification`, `ticket` or `metadata.environment`. */
  readonly field: string;
  /** What is wrong with the value: see {@link AskProblemCode}. */
  readonly code: AskProblemCode;
  /** The bound: a number, or the required form. Durations are milliseconds. */
  readonly limit?: number | string | undefined;
  /** The value of the call. A text is shortened, and its invisible characters are escaped. Durations are milliseconds. */
  readonly got?: number | string | undefined;
}
