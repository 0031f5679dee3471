import { describe, expect, it } from 'vitest';
import {
  dismissProvisioning,
  failProvisioning,
  intendProvisioning,
  isCovered,
  isDue,
  isUpToDate,
  opensAt,
  retryProvisioning,
  settleProvisioning,
} from '../../src/lifecycle/provisioning.js';
import { isProvisioningPurgeable } from '../../src/lifecycle/purge.js';
import type { ProvisioningChange } from '../../src/records/index.js';
import { aGrant, START_AT } from '../../src/testing.js';

const at = (ms: number): number => START_AT + ms;
const moment = (now: number, over = {}) => ({
  now: at(now),
  highWater: at(now),
  forEnds: at(now),
  steppedBack: false,
  actor: 'user:sam',
  ...over,
});
const KEY = { id: 'e1', name: 'roles', subject: 'user:maya', scope: 'db-prod:write' };
const BACKOFF = { tries: 3, firstMs: 1_000, maxMs: 3_000 };

const intended = (over: Partial<ProvisioningChange> = {}, now = 0): ProvisioningChange => ({
  ...intendProvisioning(undefined, KEY, { held: true, seq: 5 }, moment(now)).result,
  ...over,
});
const done = { status: 'done', at: at(1), by: 'system:provisioning', reason: undefined } as const;
const stuck = { ...done, status: 'stuck' } as const;

describe('intendProvisioning()', () => {
  it('L25 L27 writes the whole record into its entry', () => {
    const { put, entries, result } = intendProvisioning(undefined, KEY, { held: true, seq: 5 }, moment(7));
    expect(result).toEqual({
      kind: 'provisioning',
      version: 1,
      ...KEY,
      held: true,
      seq: 5,
      intendedAt: at(7),
      failures: 0,
      problem: undefined,
      tryAt: at(7),
      changedAt: at(7),
      outcome: undefined,
    });
    expect(put).toEqual([result]);
    const { kind: _kind, id: provisioningId, ...fields } = result;
    expect(entries).toEqual([
      {
        type: 'provisioning.intended',
        at: at(7),
        actor: 'system:provisioning',
        data: JSON.parse(JSON.stringify({ provisioningId, ...fields })) as object,
      },
    ]);
  });

  it('replaces an earlier change that was not applied, and its outcome', () => {
    const before = intended({ failures: 2, problem: 'ETIMEDOUT', outcome: stuck, changedAt: at(1) });
    const { result } = intendProvisioning(before, KEY, { held: false, seq: 9 }, moment(2));
    expect(result).toMatchObject({ version: 2, held: false, seq: 9, failures: 0, problem: undefined, outcome: undefined });
  });

  it('L27 is stamped no earlier than the record, but due at once if the clock is behind', () => {
    const { result, entries } = intendProvisioning(intended({ changedAt: at(50) }), KEY, { held: false, seq: 9 }, moment(2));
    expect([result.changedAt, entries[0]?.at, result.tryAt]).toEqual([at(50), at(50), at(2)]);
  });
});

describe('isUpToDate()', () => {
  it.each([
    [undefined, false, true],
    [undefined, true, false],
    [intended({ held: true }), true, true],
    [intended({ held: true }), false, false],
    [intended({ held: false }), false, true],
    [intended({ held: false, outcome: stuck }), false, true],
  ])('case %#', (change, held, told) => {
    expect(isUpToDate(change, held)).toBe(told);
  });
});

describe('isDue()', () => {
  it.each([
    ['nothing', undefined, 0, false],
    ['a change at its instant', intended(), 0, true],
    ['a change one millisecond before its instant', intended(), -1, false],
    ['a change that is done', intended({ outcome: done }), 9, false],
    ['a change that is stuck', intended({ outcome: stuck }), 9, false],
  ])('%s', (_what, change, now, due) => {
    expect(isDue(change, moment(now))).toBe(due);
  });

  it('L47 is true for a change whose pause a wrong clock began, and false for one of a clock within the tolerance', () => {
    const failed = (now: number) => failProvisioning(intended(), 'ETIMEDOUT', BACKOFF, moment(now)).result;
    expect([60_000, 60_001, 365 * 86_400_000].map((now) => isDue(failed(now), moment(0)))).toEqual([false, true, true]);
  });

  it('L5 is judged at the highest reading, so that a step back delays nothing', () => {
    expect(isDue(intended(), moment(-5, { highWater: at(0) }))).toBe(true);
  });
});

