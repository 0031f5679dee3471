import { show } from '../../core/parse.js';
import type { GrantStore, Row } from '../../core/store-port.js';
import { isObject, LOCK_ROW } from '../../records/index.js';
import { inTurns, nextTurn } from '../../core/turns.js';
import { HORIZON } from '../../records/bookmark.js';
import { RECORD_KINDS, type RecordKind } from '../replay/drafts.js';
import { askRows } from '../store-reads.js';
import { unlike } from './difference.js';
import { compare, expectedOf, stateOf, whyUnproven, type Key } from './journal-state.js';
import { Listing, PAGE, type PagesOfStore } from './listing.js';
import { belongsInLive, isInLive, isLiveKind, keyOf, placesOf, readLive, rowIn, type LivePlace, type LiveRows } from './live-rows.js';
import { problemIn, type JournalProblem, type JournalReading } from './reading.js';

/** A row, and its problem. */
export interface RowProblem {
  /** The kind of the row. */
  readonly kind: string;
  /** The id of the row. */
  readonly id: string;
  /** What is wrong, for people to read. */
  readonly problem: string;
}

/** The answers of `find` and `live` between two readings of the journal. */
interface Round {
  readonly pages: PagesOfStore;
  readonly live: LiveRows;
}

/** How many times rows that differ are read again before they count as unproven. */
const MAX_ROUNDS = 16;

/**
 * Compares all rows of a store with its journal, while other processes may write. It compares the results of `get`, `find` and
 * `live`, because a store may keep a copy for each. A check reads only the copy of `live`.
 */
export class Comparison {
  rows = 0;
  readonly differences: RowProblem[] = [];
  readonly unproven: RowProblem[] = [];
  readonly #store: GrantStore;
  readonly #reading: JournalReading;
  readonly #listing: Listing;
  /** The queries of `live`, and the open rows that each must return. */
  readonly #live = new Map<string, { readonly place: LivePlace; readonly expected: Map<string, Key> }>();
  /** The `createdAt` by which `find` listed a suspect. */
  readonly #listedAt = new Map<string, number>();
  /** By row, the queries for which `live` returned it and should not. */
  readonly #strays = new Map<string, LivePlace[]>();

  /** @param reading has read to the head */
  constructor(store: GrantStore, reading: JournalReading) {
    this.#store = store;
    this.#reading = reading;
    this.#listing = new Listing(store);
  }

