import type { GrantStore, Row } from '../../core/store-port.js';
import { aRow } from '../builders.js';
import { START_AT } from '../manual-clock.js';
import { same } from '../assertions.js';
import { changeOf, commit, given, idsOf, LATEST, next } from './steps.js';
import type { Cases } from './cases.js';

const FROM = START_AT;
const UNTIL = START_AT + 1_000;

/**
 * Guarantee 6, of `live`: the read of every check. A missing row denies a subject that has access. An extra row that has
 * expired is allowed, because the engine checks the window. An extra row that is closed, or belongs to another subject, is
 * not allowed.
 */
export const readingLive: Cases = (it, hooks) => {
  instants(it, hooks);
  matching(it, hooks);
  changedRows(it, hooks);
  wholeAnswers(it, hooks);
  locks(it, hooks);
  otherLocks(it, hooks);
  endOfTime(it, hooks);
};

/** A row is returned before its `until`, regardless of its `from`. */
const instants: Cases = (it) => {
  it('gives a row up to the last millisecond before its until', async (store) => {
    await given(store, [aRow({ id: 'x', from: FROM, until: UNTIL })]);
    for (const at of [FROM, FROM + 1, UNTIL - 2, UNTIL - 1]) same(await live(store, { at }), ['x'], `live() at until ${at - UNTIL} ms`);
  });

  it('gives rows that start later', async (store) => {
    await given(store, [aRow({ id: 'x', from: FROM, until: UNTIL })]);
    for (const at of [0, FROM - 1_000_000, FROM - 1]) same(await live(store, { at }), ['x'], `live() at from ${at - FROM} ms`);
  });

  it('gives at and after its until either the row or nothing', async (store) => {
    await given(store, [aRow({ id: 'x', from: FROM, until: UNTIL }), aRow({ id: 'y', from: FROM, until: UNTIL + 2 })]);
    for (const at of [UNTIL, UNTIL + 1]) {
      const ids = await live(store, { at });
      same(
        ids.filter((id) => id !== 'x'),
        ['y'],
        `live() at until +${at - UNTIL} ms, without the row that may be there`,
      );
    }
  });
};

/** Rows match the subject, the scope, and the kinds that a check reads. */
const matching: Cases = (it) => {
  it('gives the rows of one subject and one scope only', async (store) => {
    const both = ['user:maya', 'user:noor'].flatMap((subject) => ['db:read', 'db:write'].map((scope) => ({ subject, scope })));
    await given(
      store,
      both.map(({ subject, scope }) => aRow({ id: `${subject}/${scope}`, subject, scope })),
    );
    for (const { subject, scope } of both) {
      same(await live(store, { subject, scope }), [`${subject}/${scope}`], `live() of ${subject} on ${scope}`);
    }
    same(await live(store, { subject: 'user:maya', scope: 'db' }), [], 'live() on a scope that others begin with');
    same(await live(store, { subject: 'user', scope: 'db:read' }), [], 'live() of a subject that others begin with');
  });

  it('gives all scopes of the subject when none is asked for, and rows without a scope', async (store) => {
    const rows = ['db:read', 'db:write', undefined].map((scope, i) => aRow({ id: `r${i}`, scope }));
    await given(store, [...rows, aRow({ id: 'other', subject: 'user:noor' }), aRow({ id: 'absent', subject: undefined })]);
    same(await live(store, {}), ['r0', 'r1', 'r2'], 'live() of the subject');
    same(await live(store, { scope: undefined }), ['r0', 'r1', 'r2'], 'live() of the subject, with a scope that is undefined');
    same(await live(store, { scope: 'db:read' }), ['r0'], 'live() on one scope');
  });

  it('gives rows of the kinds grant and usage, and no others', async (store) => {
    const rows = ['grant', 'usage', 'request', 'subject', 'cursor', 'activity'].map((kind) => aRow({ kind, id: kind }));
    await given(store, rows);
    same(await live(store, { scope: 'db-prod:write' }), ['grant', 'usage'], 'live() on the scope of all these rows');
    same(await live(store, {}), ['grant', 'usage'], 'live() of the subject of all these rows');
  });

  it('gives a grant and its usage, which have one id, with the scope asked for and without', async (store) => {
    const rows = ['db:read', 'db:write'].flatMap((scope, i) => [
      aRow({ kind: 'usage', id: `r${i}`, scope, dueAt: undefined, body: { of: i } }),
      aRow({ kind: 'grant', id: `r${i}`, scope, body: { of: i } }),
    ]);
    await given(store, rows);
    const both = async (scope?: string) => [...(await store.live({ subject: 'user:maya', scope, at: FROM }))].sort(byKindAndId);
    for (const [i, scope] of ['db:read', 'db:write'].entries()) {
      same(await both(scope), rows.slice(2 * i, 2 * i + 2).sort(byKindAndId), `live() on ${scope}`);
    }
    same(await both(), [...rows].sort(byKindAndId), 'live() of the subject');
    const [used] = rows as [Row];
    await commit(store, changeOf(store, 'use', [next(used, { dueAt: UNTIL - 1, body: { of: 0, uses: 1 } })]));
    const newest = next(used, { dueAt: UNTIL - 1, body: { of: 0, uses: 1 } });
    same(await both('db:read'), [rows[1], newest], 'live() on the scope, after the usage has changed');
  });

  it('gives no usage that is closed, whether or not its grant is open', async (store) => {
    const [grant, usage] = [aRow({ kind: 'grant', id: 'x' }), aRow({ kind: 'usage', id: 'x' })] as const;
    await given(store, [grant, usage]);
    await commit(store, changeOf(store, 'c1', [next(usage, { open: false })], { expect: [usage, grant] }));
    for (const scope of ['db-prod:write', undefined]) {
      same(await store.live({ subject: 'user:maya', scope, at: FROM }), [grant], `live() after the usage was closed, on ${String(scope)}`);
    }
    await commit(store, changeOf(store, 'c2', [next(grant, { open: false })]));
    for (const scope of ['db-prod:write', undefined]) {
      same(await store.live({ subject: 'user:maya', scope, at: FROM }), [], `live() after both were closed, on ${String(scope)}`);
    }
  });
};

