import { askBounded } from '../../core/ask-bounded.js';
import { StoreError } from '../../core/errors.js';
import type { MaybePromise } from '../../core/ports.js';
import type { GrantStore, Row } from '../../core/store-port.js';
import type { EngineClock } from '../../core/clock.js';
import { askLive, askRows } from '../../journal/store-reads.js';
import { isLockRow, isObject, LOCK_ROW } from '../../records/index.js';
import type { AccessChange } from './access-entries.js';
import type { LiveCopy, Pair } from './live-copy.js';
import { finishReads } from './finished-reads.js';
import { PendingRows } from './pending-rows.js';

export interface ChangedRowsContext {
  readonly store: Pick<GrantStore, 'get' | 'live'>;
  readonly clock: EngineClock;
  /** Whether scopes are exact: then the rows of a pair decide it. Otherwise all rows of a subject decide together. */
  readonly isExact: boolean;
  /** Whether the copy holds the grants of a subject. */
  readonly has: (subject: string) => boolean;
}

/**
 * Applies the entries of the journal to a copy. An entry decides its pair alone if the pair has one grant, only time decides that grant,
 * and its subject is not pending. Otherwise the pair becomes stale and its rows are read again, so that the view has no second copy of
 * the lifecycle's rules.
 */
export class ChangedRows {
  readonly copy: LiveCopy;
  readonly pending = new PendingRows();
  readonly #context: ChangedRowsContext;
  /** The pairs whose rows must be read again. */
  readonly #stale = new Map<string, Pair>();
  readonly #unknownGrants = new Set<string>();
  /** The grants whose end this process has recorded. Rows that are being read may still be open. */
  readonly #ended = new Set<string>();
  /** Whether the row of locks must be read, and its lowest possible version. */
  #locks = { isStale: false, version: 0 };

  constructor(copy: LiveCopy, context: ChangedRowsContext) {
    this.copy = copy;
    this.#context = context;
  }

  /** Empties the copy. What is loaded afterwards may be newer than the entries that follow. */
  clear(): void {
    this.copy.clear();
    this.pending.addAll();
    this.#stale.clear();
    this.#unknownGrants.clear();
    this.#locks = { isStale: true, version: 0 };
  }

  apply(change: Exclude<AccessChange, { readonly kind: 'unknown' }>, seq: number, now: number): void {
    if (change.kind === 'locks') this.#locks = { isStale: true, version: change.version };
    else if (change.kind === 'unknown grant') this.#unknownGrants.add(change.grantId);
    else if (change.kind === 'used') {
      const pair = this.copy.pairOf(change.grantId);
      if (pair !== undefined) this.markStale(pair);
    } else if (this.#context.has(change.subject)) {
      const mayDecide = this.#context.isExact && !this.pending.has(change.subject, seq);
      if (!mayDecide || !this.#decides(change, now)) this.markStale(change);
    }
  }

  /** Applies an entry that decides its pair alone. @returns false: it does not */
  #decides(change: Extract<AccessChange, Pair>, now: number): boolean {
    const { copy } = this;
    const { kind, subject, scope } = change;
    if (kind === 'changed') return false;
    if (kind === 'ended') return copy.end(subject, scope, change.grantId, now);
    const { from, until, grantId, isPlain } = change;
    const isAlone = isPlain && from <= now && !copy.has(subject, scope) && !this.#ended.has(grantId);
    return isAlone && copy.begin(subject, scope, from, until, grantId);
  }

