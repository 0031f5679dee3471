import type { MovedError } from '../core/errors.js';
import type { Change, CommitAnswer, RowKey } from '../core/store-port.js';
import type { StoredLayout } from '../core/layout.js';
import { link } from '../journal/link.js';
import type { Anchor, AuditEntry, UnlinkedEntry } from '../records/index.js';
import { judge, type JournalEnds, type Judged, type RowVersion } from './judge.js';

/** The key of a row as a text. The encoding is injective, so it can be a map key. */
export type Key = string;

interface Keyed {
  readonly key: Key;
}

/** A copy of a change, made when `commit` was called. Later changes to the caller's object have no effect. */
export interface Prepared<Put> extends Judged<Keyed> {
  readonly put: readonly {
    readonly key: Key;
    readonly version: number;
    readonly createdAt: number;
    /** The row in the form in which the store writes it. */
    readonly row: Put;
  }[];
  readonly remove: readonly Key[];
  readonly append: readonly UnlinkedEntry[];
  readonly trimJournalTo: number;
}

/** @param keyOf injective */
export function prepare<Put>(change: Change, keyOf: (key: RowKey) => Key, rowOf: (row: Change['put'][number]) => Put): Prepared<Put> {
  const { id, expect, put, append, remove = [], trimJournalTo = 0, knows, needs } = change;
  return {
    id,
    expect: expect.map((one) => ({ key: keyOf(one), version: one.version })),
    put: put.map((row) => ({ key: keyOf(row), version: row.version, createdAt: row.createdAt, row: rowOf(row) })),
    remove: remove.map(keyOf),
    append: structuredClone(append),
    trimJournalTo,
    knows: knows && { seq: knows.seq, hash: knows.hash },
    needs,
  };
}

/** Everything that decides the outcomes of a batch, read while no other commit of the namespace can run. */
export interface ReadState extends JournalEnds {
  /** Missing where no change that is judged needs a layout. */
  readonly layout?: StoredLayout | undefined;
  readonly rows: ReadonlyMap<Key, RowVersion>;
  /** By seq: the hashes of the entries that the changes name in `knows`, as far as the journal still holds them. */
  readonly hashes: ReadonlyMap<number, string>;
  /** The ids of the changes that were applied before. */
  readonly applied: ReadonlySet<string>;
  /** The refusal of every change, if the namespace has moved or is still arriving. Default: none. */
  readonly moved?: MovedError | undefined;
}

/** The answer to one change, or the error with which its commit rejects. */
export type ChangeAnswer = CommitAnswer | { readonly rejected: unknown };

/** An entry, and the change that wrote it. */
export interface LinkedEntry {
  /** The entry, linked to the one before it. */
  readonly entry: AuditEntry;
  /** The change that the entry belongs to. */
  readonly changeId: string;
}

/** What a batch writes. No row is both put and removed. */
export interface BatchWrites<Put> extends JournalEnds {
  readonly remove: readonly Key[];
  readonly put: readonly Put[];
  /** Without the entries that the same batch trims. */
  readonly append: readonly LinkedEntry[];
  /** The seq of the last entry to trim; 0: none. */
  readonly trimTo: number;
}

/**
 * Changes to one namespace that share a transaction. Each is decided as if it were committed alone, after the changes before
 * it. A change that conflicts or cannot be linked writes nothing and does not affect the others.
 */
export class Batch<Put> {
  readonly answers: readonly ChangeAnswer[];
  /** The seq of the last entry to trim, or 0 for none. That entry may be from this batch or from an earlier one. */
  readonly trimTo: number;
  readonly before: JournalEnds;
  readonly layout: StoredLayout | undefined;
  #head: Anchor;
  readonly #start: Anchor;
  readonly #hashes: ReadonlyMap<number, string>;
  readonly #rows: Map<Key, RowVersion>;
  readonly #applied: Set<string>;
  readonly #put = new Map<Key, Put>();
  readonly #remove = new Set<Key>();
  readonly #entries: LinkedEntry[] = [];

  constructor(changes: readonly Prepared<Put>[], { head, start, layout, rows, hashes, applied, moved }: ReadState) {
    this.before = { head, start };
    this.layout = layout;
    this.#head = head;
    this.#start = start;
    this.#hashes = hashes;
    this.#rows = new Map(rows);
    this.#applied = new Set(applied);
    let trimTo = 0;
    this.answers = changes.map((change) => {
      if (moved !== undefined) return { rejected: moved };
      try {
        const outcome = judge(change, this);
        if (outcome === undefined) {
          this.#apply(change);
          trimTo = Math.max(trimTo, change.trimJournalTo);
        }
        return { outcome: outcome ?? 'committed', head: { ...this.#head } };
      } catch (rejected) {
        return { rejected };
      }
    });
    this.trimTo = trimTo > start.seq ? trimTo : 0;
  }

  get head(): Anchor {
    return this.#head;
  }

  get start(): Anchor {
    return this.#start;
  }

  isApplied(changeId: string): boolean {
    return this.#applied.has(changeId);
  }

  hashAt(seq: number): string | undefined {
    return this.#entries.find(({ entry }) => entry.seq === seq)?.entry.hash ?? this.#hashes.get(seq);
  }

  get({ key }: Keyed): RowVersion | undefined {
    return this.#rows.get(key);
  }

  #apply({ id, put, remove, append }: Prepared<Put>): void {
    // It may throw, and so comes before the first write: a change is applied whole or not at all.
    const linked = link(this.#head, append);
    for (const key of remove) {
      this.#rows.delete(key);
      this.#put.delete(key);
      this.#remove.add(key);
    }
    for (const { key, version, createdAt, row } of put) {
      this.#rows.set(key, { version, createdAt });
      this.#remove.delete(key);
      this.#put.set(key, row);
    }
    for (const entry of linked) this.#entries.push({ entry, changeId: id });
    if (linked.length > 0) this.#applied.add(id);
    const { seq, hash } = linked.at(-1) ?? this.#head;
    this.#head = { seq, hash };
  }

  /** The entries that the journal will hold after those before, of all changes. */
  get entries(): readonly AuditEntry[] {
    return this.#entries.map(({ entry }) => entry);
  }

  /** The ends that the commit leaves; `undefined` if it trims the journal. */
  get after(): JournalEnds | undefined {
    return this.trimTo > 0 ? undefined : { head: this.#head, start: this.#start };
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
  writes(startHash: string | undefined): BatchWrites<Put> | undefined {
    const { trimTo } = this;
    if (this.#put.size + this.#remove.size + this.#entries.length + trimTo === 0) return undefined;
    return {
      remove: [...this.#remove],
      put: [...this.#put.values()],
      append: this.#entries.filter(({ entry }) => entry.seq > trimTo),
      trimTo,
      head: this.#head,
      start: trimTo > 0 && startHash !== undefined ? { seq: trimTo, hash: startHash } : this.#start,
    };
  }
}
