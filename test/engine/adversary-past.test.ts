import { purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import { autoApprove, isJitError, JitEngine, MemoryGrantStore, patternScopes, type ScopeMatcher } from '../../src/index.js';
import { ManualClock, ScriptedApprover, START_AT } from '../../src/testing.js';
import { over, settled, takeAway, tamper } from '../journal/bent-store.js';

const MIN = 60_000;

describe('whoHadAccess and history', () => {
  const idle = new ScriptedApprover({ decide: { outcome: 'approve', terms: { idleTtlMs: 10 * MIN } } });

  it('L27, L33: a purge during a query does not change an answer about a later instant', async () => {
    const clock = new ManualClock();
    const store = new MemoryGrantStore();
    const other = new JitEngine({ approver: idle, store, clock });
    await other.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '8h' });
    await clock.advance('60m');
    const at = START_AT + 40 * MIN;
    const before = START_AT + 30 * MIN;
    // Idle since minute 10: no subject held it at minute 40.
    expect((await other.whoHadAccess({ scope: 'a:b', at })).items).toEqual([]);
    let done = false;
    const slow = over(store, {
      find: async (query) => {
        const page = await store.find(query);
        if (query.kind === 'grant' && !done) {
          done = true;
          await other.sweep();
          expect(await purge(other, { before, by: 'user:admin', force: true })).toMatchObject({ grants: 1, horizon: before });
        }
        return page;
      },
    });
    const asking = new JitEngine({ approver: idle, store: slow, clock });
    expect((await asking.whoHadAccess({ scope: 'a:b', at })).items.map(({ subject }) => subject)).toEqual([]);
  });

  it('L27, L30: a counted grant without its usage row is a malformed record, not a grant that was held', async () => {
    const clock = new ManualClock();
    const store = new MemoryGrantStore();
    const engine = new JitEngine({ approver: idle, store, clock });
    const { request } = await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '8h' });
    await clock.advance('20m');
    await takeAway(store, { kind: 'usage', id: `${request.id}.1` });
    expect(await engine.isAllowed('user:maya', 'a:b')).toBe(false);
    const told = await settled(engine.whoHadAccess({ scope: 'a:b', at: clock.now() }).then(({ items }) => items.length));
    expect(told).not.toBe(1);
  });

  it('L30: a query rejects, instead of returning no holders, if the matcher fails', async () => {
    const clock = new ManualClock();
    let fails = false;
    const scopes: ScopeMatcher = {
      ...patternScopes,
      covers: (granted, required) => {
        if (fails) throw new Error('the matcher has no table');
        return patternScopes.covers(granted, required);
      },
    };
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: autoApprove(() => true), clock, scopes });
    await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    expect((await engine.whoHadAccess({ scope: 'a:b', at: START_AT })).items).toHaveLength(1);
    fails = true;
    const told = await settled(engine.whoHadAccess({ scope: 'a:b', at: START_AT }).then(({ items }) => items.length));
    expect(told).not.toBe(0);
  });

  it('issue 4, history does not list a grant that has not started yet', async () => {
    const clock = new ManualClock();
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: autoApprove(() => true), clock });
    await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h', startsAt: START_AT + 60 * MIN });
    const told = await settled(
      engine.listGrants({ during: { from: START_AT, to: START_AT + 180 * MIN } }).then(({ items }) => items.length),
    );
    expect(told).not.toBe(1);
  });

  it.each(['gone', 'of another grant', 'cut short'])(
    'L27, L30: a query rejects with an error that names the usage row if that row is %s',
    async (what) => {
      const clock = new ManualClock();
      const store = new MemoryGrantStore();
      const engine = new JitEngine({ approver: idle, store, clock });
      const { request } = await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '8h' });
      await clock.advance('1m');
      const id = `${request.id}.1`;
      if (what === 'gone') await takeAway(store, { kind: 'usage', id });
      else await tamper(store, 'usage', id, (row) => ({ ...row, ...(what === 'cut short' ? { body: {} } : { scope: 'c:d' }) }));
      const refused = { code: 'ERR_JIT_CORRUPT', kind: 'usage', id };
      await expect(engine.whoHadAccess({ scope: 'a:b', at: clock.now() })).rejects.toMatchObject(refused);
      await expect(engine.listGrants({ during: { from: START_AT, to: clock.now() } })).rejects.toMatchObject(refused);
      // Once the end is recorded, the usage row does not matter.
      await engine.revoke(id, { by: 'user:admin' });
      expect((await engine.whoHadAccess({ scope: 'a:b', at: START_AT })).items).toHaveLength(1);
    },
  );

  it.each<[string, unknown]>([
    ['throws', new Error('no table')],
    ['answers with a promise', Promise.resolve(true)],
    ['answers with nothing', undefined],
  ])('L30: a matcher that %s is named by the error and reported to onError', async (_, answer) => {
    const told: unknown[] = [];
    let isBroken = false;
    const covers = (granted: string, required: string): boolean => {
      if (!isBroken) return patternScopes.covers(granted, required);
      if (answer instanceof Error) throw answer;
      return answer as boolean;
    };
    const scopes = { ...patternScopes, covers };
    const clock = new ManualClock();
    const engine = new JitEngine({
      store: new MemoryGrantStore(),
      approver: autoApprove(() => true),
      clock,
      scopes,
      onError: (error) => told.push(error),
    });
    await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    isBroken = true;
    const refused = { code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'scopes.covers' };
    await expect(engine.whoHadAccess({ scope: 'a:b', at: START_AT })).rejects.toMatchObject(refused);
    await expect(engine.listGrants({ covering: 'a:b', during: { from: START_AT, to: START_AT + 1 } })).rejects.toMatchObject(refused);
    expect(told).toHaveLength(2);
    expect(told.every((error) => !isJitError(error))).toBe(true);
    // A check denies.
    expect(await engine.isAllowed('user:maya', 'a:b')).toBe(false);
    // A query that needs no matcher is answered.
    expect((await engine.listGrants({ during: { from: START_AT, to: START_AT + 1 } })).items).toHaveLength(1);
  });

  it.each([
    [-1, 0],
    [0, 1],
    [1, 1],
  ])('L27: history, %i ms after the start of a grant, lists %i grants', async (passed, count) => {
    const clock = new ManualClock();
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: autoApprove(() => true), clock });
    await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h', startsAt: START_AT + 10 * MIN });
    await clock.set(START_AT + 10 * MIN + passed);
    // The sweep records the start.
    await engine.sweep();
    expect((await engine.listGrants({ during: { from: START_AT, to: START_AT + 180 * MIN } })).items).toHaveLength(count);
  });

  it('L5: after the clock steps back, whoHadAccess and listGrants answer up to the highest reading, and for no later instant', async () => {
    const clock = new ManualClock();
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: autoApprove(() => true), clock });
    await clock.set(START_AT + 10 * MIN);
    await engine.requestAccess({ subject: 'user:maya', scope: 'a:b', ttl: '1h' });
    await clock.set(START_AT);
    const at = START_AT + 10 * MIN;
    expect((await engine.whoHadAccess({ scope: 'a:b', at })).items).toHaveLength(1);
    expect((await engine.listGrants({ during: { from: START_AT, to: at + 1 } })).items).toHaveLength(1);
    expect((await engine.listGrants({ during: { from: at, to: at + MIN } })).items).toHaveLength(1);
    const refused = (argument: string) => ({ code: 'ERR_JIT_INVALID_ARGUMENT', argument });
    await expect(engine.whoHadAccess({ scope: 'a:b', at: at + 1 })).rejects.toMatchObject(refused('at'));
    await expect(engine.listGrants({ during: { from: at + 1, to: at + MIN } })).rejects.toMatchObject(refused('during.from'));
  });
});
