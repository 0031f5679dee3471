import type { ParsedMacKey } from '../../../core/mac-keys.js';
import { isJitError } from '../../../core/errors.js';
import type { AccessAsk, RunAsk } from '../../../engine/requests/ask.js';
import { parseAccessAsk, parseBreakGlassAsk } from '../../../engine/requests/ask.js';
import type { RequestFound } from '../../../engine/lists/lookups.js';
import { requestOfKey } from '../../../engine/requests/keys.js';
import { canonicalJson } from '../../../journal/link.js';
import { limitedBy } from '../../../kernel/call-limit.js';
import { derivedId } from '../../../kernel/ledger/ids.js';
import { hasPassed } from '../../../lifecycle/status.js';
import type { PlainAnswer } from '../../json-body/plain-answer.js';
import { actOf, bindingHash, isBindingHash, withAct } from './binding.js';
import { digestOfCaller, isForAccess, verifyBinding, type BindingClaims } from './binding-token.js';
import { keyIn } from '../../json-body/idempotency-key.js';
import { macText } from '../keys.js';
import type { AuthzenCaller } from '../options.js';
import { requesterOf, type ParsedAccessRequests } from './options.js';
import { Problem, problemOfRefusal } from './problems.js';
import { readSubmission, type Submission } from './submission.js';
import { metadataOfTask, readTaskData } from './task-data.js';
import { taskAnswer, taskOf } from './tasks.js';
import { ExactTuple } from './task-binding.js';
import { maySubmit, resolve, type Target, type AuthzenContext } from '../authzen-context.js';
import type { JsonObject } from '../../../model/json.js';

/** A submission, and who makes it for what. */
interface Submitted {
  readonly env: AuthzenContext;
  readonly profile: ParsedAccessRequests;
  readonly caller: AuthzenCaller;
  readonly submission: Submission;
  /** The access that the submission names. */
  readonly named: Target;
  /** The access of the denial, for which the submission asks: it differs from `named` where `act` does. */
  readonly target: Target;
}

type Verb = 'requestAccess' | 'breakGlass';

/**
 * Submits a request for access. The order of the checks lets a retry find its task before anything else is judged (B.5): the shape, the
 * earlier submission under the key, the binding, the deadline, the right to ask.
 *
 * @param header the `Idempotency-Key` of the client
 * @throws AuthzenError, Problem
 */
export async function submit(
  env: AuthzenContext,
  profile: ParsedAccessRequests,
  caller: AuthzenCaller,
  body: JsonObject,
  header: string | null,
): Promise<PlainAnswer> {
  const key = readKey(header);
  const submission = readSubmission(body);
  const named = await resolve(env, submission.evaluation);
  if (named === undefined) throw new Problem('invalid_denial_binding', 'the subject, the resource or the action is unknown');
  const given: Submitted = { env, profile, caller, submission, named, target: named };
  // Before the token is verified: its key may be retired.
  const retried = await answerEarlier(given, key);
  if (retried !== undefined) return retried;
  const claims = await verifyBinding(env, profile, submission.token);
  if (claims === undefined) throw new Problem('invalid_denial_binding', 'denial.binding_token is not valid here');
  const submitted = { ...given, target: await deniedTarget(given, claims) };
  const earlier = submitted.target === named ? undefined : await answerEarlier(submitted, key);
  if (earlier !== undefined) return earlier;
  await checkBinding(submitted, claims);
  const engineKey = keyOf(env.options.keys[0], key === undefined ? ['jti', caller.subject, claims.jti] : ['key', caller.subject, key]);
  const ask = askOf(submitted, claims, engineKey);
  const repeated = key === undefined ? undefined : await findRepeated(submitted, ask, engineKey);
  if (repeated === undefined) refuseLate(submitted, claims);
  const found = repeated ?? (await request(submitted, ask));
  await refuseForOther(submitted, found);
  return taskAnswer(env, profile, caller, taskOf(env, caller, found), 'created');
}

/** The answer to a repeat of an earlier submission. @throws Problem */
async function answerEarlier(submitted: Submitted, key: string | undefined): Promise<PlainAnswer | undefined> {
  const { env, profile, caller } = submitted;
  const earlier = key === undefined ? undefined : await findEarlier(submitted, key);
  if (earlier === undefined) return undefined;
  await permit(submitted, true);
  return taskAnswer(env, profile, caller, taskOf(env, caller, earlier), 'created');
}

