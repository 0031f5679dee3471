import { serialCommits } from 'jit-access/store';
import type { BackendState, BackendWrite, EntriesAnswer, EntriesQuery, LinkedEntry, SerialBackend, SerialCommit } from 'jit-access/store';
import type { GrantStore, JournalQuery, RowKey } from '../../../src/core/store-port.js';
import { GENESIS } from '../../../src/journal/link.js';
import { MemoryGrantStore } from '../../../src/stores/memory.js';
import { aChange } from '../../../src/testing.js';

export type Method = keyof SerialBackend;

/** A namespace. The memory store keeps its rows, and answers the reads of them. */
class Kept {
  readonly rows = new MemoryGrantStore();
  revision = 0;
  moved: string | undefined;
  head = GENESIS;
  start = GENESIS;
  journal: readonly LinkedEntry[] = [];

  slice({ after, limit }: JournalQuery) {
    const entries = this.journal.map(({ entry }) => entry).filter(({ seq }) => seq > after);
    return { entries: entries.slice(0, limit), start: { ...this.start }, head: { ...this.head } };
  }
}

interface State extends BackendState {
  readonly revision: number;
}

/**
 * A backend in memory whose only concurrency control is a compare-and-set on a number. Each call takes some turns of the event loop, so
 * that the calls of several queues overlap, and `rows` may answer from a later state than `head`.
 */
export class MemoryBackend implements SerialBackend<State> {
  readonly #kept = new Map<string, Kept>();
  readonly #turns: number;
  readonly calls: Method[] = [];
  readonly writes: BackendWrite[] = [];
  /** The numbers beside the data. */
  storedLayout: State['storedLayout'];
  /** How many writes another one has won. */
  lost = 0;
  /** Runs before a method does its work: a test injects faults and other commits here. */
  before: (method: Method, write: BackendWrite | undefined) => unknown = () => undefined;
  /** Runs after a method has done its work. */
  after: (method: Method) => unknown = () => undefined;

  /** @param turns how many turns of the event loop each call takes */
  constructor(turns = 1) {
    this.#turns = turns;
  }

  /** A store over this backend, with a queue of its own. */
  store(
    namespace: string,
    options: Parameters<typeof serialCommits>[1] = {},
    commit: SerialCommit = serialCommits(this, options),
  ): GrantStore {
    const { rows } = this.of(namespace);
    return {
      namespace,
      durability: 'memory',
      maxChange: options.maxChange,
      in: (other) => this.store(other, options, commit),
      get: (keys) => rows.get(keys),
      live: (query) => rows.live(query),
      find: (query) => rows.find(query),
      due: (query) => rows.due(query),
      journal: async (query) => this.of(namespace).slice(query),
      commit: (change) => commit(namespace, change),
    };
  }

  head(namespace: string): Promise<State> {
    return this.#call('head', undefined, () => {
      const { revision, moved, head, start } = this.of(namespace);
      return { namespace, revision, moved, storedLayout: this.storedLayout, head, start };
    });
  }

  rows({ namespace }: State, keys: readonly RowKey[]) {
    return this.#call('rows', undefined, () => this.of(namespace).rows.get(keys));
  }

  entries({ namespace }: State, { seqs, changes }: EntriesQuery): Promise<EntriesAnswer> {
    return this.#call('entries', undefined, () => {
      const { journal } = this.of(namespace);
      return {
        hashes: seqs.map((seq) => journal.find(({ entry }) => entry.seq === seq)?.entry.hash),
        applied: changes.map((id) => journal.some(({ changeId }) => changeId === id)),
      };
    });
  }

  write({ namespace, revision }: State, write: BackendWrite): Promise<boolean> {
    return this.#call('write', write, async () => {
      const kept = this.of(namespace);
      if (kept.revision !== revision) {
        this.lost += 1;
        return false;
      }
      kept.revision += 1;
      const { put, remove, append, trimTo, head, start } = write;
      Object.assign(kept, { head, start, journal: [...kept.journal.filter(({ entry }) => entry.seq > trimTo), ...append] });
      this.writes.push(write);
      const keys = [...put, ...remove];
      const before = await kept.rows.get(keys);
      const expect = keys.map(({ kind, id }, i) => ({ kind, id, version: before[i]?.version ?? 0 }));
      // No longer than the change that the kit has accepted.
      const change = aChange({ id: 'c', expect, put, remove: remove.length === 0 ? undefined : remove });
      if ((await kept.rows.commit(change)).outcome !== 'committed') throw new Error('the rows were not written');
      return true;
    });
  }

  of(namespace: string): Kept {
    const kept = this.#kept.get(namespace) ?? new Kept();
    this.#kept.set(namespace, kept);
    return kept;
  }

  async #call<T>(method: Method, write: BackendWrite | undefined, work: () => T | Promise<T>): Promise<T> {
    this.calls.push(method);
    for (let turn = 0; turn < this.#turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    await this.before(method, write);
    const answer = await work();
    await this.after(method);
    return answer;
  }
}
