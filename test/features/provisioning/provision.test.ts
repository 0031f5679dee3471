import { dismissChange, failedChanges, provision, type DesiredState, type Provisioning } from 'jit-access/provisioning';
import { describe, expect, it } from 'vitest';
import { autoApprove, JitEngine, MemoryGrantStore, patternScopes } from '../../../src/index.js';
import { readJournal, verifyJournal } from '../../../src/journal.js';
import { ManualClock, RecordingSink } from '../../../src/testing.js';
import { aGranted, anEngine, ask, ANA, entriesOf, MAYA, MINUTE, SAM, SCOPE, typesOf } from '../../engine/an-engine.js';
import { expectReplayed } from '../../property/fold.js';
import { killedAfter, turns } from './killed.js';
import { changesOf, Roles, rolesTarget, settle, theChange } from './external-system.js';

const READ = 'db-prod:read';

function following(over: Parameters<typeof rolesTarget>[1] = {}, options: Parameters<typeof anEngine>[0] = {}) {
  const roles = new Roles();
  const made = anEngine(options);
  const provisioning = provision(made.engine, rolesTarget(roles, over));
  return { ...made, roles, provisioning };
}

describe('provision()', () => {
  it('applies a grant when it is issued, and its end when a sweep has recorded it', async () => {
    const { engine, clock, roles, store } = following();
    await aGranted(engine);
    await engine.flushAudit();
    expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`]);
    await clock.advance('15m');
    await engine.flushAudit();
    // Access has expired; the external system learns of the expiry from the sweep.
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    expect(roles.held.size).toBe(1);
    await settle(engine);
    expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`, `- ${MAYA} ${SCOPE}`]);
    expect(await theChange(store)).toMatchObject({ held: false, outcome: { status: 'done', by: 'system:provisioning' } });
    await settle(engine);
    expect(roles.calls).toHaveLength(2);
  });

  it.each(['revoke', 'release'] as const)('applies a %s without a sweep', async (verb) => {
    const { engine, roles } = following();
    const grant = await aGranted(engine);
    await engine.flushAudit();
    await engine[verb](grant.id, { by: verb === 'release' ? MAYA : SAM });
    await engine.flushAudit();
    expect(roles.held.size).toBe(0);
    expect(roles.told.at(-1)).toBe(`- ${MAYA} ${SCOPE}`);
  });

  it('makes no call about undeclared scopes or about requests that were never granted', async () => {
    const { engine, clock, roles, store } = following();
    await aGranted(engine, { scope: 'billing:read' });
    await ask(engine);
    await clock.advance('2d');
    await settle(engine);
    expect(roles.calls).toEqual([]);
    expect(await changesOf(store)).toEqual([]);
  });

  it('makes one change of overlapping and of consecutive grants', async () => {
    const { engine, clock, roles } = following();
    const first = await aGranted(engine);
    const more = await engine.extend(first.id, { requestedBy: MAYA, ttl: '15m' });
    await engine.approve(more.request.id, { by: SAM });
    await aGranted(engine, { scopes: [SCOPE, 'other:scope'], ttl: 20 * MINUTE });
    for (let minute = 0; minute < 29; minute++) {
      await clock.advance('1m');
      await settle(engine);
    }
    expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`]);
    await clock.advance('1m');
    await settle(engine);
    expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`, `- ${MAYA} ${SCOPE}`]);
  });

  it('counts a grant of a pattern for each declared scope that it covers', async () => {
    const approver = autoApprove(() => true, { patterns: true });
    const { engine, roles } = following({}, { scopes: patternScopes, approver });
    const { request } = await ask(engine, { scope: 'db-prod:*' });
    await engine.flushAudit();
    expect([...roles.held].sort()).toEqual([`${MAYA} ${READ}`, `${MAYA} ${SCOPE}`]);
    await engine.revoke(`${request.id}.1`, { by: SAM });
    await engine.flushAudit();
    expect(roles.held.size).toBe(0);
  });

  it('applies a scheduled grant when its start is recorded, not before', async () => {
    const { engine, clock, roles } = following();
    await aGranted(engine, { startsAt: clock.now() + 60 * MINUTE });
    await settle(engine);
    expect(roles.calls).toEqual([]);
    await clock.advance('1h');
    await settle(engine);
    expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`]);
  });

  it('gives seqs that only grow, one id for each change, and the same id to repeats', async () => {
    const { engine, clock, roles } = following();
    roles.failing = 2;
    const grant = await aGranted(engine);
    await settle(engine);
    for (let i = 0; i < 2; i++) {
      await clock.advance('5m');
      await settle(engine);
    }
    await engine.revoke(grant.id, { by: SAM });
    await settle(engine);
    await aGranted(engine);
    await settle(engine);
    const ids = roles.calls.map(({ id }) => id);
    expect(roles.told).toEqual([...Array<string>(3).fill(`+ ${MAYA} ${SCOPE}`), `- ${MAYA} ${SCOPE}`, `+ ${MAYA} ${SCOPE}`]);
    expect(new Set(ids.slice(0, 3)).size).toBe(1);
    expect(new Set(ids).size).toBe(3);
    const seqs = roles.calls.map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    expect(new Set(seqs).size).toBe(3);
  });

  it('reads access again after a call, and calls again where it has changed during the call', async () => {
    const { engine, clock, roles } = following({ timeout: '1h' });
    // While the call is in flight the window passes, and no sweep runs.
    roles.before = async ({ held }) => {
      if (held) await clock.advance('15m');
    };
    await aGranted(engine);
    await engine.flushAudit();
    expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`, `- ${MAYA} ${SCOPE}`]);
    expect(roles.held.size).toBe(0);
  });

  it('L25 L27 records every step, so that replaying the journal gives the rows', async () => {
    const { engine, clock, roles, store, provisioning } = following({ tries: 2 });
    roles.failing = 2;
    const grant = await aGranted(engine);
    await settle(engine);
    await clock.advance('1m');
    await settle(engine);
    expect(await failedChanges(engine)).toHaveLength(1);
    await provisioning.resync();
    roles.failing = 2;
    await engine.revoke(grant.id, { by: SAM });
    await settle(engine);
    await clock.advance('1m');
    await settle(engine);
    const [stuck] = await failedChanges(engine);
    await dismissChange(engine, stuck?.id as string, { by: ANA, reason: 'removed by hand' });
    expect((await typesOf(store)).filter((type) => type.startsWith('provisioning.'))).toEqual([
      'provisioning.intended',
      'provisioning.failed',
      'provisioning.stuck',
      'provisioning.retried',
      'provisioning.done',
      'provisioning.intended',
      'provisioning.failed',
      'provisioning.stuck',
      'provisioning.dismissed',
    ]);
    await expectReplayed(store);
    expect(await verifyJournal(readJournal(store))).toMatchObject({ ok: true });
  });

  it('L29 records the code of a failure, never its message', async () => {
    const { engine, roles, store, told } = following();
    roles.failing = 1;
    await aGranted(engine);
    await settle(engine);
    expect(await theChange(store)).toMatchObject({ failures: 1, problem: 'ECONNREFUSED' });
    expect(JSON.stringify(await entriesOf(store))).not.toContain('hunter2');
    const message = `target roles could not apply that ${MAYA} holds ${SCOPE}; the sweep retries it until its tries are used up`;
    expect(told).toMatchObject([{ error: { message, cause: { message: 'the password is hunter2' } }, during: 'provisioning roles' }]);
  });

  it.each([
    [Object.assign(new Error('x'), { code: 'a secret, maybe' }), 'Error'],
    [new TypeError('x'), 'TypeError'],
    ['a string', 'Error'],
    [undefined, 'Error'],
  ])('records the problem of %s as %s', async (error: unknown, problem) => {
    const { engine, store } = following({
      apply: () => Promise.reject(error),
    });
    await aGranted(engine);
    await settle(engine);
    expect((await theChange(store)).problem).toBe(problem);
  });

  it('waits longer after each failure, up to maxRetryAfter, with jitter', async () => {
    const { engine, clock, roles, store } = following({ retryAfter: '10s', maxRetryAfter: '1m', tries: 9 });
    roles.failing = 8;
    await aGranted(engine);
    await settle(engine);
    const waits: number[] = [];
    for (let failures = 1; failures <= 8; failures++) {
      const change = await theChange(store);
      expect(change.failures).toBe(failures);
      waits.push(change.tryAt - clock.now());
      // One millisecond before the try is due.
      await clock.set(change.tryAt - 1);
      await settle(engine);
      expect(roles.calls).toHaveLength(failures);
      await clock.set(change.tryAt);
      await settle(engine);
      if (change.tryAt - clock.now() > 15 * MINUTE) break;
    }
    [10_000, 20_000, 40_000, 60_000, 60_000].forEach((longest, i) => {
      expect(waits[i]).toBeLessThanOrEqual(longest);
      expect(waits[i]).toBeGreaterThanOrEqual(longest / 2);
    });
    expect(new Set(waits.slice(3)).size).toBeGreaterThan(1);
    expect(await theChange(store)).toMatchObject({ outcome: { status: 'done' } });
  });

  it('starts a new change when access changes while a change fails', async () => {
    const { engine, roles, store } = following({ tries: 3 });
    roles.failing = 1;
    const grant = await aGranted(engine);
    await settle(engine);
    await engine.revoke(grant.id, { by: SAM });
    await settle(engine);
    // The failed call may have taken effect, so a removal follows.
    expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`, `- ${MAYA} ${SCOPE}`]);
    expect(await theChange(store)).toMatchObject({ held: false, failures: 0, problem: undefined, outcome: { status: 'done' } });
  });

  it('L28 a call that hangs delays neither another subject nor a sink', async () => {
    const sink = new RecordingSink({ name: 'siem' });
    const { engine, roles } = following({}, { audit: sink });
    roles.before = ({ subject }) => (subject === MAYA ? new Promise<void>(() => undefined) : undefined);
    await aGranted(engine);
    await aGranted(engine, { subject: 'user:kim' });
    await engine.sweep();
    while (!roles.held.has(`user:kim ${SCOPE}`)) await new Promise((resolve) => setImmediate(resolve));
    expect(sink.entries.some(({ type }) => type === 'grant.issued')).toBe(true);
  });

  it('a call that times out is aborted, counted as failed, and made again', async () => {
    const { engine, clock, roles, store, told } = following({ timeout: '10s' });
    const signals: AbortSignal[] = [];
    roles.before = ({ signal }) => {
      signals.push(signal);
      return signals.length === 1 ? new Promise<void>(() => undefined) : undefined;
    };
    await aGranted(engine);
    await engine.sweep();
    while (signals.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance('10s');
    await engine.flushAudit();
    expect(signals[0]?.aborted).toBe(true);
    expect(await theChange(store)).toMatchObject({ failures: 1, problem: 'Error' });
    expect(told[0]?.error).toMatchObject({ cause: { message: 'apply of target roles did not settle within 10000 ms' } });
    await clock.advance('1s');
    await settle(engine);
    expect(roles.held.size).toBe(1);
    expect(new Set(roles.calls.map(({ id }) => id)).size).toBe(1);
  });

  it('a call that arrives after its timeout and after a later call is followed by the current state, as a new change', async () => {
    const { engine, clock, roles, store } = following({ timeout: '10s' });
    let comeIn: () => void = () => undefined;
    let isFirst = true;
    roles.before = () => {
      if (!isFirst) return undefined;
      isFirst = false;
      return new Promise<void>((resolve) => (comeIn = resolve));
    };
    const grant = await aGranted(engine);
    await engine.sweep();
    while (roles.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance('10s');
    await engine.flushAudit();
    await engine.revoke(grant.id, { by: SAM });
    await settle(engine);
    expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`, `- ${MAYA} ${SCOPE}`]);
    comeIn();
    while (roles.calls.length < 3) await new Promise((resolve) => setImmediate(resolve));
    await engine.flushAudit();
    expect(roles.held.size).toBe(0);
    const [, second, third] = roles.calls;
    expect(third).toMatchObject({ held: false });
    expect(third?.seq).toBeGreaterThan(second?.seq as number);
    expect(third?.id).not.toBe(second?.id);
    expect(await theChange(store)).toMatchObject({ held: false, outcome: { status: 'done' } });
  });

  it('applies existing grants when it is registered later', async () => {
    const { engine } = anEngine();
    await aGranted(engine);
    const roles = new Roles();
    provision(engine, rolesTarget(roles));
    await engine.flushAudit();
    expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`]);
  });

  it('applies each change once from many engines on one store', async () => {
    const store = new MemoryGrantStore();
    const clock = new ManualClock();
    const roles = new Roles();
    const engines = Array.from({ length: 3 }, () => anEngine({ store, clock }).engine);
    for (const engine of engines) provision(engine, rolesTarget(roles));
    const grant = await aGranted(engines[0] as JitEngine);
    await Promise.all(engines.map(settle));
    expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`]);
    await engines[1]?.revoke(grant.id, { by: SAM });
    await Promise.all(engines.map(settle));
    await Promise.all(engines.map(settle));
    expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`, `- ${MAYA} ${SCOPE}`]);
  });

  it('L5 does not delay a removal while the clock is behind', async () => {
    const { engine, clock, roles } = following();
    const grant = await aGranted(engine);
    await settle(engine);
    await clock.set(clock.now() - 60 * MINUTE);
    await engine.revoke(grant.id, { by: SAM });
    await settle(engine);
    expect(roles.held.size).toBe(0);
  });

  it.each([
    ['10 seconds', 10_000],
    ['ten minutes', 10 * MINUTE],
  ])('L47 [A8] applies a start that a clock ahead by %s has recorded when it comes on this clock, not before', async (_, ms) => {
    const store = new MemoryGrantStore();
    const ahead = anEngine({ store });
    const { engine, clock, roles } = following({}, { store });
    await ahead.clock.advance(ms);
    const { startsAt, id } = await aGranted(ahead.engine);
    await settle(engine);
    await clock.set(startsAt - 1);
    await settle(engine);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    expect(roles.told).toEqual([]);
    await clock.advance(1);
    await settle(engine);
    expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`]);
    expect(roles.calls).toHaveLength(1);
    await engine.revoke(id, { by: SAM });
    await settle(engine);
    expect(roles.held.size).toBe(0);
    await expectReplayed(store);
  });

  it('L47 [A8] removes access that ends before such a start, and waits for the first of them', async () => {
    const store = new MemoryGrantStore();
    const { engine, clock, roles } = following({}, { store });
    const begin = clock.now();
    await aGranted(engine, { ttl: '1m' });
    await settle(engine);
    // The sweeps ahead record the end of the grant above, and the starts of these, the later first.
    for (const minutes of [10, 5]) {
      await aGranted(engine, { startsAt: begin + minutes * MINUTE, ttl: '2m' });
      const ahead = anEngine({ store, clock: new ManualClock(begin + minutes * MINUTE) });
      await ahead.engine.sweep();
      await settle(engine);
    }
    const heldAt = async (ms: number) => {
      await clock.set(begin + ms);
      await settle(engine);
      expect(roles.held.size).toBe(Number(await engine.isAllowed(MAYA, SCOPE)));
      return roles.told.length;
    };
    const calls: number[] = [];
    for (const minutes of [5, 7, 10, 12]) calls.push(await heldAt(minutes * MINUTE - 1), await heldAt(minutes * MINUTE));
    expect(calls).toEqual([2, 3, 3, 4, 4, 5, 5, 6]);
  });

  it('L34 L47 [A8] makes no call while the clock is set back to before a start', async () => {
    const store = new MemoryGrantStore();
    const { engine, clock, roles } = following({}, { store });
    await engine.sweep();
    const ahead = anEngine({ store, clock: new ManualClock(clock.now()) });
    await aGranted(ahead.engine);
    await clock.set(clock.now() - 10 * MINUTE);
    await settle(engine);
    await settle(engine);
    expect(roles.told).toEqual([]);
    await clock.advance(10 * MINUTE + 1);
    await settle(engine);
    expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`]);
  });

  it('refuses a target that parseTarget() refuses', () => {
    const { engine } = anEngine();
    expect(() => provision(engine, rolesTarget(new Roles(), { tries: 0 }))).toThrow(
      expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'target.tries' }) as Error,
    );
  });

  it('refuses the name of another target or sink, and a closed engine', async () => {
    const { engine } = following({}, { audit: new RecordingSink({ name: 'provisioning:firewall' }) });
    const again = (name: string) => () => provision(engine, rolesTarget(new Roles(), { name }));
    expect(again('roles')).toThrow(/target.name/);
    expect(again('firewall')).toThrow(/target.name/);
    await engine.close();
    expect(again('other')).toThrow(expect.objectContaining({ code: 'ERR_JIT_CLOSED' }) as Error);
  });

  it('leaves a change about an undeclared scope to a process that declares it', async () => {
    const store = new MemoryGrantStore();
    const clock = new ManualClock();
    const [first, second] = [new Roles(), new Roles()];
    const declares = anEngine({ store, clock }).engine;
    provision(declares, rolesTarget(first));
    const grant = await aGranted(declares);
    await settle(declares);
    first.failing = 1;
    await declares.revoke(grant.id, { by: SAM });
    await settle(declares);
    const other = anEngine({ store, clock }).engine;
    const others = provision(other, rolesTarget(second, { scopes: ['warehouse:read'] }));
    await clock.advance('5m');
    await settle(other);
    await others.resync();
    await others.reconcile();
    expect(second.calls).toEqual([]);
    await settle(declares);
    expect(first.held.size).toBe(0);
  });

  it('close() waits for calls in flight', async () => {
    const { engine, roles } = following();
    await aGranted(engine);
    await engine.close();
    expect(roles.held.size).toBe(1);
  });
});

describe('failed(), dismiss() and resync()', () => {
  async function stuck(tries = 2) {
    const made = following({ tries });
    made.roles.failing = tries;
    const grant = await aGranted(made.engine);
    for (let i = 0; i < tries; i++) {
      await settle(made.engine);
      await made.clock.advance('1m');
    }
    return { ...made, grant };
  }

  it('lists a change that is stuck after the last try, and a sweep does not try it again', async () => {
    const { engine, roles, clock } = await stuck(3);
    const [change] = await failedChanges(engine);
    expect(change).toMatchObject({ name: 'roles', subject: MAYA, scope: SCOPE, held: true, failures: 3, outcome: { status: 'stuck' } });
    await clock.advance('5m');
    await settle(engine);
    expect(roles.calls).toHaveLength(3);
    expect(await failedChanges(engine, { name: 'other' })).toEqual([]);
    expect(await failedChanges(engine, { subject: 'user:kim' })).toEqual([]);
    expect(await failedChanges(engine, { name: 'roles', subject: MAYA })).toEqual([change]);
  });

  it('a stuck change is replaced when access changes again, with new tries', async () => {
    const { engine, roles, grant } = await stuck();
    await engine.revoke(grant.id, { by: SAM });
    await settle(engine);
    expect(roles.told.at(-1)).toBe(`- ${MAYA} ${SCOPE}`);
    expect(await failedChanges(engine)).toEqual([]);
  });

  it('resync() tries a stuck change again, as the same change', async () => {
    const { engine, roles, provisioning } = await stuck();
    expect(await provisioning.resync()).toEqual({ applied: 1, unapplied: [] });
    expect(new Set(roles.calls.map(({ id }) => id)).size).toBe(1);
    expect(await failedChanges(engine)).toEqual([]);
  });

  it('resync() applies everything that is held again, as a new change, and no removal', async () => {
    const { engine, roles, provisioning } = following();
    await aGranted(engine);
    const gone = await aGranted(engine, { subject: 'user:kim' });
    await engine.revoke(gone.id, { by: SAM });
    await settle(engine);
    const before = roles.calls.length;
    roles.held.clear();
    expect(await provisioning.resync()).toEqual({ applied: 1, unapplied: [] });
    expect([...roles.held]).toEqual([`${MAYA} ${SCOPE}`]);
    expect(roles.calls).toHaveLength(before + 1);
    expect(new Set(roles.calls.map(({ id }) => id)).size).toBe(before + 1);
  });

  it('resync() returns the changes that failed', async () => {
    const { roles, provisioning } = await stuck();
    roles.failing = 1;
    expect(await provisioning.resync()).toMatchObject({ applied: 0, unapplied: [{ subject: MAYA, failures: 1 }] });
  });

  it('failed() and dismiss() act only on changes of their own target', async () => {
    const { engine, clock, provisioning } = await stuck();
    const rules = provision(engine, rolesTarget(new Roles(), { name: 'rules', tries: 1, apply: () => Promise.reject(new Error('no')) }));
    await settle(engine);
    await clock.advance('1m');
    const [[ofRoles], [ofRules]] = [await provisioning.failed({ subject: MAYA }), await rules.failed()];
    expect([ofRoles?.name, ofRules?.name]).toEqual(['roles', 'rules']);
    expect(await rules.failed({ subject: 'user:kim' })).toEqual([]);
    await expect(provisioning.dismiss(ofRules?.id as string, { by: SAM })).rejects.toMatchObject({ code: 'ERR_JIT_NOT_FOUND' });
    expect(await rules.dismiss(ofRules?.id as string, { by: SAM })).toMatchObject({ outcome: { status: 'dismissed' } });
    expect(await failedChanges(engine)).toEqual([ofRoles]);
  });

  it.each<[string, string, (handle: Provisioning) => Promise<unknown>]>([
    ['an invalid query', 'query', (handle) => handle.failed(7 as never)],
    ['a query with an unknown field', 'query', (handle) => handle.failed({ name: 'roles' } as never)],
    ['an invalid subject', 'subject', (handle) => handle.failed({ subject: ' ' })],
    ['no id', 'id', (handle) => handle.dismiss('', { by: SAM })],
    ['no options', 'options', (handle) => handle.dismiss('x', undefined as never)],
    ['a system actor', 'by', (handle) => handle.dismiss('x', { by: 'system:sweeper' })],
    ['an invalid reason', 'reason', (handle) => handle.dismiss('x', { by: SAM, reason: 7 as never })],
  ])('the handle refuses %s', async (_what, argument, call) => {
    const { provisioning } = following();
    await expect(call(provisioning)).rejects.toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT', argument });
  });

  it('the handle of a closed engine refuses every call', async () => {
    const { engine, provisioning } = following();
    await engine.close();
    const calls = [() => provisioning.failed(), () => provisioning.resync(), () => provisioning.reconcile()];
    for (const call of [...calls, () => provisioning.dismiss('x', { by: SAM })]) {
      await expect(call()).rejects.toMatchObject({ code: 'ERR_JIT_CLOSED' });
    }
  });

  it('failedChanges() and dismissChange() need no registered target', async () => {
    const { store, clock } = await stuck();
    const { engine } = anEngine({ store, clock });
    const [change] = await failedChanges(engine, { name: 'roles' });
    await dismissChange(engine, change?.id as string, { by: SAM });
    expect(await failedChanges(engine)).toEqual([]);
  });

  it('reconcile() applies an end before a sweep has recorded it, and no change that is done', async () => {
    const { engine, clock, roles, provisioning } = following();
    await aGranted(engine);
    await aGranted(engine, { subject: 'user:kim', ttl: '1h' });
    await settle(engine);
    expect(await provisioning.reconcile()).toEqual({ applied: 0, unapplied: [] });
    const { length } = roles.calls;
    await clock.advance('15m');
    expect(await provisioning.reconcile()).toEqual({ applied: 1, unapplied: [] });
    expect(roles.told.slice(length)).toEqual([`- ${MAYA} ${SCOPE}`]);
  });

  it('reconcile() applies held access that was not followed, such as added scopes', async () => {
    const store = new MemoryGrantStore();
    const clock = new ManualClock();
    const before = anEngine({ store, clock }).engine;
    provision(before, rolesTarget(new Roles(), { scopes: [SCOPE] }));
    await aGranted(before, { scopes: [SCOPE, READ] });
    await settle(before);
    const { engine } = anEngine({ store, clock });
    const roles = new Roles();
    const provisioning = provision(engine, rolesTarget(roles));
    expect(await provisioning.reconcile()).toEqual({ applied: 1, unapplied: [] });
    expect(roles.told).toEqual([`+ ${MAYA} ${READ}`]);
  });

  it('reconcile() makes no call before tryAt, none for a change without tries left, and returns both', async () => {
    const { engine, clock, roles, provisioning } = following({ tries: 2, retryAfter: '10s' });
    roles.failing = 2;
    await aGranted(engine);
    await settle(engine);
    expect(await provisioning.reconcile()).toMatchObject({ applied: 0, unapplied: [{ failures: 1 }] });
    expect(roles.calls).toHaveLength(1);
    await clock.advance('10s');
    expect(await provisioning.reconcile()).toMatchObject({ applied: 0, unapplied: [{ failures: 2, outcome: { status: 'stuck' } }] });
    expect(await provisioning.reconcile()).toMatchObject({ applied: 0, unapplied: [{ failures: 2, outcome: { status: 'stuck' } }] });
    expect(roles.calls).toHaveLength(2);
    expect(await provisioning.resync()).toEqual({ applied: 1, unapplied: [] });
  });

  it('dismissChange() records who dismissed a change and why; a later change of access is applied again', async () => {
    const { engine, roles, store, grant } = await stuck();
    const [change] = await failedChanges(engine);
    const dismissed = await dismissChange(engine, change?.id as string, { by: ANA, reason: 'done by hand' });
    expect(dismissed.outcome).toMatchObject({ status: 'dismissed', by: ANA, reason: 'done by hand' });
    expect(await failedChanges(engine)).toEqual([]);
    expect((await entriesOf(store)).at(-1)).toMatchObject({ type: 'provisioning.dismissed', actor: ANA });
    // A second call is accepted and recorded once.
    expect(await dismissChange(engine, dismissed.id, { by: SAM })).toEqual(dismissed);
    await engine.revoke(grant.id, { by: SAM });
    await settle(engine);
    expect(roles.told.at(-1)).toBe(`- ${MAYA} ${SCOPE}`);
    await expect(dismissChange(engine, 'nothing', { by: SAM })).rejects.toMatchObject({
      code: 'ERR_JIT_NOT_FOUND',
      kind: 'provisioning change',
    });
    await expect(dismissChange(engine, dismissed.id, { by: 'system:sweeper' })).rejects.toMatchObject({ argument: 'by' });
  });
});

describe('a killed process loses no change', () => {
  // Before and after each call to the store: an even number is a call that took effect without an answer.
  it.each(['issued', 'revoked'] as const)('L32 at whichever step of applying a grant that was %s it dies', async (what) => {
    let deaths = 0;
    for (let calls = 0; ; calls++) {
      const inner = new MemoryGrantStore();
      const clock = new ManualClock();
      const roles = new Roles();
      const sane = anEngine({ store: inner, clock }).engine;
      const grant = await aGranted(sane);
      if (what === 'revoked') {
        const teller = anEngine({ store: inner, clock }).engine;
        provision(teller, rolesTarget(roles));
        await settle(teller);
        await teller.close();
        await sane.revoke(grant.id, { by: SAM });
      }
      const { store, kill } = killedAfter(inner, calls);
      const doomed = new JitEngine({ approver: autoApprove(() => true), store, clock });
      provision(doomed, rolesTarget(roles));
      // Followers start with the first verb.
      void doomed.flushAudit().catch(() => undefined);
      await turns(30);
      const survivor = anEngine({ store: inner, clock }).engine;
      provision(survivor, rolesTarget(roles));
      await clock.advance('1m');
      await settle(survivor);
      await settle(survivor);
      expect([...roles.held], `after ${calls} calls`).toEqual(what === 'issued' ? [`${MAYA} ${SCOPE}`] : []);
      expect(await theChange(inner)).toMatchObject({ held: what === 'issued', outcome: { status: 'done' } });
      if (!kill.happened) break;
      deaths += 1;
    }
    expect(deaths).toBeGreaterThan(10);
  });

  it("L32 another process takes over while one hangs inside apply, and the hung call's late effect is corrected", async () => {
    for (const isRevoked of [true, false]) {
      const inner = new MemoryGrantStore();
      const clock = new ManualClock();
      const roles = new Roles();
      // The timers of the suspended process do not run either.
      const suspended = anEngine({ store: inner, clock: new ManualClock() }).engine;
      let wake: () => void = () => undefined;
      const slow = new Roles();
      // Delayed before it reaches the external system, which both processes share.
      slow.before = () => (slow.calls.length === 1 ? new Promise<void>((resolve) => (wake = resolve)) : undefined);
      const apply = async (change: DesiredState) => {
        await slow.apply(change);
        await roles.apply(change);
      };
      provision(suspended, rolesTarget(roles, { apply }));
      const grant = await aGranted(suspended);
      await turns(30);
      expect(slow.calls).toHaveLength(1);

      const other = anEngine({ store: inner, clock }).engine;
      provision(other, rolesTarget(roles));
      if (isRevoked) await other.revoke(grant.id, { by: SAM });
      await settle(other);
      // Not while the lease runs: two calls at a time could arrive in either order.
      expect(roles.calls).toEqual([]);
      await clock.advance('30s');
      await settle(other);
      expect(roles.calls).toEqual([]);
      await clock.advance(isRevoked ? '5s' : '15m');
      await settle(other);
      expect(roles.told).toEqual([`- ${MAYA} ${SCOPE}`]);
      expect((await theChange(inner)).outcome?.status).toBe('done');

      wake();
      await turns(60);
      // The late call arrived last, so the current state is applied once more.
      expect(roles.told).toEqual([`- ${MAYA} ${SCOPE}`, `+ ${MAYA} ${SCOPE}`, `- ${MAYA} ${SCOPE}`]);
      const seqs = roles.calls.map(({ seq }) => seq);
      expect(Math.max(...seqs)).toBe(seqs[2]);
      await settle(other);
      await settle(suspended);
      await turns(60);
      await settle(other);
      expect([...roles.held]).toEqual([]);
      expect((await theChange(inner)).outcome?.status).toBe('done');
    }
  });
});
