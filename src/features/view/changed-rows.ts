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
  /** Whether a pair is decided by its own rows. With other scopes than exact ones, all rows of a subject decide together. */
  readonly isExact: boolean;
  /** Whether the copy holds the grants of a subject. */
  readonly has: (subject: string) => boolean;
}

/**
 * Applies the entries of the journal to a copy. An entry that leaves no doubt is applied as it is. Otherwise the rows of its pair are read
 * again, and that is no second rule beside the lifecycle's. There is doubt if a pair has more than one grant, or one that more than
 * time decides, and while its subject is pending.
 */
export class ChangedRows {
  readonly copy: LiveCopy;
  readonly pending = new PendingRows();
  readonly #context: ChangedRowsContext;
  readonly #doubtful = new Map<string, Pair>();
  readonly #unknownGrants = new Set<string>();
  readonly #endedHere = new Set<string>();
  /** Whether the row of locks must be read, and the version that it has at least. */
  #locks = { isDoubtful: false, version: 0 };

  constructor(copy: LiveCopy, context: ChangedRowsContext) {
    this.copy = copy;
    this.#context = context;
  }

  /** Empties the copy. What is loaded afterwards may be newer than the entries that follow. */
  clear(): void {
    this.copy.clear();
    this.pending.addAll();
    this.#doubtful.clear();
    this.#unknownGrants.clear();
    this.#locks = { isDoubtful: true, version: 0 };
  }

  apply(change: Exclude<AccessChange, { readonly kind: 'unknown' }>, seq: number, now: number): void {
    if (change.kind === 'locks') this.#locks = { isDoubtful: true, version: change.version };
    else if (change.kind === 'unknown grant') this.#unknownGrants.add(change.grantId);
    else if (change.kind === 'used') {
      const pair = this.copy.pairOf(change.grantId);
      if (pair !== undefined) this.doubt(pair);
    } else if (this.#context.has(change.subject)) {
      const isCertain = this.#context.isExact && !this.pending.has(change.subject, seq);
      if (!isCertain || !this.#isApplied(change, now)) this.doubt(change);
    }
  }

  /** Applies what is certain. @returns false: the rows of the pair must be read */
  #isApplied(change: Extract<AccessChange, Pair>, now: number): boolean {
    const { copy } = this;
    const { subject, scope } = change;
    switch (change.kind) {
      case 'changed':
        return false;
      case 'ended':
        return copy.end(subject, scope, change.grantId, now);
      case 'issued': {
        const { from, until, grantId, isPlain } = change;
        const isAlone = isPlain && from <= now && !copy.has(subject, scope) && !this.#endedHere.has(grantId);
        return isAlone && copy.begin(subject, scope, from, until, grantId);
      }
    }
  }

  /**
   * Applies an end that this process has recorded, before the journal is asked. Rows that are being read may be older, so the grant stays
   * out of the copy until {@link passEnds}.
   */
  applyEnd({ subject, scope, grantId }: Pair & { readonly grantId: string }): void {
    this.#endedHere.add(grantId);
    // Also for a subject that is not loaded yet: its rows may be in the copy before the loader knows that they are.
    this.copy.end(subject, this.#keyOf(scope), grantId, this.#context.clock.highWater);
    this.pending.add(subject);
  }

  /** @returns a function to call when all that was read before now is applied: the rows that are read then contain the ends */
  passEnds(): () => void {
    const ended = [...this.#endedHere];
    return () => {
      for (const id of ended) this.#endedHere.delete(id);
    };
  }

  /** Reads the rows of a pair again, with the next {@link readDoubtful}. */
  doubt({ subject, scope }: Pair): void {
    const pair = { subject, scope: this.#keyOf(scope) };
    this.#doubtful.set(`${pair.subject}\n${pair.scope}`, pair);
  }

  /**
   * Reads what is in doubt. @throws StoreError: what could not be read stays in doubt
   *
   * @returns false: a grant has changed in an unknown way, and its rows are not found. Everything must be loaded again
   */
  async readDoubtful(now: number): Promise<boolean> {
    const areFound = await this.#findUnknown();
    await finishReads(
      askBounded([...this.#doubtful], async ([key, pair]) => {
        await this.#read(pair, now);
        this.#doubtful.delete(key);
      }),
    );
    return areFound;
  }

  /**
   * Reads the row of locks, if it is in doubt.
   *
   * @returns a function that puts the row into the copy. Call it when all that the journal holds now is applied: a lock that the row no
   *   longer has may have ended grants since the entries were read. `undefined`: the row is not in doubt
   * @throws StoreError also if the answer cannot be the row of locks: an open lock would stay unseen
   */
  async readLocks(): Promise<(() => void) | undefined> {
    const { version, isDoubtful } = this.#locks;
    if (!isDoubtful) return undefined;
    const [row] = await askRows(this.#context.store, [LOCK_ROW]);
    const isIts = row === undefined ? version === 0 : isLockRow(row) && row.version >= version;
    if (!isIts) throw new StoreError('get', 'it returned no row of locks, or one that is older than the journal', undefined);
    return () => {
      this.copy.lock = row?.open === false ? undefined : row;
      // Later entries may name a newer row: the next run reads it.
      this.#locks = { ...this.#locks, isDoubtful: this.#locks.version > (row?.version ?? 0) };
    };
  }

  /** Replaces what is known of a subject by its live rows. @throws StoreError */
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
    if (!isObject(row) || typeof row.subject !== 'string' || typeof row.scope !== 'string' || this.#endedHere.has(row.id)) return;
    const { subject } = row;
    const scope = this.#keyOf(row.scope);
    if ((row.until ?? Infinity) > this.#context.clock.highWater && !this.copy.add(subject, scope, row, now)) this.doubt({ subject, scope });
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
   * The rows of a subject alone: a store may return more. Call it with no `await` before the rows are put into the copy: this process may
   * record an end at any `await`.
   */
  #ownAmong(rows: readonly Row[], subject: string, scope: string | undefined): readonly (Row & Pair)[] {
    return rows.filter(
      (row): row is Row & Pair =>
        isObject(row) &&
        !isLockRow(row) &&
        !this.#endedHere.has(row.id) &&
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
      else if (this.#context.has(row.subject)) this.doubt(row);
    }
    return areFound;
  }

  /** If all rows of a subject decide together, they are kept together. */
  #keyOf(scope: string): string {
    return this.#context.isExact ? scope : '';
  }
}

const isGrantOf = (row: Row | undefined, id: string | undefined): row is Row & Pair =>
  isObject(row) && row.kind === 'grant' && row.id === id && typeof row.subject === 'string' && typeof row.scope === 'string';
