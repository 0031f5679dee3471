import { digestOfEntry, GENESIS, link } from '../../src/journal/link.js';
import type { Transition } from '../../src/lifecycle/transition.js';
import { encode, type Anchor, type AuditEntry, type UnlinkedEntry } from '../../src/records/index.js';
import type { GrantStore } from '../../src/core/store-port.js';
import { START_AT } from '../../src/testing.js';

/** The fields that differ between entries. `change` names the commit; without it, each entry has its own. */
export type Told = Partial<Omit<UnlinkedEntry, 'digest' | 'id'>> & { readonly change?: string };

/** Entries of a journal that starts after `head`. */
export function journal(told: readonly Told[], head: Anchor = GENESIS): readonly AuditEntry[] {
  const entries = told.map(({ change, ...over }, i) => {
    const entry = {
      v: 1 as const,
      namespace: 'default',
      id: `${change ?? `c${i + 1}`}.${i + 1}`,
      type: 'request.created' as const,
      at: START_AT,
      actor: 'user:maya',
      data: {},
      ...over,
    };
    return { ...entry, digest: digestOfEntry(entry) };
  });
  return link(head, entries);
}

/** A created request, in the form of its entry. */
export const created = (id: string, over: Told = {}): Told => ({
  type: 'request.created',
  requestId: id,
  data: {
    version: 1,
    subject: 'user:maya',
    requestedBy: 'user:maya',
    scopes: ['a:x'],
    ttlMs: 1_000,
    createdAt: START_AT,
    reviewBy: START_AT + 500,
    askAgainAt: START_AT + 100,
    reviews: [],
    subjectVersion: 1,
  },
  ...over,
});

export const approved = (id: string, over: Told = {}): Told => ({
  type: 'request.approved',
  requestId: id,
  data: {
    version: 2,
    approver: 'auto',
    end: { status: 'approved', cause: 'approver', at: START_AT, by: 'system:approver', granted: { scopes: ['a:x'], ttlMs: 1_000 } },
    subjectVersion: 2,
  },
  ...over,
});

export const issued = (id: string, over: object = {}): Told => ({
  type: 'grant.issued',
  requestId: id.split('.')[0],
  grantId: id,
  data: {
    version: 1,
    subject: 'user:maya',
    scope: 'a:x',
    issuedAt: START_AT,
    startsAt: START_AT,
    expiresAt: START_AT + 1_000,
    firstStartsAt: START_AT,
    warnAt: [],
    successors: [],
    breakGlass: false,
    asksAtStart: false,
    activatedAt: START_AT,
    ...over,
  },
});

export const purged = (data: UnlinkedEntry['data'], over: Told = {}): Told => ({
  type: 'journal.purged',
  actor: 'user:dpo',
  data,
  ...over,
});

let steps = 0;

/** Commits the result of a rule of the lifecycle. */
export async function take<Result>(store: GrantStore, { put, entries, result }: Transition<Result>): Promise<Result> {
  const change = `step${++steps}`;
  const append = entries.map((draft, i) => {
    const entry = { v: 1 as const, namespace: store.namespace, id: `${change}.${i + 1}`, ...draft };
    return { ...entry, digest: digestOfEntry(entry) };
  });
  const expect = put.map(({ kind, id, version }) => ({ kind, id, version: version - 1 }));
  const { outcome } = await store.commit({ id: change, expect, put: put.map(encode), append });
  if (outcome !== 'committed') throw new Error(outcome);
  return result;
}
