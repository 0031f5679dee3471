import { invalid, isBlank, readId, readBoundedList, readMetadata, readOptions, readText } from '../../core/parse.js';
import { MAX_SCOPES } from '../../lifecycle/grant.js';
import type { Ask, Extended } from '../../lifecycle/ask.js';
import { subjectOfRun, type AgentRun } from '../../lifecycle/run.js';
import type { JsonObject } from '../../model/json.js';
import { agentOf, type AccessRequest } from '../../records/index.js';
import { isPattern, isScope, readPattern, readScope } from '../../core/scope.js';
import { readInstant, type Instant } from '../../core/instant.js';
import { readWindow, type Duration } from '../../core/duration.js';
import type { Settings } from '../../kernel/settings/settings.js';

/** The argument of `requestAccess`: one `scope`, or several `scopes` with one decision. */
export interface AccessAsk<Scope extends string = string> {
  /** The identity that would hold the access, such as `user:maya`: 1-256 characters. Required. */
  readonly subject: string;
  /** Omitted: an ask with a `run` is a {@link RunAsk}. */
  readonly run?: undefined;
  /** The scope, if there is only one, such as `db:write`: 1-256 characters. An ask has either `scope` or `scopes`. No default. */
  readonly scope?: Scope | undefined;
  /** 1 to 50, without repetition. Approved together or not at all, with one grant for each scope. Default: the one `scope`. */
  readonly scopes?: readonly Scope[] | undefined;
  /**
   * Length of the window: a string like `'30m'`, or milliseconds (a number is never seconds: below 60,000 it is refused). From `limits.minTtl` (1 second by
   * default) to `limits.maxTtl` (8 hours). By default the window starts at the decision, not at the ask. An ask has either `ttl` or
   * `until`. No default.
   */
  readonly ttl?: Duration | undefined;
  /**
   * End of the window, instead of `ttl`: epoch milliseconds or a `Date`. A late decision gives the rest and does not move the end.
   * An end beyond a limit is refused, never cut. An ask has either `ttl` or `until`. No default. Bounds: those of `ttl`.
   */
  readonly until?: Instant | undefined;
  /**
   * Start of the window: epoch milliseconds or a `Date`. A later decision gives the rest of the window. At most
   * `limits.maxStartAhead` (7 days) ahead. Default: the decision.
   */
  readonly startsAt?: Instant | undefined;
  /** Why. Text of at most 4 KiB. The journal records it, so it must contain no secret. Default: none. */
  readonly justification?: string | undefined;
  /** The ticket that the access is for, e.g. `INC-4711`. Text of at most 4 KiB. Default: none. */
  readonly ticket?: string | undefined;
  /** The caller that asks: 1-256 characters. Neither it nor the subject may review. Default: the subject. */
  readonly requestedBy?: string | undefined;
  /**
   * The caller of this verb, which your code has authenticated, if it speaks for the requester: for example a gateway. The journal
   * names it as the actor, and a lock on it refuses the call. It must be a service: nothing keeps it from reviewing the request.
   * 1-256 characters. Default: the requester.
   */
  readonly by?: string | undefined;
  /**
   * Makes a repeat safe: the same key and body return the same request, and the engine refuses another body. 1-256 characters.
   * Default: none, and each call is an ask of its own.
   *
   * Gotcha: an id derived from a key is not secret. It is SHA-256 over namespace, verb, requester and key, so a caller that
   * knows these can compute it. Never treat the id of a request or grant as a capability, whether or not a key made it.
   */
  readonly idempotencyKey?: string | undefined;
  /** JSON of the caller, at most 8 KiB. The store keeps it on the request. The journal records only its SHA-256. Default: none. */
  readonly metadata?: JsonObject | undefined;
  /**
   * An id of your own records, such as a trace or an incident: 1-256 characters. It goes into `request.created`. A repeat keeps that of
   * the first call: it does not count when two asks are compared. Default: none.
   */
  readonly correlation?: string | undefined;
}

/**
 * An ask by a run of an agent. The engine derives the subject (see `runSubject`), the agent is the requester, and
 * agent and operator become fields of the request.
 */
export interface RunAsk<Scope extends string = string> extends Omit<AccessAsk<Scope>, 'run' | 'subject' | 'requestedBy'> {
  /** The run that asks, instead of `subject` and `requestedBy`: its agent, at most 128 characters, and an operator or a job. Required. */
  readonly run: AgentRun;
  /** Omitted: the engine derives it from the run. */
  readonly subject?: undefined;
  /** Omitted: it is the agent of the run. */
  readonly requestedBy?: undefined;
}

/** Names a bundle: all grants of a request. */
export interface BundleTarget {
  /** The request whose grants are meant. */
  readonly requestId: string;
}

