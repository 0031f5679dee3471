import type { Row } from '../../ports.js';

const NONE: readonly Row[] = Object.freeze([]);

/** Open grants (and usage rows) by subject, then scope: nested maps, so that no key is put together. */
export class LiveIndex {
  readonly #subjects = new Map<string, Map<string | undefined, readonly Row[]>>();

  /** Lists are replaced, never changed: one that was handed out stays as it was. */
  add(row: Row): void {
    if (!isLive(row)) return;
    let scopes = this.#subjects.get(row.subject);
    if (scopes === undefined) this.#subjects.set(row.subject, (scopes = new Map<string | undefined, readonly Row[]>()));
    scopes.set(row.scope, Object.freeze([...(scopes.get(row.scope) ?? NONE), row]));
  }

  remove(row: Row): void {
    if (!isLive(row)) return;
    const scopes = this.#subjects.get(row.subject);
    const rest = scopes?.get(row.scope)?.filter((other) => other !== row);
    if (scopes === undefined || rest === undefined) return;
    if (rest.length > 0) scopes.set(row.scope, Object.freeze(rest));
    else if (scopes.size > 1) scopes.delete(row.scope);
    else this.#subjects.delete(row.subject);
  }

  /** With `at < until`. What has no scope's list to filter is handed out as it is. */
  find(subject: string, scope: string | undefined, at: number): readonly Row[] {
    const scopes = this.#subjects.get(subject);
    if (scopes === undefined) return NONE;
    const rows = scope === undefined ? [...scopes.values()].flat() : (scopes.get(scope) ?? NONE);
    const ahead = (row: Row) => row.until === undefined || at < row.until;
    return rows.every(ahead) ? rows : rows.filter(ahead);
  }
}

function isLive(row: Row): row is Row & { subject: string } {
  return row.open && (row.kind === 'grant' || row.kind === 'usage') && row.subject !== undefined;
}
