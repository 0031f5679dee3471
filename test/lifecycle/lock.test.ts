import { describe, expect, it } from 'vitest';
import {
  completeLock,
  expireLocks,
  liftLock,
  lockedUntil,
  lockOn,
  overdueLocks,
  setLock,
  type LockCommand,
} from '../../src/lifecycle/lock.js';
import { missingApprovals, reviewRequest } from '../../src/lifecycle/review.js';
import { AS_REQUESTED } from '../../src/lifecycle/narrowing.js';
import { recordTime } from '../../src/lifecycle/sweep.js';
import type { Moment } from '../../src/lifecycle/transition.js';
import type { Lock } from '../../src/index.js';
import type { Locks } from '../../src/journal.js';
import { makeLocks } from '../../src/records/index.js';
import { aGrant, aRequest, START_AT } from '../../src/testing.js';
import { refusal } from '../engine/an-engine.js';
import { aQuorum } from './a-quorum.js';
import { APPROVE } from './a-review.js';

const OPS = 'user:ops';
const at = (ms: number): number => START_AT + ms;
const moment = (ms: number, actor = OPS): Moment => ({
  now: at(ms),
  highWater: at(ms),
  forEnds: at(ms),
  steppedBack: false,
  actor,
});
const aLock = (over: Partial<Lock> = {}): Lock => ({
  id: 'l1',
  subject: 'user:maya',
  scope: undefined,
  by: OPS,
  at: at(0),
  until: undefined,
  completedAt: at(0),
  ...over,
});
const rowOf = (...locks: readonly Lock[]): Locks => makeLocks({ version: 3, locks, ended: [] });
const command = (over: Partial<LockCommand> = {}): LockCommand => ({
  id: 'l1',
  subject: 'user:maya',
  scope: undefined,
  until: undefined,
  reason: 'INC-9',
  ...over,
});
const NOTHING = { put: [], entries: [] };

describe('setLock()', () => {
  it('writes the next version of the row, and the whole row into its entry', () => {
    const { result, put, entries } = setLock(rowOf(aLock({ id: 'l0' })), command(), moment(5));
    expect(result).toMatchObject({ reused: false, lock: { id: 'l1', at: at(5), completedAt: undefined } });
    expect(put).toMatchObject([{ kind: 'lock', id: 'open', version: 4, locks: [{ id: 'l0' }, { id: 'l1' }], ended: [] }]);
    expect(entries).toMatchObject([{ type: 'lock.set', actor: OPS, data: { lockId: 'l1', version: 4, reason: 'INC-9' } }]);
  });

  it('returns the lock of its id, and nothing for another lock (L11)', () => {
    expect(setLock(rowOf(aLock()), command(), moment(5))).toMatchObject({ ...NOTHING, result: { reused: true, lock: { id: 'l1' } } });
    expect(setLock(rowOf(aLock()), command({ until: at(9) }), moment(5)).result).toBeUndefined();
    expect(setLock(rowOf(aLock()), command({ subject: undefined, scope: 'a:b' }), moment(5)).result).toBeUndefined();
    const onScope = rowOf(aLock({ subject: undefined, scope: 'a:b' }));
    expect(setLock(onScope, command({ subject: undefined, scope: 'a:b' }), moment(5)).result?.reused).toBe(true);
    expect(setLock(onScope, command({ subject: undefined, scope: 'a:c' }), moment(5)).result).toBeUndefined();
  });

  it('writes the first row of a namespace', () => {
    expect(setLock(undefined, command(), moment(5)).put).toEqual([
      { kind: 'lock', id: 'open', version: 1, locks: [expect.objectContaining({ id: 'l1' })], ended: [] },
    ]);
  });

  it('is refused where 256 locks are open, and says what to do', async () => {
    const full = rowOf(...Array.from({ length: 256 }, (_, i) => aLock({ id: `x${i}` })));
    const error = await refusal(() => setLock(full, command(), moment(5)), 'ERR_JIT_LIMIT');
    expect(error).toMatchObject({ limit: 'locks', max: 256, got: 257 });
    expect((error as Error).message).toContain('at most 256 open locks; lift one, or lock a wider pattern');
    expect((error as Error).message).not.toContain('ended');
    expect(setLock(rowOf(...full.locks.slice(1)), command(), moment(5)).put).toHaveLength(1);
  });

  it.each([4, 5])('names a lock of a full row that has ended, by this clock, at its `until`: %i', async (until) => {
    const locks = Array.from({ length: 256 }, (_, i) => aLock({ id: `x${i}`, until: at(i === 7 ? until : 6) }));
    const { message } = (await refusal(() => setLock(rowOf(...locks), command(), moment(5)), 'ERR_JIT_LIMIT')) as Error;
    const ended = `lock x7 ended at ${new Date(at(until)).toISOString()} by this process's clock, which the journal does not confirm yet`;
    expect(message).toBe(`a namespace has at most 256 open locks; lift one, or lock a wider pattern: ${ended}`);
  });
});

