import type { GrantStore, Row } from '../../core/store-port.js';
import { encode, plainWindow, type Grant } from '../../records/index.js';
import { holds, same } from '../assertions.js';
import { aGrant, aRow } from '../builders.js';
import { START_AT } from '../manual-clock.js';
import type { Cases } from './cases.js';
import { changeOf, commit, given } from './steps.js';

/**
 * Guarantee 6, of `windowOf`: it may answer less than `live`, never more. A store without it, or one that answers
 * `undefined`, passes each case. A window that `live` would not give is access that no reviewer granted. An empty window if
 * `live` gives a row denies what a reviewer granted; one for an invalid argument hides the error from the caller.
 */
export const readingWindow: Cases = (it, hooks) => {
  plainGrants(it, hooks);
  changedGrants(it, hooks);
  strangers(it, hooks);
  emptyWindows(it, hooks);
};

/** There is a window only if time alone decides. */
const plainGrants: Cases = (it) => {
  it('gives at most the window of the only grant of a pair, with its row', async (store) => {
    for (const grant of [aGrant(), aGrant({ id: 'r2.1', requestId: 'r2', scope: 'db:read' })]) {
      await given(store, [encode(grant)]);
      await agrees(store, grant);
    }
  });

  it('gives no window of a grant that is counted, idle, ended or not yet confirmed', async (store) => {
    const grants = Object.entries(NOT_PLAIN).map(([scope, over], i) => aGrant({ id: `r${i}.1`, requestId: `r${i}`, scope, ...over }));
    await given(store, grants.map(encode));
    for (const grant of grants) {
      const what = `windowOf() of a grant that is ${grant.scope}`;
      if (grant.end === undefined) same(store.windowOf?.(grant.subject, grant.scope), undefined, what);
      else noGrant(store, grant.subject, grant.scope, what);
    }
  });

  it('gives no window of a row that no check could read', async (store) => {
    const row = encode(aGrant());
    await given(store, [{ ...row, body: {} }, aRow({ kind: 'usage', id: 'r2.1', scope: 'db:read' }), row2()]);
    for (const scope of [row.scope, 'db:read', 'db:*']) {
      same(store.windowOf?.('user:maya', scope as string), undefined, `windowOf() on ${scope}`);
    }
  });
};

/** A window is correct after every commit. */
const changedGrants: Cases = (it) => {
  it('gives no window while a pair has two rows, and that of the one that is left', async (store) => {
    const [first, second] = [aGrant(), aGrant({ id: 'r2.1', requestId: 'r2', expiresAt: START_AT + 1_000 })];
    await given(store, [encode(first)]);
    await given(store, [encode(second)]);
    same(store.windowOf?.(first.subject, first.scope), undefined, 'windowOf() of a pair with two grants');
    await ended(store, first);
    await agrees(store, second);
  });

  it('gives no window from the commit on that ended or removed the grant', async (store) => {
    const [revoked, removed] = [aGrant(), aGrant({ id: 'r2.1', requestId: 'r2', scope: 'db:read' })];
    await given(store, [revoked, removed].map(encode));
    for (const grant of [revoked, removed]) await agrees(store, grant);
    await ended(store, revoked);
    await commit(store, { ...changeOf(store, 'purge', []), expect: [encode(removed)], remove: [encode(removed)] });
    for (const { subject, scope } of [revoked, removed]) noGrant(store, subject, scope, `windowOf() on ${scope}`);
  });

  it('gives no window while the lock row is open', async (store) => {
    const grant = aGrant();
    const lock = aRow({ kind: 'lock', id: 'open', createdAt: 0, subject: undefined, scope: undefined, until: undefined, dueAt: undefined });
    await given(store, [encode(grant)]);
    await agrees(store, grant);
    await given(store, [lock]);
    same(store.windowOf?.(grant.subject, grant.scope), undefined, 'windowOf() under a lock');
    await given(store, [{ ...lock, version: 2, open: false }]);
    await agrees(store, grant);
    await given(store, [{ ...lock, version: 3 }]);
    same(store.windowOf?.(grant.subject, grant.scope), undefined, 'windowOf() under a lock that is open again');
  });

  it('gives the window of the newest version', async (store) => {
    const grant = aGrant({ asksAtStart: true, activatedAt: START_AT, issuedAt: START_AT - 1_000 });
    await given(store, [encode(grant)]);
    await agrees(store, grant);
    const confirmed = { ...grant, version: 2, activatedAt: START_AT + 5 };
    await commit(store, changeOf(store, 'activate', [encode(confirmed)]));
    await agrees(store, confirmed);
  });
};

/** A window belongs to one subject, scope and namespace. */
const strangers: Cases = (it) => {
  it('gives no window to another subject, scope or namespace, nor to what is no string', async (store) => {
    const { subject, scope } = aGrant();
    await given(store, [encode(aGrant())]);
    for (const other of ['db-prod', 'db-prod:write:x', 'DB-PROD:WRITE', '__proto__']) {
      noGrant(store, subject, other, 'windowOf() on a scope that no grant has');
    }
    for (const other of ['user', 'user:mayaa', 'USER:MAYA', '__proto__']) {
      noGrant(store, other, scope, 'windowOf() of a subject that has none');
    }
    const strange = [undefined, null, 0, {}, [scope], new String(scope), { toString: () => scope }, Symbol('scope')] as unknown as string[];
    for (const other of ['', ...strange]) {
      same(store.windowOf?.(subject, other), undefined, 'windowOf() on a scope that is not valid');
      same(store.windowOf?.(other, scope), undefined, 'windowOf() of a subject that is not valid');
    }
    noGrant(store.in(`${store.namespace}-b`), subject, scope, 'windowOf() in another namespace');
  });
};

