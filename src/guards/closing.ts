/** The part of a Node response, HTTP/1 or HTTP/2, that shows whether it has ended. */
export interface NodeResponse {
  readonly destroyed?: boolean;
  readonly writableEnded?: boolean;
  readonly stream?: { readonly destroyed?: boolean } | null | undefined;
  once(event: 'close', listener: () => void): unknown;
}

/**
 * Whether another handler has answered during the guard's check, as a timeout middleware does. The guard then sends no
 * answer and runs no handler: a second answer is an error that ends an Express 4 process.
 */
export const isAnswered = (response: NodeResponse): boolean => response.writableEnded === true;

/** Calls a function once, when the response has ended or its client has disconnected, even if that was before this call. */
export function whenClosed(response: NodeResponse, call: () => void): void {
  // A response that is already closed emits no further event.
  if (response.destroyed === true || response.stream?.destroyed === true) call();
  else response.once('close', call);
}
