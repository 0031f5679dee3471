import { askBounded } from '../../core/ask-bounded.js';
import { TurnBudget } from '../../core/turns.js';
import type { AccessStatus } from '../../engine/answers.js';
import { EngineChecker } from '../../engine/checks/engine-checker.js';
import type { Candidate } from './search-types.js';
import { beginCall, type TupleAccess } from './profile.js';
import { refuseIfLate, type Target, type AuthzenContext } from './authzen-context.js';

/** A candidate whose access is for the tuple of its evaluation. */
export interface TupleResult extends Candidate {
  /** `undefined`: access for any tuple counts. */
  readonly tuple: TupleAccess | undefined;
}

/** How many candidates are judged before the search looks at them: it may need no more. */
const SLICE = 32;

/**
 * The allowed candidates whose access is for the tuple of their evaluation, in order. Without the option `exactTuple`: all of them.
 *
 * It reads the status of each subject once, and each request once. Access that ends afterwards is left to the last read.
 */
export async function* ofTuples(env: AuthzenContext, candidates: readonly Candidate[]): AsyncGenerator<TupleResult, void, undefined> {
  const profile = beginCall(env);
  const access = new HeldAccess(env);
  for (let from = 0; from < candidates.length; from += SLICE) {
    const answers = askBounded(candidates.slice(from, from + SLICE), async (candidate) => {
      const tuple = profile.tupleOf(candidate.evaluation);
      return (await access.isFor(tuple, candidate.target)) ? { ...candidate, tuple } : undefined;
    });
    for (const result of await Promise.all(answers)) if (result !== undefined) yield result;
  }
}

/** The access of the subjects of one search. */
class HeldAccess {
  readonly #env: AuthzenContext;
  readonly #turns = new TurnBudget();
  readonly #held = new Map<string, Promise<AccessStatus['held']>>();

  constructor(env: AuthzenContext) {
    this.#env = env;
  }

  async isFor(tuple: TupleAccess | undefined, { subject, scope }: Target): Promise<boolean> {
    const { kernel } = this.#env;
    refuseIfLate(this.#env);
    await this.#turns.spend(1);
    if (tuple === undefined || kernel.part(EngineChecker).standing(subject, scope) !== undefined) return true;
    const held = await this.#heldBy(subject);
    await this.#turns.spend(held.length);
    const covering = held.filter((grant) => kernel.settings.scopes.covers(grant.scope, scope));
    return tuple.isForAny(covering.map(({ requestId }) => requestId));
  }

  /** The grants that the subject holds. Like a check, it confirms due starts. */
  #heldBy(subject: string): Promise<AccessStatus['held']> {
    const { engine } = this.#env;
    const held = this.#held.get(subject) ?? engine.status(subject).then((status) => status.held);
    this.#held.set(subject, held);
    return held;
  }
}
