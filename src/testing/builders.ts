import { digestOfEntry } from '../journal/link.js';
import type { Change, Row } from '../core/store-port.js';
import { makeRequest, type AccessRequest, type Grant, type UnlinkedEntry } from '../records/index.js';
import { START_AT } from './manual-clock.js';

const MINUTE_MS = 60_000;

/** A row as a store holds it: an open grant of 15 minutes, starting at {@link START_AT}. A store does not interpret its body. */
export function aRow(over: Partial<Row> = {}): Row {
  return {
    kind: 'grant',
    id: 'r1.1',
    version: 1,
    subject: 'user:maya',
    scope: 'db-prod:write',
    open: true,
    createdAt: START_AT,
    from: START_AT,
    until: START_AT + 15 * MINUTE_MS,
    dueAt: START_AT + 15 * MINUTE_MS,
    sortAt: START_AT + 15 * MINUTE_MS,
    body: {},
    ...over,
  };
}

/** An entry without a place in the chain, with the digest of its content. */
export function anEntry(over: Partial<UnlinkedEntry> = {}): UnlinkedEntry {
  const entry = {
    v: 1 as const,
    namespace: 'default',
    id: 'c1.1',
    type: 'grant.issued' as const,
    at: START_AT,
    actor: 'user:noor',
    requestId: 'r1',
    grantId: 'r1.1',
    data: {},
    ...over,
  };
  return { ...entry, digest: over.digest ?? digestOfEntry(entry) };
}

let changes = 0;

/** A change with a unique id. Omitted lists are empty. An omitted `expect` lists the rows of `put`, each at its previous version. */
export function aChange(over: Partial<Change> = {}): Change {
  const put = over.put ?? [];
  return {
    id: over.id ?? `change-${++changes}`,
    expect: over.expect ?? put.map(({ kind, id, version }) => ({ kind, id, version: version - 1 })),
    put,
    append: over.append ?? [],
    remove: over.remove,
    trimJournalTo: over.trimJournalTo,
    knows: over.knows,
    needs: over.needs,
  };
}

/** A pending request for `db-prod:write`, as an approver sees it. */
export function aRequest(over: Partial<AccessRequest> = {}): AccessRequest {
  const request = makeRequest({
    id: 'r1',
    version: 1,
    subject: 'user:maya',
    requestedBy: 'user:maya',
    scopes: ['db-prod:write'],
    ttlMs: 15 * MINUTE_MS,
    justification: 'the primary rejects writes',
    ticket: 'INC-4711',
    createdAt: START_AT,
    reviewBy: START_AT + 60 * MINUTE_MS,
    askAgainAt: START_AT + MINUTE_MS,
    reviews: [],
  });
  return { ...request, ...over };
}

/** A grant of `db-prod:write` for 15 minutes, starting at {@link START_AT}. */
export function aGrant(over: Partial<Grant> = {}): Grant {
  return {
    kind: 'grant',
    id: 'r1.1',
    version: 1,
    requestId: 'r1',
    subject: 'user:maya',
    scope: 'db-prod:write',
    issuedAt: START_AT,
    startsAt: START_AT,
    expiresAt: START_AT + 15 * MINUTE_MS,
    firstStartsAt: START_AT,
    extends: undefined,
    successors: [],
    breakGlass: false,
    asksAtStart: false,
    activatedAt: START_AT,
    warnAt: [],
    warnedAt: [],
    idleTtlMs: undefined,
    maxUses: undefined,
    end: undefined,
    ...over,
  };
}
