import {
  ClosedError,
  ConflictError,
  DeniedError,
  IdempotencyError,
  IneligibleError,
  isJitError,
  NotFoundError,
  PurgedError,
} from '../errors.js';
import { invalid, readCount, readId, readOptions, readText } from '../input.js';
import { Followers } from '../journal/follow.js';
import { endGrant, type Settled } from '../lifecycle/grant.js';
import { asksForTheSame, cancelRequest, isUndecided, openRequest, settle, type Ask } from '../lifecycle/request.js';
import { isOwnRequest, mayAct, reviewersToConfirm, reviewRequest, type ReviewFacts } from '../lifecycle/review.js';
import { isUsable, requestStatus, wasHeldAt, type RequestStatus } from '../lifecycle/status.js';
import { unchanged, type Moment, type Step } from '../lifecycle/step.js';
import type { Clock, MaybePromise, Page, Row } from '../ports.js';
import {
  decodeGrant,
  decodeRequest,
  heldUntil,
  type AccessRequest,
  type Anchor,
  type Decision,
  type Grant,
  type Review,
} from '../records.js';
import { readPattern, readScope } from '../scope.js';
import { isThenable, readInstant, Timekeeper } from '../time.js';
import type { AccessResult, AccessStatus, FlushReport, InboxItem, RevokeAllReport } from './answers.js';
import { ApproverDesk } from './approver-desk.js';
import { readAsk, type AccessAsk } from './ask.js';
import { judge } from './check.js';
import { derivedId, newId } from './ids.js';
import { Ledger } from './ledger.js';
import { readSettings, type JitEngineOptions, type Settings } from './options.js';
import { purge, readHorizon, type PurgeReport } from './purge.js';
import { Refusals, type Attempt } from './refusals.js';
import { standingFor } from './standing.js';
import { Sweep, type SweepReport } from './sweep.js';

/** A scope, or anything that has one. */
export type Action<Scope extends string = string> = Scope | { readonly scope: Scope };

/** Who does something, and why. */
export interface By {
  readonly by: string;
  /** Goes on record. Text of at most 4 KiB. */
  readonly reason?: string | undefined;
}

/** What to end on the bad day: exactly one of the three. By scope it reaches whatever overlaps the pattern. */
export type RevokeAllTarget = { readonly subject: string } | { readonly scope: string } | { readonly requestId: string };

const PAGE = 100;

/**
 * Just-in-time access: requests, decisions, grants that end by themselves, and the record of it all.
 *
 * The engine believes the `subject`, `by` and `reviewer` that it is given: who they are is the caller's to establish.
 * Every verb rejects with a typed error when the store can't be asked; a caller who then does nothing is denied.
 *
 * @typeParam Scope a union of scope literals makes a misspelt scope a compile error
 * @example
 * const engine = new JitEngine({ approver: reviewers({ members: ['user:sam'] }) });
 * const { request } = await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '30m' });
 * await engine.approve(request.id, { by: 'user:sam' });
 * await engine.assertAllowed('user:maya', 'db-prod:write');
 */
export class JitEngine<Scope extends string = string> {
  /** The clock that this engine reads; a sweeper sleeps on it. */
  readonly clock: Clock;
  readonly #settings: Settings;
  readonly #keeper: Timekeeper;
  readonly #ledger: Ledger;
  readonly #desk: ApproverDesk;
  readonly #followers: Followers;
  readonly #sweep: Sweep;
  readonly #refusals = new Refusals();
  /** Refused attempts on their way to the journal. */
  readonly #notes = new Set<Promise<unknown>>();
  #closed = false;

  constructor(options: JitEngineOptions) {
    const settings = readSettings(options);
    const { store, clock, sinks, onError } = settings;
    this.#settings = settings;
    this.clock = clock;
    this.#keeper = new Timekeeper(clock, settings.leewayMs);
    this.#ledger = new Ledger(store, () => this.#followers.wake());
    this.#desk = new ApproverDesk(settings.approver, clock, settings.approverTimeoutMs);
    const commit: Ledger['commit'] = (change) => this.#ledger.commit(change);
    this.#followers = new Followers(sinks, { store, keeper: this.#keeper, owner: newId(), commit, onError });
    this.#sweep = new Sweep(this.#ledger, this.#keeper, (request) => this.#settle(request.id), onError);
  }

  // ---- Asking ------------------------------------------------------------------------------------------------

