import {
  autoApprove,
  JitEngine,
  systemClock,
  type AuditEntry,
  type Clock,
  type Grant,
  type GrantStore,
  type Lock,
  type Review,
} from 'jit-access';
import { readJournal, verifyJournal, verifyStore } from 'jit-access/journal';
import { GENESIS } from '../../../src/journal/link.js';
import { factsIn, isEnd } from './answers.js';
import { ALONE, type Ack } from './churn.js';

export async function entriesOf(store: GrantStore): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for await (const entry of readJournal(store)) entries.push(entry);
  return entries;
}

/**
 * Finds what is wrong with a store after any faults: a broken link of the chain, a row without its entry, an entry
 * without its row, an acknowledged transition that is lost, one that is recorded twice, access that was revoked and is back, access that
 * a lock, a narrowing or another holder forbade, or a grant that was purged before its end.
 *
 * @param archive the whole journal, where purges have trimmed the one of the store. Default: that of the store
 * @returns an empty list where all is right
 */
export async function wrongsOf(
  store: GrantStore,
  acknowledged: readonly Ack[] = [],
  { archive, clock = systemClock }: { readonly archive?: readonly AuditEntry[]; readonly clock?: Clock } = {},
): Promise<readonly string[]> {
  // First: entries that are committed in the meantime come after it.
  const { start, head } = await store.journal({ after: 0, limit: 1 });
  const entries = archive ?? (await entriesOf(store));
  const journal = await verifyJournal(entries, archive === undefined ? { start, head } : { head });
  const verified = await verifyStore(archive === undefined ? store : withWhole(store, archive));
  const known = new Set(entries.flatMap(factsIn));
  const lost = acknowledged.filter(([type, id]) => !known.has(`${type} ${id}`));
  return [
    ...(journal.ok ? [] : [`the journal is broken at ${journal.seq}: ${journal.problem}`]),
    ...(verified.problem === undefined ? [] : [`entry ${verified.problem.seq} does not follow: ${verified.problem.problem}`]),
    ...[...verified.differences, ...verified.unproven].map(({ kind, id, problem }) => `${kind} ${id}: ${problem}`),
    ...lost.map(([type, id]) => `lost what was acknowledged: ${type} of ${id}`),
    ...twiceIn(entries),
    ...forbiddenIn(entries),
    ...purgedEarly(entries),
    ...(await stillAllowed(store, entries, acknowledged, clock)),
  ];
}

/** The store as if no purge had trimmed its journal. */
const withWhole = (store: GrantStore, entries: readonly AuditEntry[]): GrantStore => ({
  namespace: store.namespace,
  durability: store.durability,
  in: (namespace) => store.in(namespace),
  commit: (change) => store.commit(change),
  get: (keys) => store.get(keys),
  live: (query) => store.live(query),
  find: (query) => store.find(query),
  due: (query) => store.due(query),
  async journal({ after, limit }) {
    const { head } = await store.journal({ after: Number.MAX_SAFE_INTEGER, limit: 1 });
    return { entries: entries.filter(({ seq }) => seq > after && seq <= head.seq).slice(0, limit), start: GENESIS, head };
  },
});

/** L12: checks the grants whose end was acknowledged, with a new engine that has only the store. */
async function stillAllowed(
  store: GrantStore,
  entries: readonly AuditEntry[],
  acknowledged: readonly Ack[],
  clock: Clock,
): Promise<readonly string[]> {
  const ended = new Set(acknowledged.flatMap(([type, id]) => (isEnd(type) ? [id] : [])));
  const engine = new JitEngine({ store, clock, approver: autoApprove(() => false) });
  const wrong: string[] = [];
  for (const { type, grantId = '', data } of entries) {
    if (type !== 'grant.revoked' || !ended.has(grantId)) continue;
    const { subject, scope } = data as { readonly subject: string; readonly scope: string };
    const { allowed, grant } = await engine.check(subject, scope);
    if (allowed) wrong.push(`${grantId} was revoked, and ${subject} may still ${scope} by ${grant?.id}`);
  }
  await engine.close();
  return wrong;
}

/** L8 L31: finds the changes that were applied twice, and the transitions that happen once and are recorded twice. */
function twiceIn(entries: readonly AuditEntry[]): readonly string[] {
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const { id, type, requestId, grantId } of entries) {
    const kinds = [`entry ${id}`];
    if (/^request\.(approved|denied|cancelled|expired)$/.test(type)) kinds.push(`the decision of ${requestId}`);
    if (isEnd(type)) kinds.push(`the end of ${grantId}`);
    if (type === 'grant.issued') kinds.push(`the issue of ${grantId}`);
    for (const kind of kinds) {
      if (seen.has(kind)) wrong.push(`recorded twice: ${kind}`);
      seen.add(kind);
    }
  }
  return wrong;
}

/** L33: finds the grants that a purge removed before their end was recorded. */
function purgedEarly(entries: readonly AuditEntry[]): readonly string[] {
  const wrong: string[] = [];
  const ended = new Set<string | undefined>();
  for (const { type, grantId, data } of entries) {
    if (isEnd(type)) ended.add(grantId);
    if (type !== 'journal.purged') continue;
    const { removed = [] } = data as unknown as { readonly removed?: readonly { readonly kind: string; readonly id: string }[] };
    for (const { kind, id } of removed) if (kind === 'grant' && !ended.has(id)) wrong.push(`${id} was purged before its end`);
  }
  return wrong;
}

/**
 * L18: finds the grants that were issued under an open lock on their subject or scope, beyond a narrowing, or in a window that
 * meets the window of another holder, where one subject at a time may hold the access. An end frees the access once it is recorded.
 */
function forbiddenIn(entries: readonly AuditEntry[]): readonly string[] {
  const wrong: string[] = [];
  const narrowed = new Map<string | undefined, Review>();
  const holders = new Map<string | undefined, Grant>();
  let locks: readonly Lock[] = [];
  for (const { type, at, requestId, grantId, data } of entries) {
    if (type.startsWith('lock.')) ({ locks } = data as unknown as { readonly locks: readonly Lock[] });
    if (type === 'request.reviewed') {
      const { review } = data as unknown as { readonly review: Review };
      if (review.ttlMs !== undefined) narrowed.set(requestId, review);
    }
    if (isEnd(type)) holders.delete(grantId);
    if (type !== 'grant.issued') continue;
    const grant = data as unknown as Grant;
    const { subject, scope, startsAt, expiresAt } = grant;
    const lock = locks.find(
      (one) => (one.subject === subject || one.scope === scope) && (one.completedAt === undefined || at < (one.until ?? Infinity)),
    );
    if (lock !== undefined) wrong.push(`${grantId} was issued under lock ${lock.id}`);
    const { scopes = [scope], ttlMs = Infinity } = narrowed.get(requestId) ?? {};
    if (!scopes.includes(scope) || expiresAt - startsAt > ttlMs) wrong.push(`${grantId} was issued beyond a narrowing`);
    if (scope !== ALONE) continue;
    for (const [id, other] of holders) {
      // A process whose clock is more than a minute ahead no longer counts it, and no process does after that (L47).
      if (startsAt > other.expiresAt + 60_000) holders.delete(id);
      else if (other.subject !== subject && other.startsAt < expiresAt && startsAt < other.expiresAt)
        wrong.push(`${grantId} was issued beside ${id}`);
    }
    holders.set(grantId, grant);
  }
  return wrong;
}
