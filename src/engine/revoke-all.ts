import { isJitError, PartialError, type EndFailure } from '../core/errors.js';
import type { AccessRequest, Grant, StoredRecord } from '../records/index.js';
import { nextTurn } from '../core/time.js';
import type { RevokeAllReport } from './answers.js';

/** How many records are ended at a time: a store that commits in groups shares a transaction among them. */
const AT_ONCE = 32;

/** What `revokeAll` has ended so far, and what the present pass could not end: each once, by kind and id. */
export class RevokeAllTally {
  readonly #grants = new Map<string, Grant>();
  readonly #requests = new Map<string, AccessRequest>();
  readonly #failures = new Map<string, EndFailure>();

  /** Takes what one commit has written, as far as access ended by it. */
  addWritten(written: readonly StoredRecord[]): void {
    for (const record of written) {
      if (record.kind === 'grant' && record.end?.status === 'revoked') this.#grants.set(record.id, record);
      if (record.kind === 'request' && record.end?.status === 'cancelled') this.#requests.set(record.id, record);
    }
  }

  fail(kind: EndFailure['kind'], id: string | undefined, error: unknown): void {
    this.#failures.set(keyOf(kind, id), { kind, id, error });
  }

  /** Another pass tries everything again: what is still open fails again, or ends. */
  beginPass(): void {
    this.#failures.clear();
  }

  get ended(): RevokeAllReport {
    return { grants: [...this.#grants.values()], requests: [...this.#requests.values()] };
  }

  get failures(): readonly EndFailure[] {
    return [...this.#failures.values()];
  }

  /**
   * @throws PartialError where anything could not be ended
   * @throws StoreError where the store could not list the records and nothing was ended
   */
  report(): RevokeAllReport {
    const { ended, failures } = this;
    const [first] = failures;
    if (first === undefined) return ended;
    const isUntouched = ended.grants.length + ended.requests.length === 0 && failures.every(({ id }) => id === undefined);
    throw isUntouched && isJitError(first.error) ? first.error : new PartialError(ended, failures);
  }
}

const keyOf = (kind: string, id: string | undefined): string => JSON.stringify([kind, id ?? null]);

/** Handles items in bounded parallel batches, with a turn of the event loop before each: a store in memory takes none itself. */
export async function inBatches<T>(items: readonly T[], handle: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += AT_ONCE) {
    await nextTurn();
    await Promise.all(items.slice(i, i + AT_ONCE).map(handle));
  }
}
