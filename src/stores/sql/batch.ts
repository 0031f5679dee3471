import { StoreError } from '../../core/errors.js';
import { isBehind, link } from '../../journal/link.js';
import type { Change, CommitAnswer, RowKey } from '../../core/store-port.js';
import { createdAtChanged, type Anchor, type AuditEntry, type UnlinkedEntry } from '../../records/index.js';
import { toColumn } from './order.js';
import { entryColumns, rowColumns } from './rows.js';
import type { Written } from './writes.js';

/** The key of a row in the form of its columns. The encoding is injective, so it can be a map key. */
type Key = string;

interface Expected {
  readonly key: Key;
  readonly version: number;
}

/** The columns of a stored row that decide whether a change conflicts. */
interface Kept {
  readonly version: number;
  /** `undefined` in a locked head: no change of the batch puts the row. */
  readonly createdAt: number | undefined;
}

/** A copy of a change, made when `commit` was called. Later changes to the caller's object have no effect. */
export interface Prepared {
  readonly id: string;
  readonly expect: readonly Expected[];
  readonly put: readonly {
    readonly key: Key;
    readonly version: number;
    readonly createdAt: number;
    readonly columns: readonly unknown[];
  }[];
  readonly remove: readonly Key[];
  readonly append: readonly UnlinkedEntry[];
  readonly trimJournalTo: number;
  readonly knows: Anchor | undefined;
  /** How many rows it counts as, among the changes of a transaction. */
  readonly weight: number;
}

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

const keyOf = ({ kind, id }: RowKey): Key => JSON.stringify([toColumn(kind), toColumn(id)]);

export function prepare({ id, expect, put, append, remove = [], trimJournalTo = 0, knows }: Change): Prepared {
  const rows = put.map((row) => ({ key: keyOf(row), version: row.version, createdAt: row.createdAt, columns: rowColumns(row) }));
  return {
    id,
    expect: expect.map((one) => ({ key: keyOf(one), version: one.version })),
    put: rows,
    remove: remove.map(keyOf),
    append: structuredClone(append),
    trimJournalTo,
    knows: knows && { seq: knows.seq, hash: knows.hash },
    weight: Math.max(
      put.length + remove.length,
      append.length,
      Math.ceil(expect.length / EXPECTATIONS_OF_ROW),
      Math.ceil((JSON.stringify(append).length + rows.reduce((sum, { columns }) => sum + lengthOf(columns), 0)) / CHARACTERS_OF_ROW),
      MIN_WEIGHT,
    ),
  };
}

/** Of the body, which is the last column. */
const lengthOf = (columns: readonly unknown[]): number => (columns.at(-1) as string).length;

/** The two ends of a journal. */
interface Ends {
  readonly head: Anchor;
  readonly start: Anchor;
}

/** Everything that decides the outcomes of a batch, read while the transaction holds the lock on the head. */
export interface LockedHead extends Ends {
  readonly rows: ReadonlyMap<Key, Kept>;
  /** By seq: the hashes of the entries that the changes name in `knows`, as far as the journal still holds them. */
  readonly hashes: ReadonlyMap<number, string>;
  readonly applied: ReadonlySet<string>;
}

/** The answer to one change, or the error with which its commit rejects. */
export type ChangeAnswer = CommitAnswer | { readonly rejected: unknown };

/**
 * Changes to one namespace that share a transaction. Each is decided as if it were committed alone, after the changes before
 * it. A change that conflicts or cannot be linked writes nothing and does not affect the others.
 */
export class Batch {
  readonly answers: readonly ChangeAnswer[];
  /** The seq of the last entry to trim, or 0 for none. That entry may be from this batch or from an earlier one. */
  readonly trimTo: number;
  readonly before: Ends;
  #head: Anchor;
  readonly #start: Anchor;
  readonly #hashes: ReadonlyMap<number, string>;
  readonly #rows: Map<Key, Kept>;
  readonly #applied: Set<string>;
  readonly #put = new Map<Key, readonly unknown[]>();
  readonly #remove = new Set<Key>();
  readonly #entries: { readonly entry: AuditEntry; readonly changeId: string }[] = [];

