import { isInstant } from '../../core/instant.js';
import type { Row } from '../../core/store-port.js';
import { encode, isObject } from '../../records/index.js';
import { bookmark, HORIZON, horizonBody } from '../../records/bookmark.js';
import type { Fields, RecordDraft, RecordKind } from '../replay/drafts.js';
import { recordOf } from '../replay/records.js';
import { differenceOf, type Expected } from './difference.js';
import type { JournalReading } from './reading.js';

/** The kinds of the compared rows. The row of the purge horizon is no record, but the entry of a purge records its instant. */
export type Kind = RecordKind | typeof HORIZON.kind;

export interface Key {
  readonly kind: Kind;
  readonly id: string;
}

/** The state of a row according to the entries read so far. The same value at a later call means: no new entry is about the row. */
export function stateOf({ rebuild }: JournalReading, { kind, id }: Key): RecordDraft | number | undefined {
  return kind === 'horizon' ? rebuild.horizon : rebuild.now.of(kind).get(id);
}

/** The difference between a row and the journal. `undefined`: there is none. */
export function compare(reading: JournalReading, key: Key, row: Row | undefined): string | undefined {
  const { rebuild } = reading;
  const state = stateOf(reading, key);
  if (typeof state === 'number') return differenceOfHorizon(row, state, rebuild.horizonSeq);
  const isTrimmed = key.kind === 'subject' && rebuild.isTrimmed && isObject(row);
  const draft = state && isTrimmed ? { ...state, fields: listsOf(reading, row, state, false) } : state;
  return differenceOf(row, draft && expectedOf(reading, draft));
}

/** The row that results from a draft of the journal. */
export function expectedOf({ rebuild }: JournalReading, draft: RecordDraft): Expected {
  const { kind, seq, fields } = draft;
  const { metadataHash } = fields;
  const row = encode(recordOf(kind, draft, rebuild.now));
  return { row, seq, metadataHash: typeof metadataHash === 'string' ? metadataHash : undefined };
}

const MAY_LACK_ENTRIES: ReadonlySet<Kind> = new Set<Kind>(['use', 'reuse', 'provisioning', 'subject', 'lock', 'holders']);
/** The lists of a subject's row that its own entries prove. The list `unreviewed` follows from the entries of the requests. */
const LISTS = ['openedForOthers', 'denied'] as const;
const PURGED = 'the entries about it have been purged';

/**
 * Why a row that differs proves nothing: a purge may have trimmed its entries. A purge keeps every entry of the requests, grants,
 * usages, activities and comments that it keeps (L33). Other kinds may have no entry left, and a subject may lack its last ones.
 */
export function whyUnproven(reading: JournalReading, { kind, id }: Key, row: Row | undefined): string | undefined {
  const { rebuild } = reading;
  if (!rebuild.isTrimmed || !isObject(row) || !MAY_LACK_ENTRIES.has(kind)) return undefined;
  const draft = rebuild.now.of(kind as RecordKind).get(id);
  if (kind !== 'subject') return draft === undefined && !isOfKept(reading, kind, row) ? PURGED : undefined;
  const { version } = row;
  if (!Number.isSafeInteger(version) || version <= (draft?.version ?? 0)) return undefined;
  const fields = listsOf(reading, row, draft, true);
  const expected = expectedOf(reading, { kind, id, version, fields, seq: rebuild.seq, change: '' });
  return differenceOf(row, expected) === undefined ? PURGED : undefined;
}

/**
 * The lists of a subject's row, as far as a trimmed journal proves them. The row may still name a purged request. It must name
 * each kept request that its entries put on the list.
 *
 * @param mayLack whether the entries that removed a name may also be missing
 */
function listsOf({ rebuild }: JournalReading, row: Row, draft: RecordDraft | undefined, mayLack: boolean): Fields {
  const listed = (from: unknown, name: string): readonly unknown[] => {
    const list: unknown = isObject(from) ? (from as Fields)[name] : undefined;
    return Array.isArray(list) ? list : [];
  };
  const lists = LISTS.map((name) => {
    const isKept = (id: unknown): boolean => rebuild.now.of('request').has(id as string);
    const [found, proven] = [listed(row.body, name), listed(draft?.fields, name)];
    const [kept, expected] = [found.filter(isKept), proven.filter(isKept)];
    const agrees = mayLack ? new Set([...expected, ...kept]).size === expected.length : kept.join() === expected.join();
    return [name, agrees && found.every((id) => typeof id === 'string') ? found : proven] as const;
  });
  return { ...draft?.fields, ...Object.fromEntries(lists) };
}

/** Whether the row belongs to a kept grant or request. The purge then kept the row's entries, too. */
function isOfKept({ rebuild }: JournalReading, kind: Kind, { body }: Row): boolean {
  const owner = { use: { kind: 'grant', field: 'grantId' }, reuse: { kind: 'request', field: 'requestId' } } as const;
  if (kind !== 'use' && kind !== 'reuse') return false;
  const id = isObject(body) ? body[owner[kind].field] : undefined;
  return typeof id !== 'string' || rebuild.now.of(owner[kind].kind).has(id);
}

/** Accepts any version and any `retainedAt`: the journal does not record how often the horizon's row was written, and by whom. */
function differenceOfHorizon(row: Row | undefined, before: number, seq: number): string | undefined {
  // A follower also creates the row, before any purge. Without a purge, the row may be missing.
  if (row === undefined) return before === 0 ? undefined : `is missing: entry ${seq} set it to ${before}`;
  const version = isObject(row) && Number.isSafeInteger(row.version) && row.version > 0 ? row.version : 1;
  const retainedAt: unknown = isObject(row) && isObject(row.body) ? row.body['retainedAt'] : undefined;
  const body = horizonBody(before, isInstant(retainedAt) ? retainedAt : 0);
  return differenceOf(row, { row: bookmark(HORIZON.kind, HORIZON.id, version, body), seq, metadataHash: undefined });
}
