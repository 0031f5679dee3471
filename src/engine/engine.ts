import { ClosedError, DeniedError, isJitError, NotFoundError, type JitErrorCode } from '../errors.js';
import { invalid, readId, readOptions, readText } from '../input.js';
import { Followers } from '../journal/follow.js';
import type { EntryDraft } from '../lifecycle/step.js';
import type { Clock, Page } from '../ports.js';
import type { AccessRequest, Anchor, Decision, Grant } from '../records.js';
import { isThenable, readInstant, Timekeeper } from '../time.js';
import type { AccessResult, AccessStatus, FlushReport, InboxItem, RevokeAllReport } from './answers.js';
import { ApproverDesk } from './approver-desk.js';
import { Archive, type HistoryQuery, type HolderQuery, type RequestQuery } from './archive.js';
import { readAsk, type AccessAsk } from './ask.js';
import { Checker, type Action } from './checker.js';
import { Deciding } from './deciding.js';
import { Ending, type RevokeAllTarget } from './ending.js';
import { newId } from './ids.js';
import { Ledger } from './ledger.js';
import { readSettings, type JitEngineOptions, type Settings } from './options.js';
import { Purge, type PurgeReport } from './purge.js';
import { Refusals, type Attempt } from './refusals.js';
import { Sweep, type SweepReport } from './sweep.js';

