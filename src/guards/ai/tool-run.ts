import { readOnError } from '../../core/on-error.js';
import { invalid, isId, readActor, readId, readListener, readOptions } from '../../core/parse.js';
import { readAgent } from '../../records/index.js';
import { digestOf } from '../../journal/link.js';
import type { RunAsk } from '../../engine/requests/ask.js';
import type { JsonObject } from '../../model/json.js';
import { readDuration, readWindow, type Duration } from '../../core/duration.js';
import { readScopeFrom, type ParsedScopeFrom, type ScopeFrom } from './scope-from.js';
import { justificationFor } from './unverified.js';

/** A party of a run: a constant id, or a function of the context that the SDK passes. The context is your code's, never the model's. */
export type Who<Context> = string | ((context: Context) => string | undefined);

/** A call that waits for its review. */
export interface WaitingCall {
  /** The request that waits for a decision. */
  readonly requestId: string;
  /** The agent that made the call. */
  readonly agent: string;
  /** The name of the tool. */
  readonly tool: string;
  /** The scope that the tool needs. */
  readonly scope: string;
  /** The id that the SDK gives the call. */
  readonly callId: string | undefined;
}

/** The parties on whose behalf tools are called. */
export interface Borrower<Context = never> {
  /**
   * The agent's own id: one that the engine's option `agents` names, at most 128 characters, without `/run/`. If a function
   * returns `undefined`, no call runs.
   */
  readonly agent: Who<Context>;
  /**
   * The person on whose behalf the agent runs. The run holds the access, so access lent for one operator is not valid for
   * another. Becomes the request's `operator`, who may review if the approver allows it. If a function returns
   * `undefined`, no call runs. Default: none.
   */
  readonly operator?: Who<Context> | undefined;
  /**
   * The conversation, ticket or task. Access lent for one job is not valid for another. Equal call ids of two jobs are two
   * calls. Becomes `metadata.job`. If a function returns `undefined`, no call runs.
   *
   * Gotcha: without `operator` and `job` the agent's id is the unit of isolation, and all of its calls share its access.
   *
   * Default: none.
   */
  readonly job?: Who<Context> | undefined;
  /** How long a call waits for its review before the model learns that the call is pending. Default: no wait. */
  readonly wait?: Duration | undefined;
  /** Called for each call that is pending, so that your code can wait for the request and continue the run. A throw is ignored.
   * Default: none.
   */
  readonly onWaiting?: ((waiting: WaitingCall) => void) | undefined;
  /**
   * Called with each failure that the model only sees as "nothing was done": a store that is down, or a function of yours
   * that throws. A throw is ignored. Default: prints a line to `console.error`, at most one for each kind and minute.
   */
  readonly onError?: ((error: unknown, tool: string) => void) | undefined;
}

/** The access that a tool requires. */
export interface ToolRule<Input = unknown> {
  /** The scope that a call requires. */
  readonly scope: ScopeFrom<Input>;
  /** The length of the requested window. The model never chooses it. */
  readonly ttl: Duration;
  /**
   * Selects the model's own words from the input, for the reviewer. They are quoted, marked as unverified, and cut to the
   * length limit of a justification. They decide nothing. Default: none.
   */
  readonly justification?: ((input: Input) => string | null | undefined) | undefined;
}

/** A call in the form that an SDK gives it. */
export interface ToolCall<Input, Context> {
  readonly input: Input;
  readonly context: Context;
  readonly callId: string | undefined;
}

/** The access that a call needs. The service decides all of it, except the parts that the rule takes from the input. */
export interface ToolRun {
  readonly agent: string;
  /** The run that holds the access; `undefined`: the agent itself holds it. */
  readonly run: RunAsk['run'] | undefined;
  readonly scope: string;
  readonly ttlMs: number;
  readonly justification: string;
  readonly metadata: JsonObject;
  readonly callId: string | undefined;
  /** Identifies the call: equal for the same call, different for any other; `undefined`: the SDK gives no call id. */
  readonly key: string | undefined;
}

/** The reason why a call cannot be evaluated: an unknown caller, or an input without a valid scope. */
export type Unreadable = 'who' | 'scope';

/** The validated options of one tool. */
export interface ParsedTool<Input, Context> {
  readonly tool: string;
  readonly waitMs: number | undefined;
  readonly onWaiting: (waiting: WaitingCall) => void;
  readonly onError: (error: unknown, tool: string) => void;
  read(call: ToolCall<Input, Context>): ToolRun | Unreadable;
}

export const BORROWER = ['agent', 'operator', 'job', 'wait', 'onWaiting', 'onError'] as const satisfies readonly (keyof Borrower)[];
export const RULE = ['scope', 'ttl', 'justification'] as const satisfies readonly (keyof ToolRule)[];

