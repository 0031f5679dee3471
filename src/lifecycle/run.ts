import { invalid, readActor, readId, readOptions } from '../core/parse.js';
import { digestOf } from '../journal/link.js';
import { readAgent, RUN_MARK } from '../records/index.js';

/** One run of an agent: on behalf of one operator, for one job, or both. */
export interface AgentRun {
  /** The agent's own id: at most 128 UTF-16 units, without `/run/`. */
  readonly agent: string;
  /** The id of the person or service that the agent works for. Default: none; then `job` is required. */
  readonly operator?: string | undefined;
  /** The id of the conversation, ticket or task. Default: none; then `operator` is required. */
  readonly job?: string | undefined;
}

const MAX_OPERATOR = 80;
const DIGITS = 32;

/**
 * The subject under which one run of an agent holds access: `<agent>/run/<operator>/<digits>`. Two runs that differ in
 * agent, operator or job have different subjects (L43), so access lent to one is not valid for the other.
 *
 * `digits` are the first 32 hex digits of SHA-256 over the RFC 8785 form of `[agent, operator, job]`, `null` where one is
 * absent. `operator` is for people: at most 80 UTF-16 units, each unit outside `[A-Za-z0-9_.@+=-]` replaced by `_`, and
 * `-` where the run has no operator.
 *
 * Gotcha: this function applies no `canonicalId`. Where the engine has that option, use {@link JitEngine.runSubject}. Otherwise
 * the result may not be the subject that holds the access.
 *
 * @returns at most 246 UTF-16 units
 * @throws InvalidArgumentError
 * @example
 * runSubject({ agent: 'agent:support-7', operator: 'user:ann', job: 'ticket-4711' }); // 'agent:support-7/run/user_ann/...'
 */
export function runSubject(run: AgentRun): string {
  const { agent, operator, job } = readRun('run', run, readActor, readId);
  // Digests a list, not a joined text, so that no two runs share an encoding (L24).
  const digits = digestOf([agent, operator ?? null, job ?? null]).slice(0, DIGITS);
  return `${agent}${RUN_MARK}${operator === undefined ? '-' : readable(operator)}/${digits}`;
}

type IdParser = (argument: string, id: unknown) => string;

/** Validates the parts of a run. @param readPerson reads the ids of agent and operator, @param readJob that of the job */
export function readRun(argument: string, given: unknown, readPerson: IdParser, readJob: IdParser): AgentRun {
  const read = readOptions<keyof AgentRun>(argument, given, ['agent', 'operator', 'job']);
  const agent = readAgent(`${argument}.agent`, readPerson(`${argument}.agent`, read.agent));
  const operator = read.operator === undefined ? undefined : readPerson(`${argument}.operator`, read.operator);
  const job = read.job === undefined ? undefined : readJob(`${argument}.job`, read.job);
  // A run without operator and job would have the same subject for every operator.
  if (operator === undefined && job === undefined) throw invalid(`${argument}.operator`, 'given, or job', undefined);
  return { agent, operator, job };
}

/** The operator's id for readers. It is cut at a code point, so that no half of a surrogate pair remains. */
function readable(operator: string): string {
  let text = '';
  for (const char of operator) {
    if (text.length + char.length > MAX_OPERATOR) break;
    text += char;
  }
  return text.replace(/[^\w.@+=-]/g, '_');
}
