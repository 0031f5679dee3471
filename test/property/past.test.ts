import { purge } from 'jit-access/retention';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isJitError,
  JitEngine,
  MemoryGrantStore,
  patternScopes,
  wasHeldAt,
  type AuditEntry,
  type Grant,
  type GrantStore,
} from '../../src/index.js';
import { replay, verifyStore } from '../../src/journal.js';
import { decodeGrant, decodeUsage, type Usage } from '../../src/records/index.js';
import { START_AT } from '../../src/testing.js';
import { ANA, entriesOf, LEE, refusal } from '../engine/an-engine.js';
import { fold } from './fold.js';
import { IDLE_TTL, Moody } from './moody.js';
import { actArb, moveArb, SCOPES, SUBJECTS, type Step } from './steps.js';
import { World } from './world.js';

interface Records {
  readonly grants: readonly Grant[];
  readonly usages: ReadonlyMap<string, Usage>;
}

async function storedIn(store: GrantStore): Promise<Records> {
  const rows = async (kind: string) => (await store.find({ kind, limit: 1_000 })).items;
  const usages = new Map((await rows('usage')).map((row) => [row.id, decodeUsage(row)]));
  return { grants: (await rows('grant')).map(decodeGrant), usages };
}

/** Every instant at which a record started, ended, was written or was asked about, and the instants before and after each. */
function instantsOf(
  entries: readonly AuditEntry[],
  { grants, usages }: Records,
  latest: number,
  asked: Iterable<number>,
): readonly number[] {
  const used = [...usages.values()].map(({ usedAt, startsAt }) => usedAt ?? startsAt);
  const all = [
    START_AT,
    ...entries.map(({ at }) => at),
    ...grants.flatMap(({ startsAt, expiresAt, activatedAt, end }) => [startsAt, expiresAt, activatedAt ?? startsAt, end?.at ?? expiresAt]),
    ...used.flatMap((at) => [at, at + IDLE_TTL]),
    ...asked,
  ];
  return [...new Set(all.flatMap((at) => [at - 1, at, at + 1]))].filter((at) => at <= latest);
}

const heldIn = ({ grants, usages }: Records, scope: string, t: number): readonly string[] =>
  grants.filter((grant) => patternScopes.covers(grant.scope, scope) && wasHeldAt(grant, t, usages.get(grant.id))).map(({ id }) => id);

const sorted = (ids: readonly string[]): readonly string[] => [...ids].sort();

/** L27: the replay, the answer of the engine and the rule over the stored rows agree on every instant. */
async function expectAgreed(
  engine: JitEngine,
  store: GrantStore,
  scopes: readonly string[],
  latest: number,
  asked: Iterable<number>,
  horizon = 0,
) {
  const entries = await entriesOf(store);
  const stored = await storedIn(store);
  const instants = instantsOf(entries, stored, latest, asked);
  for (const t of instants) {
    if (t < horizon) {
      await refusal(replay(entries, t), 'ERR_JIT_PURGED');
      continue;
    }
    const replayed = await replay(entries, t);
    const then = { grants: [...replayed.grants.values()], usages: replayed.usages };
    for (const scope of scopes) {
      const told = (await engine.whoHadAccess({ scope, at: t, limit: 1_000 })).items.map(({ id }) => id);
      expect([t, scope, sorted(told)]).toEqual([t, scope, sorted(heldIn(stored, scope, t))]);
      expect([t, scope, sorted(heldIn(then, scope, t))]).toEqual([t, scope, sorted(told)]);
    }
  }
  // L26: no row was changed outside the engine.
  expect(await verifyStore(store)).toMatchObject({ ok: true, problem: undefined, differences: [] });
  return { entries, stored };
}

/** A second reader of the same entries, independent of this one, gives the same records. */
async function expectFolded(entries: readonly AuditEntry[]): Promise<void> {
  const { requests, grants, usages, uses, reuses, subjects } = await replay(entries);
  const replayed = { request: requests, grant: grants, usage: usages, use: uses, reuse: reuses, subject: subjects };
  const plain = (records: ReadonlyMap<string, object>): unknown => JSON.parse(JSON.stringify([...records]));
  const folded = fold(entries);
  for (const kind of Object.keys(replayed) as (keyof typeof replayed)[])
    expect(plain(replayed[kind])).toEqual(plain(withoutHash(folded[kind])));
}

const withoutHash = (records: ReadonlyMap<string, object>): ReadonlyMap<string, object> =>
  new Map([...records].map(([id, record]) => [id, { ...record, metadataHash: undefined }]));

const stepArb: fc.Arbitrary<Step> = fc.oneof({ weight: 3, arbitrary: actArb }, { weight: 1, arbitrary: moveArb });

