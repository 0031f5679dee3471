import { InvalidArgumentError, messageOf } from '../../core/errors.js';
import { printFailure } from '../../core/print-failure.js';
import { invalid, isId, readId, readOptions, readPort, show, type AllOf } from '../../core/parse.js';
import { readRun, type AgentRun } from '../../lifecycle/run.js';
import type { Approver } from '../../core/approver-port.js';
import type { AuditSink, Clock, ScopeMatcher } from '../../core/ports.js';
import { readChangeSize } from '../../core/change-size.js';
import type { GrantStore } from '../../core/store-port.js';
import { readAnchor } from '../../journal/verify.js';
import { readAgent, type Anchor } from '../../records/index.js';
import { systemClock } from '../../core/clock.js';
import type { Duration } from '../../core/duration.js';
import { canonicalIds, readIdsWith } from './actor-ids.js';
import { readLimits, type Limits, type ParsedLimits } from './limits.js';
import { readRecordUse, type ParsedRecordUse, type RecordUse } from './record-use.js';
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
  /**
   * Keeps the records and the journal. A `MemoryGrantStore` forgets them when the process ends. A store that outlives the process,
   * such as `sqlGrantStore` of `jit-access/sql` or `redisGrantStore` of `jit-access/redis`, must have a `namespace` other than
   * `'default'`.
   */
  readonly store: GrantStore;
  /** Decides requests, or names the reviewers who must decide them. */
  readonly approver: Approver;
  /** The clock that the engine reads. Default: the system clock. */
  readonly clock?: Clock | undefined;
  /** The sinks that receive the journal's entries, each with a name of its own. Default: none. */
  readonly audit?: AuditSink | readonly AuditSink[] | undefined;
  /** Decides which scopes a granted scope covers. Default: {@link exactScopes}. */
  readonly scopes?: ScopeMatcher | undefined;
  /** The access that a subject has without a grant. Evaluated first, and always matched as patterns. Default: none. */
  readonly standing?: Standing | undefined;
  /**
   * Whether a lock denies standing access too. Each check of standing access then asks the store, and denies if the store fails.
   * Without this option, standing access needs no store. Default: false.
   */
  readonly standingObeysLocks?: boolean | undefined;
  /** The limits of requests, reviews and grants. Default: the default of each limit. */
  readonly limits?: Limits | undefined;
  /**
   * How much earlier ends and deadlines apply, in milliseconds, 0 to 3,600,000. If the clocks of several processes
   * differ by at most e, access outlives its end by at most e - leewayMs. Default: 0.
   */
  readonly leewayMs?: number | undefined;
  /**
   * How long before a grant's end an entry `grant.warned` is recorded, so that its subject can be notified in time to extend the
   * grant. A list of 1 to 10 different durations, such as `['1h', '5m']`, gives one warning for each.
   *
   * Warnings that fall on or before the start of a grant become one warning at its start. A late sweep records only the last of
   * the overdue warnings, and none after the end. A rule's own `warnBefore` replaces this option. Default: no warning.
   */
  readonly warnBefore?: Duration | readonly Duration[] | undefined;
  /**
   * Whether the checks of this engine record that they used a grant. The record holds the first use, the last use and a count; the
   * access report reads it. The engine writes it in the background: a first use within a minute, a later one when the recorded last
   * use of that grant, by any process, is at least `every` old. No check waits for it. `true`: every 15 minutes. Default: false; a guard or a check can record
   * its own use with its option `recordUse`.
   */
  readonly recordUse?: boolean | RecordUse | undefined;
  /**
   * Returns the canonical form of an id, for example an e-mail address in lower case. The engine applies it to every id that it
   * receives, to the keys of `standing`, and to the ids in the rules of a policy and in `reviewers`. It must be deterministic, and
   * must return a canonical id unchanged: the engine refuses an id whose canonical form it changes again. For a run, it applies to agent, operator and job, never to the subject joined from them.
   * Your own approvers receive it with each question. Default: none; ids compare byte for byte.
   */
  readonly canonicalId?: ((id: string) => string) | undefined;
  /**
   * Whether an id belongs to an agent. An agent requests access and never reviews, even if the approver names it as a reviewer:
   * its reviews are refused with `ERR_JIT_NOT_REVIEWER`, and no list of reviewers contains it. A review that it gave before it
   * counted as an agent no longer counts. Only such an id may have runs, and runs never review either. `revokeAll({ subject })`
   * of an agent also reaches its runs. The engine calls this at each review, with the canonical id. If it throws, or returns
   * any value other than a boolean, the id counts as an agent. Default: ids that start with `agent:`.
   */
  readonly agents?: ((id: string) => boolean) | undefined;
  /**
   * An anchor of the journal that was exported before this process started, such as the last result of `journalHead(engine)`. If the
   * store lacks that entry, it went back in the meantime: the engine reports it and creates no access until a person calls
   * `acceptRollback` of `jit-access/retention`. Default: none; the engine trusts the journal that it finds at its first commit.
   */
  readonly knownHead?: Anchor | undefined;
  /**
   * Receives each failure that the engine cannot throw to a caller: a failing sink, a malformed row, a clock that steps back. It
   * should log or count them. `during` names the operation. The engine drops an error that it throws. Default: prints a line
   * to `console.error`, at most one for each kind and minute.
   */
  readonly onError?: ((error: unknown, during: string) => void) | undefined;
}

