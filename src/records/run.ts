/*
 * The id under which a run of an agent holds access (L43): `<agent>/run/<operator>/<32 hex digits>`. This module parses it and
 * lifecycle/run.ts makes it. Every rule that ends or denies access for an agent must also reach its runs, by `agentOf`.
 */
import { invalid, isActor, isPlainActor } from '../core/parse.js';

const MAX_AGENT = 128;

/** Separates the agent from the rest of a run's id. The engine refuses any other id that contains it. */
export const RUN_MARK = '/run/';

/** Neither the operator nor the digits contain a `/`, so the last two segments and the mark before them are unambiguous. */
const RUN = /^(.{1,128})\/run\/[\w.@+=-]{1,80}\/[0-9a-f]{32}$/s;

/** The agent of a run; `undefined`: the id is not that of a run. */
export function agentOf(id: string): string | undefined {
  // A fast test first: most ids are not those of runs, and each check reads an id.
  if (!id.includes(RUN_MARK)) return undefined;
  const agent = RUN.exec(id)?.[1];
  return agent === undefined || agent.includes(RUN_MARK) ? undefined : agent;
}

/** Whether a check accepts the value as a subject, apart from `canonicalId`. */
export const isSubject = (value: unknown): value is string =>
  isPlainActor(value) || (isActor(value) && (!(value as string).includes(RUN_MARK) || agentOf(value as string) !== undefined));

/** Whether an end of the access of `id` also reaches `subject`: they are equal, or `subject` is a run of the agent `id`. */
export const isReachedBy = (subject: string | undefined, id: string): boolean =>
  subject === id || (subject !== undefined && agentOf(subject) === id);

/** @throws InvalidArgumentError if the id cannot be that of an agent with runs */
export function readAgent(argument: string, agent: string): string {
  if (agent.length > MAX_AGENT || agent.includes(RUN_MARK)) {
    throw invalid(argument, `an agent's id: at most ${MAX_AGENT} characters, without ${RUN_MARK}`, agent);
  }
  return agent;
}
