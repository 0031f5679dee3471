import { isScope } from '../../core/scope.js';
import type { Row } from '../../core/store-port.js';
import { decodeGrant, effectiveStart, isLockRow, isSubject, plainWindow, type Grant, type WindowWithGrant } from '../../records/index.js';
import { Names, NO_NAME } from './names.js';
import { Pairs } from './pairs.js';

const NONE: readonly Row[] = /* @__PURE__ */ Object.freeze([]);
const NOWHERE = -1;
const NO_WINDOW = { from: NaN, until: NaN };

/** The rows of one (subject, scope) pair, its place. Almost every place holds a single row, which is stored without a list. */
type Rows = Row | readonly Row[];

/**
 * Open grants and usage rows by subject and scope. Each (subject, scope) pair has a place, and each subject has a chain of
 * its places.
 *
 * Places, chains and windows are flat lists of numbers. They need less memory than nested maps, and are faster when the
 * grants no longer fit in the CPU cache. An allowed check reads one cell, which holds the place and the window.
 */
export class LiveIndex {
  /** The row of all open locks of the namespace, if a lock is open. Every answer contains it, and no window is valid then. */
  #lock: Row | undefined;
  readonly #subjects = new Names(isSubject);
  readonly #scopes = new Names(isScope);
  /** The place of each pair, and the window of the only row there, if the answer depends on time alone: see {@link plainWindow}. */
  readonly #pairs = new Pairs();
  /** Indexed by place. */
  readonly #rows: Rows[] = [];
  /** Indexed by place: what the only row there was decoded to, once `check` has asked for it. Shorter than the list of rows. */
  readonly #grants: (Grant | undefined)[] = [];
  /** Indexed by place, two numbers each: the next and the previous place of the same subject. */
  #chains = new Int32Array();
  /** Indexed by the number of a subject: the first place of its chain. */
  readonly #first: number[] = [];
  readonly #free: number[] = [];
  /** One object serves all answers: allocating one for each check made checks about 7 % slower. */
  readonly #window: ReusedWindow;

  /** @param giver the method that gives the windows of this index: see {@link WindowWithGrant} */
  constructor(giver?: unknown) {
    this.#window = new ReusedWindow(this.#rows, this.#grants, giver);
  }

  /** Adds a row. It replaces a list and never changes one, because a caller may still hold the old list. */
  add(row: Row): void {
    if (row.open && isLockRow(row)) this.#lock = row;
    if (!isLive(row)) return;
    const cell = this.#cellOf(row.subject, row.scope);
    if (cell < 0) this.#put(this.#newCell(row), [row]);
    else this.#put(cell, [...this.#rowsIn(cell), row]);
  }

