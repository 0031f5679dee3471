import { StoreError } from '../../core/errors.js';
import { LAYOUT, type StoredLayout } from '../../core/layout.js';
import type { Row, RowKey } from '../../core/store-port.js';
import type { Key, Prepared, ReadState } from '../batch.js';
import type { RowVersion } from '../judge.js';
import type { BackendState, EntriesAnswer, SerialBackend } from './backend.js';

/** The injective key of a row: its kind and its id. */
export const keyOf = ({ kind, id }: RowKey): Key => JSON.stringify([kind, id]);

export function rowKeyOf(key: Key): RowKey {
  const [kind, id] = JSON.parse(key) as [string, string];
  return { kind, id };
}

/** The numbers of data that processes of every layout may use. */
const OF_ALL: StoredLayout = { version: LAYOUT, readableFrom: 1 };

const NO_ENTRIES: EntriesAnswer = { hashes: [], applied: [] };

/**
 * What was read of a namespace while it had one revision. It stays valid for as long as the namespace has that revision, so a write
 * that is repeated without another one in between reads nothing again.
 */
export class Reading<State extends BackendState> {
  readonly state: State;
  readonly #rows = new Map<Key, RowVersion | undefined>();
  readonly #hashes = new Map<number, string | undefined>();
  readonly #applied = new Map<string, boolean>();

  constructor(state: State) {
    this.state = state;
    this.#hashes.set(state.head.seq, state.head.hash);
  }

  /** Reads what decides these changes, as far as it is not read yet. */
  async read(backend: SerialBackend<State>, changes: readonly Prepared<Row>[]): Promise<ReadState> {
    const { state } = this;
    const { head, start, storedLayout: layout = OF_ALL } = state;
    const keys = missing(
      this.#rows,
      changes.flatMap(({ expect }) => expect.map(({ key }) => key)),
    );
    // A change without entries leaves no id. Of an entry that is not kept, nothing is looked up.
    const ids = missing(
      this.#applied,
      changes.flatMap(({ id, append }) => (append.length === 0 ? [] : [id])),
    );
    const named = changes.flatMap(({ knows, trimJournalTo }) => [knows?.seq ?? 0, trimJournalTo]);
    const seqs = missing(this.#hashes, named).filter((seq) => start.seq < seq && seq < head.seq);
    const [kept, found] = await Promise.all([
      keys.length === 0 ? [] : backend.rows(state, keys.map(rowKeyOf)),
      ids.length + seqs.length === 0 ? NO_ENTRIES : backend.entries(state, { seqs, changes: ids }),
    ]);
    fill(this.#rows, keys, kept);
    fill(this.#hashes, seqs, found.hashes);
    fill(this.#applied, ids, found.applied);
    return {
      head,
      start,
      layout,
      rows: present(this.#rows),
      hashes: present(this.#hashes),
      applied: new Set([...this.#applied].flatMap(([id, isApplied]) => (isApplied ? [id] : []))),
    };
  }
}

const missing = <K>(known: ReadonlyMap<K, unknown>, keys: readonly K[]): readonly K[] =>
  [...new Set(keys)].filter((key) => !known.has(key));

function fill<K, V>(known: Map<K, V>, keys: readonly K[], values: readonly V[]): void {
  // A shorter answer would count as missing rows.
  if (values.length !== keys.length)
    throw new StoreError('commit', `the backend gave ${values.length} answers to ${keys.length} questions`);
  for (const [i, key] of keys.entries()) known.set(key, values[i] as V);
}

const present = <K, V>(known: ReadonlyMap<K, V | undefined>): ReadonlyMap<K, V> =>
  new Map([...known].flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])));