/** The validated options, with every default applied. */
export interface Settings extends Enforcement, ParsedLimits {
  readonly scopes: ScopeMatcher;
  readonly leewayMs: number;
  readonly approver: Approver;
  readonly store: GrantStore;
  readonly clock: Clock;
  readonly sinks: readonly AuditSink[];
  /**
   * `covers` for answers about the past. There, a failure that counts as "does not cover" would hide access that a grant gave.
   *
   * @throws InvalidArgumentError if the matcher fails
   */
  readonly covers: ScopeMatcher['covers'];
  readonly knownHead: Anchor | undefined;
  readonly recordUse: ParsedRecordUse;
  /** The function that approvers apply to their own ids. @throws InvalidArgumentError */
  readonly canonicalId: ((id: string) => string) | undefined;
  /** Reads the parts of a run, in canonical form. @throws InvalidArgumentError also if the option `agents` rejects the agent */
  readonly readRun: (argument: string, run: unknown) => AgentRun;
  /** Whether an id belongs to an agent or is the subject of a run. The caller passes the canonical form of the id. */
  readonly isAgent: IsAgent;
}

const OPTIONS = [
  'store',
  'approver',
  'clock',
  'audit',
  'scopes',
  'standing',
  'standingObeysLocks',
  'limits',
  'leewayMs',
  'warnBefore',
  'recordUse',
  'canonicalId',
  'agents',
  'knownHead',
  'onError',
] as const satisfies readonly (keyof JitEngineOptions)[];

/** @throws InvalidArgumentError naming the option */
export function readSettings(given: JitEngineOptions): Settings {
  const options = readOptions<AllOf<keyof JitEngineOptions, typeof OPTIONS>>('options', given, OPTIONS);
  const { clock = systemClock, audit = [], canonicalId, agents } = options;
  const { matcher, ...enforcement } = readEnforcement(options, (error, during) => printFailure('engine', error, during));
  const { onError, readId } = enforcement;
  const limits = readLimits(options.limits, options.warnBefore);
  const forApprover = {
    scopes: safeMatcher(matcher, onError),
    canonicalId: canonicalId === undefined ? undefined : (id: string) => readId('id', id),
  };
  const isAgent = readAgents(agents, (error) => onError(error, 'agents'));
  return Object.freeze<Settings>({
    approver: readApprover(options.approver, forApprover),
    store: readStore(options.store),
    clock: readPort<Clock>('clock', clock, ['now']),
    sinks: readSinks(audit),
    ...enforcement,
    ...forApprover,
    covers: strictly(matcher, onError),
    ...limits,
    readRun: readRunsWith(canonicalId, isAgent),
    knownHead: options.knownHead === undefined ? undefined : readAnchor('knownHead', options.knownHead),
    recordUse: readRecordUse(options.recordUse),
    isAgent,
  });
}

/** @param engine passed to the approver's `fits`, which checks its own ids and scopes before the first question */
function readApprover(value: unknown, engine: Pick<Settings, 'scopes' | 'canonicalId'>): Approver {
  const approver = readPort<Approver>('approver', value, ['decide'], "reviewers({ members: ['user:sam'] })");
  if (!isId(approver.name)) throw invalid('approver.name', 'an id', approver.name);
  if (approver.fits !== undefined) readPort<Required<Pick<Approver, 'fits'>>>('approver', approver, ['fits']).fits(engine);
  return approver;
}

const STORES =
  'new MemoryGrantStore(), which forgets everything when the process ends, or a durable store: ' +
  'sqlGrantStore of jit-access/sql or redisGrantStore of jit-access/redis';

function readStore(value: unknown): GrantStore {
  const store = readPort<GrantStore>('store', value, ['get', 'live', 'find', 'due', 'commit', 'journal'], STORES);
  refuseDefaultNamespace(store);
  if (store.maxChange !== undefined) readChangeSize('store.maxChange', store.maxChange);
  return store;
}

/** A matcher that throws or returns no boolean covers nothing and overlaps everything: such a failure can only deny or revoke. */
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

/** A matcher that throws or returns no boolean is reported to `onError`, with its stack, and the call throws. */
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
    // Two sinks with one name would share a cursor, and each would miss the entries that the other received.
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
    // `revokeAll` of an agent reaches its runs, and it recognises agents only by this option.
    throw invalid(`${argument}.agent`, "an id that the engine's option `agents` names", run.agent);
  };
}
