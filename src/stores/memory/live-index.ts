import { isActor } from '../../input.js';
import type { Row } from '../../ports.js';
import { SettledRow, type Grant } from '../../records.js';
import { isScope } from '../../scope.js';

const NONE: readonly Row[] = Object.freeze([]);

/** A subject's rows by scope: the row itself where there is but one on a scope, as nearly always. */
type Scopes = Map<unknown, Row | readonly Row[]>;

/**
 * Open grants (and usage rows) by subject, then scope: nested maps, so that no key is put together. A subject's only row
 * stands in the place of its map, which would weigh more than half of what the row does.
 */
export class LiveIndex {
  readonly #subjects = new Map<unknown, Row | Scopes>();
  #isPlain = true;

  /** Lists are replaced, never changed: one that was handed out stays as it was. */
  add(row: Row): void {
    if (!isLive(row)) return;
    this.#isPlain &&= isActor(row.subject) && isScope(row.scope);
    const known = this.#subjects.get(row.subject);
    if (known === undefined) {
      this.#subjects.set(row.subject, row);
      return;
    }
    const scopes: Scopes = known instanceof Map ? known : new Map([[known.scope, known]]);
    if (scopes !== known) this.#subjects.set(row.subject, scopes);
    const rows = scopes.get(row.scope);
    scopes.set(row.scope, rows === undefined ? row : Object.freeze([...listOf(rows), row]));
  }

  remove(row: Row): void {
    if (!isLive(row)) return;
    const known = this.#subjects.get(row.subject);
    if (known === row) this.#subjects.delete(row.subject);
    if (!(known instanceof Map)) return;
    const [first, ...others] = listOf(known.get(row.scope) ?? NONE).filter((other) => other !== row);
    if (first !== undefined) known.set(row.scope, others.length === 0 ? first : Object.freeze([first, ...others]));
    else known.delete(row.scope);
    if (known.size === 0) this.#subjects.delete(row.subject);
  }

  /**
   * The grant on the only row of a subject and scope, if that has been decoded. By the strings that are asked about it was
   * issued, so they have passed the door (L23): nothing is found any more once there has been a row that wouldn't pass it,
   * such as one with a pattern.
   */
  only(subject: unknown, scope: unknown): Grant | undefined {
    const known = this.#isPlain ? this.#subjects.get(subject) : undefined;
    const row = known instanceof Map ? known.get(scope) : known?.scope === scope ? known : undefined;
    return row === undefined ? undefined : SettledRow.known(row);
  }

  /** With `at < until`. A list that is kept, and needs no filter, is handed out as it is. */
  find(subject: string, scope: string | undefined, at: number): readonly Row[] {
    const known = this.#subjects.get(subject);
    if (known === undefined) return NONE;
    if (!(known instanceof Map)) return (scope === undefined || known.scope === scope) && isAhead(known, at) ? [known] : NONE;
    if (scope === undefined) return [...known.values()].flatMap(listOf).filter((row) => isAhead(row, at));
    const rows = known.get(scope);
    if (rows === undefined) return NONE;
    if (!isList(rows)) return isAhead(rows, at) ? [rows] : NONE;
    return rows.every((row) => isAhead(row, at)) ? rows : rows.filter((row) => isAhead(row, at));
  }
}

const isList = (rows: Row | readonly Row[]): rows is readonly Row[] => Array.isArray(rows);
const listOf = (rows: Row | readonly Row[]): readonly Row[] => (isList(rows) ? rows : [rows]);

const isAhead = (row: Row, at: number): boolean => row.until === undefined || at < row.until;

function isLive(row: Row): row is Row & { subject: string } {
  return row.open && (row.kind === 'grant' || row.kind === 'usage') && row.subject !== undefined;
}
