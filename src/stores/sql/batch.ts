import type { Change, RowKey } from '../../core/store-port.js';
import { Batch as BatchOfChanges, prepare as prepareChange, type Key, type Prepared as PreparedChange, type ReadState } from '../batch.js';
import { toColumn } from './order.js';
import { entryColumns, rowColumns } from './rows.js';
import type { Written } from './writes.js';

/** The columns of a row. */
type Columns = readonly unknown[];

/** A copy of a change, made when `commit` was called. */
export interface Prepared extends PreparedChange<Columns> {
  /** How many rows it counts as, among the changes of a transaction. */
  readonly weight: number;
}

/** What the transaction reads while it holds the lock on the head. */
export type LockedHead = ReadState;

/**
 * Each change counts as at least this many rows. So at most 128 changes without rows share a transaction, and no caller
 * waits long for earlier changes.
 */
const MIN_WEIGHT = 2;
/**
 * How many characters of bodies and entries count as one row, and how many expectations. So a change that is large, but has
 * few rows, does not delay the changes of others.
 */
const [CHARACTERS_OF_ROW, EXPECTATIONS_OF_ROW] = [4_096, 8];

/** In the form of the columns of the key. */
const keyOf = ({ kind, id }: RowKey): Key => JSON.stringify([toColumn(kind), toColumn(id)]);

export function prepare(change: Change): Prepared {
  const prepared = prepareChange(change, keyOf, rowColumns);
  const { expect, put, remove } = prepared;
  // Of the given entries: those of a structured clone take longer.
  const characters = put.reduce((sum, { row }) => sum + lengthOf(row), JSON.stringify(change.append).length);
  const weight = Math.max(
    put.length + remove.length,
    change.append.length,
    Math.ceil(expect.length / EXPECTATIONS_OF_ROW),
    Math.ceil(characters / CHARACTERS_OF_ROW),
    MIN_WEIGHT,
  );
  return Object.assign(prepared, { weight });
}

/** Of the body, which is the last column. */
const lengthOf = (columns: Columns): number => (columns.at(-1) as string).length;

/** Changes to one namespace that share a transaction. */
export class Batch extends BatchOfChanges<Columns> {
  /**
   * What to write; `undefined` if nothing has changed.
   *
   * @param startHash the hash of the last entry to trim
   */
  written(namespace: string, startHash: string | undefined): Written | undefined {
    const writes = this.writes(startHash);
    if (writes === undefined) return undefined;
    const { remove, put, append, trimTo, head, start } = writes;
    return {
      namespace,
      remove,
      put,
      trimTo,
      append: append.map((one) => entryColumns(one.entry, one.changeId)),
      head: [head.seq, head.hash, start.seq, start.hash],
    };
  }
}
