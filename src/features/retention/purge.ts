import { inGroups, MAX_ROWS, partsOf, rowsOf } from './groups.js';
import { HORIZON, readBookmark, spentHolds, touchHorizon } from '../../records/bookmark.js';
import { moveHorizon, purgedEntry } from './move-horizon.js';
import { removeSilentEngines } from '../../kernel/configurations.js';
import { mostInChange } from '../../kernel/ledger/fits-change.js';
import { readHorizon } from '../../kernel/ledger/horizon.js';
import { commentRows } from '../../kernel/loading/comments.js';
import { lastOlder } from './last-older.js';
import { openLockIds } from '../../kernel/loading/locks.js';
import { walkChain } from '../../kernel/loading/walk-chain.js';
import { grantIds } from '../../lifecycle/grant.js';
import { isProvisioningPurgeable, isPurgeable, isUsePurgeable } from '../../lifecycle/purge.js';
import { noChange } from '../../lifecycle/transition.js';
import type { Expectation, FindQuery, Row } from '../../core/store-port.js';
import {
  decodeProvisioningChange,
  decodeGrant,
  decodeRequest,
  decodeReuse,
  decodeUse,
  hasUsageRow,
  type AccessRequest,
  type AuditEntry,
  type Grant,
} from '../../records/index.js';
import { TurnBudget } from '../../core/turns.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { Ledger } from '../../kernel/ledger/ledger.js';
import type { Settings } from '../../kernel/settings/settings.js';

/** What a purge has removed. */
export interface PurgeReport {
  /** The engine refuses questions about earlier instants from now on. Epoch milliseconds. */
  readonly horizon: number;
  /** The number of removed requests. */
  readonly requests: number;
  /** The number of removed grants. */
  readonly grants: number;
  /** The journal now begins after this seq. */
  readonly journalStart: number;
}

const PAGE = 100;
/** How many entries one change drops. That blocks this process for some ten milliseconds with SQLite, and Redis for less than one. */
const TRIM_STEP = 2_000;

/**
 * One purge: removes the records that ended before a horizon, then the journal's prefix that no kept record needs (L33).
 *
 * It records the horizon before it removes the first row, so that no question about an earlier instant is answered from half
 * of the rows. The entry of each change names what the change removed.
 */
export class Purge {
  readonly #kernel: Kernel;
  readonly #ledger: Ledger;
  readonly #decodeAll: Settings['decodeAll'];
  readonly #actor: string;
  readonly #turns = new TurnBudget();

  constructor(kernel: Kernel, actor: string) {
    this.#kernel = kernel;
    this.#ledger = kernel.ledger;
    this.#decodeAll = kernel.settings.decodeAll;
    this.#actor = actor;
  }

