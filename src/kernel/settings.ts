import { InvalidArgumentError, messageOf } from '../core/errors.js';
import { invalid, isId, readCount, readId, readOptions, readPort, show } from '../core/parse.js';
import type { IssueFacts } from '../lifecycle/grant.js';
import type { RequestLimits } from '../lifecycle/request.js';
import { readRun, type AgentRun } from '../lifecycle/run.js';
import { DENIALS_SHOWN_MS } from '../lifecycle/same-ask.js';
import type { Approver, AuditSink, Clock, GrantStore, ScopeMatcher } from '../core/ports.js';
import { readAnchor } from '../journal/verify.js';
import { readAgent, type Anchor } from '../records/index.js';
import { readDuration, systemClock, type Duration } from '../core/time.js';
import { canonicalIds, readIdsWith } from './actor-ids.js';
import { readAgents, type IsAgent } from './agents.js';
import { readLinkKeys, type LinkKey, type ParsedLinkKey } from '../features/links/approval-link.js';
import { askMatcher, readEnforcement, refuseDefaultNamespace, type Enforcement, type OnError } from './enforcement.js';
import type { Standing } from './standing.js';

/** What an engine may not go beyond. Durations are milliseconds or strings like `'8h'`. */
export interface Limits {
  /** The longest window that may be asked for. Default: 8 hours. */
  readonly maxTtl?: Duration | undefined;
  /** The shortest window that may be asked for; of one that has begun, what must be left of it. Default: 1 second. */
  readonly minTtl?: Duration | undefined;
  /** How long a request may wait for its decision, where the approver sets no other deadline. Default: 24 hours. */
  readonly reviewWithin?: Duration | undefined;
  /** How long the approver may take to answer one question. Default: 10 seconds. */
  readonly approverTimeout?: Duration | undefined;
  /** How long after its creation a request that the approver has not answered is asked about by the sweep. Default: 30 seconds. */
  readonly retryAfter?: Duration | undefined;
  /**
   * The longest time from the first start to the end of the last extension, and the longest that an ask may make the
   * access without a break from now on, adjoining grants and open requests included. Default: 24 hours.
   */
  readonly maxTotal?: Duration | undefined;
  /** How far ahead a start may be asked for. Default: 7 days. */
  readonly maxStartAhead?: Duration | undefined;
  /**
   * How many pending requests a subject may have opened for itself at a time, and how many each requester may have opened
   * for others. What others opened for a subject doesn't count against the subject's own asks. Default: 100.
   */
  readonly maxOpenRequests?: number | undefined;
  /**
   * How many grants a subject may have at a time, scheduled ones included: of those that it asked for itself, and for an
   * ask on its behalf also of those that the same requester asked for. Break-glass has a reserve of its own, 50 grants.
   * Default: 200.
   */
  readonly maxGrants?: number | undefined;
  /**
   * What becomes of an ask that only repeats what the same requester has asked for (same subject, scopes, start and
   * extended grant, at most the asked length): `'return'` gives the open request, or the live grants, back as `reused`;
   * `'refuse'` rejects with `ERR_JIT_LIMIT`. Default: `'return'`.
   */
  readonly duplicates?: 'refuse' | 'return' | undefined;
  /**
   * For how long a denial stands: an ask of the same requester for the same subject with overlapping scopes and a window
   * that meets the denied one is refused with `ERR_JIT_LIMIT`, whose `retryAt` is the end of the pause. A denial of what
   * the subject asked for itself stands against every requester. Break-glass and extensions are not bound. Default: off.
   */
  readonly askAgainAfter?: Duration | undefined;
  /**
   * For how long the engine sends a change again whose reply was lost, in milliseconds, 0 to an hour. It begins at the first
   * lost reply. The first repetition comes at once, further ones after pauses that grow up to a second. When it is used up,
   * the call rejects with `ERR_JIT_OUTCOME_UNKNOWN`. 0: the change is sent twice in all. Default: 15,000.
   */
  readonly resendMs?: number | undefined;
}

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
   * How long before a grant's end one entry, `grant.warned`, goes on record, so that its subject can be told while there
   * is time to ask for more; for a shorter grant at its start. A rule's own comes first. Default: no warning.
   */
  readonly warnBefore?: Duration | undefined;
  /**
   * The keys that sign approval links, at least 32 bytes each. The first signs; every one is accepted, so that a new key
   * can be put in front of the old one. Default: none, and no links.
   */
  readonly linkKeys?: readonly LinkKey[] | undefined;
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

const SECOND = 1_000;
const MAX_RESEND_MS = 3_600_000;

/** The options, checked, with every default in place. */
export interface Settings extends Enforcement {
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
  readonly limits: RequestLimits & IssueFacts['limits'];
  /** For how long reviewers see a denial of the same ask. */
  readonly denialsShownMs: number;
  readonly linkKeys: readonly ParsedLinkKey[];
  readonly approverTimeoutMs: number;
  readonly resendMs: number;
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
  'linkKeys',
  'canonicalId',
  'agents',
  'knownHead',
  'onError',
] as const satisfies readonly (keyof JitEngineOptions)[];

