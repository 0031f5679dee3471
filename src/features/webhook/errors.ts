/**
 * A webhook was not delivered, or its origin could not be proven. The error contains no secret, and of the URL only the origin.
 *
 * @remarks Sending: the engine reports it to `onError`, and the sink posts the entry again; repair the receiver or the URL.
 *   Receiving: answer 401 and process nothing.
 */
export class WebhookError extends Error {
  override readonly name = 'WebhookError';

  /**
   * @param why sending: `status` (the answer was not 2xx), `redirect` (never followed), `gone` (410), `unreachable`,
   *   `timeout`, `waiting` (the receiver asked for a pause), `unfinished` (the next call continues the page). Receiving:
   *   `malformed`, `signature`, `stale` (too old, or from the future)
   * @param status the status of the receiver's answer; `undefined`: no answer
   * @param refusedEntry the id of the entry that the receiver refuses because of its content: a 4xx other than 401, 404,
   *   405, 407, 408, 410 and 429. After five such answers the entry is posted without its texts. `undefined`: no such answer
   * @param retryAt the sink does not call the receiver before this instant, in epoch milliseconds; `undefined`: it calls at
   *   its next delivery
   */
  constructor(
    readonly why:
      'status' | 'redirect' | 'gone' | 'unreachable' | 'timeout' | 'waiting' | 'unfinished' | 'malformed' | 'signature' | 'stale',
    message: string,
    readonly status?: number,
    readonly retryAt?: number,
    readonly refusedEntry?: string,
  ) {
    super(message);
  }
}
