import { signal } from '@preact/signals';
import type { AccessClient } from '../../../../client.js';
import type { Anchor } from '../../../../index.js';

/** The last verification of this page: it stays while other views are shown. Another caller gets another page. */
export interface Verification {
  readonly at: number;
  readonly result:
    | { readonly ok: true; readonly count: number; readonly head: Anchor }
    | { readonly ok: false; readonly seq: number; readonly problem: string };
}

export const lastVerification = signal<{ readonly caller: string; readonly done: Verification } | undefined>(undefined);

/**
 * Verifies the whole journal, part by part.
 *
 * @param onPart called after each part with the number of entries so far
 * @param stop ends it. It then rejects
 */
export async function verifyAll(
  client: Pick<AccessClient, 'verifyJournal'>,
  onPart: (count: number) => void,
  stop?: AbortSignal,
): Promise<Verification['result']> {
  let count = 0;
  let after: string | undefined;
  for (;;) {
    const part = await client.verifyJournal({ after }, { signal: stop });
    stop?.throwIfAborted();
    if (!part.ok) return { ok: false, seq: part.seq, problem: part.problem };
    count += part.count;
    onPart(count);
    if (part.next === undefined) return { ok: true, count, head: part.head };
    after = part.next;
  }
}
