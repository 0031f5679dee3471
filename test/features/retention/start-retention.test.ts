import { purge, startRetention, type RetentionOptions } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import { JitEngine, MemoryGrantStore, type ClockError } from '../../../src/index.js';
import { verifyStore } from '../../../src/journal.js';
import { ManualClock } from '../../../src/testing.js';
import { isRetentionDue } from '../../../src/lifecycle/purge.js';
import { bookmark, readRetainedAt } from '../../../src/records/bookmark.js';
import { aGranted, anEngine, at, entriesOf, HOUR, MINUTE, refusal } from '../../engine/an-engine.js';

const DAY = 24 * HOUR;

async function turns(n = 60): Promise<void> {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
}

type Made = ReturnType<typeof anEngine>;

/** Lets a retention look at this instant. */
async function lookAt({ clock }: Pick<Made, 'clock'>, instant: number): Promise<void> {
  await clock.set(instant);
  await turns();
}

/** Another entry at this instant, so that the journal is not silent. */
async function live({ engine, clock }: Made, instant: number): Promise<void> {
  await clock.set(instant);
  const { id } = await aGranted(engine, { scope: `live:${instant}`, ttl: MINUTE });
  await engine.revoke(id, { by: 'user:ops' });
}

/** So many entries at this instant that the median entry of the journal is one of them. */
async function confirm(made: Made, instant: number): Promise<void> {
  for (let i = 0; i < 14; i++) {
    await made.clock.set(instant);
    await made.engine.revoke((await aGranted(made.engine, { scope: `now:${instant}:${i}`, ttl: MINUTE })).id, { by: 'user:ops' });
  }
}

const purges = async ({ store }: Pick<Made, 'store'>) =>
  (await entriesOf(store)).filter(({ type }) => type === 'journal.purged').map(({ actor, data }) => [actor, data['horizon']]);
const horizons = async (made: Made) => [...new Set((await purges(made)).map(([, horizon]) => horizon))];

