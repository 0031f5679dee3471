import { StoreError } from '../core/errors.js';
import { refuseUnreadable, type StoredLayout } from '../core/layout.js';
import type { CommitOutcome } from '../core/store-port.js';
import { isBehind } from '../journal/link.js';
import { createdAtChanged, type Anchor } from '../records/index.js';

/** The parts of a change that decide its outcome. `Key` names a row. */
export interface Judged<Key> {
  readonly id: string;
  readonly expect: readonly (Key & { readonly version: number })[];
  readonly put: readonly (Key & { readonly createdAt: number })[];
  readonly append: readonly unknown[];
  readonly trimJournalTo?: number | undefined;
  readonly knows?: Anchor | undefined;
  readonly needs?: number | undefined;
}

/** The two ends of a journal. */
export interface JournalEnds {
  /** The newest entry's anchor. */
  readonly head: Anchor;
  /** The anchor right before the oldest entry kept. */
  readonly start: Anchor;
}

/** The columns of a stored row that decide whether a change conflicts. */
export interface RowVersion {
  /** The version of the row that the store keeps. */
  readonly version: number;
  /** `undefined`: not read, because no change that is judged puts the row. */
  readonly createdAt: number | undefined;
}

/** What a namespace holds while a change is judged. */
export interface KeptState<Key> extends JournalEnds {
  /** `undefined`: every process that reads these data has the layout of this one, as in memory. */
  readonly layout?: StoredLayout | undefined;
  /** Whether a kept entry was written by the change with this id. */
  isApplied(changeId: string): boolean;
  /** The hash of a kept entry. */
  hashAt(seq: number): string | undefined;
  get(key: Key): RowVersion | undefined;
}

/**
 * The one judgement of a change, which every store makes while no other commit of the namespace can run.
 *
 * @returns the outcome of a change that writes nothing; `undefined`: the change is to be linked and written
 * @throws StoreError if no state could apply the change
 * @throws LayoutError if processes that cannot read it may use the data
 */
export function judge<Key>(change: Judged<Key>, kept: KeptState<Key>): CommitOutcome | undefined {
  // This comes first: a change whose reply was lost would otherwise find its own versions and be answered 'conflict'.
  if (kept.isApplied(change.id)) return 'committed';
  if (isBehind(change.knows, kept, (seq) => kept.hashAt(seq))) return 'behind';
  if (change.expect.some((key) => (kept.get(key)?.version ?? 0) !== key.version)) return 'conflict';
  if (change.put.some((row) => (kept.get(row)?.createdAt ?? row.createdAt) !== row.createdAt)) throw createdAtChanged();
  if (kept.layout !== undefined) refuseUnreadable(kept.layout, change.needs);
  const { trimJournalTo = 0 } = change;
  const last = kept.head.seq + change.append.length;
  if (trimJournalTo > last)
    throw new StoreError('commit', `trimJournalTo ${trimJournalTo} is greater than the head ${last}; nothing was applied`);
  return undefined;
}
