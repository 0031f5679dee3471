import { failedChanges, provision, type DesiredState, type Provisioning } from 'jit-access/provisioning';
import { purge } from 'jit-access/retention';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  autoApprove,
  isJitError,
  JitEngine,
  MemoryGrantStore,
  patternScopes,
  type AuditEntry,
  type Grant,
  type GrantStore,
} from '../../../src/index.js';
import { readJournal, verifyJournal } from '../../../src/journal.js';
import { verifyStore } from '../../../src/journal/verify-store.js';
import { decodeGrant } from '../../../src/records/index.js';
import { FaultyStore, ManualClock } from '../../../src/testing.js';
import { expectReplayed } from '../../property/fold.js';
import { untilReached } from '../../property/reach.js';
import { changesOf } from './external-system.js';
import type { Duration } from '../../../src/index.js';

const SUBJECTS = ['user:maya', 'user:kim'];
/** The state of the external system. */
const DECLARED = ['db:a', 'db:b'];
const TIMEOUT_MS = 10_000;
/** How much longer a lease runs than a call may. */
const GRACE_MS = 5_000;

/** What a call to the external system does: whether it takes effect, and whether it reports that. */
const MOODS = ['takes it', 'takes it', 'takes it', 'fails', 'takes it and fails', 'hangs', 'takes it and hangs', 'is lost'] as const;
type Mood = (typeof MOODS)[number];

type Step =
  | { readonly do: 'ask'; readonly who: number; readonly scope: string; readonly ttl: Duration; readonly startsIn: number | undefined }
  | { readonly do: 'extend' | 'revoke' | 'release'; readonly which: number }
  | { readonly do: 'sweep' | 'flush' | 'resync' | 'reconcile' | 'purge' }
  | { readonly do: 'land'; readonly which: number }
  | { readonly do: 'wait'; readonly ms: number };

const step = <Kind extends string, Rest>(weight: number, kinds: readonly Kind[], rest: fc.Arbitrary<Rest>) => ({
  weight,
  arbitrary: fc.tuple(fc.constantFrom(...kinds), rest).map(([kind, fields]) => ({ do: kind, ...fields })),
});
const nat = fc.nat(30);
const stepArb = fc.record({
  /** Whose engine acts. */
  by: nat,
  /** Whether its background work settles before the next step. */
  rests: fc.boolean(),
  what: fc.oneof(
    step(
      6,
      ['ask'],
      fc.record({
        who: fc.nat(1),
        scope: fc.constantFrom('db:a', 'db:a', 'db:b', 'db:*', 'other:x'),
        ttl: fc.constantFrom('5s', '12s', '1m', '20m', '7d'),
        startsIn: fc.option(fc.constantFrom(3_000, 30_000), { nil: undefined, freq: 4 }),
      }),
    ),
    step(6, ['extend', 'revoke', 'revoke', 'release'], fc.record({ which: nat })),
    step(7, ['sweep', 'sweep', 'sweep', 'sweep', 'flush', 'resync', 'reconcile', 'purge'], fc.constant({})),
    step(3, ['land'], fc.record({ which: nat })),
    step(6, ['wait'], fc.record({ ms: fc.constantFrom(1, 500, 3_000, 5_000, 10_000, 16_000, 60_000, 900_000) })),
  ),
});

interface Run extends Setting {
  readonly steps: readonly { readonly by: number; readonly rests: boolean; readonly what: Step }[];
}

interface Setting {
  readonly seed: number;
  readonly engines: readonly Fate[];
  readonly moods: readonly Mood[];
  readonly tries: number;
}

/** The fate of a process. */
interface Fate {
  readonly follows: boolean;
  /** The number of calls to the store after which it dies. */
  readonly diesAfter: number | undefined;
}

const runArb: fc.Arbitrary<Run> = fc.record({
  seed: fc.nat(1_000),
  engines: fc.array(fc.record({ follows: fc.boolean(), diesAfter: fc.option(fc.nat(250), { nil: undefined, freq: 2 }) }), {
    minLength: 1,
    maxLength: 3,
    size: 'max',
  }),
  moods: fc.array(fc.constantFrom(...MOODS), { minLength: 1, maxLength: 12, size: 'max' }),
  tries: fc.constantFrom(1, 2, 8),
  steps: fc.array(stepArb, { minLength: 5, maxLength: 40, size: 'max' }),
});

