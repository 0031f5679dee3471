import { PurgedError } from '../core/errors.js';
import type { RowKey } from '../core/store-port.js';
import type { AccessRequest, AuditEntry, ProvisioningChange, Grant, Reuse, StoredRecord, Subject, Usage, Use } from '../records/index.js';
import { inTurns, nextTurn, TurnBudget } from '../core/time.js';
import { readInstant, type Instant } from '../core/instant.js';
import { readEntries } from './read.js';
import type { RecordKind } from './replay/drafts.js';
import { applyEntry } from './replay/apply-entry.js';
import { Rebuild } from './replay/rebuild.js';
import { recordOf } from './replay/records.js';

/** What the journal says by itself; each map is by id, in the order in which the records began. */
export interface Replayed {
  /** Without their metadata, which the journal doesn't hold. */
  readonly requests: ReadonlyMap<string, AccessRequest>;
  readonly grants: ReadonlyMap<string, Grant>;
  /** By the grant's id, for each grant with an idle end or a number of uses: `wasHeldAt(grant, t, usages.get(grant.id))`. */
  readonly usages: ReadonlyMap<string, Usage>;
  /** Uses that were taken under an idempotency key. */
  readonly uses: ReadonlyMap<string, Use>;
  /** What idempotency keys stand for whose ask only repeated what was there. */
  readonly reuses: ReadonlyMap<string, Reuse>;
  readonly provisioningChanges: ReadonlyMap<string, ProvisioningChange>;
  readonly subjects: ReadonlyMap<string, Subject>;
  /** For each request that has metadata, the SHA-256 of their RFC 8785 form, 64 lower-case hex digits. */
  readonly metadataHashes: ReadonlyMap<string, string>;
  /** The last entry that was read; 0: there was none. */
  readonly seq: number;
  /** The earliest instant that can still be asked about, epoch milliseconds; 0: nothing has been purged. */
  readonly horizon: number;
  /** What entries speak of whose first entry a purge has trimmed. Never a request, grant or usage that is still kept. */
  readonly unproven: readonly RowKey[];
}

/**
 * Rebuilds the records from the journal's entries alone: as they are after the last entry, or as they were at an instant.
 *
 * At an instant each record has what the entries stamped up to then have made of it. All entries are read, because the
 * clocks of two processes may differ, and then `at` goes back along the journal though `seq` doesn't.
 *
 * Gotcha: it doesn't verify the chain; `verifyJournal` does. It keeps all records in memory.
 * Gotcha: what time has ended is not marked as ended until a sweep has put it on record; ask `wasHeldAt`.
 *
 * @param entries the whole journal in order, from its beginning or from where a purge has trimmed it: what `readJournal`
 *   or `readJsonLines` yields
 * @param at epoch milliseconds or a `Date`; entries with `at` up to this, itself included, count
 * @throws CorruptError `ERR_JIT_CORRUPT`, naming the seq, where an entry doesn't follow from those before it
 * @throws PurgedError `ERR_JIT_PURGED` when `at` lies before the horizon of a purge
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * const { grants, usages } = await replay(readJournal(store), Date.UTC(2026, 2, 14, 2));
 */
export async function replay(entries: Iterable<AuditEntry> | AsyncIterable<AuditEntry>, at?: Instant): Promise<Replayed> {
  const read = readEntries('entries', entries);
  const instant = at === undefined ? undefined : readInstant('at', at);
  let rebuild: Rebuild | undefined;
  for await (const entry of read) {
    rebuild ??= new Rebuild(startOf(entry), instant);
    applyEntry(rebuild, entry);
    // Entries in a list, or in memory, come without a turn of the event loop.
    if (rebuild.seq % ENTRIES_A_TURN === 0) await nextTurn();
  }
  rebuild ??= new Rebuild(0);
  rebuild.refuseIfPart();
  if (instant !== undefined && instant < rebuild.horizon) throw new PurgedError(rebuild.horizon);
  return await replayedFrom(rebuild);
}

/** How many entries are replayed before the event loop takes a turn: some milliseconds' work. */
const ENTRIES_A_TURN = 256;

/** A malformed one is for the reading of it to refuse. */
function startOf(entry: AuditEntry): number {
  const seq: unknown = (entry as AuditEntry | undefined)?.seq;
  return Number.isSafeInteger(seq) && (seq as number) > 0 ? (seq as number) - 1 : 0;
}

async function replayedFrom(rebuild: Rebuild): Promise<Replayed> {
  const turns = new TurnBudget();
  const { then: drafts, seq, horizon, unproven } = rebuild;
  const all = async <Record extends StoredRecord>(kind: Record['kind'] & RecordKind): Promise<ReadonlyMap<string, Record>> => {
    const records = new Map<string, Record>();
    for await (const [id, draft] of inTurns(drafts.of(kind), turns))
      records.set(id, recordOf(kind, draft, drafts) as StoredRecord as Record);
    return records;
  };
  const hashes = [...drafts.of('request')].flatMap(
    ([
      id,
      {
        fields: { metadataHash: hash },
      },
    ]) => (typeof hash === 'string' ? [[id, hash] as const] : []),
  );
  return Object.freeze({
    requests: await all<AccessRequest>('request'),
    grants: await all<Grant>('grant'),
    usages: await all<Usage>('usage'),
    uses: await all<Use>('use'),
    reuses: await all<Reuse>('reuse'),
    provisioningChanges: await all<ProvisioningChange>('provisioning'),
    subjects: await all<Subject>('subject'),
    metadataHashes: new Map(hashes),
    seq,
    horizon,
    unproven,
  });
}