  /**
   * Asks for access. The request is on record before anybody is asked to decide it.
   *
   * @returns `granted` with the grants, `denied` with the reason, or `pending` with who may review. A repetition with
   *   the same `idempotencyKey` gives the request as it is now, which may also be `cancelled` or `expired`.
   * @throws InvalidArgumentError, LimitError, IneligibleError, IdempotencyError, ClockError: nothing was recorded
   * @throws ApproverError the approver failed; if it carries a `requestId`, that request is pending and the same key,
   *   `decide(id)` or the sweep asks again
   */
  async requestAccess(ask: AccessAsk<Scope>): Promise<AccessResult> {
    this.#refuseIfClosed();
    const read = readAsk(ask, this.#settings.readId, this.#settings.scopes);
    const { idempotencyKey: key, requestedBy } = read;
    const id = key === undefined ? newId() : derivedId(this.#ledger.store.namespace, 'requestAccess', requestedBy, key);
    return this.#attempt({ actor: requestedBy, scopes: read.scopes }, async () => {
      const known = key === undefined ? undefined : await this.#repeated(id, read);
      if (known === undefined) await this.#open(id, read, key !== undefined);
      return this.#settle(id);
    });
  }

  /** Asks the approver about a request that it has not answered yet. Otherwise: how the request stands. */
  async decide(requestId: string): Promise<AccessResult> {
    this.#refuseIfClosed();
    return this.#settle(readId('requestId', requestId));
  }

