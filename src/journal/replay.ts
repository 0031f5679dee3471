import { PurgedError } from '../core/errors.js';
import type { RowKey } from '../core/store-port.js';
import {
  LOCK_ROW,
  type AccessRequest,
  type Activity,
  type AuditEntry,
  type ProvisioningChange,
  type Grant,
  type Holders,
  type Locks,
  type RequestComment,
  type RecordOf,
  type Reuse,
  type Subject,
  type Usage,
  type Use,
} from '../records/index.js';
import { inTurns, nextTurn, TurnBudget } from '../core/turns.js';
import { readInstant, type Instant } from '../core/instant.js';
import { readEntries } from './read.js';
import type { RecordKind } from './replay/drafts.js';
import { applyEntry } from './replay/apply-entry.js';
import { Rebuild } from './replay/rebuild.js';
import { recordOf } from './replay/records.js';

/** The records according to the journal alone. Each map is by id, in the order in which the records were created. */
export interface Replayed {
  /** The requests without their metadata, which the journal does not hold. */
  readonly requests: ReadonlyMap<string, AccessRequest>;
  /** The grants. */
  readonly grants: ReadonlyMap<string, Grant>;
  /** By grant id, the usage of grants with an idle end or a number of uses: `wasHeldAt(grant, t, usages.get(grant.id))`. */
  readonly usages: ReadonlyMap<string, Usage>;
  /** Uses that were taken under an idempotency key. */
  readonly uses: ReadonlyMap<string, Use>;
  /** The idempotency keys whose ask repeated an existing request. */
  readonly reuses: ReadonlyMap<string, Reuse>;
  /** The changes that provisioning has recorded. */
  readonly provisioningChanges: ReadonlyMap<string, ProvisioningChange>;
  /** The records that enforce the limits of each subject. */
  readonly subjects: ReadonlyMap<string, Subject>;
  /** By grant id, the recorded use of grants by checks (option `recordUse`). */
  readonly activities: ReadonlyMap<string, Activity>;
  /** The comments on requests. */
  readonly comments: ReadonlyMap<string, RequestComment>;
  /** The open grants of each rule with `maxHolders`, as its last approval found them. */
  readonly holders: ReadonlyMap<string, Holders>;
  /** The locks. `undefined`: none was set. */
  readonly locks: Locks | undefined;
  /** For each request with metadata: the SHA-256 of its RFC 8785 form, 64 lower-case hex digits. */
  readonly metadataHashes: ReadonlyMap<string, string>;
  /** The seq of the last entry. 0: there was no entry. */
  readonly seq: number;
  /** The earliest instant that `at` may be, epoch milliseconds. 0: no purge has run. */
  readonly horizon: number;
  /** The records whose first entry a purge has trimmed. Never a request, grant, usage, activity or comment that is still kept. */
  readonly unproven: readonly RowKey[];
}

/**
 * Rebuilds the records from the entries of the journal alone: their state after the last entry, or at an instant.
 *
 * The state at an instant comes from the entries stamped up to that instant. `replay` still reads all entries: the clocks of two
 * processes may differ, so `at` may go back along the journal.
 *
 * Gotcha: it does not verify the chain; `verifyJournal` does. It keeps all records in memory.
 *
 * Gotcha: a record that time has ended has no `end` until a sweep has recorded it. Use `wasHeldAt` instead of `end`.
 *
 * @param entries the whole journal in order, from its beginning or from where a purge has trimmed it: what `readJournal`
 *   or `readJsonLines` yields
 * @param at epoch milliseconds or a `Date`. Entries with `entry.at <= at` count. Default: all entries
 * @throws CorruptError `ERR_JIT_CORRUPT`, naming the seq, if an entry does not follow from the entries before it
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
    // Entries of a list or an in-memory store arrive without a turn of the event loop.
    if (rebuild.seq % ENTRIES_A_TURN === 0) await nextTurn();
  }
  rebuild ??= new Rebuild(0);
  rebuild.refuseIfPart();
  if ((instant ?? Infinity) < rebuild.horizon) throw new PurgedError(rebuild.horizon);
  return await replayedFrom(rebuild);
}

/** How many entries are replayed before the loop yields to the event loop: some milliseconds of work (L42). */
const ENTRIES_A_TURN = 256;

/** The seq before the first entry. `applyEntry` refuses a malformed entry. */
function startOf(entry: AuditEntry): number {
  const seq: unknown = (entry as AuditEntry | undefined)?.seq;
  return Number.isSafeInteger(seq) && (seq as number) > 0 ? (seq as number) - 1 : 0;
}

async function replayedFrom(rebuild: Rebuild): Promise<Replayed> {
  const turns = new TurnBudget();
  const { then: drafts, seq, horizon, unproven } = rebuild;
  const all = async <Kind extends RecordKind>(kind: Kind): Promise<ReadonlyMap<string, RecordOf<Kind>>> => {
    const records = new Map<string, RecordOf<Kind>>();
    for await (const [id, draft] of inTurns(drafts.of(kind), turns)) records.set(id, recordOf(kind, draft, drafts));
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
    requests: await all('request'),
    grants: await all('grant'),
    usages: await all('usage'),
    uses: await all('use'),
    reuses: await all('reuse'),
    provisioningChanges: await all('provisioning'),
    subjects: await all('subject'),
    activities: await all('activity'),
    comments: await all('comment'),
    holders: await all('holders'),
    locks: (await all('lock')).get(LOCK_ROW.id),
    metadataHashes: new Map(hashes),
    seq,
    horizon,
    unproven,
  });
}
