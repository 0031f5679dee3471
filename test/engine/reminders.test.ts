import { describe, expect, it } from 'vitest';
import { InvalidArgumentError, type JitEngineOptions, type QuorumInput } from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { replay, verifyJournal, verifyStore } from '../../src/journal.js';
import { notify, type Notice } from '../../src/notify.js';
import { ScriptedApprover } from '../../src/testing.js';
import { linksOf } from '../features/links/links-of.js';
import { anEngine, aPending, ask, at, entriesOf, HOUR, MAYA, MINUTE, refusal, SCOPE, typesOf } from './an-engine.js';
import { wholeStore } from './whole-store.js';
import { decideAgain } from './decide-again.js';

const [OLA, OKE, SIA, LEAD] = ['ops:ola', 'ops:oke', 'sec:sia', 'lead:lo'];
const EVERY = 2 * HOUR;

const MEMBERS: Readonly<Record<string, readonly string[]>> = { [OLA]: ['ops'], [OKE]: ['ops'], [SIA]: ['sec'], [LEAD]: ['leads'] };

/** One of ops and one of sec, with two days to review and a reminder every two hours. */
function waiting(quorum: Partial<QuorumInput> = {}, options: Partial<JitEngineOptions> = {}) {
  const groups = ['ops', 'sec'].map((name) => ({ name, approvals: 1 }));
  const approver = new ScriptedApprover({
    decide: {
      outcome: 'review',
      quorum: { ...(quorum.steps === undefined ? { groups } : {}), reviewWithinMs: 48 * HOUR, remindEveryMs: EVERY, ...quorum },
    },
    groupsOf: (who) => MEMBERS[who] ?? [],
    isEligible: true,
  });
  const made = anEngine({ approver, ...options });
  /** The hours at which reminders were recorded. */
  const hours = async (): Promise<readonly number[]> => (await remindersIn(made.store)).map((entry) => (entry.at - at(0)) / HOUR);
  const sweepAt = async (ms: number): Promise<number> => {
    await made.clock.set(at(ms));
    return (await made.engine.sweep()).reminded;
  };
  return { ...made, approver, hours, sweepAt };
}

const remindersIn = async (store: Parameters<typeof entriesOf>[0]) =>
  (await entriesOf(store)).filter(({ type }) => type === 'request.reminded');

