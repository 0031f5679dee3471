import { autoApprove, JitEngine, type AuditEntry, type GrantStore } from 'jit-access';
import { readJournal, verifyJournal, verifyStore } from 'jit-access/journal';
import type { Ack } from './churn.js';

export async function entriesOf(store: GrantStore): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for await (const entry of readJournal(store)) entries.push(entry);
  return entries;
}

/**
 * Finds what is wrong with a store after any faults: a broken link of the chain, a row without its entry, an entry
 * without its row, an acknowledged transition that is lost, or access that was revoked and is back.
 *
 * @returns an empty list where all is right
 */
export async function wrongsOf(store: GrantStore, acknowledged: readonly Ack[] = []): Promise<readonly string[]> {
  // First: entries that are committed in the meantime come after it.
  const { start, head } = await store.journal({ after: 0, limit: 1 });
  const entries = await entriesOf(store);
  const journal = await verifyJournal(entries, { start, head });
  const verified = await verifyStore(store);
  const known = new Set(entries.flatMap(({ type, requestId, grantId }) => [`${type} ${requestId}`, `${type} ${grantId}`]));
  const lost = acknowledged.filter(([type, id]) => !known.has(`${type} ${id}`));
  return [
    ...(journal.ok ? [] : [`the journal is broken at ${journal.seq}: ${journal.problem}`]),
    ...(verified.problem === undefined ? [] : [`entry ${verified.problem.seq} does not follow: ${verified.problem.problem}`]),
    ...[...verified.differences, ...verified.unproven].map(({ kind, id, problem }) => `${kind} ${id}: ${problem}`),
    ...lost.map(([type, id]) => `lost what was acknowledged: ${type} of ${id}`),
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
