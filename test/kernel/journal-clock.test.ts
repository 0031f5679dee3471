import { readdirSync, readFileSync } from 'node:fs';
import { acceptClock, purge } from 'jit-access/retention';
import { preview } from 'jit-access/explain';
import { describe, expect, it } from 'vitest';
import { autoApprove, MemoryGrantStore, type JitEngine } from '../../src/index.js';
import { replay, verifyStore } from '../../src/journal.js';
import { touchHorizon } from '../../src/records/bookmark.js';
import { encode } from '../../src/records/index.js';
import { makeReuse } from '../../src/records/reuse.js';
import type { UnlinkedEntry } from '../../src/store.js';
import { aChange, anEntry, FaultyStore, ManualClock, ScriptedApprover } from '../../src/testing.js';
import {
  aGranted,
  anEngine,
  aPending,
  ask,
  at,
  entriesOf,
  HOUR,
  LEE,
  MAYA,
  MINUTE,
  refusal,
  SAM,
  SCOPE,
  typesOf,
} from '../engine/an-engine.js';
import { CONFLICT } from '../commit-answers.js';

const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const CISO = 'user:ciso';
const EVE = 'user:eve';

/** The code that a call rejects with; `undefined` if it resolves. */
const codeOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => String((error as { code?: unknown }).code),
  );

/** A process of the fleet, with a clock of its own on the one store. */
function aProcess(store: FaultyStore, now: number, options: Parameters<typeof anEngine>[0] = {}) {
  const clock = new ManualClock(now);
  return { ...anEngine({ store, clock, approver: autoApprove(() => true), ...options }), clock };
}

/** A store with entries of processes with right clocks until `at(0)`; the last entries are at most two hours old. */
async function aFleet() {
  const store = new FaultyStore(new MemoryGrantStore());
  const { engine, clock } = aProcess(store, at(-100 * DAY));
  for (const ago of [100 * DAY, 50 * DAY, 2 * HOUR, HOUR, 0]) {
    await clock.set(at(-ago));
    await aGranted(engine, { scope: `a:${ago}`, ttl: MINUTE });
    await clock.advance(2 * MINUTE);
    await engine.sweep();
  }
  return { engine, clock, store };
}

const countOf = async (store: FaultyStore, kind: string) => (await store.find({ kind, limit: 1_000 })).items.length;

