import { PurgedError } from '../../core/errors.js';
import { invalid, readCount } from '../../core/parse.js';
import type { Page } from '../../core/ports.js';
import { readJournal } from '../../journal/read.js';
import { accessReport, type AccessReport } from '../../journal/report.js';
import { verifyJournal, type JournalVerification } from '../../journal/verify.js';
import { readHorizon } from '../../kernel/ledger/horizon.js';
import type { Kernel } from '../../kernel/kernel.js';
import { MAX_LOOK, type Anchor, type AuditEntry } from '../../records/index.js';
import { ownProblem } from './problem.js';

/** The most entries that one call reads. */
const MAX_ENTRIES = 100_000;

/** The verification of a part of the journal. */
export type PartVerification = JournalVerification & {
  /** The place of the next part. `undefined`: the part ends at the head, or is not whole. */
  readonly next: string | undefined;
};

/** A page of the journal. */
export interface JournalPage extends Page<AuditEntry> {
  /** The newest anchor of the journal, of the same read. */
  readonly head: Anchor;
}

/** The most JSON of a page, but at least one entry: an entry may have as much as a change. Characters. */
const MAX_PAGE = 1_048_576;

/** The entries after the one with this number; 0: from the oldest that is left. @throws PurgedError if a purge removed the next ones */
export async function readPage(
  { ledger }: Kernel,
  { after = 0, limit }: { readonly after?: number | undefined; readonly limit?: number | undefined },
): Promise<JournalPage> {
  const { entries, start, head } = await ledger.journal(after, readCount('limit', limit ?? 100, 1, MAX_LOOK));
  if (after > 0 && after < start.seq) throw new PurgedError(await readHorizon(ledger));
  let size = 0;
  const items = entries.filter((entry, i) => (size += JSON.stringify(entry).length) <= MAX_PAGE || i === 0);
  const last = items.at(-1)?.seq ?? head.seq;
  return { items, next: last < head.seq ? String(last) : undefined, head };
}

/** Reads the place of a part: an anchor as `<seq>.<hash>`. @throws InvalidArgumentError */
export function readPart(argument: string, text: string | undefined): Anchor | undefined {
  if (text === undefined) return undefined;
  const [, seq, hash] = /^(\d{1,15})\.([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq === undefined || hash === undefined) throw invalid(argument, 'a place of the journal: <seq>.<hash>', text);
  return { seq: Number(seq), hash };
}

/** Verifies up to 100,000 entries after an anchor. */
export async function verifyPart({ ledger }: Kernel, after: Anchor | undefined): Promise<PartVerification> {
  const { start, head } = await ledger.journal();
  if (after !== undefined && after.seq < start.seq) throw new PurgedError(await readHorizon(ledger));
  if (after !== undefined && after.seq > head.seq) {
    return { ok: false, seq: after.seq, problem: `is missing: the journal ends at entry ${head.seq}`, next: undefined };
  }
  const from = after?.seq ?? start.seq;
  const last = Math.min(head.seq, from + MAX_ENTRIES);
  // The entry that records a purge lies anywhere after the cut, so only a part up to the head shows that a purge made the cut.
  const begin = after !== undefined ? { after } : last < head.seq ? { after: start } : { start };
  const verified = await verifyJournal(entriesAfter(ledger, from, last), { ...begin, namespace: ledger.store.namespace });
  return { ...verified, next: verified.ok && last < head.seq ? `${verified.head.seq}.${verified.head.hash}` : undefined };
}

/** A report of a span. It replays the journal from its start, so it reads a journal of at most 100,000 entries. */
export async function reportOf(
  { ledger }: Kernel,
  span: { readonly from: number; readonly to: number; readonly recordsUse?: boolean | undefined },
): Promise<AccessReport> {
  const { start, head } = await ledger.journal();
  if (head.seq - start.seq > MAX_ENTRIES) throw ownProblem('too-many-entries');
  return accessReport(entriesAfter(ledger, start.seq, head.seq), span);
}

/** The entries from the one after `from` to `last`, however many are appended in the meantime. */
async function* entriesAfter({ store }: Kernel['ledger'], from: number, last: number): AsyncGenerator<AuditEntry, void, undefined> {
  if (from === last) return;
  for await (const entry of readJournal(store, from)) {
    yield entry;
    if (entry.seq >= last) return;
  }
}
