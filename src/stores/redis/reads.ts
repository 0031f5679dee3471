import { StoreError } from '../../core/errors.js';
import type { Page } from '../../core/ports.js';
import type {
  ContextQuery,
  DueQuery,
  FindQuery,
  JournalQuery,
  JournalSlice,
  LiveQuery,
  Row,
  RowKey,
  StoreContext,
  SubjectOf,
} from '../../core/store-port.js';
import { isLockRow, MAX_LOOK, placeOf, readPlace, type Anchor } from '../../records/index.js';
import { GENESIS } from '../../journal/link.js';
import { MALFORMED, Script, type Connection } from './connection.js';
import { decodeEntry } from './entry-text.js';
import { keysOf, type Keys } from './keys.js';
import {
  CONTEXT_SCRIPT,
  DUE_SCRIPT,
  FIND_SCRIPT,
  GET_SCRIPT,
  HEADS_SCRIPT,
  JOURNAL_SCRIPT,
  LIVE_ON_SCRIPT,
  LIVE_SCRIPT,
} from './read-scripts.js';
import { COLUMNS, decodeRow, fieldOf, liveFieldOf } from './row-text.js';
import { COLUMN, decodeText, encodeOptional, encodeText } from './text.js';

const GET = new Script(GET_SCRIPT);
const LIVE_ON = new Script(LIVE_ON_SCRIPT);
const CONTEXT = new Script(CONTEXT_SCRIPT);
const FIND = new Script(FIND_SCRIPT);
const DUE = new Script(DUE_SCRIPT);
const LIVE = new Script(LIVE_SCRIPT);
const JOURNAL = new Script(JOURNAL_SCRIPT);
const HEADS = new Script(HEADS_SCRIPT);

/** The greatest number of items in one script's answer. */
const MAX_PAGE = 1_000;
const LAST_INSTANT = 8_640_000_000_000_000;

/** The reads of one namespace. Each page is the answer of one script, so its rows are from one instant. */
export class Reads {
  readonly #connection: Connection;
  readonly #keys: Keys;

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async get(keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]> {
    const rows: (Row | undefined)[] = [];
    for (let i = 0; i < keys.length; i += MAX_PAGE) {
      const asked = keys.slice(i, i + MAX_PAGE);
      const texts = await this.#rows('get', GET, asked.map(fieldOf));
      if (texts.length !== asked.length) throw malformed('get');
      rows.push(...texts.map((text) => (text === '' ? undefined : decodeRow(text))));
    }
    return rows;
  }

  /**
   * Runs one script. The hash `live` lists the rows of one scope, and the sorted set `index` those of all scopes. The script
   * reads each listed row from the hash `rows`.
   */
  async live({ subject, scope, at }: LiveQuery): Promise<readonly Row[]> {
    const texts =
      scope === undefined
        ? await this.#rows('live', LIVE, [line('live', encodeOptional(subject), '')])
        : await this.#rows('live', LIVE_ON, [liveFieldOf(subject, scope)]);
    return liveRows('live', texts, subject, scope, at);
  }

  /** Runs one script, so all parts are from one instant. */
  async context({ keys, live, open }: ContextQuery): Promise<StoreContext> {
    const wanted = Math.min(open?.limit ?? 0, MAX_LOOK);
    const asked = [subjectArgument(live?.subject), encodeText(open?.kind ?? ''), subjectArgument(open?.subject), String(wanted + 1)];
    const fields = keys.map((key) => ('subjectOf' in key ? subjectArgument(key) : fieldOf(key)));
    const [count, ...texts] = await this.#rows('context', CONTEXT, [...asked, ...fields]);
    const behind = keys.length + Number(count);
    if (!(behind >= keys.length && behind <= texts.length)) throw malformed('context');
    const rows = texts.slice(0, keys.length).map((text) => (text === '' ? undefined : decodeRow(text)));
    const { subject, at = 0 } = live ?? {};
    const isNaming = (row: Row | undefined, { kind, id }: RowKey) => row?.kind === kind && row.id === id;
    const holder = typeof subject === 'object' ? rows.find((row) => isNaming(row, subject.subjectOf))?.subject : subject;
    const found = texts.slice(behind).map(decodeRow);
    const items = found.slice(0, wanted);
    const last = items.at(-1);
    return {
      rows,
      live: liveRows('context', texts.slice(keys.length, behind), holder, undefined, at),
      open: { items, next: last && found.length > wanted ? placeOf(last) : undefined },
    };
  }

  async find({ kind, subject, scope, open, during, order = 'oldest', after, limit }: FindQuery): Promise<Page<Row>> {
    const place = after === undefined ? undefined : readPlace(after);
    const behind = place === undefined ? '' : line(digits(place.at), encodeText(place.id));
    const runs = order === 'due' ? dueRuns(kind, subject, open) : createdRuns(kind, subject, scope, open);
    if (runs.length === 0) return { items: [], next: undefined };
    const wanted = Math.min(limit, MAX_LOOK);
    // The script checks each row for the conditions that the lines of the index do not contain.
    const scopeLeft = scope !== undefined && !(runs[0] as string).startsWith('scope') ? encodeOptional(scope) : '';
    const look = during === undefined && scopeLeft === '' ? Math.min(wanted + 1, MAX_LOOK) : MAX_LOOK;
    const [from, until] = during === undefined ? ['', ''] : [String(during.from), String(during.until)];
    const args = [String(wanted), String(look), from, until, scopeLeft, order === 'newest' ? '1' : '0'];
    const [isLast, last = '', ...found] = await this.#rows('find', FIND, [...args, ...runs.flatMap((start) => [start, behind])]);
    const [instant, id = ''] = last.split(COLUMN);
    return { items: found.map(decodeRow), next: isLast === '1' ? undefined : JSON.stringify([Number(instant), decodeText(id)]) };
  }

