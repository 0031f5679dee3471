import { describe, expect, it, vi } from 'vitest';
import { nextTurn } from '../../../src/core/turns.js';
import { reviewers } from '../../../src/index.js';
import { SAM } from '../../engine/an-engine.js';
import { anAuthzen, aProfile, EVALUATION, grant, MAYA, SCOPE, SUBJECT, WRITE } from './authzen-of.js';

/** A hook that waits, from its first call on, until the test lets it answer. */
function aGate() {
  let open: () => void = () => undefined;
  let called: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const wasCalled = new Promise<void>((resolve) => (called = resolve));
  const wait = async () => {
    called();
    await opened;
    return true;
  };
  return { wait, open, wasCalled };
}

const db = (id: string) => ({ type: 'db', id });
const decisionsOf = (body: object) => (body as { readonly evaluations: readonly { readonly decision: boolean }[] }).evaluations;

/** maya holds write on `a` and `b`. A condition waits, and the access to `a` ends before it answers. */
async function revokedWhileAwaited(path: string, body: object) {
  const gate = aGate();
  const made = anAuthzen({ condition: gate.wait });
  const first = await grant(made.engine, SUBJECT, 'db:a:write');
  await grant(made.engine, SUBJECT, 'db:b:write');
  const answer = made.send(path, { subject: MAYA, action: WRITE, ...body });
  await gate.wasCalled;
  await made.engine.revokeAll({ requestId: first }, { by: SAM });
  gate.open();
  return (await answer).body;
}

const LEE = { type: 'user', id: 'lee' };
const ANY_USER = { type: 'user' };
const BOTH = { resource: db('a'), action: WRITE, evaluations: [{ subject: MAYA }, { subject: LEE }] };
const FOR_USERS = { resource: db('a'), action: WRITE, subject: ANY_USER };
const DIRECTORY = { subjects: () => ['lee', 'maya', 'zoe'] };

/**
 * maya holds `a` for 15 minutes. lee's grant of the same scope is due, and the approver that must confirm it waits for the test. maya's
 * access ends before it answers.
 */
async function endedDuringConfirmation(path: string, body: object, ending: 'a revoke' | 'the end') {
  const gate = aGate();
  const members = reviewers({ members: [SAM] });
  const isEligible: NonNullable<typeof members.isEligible> = async (_, when) => (when === 'start' ? gate.wait() : true);
  const made = anAuthzen({ directory: DIRECTORY }, { approver: { ...members, isEligible }, standing: { 'user:zoe': ['db:a:write'] } });
  const requestId = await grant(made.engine, SUBJECT, 'db:a:write');
  const startsAt = made.clock.now() + 10 * 60_000;
  const { request } = await made.engine.requestAccess({ subject: 'user:lee', scope: 'db:a:write', ttl: '1h', startsAt });
  await made.engine.approve(request.id, { by: SAM });
  await made.clock.advance(15 * 60_000 - 1_000);
  const answer = made.send(path, body);
  await gate.wasCalled;
  // The read of maya's access answers in these turns, before her access ends.
  for (let turns = 0; turns < 20; turns++) await nextTurn();
  if (ending === 'the end') await made.clock.advance('1s');
  else await made.engine.revokeAll({ requestId }, { by: SAM });
  expect(await made.engine.isAllowed(SUBJECT, 'db:a:write')).toBe(false);
  gate.open();
  return (await answer).body;
}