const LIMITS = [
  'maxTtl',
  'minTtl',
  'askAgainAfter',
  'reviewWithin',
  'approverTimeout',
  'retryAfter',
  'maxTotal',
  'maxStartAhead',
  'maxOpenRequests',
  'maxGrants',
  'duplicates',
  'resendMs',
] as const satisfies readonly (keyof Limits)[];

/**
 * @param makeStore makes the store of an engine that was given none
 * @throws InvalidArgumentError naming the option
 */
export function readSettings(given: JitEngineOptions, makeStore: () => GrantStore): Settings {
  const options = readOptions<keyof JitEngineOptions>('options', given, OPTIONS);
  const { store = makeStore(), clock = systemClock, audit = [], linkKeys, canonicalId, agents } = options;
  const { matcher, ...enforcement } = readEnforcement(options);
  const { onError, readId } = enforcement;
  const limits = readLimits(options.limits, options.warnBefore);
  const forApprover = {
    scopes: enforcement.scopes,
    canonicalId: canonicalId === undefined ? undefined : (id: string) => readId('id', id),
  };
  const isAgent = readAgents(agents, (error) => onError(error, 'agents'));
  return Object.freeze<Settings>({
    approver: readApprover(options.approver, forApprover),
    store: readStore(store),
    clock: readPort<Clock>('clock', clock, ['now']),
    sinks: readSinks(audit),
    ...enforcement,
    canonicalId: forApprover.canonicalId,
    covers: strictly(matcher, onError),
    ...limits,
    linkKeys: readLinkKeys('linkKeys', linkKeys),
    readRun: readRunsWith(canonicalId, isAgent),
    knownHead: options.knownHead === undefined ? undefined : readAnchor('knownHead', options.knownHead),
    isAgent,
  });
}

function readLimits(
  given: unknown = {},
  warnBefore?: unknown,
): Pick<Settings, 'limits' | 'denialsShownMs' | 'approverTimeoutMs' | 'resendMs'> {
  const limits = readOptions<keyof Limits>('limits', given, LIMITS);
  const { maxTtl = '8h', minTtl, askAgainAfter, duplicates = 'return', maxOpenRequests = 100, maxGrants = 200 } = limits;
  const {
    reviewWithin = '24h',
    approverTimeout = 10_000,
    retryAfter = 30_000,
    maxTotal = '24h',
    maxStartAhead = '7d',
    resendMs = 15_000,
  } = limits;
  if (duplicates !== 'return' && duplicates !== 'refuse') throw invalid('limits.duplicates', "'return' or 'refuse'", duplicates);
  const maxTtlMs = readDuration('limits.maxTtl', maxTtl);
  // An engine whose longest window is shorter than a second has no use for the default.
  const minTtlMs = minTtl === undefined ? Math.min(SECOND, maxTtlMs) : readDuration('limits.minTtl', minTtl);
  if (minTtlMs > maxTtlMs) throw invalid('limits.minTtl', 'at most limits.maxTtl', minTtl);
  const askAgainAfterMs = askAgainAfter === undefined ? undefined : readDuration('limits.askAgainAfter', askAgainAfter);
  return {
    limits: {
      minTtlMs,
      maxTtlMs,
      reviewWithinMs: readDuration('limits.reviewWithin', reviewWithin),
      retryMs: readDuration('limits.retryAfter', retryAfter),
      maxTotalMs: readDuration('limits.maxTotal', maxTotal),
      maxStartAheadMs: readDuration('limits.maxStartAhead', maxStartAhead),
      maxOpenRequests: readCount('limits.maxOpenRequests', maxOpenRequests, 1),
      maxGrants: readCount('limits.maxGrants', maxGrants, 1),
      duplicates,
      askAgainAfterMs,
      warnBeforeMs: warnBefore === undefined ? undefined : readDuration('warnBefore', warnBefore),
    },
    denialsShownMs: Math.max(askAgainAfterMs ?? 0, DENIALS_SHOWN_MS),
    approverTimeoutMs: readDuration('limits.approverTimeout', approverTimeout),
    resendMs: readCount('limits.resendMs', resendMs, 0, MAX_RESEND_MS),
  };
}

/** @param engine given to an approver that has to look at its own ids and scopes before the first question */
function readApprover(value: unknown, engine: Pick<Settings, 'scopes' | 'canonicalId'>): Approver {
  const approver = readPort<Approver>('approver', value, ['decide']);
  if (!isId(approver.name)) throw invalid('approver.name', 'an id', approver.name);
  if (approver.fits !== undefined) readPort<Required<Pick<Approver, 'fits'>>>('approver', approver, ['fits']).fits(engine);
  return approver;
}

function readStore(value: unknown): GrantStore {
  const store = readPort<GrantStore>('store', value, ['get', 'live', 'find', 'due', 'commit', 'journal']);
  refuseDefaultNamespace(store);
  return store;
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
