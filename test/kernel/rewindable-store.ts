import type { GrantStore, Page } from '../../src/index.js';
import type { Change, CommitAnswer, JournalSlice, Row, RowKey } from '../../src/store.js';
import { MemoryGrantStore } from '../../src/index.js';
import { aChange, anEntry } from '../../src/testing.js';

/** A store in memory that can go back to an earlier state, like a restored backup or a failover that lost commits. */
export class RewindableStore implements GrantStore {
  readonly namespace = 'payments';
  readonly durability = 'server';
  /** Every change that was sent, in order. */
  readonly sent: Change[] = [];
  /** Called before each commit. */
  beforeCommit: (change: Change) => Promise<void> | void = () => undefined;
  #inner = new MemoryGrantStore({ namespace: this.namespace });
  #committed: Change[] = [];
  #others = 0;

  /** Removes every change except those that wrote the entries up to `seq`. */
  async goBackTo(seq: number): Promise<void> {
    const inner = new MemoryGrantStore({ namespace: this.namespace });
    const kept: Change[] = [];
    for (const change of [...this.#committed]) {
      if ((await inner.journal({ after: 0, limit: 1 })).head.seq + change.append.length > seq) break;
      await inner.commit({ ...change, knows: undefined });
      kept.push(change);
    }
    // At once: no call of another process finds a part of the earlier state.
    this.#inner = inner;
    this.#committed = kept;
  }

  /** Replaces the state by that of another store that has the same past. */
  becomes(other: RewindableStore): void {
    this.#inner = other.#inner;
    this.#committed = other.#committed;
  }

  /** Grows the journal to `seq` with entries of another process, which has not seen the lost ones. */
  async growTo(seq: number): Promise<void> {
    while ((await this.headSeq()) < seq) {
      const append = [anEntry({ namespace: this.namespace, id: `other-${++this.#others}.1`, type: 'attempt.refused', data: { count: 1 } })];
      await this.#commit(aChange({ id: `other-${this.#others}`, append }));
    }
  }

  async headSeq(): Promise<number> {
    return (await this.#inner.journal({ after: 0, limit: 1 })).head.seq;
  }

  in(): GrantStore {
    throw new Error('one namespace is enough here');
  }

  get(keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]> {
    return this.#inner.get(keys);
  }

  live(query: Parameters<GrantStore['live']>[0]): readonly Row[] {
    return this.#inner.live(query);
  }

  find(query: Parameters<GrantStore['find']>[0]): Promise<Page<Row>> {
    return this.#inner.find(query);
  }

  due(query: Parameters<GrantStore['due']>[0]): Promise<Page<Row>> {
    return this.#inner.due(query);
  }

  async commit(change: Change): Promise<CommitAnswer> {
    this.sent.push(change);
    await this.beforeCommit(change);
    return this.#commit(change);
  }

  journal(query: Parameters<GrantStore['journal']>[0]): Promise<JournalSlice> {
    return this.#inner.journal(query);
  }

  async #commit(change: Change): Promise<CommitAnswer> {
    const inner = this.#inner;
    const answer = await inner.commit(change);
    if (answer.outcome === 'committed' && inner === this.#inner) this.#committed.push(change);
    return answer;
  }
}
