import { NONE } from '../../records/frozen.js';
import { invalid, readList, refuseInstance } from '../../core/parse.js';
import { patternScopes, readPattern } from '../../core/scope.js';
import { isThenable } from '../../core/thenable.js';

/**
 * The access that a subject has without a grant: patterns by subject, or a synchronous function that returns a subject's patterns.
 * It is configuration, not part of the history.
 */
export type Standing = Readonly<Record<string, readonly string[]>> | ((subject: string) => readonly string[]);

/**
 * Returns a function that gives the patterns of a subject. If the option is a function and throws or returns no patterns, the error
 * is reported and the subject has none.
 *
 * @throws InvalidArgumentError for an option that is neither a function nor a plain object with lists of patterns
 */
export function readStanding(
  standing: unknown,
  readId: (argument: string, id: unknown) => string,
  onError: (error: unknown) => void,
): (subject: string) => readonly string[] {
  if (standing === undefined) return () => NONE;
  if (typeof standing === 'function') {
    return (subject) => {
      try {
        const answer: unknown = (standing as (subject: string) => unknown)(subject);
        // Reports a rejection as well, which would otherwise be unhandled.
        if (isThenable(answer)) void answer.then(undefined, onError);
        return readPatterns('standing(subject)', answer);
      } catch (error) {
        onError(error);
        return [];
      }
    };
  }
  if (typeof standing !== 'object' || standing === null || Array.isArray(standing)) {
    throw invalid('standing', 'patterns by subject, or a function of the subject', standing);
  }
  refuseInstance('standing', standing);
  const bySubject = new Map(
    Object.entries(standing).map(([subject, patterns]) => {
      const argument = `standing[${JSON.stringify(subject)}]`;
      return [readId(argument, subject), readPatterns(argument, patterns)];
    }),
  );
  return (subject) => bySubject.get(subject) ?? NONE;
}

function readPatterns(argument: string, patterns: unknown): readonly string[] {
  return Object.freeze(readList(argument, patterns).map((pattern, i) => readPattern(`${argument}[${i}]`, pattern)));
}

/** The first pattern that covers the scope. Always matched as patterns, whichever matcher the engine has. */
export function standingFor(patterns: readonly string[], scope: string): string | undefined {
  return patterns.length === 0 ? undefined : patterns.find((pattern) => patternScopes.covers(pattern, scope));
}