describe('startRetention() (feature 11)', () => {
  it('L33 purges what ended longer ago than `keep`, as system:retention, and keeps the rest', async () => {
    const made = anEngine();
    const old = await aGranted(made.engine, { scope: 'old', ttl: MINUTE });
    for (let day = 1; day <= 9; day++) await live(made, at(day * DAY));
    await confirm(made, at(9 * DAY));
    await made.engine.sweep();
    const retention = startRetention(made.engine, { keep: '6d' });
    await turns();
    expect(await made.engine.getGrant(old.id)).toBeUndefined();
    const kept = (await made.engine.listGrants()).items.map(({ scope }) => scope).filter((scope) => scope.startsWith('live:'));
    expect(kept).toEqual([3, 4, 5, 6, 7, 8, 9].map((day) => `live:${at(day * DAY)}`).reverse());
    expect([...new Set((await purges(made)).map(([actor]) => actor))]).toEqual(['system:retention']);
    await refusal(made.engine.whoHadAccess({ scope: 'old', at: at(1) }), 'ERR_JIT_PURGED');
    expect(await verifyStore(made.store)).toMatchObject({ ok: true });
    await retention.stop();
    expect(made.clock.sleepers).toBe(0);
  });

  it('purges at most once a day for a namespace, also where several processes look', async () => {
    const made = anEngine();
    const other = anEngine({ store: made.store, clock: made.clock });
    for (let day = 0; day <= 9; day++) await live(made, at(day * DAY));
    made.store.inject('all', { fault: 'yield', seed: 3 });
    const both = [made, other].map(({ engine }) => startRetention(engine, { keep: '3d', every: '1h' }));
    await turns(300);
    const first = await horizons(made);
    expect(first).toHaveLength(1);
    for (let hour = 1; hour < 24; hour++) {
      await live(made, at(9 * DAY + hour * HOUR));
      await turns();
    }
    expect(await horizons(made)).toEqual(first);
    await live(made, at(10 * DAY));
    await turns(300);
    const second = await horizons(made);
    expect(second).toHaveLength(2);
    await lookAt(made, at(10 * DAY + HOUR));
    expect(await horizons(made)).toEqual(second);
    for (const retention of both) await retention.stop();
  });

  it('a purge by hand neither counts as the purge of the day nor forgets it', async () => {
    const made = anEngine();
    for (let day = 0; day <= 9; day++) await live(made, at(day * DAY));
    await confirm(made, at(9 * DAY));
    await purge(made.engine, { before: at(DAY), by: 'user:ops' });
    const retention = startRetention(made.engine, { keep: '5d' });
    await turns();
    expect(await horizons(made)).toEqual([at(DAY), at(4 * DAY)]);
    await purge(made.engine, { before: at(4 * DAY + HOUR), by: 'user:ops', force: true });
    await live(made, at(9 * DAY + HOUR));
    await turns();
    expect(await horizons(made)).toEqual([at(DAY), at(4 * DAY), at(4 * DAY + HOUR)]);
    await retention.stop();
  });

  it('L39 never forces: it reports a silent namespace once a day', async () => {
    const made = anEngine();
    await live(made, at(0));
    await confirm(made, at(6 * DAY));
    const retention = startRetention(made.engine, { keep: '1d', every: '7h' });
    await turns();
    expect(await horizons(made)).toEqual([at(5 * DAY)]);
    for (let hour = 25; hour < 72; hour++) await lookAt(made, at(6 * DAY + hour * HOUR));
    expect(await horizons(made)).toHaveLength(1);
    const reports = made.told.filter(({ during }) => during === 'retention');
    expect(reports.map(({ error }) => (error as ClockError).code)).toEqual(['ERR_JIT_CLOCK', 'ERR_JIT_CLOCK']);
    await retention.stop();
  });

  it('L39 counts the kept time back from the median entry where the clock is ahead of it', async () => {
    const made = anEngine();
    for (let i = 0; i < 9; i++) await live(made, at(i));
    await live(made, at(6 * DAY));
    const retention = startRetention(made.engine, { keep: '1d' });
    await turns();
    const [horizon] = await horizons(made);
    expect(horizon).toBeGreaterThanOrEqual(at(0) - DAY);
    expect(horizon).toBeLessThan(at(1_000) - DAY);
    await retention.stop();
  });

  it('L39 a process whose clock is a year ahead purges nothing that is younger than the kept time', async () => {
    const made = anEngine();
    for (let i = 0; i < 9; i++) await live(made, at(i * HOUR));
    const clock = new ManualClock(at(365 * DAY));
    const ahead = anEngine({ store: made.store, clock });
    // One refused attempt is an entry with that clock, so the journal is not silent for it.
    await ahead.engine.approve('no-request', { by: 'user:mole' }).catch(() => undefined);
    const [pending] = (await made.engine.listRequests({ subject: 'user:maya' })).items;
    await ahead.engine.approve(pending?.id ?? '', { by: 'user:mole' }).catch(() => undefined);
    await ahead.engine.flushAudit();
    const retention = startRetention(ahead.engine, { keep: '90d' });
    await turns();
    await retention.stop();
    for (const horizon of await horizons(made)) expect(horizon).toBeLessThanOrEqual(at(8 * HOUR) - 90 * DAY);
    expect((await entriesOf(made.store))[0]?.seq).toBe(1);
  });

  it('does nothing for an empty namespace, and nothing twice', async () => {
    const made = anEngine();
    const retention = startRetention(made.engine, { keep: '1d' });
    await turns();
    expect(await entriesOf(made.store)).toEqual([]);
    expect(made.told).toEqual([]);
    await retention.stop();
    await retention.stop();
  });

  it.each([
    [1, 30],
    [40, 2],
  ])('L33 [FE5] keeps no record for more than five days beyond `keep`: %i asks a day, %i days', async (asks, keep) => {
    const made = anEngine();
    const days = keep + 12;
    for (let day = 0; day < days; day++) {
      for (let i = 0; i < asks; i++) await live(made, at(day * DAY) + i * MINUTE);
    }
    const now = at((days - 1) * DAY) + asks * MINUTE;
    await lookAt(made, now);
    const retention = startRetention(made.engine, { keep: `${keep}d` });
    await turns(400);
    await retention.stop();
    const [horizon] = (await horizons(made)) as number[];
    expect(now - (horizon ?? 0)).toBeGreaterThanOrEqual(keep * DAY);
    expect(now - (horizon ?? 0)).toBeLessThan((keep + 5) * DAY);
  });

  it('L39 [FE5] a clock that has jumped ahead confirms nothing, until it alone has written on the last eight days', async () => {
    const made = anEngine();
    for (let day = 0; day < 30; day++) await live(made, at(day * DAY));
    const horizonOn = async (day: number): Promise<number> => {
      await live(made, at(day * DAY));
      const retention = startRetention(made.engine, { keep: '28d' });
      await turns(200);
      await retention.stop();
      return Math.max(0, ...((await horizons(made)) as number[]));
    };
    for (const day of [300, 301, 302, 303, 304, 305, 306]) expect(await horizonOn(day)).toBeLessThan(at(30 * DAY));
    expect(await horizonOn(307)).toBe(at((303 - 28) * DAY));
  });

  it('L38 reports a store that fails to onError, during retention, and looks again', async () => {
    const made = anEngine();
    for (let day = 0; day <= 9; day++) await live(made, at(day * DAY));
    made.store.inject('get', { fault: 'reject' });
    const retention = startRetention(made.engine, { keep: '3d' });
    await turns();
    expect(made.told.map(({ during }) => during)).toEqual(['retention']);
    made.store.clear();
    await lookAt(made, at(9 * DAY + HOUR));
    expect(await horizons(made)).toHaveLength(1);
    await retention.stop();
  });

  it('ends with its engine, which waits for a running purge', async () => {
    const made = anEngine();
    for (let day = 0; day <= 9; day++) await live(made, at(day * DAY));
    startRetention(made.engine, { keep: '3d' });
    await made.engine.close();
    expect(made.clock.sleepers).toBe(0);
    expect((await purges(made)).length).toBeGreaterThan(0);
    expect(() => startRetention(made.engine, { keep: '3d' })).toThrow('closed');
  });

  it('survives a clock that fails, and a second of real time passes between two looks', async () => {
    let isFailing = false;
    const clock = {
      now: () => {
        if (isFailing) throw new Error('no clock');
        return at(0);
      },
      sleep: () => Promise.reject(new Error('no sleep')),
    };
    const errors: unknown[] = [];
    const engine = new JitEngine({
      store: new MemoryGrantStore(),
      approver: { name: 'x', decide: () => ({ outcome: 'abstain' }) },
      clock,
      onError: (error) => errors.push(error),
    });
    isFailing = true;
    const retention = startRetention(engine, { keep: '1d' });
    await turns();
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.length).toBeLessThan(4);
    await retention.stop();
  });

  it('refuses a wrong option and a runtime without lasting timers', async () => {
    const { engine } = anEngine();
    const start = (options: object) => () => startRetention(engine, options as RetentionOptions);
    expect(await refusal(start({}), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument: 'keep' });
    for (const keep of ['23h', DAY - 1, 0, '1 day', undefined, null, new Date()])
      expect(await refusal(start({ keep }), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument: 'keep' });
    for (const every of [0, -1, 'x', null])
      expect(await refusal(start({ keep: '1d', every }), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument: 'every' });
    for (const options of [undefined, null, { keep: '1d', force: true }, { keep: '1d', before: 1 }])
      await refusal(start(options as object), 'ERR_JIT_INVALID_ARGUMENT');
    const { setTimeout: timer } = globalThis;
    try {
      Reflect.deleteProperty(globalThis, 'setTimeout');
      const plain = new JitEngine({ store: new MemoryGrantStore(), approver: { name: 'x', decide: () => ({ outcome: 'abstain' }) } });
      expect((await refusal(() => startRetention(plain, { keep: '1d' }), 'ERR_JIT_CLOCK')).message).toContain('call purge instead');
    } finally {
      globalThis.setTimeout = timer;
    }
  });
});

describe('isRetentionDue() (feature 11)', () => {
  it.each([
    [0, at(0), true],
    [at(0), at(DAY) - 1, false],
    [at(0), at(DAY), true],
    // A claim that a wrong clock recorded does not count (L47).
    [at(MINUTE), at(0), false],
    [at(MINUTE) + 1, at(0), true],
  ])('last at %d, now %d: %s', (lastAt, now, isDue) => {
    expect(isRetentionDue(lastAt, now)).toBe(isDue);
  });
});

describe('readRetainedAt() (feature 11)', () => {
  it('L30 is 0 without a claim, and refuses a malformed one', async () => {
    const row = (body: object) => bookmark('horizon', 'horizon', 1, { before: 0, ...body });
    expect([undefined, row({}), row({ retainedAt: 7 })].map(readRetainedAt)).toEqual([0, 0, 7]);
    for (const retainedAt of [null, '7', -1, 1.5]) await refusal(() => readRetainedAt(row({ retainedAt })), 'ERR_JIT_CORRUPT');
  });
});