describe('isCovered()', () => {
  const held = (over = {}) => ({ grant: aGrant(over), usage: undefined });

  it('is true while a grant is usable now', () => {
    expect(isCovered([], moment(0))).toBe(false);
    expect(isCovered([held()], moment(0))).toBe(true);
    expect(isCovered([held()], moment(15 * 60_000))).toBe(false);
    expect(
      isCovered([held({ end: { status: 'revoked', cause: 'revoked', at: at(0), by: 'user:sam', reason: undefined } })], moment(0)),
    ).toBe(false);
  });

  it('L47 [A8] counts no start that has not come on this clock, recorded or not', () => {
    expect(isCovered([held()], moment(-5))).toBe(false);
    expect(isCovered([held({ activatedAt: undefined })], moment(-5))).toBe(false);
  });
});

describe('opensAt()', () => {
  const uses = (...starts: number[]) =>
    starts.map((start) => ({ grant: aGrant({ startsAt: at(start), activatedAt: at(start) }), usage: undefined }));
  const waiting = (tryAt: number, over = {}) => intended({ held: false, tryAt: at(tryAt), ...over });

  it('L47 [A8] is the first recorded start that has not come on this clock', () => {
    expect(opensAt(undefined, uses(9, 5, 0, -5), moment(0))).toBe(at(5));
    expect(opensAt(undefined, uses(0), moment(0))).toBeUndefined();
    // A sweep records the start of the others.
    expect(
      opensAt(undefined, [{ grant: aGrant({ startsAt: at(5), activatedAt: undefined }), usage: undefined }], moment(0)),
    ).toBeUndefined();
  });

  it('L47 [A8] is the start of the window if a wrong clock confirmed it, and the confirmation within the tolerance', () => {
    const confirmed = (ms: number) => ({ grant: aGrant({ asksAtStart: true, startsAt: at(5), activatedAt: at(ms) }), usage: undefined });
    expect(opensAt(undefined, [confirmed(60_000)], moment(0))).toBe(at(60_000));
    expect(opensAt(undefined, [confirmed(60_001)], moment(0))).toBe(at(5));
  });

  it.each([
    ['a change that waits for it', waiting(5), false],
    ['a change that waits for a later one', waiting(6), true],
    ['a removal that is due', waiting(0), false],
    ['a removal that is done', waiting(0, { outcome: done }), true],
    ['a removal that is dismissed', waiting(0, { outcome: { ...done, status: 'dismissed' } }), true],
    ['a removal that is stuck', waiting(0, { outcome: stuck }), false],
  ])('L25 [A8] after %s', (_what, change, waits) => {
    expect(opensAt(change, uses(5), moment(0))).toBe(waits ? at(5) : undefined);
  });

  it('L34 [A8] lies after the highest reading, by which the change is due', () => {
    const start = opensAt(undefined, uses(5), moment(0, { highWater: at(7) }));
    expect(start).toBe(at(8));
    expect(isDue(waiting(8), moment(0, { highWater: at(7) }))).toBe(false);
  });
});

