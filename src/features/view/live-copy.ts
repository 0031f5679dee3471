import type { LiveQuery, Row } from '../../core/store-port.js';
import type { ClockReading } from '../../core/clock.js';
import { isScope } from '../../core/scope.js';
import { isSubject, plainWindow } from '../../records/index.js';
import { Cells, MAX_SCOPES, MAX_SUBJECTS } from './cells.js';
import { IdNumbers } from './id-numbers.js';

const NONE: readonly Row[] = Object.freeze([]);

/** See {@link LiveCopy.placeOf}. */
export const NO_GRANT = -1;
/** See {@link LiveCopy.placeOf}. */
export const BY_ROWS = -2;

/** The end in the cell of a pair that its rows decide. No comparison with it is true. */
const NO_END = NaN;

/** A subject, and a scope that it holds. */
export interface Pair {
  readonly subject: string;
  readonly scope: string;
}

/** How a copy is made. Only tests set the bounds. */
export interface CopyOptions {
  /** Whether a pair that one grant decides has a cell. Only with exact scopes does a pair alone say what is allowed. */
  readonly usesCells: boolean;
  readonly keepsIds: boolean;
  readonly maxSubjects?: number;
  readonly maxScopes?: number;
}

/**
 * The live grants of a namespace, as one process keeps them. A pair of subject and scope that one begun grant decides, by time alone,
 * has a cell of two numbers. Every other pair keeps its rows, and the rule of the check judges them.
 */
export class LiveCopy {
  /** The latest start among the cells, in epoch milliseconds. */
  #latestStart = 0;
  /** The copy may answer at readings before this: see `Freshness`. */
  #freshUntil = -Infinity;
  /** The row of all open locks. `undefined`: no lock is open. */
  lock: Row | undefined;
  readonly #options: CopyOptions;
  #cells: Cells;
  #subjects: IdNumbers;
  #scopes: IdNumbers;
  readonly #rows = new Map<string, Map<string, readonly Row[]>>();
  /** The pair of each row that is kept, by the id of its grant. */
  readonly #pairs = new Map<string, Pair>();
  /** How many pairs with rows have no mark among the cells, because no number was free. */
  #unmarked = 0;

  constructor(options: CopyOptions) {
    this.#options = options;
    this.#cells = new Cells(options.keepsIds);
    this.#subjects = new IdNumbers(options.maxSubjects ?? MAX_SUBJECTS);
    this.#scopes = new IdNumbers(options.maxScopes ?? MAX_SCOPES);
  }

  /** How many pairs have a live grant. */
  get size(): number {
    return this.#cells.count + this.#unmarked;
  }

  /** From now on the copy may answer at readings before `until`. */
  setFresh(until: number): void {
    this.#freshUntil = until;
  }

  /** From now on the copy may not answer. */
  setStale(): void {
    this.setFresh(-Infinity);
  }

  /**
   * Whether the copy may answer at a reading, without a look at its age. Every check runs this. A reading below the high-water mark shows
   * that the clock was set back. All cells have begun at the high-water mark.
   */
  mayAnswerAt({ now, highWater }: ClockReading): boolean {
    return now === highWater && now < this.#freshUntil;
  }

  /** Whether a grant has begun after a reading: the clock was set back. */
  isAheadOf(now: number): boolean {
    return now < this.#latestStart;
  }

  /** Removes all grants. The locks stay: they are not part of what is loaded. */
  clear(): void {
    const { keepsIds, maxSubjects = MAX_SUBJECTS, maxScopes = MAX_SCOPES } = this.#options;
    this.#cells = new Cells(keepsIds);
    this.#subjects = new IdNumbers(maxSubjects);
    this.#scopes = new IdNumbers(maxScopes);
    this.#rows.clear();
    this.#pairs.clear();
    this.#unmarked = 0;
    this.#latestStart = 0;
  }

  /**
   * The place of the cell of a pair, until the copy changes. {@link NO_GRANT}: the pair has no grant. {@link BY_ROWS}: ask `live`, after
   * the arguments are validated. Only valid ids and scopes have a number. Any other text is scanned each time, because a memory of refused
   * texts would grow by the calls.
   */
  placeOf(subject: unknown, scope: unknown): number {
    const a = this.#subjects.of(subject);
    const b = a === -1 ? -1 : this.#scopes.of(scope);
    if (b === -1) return this.#unmarked === 0 && isSubject(subject) && isScope(scope) ? NO_GRANT : BY_ROWS;
    const cell = this.#cells.find(a, b);
    if (cell === -1) return this.#unmarked === 0 ? NO_GRANT : BY_ROWS;
    // The cell of a pair with rows has NaN.
    return this.#cells.endAt(cell) > 0 ? cell : BY_ROWS;
  }

  /** The end of the grant at a place, in epoch milliseconds. */
  endAt(place: number): number {
    return this.#cells.endAt(place);
  }

  /** The id of the grant at a place. `undefined`: the copy keeps no ids. */
  grantIdAt(place: number): string | undefined {
    return this.#cells.idAt(place);
  }

