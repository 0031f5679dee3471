/*
 * The id under which one run of an agent holds access (L43): `<agent>/run/<operator>/<32 hex digits>`. It is parsed here
 * and made in lifecycle/run.ts. What takes access away reaches a run through its agent, so every such rule asks `agentOf`.
 */
import { invalid } from '../core/parse.js';

const MAX_AGENT = 128;

/** Stands between the agent and the rest. No other id contains it. */
export const RUN_MARK = '/run/';

/** Neither the operator nor the digits hold a `/`, so the last two segments and the mark before them are unambiguous. */
const RUN = /^(.{1,128})\/run\/[\w.@+=-]{1,80}\/[0-9a-f]{32}$/s;

/** The agent of a run; `undefined`: the id is not that of a run. */
export function agentOf(id: string): string | undefined {
  // Most ids are not those of runs, and checks read ids.
  if (!id.includes(RUN_MARK)) return undefined;
  const agent = RUN.exec(id)?.[1];
  return agent === undefined || agent.includes(RUN_MARK) ? undefined : agent;
}

/** Whether what takes access away from `id` takes it away from `subject`: they are the same, or `subject` is a run of that agent. */
export const isReachedBy = (subject: string | undefined, id: string): boolean =>
  subject === id || (subject !== undefined && agentOf(subject) === id);

/** @throws InvalidArgumentError where the id cannot be that of an agent with runs */
export function readAgent(argument: string, agent: string): string {
  if (agent.length > MAX_AGENT || agent.includes(RUN_MARK)) {
    throw invalid(argument, `an agent's id: at most ${MAX_AGENT} characters, without ${RUN_MARK}`, agent);
  }
  return agent;
}
