import { readId, readOptions } from '../core/parse.js';
import { Followers } from '../followers/followers.js';
import { runSubject, type AgentRun } from '../lifecycle/run.js';
import type { Clock, MaybePromise, Page } from '../core/ports.js';
import type { Anchor, Decision } from '../records/index.js';
import { isThenable, within } from '../core/time.js';
import { accessStatus } from './access-status.js';
import type {
  AccessPreview,
  AccessResult,
  AccessStatus,
  Consumption,
  FlushReport,
  InboxItem,
  BreakGlassReviewItem,
  RevokeAllReport,
} from './answers.js';
import {
  getGrant,
  getRequest,
  history,
  listGrants,
  listRequests,
  whoHadAccess,
  type GrantQuery,
  type HistoryQuery,
  type HolderQuery,
  type RequestQuery,
} from './history.js';
import type { GrantWithStatus, RequestWithStatus } from './with-status.js';
import { readBy, readReviewTexts, type By, type ReviewBy } from './by.js';
import { parseAccessAsk, parseBreakGlassAsk, parseExtensionAsk } from './ask.js';
import type { AccessAsk, BreakGlassAsk, DryRunAsk, ExtensionAsk, RunAsk } from './ask.js';
import { RefusalLog } from '../kernel/refusal-log.js';
import { denied, type Action, type Checker } from './checker.js';
import { EngineChecker } from './engine-checker.js';
import { MemoryGrantStore } from '../stores/memory.js';
import { Configurations } from '../kernel/configurations.js';
import { inbox } from './inbox.js';
import { decideRequest, previewRequest, requestAccess } from './requests.js';
import { submitReview } from './reviews.js';
import { breakGlass, type BreakGlassResult } from './break-glass.js';
import { listBreakGlassReviews, readReviewVerdict, reviewBreakGlass, type BreakGlassReviewQuery } from './break-glass-review.js';
import { cancelAccessRequest, endAccess } from './revocation.js';
import { revokeAll, type RevokeAllTarget } from './revoke-all.js';
import { Kernel } from '../kernel/kernel.js';
import { readSettings, type JitEngineOptions, type Settings } from '../kernel/settings.js';
import type { RollbackAcceptance } from '../kernel/rollback.js';
import { Sweep } from './sweep.js';
import type { SweepReport } from './sweep-report.js';
import { setKernel } from '../kernel/kernel-of.js';
import { consume, readTouch, touchGrants } from './uses.js';

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
  readonly #kernel: Kernel;
  readonly #settings: Settings;
  readonly #checker: Checker;
  readonly #refusals: RefusalLog;
  /** It has been called, and not closed: one look at the beginning of each check. */
  #isInUse = false;

  /**
   * Draws no randomness, starts no timer and does no I/O, so that an engine may be made at module scope in every runtime.
   * The first call of a verb begins to follow the journal: a local sink gets what is recorded from then on.
   *
   * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
   */
  constructor(options: JitEngineOptions) {
    const kernel = new Kernel(readSettings(options, () => new MemoryGrantStore()));
    this.clock = kernel.settings.clock;
    this.#kernel = kernel;
    this.#settings = kernel.settings;
    this.#checker = kernel.part(EngineChecker);
    this.#refusals = kernel.part(RefusalLog);
    kernel.part(Followers);
    kernel.part(Configurations);
    setKernel(this, kernel);
  }

  // ---- Asking ------------------------------------------------------------------------------------------------

  /**
   * Asks for access. The request is on record before anybody is asked to decide it.
   *
   * @returns `granted` with the grants, `denied` with the reason, or `pending` with who may review. A repeat with the same
   *   `idempotencyKey` returns the request as it is now, with `reused: true`, which may also be `cancelled`, `expired`, or
   *   `ended` (approved, but none of its grants can allow any more). A repeat is not a permission: `allowed` says whether
   *   a grant allows at this reading.
   * @throws InvalidArgumentError, LimitError, IneligibleError, IdempotencyError: nothing was recorded
   * @throws ApproverError, ClockError, DeadlineError, StoreError, OutcomeUnknownError, ConflictError, CorruptError: the
   *   approver, the clock or the store failed, or the answer came too late. If it carries a `requestId`, that request is
   *   recorded, and while it is pending the same key, `retryDecision(id)` or the sweep asks again
   */
  async requestAccess(ask: DryRunAsk<Scope>): Promise<AccessPreview>;
  async requestAccess(ask: AccessAsk<Scope> | RunAsk<Scope>): Promise<AccessResult>;
  async requestAccess(ask: AccessAsk<Scope> | RunAsk<Scope> | DryRunAsk<Scope>): Promise<AccessResult | AccessPreview> {
    this.#refuseIfClosed();
    const { dryRun, ...read } = parseAccessAsk(this.#settings, ask);
    const { requestedBy: actor, scopes } = read.ask;
    if (dryRun) {
      this.#refusals.dryRun({ actor, scopes });
      return previewRequest(this.#kernel, read);
    }
    return this.#refusals.noteRefusals({ actor, scopes }, () => requestAccess(this.#kernel, read, 'requestAccess'));
  }

  /**
   * Asks for more time: a new request, decided afresh, that names the old grant and gives a new one from its end on. The
   * old grant stays as it is. Revoking or releasing it ends the extension too, pending or scheduled.
   *
   * @throws InvalidArgumentError without `requestedBy`: no person is filled in, not even the grant's subject
   * @throws EndedError when the grant has ended: that is a fresh request
   * @throws LimitError when `limits.maxTotal` leaves nothing; and whatever {@link requestAccess} throws
   */
  async extend(grantId: string, ask: ExtensionAsk): Promise<AccessResult> {
    const id = this.#readRecordId('grantId', grantId);
    const readFor = parseExtensionAsk(this.#settings, ask);
    const { grant } = await this.#kernel.ledger.grantUse(id);
    const read = readFor(grant, await this.#kernel.ledger.operatorOf(grant));
    return this.#refusals.noteRefusals({ actor: read.ask.requestedBy, grantId: id }, () => requestAccess(this.#kernel, read, 'extend'));
  }

  /**
   * Takes access at once, where the approver allows it, for a short window; the review is owed afterwards. Loud: the
   * journal says who was skipped.
   *
   * @returns what was taken. Under a used key `reused: true` with what has become of it, which may be `ended`: a repeat is
   *   not a permission
   * @throws IneligibleError when no rule allows it, LimitError when the subject or the requester still owes a review:
   *   nothing was recorded but the attempt
   */
  async breakGlass(ask: BreakGlassAsk<Scope>): Promise<BreakGlassResult> {
    this.#refuseIfClosed();
    const read = parseBreakGlassAsk(this.#settings, ask);
    const { requestedBy: actor, scopes } = read.ask;
    return this.#refusals.noteRefusals({ actor, scopes, breakGlass: true }, () => breakGlass(this.#kernel, read));
  }

  /**
   * The subject under which this engine holds access of a run of an agent: {@link runSubject} of the run's parts in the
   * form that `canonicalId` gives them. For checks; asks take the run itself.
   *
   * @throws InvalidArgumentError, also where the agent is none by the option `agents`
   */
  runSubject(run: AgentRun): string {
    this.#refuseIfClosed();
    return runSubject(this.#settings.readRun('run', run));
  }

  /** Asks the approver about a request that it has not answered yet. Otherwise: how the request stands. */
  async retryDecision(requestId: string): Promise<AccessResult> {
    return decideRequest(this.#kernel, this.#readRecordId('requestId', requestId));
  }

  /** Takes a pending request back: for its subject, or whoever asked for it. Twice is fine. @throws DecidedError, DeniedError */
  async cancel(requestId: string, options: By): Promise<RequestWithStatus> {
    const { id, by, reason } = this.#readBy('requestId', requestId, options);
    return this.#refusals.noteRefusals({ actor: by, requestId: id }, () =>
      cancelAccessRequest(this.#kernel, id, by, { cause: 'cancelled', reason }),
    );
  }

  // ---- Reviewing ---------------------------------------------------------------------------------------------

  /**
   * Approves a pending request as a reviewer. When the quorum is complete, the grants are issued in the same commit.
   *
   * @throws DecidedError, DeadlineError, UndecidedError, SelfReviewError, NotReviewerError
   */
  async approve(requestId: string, options: ReviewBy): Promise<AccessResult> {
    return this.#review(requestId, 'approve', options);
  }

  /** Denies a pending request as a reviewer. An approval given before may be turned into a denial, never the reverse. */
  async deny(requestId: string, options: ReviewBy): Promise<AccessResult> {
    return this.#review(requestId, 'deny', options);
  }

  /**
   * Reviews break-glass access; `unjustified` ends it in the same commit, or grant by grant where one commit can't hold it.
   *
   * @throws SelfReviewError, NotReviewerError, DecidedError when another reviewer has given the verdict; PartialError when a
   *   grant could not be ended
   */
  async reviewBreakGlass(requestId: string, options: By & { readonly verdict: 'justified' | 'unjustified' }): Promise<RequestWithStatus> {
    const id = this.#readRecordId('requestId', requestId);
    const { verdict: given, ...who } = readOptions('options', options, ['by', 'reason', 'verdict']);
    const verdict = readReviewVerdict(given);
    const { by, reason } = readBy(this.#settings, who);
    return this.#refusals.noteRefusals({ actor: by, requestId: id }, () => reviewBreakGlass(this.#kernel, id, by, { verdict, reason }));
  }

  /** Break-glass requests whose review is owed, the one that is due first before the others; of a subject, or for a reviewer. */
  async listBreakGlassReviews(query: BreakGlassReviewQuery = {}): Promise<readonly BreakGlassReviewItem[]> {
    this.#refuseIfClosed();
    return listBreakGlassReviews(this.#kernel, query);
  }

  /** The pending requests in which this reviewer may act and has not yet; membership is asked live. */
  async inbox(reviewer: string): Promise<readonly InboxItem[]> {
    this.#refuseIfClosed();
    return inbox(this.#kernel, this.#settings.readId('reviewer', reviewer));
  }

  // ---- Ending ------------------------------------------------------------------------------------------------

  /**
   * Ends a grant. Once this resolves every later check on this store denies. Asks nobody, never answers "conflict";
   * twice is fine and recorded once. Whom the embedding service lets call it is the service's decision.
   *
   * @throws PartialError `ERR_JIT_PARTIAL` when this grant has ended, and one that extends it can not be read
   */
  async revoke(grantId: string, options: By): Promise<GrantWithStatus> {
    const { id, by, reason } = this.#readBy('grantId', grantId, options);
    return endAccess(this.#kernel, id, by, { cause: 'revoked', reason });
  }

  /** Gives a grant back: for its own subject. Twice is fine. @throws DeniedError */
  async release(grantId: string, options: By): Promise<GrantWithStatus> {
    const { id, by, reason } = this.#readBy('grantId', grantId, options);
    return this.#refusals.noteRefusals({ actor: by, grantId: id }, () => endAccess(this.#kernel, id, by, { cause: 'released', reason }));
  }

  /**
   * For an emergency: ends every live grant of a subject, of every scope that overlaps the given one, or of a request, and
   * cancels what is pending. It repeats until a pass finds nothing. Nothing asked for before it began gives access
   * afterwards.
   *
   * Gotcha: it reaches the runs of an agent while the option `agents` names that agent. Revoke before you stop naming it.
   *
   * @throws PartialError `ERR_JIT_PARTIAL` when a record could not be read, or not be ended: everything else has ended, as
   *   its `ended` says, and what `failures` names may still be allowed
   */
  async revokeAll(target: RevokeAllTarget, options: By): Promise<RevokeAllReport> {
    this.#refuseIfClosed();
    const { by, reason } = readBy(this.#settings, options);
    return revokeAll(this.#kernel, target, by, reason);
  }

  // ---- Checking ----------------------------------------------------------------------------------------------

  /**
   * Whether the subject may do this now. Prefer {@link assertAllowed}: a forgotten `await` on a boolean promise lets
   * everybody in.
   */
  async isAllowed(subject: string, action: Action<Scope>): Promise<boolean> {
    this.#refuseIfClosed();
    // No `await` in here, not even one that is passed by: being ready to wait takes a tenth of a check.
    return this.#checker.allows(subject, action);
  }

  /**
   * The whole answer: why, by which grant, and the instant at which time alone may change it.
   *
   * @param options.touch also reports the use, in the background, as {@link touch} does; it never changes the answer
   */
  async check(subject: string, action: Action<Scope>, options?: { readonly touch?: boolean | undefined }): Promise<Decision> {
    this.#refuseIfClosed();
    const touches = options !== undefined && readTouch(options);
    const answer = this.#checker.check(subject, action);
    return touches ? this.#touching(answer) : answer;
  }

  async #touching(answer: MaybePromise<Decision>): Promise<Decision> {
    const decision = await answer;
    this.#kernel.background.run(touchGrants(this.#kernel, decision), 'touch');
    return decision;
  }

  /**
   * Checks, and reports the use to grants that end when they are idle. A use is written when the last one on record is
   * older than a tenth of the idle time, so an end comes at most that much early; it revives nothing, and a failure to
   * write it is told to `onError` and changes no answer.
   */
  async touch(subject: string, action: Action<Scope>): Promise<Decision> {
    const decision = await this.check(subject, action);
    await touchGrants(this.#kernel, decision).catch((error: unknown) => this.#settings.onError(error, 'touch'));
    return decision;
  }

  /**
   * Takes one use of a grant that has a number of them: of those that allow this, the one that ends first. It is the only
   * enforcement of that number, and never gives more. Where nothing that allows this is counted, nothing is taken.
   *
   * Gotcha: a repeat is not a permission. Under a used key no further use is taken, and the answer says `reused: true`:
   * act only if your own record says that the first call has not acted.
   *
   * @param options.idempotencyKey makes a repeat safe. The id that is derived from it is no secret. Known while the grant is stored, and at least until it would have
   *   expired; after a purge the same key takes a new use
   * @returns the use. With `reused: true` while the grant still allows, or where nothing but this very use, its last, has
   *   ended the grant and its window still runs
   * @throws DeniedError `ERR_JIT_DENIED` when nothing allows it, or no use is left; with `reused: true` and `use` when the
   *   key's use was taken and its grant allows no more
   * @throws IdempotencyError when the key was used for another scope
   */
  async consume(
    subject: string,
    action: Action<Scope>,
    options: { readonly idempotencyKey?: string | undefined } = {},
  ): Promise<Consumption> {
    this.#refuseIfClosed();
    const { idempotencyKey } = readOptions('options', options, ['idempotencyKey']);
    const key = idempotencyKey === undefined ? undefined : readId('idempotencyKey', idempotencyKey);
    const asked = this.#checker.read(subject, action);
    const attempt = { actor: asked.subject, scopes: [asked.scope] };
    return this.#refusals.noteRefusals(attempt, () => consume(this.#kernel, asked.subject, asked.scope, key));
  }

  /** Returns the decision when allowed. @throws DeniedError `ERR_JIT_DENIED` otherwise, with the decision */
  async assertAllowed(subject: string, action: Action<Scope>): Promise<Decision> {
    this.#refuseIfClosed();
    const answer = this.#checker.check(subject, action);
    const decision = isThenable(answer) ? await answer : answer;
    if (!decision.allowed) throw denied(decision);
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
    return accessStatus(this.#checker, this.#settings, subject);
  }

  // ---- Looking things up -------------------------------------------------------------------------------------

  /** A request with its grants, each with its status; `undefined` where there is none. */
  async getRequest(
    requestId: string,
  ): Promise<{ readonly request: RequestWithStatus; readonly grants: readonly GrantWithStatus[] } | undefined> {
    return getRequest(this.#kernel, this.#readRecordId('requestId', requestId));
  }

  /** A grant with its status; `undefined` where there is none. */
  async getGrant(grantId: string): Promise<GrantWithStatus | undefined> {
    return getGrant(this.#kernel, this.#readRecordId('grantId', grantId));
  }

  /** Requests, the newest first, a page at a time; of a subject or with a status, judged now. */
  async listRequests(query: RequestQuery = {}): Promise<Page<RequestWithStatus>> {
    this.#refuseIfClosed();
    return listRequests(this.#kernel, query);
  }

  /** Grants, the newest first, a page at a time; of a subject, of exactly one scope, or with a status, judged now. */
  async listGrants(query: GrantQuery<Scope> = {}): Promise<Page<GrantWithStatus>> {
    this.#refuseIfClosed();
    return listGrants(this.#kernel, query);
  }

  /**
   * Who held a scope at an instant of the past: the grants that covered it then. Standing access is configuration and
   * not among them.
   *
   * @throws PurgedError when `at` lies before the purge horizon
   */
  async whoHadAccess(query: HolderQuery<Scope>): Promise<Page<GrantWithStatus>> {
    this.#refuseIfClosed();
    return whoHadAccess(this.#kernel, query);
  }

  /**
   * The grants that were held at some time in `[from, to)`: of a subject, covering a scope, or all. `from` must have come;
   * of `to` only what has come counts.
   *
   * @throws PurgedError when `from` lies before the purge horizon
   */
  async history(query: HistoryQuery<Scope>): Promise<Page<GrantWithStatus>> {
    this.#refuseIfClosed();
    return history(this.#kernel, query);
  }

  /** The journal's newest anchor. Export it from time to time: `verifyJournal` then finds even a truncation. */
  async journalHead(): Promise<Anchor> {
    this.#refuseIfClosed();
    return (await this.#kernel.ledger.journal()).head;
  }

  // ---- Housekeeping ------------------------------------------------------------------------------------------

  /**
   * Records what time has already ended, asks approvers that have not answered again, and drives the sinks. Access
   * doesn't wait for it: a check denies at the end of the window whether or not this ever runs.
   *
   * Resolves when the ends and deadlines are recorded, and the questions of this pass are answered or
   * `limits.approverTimeout` in all has passed. What is still open then continues in the background: see {@link idle}.
   *
   * @throws StoreError `ERR_JIT_STORE` when the store could not be asked, or refused every record
   */
  async sweep(): Promise<SweepReport> {
    const { ended, answered } = this.#kernel.part(Sweep).pass();
    try {
      return await ended;
    } finally {
      const { approverTimeoutMs } = this.#settings;
      // Neither an approver that is late nor a clock that fails here changes what was recorded.
      await within(this.clock, approverTimeoutMs, answered, () => new Error('late')).catch(() => undefined);
    }
  }

  /**
   * Resolves when this engine does no work in the background: no pass or question of a sweep, no delivery to a sink, no
   * call of an external system, no entry about a refused attempt. What fails is reported to `onError`; this never rejects.
   *
   * For runtimes that stop after a handler has returned: `context.waitUntil(engine.idle())`. Watches and waits of
   * `jit-access/work` are no such work.
   */
  async idle(): Promise<void> {
    await this.#kernel.background.allIdle();
  }

  /**
   * Delivers the recorded entries to every sink and provisioning target, and says how each stands: it has everything, it has
   * failed, or another process delivers to it (then `behind` says how much is still to come).
   */
  async flushAudit(): Promise<FlushReport> {
    this.#refuseIfClosed();
    await this.#kernel.background.idle();
    const followers = await this.#kernel.part(Followers).flush();
    await this.#kernel.flushed();
    return { caughtUp: followers.every(({ behind, error }) => behind === 0 && error === undefined), followers };
  }

  /**
   * Accepts that the store went back behind what this engine has seen, so that the engine may create access again: a backup
   * was restored, or a failover lost commits. Review the lost entries first. The journal records the acceptance, and every
   * engine of the fleet that has seen the rollback goes on from it: one call serves them all.
   *
   * @returns `accepted: false` where this engine has seen no rollback, or another process has accepted it; then nothing is
   *   recorded
   * @throws StoreError, OutcomeUnknownError, ConflictError, CorruptError, ClockError where the clock fails
   * @example
   * await engine.acceptRollback({ by: 'user:ops', reason: 'INC-9: restored the backup of 03:00' });
   */
  async acceptRollback(options: By): Promise<RollbackAcceptance> {
    this.#refuseIfClosed();
    const { by, reason } = readBy(this.#settings, options);
    return this.#kernel.ledger.acceptRollback(by, reason);
  }

  /**
   * Takes no more calls, stops all that was started for this engine, gives every sink what is on record, and resolves when
   * they have it or have failed and no work is left in the background.
   *
   * Watches and waits end with `ERR_JIT_CLOSED`. A sweeper takes the engine out, and continues for the others that it
   * serves. Questions that the approver has been asked are waited for, at most `limits.approverTimeout`. The store stays
   * the caller's.
   */
  async close(): Promise<void> {
    this.#isInUse = false;
    await this.#kernel.close();
  }

  // ---- At the door -------------------------------------------------------------------------------------------

  /** Every verb comes by here first. */
  #refuseIfClosed(): void {
    if (this.#isInUse) return;
    this.#kernel.refuseIfClosed();
    this.#isInUse = true;
  }

  #readRecordId(argument: string, id: unknown): string {
    this.#refuseIfClosed();
    return readId(argument, id);
  }

  #readBy(argument: string, recordId: unknown, options: By) {
    return { id: this.#readRecordId(argument, recordId), ...readBy(this.#settings, options) };
  }

  async #review(requestId: string, verdict: 'approve' | 'deny', options: ReviewBy): Promise<AccessResult> {
    const id = this.#readRecordId('requestId', requestId);
    const given = readOptions('options', options, ['by', 'reason', 'comment', 'as']);
    const by = this.#settings.readId('by', given.by);
    const command = { verdict, ...readReviewTexts(given), link: undefined };
    return this.#refusals.noteRefusals({ actor: by, requestId: id }, () => submitReview(this.#kernel, id, by, command));
  }
}