describe('purge() on a clock that is ahead', () => {
  for (const writes of [false, true]) {
    it(`L39 removes no history of the fleet and sets no horizon, ${writes ? 'also if it has written an entry itself' : 'if it has written no entry'} [H5]`, async () => {
      const { engine, store, clock } = await aFleet();
      const ahead = aProcess(store, at(YEAR));
      if (writes) await aGranted(ahead.engine, { scope: 'b:one' });
      const before = { grants: await countOf(store, 'grant'), entries: (await entriesOf(store)).length };
      const code = await codeOf(purge(ahead.engine, { before: at(YEAR - 90 * DAY), by: CISO }));
      expect({ grants: await countOf(store, 'grant'), entries: (await entriesOf(store)).length }).toEqual(before);
      expect(code).toBe('ERR_JIT_CLOCK');
      await clock.set(at(30 * DAY));
      expect((await engine.whoHadAccess({ scope: 'a:0', at: at(MINUTE / 2) })).items).toHaveLength(1);
    });
  }

  it('L39 accepts a horizon that most of the newest entries have passed [H5]', async () => {
    const { engine, store, clock } = await aFleet();
    const ahead = aProcess(store, at(YEAR));
    await aGranted(ahead.engine, { scope: 'b:one' });
    // The other processes continue with their clocks; the process that is ahead is not the majority.
    await clock.set(at(3 * DAY));
    for (let i = 0; i < 30; i++) await aGranted(engine, { scope: `c:${i}` }).catch(() => undefined);
    const report = await purge(engine, { before: at(-90 * DAY), by: CISO });
    expect(report).toMatchObject({ horizon: at(-90 * DAY), requests: 1, grants: 1 });
    expect(await codeOf(purge(ahead.engine, { before: at(30 * DAY), by: CISO }))).toBe('ERR_JIT_CLOCK');
  });

  it('L39 refuses a horizon within the last day without force, and a future horizon even with force [H5]', async () => {
    const { engine, store, clock } = await aFleet();
    await clock.set(at(HOUR));
    expect(await codeOf(purge(engine, { before: at(HOUR) - DAY + 1, by: CISO }))).toBe('ERR_JIT_INVALID_ARGUMENT');
    expect(await countOf(store, 'grant')).toBe(5);
    expect(await purge(engine, { before: at(-DAY), by: CISO, force: true })).toMatchObject({ grants: 2 });
    expect(await purge(engine, { before: at(HOUR), by: CISO, force: true })).toMatchObject({ grants: 3 });
    expect(await codeOf(purge(engine, { before: at(HOUR) + 1, by: CISO, force: true }))).toBe('ERR_JIT_INVALID_ARGUMENT');
    for (const force of [1, 'true', null, {}] as never[]) {
      expect(await codeOf(purge(engine, { before: at(0), by: CISO, force }))).toBe('ERR_JIT_INVALID_ARGUMENT');
    }
  });

  it('L39 requires force if the namespace has been silent for more than a day [H5]', async () => {
    const { engine, store, clock } = await aFleet();
    const newest = (await entriesOf(store)).at(-1)?.at ?? 0;
    await clock.set(newest + DAY);
    expect(await codeOf(purge(engine, { before: at(-60 * DAY), by: CISO }))).toBe(undefined);
    await clock.set(newest + 3 * DAY + 1);
    expect(await codeOf(purge(engine, { before: at(-50 * DAY), by: CISO }))).toBe('ERR_JIT_CLOCK');
    expect(await purge(engine, { before: at(-40 * DAY), by: CISO, force: true })).toMatchObject({ grants: 1 });
  });

  it('L33 sets no horizon in an empty namespace [H5]', async () => {
    const { engine, store, clock } = anEngine({ clock: new ManualClock(at(YEAR)) });
    await purge(engine, { before: at(YEAR - 90 * DAY), by: CISO });
    expect((await store.find({ kind: 'horizon', limit: 1 })).items).toEqual([]);
    await clock.set(at(0));
    expect((await engine.whoHadAccess({ scope: SCOPE, at: at(0) })).items).toEqual([]);
  });

  it('L33 removes nothing where only the journal was lost, and reports the horizon that is recorded', async () => {
    const store = new MemoryGrantStore();
    const key = makeReuse({ id: 'key', version: 1, subject: MAYA, requestId: 'gone', askDigest: 'digest' });
    await store.commit({ id: 'restored', expect: [], put: [touchHorizon(undefined, at(0)).put, encode(key)], append: [] });
    const { engine } = anEngine({ store, clock: new ManualClock(at(YEAR)) });
    const report = { horizon: at(0), requests: 0, grants: 0, journalStart: 0 };
    expect(await purge(engine, { before: at(YEAR - 90 * DAY), by: CISO })).toEqual(report);
    expect((await store.find({ kind: 'reuse', limit: 1 })).items).toHaveLength(1);
  });

  it('L39 L42 judges the clock by the last thousand entries, not by all of them [H5]', async () => {
    const { store } = await aFleet();
    const { clock, engine } = aProcess(store, at(40 * DAY));
    for (let i = 0; i < 600; i++) {
      await engine.requestAccess({ subject: `user:${i}`, scope: SCOPE, ttl: MINUTE });
    }
    await clock.advance(HOUR);
    expect(await purge(engine, { before: at(30 * DAY), by: CISO })).toMatchObject({ horizon: at(30 * DAY), grants: 5 });
  });
});

/** The engine's own actors, each with what makes it write. None of them confirms a clock (L39). */
const OWN_ACTORS: Readonly<Record<string, string>> = {
  'system:approver': 'A verdict, also of an approver that a sweep asks.',
  'system:engine': 'Refused attempts of all callers that have no room of their own.',
  'system:provisioning': 'A call to an external system.',
  'system:retention': 'The daily purge.',
  'system:sweeper': 'A sweep, or a record that has ended by time and is read.',
  'system:use': 'The recorded uses of checks.',
  'system:withheld': 'Only sinks receive it.',
};

