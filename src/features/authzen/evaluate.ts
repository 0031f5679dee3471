import { askBounded } from '../../core/ask-bounded.js';
import { nextTurn } from '../../core/turns.js';
import type { JsonObject } from '../../model/json.js';
import type { Decision } from '../../records/index.js';
import { decideBatch, failedItem, type AuthzenDecision, type Batch } from './evaluations.js';
import { AuthzenError } from './errors.js';
import { readLast } from './last-read.js';
import type { AuthzenEvaluation } from './messages.js';
import type { AuthzenCaller } from './options.js';
import { beginCall, type Asked, type TupleAccess } from './profile.js';
import {
  meetsCondition,
  refuseIfLate,
  resolveAuthorized,
  resolverOf,
  resolvesAlone,
  timestamp,
  type Target,
  type AuthzenContext,
} from './authzen-context.js';

const UNKNOWN: AuthzenDecision = Object.freeze({ decision: false, context: Object.freeze({ reason: 'unknown_entity' }) });

/** An evaluation that only the last read of the access can still deny. That read keeps a yes from being stale (L1, L12). */
interface Candidate {
  readonly asked: Asked;
  /** `undefined`: access for any tuple counts. */
  readonly tuple: TupleAccess | undefined;
  readonly context: JsonObject | undefined;
}

const isCandidate = (judged: AuthzenDecision | Candidate): judged is Candidate => 'asked' in judged;

/** Whether an evaluation waits for hooks, approvers or requests after the first read of the access. */
const needsLastRead = ({ options }: AuthzenContext): boolean => options.condition !== undefined || options.accessRequests !== undefined;

/** Decides one evaluation. @throws AuthzenError 403, 503 */
export async function decideOne(env: AuthzenContext, caller: AuthzenCaller, evaluation: AuthzenEvaluation): Promise<AuthzenDecision> {
  const target = await resolveAuthorized(env, caller, evaluation);
  if (target === undefined) return UNKNOWN;
  const asked: Asked = { env, caller, evaluation, target, profile: beginCall(env) };
  const first = await env.engine.check(target.subject, target.scope);
  const judged = await judge(asked, first.allowed, first);
  if (!isCandidate(judged)) return judged;
  const last = needsLastRead(env) ? await checkLast(judged) : first;
  if (last === undefined) return asked.profile.denialOfTuple(asked);
  return last.allowed ? permitOf(judged, last) : asked.profile.denialOf(asked, last);
}

/**
 * Decides a batch. The engine reads the access of each subject once, and that of each yes again at the end. A batch of one subject that
 * waits for no hook needs no second read.
 */
export async function decideAll(env: AuthzenContext, caller: AuthzenCaller, batch: Batch): Promise<readonly AuthzenDecision[]> {
  const targets = await targetsOf(env, caller, batch);
  const known = targets.filter((target): target is Target => target !== undefined && !(target instanceof AuthzenError));
  const allowed = await allowedOf(env, known);
  // The read of one subject may ask its approver. In the meantime, the access of another subject may end.
  const isOneRead = !needsLastRead(env) && new Set(known.map(({ subject }) => subject)).size <= 1;
  const profile = beginCall(env);
  const judgesAtOnce = !needsLastRead(env);
  const isDenied = (i: number) => {
    const target = targets[i];
    return target === undefined || target instanceof AuthzenError || !allowed(target);
  };
  return decideBatch<Candidate>(batch, {
    isDenied,
    isCandidate,
    judgesAtOnce,
    judge: (evaluation, i) => {
      const target = targets[i];
      if (target instanceof AuthzenError) return failedItem(target);
      if (target === undefined) return UNKNOWN;
      const asked: Asked = { env, caller, evaluation, target, profile };
      if (!judgesAtOnce) return judge(asked, allowed(target), undefined);
      return allowed(target) ? { asked, tuple: undefined, context: undefined } : NO_GRANT;
    },
    confirm: async (candidates) => (isOneRead ? candidates.map((candidate) => permitOf(candidate, undefined)) : confirm(env, candidates)),
  });
}

/** How many items are resolved between two turns of the event loop. */
const ITEMS_A_TURN = 64;

