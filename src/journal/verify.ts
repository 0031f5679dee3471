import { invalid, readCount, readId, readOptions } from '../core/parse.js';
import { nextTurn } from '../core/turns.js';
import { isObject, type Anchor, type AuditEntry } from '../records/index.js';
import { digestOfEntry, foreignFieldOf, GENESIS, hashOfEntry } from './link.js';
import { readEntries } from './read.js';

/** The result of {@link verifyJournal}. `seq` is the first wrong one. */
export type JournalVerification =
  | { readonly ok: true; readonly head: Anchor; readonly count: number }
  | { readonly ok: false; readonly seq: number; readonly problem: string };

/** The anchors and the namespace that the entries are compared with. */
export interface JournalAnchors {
  /**
   * The start of the journal according to the store: the `start` of each slice. It is not trusted. After a purge, one of the
   * entries must be a `journal.purged` that trimmed all entries up to this anchor. Default: seq 0.
   */
  readonly start?: Anchor | undefined;
  /** An anchor exported earlier. The entries begin right after it. It is trusted. Give this or `start`. */
  readonly after?: Anchor | undefined;
  /** An anchor exported earlier, which the journal must contain. */
  readonly head?: Anchor | undefined;
  /** The namespace that every entry must belong to. Default: that of the first entry. */
  readonly namespace?: string | undefined;
}

/** How many entries are verified before the loop yields to the event loop: some milliseconds of work (L42). */
const ENTRIES_A_TURN = 256;

const NOT_HEAD = 'is not the exported head: its hash differs';
const NO_START = '. If a purge has trimmed the journal, pass its `start`';
const CUT = 'is missing: the journal begins after it, and no journal.purged entry covers it';

/**
 * Verifies a journal entry by entry: every digest, every link, every sequence number. It finds and locates an edit, a deletion,
 * an insertion, a swap, or a field that no entry has. It finds a cut at the end when `head` is given. It finds a cut at the front unless a purge
 * recorded it.
 *
 * Gotcha: an attacker who can write to the store can also append a `journal.purged` entry. Compare the purges that the
 * journal names with those that you ran.
 *
 * @param entries the journal in order: an array, or the result of `readJournal` or `readJsonLines`
 * @param anchors all fields are optional
 * @returns `ok: true` with the last entry as `head`, or `ok: false` with the first wrong `seq` and its problem
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 */
export async function verifyJournal(
  entries: Iterable<AuditEntry> | AsyncIterable<AuditEntry>,
  anchors: JournalAnchors = {},
): Promise<JournalVerification> {
  const read = readEntries('entries', entries);
  const given = readOptions('anchors', anchors, ['start', 'after', 'head', 'namespace']);
  // Anchors come from outside: an anchor whose seq is no number would never be reached, and so never compared.
  const claimed = given.start === undefined ? undefined : readAnchor('start', given.start);
  const trusted = given.after === undefined ? undefined : readAnchor('after', given.after);
  if (claimed !== undefined && trusted !== undefined) throw invalid('after', 'omitted when start is given', given.after);
  const start = trusted ?? claimed ?? GENESIS;
  const head = given.head === undefined ? undefined : readAnchor('head', given.head);
  if (head !== undefined && head.seq < start.seq)
    return { ok: false, seq: head.seq, problem: 'is the exported head, but comes before the given start' };
  if (head?.seq === start.seq && head.hash !== start.hash) return { ok: false, seq: head.seq, problem: NOT_HEAD };
  let last = start;
  let namespace = given.namespace === undefined ? undefined : readId('namespace', given.namespace);
  let trimmedTo = trusted?.seq ?? 0;
  let count = 0;
  for await (const entry of read) {
    const seq = last.seq + 1;
    const problem = problemOf(entry, seq, last.hash, namespace) ?? (head?.seq === seq && head.hash !== entry.hash ? NOT_HEAD : undefined);
    if (problem !== undefined) return { ok: false, seq, problem };
    last = { seq, hash: entry.hash };
    namespace = entry.namespace;
    if (entry.type === 'journal.purged') trimmedTo = Math.max(trimmedTo, Number(entry.data['trimmedTo']) || 0);
    count += 1;
    // Entries of a list or an in-memory store arrive without a turn of the event loop.
    if (count % ENTRIES_A_TURN === 0) await nextTurn();
  }
  if (head !== undefined && head.seq > last.seq) {
    return { ok: false, seq: last.seq + 1, problem: 'is missing: the exported head is this entry or a later one' };
  }
  if (trimmedTo < start.seq) return { ok: false, seq: trimmedTo + 1, problem: CUT };
  return { ok: true, head: last, count };
}

function problemOf(entry: AuditEntry, seq: number, prevHash: string, namespace: string | undefined): string | undefined {
  try {
    if (entry.seq !== seq) return `has seq ${String(entry.seq)}; expected ${seq}${seq === 1 ? NO_START : ''}`;
    if (namespace !== undefined && entry.namespace !== namespace) return 'belongs to another namespace';
    if (entry.prevHash !== prevHash) return 'does not follow the previous entry: its prevHash differs';
    if (entry.digest !== digestOfEntry(entry)) return 'was edited: its digest does not match';
    if (entry.hash !== hashOfEntry(prevHash, seq, entry.digest)) return 'has a wrong hash';
    return foreignFieldOf(entry);
  } catch {
    return 'is malformed';
  }
}

/** Parses an anchor from outside: the caller may have stored it as text. @throws InvalidArgumentError */
export function readAnchor(argument: string, value: unknown): Anchor {
  if (!isObject(value)) throw invalid(argument, 'an anchor: { seq, hash }', value);
  const { seq, hash } = value as Partial<Anchor>;
  const read = readCount(`${argument}.seq`, seq, 0);
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) throw invalid(`${argument}.hash`, '64 lower-case hex digits', hash);
  return { seq: read, hash };
}
