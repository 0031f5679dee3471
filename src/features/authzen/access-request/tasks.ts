import { isJitError } from '../../../core/errors.js';
import type { JsonObject } from '../../../model/json.js';
import { limitedBy } from '../../../kernel/call-limit.js';
import type { RequestFound } from '../../../engine/lists/lookups.js';
import { canonicalJson } from '../../../journal/link.js';
import { hasPassed } from '../../../lifecycle/status.js';
import { decodeRequest, type AccessRequest } from '../../../records/index.js';
import type { PlainAnswer } from '../../json-body/plain-answer.js';
import { isMac, macText } from '../keys.js';
import { memberOf } from '../messages.js';
import type { AuthzenCaller, AuthzenOperation } from '../options.js';
import type { ParsedAccessRequests } from './options.js';
import { Problem, problemOfRefusal } from './problems.js';
import { readTaskData } from './task-data.js';
import { jsonAnswer } from '../transport.js';
import { isAuthorized, questionOf, timestamp, type AuthzenContext } from '../authzen-context.js';

const STATUS = {
  pending: 'pending',
  granted: 'approved',
  ended: 'approved',
  denied: 'denied',
  cancelled: 'cancelled',
  expired: 'expired',
} as const satisfies Readonly<Record<RequestFound['outcome'], string>>;

/** By which a caller names a task: the id of a request, which may be unknown if the caller sent it, and a MAC. */
interface Handle {
  readonly id: string;
  readonly mac: string;
}

/** A request, and its handle. */
interface Task {
  readonly handle: Handle;
  readonly found: RequestFound;
}

const textOf = ({ subject }: AuthzenCaller, requestId: string): string => canonicalJson([subject, requestId]);

/**
 * The handle of a request for the caller that submitted it: the id and a MAC over both. It is not guessable, and it is worth nothing
 * to another caller. Each submission gets one, also if the engine returned a request that was open already.
 */
export const taskOf = ({ options }: AuthzenContext, caller: AuthzenCaller, found: RequestFound): Task => ({
  handle: { id: found.request.id, mac: macText(options.keys[0], 'task', textOf(caller, found.request.id)) },
  found,
});

/** The answer about a task. It contains no approver, no rule and no reason: the caller is a service, and forwards what it gets. */
export async function taskAnswer(
  env: AuthzenContext,
  profile: ParsedAccessRequests,
  caller: AuthzenCaller,
  { handle, found }: Task,
  status: 200 | 'created',
): Promise<PlainAnswer> {
  const { request, grants } = found;
  const state = STATUS[found.outcome];
  const id = `${handle.id}.${handle.mac}`;
  const url = `${env.options.endpointUrl}/requests/${id}`;
  const [grant] = grants;
  const task: JsonObject = {
    id,
    status: state,
    status_endpoint: url,
    expires_at: timestamp(endOfTask(request, profile)),
    ...(state === 'pending' && (await isCancelOffered(env, caller, request, handle)) && { links: { cancel: `${url}/cancel` } }),
  };
  const result = state === 'approved' &&
    grant !== undefined && {
      result: { mode: 'reevaluate', approval: { id: grant.id, approved_until: timestamp(grant.expiresAt) } },
    };
  return jsonAnswer(
    status === 200 ? 200 : state === 'pending' ? 202 : 201,
    { task, ...result },
    {
      ...(status === 'created' && { location: url }),
      ...(state === 'pending' && { 'retry-after': String(pollSeconds(env, request)) }),
    },
  );
}

/** A pending task can be read until its deadline, and then, with its end, until the retention has passed. Epoch milliseconds. */
function endOfTask({ end, reviewBy, status }: RequestFound['request'], { retentionMs }: ParsedAccessRequests): number {
  if (status === 'pending') return reviewBy;
  return (end === undefined || end.status === 'expired' ? reviewBy : end.at) + retentionMs;
}

const MIN_POLL = 5;
const MAX_POLL = 60;

/** A tenth of the age of the request, within 5 and 60 seconds. */
function pollSeconds({ kernel }: AuthzenContext, { createdAt }: AccessRequest): number {
  const age = (kernel.clock.read().now - createdAt) / 1_000;
  return Math.min(MAX_POLL, Math.max(MIN_POLL, Math.floor(age / 10)));
}

const HANDLE = /^([0-9a-f]{1,64})\.([\w-]{43})$/;

/** @throws Problem for a text that is no handle */
function readHandle(text: string): Handle {
  const [, id, mac] = HANDLE.exec(text) ?? [];
  if (id === undefined || mac === undefined) throw new Problem('unknown_task');
  return { id, mac };
}

