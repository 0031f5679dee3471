import type { GrantWindow, Row } from '../../core/store-port.js';
import { isLockRow, plainWindow } from '../../records/index.js';
import { Names } from './names.js';
import { Pairs } from './pairs.js';

const NONE: readonly Row[] = Object.freeze([]);
const NOWHERE = -1;

/** What lies at a place: the row itself where there is but one, as nearly always. */
type Rows = Row | readonly Row[];

/**
 * Open grants (and usage rows) by subject and scope: each pair of them has a place, each subject a chain of its places.
 * Places, chains and windows are flat lists of numbers, which cost less memory than maps within a map, and less time where
 * there are so many grants that no cache holds them.
 */
export class LiveIndex {
  /** The row of the namespace's locks, while it is open. */
  #lock: Row | undefined;
  readonly #subjects = new Names();
  readonly #scopes = new Names();
  readonly #places = new Pairs();
  /** By place. */
  readonly #rows: Rows[] = [];
  /** By place, two each: from when on the only row there allows, and until when. No instant lies in NaN. */
  #windows = new Float64Array();
  /** By place, two each: the next and the previous place of the same subject. */
  #chains = new Int32Array();
  /** By the number of a subject, the first place of its chain. */
  readonly #first: number[] = [];
  readonly #free: number[] = [];
  /** One object for all answers: a check that made one each would be seven in a hundred slower. */
  readonly #window = new ReusedWindow(this.#rows);

  /** Lists are replaced, never changed: one that was handed out stays as it was. */
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
   * The place of a subject and scope; -1: there is none. By the strings that are asked about grants with a window were
   * issued, so they have passed the door (L23).
   */
  placeOf(subject: unknown, scope: unknown): number {
    const a = this.#subjects.numberOf(subject);
    const b = a === -1 ? -1 : this.#scopes.numberOf(scope);
    return b === -1 ? NOWHERE : this.#places.placeOf(a, b);
  }

  /** The window of the only row of a pair, where only time decides about it; valid until the next call. */
  windowOf(subject: unknown, scope: unknown): GrantWindow | undefined {
    const place = this.placeOf(subject, scope);
    if (place === NOWHERE || this.#lock !== undefined) return undefined;
    const from = this.#windows[2 * place] as number;
    // NaN: the rows there have no window.
    return from === from ? this.#window.at(place, from, this.#windows[2 * place + 1] as number) : undefined;
  }

  /** With `at < until`, and the open row of the locks. A list that is kept, and needs no filter, is handed out as it is. */
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

  /** All rows of a subject, whenever they end; in the order in which their scopes came. */
  all(subject: string): readonly Row[] {
    const all: Rows[] = [];
    const number = this.#subjects.numberOf(subject);
    let place = number === -1 ? NOWHERE : (this.#first[number] as number);
    for (; place !== NOWHERE; place = this.#chains[2 * place] as number) all.push(this.#rows[place] as Rows);
    // A chain begins with the latest.
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

/** The row is looked up when it is asked for: `isAllowed` needs none. */
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
