import { provision } from 'jit-access/provisioning';
import { describe, expect, it } from 'vitest';
import { firstDecisive, isJitError, type AccessRequest, type Approver } from '../../src/index.js';
import { ManualClock, ScriptedApprover } from '../../src/testing.js';
import { yieldToOthers } from '../../src/core/turns.js';
import { aGranted, ANA, anEngine, aPending, ask, at, HOUR, LEE, MINUTE, refusal, SAM, SCOPE } from '../engine/an-engine.js';
import { barbed, hangs, rejections, revoked, THROWS, type BrokenAnswer } from './broken-answers.js';
import { EMERGENCY, everything, expectWhole, VERBS, type Prepared } from './verbs.js';
import { linksOf } from '../features/links/links-of.js';

const REVIEWERS = [SAM, ANA, LEE];
const TIMEOUT = 1_000;

const QUESTIONS = [
  'decide',
  'answersFor',
  'groupsOf',
  'membersOf',
  'isEligible at creation',
  'isEligible at approval',
  'isEligible at start',
  'breakGlass',
  'mayReviewBreakGlass',
  'requestable',
] as const;
type Question = (typeof QUESTIONS)[number];

/** The answer to each question that would allow, if it counted. */
const YES: Readonly<Record<Question, unknown>> = {
  decide: { outcome: 'approve' },
  answersFor: true,
  groupsOf: ['reviewers'],
  membersOf: [SAM],
  'isEligible at creation': true,
  'isEligible at approval': true,
  'isEligible at start': true,
  breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
  mayReviewBreakGlass: true,
  requestable: { items: [{ scope: SCOPE, outcome: 'approve' }] },
};

/** The part that decides: an engine with a request of it asks whether the approver answers for that name. */
const PART = 'a-part';

/** An approver with every method, which answers one question with an injected fault. */
class FaultyApprover implements Approver {
  readonly name = 'faulty';
  readonly asked = new Set<Question>();
  fault: { readonly question: Question; readonly answer: () => unknown } | undefined;

  #answer<T>(question: Question, honest: T): T {
    this.asked.add(question);
    return this.fault?.question === question ? (this.fault.answer() as T) : honest;
  }
  decide = () =>
    this.#answer('decide', {
      outcome: 'review' as const,
      approver: PART,
      quorum: { groups: [{ name: 'reviewers', approvals: 1 }] },
      terms: { idleTtlMs: 2 * HOUR, maxUses: 3 },
    });
  answersFor = (name: string) => this.#answer('answersFor', name === this.name || name === PART);
  groupsOf = (reviewer: string) => this.#answer('groupsOf', REVIEWERS.includes(reviewer) ? ['reviewers'] : []);
  membersOf = () => this.#answer('membersOf', REVIEWERS);
  isEligible = (_: AccessRequest, when: 'creation' | 'approval' | 'start') => this.#answer(`isEligible at ${when}`, true);
  breakGlass = () => this.#answer('breakGlass', { outcome: 'approve' as const, approver: PART, reviewWithinMs: HOUR });
  mayReviewBreakGlass = (reviewer: string) => this.#answer('mayReviewBreakGlass', REVIEWERS.includes(reviewer));
  requestable = () => this.#answer('requestable', { items: [{ scope: SCOPE, outcome: 'approve' as const, approver: PART }] });
}

/**
 * - `held`: a counted grant, a pending request, and break-glass access with a pending review;
 * - `starting`: the same, but the start of the grant has just come and is not confirmed yet;
 * - `undecided`: the same, but the approver has not decided the pending request, and is to be asked again.
 */
const WORLDS = ['held', 'starting', 'undecided'] as const;
type World = (typeof WORLDS)[number];

