import { bindMethods } from '../../core/unbound.js';
import { hasUsageRow, type Decision } from '../../records/index.js';
import type { ClockReading, EngineClock } from '../../core/clock.js';
import { isThenable } from '../../core/thenable.js';
import { Checker, type Action } from '../../engine/checks/checker.js';
import type { Enforcement } from '../../kernel/settings/enforcement.js';
import type { CopyFollower } from './copy-follower.js';
import { BY_ROWS, NO_GRANT, type LiveCopy } from './live-copy.js';
import type { Loader } from './loader.js';
import type { Polling } from './polling.js';

/** The decision of a view: that of a check, with the grant's id in place of the grant. */
export interface ViewDecision extends Omit<Decision, 'reason' | 'grant'> {
  /**
   * Why the view allows or denies. In addition to the reasons of a check:
   *
   * - `stale_view`: the view is older than `maxStaleMs`, or its clock was set.
   * - `not_loaded`: the view does not hold the grants of this subject yet. It is loading them.
   */
  readonly reason: Decision['reason'] | 'stale_view' | 'not_loaded';
  /** The id of the grant of the reason. `undefined`: the reason has none, or the view keeps no ids. */
  readonly grantId: string | undefined;
}

/** A copy of the live grants in this process, which answers checks without a promise. */
export interface LiveView<Scope extends string = string> {
  /**
   * Whether the subject may do this now. In doubt the answer is no.
   *
   * @throws InvalidArgumentError, ClockError
   */
  isAllowed(subject: string, action: Action<Scope>): boolean;
  /** The decision, with its reason and the instant at which time alone may change it. @throws as `isAllowed` */
  check(subject: string, action: Action<Scope>): ViewDecision;
  /** The clock reading at which the view last asked the store for changes, in epoch milliseconds. `undefined`: it is not loaded. */
  readonly freshAt: number | undefined;
  /** The number of the newest entry of the journal that the view has applied. 0: none. */
  readonly seq: number;
  /**
   * Resolves when the view holds all that the store held at the call. Await it once at the start, and before a check that must see a write
   * of another process. It also loads the subjects that were asked about.
   *
   * @throws StoreError, ClockError, and InvalidArgumentError if no engine uses the view's `scopes`
   */
  refresh(): Promise<void>;
  /** Stops following the store. From then on every answer that needs a grant is no. Further calls have no effect. */
  close(): void;
}

/** The parts of a view over a copy. */
export interface CopiedViewContext {
  readonly settings: Enforcement;
  readonly clock: EngineClock;
  readonly copy: LiveCopy;
  readonly loader: Loader;
  readonly follower: CopyFollower;
  readonly polling: Polling;
}

/** A view over a copy of the live grants. The rule of the check judges every pair that has no cell. */
export class CopiedView implements LiveView {
  readonly #context: CopiedViewContext;
  readonly #clock: EngineClock;
  readonly #copy: LiveCopy;
  readonly #follower: CopyFollower;
  readonly #loader: Loader;
  readonly #checker: Checker;
  /** Whether a cell decides alone: there is no canonical id, pattern or standing access. */
  readonly #isPlain: boolean;

  constructor(context: CopiedViewContext) {
    const { settings, clock, copy, loader, follower } = context;
    this.#context = context;
    this.#clock = clock;
    this.#copy = copy;
    this.#loader = loader;
    this.#follower = follower;
    this.#checker = new Checker(settings, clock, { live: (query) => copy.live(query) });
    this.#isPlain = settings.isPlain;
    bindMethods(this, 'isAllowed', 'check');
  }

  get freshAt(): number | undefined {
    return this.#follower.freshAt;
  }

  get seq(): number {
    return this.#follower.seq;
  }

  isAllowed(subject: string, action: Action): boolean {
    const copy = this.#copy;
    if (this.#isPlain && copy.lock === undefined) {
      const reading = this.#clock.read();
      if (copy.mayAnswerAt(reading)) {
        const place = copy.placeOf(subject, action);
        if (place >= 0) return reading.forEnds < copy.endAt(place);
        if (place === NO_GRANT && this.#loader.hasAll) return false;
      }
    }
    return this.#decide(subject, action).allowed;
  }

  check(subject: string, action: Action): ViewDecision {
    const copy = this.#copy;
    if (this.#isPlain && copy.lock === undefined) {
      const reading = this.#clock.read();
      if (copy.mayAnswerAt(reading)) {
        const place = copy.placeOf(subject, action);
        if (place >= 0) return this.#byCell(place, subject, action as string, reading);
        if (place === NO_GRANT && this.#loader.hasAll) return decided('no_grant', subject, action as string, reading.now);
      }
    }
    return this.#decide(subject, action);
  }

  async refresh(): Promise<void> {
    await this.#follower.run();
  }

  close(): void {
    this.#context.polling.close();
  }

  #decide(subjectGiven: unknown, action: unknown): ViewDecision {
    const { settings, polling } = this.#context;
    const loader = this.#loader;
    const { subject, scope } = this.#checker.read(subjectGiven, action);
    const standing = settings.standingObeysLocks ? undefined : this.#checker.standing(subject, scope);
    if (standing !== undefined) return viewDecisionOf(standing);
    const reading = this.#clock.read();
    if (!loader.has(subject)) {
      // The poll asks again if the store did not answer: no check adds to the questions then.
      if (loader.want(subject)) polling.wake();
      return decided('not_loaded', subject, scope, reading.now);
    }
    if (!this.#copy.mayAnswerAt(reading) && !this.#follower.mayAnswerAt(reading)) return decided('stale_view', subject, scope, reading.now);
    const decision = this.#checker.decide(subject, scope);
    // The copy answers at once.
    if (isThenable(decision)) return decided('stale_view', subject, scope, reading.now);
    if (decision.allowed) {
      if (decision.grant !== undefined && !hasUsageRow(decision.grant)) this.#copy.promote(subject, decision.grant.scope, reading.now);
      return viewDecisionOf(decision);
    }
    const place = decision.reason === 'locked' ? BY_ROWS : this.#copy.placeOf(subject, scope);
    return place >= 0 ? this.#byCell(place, subject, scope, reading) : viewDecisionOf(decision);
  }

  #byCell(place: number, subject: string, scope: string, { now, forEnds, highWater }: ClockReading): ViewDecision {
    const end = this.#copy.endAt(place);
    if (!(forEnds < end)) return decided('no_grant', subject, scope, now);
    return decided('granted', subject, scope, now, this.#copy.grantIdAt(place), end - (forEnds - highWater));
  }
}

/** A decision without a record. One literal, so that all these decisions have one hidden class. */
export function decided(
  reason: ViewDecision['reason'],
  subject: string,
  scope: string,
  at: number,
  grantId?: string,
  validUntil?: number,
): ViewDecision {
  return { allowed: reason === 'granted', reason, subject, scope, at, grantId, pattern: undefined, validUntil };
}

export function viewDecisionOf({ allowed, reason, subject, scope, at, grant, pattern, validUntil }: Decision): ViewDecision {
  return { allowed, reason, subject, scope, at, grantId: grant?.id, pattern, validUntil };
}