  remove(row: Row): void {
    if (row === this.#lock) this.#lock = undefined;
    if (!isLive(row)) return;
    const cell = this.#cellOf(row.subject, row.scope);
    if (cell < 0) return;
    const known = this.#rowsIn(cell);
    const rest = known.filter((other) => other !== row);
    if (rest.length === known.length) return;
    this.#put(cell, rest);
    if (rest.length === 0) this.#giveUp(cell, row);
  }

  /**
   * The window of the only row of a pair, if the answer depends on time alone and no lock is open. An empty window, if the pair has
   * no row and both arguments are valid. The result is valid until the next call.
   *
   * Names of rows need no validation here: only ids and scopes that pass it (L23) have a valid number. Any other text is scanned each
   * time, because a memory of refused texts would grow by the calls.
   */
  windowOf(subject: unknown, scope: unknown): WindowWithGrant | undefined {
    if (this.#lock !== undefined) return undefined;
    const a = this.#subjects.validNumberOf(subject);
    const b = a === NO_NAME ? NO_NAME : this.#scopes.validNumberOf(scope);
    if (b === NO_NAME) return isSubject(subject) && isScope(scope) ? this.#window.at(NOWHERE, 0, 0) : undefined;
    const pairs = this.#pairs;
    const cell = pairs.find(a, b);
    if (cell < 0) return this.#window.at(NOWHERE, 0, 0);
    const until = pairs.untilAt(cell);
    // NaN: the pair has no window.
    return until === until ? this.#window.at(pairs.placeAt(cell), pairs.fromAt(cell), until) : undefined;
  }

  /** The rows with `at < until`, and the open lock row. */
  find(subject: string, scope: string | undefined, at: number): readonly Row[] {
    const all = scope === undefined ? this.all(subject) : this.#rowsIn(this.#cellOf(subject, scope));
    // Most denials have no rows.
    const rows = all.length === 0 ? NONE : all.filter(({ until }) => until === undefined || at < until);
    return this.#lock === undefined ? rows : [...rows, this.#lock];
  }

  /** All open rows of a subject, also those that have expired, in the order in which its scopes were added. */
  all(subject: string): readonly Row[] {
    const all: Rows[] = [];
    const number = this.#subjects.numberOf(subject);
    let place = number === NO_NAME ? NOWHERE : (this.#first[number] as number);
    for (; place !== NOWHERE; place = this.#chains[2 * place] as number) all.push(this.#rows[place] as Rows);
    // A chain starts with the newest place.
    return all.reverse().flatMap(listOf);
  }

  #cellOf(subject: string, scope: string | undefined): number {
    const a = this.#subjects.numberOf(subject);
    const b = a === NO_NAME ? NO_NAME : this.#scopes.numberOf(scope);
    return b === NO_NAME ? NOWHERE : this.#pairs.find(a, b);
  }

  #rowsIn(cell: number): readonly Row[] {
    return cell < 0 ? NONE : listOf(this.#rows[this.#pairs.placeAt(cell)] as Rows);
  }

  #newCell({ subject, scope }: Row): number {
    const [a, b] = [this.#subjects.take(subject), this.#scopes.take(scope)];
    const place = this.#free.pop() ?? this.#rows.length;
    const chains = this.#chains;
    if (2 * place >= chains.length) {
      this.#chains = new Int32Array(2 * Math.ceil((place + 8) * 1.25));
      this.#chains.set(chains);
    }
    const next = this.#first[a] ?? NOWHERE;
    this.#link(NOWHERE, place, a);
    this.#link(place, next, a);
    return this.#pairs.add(a, b, place);
  }

  #giveUp(cell: number, { subject, scope }: Row): void {
    const [a, b] = [this.#subjects.numberOf(subject), this.#scopes.numberOf(scope)];
    const place = this.#pairs.placeAt(cell);
    this.#pairs.remove(cell);
    this.#link(this.#chains[2 * place + 1] as number, this.#chains[2 * place] as number, a);
    this.#free.push(place);
    this.#subjects.drop(subject, a);
    this.#scopes.drop(scope, b);
  }

  #link(place: number, next: number, subject: number): void {
    if (place === NOWHERE) this.#first[subject] = next;
    else this.#chains[2 * place] = next;
    if (next !== NOWHERE) this.#chains[2 * next + 1] = place;
  }

  #put(cell: number, rows: readonly Row[]): void {
    const place = this.#pairs.placeAt(cell);
    const only = rows.length === 1 ? rows[0] : undefined;
    this.#rows[place] = only ?? rows;
    if (place < this.#grants.length) this.#grants[place] = undefined;
    this.#pairs.setWindow(cell, (only && plainWindow(only)) ?? NO_WINDOW);
  }
}

/** Looks the row and the grant up only when they are read: `isAllowed` reads neither. */
class ReusedWindow implements WindowWithGrant {
  from = 0;
  until = 0;
  #place = NOWHERE;
  readonly #rows: readonly Rows[];
  readonly #grants: (Grant | undefined)[];

  constructor(
    rows: readonly Rows[],
    grants: (Grant | undefined)[],
    readonly giver: unknown,
  ) {
    this.#rows = rows;
    this.#grants = grants;
  }

  get row(): Row | undefined {
    return this.until === 0 ? undefined : (this.#rows[this.#place] as Row);
  }

  get grant(): Grant | undefined {
    const [grants, place] = [this.#grants, this.#place];
    // An item far behind the end would turn the list into a slow dictionary.
    while (grants.length <= place) grants.push(undefined);
    return this.until === 0 ? undefined : (grants[place] ??= decodeGrant(this.row as Row));
  }

  /** @param from NaN: the start is only in the row */
  at(place: number, from: number, until: number): this {
    this.#place = place;
    this.until = until;
    this.from = from === from ? from : effectiveStart(this.grant as Grant);
    return this;
  }
}

const listOf = (rows: Rows): readonly Row[] => (Array.isArray(rows) ? (rows as readonly Row[]) : [rows as Row]);

function isLive(row: Row): row is Row & { subject: string } {
  return row.open && (row.kind === 'grant' || row.kind === 'usage') && row.subject !== undefined;
}