  constructor(changes: readonly Prepared[], { head, start, rows, hashes, applied }: LockedHead) {
    this.before = { head, start };
    this.#head = head;
    this.#start = start;
    this.#hashes = hashes;
    this.#rows = new Map(rows);
    this.#applied = new Set(applied);
    let trimTo = 0;
    this.answers = changes.map((change) => {
      try {
        const outcome = this.#judge(change);
        if (outcome === 'applied') trimTo = Math.max(trimTo, change.trimJournalTo);
        return { outcome: outcome === 'applied' || outcome === 'known' ? 'committed' : outcome, head: { ...this.#head } };
      } catch (rejected) {
        return { rejected };
      }
    });
    this.trimTo = trimTo > start.seq ? trimTo : 0;
  }

  #judge({ id, expect, put, remove, append, trimJournalTo, knows }: Prepared): 'applied' | 'known' | 'conflict' | 'behind' {
    // This comes first: a change whose reply was lost would otherwise find its own versions and be answered 'conflict'.
    if (this.#applied.has(id)) return 'known';
    if (isBehind(knows, { start: this.#start, head: this.#head }, (seq) => this.#hashAt(seq))) return 'behind';
    if (expect.some(({ key, version }) => (this.#rows.get(key)?.version ?? 0) !== version)) return 'conflict';
    // Everything that can throw comes before the first write, so that a change is applied whole or not at all.
    if (put.some(({ key, createdAt }) => (this.#rows.get(key)?.createdAt ?? createdAt) !== createdAt)) throw createdAtChanged();
    const linked = link(this.#head, append);
    const head = linked.at(-1) ?? this.#head;
    if (trimJournalTo > head.seq)
      throw new StoreError('commit', `trimJournalTo ${trimJournalTo} is greater than the head ${head.seq}; nothing was applied`);

    for (const key of remove) {
      this.#rows.delete(key);
      this.#put.delete(key);
      this.#remove.add(key);
    }
    for (const { key, version, createdAt, columns } of put) {
      this.#rows.set(key, { version, createdAt });
      this.#remove.delete(key);
      this.#put.set(key, columns);
    }
    for (const entry of linked) this.#entries.push({ entry, changeId: id });
    if (linked.length > 0) this.#applied.add(id);
    this.#head = { seq: head.seq, hash: head.hash };
    return 'applied';
  }

  /** The ends that the commit leaves; `undefined` if it trims the journal. */
  get after(): Ends | undefined {
    return this.trimTo > 0 ? undefined : { head: this.#head, start: this.#start };
  }

  #hashAt(seq: number): string | undefined {
    return this.#entries.find(({ entry }) => entry.seq === seq)?.entry.hash ?? this.#hashes.get(seq);
  }

  /** The hash of the last entry to trim, if that entry is from this batch. */
  get ownHash(): string | undefined {
    return this.#entries.find(({ entry }) => entry.seq === this.trimTo)?.entry.hash;
  }

  /**
   * What to write; `undefined` if nothing has changed.
   *
   * @param startHash the hash of the last entry to trim
   */
  written(namespace: string, startHash: string | undefined): Written | undefined {
    const { trimTo } = this;
    if (this.#put.size + this.#remove.size + this.#entries.length + trimTo === 0) return undefined;
    const kept = this.#entries.filter(({ entry }) => entry.seq > trimTo);
    const start = trimTo > 0 && startHash !== undefined ? { seq: trimTo, hash: startHash } : this.#start;
    return {
      namespace,
      remove: [...this.#remove],
      put: [...this.#put.values()],
      append: kept.map((one) => entryColumns(one.entry, one.changeId)),
      trimTo,
      head: [this.#head.seq, this.#head.hash, start.seq, start.hash],
    };
  }
}
