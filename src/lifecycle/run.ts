import { invalid, readOptions } from '../core/parse.js';
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

/** The subject of a run whose parts are checked. Two runs that differ in a part have different subjects (L43). */
export function subjectOfRun({ agent, operator, job }: AgentRun): string {
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
