import type { JsonObject } from '../../../core/json.js';
import type { Decision } from '../../../records/index.js';
import { decideBatch, type AuthzenDecision, type Batch } from './evaluations.js';
import { AuthzenError } from './errors.js';
import type { AuthzenEvaluation } from './messages.js';
import type { AuthzenCaller } from './options.js';
import { authorize, meetsCondition, questionOf, resolve, timestamp, type Target, type World } from './world.js';
import { denialOf, refuseByApproval, usedApproval, type Asked } from './reevaluation.js';

const UNKNOWN: AuthzenDecision = Object.freeze({ decision: false, context: Object.freeze({ reason: 'unknown_entity' }) });

/** Decides one evaluation. @throws AuthzenError 403, 503 */
export async function decideOne(world: World, caller: AuthzenCaller, evaluation: AuthzenEvaluation): Promise<AuthzenDecision> {
  await authorize(world, questionOf(caller, 'evaluate', evaluation));
  const target = await resolve(world, evaluation);
  if (target === undefined) return UNKNOWN;
  const decision = await world.engine.check(target.subject, target.scope);
  return answer({ world, caller, evaluation, target }, decision.allowed, decision);
}

/** Decides a batch: the engine reads the access of each subject once, and judges all its scopes at one instant. */
export async function decideAll(world: World, caller: AuthzenCaller, batch: Batch): Promise<readonly AuthzenDecision[]> {
  const targets = await Promise.all(batch.items.map((item) => targetOf(world, caller, item)));
  const allowed = await allowedOf(
    world,
    targets.flatMap((target) => (target === undefined || target instanceof AuthzenError ? [] : [target])),
  );
  return decideBatch(batch, async (evaluation, i) => {
    const target = targets[i];
    if (target instanceof AuthzenError) throw target;
    return target === undefined ? UNKNOWN : answer({ world, caller, evaluation, target }, allowed(target), undefined);
  });
}

/** The access that an item is about, or the error that is the answer to this item alone. */
async function targetOf(world: World, caller: AuthzenCaller, item: Batch['items'][number]): Promise<Target | undefined | AuthzenError> {
  if (item instanceof AuthzenError) return undefined;
  try {
    await authorize(world, questionOf(caller, 'evaluate', item));
    return await resolve(world, item);
  } catch (error) {
    if (error instanceof AuthzenError) return error;
    throw error;
  }
}

async function allowedOf(world: World, targets: readonly Target[]): Promise<(target: Target) => boolean> {
  const scopes = new Map<string, Set<string>>();
  for (const { subject, scope } of targets) scopes.set(subject, (scopes.get(subject) ?? new Set()).add(scope));
  const allowed = new Map<string, ReadonlySet<string>>();
  for (const [subject, asked] of scopes) allowed.set(subject, new Set(await world.engine.filterAllowed(subject, [...asked])));
  return ({ subject, scope }) => allowed.get(subject)?.has(scope) === true;
}

/** @param decision the decision of a check. `undefined`: only its answer is known, from the read of a batch */
async function answer(asked: Asked, allowed: boolean, decision: Decision | undefined): Promise<AuthzenDecision> {
  const refused = await refuseByApproval(asked, allowed);
  if (refused !== undefined) return refused;
  if (!allowed) return denialOf(asked, decision);
  const { world, caller, evaluation, target } = asked;
  if (!(await meetsCondition(world, caller, evaluation, target))) return deniedByCondition(asked);
  const context: JsonObject = {
    ...(decision && { reason: decision.reason }),
    ...(decision?.validUntil !== undefined && { valid_until: timestamp(decision.validUntil) }),
    ...(await usedApproval(asked)),
  };
  return Object.keys(context).length === 0 ? { decision: true } : { decision: true, context };
}

const deniedByCondition = ({ world, evaluation }: Asked): AuthzenDecision => ({
  decision: false,
  context: {
    reason: 'policy_denied',
    ...(world.options.accessRequests !== undefined && evaluation.context?.['approval'] !== undefined && { next_action: 'none' }),
  },
});
