import { IdempotencyError } from '../../core/errors.js';
import type { Row, RowKey } from '../../core/store-port.js';
import type { Kernel } from '../../kernel/kernel.js';
import { derivedId, newId } from '../../kernel/ledger/ids.js';
import { asksForTheSame, digestOfAsk, type Ask } from '../../lifecycle/ask.js';
import { decodeRequest, decodeReuse } from '../../records/index.js';

/** A verb that takes an idempotency key. The same key under two verbs names two requests (L11). */
export type AskVerb = 'requestAccess' | 'extend';

export const idFor = ({ ledger }: Kernel, ask: Ask, key: string | undefined, verb: AskVerb): string =>
  key === undefined ? newId() : derivedId(ledger.store.namespace, verb, ask.requestedBy, key);

/**
 * Finds the request that an earlier call with the same key made.
 *
 * @param id derived from the key
 * @returns the id of that request, or of the request that the earlier call repeated. `undefined`: there is no such request
 * @throws IdempotencyError if the key was used for another ask
 */
export const requestOfKey = async ({ ledger }: Kernel, id: string, ask: Ask): Promise<string | undefined> =>
  repeatedBy(await ledger.rows(keysOf(id)), id, ask);

/** The rows that a key may have made. */
export const keysOf = (id: string): readonly RowKey[] => [
  { kind: 'request', id },
  { kind: 'reuse', id },
];

/** {@link requestOfKey}, from the rows with {@link keysOf}. */
export function repeatedBy([request, reuse]: readonly (Row | undefined)[], id: string, ask: Ask): string | undefined {
  if (request !== undefined) {
    if (!asksForTheSame(decodeRequest(request), ask)) throw new IdempotencyError(id);
    return id;
  }
  if (reuse === undefined) return undefined;
  const { askDigest, requestId } = decodeReuse(reuse);
  if (askDigest !== digestOfAsk(ask, ask.extends)) throw new IdempotencyError(requestId);
  return requestId;
}