/**
 * The access of the denied evaluation. Its `act` is in the token: the profile leaves `act` out of the comparison, so that of a submission
 * must not make the denial of one run the denial of another. @throws Problem
 */
async function deniedTarget({ env, submission: { evaluation }, named }: Submitted, { act }: BindingClaims): Promise<Target> {
  if (act === undefined || canonicalJson(act) === canonicalJson(actOf(evaluation.subject))) return named;
  const denied = await resolve(env, { ...evaluation, subject: withAct(evaluation.subject, act) });
  if (denied === undefined) throw new Problem('invalid_denial_binding', OTHER_ACCESS);
  return denied;
}

const OTHER_ACCESS = 'the denied evaluation was about other access';

/**
 * A subject asks for the same access once at a time, so the engine may return the pending request for another tuple. As its answer, that task
 * would send the client in a circle: approved, and denied again. @throws Problem
 */
async function refuseForOther({ env, profile, submission }: Submitted, { request }: RequestFound): Promise<void> {
  if (!profile.exactTuple || (await new ExactTuple(env, submission.evaluation).isFor(request.id))) return;
  const detail = 'the subject has asked for the same access for another evaluation: ask for another end, or when that request is decided';
  throw new Problem('not_requestable', detail);
}

/** @throws Problem */
function readKey(header: string | null): string | undefined {
  try {
    const key = keyIn(header);
    if (key === undefined || (key !== '' && key.length <= 256)) return key;
  } catch {
    // Several keys, or a part of one.
  }
  throw new Problem('invalid_request', 'Idempotency-Key must be one key of 1-256 characters, in quotes if it has a quote or a comma');
}

/** The key that the engine gets. A MAC: the ids that the engine derives from keys are then not guessable (T3). */
const keyOf = (key: ParsedMacKey, parts: readonly string[]): string => macText(key, 'idempotency', canonicalJson(parts));

/**
 * The task of an earlier submission of this caller under this key, with the same body apart from `act`. It is found under each of the
 * keys, so that a rotation of keys makes no second request.
 *
 * @throws Problem `duplicate_request` if the body was another one
 */
async function findEarlier(submitted: Submitted, key: string): Promise<RequestFound | undefined> {
  const { env, profile, caller, submission, target } = submitted;
  const { engine, kernel, options } = env;
  const requestedBy = requesterOf(profile, caller, target);
  for (const verb of ['requestAccess', 'breakGlass'] as const) {
    for (const secret of options.keys) {
      const idempotencyKey = keyOf(secret, ['key', caller.subject, key]);
      const found = await engine.getRequest({ requestedBy, idempotencyKey, verb });
      if (found === undefined) continue;
      const data = readTaskData(found.request);
      if (data?.body === submission.digest && data.caller === caller.subject) return found;
      // Otherwise the key only repeated an open request: `findRepeated` compares that submission.
      if (found.request.id === derivedId(kernel.ledger.store.namespace, verb, requestedBy, idempotencyKey))
        throw new Problem('duplicate_request');
    }
  }
  return undefined;
}

/** The open request that an earlier submission under this key repeated. @throws Problem `duplicate_request` */
async function findRepeated({ env, profile, submission }: Submitted, ask: Ask, key: string): Promise<RequestFound | undefined> {
  const { engine, kernel } = env;
  const verb = verbOf(profile, submission);
  try {
    const read = verb === 'breakGlass' ? parseBreakGlassAsk(kernel.settings, ask) : parseAccessAsk(kernel.settings, ask);
    const id = derivedId(kernel.ledger.store.namespace, verb, read.ask.requestedBy, key);
    const repeated = await requestOfKey(kernel, id, read.ask);
    return repeated === undefined ? undefined : await engine.getRequest(repeated);
  } catch (error) {
    throw problemOfRefusal(error, kernel.clock.read().now) ?? error;
  }
}

/**
 * Asks about both actors, where they differ: no caller gets by one what it may not submit for the other.
 *
 * @param isOwn whether this caller received the denial, or made the earlier submission
 * @throws Problem
 */