const PATTERNS = ['a:x', 'a:*', 'a:**', '*:x', 'b:x', 'a:x:1'];
const ASKED = ['a:x', 'a:y', 'b:x', 'a:x:1'];
const THOSE = SUBJECTS.flatMap((subject) => ASKED.map((scope) => ({ subject, scope })));

const actions = fc.record({
  engine: fc.nat(1),
  do: fc.constantFrom(
    'ask',
    'ask',
    'ask',
    'approve',
    'extend',
    'breakGlass',
    'touch',
    'consume',
    'revoke',
    'sweep',
    'wait',
    'fail',
    'heal',
  ),
  who: fc.nat(1),
  scope: fc.constantFrom(...PATTERNS),
  ttl: fc.constantFrom(1, 10, 30, 60),
  startsIn: fc.constantFrom(undefined, undefined, undefined, 1, 10, 30),
  why: fc.constantFrom('approve', 'approve', 'approve idle', 'approve uses', 'approve idle uses', 'solo', 'solo idle'),
  which: fc.nat(9),
  /** The steps of the clock, in milliseconds. */
  ahead: fc.constantFrom(0, 0, 1, 2, 9, 10, 19, 20, 21, 30),
  back: fc.constantFrom(0, 0, 0, 0, -1, -2, -10, -20, -1_100),
});
type Action = typeof actions extends fc.Arbitrary<infer T> ? T : never;

/** Two engines with patterns over one store, on one or two clocks that move arbitrarily. */
class Patterns {
  readonly store = new MemoryGrantStore();
  readonly approver = new Moody();
  readonly clocks: readonly { now: number }[];
  readonly engines: readonly JitEngine[];
  readonly answers: {
    readonly t: number;
    readonly highWater: number;
    readonly subject: string;
    readonly scope: string;
    readonly allowed: boolean;
  }[] = [];
  highWater = START_AT;

  constructor(isOneClock: boolean) {
    const first = { now: START_AT };
    this.clocks = [first, isOneClock ? first : { now: START_AT }];
    this.engines = this.clocks.map(
      (clock) =>
        new JitEngine({
          store: this.store,
          approver: this.approver,
          scopes: patternScopes,
          clock: { now: () => clock.now },
          limits: { minTtl: 1_000, maxTtl: 1_000, maxTotal: 150, maxStartAhead: 100 },
          onError: () => undefined,
        }),
    );
  }

  async do(action: Action, move: number): Promise<void> {
    const clock = this.clocks[action.engine] as { now: number };
    clock.now += move;
    this.highWater = Math.max(this.highWater, clock.now);
    try {
      await this.#act(action, this.engines[action.engine] as JitEngine, clock.now);
    } catch (error) {
      if (!isJitError(error) || error.code === 'ERR_JIT_CORRUPT' || error.code === 'ERR_JIT_INVALID_ARGUMENT') throw error;
    }
    for (const engine of this.engines) await engine.flushAudit();
  }

  async #act({ do: verb, who, scope, ttl, startsIn, why, which }: Action, engine: JitEngine, now: number): Promise<void> {
    const subject = SUBJECTS[who] as string;
    const { grants } = await storedIn(this.store);
    const grant = grants[which % Math.max(1, grants.length)];
    const ask = { subject, scope, ttl, justification: why };
    if (verb === 'ask') await engine.requestAccess({ ...ask, startsAt: startsIn === undefined ? undefined : now + startsIn });
    if (verb === 'breakGlass') await engine.breakGlass(ask);
    if (verb === 'approve') {
      const { items } = await engine.listRequests({ status: 'pending' });
      const request = items[which % Math.max(1, items.length)];
      if (request !== undefined) await engine.approve(request.id, { by: LEE });
    }
    if (verb === 'sweep') await engine.sweep();
    if (verb === 'fail') this.approver.failing = true;
    if (verb === 'heal') this.approver.heal();
    if (verb === 'touch') await engine.check(subject, ASKED[which % ASKED.length] as string, { touch: 'wait' });
    if (verb === 'consume') await engine.consume(subject, ASKED[which % ASKED.length] as string);
    if (verb === 'extend' && grant !== undefined) await engine.extend(grant.id, { requestedBy: grant.subject, ttl, justification: why });
    if (verb === 'revoke' && grant !== undefined) await engine.revoke(grant.id, { by: ANA });
  }

  /** Asks both engines every question. */
  async ask(): Promise<void> {
    for (const [i, engine] of this.engines.entries()) {
      const t = (this.clocks[i] as { now: number }).now;
      for (const { subject, scope } of THOSE) {
        this.answers.push({ t, highWater: this.highWater, subject, scope, allowed: await engine.isAllowed(subject, scope) });
      }
    }
  }

  /** Sets all clocks to the latest instant of any, so that every instant can be asked about. */
  async end() {
    for (const clock of this.clocks) clock.now = this.highWater;
    return expectAgreed(
      this.engines[0] as JitEngine,
      this.store,
      ASKED,
      this.highWater,
      this.answers.map(({ t }) => t),
    );
  }
}

