import { readId } from '../core/parse.js';
import { Followers } from '../followers/followers.js';
import type { Clock, Page } from '../core/ports.js';
import type { Decision } from '../records/index.js';
import { isThenable } from '../core/thenable.js';
import { bindMethods } from '../core/unbound.js';
import { accessStatus } from './requests/access-status.js';
import type { AccessResult, AccessStatus, BreakGlassReviewItem, Consumption } from './answers.js';
import type { EndedRecords, FlushReport, InboxItem, RevokeAllReport } from './answers.js';
import { findRequest, getGrant, whoHadAccess } from './lists/lookups.js';
import type { HolderQuery, PatternQuery, RequestFound, RequestOfKey } from './lists/lookups.js';
import { listGrants, listRequests, type GrantQuery, type RequestQuery } from './lists/lists.js';
import type { Paging } from './lists/collect.js';
import { pagesOf, type Pages } from './lists/pages.js';
import type { GrantWithStatus, ListedRequest, RequestWithStatus } from './with-status.js';
import { readBy, readCancelBy, readReview, type ApproveBy, type By, type CancelBy, type ReviewBy } from './by.js';
import { parseAccessAsk, parseBreakGlassAsk, parseExtensionAsk, readExtended } from './requests/ask.js';
import type { AccessAsk, BreakGlassAsk, BundleTarget, ExtensionAsk, RunAsk, WithWindow } from './requests/ask.js';
import { amend, parseAmendment, type Amendment } from './requests/amend.js';
import { limitIn } from '../kernel/call-limit.js';
import { RefusalLog } from '../kernel/refusal-log.js';
import { denied, type Action } from './checks/checker.js';
import { EngineChecker } from './checks/engine-checker.js';
import { RecordingChecker } from './checks/recording-checker.js';
import { Configurations } from '../kernel/configurations.js';
import { inbox } from './reviews/inbox.js';
import { loadExtended, namedIn, requestAccess } from './requests/requests.js';
import { submitReview } from './reviews/reviews.js';
import { comment, parseComment, type CommentBy, type CommentResult } from './requests/comments.js';
import { breakGlass, type BreakGlassResult } from './break-glass/break-glass.js';
import { readBreakGlassReview, reviewBreakGlass } from './break-glass/break-glass-review.js';
import type { BreakGlassInboxQuery, BreakGlassReviewQuery } from './lists/break-glass-list.js';
import { cancelAccessRequest, endAccess, releaseAccess, type CancelResult } from './endings/revocation.js';
import { revokeAll, type RevokeAllTarget } from './endings/revoke-all.js';
import { listLocks, lock, parseLock, unlock, type LockBy, type LockResult, type LockTarget, type LockWithStatus } from './endings/locks.js';
import { flushAudit } from './flush-audit.js';
import { Kernel } from '../kernel/kernel.js';
import { readSettings, type JitEngineOptions, type Settings } from '../kernel/settings/settings.js';
import { Sweep } from './sweep/sweep.js';
import type { SweepReport } from './sweep/sweep-report.js';
import { setKernel } from '../kernel/kernel-of.js';
import { consume, readCheckOptions, readUseKey, touchAfter, type CheckOptions, type ConsumeOptions } from './checks/uses.js';

/**
 * Just-in-time access: requests, decisions, grants that expire by themselves, and a journal of every transition.
 *
 * The engine trusts the `subject`, `by` and `reviewer` that it is given: authentication is the caller's responsibility.
 * Every verb rejects with a typed error when the store is unreachable. A caller that then does nothing denies access.
 *
 * Each verb may also reject with errors that its comment does not name: InvalidArgumentError when an argument breaks a rule,
 * NotFoundError for an unknown id, StoreError, OutcomeUnknownError or CorruptError when the store fails, ClockError when the clock
 * fails, RollbackError when the store has gone back and the call creates access, HookError when a hook of the store refuses the
 * change, MovedError when the namespace has moved to another store, and ClosedError after {@link close}.
 *
 * @typeParam Scope with a union of scope literals, the compiler reports a misspelt scope
 * @example
 * const engine = new JitEngine({ store: new MemoryGrantStore(), approver: reviewers({ members: ['user:sam'] }) });
 * const { request } = await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '30m' });
 * await engine.approve(request.id, { by: 'user:sam' });
 * await engine.assertAllowed('user:maya', 'db-prod:write');
 */
