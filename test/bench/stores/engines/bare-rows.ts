import type { Change } from 'jit-access/store';
import { entryColumns, rowColumns } from '../../../../src/stores/sql/rows.js';

let seq = 0;

/** What the SQL store writes for these changes, as lists of columns, with entries that are in no chain. */
export function bareColumns(changes: readonly Change[]) {
  return {
    rows: changes.flatMap(({ put }) => put.map(rowColumns)),
    entries: changes.flatMap(({ id, append }) =>
      append.map((entry) => entryColumns({ ...entry, seq: ++seq, prevHash: entry.digest, hash: entry.digest }, id)),
    ),
  };
}

export const ROW_COLUMNS = 'namespace, kind, id, version, subject, scope, open, created_at, from_at, until_at, due_at, sort_at, body';
export const ENTRY_COLUMNS = 'namespace, seq, change_id, v, id, type, at, actor, request_id, grant_id, data, digest, prev_hash, hash';