  async due({ at, after, limit }: DueQuery): Promise<Page<Row>> {
    const wanted = Math.min(limit, MAX_PAGE);
    const start = after === undefined ? `[${line('due', '')}` : `(${lineOf('due', after)}`;
    // Includes the instant `at` itself: its digits, followed by the least byte greater than a separator.
    const behind = `(${line('due', digits(at))}\x01`;
    const found = (await this.#rows('due', DUE, [String(wanted + 1), start, behind])).map(decodeRow);
    const items = found.slice(0, wanted);
    const last = items.at(-1);
    return { items, next: last && found.length > wanted ? JSON.stringify([last.dueAt, last.kind, last.id]) : undefined };
  }

  async journal({ after, limit }: JournalQuery): Promise<JournalSlice> {
    const { head, journal } = this.#keys;
    const args = [String(after), String(Math.min(limit, MAX_PAGE))];
    const reply = await this.#connection.read('journal', JOURNAL, [head, journal], args);
    if (reply.length === 0) return { entries: [], start: { ...GENESIS }, head: { ...GENESIS } };
    const [seq, hash = '', startSeq, startHash = '', ...entries] = reply;
    const first = Math.max(after, Number(startSeq)) + 1;
    return {
      entries: entries.map((entry, i) => decodeEntry(entry, first + i)),
      start: { seq: Number(startSeq), hash: startHash },
      head: { seq: Number(seq), hash },
    };
  }

  #rows(operation: string, script: Script, args: readonly string[]): Promise<readonly string[]> {
    const { head, rows, index, live } = this.#keys;
    return this.#connection.read(operation, script, [head, rows, index, live], args);
  }
}

/**
 * Reads the heads of namespaces on one server, with one script. `undefined` for a namespace whose keys are damaged.
 *
 * @throws StoreError
 */
export async function readHeads(connection: Connection, namespaces: readonly string[]): Promise<readonly (Anchor | undefined)[]> {
  if (namespaces.length === 0) return [];
  const keys = namespaces.map(keysOf).flatMap(({ head, journal }) => [head, journal]);
  const reply = await connection.read('heads', HEADS, keys, []);
  if (reply.length !== keys.length) throw malformed('heads');
  return namespaces.map((_, i) => {
    const [seq, hash] = reply.slice(2 * i, 2 * i + 2) as [string, string];
    return hash === '' ? undefined : { seq: Number(seq), hash };
  });
}

/** A subject as the script of `context` takes it: the column of a row, or a mark and the field of the row that has it; '' for none. */
const subjectArgument = (subject: string | SubjectOf | undefined): string =>
  typeof subject === 'object' ? `\x02${fieldOf(subject.subjectOf)}` : encodeOptional(subject);

/**
 * The live rows of a subject, from their texts.
 *
 * @throws StoreError also when a listed row does not match the query, because no other code would detect that
 */
function liveRows(
  operation: string,
  texts: readonly string[],
  subject: string | undefined,
  scope: string | undefined,
  at: number,
): readonly Row[] {
  const rows = texts.map(decodeRow);
  for (const [i, row] of rows.entries()) {
    if (isLockRow(row)) continue;
    if (row.open && row.subject === subject && (scope === undefined || row.scope === scope)) continue;
    // A row with too few columns is returned: the codec of records refuses that row alone.
    if ((texts[i] as string).split(COLUMN).length < COLUMNS) continue;
    const what = `${row.kind} ${JSON.stringify(row.id)}`;
    throw new StoreError(operation, `the live index names ${what}, which is not live: another program has written to this namespace`);
  }
  return rows.filter((row) => row.until === undefined || at < row.until || isLockRow(row));
}

/** A line (a member of the sorted set `index`), or the prefix that several lines share. */
const line = (...parts: readonly string[]): string => parts.join(COLUMN);

/** The prefixes of the lines that list a kind in order of creation. Open and closed rows have different prefixes. */
function createdRuns(kind: string, subject: string | undefined, scope: string | undefined, open: boolean | undefined): readonly string[] {
  const isOf = scope !== undefined && subject === undefined && kind === 'grant' ? 'scope' : 'find';
  const key = encodeOptional(isOf === 'scope' ? scope : subject);
  return (open === undefined ? ['1', '0'] : [open ? '1' : '0']).map((one) => line(isOf, encodeText(kind), one, key, ''));
}

/** The prefix of the lines of open rows, in the order of `sortAt`. */
const dueRuns = (kind: string, subject: string | undefined, open: boolean | undefined): readonly string[] =>
  open === false ? [] : [line('sort', encodeText(kind), encodeOptional(subject), '')];

/** Padded to the number of digits of the last instant, so that instants sort as text. */
const digits = (at: number): string => String(Math.min(Math.max(Math.floor(at), 0), LAST_INSTANT)).padStart(16, '0');

/** The index line of the last row of a page of `due`. */
function lineOf(list: string, place: string): string {
  const [dueAt, kind, id] = JSON.parse(place) as [number, string, string];
  return line(list, digits(dueAt), encodeText(kind), encodeText(id));
}

const malformed = (operation: string): StoreError => new StoreError(operation, MALFORMED);
