import { explain, preview } from 'jit-access/explain';
import { purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import { autoApprove, grantStatus, JitEngine, MemoryGrantStore } from '../src/index.js';
import { accessReport, readJournal, replay } from '../src/journal.js';
import { requestStatus, wasHeldAt, type Instant } from '../src/index.js';
import { definePolicy } from '../src/policy.js';
import { ManualClock } from '../src/testing.js';

const T0 = Date.UTC(2026, 2, 14, 2);
const HOUR = 3_600_000;
const ASK = { subject: 'user:maya', scope: 'db', ttl: '1h' } as const;

async function world() {
  const clock = new ManualClock(T0);
  const store = new MemoryGrantStore();
  const engine = new JitEngine({ clock, store, approver: autoApprove(() => true) });
  const { request, outcome, ...rest } = await engine.requestAccess(ASK);
  if (outcome !== 'granted' || !('grants' in rest)) throw new Error(outcome);
  return { clock, store, engine, request, grant: rest.grants[0] };
}

/** Runs for three days, so that a purge has a journal that confirms its horizon. */
async function later() {
  const made = await world();
  for (let day = 1; day <= 3; day++) {
    await made.clock.set(T0 + day * 24 * HOUR);
    await made.engine.requestAccess(ASK);
    await made.engine.sweep();
  }
  return made;
}

const policy = definePolicy({ rules: [{ id: 'r', scopes: ['db'], maxStartAhead: '2h', approve: true }] });
const subjects = (page: { readonly items: readonly { readonly subject: string }[] }) => page.items.map(({ subject }) => subject);

/** Every call that takes an instant: its argument's name, the instant, and the result. */
const places: readonly (readonly [string, string, number, (at: Instant) => Promise<unknown>])[] = [
  [
    'requestAccess',
    'startsAt',
    T0 + 2 * HOUR,
    async (startsAt) => (await (await world()).engine.requestAccess({ ...ASK, startsAt })).request.startsAt,
  ],
  ['a dry run', 'startsAt', T0 + 2 * HOUR, async (startsAt) => (await preview((await world()).engine, { ...ASK, startsAt })).outcome],
  [
    'explain',
    'startsAt',
    T0 + 2 * HOUR,
    async (startsAt) => (await explain((await world()).engine, 'user:zoe', 'db', { ask: { ttl: '1h', startsAt } })).asking?.outcome,
  ],
  ['whoHadAccess', 'at', T0, async (at) => subjects(await (await world()).engine.whoHadAccess({ scope: 'db', at }))],
  ['listGrants', 'during.from', T0, async (from) => subjects(await (await world()).engine.listGrants({ during: { from, to: T0 + 1 } }))],
  ['listGrants', 'during.to', T0 + 1, async (to) => subjects(await (await world()).engine.listGrants({ during: { from: T0, to } }))],
  ['purge', 'before', T0 + 25 * HOUR, async (before) => purge((await later()).engine, { before, by: 'user:olga', force: true })],
  ['replay', 'at', T0, async (at) => (await replay(readJournal((await later()).store), at)).grants.size],
  [
    'accessReport',
    'span.from',
    T0 + HOUR / 2,
    async (from) => (await accessReport(readJournal((await later()).store), { from, to: T0 + HOUR })).heldMs,
  ],
  [
    'accessReport',
    'span.to',
    T0 + HOUR / 2,
    async (to) => (await accessReport(readJournal((await later()).store), { from: T0, to })).heldMs,
  ],
  ['explain of a policy', 'startsAt', T0 + 3 * HOUR, async (startsAt) => policy.explain({ ...ASK, startsAt, at: T0 })],
  ['explain of a policy', 'at', T0, async (at) => policy.explain({ ...ASK, startsAt: T0 + 3 * HOUR, at })],
  [
    'ManualClock',
    'start',
    T0,
    (start) =>
      Promise.resolve()
        .then(() => new ManualClock(start))
        .then((clock) => [clock.now(), clock.elapsed()]),
  ],
  [
    'ManualClock.set',
    'instant',
    T0 + 7,
    async (instant) => {
      const clock = new ManualClock(T0);
      await clock.set(instant);
      return clock.now();
    },
  ],
];

describe('an instant from a caller', () => {
  it.each(places)('%s accepts a Date as %s, with the same result as its milliseconds', async (_, __, ms, give) => {
    const given = await give(ms);
    expect(await give(new Date(ms))).toEqual(given);
    expect(given).not.toBeUndefined();
  });

  it.each(places)('%s refuses an invalid Date as %s, and names it', async (_, argument, __, give) => {
    await expect(give(new Date(NaN))).rejects.toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT', argument });
  });

  it.each([0, 30 * 60_000, HOUR - 1, HOUR, 25 * HOUR])('the pure rules treat a Date %s ms on as its milliseconds', async (on) => {
    const { request, grant } = await world();
    if (grant === undefined) throw new Error('no grant');
    expect(wasHeldAt(grant, new Date(T0 + on))).toBe(on < HOUR);
    expect(grantStatus(grant, new Date(T0 + on))).toBe(on < HOUR ? 'active' : 'expired');
    const pending = { ...request, end: undefined, reviewBy: T0 + HOUR };
    expect(requestStatus(pending, new Date(T0 + on))).toBe(on < HOUR ? 'pending' : 'expired');
  });
});
