import type { Anchor } from '../../records/index.js';
import type { Batch, LockedHead, Prepared } from './batch.js';

/** For how many namespaces it keeps a head. */
const MAX_KNOWN = 4_096;
/** After so many commits in a row it guesses again, however often other processes have committed in between. */
const MOST_NEEDED = 64;

interface Known {
  readonly head: Anchor;
  readonly start: Anchor;
  /** How many commits in a row have found the head as the one before had left it. */
  readonly steady: number;
  /** How many of them a guess needs. It doubles with each wrong guess, which sends its rows for nothing. */
  readonly needed: number;
}

/**
 * The heads that the commits of this process have left. While no other process commits to a namespace, its next transaction
 * finds exactly that head, so that what it will write is known before it begins.
 *
 * A guess decides nothing: the statement that writes also compares it with what it has locked.
 */
export class KnownHeads {
  readonly #known = new Map<string, Known>();

  /**
   * What the transaction of these changes finds, if every version is the expected one, no change was applied before, and no
   * other process has committed. `undefined`: other processes commit too, so that a guess would seldom be right; or a change
   * trims the journal, for which the transaction must read the hash of an entry, or needs a layout, which it must compare.
   */
  guess(namespace: string, changes: readonly Prepared[]): LockedHead | undefined {
    const known = this.#known.get(namespace);
    if (known === undefined || known.steady < known.needed) return undefined;
    if (changes.some(({ trimJournalTo, needs }) => trimJournalTo > 0 || needs !== undefined)) return undefined;
    const { head, start } = known;
    const createdAt = new Map(changes.flatMap(({ put }) => put.map((row) => [row.key, row.createdAt] as const)).reverse());
    const rows = new Map<string, { readonly version: number; readonly createdAt: number | undefined }>();
    const hashes = new Map<number, string>();
    const seen = new Set<string>();
    for (const { expect, knows } of changes) {
      for (const { key, version } of expect) {
        // A later change may expect what an earlier one writes.
        if (!seen.has(key) && version > 0) rows.set(key, { version, createdAt: createdAt.get(key) });
        seen.add(key);
      }
      if (knows !== undefined && knows.seq > start.seq && !hashes.has(knows.seq)) hashes.set(knows.seq, knows.hash);
    }
    return { head, start, rows, hashes, applied: new Set() };
  }

  /** These changes were committed. */
  learn(namespace: string, { before, after }: Batch): void {
    const known = this.#known.get(namespace);
    this.#known.delete(namespace);
    if (after === undefined) return;
    this.#known.set(namespace, { ...after, ...steadiness(known, before.head) });
    if (this.#known.size > MAX_KNOWN) this.#known.delete(this.#known.keys().next().value as string);
  }

  /** A transaction has failed, or its outcome is unknown. */
  forget(namespace: string): void {
    this.#known.delete(namespace);
  }
}

function steadiness(known: Known | undefined, found: Anchor): Pick<Known, 'steady' | 'needed'> {
  if (known === undefined) return { steady: 0, needed: 1 };
  const { head, steady, needed } = known;
  if (head.seq !== found.seq || head.hash !== found.hash) {
    return { steady: 0, needed: steady < needed ? needed : Math.min(2 * needed, MOST_NEEDED) };
  }
  // As many guesses were right as it had to wait for commits.
  return { steady: steady + 1, needed: steady >= 2 * needed ? 1 : needed };
}
