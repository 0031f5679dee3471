import { invalid, isBlank, readId, readBoundedList, readMetadata, readOptions, readText } from '../core/parse.js';
import { MAX_SCOPES } from '../lifecycle/grant.js';
import type { Ask } from '../lifecycle/request.js';
import { runSubject, type AgentRun } from '../lifecycle/run.js';
import type { JsonObject } from '../core/json.js';
import type { ScopeMatcher } from '../core/ports.js';
import { agentOf, type AccessRequest, type Grant } from '../records/index.js';
import { readPattern, readScope } from '../core/scope.js';
import { readInstant, type Instant } from '../core/instant.js';
import { readDuration, type Duration } from '../core/duration.js';
import type { Settings } from '../kernel/settings.js';

/** What `requestAccess` takes: one `scope` or several `scopes`, decided as one. */
export interface AccessAsk<Scope extends string = string> {
  /** Who would hold the access. */
  readonly subject: string;
  readonly scope?: Scope | undefined;
  /** At most 50, each once; approved together or not at all, one grant for each. */
  readonly scopes?: readonly Scope[] | undefined;
  /** Length of the window, which starts at the decision: milliseconds, or a string like `'30m'`. */
  readonly ttl: Duration;
  /** When the window starts, if not at the decision. A decision that comes later gives what is left of it. Epoch milliseconds or a `Date`. */
  readonly startsAt?: Instant | undefined;
  /** Why. Text of at most 4 KiB; it goes on record, so nothing secret. */
  readonly justification?: string | undefined;
  /** What it is for, e.g. `INC-4711`. Text of at most 4 KiB. */
  readonly ticket?: string | undefined;
  /** Who asks, if not the subject itself; neither of the two may review. */
  readonly requestedBy?: string | undefined;
  /**
   * Makes a repeat safe: the same key and body give the same request, another body is refused.
   *
   * Gotcha: the id of what a key makes is no secret. It is SHA-256 over namespace, verb, requester and key, so a caller who
   * knows these can compute it. Never treat the id of a request or grant as a capability, whether or not a key made it.
   */
  readonly idempotencyKey?: string | undefined;
  /** JSON of your own, at most 8 KiB. Kept on the request; only its hash goes into the journal. */
  readonly metadata?: JsonObject | undefined;
}

/**
 * An ask by a run of an agent. The engine derives the subject (see {@link runSubject}), the agent is the requester, and
 * agent and operator become fields of the request.
 */
export interface RunAsk<Scope extends string = string> extends Omit<AccessAsk<Scope>, 'subject' | 'requestedBy'> {
  readonly run: AgentRun;
}

/**
 * An ask that only wants to know: what would happen, by which rule, and who may review. Nothing is stored but the count of
 * dry runs: an `attempt.refused` entry with code `dry_run`.
 */
export type DryRunAsk<Scope extends string = string> = (AccessAsk<Scope> | RunAsk<Scope>) & { readonly dryRun: true };

/** What `extend` takes: more time for a grant, on top of what it has. */
export interface ExtensionAsk extends Omit<AccessAsk, 'subject' | 'scope' | 'scopes' | 'startsAt' | 'requestedBy'> {
  /**
   * Who asks: the grant's subject, or another caller on its behalf. Neither of the two may review. There is no default: the
   * call names no subject, and a person that a default fills in could then approve their own ask (L15).
   */
  readonly requestedBy: string;
}

/** What `breakGlass` takes. */
export interface BreakGlassAsk<Scope extends string = string> extends Omit<AccessAsk<Scope>, 'startsAt' | 'justification'> {
  /** Why there is no time for a review. Text of at most 4 KiB. */
  readonly justification: string;
}

/** What is asked, and the key that makes a repetition of it safe. */
export interface ParsedAsk {
  readonly ask: Ask;
  readonly key: string | undefined;
}

const COMMON = ['ttl', 'justification', 'ticket', 'requestedBy', 'idempotencyKey', 'metadata'] as const;
const WHOM = ['subject', 'scope', 'scopes'] as const;

type Who = Pick<AccessRequest, 'subject' | 'requestedBy' | 'agent' | 'operator'>;

/** Reads asks at the door. */
export class AskReader {
  readonly #readActorId: Settings['readId'];
  readonly #readRun: Settings['readRun'];
  readonly #isAgent: Settings['isAgent'];
  readonly #matcher: ScopeMatcher;

  constructor({ readId: readActorId, readRun, isAgent, scopes }: Pick<Settings, 'readId' | 'readRun' | 'isAgent' | 'scopes'>) {
    this.#readActorId = readActorId;
    this.#readRun = readRun;
    this.#isAgent = isAgent;
    this.#matcher = scopes;
  }

