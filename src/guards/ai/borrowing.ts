import { invalid, isId, readActor, readId, readListener, readOptions } from '../../core/parse.js';
import { readAgent } from '../../records/index.js';
import { digestOf } from '../../journal/link.js';
import type { RunAsk } from '../../engine/ask.js';
import type { JsonObject } from '../../core/json.js';
import { readDuration, type Duration } from '../../core/duration.js';
import { readScopeFrom, type ParsedScopeFrom, type ScopeFrom } from './scope-from.js';
import { justificationFor } from './unverified.js';

/** Who it is in a run: an id of your own, or a function of what the SDK hands on, which is yours and never the model's. */
export type Who<Context> = string | ((context: Context) => string | undefined);

/** A call that waits for its review. */
export interface WaitingCall {
  readonly requestId: string;
  readonly agent: string;
  readonly tool: string;
  readonly scope: string;
  /** The call's id, as the SDK gives it. */
  readonly callId: string | undefined;
}

/** On whose behalf tools are called. */
export interface Borrower<Context = never> {
  /**
   * The agent's own id, one that the engine's option `agents` names, at most 128 characters without `/run/`. Where a
   * function gives none, nothing runs.
   */
  readonly agent: Who<Context>;
  /**
   * On whose behalf the agent runs. Access is held by the run, so what is lent for one operator is open to no other
   * (L43). Becomes the request's `operator`, who may review if the approver says so. Where a function gives none, nothing
   * runs.
   */
  readonly operator?: Who<Context> | undefined;
  /**
   * The conversation, ticket or task, likewise: what is lent for one job is open to no other. It also makes equal call ids
   * of two jobs two calls. Goes into `metadata.job`.
   *
   * Gotcha: without `operator` and `job` the agent's id is the unit of isolation, and all of its calls share what it holds.
   */
  readonly job?: Who<Context> | undefined;
  /** How long a call is held up for its review, before it is told that it has to wait. Default: not at all. */
  readonly wait?: Duration | undefined;
  /** Told of each call that has to wait, so that you can wait for the request and go on. What it throws is dropped. */
  readonly onWaiting?: ((waiting: WaitingCall) => void) | undefined;
  /**
   * Told of what failed where the model is only told that nothing was done: a store that is down, a function of yours that
   * throws. What it throws is dropped.
   */
  readonly onError?: ((error: unknown, tool: string) => void) | undefined;
}

/** What a tool needs. */
export interface ToolRule<Input = unknown> {
  readonly scope: ScopeFrom<Input>;
  /** The length of the window that is asked for: never the model's to choose. */
  readonly ttl: Duration;
  /**
   * Picks the model's own words out of the input, for the reviewer. They are quoted, marked as unverified, and cut to
   * what a justification may have. They decide nothing.
   */
  readonly justification?: ((input: Input) => string | null | undefined) | undefined;
}

/** A call as it comes from an SDK. */
export interface ToolCall<Input, Context> {
  readonly input: Input;
  readonly context: Context;
  readonly callId: string | undefined;
}

/** What a call wants to borrow, all of it decided by the service but for what the rule takes from the input. */
export interface Borrowing {
  readonly agent: string;
  /** The run that holds the access; `undefined`: the agent itself does. */
  readonly run: RunAsk['run'] | undefined;
  readonly scope: string;
  readonly ttlMs: number;
  readonly justification: string;
  readonly metadata: JsonObject;
  readonly callId: string | undefined;
  /** The same for the same call, and for no other; `undefined`: the SDK doesn't say which call it is. */
  readonly key: string | undefined;
}

/** Why a call can't even be judged. */
export type Unreadable = 'who' | 'scope';

/** The options of one tool, checked. */
export interface ParsedTool<Input, Context> {
  readonly tool: string;
  readonly waitMs: number | undefined;
  readonly onWaiting: (waiting: WaitingCall) => void;
  readonly onError: (error: unknown, tool: string) => void;
  read(call: ToolCall<Input, Context>): Borrowing | Unreadable;
}

