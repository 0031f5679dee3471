import { dismissChange, failedChanges, provision, type DesiredState } from 'jit-access/provisioning';
import { purge, removeSink } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import { autoApprove, isJitError, MemoryGrantStore, type GrantStore } from '../../../src/index.js';
import type { Row } from '../../../src/store.js';
import { parseTarget } from '../../../src/features/provisioning/options.js';
import { FaultyStore, ManualClock, type Fault, type StoreMethod } from '../../../src/testing.js';
import { aGranted, anEngine, at, entriesOf, MAYA, SAM, SCOPE } from '../../engine/an-engine.js';
import { expectReplayed } from '../../property/fold.js';
import { changesOf, Roles, rolesTarget, settle, theChange } from './external-system.js';

const KIM = 'user:kim';
const READ = 'db-prod:read';

const turns = async (n: number) => {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** A store at whose nth call something goes wrong. */
function faultyAt(inner: GrantStore, n: number, faultOf: (method: StoreMethod) => Fault) {
  const faulty = new FaultyStore(inner);
  const fault = { happened: false };
  let calls = 0;
  const store = new Proxy<FaultyStore>(faulty, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      if (!['get', 'live', 'find', 'due', 'commit', 'journal'].includes(property as string)) return value.bind(target) as unknown;
      return (...args: unknown[]) => {
        if (calls++ === n) {
          fault.happened = true;
          faulty.inject(property as StoreMethod, faultOf(property as StoreMethod), 1);
        }
        return (value as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  return { store, fault, faulty };
}

/** A grant that was issued, or one that was applied and then revoked. The change is not applied yet. */
async function prepared(what: 'issued' | 'revoked') {
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
  const expectRight = async (context: string) => {
    expect([...roles.held], context).toEqual(what === 'issued' ? [`${MAYA} ${SCOPE}`] : []);
    expect(await theChange(inner), context).toMatchObject({ held: what === 'issued', outcome: { status: 'done' } });
    await expectReplayed(inner);
  };
  return { inner, clock, roles, expectRight };
}

const NONSENSE: readonly unknown[] = [undefined, 'yes', [], [null], [{}], { items: [null] }, { items: [], next: 7 }, { entries: [] }];
const FAULTS: Readonly<Record<string, readonly ((method: StoreMethod) => Fault)[]>> = {
  rejects: [() => ({ fault: 'reject' }), () => ({ fault: 'reject', error: new Error('ECONNRESET') })],
  throws: [() => ({ fault: 'throw' }), () => ({ fault: 'throw', error: 'text' })],
  'loses a reply': [() => ({ fault: 'lose reply' })],
  // An empty list or a partial list would be a valid answer to `live`, and a denial.
  'answers nonsense': NONSENSE.map((answer) => (method) => ({
    fault: 'malformed',
    answer: method === 'live' && Array.isArray(answer) ? 'no list' : answer,
  })),
};

/** Writes a row as another program would. */
async function bend(store: GrantStore, row: Row, change: Partial<Row>): Promise<void> {
  const { kind, id, version } = row;
  const put = [{ ...row, ...change, version: version + 1 }];
  expect(await store.commit({ id: `outside-${id}-${version}`, expect: [{ kind, id, version }], put, append: [] })).toMatchObject({
    outcome: 'committed',
  });
}

async function theRow(store: GrantStore, kind: string, id: string): Promise<Row> {
  const [row] = await store.get([{ kind, id }]);
  if (row === undefined) throw new Error(`${kind} ${id} does not exist`);
  return row;
}

const codes = (told: readonly { readonly error: unknown }[]) => told.map(({ error }) => (isJitError(error) ? error.code : undefined));

describe('provision() over a store that fails', () => {
  for (const [how, faults] of Object.entries(FAULTS)) {
    it.each(['issued', 'revoked'] as const)(`L30 L31 applies a grant that was %s, at whichever call the store ${how}`, async (what) => {
      for (const [i, faultOf] of faults.entries()) {
        let happened = 0;
        for (let n = 0; ; n++) {
          const { inner, clock, roles, expectRight } = await prepared(what);
          const { store, fault } = faultyAt(inner, n, faultOf);
          const { engine, told } = anEngine({ store, clock });
          provision(engine, rolesTarget(roles));
          for (let round = 0; round < 3; round++) {
            await settle(engine).catch((error: unknown) => expect(isJitError(error)).toBe(true));
            await clock.advance('1m');
          }
          await expectRight(`${how} ${i} at call ${n}`);
          for (const { error } of told) expect(error).toBeInstanceOf(Error);
          // At later calls there is nothing left to apply.
          if (!fault.happened || n === 40) break;
          happened += 1;
        }
        expect(happened).toBeGreaterThan(15);
      }
    });
  }

  it.each(['issued', 'revoked'] as const)(
    'L28 L32 applies a grant that was %s through another engine when the store hangs at any call, and stays right when that call completes late',
    async (what) => {
      let hung = 0;
      for (let n = 0; n < 40; n++) {
        const { inner, clock, roles, expectRight } = await prepared(what);
        const { store, fault, faulty } = faultyAt(inner, n, () => ({ fault: 'hang' }));
        const stuck = anEngine({ store, clock }).engine;
        provision(stuck, rolesTarget(roles));
        // Followers begin with the first verb.
        void stuck.isAllowed('user:nobody', 'db-prod:read').catch(() => undefined);
        await turns(30);
        const other = anEngine({ store: inner, clock }).engine;
        provision(other, rolesTarget(roles));
        await clock.advance('1m');
        await settle(other);
        await settle(other);
        await expectRight(`hangs at call ${n}`);
        // From this call number on, the store answers every call.
        if (!fault.happened) break;
        faulty.release();
        await turns(30);
        await settle(other);
        await settle(stuck);
        await settle(other);
        await expectRight(`released at call ${n}`);
        hung += 1;
      }
      expect(hung).toBeGreaterThan(10);
    },
  );
});

describe('provision() over rows that another program changed', () => {
  const body = (change: object) => (row: Row) => ({ body: { ...row.body, ...change } });
  it.each<[string, (row: Row) => Partial<Row>]>([
    ['held as text', body({ held: 'true' })],
    ['a number that is not an integer', body({ seq: 'x' })],
    ['an unknown field', body({ more: 1 })],
    ['an unknown outcome', body({ outcome: { status: 'fine', at: at(0), by: SAM } })],
    ['another scope', () => ({ scope: 'db:**:x' })],
    ['no body', () => ({ body: [] as unknown as Row['body'] })],
    ['a column that contradicts the body', () => ({ open: true })],
  ])('L30 a change with %s is reported, delays no other change, and is applied once its row is repaired', async (_what, spoil) => {
    const roles = new Roles();
    const { engine, store, told } = anEngine();
    const provisioning = provision(engine, rolesTarget(roles));
    const grant = await aGranted(engine);
    await settle(engine);
    const { id } = await theChange(store);
    const good = await theRow(store, 'provisioning', id);
    await bend(store, good, spoil(good));
    // In the same delivery as the other subject's change, and before it.
    await engine.revoke(grant.id, { by: SAM });
    await aGranted(engine, { subject: KIM });
    await settle(engine);
    expect(codes(told)).toContain('ERR_JIT_CORRUPT');
    expect([...roles.held].sort()).toEqual([`${KIM} ${SCOPE}`, `${MAYA} ${SCOPE}`]);
    expect((await engine.flushAudit()).caughtUp).toBe(true);
    expect(await provisioning.resync()).toEqual({ applied: 1, unapplied: [] });
    await bend(store, await theRow(store, 'provisioning', id), good);
    expect(await provisioning.reconcile()).toEqual({ applied: 1, unapplied: [] });
    expect([...roles.held]).toEqual([`${KIM} ${SCOPE}`]);
  });

  it.each<[string, object]>([
    ['an end as text', { leasedUntil: 'soon', owner: 'somebody' }],
    ['no end', { owner: 'somebody' }],
    ['a negative end', { leasedUntil: -1, owner: 'somebody' }],
    ['an end in the far future', { leasedUntil: at(1e9), owner: 'somebody' }],
    ['an invalid owner', { leasedUntil: 0, owner: 7 }],
  ])('L30 a lease with %s does not stop later calls', async (_what, spoilt) => {
    const roles = new Roles();
    const { engine, store, told } = anEngine();
    provision(engine, rolesTarget(roles));
    const grant = await aGranted(engine);
    await settle(engine);
    const { id } = await theChange(store);
    await bend(store, await theRow(store, 'lease', id), { body: spoilt as Row['body'] });
    await engine.revoke(grant.id, { by: SAM });
    await settle(engine);
    expect(roles.held.size).toBe(0);
    expect(codes(told).filter((code) => code === 'ERR_JIT_CORRUPT')).toHaveLength(
      Number.isSafeInteger((spoilt as { leasedUntil?: unknown }).leasedUntil) && (spoilt as { leasedUntil: number }).leasedUntil >= 0
        ? 0
        : 1,
    );
    // The lease is readable again.
    expect((await theRow(store, 'lease', id)).body['leasedUntil']).toBe(0);
  });

  it.each<[string, object]>([
    ['a position as text', { seq: 'x', leasedUntil: 0 }],
    ["a position after the journal's head", { seq: 1e6, leasedUntil: 0 }],
    ['a lease as text', { seq: 0, leasedUntil: 'soon' }],
  ])('L30 a cursor with %s is reported at each sweep, due changes are still tried, and removeSink() drops it', async (_what, spoilt) => {
    const roles = new Roles();
    const { engine, store, told, clock } = anEngine();
    provision(engine, rolesTarget(roles));
    roles.failing = 1;
    const grant = await aGranted(engine);
    await settle(engine);
    await bend(store, await theRow(store, 'cursor', 'provisioning:roles'), { body: spoilt as Row['body'] });
    await engine.revoke(grant.id, { by: SAM });
    await aGranted(engine, { subject: KIM });
    for (let sweeps = 1; sweeps <= 3; sweeps++) {
      told.length = 0;
      await clock.advance('1s');
      await engine.sweep();
      await turns(30);
      expect(codes(told)).toEqual(['ERR_JIT_CORRUPT']);
    }
    // The failed change was tried again, with the current access.
    expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`, `- ${MAYA} ${SCOPE}`]);
    await removeSink(engine, 'provisioning:roles');
    await settle(engine);
    expect([...roles.held]).toEqual([`${KIM} ${SCOPE}`]);
  });
});

describe('provision() with a clock that fails', () => {
  it('L30 reports the failure, and finishes the change once the clock works again', async () => {
    const roles = new Roles();
    let isBroken = false;
    const clock = new ManualClock();
    const broken = { now: () => (isBroken ? NaN : clock.now()), sleep: (until: number, signal: AbortSignal) => clock.sleep(until, signal) };
    const { engine, told, store } = anEngine({ clock: broken });
    provision(engine, rolesTarget(roles));
    roles.before = () => void (isBroken = true);
    await aGranted(engine);
    await engine.flushAudit();
    expect(codes(told)).toContain('ERR_JIT_CLOCK');
    expect((await theChange(store)).outcome).toBeUndefined();
    roles.before = undefined;
    isBroken = false;
    await settle(engine);
    expect(await theChange(store)).toMatchObject({ held: true, failures: 0, outcome: { status: 'done' } });
    expect(new Set(roles.calls.map(({ id }) => id)).size).toBe(1);
    expect(clock.sleepers).toBe(0);
  });

  it('L30 a clock that throws at any reading loses no change', async () => {
    const roles = new Roles();
    const clock = new ManualClock();
    let readings = Infinity;
    const now = () => {
      if (readings-- <= 0) throw new Error('no clock');
      return clock.now();
    };
    for (let n = 0; n < 30; n++) {
      const { engine, store } = anEngine({ clock: { now, sleep: clock.sleep.bind(clock) } as unknown as ManualClock });
      const others = new Roles();
      provision(engine, rolesTarget(others));
      const grant = await aGranted(engine);
      await settle(engine);
      await engine.revoke(grant.id, { by: SAM });
      readings = n;
      await settle(engine).catch((error: unknown) => expect(codes([{ error }])).toEqual(['ERR_JIT_CLOCK']));
      readings = Infinity;
      await settle(engine);
      await settle(engine);
      expect([...others.held], `after ${n} readings`).toEqual([]);
      expect((await theChange(store)).outcome?.status).toBe('done');
    }
    expect(roles.calls).toEqual([]);
  });
});

describe('provision() with a faulty apply', () => {
  it('counts a synchronous throw of apply as a failed call', async () => {
    const { engine, store, told } = anEngine();
    const apply = () => {
      throw Object.assign(new Error('no'), { code: 'E_NO' });
    };
    provision(engine, { name: 'roles', scopes: [SCOPE], apply });
    await aGranted(engine);
    await settle(engine);
    expect(await theChange(store)).toMatchObject({ failures: 1, problem: 'E_NO', outcome: undefined });
    expect(told).toMatchObject([{ error: { cause: { code: 'E_NO' } }, during: 'provisioning roles' }]);
  });

  it('waits for any thenable, and calls apply with the target as this', async () => {
    const { engine, store } = anEngine();
    let go: (value: unknown) => void = () => undefined;
    const calls: string[] = [];
    provision(engine, {
      name: 'roles',
      scopes: [SCOPE],
      apply({ id }: DesiredState) {
        calls.push(`${this.name} ${id}`);
        return { then: (resolve: (value: unknown) => void) => void (go = resolve) } as unknown as Promise<void>;
      },
    });
    await aGranted(engine);
    await engine.sweep();
    await turns(20);
    const { id, seq, outcome } = await theChange(store);
    expect([calls, outcome]).toEqual([[`roles ${id}.${seq}`], undefined]);
    go(undefined);
    await engine.flushAudit();
    expect((await theChange(store)).outcome?.status).toBe('done');
  });

  it('a change is stuck after as many timeouts as it has tries when apply never settles, and close() resolves', async () => {
    const { engine, clock, store } = anEngine();
    const signals: AbortSignal[] = [];
    const apply = ({ signal }: DesiredState) => new Promise<void>(() => signals.push(signal));
    provision(engine, { name: 'roles', scopes: [SCOPE], apply, tries: 3, timeout: '10s', retryAfter: '1s' });
    await aGranted(engine);
    for (let tries = 1; tries <= 3; tries++) {
      await engine.sweep();
      await turns(20);
      expect(signals).toHaveLength(tries);
      await clock.advance('10s');
      await engine.flushAudit();
      await clock.advance('2s');
    }
    expect(await theChange(store)).toMatchObject({ failures: 3, outcome: { status: 'stuck' } });
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
    await engine.close();
    expect(clock.sleepers).toBe(0);
  });

  it('L28 two targets on one engine are independent, down to the change ids', async () => {
    const { engine, store } = anEngine();
    const roles = new Roles();
    const rules = new Roles();
    rules.before = () => new Promise<void>(() => undefined);
    provision(engine, rolesTarget(rules, { name: 'rules' }));
    provision(engine, rolesTarget(roles));
    const grant = await aGranted(engine);
    await engine.sweep();
    await turns(30);
    expect(roles.held.size).toBe(1);
    await engine.revoke(grant.id, { by: SAM });
    await turns(30);
    expect(roles.held.size).toBe(0);
    expect(rules.calls).toHaveLength(1);
    const changes = await changesOf(store);
    expect(changes.map(({ name, outcome }) => [name, outcome?.status]).sort()).toEqual([
      ['roles', 'done'],
      ['rules', undefined],
    ]);
    expect(new Set([...roles.calls, ...rules.calls].map(({ id }) => id)).size).toBe(3);
  });

  it('applies what is held to a target that is registered after a purge cut the journal', async () => {
    const { engine, clock, store } = anEngine();
    const gone = await aGranted(engine);
    await engine.revoke(gone.id, { by: SAM });
    await clock.advance('1h');
    await aGranted(engine, { scope: READ });
    await purge(engine, { before: clock.now(), by: SAM, force: true });
    expect((await store.journal({ after: 0, limit: 1 })).start.seq).toBeGreaterThan(0);
    const roles = new Roles();
    provision(engine, rolesTarget(roles));
    await settle(engine);
    expect(roles.told).toEqual([`+ ${MAYA} ${READ}`]);
  });
});

describe('close() while calls hang', () => {
  it.each([
    [1, 1],
    [8, 1],
    [9, 2],
    [20, 3],
  ])(
    'with %i of them it resolves after %i times the timeout, and another engine applies the remaining changes',
    async (hanging, rounds) => {
      const { engine, clock, store } = anEngine({ approver: autoApprove(() => true) });
      const roles = new Roles();
      roles.before = () => new Promise<void>(() => undefined);
      provision(engine, rolesTarget(roles, { timeout: '10s' }));
      for (let i = 0; i < hanging; i++) await aGranted(engine, { subject: `user:u${i}` });
      await turns(60);
      let isClosed = false;
      const closing = engine.close().then(() => (isClosed = true));
      for (let round = 1; round <= rounds; round++) {
        await turns(60);
        expect(isClosed).toBe(false);
        await clock.advance('10s');
      }
      await turns(60);
      expect(isClosed).toBe(true);
      await closing;
      expect(clock.sleepers).toBe(0);
      const other = anEngine({ clock, store }).engine;
      roles.before = undefined;
      provision(other, rolesTarget(roles));
      await clock.advance('1m');
      await settle(other);
      expect(roles.held.size).toBe(hanging);
    },
  );
});

/** The clock of a suspended process: the process reads the time when it wakes, but none of its timers has fired. */
const withoutTimers = (clock: ManualClock) => {
  const sleep = (_until: number, signal: AbortSignal) => new Promise<void>((wake) => signal.addEventListener('abort', () => wake()));
  return { now: () => clock.now(), sleep } as unknown as ManualClock;
};

/** Delays the first call, or the calls that the test selects, until the test lets them in. */
function heldUp(roles: Roles) {
  const held: (() => void)[] = [];
  const gate = {
    isShut: true,
    get waiting() {
      return held.length;
    },
    letIn: () => {
      for (const go of held.splice(0)) go();
    },
  };
  roles.before = () => (gate.isShut ? new Promise<void>((go) => held.push(go)) : undefined);
  return gate;
}

describe('a call that arrives after later calls', () => {
  it('L32 is corrected at the next sweep where the store fails at its arrival', async () => {
    for (const method of ['get', 'live', 'journal', 'commit'] as const) {
      const { engine, clock, store, told } = anEngine();
      const roles = new Roles();
      const gate = heldUp(roles);
      provision(engine, rolesTarget(roles, { timeout: '10s' }));
      const grant = await aGranted(engine);
      await turns(30);
      await clock.advance('10s');
      await engine.flushAudit();
      gate.isShut = false;
      await engine.revoke(grant.id, { by: SAM });
      await settle(engine);
      expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`, `- ${MAYA} ${SCOPE}`]);
      told.length = 0;
      const heal = store.inject(method, { fault: 'reject' });
      gate.letIn();
      await turns(30);
      expect(roles.held.size).toBe(1);
      expect(new Set(codes(told)), method).toEqual(new Set(['ERR_JIT_STORE']));
      heal();
      await settle(engine);
      expect([...roles.held], method).toEqual([]);
      const after = roles.calls.length;
      await settle(engine);
      expect(roles.calls).toHaveLength(after);
    }
  });

  it('L32 is corrected by a process that was suspended, also where the store fails when it wakes', async () => {
    const inner = new MemoryGrantStore();
    const clock = new ManualClock();
    const roles = new Roles();
    const store = new FaultyStore(inner);
    const suspended = anEngine({ store, clock: withoutTimers(clock) });
    const slow = new Roles();
    const gate = heldUp(slow);
    const apply = async (change: DesiredState) => {
      await slow.apply(change);
      await roles.apply(change);
    };
    provision(suspended.engine, rolesTarget(roles, { apply }));
    const grant = await aGranted(suspended.engine);
    await turns(30);
    const other = anEngine({ store: inner, clock }).engine;
    provision(other, rolesTarget(roles));
    await other.revoke(grant.id, { by: SAM });
    await clock.advance('36s');
    await settle(other);
    expect(roles.told).toEqual([`- ${MAYA} ${SCOPE}`]);
    gate.isShut = false;
    const heal = store.inject('all', { fault: 'reject' });
    gate.letIn();
    await turns(30);
    expect(roles.held.size).toBe(1);
    heal();
    await settle(suspended.engine);
    await settle(other);
    expect([...roles.held]).toEqual([]);
    expect((await theChange(inner)).outcome?.status).toBe('done');
  });

  it('L33 is corrected also where a purge has removed the record of the later calls', async () => {
    const { engine, clock, store } = anEngine();
    const roles = new Roles();
    const gate = heldUp(roles);
    provision(engine, rolesTarget(roles, { timeout: '10s' }));
    const grant = await aGranted(engine);
    await turns(30);
    await clock.advance('10s');
    await engine.flushAudit();
    gate.isShut = false;
    await engine.revoke(grant.id, { by: SAM });
    await settle(engine);
    await clock.advance('1d');
    await purge(engine, { before: clock.now(), by: SAM, force: true });
    expect(await changesOf(store)).toEqual([]);
    gate.letIn();
    await turns(30);
    await engine.flushAudit();
    expect([...roles.held]).toEqual([]);
    const seqs = roles.calls.map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    expect(new Set(seqs).size).toBe(3);
    expect((await theChange(store)).outcome?.status).toBe('done');
  });

  it('a lease from before a purge does not count as the present lease', async () => {
    const inner = new MemoryGrantStore();
    const clock = new ManualClock();
    const roles = new Roles();
    const suspended = anEngine({ store: inner, clock: withoutTimers(clock) }).engine;
    const slow = new Roles();
    const gate = heldUp(slow);
    provision(suspended, rolesTarget(slow));
    const grant = await aGranted(suspended);
    await turns(30);
    expect(slow.calls).toHaveLength(1);

    const other = anEngine({ store: inner, clock }).engine;
    const theirs = heldUp(roles);
    theirs.isShut = false;
    provision(other, rolesTarget(roles));
    await clock.advance('36s');
    await other.revoke(grant.id, { by: SAM });
    await settle(other);
    await clock.advance('1d');
    await purge(other, { before: clock.now(), by: SAM, force: true });
    expect(await changesOf(inner)).toEqual([]);
    // Applied again, under the first version of a new lease.
    theirs.isShut = true;
    await aGranted(other);
    await turns(30);
    // Either process may have recorded it: the suspended one is still at its first call.
    await other.sweep();
    await turns(30);
    expect(theirs.waiting).toBe(1);
    const { id } = await theChange(inner);
    const lease = await theRow(inner, 'lease', id);
    expect(lease.version).toBe(1);
    gate.letIn();
    await turns(30);
    expect(await theRow(inner, 'lease', id)).toEqual(lease);
    theirs.isShut = false;
    theirs.letIn();
    await other.flushAudit();
    expect([...roles.held]).toEqual([`${MAYA} ${SCOPE}`]);
    expect((await entriesOf(inner)).filter(({ type }) => type === 'provisioning.done')).toHaveLength(1);
  });
});

describe('limits and selections', () => {
  it('applies everything that is held at registration, however many grants', async () => {
    const { engine } = anEngine({ approver: autoApprove(() => true) });
    for (let i = 0; i < 50; i++) await aGranted(engine, { subject: `user:u${i}` });
    const roles = new Roles();
    const provisioning = provision(engine, rolesTarget(roles));
    await engine.flushAudit();
    expect(roles.held.size).toBe(50);
    expect(roles.calls).toHaveLength(50);
    // And again: each call has released its place in the queue.
    expect(await provisioning.resync()).toEqual({ applied: 50, unapplied: [] });
    expect(roles.calls).toHaveLength(100);
  });

  it('failedChanges() lists only stuck changes, the one that has been stuck for longest first', async () => {
    const { engine, clock } = anEngine();
    const roles = new Roles();
    roles.failing = Infinity;
    provision(engine, rolesTarget(roles, { tries: 2 }));
    const subjects = ['user:a', 'user:b', 'user:c', 'user:d'];
    for (const subject of subjects) {
      await aGranted(engine, { subject });
      await settle(engine);
      expect((await failedChanges(engine)).some((change) => change.subject === subject)).toBe(false);
      await clock.advance('1s');
      await settle(engine);
    }
    expect((await failedChanges(engine)).map(({ subject }) => subject)).toEqual(subjects);
  });

  it('resync() neither applies nor counts a revoked or a scheduled grant', async () => {
    const { engine, clock } = anEngine();
    const roles = new Roles();
    const provisioning = provision(engine, rolesTarget(roles));
    const grant = await aGranted(engine);
    await engine.revoke(grant.id, { by: SAM });
    await settle(engine);
    await aGranted(engine, { startsAt: clock.now() + 60_000 });
    await settle(engine);
    const { length } = roles.calls;
    expect(await provisioning.resync()).toEqual({ applied: 0, unapplied: [] });
    expect(roles.calls).toHaveLength(length);
  });

  it('resync() of one target leaves a stuck change of another target alone', async () => {
    const { engine, clock } = anEngine();
    const roles = new Roles();
    const rules = new Roles();
    rules.failing = Infinity;
    const provisioning = provision(engine, rolesTarget(roles));
    provision(engine, rolesTarget(rules, { name: 'rules', tries: 1 }));
    await aGranted(engine);
    await settle(engine);
    await clock.advance('1s');
    const stuck = await failedChanges(engine);
    expect(stuck).toMatchObject([{ name: 'rules' }]);
    const { length } = rules.calls;
    expect(await provisioning.resync()).toEqual({ applied: 1, unapplied: [] });
    expect(await failedChanges(engine)).toEqual(stuck);
    expect(rules.calls).toHaveLength(length);
    expect(roles.calls.map(({ scope }) => scope)).toEqual([SCOPE, SCOPE]);
  });
});

it('a lease is released where another process applied the change first', async () => {
  const inner = new MemoryGrantStore();
  const clock = new ManualClock();
  const roles = new Roles();
  const first = anEngine({ store: inner, clock }).engine;
  provision(first, rolesTarget(roles));
  roles.failing = 1;
  await aGranted(first);
  await settle(first);
  await clock.advance('1s');
  // Between the second engine's read of due changes and its read of the lease, the first engine applies the change.
  let isFirst = true;
  const store = new Proxy<GrantStore>(inner, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      if (property !== 'get') return value.bind(target) as unknown;
      return async (keys: readonly { readonly kind: string }[]) => {
        if (isFirst && keys[0]?.kind === 'lease') {
          isFirst = false;
          await settle(first);
        }
        return inner.get(keys as Parameters<GrantStore['get']>[0]);
      };
    },
  });
  const second = anEngine({ store: store, clock }).engine;
  provision(second, rolesTarget(roles));
  await settle(second);
  expect(isFirst).toBe(false);
  expect(roles.calls).toHaveLength(2);
  const { id } = await theChange(inner);
  expect((await theRow(inner, 'lease', id)).body['leasedUntil']).toBe(0);
});