/** Who does something, and why. */
export interface By {
  readonly by: string;
  /** Goes on record. Text of at most 4 KiB. */
  readonly reason?: string | undefined;
}

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
  readonly #followers: Followers;
  readonly #deciding: Deciding;
  readonly #ending: Ending;
  readonly #checker: Checker;
  readonly #archive: Archive;
  readonly #sweep: Sweep;
  readonly #refusals = new Refusals();
  /** Refused attempts on their way to the journal. */
  readonly #notes = new Set<Promise<unknown>>();
  #closed = false;

  /** @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option */
  constructor(options: JitEngineOptions) {
    const settings = readSettings(options);
    const { store, clock, onError } = settings;
    const keeper = new Timekeeper(clock, settings.leewayMs, (error) => onError(error, 'clock'));
    const ledger = new Ledger(
      store,
      () => this.#followers.begin(),
      () => this.#followers.wake(),
    );
    this.clock = clock;
    this.#settings = settings;
    this.#keeper = keeper;
    this.#ledger = ledger;
    this.#followers = new Followers(settings.sinks, { ledger, keeper, owner: newId(), onError });
    this.#deciding = new Deciding(settings, keeper, ledger, new ApproverDesk(settings.approver, clock, settings.approverTimeoutMs));
    this.#ending = new Ending(settings, keeper, ledger);
    this.#checker = new Checker(settings, keeper, ledger);
    this.#archive = new Archive(settings, keeper, ledger);
    this.#sweep = new Sweep(ledger, keeper, (request) => this.#deciding.settle(request.id), onError);
  }

  // ---- Asking ------------------------------------------------------------------------------------------------

  /**
   * Asks for access. The request is on record before anybody is asked to decide it.
   *
   * @returns `granted` with the grants, `denied` with the reason, or `pending` with who may review. A repetition with
   *   the same `idempotencyKey` gives the request as it is now, which may also be `cancelled` or `expired`.
   * @throws InvalidArgumentError, LimitError, IneligibleError, IdempotencyError: nothing was recorded
   * @throws ApproverError, ClockError, DeadlineError: the approver failed, the clock did, or the answer came too late. If
   *   it carries a `requestId`, that request is on record, and while it is pending the same key, `decide(id)` or the
   *   sweep asks again
   */
  async requestAccess(ask: AccessAsk<Scope>): Promise<AccessResult> {
    this.#refuseIfClosed();
    const read = readAsk(ask, this.#settings.readId, this.#settings.scopes);
    const { requestedBy: actor, scopes } = read.ask;
    return this.#attempt({ actor, scopes }, () => this.#deciding.ask(read.ask, read.key));
  }

  /** Asks the approver about a request that it has not answered yet. Otherwise: how the request stands. */
  async decide(requestId: string): Promise<AccessResult> {
    return this.#deciding.settle(this.#readRecordId('requestId', requestId));
  }

  /** Takes a pending request back: for its subject, or whoever asked for it. Twice is fine. @throws DecidedError, DeniedError */
  async cancel(requestId: string, options: By): Promise<AccessRequest> {
    const { id, by, reason } = this.#readBy('requestId', requestId, options);
    return this.#attempt({ actor: by, requestId: id }, () => this.#ending.request(id, by, { cause: 'cancelled', reason }));
  }

  // ---- Reviewing ---------------------------------------------------------------------------------------------

  /**
   * Approves a pending request as a reviewer. When the quorum is complete, the grants are issued in the same commit.
   *
   * @throws DecidedError, DeadlineError, UndecidedError, SelfReviewError, NotReviewerError
   */
  async approve(requestId: string, options: By): Promise<AccessResult> {
    return this.#review(requestId, 'approve', options);
  }

  /** Denies a pending request as a reviewer. An approval given before may be turned into a denial, never the reverse. */
  async deny(requestId: string, options: By): Promise<AccessResult> {
    return this.#review(requestId, 'deny', options);
  }

  /** The pending requests in which this reviewer may act and has not yet; membership is asked live. */
  async inbox(reviewer: string): Promise<readonly InboxItem[]> {
    this.#refuseIfClosed();
    return this.#deciding.inbox(this.#settings.readId('reviewer', reviewer));
  }

  // ---- Ending ------------------------------------------------------------------------------------------------

  /**
   * Ends a grant. Once this resolves every later check on this store denies. Asks nobody, never answers "conflict";
   * twice is fine and recorded once. Whom the embedding service lets call it is the service's decision.
   */
  async revoke(grantId: string, options: By): Promise<Grant> {
    const { id, by, reason } = this.#readBy('grantId', grantId, options);
    return this.#ending.grant(id, by, { cause: 'revoked', reason });
  }

  /** Gives a grant back: for its own subject. Twice is fine. @throws DeniedError */
  async release(grantId: string, options: By): Promise<Grant> {
    const { id, by, reason } = this.#readBy('grantId', grantId, options);
    return this.#attempt({ actor: by, grantId: id }, () => this.#ending.grant(id, by, { cause: 'released', reason }));
  }

  /**
   * For the bad day: ends every live grant of a subject, of whatever overlaps a scope, or of a request, and cancels what
   * is pending; it goes over them until a pass finds nothing. Nothing asked for before it began gives access afterwards.
   */
  async revokeAll(target: RevokeAllTarget, options: By): Promise<RevokeAllReport> {
    this.#refuseIfClosed();
    const { by, reason } = this.#readWho(options);
    return this.#ending.all(target, by, reason);
  }

  // ---- Checking ----------------------------------------------------------------------------------------------

  /**
   * Whether the subject may do this now. Prefer {@link assertAllowed}: a forgotten `await` on a boolean promise lets
   * everybody in.
   */
  async isAllowed(subject: string, action: Action<Scope>): Promise<boolean> {
    this.#refuseIfClosed();
    const decision = this.#checker.check(subject, action);
    // An await on what is there already would cost as much as the check itself.
    return (isThenable(decision) ? await decision : decision).allowed;
  }

  /** The whole answer: why, by which grant, and the instant at which time alone may change it. */
  async check(subject: string, action: Action<Scope>): Promise<Decision> {
    this.#refuseIfClosed();
    return this.#checker.check(subject, action);
  }

  /** Returns the decision when allowed. @throws DeniedError `ERR_JIT_DENIED` otherwise, with the decision */
  async assertAllowed(subject: string, action: Action<Scope>): Promise<Decision> {
    const decision = await this.check(subject, action);
    const { allowed, scope, reason } = decision;
    if (!allowed) throw new DeniedError(`${decision.subject} has no access to ${scope} now (${reason})`, decision.subject, decision);
    return decision;
  }

  /** Those of a list that the subject may do now, judged at one instant from one read. */
  async filterAllowed<T extends Action<Scope>>(subject: string, actions: readonly T[]): Promise<readonly T[]> {
    this.#refuseIfClosed();
    return this.#checker.filter(subject, actions);
  }

  /** The badge: what the subject holds now, until when, and the next instant at which time changes that. */
  async status(subject: string): Promise<AccessStatus> {
    this.#refuseIfClosed();
    return this.#checker.status(subject);
  }

  // ---- Looking things up -------------------------------------------------------------------------------------

  /** A request with its grants; `undefined` where there is none. */
  async request(requestId: string): Promise<{ readonly request: AccessRequest; readonly grants: readonly Grant[] } | undefined> {
    const id = this.#readRecordId('requestId', requestId);
    try {
      const request = await this.#ledger.request(id);
      return { request, grants: await this.#ledger.grantsOf(request) };
    } catch (error) {
      if (isJitError(error) && error.code === 'ERR_JIT_NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** Requests, by id, a page at a time; of a subject or with a status, judged now. */
  async requests(query: RequestQuery = {}): Promise<Page<AccessRequest>> {
    this.#refuseIfClosed();
    return this.#archive.requests(query);
  }

  /**
   * Who held a scope at an instant of the past: the grants that covered it then. Standing access is configuration and
   * not among them.
   *
   * @throws PurgedError when `at` lies before the purge horizon
   */
  async whoHadAccess(query: HolderQuery<Scope>): Promise<Page<Grant>> {
    this.#refuseIfClosed();
    return this.#archive.whoHadAccess(query);
  }

  /**
   * The grants that were held at some time in `[from, to)`: of a subject, covering a scope, or all.
   *
   * @throws PurgedError when `from` lies before the purge horizon
   */
  async history(query: HistoryQuery<Scope>): Promise<Page<Grant>> {
    this.#refuseIfClosed();
    return this.#archive.history(query);
  }

  /** The journal's newest anchor. Export it from time to time: `verifyJournal` then finds even a truncation. */
  async head(): Promise<Anchor> {
    this.#refuseIfClosed();
    return (await this.#ledger.journal()).head;
  }

  // ---- Housekeeping ------------------------------------------------------------------------------------------

  /**
   * Records what time has already ended, asks approvers that have not answered again, and drives the sinks. Access
   * doesn't wait for it: a check denies at the end of the window whether or not this ever runs.
   */
  async sweep(): Promise<SweepReport> {
    this.#refuseIfClosed();
    const report = await this.#sweep.pass();
    this.#record(this.#refusals.flush(this.#keeper.read().now));
    this.#followers.wake(true);
    return report;
  }

  /**
   * Gives what is on record now to every sink, and says how each stands: it has everything, it has failed, or another
   * process is at it (then `behind` says how much it still has to get).
   */
  async flushAudit(): Promise<FlushReport> {
    this.#refuseIfClosed();
    await Promise.all(this.#notes);
    const followers = await this.#followers.flush();
    return { caughtUp: followers.every(({ behind, error }) => behind === 0 && error === undefined), followers };
  }

  /** Lets go of the cursor of a sink that is no longer used and would hold back `purge` for ever. @throws NotFoundError */
  async forgetFollower(name: string): Promise<void> {
    const id = this.#readRecordId('name', name);
    if (this.#settings.sinks.some((sink) => sink.name === id)) throw invalid('name', 'a sink that this engine does not use', id);
    const key = { kind: 'cursor', id };
    let seen = false;
    await this.#ledger.untilCommitted(async () => {
      const row = await this.#ledger.row(key.kind, id);
      if (row === undefined && !seen) throw new NotFoundError('follower', id);
      seen = true;
      return row === undefined || this.#ledger.commit({ expect: [{ ...key, version: row.version }], put: [], remove: [key] });
    });
  }

  /**
   * Removes what ended before an instant, and the journal's prefix that nothing kept rests on. Questions about earlier
   * instants are refused from then on. What a sink has not been given yet is kept.
   */
  async purge(options: { readonly before: number; readonly by: string }): Promise<PurgeReport> {
    this.#refuseIfClosed();
    const { before, by } = readOptions('options', options, ['before', 'by']);
    const { readId: readActorId, decodeAll } = this.#settings;
    return new Purge(this.#ledger, this.#keeper, decodeAll, readActorId('by', by)).run(readInstant('before', before));
  }

  /** Takes no more calls, gives every sink what is on record, and resolves when they have it or have failed. The store stays the caller's. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#notes);
    await this.#followers.close();
  }

  // ---- At the door -------------------------------------------------------------------------------------------

  #refuseIfClosed(): void {
    if (this.#closed) throw new ClosedError();
  }

  #readRecordId(argument: string, id: unknown): string {
    this.#refuseIfClosed();
    return readId(argument, id);
  }

  #readBy(argument: string, recordId: unknown, options: By) {
    return { id: this.#readRecordId(argument, recordId), ...this.#readWho(options) };
  }

  #readWho(options: By) {
    const { by, reason } = readOptions('options', options, ['by', 'reason']);
    return { by: this.#settings.readId('by', by), reason: readText('reason', reason) };
  }

  async #review(requestId: string, verdict: 'approve' | 'deny', options: By): Promise<AccessResult> {
    const { id, by, reason } = this.#readBy('requestId', requestId, options);
    return this.#attempt({ actor: by, requestId: id }, () => this.#deciding.review(id, by, { verdict, reason }));
  }

  /** Does something that may be refused, and puts a refusal on record without waiting for that. */
  async #attempt<T>(attempt: Attempt, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (isJitError(error)) this.#note(attempt, error.code);
      throw error;
    }
  }

  #note(attempt: Attempt, code: JitErrorCode): void {
    try {
      this.#record(this.#refusals.note(attempt, code, this.#keeper.read().now));
    } catch (error) {
      // A clock that fails must not take the refusal's place.
      this.#settings.onError(error, 'attempt.refused');
    }
  }

  /** Best effort, and in the background. */
  #record(entries: readonly EntryDraft[]): void {
    if (entries.length === 0) return;
    const note: Promise<unknown> = this.#ledger
      .commit({ expect: [], put: [], entries })
      .catch((error: unknown) => this.#settings.onError(error, 'attempt.refused'))
      .finally(() => this.#notes.delete(note));
    this.#notes.add(note);
  }
}