describe('completeLock()', () => {
  it('is recorded once, and changes nothing without its lock', () => {
    const { put, entries } = completeLock(rowOf(aLock({ completedAt: undefined }), aLock({ id: 'l2' })), 'l1', moment(5));
    expect(put).toMatchObject([{ locks: [{ id: 'l1', completedAt: at(5) }, { id: 'l2' }] }]);
    expect(entries).toMatchObject([{ type: 'lock.completed', data: { lockId: 'l1' } }]);
    expect(completeLock(rowOf(aLock()), 'l1', moment(5))).toMatchObject(NOTHING);
    expect(completeLock(rowOf(aLock()), 'l9', moment(5))).toMatchObject(NOTHING);
    expect(completeLock(undefined, 'l1', moment(5))).toMatchObject(NOTHING);
  });
});

describe('liftLock()', () => {
  it('moves a complete lock to the ended ones, and leaves an unfinished one open', () => {
    const { result, put } = liftLock(rowOf(aLock()), 'l1', undefined, moment(5));
    expect(result).toMatchObject({ end: { status: 'lifted', at: at(5), by: OPS } });
    expect(put).toMatchObject([{ locks: [], ended: [{ id: 'l1' }] }]);
    expect(liftLock(put[0] as Locks, 'l1', undefined, moment(6))).toMatchObject({ ...NOTHING, result: { end: { at: at(5) } } });
    expect(liftLock(rowOf(aLock({ completedAt: undefined })), 'l1', undefined, moment(5))).toMatchObject(NOTHING);
  });

  it('records its reason, and who has lifted it', () => {
    const { entries } = liftLock(rowOf(aLock()), 'l1', 'INC-9 is over', moment(5));
    expect(entries).toMatchObject([{ type: 'lock.lifted', actor: OPS, data: { lockId: 'l1', reason: 'INC-9 is over' } }]);
  });

  it('is refused to the locked subject, and for an unknown lock', async () => {
    await refusal(() => liftLock(rowOf(aLock()), 'l1', undefined, moment(5, 'user:maya')), 'ERR_JIT_DENIED');
    const error = await refusal(() => liftLock(rowOf(aLock()), 'l9', undefined, moment(5)), 'ERR_JIT_NOT_FOUND');
    expect(error).toMatchObject({ kind: 'lock', id: 'l9' });
    await refusal(() => liftLock(undefined, 'l1', undefined, moment(5)), 'ERR_JIT_NOT_FOUND');
    expect(liftLock(rowOf(aLock({ subject: undefined, scope: 'a:b' })), 'l1', undefined, moment(5, 'user:maya')).put).toHaveLength(1);
  });

  it('keeps the 16 locks that ended last', () => {
    let row = rowOf(...Array.from({ length: 18 }, (_, i) => aLock({ id: `l${i}` })));
    for (let i = 0; i < 18; i++) row = liftLock(row, `l${i}`, undefined, moment(i)).put[0] as Locks;
    expect(row.ended.map(({ id }) => id)).toEqual(Array.from({ length: 16 }, (_, i) => `l${i + 2}`));
  });
});

describe('expireLocks()', () => {
  const expire = (row: Locks | undefined) => expireLocks(row, overdueLocks(row, at(5)), moment(5));

  it('records each lock whose until has passed, and no unfinished one', () => {
    const over = [aLock({ id: 'l1', until: at(5) }), aLock({ id: 'l2', until: at(4) })];
    const open = [aLock({ id: 'l3', until: at(6) }), aLock({ id: 'l4' }), aLock({ id: 'l5', until: at(1), completedAt: undefined })];
    const { put, entries } = expire(rowOf(...over, ...open));
    expect(entries.map(({ type, data }) => [type, data['lockId']])).toEqual([
      ['lock.expired', 'l1'],
      ['lock.expired', 'l2'],
    ]);
    expect(put).toMatchObject([{ version: 4, locks: open.map((lock) => ({ id: lock.id })) }]);
    expect(expire(rowOf(...open))).toMatchObject(NOTHING);
    expect(expire(undefined)).toMatchObject(NOTHING);
  });
});

