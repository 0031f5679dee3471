import { NotReviewerError } from '../../core/errors.js';
import { invalid } from '../../core/parse.js';
import { agentOf, type AccessRequest } from '../../records/index.js';
import { isThenable } from '../../core/thenable.js';

/** Whether an id belongs to an agent: software that chooses its own next steps. Agents request access and never review. */
export type IsAgent = (id: string) => boolean;

const PREFIX = 'agent:';

/** Every run counts as an agent: the option `agents` is not called for the subject of a run. */
export function readAgents(agents: unknown, onError: (error: unknown) => void): IsAgent {
  const isNamed = readPredicate(agents, onError);
  return (id) => agentOf(id) !== undefined || isNamed(id);
}

/** Fails closed: if the option throws or returns no boolean, the error goes to `onError` and the id counts as an agent. */
function readPredicate(agents: unknown, onError: (error: unknown) => void): IsAgent {
  if (agents === undefined) return (id) => id.startsWith(PREFIX);
  if (typeof agents !== 'function') throw invalid('agents', 'a function', agents);
  return (id) => {
    try {
      const answer: unknown = (agents as (id: string) => unknown)(id);
      if (typeof answer === 'boolean') return answer;
      // Reports a rejection as well, which would otherwise be unhandled.
      if (isThenable(answer)) void answer.then(undefined, onError);
      throw new TypeError('agents must answer true or false');
    } catch (error) {
      onError(error);
      return true;
    }
  };
}

/** Every review calls this first, before another error can disclose anything about the request. @throws NotReviewerError */
export function refuseAgent(isAgent: IsAgent, request: Pick<AccessRequest, 'id'>, reviewer: string): void {
  if (isAgent(reviewer)) throw new NotReviewerError(request.id, reviewer, 'is_agent');
}
