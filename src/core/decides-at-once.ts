import type { AccessRequest } from '../model/request.js';
import type { Approver, AskableApprover, ApproverContext } from './approver-port.js';

/**
 * Whether the approver promises to decide this request at once. The promise is about its `decide`, so the same object of the prototype
 * chain must define both: a class or wrapper with its own `decide`, for example one that posts to a chat, inherits no promise.
 */
export function decidesAtOnce(approver: Approver, request: AccessRequest, context: ApproverContext): boolean {
  let owner: object | null = approver;
  while (owner !== null && !Object.hasOwn(owner, 'decide')) owner = Object.getPrototypeOf(owner) as object | null;
  // The value shows a proxy that replaces `decide`.
  const isOwn = owner !== null && Object.getOwnPropertyDescriptor(owner, 'decide')?.value === approver.decide;
  return isOwn && Object.hasOwn(owner as object, 'decidesAtOnce') && approver.decidesAtOnce?.(request, context) === true;
}

/** Freezes an approver with this promise. It is not enumerable: a spread that replaces `decide` must not copy it. */
export const promising = <A extends Approver>(
  approver: A,
  decidesAtOnce: NonNullable<AskableApprover['decidesAtOnce']> = () => true,
): Readonly<A> => Object.freeze(Object.defineProperty(approver, 'decidesAtOnce', { value: decidesAtOnce }));