/** A grant by its id, or a bundle. @throws InvalidArgumentError */
export function readExtended(target: unknown): Extended {
  if (typeof target !== 'object' || target === null) return readId('grantId', target);
  const { requestId } = readOptions<keyof BundleTarget>('target', target, ['requestId']);
  return { requestId: readId('requestId', requestId) };
}

/** The argument of `extend`: more time for a grant, or for all grants of a request, after their present window. */
export interface ExtensionAsk extends Omit<AccessAsk, 'run' | 'subject' | 'scope' | 'scopes' | 'startsAt' | 'requestedBy'> {
  /**
   * The caller that asks: the subject that holds the access, or another caller on its behalf. Neither of the two may review. There is no
   * default: a default would name the subject, and the real requester could then approve their own ask.
   */
  readonly requestedBy: string;
}

/** The argument of `breakGlass`. */
export interface BreakGlassAsk<Scope extends string = string> extends Omit<AccessAsk<Scope>, 'run' | 'startsAt' | 'justification'> {
  /** Why there is no time for a review. Text of at most 4 KiB. */
  readonly justification: string;
}

/** What an ask without `ttl` and `until` lacks. */
export interface TtlOrUntil {
  /** Length of the window: a string like `'30m'`, or milliseconds. An ask may have `until` instead. */
  readonly ttl: Duration;
}

/**
 * An ask with `ttl` or `until`. It is enough that its type has one of them as an optional field.
 *
 * @typeParam Window the type of `ttl` or `until` of the given ask, and `undefined` if it has neither
 */
export type WithWindow<Ask, Window> = [NonNullable<Window>] extends [never]
  ? Ask & TtlOrUntil
  : // Never chosen: the compiler infers `Window` from it. It cannot from `Ask`, and so an error names the plain type.
    [Window] extends [never]
    ? { readonly [Field in keyof Ask as Exclude<Field, 'ttl' | 'until'>]: Ask[Field] } & { readonly ttl?: Window; readonly until?: Window }
    : Ask;

/** An ask whose arguments are checked, its caller, and its idempotency key. */
export interface ParsedAsk {
  readonly ask: Ask;
  readonly by: string;
  readonly key: string | undefined;
}

const COMMON = ['ttl', 'until', 'justification', 'ticket', 'requestedBy', 'by', 'idempotencyKey', 'metadata', 'correlation'] as const;
const WHOM = ['subject', 'scope', 'scopes'] as const;

type Who = Pick<AccessRequest, 'subject' | 'requestedBy' | 'agent' | 'operator'>;

type AskSettings = Pick<Settings, 'readId' | 'readRun' | 'isAgent' | 'scopes' | 'minNumberMs'>;

/** @throws InvalidArgumentError */
export function parseAccessAsk(settings: AskSettings, given: unknown): ParsedAsk {
  const fields = readOptions<(typeof WHOM)[number] | (typeof COMMON)[number] | 'run' | 'startsAt'>('ask', given, [
    ...WHOM,
    ...COMMON,
    'run',
    'startsAt',
  ]);
  const { startsAt } = fields;
  const who = fields.run === undefined ? parseWho(settings, fields.subject, fields.requestedBy) : parseWhoOfRun(settings, fields);
  const { ask, ...rest } = parseCommon(settings, who, parseScopes(settings, fields.scope, fields.scopes), fields);
  return { ...rest, ask: { ...ask, startsAt: startsAt === undefined ? undefined : readInstant('startsAt', startsAt) } };
}

/** @throws InvalidArgumentError */
export function parseBreakGlassAsk(settings: AskSettings, given: unknown): ParsedAsk {
  const fields = readOptions<keyof BreakGlassAsk>('ask', given, [...WHOM, ...COMMON]);
  const who = parseWho(settings, fields.subject, fields.requestedBy);
  const parsed = parseCommon(settings, who, parseScopes(settings, fields.scope, fields.scopes), fields);
  if (parsed.ask.justification === undefined || isBlank(parsed.ask.justification)) {
    throw invalid('justification', 'a text that says why there is no time for a review', fields.justification);
  }
  return parsed;
}

/** The access to extend: its subject, and the operator if that is a run. `scopes` is empty for a bundle. */
export type ExtendedAccess = Pick<Ask, 'subject' | 'operator' | 'scopes'> & { readonly extends: Extended };

/** @returns completes the ask from the access to extend @throws InvalidArgumentError */
export function parseExtensionAsk(settings: AskSettings, given: unknown): (access: ExtendedAccess) => ParsedAsk {
  const fields = readOptions<keyof ExtensionAsk>('ask', given, COMMON);
  if (fields.requestedBy === undefined) throw invalid('requestedBy', 'the id of the caller that asks', undefined);
  // Checks the arguments before the engine loads anything.
  parseCommon(settings, whoAsks(settings, '-', fields.requestedBy), [], fields);
  return ({ subject, operator, scopes, extends: extended }) => {
    const who = whoAsks(settings, subject, fields.requestedBy);
    const { ask, ...rest } = parseCommon(settings, { ...who, operator }, scopes, fields);
    return { ...rest, ask: { ...ask, extends: extended } };
  };
}

