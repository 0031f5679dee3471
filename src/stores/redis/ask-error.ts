/** The store could not get an answer from Redis. */
export class AskError extends Error {
  override readonly name = 'AskError';
  /**
   * Has no `cause`: clients attach the whole command to their errors, with every text that callers wrote.
   *
   * @param applied 'no': the server refused the command, or it was never sent; 'unknown': it was sent and no answer came
   */
  constructor(
    readonly applied: 'no' | 'unknown',
    message: string,
  ) {
    super(message);
  }
}

/** Error replies that the server gives before it runs a command. After any other error the command may have run. */
const REFUSED =
  /^(?:NOSCRIPT|OOM|READONLY|LOADING|BUSY|MISCONF|NOAUTH|NOPERM|NOREPLICAS|MASTERDOWN|CLUSTERDOWN|MOVED|ASK|TRYAGAIN|CROSSSLOT|WRONGTYPE)(?: |$)/;
/** The prefix of errors that the store's own scripts return before their first write. */
const OURS = /^JITREFUSED /;

/** Converts an error of a client. @param sent whether the call's own script was sent; before that, nothing can have been applied */
export function askErrorOf(message: string, sent: boolean): AskError {
  return new AskError(!sent || REFUSED.test(message) || OURS.test(message) ? 'no' : 'unknown', message.replace(OURS, ''));
}

/** Whether the server has sent this error: it begins with a code, such as `ERR`. */
export const isErrorReply = (message: string): boolean => /^[A-Z]{2,} /.test(message);

/** Whether one of the store's scripts refused. The server is then the same as before, so its eviction policy stays proven. */
export const isRefusedByScript = (message: string): boolean => OURS.test(message);

/** Whether the server refused because its memory is full; nothing was written then. */
export const isFull = (error: unknown): boolean => error instanceof AskError && error.applied === 'no' && error.message.startsWith('OOM');