const isOwnHandle = ({ options }: AuthzenContext, caller: AuthzenCaller, { id, mac }: Handle): boolean =>
  options.keys.some((key) => isMac(key, 'task', textOf(caller, id), mac));

/** Whether a caller may view or cancel a task. @param request `undefined`: there is none with this id */
async function mayUse(
  env: AuthzenContext,
  caller: AuthzenCaller,
  operation: AuthzenOperation,
  request: AccessRequest | undefined,
  handle: Handle,
): Promise<boolean> {
  const data = request && readTaskData(request);
  const byDefault = isOwnHandle(env, caller, handle) && (operation !== 'cancel' || data?.caller === caller.subject);
  return isAuthorized(env, questionOf(caller, operation, data ?? {}, { taskId: handle.id, agent: request?.agent, byDefault }));
}

/** A `may` that fails takes the link, and not the answer: the task may be new. */
const isCancelOffered = (env: AuthzenContext, caller: AuthzenCaller, request: AccessRequest, handle: Handle): Promise<boolean> =>
  mayUse(env, caller, 'cancel', request, handle).catch(() => false);

/**
 * Finds a task that the caller may see. For every other caller the task does not exist: the answer is the same, after the same read and
 * the same question to `may`.
 *
 * @throws Problem
 */
async function findTask(env: AuthzenContext, profile: ParsedAccessRequests, caller: AuthzenCaller, handle: Handle): Promise<RequestFound> {
  const row = await env.kernel.ledger.row('request', handle.id);
  const request = row && decodeRequest(row);
  if (!(await maySee(env, caller, request, handle)) || request === undefined) throw new Problem('unknown_task');
  const found = await env.engine.getRequest(request.id);
  if (found === undefined) throw new Problem('unknown_task');
  const isPending = found.request.status === 'pending';
  if (!isPending && hasPassed(endOfTask(found.request, profile), env.kernel.clock.read())) throw new Problem('task_expired');
  return found;
}

/** A `may` that fails hides the task from a caller that has no handle of it: it could fail for an unknown id alone, or for a real one. */
async function maySee(env: AuthzenContext, caller: AuthzenCaller, request: AccessRequest | undefined, handle: Handle): Promise<boolean> {
  try {
    return await mayUse(env, caller, 'view', request, handle);
  } catch (error) {
    if (isOwnHandle(env, caller, handle)) throw error;
    return false;
  }
}

/** @throws Problem */
export async function viewTask(
  env: AuthzenContext,
  profile: ParsedAccessRequests,
  caller: AuthzenCaller,
  text: string,
): Promise<PlainAnswer> {
  const handle = readHandle(text);
  const found = await findTask(env, profile, caller, handle);
  return taskAnswer(env, profile, caller, { handle, found }, 200);
}

/** Cancels a pending task, for the caller that submitted it or another one that `may` permits. @throws Problem */
export async function cancelTask(
  env: AuthzenContext,
  profile: ParsedAccessRequests,
  caller: AuthzenCaller,
  text: string,
  body: JsonObject,
): Promise<PlainAnswer> {
  const texts = ['reason', 'comment'].map((name) => memberOf(body, name));
  if (texts.some((one) => one !== undefined && typeof one !== 'string'))
    throw new Problem('invalid_request', 'reason and comment must be strings');
  const handle = readHandle(text);
  const { request } = await findTask(env, profile, caller, handle);
  if (!(await mayUse(env, caller, 'cancel', request, handle))) throw new Problem('forbidden');
  // The engine would refuse it too, and record the attempt.
  if (request.status !== 'pending') throw new Problem('invalid_task_state');
  const reason = (texts as readonly (string | undefined)[]).filter((one) => one !== undefined && one !== '').join(': ');
  if (!(await cancel(env, caller, request, reason === '' ? undefined : reason))) throw new Problem('invalid_task_state');
  const found = await env.engine.getRequest(request.id);
  if (found === undefined) throw new Problem('unknown_task');
  return taskAnswer(env, profile, caller, { handle, found }, 200);
}

/** Whether this call cancelled the request. */
async function cancel(
  { engine, kernel, limit }: AuthzenContext,
  { subject: by }: AuthzenCaller,
  { id, requestedBy }: AccessRequest,
  reason: string | undefined,
): Promise<boolean> {
  try {
    const canceller = { by, reason, ...(by !== requestedBy && { onBehalfOf: requestedBy }) };
    const { cancelled } = await engine.cancel(id, limitedBy(limit, canceller));
    return cancelled;
  } catch (error) {
    if (isJitError(error) && error.code === 'ERR_JIT_DECIDED') return false;
    throw problemOfRefusal(error, kernel.clock.read().now) ?? error;
  }
}
