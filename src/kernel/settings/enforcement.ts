import { assertBoolean, invalid, isId, readCount, readListener, readPort } from '../../core/parse.js';
import type { ScopeMatcher } from '../../core/ports.js';
import type { GrantStore, Row } from '../../core/store-port.js';
import { exactScopes, patternScopes } from '../../core/scope.js';
import { readIdsWith, type IdParser } from './actor-ids.js';
import { readStanding, type Standing } from './standing.js';

export type OnError = (error: unknown, during: string) => void;

/** Decodes rows. A malformed row is reported to `onError` and skipped; it hides no other row. */
export type DecodeAll = <T>(rows: readonly Row[], decode: (row: Row) => T) => T[];

/** The options that affect a check. An engine and a checker both take them. */
export interface EnforcementOptions {
  readonly scopes?: ScopeMatcher | undefined;
  readonly standing?: Standing | undefined;
  readonly standingObeysLocks?: boolean | undefined;
  readonly leewayMs?: number | undefined;
  readonly canonicalId?: ((id: string) => string) | undefined;
  readonly onError?: OnError | undefined;
}

/** The part of a matcher that a check uses. It never throws: a failing matcher covers nothing, and overlaps everything. */
export type CheckMatcher = Pick<ScopeMatcher, 'exact' | 'covers' | 'overlaps'>;

/** The validated options of a check, with every default applied. */
export interface Enforcement {
  readonly scopes: CheckMatcher;
  readonly standing: (subject: string) => readonly string[];
  /** True: a lock denies standing access too, so each check of standing access asks the store. */
  readonly standingObeysLocks: boolean;
  readonly leewayMs: number;
  readonly readId: IdParser;
  /** True: no `canonicalId` and no standing access are set, and scopes are exact. So ids compare as given, and only a grant allows. */
  readonly isPlain: boolean;
  readonly onError: OnError;
  readonly decodeAll: DecodeAll;
  /** False: the caller cannot take uses, so a grant with a limited number of uses does not allow. Default: true. */
  readonly takesUses?: boolean | undefined;
}

/**
 * Reads the options that affect a check.
 *
 * @param print the default of `onError`
 * @returns the validated options, and the matcher as given, because `scopes` hides its failures
 * @throws InvalidArgumentError naming the option
 */
export function readEnforcement(
  options: { readonly [Name in keyof EnforcementOptions]: unknown },
  print: OnError,
): Enforcement & {
  readonly matcher: ScopeMatcher;
} {
  const { scopes = exactScopes, standing, standingObeysLocks = false, leewayMs = 0, canonicalId } = options;
  assertBoolean('standingObeysLocks', standingObeysLocks);
  const onError = options.onError === undefined ? print : readListener('onError', options.onError);
  const matcher = readMatcher(scopes);
  const readId = readIdsWith(canonicalId);
  return {
    matcher,
    scopes: isBuiltIn(matcher)
      ? matcher
      : {
          exact: matcher.exact,
          covers: (granted, required) => answerOr(false, onError, () => askMatcher(matcher, 'covers', granted, required)),
          overlaps: (a, b) => answerOr(true, onError, () => askMatcher(matcher, 'overlaps', a, b)),
        },
    standingObeysLocks,
    standing: readStanding(standing, readId, (error) => onError(error, 'standing')),
    leewayMs: readCount('leewayMs', leewayMs, 0, 3_600_000),
    readId,
    isPlain: canonicalId === undefined && standing === undefined && matcher.exact,
    onError,
    decodeAll: (rows, decode) =>
      rows.flatMap((row) => {
        try {
          return [decode(row)];
        } catch (error) {
          onError(error, 'row');
          return [];
        }
      }),
  };
}

function readMatcher(value: unknown): ScopeMatcher {
  const matcher = readPort<ScopeMatcher>('scopes', value, ['covers', 'overlaps']);
  if (!isId(matcher.name)) throw invalid('scopes.name', 'an id', matcher.name);
  assertBoolean('scopes.exact', matcher.exact);
  return matcher;
}

/** The matchers of this package never fail. Approvers recognise them by identity, so the engine passes them on without a wrapper. */
export const isBuiltIn = (matcher: ScopeMatcher): boolean => matcher === exactScopes || matcher === patternScopes;

/** Asks a matcher. @throws what the matcher throws, or the TypeError of {@link onlyBoolean} */
export function askMatcher(matcher: ScopeMatcher, method: 'covers' | 'overlaps', a: string, b: string): boolean {
  return onlyBoolean(method, matcher[method](a, b));
}

/**
 * Whether a locked or revoked scope reaches a scope. Wildcards apply with every matcher: in an emergency a pattern must neither be
 * an error nor reach nothing.
 */
export const lockOverlaps =
  (scopes: Pick<ScopeMatcher, 'overlaps'>) =>
  (locked: string, scope: string): boolean =>
    patternScopes.overlaps(locked, scope) || scopes.overlaps(locked, scope);

/** Refuses an answer that is not a boolean: a promise would count as yes. @throws TypeError */
export function onlyBoolean(method: string, answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer;
  throw new TypeError(`scopes.${method} must answer true or false`);
}

/** The answer of a matcher. If the matcher fails, the failure is reported to `onError` and the answer is `otherwise`. */
export function answerOr(otherwise: boolean, onError: OnError, ask: () => boolean): boolean {
  try {
    return ask();
  } catch (error) {
    onError(error, 'scopes');
    return otherwise;
  }
}

/**
 * Refuses the default namespace. Two services that share a store under it would approve each other's requests and allow each
 * other's grants.
 *
 * @throws InvalidArgumentError for a store that outlives the process
 */
export function refuseDefaultNamespace({ namespace, durability }: Pick<GrantStore, 'namespace' | 'durability'>): void {
  if (namespace !== 'default' || durability === 'memory') return;
  throw invalid('store.namespace', "a name of your service, for example 'payments', for a store that outlives the process", namespace);
}
