import { invalid, readCount, readId, readOptions } from '../core/parse.js';
import { nextTurn } from '../core/time.js';
import { isObject, type Anchor, type AuditEntry } from '../records/index.js';
import { digestOfEntry, GENESIS, hashOfEntry } from './link.js';
import { readEntries } from './read.js';

/** What {@link verifyJournal} found. `seq` is the first that is wrong. */
export type JournalVerification =
  | { readonly ok: true; readonly head: Anchor; readonly count: number }
  | { readonly ok: false; readonly seq: number; readonly problem: string };

/** What the entries are compared with. */
export interface JournalAnchors {
  /**
   * Where the store says that its journal begins: the `start` of each slice. It is not trusted. After a purge, a
   * `journal.purged` entry among the entries must say that everything up to it was trimmed. Default: seq 0.
   */
  readonly start?: Anchor | undefined;
  /** An anchor exported earlier, behind which the entries begin. It is trusted. Give this or `start`. */
  readonly after?: Anchor | undefined;
  /** An anchor exported earlier, which the journal must contain. */
  readonly head?: Anchor | undefined;
  /** The namespace that every entry must belong to. Default: that of the first entry. */
  readonly namespace?: string | undefined;
}

/** How many entries are verified before the event loop takes a turn: some milliseconds' work. */
const ENTRIES_A_TURN = 256;

const NOT_HEAD = 'is not the exported head: its hash differs';
const CUT = 'is missing: the journal begins after it, and no journal.purged entry covers it';

/**
 * Checks a journal entry by entry: every digest, every link, every sequence number. An edit, a deletion, an insertion
 * or a swap is found and located. A cut at the end is found when `head` is given; a cut at the front is found unless a
 * purge recorded it.
 *
 * Gotcha: an attacker who can write to the store can also append a `journal.purged` entry. Compare the purges that the
 * journal names with those that you ran.
 *
 * @param entries the journal in order: an array, or the result of `readJournal` or `readJsonLines`
 * @param anchors all optional
 * @returns `ok`, with the last entry as `head`; or the first `seq` that is wrong, and how it is wrong
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 */
export async function verifyJournal(
  entries: Iterable<AuditEntry> | AsyncIterable<AuditEntry>,
  anchors: JournalAnchors = {},
): Promise<JournalVerification> {
  const read = readEntries('entries', entries);
  const given = readOptions('anchors', anchors, ['start', 'after', 'head', 'namespace']);
  // Anchors come from outside: one whose seq were no number would never be met, and so never be compared.
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
    // Entries in a list, or in memory, come without a turn of the event loop.
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
    if (entry.seq !== seq) return `has seq ${String(entry.seq)}; expected ${seq}`;
    if (namespace !== undefined && entry.namespace !== namespace) return 'belongs to another namespace';
    if (entry.prevHash !== prevHash) return 'does not follow the previous entry: its prevHash differs';
    if (entry.digest !== digestOfEntry(entry)) return 'was edited: its digest does not match';
    if (entry.hash !== hashOfEntry(prevHash, seq, entry.digest)) return 'has a wrong hash';
    return undefined;
  } catch {
    return 'is malformed';
  }
}

/** Somebody else's anchor, which may have been written down and read again. */
export function readAnchor(argument: string, value: unknown): Anchor {
  if (!isObject(value)) throw invalid(argument, 'an anchor: { seq, hash }', value);
  const { seq, hash } = value as Partial<Anchor>;
  const read = readCount(`${argument}.seq`, seq, 0);
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) throw invalid(`${argument}.hash`, '64 lower-case hex digits', hash);
  return { seq: read, hash };
}