async function permit({ env, caller, submission, named, target }: Submitted, isOwn: boolean): Promise<void> {
  for (const one of new Set([target, named]))
    if (!(await maySubmit(env, caller, submission.evaluation, one, isOwn))) throw new Problem('forbidden');
}

/** Whether the caller may make this submission, and the submission is about the denial of a verified token. @throws Problem */
async function checkBinding(submitted: Submitted, claims: BindingClaims): Promise<void> {
  const { env, caller, submission, target } = submitted;
  const { evaluation, deniedUntil, evaluationId } = submission;
  await permit(submitted, claims.caller === digestOfCaller(caller));
  if (deniedUntil !== claims.deniedUntil) throw new Problem('invalid_denial_binding', 'denial.expires_at differs from the denial');
  if (evaluationId !== undefined && evaluationId !== claims.evaluationId)
    throw new Problem('invalid_denial_binding', 'denial.evaluation_id differs from the denial');
  if (!isBindingHash(claims.hash, evaluation, claims.members))
    throw new Problem('invalid_denial_binding', 'the subject, resource, action or context differs from the denied evaluation');
  if (!isForAccess(env, claims, target)) throw new Problem('invalid_denial_binding', OTHER_ACCESS);
}

/** The deadline is the earlier one of the two that the token contains. @throws Problem */
function refuseLate({ env, profile }: Submitted, { expiresAt, deniedUntil }: BindingClaims): void {
  const deadline = Math.min(expiresAt, Date.parse(deniedUntil)) + profile.skewMs;
  // A deadline that is no number has passed.
  if (hasPassed(deadline, env.kernel.clock.read())) throw new Problem('expired_denial');
}

type Ask = AccessAsk | RunAsk;

const verbOf = ({ emergency }: ParsedAccessRequests, submission: Submission): Verb =>
  emergency && submission.emergency ? 'breakGlass' : 'requestAccess';

/** What the engine is asked. It follows from the submission alone, so that a repeat is equal. */
function askOf({ profile, caller, submission, target }: Submitted, claims: BindingClaims, idempotencyKey: string): Ask {
  const { evaluation, until, justification, ticket, digest, client } = submission;
  const { subject, resource, action } = evaluation;
  const metadata = metadataOfTask({
    body: digest,
    caller: caller.subject,
    hash: bindingHash(evaluation, claims.members),
    members: claims.members,
    evaluationId: claims.evaluationId,
    subject: { type: subject.type, id: subject.id },
    resource: { type: resource.type, id: resource.id },
    action: { name: action.name },
    client,
  });
  const common = {
    scope: target.scope,
    ...(until === undefined ? { ttl: profile.ttl } : { until }),
    justification,
    ticket,
    metadata,
    correlation: claims.evaluationId,
    by: caller.subject,
    idempotencyKey,
  };
  const isRun = target.run !== undefined && verbOf(profile, submission) === 'requestAccess';
  if (isRun) return { ...common, run: target.run };
  return { ...common, subject: target.subject, requestedBy: requesterOf(profile, caller, target) };
}

/** Asks the engine, and finds the request. @throws Problem for a refusal */
async function request({ env, profile, submission }: Submitted, ask: Ask): Promise<RequestFound> {
  const { engine, kernel, limit } = env;
  const limited = limitedBy(limit, ask);
  let id: string;
  try {
    const isEmergency = verbOf(profile, submission) === 'breakGlass';
    const result = isEmergency
      ? await engine.breakGlass(limited as Parameters<typeof engine.breakGlass>[0])
      : await engine.requestAccess(limited);
    id = result.request.id;
  } catch (error) {
    id = requestIdIn(error) ?? refuse(error, kernel.clock.read().now);
  }
  const found = await engine.getRequest(id);
  if (found === undefined) throw new Problem('unknown_task');
  return found;
}

/** The request that stays pending although its approver failed, or a limit of holders is reached: its task is the answer. */
function requestIdIn(error: unknown): string | undefined {
  if (!isJitError(error) || (error.code !== 'ERR_JIT_APPROVER' && error.code !== 'ERR_JIT_LIMIT')) return undefined;
  return error.requestId;
}

function refuse(error: unknown, now: number): never {
  throw problemOfRefusal(error, now) ?? error;
}
