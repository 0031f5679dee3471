import { invalid, readList } from '../../core/parse.js';
import { readPattern } from '../../core/scope.js';
import { within } from '../../core/time.js';
import type { Kernel } from '../../kernel/kernel.js';
import { isObject } from '../../records/index.js';
import type { HeldOutside, ParsedTarget } from './options.js';

/** The most pairs that `read` of a target may return. */
const MAX_PAIRS = 100_000;

/**
 * Asks a target for the access that its external system gives, within the target's time limit.
 *
 * @returns `undefined`: the target has no `read`
 * @throws the error of `read`; InvalidArgumentError where its answer is malformed
 */
export async function readOutside(
  { clock, settings }: Kernel,
  { read, name, timeoutMs }: Pick<ParsedTarget, 'read' | 'name' | 'timeoutMs'>,
): Promise<readonly HeldOutside[] | undefined> {
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
  return list.map((pair, i) => {
    const { subject, scope } = (isObject(pair) ? pair : {}) as Partial<Record<keyof HeldOutside, unknown>>;
    return {
      subject: settings.readId(`target.read(...)[${i}].subject`, subject),
      scope: readPattern(`target.read(...)[${i}].scope`, scope),
    };
  });
}