describe('the entries that confirm a clock', () => {
  it('L39 has a row for each actor of the engine that its sources name [M1]', () => {
    const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.startsWith('testing'),
    );
    const named = sources.flatMap((file) =>
      readFileSync(`src/${file}`, 'utf8')
        .split('\n')
        .flatMap((line) => (/^\s*(?:\*|\/[/*])/.test(line) ? [] : (line.match(/system:[a-z-]+(?=['"`])/g) ?? []))),
    );
    expect([...new Set(named)].sort()).toEqual(Object.keys(OWN_ACTORS));
  });

  const later = at(60 * DAY);
  const entryOf = (i: number, over: Partial<UnlinkedEntry>) =>
    anEntry({ id: `late.${i}`, at: later, requestId: undefined, grantId: undefined, ...over });
  const locked = { end: { status: 'revoked', cause: 'locked', at: later, by: CISO } };

  it.each([
    ...Object.keys(OWN_ACTORS).map((actor) => [actor, { actor }, 'ERR_JIT_CLOCK'] as const),
    ['the end of a lock', { actor: CISO, type: 'lock.completed' }, 'ERR_JIT_CLOCK'] as const,
    ['access that a lock ends', { actor: CISO, type: 'grant.revoked', data: locked }, 'ERR_JIT_CLOCK'] as const,
    ['access that a caller ends', { actor: CISO, type: 'grant.revoked' }, undefined] as const,
  ])('L39 any number of entries confirms a clock only if callers wrote them: %s [M1]', async (_, over, code) => {
    const { store } = await aFleet();
    await store.commit(aChange({ append: Array.from({ length: 100 }, (_n, i) => entryOf(i, over)) }));
    const { engine } = aProcess(store, later);
    expect(await codeOf(purge(engine, { before: at(30 * DAY), by: CISO }))).toBe(code);
  });
});

describe('a process whose clock is behind the journal', () => {
  /** Another process has written at `at(2.5 h)`; this process starts at `at(0)`. */
  async function behind(options: Parameters<typeof anEngine>[0] = {}) {
    const approver = new ScriptedApprover({
      decide: ({ scopes: [scope] }) =>
        scope === 'open'
          ? { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } }
          : { outcome: 'approve', terms: { maxUses: 3 } },
      groupsOf: ['ops'],
      breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
      isEligible: true,
    });
    const store = new FaultyStore(new MemoryGrantStore());
    const first = aProcess(store, at(0), { approver });
    const grant = await aGranted(first.engine, { scope: 'held', ttl: '8h' });
    const open = await aPending(first.engine, { scope: 'open', ttl: '8h' });
    const other = await aPending(first.engine, { subject: EVE, scope: 'open', ttl: '8h' });
    const spare = await aPending(first.engine, { subject: LEE, scope: 'open', ttl: '8h' });
    await first.clock.set(at(2.5 * HOUR));
    await first.engine.cancel(other.id, { by: EVE });
    return { first, grant, open, spare, approver, ...aProcess(store, at(0), { approver, ...options }) };
  }

  it('L5 L39 creates no access, reports that to onError, and still checks, denies and releases [M14]', async () => {
    const { engine, told, grant, open } = await behind();
    const creates = {
      requestAccess: () => ask(engine, { scope: 'new' }),
      extend: () => engine.extend(grant.id, { ttl: MINUTE, requestedBy: MAYA }),
      breakGlass: () => engine.breakGlass({ subject: EVE, scope: 'new', ttl: MINUTE, justification: 'INC-1' }),
      approve: () => engine.approve(open.id, { by: SAM }),
      consume: () => engine.consume(MAYA, 'held'),
    };
    for (const [verb, create] of Object.entries(creates)) expect(await codeOf(create()), verb).toBe('ERR_JIT_CLOCK');
    expect(told.filter(({ error }) => (error as { code?: string }).code === 'ERR_JIT_CLOCK').map(({ during }) => during)).toContain(
      'clock',
    );
    expect(await engine.isAllowed(MAYA, 'held')).toBe(true);
    expect((await engine.deny(open.id, { by: SAM })).outcome).toBe('denied');
    expect((await engine.release(grant.id, { by: MAYA })).end?.cause).toBe('released');
    expect(await engine.isAllowed(MAYA, 'held')).toBe(false);
  });

  it('L5 L39 still revokes [M14]', async () => {
    const { engine, grant } = await behind();
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe('ERR_JIT_CLOCK');
    expect((await engine.revoke(grant.id, { by: SAM })).end?.cause).toBe('revoked');
    expect(await engine.isAllowed(MAYA, 'held')).toBe(false);
  });

  it('L5 L39 still cancels [M14]', async () => {
    const { engine, open } = await behind();
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe('ERR_JIT_CLOCK');
    await engine.cancel(open.id, { by: MAYA });
    expect((await engine.getRequest(open.id))?.request.end?.status).toBe('cancelled');
  });

  it('L39 creates access again once its clock has passed the entry [M14]', async () => {
    const { engine, clock } = await behind();
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe('ERR_JIT_CLOCK');
    await clock.set(at(2.5 * HOUR) - 1);
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe('ERR_JIT_CLOCK');
    await clock.set(at(2.5 * HOUR));
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe(undefined);
    await clock.set(at(2.5 * HOUR) - 1);
    expect(await codeOf(ask(engine, { scope: 'newer' }))).toBe(undefined);
  });

  it('L39 creates access again once another process writes near its reading, but not after its own entries [M14]', async () => {
    const { engine, clock, store, first, open, spare } = await behind();
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe('ERR_JIT_CLOCK');
    // Its own entry, an entry of an engine over the same clock, and one of a clock that is as wrong as before.
    await engine.deny(open.id, { by: SAM });
    await clock.advance(MINUTE);
    const twin = anEngine({ store, clock, approver: autoApprove(() => true) });
    await twin.engine.revokeAll({ subject: MAYA }, { by: CISO });
    await ask(first.engine, { subject: EVE, scope: 'more' });
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe('ERR_JIT_CLOCK');
    // Two processes that agree.
    const right = aProcess(store, at(2 * MINUTE));
    await right.engine.cancel(spare.id, { by: LEE });
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe(undefined);
  });

  it('L39 recognises its own entries after any number of changes without entries [M14]', async () => {
    const { store } = await aFleet();
    const { engine } = aProcess(store, at(-3 * HOUR));
    // A store on several servers confirms an end that it finds with an empty change.
    Object.defineProperty(store, 'durability', { value: 'server' });
    expect(await codeOf(engine.consume(EVE, 'new'))).toBe('ERR_JIT_DENIED');
    await engine.idle();
    expect((await typesOf(store)).at(-1)).toBe('attempt.refused');
    const [ended] = (await store.find({ kind: 'grant', limit: 1 })).items;
    for (let i = 0; i < 2_001; i++) await engine.revoke(ended?.id as string, { by: CISO });
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe('ERR_JIT_CLOCK');
  });

  it('L39 records no acceptance once its clock has passed the entry [M14]', async () => {
    const { engine, clock, store } = await behind();
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe('ERR_JIT_CLOCK');
    await clock.set(at(2.5 * HOUR));
    expect(await acceptClock(engine, { by: CISO })).toEqual({ accepted: false, now: at(2.5 * HOUR), newest: undefined });
    expect(await typesOf(store)).not.toContain('clock.accepted');
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe(undefined);
  });

  it('L39 still records an acceptance that lost a race [M14]', async () => {
    const { store } = await aFleet();
    const { engine } = aProcess(store, at(-3 * HOUR));
    await refusal(ask(engine, { scope: 'b' }), 'ERR_JIT_CLOCK');
    const commit = store.commit.bind(store);
    let races = 1;
    store.commit = async (change) => (races-- > 0 ? CONFLICT : commit(change));
    expect(await acceptClock(engine, { by: CISO })).toMatchObject({ accepted: true });
    expect(await typesOf(store)).toContain('clock.accepted');
  });

  it('L39 creates access again once a person accepts its clock, which is recorded in the journal [M14]', async () => {
    const { engine, store, told } = await behind();
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe('ERR_JIT_CLOCK');
    const answer = await acceptClock(engine, { by: CISO, reason: 'INC-7: node 4 was ahead' });
    expect(answer).toEqual({ accepted: true, now: at(0), newest: at(2.5 * HOUR) });
    const entries = await entriesOf(store);
    expect(entries.at(-1)).toMatchObject({
      type: 'clock.accepted',
      at: at(0),
      actor: CISO,
      data: { reading: at(0), newest: at(2.5 * HOUR), reason: 'INC-7: node 4 was ahead' },
    });
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe(undefined);
    // Nothing is left to accept, and no other acceptance is recorded.
    expect(await acceptClock(engine, { by: CISO })).toEqual({ accepted: false, now: at(0), newest: undefined });
    expect((await typesOf(store)).filter((type) => type === 'clock.accepted')).toHaveLength(1);
    expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [] });
    expect((await replay(entries)).grants.size).toBe(1);
    expect(told.filter(({ during }) => during === 'clock').length).toBeGreaterThan(0);
  });

  it('L39 one acceptance also covers a process that starts later [M14]', async () => {
    const { engine, store } = await behind();
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe('ERR_JIT_CLOCK');
    await acceptClock(engine, { by: CISO });
    expect(await codeOf(ask(aProcess(store, at(0)).engine, { scope: 'new' }))).toBe(undefined);
  });

  for (const [what, begin] of Object.entries({
    'a dry run': (engine: JitEngine) => preview(engine, { subject: MAYA, scope: 'new', ttl: MINUTE }),
    'a refused attempt': (engine: JitEngine) => engine.consume(EVE, 'new'),
    'three hundred refused attempts': async (engine: JitEngine, clock: ManualClock) => {
      for (let i = 0; i < 300; i++) {
        await codeOf(engine.consume(`user:${i}`, 'new'));
        await clock.advance(1_000);
      }
    },
  })) {
    it(`L39 is not confirmed by its own entries: it creates no access after ${what} either [M14]`, async () => {
      const { engine, clock, store } = await behind();
      await codeOf(begin(engine, clock));
      await engine.idle();
      expect((await entriesOf(store)).at(-1)?.at).toBeLessThan(at(HOUR));
      expect(await codeOf(ask(engine, { scope: 'new' }))).toBe('ERR_JIT_CLOCK');
      const twin = anEngine({ store, clock, approver: autoApprove(() => true) });
      expect(await codeOf(ask(twin.engine, { scope: 'new' }))).toBe('ERR_JIT_CLOCK');
      // An acceptance counts for every engine of the process.
      await acceptClock(engine, { by: CISO });
      expect(await codeOf(ask(twin.engine, { scope: 'new' }))).toBe(undefined);
    });
  }

  it('L39 an engine created later in a process with a right clock needs no other process [M14]', async () => {
    const { store, first } = await behind();
    await ask(aProcess(store, at(365 * DAY)).engine, { subject: EVE, scope: 'ahead' });
    await ask(first.engine, { subject: SAM, scope: 'more' });
    const later = anEngine({ store, clock: first.clock, approver: autoApprove(() => true) });
    expect(await codeOf(ask(later.engine, { scope: 'new' }))).toBe(undefined);
    // But not after its clock has stepped back: its new entries carry wrong instants.
    await first.clock.set(at(0));
    await codeOf(first.engine.consume(LEE, 'none'));
    await first.engine.idle();
    const last = anEngine({ store, clock: first.clock, approver: autoApprove(() => true) });
    expect(await codeOf(ask(last.engine, { scope: 'newer' }))).toBe('ERR_JIT_CLOCK');
  });

  it('L6 ignores a difference within a second plus the leeway [M14]', async () => {
    for (const [below, leewayMs, code] of [
      [1_000, 0, undefined],
      [1_001, 0, 'ERR_JIT_CLOCK'],
      [1_500, 500, undefined],
      [1_501, 500, 'ERR_JIT_CLOCK'],
    ] as const) {
      const store = new FaultyStore(new MemoryGrantStore());
      await aGranted(aProcess(store, at(HOUR)).engine, { scope: 'a' });
      expect(await codeOf(ask(aProcess(store, at(HOUR - below), { leewayMs }).engine, { scope: 'b' })), `${below}`).toBe(code);
    }
  });

  it('L39 refuses to create access while the journal cannot be read, but still revokes [M14]', async () => {
    const { store } = await behind();
    const { engine } = aProcess(store, at(2.5 * HOUR));
    store.inject('journal', { fault: 'reject' });
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe('ERR_JIT_STORE');
    expect(await codeOf(engine.revokeAll({ subject: MAYA }, { by: CISO }))).toBe(undefined);
    store.clear();
    expect(await codeOf(ask(engine, { scope: 'new' }))).toBe(undefined);
  });
});

describe('a journal in which one clock was a year ahead', () => {
  /** One entry of a clock a year ahead, between entries of processes with right clocks. */
  async function withOneEntryAhead() {
    const store = new FaultyStore(new MemoryGrantStore());
    const right = aProcess(store, at(0));
    const grant = await aGranted(right.engine, { scope: 'held', ttl: '8h' });
    await aGranted(aProcess(store, at(YEAR)).engine, { subject: EVE, scope: 'b' });
    return { store, right, grant };
  }

  it('L5 L39 never ends the grants of a process with a right clock, also after a restart', async () => {
    const { store, right } = await withOneEntryAhead();
    const restarted = aProcess(store, at(MINUTE));
    await codeOf(ask(restarted.engine, { scope: 'new' }));
    for (const { engine } of [right, restarted]) expect(await engine.isAllowed(MAYA, 'held')).toBe(true);
    await restarted.engine.sweep();
    expect(await restarted.engine.isAllowed(MAYA, 'held')).toBe(true);
    // A process that started before continues, too.
    expect(await codeOf(ask(right.engine, { scope: 'newer' }))).toBe(undefined);
  });

  it('L39 reports an entry more than a minute ahead, once an hour [M14]', async () => {
    const { right, store } = await withOneEntryAhead();
    const reports = async (engine: JitEngine, told: readonly { readonly during: string }[], verbs: number) => {
      for (let i = 0; i < verbs; i++) await engine.flushAudit();
      return told.filter(({ during }) => during === 'clock').length;
    };
    const sink = { name: 'siem', write: () => undefined };
    const watched = aProcess(store, at(MINUTE), { audit: sink });
    expect(await reports(watched.engine, watched.told, 3)).toBe(1);
    for (const [minutes, expected] of [
      [59, 1],
      [61, 2],
    ] as const) {
      await watched.clock.set(at(MINUTE * (1 + minutes)));
      await ask(aProcess(store, at(2 * YEAR)).engine, { subject: `user:${minutes}`, scope: 'b' });
      expect(await reports(watched.engine, watched.told, 2)).toBe(expected);
    }
    expect(right.told.filter(({ error }) => (error as { code?: string }).code === 'ERR_JIT_CLOCK')).toEqual([]);
  });
});

describe('the comparison of the clock with the journal', () => {
  it('L46 costs one read of the newest entry for each engine, when it first creates access [M14]', async () => {
    const { store } = await aFleet();
    const { engine } = aProcess(store, at(HOUR));
    const calls = () => store.called('journal');
    const before = calls();
    await engine.isAllowed(MAYA, SCOPE);
    await engine.revokeAll({ subject: MAYA }, { by: CISO });
    expect(calls() - before).toBe(0);
    await Promise.all([1, 2, 3].map((i) => ask(engine, { subject: `user:${i}`, scope: SCOPE })));
    // Where the head is not known yet, the port needs a first call to learn its seq.
    expect(calls() - before).toBeLessThanOrEqual(2);
    const once = calls();
    for (let i = 4; i < 9; i++) await ask(engine, { subject: `user:${i}`, scope: SCOPE });
    expect(calls()).toBe(once);
    await refusal(purge(engine, { before: at(HOUR), by: CISO }), 'ERR_JIT_INVALID_ARGUMENT');
  });
});