type Given<Known extends readonly string[]> = Partial<Record<Known[number], unknown>>;

/** @param at the prefix of the rule's option names in error messages */
export function readTool<Input, Context>(
  toolGiven: unknown,
  borrower: Given<typeof BORROWER>,
  rule: Given<typeof RULE>,
  at = '',
): ParsedTool<Input, Context> {
  const tool = readId('tool', toolGiven);
  const parties = readParties<Context>(borrower);
  const scopeOf: ParsedScopeFrom<Input> = readScopeFrom(`${at}scope`, rule.scope);
  const ttlMs = readWindow(`${at}ttl`, rule.ttl);
  if (rule.justification !== undefined && typeof rule.justification !== 'function')
    throw invalid(`${at}justification`, 'a function of the input', rule.justification);
  const wordsIn = rule.justification as ((input: Input) => unknown) | undefined;
  const onError = readOnError('agent tools', borrower.onError);
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      onError(error, tool);
      return undefined;
    }
  };
  return {
    tool,
    waitMs: borrower.wait === undefined ? undefined : readDuration('wait', borrower.wait),
    onWaiting: readListener<[waiting: WaitingCall]>('onWaiting', borrower.onWaiting),
    onError,
    read({ input, context, callId }) {
      const who = attempt(() => runOf(parties, context));
      if (who === undefined) return 'who';
      const scope = attempt(() => scopeOf(input));
      if (scope === undefined) return 'scope';
      const words = attempt(() => wordsIn?.(input));
      return toolRunOf(who, { tool, scope, ttlMs, justification: justificationFor(tool, words), callId });
    },
  };
}

/** What a call of a known agent needs. */
function toolRunOf(
  who: RunAsk['run'],
  { tool, ...call }: Pick<ToolRun, 'scope' | 'ttlMs' | 'justification' | 'callId'> & { readonly tool: string },
): ToolRun {
  const { agent, operator, job } = who;
  const { scope, ttlMs, justification, callId } = call;
  const same = [callId, tool, agent, operator ?? null, job ?? null, scope, ttlMs, justification];
  return {
    ...call,
    agent,
    run: operator === undefined && job === undefined ? undefined : who,
    metadata: job === undefined ? { tool } : { tool, job },
    key: callId === undefined ? undefined : digestOf(['tool call', ...same]),
  };
}

/**
 * The key of the next ask, after an earlier request has expired. It is derived from that request, so that all repeats of a
 * call use the same key.
 */
export const keyAfter = (key: string, requestId: string): string => digestOf([key, requestId]);

type IdFrom<Context> = (context: Context) => string | undefined;

interface Parties<Context> {
  readonly agent: IdFrom<Context>;
  readonly operator: IdFrom<Context> | undefined;
  readonly job: IdFrom<Context> | undefined;
}

function readParties<Context>(borrower: Given<typeof BORROWER>): Parties<Context> {
  // The id of a run would give this call the access of that run (L43).
  const agent = readWho<Context>(borrower.agent, (id) => readAgent('agent', readActor('agent', id)));
  const operator = readWho<Context>(borrower.operator, (id) => readActor('operator', id));
  const job = readWho<Context>(borrower.job, (id) => readId('job', id));
  if (agent === undefined) throw invalid('agent', 'an id, or a function that gives one', borrower.agent);
  return { agent, operator, job };
}

/** Validates constants at once. `undefined`: the option is absent. */
function readWho<Context>(given: unknown, read: (id: unknown) => string): IdFrom<Context> | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== 'function') {
    const id = read(given);
    return () => id;
  }
  return (context) => {
    const id: unknown = (given as (context: Context) => unknown)(context);
    return id === undefined ? undefined : read(id);
  };
}

/** Returns `undefined` if an option names no id for this call: the run is then unknown, and no access is requested. */
function runOf<Context>(parties: Parties<Context>, context: Context): RunAsk['run'] | undefined {
  const [agent, operator, job] = [parties.agent(context), parties.operator?.(context), parties.job?.(context)];
  const isMissing = (party: unknown, id: string | undefined) => party !== undefined && id === undefined;
  if (agent === undefined || isMissing(parties.operator, operator) || isMissing(parties.job, job)) return undefined;
  return { agent, operator, job };
}

/** A call id from outside; `undefined` if it is not a valid id. */
export const callIdFrom = (value: unknown): string | undefined => (isId(value) ? value : undefined);

/** Reads the options of an adapter for one tool: its rule and its borrower together. */
export function readToolOptions<Input, Context>(given: unknown): ParsedTool<Input, Context> {
  const read = readOptions<(typeof BORROWER)[number] | (typeof RULE)[number] | 'tool'>('options', given, ['tool', ...BORROWER, ...RULE]);
  return readTool(read.tool, read, read);
}
