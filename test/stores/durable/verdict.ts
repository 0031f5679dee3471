import { autoApprove, JitEngine, type AuditEntry, type Grant, type GrantStore, type Lock, type Review } from 'jit-access';
import { readJournal, verifyJournal, verifyStore } from 'jit-access/journal';
import { ALONE, type Ack } from './churn.js';

export async function entriesOf(store: GrantStore): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for await (const entry of readJournal(store)) entries.push(entry);
  return entries;
}

/**
 * Finds what is wrong with a store after any faults: a broken link of the chain, a row without its entry, an entry
 * without its row, an acknowledged transition that is lost, access that was revoked and is back, or access that a lock, a narrowing
 * or another holder forbade.
 *
 * @returns an empty list where all is right
 */
export async function wrongsOf(store: GrantStore, acknowledged: readonly Ack[] = []): Promise<readonly string[]> {
  // First: entries that are committed in the meantime come after it.
  const { start, head } = await store.journal({ after: 0, limit: 1 });
  const entries = await entriesOf(store);
  const journal = await verifyJournal(entries, { start, head });
  const verified = await verifyStore(store);
  const known = new Set(
    entries.flatMap(({ type, requestId, grantId, data }) =>
      [requestId, grantId, data['commentId'], data['lockId'], data['replacedBy']].map((id) => `${type} ${id as string}`),
    ),
  );
  const lost = acknowledged.filter(([type, id]) => !known.has(`${type} ${id}`));
  return [
    ...(journal.ok ? [] : [`the journal is broken at ${journal.seq}: ${journal.problem}`]),
    ...(verified.problem === undefined ? [] : [`entry ${verified.problem.seq} does not follow: ${verified.problem.problem}`]),
    ...[...verified.differences, ...verified.unproven].map(({ kind, id, problem }) => `${kind} ${id}: ${problem}`),
    ...lost.map(([type, id]) => `lost what was acknowledged: ${type} of ${id}`),
    ...forbiddenIn(entries),
    ...(await stillAllowed(store, entries, acknowledged)),
  ];
}

/** L12: checks the grants whose end was acknowledged, with a new engine that has only the store. */
async function stillAllowed(store: GrantStore, entries: readonly AuditEntry[], acknowledged: readonly Ack[]): Promise<readonly string[]> {
  const ended = new Set(acknowledged.flatMap(([type, id]) => (type === 'grant.revoked' ? [id] : [])));
  const engine = new JitEngine({ store, approver: autoApprove(() => false) });
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
    if (type === 'grant.expired' || type === 'grant.revoked') holders.delete(grantId);
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
      if (other.subject !== subject && other.startsAt < expiresAt && startsAt < other.expiresAt)
        wrong.push(`${grantId} was issued beside ${id}`);
    }
    holders.set(grantId, grant);
  }
  return wrong;
}
