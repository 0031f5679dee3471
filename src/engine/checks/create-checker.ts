import { codeOf, printLine } from '../../core/print-failure.js';
import { invalid, readOptions, readPort } from '../../core/parse.js';
import type { Clock, ScopeMatcher } from '../../core/ports.js';
import type { GrantStore } from '../../core/store-port.js';
import type { Decision } from '../../records/index.js';
import { systemClock, EngineClock } from '../../core/clock.js';
import { denied, type Action } from './checker.js';
import { EngineMatchers } from './engine-matchers.js';
import { WindowChecker } from './window-checker.js';
import { readEnforcement, refuseDefaultNamespace, type OnError } from '../../kernel/settings/enforcement.js';
import type { Standing } from '../../kernel/settings/standing.js';

export interface CheckerOptions {
  /** The store that the engines write to. The checker calls only its reads. */
  readonly store: Pick<GrantStore, 'namespace' | 'durability' | 'live' | 'find' | 'windowOf'>;
  /** The clock by which the checker judges. Default: the system clock. */
  readonly clock?: Clock | undefined;
  /** The matcher that the engines use. With another one, every call rejects. Default: exact scopes. */
  readonly scopes?: ScopeMatcher | undefined;
  /** The access that a subject has without a grant. Pass the engines' own value. Default: none. */
  readonly standing?: Standing | undefined;
  /** Whether a lock denies standing access too. Pass the engines' own value. Default: false. */
  readonly standingObeysLocks?: boolean | undefined;
  /** Milliseconds by which ends apply early, 0 to 3,600,000. Pass the engines' own value. Default: 0. */
  readonly leewayMs?: number | undefined;
  /** The function that brings an id into its canonical form. Pass the engines' own function. Default: none. */
  readonly canonicalId?: ((id: string) => string) | undefined;
  /**
   * How to judge a grant with a number of uses: a checker takes no use. Default: `'deny'`.
   *
   * - `'deny'`: the grant does not allow, and the reason is `use_required`.
   * - `'allow'`: the grant allows as in an engine's `check`. The service must call the engine's `consume` elsewhere.
   */
  readonly countedGrants?: 'deny' | 'allow' | undefined;
  /**
   * Receives errors that have no caller: a malformed row, a clock that steps back. Errors that it throws are dropped.
   * Default: prints a line to `console.error`, at most one for each kind and minute.
   */
  readonly onError?: OnError | undefined;
}

/** Checks whether a subject may do something now. Writes nothing. */
export interface AccessChecker<Scope extends string = string> {
  /**
   * Whether the subject may do this now. Prefer `assertAllowed`: a forgotten `await` on a boolean promise allows every caller.
   *
   * @throws StoreError, ClockError, InvalidArgumentError
   */
  isAllowed(subject: string, action: Action<Scope>): Promise<boolean>;
  /** The decision: its reason, its grant, and the instant at which time alone may change it. @throws as `isAllowed` */
  check(subject: string, action: Action<Scope>): Promise<Decision>;
  /** Returns the decision when allowed. @throws DeniedError `ERR_JIT_DENIED` otherwise, with the decision; and as `isAllowed` */
  assertAllowed(subject: string, action: Action<Scope>): Promise<Decision>;
  /** The actions of a list that the subject may do now, judged at one instant from one read. @throws as `isAllowed` */
  filterAllowed<T extends Action<Scope>>(subject: string, actions: readonly T[]): Promise<readonly T[]>;
}

export const CHECKER_OPTIONS = [
  'store',
  'clock',
  'scopes',
  'standing',
  'standingObeysLocks',
  'leewayMs',
  'canonicalId',
  'countedGrants',
  'onError',
] as const satisfies readonly (keyof CheckerOptions)[];

/**
 * The enforcement side of an engine alone, for a service that only checks: no approver, no writes, no timer. It judges by
 * the same rule as an engine over the same store, and it fails closed.
 *
 * Gotcha: a checker records no use. Its checks do not keep a grant with an idle end alive. A grant with a number of uses
 * allows nothing unless `countedGrants` is `'allow'`. The checker confirms no start: if an approver must confirm it, the
 * reason is `not_activated` until an engine has recorded the activation.
 *
 * Before its first answer the checker reads which matchers the engines of this namespace use. If none of them uses the
 * checker's own, every call rejects with `ERR_JIT_INVALID_ARGUMENT`: another matcher could allow more than any engine.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`, naming the option
 * @example
 * const checker = createChecker({ store });
 * await checker.assertAllowed('user:maya', 'db-prod:write');
 */
export function createChecker<Scope extends string = string>(options: CheckerOptions): AccessChecker<Scope> {
  const given = readOptions<keyof CheckerOptions>('options', options, CHECKER_OPTIONS);
  const { clock: source = systemClock, countedGrants = 'deny' } = given;
  if (countedGrants !== 'deny' && countedGrants !== 'allow') throw invalid('countedGrants', "'deny' or 'allow'", countedGrants);
  const store = readPort<CheckerOptions['store']>('store', given.store, ['live', 'find']);
  refuseDefaultNamespace(store);
  const { matcher, ...enforcement } = readEnforcement(given, (error, during) => printLine(`checker (${during}): ${codeOf(error)}`));
  const { onError, leewayMs } = enforcement;
  const clock = new EngineClock(readPort<Clock>('clock', source, ['now']), leewayMs, (error) => onError(error, 'clock'), true);
  const checker = new WindowChecker({ ...enforcement, takesUses: countedGrants === 'allow' }, clock, store);
  const matchers = new EngineMatchers(store, matcher.name, clock, (error) => onError(error, 'engines'));
  /**
   * The decision of standing access while the matchers are unread. It needs no store, so a store that is unreachable does not
   * refuse it. Once the matchers are read, a matcher that no engine uses refuses every call.
   */
  const standing = (subject: string, action: Action): Decision | undefined => {
    if (matchers.isKnown || enforcement.standingObeysLocks) return undefined;
    const asked = checker.read(subject, action);
    return checker.standing(asked.subject, asked.scope);
  };
  const check = async (subject: string, action: Action): Promise<Decision> => {
    const decision = standing(subject, action);
    if (decision !== undefined) return decision;
    const unconfirmed = matchers.confirm();
    if (unconfirmed !== undefined) await unconfirmed;
    return checker.check(subject, action);
  };
  return Object.freeze({
    check,
    async isAllowed(subject: string, action: Action) {
      if (standing(subject, action) !== undefined) return true;
      const unconfirmed = matchers.confirm();
      if (unconfirmed !== undefined) await unconfirmed;
      return checker.allows(subject, action);
    },
    async assertAllowed(subject: string, action: Action) {
      const decision = await check(subject, action);
      if (!decision.allowed) throw denied(decision);
      return decision;
    },
    async filterAllowed<T extends Action>(subject: string, actions: readonly T[]) {
      const needsStore = !Array.isArray(actions) || actions.some((action: Action) => standing(subject, action) === undefined);
      if (needsStore) await matchers.confirm();
      return checker.filter(subject, actions);
    },
  });
}
