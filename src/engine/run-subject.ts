import { readActor, readId } from '../core/parse.js';
import { kernelOf } from '../kernel/kernel-of.js';
import { readRun, subjectOfRun, type AgentRun } from '../lifecycle/run.js';
import type { JitEngine } from './engine.js';

/**
 * The subject under which one run of an agent holds access: `<agent>/run/<operator>/<digits>`. Two runs that differ in
 * agent, operator or job have different subjects, so access lent to one is not valid for the other. Pass it to checks.
 * `requestAccess` takes the run itself.
 *
 * `digits` are the first 32 hex digits of SHA-256 over the RFC 8785 form of `[agent, operator, job]`, `null` if one is
 * absent. `operator` is for people: at most 80 UTF-16 units, each unit outside `[A-Za-z0-9_.@+=-]` replaced by `_`, and
 * `-` if the run has no operator.
 *
 * Gotcha: an engine with the option `canonicalId` must be given. Without it, the result may not be the subject that holds the access.
 *
 * @param engine applies its option `canonicalId` to the parts of the run. Default: none, the parts are used as they are
 * @returns at most 246 UTF-16 units
 * @throws InvalidArgumentError, also if the option `agents` of the engine does not name the agent; ClosedError
 * @example
 * runSubject({ agent: 'agent:support-7', operator: 'user:ann', job: 'ticket-4711' }); // 'agent:support-7/run/user_ann/...'
 */
export function runSubject(run: AgentRun, engine?: JitEngine): string {
  if (engine === undefined) return subjectOfRun(readRun('run', run, readActor, readId));
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  return subjectOfRun(kernel.settings.readRun('run', run));
}