describe('remindEvery (feature 11)', () => {
  it('L27 records a reminder at each multiple of the interval, with its number and the groups to remind', async () => {
    const { engine, store, sweepAt } = waiting();
    const { id } = await aPending(engine);
    const reminded: number[] = [];
    for (const ms of [EVERY - 1, EVERY, EVERY + 1, 2 * EVERY - 1, 2 * EVERY]) reminded.push(await sweepAt(ms));
    expect(reminded).toEqual([0, 1, 0, 0, 1]);
    const entry = (n: number) => ({
      at: at(n * EVERY),
      actor: 'system:sweeper',
      requestId: id,
      data: { version: 2 + n, reminders: n, remindedAt: at(n * EVERY), groups: ['ops', 'sec'] },
    });
    expect(await remindersIn(store)).toMatchObject([entry(1), entry(2)]);
    expect((await engine.getRequest(id))?.request).toMatchObject({ reminders: 2, remindedAt: at(2 * EVERY) });
  });

  it('records one reminder for all missed intervals, and the next one at the next multiple', async () => {
    const { engine, store, hours, sweepAt } = waiting();
    await aPending(engine);
    // Three intervals and a half have passed.
    expect([await sweepAt(7 * HOUR), await sweepAt(7 * HOUR), await sweepAt(8 * HOUR - 1)]).toEqual([1, 0, 0]);
    expect([await sweepAt(8 * HOUR), await sweepAt(8 * HOUR + 1)]).toEqual([1, 0]);
    expect(await hours()).toEqual([7, 8]);
    expect((await remindersIn(store)).map(({ data }) => data['reminders'])).toEqual([1, 2]);
  });

  it('L42 records at most 20 reminders for a request', async () => {
    const { engine, store, sweepAt } = waiting({ remindEveryMs: HOUR });
    const { id } = await aPending(engine);
    for (let hour = 1; hour < 48; hour++) await sweepAt(hour * HOUR);
    expect((await remindersIn(store)).map(({ data }) => data['reminders'])).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect((await engine.getRequest(id))?.request.reminders).toBe(20);
    // Only the deadline is left.
    expect((await store.due({ at: at(48 * HOUR - 1), limit: 10 })).items).toEqual([]);
  });

  it('L13 records none at the deadline or after it', async () => {
    const { engine, clock, hours, sweepAt } = waiting({ reviewWithinMs: 2 * EVERY });
    await aPending(engine);
    expect(await sweepAt(2 * EVERY - 1)).toBe(1);
    await clock.set(at(2 * EVERY));
    expect(await engine.sweep()).toMatchObject({ expired: 1, reminded: 0 });
    expect(await sweepAt(3 * EVERY)).toBe(0);
    expect(await hours()).toHaveLength(1);
  });

  it.each(['approve', 'deny', 'cancel'] as const)('L8 records none after %s has decided the request', async (verb) => {
    const { engine, hours, sweepAt } = waiting();
    const { id } = await aPending(engine);
    if (verb === 'approve') for (const by of [OLA, SIA]) await engine.approve(id, { by });
    else await engine[verb](id, { by: verb === 'deny' ? OLA : MAYA });
    expect(await sweepAt(EVERY)).toBe(0);
    expect(await hours()).toEqual([]);
  });

  it('counts the interval from the assignment to reviewers, and records none before it', async () => {
    const { engine, clock, approver, hours, sweepAt } = waiting();
    const { decide } = approver.script;
    approver.script.decide = () => {
      throw new Error('down');
    };
    const { requestId = '' } = await refusal(ask(engine), 'ERR_JIT_APPROVER');
    expect(await sweepAt(3 * HOUR)).toBe(0);
    approver.script.decide = decide;
    await decideAgain(engine, requestId);
    expect([await sweepAt(5 * HOUR - 1), await sweepAt(5 * HOUR)]).toEqual([0, 1]);
    await clock.advance(MINUTE);
    expect(await hours()).toEqual([5]);
  });

  it('L6 L27 records none early with a leeway, and none again after the clock has stepped back', async () => {
    const { engine, clock, store, hours, sweepAt } = waiting({}, { leewayMs: MINUTE });
    const { id } = await aPending(engine);
    expect([await sweepAt(EVERY - 1), await sweepAt(EVERY)]).toEqual([0, 1]);
    await clock.set(at(EVERY - MINUTE));
    expect((await engine.sweep()).reminded).toBe(0);
    // Another process, whose clock is behind.
    const behind = anEngine({ store, approver: waiting().approver });
    await behind.clock.set(at(EVERY - HOUR));
    expect((await behind.engine.sweep()).reminded).toBe(0);
    expect([await sweepAt(EVERY + 1), await sweepAt(2 * EVERY)]).toEqual([0, 1]);
    expect(await hours()).toEqual([2, 4]);
    expect((await engine.getRequest(id))?.request.reminders).toBe(2);
  });

  it('L27 stamps a reminder by a process that is behind with the last instant of the request', async () => {
    const { engine, clock, store, approver } = waiting();
    const { id } = await aPending(engine);
    await clock.set(at(EVERY + 30_000));
    await engine.approve(id, { by: OLA });
    const behind = anEngine({ store, approver });
    await behind.clock.set(at(EVERY));
    expect((await behind.engine.sweep()).reminded).toBe(1);
    expect((await engine.getRequest(id))?.request.remindedAt).toBe(at(EVERY + 30_000));
    expect((await engine.sweep()).reminded).toBe(0);
  });

  it('L9 records each reminder exactly once with concurrent sweepers, and at most once beside a review', async () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const { engine, clock, store, approver } = waiting();
      const { id } = await aPending(engine);
      const other = anEngine({ approver, store, clock }).engine;
      await clock.set(at(EVERY));
      store.inject('all', { fault: 'yield', seed });
      await Promise.all([engine.sweep(), other.sweep(), engine.sweep(), other.sweep()]);
      expect(await remindersIn(store)).toHaveLength(1);
      await clock.set(at(2 * EVERY));
      await Promise.all([engine.sweep(), other.sweep(), engine.approve(id, { by: OLA }), other.sweep(), engine.approve(id, { by: SIA })]);
      store.clear();
      expect((await remindersIn(store)).length).toBeLessThanOrEqual(2);
      expect((await engine.getRequest(id))?.request.end).toMatchObject({ status: 'approved' });
      expect(await verifyJournal(await entriesOf(store))).toMatchObject({ ok: true });
      expect((await verifyStore(store)).differences).toEqual([]);
    }
  });

  it('L12 delays no end: a sweep records reminders last, and a revoke beside it commits', async () => {
    const { engine, clock, store, approver } = waiting();
    for (let i = 0; i < 3; i++) await aPending(engine, { scope: `db-${i}:read` });
    approver.script.decide = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }], reviewWithinMs: EVERY } };
    await aPending(engine, { scope: 'db-3:read' });
    approver.script.decide = { outcome: 'approve', terms: { warnBeforeMs: [2 * EVERY] } };
    for (const ttl of [EVERY, 3 * EVERY]) await ask(engine, { scope: `db-${ttl}:write`, ttl });
    await clock.set(at(EVERY));
    expect(await engine.sweep()).toMatchObject({ ended: 1, expired: 1, warned: 1, reminded: 3 });
    const reminded = Array.from({ length: 3 }, () => 'request.reminded');
    expect((await typesOf(store)).slice(-6)).toEqual(['grant.expired', 'request.expired', 'grant.warned', ...reminded]);
    await clock.set(at(2 * EVERY));
    store.inject('all', { fault: 'yield', seed: 3 });
    const [, revoked] = await Promise.all([engine.sweep(), engine.revokeAll({ subject: MAYA }, { by: LEAD })]);
    store.clear();
    expect(revoked.grants).toHaveLength(1);
    expect(await engine.isAllowed(MAYA, `db-${3 * EVERY}:write`)).toBe(false);
  });

  it('L17 L18 changes no right, no deadline, no review and no link', async () => {
    const { engine, sweepAt, clock } = waiting();
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA });
    const before = (await engine.getRequest(id))?.request;
    const link = await linksOf(engine).create(id, { reviewer: SIA, decision: 'approve' });
    await sweepAt(EVERY);
    const after = (await engine.getRequest(id))?.request;
    expect(after).toEqual({ ...before, version: 4, reminders: 1, remindedAt: at(EVERY) });
    expect((await engine.inbox(SIA)).items.map(({ groups }) => groups)).toEqual([['sec']]);
    await clock.advance(MINUTE);
    expect((await linksOf(engine).redeem(link, { by: SIA })).outcome).toBe('granted');
  });

  it('L17 is frozen: a later answer of the approver changes no interval', async () => {
    const { engine, approver, hours, sweepAt } = waiting();
    await aPending(engine);
    approver.script.decide = { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] } };
    await sweepAt(EVERY);
    expect(await hours()).toEqual([2]);
  });

  it('names the groups of the present step, and those of escalations that have begun', async () => {
    const group = (name: string) => [{ name, approvals: 1 }];
    const { engine, store, sweepAt } = waiting({
      steps: [{ groups: group('ops') }, { groups: group('sec'), escalation: { group: 'leads', afterMs: 4 * HOUR } }],
    });
    const { id } = await aPending(engine);
    await sweepAt(2 * HOUR);
    await sweepAt(3 * HOUR);
    await engine.approve(id, { by: OLA });
    for (const hour of [4, 6, 7, 8]) await sweepAt(hour * HOUR);
    expect((await remindersIn(store)).map(({ data }) => data['groups'])).toEqual([['ops'], ['sec'], ['sec'], ['sec', 'leads']]);
  });

  it('follows an escalation of the same instant in the next sweep', async () => {
    const { engine, clock, sweepAt, hours } = waiting({ escalation: { group: 'leads', afterMs: EVERY } });
    await aPending(engine);
    await clock.set(at(EVERY));
    expect(await engine.sweep()).toMatchObject({ escalated: 1, reminded: 0 });
    expect([await sweepAt(EVERY + MINUTE), await sweepAt(EVERY + 2 * MINUTE), await sweepAt(2 * EVERY)]).toEqual([1, 0, 1]);
    expect(await hours()).toEqual([2 + 1 / 60, 4]);
  });

  it('L34 costs a sweep nothing between two reminders', async () => {
    const { engine, store, sweepAt } = waiting();
    await aPending(engine);
    const due = async (ms: number) => (await store.due({ at: at(ms), limit: 10 })).items.length;
    expect([await due(EVERY - 1), await due(EVERY)]).toEqual([0, 1]);
    await sweepAt(EVERY);
    expect([await due(2 * EVERY - 1), await due(2 * EVERY)]).toEqual([0, 1]);
  });

  it('L26 L27 is replayed from the journal, at each instant', async () => {
    const { engine, store, sweepAt } = waiting();
    const { id } = await aPending(engine);
    for (const hour of [2, 5, 6]) await sweepAt(hour * HOUR);
    expect((await verifyStore(store)).differences).toEqual([]);
    const entries = await entriesOf(store);
    const counts: (number | undefined)[] = [];
    for (const hour of [1, 2, 4, 5, 7]) counts.push((await replay(entries, at(hour * HOUR))).requests.get(id)?.reminders);
    expect(counts).toEqual([undefined, 1, 1, 2, 3]);
  });

  it.each([299_999, 0, -1, 1.5, Infinity, '2h', null])('L30 refuses %s by a typed error that names the argument', async (remindEveryMs) => {
    const { engine, store } = waiting({ remindEveryMs: remindEveryMs as number });
    const { cause } = await refusal(ask(engine), 'ERR_JIT_APPROVER');
    expect(cause).toBeInstanceOf(InvalidArgumentError);
    expect((cause as InvalidArgumentError).argument).toBe('verdict.quorum.remindEveryMs');
    expect((await requestRow(store)).body['quorum']).toBeUndefined();
  });

  it('takes an interval of 5 minutes, and one above the review deadline, which is never due', async () => {
    const { engine, sweepAt } = waiting({ remindEveryMs: 300_000 });
    await aPending(engine);
    expect(await sweepAt(300_000)).toBe(1);
    const long = waiting({ remindEveryMs: 49 * HOUR });
    await aPending(long.engine);
    expect(await long.sweepAt(48 * HOUR - 1)).toBe(0);
    await long.clock.set(at(49 * HOUR));
    expect(await long.engine.sweep()).toMatchObject({ expired: 1, reminded: 0 });
  });

  it('leaves a request without it unchanged: no field in its record, and due by its deadline alone', async () => {
    const { engine, store } = waiting({ remindEveryMs: undefined });
    await aPending(engine);
    const { body, dueAt } = await requestRow(store);
    expect(Object.keys(body)).toEqual([
      ...['requestedBy', 'scopes', 'ttlMs', 'reviewBy', 'askAgainAt', 'approver', 'terms', 'assignedAt', 'quorum', 'reviews'],
    ]);
    expect(Object.keys(body['quorum'] as object)).toEqual(['groups', 'denials']);
    expect(dueAt).toBe(at(48 * HOUR));
    expect((await entriesOf(store)).every(({ data }) => !JSON.stringify(data).includes('remind'))).toBe(true);
  });

  it('is a notice for the groups that can still act, which says who has approved already', async () => {
    const notices: Notice[] = [];
    const { engine, sweepAt } = waiting({}, { audit: notify({ name: 'chat', send: (notice) => void notices.push(notice) }) });
    const { id } = await aPending(engine);
    await engine.approve(id, { by: OLA });
    await sweepAt(EVERY);
    await engine.flushAudit();
    const [, reminder] = notices.filter(({ kind }) => kind === 'review_requested');
    expect(reminder).toMatchObject({ people: [], groups: ['ops', 'sec'], entry: { type: 'request.reminded' } });
    expect(reminder?.text.split('\n')).toEqual([
      `Reminder 1: ${MAYA}'s request for ${SCOPE} waits for review`,
      'for: 15m',
      `approved by: ${OLA}`,
      'decide before: 2026-01-03 00:00 UTC',
      `request: ${id}`,
    ]);
  });
});

const requestRow = async (store: Parameters<typeof wholeStore>[0]): Promise<Row> =>
  (await wholeStore(store)).rows.find(({ kind }) => kind === 'request') as Row;
