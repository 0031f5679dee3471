import type { Row } from '../core/store-port.js';
import type { Kernel } from '../kernel/kernel.js';
import { mostInChange } from '../kernel/ledger/fits-change.js';
import { noChange } from '../lifecycle/transition.js';
import { isObject } from '../records/index.js';
import { bookmark, HORIZON, readBookmark, touchHorizon } from '../records/bookmark.js';
import type { Refusals } from '../model/bookmark.js';
import { readRefusals } from './refused-entry.js';

/** The state of a shared follower, as its row stores it. */
export interface CursorState {
  /** Every entry up to this one was delivered. */
  readonly seq: number;
  /** The end of the lease, epoch milliseconds. Until then a delivery of the row's owner may be in progress. 0: none is. */
  readonly leasedUntil: number;
  readonly refusals: Refusals | undefined;
}

/** The row that holds a shared follower's cursor for the fleet. */
export class SharedCursor {
  readonly #kernel: Kernel;
  readonly #name: string;

  constructor(kernel: Kernel, name: string) {
    this.#kernel = kernel;
    this.#name = name;
  }

  row(): Promise<Row | undefined> {
    return this.#kernel.ledger.row('cursor', this.#name);
  }

  /** Makes the row if it is missing, at the journal's start, so that every purge of any process sees it from then on. */
  make(): Promise<void> {
    const { ledger } = this.#kernel;
    return ledger.run(async () => {
      if ((await this.row()) !== undefined) return noChange(undefined);
      const horizon = await ledger.row(HORIZON.kind, HORIZON.id);
      const { start } = await ledger.journal();
      const touched = touchHorizon(horizon, readBookmark(horizon, 'before'));
      const cursor = bookmark('cursor', this.#name, 1, { seq: start.seq, leasedUntil: 0 });
      const expect = [{ kind: 'cursor', id: this.#name, version: 0 }, touched.expect];
      return { expect, put: [cursor, touched.put], result: undefined };
    });
  }

  /** Writes a version of the row. @returns whether this engine wrote it */
  async write(version: number, { seq, leasedUntil, refusals }: CursorState): Promise<boolean> {
    const { ledger, owner } = this.#kernel;
    const body = { seq, leasedUntil, owner: owner(), ...(refusals === undefined ? {} : { refused: { ...refusals } }) };
    const put = [bookmark('cursor', this.#name, version, body)];
    if (await ledger.commit({ expect: [{ kind: 'cursor', id: this.#name, version: version - 1 }], put })) return true;
    // A change that appends nothing may be answered 'conflict' when it is repeated after a lost reply.
    const row = await this.row();
    return row?.version === version && row.body['owner'] === owner();
  }
}

/** How many hold rows one change removes. */
const MAX_HOLDS = 250;

/** Lets purges continue once every shared sink of this engine has its cursor. */
export async function releaseHolds({ ledger, commitHooks }: Kernel): Promise<void> {
  const rows = (await ledger.rows(commitHooks.takeHolds())).filter((row) => row !== undefined);
  const most = mostInChange(ledger.store, MAX_HOLDS);
  for (let i = 0; i < rows.length; i += most) {
    const expect = rows.slice(i, i + most).map(({ kind, id, version }) => ({ kind, id, version }));
    await ledger.commit({ expect, put: [], remove: expect.map(({ kind, id }) => ({ kind, id })) });
  }
}

/** The refusals that a cursor's row holds. */
export const refusalsOf = (row: Row | undefined): Refusals | undefined =>
  isObject(row) && isObject(row.body) ? readRefusals(row.body['refused']) : undefined;
