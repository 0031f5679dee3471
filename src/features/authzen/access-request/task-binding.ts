import { requestIdOf } from '../../../lifecycle/grant.js';
import { decodeRequest, type AccessRequest, type Decision } from '../../../records/index.js';
import { isBindingHash } from './binding.js';
import type { AuthzenEvaluation } from '../messages.js';
import type { TupleAccess } from '../profile.js';
import { readTaskData } from './task-data.js';
import { refuseIfLate, type Target, type AuthzenContext } from '../authzen-context.js';

/** To which task data the access of each request is bound. Each request is read once, because what it is bound to never changes. */
export class TaskBindings {
  readonly #env: AuthzenContext;
  readonly #bounds = new Map<string, ReturnType<typeof boundOf>>();

  constructor(env: AuthzenContext) {
    this.#env = env;
  }

  of(requestId: string): ReturnType<typeof boundOf> {
    const bound = this.#bounds.get(requestId) ?? boundOf(this.#env, requestId);
    this.#bounds.set(requestId, bound);
    return bound;
  }
}

/** The option `exactTuple`. */
export class ExactTuple implements TupleAccess {
  readonly #env: AuthzenContext;
  readonly #evaluation: AuthzenEvaluation;
  readonly #bounds: TaskBindings;
  readonly #isFor = new Map<string, boolean>();

  /** @param bounds the requests that were read. The evaluations of one call may share them */
  constructor(env: AuthzenContext, evaluation: AuthzenEvaluation, bounds = new TaskBindings(env)) {
    this.#env = env;
    this.#evaluation = evaluation;
    this.#bounds = bounds;
  }

  async decide({ subject, scope }: Target): Promise<Decision | undefined> {
    const { engine, kernel } = this.#env;
    for (;;) {
      refuseIfLate(this.#env);
      const decision = await engine.check(subject, scope);
      const { grant, reason } = decision;
      if (reason !== 'granted' || grant === undefined || this.isKnownFor(grant.requestId)) return decision;
      const { held, windows } = await engine.status(subject);
      const covering = held.filter((one) => kernel.settings.scopes.covers(one.scope, scope));
      const unknown = [grant, ...covering].map(({ requestId }) => requestId).filter((id) => !this.#isFor.has(id));
      // After the requests are read, the access is read again: it may have ended in between.
      if (unknown.length > 0) {
        await this.isForAny(unknown);
        continue;
      }
      const own = new Set(covering.filter(({ requestId }) => this.isKnownFor(requestId)).map(({ id }) => id));
      if (own.size === 0) return undefined;
      return { ...decision, validUntil: Math.max(...windows.filter(({ grantId }) => own.has(grantId)).map(({ endsAt }) => endsAt)) };
    }
  }

  isKnownFor(requestId: string): boolean {
    return this.#isFor.get(requestId) === true;
  }

  async isForAny(requestIds: readonly string[]): Promise<boolean> {
    for (const requestId of requestIds) await this.isFor(requestId);
    return requestIds.some((requestId) => this.isKnownFor(requestId));
  }

  /** Whether the access of a request is for this tuple, or was given without a task of this handler. */
  async isFor(requestId: string): Promise<boolean> {
    const known = this.#isFor.get(requestId);
    if (known !== undefined) return known;
    const bound = await this.#bounds.of(requestId);
    const isFor = bound !== 'unreadable' && (bound === undefined || isBindingHash(bound.hash, this.#evaluation, bound.members));
    this.#isFor.set(requestId, isFor);
    return isFor;
  }
}

/**
 * The task data to which the access of a request is bound: that of the earliest request with task data among those that it extends or
 * amends. An extension and an amendment may carry other metadata, which never frees the access from the tuple of its task.
 *
 * @returns `undefined`: no such request has task data. `'unreadable'`: an earlier request is gone, so the access is for no tuple
 */
async function boundOf({ kernel }: AuthzenContext, requestId: string) {
  let bound: ReturnType<typeof readTaskData>;
  const seen = new Set<string>();
  for (let id: string | undefined = requestId; id !== undefined;) {
    const row = seen.has(id) ? undefined : await kernel.ledger.row('request', id);
    if (row === undefined) return 'unreadable';
    seen.add(id);
    const request: AccessRequest = decodeRequest(row);
    bound = readTaskData(request) ?? bound;
    id = earlierOf(request);
  }
  return bound;
}

/** The request that this one amends, or else the one whose grants it extends. An amended extension names both in turn. */
function earlierOf({ replaces, extension }: AccessRequest): string | undefined {
  if (replaces !== undefined) return replaces;
  const grantId = extension?.grantIds[0];
  return extension?.requestId ?? (grantId === undefined ? undefined : requestIdOf(grantId));
}
