import type { GrantWithStatus } from '../../../../index.js';
import { refusalOf } from '../../parts/decision-refusal.js';

/** The most calls at once. */
const AT_ONCE = 4;
/** A call is never ended. Without an answer in this time it counts as unanswered. Milliseconds. */
const LOST_MS = 30_000;

/**
 * The outcome of the revocation of one grant.
 *
 * - `ended`: it had ended before.
 * - `refused`: the API did not revoke it.
 * - `unanswered`: no answer arrived, or one without a result. A repeat is harmless, and returns the outcome.
 * - `notSent`: the viewer has stopped.
 */
export interface Result {
  readonly kind: 'sending' | 'revoked' | 'ended' | 'refused' | 'unanswered' | 'notSent';
  readonly error?: unknown;
}

export interface RevokePorts {
  /** Sends one revocation. */
  readonly send: (id: string) => Promise<GrantWithStatus>;
  /** The id of the viewer. */
  readonly caller: string;
  /** Stops what is not sent yet. */
  readonly signal: AbortSignal;
  readonly after: (ms: number, call: () => void) => () => void;
  readonly onResult: (id: string, result: Result) => void;
}

/** Revokes grants, at most four at once. Ends when each has its result. */
export async function revokeEach(ids: readonly string[], { signal, onResult, ...ports }: RevokePorts): Promise<void> {
  const waiting = [...ids];
  const work = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      if (!signal.aborted) onResult(id, { kind: 'sending' });
      onResult(id, signal.aborted ? { kind: 'notSent' } : await resultOf(id, ports));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function resultOf(id: string, { send, caller, after }: Pick<RevokePorts, 'send' | 'caller' | 'after'>): Promise<Result> {
  return new Promise((resolve) => {
    const cancel = after(LOST_MS, () => {
      resolve({ kind: 'unanswered' });
    });
    void send(id)
      .then(
        ({ end }): Result => ({ kind: end?.by === caller ? 'revoked' : 'ended' }),
        (error: unknown): Result => ({ kind: (refusalOf(error).status ?? 500) < 500 ? 'refused' : 'unanswered', error }),
      )
      .then((result) => {
        cancel();
        resolve(result);
      });
  });
}