describe('the outcome of a call', () => {
  it('a late call that failed is followed by another call, as the target may have applied it', async () => {
    const { engine, clock } = anEngine();
    const roles = new Roles();
    const gate = heldUp(roles);
    const apply = async (change: DesiredState) => {
      const isFirst = gate.isShut;
      await roles.apply(change);
      if (isFirst) throw new Error('taken, but not said so');
    };
    provision(engine, rolesTarget(roles, { apply, timeout: '10s' }));
    const grant = await aGranted(engine);
    await turns(30);
    await clock.advance('10s');
    await engine.flushAudit();
    gate.isShut = false;
    await engine.revoke(grant.id, { by: SAM });
    await settle(engine);
    gate.letIn();
    await turns(30);
    await engine.flushAudit();
    expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`, `- ${MAYA} ${SCOPE}`, `- ${MAYA} ${SCOPE}`]);
    expect(roles.held.size).toBe(0);
  });

  it('a late call with the same state as the latest call is followed by no other call', async () => {
    const { engine, clock } = anEngine();
    const roles = new Roles();
    const gate = heldUp(roles);
    provision(engine, rolesTarget(roles, { timeout: '10s' }));
    const grant = await aGranted(engine);
    await turns(30);
    await clock.advance('10s');
    await engine.flushAudit();
    gate.isShut = false;
    await engine.revoke(grant.id, { by: SAM });
    await settle(engine);
    await aGranted(engine);
    await settle(engine);
    const told = [`+ ${MAYA} ${SCOPE}`, `- ${MAYA} ${SCOPE}`, `+ ${MAYA} ${SCOPE}`];
    expect(roles.told).toEqual(told);
    gate.letIn();
    await turns(30);
    await settle(engine);
    expect(roles.told).toEqual(told);
  });

  it('is left to the process that has taken the call over', async () => {
    const inner = new MemoryGrantStore();
    const store = new FaultyStore(inner);
    const clock = new ManualClock();
    const slow = new Roles();
    const gate = heldUp(slow);
    const suspended = anEngine({ store, clock: withoutTimers(clock) });
    provision(suspended.engine, rolesTarget(slow));
    await aGranted(suspended.engine);
    await turns(30);
    const roles = new Roles();
    const theirs = heldUp(roles);
    const other = anEngine({ store: inner as unknown as FaultyStore, clock }).engine;
    provision(other, rolesTarget(roles));
    await clock.advance('36s');
    await other.sweep();
    await turns(30);
    expect([gate.waiting, theirs.waiting]).toEqual([1, 1]);
    const commits = store.called('commit');
    gate.letIn();
    await turns(60);
    expect(store.called('commit')).toBe(commits);
    // The other process has the same change in flight, and records its outcome.
    expect((await theChange(store)).outcome).toBeUndefined();
    expect(suspended.told).toEqual([]);
    theirs.letIn();
    await turns(30);
    expect(await theChange(store)).toMatchObject({ failures: 0, outcome: { status: 'done' } });
  });

  it.each([true, false])('does not undo a dismissal during the call (the target applied it: %s)', async (isTaken) => {
    const { engine, store } = anEngine();
    const roles = new Roles();
    const gate = heldUp(roles);
    roles.failing = isTaken ? 0 : 1;
    provision(engine, rolesTarget(roles));
    await aGranted(engine);
    await turns(30);
    const dismissed = await dismissChange(engine, (await theChange(store)).id, { by: SAM });
    gate.letIn();
    await engine.flushAudit();
    expect(await theChange(store)).toEqual(dismissed);
  });
});

describe('options of a target', () => {
  const given = (over: object = {}) => parseTarget({ name: 'roles', scopes: [SCOPE], apply: () => undefined, ...over });

  it('have the defaults that the docs name', () => {
    expect(given()).toMatchObject({ backoff: { tries: 8, firstMs: 1_000, maxMs: 300_000 }, timeoutMs: 30_000 });
  });

  it('allow up to 1,000 scopes, a name of 200 characters and 1,000 tries', () => {
    const scopes = (count: number) => Array.from({ length: count }, (_, i) => `db:${i}`);
    expect(given({ scopes: scopes(1_000), name: 'n'.repeat(200), tries: 1_000 }).scopes).toHaveLength(1_000);
    expect(() => given({ scopes: scopes(1_001) })).toThrow(/target.scopes/);
    expect(() => given({ name: 'n'.repeat(201) })).toThrow(/target.name/);
    expect(() => given({ tries: 1_001 })).toThrow(/target.tries/);
  });
});
