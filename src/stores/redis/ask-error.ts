/** Redis could not be asked. */
export class AskError extends Error {
  override readonly name = 'AskError';
  /**
   * It has no cause: clients hang the whole command on their errors, and with it whatever people wrote.
   *
   * @param applied 'no': the server has refused, or was sent nothing; 'unknown': it was sent, and no answer came
   */
  constructor(
    readonly applied: 'no' | 'unknown',
    message: string,
  ) {
    super(message);
  }
}

/** What the server says when it has not begun on a command. Whatever isn't here may have been carried out. */
const REFUSED =
  /^(?:NOSCRIPT|OOM|READONLY|LOADING|BUSY|MISCONF|NOAUTH|NOPERM|NOREPLICAS|MASTERDOWN|CLUSTERDOWN|MOVED|ASK|TRYAGAIN|CROSSSLOT|WRONGTYPE)(?: |$)/;
/** What our scripts say when they have not begun to write. */
const OURS = /^JITREFUSED /;

/** What an error of a client comes to. */
export function askErrorOf(message: string, sent: boolean): AskError {
  return new AskError(!sent || REFUSED.test(message) || OURS.test(message) ? 'no' : 'unknown', message.replace(OURS, ''));
}

/** Whether one of our scripts has refused: the server itself answers as before. */
export const isRefusedByScript = (message: string): boolean => OURS.test(message);

/** Whether the server refused because its memory is full; then nothing was written. */
export const isFull = (error: unknown): boolean => error instanceof AskError && error.applied === 'no' && error.message.startsWith('OOM');
