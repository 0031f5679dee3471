import { show } from '../../core/parse.js';
import type { GrantStore, Row } from '../../core/store-port.js';
import { encode, isObject, LOCK_ROW } from '../../records/index.js';
import { inTurns, nextTurn } from '../../core/time.js';
import { bookmark, HORIZON } from '../../records/bookmark.js';
import { RECORD_KINDS, type RecordDraft, type Fields, type RecordKind } from '../replay/drafts.js';
import { recordOf } from '../replay/records.js';
import { askRows } from '../store-reads.js';
import { differenceOf, unlike, type Expected } from './difference.js';
import { Listing, PAGE, type PagesOfStore } from './listing.js';
import { belongsInLive, isLiveKind, keyOf, placesOf, readLive, rowIn, type LivePlace, type LiveRows } from './live-rows.js';
import { problemIn, type JournalProblem, type JournalReading } from './reading.js';

/** A row, and what there is to say about it. */
export interface RowProblem {
  readonly kind: string;
  readonly id: string;
  readonly problem: string;
}

/** The horizon's row is not a record, but one number of it is on record. */
type Kind = RecordKind | typeof HORIZON.kind;

interface Key {
  readonly kind: Kind;
  readonly id: string;
}

/** What `find` and `live` have answered between two readings of the journal. */
interface Round {
  readonly pages: PagesOfStore;
  readonly live: LiveRows;
}

/** How often rows that differ are read again before they count as busy. */
const MAX_ROUNDS = 16;

/**
 * Compares all rows of a store with what its journal says, while others may write. Each row is compared as `get`, `find` and
 * `live` give it: a store may keep a copy for each, and a check reads only the copy of `live`.
 */
export class Comparison {
  rows = 0;
  readonly differences: RowProblem[] = [];
  readonly unproven: RowProblem[] = [];
  readonly #store: GrantStore;
  readonly #reading: JournalReading;
  readonly #listing: Listing;
  /** Where a check asks, and the open rows that it must be given there. */
  readonly #live = new Map<string, { readonly place: LivePlace; readonly owed: Map<string, Key> }>();
  /** The `createdAt` by which `find` listed a row that is suspected. */
  readonly #listedAt = new Map<string, number>();
  /** Where `live` gave a row that it should not give. */
  readonly #strays = new Map<string, LivePlace[]>();

  /** @param reading one that has read to the head */
  constructor(store: GrantStore, reading: JournalReading) {
    this.#store = store;
    this.#reading = reading;
    this.#listing = new Listing(store);
  }

  /** @returns as {@link JournalReading.on} */
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

