import fc from 'fast-check';
import { aGrant, aRow, START_AT } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { isUsable } from '../../../src/lifecycle/status.js';
import type { GrantWindow, Row } from '../../../src/core/store-port.js';
import { decodeGrant, encode, FrozenRow, type Grant } from '../../../src/records/index.js';
import { LiveIndex } from '../../../src/stores/memory/live-index.js';

/** An index, and the ids of the rows that a query has read: those whose `until` was read. */
function watched(rows: readonly Row[]): { readonly index: LiveIndex; readonly looks: Set<string> } {
  const index = new LiveIndex();
  const looks = new Set<string>();
  for (const row of rows) {
    index.add(
      Object.defineProperty({ ...row }, 'until', {
        get() {
          looks.add(row.id);
          return row.until;
        },
      }),
    );
  }
  return { index, looks };
}

/** Whether a window contains an instant, as a check decides it. */
const isIn = (window: GrantWindow | undefined, { now, forEnds }: { readonly now: number; readonly forEnds: number }): boolean =>
  window !== undefined && window.from <= now && forEnds < window.until;

describe('LiveIndex', () => {
  it('L34 reads only the rows of the subject on the scope', () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => aRow({ id: `r${i}`, subject: `user:${i % 100}`, scope: `db:${(i / 100) | 0}` }));
    const { index, looks } = watched(rows);
    looks.clear();
    expect(index.find('user:7', 'db:3', START_AT)).toHaveLength(1);
    expect(looks.size).toBe(1);
    expect(index.find('user:7', 'db:none', START_AT)).toHaveLength(0);
    expect(index.find('user:none', 'db:3', START_AT)).toHaveLength(0);
    expect(looks.size).toBe(1);
    expect(index.find('user:7', undefined, START_AT)).toHaveLength(100);
    expect(looks.size).toBe(100);
  });

  it('returns copies, so that callers cannot change the index', () => {
    const index = new LiveIndex();
    const [a, b, c] = [aRow({ id: 'a' }), aRow({ id: 'b', scope: 'db:other' }), aRow({ id: 'c', scope: 'db:other' })];
    for (const row of [a, b, c]) index.add(row);
    const reads: readonly (readonly [scope: string | undefined, at: number, rows: readonly Row[]])[] = [
      ['db-prod:write', START_AT, [a]],
      ['db:other', START_AT, [b, c]],
      [undefined, START_AT, [a, b, c]],
      ['db-prod:write', Infinity, []],
      ['db:other', Infinity, []],
      ['db:none', START_AT, []],
    ];
    for (const [scope, at, rows] of reads) {
      const list = index.find('user:maya', scope, at);
      Reflect.set(list, 'length', 0);
      Reflect.set(list, 0, aRow({ id: 'forged' }));
      expect(index.find('user:maya', scope, at)).toEqual(rows);
    }
    Reflect.set(index.find('user:nobody', undefined, START_AT), 0, a);
    expect(index.find('user:nobody', undefined, START_AT)).toEqual([]);
  });

  it('does not change a list that it has returned', () => {
    const index = new LiveIndex();
    const [a, b] = [aRow({ id: 'a' }), aRow({ id: 'b' })];
    index.add(a);
    const before = index.find('user:maya', 'db-prod:write', START_AT);
    index.add(b);
    const between = index.find('user:maya', 'db-prod:write', START_AT);
    index.remove(a);
    expect(before).toEqual([a]);
    expect(between).toEqual([a, b]);
    expect(index.find('user:maya', 'db-prod:write', START_AT)).toEqual([b]);
  });

  it('returns a row without until at every instant', () => {
    const index = new LiveIndex();
    index.add(aRow({ kind: 'usage', id: 'u', until: undefined }));
    expect(index.find('user:maya', undefined, 8.64e15)).toHaveLength(1);
  });

  it('returns the rows that a filter over a plain list returns, after any additions and removals (L20, L24)', () => {
    const names = fc.constantFrom('a', 'b', 'c');
    const steps = fc.array(fc.record({ adds: fc.boolean(), subject: names, scope: fc.option(names, { nil: undefined }), at: fc.nat(9) }), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, (all) => {
        const index = new LiveIndex();
        const kept: Row[] = [];
        all.forEach(({ adds, subject, scope, at }, i) => {
          if (adds) {
            const row = aRow({ id: `r${i}`, subject, scope, until: at });
            kept.push(row);
            index.add(row);
          } else for (const row of kept.splice(at, 1)) index.remove(row);
        });
        for (const subject of ['a', 'b', 'c', 'd']) {
          for (const scope of [undefined, 'a', 'b', 'c', 'd']) {
            const of = kept.filter(
              (row) => row.subject === subject && (scope === undefined || row.scope === scope) && 4 < (row.until as number),
            );
            const found = index.find(subject, scope, 4);
            expect(new Set(found)).toEqual(new Set(of));
            expect(found).toHaveLength(of.length);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('lists the scopes of a subject in the order of insertion', () => {
    const index = new LiveIndex();
    const rows = ['x', 'm', 'a', 'z'].map((scope, i) => aRow({ id: `r${i}`, scope }));
    for (const row of rows) index.add(row);
    expect(index.find('user:maya', undefined, START_AT)).toEqual(rows);
    index.remove(rows[1] as Row);
    expect(index.find('user:maya', undefined, START_AT)).toEqual([rows[0], rows[2], rows[3]]);
    index.add(rows[1] as Row);
    expect(index.find('user:maya', undefined, START_AT)).toEqual([rows[0], rows[2], rows[3], rows[1]]);
  });

  describe('windowOf()', () => {
    const settled = (grant: Grant, over: Partial<Row> = {}) => new FrozenRow({ ...encode(grant), ...over });
    const around = (instants: readonly number[]) => instants.flatMap((at) => [at - 1, at, at + 1]);

    it('agrees with isUsable, at every instant around a start and an end and with any leeway (L1, L2, L9)', () => {
      const at = fc.integer({ min: 1, max: 40 });
      const grants = fc.record({
        issuedAt: at,
        ahead: fc.nat(3),
        ttl: at,
        asks: fc.boolean(),
        activated: fc.option(fc.nat(40), { nil: undefined }),
        uses: fc.option(at, { nil: undefined }),
        ended: fc.option(at, { nil: undefined }),
      });
      fc.assert(
        fc.property(grants, fc.nat(5), ({ issuedAt, ahead, ttl, asks, activated, uses, ended }, leewayMs) => {
          const startsAt = issuedAt + ahead;
          const asksAtStart = asks && ahead > 0;
          const activatedAt = ahead === 0 ? startsAt : activated === undefined ? undefined : startsAt + activated;
          const end: Grant['end'] =
            ended === undefined
              ? undefined
              : { status: 'revoked', cause: 'revoked', at: startsAt + ended, by: 'user:sam', reason: undefined };
          const fields = {
            issuedAt,
            startsAt,
            firstStartsAt: startsAt,
            expiresAt: startsAt + ttl,
            asksAtStart,
            activatedAt,
            warnAt: [],
          };
          const grant = aGrant({ ...fields, maxUses: uses, end });
          const index = new LiveIndex();
          index.add(settled(grant));
          for (const now of around([startsAt, startsAt + ttl, activatedAt ?? 0, startsAt + ttl - leewayMs])) {
            const instants = { now, forEnds: now + leewayMs };
            // An ended grant has no row in the index.
            const isOpen = index.all(grant.subject).length > 0;
            expect(isIn(index.windowOf(grant.subject, grant.scope), instants)).toBe(
              isOpen && isUsable({ grant, usage: undefined }, instants),
            );
          }
        }),
        { numRuns: 2_000 },
      );
    });

    it('is undefined where a row is malformed, has a pattern, or is one of several (L20, L30)', () => {
      const grant = aGrant();
      const instants = { now: grant.startsAt, forEnds: grant.startsAt };
      const says = (...rows: readonly Row[]) => {
        const index = new LiveIndex();
        for (const row of rows) index.add(row);
        return isIn(index.windowOf(rows[0]?.subject, rows[0]?.scope), instants);
      };
      expect(says(settled(grant))).toBe(true);
      expect(says(settled(grant, { until: grant.expiresAt + 1 }))).toBe(false);
      expect(says(settled(grant), settled(aGrant({ id: 'r2.1', requestId: 'r2' })))).toBe(false);
      expect(says(settled(aGrant({ scope: 'db-prod:*' })))).toBe(false);
      expect(says(settled(grant, { subject: 'system:sweeper' }))).toBe(false);
    });

    it('returns the remaining one of two grants, and an empty window after both are removed (L12)', () => {
      const [first, second] = [settled(aGrant()), settled(aGrant({ id: 'r2.1', requestId: 'r2' }))];
      const { subject, scope } = decodeGrant(first);
      const index = new LiveIndex();
      for (const row of [first, second]) index.add(row);
      index.remove(first);
      expect(index.windowOf(subject, scope)?.row?.id).toBe('r2.1');
      index.remove(second);
      expect({ ...index.windowOf(subject, scope) }).toMatchObject({ from: 0, until: 0 });
      expect(index.windowOf(subject, scope)?.row).toBeUndefined();
    });

    it('returns the start of a grant that lasts longer than a cell can hold (L1)', () => {
      const startsAt = START_AT;
      for (const ttl of [2 ** 32 - 2, 2 ** 32 - 1, 366 * 86_400_000]) {
        const grant = aGrant({ issuedAt: startsAt, startsAt, firstStartsAt: startsAt, expiresAt: startsAt + ttl, warnAt: [] });
        const index = new LiveIndex();
        index.add(settled(grant));
        const { from, until } = index.windowOf(grant.subject, grant.scope) as GrantWindow;
        expect({ from, until }).toEqual({ from: startsAt, until: startsAt + ttl });
      }
    });

    it('returns the grant of the row that it has now, after any changes (L12)', () => {
      const index = new LiveIndex();
      const rows = Array.from({ length: 20 }, (_, i) => settled(aGrant({ id: `r${i}.1`, requestId: `r${i}`, scope: `db:${i % 4}` })));
      const ids = () => [0, 1, 2, 3].map((i) => index.windowOf('user:maya', `db:${i}`)?.grant?.id);
      for (let i = 0; i < 20; i += 4) {
        for (const row of rows.slice(i, i + 4)) index.add(row);
        expect(ids()).toEqual(rows.slice(i, i + 4).map(({ id }) => id));
        for (const row of rows.slice(i, i + 4)) index.remove(row);
      }
    });

    describe('without a row of the pair', () => {
      /** Ann holds what Bob does not, and Bob what Ann does not. */
      const known = (subject = 'user:ann', scope = 'db:read') => {
        const index = new LiveIndex();
        const rows = [
          settled(aGrant({ subject, scope: 'db:write' })),
          settled(aGrant({ id: 'r2.1', requestId: 'r2', subject: 'user:bob' }), { scope }),
        ];
        for (const row of rows) index.add(row);
        return { index, rows, ask: () => index.windowOf(subject, scope) };
      };

      it('is an empty window, where rows of other pairs have the subject and the scope', () => {
        const { index, ask } = known();
        expect({ ...ask() }).toMatchObject({ from: 0, until: 0 });
        expect(ask()?.row).toBeUndefined();
        expect(index.windowOf('user:ann', 'db:write')?.until).toBeGreaterThan(0);
      });

      it('is undefined, where a check refuses the subject or the scope (L23)', () => {
        for (const subject of ['system:sweeper', ' user:ann', 'user:ann\u200b', 'a/run/b', ''])
          expect(known(subject).ask()).toBeUndefined();
        for (const scope of ['db:*', '**', 'db:', '', `db:${'x'.repeat(254)}`]) expect(known('user:ann', scope).ask()).toBeUndefined();
        const run = `agent:x/run/maya/${'0'.repeat(32)}`;
        expect(known(run).ask()).toBeDefined();
      });

      it('is an empty window for a valid name that no row has, or no longer has', () => {
        const { index, rows, ask } = known();
        for (const name of ['user:eve', 'sam', 'a/b', 'user:\u00e9ve']) expect(index.windowOf(name, 'db:read')?.until).toBe(0);
        expect(index.windowOf('user:ann', 'db:none')?.until).toBe(0);
        index.remove(rows[1] as Row);
        expect(ask()?.until).toBe(0);
      });

      it('is undefined for a name that no row has and no check accepts (L23)', () => {
        const { index } = known();
        const long = 'x'.repeat(257);
        for (const name of [undefined, null, {}, ['user:ann'], '', long, 'system', 'system:x', 'a/run/b', 'a b ', 'a\u200b', 'e\u0301'])
          expect(index.windowOf(name, 'db:read')).toBeUndefined();
        for (const name of [undefined, null, {}, ['db:read'], '', long, 'db:*', 'db::x', 'db:\u00e9', ':'.repeat(16)])
          expect(index.windowOf('user:ann', name)).toBeUndefined();
      });

      it('is undefined while a lock is open', () => {
        const { index, ask } = known();
        const lock = aRow({ kind: 'lock', id: 'open', subject: undefined, scope: undefined, until: undefined, dueAt: undefined });
        index.add(lock);
        expect(ask()).toBeUndefined();
        index.remove(lock);
        expect(ask()?.until).toBe(0);
      });
    });
  });

  it('removes only the given row object', () => {
    const index = new LiveIndex();
    const row = aRow({ id: 'a' });
    index.add(row);
    for (const other of [aRow({ id: 'a' }), aRow({ subject: 'user:noor' }), aRow({ scope: 'db:other' }), aRow({ open: false })]) {
      index.remove(other);
      expect(index.find('user:maya', undefined, START_AT)).toEqual([row]);
    }
    index.remove(row);
    index.remove(row);
    expect(index.find('user:maya', undefined, START_AT)).toEqual([]);
  });
});