describe('lockedUntil()', () => {
  const overlaps = (a: string, b: string) => a === b;
  const until = (...locks: readonly Lock[]) => lockedUntil(locks, overlaps, 'user:maya', 'a:b', at(5));

  it('is the last end of the locks that deny, and undefined where none does', () => {
    expect(until()).toBeUndefined();
    expect(until(aLock({ subject: 'user:noor' }), aLock({ until: at(5) }))).toBeUndefined();
    expect(until(aLock({ until: at(9) }), aLock({ subject: undefined, scope: 'a:b', until: at(7) }))).toBe(at(9));
    expect(until(aLock({ until: at(9) }), aLock())).toBe(Infinity);
    expect(until(aLock({ until: at(2), completedAt: undefined }))).toBe(Infinity);
  });

  it('finds the first open lock on one of the ids or scopes', () => {
    const locks = { row: rowOf(aLock({ until: at(5) }), aLock({ id: 'l2', subject: undefined, scope: 'a:b' })), overlaps };
    expect(lockOn(locks, { ids: [undefined, 'user:maya'], scopes: ['a:b'] }, at(5))?.id).toBe('l2');
    expect(lockOn(locks, { ids: ['user:maya'], scopes: [] }, at(5))).toBeUndefined();
    expect(lockOn({ row: undefined, overlaps }, { ids: ['user:maya'], scopes: ['a:b'] }, at(5))).toBeUndefined();
  });
});

describe('an approval under a lock on another scope', () => {
  const quorum = aQuorum({ groups: [{ name: 'g', approvals: 2 }], denials: 2 });
  const locks = { row: rowOf(aLock({ subject: undefined, scope: 'b' })), overlaps: (_: string, scope: string) => scope !== 'a' };
  const given = { reviewer: 'user:ana', verdict: 'approve', groups: ['g'], as: undefined, steps: undefined, at: START_AT } as const;
  const request = aRequest({
    ...{ scopes: ['a'], approver: 'x', quorum, assignedAt: START_AT },
    reviews: [{ ...given, reason: undefined, comment: undefined, ...AS_REQUESTED, auth: undefined }],
  });
  const groups = new Map([OPS, 'user:ana'].map((who) => [who, ['g']]));
  const issue = {
    ...{ subject: undefined, live: [], given: new Map(), locks, limits: { maxGrants: 9, warnBeforeMs: [] } },
    ...{ asksAtStart: false, origins: [], chains: [] },
  };
  const review = (verdict: 'approve' | 'deny', over: object = {}) =>
    reviewRequest(
      aRequest({ ...request, ...over }),
      { verdict, reason: undefined, comment: undefined, as: undefined, narrowing: AS_REQUESTED, auth: undefined, link: undefined },
      { groups, eligible: true, issue, locks, minTtlMs: 1 },
      moment(1),
    );

  it('counts, and completes the quorum', () => {
    expect(review('approve').result.request.end?.status).toBe('approved');
  });

  it('depends on the locks also where it completes nothing; a denial does not', () => {
    expect(review('approve', { reviews: [] }).dependsOn).toEqual([{ kind: 'lock', id: 'open', version: 3 }]);
    expect(review('deny', { reviews: [] }).dependsOn).toEqual([]);
  });
});

describe('a rule without the locks', () => {
  it('L30 approves nothing', () => {
    const quorum = aQuorum({ groups: [{ name: 'g', approvals: 1 }] });
    const context = { groups: new Map([[OPS, ['g']]]), eligible: undefined, issue: undefined, locks: undefined, minTtlMs: 1 };
    expect(() => reviewRequest(aRequest({ approver: 'x', quorum, assignedAt: START_AT }), APPROVE, context, moment(1))).toThrow(
      'an approval needs the locks',
    );
  });

  it('L30 records no start', () => {
    const grant = aGrant({ startsAt: at(5), issuedAt: at(0), activatedAt: undefined });
    expect(recordTime([{ grant, usage: undefined }], moment(5))).toMatchObject({ ...NOTHING, result: [] });
  });
});

describe('missingApprovals()', () => {
  it('lists none for a request without a quorum', () => {
    expect(missingApprovals(aRequest(), moment(0))).toEqual([]);
  });
});
