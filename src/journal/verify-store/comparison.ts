import { show } from '../../input.js';
import type { GrantStore, Row } from '../../ports.js';
import { encode, isObject } from '../../records.js';
import { yieldToOthers } from '../../time.js';
import { bookmark, HORIZON } from '../bookmark.js';
import { RECORD_KINDS, type Draft, type RecordKind } from '../replay/drafts.js';
import { recordOf } from '../replay/records.js';
import { askPage, askRows } from '../store-reads.js';
import { differenceOf, type Expected } from './difference.js';
import { problemIn, type JournalProblem, type Reading } from './reading.js';

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

const PAGE = 200;
/** How often rows that differ are read again before they count as busy. */
const MAX_ROUNDS = 16;

/** Compares all rows of a store with what its journal says, while others may write. */
export class Comparison {
  rows = 0;
  readonly differences: RowProblem[] = [];
  readonly unproven: RowProblem[] = [];
  readonly #store: GrantStore;
  readonly #reading: Reading;

  /** @param reading one that has read to the head */
  constructor(store: GrantStore, reading: Reading) {
    this.#store = store;
    this.#reading = reading;
  }

  /** @returns as {@link Reading.on} */
  async run(): Promise<JournalProblem | 'trimmed' | undefined> {
    try {
      const suspects: Key[] = [HORIZON];
      for (const kind of RECORD_KINDS) suspects.push(...(await this.#suspects(kind)));
      return await this.#settle(suspects);
    } catch (error) {
      return problemIn(error);
    }
  }

  /** What differs at first sight. A row may have been read before, or after, the entry that tells of it. */
  async #suspects(kind: RecordKind): Promise<readonly Key[]> {
    const suspects: Key[] = [];
    const seen = new Set<string>();
    for (let after: string | undefined, more = true; more;) {
      const page = await askPage(this.#store, { kind, after, limit: PAGE });
      for (const row of page.items as readonly unknown[]) {
        this.rows += 1;
        const id: unknown = isObject(row) ? (row as Row).id : undefined;
        if (typeof id !== 'string') {
          this.differences.push({ kind, id: show(id), problem: 'is no row at all' });
          continue;
        }
        if (!seen.has(id) && this.#compare({ kind, id }, row as Row) !== undefined) suspects.push({ kind, id });
        seen.add(id);
      }
      after = page.next;
      more = after !== undefined;
      await yieldToOthers();
    }
    for (const id of this.#reading.rebuild.now.of(kind).keys()) if (!seen.has(id)) suspects.push({ kind, id });
    return suspects;
  }

  /** Reads again what differs, between two readings of the journal that say the same about it. */
  async #settle(suspects: readonly Key[]): Promise<JournalProblem | 'trimmed' | undefined> {
    let left = suspects;
    for (let round = 0; round < MAX_ROUNDS && left.length > 0; round++) {
      const problem = await this.#reading.on();
      if (problem !== undefined) return problem;
      const before = left.map((key) => this.#told(key));
      const rows = await this.#get(left);
      const behind = await this.#reading.on();
      if (behind !== undefined) return behind;
      const busy: Key[] = [];
      left.forEach((key, i) => {
        if (this.#told(key) === before[i]) this.#judge(key, rows[i]);
        else busy.push(key);
      });
      left = busy;
    }
    for (const key of left) this.unproven.push({ ...key, problem: 'kept changing while it was read: verify again' });
    return undefined;
  }

  async #get(keys: readonly Key[]): Promise<readonly (Row | undefined)[]> {
    const rows: (Row | undefined)[] = [];
    for (let i = 0; i < keys.length; i += PAGE) rows.push(...(await askRows(this.#store, keys.slice(i, i + PAGE))));
    return rows;
  }

  #judge(key: Key, row: Row | undefined): void {
    const problem = this.#compare(key, row);
    if (problem === undefined) return;
    const why = this.#whyUnproven(key, row);
    if (why === undefined) this.differences.push({ ...key, problem });
    else this.unproven.push({ ...key, problem: why });
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
    const expected = this.#expected({ kind, id, version, fields: {}, seq: rebuild.seq, change: '' });
    return differenceOf(row, expected) === undefined ? PURGED : undefined;
  }

  /** Whether it belongs to a grant or request that is kept, and whose entries are, with those that tell of this. */
  #isOfKept(kind: Kind, { body }: Row): boolean {
    const owner = { use: { kind: 'grant', field: 'grantId' }, reuse: { kind: 'request', field: 'requestId' } } as const;
    if (kind !== 'use' && kind !== 'reuse') return false;
    const id = isObject(body) ? body[owner[kind].field] : undefined;
    return typeof id !== 'string' || this.#reading.rebuild.now.of(owner[kind].kind).has(id);
  }

  /** What the journal says so far; the same as before: no entry about it has come. */
  #told({ kind, id }: Key): Draft | number | undefined {
    const { rebuild } = this.#reading;
    return kind === 'horizon' ? rebuild.horizon : rebuild.now.of(kind).get(id);
  }

  #compare(key: Key, row: Row | undefined): string | undefined {
    const told = this.#told(key);
    if (typeof told === 'number') return differenceOfHorizon(row, told, this.#reading.rebuild.horizonSeq);
    return differenceOf(row, told && this.#expected(told));
  }

  #expected(draft: Draft): Expected {
    const { kind, seq, fields } = draft;
    const { metadataHash } = fields;
    const row = encode(recordOf(kind, draft, this.#reading.rebuild.now));
    return { row, seq, metadataHash: typeof metadataHash === 'string' ? metadataHash : undefined };
  }
}

const MAY_LACK_ENTRIES: ReadonlySet<Kind> = new Set<Kind>(['use', 'reuse', 'effect', 'subject']);
const PURGED = 'entries that tell of it have been purged';

/** How often it was written is not on record. */
function differenceOfHorizon(row: Row | undefined, before: number, seq: number): string | undefined {
  // A follower makes it too, before there is anything to purge.
  if (row === undefined) return before === 0 ? undefined : `is missing: entry ${seq} has it at ${before}`;
  const version = isObject(row) && Number.isSafeInteger(row.version) && row.version > 0 ? row.version : 1;
  return differenceOf(row, { row: bookmark(HORIZON.kind, HORIZON.id, version, { before }), seq, metadataHash: undefined });
}