  /** The rows that decide if no cell does, as {@link GrantStore.live} returns them. */
  live({ subject, scope }: Pick<LiveQuery, 'subject' | 'scope'>): readonly Row[] {
    const scopes = this.#rows.get(subject);
    const rows = scopes === undefined ? NONE : scope === undefined ? [...scopes.values()].flat() : (scopes.get(scope) ?? NONE);
    return this.lock === undefined ? rows : [...rows, this.lock];
  }

  /** Whether a pair has a grant. */
  has(subject: string, scope: string): boolean {
    return this.#find(subject, scope) !== -1 || this.#rows.get(subject)?.has(scope) === true;
  }

  /** The pair of a grant whose rows are kept. */
  pairOf(grantId: string): Pair | undefined {
    return this.#pairs.get(grantId);
  }

  /** Replaces what is known of a pair by its live rows, as they were read. */
  read(subject: string, scope: string, rows: readonly Row[], now: number): void {
    this.forget(subject, scope);
    const [only] = rows;
    if (only === undefined) return;
    const window = rows.length === 1 && this.#options.usesCells ? plainWindow(only) : undefined;
    if (window === undefined || window.from > now || !this.begin(subject, scope, window.from, window.until, only.id)) {
      this.#keep(subject, scope, rows);
    }
  }

  /** Adds a live row of a pair. @returns false: the pair has a cell, whose row is not kept. Its rows must be read again */
  add(subject: string, scope: string, row: Row, now: number): boolean {
    if (this.placeOf(subject, scope) >= 0) return false;
    this.read(subject, scope, [...(this.#rows.get(subject)?.get(scope) ?? NONE), row], now);
    return true;
  }

  /** Gives a pair without a grant its cell. @returns false: no number is free */
  begin(subject: string, scope: string, from: number, until: number, grantId: string): boolean {
    if (!this.#mark(subject, scope, until, grantId)) return false;
    this.#latestStart = Math.max(this.#latestStart, from);
    return true;
  }

  /** Removes all that is known of a pair. */
  forget(subject: string, scope: string): void {
    const cell = this.#find(subject, scope);
    const scopes = this.#rows.get(subject);
    const rows = scopes?.get(scope);
    if (cell !== -1) this.#remove(cell, this.#subjects.of(subject), this.#scopes.of(scope));
    if (scopes === undefined || rows === undefined) return;
    if (cell === -1) this.#unmarked -= 1;
    for (const { id } of rows) this.#pairs.delete(id);
    scopes.delete(scope);
    if (scopes.size === 0) this.#rows.delete(subject);
  }

  /** Gives a pair whose only grant has begun its cell. */
  promote(subject: string, scope: string, now: number): void {
    const rows = this.#rows.get(subject)?.get(scope);
    if (rows?.length === 1) this.read(subject, scope, rows, now);
  }

  /**
   * Removes one ended grant of a pair. The cell of a pair may be that of another grant: an expiry is often recorded after the next grant
   * of the pair was issued.
   *
   * @returns false: without ids it is not known whose cell was removed. The rows of the pair must be read again
   */
  end(subject: string, scope: string, grantId: string, now: number): boolean {
    const rows = this.#rows.get(subject)?.get(scope);
    if (rows !== undefined) {
      const left = rows.filter(({ id }) => id !== grantId);
      this.read(subject, scope, left, now);
      return true;
    }
    const cell = this.#find(subject, scope);
    const isOther = cell !== -1 && this.#options.keepsIds && this.#cells.idAt(cell) !== grantId;
    if (cell === -1 || isOther) return true;
    const isOver = this.#cells.endAt(cell) <= now;
    this.forget(subject, scope);
    return this.#options.keepsIds || isOver;
  }

  /** Removes some of the grants that ended before an instant, so that grants that no sweeper ends take no memory for ever. */
  sweep(looks: number, before: number): void {
    this.#cells.sweep(looks, before, (cell, subject, scope) => this.#remove(cell, subject, scope));
  }

  #keep(subject: string, scope: string, rows: readonly Row[]): void {
    const scopes = this.#rows.get(subject) ?? new Map<string, readonly Row[]>();
    this.#rows.set(subject, scopes.set(scope, rows));
    const pair = { subject, scope };
    for (const { id } of rows) this.#pairs.set(id, pair);
    if (!this.#mark(subject, scope, NO_END, undefined)) this.#unmarked += 1;
  }

  #mark(subject: string, scope: string, end: number, grantId: string | undefined): boolean {
    const a = this.#subjects.take(subject);
    const b = this.#scopes.take(scope);
    if (a !== -1 && b !== -1) {
      this.#cells.add(a, b, end, grantId);
      return true;
    }
    if (a !== -1) this.#subjects.drop(a);
    if (b !== -1) this.#scopes.drop(b);
    return false;
  }

  #find(subject: string, scope: string): number {
    const a = this.#subjects.of(subject);
    const b = this.#scopes.of(scope);
    return a === -1 || b === -1 ? -1 : this.#cells.find(a, b);
  }

  #remove(cell: number, subject: number, scope: number): void {
    this.#cells.remove(cell);
    this.#subjects.drop(subject);
    this.#scopes.drop(scope);
  }
}
