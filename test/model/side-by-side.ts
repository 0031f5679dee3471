import { acceptClock, purge } from 'jit-access/retention';
import { explain, preview } from 'jit-access/explain';
import assert from 'node:assert/strict';
import {
  firstDecisive,
  isJitError,
  JitEngine,
  patternScopes,
  wasHeldAt,
  type AccessAsk,
  type AccessRequest,
  type AccessResult,
  type AskProblem,
  type AuditEntry,
  type AuditSink,
  type Clock,
  type Consumption,
  type Decision,
  type Grant,
  type GrantStore,
  type BreakGlassReviewItem,
  type InboxItem,
  type JitEngineOptions,
  type RequestComment,
  type RunAsk,
  type Usage,
} from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { readJournal, replay, verifyJournal, verifyStore, type Activity } from '../../src/journal.js';
import {
  decodeActivity,
  decodeComment,
  decodeGrant,
  decodeHolders,
  decodeLocks,
  decodeRequest,
  decodeUsage,
  LOCK_ROW,
} from '../../src/records/index.js';
import { Dice } from './dice.js';
import {
  confirmedBy,
  covers,
  endByTime,
  extensionOf,
  isLive,
  isOwed,
  isPending,
  isScheduled,
  isUsable,
  isUseBelieved,
  lastOn,
  Model,
  needsConfirmation,
  overlaps,
  reach,
  stampOf,
  wasHeld,
  type Ask,
  type Auth,
  type End,
  type Limits,
  type ModelExtension,
  type ModelGrant,
  type ModelRequest,
  type ModelUse,
  type Now,
  type Refusals,
  type Terms,
} from './model.js';
import {
  AGENT,
  AGENTS,
  APPROVAL_TTL,
  ESCALATE_AFTER,
  FEW,
  FREEZE,
  LONG,
  Mood,
  NO_AGENTS,
  REMIND_EVERY,
  REVIEW_WITHIN,
  REVIEWERS,
  RUNS,
  SIGNED_IN_WITHIN,
  STRONG,
  SUBJECTS,
  VERDICTS,
  ENGINE_WARN_BEFORE,
  WARN_BEFORE,
} from './mood.js';
import { linksOf } from '../features/links/links-of.js';
import { ViewsBeside, type Asked } from './views.js';
import { decideAgain } from '../engine/decide-again.js';

const START = 1_767_225_600_000;
const SCOPES = ['a:x', 'a:y', 'b:x'];
const RETRY = 5;
const CISO = 'user:ciso';
const TICKETS = ['INC-1', 'INC-2'];

/** A process: an engine that reads the common clock, and the readings that the laws say it remembers. */
interface Process {
  readonly engine: JitEngine;
  highWater: number;
  /** How far its clock is ahead. */
  lead: number;
}

/** How far a wrong clock is ahead (L47): within the tolerance, at its bound, and by minutes, hours and a year. */
const leadsOf = (leeway: number): readonly number[] => [
  ...[1, 30_000, 60_000 + leeway, 60_001 + leeway, 120_000, 50 * 60_000, 50 * 60_000],
  ...[3 * 3_600_000, 3 * 3_600_000, 3 * 3_600_000, 365 * 86_400_000],
];

/**
 * The engine and the model side by side over one store: each step is done to both, and then everything visible is compared.
 * Each step is derived from one number, so an array of numbers is a whole life.
 */
export class SideBySide {
  /** The steps in words; made only when they are printed. */
  readonly #trace: (() => string)[] = [];
  readonly #store: GrantStore;
  readonly #mood: Mood;
  readonly #model: Model;
  readonly #limits: Limits;
  readonly #options: JitEngineOptions;
  readonly #processes: Process[];
  /**
   * The process that delivers the journal to the sink. It is separate: with a sink, an engine reads its clock after each commit
   * of any process, and then the test could not know which readings it has used.
   */
  #relay: JitEngine;
  #begun: unknown;
  readonly #views: ViewsBeside;
  #number = 0;
  readonly #sink: AuditSink;
  readonly #leeway: number;
  readonly #patterns: boolean;
  /** Whether many requests have reminders, and much time passes. */
  readonly #isPatient: boolean;
  /** Whether many asks are for a rule with few holders. */
  readonly #isFew: boolean;
  /** True until an answer may differ from the state at its instant: with a leeway, or a clock that has gone back. */
  #isPlain: boolean;
  readonly #isThorough: boolean;
  readonly #answers = new Map<number, ReadonlySet<string>>();
  readonly #delivered: AuditEntry[] = [];
  #sinkFails = false;
  /** The time of the right clocks. */
  #time = START;
  /** In some worlds one of the processes has a clock that is ahead: in some steps, or permanently (L47). */
  readonly #wrong: 'once' | 'for good' | undefined;
  readonly #lead: number;
  /** Draws for a rule that is later still. */
  #clockDice = new Dice(0);
  /** How much of the journal has been checked. */
  #seq = 0;
  #horizon = 0;
  #dice = new Dice(0);
  /** Draws for later rules: so the steps of the fixed seeds are the same as without them. */
  #laterDice = new Dice(0);
  #acting: Process;
  readonly #useKeys = new Map<string, ModelUse>();
  readonly #lockKeys = new Map<string, { readonly id: string; readonly text: string }>();
  /** In any later state. */
  readonly #keyed: Keyed[] = [];
  #requests = new Map<string, AccessRequest>();
  #grants = new Map<string, Grant>();
  #usages = new Map<string, Usage>();
  #checks = 0;