  /** What differs at first sight. A row may have been read before, or after, the entry that tells of it. */
  async #suspects(kind: RecordKind): Promise<readonly Key[]> {
    const suspects: Key[] = [];
    const seen = new Set<string>();
    for await (const items of this.#listing.pages(kind)) {
      const listed: Row[] = [];
      for (const row of items) {
        this.rows += 1;
        const id: unknown = isObject(row) ? (row as Row).id : undefined;
        if (typeof id !== 'string') this.differences.push({ kind, id: show(id), problem: 'is no row at all' });
        else if (!seen.has(id)) {
          seen.add(id);
          listed.push(row as Row);
        }
      }
      const kept = await this.#get(listed.map(({ id }) => ({ kind, id })));
      listed.forEach((row, i) => {
        const key: Key = { kind, id: row.id };
        if (this.#compare(key, row) === undefined && this.#compare(key, kept[i]) === undefined) this.#expectInLive(key, row);
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

  /** A row that is right by `find` and `get`: `live` is asked at its places later. Those of other kinds name the subject alone. */
  #expectInLive(key: Key, row: Row): void {
    for (const place of isLiveKind(key.kind) ? placesOf(row) : placesOf({ subject: row.subject, scope: undefined })) {
      let there = this.#live.get(keyOf(place));
      if (there === undefined) this.#live.set(keyOf(place), (there = { place, owed: new Map() }));
      if (belongsInLive(row)) there.owed.set(nameOf(key), key);
    }
  }

  /** What `live` gives though it should not, or does not give though it should. */
  async #liveSuspects(known: readonly Key[]): Promise<readonly Key[]> {
    const suspects = new Map<string, Key>();
    const places = [...this.#live.values()];
    while (places.length > 0) {
      const some = places.splice(-PAGE);
      const answers: LiveRows = new Map();
      await readLive(
        this.#store,
        some.map(({ place }) => place),
        answers,
      );
      for (const { place, owed } of some) {
        for (const row of answers.get(keyOf(place)) as readonly unknown[]) this.#receive(row, place, owed, suspects);
        for (const [name, key] of owed) suspects.set(name, key);
      }
      await nextTurn();
    }
    for (const key of known) suspects.delete(nameOf(key));
    return [...suspects.values()];
  }

  /** One row of an answer of `live`: the one that is owed, or a suspect. */
  #receive(row: unknown, place: LivePlace, owed: Map<string, Key>, suspects: Map<string, Key>): void {
    const { kind, id } = isObject(row) ? (row as Row) : { kind: undefined, id: undefined };
    if (kind === LOCK_ROW.kind && id === LOCK_ROW.id) {
      this.#locks();
      return;
    }
    if (!isLiveKind(kind) || typeof id !== 'string') {
      this.differences.push({ kind: typeof kind === 'string' ? kind : 'grant', id: show(id), problem: 'is no row that live() may give' });
      return;
    }
    const key: Key = { kind, id };
    const isRight = (row as Row).open && this.#compare(key, row as Row) === undefined;
    if (isRight) {
      owed.delete(nameOf(key));
      return;
    }
    suspects.set(nameOf(key), key);
    const strays = this.#strays.get(nameOf(key));
    if (strays === undefined) this.#strays.set(nameOf(key), [place]);
    else strays.push(place);
  }

  /** Every answer of `live` has it. No entry of this version tells of locks. */
  #locks(): void {
    if (this.differences.some(({ kind }) => kind === LOCK_ROW.kind)) return;
    this.differences.push({ ...LOCK_ROW, problem: 'is not in the journal' });
  }

  /** Reads again what differs, between two readings of the journal that say the same about it. */
  async #settle(suspects: readonly Key[]): Promise<JournalProblem | 'trimmed' | undefined> {
    let left = suspects;
    const doubted = new Set<Key>();
    for (let round = 0; round < MAX_ROUNDS && left.length > 0; round++) {
      const problem = await this.#reading.on();
      if (problem !== undefined) return problem;
      const before = left.map((key) => this.#told(key));
      const rows = await this.#get(left);
      const read: Round = { pages: new Map(), live: new Map() };
      const copies: (string | undefined)[] = [];
      await this.#readLive(left, rows, read);
      for await (const [i, key] of inTurns(left.entries())) copies.push(await this.#inCopies(key, rows[i], read));
      const behind = await this.#reading.on();
      if (behind !== undefined) return behind;
      const busy: Key[] = [];
      for await (const [i, key] of inTurns(left.entries())) {
        // A purge may have removed a row that no entry tells of between two of the questions: then they agree the next time.
        const isDoubted = copies[i] !== undefined && before[i] === undefined && !doubted.has(key);
        if (this.#told(key) === before[i] && !isDoubted) this.#judge(key, rows[i], copies[i]);
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
      if (i > 0) await nextTurn();
      rows.push(...(await askRows(this.#store, keys.slice(i, i + PAGE))));
    }
    return rows;
  }

  async #readLive(keys: readonly Key[], rows: readonly (Row | undefined)[], read: Round): Promise<void> {
    const places = keys.flatMap((key, i) => (isLiveKind(key.kind) ? this.#placesOf(key, rows[i]) : []));
    await readLive(this.#store, places, read.live);
  }

  /** Where the row is asked for by a check, by what it is, what it should be, and where it was given. */
  #placesOf(key: Key, row: Row | undefined): readonly LivePlace[] {
    const told = this.#told(key);
    const should = typeof told === 'object' ? placesOf(this.#expected(told).row) : [];
    return [...(isObject(row) ? placesOf(row) : []), ...should, ...(this.#strays.get(nameOf(key)) ?? [])];
  }

  /** In what `find` and `live` differ from `get`. */
  async #inCopies(key: Key, row: Row | undefined, read: Round): Promise<string | undefined> {
    // What `get` gives is named itself where it is no row.
    if (key.kind === 'horizon' || (row !== undefined && !isObject(row))) return undefined;
    const found = unlike('find', await this.#listing.row(key.kind, { at: this.#createdAt(key, row), id: key.id }, read.pages), row);
    if (found !== undefined || !isLiveKind(key.kind)) return found;
    const own = isObject(row) ? new Set(placesOf(row).map(keyOf)) : new Set<string>();
    for (const place of this.#placesOf(key, row)) {
      const given = rowIn(read.live.get(keyOf(place)), key.kind, key.id);
      if (given === undefined && !(belongsInLive(row) && own.has(keyOf(place)))) continue;
      const problem = unlike('live', given, belongsInLive(row) ? row : undefined);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  /** Where `find` should have the row: by what it is, by the journal, or where it was listed. */
  #createdAt(key: Key, row: Row | undefined): number {
    if (isObject(row)) return row.createdAt;
    const told = this.#told(key);
    return typeof told === 'object' ? this.#expected(told).row.createdAt : (this.#listedAt.get(nameOf(key)) ?? 0);
  }

  /** @param copies in what `find` and `live` differ from the row */
  #judge(key: Key, row: Row | undefined, copies: string | undefined): void {
    const problem = this.#compare(key, row);
    const why = problem === undefined ? undefined : this.#whyUnproven(key, row);
    const difference = problem === undefined || why !== undefined ? copies : problem;
    if (difference !== undefined) this.differences.push({ ...key, problem: difference });
    else if (why !== undefined) this.unproven.push({ ...key, problem: why });
  }

  /**
   * Of requests, grants and usages that are kept every entry is (L33). The rest may have none left; of a subject the last
   * entries may be of requests that are gone.
   */
  #whyUnproven({ kind, id }: Key, row: Row | undefined): string | undefined {
    const { rebuild } = this.#reading;
    if (!rebuild.isTrimmed || !isObject(row) || !MAY_LACK_ENTRIES.has(kind)) return undefined;
    const draft = rebuild.now.of(kind as RecordKind).get(id);
    if (kind !== 'subject') return draft === undefined && !this.#isOfKept(kind, row) ? PURGED : undefined;
    // What it owes is told by the requests, which are kept as long as they owe it.
    const { version } = row;
    if (!Number.isSafeInteger(version) || version <= (draft?.version ?? 0)) return undefined;
    const fields = this.#listsOf(row, draft, true);
    const expected = this.#expected({ kind, id, version, fields, seq: rebuild.seq, change: '' });
    return differenceOf(row, expected) === undefined ? PURGED : undefined;
  }

  /**
   * What a subject's row lists, as far as a journal can say it whose beginning is gone: a request of which nothing is left
   * may be named in it still. One that is kept is named where its entries say so.
   *
   * @param mayLack whether entries that took a name away may be gone, too
   */
  #listsOf(row: Row, draft: RecordDraft | undefined, mayLack: boolean): Fields {
    const { rebuild } = this.#reading;
    const listed = (from: unknown, name: string): readonly unknown[] => {
      const list: unknown = isObject(from) ? (from as Fields)[name] : undefined;
      return Array.isArray(list) ? list : [];
    };
    const lists = LISTS.map((name) => {
      const isKept = (id: unknown): boolean => rebuild.now.of('request').has(id as string);
      const [found, told] = [listed(row.body, name), listed(draft?.fields, name)];
      const [kept, expected] = [found.filter(isKept), told.filter(isKept)];
      const agrees = mayLack ? new Set([...expected, ...kept]).size === expected.length : kept.join() === expected.join();
      return [name, agrees && found.every((id) => typeof id === 'string') ? found : told] as const;
    });
    return { ...draft?.fields, ...Object.fromEntries(lists) };
  }

  /** Whether it belongs to a grant or request that is kept, and whose entries are, with those that tell of this. */
  #isOfKept(kind: Kind, { body }: Row): boolean {
    const owner = { use: { kind: 'grant', field: 'grantId' }, reuse: { kind: 'request', field: 'requestId' } } as const;
    if (kind !== 'use' && kind !== 'reuse') return false;
    const id = isObject(body) ? body[owner[kind].field] : undefined;
    return typeof id !== 'string' || this.#reading.rebuild.now.of(owner[kind].kind).has(id);
  }

  /** What the journal says so far; the same as before: no entry about it has come. */
  #told({ kind, id }: Key): RecordDraft | number | undefined {
    const { rebuild } = this.#reading;
    return kind === 'horizon' ? rebuild.horizon : rebuild.now.of(kind).get(id);
  }

  #compare(key: Key, row: Row | undefined): string | undefined {
    const told = this.#told(key);
    if (typeof told === 'number') return differenceOfHorizon(row, told, this.#reading.rebuild.horizonSeq);
    const isTrimmed = key.kind === 'subject' && this.#reading.rebuild.isTrimmed && isObject(row);
    return differenceOf(row, told && this.#expected(isTrimmed ? { ...told, fields: this.#listsOf(row, told, false) } : told));
  }

  #expected(draft: RecordDraft): Expected {
    const { kind, seq, fields } = draft;
    const { metadataHash } = fields;
    const row = encode(recordOf(kind, draft, this.#reading.rebuild.now));
    return { row, seq, metadataHash: typeof metadataHash === 'string' ? metadataHash : undefined };
  }
}

const nameOf = ({ kind, id }: Key): string => JSON.stringify([kind, id]);

const MAY_LACK_ENTRIES: ReadonlySet<Kind> = new Set<Kind>(['use', 'reuse', 'effect', 'subject']);
/** Of a subject's row, but for what it owes, which its requests say. */
const LISTS = ['openedForOthers', 'denied'] as const;
const PURGED = 'entries that tell of it have been purged';

/** How often it was written is not on record. */
function differenceOfHorizon(row: Row | undefined, before: number, seq: number): string | undefined {
  // A follower makes it too, before there is anything to purge.
  if (row === undefined) return before === 0 ? undefined : `is missing: entry ${seq} has it at ${before}`;
  const version = isObject(row) && Number.isSafeInteger(row.version) && row.version > 0 ? row.version : 1;
  return differenceOf(row, { row: bookmark(HORIZON.kind, HORIZON.id, version, { before }), seq, metadataHash: undefined });
}
