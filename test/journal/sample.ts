import { digestOfEntry, GENESIS, link } from '../../src/journal/link.js';
import type { Anchor, AuditEntry, UnlinkedEntry } from '../../src/records/index.js';

const AT = Date.UTC(2026, 2, 14, 2, 16, 7);

/** An entry before the store has placed it, with the digest of the given fields. */
export function unlinked(n: number, overrides: Partial<Omit<UnlinkedEntry, 'digest'>> = {}): UnlinkedEntry {
  const entry = {
    v: 1,
    namespace: 'default',
    id: `c${n}.1`,
    type: 'grant.issued',
    at: AT + n * 1_000,
    actor: 'user:sam',
    requestId: `r${n}`,
    grantId: `r${n}.1`,
    data: { version: 1, subject: 'user:maya', scope: 'db-prod:write', window: { startsAt: AT, expiresAt: AT + 900_000 } },
    ...overrides,
  } as const;
  return { ...entry, digest: digestOfEntry(entry) };
}

/** A journal of `count` entries after `head`. */
export function journalOf(count: number, head: Anchor = GENESIS): readonly AuditEntry[] {
  return link(
    head,
    Array.from({ length: count }, (_, i) => unlinked(head.seq + i + 1)),
  );
}

export const anchorOf = ({ seq, hash }: AuditEntry): Anchor => ({ seq, hash });