  /** Takes a pending request back: for its subject, or whoever asked for it. Twice is fine. */
  async cancel(requestId: string, options: By): Promise<AccessRequest> {
    const { id, by, reason } = this.#readBy('requestId', requestId, options);
    return this.#attempt({ actor: by, requestId: id }, () =>
      this.#run(async () => {
        const request = await this.#ledger.requestOrThrow(id);
        return cancelRequest(request, { cause: 'cancelled', reason }, this.#moment(by));
      }),
    );
  }

  // ---- Reviewing ---------------------------------------------------------------------------------------------

  /**
   * Approves a pending request as a reviewer. When the quorum is complete, the grants are issued in the same commit.
   *
   * @throws DecidedError, DeadlineError, UndecidedError, SelfReviewError, NotReviewerError
   */
  approve(requestId: string, options: By): Promise<AccessResult> {
    return this.#review(requestId, 'approve', options);
  }

  /** Denies a pending request as a reviewer. An approval given before may be turned into a denial, never the reverse. */
  deny(requestId: string, options: By): Promise<AccessResult> {
    return this.#review(requestId, 'deny', options);
  }

  /** The pending requests in which this reviewer may act and has not yet; membership is asked live. */
  async inbox(reviewer: string): Promise<readonly InboxItem[]> {
    this.#refuseIfClosed();
    const id = this.#settings.readId('reviewer', reviewer);
    const items: InboxItem[] = [];
    let after: string | undefined;
    do {
      const page = await this.#find({ kind: 'request', open: true, after, limit: PAGE });
      for (const request of this.#decodeAll(page.items, decodeRequest)) {
        if (request.quorum === undefined || isOwnRequest(request, id)) continue;
        const mine = await this.#desk.groupsOf(id, request);
        const groups = request.quorum.groups.map((group) => group.name).filter((name) => mine.includes(name));
        if (mayAct(request, id, groups, this.#moment(id))) items.push({ request, groups });
      }
      after = page.next;
    } while (after !== undefined);
    return items;
  }

  // ---- Ending ------------------------------------------------------------------------------------------------

  /**
   * Ends a grant. Once this resolves every later check on this store denies. Asks nobody, never answers "conflict";
   * twice is fine and recorded once. Whom the embedding service lets call it is the service's decision.
   */
  async revoke(grantId: string, options: By): Promise<Grant> {
    const { id, by, reason } = this.#readBy('grantId', grantId, options);
    return this.#end(id, by, { cause: 'revoked', reason });
  }

  /** Gives a grant back: for its own subject. Twice is fine. */
  async release(grantId: string, options: By): Promise<Grant> {
    const { id, by, reason } = this.#readBy('grantId', grantId, options);
    return this.#attempt({ actor: by, grantId: id }, () => this.#end(id, by, { cause: 'released', reason }));
  }

  /**
   * For the bad day: ends every live grant of a subject, of whatever overlaps a scope, or of a request, and cancels what
   * is pending; it goes over them until a pass finds nothing. Nothing asked for before it began gives access afterwards.
   */
  async revokeAll(target: RevokeAllTarget, options: By): Promise<RevokeAllReport> {
    this.#refuseIfClosed();
    const { by, reason } = this.#readBy('target', 'all', options);
    const reaches = this.#readTarget(target);
    const report = { grants: new Map<string, Grant>(), requests: new Map<string, AccessRequest>() };
    for (let found = true; found;) {
      found = false;
      // Requests before grants: one that is approved in between leaves its grants for the second half of this pass.
      for await (const request of this.#all('request', reaches.subject, decodeRequest)) {
        if (!reaches.request(request)) continue;
        found = true;
        const ended = await this.#cancelForRevoke(request.id, by, reason);
        if (ended?.end?.status === 'cancelled') report.requests.set(ended.id, ended);
      }
      for await (const grant of this.#all('grant', reaches.subject, decodeGrant)) {
        if (!reaches.grant(grant)) continue;
        found = true;
        report.grants.set(grant.id, await this.#end(grant.id, by, { cause: 'revoked', reason }));
      }
    }
    return { grants: [...report.grants.values()], requests: [...report.requests.values()] };
  }

  // ---- Checking ----------------------------------------------------------------------------------------------

  /**
   * Whether the subject may do this now. Prefer {@link assertAllowed}: a forgotten `await` on a boolean promise lets
   * everybody in.
   */
  async isAllowed(subject: string, action: Action<Scope>): Promise<boolean> {
    // Awaits nothing when the store answers at once; an await there would cost as much as the check itself.
    const decision = this.#check(subject, action);
    return (isThenable(decision) ? await decision : decision).allowed;
  }

  /** The whole answer: why, by which grant, and the instant at which time alone may change it. */
  async check(subject: string, action: Action<Scope>): Promise<Decision> {
    return this.#check(subject, action);
  }

  /** Returns the decision when allowed. @throws DeniedError `ERR_JIT_DENIED` otherwise, with the decision */
  async assertAllowed(subject: string, action: Action<Scope>): Promise<Decision> {
    const decision = await this.#check(subject, action);
    if (!decision.allowed) {
      throw new DeniedError(`${decision.subject} has no access to ${decision.scope} now (${decision.reason})`, decision.subject, decision);
    }
    return decision;
  }

  /** Those of a list that the subject may do now, judged at one instant from one read. */
  async filterAllowed<T extends Action<Scope>>(subject: string, actions: readonly T[]): Promise<readonly T[]> {
    this.#refuseIfClosed();
    const id = this.#settings.readId('subject', subject);
    if (!Array.isArray(actions)) throw invalid('actions', 'a list', actions);
    const scopes = Array.from(actions as readonly T[], (action, i) => readScope(`actions[${i}]`, scopeOf(action)));
    const patterns = this.#settings.standing(id);
    const rows = await this.#ledger.live({ subject: id, at: this.#keeper.highest });
    const judgeOne = this.#judgeAll(id, rows);
    return actions.filter((_, i) => {
      const scope = scopes[i] as string;
      return standingFor(patterns, scope) !== undefined || judgeOne(scope).allowed;
    });
  }

  /** The badge: what the subject holds now, until when, and the next instant at which time changes that. */
  async status(subject: string): Promise<AccessStatus> {
    this.#refuseIfClosed();
    const id = this.#settings.readId('subject', subject);
    const rows = await this.#ledger.live({ subject: id, at: this.#keeper.highest });
    const grants = this.#decodeAll(
      rows.filter((row) => row.kind === 'grant' && row.subject === id),
      decodeGrant,
    );
    const reading = this.#keeper.read();
    const held = grants.filter((grant) => isUsable(grant.end === undefined, grant.startsAt, grant.expiresAt, reading));
    const scheduled = grants.filter((grant) => grant.end === undefined && grant.startsAt > reading.now);
    held.sort((a, b) => a.expiresAt - b.expiresAt);
    scheduled.sort((a, b) => a.startsAt - b.startsAt);
    const changes = [...held.map((grant) => grant.expiresAt - this.#settings.leewayMs), ...scheduled.map((grant) => grant.startsAt)];
    return {
      subject: id,
      at: reading.now,
      standing: this.#settings.standing(id),
      held,
      scheduled,
      changesAt: changes.length === 0 ? undefined : Math.min(...changes),
    };
  }

  // ---- Looking things up -------------------------------------------------------------------------------------

  /** A request with its grants; `undefined` where there is none. */
  async request(requestId: string): Promise<{ readonly request: AccessRequest; readonly grants: readonly Grant[] } | undefined> {
    this.#refuseIfClosed();
    const request = await this.#ledger.request(readId('requestId', requestId));
    return request && { request, grants: await this.#ledger.grantsOf(request) };
  }

  /** Requests, by id, a page at a time; of a subject or with a status, judged now. */
  async requests(
    query: {
      readonly subject?: string | undefined;
      readonly status?: RequestStatus | undefined;
      readonly after?: string | undefined;
      readonly limit?: number | undefined;
    } = {},
  ): Promise<Page<AccessRequest>> {
    this.#refuseIfClosed();
    const read = readOptions('query', query, ['subject', 'status', 'after', 'limit']);
    const { status } = read;
    if (status !== undefined && !STATUSES.has(status)) throw invalid('status', 'a request status', status);
    const now = this.#keeper.read().late;
    return this.#collect(
      { kind: 'request', subject: read.subject === undefined ? undefined : this.#settings.readId('subject', read.subject) },
      read,
      decodeRequest,
      (request) => status === undefined || requestStatus(request, now) === status,
    );
  }

  /**
   * Who held a scope at an instant of the past: the grants that covered it then.
   *
   * @param query.at epoch milliseconds, not in the future
   * @throws PurgedError when `at` lies before the purge horizon
   */
  async whoHadAccess(query: {
    readonly scope: Scope;
    readonly at: number;
    readonly after?: string | undefined;
    readonly limit?: number | undefined;
  }): Promise<Page<Grant>> {
    this.#refuseIfClosed();
    const read = readOptions('query', query, ['scope', 'at', 'after', 'limit']);
    const at = readInstant('at', read.at);
    if (at > this.#keeper.read().now) throw invalid('at', 'an instant that has come', at);
    const scope = readScope('scope', read.scope);
    const covers = (grant: Grant) => this.#settings.scopes.covers(grant.scope, scope) && wasHeldAt(grant, at);
    return this.#past(at, () => this.#collect({ kind: 'grant', during: { from: at, until: at + 1 } }, read, decodeGrant, covers));
  }

  /**
   * The grants that were held at some time in `[from, to)`: of a subject, covering a scope, or all.
   *
   * @throws PurgedError when `from` lies before the purge horizon
   */
  async history(query: {
    readonly subject?: string | undefined;
    readonly scope?: Scope | undefined;
    readonly from: number;
    readonly to: number;
    readonly after?: string | undefined;
    readonly limit?: number | undefined;
  }): Promise<Page<Grant>> {
    this.#refuseIfClosed();
    const read = readOptions('query', query, ['subject', 'scope', 'from', 'to', 'after', 'limit']);
    const from = readInstant('from', read.from);
    const until = readInstant('to', read.to);
    if (until <= from) throw invalid('to', 'an instant after from', until);
    const subject = read.subject === undefined ? undefined : this.#settings.readId('subject', read.subject);
    const scope = read.scope === undefined ? undefined : readScope('scope', read.scope);
    const matches = (grant: Grant) =>
      (scope === undefined || this.#settings.scopes.covers(grant.scope, scope)) && grant.startsAt < until && from < heldUntil(grant);
    return this.#past(from, () => this.#collect({ kind: 'grant', subject, during: { from, until } }, read, decodeGrant, matches));
  }

  /** The journal's newest anchor. Export it from time to time: `verifyJournal` then finds even a truncation. */
  async head(): Promise<Anchor> {
    this.#refuseIfClosed();
    return (await this.#ledger.ask('journal', (store) => store.journal({ after: Number.MAX_SAFE_INTEGER, limit: 1 }))).head;
  }

  // ---- Housekeeping ------------------------------------------------------------------------------------------

  /**
   * Records what time has already ended, asks approvers that have not answered again, and drives the sinks. Access
   * doesn't wait for it: a check denies at the end of the window whether or not this ever runs.
   */
  async sweep(): Promise<SweepReport> {
    this.#refuseIfClosed();
    await this.#followers.begin();
    const report = await this.#sweep.pass();
    for (const entry of this.#refusals.flush(this.#keeper.read().now))
      this.#inBackground(this.#ledger.commit({ expect: [], put: [], entries: [entry] }));
    this.#followers.wake(true);
    return report;
  }

  /** Waits until what is on record now has been given to every sink, or a sink has failed; says which. */
  async flushAudit(): Promise<FlushReport> {
    this.#refuseIfClosed();
    await Promise.all(this.#notes);
    const followers = await this.#ledger.ask('journal', () => this.#followers.flush());
    return { caughtUp: followers.every((follower) => follower.behind === 0 && follower.error === undefined), followers };
  }

  /** Lets go of the cursor of a sink that is no longer used and would hold back `purge` for ever. */
  async forgetFollower(name: string): Promise<void> {
    this.#refuseIfClosed();
    const id = readId('name', name);
    if (this.#settings.sinks.some((sink) => sink.name === id)) throw invalid('name', 'a sink that this engine does not use', id);
    for (let tries = 1; ; tries++) {
      const [row] = await this.#ledger.rows([{ kind: 'cursor', id }]);
      if (row === undefined) throw new NotFoundError('follower', id);
      const key = { kind: 'cursor', id };
      const outcome = await this.#ledger.commit({ expect: [{ ...key, version: row.version }], put: [], remove: [key] });
      if (outcome === 'committed') return;
      if (tries === 100) throw new ConflictError(tries);
    }
  }

  /**
   * Removes what ended before an instant, and the journal's prefix that nothing kept rests on. Questions about earlier
   * instants are refused from then on. What a sink has not been given yet is kept.
   */
  async purge(options: { readonly before: number; readonly by: string }): Promise<PurgeReport> {
    this.#refuseIfClosed();
    await this.#followers.begin();
    const shared = this.#followers.all.filter((follower) => follower.shared).map((follower) => follower.sink.name);
    return purge(this.#ledger, this.#keeper, shared, options, this.#settings.readId);
  }

  /** Lets running deliveries finish and takes no more calls. The store stays the caller's. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all(this.#notes);
    await this.#followers.close();
  }

  // ---- How it is done ----------------------------------------------------------------------------------------

  #refuseIfClosed(): void {
    if (this.#closed) throw new ClosedError();
  }

  /** The clock is read here, once for each attempt, after the last question to an approver. */
  #moment(actor: string): Moment {
    return { ...this.#keeper.read(), actor };
  }

  async #run<T>(attempt: () => MaybePromise<Step<T>>, stubborn = false): Promise<T> {
    await this.#followers.begin();
    return this.#ledger.run(attempt, stubborn);
  }

  /** Does something that may be refused, and puts a refusal on record without waiting for that. */
  async #attempt<T>(attempt: Attempt, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (isJitError(error)) {
        if (error.code === 'ERR_JIT_CLOCK') this.#settings.onError(error, 'clock');
        if (Refusals.isRefusal(error)) {
          const entry = this.#refusals.note(attempt, error.code, this.#keeper.read().now);
          if (entry !== undefined) this.#inBackground(this.#ledger.commit({ expect: [], put: [], entries: [entry] }));
        }
      }
      throw error;
    }
  }

  #inBackground(work: Promise<unknown>): void {
    const note: Promise<unknown> = work
      .catch((error: unknown) => this.#settings.onError(error, 'attempt.refused'))
      .finally(() => this.#notes.delete(note));
    this.#notes.add(note);
  }

  #readBy(
    argument: string,
    recordId: string,
    options: By,
  ): { readonly id: string; readonly by: string; readonly reason: string | undefined } {
    this.#refuseIfClosed();
    const read = readOptions('options', options, ['by', 'reason']);
    return { id: readId(argument, recordId), by: this.#settings.readId('by', read.by), reason: readText('reason', read.reason) };
  }

  /** The request that this key made before, if there is one and it asked for the same. */
  async #repeated(id: string, ask: Ask): Promise<AccessRequest | undefined> {
    const request = await this.#ledger.request(id);
    if (request !== undefined && !asksForTheSame(request, ask)) throw new IdempotencyError(id);
    return request;
  }

  async #open(id: string, ask: Ask, repeatable: boolean): Promise<void> {
    const { limits } = this.#settings;
    const draft = openRequest(ask, id, limits, this.#moment(ask.requestedBy)).result;
    if (!(await this.#desk.isEligible(draft, 'creation'))) throw new IneligibleError(ask.subject, ask.scopes);
    await this.#run(async () => {
      const known = repeatable ? await this.#repeated(id, ask) : undefined;
      return known === undefined ? openRequest(ask, id, limits, this.#moment(ask.requestedBy)) : unchanged(known);
    });
  }

  /** Asks the approver if it has not answered yet, applies what it says, and tells how the request stands. */
  async #settle(id: string): Promise<AccessResult> {
    const settled = await this.#run(async () => {
      const request = await this.#ledger.requestOrThrow(id);
      // One that has run out without a sweep is told as it is, not asked about.
      if (!isUndecided(request) || requestStatus(request, this.#keeper.read().late) !== 'pending')
        return unchanged<Settled>({ request, grants: undefined });
      const verdict = await this.#desk.decide(request);
      return settle(request, verdict, this.#moment(verdict.approver));
    });
    return this.#resultOf(settled);
  }

  async #review(requestId: string, verdict: Review['verdict'], options: By): Promise<AccessResult> {
    const { id, by, reason } = this.#readBy('requestId', requestId, options);
    return this.#attempt({ actor: by, requestId: id }, async () => {
      const settled = await this.#run(async () => {
        const request = await this.#ledger.requestOrThrow(id);
        const facts = await this.#gather(request, by, verdict);
        return reviewRequest(request, { verdict, reason }, facts, this.#moment(by));
      });
      return this.#resultOf(settled);
    });
  }

  /** What the rule for a review needs to know from the approver, asked live. */
  async #gather(request: AccessRequest, reviewer: string, verdict: Review['verdict']): Promise<ReviewFacts> {
    const groups = new Map<string, readonly string[]>();
    // These are refused whatever the approver would say.
    if (request.end !== undefined || request.quorum === undefined || isOwnRequest(request, reviewer))
      return { groups, eligible: undefined };
    groups.set(reviewer, await this.#desk.groupsOf(reviewer, request));
    const confirm = reviewersToConfirm(request, reviewer, verdict, groups.get(reviewer) ?? []);
    for (const other of confirm) if (other !== reviewer) groups.set(other, await this.#desk.groupsOf(other, request));
    const eligible = verdict === 'approve' && confirm.length > 0 ? await this.#desk.isEligible(request, 'approval') : undefined;
    return { groups, eligible };
  }

  async #resultOf({ request, grants }: Settled): Promise<AccessResult> {
    const status = requestStatus(request, this.#keeper.read().late);
    switch (status) {
      case 'approved':
        return { outcome: 'granted', request, grants: grants ?? (await this.#ledger.grantsOf(request)) };
      case 'denied':
        return { outcome: 'denied', request, reason: request.end?.reason };
      case 'pending':
        return { outcome: 'pending', request, reviewers: await this.#membersOf(request) };
      default:
        return { outcome: status, request };
    }
  }

  /** For people to read, so its failure doesn't take back what has been recorded. */
  async #membersOf(request: AccessRequest): Promise<readonly string[] | undefined> {
    try {
      const members = await this.#desk.membersOf(request);
      return members?.filter((member) => !isOwnRequest(request, member));
    } catch (error) {
      this.#settings.onError(error, 'membersOf');
      return undefined;
    }
  }

  #end(id: string, by: string, command: Parameters<typeof endGrant>[1]): Promise<Grant> {
    return this.#run(async () => endGrant(await this.#ledger.grantOrThrow(id), command, this.#moment(by)), true);
  }

  /** `undefined`: it was decided meanwhile, and its grants, if any, are found next. */
  async #cancelForRevoke(id: string, by: string, reason: string | undefined): Promise<AccessRequest | undefined> {
    try {
      return await this.#run(
        async () => cancelRequest(await this.#ledger.requestOrThrow(id), { cause: 'revoked', reason }, this.#moment(by)),
        true,
      );
    } catch (error) {
      if (isJitError(error) && error.code === 'ERR_JIT_DECIDED') return undefined;
      throw error;
    }
  }

  #readTarget(target: RevokeAllTarget) {
    const { subject, scope, requestId } = readOptions('target', target, ['subject', 'scope', 'requestId']);
    if ([subject, scope, requestId].filter((part) => part !== undefined).length !== 1) {
      throw invalid('target', 'exactly one of subject, scope, requestId', target);
    }
    if (subject !== undefined) {
      const id = this.#settings.readId('target.subject', subject);
      return { subject: id, request: (one: AccessRequest) => one.subject === id, grant: (one: Grant) => one.subject === id };
    }
    if (requestId !== undefined) {
      const id = readId('target.requestId', requestId);
      return { subject: undefined, request: (one: AccessRequest) => one.id === id, grant: (one: Grant) => one.requestId === id };
    }
    const { scopes } = this.#settings;
    const pattern = scopes.exact ? readScope('target.scope', scope) : readPattern('target.scope', scope);
    const overlaps = (held: string) => scopes.overlaps(pattern, held);
    return { subject: undefined, request: (one: AccessRequest) => one.scopes.some(overlaps), grant: (one: Grant) => overlaps(one.scope) };
  }

  #check(subject: string, action: Action<Scope>): MaybePromise<Decision> {
    this.#refuseIfClosed();
    const id = this.#settings.readId('subject', subject);
    const scope = readScope('scope', scopeOf(action));
    const pattern = standingFor(this.#settings.standing(id), scope);
    if (pattern !== undefined) return this.#standingDecision(id, scope, pattern);
    // The store is asked from the highest reading so far on, which can only be too early, and the clock is read after
    // it has answered: a slow answer can't carry a yes past the end.
    const rows = this.#ledger.live({ subject: id, scope: this.#settings.scopes.exact ? scope : undefined, at: this.#keeper.highest });
    return isThenable(rows) ? rows.then((answer) => this.#judgeAll(id, answer)(scope)) : this.#judgeAll(id, rows)(scope);
  }

  #judgeAll(subject: string, rows: readonly Row[]): (scope: string) => Decision {
    const { scopes, leewayMs, onError } = this.#settings;
    const reading = this.#keeper.read();
    return (scope) => judge(rows, subject, scope, scopes, reading, leewayMs, (error) => onError(error, 'check'));
  }

  #standingDecision(subject: string, scope: string, pattern: string): Decision {
    const { now: at } = this.#keeper.read();
    return { allowed: true, reason: 'standing', subject, scope, at, grant: undefined, pattern, validUntil: undefined };
  }

  #find(query: Parameters<Settings['store']['find']>[0]): Promise<Page<Row>> {
    return this.#ledger.ask('find', (store) => store.find(query));
  }

  /** A malformed row gives nothing and hides nothing else: it is told and passed over. */
  #decodeAll<T>(rows: readonly Row[], decode: (row: Row) => T): T[] {
    return rows.flatMap((row) => {
      try {
        return [decode(row)];
      } catch (error) {
        this.#settings.onError(error, 'row');
        return [];
      }
    });
  }

  async *#all<T>(kind: string, subject: string | undefined, decode: (row: Row) => T): AsyncGenerator<T> {
    let after: string | undefined;
    do {
      const page = await this.#find({ kind, subject, open: true, after, limit: PAGE });
      yield* this.#decodeAll(page.items, decode);
      after = page.next;
    } while (after !== undefined);
  }

  /** A page of what `wanted` accepts, filled over as many pages of the store as it takes. A malformed row throws here:
   * an answer about the past that left something out would be a wrong answer. */
  async #collect<T extends { readonly id: string }>(
    query: Omit<Parameters<Settings['store']['find']>[0], 'after' | 'limit'>,
    given: { readonly after?: unknown; readonly limit?: unknown },
    decode: (row: Row) => T,
    wanted: (record: T) => boolean,
  ): Promise<Page<T>> {
    const limit = readCount('limit', given.limit ?? PAGE, 1, 1_000);
    let after = given.after === undefined ? undefined : readId('after', given.after);
    const items: T[] = [];
    do {
      const page = await this.#find({ ...query, after, limit: limit + 1 });
      for (const record of page.items.map(decode)) {
        if (!wanted(record)) continue;
        if (items.length === limit) return { items, next: items.at(-1)?.id };
        items.push(record);
      }
      after = page.next;
    } while (after !== undefined);
    return { items, next: undefined };
  }

  /** Answers a question about the past, or refuses it; the horizon is looked at afterwards, as a purge may have begun meanwhile. */
  async #past<T>(earliest: number, answer: () => Promise<T>): Promise<T> {
    const answered = await answer();
    const { before } = await readHorizon(this.#ledger);
    if (earliest < before) throw new PurgedError(before);
    return answered;
  }
}

const STATUSES: ReadonlySet<unknown> = new Set<RequestStatus>(['pending', 'approved', 'denied', 'cancelled', 'expired']);

function scopeOf(action: Action): unknown {
  return typeof action === 'object' && action !== null ? action.scope : action;
}