interface Call extends DesiredState {
  readonly key: string;
  readonly at: number;
  readonly engine: Life;
  settled: boolean;
  /** Whether its engine had died by the time at which the call timed out. */
  diedBefore?: boolean;
}

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

/** A process. One with a number of calls to its store is abandoned at the next call, and none of its waits ever settles. */
interface Life {
  readonly engine: JitEngine;
  /** `undefined` where it follows no journal. */
  readonly provisioning: Provisioning | undefined;
  readonly isDoomed: boolean;
  readonly isDead: () => boolean;
  readonly die: () => void;
}

/** Several engines on one store, and one external system that keeps the state of the latest call. */
class World {
  readonly clock = new ManualClock();
  readonly inner = new MemoryGrantStore();
  readonly lives: Life[];
  readonly calls: Call[] = [];
  readonly reached = new Set<string>();
  /** Violations that were found. */
  readonly failures: unknown[] = [];
  /** A system that accepts every call, and one that refuses older numbers than it has seen. */
  readonly naive = new Set<string>();
  readonly strict = new Set<string>();
  readonly #seen = new Map<string, number>();
  /** Calls that have not arrived yet. */
  #held: { readonly call: Call; readonly land: () => void }[] = [];
  #moods: readonly Mood[];
  #traffic = 0;
  readonly #tries: number;