export class JitEngine<Scope extends string = string> {
  /** The clock that this engine reads. A sweeper sleeps on it. */
  readonly clock: Clock;
  readonly #kernel: Kernel;
  readonly #settings: Settings;
  readonly #checker: EngineChecker;
  readonly #refusals: RefusalLog;
  /** Whether a verb has been called and the engine is not closed. Keeps the closed test of each check to one field read. */
  #isInUse = false;

  /**
   * Makes an engine for just-in-time access: it records requests, decides them with the approver, and issues grants that expire.
   *
   * Draws no randomness, starts no timer and does no I/O, so that it works at module scope in every runtime.
   * The first call of a verb starts the followers: a local sink receives the entries recorded from then on.
   *
   * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
   */
  constructor(options: JitEngineOptions) {
    const kernel = new Kernel(readSettings(options));
    this.clock = kernel.settings.clock;
    this.#kernel = kernel;
    this.#settings = kernel.settings;
    this.#checker = kernel.part(kernel.settings.recordUse.isOn ? RecordingChecker : EngineChecker);
    this.#refusals = kernel.part(RefusalLog);
    kernel.part(Followers);
    kernel.part(Configurations);
    setKernel(this, kernel);
    bindMethods(this, 'isAllowed', 'check', 'assertAllowed');
  }

  // ---- Asking ------------------------------------------------------------------------------------------------

