import type { GrantWindow, Row } from '../../core/store-port.js';
import { isLockRow, plainWindow } from '../../records/index.js';
import { Names } from './names.js';
import { Pairs } from './pairs.js';

const NONE: readonly Row[] = Object.freeze([]);
const NOWHERE = -1;

/** The rows of one (subject, scope) pair, its place. Almost every place holds a single row, which is stored without a list. */
type Rows = Row | readonly Row[];

/**
 * Open grants and usage rows by subject and scope. Each (subject, scope) pair has a place, and each subject has a chain of
 * its places.
 *
 * Places, chains and windows are flat lists of numbers. They need less memory than nested maps, and are faster when the
 * grants no longer fit in the CPU cache.
 */
export class LiveIndex {
  /** The row of all open locks of the namespace, if a lock is open. Every answer contains it, and no window is valid then. */
  #lock: Row | undefined;
  readonly #subjects = new Names();
  readonly #scopes = new Names();
  readonly #places = new Pairs();
  /** Indexed by place. */
  readonly #rows: Rows[] = [];
  /**
   * Indexed by place, two numbers each: the window `[from, until)` of the only row there. NaN if the answer does not depend on
   * time alone: see {@link plainWindow}.
   */
  #windows = new Float64Array();
  /** Indexed by place, two numbers each: the next and the previous place of the same subject. */
  #chains = new Int32Array();
  /** Indexed by the number of a subject: the first place of its chain. */
  readonly #first: number[] = [];
  readonly #free: number[] = [];
  /** One object serves all answers: allocating one for each check made checks about 7 % slower. */
  readonly #window = new ReusedWindow(this.#rows);

  /** Adds a row. It replaces a list and never changes one, because a caller may still hold the old list. */
  add(row: Row): void {
    if (row.open && isLockRow(row)) this.#lock = row;
    if (!isLive(row)) return;
    const place = this.placeOf(row.subject, row.scope);
    if (place === NOWHERE) this.#put(this.#newPlace(row), row);
    else this.#put(place, Object.freeze([...listOf(this.#rows[place] as Rows), row]));
  }

  remove(row: Row): void {
    if (row === this.#lock) this.#lock = undefined;
    if (!isLive(row)) return;
    const place = this.placeOf(row.subject, row.scope);
    if (place === NOWHERE) return;
    const known = listOf(this.#rows[place] as Rows);
    const rest = known.filter((other) => other !== row);
    if (rest.length === known.length) return;
    if (rest.length === 0) this.#giveUp(place, row);
    else this.#put(place, rest.length === 1 ? (rest[0] as Row) : Object.freeze(rest));
  }

  /**
   * The place of a (subject, scope) pair, or -1 if it has none. The arguments need no validation: only ids and scopes that
   * passed it (L23) have a place.
   */
  placeOf(subject: unknown, scope: unknown): number {
    const a = this.#subjects.numberOf(subject);
    const b = a === -1 ? -1 : this.#scopes.numberOf(scope);
    return b === -1 ? NOWHERE : this.#places.placeOf(a, b);
  }

  /**
   * The window of the only row of a pair, if the answer depends on time alone and no lock is open. The result is valid until
   * the next call.
   */
  windowOf(subject: unknown, scope: unknown): GrantWindow | undefined {
    const place = this.placeOf(subject, scope);
    if (place === NOWHERE || this.#lock !== undefined) return undefined;
    const from = this.#windows[2 * place] as number;
    return from === from ? this.#window.at(place, from, this.#windows[2 * place + 1] as number) : undefined;
  }

  /** The rows with `at < until`, and the open lock row. Returns the stored list itself when no filter is needed; it is frozen. */
  find(subject: string, scope: string | undefined, at: number): readonly Row[] {
    const rows = this.#find(subject, scope, at);
    return this.#lock === undefined ? rows : [...rows, this.#lock];
  }

  #find(subject: string, scope: string | undefined, at: number): readonly Row[] {
    if (scope === undefined) return this.all(subject).filter((row) => isAhead(row, at));
    const place = this.placeOf(subject, scope);
    if (place === NOWHERE) return NONE;
    const rows = this.#rows[place] as Rows;
    if (!isList(rows)) return isAhead(rows, at) ? [rows] : NONE;
    return rows.every((row) => isAhead(row, at)) ? rows : rows.filter((row) => isAhead(row, at));
  }

  /** All open rows of a subject, also those that have expired, in the order in which its scopes were added. */
  all(subject: string): readonly Row[] {
    const all: Rows[] = [];
    const number = this.#subjects.numberOf(subject);
    let place = number === -1 ? NOWHERE : (this.#first[number] as number);
    for (; place !== NOWHERE; place = this.#chains[2 * place] as number) all.push(this.#rows[place] as Rows);
    // A chain starts with the newest place.
    return all.reverse().flatMap(listOf);
  }

  #newPlace({ subject, scope }: Row): number {
    const [a, b] = [this.#subjects.take(subject), this.#scopes.take(scope)];
    const place = this.#free.pop() ?? this.#rows.length;
    this.#makeRoom(place);
    this.#places.add(a, b, place);
    const next = this.#first[a] ?? NOWHERE;
    this.#link(NOWHERE, place, a);
    this.#link(place, next, a);
    return place;
  }

  #giveUp(place: number, { subject, scope }: Row): void {
    const [a, b] = [this.#subjects.numberOf(subject), this.#scopes.numberOf(scope)];
    this.#places.remove(a, b);
    this.#link(this.#chains[2 * place + 1] as number, this.#chains[2 * place] as number, a);
    this.#put(place, NONE);
    this.#free.push(place);
    this.#subjects.drop(subject, a);
    this.#scopes.drop(scope, b);
  }

  #link(place: number, next: number, subject: number): void {
    if (place === NOWHERE) this.#first[subject] = next;
    else this.#chains[2 * place] = next;
    if (next !== NOWHERE) this.#chains[2 * next + 1] = place;
  }

  #put(place: number, rows: Rows): void {
    this.#rows[place] = rows;
    const window = isList(rows) ? undefined : plainWindow(rows);
    this.#windows[2 * place] = window?.from ?? NaN;
    this.#windows[2 * place + 1] = window?.until ?? NaN;
  }

  #makeRoom(place: number): void {
    if (2 * place < this.#chains.length) return;
    const length = 2 * Math.ceil((place + 8) * 1.25);
    const [windows, chains] = [this.#windows, this.#chains];
    this.#windows = new Float64Array(length);
    this.#windows.set(windows);
    this.#chains = new Int32Array(length);
    this.#chains.set(chains);
  }
}

/** Looks the row up only when it is read: `isAllowed` never reads it. */
class ReusedWindow implements GrantWindow {
  from = 0;
  until = 0;
  #place = 0;
  readonly #rows: readonly Rows[];

  constructor(rows: readonly Rows[]) {
    this.#rows = rows;
  }

  get row(): Row {
    return this.#rows[this.#place] as Row;
  }

  at(place: number, from: number, until: number): this {
    this.#place = place;
    this.from = from;
    this.until = until;
    return this;
  }
}

const isList = (rows: Rows): rows is readonly Row[] => Array.isArray(rows);
const listOf = (rows: Rows): readonly Row[] => (isList(rows) ? rows : [rows]);

const isAhead = (row: Row, at: number): boolean => row.until === undefined || at < row.until;

function isLive(row: Row): row is Row & { subject: string } {
  return row.open && (row.kind === 'grant' || row.kind === 'usage') && row.subject !== undefined;
}