export const BORROWER = ['agent', 'operator', 'job', 'wait', 'onWaiting', 'onError'] as const satisfies readonly (keyof Borrower)[];
export const RULE = ['scope', 'ttl', 'justification'] as const satisfies readonly (keyof ToolRule)[];

type Given<Known extends readonly string[]> = Partial<Record<Known[number], unknown>>;

/** @param at what stands before the name of an option of the rule in a message */
export function readTool<Input, Context>(
  toolGiven: unknown,
  borrower: Given<typeof BORROWER>,
  rule: Given<typeof RULE>,
  at = '',
): ParsedTool<Input, Context> {
  const tool = readId('tool', toolGiven);
  // The id of a run would lend this call the access of that run (L43).
  const agent = readWho<Context>(borrower.agent, (id) => readAgent('agent', readActor('agent', id)));
  const operator = readWho<Context>(borrower.operator, (id) => readActor('operator', id));
  const job = readWho<Context>(borrower.job, (id) => readId('job', id));
  if (agent === undefined) throw invalid('agent', 'an id, or a function that gives one', borrower.agent);
  const scopeOf: ParsedScopeFrom<Input> = readScopeFrom(`${at}scope`, rule.scope);
  const ttlMs = readDuration(`${at}ttl`, rule.ttl);
  const { justification } = rule;
  if (justification !== undefined && typeof justification !== 'function')
    throw invalid(`${at}justification`, 'a function of the input', justification);
  const onError = readListener<[error: unknown, tool: string]>('onError', borrower.onError);
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
      const who = attempt(() => readCaller({ agent, operator, job }, context));
      if (who === undefined) return 'who';
      const scope = attempt(() => scopeOf(input));
      if (scope === undefined) return 'scope';
      const said = justificationFor(
        tool,
        attempt(() => (justification as ((input: Input) => unknown) | undefined)?.(input)),
      );
      const metadata = known({ tool, job: who.job });
      const { operator: on = null, job: of = null } = who;
      const key = callId === undefined ? undefined : digestOf(['tool call', callId, tool, who.agent, on, of, scope, ttlMs, said]);
      const run = who.operator === undefined && who.job === undefined ? undefined : who;
      return { agent: who.agent, run, scope, ttlMs, justification: said, metadata, callId, key };
    },
  };
}

/** The key of the ask that follows one that time has ended: the same for whoever comes to it from there. */
export const keyAfter = (key: string, requestId: string): string => digestOf([key, requestId]);

type AgentRun = RunAsk['run'];
type RunPartOf<Context> = (context: Context) => string | undefined;

/** An option that names nobody for this call leaves it unknown whose run it is: `undefined`, and nothing is borrowed. */
function readCaller<Context>(
  options: {
    readonly agent: RunPartOf<Context>;
    readonly operator: RunPartOf<Context> | undefined;
    readonly job: RunPartOf<Context> | undefined;
  },
  context: Context,
): AgentRun | undefined {
  const agent = options.agent(context);
  const operator = options.operator?.(context);
  const job = options.job?.(context);
  const isNamed = (option: unknown, id: string | undefined) => option === undefined || id !== undefined;
  if (agent === undefined || !isNamed(options.operator, operator) || !isNamed(options.job, job)) return undefined;
  return { agent, operator, job };
}

/** Constants are checked at once. `undefined`: nobody is named. */
function readWho<Context>(given: unknown, read: (id: unknown) => string): RunPartOf<Context> | undefined {
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

const known = (fields: Readonly<Record<string, string | undefined>>): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined));

/** An id from outside, or none: what is no id names no call. */
export const callIdFrom = (value: unknown): string | undefined => (isId(value) ? value : undefined);

/** Reads the options of an adapter that takes those of one tool beside those of its borrower. */
export function readToolOptions<Input, Context>(given: unknown): ParsedTool<Input, Context> {
  const read = readOptions<(typeof BORROWER)[number] | (typeof RULE)[number] | 'tool'>('options', given, ['tool', ...BORROWER, ...RULE]);
  return readTool(read.tool, read, read);
}