  /** @returns the same as {@link JournalReading.on} */
  async run(): Promise<JournalProblem | 'trimmed' | undefined> {
    try {
      const suspects: Key[] = [HORIZON];
      for (const kind of RECORD_KINDS) suspects.push(...(await this.#suspects(kind)));
      suspects.push(...(await this.#liveSuspects(suspects)));
      return await this.#settle(suspects);
    } catch (error) {
      return problemIn(error);
    }
  }

  /** The rows that differ in the first comparison. They may be correct: a row may have been read before or after its entry. */
  async #suspects(kind: RecordKind): Promise<readonly Key[]> {
    const suspects: Key[] = [];
    const seen = new Set<string>();
    for await (const items of this.#listing.pages(kind)) {
      const listed: Row[] = [];
      for (const row of items) {
        this.rows += 1;
        const id: unknown = isObject(row) ? (row as Row).id : undefined;
        if (typeof id !== 'string') this.differences.push({ kind, id: show(id), problem: 'is not a row' });
        else if (!seen.has(id)) {
          seen.add(id);
          listed.push(row as Row);
        }
      }
      const kept = await this.#get(listed.map(({ id }) => ({ kind, id })));
      listed.forEach((row, i) => {
        const key: Key = { kind, id: row.id };
        if (compare(this.#reading, key, row) === undefined && compare(this.#reading, key, kept[i]) === undefined)
          this.#expectInLive(key, row);
        else {
          suspects.push(key);
          this.#listedAt.set(nameOf(key), row.createdAt);
        }
      });
      await nextTurn();
    }
    for (const id of this.#reading.rebuild.now.of(kind).keys()) if (!seen.has(id)) suspects.push({ kind, id });
    return suspects;
  }

  /** Adds the queries of `live` for a row that `find` and `get` return correctly. Rows of other kinds only name a subject. */
  #expectInLive(key: Key, row: Row): void {
    for (const place of isLiveKind(key.kind) ? placesOf(row) : placesOf({ subject: row.subject, scope: undefined })) {
      let there = this.#live.get(keyOf(place));
      if (there === undefined) this.#live.set(keyOf(place), (there = { place, expected: new Map() }));
      if (belongsInLive(row)) there.expected.set(nameOf(key), key);
    }
  }

  /** The rows that `live` returns wrongly, and those that it should return and does not. */
  async #liveSuspects(known: readonly Key[]): Promise<readonly Key[]> {
    const suspects = new Map<string, Key>();
    const places = [...this.#live.values()];
    while (places.length > 0) {
      const batch = places.splice(-PAGE);
      const answers: LiveRows = new Map();
      await readLive(
        this.#store,
        batch.map(({ place }) => place),
        answers,
      );
      for (const { place, expected } of batch) {
        const answer = answers.get(keyOf(place)) as readonly unknown[];
        for (const row of answer) this.#receive(row, place, expected, suspects);
        this.#expectLocks(answer, place, suspects);
        for (const [name, key] of expected) suspects.set(name, key);
      }
      await nextTurn();
    }
    for (const key of known) suspects.delete(nameOf(key));
    return [...suspects.values()];
  }

  /** Compares a row of an answer of `live`: it is correct, or a suspect. */
  #receive(row: unknown, place: LivePlace, expected: Map<string, Key>, suspects: Map<string, Key>): void {
    const { kind, id }: Partial<Row> = isObject(row) ? row : {};
    // `#expectLocks` compares it: every answer has it while a lock is open.
    if (kind === LOCK_ROW.kind && id === LOCK_ROW.id) return;
    if (!isLiveKind(kind) || typeof id !== 'string') {
      this.differences.push({
        kind: typeof kind === 'string' ? kind : 'grant',
        id: show(id),
        problem: 'is not a row that live() may return',
      });
      return;
    }
    const key: Key = { kind, id };
    const belongs = placesOf(row as Row).some((own) => keyOf(own) === keyOf(place));
    const isRight = belongs && (row as Row).open && compare(this.#reading, key, row as Row) === undefined;
    if (isRight) {
      expected.delete(nameOf(key));
      return;
    }
    this.#suspect(key, place, suspects);
  }

  /** Compares the row of locks in an answer of `live` with the journal. */
  #expectLocks(answer: readonly unknown[], place: LivePlace, suspects: Map<string, Key>): void {
    const given = rowIn(answer, LOCK_ROW.kind, LOCK_ROW.id);
    const state = stateOf(this.#reading, LOCK_ROW);
    const isOpen = typeof state === 'object' && expectedOf(this.#reading, state).row.open;
    const isRight = isOpen ? compare(this.#reading, LOCK_ROW, given) === undefined : given === undefined;
    if (!isRight) this.#suspect(LOCK_ROW, place, suspects);
  }

  #suspect(key: Key, place: LivePlace, suspects: Map<string, Key>): void {
    suspects.set(nameOf(key), key);
    const strays = this.#strays.get(nameOf(key));
    if (strays === undefined) this.#strays.set(nameOf(key), [place]);
    else strays.push(place);
  }

  /** Reads the suspects again, until two readings of the journal around that read have the same state of them. */
  async #settle(suspects: readonly Key[]): Promise<JournalProblem | 'trimmed' | undefined> {
    let left = suspects;
    const doubted = new Set<Key>();
    for (let round = 0; round < MAX_ROUNDS && left.length > 0; round++) {
      const problem = await this.#reading.on();
      if (problem !== undefined) return problem;
      const before = left.map((key) => stateOf(this.#reading, key));
      const rows = await this.#get(left);
      const read: Round = { pages: new Map(), live: new Map() };
      const copies: (string | undefined)[] = [];
      await this.#readLive(left, rows, read);
      for await (const [i, key] of inTurns(left.entries())) copies.push(await this.#inCopies(key, rows[i], read));
      const behind = await this.#reading.on();
      if (behind !== undefined) return behind;
      const busy: Key[] = [];
      for await (const [i, key] of inTurns(left.entries())) {
        // A purge may have removed a row without entries between two reads. The reads then agree in the next round.
        const isDoubted = copies[i] !== undefined && before[i] === undefined && !doubted.has(key);
        if (stateOf(this.#reading, key) === before[i] && !isDoubted) this.#judge(key, rows[i], copies[i]);
        else busy.push(key);
        if (isDoubted) doubted.add(key);
      }
      left = busy;
    }
    for (const key of left) this.unproven.push({ ...key, problem: 'kept changing while it was read: verify again' });
    return undefined;
  }

  async #get(keys: readonly Key[]): Promise<readonly (Row | undefined)[]> {
    const rows: (Row | undefined)[] = [];
    for (let i = 0; i < keys.length; i += PAGE) {
      rows.push(...(await askRows(this.#store, keys.slice(i, i + PAGE))));
      await nextTurn();
    }
    return rows;
  }

  async #readLive(keys: readonly Key[], rows: readonly (Row | undefined)[], read: Round): Promise<void> {
    const places = keys.flatMap((key, i) => (isInLive(key.kind) ? this.#placesOf(key, rows[i]) : []));
    await readLive(this.#store, places, read.live);
  }

  /**
   * The queries of `live` for a row: those that should return it, and those that returned it wrongly. A row that differs from the
   * journal is reported for that alone, so its places according to the journal do not matter.
   */
  #placesOf(key: Key, row: Row | undefined): readonly LivePlace[] {
    return [...(isObject(row) ? placesOf(row) : []), ...(this.#strays.get(nameOf(key)) ?? [])];
  }

  /** The difference between the copies of `find` and `live` and the row of `get`. */
  async #inCopies(key: Key, row: Row | undefined, read: Round): Promise<string | undefined> {
    // `#judge` reports an answer of `get` that is no row.
    if (key.kind === 'horizon' || (row !== undefined && !isObject(row))) return undefined;
    const found = unlike('find', await this.#listing.row(key.kind, { at: this.#createdAt(key, row), id: key.id }, read.pages), row);
    if (found !== undefined || !isInLive(key.kind)) return found;
    const own = isObject(row) ? new Set(placesOf(row).map(keyOf)) : new Set<string>();
    for (const place of this.#placesOf(key, row)) {
      const given = rowIn(read.live.get(keyOf(place)), key.kind, key.id);
      const isExpected = belongsInLive(row) && (key.kind === LOCK_ROW.kind || own.has(keyOf(place)));
      const problem = unlike('live', given, isExpected ? row : undefined);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  /** The `createdAt` by which `find` should list the row: from the row, else from the earlier listing. */
  #createdAt(key: Key, row: Row | undefined): number {
    return isObject(row) ? row.createdAt : (this.#listedAt.get(nameOf(key)) ?? 0);
  }

  /** @param copies the difference of `find` and `live` from the row */
  #judge(key: Key, row: Row | undefined, copies: string | undefined): void {
    const problem = compare(this.#reading, key, row);
    const why = problem && whyUnproven(this.#reading, key, row);
    const difference = problem === undefined || why !== undefined ? copies : problem;
    if (difference !== undefined) this.differences.push({ ...key, problem: difference });
    else if (why !== undefined) this.unproven.push({ ...key, problem: why });
  }
}

const nameOf = ({ kind, id }: Key): string => JSON.stringify([kind, id]);
