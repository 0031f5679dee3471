import { isJitError } from '../../../core/errors.js';
import type { JsonObject } from '../../../core/json.js';
import type { RequestFound } from '../../../engine/history.js';
import { hasPassed } from '../../../lifecycle/status.js';
import { decodeRequest, type AccessRequest } from '../../../records/index.js';
import { memberOf } from './messages.js';
import type { AuthzenCaller, AuthzenOperation, ParsedAccessRequests } from './options.js';
import { Problem } from './problems.js';
import { readTaskData } from './task-data.js';
import { jsonAnswer } from './transport.js';
import { isAuthorized, questionOf, timestamp, type World } from './world.js';

const STATUS = {
  pending: 'pending',
  granted: 'approved',
  ended: 'approved',
  denied: 'denied',
  cancelled: 'cancelled',
  expired: 'expired',
} as const satisfies Readonly<Record<RequestFound['outcome'], string>>;

/** The answer about a task. It contains no approver, no rule and no reason: the caller is a service, and forwards what it gets. */
export function taskAnswer(world: World, profile: ParsedAccessRequests, found: RequestFound, status: 200 | 'created'): Response {
  const { request, grants } = found;
  const state = STATUS[found.outcome];
  const url = `${world.options.endpointUrl}/requests/${request.id}`;
  const [grant] = grants;
  const task: JsonObject = {
    id: request.id,
    status: state,
    status_endpoint: url,
    expires_at: timestamp(endOfTask(request, profile)),
    ...(state === 'pending' && { links: { cancel: `${url}/cancel` } }),
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
      ...(state === 'pending' && { 'retry-after': String(pollSeconds(world, request)) }),
    },
  );
}

/** A pending task can be read until its deadline, and then, with its end, until the retention is over. Epoch milliseconds. */
function endOfTask({ end, reviewBy, status }: RequestFound['request'], { retentionMs }: ParsedAccessRequests): number {
  if (status === 'pending') return reviewBy;
  return (end === undefined || end.status === 'expired' ? reviewBy : end.at) + retentionMs;
}

const MIN_POLL = 5;
const MAX_POLL = 60;

/** A tenth of the age of the request, within 5 and 60 seconds. */
function pollSeconds({ kernel }: World, { createdAt }: AccessRequest): number {
  const age = (kernel.clock.read().now - createdAt) / 1_000;
  return Math.min(MAX_POLL, Math.max(MIN_POLL, Math.floor(age / 10)));
}

/** Whether a caller may view or cancel a task. */
async function mayUse(world: World, caller: AuthzenCaller, operation: AuthzenOperation, request: AccessRequest): Promise<boolean> {
  const data = readTaskData(request);
  const byDefault = (data === undefined ? request.requestedBy : data.caller) === caller.subject;
  return isAuthorized(world, questionOf(caller, operation, data ?? {}, { taskId: request.id, byDefault }));
}

/**
 * Finds a task that the caller may see. For every other caller the task does not exist: the answer is the same, after the same read.
 *
 * @throws Problem
 */
async function findTask(world: World, profile: ParsedAccessRequests, caller: AuthzenCaller, id: string): Promise<RequestFound> {
  const row = /^[0-9a-f]{1,64}$/.test(id) ? await world.kernel.ledger.row('request', id) : undefined;
  const request = row && decodeRequest(row);
  if (request === undefined || !(await mayUse(world, caller, 'view', request))) throw new Problem('unknown_task');
  const found = await world.engine.getRequest(id);
  if (found === undefined) throw new Problem('unknown_task');
  const isPending = found.request.status === 'pending';
  if (!isPending && hasPassed(endOfTask(found.request, profile), world.kernel.clock.read())) throw new Problem('task_expired');
  return found;
}

/** @throws Problem */
export async function viewTask(world: World, profile: ParsedAccessRequests, caller: AuthzenCaller, id: string): Promise<Response> {
  return taskAnswer(world, profile, await findTask(world, profile, caller, id), 200);
}

/** Cancels a pending task, for the caller that submitted it or another one that `may` permits. @throws Problem */
export async function cancelTask(
  world: World,
  profile: ParsedAccessRequests,
  caller: AuthzenCaller,
  id: string,
  body: JsonObject,
): Promise<Response> {
  const texts = ['reason', 'comment'].map((name) => memberOf(body, name));
  if (texts.some((text) => text !== undefined && typeof text !== 'string'))
    throw new Problem('invalid_request', 'reason and comment must be strings');
  const { request } = await findTask(world, profile, caller, id);
  if (!(await mayUse(world, caller, 'cancel', request))) throw new Problem('forbidden');
  if (request.status !== 'pending') throw new Problem('invalid_task_state');
  const reason = (texts as readonly (string | undefined)[]).filter((text) => text !== undefined && text !== '').join(': ');
  if (!(await cancel(world, caller, request, reason === '' ? undefined : reason))) throw new Problem('invalid_task_state');
  const found = await world.engine.getRequest(id);
  if (found === undefined) throw new Problem('unknown_task');
  return taskAnswer(world, profile, found, 200);
}

/** Whether this call cancelled the request. */
async function cancel(
  { engine }: World,
  { subject: by }: AuthzenCaller,
  { id, requestedBy }: AccessRequest,
  reason: string | undefined,
): Promise<boolean> {
  try {
    const { cancelled } = await engine.cancel(id, { by, reason, ...(by !== requestedBy && { onBehalfOf: requestedBy }) });
    return cancelled;
  } catch (error) {
    if (isJitError(error) && error.code === 'ERR_JIT_DECIDED') return false;
    throw error;
  }
}