  access(given: unknown): ParsedAsk & { readonly dryRun: boolean } {
    const read = readOptions<(typeof WHOM)[number] | (typeof COMMON)[number] | 'run' | 'startsAt' | 'dryRun'>('ask', given, [
      ...WHOM,
      ...COMMON,
      'run',
      'startsAt',
      'dryRun',
    ]);
    const { dryRun = false, startsAt } = read;
    if (typeof dryRun !== 'boolean') throw invalid('dryRun', 'true or false', dryRun);
    const who = read.run === undefined ? this.#who(read.subject, read.requestedBy) : this.#whoOfRun(read);
    const asked = this.#common(who, this.#scopes(read.scope, read.scopes), read);
    return { ...asked, dryRun, ask: { ...asked.ask, startsAt: startsAt === undefined ? undefined : readInstant('startsAt', startsAt) } };
  }

  breakGlass(given: unknown): ParsedAsk {
    const read = readOptions<keyof BreakGlassAsk>('ask', given, [...WHOM, ...COMMON]);
    const asked = this.#common(this.#who(read.subject, read.requestedBy), this.#scopes(read.scope, read.scopes), read);
    if (asked.ask.justification === undefined || isBlank(asked.ask.justification)) {
      throw invalid('justification', 'given: why there is no time for a review', read.justification);
    }
    return asked;
  }

  /** @returns the ask for a given old grant, whose request was asked on behalf of this operator if it is a run's */
  extension(given: unknown): (grant: Grant, operator: string | undefined) => ParsedAsk {
    const read = readOptions<keyof ExtensionAsk>('ask', given, COMMON);
    if (read.requestedBy === undefined) throw invalid('requestedBy', 'given: the id of the caller that asks', undefined);
    // Checked before anything is loaded.
    this.#common(this.#who('-', read.requestedBy), [], read);
    return (grant, operator) => {
      const { ask, key } = this.#common({ ...this.#who(grant.subject, read.requestedBy), operator }, [grant.scope], read);
      return { key, ask: { ...ask, extends: grant.id } };
    };
  }

  /** A run asks through its agent, which is the requester: so the limits for each requester bound the agent. */
  #who(subjectGiven: unknown, requesterGiven: unknown): Who {
    const subject = this.#readActorId('subject', subjectGiven);
    const agent = agentOf(subject);
    // `revokeAll` of an id reaches runs of it only where the option names it as an agent.
    if (agent !== undefined && !this.#isAgent(agent)) {
      throw invalid('subject', "a run of an agent that the engine's option `agents` names", subject);
    }
    const requestedBy = requesterGiven === undefined ? (agent ?? subject) : this.#readActorId('requestedBy', requesterGiven);
    if (agent !== undefined && requestedBy !== agent) throw invalid('requestedBy', `the agent of the run, ${agent}`, requestedBy);
    return { subject, requestedBy, agent, operator: undefined };
  }

  #whoOfRun({ run, subject, requestedBy }: { readonly run?: unknown; readonly subject?: unknown; readonly requestedBy?: unknown }): Who {
    if (subject !== undefined) throw invalid('subject', 'left out where run is given: the engine derives it', subject);
    if (requestedBy !== undefined) throw invalid('requestedBy', 'left out where run is given: it is the agent', requestedBy);
    const read = this.#readRun('run', run);
    return { subject: runSubject(read), requestedBy: read.agent, agent: read.agent, operator: read.operator };
  }

  #common(who: Who, scopes: readonly string[], read: Partial<Record<(typeof COMMON)[number], unknown>>): ParsedAsk {
    const ask = {
      ...who,
      scopes: Object.freeze(scopes),
      ttlMs: readDuration('ttl', read.ttl),
      startsAt: undefined,
      extends: undefined,
      justification: readText('justification', read.justification),
      ticket: readText('ticket', read.ticket),
      metadata: readMetadata('metadata', read.metadata),
    };
    return { ask, key: read.idempotencyKey === undefined ? undefined : readId('idempotencyKey', read.idempotencyKey) };
  }

  #scopes(scope: unknown, scopes: unknown): readonly string[] {
    // A pattern may be asked for only where the engine's scopes know patterns; who grants it is the approver's rule.
    const readOne = this.#matcher.exact ? readScope : readPattern;
    if (scope === undefined && scopes === undefined) throw invalid('scope', 'given, or scopes', scope);
    if (scopes === undefined) return [readOne('scope', scope)];
    if (scope !== undefined) throw invalid('scopes', 'left out where scope is given', scopes);
    const list = readBoundedList('scopes', scopes, 1, MAX_SCOPES).map((item, i) => readOne(`scopes[${i}]`, item));
    const twice = list.findIndex((item, i) => list.indexOf(item) !== i);
    if (twice !== -1) throw invalid(`scopes[${twice}]`, 'asked once', list[twice]);
    return list;
  }
}
