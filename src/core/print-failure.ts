import { systemClock } from './clock.js';
import { isJitError, messageOf } from './errors.js';

/** How long a kind of failure is not printed again. Milliseconds. */
const EVERY_MS = 60_000;
/** The most lines of one part in that time, so that none silences another: a driver may have a code for each of its errors. */
const MAX_OF_PART = 10;
/** The most kinds that are remembered, of all parts. */
const MAX_KINDS = 500;

/** When a line was printed, by the kind of its failure. */
let kinds: Map<string, number> | undefined;
/** The kind under which each error was first reported: several parts may report one error. It counts for the time of that line. */
let errors: WeakMap<object, string> | undefined;

/** A failure whose message is a text of this package alone, so that it may be printed. */
export class OwnFailure extends Error {}

/**
 * The default of each `onError`: prints one line to the console of the runtime, at most one for each kind of failure and minute. The
 * line contains no text of a caller, and no message of other code, which may contain a secret. Never throws.
 *
 * @param part the part that reports the failure
 */
export function printFailure(part: string, error: unknown, during?: string): void {
  const isOwn = tried(() => error instanceof OwnFailure) ?? false;
  const code = isOwn ? '' : `: ${codeOf(error)}`;
  const cause = tried(() => (error as Error).cause);
  const kind = `${part}${during === undefined ? '' : ` (${during})`}${code}${cause === undefined ? '' : ` caused by ${codeOf(cause)}`}`;
  errors ??= new WeakMap();
  const first = errors.get(error as object) ?? kind;
  if (first !== kind && Math.abs(systemClock.now() - (kinds?.get(first) ?? 0)) < EVERY_MS) return;
  if (Object(error) === error) errors.set(error as object, kind);
  printLine(kind, isOwn || (isJitError(error) && /_(?:CLOCK|LAYOUT|ROLLBACK)$/.test(code)) ? `: ${messageOf(error)}` : '');
}

/** Prints a line unless one of its kind was printed in the last minute. Never throws. @param kind a part, a colon, and its failure */
export function printLine(kind: string, message = ''): void {
  tried(() => {
    const now = systemClock.now();
    kinds ??= new Map();
    let lines = 0;
    for (const [old, at] of kinds) {
      // Also ends a wait that a step back of the clock would make longer.
      if (!(Math.abs(now - at) < EVERY_MS)) kinds.delete(old);
      else if (old.startsWith(kind.replace(/:.*/s, ':'))) lines++;
    }
    if (kinds.has(kind) || lines === MAX_OF_PART || kinds.size === MAX_KINDS) return;
    kinds.set(kind, now);
    globalThis.console.error(
      `jit-access ${kind}${message.replace(/\.$/, '')}. Set onError to log the whole error.`.replace(/[^ -~]/g, '?'),
    );
  });
}

/** The code or the name of an error. Its message may contain data that belongs neither in a log nor in the journal (L29). */
export const codeOf = (error: unknown): string =>
  tried(() => {
    const { code, name } = Object(error) as { code?: unknown; name?: unknown };
    return [code, name].find((text): text is string => typeof text === 'string' && /^[\w.:-]{1,64}$/.test(text));
  }) ?? 'Error';

/** `undefined`: the error is unreadable, the runtime has no console, or its console fails. */
function tried<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