  /** @throws InvalidArgumentError, ClockError when only this process's clock supports the horizon, unless it is forced */
  async run(before: number, isForced: boolean): Promise<PurgeReport> {
    if (await this.#kernel.journalClock.allowsHorizon(before, isForced)) {
      const horizon = await moveHorizon(this.#kernel, before, this.#actor, false);
      if (horizon !== undefined) return this.removeUpTo(horizon);
    }
    return { horizon: await readHorizon(this.#ledger), requests: 0, grants: 0, journalStart: 0 };
  }

  /** Removes what ended before the recorded horizon. */
  async removeUpTo(horizon: number): Promise<PurgeReport> {
    const origins = await this.#origins();
    let [requests, grants] = [0, 0];
    for await (const rows of this.#pages({ kind: 'request', open: false })) {
      const ended = this.#decodeAll(rows, decodeRequest);
      // After the requests: an ended request gets no further comment.
      const comments = await commentRows(this.#ledger, ended.map(idOf), this.#turns);
      const sizeOf = (request: AccessRequest) => rowsOf(request) + (comments.get(request.id)?.length ?? 0);
      for (const group of inGroups(ended, sizeOf, mostInChange(this.#ledger.store, MAX_ROWS))) {
        for (const removed of await this.#remove(group, comments, origins, horizon)) {
          if (removed === 'request') requests += 1;
          if (removed === 'grant') grants += 1;
        }
      }
    }
    await this.#removeKeys(horizon);
    await this.#removeProvisioning(horizon);
    const journalStart = await this.#trim(horizon);
    await removeSilentEngines(this.#kernel);
    // Another purge may have removed these records in a commit that is not durable yet.
    await this.#ledger.confirmDurable();
    return { horizon, requests, grants, journalStart };
  }

  /** The grants that open requests ask to extend. A request that opens later names a grant that has not ended. */
  async #origins(): Promise<ReadonlySet<string>> {
    const origins = new Set<string>();
    for await (const rows of this.#pages({ kind: 'request', open: true })) {
      for (const { extension } of this.#decodeAll(rows, decodeRequest)) for (const id of extension?.grantIds ?? []) origins.add(id);
    }
    return origins;
  }

  /**
   * @param requests their records must fit in one change together
   * @param comments by request
   * @returns the kinds of the removed records
   */
  async #remove(
    requests: readonly AccessRequest[],
    comments: ReadonlyMap<string, readonly Row[]>,
    origins: ReadonlySet<string>,
    horizon: number,
  ): Promise<readonly string[]> {
    await this.#turns.spend(requests.reduce((sum, request) => sum + rowsOf(request), 0));
    const found = await this.#rows('grant', requests.flatMap(grantIds));
    const rows = found.filter((row) => row !== undefined);
    const grants = this.#decodeAll(rows, decodeGrant);
    const usages = await this.#rows('usage', grants.filter(hasUsageRow).map(idOf));
    const activities = await this.#rows('activity', grants.map(idOf));
    const records: Expectation[] = [];
    for (const request of requests) {
      const ids = grantIds(request);
      const own = grants.filter((grant) => grant.requestId === request.id);
      // An unreadable grant is kept, with its request.
      const isReadable = own.length === rows.filter((row) => ids.includes(row.id)).length;
      const chains = isReadable ? await this.#chainsOf(own) : undefined;
      if (chains === undefined || !isPurgeable(request, [...own, ...chains], origins, horizon)) continue;
      const usage = usages.flatMap((row) => (row && ids.includes(row.id) ? row : []));
      const activity = own.map(({ id }) => activities.find((row) => row?.id === id) ?? { kind: 'activity', id, version: 0 });
      records.push(request, ...own, ...usage, ...activity, ...(comments.get(request.id) ?? []));
    }
    return this.#removeAll(records, horizon);
  }

  /** Removes an idempotency key after its request or its grant, never before. */
  async #removeKeys(horizon: number): Promise<void> {
    for await (const rows of this.#pages({ kind: 'use', open: false })) {
      const uses = this.#decodeAll(rows, decodeUse).filter((use) => isUsePurgeable(use, horizon));
      await this.#removeOrphans(uses, 'grant', (use) => use.grantId, horizon);
    }
    for await (const rows of this.#pages({ kind: 'reuse', open: false })) {
      await this.#removeOrphans(this.#decodeAll(rows, decodeReuse), 'request', (reuse) => reuse.requestId, horizon);
    }
  }

  async #removeOrphans<T extends Expectation>(
    records: readonly T[],
    ownerKind: string,
    ownerOf: (record: T) => string,
    horizon: number,
  ): Promise<void> {
    await this.#turns.spend(records.length);
    const owners = await this.#rows(ownerKind, records.map(ownerOf));
    await this.#removeAll(
      records.filter((_, i) => owners[i] === undefined),
      horizon,
    );
  }

  async #removeProvisioning(horizon: number): Promise<void> {
    for await (const rows of this.#pages({ kind: 'provisioning', open: false })) {
      await this.#turns.spend(2 * rows.length);
      const over = this.#decodeAll(rows, decodeProvisioningChange).filter((change) => isProvisioningPurgeable(change, horizon));
      await this.#removeAll(over, horizon);
      for (const lease of await this.#rows('lease', over.map(idOf))) if (lease !== undefined) await this.#removeLease(lease);
    }
  }

  /** Keeps the lease if the provisioner has begun a new change of the same target, subject and scope. */
  async #removeLease(lease: Row): Promise<void> {
    await this.#turns.spend(2);
    if ((await this.#ledger.row('provisioning', lease.id)) !== undefined) return;
    const expect = [{ kind: 'provisioning', id: lease.id, version: 0 }, keyOf(lease)];
    await this.#ledger.commit({ expect, put: [], remove: [{ kind: lease.kind, id: lease.id }] });
  }

  /**
   * The rest of the extension chains of these grants. A grant is kept as long as a later grant of its chain, because a
   * revoke of the first ends the chain.
   *
   * @returns `undefined` if a grant of a chain cannot be read: a process of another version may read it, and allow by it
   */
  async #chainsOf(grants: readonly Grant[]): Promise<readonly Grant[] | undefined> {
    const unreadable: Row[] = [];
    const { successors } = await walkChain(grants, async (ids) => {
      await this.#turns.spend(2 * ids.length);
      return this.#ledger.grantsWithUsage(ids, (row) => unreadable.push(row));
    });
    // Reports each of them.
    this.#decodeAll(unreadable, decodeGrant);
    return unreadable.length === 0 ? successors.map(({ grant }) => grant) : undefined;
  }

  /** @returns the kinds of the removed records */
  async #removeAll(records: readonly Expectation[], horizon: number): Promise<readonly string[]> {
    const removed: string[] = [];
    for (const part of partsOf(records, mostInChange(this.#ledger.store, Infinity))) {
      const expect = part.map(keyOf);
      // A version of 0 expects that no use of the grant is recorded in between.
      const remove = expect.flatMap(({ kind, id, version }) => (version === 0 ? [] : [{ kind, id }]));
      await this.#turns.spendAll();
      const entries = purgedEntry(this.#kernel.clock.read().now, this.#actor, { horizon, removed: remove });
      // Ended records hardly change. On a conflict, another purge has removed them, or the next purge will.
      if (!(await this.#ledger.commit({ expect, put: [], remove, entries }))) break;
      removed.push(...remove.map(({ kind }) => kind));
    }
    return removed;
  }

  /** Trims in steps, each in its own change: one script or statement that drops millions of entries would block every other client. */
  async #trim(horizon: number): Promise<number> {
    for (;;) {
      const { from, to } = await this.#trimStep(horizon);
      if (to - from < TRIM_STEP) return to;
    }
  }

  /**
   * Drops at most {@link TRIM_STEP} entries from the journal's start. Each must be delivered to every shared cursor, be
   * older than the horizon, and come before the first entry of any kept record and of any open lock. The change compares every cursor that it
   * read. It also writes the horizon row, which a follower without a cursor must write first.
   *
   * @returns where the journal began before this step, and where it begins now
   */
  #trimStep(horizon: number): Promise<{ readonly from: number; readonly to: number }> {
    return this.#ledger.run(async () => {
      const row = await this.#ledger.row(HORIZON.kind, HORIZON.id);
      // Read before the cursors: later entries may have come with a hold that the pages do not contain.
      const { start, head } = await this.#ledger.journal();
      const cursors: Row[] = [];
      for await (const rows of this.#pages({ kind: 'cursor' })) cursors.push(...rows);
      const spent = spentHolds(cursors);
      const delivered = cursors.filter((cursor) => !spent.includes(cursor)).map((cursor) => readBookmark(cursor, 'seq'));
      const from = start.seq;
      const locks = await openLockIds(this.#ledger, this.#decodeAll);
      const to = locks === undefined ? from : await this.#freeUpTo(from, Math.min(head.seq, ...delivered), horizon, locks);
      if (to === from) return noChange({ from, to });
      await this.#turns.spendAll();
      const touched = touchHorizon(row, readBookmark(row, 'before'));
      const expect = [touched.expect, ...cursors.map(keyOf)];
      const remove = spent.slice(0, mostInChange(this.#ledger.store, Infinity)).map(({ kind, id }) => ({ kind, id }));
      const entries = purgedEntry(this.#kernel.clock.read().now, this.#actor, { horizon, trimmedTo: to });
      return { expect, put: [touched.put], remove, trimJournalTo: to, entries, result: { from, to } };
    });
  }

  async #freeUpTo(start: number, delivered: number, horizon: number, locks: ReadonlySet<unknown>): Promise<number> {
    let olderTo = 0;
    for (let to = start; ;) {
      const limit = Math.min(PAGE, start + TRIM_STEP - to);
      if (limit === 0) return to;
      // The entries, and their requests.
      await this.#turns.spend(2 * limit);
      const { entries } = await this.#ledger.journal(to, limit);
      const kept = await this.#kept(entries);
      for (const { seq, at, type, requestId, data } of entries) {
        if (seq > delivered || kept.has(requestId) || (type === 'lock.set' && locks.has(data['lockId']))) return to;
        if (at >= horizon && seq > olderTo) olderTo = await lastOlder(this.#ledger, this.#turns, seq, horizon);
        if (at >= horizon && seq > olderTo) return to;
        to = seq;
      }
      if (entries.length < limit) return to;
    }
  }

  /** The requests of these entries that are still stored. */
  async #kept(entries: readonly AuditEntry[]): Promise<ReadonlySet<string | undefined>> {
    const ids = [...new Set(entries.flatMap(({ requestId }) => requestId ?? []))];
    const rows = await this.#rows('request', ids);
    return new Set(ids.filter((_, i) => rows[i] !== undefined));
  }

  #rows(kind: string, ids: readonly string[]): Promise<readonly (Row | undefined)[]> {
    return this.#ledger.rows(ids.map((id) => ({ kind, id })));
  }

  #pages(query: Omit<FindQuery, 'after' | 'limit'>): AsyncGenerator<readonly Row[]> {
    return this.#ledger.pages(query, undefined, PAGE, this.#turns);
  }
}

const idOf = ({ id }: Expectation): string => id;

/** What a change expects of a record, and of a row, without its other fields. */
export const keyOf = ({ kind, id, version }: Expectation): Expectation => ({ kind, id, version });