const wasHeld = ({ grants, usages }: Records, subject: string, scope: string, t: number): boolean =>
  heldIn({ grants: grants.filter((grant) => grant.subject === subject), usages }, scope, t).length > 0;

describe('the past', () => {
  it('L27 is consistent: replay, whoHadAccess, the rule over the rows, and the answers at the time agree, in any sequence of verbs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(stepArb, { minLength: 20, maxLength: 50, size: 'max' }), async (steps) => {
        const world = new World(false);
        const answers = new Map<number, ReadonlyMap<string, boolean>>();
        for (const step of steps) {
          await world.try(step);
          await world.look();
          const now = new Map<string, boolean>();
          for (const subject of SUBJECTS) {
            for (const scope of SCOPES) now.set(`${subject} ${scope}`, (await world.engines[0]?.isAllowed(subject, scope)) === true);
          }
          // The last answer of an instant counts: a grant that ends at t was not held at t.
          answers.set(world.clock.now(), now);
        }
        const [engine] = world.engines as [JitEngine];
        const { entries, stored } = await expectAgreed(engine, world.store, SCOPES, world.clock.now(), answers.keys());
        await expectFolded(entries);
        for (const [t, then] of answers) {
          for (const subject of SUBJECTS) {
            for (const scope of SCOPES) expect(then.get(`${subject} ${scope}`)).toBe(wasHeld(stored, subject, scope, t));
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('L27 is consistent with grants of patterns, and isAllowed agrees while the clock only steps ahead', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(actions, { minLength: 5, maxLength: 40, size: 'max' }), async (steps) => {
        const world = new Patterns(true);
        for (const step of steps) {
          await world.do(step, step.ahead);
          await world.ask();
        }
        const { stored } = await world.end();
        const last = new Map(world.answers.map((answer) => [`${answer.t} ${answer.subject} ${answer.scope}`, answer]));
        for (const { t, subject, scope, allowed } of last.values()) {
          expect([t, subject, scope, allowed]).toEqual([t, subject, scope, wasHeld(stored, subject, scope, t)]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('L5 L27 is consistent when the clock steps back, and isAllowed then only denies more', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(actions, { minLength: 5, maxLength: 40, size: 'max' }), async (steps) => {
        const world = new Patterns(true);
        await world.ask();
        for (const step of steps) {
          await world.do(step, step.ahead + step.back);
          await world.ask();
        }
        const { stored } = await world.end();
        for (const { t, highWater, subject, scope, allowed } of world.answers) {
          // Only answers below a reading that had been used before.
          if (!allowed || t >= highWater) continue;
          expect([t, subject, scope, wasHeld(stored, subject, scope, t)]).toEqual([t, subject, scope, true]);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('L27 is consistent with two different clocks, whose entries are stamped back and forth along the journal', async () => {
    let goneBack = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(actions, { minLength: 5, maxLength: 40, size: 'max' }), async (steps) => {
        const world = new Patterns(false);
        for (const step of steps) {
          await world.do(step, step.ahead + step.back);
          await world.ask();
        }
        const { entries } = await world.end();
        goneBack += entries.filter(({ at }, i) => at < (entries[i - 1]?.at ?? 0)).length;
        await expectFolded(entries);
      }),
      { numRuns: 60 },
    );
    expect(goneBack).toBeGreaterThan(20);
  });

  it('L26 L27 L33 is consistent after a purge, and every kept row is proven except rows whose entries it removed', async () => {
    let trimmed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(actions, { minLength: 10, maxLength: 40, size: 'max' }), fc.nat(), async (steps, which) => {
        const world = new Patterns(true);
        for (const step of steps) await world.do(step, step.ahead);
        const [engine] = world.engines as [JitEngine];
        await engine.sweep();
        const instants = instantsOf(await entriesOf(world.store), await storedIn(world.store), world.highWater, []);
        const before = instants[which % instants.length] as number;
        const { horizon, journalStart } = await purge(engine, { before, by: ANA, force: true });
        trimmed += journalStart > 0 ? 1 : 0;
        await expectAgreed(engine, world.store, ASKED, world.highWater, instants, horizon);
        const { unproven } = await verifyStore(world.store);
        expect(unproven.filter(({ kind }) => !['use', 'reuse', 'subject'].includes(kind))).toEqual([]);
        // Later changes are consistent with the records that are left.
        for (const step of steps) await world.do(step, step.ahead);
        expect(await verifyStore(world.store)).toMatchObject({ ok: true, problem: undefined, differences: [] });
      }),
      { numRuns: 80 },
    );
    expect(trimmed).toBeGreaterThan(10);
  });
});
