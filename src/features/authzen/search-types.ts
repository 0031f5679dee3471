import type { JsonObject } from '../../model/json.js';
import type { AuthzenAction, AuthzenEntity, AuthzenEvaluation } from './messages.js';
import type { Target } from './authzen-context.js';

/** What a search looks for. */
export type Searched = 'subject' | 'resource' | 'action';

/** A search, and the way from a result to the evaluation that must allow it. */
export interface Search {
  readonly searched: Searched;
  readonly type: string;
  readonly subject: AuthzenEntity | undefined;
  readonly resource: AuthzenEntity | undefined;
  readonly action: AuthzenAction | undefined;
  readonly context: JsonObject | undefined;
  /** @param name the id of a subject or a resource, or the name of an action */
  readonly evaluationOf: (name: string) => AuthzenEvaluation;
}

/** A candidate of a search, and the access that it is about. */
export interface Candidate {
  readonly name: string;
  readonly evaluation: AuthzenEvaluation;
  readonly target: Target;
}
