import { messageOf } from '../../core/errors.js';
import { invalid, readList } from '../../core/parse.js';
import { readPattern } from '../../core/scope.js';
import { within } from '../../core/timers.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { HeldOutside, ParsedTarget } from './options.js';

/** The most pairs that `read` of a target may return. */
const MAX_PAIRS = 100_000;
/** How many malformed pairs are named: a person who repairs the first hundred repairs the others too. */
const MAX_UNREADABLE = 100;

/** The answer of `read`. One malformed pair, such as a hand-made account, must not hide the drift of all others. */
interface Outside {
  readonly pairs: readonly HeldOutside[];
  readonly unreadable: readonly string[];
}

/**
 * Asks a target for the access that its external system gives, within the target's time limit.
 *
 * @returns `undefined`: the target has no `read`
 * @throws the error of `read`; InvalidArgumentError if its answer is not a list, or too long
 */
export async function readPairs(
  { clock, settings }: Kernel,
  { read, name, timeoutMs }: Pick<ParsedTarget, 'read' | 'name' | 'timeoutMs'>,
): Promise<Outside | undefined> {
  if (read === undefined) return undefined;
  const timedOut = new AbortController();
  const late = (): Error => {
    const error = new Error(`read of target ${name} did not settle within ${timeoutMs} ms`);
    timedOut.abort(error);
    return error;
  };
  const answer = await within(clock.source, timeoutMs, () => Promise.resolve().then(() => read({ signal: timedOut.signal })), late);
  const list = readList('target.read(...)', answer);
  if (list.length > MAX_PAIRS) throw invalid('target.read(...)', `a list of at most ${MAX_PAIRS} pairs`, list.length);
  const unreadable: string[] = [];
  const pairs = list.flatMap((pair, i): readonly HeldOutside[] => {
    const { subject, scope } = Object(pair) as Partial<Record<keyof HeldOutside, unknown>>;
    const name = `target.read(...)[${i}].`;
    try {
      return [{ subject: settings.readId(`${name}subject`, subject), scope: readPattern(`${name}scope`, scope) }];
    } catch (error) {
      unreadable.push(messageOf(error));
      return [];
    }
  });
  return { pairs, unreadable: unreadable.slice(0, MAX_UNREADABLE) };
}
