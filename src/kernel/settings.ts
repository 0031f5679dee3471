import { InvalidArgumentError, messageOf } from '../core/errors.js';
import { invalid, isId, readId, readOptions, readPort, show } from '../core/parse.js';
import { readRun, type AgentRun } from '../lifecycle/run.js';
import type { Approver, AuditSink, Clock, ScopeMatcher } from '../core/ports.js';
import type { GrantStore } from '../core/store-port.js';
import { readAnchor } from '../journal/verify.js';
import { readAgent, type Anchor } from '../records/index.js';
import { systemClock } from '../core/time.js';
import type { Duration } from '../core/duration.js';
import { canonicalIds, readIdsWith } from './actor-ids.js';
import { readLimits, type Limits, type ParsedLimits } from './limits.js';
import { readAgents, type IsAgent } from './agents.js';
import {
  answerOr,
  askMatcher,
  isBuiltIn,
  onlyBoolean,
  readEnforcement,
  refuseDefaultNamespace,
  type Enforcement,
  type OnError,
} from './enforcement.js';
import type { Standing } from './standing.js';

export interface JitEngineOptions {
  /** Decides requests, or says who must. */
  readonly approver: Approver;
  /** Default: a new `MemoryGrantStore`. One that outlives the process must have a `namespace` other than `'default'`. */
  readonly store?: GrantStore | undefined;
  /** Default: the machine's clock. */
  readonly clock?: Clock | undefined;
  /** Where the journal is carried to. */
  readonly audit?: AuditSink | readonly AuditSink[] | undefined;
  /** Default: {@link exactScopes}. */
  readonly scopes?: ScopeMatcher | undefined;
  /** What a subject may do with no grant. Asked first, always matched as patterns. Default: nothing. */
  readonly standing?: Standing | undefined;
  readonly limits?: Limits | undefined;
  /**
   * Ends and deadlines come this much earlier, in milliseconds, 0 to an hour. Where the clocks of several processes
   * differ by at most e, access outlives its end by at most e - leewayMs. Default: 0.
   */
  readonly leewayMs?: number | undefined;
  /**
   * How long before a grant's end an entry `grant.warned` is recorded, so that its subject can be told while there is time
   * to ask for more. A list of 1 to 10 different durations, such as `['1h', '5m']`, gives a warning for each, once.
   *
   * Warnings that would come at the start of a grant or before become one, at its start. A late sweep records only the last
   * of those that are overdue, and none after the end. A rule's own `warnBefore` replaces this one. Default: no warning.
   */
  readonly warnBefore?: Duration | readonly Duration[] | undefined;
  /**
   * Runs on every id that is given to the engine, the keys of `standing` and the ids in the rules of a policy or in
   * `reviewers` too, e.g. to lower-case e-mail addresses. Give the same id for the same id, and leave alone what has its one
   * form. On a run it runs on agent, operator and job, never on the subject made of them. Approvers of your own get it with
   * each question. Default: none; ids compare byte for byte.
   */
  readonly canonicalId?: ((id: string) => string) | undefined;
  /**
   * Whether an id is that of an agent. An agent asks, and never reviews, whatever the approver says: it is refused with
   * `ERR_JIT_NOT_REVIEWER`, is listed nowhere as a reviewer, and a review that it gave before it was one counts no longer.
   * Only such an id may have runs, and they never review either; `revokeAll({ subject })` of it reaches its runs.
   * Asked at each review, about the id in the form that `canonicalId` gives it. One that throws, or answers anything but
   * true or false, has said yes. Default: ids that start with `agent:`.
   */
  readonly agents?: ((id: string) => boolean) | undefined;
  /**
   * An anchor of the journal that was exported before this process started, such as the `head` of the last `engine.journalHead()`. If
   * the store lacks that entry, it went back in the meantime: the engine reports it and creates no access until a person calls
   * `acceptRollback`. Default: none; the engine trusts the journal that it finds at its first commit.
   */
  readonly knownHead?: Anchor | undefined;
  /**
   * Told of what must not pass unnoticed and has no caller to throw at: a sink that fails, a malformed row, a clock
   * that steps back. It should log or count; what it throws is dropped.
   */
  readonly onError?: ((error: unknown, during: string) => void) | undefined;
}

/** The options, checked, with every default in place. */
export interface Settings extends Enforcement, ParsedLimits {
  readonly scopes: ScopeMatcher;
  readonly leewayMs: number;
  readonly approver: Approver;
  readonly store: GrantStore;
  readonly clock: Clock;
  readonly sinks: readonly AuditSink[];
  /**
   * For answers about the past, where "it doesn't cover" would be a wrong answer.
   *
   * @throws InvalidArgumentError where the matcher fails
   */
  readonly covers: ScopeMatcher['covers'];
  readonly knownHead: Anchor | undefined;
  /** What approvers apply to ids of their own. @throws InvalidArgumentError */
  readonly canonicalId: ((id: string) => string) | undefined;
  /** The parts of a run in their canonical form. @throws InvalidArgumentError also where the agent is none by `agents` */
  readonly readRun: (argument: string, run: unknown) => AgentRun;
  /** Asked about ids that have been read. */
  readonly isAgent: IsAgent;
}

