import { LayoutError, messageOf, StoreError, type MovedError } from '../../core/errors.js';
import { LAYOUT } from '../../core/layout.js';
import { movedError } from '../../core/namespace-part.js';

/** The store could not get an answer from Redis. */
export class AskError extends Error {
  override readonly name = 'AskError';
  /**
   * Has no `cause`: clients attach the whole command to their errors, with every text that callers wrote.
   *
   * @param applied 'no': the server refused the command, or it was never sent; 'unknown': it was sent and no answer came
   * @param refusal the error with a name of its own by which a script has refused the namespace
   */
  constructor(
    readonly applied: 'no' | 'unknown',
    message: string,
    readonly refusal?: LayoutError | MovedError,
  ) {
    super(message);
  }
}

/** Error replies that the server gives before it runs a command. After any other error the command may have run. */
const REFUSED =
  /^(?:NOSCRIPT|OOM|READONLY|LOADING|BUSY|MISCONF|NOAUTH|NOPERM|NOREPLICAS|MASTERDOWN|CLUSTERDOWN|MOVED|ASK|TRYAGAIN|CROSSSLOT|WRONGTYPE)(?: |$)/;
/** The prefix of errors that the store's own scripts return before their first write. */
const OURS = /^JIT(?:REFUSED|LAYOUT|MOVED) /;

/**
 * Converts an error of a client.
 *
 * @param namespace the namespace of the call
 * @param sent whether the call's own script was sent; before that, nothing can have been applied
 */
export function askErrorOf(message: string, namespace: string, sent: boolean): AskError {
  const applied = !sent || REFUSED.test(message) || OURS.test(message) ? 'no' : 'unknown';
  return new AskError(applied, message.replace(OURS, ''), refusalOf(message, namespace));
}

function refusalOf(message: string, namespace: string): AskError['refusal'] {
  const [, version, readableFrom] = /^JITLAYOUT (\d+) (\d+)$/.exec(message) ?? [];
  if (version !== undefined) return new LayoutError(Number(version), Number(readableFrom), LAYOUT);
  const [, place] = /^JITMOVED to ?(.*)$/s.exec(message) ?? [];
  return place === undefined ? undefined : movedError(namespace, place);
}

/** The error of a method other than `commit`. */
export const storeErrorOf = (operation: string, error: unknown): StoreError | LayoutError | MovedError =>
  (error instanceof AskError ? error.refusal : undefined) ?? new StoreError(operation, messageOf(error), error);

/** Whether the server has sent this error: it begins with a code, such as `ERR`. */
export const isErrorReply = (message: string): boolean => /^[A-Z]{2,} /.test(message);

/** Whether one of the store's scripts refused. The server is then the same as before, so its eviction policy stays proven. */
export const isRefusedByScript = (message: string): boolean => OURS.test(message);

/** Whether the server refused because its memory is full; nothing was written then. */
export const isFull = (error: unknown): boolean => error instanceof AskError && error.applied === 'no' && error.message.startsWith('OOM');