describe('settleProvisioning(), failProvisioning(), retryProvisioning(), dismissProvisioning()', () => {
  it('records that the target applied the change', () => {
    const { result, entries } = settleProvisioning(intended(), moment(3));
    expect(result).toMatchObject({ version: 2, changedAt: at(3), outcome: { status: 'done', at: at(3), by: 'system:provisioning' } });
    expect(entries).toMatchObject([{ type: 'provisioning.done', actor: 'system:provisioning', at: at(3) }]);
  });

  it('waits twice as long after each failure, at most the longest wait, with jitter between half and all of it', () => {
    const waits = [0, 1, 2, 3, 4].map((failures) => {
      const { result } = failProvisioning(intended({ failures }), 'ETIMEDOUT', { ...BACKOFF, tries: 9 }, moment(0));
      expect(result).toMatchObject({ failures: failures + 1, problem: 'ETIMEDOUT', outcome: undefined });
      return result.tryAt - at(0);
    });
    [1_000, 2_000, 3_000, 3_000, 3_000].forEach((longest, i) => {
      expect(waits[i]).toBeGreaterThanOrEqual(longest / 2);
      expect(waits[i]).toBeLessThanOrEqual(longest);
    });
  });

  it('records each failure as one entry, with the engine as its actor', () => {
    const { entries } = failProvisioning(intended(), 'ETIMEDOUT', BACKOFF, moment(4));
    expect(entries).toMatchObject([
      { type: 'provisioning.failed', actor: 'system:provisioning', at: at(4), data: { failures: 1, problem: 'ETIMEDOUT' } },
    ]);
  });

  it('spreads the retries of changes that failed together', () => {
    const waits = Array.from(
      { length: 200 },
      (_, i) =>
        failProvisioning(intended({ id: `e${i}` }), 'X', { ...BACKOFF, firstMs: 1_000_000, maxMs: 1_000_000 }, moment(0)).result.tryAt -
        at(0),
    );
    const quarter = (i: number) => waits.filter((wait) => wait >= 500_000 + i * 125_000 && wait < 625_000 + i * 125_000).length;
    for (const i of [0, 1, 2, 3]) expect(quarter(i)).toBeGreaterThan(20);
  });

  it('is stuck after the last failure', () => {
    const { result, entries } = failProvisioning(intended({ failures: 2 }), 'ETIMEDOUT', BACKOFF, moment(4));
    expect(result).toMatchObject({ failures: 3, problem: 'ETIMEDOUT', outcome: { status: 'stuck', at: at(4) } });
    expect(entries).toMatchObject([{ type: 'provisioning.stuck' }]);
  });

  it('a retry keeps the change, and does nothing for a change that is not stuck', () => {
    const before = intended({ failures: 3, problem: 'ETIMEDOUT', outcome: stuck, changedAt: at(1) });
    const { result, entries } = retryProvisioning(before, moment(8));
    expect(result).toMatchObject({ seq: 5, held: true, failures: 0, tryAt: at(8), outcome: undefined, version: 2 });
    expect(entries).toMatchObject([{ type: 'provisioning.retried', actor: 'user:sam' }]);
    for (const outcome of [undefined, done, { ...done, status: 'dismissed' } as const]) {
      expect(retryProvisioning(intended({ outcome }), moment(8))).toMatchObject({ put: [], entries: [] });
    }
  });

  it('dismisses a change that may not have been applied; a repeat is not recorded again, and a done change stays done', () => {
    for (const outcome of [undefined, stuck]) {
      const { result, entries } = dismissProvisioning(intended({ outcome }), 'by hand', moment(8));
      expect(result.outcome).toEqual({ status: 'dismissed', at: at(8), by: 'user:sam', reason: 'by hand' });
      expect(entries).toMatchObject([{ type: 'provisioning.dismissed', actor: 'user:sam' }]);
      expect(dismissProvisioning(result, 'again', moment(9))).toEqual({ result, put: [], entries: [] });
    }
    expect(dismissProvisioning(intended({ outcome: done }), undefined, moment(8))).toMatchObject({ put: [], entries: [] });
  });
});

describe('isProvisioningPurgeable()', () => {
  const told = (over: Partial<ProvisioningChange>) => intended({ held: false, changedAt: at(1), outcome: done, ...over });

  it.each([
    ['a done change that is not held', told({}), 2, true],
    ['a done change at its own instant', told({}), 1, false],
    ['a change that is held', told({ held: true }), 2, false],
    ['a change that is still to be applied', told({ outcome: undefined }), 2, false],
    ['a change that is stuck', told({ outcome: stuck }), 2, false],
    ['a change that was dismissed', told({ outcome: { ...done, status: 'dismissed' } }), 2, true],
  ])('L33 %s', (_what, change, before, purgeable) => {
    expect(isProvisioningPurgeable(change, at(before))).toBe(purgeable);
  });
});