/** The access that each item is about, or the error that is the answer to this item alone. */
async function targetsOf(
  env: AuthzenContext,
  caller: AuthzenCaller,
  { items }: Batch,
): Promise<readonly (Target | undefined | AuthzenError)[]> {
  const subjects = items.flatMap((item) => (item instanceof AuthzenError ? [] : [item.subject]));
  if (!resolvesAlone(env, subjects)) return Promise.all(askBounded(items, (item) => targetOf(env, caller, item)));
  const resolve = resolverOf(env);
  const targets: (Target | undefined)[] = [];
  for (const item of items) {
    if (targets.length % ITEMS_A_TURN === ITEMS_A_TURN - 1) await nextTurn();
    refuseIfLate(env);
    targets.push(item instanceof AuthzenError ? undefined : resolve(item));
  }
  return targets;
}

/** The access that an item is about, or the error that is the answer to this item alone. */
async function targetOf(
  env: AuthzenContext,
  caller: AuthzenCaller,
  item: Batch['items'][number],
): Promise<Target | undefined | AuthzenError> {
  if (item instanceof AuthzenError) return undefined;
  try {
    return await resolveAuthorized(env, caller, item);
  } catch (error) {
    if (error instanceof AuthzenError) return error;
    throw error;
  }
}

async function allowedOf(env: AuthzenContext, targets: readonly Target[]): Promise<(target: Target) => boolean> {
  const scopes = new Map<string, Set<string>>();
  for (const { subject, scope } of targets) scopes.set(subject, (scopes.get(subject) ?? new Set()).add(scope));
  const lists = askBounded([...scopes], async ([subject, asked]) => {
    return [subject, new Set(await env.engine.filterAllowed(subject, [...asked]))] as const;
  });
  const allowed = new Map<string, ReadonlySet<string>>(await Promise.all(lists));
  return ({ subject, scope }) => allowed.get(subject)?.has(scope) === true;
}

/**
 * Judges all of an evaluation except the access at the end.
 *
 * @param decision the decision of a check. `undefined`: only its answer is known, from the read of a batch
 */
async function judge(asked: Asked, allowed: boolean, decision: Decision | undefined): Promise<AuthzenDecision | Candidate> {
  const { env, caller, evaluation, target, profile } = asked;
  const refused = profile.refuseByApproval(asked);
  if (refused !== undefined) return refused;
  if (!allowed) return profile.denialOf(asked, decision);
  const tuple = profile.tupleOf(evaluation);
  if (tuple !== undefined) {
    const exact = await tuple.decide(target);
    if (exact === undefined) return profile.denialOfTuple(asked);
    if (!exact.allowed) return profile.denialOf(asked, exact);
  }
  if (!(await meetsCondition(env, caller, evaluation, target))) return deniedByCondition(asked);
  return { asked, tuple, context: await profile.usedApproval(asked) };
}

/** The access at the end of one evaluation. `undefined`: all of it is for other tuples. */
const checkLast = ({ asked: { env, target }, tuple }: Candidate): Promise<Decision | undefined> =>
  tuple === undefined ? env.engine.check(target.subject, target.scope) : tuple.decide(target);

/** The answers to the candidates of a batch, after one more read for each subject. An item whose access has ended is a denial. */
async function confirm(env: AuthzenContext, candidates: readonly Candidate[]): Promise<readonly AuthzenDecision[]> {
  const allowed = await readLast(
    env,
    candidates.map(({ asked, tuple }) => ({ target: asked.target, tuple })),
  );
  return candidates.map((candidate, i) => (allowed[i] === true ? permitOf(candidate, undefined) : NO_GRANT));
}

const NO_GRANT: AuthzenDecision = Object.freeze({ decision: false, context: Object.freeze({ reason: 'no_grant' }) });

function permitOf({ context: used }: Candidate, decision: Decision | undefined): AuthzenDecision {
  const context: JsonObject = {
    ...(decision && { reason: decision.reason }),
    ...(decision?.validUntil !== undefined && { valid_until: timestamp(decision.validUntil) }),
    ...used,
  };
  return Object.keys(context).length === 0 ? { decision: true } : { decision: true, context };
}

const deniedByCondition = ({ env, evaluation }: Asked): AuthzenDecision => ({
  decision: false,
  context: {
    reason: 'policy_denied',
    ...(env.options.accessRequests !== undefined && evaluation.context?.['approval'] !== undefined && { next_action: 'none' }),
  },
});
