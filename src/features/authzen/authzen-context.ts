import { runSubject } from '../../engine/run-subject.js';
import type { JsonObject, JsonValue } from '../../model/json.js';
import type { MaybePromise } from '../../core/ports.js';
import { isScope } from '../../core/scope.js';
import type { JitEngine } from '../../engine/engine.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { AgentRun } from '../../lifecycle/run.js';
import { agentOf, isObject } from '../../records/index.js';
import { defaultCodec } from './codec.js';
import { AuthzenError } from './errors.js';
import { memberOf, type AuthzenEntity, type AuthzenEvaluation } from './messages.js';
import type { AuthzenCaller, AuthzenQuestion, ParsedOptions } from './options.js';
import { isInvalidArgument, unavailable } from './transport.js';

/** What each endpoint works with. */
export interface AuthzenContext {
  readonly engine: JitEngine;
  readonly kernel: Kernel;
  readonly options: ParsedOptions;
  readonly limit: CallLimit;
}

/** Ends the work of a request that has been answered by its time limit. @throws AuthzenError 503 */
export function refuseIfLate({ limit }: Pick<AuthzenContext, 'limit'>): void {
  if (limit.hasPassed) throw unavailable();
}

/** The access that an evaluation is about. */
export interface Target {
  readonly subject: string;
  readonly scope: string;
  /** The agent whose run `subject` is. `undefined`: the subject acts for itself. */
  readonly agent: string | undefined;
  /** The run that `properties.act` names. `undefined`: the subject is no run, or is named by the id of its run. */
  readonly run: AgentRun | undefined;
}

type Holder = Omit<Target, 'scope'>;

/** Calls a hook of the host. @throws AuthzenError 503 if it fails or is late, so that such a hook decides nothing */
export async function callHook<T>({ kernel, limit }: AuthzenContext, call: () => MaybePromise<T>): Promise<T> {
  refuseIfLate({ limit });
  let answer: T;
  try {
    answer = await call();
  } catch (error) {
    kernel.settings.onError(error, 'authzen');
    throw unavailable();
  }
  refuseIfLate({ limit });
  return answer;
}

/** @throws AuthzenError 403 */
export async function authorize(env: AuthzenContext, question: AuthzenQuestion): Promise<void> {
  if (!(await isAuthorized(env, question))) throw new AuthzenError(403, 'the caller may not do this');
}

export async function isAuthorized(env: AuthzenContext, question: AuthzenQuestion): Promise<boolean> {
  const { may } = env.options;
  return may === undefined ? question.byDefault : (await callHook(env, () => may(question))) === true;
}

/**
 * Whether a caller may submit a request for this access. Without `may`, only its agent submits for a run: another service would become
 * the agent.
 *
 * @param isOwn whether the denial is, or was, an answer to this caller
 */
export const maySubmit = (env: AuthzenContext, caller: AuthzenCaller, evaluation: AuthzenEvaluation, { agent }: Target, isOwn: boolean) =>
  isAuthorized(
    env,
    questionOf(caller, 'submit', evaluation, { agent, byDefault: isOwn && (agent === undefined || agent === caller.subject) }),
  );

type Entities = Partial<Pick<AuthzenQuestion, 'subject' | 'resource' | 'action'>>;

/** The question whether a caller may do this. Of the entities it contains the type, the id and the name. */
export const questionOf = (
  caller: AuthzenCaller,
  operation: AuthzenQuestion['operation'],
  { subject, resource, action }: Entities,
  rest: Partial<Pick<AuthzenQuestion, 'agent' | 'taskId' | 'byDefault'>> = {},
): AuthzenQuestion => ({
  caller,
  operation,
  subject: subject && { type: subject.type, id: subject.id },
  agent: rest.agent,
  resource: resource && { type: resource.type, id: resource.id },
  action: action && { name: action.name },
  taskId: rest.taskId,
  byDefault: rest.byDefault ?? true,
});

/** The access that an evaluation is about, if the caller may evaluate it. `undefined`: an entity is unknown. @throws AuthzenError 403 */
export async function resolveAuthorized(
  env: AuthzenContext,
  caller: AuthzenCaller,
  evaluation: AuthzenEvaluation,
): Promise<Target | undefined> {
  const subject = await resolveSubject(env, evaluation.subject);
  // The question names the agent of a run, so the subject is resolved first.
  await authorize(env, questionOf(caller, 'evaluate', evaluation, { agent: subject?.agent }));
  const scope = subject && (await resolveScope(env, evaluation));
  return subject === undefined || scope === undefined ? undefined : { ...subject, scope };
}

