import { isJitError, PartialError, type EndFailure } from '../../core/errors.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import type { AccessRequest, Grant, StoredRecord } from '../../records/index.js';
import type { EndedRecords } from '../answers.js';
import { endedWithStatus } from '../with-status.js';

/** The records that a call has ended so far, and those that its latest pass could not end. Each is kept once, by kind and id. */
export class EndTally {
  readonly #grants = new Map<string, Grant>();
  readonly #requests = new Map<string, AccessRequest>();
  readonly #failures = new Map<string, EndFailure>();
  readonly #limit: CallLimit | undefined;

  constructor(limit?: CallLimit) {
    this.#limit = limit;
  }

  /** The limit of the call, until it has ended a record: a call that has begun ends all that it finds. */
  get limit(): CallLimit | undefined {
    return this.#grants.size + this.#requests.size === 0 ? this.#limit : undefined;
  }

  /** Adds the records of one commit that this call ended, not those that time had ended. */
  addWritten(written: readonly StoredRecord[]): void {
    for (const record of written) {
      if (record.kind === 'grant' && record.end?.status === 'revoked') this.#grants.set(record.id, record);
      if (record.kind === 'request' && record.end?.status === 'cancelled') this.#requests.set(record.id, record);
    }
  }

  fail(kind: EndFailure['kind'], id: string | undefined, error: unknown): void {
    this.#failures.set(keyOf(kind, id), { kind, id, error });
  }

  /** Forgets the failures: the next pass tries these records again. */
  beginPass(): void {
    this.#failures.clear();
  }

  get ended(): EndedRecords {
    return {
      grants: [...this.#grants.values()].map((grant) => endedWithStatus(grant)),
      requests: [...this.#requests.values()].map((request) => endedWithStatus(request)),
    };
  }

  get failures(): readonly EndFailure[] {
    return [...this.#failures.values()];
  }

  /**
   * @throws PartialError if a record could not be ended
   * @throws StoreError if the store could not list the records and nothing was ended
   */
  report(): EndedRecords {
    const { ended, failures } = this;
    const [first] = failures;
    if (first === undefined) return ended;
    const isUntouched = ended.grants.length + ended.requests.length === 0 && failures.every(({ id }) => id === undefined);
    throw isUntouched && isJitError(first.error) ? first.error : new PartialError(ended, failures);
  }
}

const keyOf = (kind: string, id: string | undefined): string => JSON.stringify([kind, id ?? null]);