async function worldOf(world: World, chained = false) {
  const approver = new FaultyApprover();
  const clock = new ManualClock();
  const limits = { reviewWithin: 2 * HOUR, approverTimeout: TIMEOUT, retryAfter: 7 * MINUTE };
  const isAskedBy = chained ? firstDecisive(new ScriptedApprover({ isEligible: false }), approver) : approver;
  const made = anEngine({ approver: isAskedBy, clock, limits });
  const { engine, store } = made;
  const provisioning = provision(engine, { name: 'roles', scopes: [SCOPE], apply: () => undefined });
  const grant = await aGranted(engine, world === 'starting' ? { startsAt: at(10 * MINUTE) } : {});
  let pending: AccessRequest | undefined;
  if (world === 'undecided') {
    approver.fault = { question: 'decide', answer: () => undefined };
    const { requestId = '' } = await refusal(ask(engine, { scope: 'asked' }), 'ERR_JIT_APPROVER');
    approver.fault = undefined;
    pending = (await engine.getRequest(requestId))?.request;
  } else pending = await aPending(engine, { scope: 'asked' });
  if (pending === undefined) throw new Error('the request is not on record');
  const { request: emergency } = await engine.breakGlass({ ...EMERGENCY, subject: 'user:bob' });
  const token = world === 'undecided' ? '' : await linksOf(engine).create(pending.id, { reviewer: SAM, decision: 'approve' });
  await engine.flushAudit();
  // Expiries that are due are recorded before anything fails.
  await clock.set(at(6 * MINUTE));
  await engine.sweep();
  await clock.set(at(13 * MINUTE));
  const [change] = (await store.find({ kind: 'provisioning', limit: 1 })).items;
  approver.asked.clear();
  return { ...made, clock, approver, grant, pending, emergency, token, provisioning, changeId: change?.id ?? '' };
}
type Made = Awaited<ReturnType<typeof worldOf>>;

/** The result of a verb, in a form that can be compared between two worlds. */
const gist = (answer: unknown): unknown => {
  if (typeof answer !== 'object' || answer === null) return typeof answer === 'string' ? 'a text' : answer;
  if (Array.isArray(answer)) return answer.length;
  const { outcome, allowed, reason, usesLeft, status, reviewers, items } = answer as Record<string, unknown>;
  return { outcome, allowed, reason, usesLeft, status, reviewers, items: gist(items) };
};

const isYes = (answer: unknown): boolean =>
  answer === true ||
  (Array.isArray(answer) && answer.length > 0) ||
  (answer as { allowed?: unknown } | undefined)?.allowed === true ||
  (answer as { outcome?: unknown } | undefined)?.outcome === 'granted';

/** The questions that are asked once a new request is recorded. */
const ASKED_OF_A_RECORD: ReadonlySet<Question> = new Set(['decide', 'answersFor', 'membersOf']);
const CREATED = ['request.created', 'request.reused'];

/** Refused attempts are recorded in the background, only some of them: they are not part of the result of a verb. */
const stateOf = async ({ store }: Made) => {
  const { rows, types } = await everything(store);
  return { rows, types: types.filter((type) => type !== 'attempt.refused') };
};

interface Plainly {
  readonly asked: ReadonlySet<Question>;
  readonly gist: unknown;
  readonly types: readonly string[];
}
const plain = new Map<string, Promise<Plainly | undefined>>();

/** The questions and the result of a verb without a fault; `undefined`: the verb has nothing to do in this world. */
function plainly(world: World, verb: string, chained = false): Promise<Plainly | undefined> {
  const key = `${world} ${verb} ${chained}`;
  const known = plain.get(key);
  if (known !== undefined) return known;
  const tried = (async () => {
    const made = await worldOf(world, chained);
    try {
      const answer = gist(await VERBS[verb]?.(made));
      await made.engine.flushAudit();
      return { asked: new Set(made.approver.asked), gist: answer, types: (await stateOf(made)).types };
    } catch (error) {
      if (!isJitError(error)) throw error;
      return undefined;
    }
  })();
  plain.set(key, tried);
  return tried;
}

/** Calls a verb, and moves the clock until it has answered. Before the time limit, nothing may have resulted. */
async function settled(made: Made, verb: string, { hangs = false }: BrokenAnswer): Promise<{ answer?: unknown; error?: unknown }> {
  const result: { answer?: unknown; error?: unknown } = {};
  let isOver = false;
  const call = (VERBS[verb] as (made: Prepared) => Promise<unknown>)(made)
    .then(
      (answer) => (result.answer = answer),
      (error: unknown) => (result.error = error),
    )
    .finally(() => (isOver = true));
  for (let turn = 0; !isOver && turn < 50; turn++) await yieldToOthers();
  for (let times = 0; hangs && !isOver && times < 10; times++) {
    await made.clock.advance(TIMEOUT);
    for (let turn = 0; !isOver && turn < 50; turn++) await yieldToOthers();
  }
  if (!isOver) throw new Error(`${verb} does not come to an end`);
  await call;
  return result;
}