/** An empty window denies, without a look at `live`. */
const emptyWindows: Cases = (it) => {
  it('gives no empty window for a subject or scope that no check accepts, even where rows have it', async (store) => {
    const bad = [
      aGrant({ subject: 'system:sweeper', scope: 'db:read' }),
      aGrant({ subject: 'user:maya', scope: 'db:*' }),
      aGrant({ subject: ' user:maya', scope: 'db:write' }),
    ].map((grant, i) => encode({ ...grant, id: `r${i}.1`, requestId: `r${i}` }));
    await given(store, [...bad, encode(aGrant({ id: 'r9.1', requestId: 'r9', subject: 'user:noor', scope: 'db:drop' }))]);
    for (const [subject, scope] of [
      ['system:sweeper', 'db:drop'],
      [' user:maya', 'db:drop'],
      ['user:noor', 'db:*'],
      ['user:noor', '**'],
      ['user:noor', 'db:'],
    ] as const) {
      same(store.windowOf?.(subject, scope), undefined, `windowOf() of ${subject} on ${scope}`);
    }
  });

  it('gives no empty window of a pair with an open row, nor while the lock row is open', async (store) => {
    const [maya, noor] = [aGrant(), aGrant({ id: 'r2.1', requestId: 'r2', subject: 'user:noor', scope: 'db:read' })];
    const counted = aGrant({ id: 'r3.1', requestId: 'r3', subject: 'user:noor', scope: maya.scope, maxUses: 1 });
    const usage = aRow({ kind: 'usage', id: 'r4.1', subject: maya.subject, scope: 'db:read' });
    const lock = aRow({ kind: 'lock', id: 'open', createdAt: 0, subject: undefined, scope: undefined, until: undefined, dueAt: undefined });
    await given(store, [maya, noor].map(encode));
    for (const [{ subject }, { scope }] of [[maya, noor] as const, [noor, maya] as const]) {
      noGrant(store, subject, scope, `windowOf() of ${subject} on ${scope}`);
    }
    await given(store, [encode(counted), usage]);
    for (const { subject, scope } of [counted, usage] as const) {
      same(store.windowOf?.(subject as string, scope as string), undefined, `windowOf() of ${subject} on ${scope}, which has an open row`);
    }
    await given(store, [lock]);
    same(store.windowOf?.(maya.subject, 'db:none'), undefined, 'windowOf() under a lock');
    const ended = aGrant({ id: 'r5.1', requestId: 'r5', subject: 'user:sam' });
    await given(store, [encode(ended)]);
    same(store.windowOf?.('user:sam', 'db:read'), undefined, 'windowOf() of known names under a lock');
  });
};

/** Checks that a pair without an open row has no window, or an empty one. */
function noGrant(store: GrantStore, subject: string, scope: string, what: string): void {
  const window = store.windowOf?.(subject, scope);
  if (window !== undefined) same({ from: window.from, until: window.until, row: window.row }, { from: 0, until: 0, row: undefined }, what);
}

/** Checks that the window of a store, if any, belongs to the one row that `live` returns. */
async function agrees(store: GrantStore, { subject, scope }: Pick<Grant, 'subject' | 'scope'>): Promise<void> {
  const rows = await store.live({ subject, scope, at: 0 });
  const window = store.windowOf?.(subject, scope);
  if (window === undefined) return;
  holds(rows.length === 1, `windowOf() on ${scope} answers where live() gives ${rows.length} rows`);
  const { from, until, row } = window;
  same({ from, until }, plainWindow(rows[0] as Row), `the window on ${scope}`);
  same(row, rows[0], `the row of the window on ${scope}`);
}

const ended = async (store: GrantStore, grant: Grant): Promise<void> => {
  const end = { status: 'revoked', cause: 'revoked', at: START_AT + 5, by: 'user:sam', reason: undefined } as const;
  await commit(store, changeOf(store, `end-${grant.id}`, [encode({ ...grant, version: 2, end })]));
};

/** A row whose scope is a pattern: a check could ask for exactly this text. */
const row2 = (): Row => encode(aGrant({ id: 'r3.1', requestId: 'r3', scope: 'db:*' }));

/** Grants about which more than time decides, by the reason. */
const NOT_PLAIN: Readonly<Record<string, Partial<Grant>>> = {
  counted: { maxUses: 1 },
  idle: { idleTtlMs: 1_000 },
  ended: { end: { status: 'revoked', cause: 'revoked', at: START_AT + 5, by: 'user:sam', reason: undefined } },
  unconfirmed: { asksAtStart: true, activatedAt: undefined, issuedAt: START_AT - 1_000 },
};
