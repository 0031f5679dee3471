import type { AskProblem } from '../../core/ask-problem.js';
import { MAX_PROBLEMS } from '../../core/ask-problems.js';

/**
 * Shortens a list of problems to the number that an engine accepts: a pattern may concern any number of rules. It keeps the
 * strictest bound of each kind, so that a value which meets the kept bounds meets all of them. Only different forms of a ticket may be
 * more than that, and no ticket meets two forms of a different length.
 */
export function combinedProblems(problems: readonly AskProblem[]): readonly AskProblem[] {
  if (problems.length <= MAX_PROBLEMS) return Object.freeze(problems);
  const kept = new Map<string, AskProblem>();
  for (const problem of problems) {
    const { field, code, limit } = problem;
    const key = JSON.stringify([field, code, typeof limit === 'string' ? limit : null]);
    const other = kept.get(key);
    if (other === undefined || isStricter(problem, other)) kept.set(key, problem);
  }
  return Object.freeze([...kept.values()].slice(0, MAX_PROBLEMS));
}

function isStricter({ field, code, limit }: AskProblem, { limit: other }: AskProblem): boolean {
  if (typeof limit !== 'number' || typeof other !== 'number') return false;
  const isLowerBound = code === 'too_short' || (code === 'outside_hours' && field === 'startsAt');
  return isLowerBound ? limit > other : limit < other;
}