/** The access that an evaluation is about. `undefined`: an entity is unknown, so nothing allows it. */
export async function resolve(env: AuthzenContext, evaluation: AuthzenEvaluation): Promise<Target | undefined> {
  const subject = await resolveSubject(env, evaluation.subject);
  const scope = subject && (await resolveScope(env, evaluation));
  return subject === undefined || scope === undefined ? undefined : { ...subject, scope };
}

/** Whether no function of the host has a part in who may ask, and in what the evaluations are about. */
export const resolvesAlone = ({ options: { codec, map, may } }: AuthzenContext, subjects: readonly AuthzenEntity[]): boolean =>
  codec === defaultCodec && map === undefined && may === undefined && !subjects.some(({ properties }) => properties && 'act' in properties);

/** {@link resolveAuthorized} where {@link resolvesAlone}. It reads the subject once for evaluations of the same one in a row. */
export function resolverOf(env: AuthzenContext): (evaluation: AuthzenEvaluation) => Target | undefined {
  let last: AuthzenEntity | undefined;
  let holder: Holder | undefined;
  return ({ subject, resource, action }) => {
    if (last?.type !== subject.type || last.id !== subject.id) {
      last = subject;
      holder = holderOf(env, defaultCodec.encodeSubject(subject), undefined);
    }
    const scope = holder && defaultCodec.encodeScope(resource, action.name);
    return holder === undefined || !isScope(scope) ? undefined : { ...holder, scope };
  };
}

/** The holder of a subject's access: the subject itself, or the run of the agent that acts for it. */
export async function resolveSubject(env: AuthzenContext, entity: AuthzenEntity): Promise<Holder | undefined> {
  const { options } = env;
  const encoded: unknown = await callHook(env, () => options.codec.encodeSubject(entity));
  const act = entity.properties && memberOf(entity.properties, 'act');
  const run = act === undefined ? undefined : ({ agent: await actorOf(env, act), operator: encoded } as AgentRun);
  return holderOf(env, encoded, run);
}

/** @returns `undefined`: the codec names no subject that the engine can have */
function holderOf({ engine, kernel }: AuthzenContext, encoded: unknown, run: AgentRun | undefined): Holder | undefined {
  try {
    const named = kernel.settings.readId('subject', encoded);
    const subject = run === undefined ? named : runSubject(run, engine);
    // Read from the subject, so that `may` judges the agent on which the engine acts, also if the id of a run names it.
    const agent = agentOf(subject);
    return agent === undefined || kernel.settings.isAgent(agent) ? { subject, agent, run } : undefined;
  } catch (error) {
    // An id that the engine refuses belongs to no subject.
    if (isInvalidArgument(error)) return undefined;
    throw error;
  }
}

async function actorOf(env: AuthzenContext, act: JsonValue): Promise<unknown> {
  const { agent = defaultAgent } = env.options;
  return isObject(act) && !Array.isArray(act) ? callHook(env, () => agent(act as JsonObject)) : undefined;
}

/** The identity of an actor is issuer and subject together, so an `act` with an issuer needs the hook. So does a chain of actors. */
const defaultAgent = (act: JsonObject): unknown => ('iss' in act || 'act' in act ? undefined : memberOf(act, 'sub'));

/** `undefined`: nothing is known about this resource and action. A hook or a codec that names a pattern names no scope. */
export async function resolveScope(env: AuthzenContext, evaluation: AuthzenEvaluation): Promise<string | undefined> {
  const { codec, map } = env.options;
  const { resource, action } = evaluation;
  const mapped = map === undefined ? undefined : await callHook(env, () => map(evaluation));
  const scope = mapped === undefined ? await callHook(env, () => codec.encodeScope(resource, action.name)) : mapped;
  return isScope(scope) ? scope : undefined;
}

/** Whether the condition of the host, if there is one, also allows access that the engine allows. */
export async function meetsCondition(
  env: AuthzenContext,
  caller: AuthzenCaller,
  evaluation: AuthzenEvaluation,
  { subject, scope }: Pick<Target, 'subject' | 'scope'>,
): Promise<boolean> {
  const { condition } = env.options;
  return condition === undefined || (await callHook(env, () => condition(evaluation, { caller, subject, scope }))) === true;
}

/** An instant in RFC 3339, UTC with milliseconds. */
export const timestamp = (instant: number): string => new Date(instant).toISOString();

/** A body gets half of the time, so that a slow one has an answer of its own. */
export const bodyLimits = ({ kernel, options }: Pick<AuthzenContext, 'kernel' | 'options'>) => ({
  clock: kernel.clock.source,
  timeoutMs: Math.ceil(options.timeoutMs / 2),
});