/** The requester of a run's access is its agent, so the limits for each requester bound the agent. */
const parseWho = (settings: AskSettings, subject: unknown, requestedBy: unknown): Who =>
  whoAsks(settings, settings.readId('subject', subject), requestedBy);

/** @param subject in its canonical form: an id that the engine stored is never read again */
function whoAsks({ readId: readActorId, isAgent }: AskSettings, subject: string, requesterGiven: unknown): Who {
  const agent = agentOf(subject);
  // `revokeAll` of an id reaches its runs only if the option `agents` names the id as an agent.
  if (agent !== undefined && !isAgent(agent)) {
    throw invalid('subject', "a run of an agent that the engine's option `agents` names", subject);
  }
  const requestedBy = requesterGiven === undefined ? (agent ?? subject) : readActorId('requestedBy', requesterGiven);
  if (agent !== undefined && requestedBy !== agent) throw invalid('requestedBy', `the agent of the run, ${agent}`, requestedBy);
  return { subject, requestedBy, agent, operator: undefined };
}

function parseWhoOfRun(
  { readRun }: AskSettings,
  { run, subject, requestedBy }: { readonly run?: unknown; readonly subject?: unknown; readonly requestedBy?: unknown },
): Who {
  if (subject !== undefined) throw invalid('subject', 'omitted if `run` is given: the engine derives it', subject);
  if (requestedBy !== undefined) throw invalid('requestedBy', 'omitted if `run` is given: it is the agent', requestedBy);
  const parsed = readRun('run', run);
  return { subject: subjectOfRun(parsed), requestedBy: parsed.agent, agent: parsed.agent, operator: parsed.operator };
}

function parseCommon(
  settings: AskSettings,
  who: Who,
  scopes: readonly string[],
  fields: Partial<Record<(typeof COMMON)[number], unknown>>,
): ParsedAsk {
  const ask = {
    ...who,
    scopes: Object.freeze(scopes),
    ...parseLength(settings, fields),
    startsAt: undefined,
    extends: undefined,
    replaces: undefined,
    justification: readText('justification', fields.justification),
    ticket: readText('ticket', fields.ticket),
    metadata: readMetadata('metadata', fields.metadata),
    correlation: fields.correlation === undefined ? undefined : readId('correlation', fields.correlation),
  };
  return {
    ask,
    by: fields.by === undefined ? who.requestedBy : settings.readId('by', fields.by),
    key: fields.idempotencyKey === undefined ? undefined : readId('idempotencyKey', fields.idempotencyKey),
  };
}

/** Reads the length or the end of a window: exactly one of the two. @throws InvalidArgumentError */
export function parseLength(
  { minNumberMs }: Pick<Settings, 'minNumberMs'>,
  { ttl, until }: { readonly ttl?: unknown; readonly until?: unknown },
): Pick<Ask, 'ttlMs' | 'until'> {
  if (until === undefined) return { ttlMs: readWindow('ttl', ttl, minNumberMs), until };
  if (ttl !== undefined) throw invalid('until', 'omitted if `ttl` is given', until);
  return { ttlMs: undefined, until: readInstant('until', until) };
}

function parseScopes({ scopes: matcher }: AskSettings, scope: unknown, scopes: unknown): readonly string[] {
  // An ask may name a pattern only if the engine's matcher knows patterns. The approver's rules decide who gets one.
  const parseScope = matcher.exact ? readExactScope : readPattern;
  if (scope === undefined && scopes === undefined) throw invalid('scope', 'a scope, or omitted if `scopes` is given', scope);
  if (scopes === undefined) return [parseScope('scope', scope)];
  if (scope !== undefined) throw invalid('scopes', 'omitted if `scope` is given', scopes);
  const list = readBoundedList('scopes', scopes, 1, MAX_SCOPES).map((item, i) => parseScope(`scopes[${i}]`, item));
  const repeated = list.findIndex((item, i) => list.indexOf(item) !== i);
  if (repeated !== -1) throw invalid(`scopes[${repeated}]`, 'different from every other scope', list[repeated]);
  return list;
}

function readExactScope(argument: string, value: unknown): string {
  // The usual mistake: a pattern that works with another engine. Granted here, it would cover nothing.
  if (isPattern(value) && !isScope(value)) {
    throw invalid(argument, 'a scope without wildcards: only an engine with the option `scopes: patternScopes` knows patterns', value);
  }
  return readScope(argument, value);
}