describe('L1 L12 no yes of one subject waits for the approver of another', () => {
  it.each(['a revoke', 'the end'] as const)('L1 L12 a batch gives no yes after %s', async (ending) => {
    expect(decisionsOf(await endedDuringConfirmation('/evaluations', BOTH, ending))).toEqual([
      { decision: false, context: { reason: 'no_grant' } },
      { decision: true },
    ]);
  });

  it.each(['a revoke', 'the end'] as const)('L1 L12 a search finds no subject after %s', async (ending) => {
    expect(await endedDuringConfirmation('/search/subject', FOR_USERS, ending)).toMatchObject({
      results: [LEE, { type: 'user', id: 'zoe' }],
    });
  });

  it.each([{}, { exactTuple: true }])('L12 an evaluation gives no yes after a revoke during a start, with %j', async (profile) => {
    // maya holds the scope. The approver that must confirm another start of hers waits for the test.
    const gate = aGate();
    const members = reviewers({ members: [SAM] });
    const isEligible: NonNullable<typeof members.isEligible> = async (_, when) => (when === 'start' ? gate.wait() : true);
    const made = aProfile(
      { condition: async () => (await made.engine.status(SUBJECT), true) },
      { approver: { ...members, isEligible } },
      profile,
    );
    const requestId = await grant(made.engine, SUBJECT, SCOPE);
    const startsAt = made.clock.now() + 60_000;
    const { request } = await made.engine.requestAccess({ subject: SUBJECT, scope: 'db:other:write', ttl: '1h', startsAt });
    await made.engine.approve(request.id, { by: SAM });
    await made.clock.advance('1m');
    const answer = made.send('/evaluation', EVALUATION);
    await gate.wasCalled;
    await made.engine.revokeAll({ requestId }, { by: SAM });
    gate.open();
    expect((await answer).body).toMatchObject({ decision: false });
  });

  it('L12 the last read of a batch with a condition asks no approver', async () => {
    // lee's start becomes due while the condition is awaited, and lee has another grant until then.
    const gate = aGate();
    const members = reviewers({ members: [SAM] });
    const asked: string[] = [];
    const approver = { ...members, isEligible: async (_: unknown, when: string) => (asked.push(when), true) };
    const made = anAuthzen({ condition: gate.wait }, { approver });
    await grant(made.engine, SUBJECT, 'db:a:write');
    const requestId = await grant(made.engine, 'user:lee', 'db:a:write');
    const startsAt = made.clock.now() + 1_000;
    const { request } = await made.engine.requestAccess({ subject: 'user:lee', scope: 'db:a:write', ttl: '1h', startsAt });
    await made.engine.approve(request.id, { by: SAM });
    const answer = made.send('/evaluations', BOTH);
    await gate.wasCalled;
    await made.engine.revokeAll({ requestId }, { by: SAM });
    await made.clock.advance('1s');
    gate.open();
    expect(decisionsOf((await answer).body).map(({ decision }) => decision)).toEqual([true, false]);
    expect(asked).not.toContain('start');
  });

  it('L1 a slow read of one subject keeps no ended access of another', async () => {
    const made = anAuthzen();
    await grant(made.engine, SUBJECT, 'db:a:write');
    await made.engine
      .requestAccess({ subject: 'user:lee', scope: 'db:a:write', ttl: '1h' })
      .then(({ request }) => made.engine.approve(request.id, { by: SAM }));
    await made.clock.advance(15 * 60_000 - 1_000);
    const live = made.store.live.bind(made.store);
    let reads = 0;
    vi.spyOn(made.store, 'live').mockImplementation(async (query) => {
      const rows = await live(query);
      // The last read of lee, whom the batch names second, ends after maya's access.
      if (query.subject === 'user:lee' && ++reads === 2) await made.clock.advance('1s');
      return rows;
    });
    expect(decisionsOf((await made.send('/evaluations', BOTH)).body).map(({ decision }) => decision)).toEqual([false, true]);
    expect(reads).toBe(2);
  });

  it('L12 standing access stays, also where it obeys locks', async () => {
    for (const standingObeysLocks of [false, true]) {
      const standing = { [SUBJECT]: ['db:a:write'], 'user:lee': ['db:a:write'] };
      const made = anAuthzen({ directory: DIRECTORY }, { standing, standingObeysLocks });
      const both = async () => [
        decisionsOf((await made.send('/evaluations', BOTH)).body).map(({ decision }) => decision),
        (await made.send('/search/subject', FOR_USERS)).body['results'],
      ];
      expect(await both()).toEqual([
        [true, true],
        [LEE, MAYA],
      ]);
      await made.engine.lock({ subject: SUBJECT }, { by: SAM });
      expect(await both()).toEqual(
        standingObeysLocks
          ? [[false, true], [LEE]]
          : [
              [true, true],
              [LEE, MAYA],
            ],
      );
    }
  });

  it('L30 standing access of a batch needs no store', async () => {
    const made = anAuthzen({}, { standing: { [SUBJECT]: ['db:a:write'], 'user:lee': ['db:a:write'] } });
    vi.spyOn(made.store, 'live').mockRejectedValue(new Error('the store is down'));
    expect(decisionsOf((await made.send('/evaluations', BOTH)).body)).toEqual([{ decision: true }, { decision: true }]);
  });
});

describe('L1 L12 no yes after a revoke has resolved', () => {
  it('L12 an evaluation whose condition is awaited reads the access last', async () => {
    expect(await revokedWhileAwaited('/evaluation', { resource: db('a') })).toEqual({ decision: false, context: { reason: 'no_grant' } });
    expect(await revokedWhileAwaited('/evaluation', { resource: db('b') })).toMatchObject({ decision: true });
  });

  it('L12 so does each item of a batch', async () => {
    expect(await revokedWhileAwaited('/evaluations', { evaluations: [{ resource: db('a') }, { resource: db('b') }] })).toEqual({
      evaluations: [{ decision: false, context: { reason: 'no_grant' } }, { decision: true }],
    });
  });

  it('L12 a batch that ends with the first deny ends with the access that has ended', async () => {
    const options = { evaluations_semantic: 'deny_on_first_deny' };
    const evaluations = [{ resource: db('b') }, { resource: db('a') }, { resource: db('b') }];
    expect(decisionsOf(await revokedWhileAwaited('/evaluations', { options, evaluations }))).toEqual([
      { decision: true },
      { decision: false, context: { reason: 'no_grant' } },
    ]);
  });

  it('L12 a batch that ends with the first permit continues after the access that has ended', async () => {
    const options = { evaluations_semantic: 'permit_on_first_permit' };
    const evaluations = [{ resource: db('a') }, { resource: db('b') }, { resource: db('b') }];
    expect(decisionsOf(await revokedWhileAwaited('/evaluations', { options, evaluations })).map(({ decision }) => decision)).toEqual([
      false,
      true,
    ]);
  });

  it('L12 a search with a condition finds no access that has ended', async () => {
    const { results } = (await revokedWhileAwaited('/search/resource', { resource: { type: 'db' } })) as unknown as {
      readonly results: readonly object[];
    };
    expect(results).toEqual([db('b')]);
  });

  it('L12 a question about another item of the batch does not make a yes stale', async () => {
    const gate = aGate();
    let isSlow = false;
    const members = reviewers({ members: [SAM] });
    const approver = {
      ...members,
      decide: async (...given: Parameters<typeof members.decide>) => (isSlow && (await gate.wait()), members.decide(...given)),
    };
    const made = aProfile({}, { approver });
    const requestId = await grant(made.engine, SUBJECT, SCOPE);
    isSlow = true;
    const answer = made.send('/evaluations', { evaluations: [EVALUATION, { ...EVALUATION, action: { name: 'read' } }] });
    await gate.wasCalled;
    await made.engine.revokeAll({ requestId }, { by: SAM });
    gate.open();
    expect(decisionsOf((await answer).body).map(({ decision }) => decision)).toEqual([false, false]);
  });
});
