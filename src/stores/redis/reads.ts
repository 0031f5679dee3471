import { StoreError } from '../../errors.js';
import type { DueQuery, FindQuery, JournalQuery, JournalSlice, LiveQuery, Page, Row, RowKey } from '../../ports.js';
import { GENESIS } from '../../journal/link.js';
import type { RedisReply } from './client.js';
import { Script, type Connection } from './connection.js';
import { decodeEntry } from './entry-text.js';
import type { Keys } from './keys.js';
import { DUE_SCRIPT, FIND_SCRIPT, JOURNAL_SCRIPT, LIVE_SCRIPT } from './read-scripts.js';
import { decodeRow, decodeRows, fieldOf, liveFieldOf } from './row-text.js';
import { COLUMN, encodeOptional, encodeText } from './text.js';

const FIND = new Script(FIND_SCRIPT);
const DUE = new Script(DUE_SCRIPT);
const LIVE = new Script(LIVE_SCRIPT);
const JOURNAL = new Script(JOURNAL_SCRIPT);

/** The most that one script gives, whatever was asked for. */
const MAX_PAGE = 1_000;
/** How many lines one script looks at where most of them may not be wanted. */
const MAX_LINES = 1_000;
const LAST_INSTANT = 8_640_000_000_000_000;

/** What is asked of one namespace. */
export class Reads {
  readonly #connection: Connection;
  readonly #keys: Keys;

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async get(keys: readonly RowKey[]): Promise<readonly (Row | undefined)[]> {
    if (keys.length === 0) return [];
    const texts = await this.#connection.read('get', ['HMGET', this.#keys.rows, ...keys.map(fieldOf)]);
    if (!Array.isArray(texts) || texts.length !== keys.length) throw malformed('get');
    return texts.map((text: RedisReply) => (text === null ? undefined : decodeRow(textOf('get', text))));
  }

  /** One HGET where the scope is known: the rows lie there together, written by the same script as everything else. */
  async live({ subject, scope, at }: LiveQuery): Promise<readonly Row[]> {
    const rows = scope === undefined ? await this.#liveOnAll(subject) : await this.#liveOn(subject, scope);
    return rows.filter(({ until }) => until === undefined || at < until);
  }

  async #liveOn(subject: string, scope: string): Promise<readonly Row[]> {
    const texts = await this.#connection.read('live', ['HGET', this.#keys.live, liveFieldOf(subject, scope)]);
    return texts === null ? [] : decodeRows(textOf('live', texts));
  }

  async #liveOnAll(subject: string): Promise<readonly Row[]> {
    const { rows, index } = this.#keys;
    const start = line('live', encodeOptional(subject), '');
    return (await this.#connection.readBy('live', LIVE, [rows, index], [start])).map((text) => decodeRow(textOf('live', text)));
  }

  async find({ kind, subject, open, during, after, limit }: FindQuery): Promise<Page<Row>> {
    const { rows, index } = this.#keys;
    const runs = (open === undefined ? ['1', '0'] : [open ? '1' : '0']).map((one) =>
      line('find', encodeText(kind), one, encodeOptional(subject), ''),
    );
    const [from, until] = during === undefined ? ['', ''] : [String(during.from), String(during.until)];
    const items: Row[] = [];
    let behind = after === undefined ? undefined : encodeText(after);
    for (;;) {
      const wanted = Math.min(limit - items.length, MAX_PAGE);
      const lines = during === undefined ? wanted + 1 : MAX_LINES;
      const starts = runs.flatMap((start) => [start, behind === undefined ? `[${start}` : `(${start}${behind}`]);
      const reply = await this.#connection.readBy('find', FIND, [rows, index], [String(wanted), String(lines), from, until, ...starts]);
      const [isLast, last, ...found] = reply.map((text) => textOf('find', text));
      items.push(...found.map(decodeRow));
      if (isLast === '1') return { items, next: undefined };
      if (items.length >= limit) return { items, next: items.at(-1)?.id };
      behind = last;
    }
  }

  async due({ at, after, limit }: DueQuery): Promise<Page<Row>> {
    const { rows, index } = this.#keys;
    const wanted = Math.min(limit, MAX_PAGE);
    const start = after === undefined ? `[${line('due', '')}` : `(${lineOf('due', after)}`;
    // Up to the instant itself: its digits with the least that is more than a separator behind them.
    const behind = `(${line('due', digits(at))}\x01`;
    const found = (await this.#connection.readBy('due', DUE, [rows, index], [String(wanted + 1), start, behind])).map((text) =>
      decodeRow(textOf('due', text)),
    );
    const items = found.slice(0, wanted);
    const last = items.at(-1);
    return { items, next: last && found.length > wanted ? JSON.stringify([last.dueAt, last.kind, last.id]) : undefined };
  }

  async journal({ after, limit }: JournalQuery): Promise<JournalSlice> {
    const { head, journal } = this.#keys;
    const args = [String(after), String(Math.min(limit, MAX_PAGE))];
    const reply = await this.#connection.readBy('journal', JOURNAL, [head, journal], args);
    if (reply.length === 0) return { entries: [], start: { ...GENESIS }, head: { ...GENESIS } };
    const [seq, hash = '', startSeq, startHash = '', ...entries] = reply.map((text) => textOf('journal', text));
    const first = Math.max(after, Number(startSeq)) + 1;
    return {
      entries: entries.map((entry, i) => decodeEntry(entry, first + i)),
      start: { seq: Number(startSeq), hash: startHash },
      head: { seq: Number(seq), hash },
    };
  }
}

/** A line of the index, or what lines begin with. */
const line = (...parts: readonly string[]): string => parts.join(COLUMN);

/** As many digits as the last instant has: then they are in order as text. */
const digits = (at: number): string => String(Math.min(Math.max(Math.floor(at), 0), LAST_INSTANT)).padStart(16, '0');

/** The line of the last row of a page of `due`. */
function lineOf(list: string, place: string): string {
  const [dueAt, kind, id] = JSON.parse(place) as [number, string, string];
  return line(list, digits(dueAt), encodeText(kind), encodeText(id));
}

const malformed = (operation: string): StoreError => new StoreError(operation, 'the answer of Redis is not of the form that was asked for');

/** Bytes, or a number, would mean a client that was told to map its replies. */
function textOf(operation: string, reply: RedisReply): string {
  if (typeof reply !== 'string') throw malformed(operation);
  return reply;
}