  /**
   * Asks for access. The engine records the request before it asks the approver to decide it.
   *
   * @returns `granted` with the grants, `denied` with the reason, or `pending` with the possible reviewers. An ask for access that is
   *   held or open already, and a repeat with the same `idempotencyKey`, return the earlier request in its current state, with
   *   `reused: true`. Its outcome may then also be `cancelled`, `expired`, or `ended` (approved, but none of its grants can allow any
   *   more). A repeat is not a permission: `allowed` says whether a grant allows at this reading.
   * @throws RequirementsError that lists every value to correct: of the engine's limits and of the approver's rules
   * @throws InvalidArgumentError, LimitError (but for `maxHolders`), IneligibleError, LockedError, IdempotencyError: no request is
   *   recorded. A `LockedError` with a `requestId` is the exception: the lock was set after that request was recorded, and cancels it
   * @throws ApproverError, ClockError, DeadlineError, StoreError, OutcomeUnknownError, ConflictError, CorruptError: the
   *   approver, the clock or the store failed, or the answer came too late. If the error carries a `requestId`, that request
   *   is recorded. While it is pending, the same key or the sweep asks the approver again.
   * @example
   * const { request, outcome } = await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '30m' });
   */
  async requestAccess<Window = undefined>(ask: WithWindow<AccessAsk<Scope> | RunAsk<Scope>, Window>): Promise<AccessResult> {
    this.#refuseIfClosed();
    const read = parseAccessAsk(this.#settings, ask);
    const attempt = { actor: read.by, scopes: read.ask.scopes };
    return this.#refusals.noteRefusals(attempt, (limit) => requestAccess(this.#kernel, read, 'requestAccess', limit), ask);
  }

  /**
   * Asks for more time for a grant. This is a new request with its own decision. It gives a new grant, which starts at the old grant's
   * expiry, or at a later decision. The old grant stays. Its revoke or release also ends the extension, pending or scheduled.
   *
   * With `{ requestId }`, it asks in one request for all grants of that request that have not ended and have no live extension.
   * They are decided together. If one of them is ended early before the decision, the request is cancelled.
   *
   * @throws InvalidArgumentError without `requestedBy`: it has no default, not even the grant's subject
   * @throws EndedError when the grant has ended, or no grant of the request is left: use {@link requestAccess} instead
   * @throws UndecidedError when that request is pending
   * @throws LimitError when `limits.maxTotal` leaves no time
   * @throws the errors of {@link requestAccess}
   */
  async extend<Window = undefined>(target: string | BundleTarget, ask: WithWindow<ExtensionAsk, Window>): Promise<AccessResult> {
    this.#refuseIfClosed();
    const extended = readExtended(target);
    const read = parseExtensionAsk(this.#settings, ask)(await loadExtended(this.#kernel, extended));
    const attempt = { actor: read.by, ...namedIn(extended) };
    return this.#refusals.noteRefusals(attempt, (limit) => requestAccess(this.#kernel, read, 'extend', limit), ask);
  }

  /**
   * Gives access at once for a short window, if the approver allows break-glass. A reviewer must review this access
   * afterwards. The journal records which reviewers were skipped. It cancels the pending requests that it overtakes.
   *
   * @returns the access. Under a used key: `reused: true` with the earlier access, which may be `ended`. A repeat is no permission.
   * @throws IneligibleError when no rule allows it, LockedError, RequirementsError: the engine recorded only the attempt
   * @throws LimitError when another limit is met, or the subject or the requester has as many pending break-glass reviews as the
   *   rule allows (default: 1). The engine recorded only the attempt
   * @throws ApproverError, IdempotencyError
   */
  async breakGlass<Window = undefined>(ask: WithWindow<BreakGlassAsk<Scope>, Window>): Promise<BreakGlassResult> {
    this.#refuseIfClosed();
    const read = parseBreakGlassAsk(this.#settings, ask);
    const attempt = { actor: read.by, scopes: read.ask.scopes, breakGlass: true as const };
    return this.#refusals.noteRefusals(attempt, (limit) => breakGlass(this.#kernel, read, limit), ask);
  }

  /**
   * Replaces a pending request: one commit cancels it and opens a new request with the given values, which the approver decides from
   * the start. Only its requester may. No review or link of the old one counts, but a denial binds for `limits.askAgainAfter`. The
   * subject, the scopes and the start stay.
   *
   * @returns the state of the new request. A repeat with the same `idempotencyKey` returns it with `reused: true`
   * @throws DeniedError for another caller, also for the subject of a request that another caller made
   * @throws DecidedError when the request has ended. Its `replacedBy` names the request that replaced it
   * @throws the errors of {@link requestAccess}
   * @example
   * await engine.amend(request.id, { by: 'user:maya', ttl: '1h', justification: 'the migration takes longer' });
   */
  async amend(requestId: string, options: Amendment): Promise<AccessResult> {
    const id = this.#readRecordId('requestId', requestId);
    const read = parseAmendment(this.#settings, options);
    return this.#refusals.noteRefusals({ actor: read.by, requestId: id }, (limit) => amend(this.#kernel, id, read, limit), options);
  }

  /**
   * Cancels a pending request. Only its subject or its requester may, or another caller on behalf of one of them. A repeated call is
   * allowed: `cancelled` says whether this call cancelled the request.
   *
   * @throws DecidedError also if another request replaces this one: `replacedBy` names it
   * @throws DeniedError
   */
  async cancel(requestId: string, options: CancelBy): Promise<CancelResult> {
    const id = this.#readRecordId('requestId', requestId);
    const { by, ...command } = readCancelBy(this.#settings, options);
    const attempt = { actor: by, requestId: id };
    return this.#refusals.noteRefusals(attempt, (limit) => cancelAccessRequest(this.#kernel, id, by, command, limit), options);
  }

  // ---- Reviewing ---------------------------------------------------------------------------------------------

  /**
   * Approves a pending request as a reviewer. The review that completes the quorum also issues the grants, in one commit.
   *
   * With `ttl` or `scopes` the approval narrows the request. Of all approvals that count, the shortest `ttl` and the common scopes
   * apply, whether or not the quorum needs each of them. A later approval of the same reviewer with other terms replaces the
   * earlier one.
   *
   * @throws DecidedError, DeadlineError, UndecidedError, SelfReviewError, NotReviewerError
   * @throws LockedError when the reviewer or the requested access is locked
   * @throws RequirementsError when the terms exceed what was requested, are below `limits.minTtl`, or leave nothing together with
   *   the other approvals
   * @example
   * await engine.approve(requestId, { by: session.userId, comment: 'INC-204 is mine' });
   */
  async approve(requestId: string, options: ApproveBy): Promise<AccessResult> {
    return this.#review(requestId, 'approve', options);
  }

  /**
   * Denies a pending request as a reviewer. A reviewer may turn an earlier approval into a denial, never the reverse.
   *
   * @throws the errors of {@link approve}
   */
  async deny(requestId: string, options: ReviewBy): Promise<AccessResult> {
    return this.#review(requestId, 'deny', options);
  }

  /**
   * Comments on a pending request, as its subject, its requester or a reviewer. It changes nothing about the request. A request has at
   * most 100 comments, and at most 20 of one author.
   *
   * @throws DecidedError, DeadlineError, UndecidedError, NotReviewerError, LockedError, LimitError, IdempotencyError
   */
  async comment(requestId: string, options: CommentBy): Promise<CommentResult> {
    const id = this.#readRecordId('requestId', requestId);
    const read = parseComment(this.#settings, options);
    return this.#refusals.noteRefusals({ actor: read.by, requestId: id }, (limit) => comment(this.#kernel, id, read, limit), options);
  }

  /**
   * Reviews break-glass access. `unjustified` ends it in the same commit, or grant by grant if one commit cannot hold it.
   *
   * @param options.verdict whether the emergency justified the access
   * @throws SelfReviewError, NotReviewerError
   * @throws DecidedError when another reviewer has given the verdict
   * @throws PartialError when a grant could not be ended
   */
  async reviewBreakGlass(requestId: string, options: By & { readonly verdict: 'justified' | 'unjustified' }): Promise<RequestWithStatus> {
    const id = this.#readRecordId('requestId', requestId);
    const { by, ...command } = readBreakGlassReview(this.#settings, options);
    const attempt = { actor: by, requestId: id };
    return this.#refusals.noteRefusals(attempt, (limit) => reviewBreakGlass(this.#kernel, id, by, command, limit), options);
  }

  /**
   * The pending requests that this reviewer may review and has not reviewed, or whose approval by this reviewer has become stale, in
   * pages, the first due first. `await` gives a page, `for await` every item. A page looks at up to 1,000 pending requests, so it may
   * be short or empty and still have `next`.
   *
   * The engine asks the approver about membership live, and waits at most `limits.approverTimeout` for all answers of a page. A
   * question that fails or gets no answer hides its request and is reported to `onError`. Requests for which no
   * time was left come with the next page.
   *
   * With `{ of: 'breakGlass' }`: the pending break-glass reviews that this reviewer may give.
   */
  inbox(reviewer: string, query: BreakGlassInboxQuery): Pages<BreakGlassReviewItem>;
  inbox(reviewer: string, query?: Paging): Pages<InboxItem>;
  inbox(reviewer: string, query: Paging | BreakGlassInboxQuery = {}): Pages<InboxItem | BreakGlassReviewItem> {
    return this.#pages((next) => inbox(this.#kernel, this.#settings.readId('reviewer', reviewer), query, next));
  }

  // ---- Ending ------------------------------------------------------------------------------------------------

  /**
   * Ends a grant. Once this resolves, every later check on this store denies. It asks no approver and never rejects
   * with a conflict. A repeated call is allowed and recorded once. The embedding service decides who may call it.
   *
   * @throws PartialError `ERR_JIT_PARTIAL` when this grant has ended, and a grant that extends it cannot be read
   */
  async revoke(grantId: string, options: By): Promise<GrantWithStatus> {
    const { id, by, reason } = this.#readBy('grantId', grantId, options);
    return endAccess(this.#kernel, id, by, { cause: 'revoked', reason }, limitIn(options));
  }

  /**
   * Ends a grant early, or with `{ requestId }` all grants of a request, in one change if it can hold them. Only their own subject
   * may. A repeated call is allowed.
   *
   * @returns the grant; for a request, the records that this call ended, which may be none
   * @throws DeniedError
   * @throws UndecidedError when that request is pending: cancel it instead
   */
  async release(grantId: string, options: By): Promise<GrantWithStatus>;
  async release(bundle: BundleTarget, options: By): Promise<EndedRecords>;
  async release(target: string | BundleTarget, options: By): Promise<GrantWithStatus | EndedRecords> {
    this.#refuseIfClosed();
    const [released, who] = [readExtended(target), readBy(this.#settings, options)] as const;
    const attempt = { actor: who.by, ...namedIn(released) };
    return this.#refusals.noteRefusals(attempt, (limit) => releaseAccess(this.#kernel, released, who, limit), options);
  }

  /**
   * For an emergency: ends every live grant of the target and cancels its pending requests. The target is a subject, a
   * request, a ticket, or every scope that overlaps the given one. It repeats until a pass finds no open record. No request made before
   * the call gives access afterwards.
   *
   * Gotcha: `db-prod` does not reach `db-prod:write`; `db-prod:**` does. A report with `matched: false` says that the target
   * reached nothing, and lists similar scopes.
   *
   * Gotcha: it reaches the runs of an agent only while the option `agents` names that agent. Revoke before you remove the name.
   *
   * @throws PartialError `ERR_JIT_PARTIAL` when a record could not be read or ended. Its `ended` lists the records that have
   *   ended; the records in `failures` may still allow.
   */
  async revokeAll(target: RevokeAllTarget, options: By): Promise<RevokeAllReport> {
    this.#refuseIfClosed();
    const { by, reason } = readBy(this.#settings, options);
    return revokeAll(this.#kernel, target, by, reason, limitIn(options));
  }

  // ---- Locking ------------------------------------------------------------------------------------------------

  /**
   * Locks a subject or a scope. From its first commit on, every check, ask, approval, start, extension, use and break-glass that
   * the lock reaches is refused. The call then ends what is open: it cancels pending requests and revokes grants, with cause
   * `locked`. It resolves when nothing is left. Its end restores no access.
   *
   * A lock on an id also refuses that id as a requester for others, as a reviewer and as a redeemer of links. Its earlier approvals
   * do not count while it is locked; its denials do. Standing access obeys locks only with the option `standingObeysLocks`. It
   * never rejects with a conflict. The embedding service decides who may call it.
   *
   * Gotcha: it reaches the live grants of an agent's runs only while the option `agents` names that agent.
   *
   * @throws LimitError when 256 locks are open
   * @throws IdempotencyError when the key was used for another lock
   * @throws PartialError `ERR_JIT_PARTIAL` with the `lockId`, when a record could not be ended. The lock denies, and each sweep
   *   continues it. Until it is complete, neither `until` nor `unlock` ends it
   * @example
   * const { lock } = await engine.lock({ subject: 'user:sam' }, { by: 'user:ops', reason: 'INC-9: laptop stolen' });
   * await engine.unlock(lock.id, { by: 'user:ops', reason: 'INC-9: laptop replaced' });
   */
  async lock(target: LockTarget, options: LockBy): Promise<LockResult> {
    this.#refuseIfClosed();
    const read = parseLock(this.#kernel, target, options);
    return this.#refusals.noteRefusals({ actor: read.by }, (limit) => lock(this.#kernel, read, limit), options);
  }

  /**
   * Lifts exactly this lock. A target stays locked while another of its locks is open. An unfinished lock is finished first. A
   * repeated call is allowed and recorded once.
   *
   * @throws NotFoundError for an unknown id, or for one of the locks that ended before the last 16
   * @throws DeniedError when the locked subject lifts its own lock
   * @throws PartialError `ERR_JIT_PARTIAL` when the lock could not be finished: it stays
   */
  async unlock(lockId: string, options: By): Promise<LockWithStatus> {
    const { id, by, reason } = this.#readBy('lockId', lockId, options);
    return this.#refusals.noteRefusals({ actor: by }, (limit) => unlock(this.#kernel, id, by, reason, limit), options);
  }

  /** The open locks, in the order in which they were set: at most 256. */
  async listLocks(): Promise<readonly LockWithStatus[]> {
    this.#refuseIfClosed();
    return listLocks(this.#kernel);
  }

  // ---- Checking ----------------------------------------------------------------------------------------------

  /**
   * Whether the subject may do this now. Prefer {@link assertAllowed}: a forgotten `await` on a boolean promise allows
   * every caller.
   * @example
   * if (!(await engine.isAllowed('user:maya', 'db-prod:write'))) throw new Error('ask for access first');
   */
  async isAllowed(subject: string, action: Action<Scope>): Promise<boolean> {
    this.#refuseIfClosed();
    // No `await` here, not even on a branch that does not run: it would add a tenth to the cost of a check.
    return this.#checker.allows(subject, action);
  }

  /**
   * The decision: its reason, its grant, and the instant at which time alone may change it.
   *
   * @param options.touch also records the use, in the background or before the answer. It never changes the answer.
   * @param options.recordUse whether this check records that it used a grant. Default: the engine's option `recordUse`.
   * @example
   * const { allowed, reason, validUntil } = await engine.check('user:maya', 'db-prod:write');
   */
  async check(subject: string, action: Action<Scope>, options?: CheckOptions): Promise<Decision> {
    this.#refuseIfClosed();
    if (options === undefined) return this.#checker.check(subject, action);
    const { touch, recordUse } = readCheckOptions(options);
    const checker = recordUse === undefined ? this.#checker : this.#kernel.part(recordUse ? RecordingChecker : EngineChecker);
    const answer = checker.check(subject, action);
    return touch === false ? answer : touchAfter(this.#kernel, answer, touch);
  }

  /**
   * Takes one use of a grant with a number of uses. Of the grants that allow this, it takes the one that ends first. A check
   * takes no use: only code that takes one is held to the number. Concurrent calls never take more uses than the number. If
   * only a grant without a number of uses or standing access allows this, the call takes no use.
   *
   * Gotcha: a repeat is not a permission. Under a used key the engine takes no further use and returns `reused: true`.
   * Act only if your own record says that the first call has not acted.
   *
   * @returns the use. `reused: true`: an earlier call took the use under this key, and the grant still allows. It may also be
   *   that only this use, the last one, ended the grant, and its window still runs.
   * @throws DeniedError `ERR_JIT_DENIED` when no grant and no standing access allows it, or no use is left. It carries
   *   `reused: true` and `use` when the key's use was taken and its grant no longer allows.
   * @throws IdempotencyError when the key was used for another scope
   */
  async consume(subject: string, action: Action<Scope>, options: ConsumeOptions = {}): Promise<Consumption> {
    this.#refuseIfClosed();
    const key = readUseKey(options);
    const { subject: actor, scope } = this.#checker.read(subject, action);
    return this.#refusals.noteRefusals({ actor, scopes: [scope] }, () => consume(this.#kernel, actor, scope, key));
  }

  /** Returns the decision when allowed. @throws DeniedError `ERR_JIT_DENIED` otherwise, with the decision */
  async assertAllowed(subject: string, action: Action<Scope>): Promise<Decision> {
    this.#refuseIfClosed();
    const answer = this.#checker.check(subject, action);
    const decision = isThenable(answer) ? await answer : answer;
    if (!decision.allowed) throw denied(decision);
    return decision;
  }

  /** Returns the actions of a list that the subject may do now, judged at one instant from one read. */
  async filterAllowed<T extends Action<Scope>>(subject: string, actions: readonly T[]): Promise<readonly T[]> {
    this.#refuseIfClosed();
    return this.#checker.filter(subject, actions);
  }

  /** What the subject holds now, until when, and the next instant at which time changes that. */
  async status(subject: string): Promise<AccessStatus> {
    this.#refuseIfClosed();
    return accessStatus(this.#checker, this.#settings, subject);
  }

  // ---- Looking things up -------------------------------------------------------------------------------------

  /**
   * A request with its outcome and its grants, each with its status. `undefined`: there is no such request.
   *
   * @param request the id of the request, or the key of an ask, also of one that only repeated another request. No rule is judged.
   */
  async getRequest(request: string | RequestOfKey): Promise<RequestFound | undefined> {
    this.#refuseIfClosed();
    return findRequest(this.#kernel, request);
  }

  /** A grant with its status. `undefined`: there is no such grant. */
  async getGrant(grantId: string): Promise<GrantWithStatus | undefined> {
    return getGrant(this.#kernel, this.#readRecordId('grantId', grantId));
  }

  /**
   * Requests in pages, the newest first unless `order` says otherwise. `await` gives a page, `for await` every request.
   *
   * The cost of a page by `subject` or time does not depend on how many requests exist. Every other filter is applied to the rows
   * that these give: a page looks at no more than 1,000 of them, so it may be short or empty and still have `next`.
   *
   * With `{ afterReview: 'pending' }`: the pending break-glass reviews, the first due first.
   */
  listRequests(query: BreakGlassReviewQuery): Pages<BreakGlassReviewItem>;
  listRequests(query?: RequestQuery<Scope>): Pages<ListedRequest>;
  listRequests(query: RequestQuery<Scope> | BreakGlassReviewQuery = {}): Pages<ListedRequest | BreakGlassReviewItem> {
    return this.#pages((next) => listRequests(this.#kernel, query, next));
  }

  /**
   * Grants in pages, the newest first unless `order` says otherwise. `await` gives a page, `for await` every grant. The cost of a page
   * by `subject` or `scope` does not depend on how many grants exist; the other filters work as in {@link listRequests}.
   *
   * @throws PurgedError when `at` or the start of `during` lies before the purge horizon
   */
  listGrants(query: GrantQuery<Scope> = {}): Pages<GrantWithStatus> {
    return this.#pages((next) => listGrants(this.#kernel, query, next));
  }

  /**
   * The grants that covered a scope, or a part of a pattern, at an instant of the past, in pages. Without `at`: the grants that allow it
   * now, so their subjects are the current holders. Standing access is configuration, so it is not included.
   *
   * @throws PurgedError when `at` lies before the purge horizon
   */
  whoHadAccess(query: HolderQuery<Scope> | PatternQuery): Pages<GrantWithStatus> {
    return this.#pages((next) => whoHadAccess(this.#kernel, query, next));
  }

  // ---- Housekeeping ------------------------------------------------------------------------------------------

  /**
   * Records the ends that time has caused, asks again the approvers that have not answered, and wakes the sinks. Checks do not
   * depend on it: a check denies from the end of the window on, whether or not a sweep ever runs.
   *
   * Resolves when the ends and deadlines are recorded and the approver has answered the questions of this pass. It waits for
   * these answers at most `limits.approverTimeout` in all. Open questions, deliveries to sinks and calls of failed hooks continue in
   * the background: see {@link idle}.
   *
   * @throws StoreError `ERR_JIT_STORE` when the store is unreachable, or refused every record
   */
  async sweep(): Promise<SweepReport> {
    return this.#kernel.part(Sweep).answeredPass();
  }

  /**
   * Resolves when this engine does no work in the background. Such work: a pass or question of a sweep, a delivery to a
   * sink, a call of an external system or of a failed hook, an entry about a refusal. Failures are reported to `onError`. Never rejects.
   *
   * For runtimes that stop after a handler has returned: `context.waitUntil(engine.idle())`. It does not wait for the
   * watches and waits of `jit-access/work`.
   */
  async idle(): Promise<void> {
    const { background } = this.#kernel;
    if (background.open !== '') await this.#kernel.wait('idle', background.allIdle());
  }

  /**
   * Delivers the recorded entries to every sink and provisioning target, and returns the state of each. A follower has every
   * entry, has failed, or receives its entries from another process. In the last case `behind` counts the undelivered entries.
   */
  async flushAudit(): Promise<FlushReport> {
    this.#refuseIfClosed();
    return this.#kernel.wait('flushAudit', flushAudit(this.#kernel));
  }

  /**
   * Refuses further calls, stops all loops of this engine, and delivers the recorded entries to every sink. It resolves when
   * each sink has them or has failed, and no background work is left.
   *
   * Watches and waits end with `ERR_JIT_CLOSED`. A sweeper removes the engine and continues for its other engines. The engine
   * waits for open questions to the approver, at most `limits.approverTimeout`, and for a sink that hangs, at most 30 seconds. After
   * 5 seconds it reports to `onError` what it waits for. It does not close the store: the caller does.
   */
  async close(): Promise<void> {
    this.#isInUse = false;
    await this.#kernel.close();
  }

  /** Every verb calls this first. */
  #refuseIfClosed(): void {
    if (this.#isInUse) return;
    this.#kernel.refuseIfClosed();
    this.#isInUse = true;
  }

  #pages<T>(read: (next: string | undefined) => Promise<Page<T>>): Pages<T> {
    return pagesOf(async (next) => {
      this.#refuseIfClosed();
      return read(next);
    });
  }

  #readRecordId(argument: string, id: unknown): string {
    this.#refuseIfClosed();
    return readId(argument, id);
  }

  #readBy(argument: string, recordId: unknown, options: By) {
    return { id: this.#readRecordId(argument, recordId), ...readBy(this.#settings, options) };
  }

  async #review(requestId: string, verdict: 'approve' | 'deny', options: ApproveBy): Promise<AccessResult> {
    const id = this.#readRecordId('requestId', requestId);
    const { by, command } = readReview(this.#settings, verdict, options);
    const attempt = { actor: by, requestId: id };
    return this.#refusals.noteRefusals(attempt, (limit) => submitReview(this.#kernel, id, by, command, limit), options);
  }
}