function failing(made: Made, verb: string, question: Question, fault: BrokenAnswer): ReturnType<typeof settled> {
  made.approver.asked.clear();
  made.approver.fault = { question, answer: () => fault.answer(made.clock) };
  return settled(made, verb, fault);
}

/**
 * Tries every verb that asks a question, over one world for all faults, so that the effects of one fault are present at the
 * next; and then once more with a working approver, which must give the result without faults.
 */
async function tryAll(question: Question, faults: readonly BrokenAnswer[], chained = false): Promise<number> {
  let tried = 0;
  for (const world of WORLDS) {
    for (const verb of Object.keys(VERBS)) {
      // Only its first call amends a request. With a key, it can be repeated.
      if (verb === 'amend') continue;
      const expected = await plainly(world, verb, chained);
      if (expected?.asked.has(question) !== true) continue;
      let made = await worldOf(world, chained);
      let before = await stateOf(made);
      for (const fault of faults) {
        const what = `${question} ${fault.what}, ${world}, ${verb}`;
        let { answer, error } = await failing(made, verb, question, fault);
        if (!made.approver.asked.has(question)) {
          // A sweep that only lists the reviewers has done so by now.
          before = await stateOf((made = await worldOf(world, chained)));
          ({ answer, error } = await failing(made, verb, question, fault));
        }
        expect(made.approver.asked.has(question), `${what}: it was not asked`).toBe(true);
        if (error !== undefined && !isJitError(error)) throw new Error(`${what}: not an error of ours`, { cause: error });
        // A failing membersOf only omits the list; every other question must be answered.
        if (question === 'membersOf') {
          expect(error, what).toBeUndefined();
          expect((answer as { reviewers?: unknown }).reviewers, what).toBeUndefined();
        } else {
          expect(isYes(answer), what).toBe(false);
          if (error !== undefined) expect((error as { code: string }).code, what).toMatch(/^ERR_JIT_(APPROVER|DENIED)$/);
        }
        // A late answer comes in now, and is ignored.
        if (fault.hangs === true) await made.clock.advance(5 * TIMEOUT);
        await made.engine.flushAudit();
        const after = await stateOf(made);
        // After the first fault a new request is recorded, undecided if that was the question: nothing else may be new.
        const isNew = after.types.length > before.types.length;
        if (isNew && ASKED_OF_A_RECORD.has(question)) {
          const asked = question === 'membersOf' ? [...CREATED, 'request.assigned'] : CREATED;
          // The commit that opens the new request cancels the one that it replaces.
          const may = verb === 'amend with a key' ? [...asked, 'request.cancelled'] : asked;
          for (const type of after.types.slice(before.types.length)) expect(may, what).toContain(type);
          before = after;
        }
        expect(after, what).toEqual(before);
        // A check does not ask again right after a failure.
        await made.clock.advance(1_000);
        tried += 1;
      }
      made.approver.fault = undefined;
      await expectWhole(made.store, made.engine);
      const { answer, error } = await settled(made, verb, { what: '', answer: () => undefined });
      if (error !== undefined) throw new Error(`${world}, ${verb}, after ${question} has failed`, { cause: error });
      expect(gist(answer), `${world}, ${verb}, once ${question} is answered`).toEqual(expected.gist);
      await made.engine.flushAudit();
      expect((await stateOf(made)).types, `${world}, ${verb}, once ${question} is answered`).toEqual(expected.types);
      await expectWhole(made.store, made.engine);
    }
  }
  return tried;
}

/** Values that are no answer to any question, even if they resemble one. */
const nonsense = (yes: unknown): readonly BrokenAnswer[] =>
  (
    [
      ['null', null],
      ['0', 0],
      ['1', 1],
      ['NaN', NaN],
      ["'true'", 'true'],
      ["'approve'", 'approve'],
      ["'reviewers'", 'reviewers'],
      ['a bigint', 1n],
      ['a symbol', Symbol('yes')],
      ['a function', () => yes],
      ['a boxed yes', new Boolean(true)],
      ['an empty object', {}],
      ['a list in a list', [['reviewers']]],
      ['a list of undefined', [undefined]],
      ['a list with a hole', Object.assign(new Array(2), { 1: 'reviewers' })],
      ['an array-like object', { length: 1, 0: 'reviewers' }],
      ['a set', new Set(['reviewers'])],
      ['a yes on its prototype', Object.create(Object(yes) as object)],
      ['an outcome in a list', [yes]],
      ['an outcome with extra fields', { outcome: 'approve', reviewWithinMs: 1, eligible: true, forever: true }],
      ['a yes that is eligible', { eligible: true }],
      ['an object whose traps throw', barbed({})],
      ['a list whose traps throw', barbed(['reviewers'])],
      ['a revoked proxy', revoked({})],
      ['a revoked proxy of a list', revoked([])],
    ] as const
  ).map(([what, value]) => ({ what: `answers with ${what}`, answer: (): unknown => value }));

