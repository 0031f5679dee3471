/** A response of Node's, of HTTP/1 or HTTP/2, as far as it takes to know that it is over. */
export interface NodeResponse {
  readonly destroyed?: boolean;
  readonly stream?: { readonly destroyed?: boolean } | null | undefined;
  once(event: 'close', listener: () => void): unknown;
}

/** Calls a function once: when the response is over, or its client has gone, even if that was before. */
export function whenClosed(response: NodeResponse, call: () => void): void {
  // Nobody is told any more of what has been.
  if (response.destroyed === true || response.stream?.destroyed === true) call();
  else response.once('close', call);
}
