import type { Row } from '../../ports.js';

const NONE: readonly Row[] = Object.freeze([]);

/** A subject's rows by scope: the row itself where there is but one, as nearly always. */
type Scopes = Map<string | undefined, Row | readonly Row[]>;

/** Open grants (and usage rows) by subject, then scope: nested maps, so that no key is put together. */
export class LiveIndex {
  readonly #subjects = new Map<string, Scopes>();

  /** Lists are replaced, never changed: one that was handed out stays as it was. */
  add(row: Row): void {
    if (!isLive(row)) return;
    let scopes = this.#subjects.get(row.subject);
    if (scopes === undefined) this.#subjects.set(row.subject, (scopes = new Map<string | undefined, Row | readonly Row[]>()));
    const known = scopes.get(row.scope);
    scopes.set(row.scope, known === undefined ? row : Object.freeze([...listOf(known), row]));
  }

  remove(row: Row): void {
    if (!isLive(row)) return;
    const scopes = this.#subjects.get(row.subject);
    const known = scopes?.get(row.scope);
    if (scopes === undefined || known === undefined) return;
    const [first, ...others] = listOf(known).filter((other) => other !== row);
    if (first !== undefined) scopes.set(row.scope, others.length === 0 ? first : Object.freeze([first, ...others]));
    else if (scopes.size > 1) scopes.delete(row.scope);
    else this.#subjects.delete(row.subject);
  }

  /** With `at < until`. A list that is kept, and needs no filter, is handed out as it is. */
  find(subject: string, scope: string | undefined, at: number): readonly Row[] {
    const scopes = this.#subjects.get(subject);
    if (scopes === undefined) return NONE;
    if (scope === undefined) return [...scopes.values()].flatMap(listOf).filter((row) => isAhead(row, at));
    const known = scopes.get(scope);
    if (known === undefined) return NONE;
    if (!isList(known)) return isAhead(known, at) ? [known] : NONE;
    return known.every((row) => isAhead(row, at)) ? known : known.filter((row) => isAhead(row, at));
  }
}

const isList = (rows: Row | readonly Row[]): rows is readonly Row[] => Array.isArray(rows);
const listOf = (rows: Row | readonly Row[]): readonly Row[] => (isList(rows) ? rows : [rows]);

const isAhead = (row: Row, at: number): boolean => row.until === undefined || at < row.until;

function isLive(row: Row): row is Row & { subject: string } {
  return row.open && (row.kind === 'grant' || row.kind === 'usage') && row.subject !== undefined;
}
