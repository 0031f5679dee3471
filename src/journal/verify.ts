import { invalid, readCount, readOptions } from '../input.js';
import { isObject, type Anchor, type AuditEntry } from '../records.js';
import { digestOfEntry, GENESIS, hashOfEntry } from './link.js';
import { readEntries } from './read.js';

/** What {@link verifyJournal} found. `seq` is the first that is wrong. */
export type JournalVerification =
  | { readonly ok: true; readonly head: Anchor; readonly count: number }
  | { readonly ok: false; readonly seq: number; readonly problem: string };

const NOT_HEAD = 'is not the entry of the exported head';

/**
 * Checks a journal entry by entry: every digest, every link, every sequence number. An edit, a deletion, an insertion
 * or a swap is found and located; a truncation too, when `head` is an anchor that was exported earlier.
 *
 * @param entries the journal in order: an array, or what `readJournal` or `readJsonLines` yields
 * @param anchors `start`: where the entries begin, after a purge the store's `start` (default: seq 0).
 *   `head`: an anchor exported earlier; the journal must contain it
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 */
export async function verifyJournal(
  entries: Iterable<AuditEntry> | AsyncIterable<AuditEntry>,
  anchors: { readonly start?: Anchor | undefined; readonly head?: Anchor | undefined } = {},
): Promise<JournalVerification> {
  const read = readEntries('entries', entries);
  const given = readOptions('anchors', anchors, ['start', 'head']);
  // Anchors come from outside: one whose seq were no number would never be met, and so never be compared.
  const start = given.start === undefined ? GENESIS : readAnchor('start', given.start);
  const head = given.head === undefined ? undefined : readAnchor('head', given.head);
  if (head !== undefined && head.seq < start.seq) return { ok: false, seq: head.seq, problem: 'lies before the start that was given' };
  if (head?.seq === start.seq && head.hash !== start.hash) return { ok: false, seq: head.seq, problem: NOT_HEAD };
  let last = start;
  let namespace: string | undefined;
  let count = 0;
  for await (const entry of read) {
    const seq = last.seq + 1;
    const problem = problemOf(entry, seq, last.hash, namespace) ?? (head?.seq === seq && head.hash !== entry.hash ? NOT_HEAD : undefined);
    if (problem !== undefined) return { ok: false, seq, problem };
    last = { seq, hash: entry.hash };
    namespace = entry.namespace;
    count += 1;
  }
  if (head !== undefined && head.seq > last.seq) {
    return { ok: false, seq: last.seq + 1, problem: 'is missing: the exported head lies at or behind it' };
  }
  return { ok: true, head: last, count };
}

function problemOf(entry: AuditEntry, seq: number, prevHash: string, namespace: string | undefined): string | undefined {
  try {
    if (entry.seq !== seq) return `has seq ${String(entry.seq)}`;
    if (namespace !== undefined && entry.namespace !== namespace) return 'is of another namespace';
    if (entry.prevHash !== prevHash) return 'does not follow the entry before it';
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