  constructor({ seed, engines, moods, tries }: Setting) {
    this.#moods = moods;
    this.#tries = tries;
    this.lives = engines.map((fate, i) => this.#born(fate, seed + i));
  }

  #born({ follows, diesAfter }: Fate, seed: number): Life {
    const faulty = new FaultyStore(this.inner);
    faulty.inject('all', { fault: 'yield', seed });
    let left = diesAfter ?? Infinity;
    const store = new Proxy<GrantStore>(faulty, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        if (property === 'watch' || property === 'in') return value.bind(target) as unknown;
        return (...args: unknown[]) => {
          this.#traffic += 1;
          return left-- <= 0 ? new Promise(() => undefined) : (value as (...args: unknown[]) => unknown).apply(target, args);
        };
      },
    });
    const engine = new JitEngine({
      approver: autoApprove(() => true, { patterns: true }),
      scopes: patternScopes,
      clock: this.clock,
      store,
      limits: { maxTtl: '30d', maxTotal: '60d' },
      onError: (error) => this.reached.add(isJitError(error) ? error.code : 'a failed call'),
    });
    const life: Mutable<Life> = {
      engine,
      provisioning: undefined,
      isDoomed: diesAfter !== undefined,
      isDead: () => left < 0,
      die: () => void (left = -1),
    };
    if (follows) {
      life.provisioning = provision(engine, {
        name: 'roles',
        scopes: DECLARED,
        apply: (change) => this.#apply(life, change),
        tries: this.#tries,
        retryAfter: '2s',
        maxRetryAfter: '1m',
        timeout: TIMEOUT_MS,
      });
    }
    return life;
  }

  async #apply(engine: Life, change: DesiredState): Promise<void> {
    const call: Call = { ...change, key: `${change.subject} ${change.scope}`, at: this.clock.now(), engine, settled: false };
    change.signal.addEventListener('abort', () => (call.diedBefore = engine.isDead()));
    const others = this.calls.filter((other) => other.key === call.key && !other.settled);
    for (const other of others) {
      // One at a time: the other call has timed out, and if its process is dead, its lease has expired too.
      const isOver = other.signal.aborted && (!other.diedBefore || call.at >= other.at + TIMEOUT_MS + GRACE_MS);
      if (!isOver) this.failures.push(`two calls at a time: ${other.id} and ${call.id}`);
    }
    if (others.length > 0) this.reached.add('a call past one that hangs');
    this.calls.push(call);
    const mood = this.#moods[(this.calls.length - 1) % this.#moods.length] as Mood;
    try {
      await this.#meet(call, mood);
    } finally {
      call.settled = true;
    }
  }

  async #meet(call: Call, mood: Mood): Promise<void> {
    if (mood.startsWith('takes it')) this.#take(call);
    if (mood.endsWith('fails')) throw new Error('refused');
    if (mood === 'is lost') await new Promise(() => undefined);
    if (mood === 'hangs') await new Promise<void>((land) => this.#held.push({ call, land: () => (this.#take(call), land()) }));
    if (mood === 'takes it and hangs') await new Promise<void>((land) => this.#held.push({ call, land }));
  }

  #take({ key, seq, held }: Call): void {
    const set = (level: Set<string>) => (held ? level.add(key) : level.delete(key));
    set(this.naive);
    if (seq < (this.#seen.get(key) ?? 0)) return void this.reached.add('a late call that is refused');
    this.#seen.set(key, seq);
    set(this.strict);
  }

  /** Lets turns pass until no engine has called the store for a while. */
  async rest(): Promise<void> {
    for (let quiet = 0, seen = this.#traffic; quiet < 3; quiet = seen === this.#traffic ? quiet + 1 : 0) {
      seen = this.#traffic;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  /**
   * Lets a delayed call arrive. A call arrives last of all if its process dies before the call times out: only the
   * external system can refuse such a call by its number.
   */
  land(which: number): void {
    const own = this.#held.filter(({ call }) => !call.engine.isDoomed || !call.signal.aborted);
    const one = own[which % Math.max(1, own.length)];
    if (one === undefined) return;
    this.#held = this.#held.filter((other) => other !== one);
    if (one.call.signal.aborted) this.reached.add('a call that comes in after its time');
    one.land();
  }

  landAllOwn(): void {
    for (let left = this.#held.length; left > 0; left--) this.land(0);
  }

  /** @returns the number of calls that arrived and that no process waits for any more */
  landTheRest(): number {
    const rest = this.#held.splice(0);
    for (const { land } of rest) land();
    return rest.length;
  }

  async do(what: Step, by: number): Promise<void> {
    const { engine, provisioning } = this.lives[by % this.lives.length] as Life;
    switch (what.do) {
      case 'wait':
        // A process that is only slow in this test's turns would count as suspended.
        await this.rest();
        return this.clock.advance(what.ms);
      case 'land':
        return this.land(what.which);
      case 'ask': {
        const startsAt = what.startsIn === undefined ? undefined : this.clock.now() + what.startsIn;
        return this.#try(() => engine.requestAccess({ subject: SUBJECTS[what.who] as string, scope: what.scope, ttl: what.ttl, startsAt }));
      }
      case 'extend':
      case 'revoke':
      case 'release': {
        const { items } = await this.inner.find({ kind: 'grant', open: true, limit: 100 });
        const grants: readonly Grant[] = items.map(decodeGrant);
        const grant = grants[what.which % Math.max(1, grants.length)];
        if (grant === undefined) return;
        if (what.do === 'extend') return this.#try(() => engine.extend(grant.id, { requestedBy: grant.subject, ttl: '30s' }));
        return this.#try(() => engine[what.do as 'revoke'](grant.id, { by: what.do === 'release' ? grant.subject : 'user:sam' }));
      }
      case 'sweep':
        return this.#try(() => engine.sweep());
      case 'flush':
        return this.#try(() => engine.flushAudit());
      case 'resync':
        return this.#try(async () => provisioning?.resync());
      case 'reconcile':
        return this.#try(async () => provisioning?.reconcile());
      case 'purge':
        return this.#try(() => purge(engine, { before: this.clock.now(), by: 'user:sam', force: true }));
    }
  }

  /** Never awaited, as the process may be dead. A JitError is accepted; any other error fails the run. */
  #try(verb: () => Promise<unknown>): void {
    void verb().catch((error: unknown) => {
      if (!isJitError(error) || !['ERR_JIT_ENDED', 'ERR_JIT_LIMIT', 'ERR_JIT_DENIED', 'ERR_JIT_NOT_FOUND'].includes(error.code))
        this.failures.push(error);
    });
  }

  /** Ends the history: one sane engine sweeps until nothing is left to do. @returns that engine */
  async end(): Promise<JitEngine> {
    this.#moods = ['takes it'];
    await this.rest();
    for (const life of this.lives) {
      if (life.isDead()) this.reached.add('a death');
      // Every process that dies has died by now: a death at the end would need one more sweep.
      if (life.isDoomed) life.die();
    }
    const { engine, provisioning } = this.#born({ follows: true, diesAfter: undefined }, 99);
    this.landAllOwn();
    for (let pass = 0; pass < 4; pass++) {
      await this.rest();
      await this.clock.advance('6m');
      await engine.sweep();
      await engine.flushAudit();
      if ((await failedChanges(engine)).length === 0) continue;
      this.reached.add('stuck');
      await provisioning?.resync();
    }
    await this.rest();
    return engine;
  }

  /** The sane engine's checks compared with the state of each external system. */
  async expectLevel(engine: JitEngine, systems: readonly ReadonlySet<string>[]): Promise<void> {
    for (const subject of SUBJECTS) {
      for (const scope of DECLARED) {
        const allowed = await engine.isAllowed(subject, scope);
        if (allowed) this.reached.add('held at the end');
        for (const level of systems) expect(level.has(`${subject} ${scope}`), `${subject} ${scope}`).toBe(allowed);
      }
    }
  }

  /** Checks the calls and the entries by themselves. */
  async expectOrder(): Promise<void> {
    const changes = new Map<string, string>();
    const last = new Map<string, number>();
    for (const { key, id, seq, held } of this.calls) {
      // Each id is one change, and each change has one id.
      for (const [one, other] of [
        [id, `${key} ${seq} ${held}`],
        [`${key} ${seq}`, `${id} ${held}`],
      ] as const) {
        expect(changes.get(one) ?? other).toBe(other);
        changes.set(one, other);
      }
      // A read under a lease is never older than a read under the lease before.
      expect(seq).toBeGreaterThanOrEqual(last.get(key) ?? 0);
      last.set(key, seq);
    }
    const intended = new Map<unknown, number>();
    const entries: AuditEntry[] = [];
    for await (const entry of readJournal(this.inner)) entries.push(entry);
    for (const { type, data } of entries) {
      if (type !== 'provisioning.intended') continue;
      expect(Number(data['seq'])).toBeGreaterThan(intended.get(data['provisioningId']) ?? 0);
      intended.set(data['provisioningId'], Number(data['seq']));
    }
    const { start, head } = await this.inner.journal({ after: 0, limit: 1 });
    expect(await verifyJournal(entries, { start, head })).toMatchObject({ ok: true });
    expect(await verifyStore(this.inner)).toMatchObject({ ok: true });
    if (start.seq === 0) await expectReplayed(this.inner);
    else this.reached.add('a journal that was trimmed');
  }
}

/** The rare events that these histories must contain. */
const REACHED = [
  'a death',
  'a failed call',
  'stuck',
  'held at the end',
  'a call past one that hangs',
  'a call that comes in after its time',
  'a late call that is refused',
  "a dead one's call",
  'a journal that was trimmed',
];

describe('provision(), in any history', () => {
  it('L25 L27 L32 brings every external system to the held state, with processes that die, hang, fail or run late, one call at a time, by growing numbers', async () => {
    const reached = new Set<string>();
    const play = async ({ steps, ...run }: Run) => {
      const world = new World(run);
      for (const { what, by, rests } of steps) {
        await world.do(what, by);
        if (rests) await world.rest();
      }
      const engine = await world.end();
      expect(world.failures).toEqual([]);
      await world.expectLevel(engine, [world.naive, world.strict]);
      for (const { outcome } of await changesOf(world.inner)) expect(outcome?.status).toBe('done');
      await world.expectOrder();
      // Even a late call of a dead process: a system that refuses older numbers is not set back.
      if (world.landTheRest() > 0) world.reached.add("a dead one's call");
      await world.rest();
      await world.expectLevel(engine, [world.strict]);
      for (const what of world.reached) reached.add(what);
    };
    // Several worlds at once: most of the time is turns of the event loop.
    const histories = fc.asyncProperty(fc.array(runArb, { minLength: 6, maxLength: 6 }), async (runs) => {
      await Promise.all(runs.map(play));
    });
    // Not shrunk: the seed reproduces a failure.
    await untilReached(REACHED, reached, () => fc.assert(histories, { numRuns: 25, endOnFailure: true }));
  });
});
