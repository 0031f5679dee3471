/** A webhook was not delivered, or could not be proven to be one. Neither the secrets nor the address are in it. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError';

  /**
   * @param why sending: `status` (the answer was not 2xx), `redirect` (never followed), `gone` (410), `unreachable`,
   *   `timeout`, `waiting` (the receiver has asked for a pause), `unfinished` (the page goes on with the next call).
   *   Receiving: `malformed`, `signature`, `stale` (too old, or from the future)
   * @param status what the receiver answered; `undefined`: nothing
   * @param refusedEntry the id of the entry that the receiver refuses for what is in it: a 4xx other than 401, 404, 405,
   *   407, 408, 410 and 429. After five of them the entry is posted without its texts; `undefined`: no such answer
   * @param retryAt before this instant it isn't called again, epoch milliseconds; `undefined`: whenever the sink is next driven
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
