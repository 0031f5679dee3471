import { requestIdOf } from '../../../lifecycle/grant.js';
import { decodeRequest, type AccessRequest, type Decision } from '../../../records/index.js';
import { isBindingHash } from './binding.js';
import type { AuthzenEvaluation } from '../messages.js';
import type { TupleAccess } from '../profile.js';
import { readTaskData, type TaskData } from './task-data.js';
import { refuseIfLate, type Target, type AuthzenContext } from '../authzen-context.js';

/** The task data that a request's access is bound to. `undefined`: none. `'unreadable'`: an earlier request is gone, so it is for no tuple. */
type Binding = TaskData | 'unreadable' | undefined;

/** The bindings of requests. Each is read once, because it never changes. */
export class TaskBindings {
  readonly #env: AuthzenContext;
  readonly #read = new Map<string, Promise<Binding>>();

  constructor(env: AuthzenContext) {
    this.#env = env;
  }

  of(requestId: string): Promise<Binding> {
    const binding = this.#read.get(requestId) ?? readBinding(this.#env, requestId);
    this.#read.set(requestId, binding);
    return binding;
  }
}

/** The option `exactTuple`. */
export class ExactTuple implements TupleAccess {
  readonly #env: AuthzenContext;
  readonly #evaluation: AuthzenEvaluation;
  readonly #bindings: TaskBindings;
  readonly #isFor = new Map<string, boolean>();

  /** @param bindings the evaluations of one call may share them */
  constructor(env: AuthzenContext, evaluation: AuthzenEvaluation, bindings = new TaskBindings(env)) {
    this.#env = env;
    this.#evaluation = evaluation;
    this.#bindings = bindings;
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
      if (unknown.length === 0) {
        const own = new Set(covering.filter(({ requestId }) => this.isKnownFor(requestId)).map(({ id }) => id));
        const ends = windows.filter(({ grantId }) => own.has(grantId)).map(({ endsAt }) => endsAt);
        return own.size === 0 ? undefined : { ...decision, validUntil: Math.max(...ends) };
      }
      // Then the access is read again: it may end while its requests are read.
      await this.isForAny(unknown);
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
    const binding = await this.#bindings.of(requestId);
    const isFor = binding === undefined || (binding !== 'unreadable' && isBindingHash(binding.hash, this.#evaluation, binding.members));
    this.#isFor.set(requestId, isFor);
    return isFor;
  }
}

/**
 * Follows a request back to those that it extends or amends, and reads the task data of the earliest one that has any. Later ones may
 * carry other metadata. That never frees the access from the tuple of its task.
 */
async function readBinding({ kernel }: AuthzenContext, requestId: string): Promise<Binding> {
  let binding: TaskData | undefined;
  const seen = new Set<string>();
  for (let id: string | undefined = requestId; id !== undefined;) {
    const row = seen.has(id) ? undefined : await kernel.ledger.row('request', id);
    if (row === undefined) return 'unreadable';
    seen.add(id);
    const request: AccessRequest = decodeRequest(row);
    binding = readTaskData(request) ?? binding;
    id = earlierOf(request);
  }
  return binding;
}

/** The request that this one amends, or else the one whose grants it extends. An amended extension names both in turn. */
function earlierOf({ replaces, extension }: AccessRequest): string | undefined {
  if (replaces !== undefined) return replaces;
  const grantId = extension?.grantIds[0];
  return extension?.requestId ?? (grantId === undefined ? undefined : requestIdOf(grantId));
}
