import { isJitError } from '../errors.js';
import { moment, SWEEPER } from '../lifecycle/step.js';
import { isDue, recordEnds } from '../lifecycle/sweep.js';
import type { Row } from '../ports.js';
import { decodeGrant, decodeRequest, isObject, type AccessRequest, type Grant } from '../records.js';
import type { Timekeeper } from '../time.js';
import type { Ledger } from './ledger.js';

/** What one pass did. */
export interface SweepReport {
  /** Grants whose end by time was recorded. */
  readonly ended: number;
  /** Requests whose deadline had passed. */
  readonly expired: number;
  /** Requests whose approver was asked again. */
  readonly asked: number;
  /** Rows left alone: malformed, or changed by others all the while. */
  readonly skipped: number;
}

const CHUNK = 100;
/** How many undecided requests one pass asks about, and how many at a time: an approver that hangs must not hold up ends for long. */
const MAX_ASKS = 100;
const ASKS_AT_ONCE = 20;

/** Records what time has ended: ends first, then deadlines, then the questions that an approver has not answered. */
export class Sweep {
  readonly #ledger: Ledger;
  readonly #keeper: Timekeeper;
  readonly #askAgain: (request: AccessRequest) => Promise<unknown>;
  readonly #onError: (error: unknown, during: string) => void;
  /** Where the next pass goes on asking, so that requests on which the approver always fails don't starve the others. */
  #askedUpTo = '';

  constructor(
    ledger: Ledger,
    keeper: Timekeeper,
    askAgain: (request: AccessRequest) => Promise<unknown>,
    onError: (error: unknown, during: string) => void,
  ) {
    this.#ledger = ledger;
    this.#keeper = keeper;
    this.#askAgain = askAgain;
    this.#onError = onError;
  }

  async pass(): Promise<SweepReport> {
    const deadlines: AccessRequest[] = [];
    const undecided: AccessRequest[] = [];
    let ended = 0;
    let skipped = 0;
    const at = this.#keeper.read().late;
    let after: string | undefined;
    do {
      const page = await this.#ledger.due({ at, limit: CHUNK, after });
      const grants: Grant[] = [];
      for (const row of page.items) {
        const record = this.#decode(row);
        if (record === undefined) skipped += 1;
        else if (record.kind === 'grant') grants.push(record);
        else if (isDue(record, moment(this.#keeper, SWEEPER))) deadlines.push(record);
        else undecided.push(record);
      }
      const recorded = await this.#record(grants);
      ended += recorded;
      skipped += grants.length - recorded;
      after = page.next;
    } while (after !== undefined);

    let expired = 0;
    for (let i = 0; i < deadlines.length; i += CHUNK) expired += await this.#record(deadlines.slice(i, i + CHUNK));
    skipped += deadlines.length - expired;
    return { ended, expired, asked: await this.#ask(undecided), skipped };
  }

  #decode(row: Row): AccessRequest | Grant | undefined {
    try {
      return isObject(row) && row.kind === 'grant' ? decodeGrant(row) : decodeRequest(row);
    } catch (error) {
      this.#onError(error, 'sweep');
      return undefined;
    }
  }

  /** Records a chunk in one commit. One that conflicts is reloaded, then halved, so that a busy record holds up only itself. */
  async #record(records: readonly (AccessRequest | Grant)[], reloaded = false): Promise<number> {
    const step = recordEnds(records, moment(this.#keeper, SWEEPER));
    if (await this.#ledger.take(step)) return step.result;
    if (!reloaded) return this.#record(await this.#reload(records), true);
    if (records.length === 1) return 0;
    const half = records.length >> 1;
    return (await this.#record(records.slice(0, half))) + (await this.#record(records.slice(half)));
  }

  async #reload(records: readonly (AccessRequest | Grant)[]): Promise<readonly (AccessRequest | Grant)[]> {
    const rows = await this.#ledger.rows(records.map(({ kind, id }) => ({ kind, id })));
    return rows.flatMap((row) => (row && this.#decode(row)) ?? []);
  }

  async #ask(undecided: readonly AccessRequest[]): Promise<number> {
    const byId = [...undecided].sort((a, b) => (a.id < b.id ? -1 : 1));
    const first = byId.findIndex((request) => request.id > this.#askedUpTo);
    const turn = [...byId.slice(Math.max(first, 0)), ...byId.slice(0, Math.max(first, 0))].slice(0, MAX_ASKS);
    for (let i = 0; i < turn.length; i += ASKS_AT_ONCE) {
      const batch = turn.slice(i, i + ASKS_AT_ONCE);
      await Promise.all(
        batch.map((request) =>
          this.#askAgain(request).catch((error: unknown) => {
            // Somebody cancelled or decided it meanwhile, or its deadline came: that is no failure.
            if (!(isJitError(error) && error.code === 'ERR_JIT_DEADLINE')) this.#onError(error, 'sweep');
          }),
        ),
      );
    }
    this.#askedUpTo = turn.at(-1)?.id ?? '';
    return turn.length;
  }
}