/** The current version of a row is returned, and a closed row is not. */
const changedRows: Cases = (it) => {
  it('gives a row again that was closed and is opened again', async (store) => {
    const row = aRow({ id: 'x' });
    const closed = next(row, { open: false, until: FROM });
    await given(store, [row, aRow({ id: 'y' })]);
    await commit(store, changeOf(store, 'c1', [closed]));
    same(await live(store, {}), ['y'], 'live() after it was closed');
    await commit(store, changeOf(store, 'c2', [next(closed, { open: true, until: UNTIL })]));
    same(await live(store, {}), ['x', 'y'], 'live() after it was opened again');
    same(await live(store, { scope: 'db-prod:write', at: UNTIL - 1 }), ['x', 'y'], 'live() on its scope, in its last millisecond');
  });

  it('gives open rows only, and one that was closed or removed not again', async (store) => {
    const rows = ['stays', 'closes', 'goes'].map((id) => aRow({ id }));
    await given(store, [...rows, aRow({ id: 'closed', open: false })]);
    same(await live(store, { scope: 'db-prod:write' }), ['closes', 'goes', 'stays'], 'live() before');
    const [, closes, goes] = rows as [Row, Row, Row];
    await commit(store, changeOf(store, 'c1', [next(closes, { open: false })], { expect: [closes, goes], remove: [goes] }));
    same(await live(store, { scope: 'db-prod:write' }), ['stays'], 'live() after, on the scope');
    same(await live(store, {}), ['stays'], 'live() after, of the subject');
  });

  it('keeps the other rows of a subject when one ends, on the same scope and on others', async (store) => {
    const rows = ['db:read', 'db:read', 'db:write'].map((scope, i) => aRow({ id: `r${i}`, scope }));
    await given(store, rows);
    for (const [i, row] of rows.entries()) {
      await commit(store, changeOf(store, `c${i}`, [next(row, { open: false })]));
      const left = rows.slice(i + 1);
      same(await live(store, {}), idsOf(left), `live() of the subject after ${i + 1} of 3 ended`);
      for (const scope of ['db:read', 'db:write']) {
        const expected = idsOf(left.filter((other) => other.scope === scope));
        same(await live(store, { scope }), expected, `live() on ${scope} after ${i + 1} of 3 ended`);
      }
    }
  });

  it('follows a row whose scope, subject or until changes', async (store) => {
    const row = aRow({ id: 'x', scope: 'old', until: UNTIL });
    await given(store, [row]);
    await commit(store, changeOf(store, 'c1', [next(row, { scope: 'new', until: UNTIL + 10 })]));
    same(await live(store, { scope: 'old' }), [], 'live() on the scope that the row had');
    same(await live(store, { scope: 'new', at: UNTIL + 9 }), ['x'], 'live() on the scope that it has now');
    await commit(store, changeOf(store, 'c2', [next(next(row), { subject: 'user:noor', scope: 'new', until: UNTIL })]));
    same(await live(store, { scope: 'new' }), [], 'live() of the subject that the row had');
    same(await live(store, { subject: 'user:noor', scope: 'new' }), ['x'], 'live() of the subject that it has now');
  });
};

/** An answer contains each row once, whole, for any number of rows. */
const wholeAnswers: Cases = (it) => {
  it('gives the newest version of a row, once and whole', async (store) => {
    const row = aRow({ id: 'x', body: { a: 1 } });
    const newest = next(row, { body: { b: [2] } });
    await given(store, [row]);
    await given(store, [newest]);
    same(await store.live({ subject: 'user:maya', scope: 'db-prod:write', at: FROM }), [newest], 'the rows that live() gives');
    same(await store.live({ subject: 'user:maya', at: FROM }), [newest], 'the rows that live() gives for all scopes');
  });

  it('gives all of them, however many', async (store) => {
    const rows = Array.from({ length: 300 }, (_, i) => aRow({ id: `r${String(i).padStart(3, '0')}`, scope: `db:${i % 3}` }));
    await given(store, rows);
    const ids = rows.map((row) => row.id);
    same(await live(store, {}), ids, 'live() of a subject with 300 rows');
    same(
      await live(store, { scope: 'db:1' }),
      ids.filter((_, i) => i % 3 === 1),
      'live() of a subject with 100 rows on one scope',
    );
  });
};

