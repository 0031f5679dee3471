/** A response of Node's, of HTTP/1 or HTTP/2, as far as it takes to know that it is over. */
export interface NodeResponse {
  readonly destroyed?: boolean;
  readonly writableEnded?: boolean;
  readonly stream?: { readonly destroyed?: boolean } | null | undefined;
  once(event: 'close', listener: () => void): unknown;
}

/**
 * Whether another handler has answered while the guard was waiting, as a timeout middleware does. The guard then sends
 * nothing and runs no handler: the client has its answer, and a second one is an error that ends an Express 4 process.
 */
export const isAnswered = (response: NodeResponse): boolean => response.writableEnded === true;

/** Calls a function once: when the response is over, or its client has gone, even if that was before. */
export function whenClosed(response: NodeResponse, call: () => void): void {
  // Nobody is told any more of what has been.
  if (response.destroyed === true || response.stream?.destroyed === true) call();
  else response.once('close', call);
}
