import { plainWindow } from 'jit-access/store';
import type { GrantStore, GrantWindow, Row } from '../../../src/core/store-port.js';
import { broken, type Bend } from './bent-store.js';

/** The answer of `live` for a pair; the inner store answers synchronously, except in an outage. */
function rowsOf(inner: GrantStore, subject: string, scope: string): readonly Row[] {
  if (typeof subject !== 'string' || typeof scope !== 'string') return [];
  const rows = inner.live({ subject, scope, at: 0 });
  if (!('then' in rows)) return rows;
  rows.then(undefined, () => undefined);
  return [];
}

const windowOf = (row: Row | undefined): GrantWindow | undefined => {
  const window = row && plainWindow(row);
  return row && window && { ...window, row };
};

const only = (rows: readonly Row[]): Row | undefined => (rows.length === 1 ? rows[0] : undefined);

/** By the columns of a row, which do not show how a grant is used. */
const byColumns = (row: Row | undefined): GrantWindow | undefined =>
  row?.kind === 'grant' ? { from: row.from ?? 0, until: row.until ?? 0, row } : undefined;

/** A `windowOf` that is built from `live`. */
const window =
  (of: (rows: readonly Row[]) => GrantWindow | undefined): Bend =>
  (inner) => ({ windowOf: (subject, scope) => of(rowsOf(inner, subject, scope)) });

/** What denies without a look at `live`. */
const EMPTY: GrantWindow = { from: 0, until: 0, row: undefined };

const SCOPE = /^[\w.~@/+=:-]+$/;

/** A `windowOf` that gives an empty window wherever `denies` says so. */
const denying =
  (denies: (rows: readonly Row[], subject: string, scope: string) => boolean): Bend =>
  (inner) => ({
    windowOf(subject, scope) {
      const rows = rowsOf(inner, subject, scope);
      if (typeof subject !== 'string' || typeof scope !== 'string' || subject === '' || scope === '') return undefined;
      return denies(rows, subject, scope) ? EMPTY : windowOf(only(rows));
    },
  });

/** A `windowOf` that returns what it returned, or saw, before. */
const remembering: Bend = (inner) => {
  const known = new Map<string, GrantWindow>();
  return {
    windowOf(subject, scope) {
      const key = JSON.stringify([inner.namespace, typeof subject === 'string' ? subject : 0, typeof scope === 'string' ? scope : 0]);
      const found = known.get(key) ?? windowOf(only(rowsOf(inner, subject, scope)));
      if (found !== undefined) known.set(key, found);
      return found;
    },
  };
};

/** A `windowOf` that knows only the commits of this handle, and never calls the backend. */
const apart: Bend = (inner) => {
  const rows = new Map<string, Row>();
  return {
    async commit(change) {
      const answer = await inner.commit(change);
      if (answer.outcome === 'committed') for (const row of change.put) rows.set(row.id, row);
      return answer;
    },
    windowOf: (subject, scope) => windowOf([...rows.values()].find((row) => row.subject === subject && row.scope === scope)),
  };
};

/** `windowOf` allows more than `live`. */
export const WINDOWS = [
  broken(
    'windowOf() is a millisecond longer',
    'gives at most the window of the only grant of a pair',
    window((rows) => {
      const found = windowOf(only(rows));
      return found && { ...found, until: found.until + 1 };
    }),
  ),
  broken(
    'windowOf() returns a row of another grant',
    'gives at most the window of the only grant of a pair',
    window((rows) => {
      const found = windowOf(only(rows));
      return found?.row && { ...found, row: { ...found.row, version: found.row.version + 1 } };
    }),
  ),
  broken(
    'windowOf() ignores how a grant is used',
    'gives no window of a grant that is counted, idle, ended or not yet confirmed',
    window((rows) => byColumns(only(rows))),
  ),
  broken(
    'windowOf() does not decode the row',
    'gives no window of a row that no check could read',
    window((rows) => byColumns(only(rows))),
  ),
  broken(
    'windowOf() gives the first of two grants',
    'gives no window while a pair has two rows',
    window((rows) => windowOf(rows[0])),
  ),
  broken(
    'windowOf() ignores the locks',
    'gives no window while the lock row is open',
    window((rows) => windowOf(only(rows.filter((row) => row.kind !== 'lock')))),
  ),
  broken('windowOf() returns its previous answer', 'gives no window from the commit on that ended or removed the grant', remembering),
  broken('windowOf() returns the answer of an earlier version', 'gives the window of the newest version', remembering),
  broken('windowOf() is case-insensitive', 'gives no window to another subject, scope or namespace', (inner) => ({
    windowOf: (subject, scope) => windowOf(only(rowsOf(inner, String(subject).toLowerCase(), scope))),
  })),
  broken('windowOf() accepts a value that is not a string', 'gives no window to another subject, scope or namespace', (inner) => ({
    windowOf: (subject, scope) => (typeof scope === 'symbol' ? undefined : windowOf(only(rowsOf(inner, subject, `${scope}`)))),
  })),
  broken(
    'windowOf() denies wherever no row is open, also for a subject or scope that is not valid',
    'gives no empty window for a subject or scope that no check accepts',
    denying((rows) => rows.length === 0),
  ),
  broken(
    'windowOf() denies for a subject that is not valid',
    'gives no empty window for a subject or scope that no check accepts',
    denying((rows, _, scope) => rows.length === 0 && SCOPE.test(scope) && !scope.endsWith(':')),
  ),
  broken(
    'windowOf() denies where it can give no other window',
    'gives no window of a grant that is counted, idle, ended or not yet confirmed',
    denying((rows, _, scope) => windowOf(only(rows)) === undefined && SCOPE.test(scope)),
  ),
  broken(
    'windowOf() denies a pair with a usage row alone',
    'gives no empty window of a pair with an open row, nor while the lock row is open',
    denying(
      (rows, subject, scope) =>
        rows.every(({ kind, id }) => kind === 'usage' && id !== 'r2.1') &&
        subject.startsWith('user:') &&
        SCOPE.test(scope) &&
        !scope.endsWith(':'),
    ),
  ),
  broken(
    'windowOf() denies under a lock',
    'gives no empty window of a pair with an open row, nor while the lock row is open',
    denying(
      (rows, subject, scope) =>
        rows.every(({ kind }) => kind === 'lock') && subject.startsWith('user:') && SCOPE.test(scope) && !scope.endsWith(':'),
    ),
  ),
  broken(
    'windowOf() returns a window that ends at 0 and has a row',
    'gives no window from the commit on that ended or removed the grant',
    (inner) => {
      let last: Row | undefined;
      return {
        windowOf(subject, scope) {
          const found = windowOf(only(rowsOf(inner, subject, scope)));
          last = found?.row ?? last;
          return found ?? (last && { ...EMPTY, row: last });
        },
      };
    },
  ),
  broken('windowOf() does not notice an outage', 'gives no windowOf(): undefined, which sends the check to live()', apart),
];