/** Values that change when they are read: first invalid, and then a yes. */
const shifty = (yes: unknown): readonly BrokenAnswer[] => {
  const turning = (first: unknown, then: unknown) => {
    let looks = 0;
    return () => (looks++ === 0 ? first : then);
  };
  return [
    {
      what: 'changes its outcome',
      answer: () => Object.defineProperty({}, 'outcome', { enumerable: true, get: turning('perhaps', 'approve') }),
    },
    {
      what: 'changes whether it is eligible',
      answer: () => Object.defineProperty({}, 'eligible', { enumerable: true, get: turning(undefined, false) }),
    },
    {
      what: 'is a list whose first name comes at the second read',
      answer: () => Object.defineProperty(new Array<unknown>(1), 0, { get: turning(7, 'reviewers') }),
    },
    {
      what: 'is a list with its own every and includes',
      answer: () => Object.assign([7], { every: () => true, includes: () => true }),
    },
    { what: 'is a list of 2^32 - 1 holes', answer: () => new Array<unknown>(2 ** 32 - 1) },
    { what: 'has a getter that throws', answer: () => Object.defineProperty({}, 'outcome', { enumerable: true, get: () => barbed([]) }) },
    {
      what: 'is a proxy of a yes',
      answer: () =>
        new Proxy(Object(yes) as object, {
          ownKeys: () => {
            throw new Error('no');
          },
          get: () => {
            throw new Error('no');
          },
        }),
    },
  ];
};

describe('JitEngine', () => {
  describe('with an approver that fails', () => {
    it('is tested for every question, each by at least one verb', async () => {
      const asked = new Set<Question>();
      for (const world of WORLDS)
        for (const verb of Object.keys(VERBS)) for (const one of (await plainly(world, verb))?.asked ?? []) asked.add(one);
      expect([...asked].sort()).toEqual([...QUESTIONS].sort());
    });

    for (const question of QUESTIONS) {
      it(`L16 L25 L30 when ${question} throws: no verb allows access or writes half a change, and the next call works`, async () => {
        expect(await tryAll(question, THROWS)).toBeGreaterThanOrEqual(THROWS.length);
      });

      it(`L16 L25 L30 when ${question} answers with nonsense: no verb allows access or writes half a change, and the next call works`, async () => {
        const faults = [...nonsense(YES[question]), ...shifty(YES[question])];
        expect(await tryAll(question, faults)).toBeGreaterThanOrEqual(faults.length);
      });

      it(`L16 L25 L30 when ${question} of a member of a chain fails: the same as if it were asked alone`, async () => {
        const some = [THROWS[0], ...nonsense(YES[question]).slice(0, 3), ...shifty(YES[question]).slice(0, 3)] as BrokenAnswer[];
        const faults =
          question === 'answersFor' ? some : [...some, ...rejections(YES[question]).slice(0, 1), ...hangs(YES[question]).slice(0, 1)];
        expect(await tryAll(question, faults, true)).toBeGreaterThanOrEqual(faults.length);
      });

      if (question === 'answersFor') continue;
      it(`L16 L25 L30 when ${question} rejects, or returns a false promise: no verb allows access or writes half a change, and the next call works`, async () => {
        const faults = rejections(YES[question]);
        expect(await tryAll(question, faults)).toBeGreaterThanOrEqual(faults.length);
      });

      it(`L16 L25 L30 when ${question} hangs: no verb allows access, each ends after its time limit, and a late answer is ignored`, async () => {
        const faults = hangs(YES[question]);
        expect(await tryAll(question, faults)).toBeGreaterThanOrEqual(faults.length);
      });
    }
  });
});