const OPTIONS = [
  'approver',
  'store',
  'clock',
  'audit',
  'scopes',
  'standing',
  'limits',
  'leewayMs',
  'warnBefore',
  'canonicalId',
  'agents',
  'knownHead',
  'onError',
] as const satisfies readonly (keyof JitEngineOptions)[];

/**
 * @param makeStore makes the store of an engine that was given none
 * @throws InvalidArgumentError naming the option
 */
export function readSettings(given: JitEngineOptions, makeStore: () => GrantStore): Settings {
  const options = readOptions<keyof JitEngineOptions>('options', given, OPTIONS);
  const { store = makeStore(), clock = systemClock, audit = [], canonicalId, agents } = options;
  const { matcher, ...enforcement } = readEnforcement(options);
  const { onError, readId } = enforcement;
  const limits = readLimits(options.limits, options.warnBefore);
  const forApprover = {
    scopes: safeMatcher(matcher, onError),
    canonicalId: canonicalId === undefined ? undefined : (id: string) => readId('id', id),
  };
  const isAgent = readAgents(agents, (error) => onError(error, 'agents'));
  return Object.freeze<Settings>({
    approver: readApprover(options.approver, forApprover),
    store: readStore(store),
    clock: readPort<Clock>('clock', clock, ['now']),
    sinks: readSinks(audit),
    ...enforcement,
    ...forApprover,
    covers: strictly(matcher, onError),
    ...limits,
    readRun: readRunsWith(canonicalId, isAgent),
    knownHead: options.knownHead === undefined ? undefined : readAnchor('knownHead', options.knownHead),
    isAgent,
  });
}

/** @param engine given to an approver that has to look at its own ids and scopes before the first question */
function readApprover(value: unknown, engine: Pick<Settings, 'scopes' | 'canonicalId'>): Approver {
  const approver = readPort<Approver>('approver', value, ['decide'], "reviewers({ members: ['user:sam'] })");
  if (!isId(approver.name)) throw invalid('approver.name', 'an id', approver.name);
  if (approver.fits !== undefined) readPort<Required<Pick<Approver, 'fits'>>>('approver', approver, ['fits']).fits(engine);
  return approver;
}

function readStore(value: unknown): GrantStore {
  const store = readPort<GrantStore>('store', value, ['get', 'live', 'find', 'due', 'commit', 'journal']);
  refuseDefaultNamespace(store);
  return store;
}

/** A matcher that fails or answers badly covers nothing and overlaps everything: it can only deny or revoke. */
function safeMatcher(matcher: ScopeMatcher, onError: OnError): ScopeMatcher {
  if (isBuiltIn(matcher)) return matcher;
  const { name, exact } = matcher;
  const { isWide } = matcher as { readonly isWide?: unknown };
  if (isWide !== undefined && typeof isWide !== 'function') throw invalid('scopes.isWide', 'a function', isWide);
  return Object.freeze<ScopeMatcher>({
    name,
    exact,
    covers: (granted, required) => answerOr(false, onError, () => askMatcher(matcher, 'covers', granted, required)),
    overlaps: (a, b) => answerOr(true, onError, () => askMatcher(matcher, 'overlaps', a, b)),
    ...(isWide !== undefined && {
      isWide: (scope: string) => answerOr(true, onError, () => onlyBoolean('isWide', matcher.isWide?.(scope))),
    }),
  });
}

/** One that fails or answers badly is told, with its stack, and no answer is given. */
const strictly =
  (matcher: ScopeMatcher, onError: OnError): Settings['covers'] =>
  (granted, required) => {
    try {
      return askMatcher(matcher, 'covers', granted, required);
    } catch (error) {
      onError(error, 'scopes');
      throw new InvalidArgumentError('scopes.covers', 'a function that answers true or false', `the error ${show(messageOf(error))}`);
    }
  };

function readSinks(audit: unknown): readonly AuditSink[] {
  const list: readonly unknown[] = Array.isArray(audit) ? audit : [audit];
  const names = new Set<string>();
  return list.map((value, i) => {
    const sink = readPort<AuditSink>(`audit[${i}]`, value, ['write']);
    // Two sinks of one name would share a cursor, and each would miss what the other was given.
    if (!isId(sink.name) || names.has(sink.name)) throw invalid(`audit[${i}].name`, 'an id that no other sink has', sink.name);
    names.add(sink.name);
    return sink;
  });
}

function readRunsWith(canonicalId: unknown, isAgent: IsAgent): Settings['readRun'] {
  const readPerson = readIdsWith(canonicalId);
  const readJob = canonicalId === undefined ? readId : canonicalIds(canonicalId, readId);
  return (argument, given) => {
    const run = readRun(argument, given, readPerson, readJob);
    if (isAgent(readAgent(`${argument}.agent`, run.agent))) return run;
    // `revokeAll` of an agent reaches its runs, and it knows agents by the option alone.
    throw invalid(`${argument}.agent`, "an id that the engine's option `agents` names", run.agent);
  };
}