  /** @param world which limits, leeway and scopes apply; in one world of a hundred all laws are checked after each step
   * @param hasWrongClock whether this world has a process with a wrong clock in any case; one in three has
   */
  constructor(store: GrantStore, world: number, hasWrongClock = false) {
    const dice = new Dice(world);
    this.#store = store;
    this.#isThorough = dice.once(100);
    this.#leeway = dice.once(3) ? 3 : 0;
    this.#isPlain = this.#leeway === 0;
    this.#patterns = dice.once(3);
    const clocks = new Dice(world ^ 0x2f6e2b1);
    this.#wrong = hasWrongClock || clocks.once(3) ? clocks.of(['once', 'once', 'for good'] as const) : undefined;
    this.#lead = clocks.of(leadsOf(this.#leeway));
    this.#isPlain &&= this.#wrong === undefined;
    this.#limits = {
      maxTtl: this.#wrong === undefined ? 100 : LONG.ttl,
      maxTotal: this.#wrong === undefined ? 150 : LONG.total,
      maxStartAhead: this.#wrong === undefined ? 100 : LONG.ttl,
      maxOpenRequests: 2,
      maxGrants: 3,
      duplicates: dice.once(4) ? 'refuse' : 'return',
      minTtl: dice.once(2) ? 2 : 1,
      askAgainAfter: dice.once(3) ? 40 : undefined,
      deniesAgents: dice.once(3),
    };
    this.#isPatient = dice.once(6);
    this.#isFew = dice.once(2);
    this.#mood = new Mood(new Dice(world ^ 0x51a7e3d).once(2));
    this.#model = new Model(this.#mood, this.#limits);
    const write = (entries: readonly AuditEntry[]): void => {
      if (this.#sinkFails) throw new Error('the sink is down');
      this.#delivered.push(...entries);
    };
    const { deniesAgents: _rule, ...limits } = this.#limits;
    this.#options = {
      approver: firstDecisive(FREEZE, ...(this.#limits.deniesAgents ? [NO_AGENTS] : []), this.#mood),
      store,
      leewayMs: this.#leeway,
      limits: { ...limits, reviewWithin: REVIEW_WITHIN, retryAfter: RETRY },
      warnBefore: ENGINE_WARN_BEFORE,
      recordUse: true,
      onError: () => undefined,
      ...(this.#patterns ? { scopes: patternScopes } : {}),
    };
    this.#processes = [this.#start(), this.#start(this.#wrong === 'for good' ? this.#lead : 0)];
    this.#sink = { name: 'siem', write };
    this.#relay = this.#startRelay();
    this.#acting = this.#processes[0] as Process;
    this.#views = new ViewsBeside(store, this.#options, this.#clock(), world, (...tie) => this.#model.isTie(...tie));
    this.#trace.push(
      () =>
        `leeway ${this.#leeway}${this.#isPatient ? ', patient' : ''}${this.#isFew ? ', few' : ''}, ${this.#patterns ? 'patterns' : 'exact'}, duplicates ${this.#limits.duplicates}${this.#limits.deniesAgents ? ', agents denied' : ''}${this.#mood.isPrompt ? ', decides at once' : ''}${this.#wrong === undefined ? '' : `, a clock ahead ${this.#wrong}`}`,
    );
  }

  get trace(): readonly string[] {
    return this.#trace.map((line) => line());
  }

  #start(lead = 0): Process {
    const process: { -readonly [Field in keyof Process]?: Process[Field] } = { highWater: 0, lead };
    process.engine = new JitEngine({ ...this.#options, clock: this.#clock(() => process.lead ?? 0) });
    return process as Process;
  }

  /** The reading of the acting process. */
  get #now(): number {
    return this.#time + this.#acting.lead;
  }

  set #now(reading: number) {
    this.#time = reading - this.#acting.lead;
  }

  /** A clock that is ahead for one step is right in the next. Mostly its process then starts again: it would create no access before. */
  async #setLead(): Promise<void> {
    if (this.#wrong !== 'once') return;
    for (const [i, process] of this.#processes.entries()) {
      if (process.lead === 0) continue;
      process.lead = 0;
      if (!this.#clockDice.once(4)) await this.#vouch((this.#processes[i] = this.#start()));
    }
    if (this.#acting.engine !== this.#processes[1]?.engine && this.#acting !== this.#processes[0])
      this.#acting = this.#processes[1] as Process;
    if (this.#acting === this.#processes[1] && this.#clockDice.once(2)) this.#acting.lead = this.#lead;
  }

  /** L39: exactly a process that starts behind the journal is refused, until a person accepts its clock. */
  async #vouch(process: Process): Promise<void> {
    const { head } = await this.#store.journal({ after: Number.MAX_SAFE_INTEGER, limit: 1 });
    const { entries } = await this.#store.journal({ after: Math.max(0, head.seq - 1), limit: 1 });
    const newest = entries[0]?.at ?? 0;
    const { accepted } = await acceptClock(process.engine, { by: CISO });
    const now = this.#time + process.lead;
    process.highWater = now;
    assert.equal(accepted, now < newest - 1_000 - this.#leeway, 'whether the clock lies behind the journal');
  }

  #startRelay(): JitEngine {
    return new JitEngine({ ...this.#options, audit: this.#sink, clock: this.#clock() });
  }

  /**
   * The common clock. The timer that collects uses never fires: it would read the clock between two steps, and the test could not
   * know that reading. So uses are recorded by sweeps only.
   */
  #clock(lead: () => number = () => 0): Clock {
    const now = (): number => this.#time + lead();
    const sleep = (until: number, signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        if (until - now() < 20_000) setTimeout(resolve, Math.max(0, until - now())).unref();
        signal.addEventListener('abort', () => resolve());
      });
    return { now, sleep };
  }

  // Waits for background entries of an answer: otherwise they would come between two looks at the records.
  async #settled(): Promise<void> {
    for (const process of this.#processes) await process.engine.flushAudit();
  }

  /** Another process takes over. The previous one is closed: killed in the middle, it would leave a lease that blocks the others. */
  async #renewRelay(): Promise<void> {
    await this.#relay.close();
    this.#relay = this.#startRelay();
  }

  /** One step of both, and all comparisons. Rejects with the difference. */
  async step(number: number): Promise<void> {
    const dice = (this.#dice = new Dice(number));
    this.#laterDice = new Dice(~number);
    this.#clockDice = new Dice(number ^ 0x2f6e2b1);
    this.#number = number;
    this.#acting = dice.of(this.#processes);
    // From here on a purge knows of the sink; a store without watch wakes no follower before the first delivery.
    if (this.#begun === undefined) {
      this.#begun = await this.#relay.flushAudit();
      for (const process of this.#processes) await this.#vouch(process);
    }
    await this.#setLead();
    const verb = this.#nextVerb();
    await this.#do(verb);
    await this.#settled();
    await this.#expectTogether(verb);
    await this.#compare();
    if (this.#isThorough) await this.lookBack();
    await this.#expectStamps();
  }

  #nextVerb(): Verb {
    if (this.#wrong !== undefined && !this.#clockDice.once(3)) {
      if (this.#model.requests.length === 0) return 'ask';
      const at = this.#at();
      const isUsed = this.#model.grants.some((grant) => isLive(grant, at) && grant.expiresAt - grant.startsAt > 3_600_000);
      if (isUsed && !this.#clockDice.once(3)) return this.#clockDice.of(USES);
      return this.#clockDice.of([
        'approve',
        'approve',
        'approve',
        'deny',
        'lock',
        'unlock',
        'sweep',
        'ask',
        'ask',
        'lists',
        'wait',
        'purge',
      ]);
    }
    if ((this.#isPatient || this.#isFew) && this.#model.requests.length === 0) return 'ask';
    if (this.#placeTaken() !== undefined && this.#laterDice.once(3)) return this.#laterDice.of(['ask', 'approve', 'approve', 'sweep']);
    return this.#reminders().length > 0 && this.#dice.once(2) ? 'remind' : this.#dice.of(STEPS);
  }

  /** The subject that holds the place of the rule with few holders, if one does. */
  #placeTaken(): string | undefined {
    const at = this.#at();
    return this.#isFew ? this.#model.holders.find((grant) => isLive(grant, at))?.request.subject : undefined;
  }

  #at(now = this.#now): Now {
    const highWater = Math.max(this.#acting.highWater, now);
    return { now, highWater, late: highWater + this.#leeway, back: now < highWater - 1_000 };
  }

  #say(...words: readonly unknown[]): void {
    const at = this.#at();
    const who = this.#processes.indexOf(this.#acting);
    const text = (word: unknown): string => (typeof word === 'string' ? word : JSON.stringify(word ?? null));
    const highWater = at.highWater > at.now ? ` (highWater ${at.highWater - START})` : '';
    const { lead } = this.#acting;
    this.#trace.push(() => `${at.now - START - lead}${lead > 0 ? ` + ${lead}` : ''}${highWater} #${who} ${words.map(text).join(' ')}`);
  }

  /** Does a verb, and checks the code of a refusal against the allowed ones. @returns the answer, if there is one */
  async #try<Answer>({ must, may = [], problems }: Refusals, call: () => Promise<Answer>): Promise<Answer | undefined> {
    let answer: Answer;
    try {
      answer = await call();
    } catch (error) {
      if (!isJitError(error)) throw error;
      this.#trace.push(() => `  ${error.code}: ${error.message}`);
      assert.ok(
        [...must, ...may].includes(error.code),
        `refused with ${error.code}, where [${must.join(' ')}] may refuse it: ${error.message}`,
      );
      if (error.code === 'ERR_JIT_REQUIREMENTS') expectProblems(error.problems, problems);
      this.#refusedId = 'requestId' in error ? error.requestId : undefined;
      return undefined;
    }
    this.#trace.push(() => `  ${JSON.stringify(answer)}`.slice(0, 160));
    assert.deepEqual(must, [], 'it went through, where it must be refused');
    return answer;
  }
  #refusedId: string | undefined;

  /** One of a list, mostly an open one. */
  #among<T extends ModelRequest | ModelGrant>(list: readonly T[]): T | undefined {
    const at = this.#at();
    const open = list.filter((one) => ('request' in one ? isLive(one, at) : isPending(one, at)));
    const from = open.length === 0 || this.#dice.once(5) ? list : open;
    return from.length === 0 ? undefined : this.#dice.of(from);
  }

  async #do(verb: Verb): Promise<void> {
    const { engine } = this.#acting;
    const [dice, model, mood, at] = [this.#dice, this.#model, this.#mood, this.#at()];
    const scope = dice.of(SCOPES);
    const subject = this.#aSubject();
    switch (verb) {
      case 'ask':
        return this.#ask();
      case 'dryRun': {
        const ask = this.#anAsk();
        this.#say('dryRun', ask);
        const { must, may, reuses, problems } = model.asking(ask, undefined, at);
        const isFull = must.length === 0 && reuses.length === 0 && model.wouldBeFull(ask, undefined, at);
        const said = await preview(engine, this.#toAsk(ask)).catch((error: unknown) =>
          isJitError(error) ? ({ outcome: 'refused', code: error.code } as const) : Promise.reject(error as Error),
        );
        if ('problems' in said && said.code === 'ERR_JIT_REQUIREMENTS') expectProblems(said.problems, problems);
        // Failures of the approver reject; a refusal is an answer. Which of several refusals comes first is open.
        if (must.length > 0) assert.ok('code' in said && must.includes(said.code), `dry run says ${said.outcome}, not [${must.join()}]`);
        else if (isFull) assert.ok('code' in said && ['ERR_JIT_LIMIT', ...may].includes(said.code), 'dry run of a full rule (A9)');
        else if ('code' in said) assert.ok(may.includes(said.code) || mood.isMute, `dry run says ${said.code}`);
        else if (reuses[0] !== undefined) this.#expectSaid(said.outcome, reuses[0]);
        else this.#expectSaid(said.outcome, ...this.#wouldBe(ask, at));
        return;
      }
      case 'decide': {
        const request = this.#among(model.requests);
        if (request === undefined) return;
        this.#say('decide', request.id);
        const result = await this.#try(model.deciding(request, at), () => decideAgain(engine, request.id));
        if (result === undefined) return;
        model.decide(request, at);
        return this.#expectOutcome(result, request);
      }
      case 'approve':
      case 'approveByLink':
      case 'deny': {
        // Often a request that has a review already: a second review tests more than a first one. Few requests are for more time.
        const halfway = model.requests.filter((one) => isPending(one, at) && (one.reviews.length > 0 || one.extension !== undefined));
        const request = halfway.length > 0 && dice.once(2) ? dice.of(halfway) : this.#among(model.requests);
        if (request === undefined) return;
        const verdict = verb === 'deny' ? 'deny' : 'approve';
        const [by, as] = [dice.of(REVIEWERS), verb !== 'approveByLink' && dice.once(5) ? dice.of(['ops', 'sec']) : undefined];
        const terms: Terms = verdict === 'approve' ? this.#termsFor(request) : {};
        const auth = verdict === 'approve' ? this.#authAt(at.now) : undefined;
        this.#say(verb, request.id, by, as, terms, auth);
        const refusals = model.reviewing(request, { verdict, by, as, terms, auth, isLink: verb === 'approveByLink' }, at);
        const result = await this.#try(refusals, async () => {
          if (verb === 'deny') return engine.deny(request.id, { by, as });
          if (verb === 'approve') return engine.approve(request.id, { by, as, ...terms, auth });
          const link = { reviewer: by, decision: 'approve', narrow: terms } as const;
          return linksOf(engine).redeem(await linksOf(engine).create(request.id, link), { by, auth });
        });
        if (result === undefined) return;
        model.review(request, verdict, model.reviewed(request, verdict, by, as, terms, at), by, at);
        return this.#expectOutcome(result, request);
      }
      case 'cancel': {
        const request = this.#among(model.requests);
        if (request === undefined) return;
        const by = dice.of([request.subject, request.by, request.by, dice.of([...SUBJECTS, AGENT])]);
        this.#say('cancel', request.id, by);
        if ((await this.#try(model.cancelling(request, by, at), () => engine.cancel(request.id, { by }))) === undefined) return;
        return model.cancel(request, ['cancelled'], by, at);
      }
      case 'revoke':
      case 'release': {
        const grant = this.#among(model.grants);
        if (grant === undefined) return;
        const by = verb === 'revoke' ? CISO : dice.once(5) ? AGENT : grant.request.subject;
        this.#say(verb, grant.id, by);
        const refusals = verb === 'revoke' ? { must: [] } : model.releasing(grant, by, at);
        if ((await this.#try(refusals, () => engine[verb](grant.id, { by }))) === undefined) return;
        return model.endEarly(grant, [`${verb}d`], by, at);
      }
      case 'releaseAll': {
        const request = this.#among(model.grants)?.request ?? this.#among(model.requests);
        if (request === undefined) return;
        const by = dice.once(5) ? AGENT : request.subject;
        this.#say('releaseAll', request.id, by);
        const refusals = model.releasingAll(request, by, at);
        const released = await this.#try(refusals, () => engine.release({ requestId: request.id }, { by }));
        if (released === undefined) return;
        for (const grant of model.grantsOf(request)) model.endEarly(grant, ['released'], by, at);
        return;
      }
      case 'revokeAll':
        return this.#revokeAll();
      case 'lock':
        return this.#lock();
      case 'unlock': {
        const lock = model.locks.length === 0 ? undefined : dice.of(model.locks);
        if (lock === undefined) return;
        const own = lock.subject !== undefined && dice.once(3);
        const by = own ? lock.subject : CISO;
        this.#say('unlock', lock, by);
        const isRefused = own && lock.end === undefined;
        const lifted = await this.#try({ must: isRefused ? ['ERR_JIT_DENIED'] : [] }, () => engine.unlock(lock.id, { by }));
        if (lifted === undefined) return;
        lock.end ??= 'lifted';
        return assert.equal(lifted.status, lock.end, 'the status of a lifted lock');
      }
      case 'extend':
        return this.#extend();
      case 'amend':
        return this.#amend();
      case 'comment':
        return this.#comment();
      case 'breakGlass':
        return this.#breakGlass(scope);
      case 'reviewBreakGlass': {
        const owing = model.requests.filter(({ afterReview }) => afterReview !== undefined);
        const request = dice.once(8) ? this.#among(model.requests) : this.#among(owing);
        if (request === undefined) return;
        const [by, verdict] = [dice.of(REVIEWERS), dice.of(['justified', 'unjustified'] as const)];
        this.#say('reviewBreakGlass', request.id, by, verdict);
        const refusals = model.acknowledging(request, by, verdict, at);
        if ((await this.#try(refusals, () => engine.reviewBreakGlass(request.id, { by, verdict }))) === undefined) return;
        return model.acknowledge(request, by, verdict, at);
      }
      case 'touch':
      case 'checkAndTouch': {
        const grant = this.#among(model.grants);
        const [who, what] = grant === undefined ? [subject, scope] : [grant.request.subject, this.#concrete(grant.scope)];
        this.#say(verb, who, what);
        const decision = await engine.check(who, what, { touch: verb === 'touch' ? 'wait' : true });
        await this.#expectDecision(decision);
        this.#touched = { subject: who, scope: what, by: verb === 'touch' ? decision.grant?.id : undefined };
        return;
      }
      case 'consume':
        return this.#consume(subject, scope);
      case 'check': {
        const grant = this.#among(model.grants);
        const [who, what] = grant === undefined ? [subject, scope] : [grant.request.subject, this.#concrete(grant.scope)];
        this.#say('check', who, what);
        await this.#expectDecision(await engine.check(who, what));
        return this.#expectStatus(who);
      }
      case 'lists':
        return this.#expectLists(subject);
      case 'past':
        return this.lookBack();
      case 'sweep':
        this.#say('sweep');
        await engine.sweep();
        this.#swept = true;
        return;
      case 'purge': {
        // An ended record is purged only once its end is recorded.
        if (dice.once(2)) {
          await engine.sweep();
          this.#swept = true;
          await this.#compare();
        }
        // By the right clock: a purge cannot be undone, and a person who forces one knows the time.
        const before = dice.once(2) ? this.#time : Math.max(0, this.#time - dice.roll(100));
        this.#say('purge', before - START);
        const report = await purge(engine, { before, by: CISO, force: true });
        this.#horizon = Math.max(this.#horizon, report.horizon);
        assert.ok(report.horizon >= before || report.requests === 0);
        this.#purged = true;
        return;
      }
      case 'deliver': {
        this.#say('deliver');
        await this.#settled();
        if (dice.once(4)) await this.#renewRelay();
        const { caughtUp } = await this.#relay.flushAudit();
        assert.ok(this.#sinkFails || caughtUp, 'the sink has not been given everything');
        return;
      }
      case 'restart': {
        this.#say('restart');
        this.#processes[this.#processes.indexOf(this.#acting)] = this.#acting = this.#start();
        await this.#vouch(this.#acting);
        return;
      }
      case 'mood': {
        // Mostly a person who has reviewed already: leaving the group removes that review from the count.
        const given = model.requests.filter((one) => isPending(one, at)).flatMap(({ reviews }) => reviews.map(({ reviewer }) => reviewer));
        const any = dice.of([
          'fail',
          'mute',
          'mute',
          'leave',
          'leave',
          'leave',
          'leave',
          'ban',
          'sinkFails',
          'heal',
          'heal',
          'heal',
          'heal',
        ] as const);
        const what = given.length > 0 && dice.once(2) ? 'leave' : any;
        const who = dice.of(what !== 'leave' ? SUBJECTS : given.length > 0 && !dice.once(4) ? given : REVIEWERS);
        this.#say(what, who);
        if (what === 'fail') mood.isFailing = this.#hasFailed = true;
        if (what === 'mute') mood.isMute = true;
        if (what === 'leave') mood.away.add(who);
        if (what === 'ban') mood.banned.add(who);
        if (what === 'sinkFails') this.#sinkFails = true;
        if (what !== 'heal') return;
        mood.heal();
        this.#sinkFails = false;
        return;
      }
      case 'wait':
        this.#now +=
          this.#wrong !== undefined && this.#clockDice.once(2) ? this.#clockDice.of(LONG.waits) : dice.of([0, 1, 1, 2, 3, 10, 24]);
        this.#say('wait');
        return;
      case 'remind': {
        // Sometimes beyond the next one: a late sweep reminds once.
        this.#now = dice.of(this.#reminders()) + dice.of([-1, 0, 0, 1]) + dice.of([0, 0, 0, REMIND_EVERY + 7]);
        this.#say('jump to a reminder');
        // The first sweep may record an escalation instead.
        for (const again of dice.of([[], [false], [true, false], [true, false]])) {
          await engine.sweep();
          this.#swept = true;
          if (again) await this.#compare();
        }
        return;
      }
      case 'back': {
        this.#isPlain = false;
        this.#now -= dice.of([1, 3, 10, 60, 999, 1_000, 1_001, 5_000]);
        this.#say('the clock goes back');
        return;
      }
      case 'jump': {
        // To an instant right before, at or after a change: one of the next few, because a distant one ends everything.
        const offset = dice.of([-1, 0, 0, 1]);
        const ahead = this.#bounds().filter((bound) => bound + offset > this.#now);
        const to = ahead.sort((a, b) => a - b).slice(0, 4);
        if (to.length > 0) this.#now = dice.of(to) + offset;
        this.#say('jump');
        return;
      }
    }
  }

  #touched: { readonly subject: string; readonly scope: string; readonly by: string | undefined } | undefined;
  #swept = false;
  /** Whether the approver has failed in this life. */
  #hasFailed = false;
  readonly #escalations = new Map<string, number>();
  readonly #warnings = new Map<string, { readonly warned: readonly number[]; readonly begun: boolean }>();
  #purged = false;

  #concrete(scope: string): string {
    return scope.includes('*') ? `${scope.slice(0, 1)}:x` : scope;
  }

  /** Every start, end and deadline, as the acting process judges them. */
  #bounds(): number[] {
    const at = this.#at();
    const lives = this.#model.grants.filter((grant) => isLive(grant, at));
    const open = this.#model.requests.filter((request) => isPending(request, at));
    const early = [
      ...lives.flatMap((grant) => [grant.expiresAt, endByTime(grant)]),
      ...open.flatMap(({ reviewBy, reviews, quorum }) => [
        reviewBy,
        ...reviews.map((review) => review.at + (quorum?.approvalTtlMs ?? APPROVAL_TTL)),
      ]),
    ];
    const onTime = [
      ...lives.map(({ startsAt }) => startsAt),
      ...open.flatMap(({ createdAt, assignedAt }) => [createdAt + RETRY, (assignedAt ?? createdAt) + ESCALATE_AFTER]),
    ];
    return [...early.map((bound) => bound - this.#leeway), ...onTime];
  }

  /** The next reminder of each request that has one ahead. */
  #reminders(): readonly number[] {
    const at = this.#at();
    return this.#model.requests.flatMap((request) => {
      const { quorum, assignedAt } = request;
      if (!isPending(request, at) || quorum?.remindEveryMs === undefined || assignedAt === undefined) return [];
      return [assignedAt + (this.#model.intervals(request, at.now) + 1) * REMIND_EVERY];
    });
  }

  #anAsk(): Ask {
    const ask = this.#aFreshAsk();
    const held = this.#model.grants.filter((grant) => isLive(grant, this.#at()));
    return held.length > 0 && this.#laterDice.once(4) ? this.#anAskForHeld(this.#laterDice.of(held)) : ask;
  }

  /** An ask for what a grant gives, or for nearly that: mostly for the same reasons, and up to about its end. */
  #anAskForHeld(grant: ModelGrant): Ask {
    const [dice, end, { request }] = [this.#laterDice, endByTime(grant), grant];
    const { subject, by, operator, ticket } = request;
    const startsAt = dice.once(4) ? dice.of([grant.startsAt - 1, grant.startsAt, grant.startsAt + 1, this.#now, this.#now + 5]) : undefined;
    const left = end - (startsAt ?? this.#now) + dice.of([-1, 0, 0, 1]);
    const isRun = RUNS.has(subject);
    return {
      subject,
      by: isRun || !dice.once(8) ? by : dice.of([AGENT, subject]),
      operator: isRun && dice.once(4) ? dice.of([undefined, RUNS.get(subject)?.operator]) : operator,
      scopes: dice.once(6) ? request.scopes : (request.granted?.scopes ?? request.scopes),
      ttl: Math.max(1, dice.of([left, left, 1, 10])),
      until: dice.once(3) ? end + dice.of([-1, 0, 0, 1]) : undefined,
      startsAt,
      why: dice.once(8) ? `${request.why} again` : request.why,
      ticket: dice.of([ticket, ticket, undefined, ...TICKETS]),
    };
  }

  #aFreshAsk(): Ask {
    const dice = this.#dice;
    const drawn = this.#aSubject();
    // Often for the place of a rule, and by another subject while one holds it.
    const isForPlace = this.#isFew && this.#laterDice.once(2);
    const taken = this.#placeTaken();
    const subject = isForPlace ? this.#laterDice.of(SUBJECTS.filter((one) => one !== taken)) : drawn;
    const scopes = [dice.of(SCOPES)];
    if (dice.once(4)) scopes.push(...SCOPES.filter((scope) => !scopes.includes(scope)).slice(0, 1));
    if (this.#patterns && dice.once(4)) scopes[0] = dice.of(['a:*', 'b:**']);
    const run = RUNS.get(subject);
    const usual = dice.of([1, 30, 30, 60, 100, 100, dice.of([101, 30, 30, 30])]);
    const isLong = this.#wrong !== undefined && !this.#clockDice.once(3);
    const ttl = isLong ? this.#clockDice.of([LONG.ttl, LONG.ttl / 2]) : usual;
    const soon = dice.once(4) ? this.#now + dice.of([-1, 0, 1, 10, 30, 99, 100, 101, -29, -30]) : undefined;
    const startsAt = isLong && this.#clockDice.once(4) ? this.#now + this.#clockDice.of([10, 10, 10, ...LONG.waits]) : soon;
    return {
      subject,
      // A run asks through its agent.
      by: run !== undefined ? run.agent : dice.once(4) ? dice.of([AGENT, 'user:ana']) : subject,
      operator: dice.once(4) ? undefined : run?.operator,
      scopes,
      ttl,
      until: dice.once(3) ? this.#endFor(startsAt, ttl) : undefined,
      startsAt,
      why: [
        this.#verdict(dice, isForPlace, isLong),
        ...(isLong && !this.#clockDice.once(3) ? ['rare'] : []),
        ...['idle', 'uses', 'short', 'hours'].filter((word) => dice.once(word === 'uses' ? 2 : 4)),
        ...(isForPlace || (this.#isFew && this.#laterDice.once(3)) ? [FEW] : []),
      ].join(' '),
      ticket: dice.once(3) ? dice.of(TICKETS) : undefined,
    };
  }

  #verdict(dice: Dice, isForPlace: boolean, isLong: boolean): string {
    const drawn = this.#isPatient && !dice.once(3) ? 'patient' : isForPlace ? this.#laterDice.of(['approve', 'solo']) : dice.of(VERDICTS);
    return isLong ? this.#clockDice.of(['long', 'approve', 'approve']) : drawn;
  }

  /** Sometimes less than what was asked; rarely more, or another scope. */
  #termsFor({ ttl, scopes }: ModelRequest): Terms {
    const dice = this.#dice;
    return {
      ...(dice.once(4) ? { ttl: dice.of([1, 10, 30, ttl, ttl + 1]) } : {}),
      ...(dice.once(scopes.length > 1 ? 2 : 12) ? { scopes: [dice.once(12) ? 'z:z' : dice.of(scopes)] } : {}),
    };
  }

  /** How a reviewer signed in: strongly and lately, mostly. */
  #authAt(now: number): Auth | undefined {
    const dice = this.#dice;
    if (dice.once(10)) return undefined;
    return { acr: dice.once(10) ? 'weak' : STRONG, authAt: now + dice.of([-5, -5, -1, 0, 3, -SIGNED_IN_WITHIN, -20, 60_001]) };
  }

  #endFor(startsAt = this.#now, ttl: number): number {
    return Math.max(startsAt, this.#now) + ttl;
  }

  /** A person mostly; an agent, or a run of it. */
  #aSubject(): string {
    return this.#dice.once(7) ? this.#dice.of(AGENTS) : this.#dice.of(SUBJECTS);
  }

  /** An ask as `requestAccess` takes it. A run that names its operator is given as a run. */
  #toAsk({ subject, by, operator, scopes, ttl, until, startsAt, why, ticket }: Ask, key?: string): AccessAsk | RunAsk {
    const run = operator === undefined ? undefined : RUNS.get(subject);
    const rest = { scopes, ...lengthOf({ ttl, until }), startsAt, justification: why, ticket, idempotencyKey: key };
    return run === undefined ? { ...rest, subject, requestedBy: by } : { ...rest, run };
  }

  /** Sometimes a key; or an earlier ask of this verb under its key, in any later state. */
  #keyFor(verb: Creating): { readonly key: string | undefined; readonly again: Keyed | undefined } {
    const dice = this.#dice;
    const before = this.#keyed.filter((one) => one.verb === verb);
    const again = before.length > 0 && dice.once(verb === 'ask' ? 8 : 4) ? dice.of(before) : undefined;
    return { key: again?.key ?? (dice.once(3) ? `key-${dice.roll(2)}` : undefined), again };
  }

  async #ask(): Promise<void> {
    const { engine } = this.#acting;
    const [model, at] = [this.#model, this.#at()];
    const { key, again } = this.#keyFor('ask');
    const ask = again?.ask ?? this.#anAsk();
    this.#say('ask', ask, key);
    const call = () => engine.requestAccess(this.#toAsk(ask, key));
    const known = this.#knownBy('ask', ask, key);
    if (known !== undefined) return this.#repeat(known, ask, model.asking(ask, undefined, at), call);
    await this.#create(ask, undefined, call, (id) => this.#keep({ verb: 'ask', ask, key }, id));
  }

  async #extend(): Promise<void> {
    const { engine } = this.#acting;
    const [model, at] = [this.#model, this.#at()];
    const { key, again } = this.#keyFor('extend');
    const found = again === undefined ? this.#toExtend() : this.#extended(again.target as Extended);
    const target = again?.target ?? found?.target;
    if (target === undefined) return;
    const extension = found?.extension;
    const scopes = extension?.grants.map(({ scope }) => scope) ?? [];
    const asked = again?.ask ?? this.#anExtension(extension as ModelExtension);
    const ask: Ask = { ...asked, scopes };
    this.#say('extend', target, ask, key, extension === undefined ? 'gone' : extension.grants.map((grant) => at.late - endByTime(grant)));
    const { by, why, ticket } = ask;
    const call = () => engine.extend(target, { ...lengthOf(ask), requestedBy: by, justification: why, ticket, idempotencyKey: key });
    if (extension === undefined) {
      // L33: a purge removed what the ask would extend, and no request is made.
      await this.#try({ must: ['ERR_JIT_NOT_FOUND'] }, call);
      return;
    }
    const known = this.#knownBy('extend', ask, key);
    const isUndecided = typeof target === 'object' && isPending(extension.of, at);
    const refusals: ReturnType<Model['asking']> = isUndecided
      ? { must: ['ERR_JIT_UNDECIDED'], may: [], problems: 0, reuses: [] }
      : model.asking(ask, extension, at);
    if (known !== undefined) return this.#repeat(known, ask, refusals, call, target);
    if (isUndecided) return void (await this.#try(refusals, call));
    await this.#create(ask, extension, call, (id) => this.#keep({ verb: 'extend', ask, key, target }, id));
  }

  async #amend(): Promise<void> {
    const { engine } = this.#acting;
    const [dice, model] = [this.#dice, this.#model];
    const { key: drawn, again } = this.#keyFor('amend');
    const target = (again?.target as { requestId: string } | undefined)?.requestId;
    const old = target === undefined ? this.#among(model.requests) : model.requests.find(({ id }) => id === target);
    const id = target ?? old?.id;
    if (id === undefined) return;
    // An amended extension of a bundle is for those of its grants that can still be extended.
    const before = old?.extension;
    const extension = before?.isBundle === true ? model.bundleOf(before.of, this.#at(), (grant) => before.grants.includes(grant)) : before;
    const asked: Ask = again?.ask ?? this.#anAmended(old as ModelRequest);
    const ask: Ask = extension === undefined ? asked : { ...asked, scopes: extension.grants.map(({ scope }) => scope) };
    const by = dice.once(8) ? dice.of([AGENT, ...SUBJECTS]) : ask.by;
    const key = by === ask.by ? drawn : undefined;
    this.#say('amend', id, ask, key, by);
    const { why: justification, ticket } = ask;
    const call = () => engine.amend(id, { by, ...lengthOf(ask), justification, ticket, idempotencyKey: key });
    const known = this.#knownBy('amend', ask, key);
    if (old === undefined && known === undefined) {
      // L33: a purge removed both requests.
      await this.#try({ must: ['ERR_JIT_NOT_FOUND'] }, call);
      return;
    }
    if (known !== undefined) return this.#repeat(known, ask, { must: [] }, call, { requestId: id });
    const keep = (made: string) => this.#keep({ verb: 'amend', ask, key, target: { requestId: id } }, made);
    await this.#create(ask, extension, call, keep, old && { old, by });
  }

  async #comment(): Promise<void> {
    const { engine } = this.#acting;
    const [dice, model, at] = [this.#dice, this.#model, this.#at()];
    const request = this.#among(model.requests);
    if (request === undefined) return;
    const by = dice.of([request.subject, request.by, dice.of(REVIEWERS), dice.of(REVIEWERS), dice.of([...SUBJECTS, AGENT])]);
    const text = dice.of(['why?', 'for the migration']);
    const key = dice.once(2) ? `comment-${dice.roll(2)}` : undefined;
    this.#say('comment', request.id, by, text, key);
    const known = key === undefined ? undefined : request.comments.find((one) => one.by === by && one.key === key);
    const refusals: Refusals =
      known === undefined ? model.commenting(request, by, at) : { must: known.text === text ? [] : ['ERR_JIT_IDEMPOTENCY'] };
    const result = await this.#try(refusals, () => engine.comment(request.id, { by, text, idempotencyKey: key }));
    if (result === undefined) return;
    assert.equal(result.reused, known !== undefined, 'whether a comment is a repeat (L11)');
    const { id, at: instant, by: author } = known ?? model.comment(request, by, text, key, at);
    const recorded = { id: result.comment.id, at: result.comment.at, by: result.comment.by };
    assert.deepEqual(recorded, { id, at: instant, by: author }, 'the comment that was recorded');
  }

  /** Another length or end and another reason mostly; sometimes the same. A ticket stays where the request has one. */
  #anAmended({ subject, by, operator, scopes, startsAt, ttl, until, extension, why, ticket }: ModelRequest): Ask {
    const drawn = this.#anAsk();
    const same = this.#dice.once(8);
    const end = drawn.until === undefined ? undefined : this.#endFor(extension?.expiresAt ?? startsAt, drawn.ttl);
    return {
      ...{ subject, by, operator, scopes, startsAt, ...(same ? { ttl, until } : { ttl: drawn.ttl, until: end }) },
      ...{ why: same || this.#dice.once(3) ? why : drawn.why, ticket: same ? ticket : (drawn.ticket ?? ticket) },
    };
  }

  /** A grant, or all grants of a request. */
  #toExtend(): { readonly target: Extended; readonly extension: ModelExtension } | undefined {
    const grant = this.#among(this.#model.grants);
    const request = this.#dice.once(8) ? this.#among(this.#model.requests) : grant?.request;
    if (request !== undefined && this.#dice.once(3)) return this.#extended({ requestId: request.id });
    return grant && this.#extended(grant.id);
  }

  /** What a target extends now; `undefined`: a purge has removed it. */
  #extended(target: Extended): { readonly target: Extended; readonly extension: ModelExtension } | undefined {
    const model = this.#model;
    if (typeof target === 'object') {
      const request = model.requests.find(({ id }) => id === target.requestId);
      return request && { target, extension: model.bundleOf(request, this.#at()) };
    }
    const grant = model.grants.find(({ id }) => id === target);
    return grant && { target, extension: extensionOf(grant.request, [grant], false) };
  }

  #anExtension({ of: { subject, operator }, expiresAt }: ModelExtension): Ask {
    const by = RUNS.has(subject) || this.#dice.once(4) ? AGENT : subject;
    const drawn = this.#anAsk();
    // Rarely an end that is no later than that of the grants.
    const until = drawn.until === undefined ? undefined : this.#endFor(expiresAt, this.#dice.once(8) ? 0 : drawn.ttl);
    return { ...drawn, subject, by, operator, startsAt: undefined, until };
  }

  async #breakGlass(scope: string): Promise<void> {
    const { engine } = this.#acting;
    const [dice, model, at] = [this.#dice, this.#model, this.#at()];
    const { key, again } = this.#keyFor('breakGlass');
    const asked = this.#anAsk();
    const why = dice.once(8) ? `${asked.why} frozen` : asked.why;
    const until = asked.until === undefined ? undefined : this.#endFor(undefined, asked.ttl);
    const ask: Ask = again?.ask ?? { ...asked, operator: undefined, startsAt: undefined, until, scopes: [scope], why };
    this.#say('breakGlass', ask, key);
    const { subject, by, scopes, why: justification, ticket } = ask;
    const call = () =>
      engine.breakGlass({ subject, requestedBy: by, scopes, ...lengthOf(ask), justification, ticket, idempotencyKey: key });
    const known = this.#knownBy('breakGlass', ask, key);
    if (known !== undefined) return this.#repeat(known, ask, model.breaking(ask, at), call);
    const result = await this.#try(model.breaking(ask, at), call);
    if (result === undefined) return;
    const { id } = result.request;
    assert.equal(result.reused, false, 'break-glass that has been taken now is told as a repeat (L36)');
    assert.equal(
      model.requests.some((one) => one.id === id),
      false,
      'break-glass gives what there was, where it is to be taken',
    );
    model.breakGlass(id, ask, at);
    this.#keep({ verb: 'breakGlass', ask, key }, id);
    this.#expectOutcome(result, model.requests.at(-1) as ModelRequest);
  }

  /** The current result of a key of this verb. */
  #knownBy(verb: Creating, { by }: Ask, key: string | undefined): Known | undefined {
    const known = key === undefined ? undefined : this.#model.keys.get(`${verb} ${by} ${key}`);
    const request = this.#model.requests.find(({ id }) => id === known?.id);
    return known === undefined || request === undefined ? undefined : { verb, request, asked: known.ask };
  }

  #keep({ key, ...made }: Omit<Keyed, 'key'> & { readonly key: string | undefined }, id: string): void {
    if (key === undefined) return;
    const { verb, ask, target } = made;
    this.#model.keys.set(`${verb} ${ask.by} ${key}`, { ask: textOf(ask, target), id });
    this.#keyed.push({ ...made, key });
  }

  /** L11 L36: the same ask returns the existing result as reused; any other ask is refused. */
  async #repeat(
    { verb, request, asked }: Known,
    ask: Ask,
    { must }: Refusals,
    call: () => Promise<AccessResult>,
    target?: Extended,
  ): Promise<void> {
    const [model, at] = [this.#model, this.#at()];
    if (asked !== textOf(ask, target)) {
      await this.#try({ must: ['ERR_JIT_IDEMPOTENCY', ...must] }, call);
      return;
    }
    const result = await this.#try(verb === 'breakGlass' ? { must: [] } : model.deciding(request, at), call);
    if (result === undefined) return;
    assert.equal(result.request.id, request.id);
    assert.equal(result.reused, true, 'a repeat under a used key is told as new (L36)');
    model.decide(request, at);
    this.#expectOutcome(result, request);
  }

  /** An ask that is new to the model, and its result. */
  async #create(
    ask: Ask,
    extension: ModelExtension | undefined,
    call: () => Promise<AccessResult>,
    keep: (id: string) => void,
    amends?: { readonly old: ModelRequest; readonly by: string },
  ): Promise<void> {
    const [model, at] = [this.#model, this.#at()];
    const asked = amends === undefined ? model.asking(ask, extension, at) : model.amending(amends.old, ask, extension, amends.by, at);
    const { must, may, reuses, problems } = asked;
    this.#refusedId = undefined;
    const failing = reuses.map((one) => model.deciding(one, at).must);
    // Any of them may be reused: of several, which one is open.
    const isFailing = failing.every((codes) => codes.length > 0);
    const isUnanswered = must.length === 0 && may.length === 0 && this.#mood.isMute && isFailing && !model.isDenied(ask);
    const isFull = must.length === 0 && reuses.length === 0 && model.wouldBeFull(ask, extension, at);
    const refusals: Refusals = {
      must: [
        ...must,
        ...(isFailing ? failing.flat() : []),
        ...(isUnanswered ? (['ERR_JIT_APPROVER'] as const) : []),
        ...(isFull ? (['ERR_JIT_LIMIT'] as const) : []),
      ],
      may: [...may, ...failing.flat()],
      problems,
    };
    const before = this.#mood.asked;
    const result = await this.#try(refusals, call);
    const id = result?.request.id ?? this.#refusedId;
    // A refusal that names a new request has left that request recorded.
    if (id === undefined || id === amends?.old.id) return;
    keep(id);
    if (reuses.length > 0) {
      const reused = reuses.find((one) => one.id === id);
      assert.ok(reused, 'it gives another request than those that there are');
      if (result === undefined) return;
      assert.equal(result.reused, true);
      const differs = [
        ...(lengthOf(reused).ttl === lengthOf(ask).ttl ? [] : ['ttl']),
        ...(reused.until === ask.until ? [] : ['until']),
        ...(reused.why === ask.why ? [] : ['justification']),
        ...(reused.ticket === ask.ticket ? [] : ['ticket']),
      ];
      assert.deepEqual(result.differs, differs, 'in what the request that came back differs');
      model.decide(reused, at);
      return this.#expectOutcome(result, reused);
    }
    assert.equal(
      model.requests.some((one) => one.id === id),
      false,
      'it gives what there was, where a new request is due',
    );
    if (amends !== undefined) model.amend(amends.old, id, at);
    const request = model.create(id, ask, extension, at, amends?.old.id);
    if (isUnanswered || result === undefined) return;
    model.decide(request, at);
    this.#expectOutcome(result, request);
    // An approver that decides at once is asked again only about a request that was recorded alone.
    if (amends === undefined && this.#mood.asked === before + 1)
      reach(`${result.request.status}, ${this.#mood.isPrompt ? 'in one commit' : 'in two commits'}`);
  }

  async #revokeAll(): Promise<void> {
    const { engine } = this.#acting;
    const [dice, model, at] = [this.#dice, this.#model, this.#at()];
    const request = this.#among(model.requests);
    const kind = dice.of(['subject', 'subject', 'scope', 'request', 'ticket'] as const);
    const causes = ['revoked', 'origin_ended'];
    if (kind === 'request') {
      if (request === undefined) return;
      this.#say('revokeAll', request.id);
      await engine.revokeAll({ requestId: request.id }, { by: CISO });
      for (const one of model.withAmendments(request)) {
        for (const grant of model.grantsOf(one)) model.endEarly(grant, causes, CISO, at, causes);
        model.cancel(one, ['revoked'], CISO, at);
      }
      return;
    }
    if (kind === 'ticket') {
      const ticket = dice.of(TICKETS);
      this.#say('revokeAll', ticket);
      await engine.revokeAll({ ticket }, { by: CISO });
      // The requests that cite it, and those that extend their grants.
      const cites = (one: ModelRequest | undefined): boolean => one !== undefined && (one.ticket === ticket || cites(one.extension?.of));
      for (const grant of model.grants) if (cites(grant.request) && isLive(grant, at)) model.endEarly(grant, causes, CISO, at, causes);
      for (const one of model.requests) if (cites(one)) model.cancel(one, causes, CISO, at);
      return;
    }
    // Mostly the agent, while a run of it has access to lose (L43).
    const hasRun = model.requests.some((one) => RUNS.has(one.subject) && (isPending(one, at) || one.end?.status === 'approved'));
    const subject = hasRun && !dice.once(4) ? AGENT : this.#aSubject();
    const scope = dice.of([...SCOPES, 'a:*', '**']);
    this.#say('revokeAll', kind === 'subject' ? subject : scope);
    await engine.revokeAll(kind === 'subject' ? { subject } : { scope }, { by: CISO });
    const reaches = (of: ModelRequest, scopes: readonly string[]) =>
      kind === 'subject'
        ? // L43: a revoke of an agent reaches every run.
          of.subject === subject || RUNS.get(of.subject)?.agent === subject
        : scopes.some((one) => overlaps(one, scope));
    for (const grant of model.grants)
      if (reaches(grant.request, [grant.scope]) && isLive(grant, at)) model.endEarly(grant, causes, CISO, at, causes);
    for (const one of model.requests) if (reaches(one, one.scopes)) model.cancel(one, causes, CISO, at);
  }

  async #lock(): Promise<void> {
    const { engine } = this.#acting;
    const [dice, model, at] = [this.#dice, this.#model, this.#at()];
    const isSubject = dice.once(2);
    // Often a person who has reviewed or requested what is pending: the lock then changes what counts.
    const involved = model.requests
      .filter((one) => isPending(one, at))
      .flatMap(({ by, reviews }) => [by, ...reviews.map(({ reviewer }) => reviewer)]);
    const anyone = dice.of([this.#aSubject(), dice.of(REVIEWERS)]);
    const subject = !isSubject ? undefined : involved.length > 0 && dice.once(2) ? dice.of(involved) : anyone;
    const scope = isSubject ? undefined : dice.of([...SCOPES, 'a:*', '**']);
    const drawn = dice.once(2) ? at.now + dice.of([1, 3, 10, 30]) : undefined;
    // Long ones often, where a clock is ahead: it must not end them for the others (L39).
    const until = this.#wrong !== undefined && this.#clockDice.once(2) ? at.now + this.#clockDice.of(LONG.waits) : drawn;
    const key = dice.once(3) ? `lock-${dice.roll(2)}` : undefined;
    this.#say('lock', subject ?? scope, until === undefined ? '' : until - START, key);
    const text = JSON.stringify([subject, scope, until]);
    const known = key === undefined ? undefined : this.#lockKeys.get(key);
    const target = subject === undefined ? { scope: scope as string } : { subject };
    const isOther = known !== undefined && known.text !== text;
    const result = await this.#try({ must: isOther ? ['ERR_JIT_IDEMPOTENCY'] : [] }, () =>
      engine.lock(target, { by: CISO, until, idempotencyKey: key }),
    );
    if (result === undefined) return;
    assert.equal(result.reused, known !== undefined, 'whether a lock is a repeat (L11)');
    const { id } = result.lock;
    if (known !== undefined) return assert.equal(id, known.id, 'the lock of a key');
    if (key !== undefined) this.#lockKeys.set(key, { id, text });
    model.lock({ id, subject, scope, until, by: CISO, end: undefined }, at);
  }

  async #consume(anybody: string, anything: string): Promise<void> {
    const { engine } = this.#acting;
    const [dice, model, at] = [this.#dice, this.#model, this.#at()];
    // Often a use that was taken before, in any later state of its grant: a repeat tests more (L36).
    const again = this.#useKeys.size > 0 && dice.once(2) ? dice.of([...this.#useKeys]) : undefined;
    const counted = model.grants.filter(({ maxUses }) => maxUses !== undefined);
    const grant = this.#among(counted.length > 0 ? counted : model.grants);
    const { subject, scope } = again?.[1] ?? (grant === undefined ? { subject: anybody, scope: anything } : this.#useOf(grant));
    const key = again === undefined ? (dice.once(2) ? `use-${dice.roll(2)}` : undefined) : again[0].split(' ')[1];
    this.#say('consume', subject, scope, key);
    const known = key === undefined ? undefined : this.#useKeys.get(`${subject} ${key}`);
    const call = () => engine.consume(subject, scope, { idempotencyKey: key });
    if (known !== undefined) return this.#repeatUse(known, scope, call);
    const refusals = model.consuming(subject, scope, at);
    const unconfirmed = this.#unconfirmed(subject, scope, at);
    const result = await this.#try(unconfirmed.length > 0 ? { must: [], may: refusals.must } : refusals, call);
    if (result === undefined) return;
    if (unconfirmed.length > 0) await this.#read().then(() => this.#adoptStarts(at));
    const among = model.counted(subject, scope, at);
    if (among.length === 0) {
      assert.ok(model.usable(subject, scope, at).length > 0, 'a use is given where nothing allows one');
      return assert.equal(result.usesLeft, undefined, 'something was counted where nothing is');
    }
    const taken = among.find(({ id }) => id === result.grant?.id);
    assert.ok(taken, `a use was taken of ${result.grant?.id}, not of what ends first`);
    model.consume(taken, at);
    assert.equal(result.usesLeft, (taken.maxUses ?? 0) - taken.uses);
    assert.equal(result.reused, false, 'a use that has been taken now is told as a repeat');
    if (key === undefined || result.usesLeft === undefined) return;
    this.#useKeys.set(`${subject} ${key}`, { grant: taken, subject, scope, at: result.at, usesLeft: result.usesLeft });
  }

  #useOf(grant: ModelGrant): { readonly subject: string; readonly scope: string } {
    return { subject: grant.request.subject, scope: this.#concrete(grant.scope) };
  }

  /** L11 L36: the same key takes no further use; the answer is reused, and refused once its grant no longer allows. */
  async #repeatUse(known: ModelUse, scope: string, call: () => Promise<Consumption>): Promise<void> {
    const [model, at] = [this.#model, this.#at()];
    if (known.scope !== scope) {
      await this.#try({ must: ['ERR_JIT_IDEMPOTENCY', ...model.consuming(known.subject, scope, at).must] }, call);
      return;
    }
    const result = await this.#try(model.repeating(known, at), call);
    if (result === undefined) return;
    const { reused, allowed, usesLeft, at: takenAt } = result;
    assert.deepEqual(
      { reused, allowed, usesLeft, at: takenAt },
      { reused: true, allowed: true, usesLeft: known.usesLeft, at: known.at },
      'the same key gives another answer',
    );
  }

  /** The grants that would allow if their start were confirmed. */
  #unconfirmed(subject: string, scope: string, at: Now): readonly ModelGrant[] {
    return this.#model.grants.filter(
      (grant) =>
        grant.request.subject === subject &&
        covers(grant.scope, scope) &&
        grant.startsAt <= at.now &&
        isLive(grant, at) &&
        (grant.maxUses === undefined || grant.uses < grant.maxUses) &&
        needsConfirmation(grant, at),
    );
  }

  #outcomeOf(request: ModelRequest): string {
    return this.#model.outcomeOf(request, this.#at());
  }

  /** The result of an ask, in a copy of the model that is dropped. */
  #wouldBe(ask: Ask, at: Now): readonly [ModelRequest, string] {
    const model = this.#model;
    const { holders } = model;
    const draft = model.create('thought of', ask, undefined, at);
    model.decide(draft, at);
    const outcome = this.#outcomeOf(draft);
    model.holders = holders;
    remove(model.grants, ({ request }) => request === draft);
    remove(model.requests, (request) => request === draft);
    return [draft, outcome];
  }

  #expectSaid(said: string, request: ModelRequest, outcome = this.#outcomeOf(request)): void {
    const at = this.#at();
    // A quorum named under a clock that has gone back may be named too late: then the outcome may be either.
    const isNamedTooLate = outcome === 'expired' && request.assignedAt === at.now && at.highWater > at.now;
    if (said !== outcome) assert.ok(isNamedTooLate && said === 'pending', `the outcome is ${said}, not ${outcome}`);
  }

  #expectOutcome(result: AccessResult, request: ModelRequest): void {
    this.#expectSaid(result.outcome, request);
    assert.equal(result.request.id, request.id);
    const at = this.#at();
    // L36: an answer says whether its grant allows now, regardless of earlier answers.
    assert.equal(
      result.allowed,
      this.#model.grantsOf(request).some((grant) => isUsable(grant, at)),
      `allowed of ${request.id}`,
    );
    if (result.outcome === 'granted' || result.outcome === 'ended') {
      const grants = this.#model.grantsOf(request).map(({ id }) => id);
      assert.deepEqual(
        result.grants.map(({ id }) => id),
        grants,
      );
    }
  }

  /** L1 L2 L20, and that no instant before `validUntil` has another answer. */
  async #expectDecision({ subject, scope, allowed, reason, grant, validUntil }: Decision): Promise<void> {
    const at = this.#at();
    await this.#read();
    this.#adoptStarts(at);
    const [model, usable] = [this.#model, this.#model.usable(subject, scope, at)];
    assert.equal(allowed, usable.length > 0, `check says ${reason}`);
    const locks = model.locksOn([subject], [scope], at);
    if (locks.length > 0) {
      const untils = locks.map(({ until }) => until);
      const last = untils.includes(undefined) ? undefined : Math.max(...(untils as number[]));
      return assert.deepEqual([allowed, reason, validUntil], [false, 'locked', last], 'a locked check');
    }
    const covering = model.grants.filter((one) => one.request.subject === subject && covers(one.scope, scope) && isLive(one, at));
    if (allowed) {
      assert.equal(reason, 'granted');
      const last = Math.max(...usable.map(endByTime));
      assert.ok(
        usable.some((one) => one.id === grant?.id && endByTime(one) === last),
        'it names another grant than the one that ends last',
      );
    } else {
      // A start confirmed at an instant that is still to come, because the clock has gone back, may have either reason.
      const isAhead = covering.some(({ activatedAt = 0, startsAt }) => startsAt <= at.now && activatedAt > at.now);
      const isDue = covering.some((one) => one.startsAt <= at.now);
      const expected = isDue ? 'not_activated' : covering.length > 0 ? 'not_started' : 'no_grant';
      if (!isAhead) assert.equal(reason, expected);
    }
    // It may be confirmed at any moment: such an answer holds only for its own instant.
    if (reason === 'not_activated') return assert.equal(validUntil, at.now);
    this.#expectUnchanged(validUntil, covering, (then) => model.usable(subject, scope, then).length > 0, allowed);
  }

  /** No access changes by time alone before an instant: not at any start, end or confirmation. */
  #expectUnchanged<Answer>(until: number | undefined, grants: readonly ModelGrant[], ask: (then: Now) => Answer, now: Answer): void {
    assert.ok(until === undefined || until > this.#now, 'an answer that is good for no instant');
    for (const grant of grants) {
      for (const bound of [grant.startsAt, endByTime(grant) - this.#leeway, grant.expiresAt - this.#leeway]) {
        if (bound > this.#now && bound < (until ?? Infinity))
          assert.deepEqual(ask(this.#at(bound)), now, `the answer changes ${bound - this.#now} ms from now, which it does not say`);
      }
    }
  }

  async #expectStatus(subject: string): Promise<void> {
    const { held, scheduled, changesAt } = await this.#acting.engine.status(subject);
    const at = this.#at();
    await this.#read();
    this.#adoptStarts(at);
    const own = this.#model.grants.filter((grant) => grant.request.subject === subject);
    const usable = (then: Now) => own.filter((grant) => isUsable(grant, then)).map(({ id }) => id);
    assert.deepEqual(held.map(({ id }) => id).sort(), usable(at).sort(), 'status: held');
    // A lock that has expired is open again for a clock that has gone back. Grants issued since then start later.
    const isLocked = (grant: ModelGrant) => this.#model.locksOn([subject], [grant.scope], at).length > 0;
    const later = own.filter((grant) => isScheduled(grant, at) && !isLocked(grant)).map(({ id }) => id);
    assert.deepEqual(scheduled.map(({ id }) => id).sort(), later.sort(), 'status: scheduled');
    const live = own.filter((grant) => isLive(grant, at));
    this.#expectUnchanged(changesAt, live, (then) => usable(then).sort(), usable(at).sort());
  }

  async #expectLists(subject: string): Promise<void> {
    const { engine } = this.#acting;
    const [model, at] = [this.#model, this.#at()];
    this.#say('lists', subject);
    const ids = (list: readonly { readonly id: string }[]) => list.map(({ id }) => id).sort();
    const pending = await engine.listRequests({ subject, status: 'pending', limit: 1_000 });
    assert.deepEqual(ids(pending.items), ids(model.requests.filter((one) => one.subject === subject && isPending(one, at))), 'requests');
    for (const { id, status, outcome } of (await engine.listRequests({ subject })).items) {
      const live = model.grants.some((grant) => grant.request.id === id && isLive(grant, at));
      assert.equal(outcome, status === 'approved' ? (live ? 'granted' : 'ended') : status, `the outcome of ${id}`);
    }
    const afterReview: BreakGlassReviewItem[] = [];
    for await (const item of engine.listRequests({ afterReview: 'pending', subject, limit: 1 + (at.now % 3) })) afterReview.push(item);
    assert.deepEqual(
      ids(afterReview.map(({ request }) => request)),
      ids(model.requests.filter((one) => one.subject === subject && isOwed(one))),
      'the pending break-glass reviews',
    );
    const reviewer = this.#dice.of(REVIEWERS);
    const inbox: InboxItem[] = [];
    // In pages of one to three.
    for await (const item of engine.inbox(reviewer, { limit: 1 + (at.now % 3) })) inbox.push(item);
    assert.deepEqual(
      ids(inbox.map(({ request }) => request)),
      ids(model.requests.filter((one) => model.awaits(one, reviewer, at))),
      `inbox of ${reviewer}`,
    );
    // L44: the reviewer of one of two such requests sees the other, with its denials.
    for (const { request, denials, twins, missing, narrowedTo, comments } of inbox) {
      const own = model.requests.find(({ id }) => id === request.id) as ModelRequest;
      assert.deepEqual(
        comments.map(({ id }) => id),
        own.comments.map(({ id }) => id),
        `the comments on ${request.id}`,
      );
      const count = missing.reduce((sum, { approvals }) => sum + approvals, 0);
      assert.equal(count, model.missing(own, at), `the approvals that ${request.id} lacks`);
      const left = model.narrowedTo(own, at);
      assert.deepEqual(narrowedTo, left && { scopes: left.scopes, ttlMs: left.ttl }, `what the approvals leave of ${request.id}`);
      const others = model.requests.filter((one) => one !== own && model.isSameAsk(own, own.extension, one, at));
      assert.deepEqual([...twins].sort(), ids(others.filter((one) => isPending(one, at))), `the twins of ${request.id}`);
      const shown = 86_400_000;
      const isShown = (one: ModelRequest, denial: { readonly at: number }) => at.now < model.deniedSince(one, denial, shown, at) + shown;
      const said = others.flatMap((one) =>
        model
          .denialsOf(one)
          .filter((denial) => isShown(one, denial))
          .map((denial) => `${one.id} ${denial.by} ${denial.at}`),
      );
      assert.deepEqual(
        denials.map((one) => `${one.requestId} ${one.by} ${one.at}`).sort(),
        said.sort(),
        `what was said against ${request.id}`,
      );
    }
    assert.deepEqual(ids(await engine.listLocks()), ids(model.openLocks(at)), 'the open locks');
    const filtered = await engine.filterAllowed(subject, SCOPES);
    await this.#read();
    this.#adoptStarts(at);
    assert.deepEqual(
      filtered,
      SCOPES.filter((scope) => model.usable(subject, scope, at).length > 0),
      'filterAllowed',
    );
    const explanation = await explain(engine, subject, SCOPES[0] as string);
    await this.#read();
    this.#adoptStarts(at);
    assert.equal(explanation.allowed, model.usable(subject, SCOPES[0] as string, at).length > 0, 'explain');
  }

  async #rows(kind: string): Promise<readonly Row[]> {
    return (await this.#store.find({ kind, limit: 1_000 })).items;
  }

  /** The current records. A record that was not written since the last read is not decoded again. */
  async #read(): Promise<void> {
    const [requests, grants, usages] = await Promise.all([this.#rows('request'), this.#rows('grant'), this.#rows('usage')]);
    this.#requests = decoded(requests, this.#requests, decodeRequest);
    this.#grants = decoded(grants, this.#grants, decodeGrant);
    this.#usages = decoded(usages, this.#usages, decodeUsage);
  }

  /** The subjects whose access is checked: an agent and all its runs, once one of them has asked. */
  #subjects(): readonly string[] {
    return this.#model.requests.some(({ subject }) => AGENTS.includes(subject)) ? [...SUBJECTS, ...AGENTS] : SUBJECTS;
  }

  /** After each step: access and records are the ones that the model gives. */
  async #compare(): Promise<void> {
    const [model, at] = [this.#model, this.#at()];
    const { engine } = this.#acting;
    // Concurrently: a server answers all of it in the time of one question.
    const subjects = this.#subjects();
    const asked = subjects.flatMap((subject) => SCOPES.map((scope) => [subject, scope] as const));
    const [stranger, ...answers] = await Promise.all(
      [['user:eve', 'a:x'] as const, ...asked].map(([subject, scope]) => engine.isAllowed(subject, scope)),
    );
    // Each step makes fewer other checks than this.
    this.#checks += asked.length + 20;
    const allowed = new Set(asked.filter((_, i) => answers[i]).map(([subject, scope]) => `${subject} ${scope}`));
    // After any earlier question, the engine has used this reading by now.
    this.#acting.highWater = at.highWater;
    assert.equal(stranger, false, 'whoever never asked is let in');
    await this.#read();
    await this.#adoptLockEnds(at);
    this.#adopt(at);
    for (const subject of subjects) {
      for (const scope of SCOPES) {
        const usable = model.usable(subject, scope, at);
        assert.equal(allowed.has(`${subject} ${scope}`), usable.length > 0, `isAllowed(${subject}, ${scope})`);
        if (usable.length === 0) this.#expectAsked(subject, scope, at);
      }
    }
    this.#answers.set(at.now, allowed);
    assert.deepEqual([...this.#requests.keys()].sort(), model.requests.map(({ id }) => id).sort(), 'which requests there are');
    assert.deepEqual([...this.#grants.keys()].sort(), model.grants.map(({ id }) => id).sort(), 'which grants there are (L10)');
    for (const request of model.requests) this.#compareRequest(this.#requests.get(request.id) as AccessRequest, request);
    // A purged request may come again under its key, with the same ids.
    for (const id of this.#warnings.keys()) if (!this.#grants.has(id)) this.#warnings.delete(id);
    for (const grant of model.grants) this.#compareGrant(this.#grants.get(grant.id) as Grant, grant);
    const isUsable = ([subject, scope]: Asked, highWater: number) =>
      model.usable(subject, scope, { ...at, highWater, late: highWater + this.#leeway }).length > 0;
    // They have the right clock.
    if (this.#acting.lead === 0 && (await this.#views.step(this.#number, asked, isUsable))) {
      // Its own start was confirmed above, where it was due: a view confirms none.
      const [subject, scope] = asked[this.#number % asked.length] as Asked;
      this.#views.compareWith(await engine.check(subject, scope), at.highWater);
      await this.#settled();
    }
    if (this.#purged) await this.#expectTrimmed();
    this.#touched = undefined;
    this.#swept = this.#purged = false;
  }

  /** L10 L12 L25: records that belong together were written in one transaction, as the ids of their entries show. */
  async #expectTogether(verb: Verb): Promise<void> {
    const { entries, head } = await this.#store.journal({ after: this.#seq, limit: 1_000 });
    this.#seq = head.seq;
    const changeOf = ({ id }: AuditEntry) => id.slice(0, id.lastIndexOf('.'));
    for (const approved of entries.filter(({ type }) => type === 'request.approved')) {
      const issued = entries.filter(({ type, requestId }) => type === 'grant.issued' && requestId === approved.requestId);
      // Not the model: it learns of an approval by a sweep only later.
      const { granted } = approved.data['end'] as unknown as { readonly granted: { readonly scopes: readonly string[] } };
      assert.equal(issued.length, granted.scopes.length, `the grants of ${approved.requestId}`);
      assert.ok(
        issued.every((one) => changeOf(one) === changeOf(approved)),
        `the grants of ${approved.requestId} came after its approval`,
      );
    }
    for (const amended of entries.filter(({ data }) => data['replacedBy'] !== undefined)) {
      const next = entries.find(({ type, requestId }) => type === 'request.created' && requestId === amended.data['replacedBy']);
      assert.ok(next !== undefined && changeOf(next) === changeOf(amended), `${amended.requestId} was amended in two steps`);
    }
    if (verb !== 'revoke' && verb !== 'release' && verb !== 'releaseAll' && verb !== 'reviewBreakGlass') return;
    const ended = entries.filter(({ type }) => ['breakGlass.reviewed', 'grant.revoked', 'request.cancelled'].includes(type));
    assert.ok(new Set(ended.map(changeOf)).size <= 1, `${verb} has ended ${ended.map(({ type }) => type).join(', ')} one after the other`);
  }

  /** L47: no entry of a process lies further ahead of its clock than the tolerance, for any instant that the records hold. */
  async #expectStamps(): Promise<void> {
    const { entries, head } = await this.#store.journal({ after: this.#stampedTo, limit: 1_000 });
    this.#stampedTo = head.seq;
    const latest = this.#now + this.#leeway + 60_000;
    for (const entry of entries) {
      const { seq, type, grantId } = entry;
      assert.ok(entry.at <= latest, `entry ${seq} (${type}) is stamped ${entry.at - this.#now} ms ahead of the clock that wrote it (L47)`);
      const kind = type.startsWith('lock.') ? 'a lock' : type === 'grant.seen' ? `a recorded use of ${grantId ?? ''}` : undefined;
      if (kind === undefined) continue;
      if ((this.#written.get(kind) ?? 0) > latest) reach(`${kind.slice(0, 14)} after one of a clock ahead`);
      this.#written.set(kind, Math.max(entry.at, this.#written.get(kind) ?? 0));
    }
  }
  #stampedTo = 0;
  /** The latest entry of each kind of record that outlives a request. */
  readonly #written = new Map<string, number>();

  /** L33 L47: a purge trims all entries before the first one that a kept record, an open lock, a sink or the horizon needs. */
  async #expectTrimmed(): Promise<void> {
    const entries: AuditEntry[] = [];
    for await (const entry of readJournal(this.#store)) entries.push(entry);
    const [first] = entries;
    if (first === undefined) return;
    const cursors = (await this.#rows('cursor')).map(({ body }) => Number(body['seq']));
    const isKept = this.#model.requests.some(({ id }) => id === first.requestId);
    const isOfLock = first.type === 'lock.set' && this.#model.locks.some(({ id, end }) => id === first.data['lockId'] && end === undefined);
    // Most entries from a younger one on are younger too, unless a wrong clock has stamped it.
    const old = entries.slice(0, 1_000).filter((entry) => entry.at < this.#horizon).length;
    const isYoung = first.at >= this.#horizon && 2 * old <= Math.min(1_000, entries.length);
    if (first.at < this.#horizon && entries.some((entry) => entry.at >= this.#horizon)) reach('a purge that keeps old entries');
    // The record of this purge itself. It is old where the clock lies below the horizon, which never goes back.
    const isOwn = first.type === 'journal.purged' && entries.length === 1;
    assert.ok(
      isKept || isOfLock || isYoung || isOwn || first.seq > Math.min(...cursors),
      `a purge left entry ${first.seq} (${first.type}) (L33)`,
    );
  }

  /** L39: time has ended a lock for every process only if the journal confirms its instant. */
  async #adoptLockEnds(at: Now): Promise<void> {
    const open = this.#model.locks.filter(({ end }) => end === undefined);
    if (open.length === 0) return;
    const [row] = await this.#store.get([LOCK_ROW]);
    const kept = new Set(row && decodeLocks(row).locks.map(({ id }) => id));
    const gone = open.filter(({ id }) => !kept.has(id));
    if (gone.length === 0) return;
    const entries: AuditEntry[] = [];
    for await (const entry of readJournal(this.#store)) entries.push(entry);
    for (const lock of gone) {
      const { until = Infinity } = lock;
      const confirmed = confirmedBy(entries, at);
      assert.ok(this.#swept && until <= confirmed, `the end of lock ${lock.id} was recorded ${until - confirmed} ms too early (L39)`);
      reach('a lock whose end the journal confirms');
      lock.end = 'expired';
    }
  }

  /** L27 L47: a check that denies has asked about each start that is due, also about one that only a wrong clock has confirmed. */
  #expectAsked(subject: string, scope: string, at: Now): void {
    // After a failure it does not ask again at once.
    if (this.#hasFailed || at.back) return;
    const left = this.#unconfirmed(subject, scope, at).filter((grant) => this.#model.locksOn([subject], [grant.scope], at).length === 0);
    assert.deepEqual(
      left.map(({ id }) => id),
      [],
      'a check left these starts open',
    );
  }

  /** Entries that the engine may have written by itself, each checked against the law that allows it. */
  #adopt(at: Now): void {
    const model = this.#model;
    if (this.#purged) {
      // L33: a removed record had ended before, has no pending review, and no live record depends on it.
      const gone = (one: ModelRequest) => !this.#requests.has(one.id);
      for (const request of model.requests.filter(gone)) {
        assert.ok(request.end !== undefined && request.end.from < this.#horizon && !isOwed(request), `${request.id} was purged`);
        for (const grant of model.grantsOf(request)) {
          // A window is half-open: a grant that ends at the horizon was not held there.
          assert.ok(grant.end !== undefined && grant.end.from <= this.#horizon, `${grant.id} was purged`);
          assert.ok(
            this.#model.line(grant).every((one) => one.end !== undefined),
            `what goes on from ${grant.id} lives, and it was purged`,
          );
        }
      }
      for (const request of model.requests) if (!gone(request)) assert.ok(!this.#hasToGo(request), `${request.id} was not purged`);
      remove(model.grants, ({ request }) => gone(request));
      for (const [key, { grant }] of [...this.#useKeys])
        if (!this.#grants.has(grant.id) && grant.expiresAt <= this.#horizon) this.#useKeys.delete(key);
      for (const [key, { id }] of [...model.keys]) if (!this.#requests.has(id)) model.keys.delete(key);
      remove(model.requests, gone);
      for (const t of [...this.#answers.keys()]) if (t < this.#horizon) this.#answers.delete(t);
    }
    for (const grant of model.grants) grant.warnedAt = this.#grants.get(grant.id)?.warnedAt ?? grant.warnedAt;
    // A grant that a sweep has issued, by asking at its end, was not checked by it: with a clock that has gone back it may have expired.
    const swept = new Set(this.#swept ? model.grants : []);
    const asked: ModelRequest[] = [];
    for (const request of model.requests) {
      const row = this.#requests.get(request.id);
      // A sweep records one change of a request: its reminder comes with the sweep after its escalation.
      const isEscalated = (row?.escalatedAt ?? 0) > (this.#escalations.get(request.id) ?? 0);
      this.#escalations.set(request.id, row?.escalatedAt ?? 0);
      request.escalatedAt = row?.escalatedAt;
      if (this.#swept && !isEscalated) model.remind(request, at);
      const isAskedAgain = this.#swept && request.quorum === undefined && isPending(request, at) && at.late >= request.createdAt + RETRY;
      if (isAskedAgain) asked.push(request);
      // L13: the expiry of a request may be recorded at any time, and is recorded by a sweep.
      if (request.end === undefined && !isPending(request, at) && (this.#swept || row?.end !== undefined)) {
        // The design says when the request expires, not which instant its record has: that instant, or the one of its writing.
        const [from, to] = [
          Math.min(request.reviewBy, stampOf(at, [request])),
          Math.max(request.reviewBy, at.highWater, stampOf(at, [request])),
        ];
        request.end = { status: 'expired', causes: ['time'], from, to, by: 'system:sweeper' };
      }
    }
    if (asked.length > 0) this.#adoptAnswers(asked, at);
    this.#adoptStarts(at);
    for (const grant of model.grants) {
      const row = this.#grants.get(grant.id);
      const usage = this.#usages.get(grant.id);
      if (grant.end === undefined && !isLive(grant, at) && (swept.has(grant) || row?.end !== undefined)) {
        const end = endByTime(grant);
        const cause = end < grant.expiresAt ? 'idle' : 'time';
        const causes = end === grant.expiresAt ? ['time', 'idle'] : [cause];
        grant.end = { status: 'expired', causes, ...this.#until(end, at), by: 'system:sweeper' };
      }
      // A reported use is recorded if the last one is older than a tenth: never later than now, and never earlier than the last.
      const { subject, scope, by } = this.#touched ?? {};
      const isTouched = subject === grant.request.subject && covers(grant.scope, scope ?? '');
      if (isTouched && grant.idle !== undefined && usage !== undefined && isUsable(grant, at)) {
        if (usage.usedAt !== grant.usedAt) {
          assert.equal(usage.usedAt, stampOf(at, [grant], grant.usedAt), `${grant.id} was used at another instant`);
          grant.usedAt = usage.usedAt;
        }
        const last = grant.usedAt ?? grant.startsAt;
        const isRecorded = at.now - last <= grant.idle / 10 && isUseBelieved(grant, at);
        if (by === grant.id) assert.ok(isRecorded, `the use of ${grant.id} is not recorded`);
      }
    }
  }

  /**
   * The answers to the questions of a sweep, which it asks after it has recorded all ends: an idle end has freed its place (A9). Of
   * several requests that wait for one place, which one gets it is open. The others find it taken.
   */
  #adoptAnswers(asked: readonly ModelRequest[], at: Now): void {
    const model = this.#model;
    const { holders } = model;
    const left = (model.holders = holders.filter((grant) => isLive(grant, at)));
    const isGiven = ({ id }: ModelRequest) => this.#requests.get(id)?.end?.status === 'approved';
    for (const request of [...asked.filter(isGiven), ...asked.filter((one) => !isGiven(one))])
      if (model.deciding(request, at).must.length === 0) model.decide(request, at);
    // The row of the rule is written only with a new grant.
    if (model.holders === left) model.holders = holders;
  }

  /** L33: every record that had ended before the horizon and on which no other depends. A pending review counts with its date too. */
  #hasToGo(request: ModelRequest): boolean {
    const isOver = ({ end }: ModelGrant) => end !== undefined && end.to <= this.#horizon;
    const { end, afterReview } = request;
    if (end === undefined || end.to >= this.#horizon || lastOn(request) >= this.#horizon || afterReview !== undefined) return false;
    const line = this.#model.grantsOf(request).flatMap((grant) => [grant, ...this.#model.line(grant)]);
    const isAskedOf = (grant: ModelGrant) =>
      this.#model.requests.some((one) => one.extension?.grants.includes(grant) === true && one.end === undefined);
    return line.every((grant) => isOver(grant) && !isAskedOf(grant));
  }

  /** The instant of an expiry that a process with a leeway applied early: no later than it did so (L6). */
  #until(end: number, at: Now): { readonly from: number; readonly to: number } {
    return { from: Math.min(end, at.highWater), to: end };
  }

  /** A start at which the approver is asked: confirmed, or ended, once it has come (L5: not while the clock has gone back). */
  #adoptStarts(at: Now): void {
    for (const grant of this.#model.grants) {
      const row = this.#grants.get(grant.id);
      if (row === undefined || grant.end !== undefined) continue;
      const isDue = grant.startsAt <= at.now && isLive(grant, at) && !this.#mood.isFailing && !at.back;
      const isBanned = this.#mood.banned.has(grant.request.subject);
      if (row.activatedAt !== grant.activatedAt && grant.asksAtStart) {
        assert.ok(isDue && !isBanned && needsConfirmation(grant, at), `the start of ${grant.id} was confirmed`);
        assert.equal(row.activatedAt, stampOf(at, [grant], grant.usedAt));
        grant.activatedAt = row.activatedAt;
      } else if (row.end?.cause === 'ineligible') {
        assert.ok(isDue && isBanned && needsConfirmation(grant, at), `${grant.id} was ended as ineligible`);
        this.#model.endEarly(grant, ['ineligible'], 'system:approver', at);
      } else if (this.#swept && isDue && grant.asksAtStart && grant.activatedAt === undefined) {
        assert.fail(`a sweep left the start of ${grant.id} open`);
      }
    }
  }

  #compareRequest(row: AccessRequest, model: ModelRequest): void {
    const at = this.#at();
    const { subject, by: requestedBy, operator, scopes, ttl: ttlMs, startsAt, createdAt, reviewBy, assignedAt } = model;
    const { id, why: justification, ticket, until, replaces, replacedBy } = model;
    const agent = RUNS.get(subject)?.agent;
    const same = {
      subject,
      requestedBy,
      agent,
      operator,
      scopes,
      ttlMs,
      startsAt,
      createdAt,
      reviewBy,
      assignedAt,
      justification,
      ticket,
      until,
      replaces,
      replacedBy,
    };
    for (const [name, value] of Object.entries(same)) {
      assert.deepEqual(row[name as keyof typeof same], value, `${name} of ${id}`);
    }
    assert.deepEqual(
      row.extension?.grantIds,
      model.extension?.grants.map((grant) => grant.id),
    );
    const said = ({ reviewer, verdict, groups, as, steps, at, ttl, scopes }: ModelRequest['reviews'][number]) =>
      [reviewer, verdict, [...groups].sort().join(), as, steps, at, ttl, scopes.join()].join(' ');
    const reviews = row.reviews.map((one) => ({
      ...one,
      steps: one.steps ?? 0,
      ttl: one.ttlMs ?? row.ttlMs,
      scopes: one.scopes ?? row.scopes,
    }));
    assert.deepEqual(row.begunSteps ?? [], model.begun, `the begun steps of ${id}`);
    assert.deepEqual(reviews.map(said).sort(), model.reviews.map(said).sort(), `the reviews of ${id}`);
    assert.deepEqual([row.reminders ?? 0, row.remindedAt], [model.reminders, model.remindedAt], `the reminders of ${id}`);
    this.#compareEnd(row.end, model);
    const granted = row.end?.status === 'approved' ? { scopes: row.end.granted.scopes, ttl: row.end.granted.ttlMs } : undefined;
    assert.deepEqual(granted, model.granted, `what was granted of ${id} (L18)`);
    assert.equal(row.afterReview?.reviewBy, model.afterReview?.reviewBy);
    assert.equal(row.afterReview?.breakGlassReview?.by, model.afterReview?.breakGlassReview?.by);
    assert.equal(row.afterReview?.breakGlassReview?.verdict, model.afterReview?.breakGlassReview?.verdict);
    const { all, present } = model.quorum === undefined ? { all: [], present: [] } : escalationsOf(model);
    assert.ok(row.escalatedAt === undefined || all.some((due) => due <= (row.escalatedAt as number)), `${id} was escalated too early`);
    if (!this.#swept) return;
    for (const due of isPending(model, at) ? present : []) {
      if (at.now >= due) assert.ok(row.escalatedAt !== undefined && row.escalatedAt >= due, `a sweep did not escalate ${id}`);
    }
    if (isOwed(model) && at.now >= (model.afterReview?.reviewBy ?? Infinity))
      assert.ok(row.afterReview?.missedAt !== undefined, `a sweep did not miss the review of ${id}`);
  }

  #compareGrant(row: Grant, model: ModelGrant): void {
    const { id, scope, startsAt, expiresAt, firstStartsAt, breakGlass, asksAtStart, request, idle: idleTtlMs, maxUses } = model;
    const same = { scope, startsAt, expiresAt, firstStartsAt, breakGlass, asksAtStart, idleTtlMs, maxUses };
    for (const [name, value] of Object.entries(same)) assert.equal(row[name as keyof typeof same], value, `${name} of ${id}`);
    assert.deepEqual([row.subject, row.requestId, row.extends], [request.subject, request.id, model.extends?.id]);
    if (asksAtStart) assert.equal(row.activatedAt, model.activatedAt, `the start of ${id}`);
    const usage = this.#usages.get(id);
    assert.equal(usage === undefined, idleTtlMs === undefined && maxUses === undefined, `whether ${id} keeps its uses`);
    assert.equal(usage?.uses ?? 0, model.uses, `uses of ${id}`);
    assert.equal(usage?.usedAt, model.usedAt, `the last use of ${id}`);
    this.#compareWarnings(row, model);
    this.#compareEnd(row.end, model);
  }

  /** Each warning comes once, none before its instant, and a sweep leaves none that is due. */
  #compareWarnings({ warnAt, warnedAt, activatedAt }: Grant, model: ModelGrant): void {
    const at = this.#at();
    const { id, startsAt, expiresAt, request } = model;
    const before = request.afterReview === undefined ? WARN_BEFORE : ENGINE_WARN_BEFORE;
    const atStart = before.some((ms) => expiresAt - ms <= startsAt) ? [startsAt] : [];
    const inTime = before.map((ms) => expiresAt - ms).filter((instant) => instant > startsAt);
    assert.deepEqual(warnAt, [...atStart, ...inTime], `the warnings of ${id}`);
    const { warned, begun } = this.#warnings.get(id) ?? { warned: [], begun: false };
    assert.deepEqual(warnedAt.slice(0, warned.length), warned, `the warnings of ${id} that were recorded before`);
    const added = warnedAt.slice(warned.length);
    const due = warnAt.filter((instant) => instant <= at.late).length;
    assert.ok(warnedAt.length <= due || added.length === 0, `${id} was warned too early`);
    assert.ok(new Set(added).size <= 1, `${id} was warned several times at once`);
    // The next sweep warns of a start that this sweep recorded.
    if (this.#swept && begun && isLive(model, at)) assert.ok(warnedAt.length >= due, `a sweep did not warn of the end of ${id}`);
    this.#warnings.set(id, { warned: warnedAt, begun: activatedAt !== undefined });
  }

  #compareEnd(end: AccessRequest['end'] | Grant['end'], model: ModelRequest | ModelGrant): void {
    const said = model.end;
    assert.equal(end?.status, said?.status, `the end of ${model.id}`);
    if (end === undefined || said === undefined) return;
    assert.ok(said.causes.includes(end.cause), `${model.id} ended as ${end.cause}, not as ${said.causes.join(' or ')}`);
    const since = end.at - START;
    assert.ok(
      said.from <= end.at && end.at <= said.to,
      `${model.id} ended at ${since}, not between ${said.from - START} and ${said.to - START}`,
    );
    assert.equal(end.by, said.by, `who ended ${model.id}`);
    // From now on it stays unchanged (L8).
    model.end = { ...said, causes: [end.cause], from: end.at, to: end.at } satisfies End;
  }

  /** L26 L27: the chain holds, the rows equal the journal, and four ways to ask who had access agree. */
  async lookBack(): Promise<void> {
    const { engine } = this.#acting;
    await this.#settled();
    // It reads every row again and yields between them: too slow to wait for each time.
    if (this.#isThorough) assert.deepEqual((await verifyStore(this.#store)).differences, []);
    const entries: AuditEntry[] = [];
    for await (const entry of readJournal(this.#store)) entries.push(entry);
    const { start, head } = await this.#store.journal({ after: 0, limit: 1 });
    assert.deepEqual(await verifyJournal(entries, { start, head }), { ok: true, head, count: entries.length });
    await this.#read();
    const { requests, grants, usages, activities, comments, locks, holders } = await replay(entries);
    assert.deepEqual([requests, grants, usages], [this.#requests, this.#grants, this.#usages], 'the rows are not what the journal says');
    await this.#expectActivities(activities);
    await this.#expectComments(comments);
    const rules = (await this.#rows('holders')).map(decodeHolders);
    const listed = new Set(rules.flatMap(({ grantIds }) => grantIds));
    // An ask that meets a limit records the ends of its subject's grants first.
    const isOver = ({ id, end }: ModelGrant) => !listed.has(id) && end?.status === 'expired';
    const counted = this.#model.holders.filter((grant) => !isOver(grant)).map(({ id }) => id);
    assert.deepEqual([...listed].sort(), counted.toSorted(), 'the grants that the rule with few holders counts (A9)');
    // A purge may have trimmed the entry that last wrote the row.
    if (start.seq === 0) assert.deepEqual(holders, new Map(rules.map((row) => [row.id, row])), 'the holders of the journal');
    const [lockRow] = await this.#store.get([LOCK_ROW]);
    // A purge may have trimmed the entries of locks that have ended.
    if (locks !== undefined || start.seq === 0) assert.deepEqual(locks, lockRow && decodeLocks(lockRow), 'the locks of the journal');
    const instants = [...this.#answers].filter(([t]) => t >= this.#horizon);
    const some = this.#isThorough ? instants : instants.slice(-3);
    for (const [t, answers] of some) {
      if (t > this.#at().highWater) continue;
      const then = await replay(entries, t);
      for (const scope of SCOPES) {
        const told = (await engine.whoHadAccess({ scope, at: t, limit: 1_000 })).items.map(({ id }) => id).sort();
        const inModel = this.#model.grants.filter((grant) => covers(grant.scope, scope) && wasHeld(grant, t, grant.end?.from));
        const what = `at ${t - START}, ${scope}`;
        assert.deepEqual(told, inModel.map(({ id }) => id).sort(), `whoHadAccess ${what}`);
        const replayed = [...then.grants.values()].filter(
          (grant) => covers(grant.scope, scope) && wasHeldAt(grant, t, then.usages.get(grant.id)),
        );
        assert.deepEqual(replayed.map(({ id }) => id).sort(), told, `replay ${what}`);
        if (!this.#isPlain) continue;
        for (const subject of this.#subjects()) {
          const had = inModel.some(({ request }) => request.subject === subject);
          assert.equal(answers.has(`${subject} ${scope}`), had, `what ${subject} was answered ${what}`);
        }
      }
    }
    if (this.#horizon > 0 && this.#horizon <= this.#at().highWater) {
      await assert.rejects(
        engine.whoHadAccess({ scope: 'a:x', at: this.#horizon - 1 }),
        (error) => isJitError(error) && error.code === 'ERR_JIT_PURGED',
      );
    }
  }

  /** L27: the recorded uses are those of the journal, each while its grant was held, and none outlives its grant (L33). */
  async #expectActivities(activities: ReadonlyMap<string, Activity>): Promise<void> {
    const rows = (await this.#rows('activity')).map(decodeActivity);
    assert.deepEqual(new Map(rows.map((row) => [row.id, row])), new Map([...activities].sort()), 'the recorded uses of the journal');
    for (const { id, firstUsedAt, lastUsedAt, count } of rows) {
      const grant = this.#grants.get(id);
      assert.ok(grant !== undefined, `the use of ${id} has outlived its grant`);
      const begin = Math.min(grant.startsAt, grant.end?.at ?? Infinity);
      assert.ok(begin <= firstUsedAt && firstUsedAt <= lastUsedAt && lastUsedAt <= grant.expiresAt, `the recorded use of ${id}`);
      assert.ok(count <= this.#checks, `${id} was used ${count} times in ${this.#checks} checks`);
    }
  }

  /** L27: the comments are those of the journal and of the model, and none outlives its request (L33). */
  async #expectComments(replayed: ReadonlyMap<string, RequestComment>): Promise<void> {
    const rows = (await this.#rows('comment')).map(decodeComment);
    const sorted = (comments: readonly { readonly id: string }[]) => comments.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    assert.deepEqual(sorted(rows), sorted([...replayed.values()]), 'the comments of the journal');
    const inModel = this.#model.requests.flatMap(({ comments }) => comments);
    assert.deepEqual(
      sorted(rows.map(({ id, by, text, at }) => ({ id, by, text, at }))),
      sorted(inModel.map(({ id, by, text, at }) => ({ id, by, text, at }))),
      'the comments',
    );
  }

  /** The laws about the whole history, and L28: the entries of the sink are the journal, in order. */
  async finish(): Promise<void> {
    await this.lookBack();
    this.#sinkFails = false;
    await this.#relay.flushAudit();
    const { head } = await this.#store.journal({ after: 0, limit: 1 });
    const first = new Map<number, AuditEntry>();
    for (const entry of this.#delivered) {
      const before = first.get(entry.seq);
      if (before !== undefined) assert.equal(entry.id, before.id, 'an entry came again with another id');
      else first.set(entry.seq, entry);
    }
    assert.deepEqual(
      [...first.keys()],
      Array.from({ length: head.seq }, (_, i) => i + 1),
      'what the sink was given (L28)',
    );
  }

  /** Releases the store, also after a failed life: a watcher keeps a connection. */
  async close(): Promise<void> {
    this.#views.close();
    for (const engine of [this.#relay, ...this.#processes.map((process) => process.engine)]) await engine.close();
  }
}

/** The argument of `extend`. */
type Extended = string | { readonly requestId: string };

/** The verbs that take a key and create a request. */
type Creating = 'ask' | 'extend' | 'amend' | 'breakGlass';

/** An ask that was made under a key. */
interface Keyed {
  readonly verb: Creating;
  readonly key: string;
  readonly ask: Ask;
  /** The grant to be extended, or the request whose grants are, or that is to be amended. */
  readonly target?: Extended | undefined;
}

/** The result of a key: the request, and the ask of that time. */
interface Known {
  readonly verb: Creating;
  readonly request: ModelRequest;
  readonly asked: string;
}

/** The fields that make an ask a different one under the same key. The subject says who the operator is. */
const textOf = ({ subject, by, scopes, ttl, until, startsAt, why, ticket }: Ask, target?: Extended): string =>
  // An extension or an amendment of a request names no scopes.
  JSON.stringify([subject, by, typeof target === 'object' ? [] : scopes, lengthOf({ ttl, until }), startsAt, why, ticket, target]);

/** The length of an ask, or its end instead. */
const lengthOf = ({ ttl, until }: Pick<Ask, 'ttl' | 'until'>) => (until === undefined ? { ttl } : { until });

/** The steps of a world with a wrong clock, while a long grant is live. */
const USES = ['touch', 'touch', 'touch', 'check', 'sweep', 'sweep', 'revoke', 'release', 'lock', 'consume', 'wait'] as const;

/** The steps, each as often as it is listed. */
const STEPS = [
  ...times(9, 'ask' as const),
  ...times(1, 'dryRun' as const),
  ...times(2, 'decide' as const),
  ...times(9, 'approve' as const),
  ...times(1, 'approveByLink' as const),
  ...times(2, 'deny' as const),
  ...times(2, 'cancel' as const),
  ...times(2, 'revoke' as const),
  ...times(2, 'release' as const),
  ...times(1, 'releaseAll' as const),
  ...times(2, 'revokeAll' as const),
  ...times(2, 'lock' as const),
  ...times(2, 'unlock' as const),
  ...times(5, 'extend' as const),
  ...times(4, 'amend' as const),
  ...times(3, 'comment' as const),
  ...times(4, 'breakGlass' as const),
  ...times(4, 'reviewBreakGlass' as const),
  ...times(2, 'touch' as const),
  ...times(1, 'checkAndTouch' as const),
  ...times(4, 'consume' as const),
  ...times(3, 'check' as const),
  ...times(3, 'lists' as const),
  ...times(5, 'sweep' as const),
  ...times(2, 'purge' as const),
  ...times(1, 'restart' as const),
  ...times(2, 'deliver' as const),
  ...times(2, 'mood' as const),
  ...times(3, 'wait' as const),
  ...times(1, 'back' as const),
  ...times(9, 'jump' as const),
  ...times(1, 'past' as const),
];

/** A step; `remind` only where a reminder is ahead. */
type Verb = (typeof STEPS)[number] | 'remind';

function times<T>(count: number, one: T): readonly T[] {
  return Array.from({ length: count }, () => one);
}

function remove<T>(list: T[], isGone: (one: T) => boolean): void {
  for (let i = list.length - 1; i >= 0; i--) if (isGone(list[i] as T)) list.splice(i, 1);
}

function decoded<T extends { readonly version: number }>(
  rows: readonly Row[],
  known: ReadonlyMap<string, T>,
  decode: (row: Row) => T,
): Map<string, T> {
  return new Map(
    rows.map((row) => {
      const before = known.get(row.id);
      return [row.id, before?.version === row.version ? before : decode(row)];
    }),
  );
}

/** The instants at which steps that have begun escalate, and those of the steps that must now be completed. */
function escalationsOf({ quorum, assignedAt = Infinity, begun }: ModelRequest): {
  readonly all: readonly number[];
  readonly present: readonly number[];
} {
  const all: number[] = [];
  const present: number[] = [];
  for (const [alternative, { steps }] of (quorum?.alternatives ?? []).entries()) {
    const later = begun.filter((one) => one.alternative === alternative);
    for (const [i, begin] of [assignedAt, ...later.map((one) => one.at)].entries()) {
      if (steps[i]?.escalates !== true) continue;
      all.push(begin + ESCALATE_AFTER);
      if (i === later.length) present.push(begin + ESCALATE_AFTER);
    }
  }
  return { all, present };
}

/** Each listed bound is one that the value exceeds, and none is missing. */
function expectProblems(problems: readonly AskProblem[], expected: number | undefined): void {
  assert.equal(problems.length, expected, `lists ${JSON.stringify(problems)}`);
  for (const { code, field, limit, got } of problems) {
    // The terms of an approval that are not among the requested ones, or leave nothing.
    if (code === 'nothing_left' || code === 'assurance' || field === 'scopes') continue;
    const beyondBy = Number(got) - Number(limit);
    // With an end, exactly the shortest window is too short: it would leave no instant to decide.
    const isBelow = beyondBy < 0 || (field === 'until' && beyondBy === 0);
    assert.ok(code === 'too_short' ? isBelow : beyondBy > 0, `lists ${code} for ${got}, with the bound ${limit}`);
  }
}
