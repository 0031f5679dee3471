import { NotReviewerError } from '../core/errors.js';
import { invalid } from '../core/parse.js';
import { agentOf, type AccessRequest } from '../records/index.js';
import { isThenable } from '../core/time.js';

/** Whether an id is that of an agent: software that decides for itself what to do next. Agents ask, and never review. */
export type IsAgent = (id: string) => boolean;

const PREFIX = 'agent:';

/** A run is software, as its agent is: no option is asked about it. */
export function readAgents(agents: unknown, onError: (error: unknown) => void): IsAgent {
  const isNamed = readPredicate(agents, onError);
  return (id) => agentOf(id) !== undefined || isNamed(id);
}

/** A predicate that fails or answers badly has not said that this is a person: it is told, and the id is an agent's. */
function readPredicate(agents: unknown, onError: (error: unknown) => void): IsAgent {
  if (agents === undefined) return (id) => id.startsWith(PREFIX);
  if (typeof agents !== 'function') throw invalid('agents', 'a function', agents);
  return (id) => {
    try {
      const answer: unknown = (agents as (id: string) => unknown)(id);
      if (typeof answer === 'boolean') return answer;
      // Its rejection, if it comes to that, is told like any other failure.
      if (isThenable(answer)) void answer.then(undefined, onError);
      throw new TypeError('agents must answer true or false');
    } catch (error) {
      onError(error);
      return true;
    }
  };
}

/** At the door of every review, before anything else is said about the request. */
export function refuseAgent(isAgent: IsAgent, request: Pick<AccessRequest, 'id'>, reviewer: string): void {
  if (isAgent(reviewer)) throw new NotReviewerError(request.id, reviewer, 'is_agent');
}