  /**
   * Applies an end that this process has recorded, before the journal is read. The grant stays out of the copy until {@link passEnds},
   * because rows that are being read may be older than its end.
   */
  applyEnd({ subject, scope, grantId }: Pair & { readonly grantId: string }): void {
    this.#ended.add(grantId);
    // Also for a subject that is being loaded: its rows may be in the copy before `has` includes it.
    this.copy.end(subject, this.#keyOf(scope), grantId, this.#context.clock.highWater);
    this.pending.add(subject);
  }

  /** @returns a function that forgets these ends. Call it when all rows that were read before now are in the copy: later rows contain them */
  passEnds(): () => void {
    const ended = [...this.#ended];
    return () => {
      for (const id of ended) this.#ended.delete(id);
    };
  }

  /** The next {@link readStale} reads the rows of this pair. */
  markStale({ subject, scope }: Pair): void {
    const pair = { subject, scope: this.#keyOf(scope) };
    this.#stale.set(`${pair.subject}\n${pair.scope}`, pair);
  }

  /**
   * Reads the rows of the stale pairs. A pair that could not be read stays stale.
   *
   * @returns false: the rows of a grant that changed in an unknown way are missing. Everything must be loaded again
   * @throws StoreError
   */
  async readStale(now: number): Promise<boolean> {
    const areFound = await this.#findUnknown();
    await finishReads(
      askBounded([...this.#stale], async ([key, pair]) => {
        await this.#read(pair, now);
        this.#stale.delete(key);
      }),
    );
    return areFound;
  }

  /**
   * Reads the row of locks, if it is stale.
   *
   * @returns a function that puts the row into the copy. Call it after applying the entries that the journal holds now: a lock that has
   *   left the row may have ended grants in the meantime. `undefined`: the row is not stale
   * @throws StoreError also if the answer cannot be the present row: an open lock would be missed
   */
  async readLocks(): Promise<(() => void) | undefined> {
    const { version, isStale } = this.#locks;
    if (!isStale) return undefined;
    const [row] = await askRows(this.#context.store, [LOCK_ROW]);
    const isPresent = row === undefined ? version === 0 : isLockRow(row) && row.version >= version;
    if (!isPresent) throw new StoreError('get', 'it returned no row of locks, or one that is older than the journal', undefined);
    return () => {
      this.copy.lock = row?.open === false ? undefined : row;
      // Later entries may name a newer row: the next run reads it.
      this.#locks = { ...this.#locks, isStale: this.#locks.version > (row?.version ?? 0) };
    };
  }

  /** Replaces the grants of a subject by its live rows. @throws StoreError */
  async readSubject(subject: string, now: number): Promise<void> {
    const byScope = new Map<string, Row[]>();
    const rows = await this.#live(subject, undefined);
    for (const row of this.#ownAmong(rows, subject, undefined)) {
      const scope = this.#keyOf(row.scope);
      byScope.set(scope, [...(byScope.get(scope) ?? []), row]);
    }
    this.pending.add(subject);
    for (const [scope, rows] of byScope) this.copy.read(subject, scope, rows, now);
  }

  /** Adds a row of a list. Skips a row without a subject or a scope. */
  add(row: Row, now: number): void {
    if (!isObject(row) || typeof row.subject !== 'string' || typeof row.scope !== 'string' || this.#ended.has(row.id)) return;
    const { subject } = row;
    const scope = this.#keyOf(row.scope);
    if ((row.until ?? Infinity) > this.#context.clock.highWater && !this.copy.add(subject, scope, row, now))
      this.markStale({ subject, scope });
  }

  async #read(pair: Pair, now: number): Promise<void> {
    const scope = this.#context.isExact ? pair.scope : undefined;
    const rows = await this.#live(pair.subject, scope);
    this.pending.add(pair.subject);
    this.copy.read(pair.subject, pair.scope, this.#ownAmong(rows, pair.subject, scope), now);
  }

  #live(subject: string, scope: string | undefined): MaybePromise<readonly Row[]> {
    const { store, clock } = this.#context;
    return askLive(store, { subject, scope, at: clock.highWater });
  }

  /**
   * Drops the rows of other subjects, which a store may return, and of grants that this process has ended. No `await` may follow before
   * the rows are in the copy: the process may record an end there.
   */
  #ownAmong(rows: readonly Row[], subject: string, scope: string | undefined): readonly (Row & Pair)[] {
    return rows.filter(
      (row): row is Row & Pair =>
        isObject(row) &&
        !isLockRow(row) &&
        !this.#ended.has(row.id) &&
        row.subject === subject &&
        (scope === undefined ? typeof row.scope === 'string' : row.scope === scope),
    );
  }

  async #findUnknown(): Promise<boolean> {
    const ids = [...this.#unknownGrants];
    if (ids.length === 0) return true;
    const keys = ids.map((id) => ({ kind: 'grant', id }));
    const rows = await askRows(this.#context.store, keys);
    for (const id of ids) this.#unknownGrants.delete(id);
    let areFound = true;
    for (const [i, row] of rows.entries()) {
      if (!isGrantOf(row, ids[i])) areFound = false;
      else if (this.#context.has(row.subject)) this.markStale(row);
    }
    return areFound;
  }

  /** If all rows of a subject decide together, they have one key. */
  #keyOf(scope: string): string {
    return this.#context.isExact ? scope : '';
  }
}

const isGrantOf = (row: Row | undefined, id: string | undefined): row is Row & Pair =>
  isObject(row) && row.kind === 'grant' && row.id === id && typeof row.subject === 'string' && typeof row.scope === 'string';