/** Every answer contains the open lock row. */
const locks: Cases = (it) => {
  it('gives the open lock row with every answer, regardless of the question', async (store) => {
    const lock = aLock();
    await given(store, [aRow({ id: 'x' }), aRow({ id: 'y', subject: 'user:noor', scope: undefined }), lock]);
    for (const at of [0, FROM, LATEST]) {
      for (const query of [
        {},
        { scope: 'db-prod:write' },
        { scope: 'db:none' },
        { subject: 'absent' },
        { subject: 'absent', scope: 'a' },
      ]) {
        const rows = await store.live({ subject: 'user:maya', at, ...query });
        same(
          rows.filter((row) => row.kind === 'lock'),
          [lock],
          `the rows of kind lock that live() gives at ${at}, asked for ${JSON.stringify(query)}`,
        );
      }
    }
    same(await live(store, {}), ['open', 'x'], 'live() of a subject');
    same(await live(store, { scope: 'db-prod:write' }), ['open', 'x'], 'live() on a scope');
  });

  it('gives the newest version of the lock row, whole, regardless of its columns', async (store) => {
    const newest = next(aLock(), {
      subject: 'user:noor',
      scope: 'db:read',
      from: 1,
      until: 2,
      dueAt: 3,
      sortAt: 4,
      body: { locks: [{ a: 1 }] },
    });
    await given(store, [aLock()]);
    await given(store, [newest]);
    for (const scope of ['db-prod:write', undefined]) {
      same(await store.live({ subject: 'user:maya', scope, at: FROM }), [newest], `live() on ${String(scope)}`);
    }
  });
};

/** Neither another row nor a closed lock row counts as the lock row. */
const otherLocks: Cases = (it) => {
  it('gives the lock row no longer once it is closed or removed, and again once it is open', async (store) => {
    const lock = aLock();
    const closed = next(lock, { open: false });
    const opened = next(closed, { open: true });
    const both = async () => [await live(store, {}), await live(store, { scope: 'db-prod:write' })];
    await given(
      store,
      [closed].map((row) => ({ ...row, version: 1 })),
    );
    same(await both(), [[], []], 'live() while the row is closed');
    await given(store, [{ ...opened, version: 2 }]);
    same(await both(), [['open'], ['open']], 'live() once it is open');
    await given(store, [{ ...closed, version: 3 }]);
    same(await both(), [[], []], 'live() after it was closed again');
    await given(store, [{ ...opened, version: 4 }]);
    const key = { kind: 'lock', id: 'open', version: 4 };
    await commit(store, changeOf(store, 'unlock', [], { expect: [key], remove: [key] }));
    same(await both(), [[], []], 'live() after it was removed');
  });

  it('treats no other row as the lock row', async (store) => {
    await given(store, [
      aLock({ id: 'other' }),
      aLock({ kind: 'locks' }),
      aLock({ kind: 'request' }),
      aRow({ kind: 'lock', id: 'user:maya' }),
      aRow({ id: 'open' }),
    ]);
    await given(store.in(`${store.namespace}-b`), [aLock()]);
    for (const scope of ['db-prod:write', undefined]) {
      const rows = await store.live({ subject: 'user:maya', scope, at: FROM });
      same(
        rows.map(({ kind, id }) => ({ kind, id })),
        [{ kind: 'grant', id: 'open' }],
        `live() on ${String(scope)}`,
      );
    }
  });
};

/** The last instant is treated like any other. */
const endOfTime: Cases = (it) => {
  it('gives a row that lasts to the end of time at every instant before', async (store) => {
    await given(store, [aRow({ id: 'x', from: 0, until: LATEST })]);
    for (const at of [0, START_AT, LATEST - 1]) same(await live(store, { at }), ['x'], `live() at ${at}`);
  });
};

/** The row with the locks of a namespace. */
function aLock(over: Partial<Row> = {}): Row {
  const empty = { subject: undefined, scope: undefined, from: undefined, until: undefined, dueAt: undefined, sortAt: undefined };
  return aRow({ kind: 'lock', id: 'open', createdAt: 0, ...empty, body: { locks: [] }, ...over });
}

const byKindAndId = (a: Row, b: Row): number => (`${a.kind} ${a.id}` < `${b.kind} ${b.id}` ? -1 : 1);

/** The ids that `live` returns, sorted: it guarantees no order. */
async function live(store: GrantStore, query: { subject?: string; scope?: string | undefined; at?: number }): Promise<string[]> {
  const rows = await store.live({ subject: 'user:maya', at: FROM, ...query });
  return rows.map((row) => row.id).sort();
}
