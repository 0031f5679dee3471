import type { HolderLimit } from '../../records/index.js';
import type { Compiled, Giving } from './compile.js';
import { allOverlapping, coversScope, isAboutPart, isInTime, type Holding } from './matching.js';
import { mayInclude } from './selectors.js';
import type { Question } from './question.js';

/** The limits on holders of the rules that apply, each with the requested scopes that its rule gives. `undefined`: none. */
export function holderLimits({ deciding, holding }: Holding<Giving>, { reach }: Question): readonly HolderLimit[] | undefined {
  return listOf(
    holding.map((rule) => {
      const given = deciding.filter((one) => one.rule === rule || (one.rule !== undefined && isAboutPart(rule, one.scope, reach)));
      return [rule, given.map(({ scope }) => scope.text)] as const;
    }),
  );
}

/**
 * The limits on holders that count break-glass access: those of the rules that would decide the scopes otherwise. It asks no live
 * group, because a directory that is down must not delay break-glass. If only a live group knows whether a rule applies, the
 * access counts under the rule.
 */
export async function countedHolders({ giving, groups }: Compiled, question: Question): Promise<readonly HolderLimit[] | undefined> {
  const { request, scopes, reach } = question;
  const counted = new Map<Giving, string[]>();
  for (const scope of scopes) {
    for (const rule of await allOverlapping(giving, scope, question)) {
      const isFor = mayInclude(rule.subjects, request.subject, rule.runs, groups);
      if (isFor === false || !isInTime(rule, question)) continue;
      counted.set(rule, [...(counted.get(rule) ?? []), scope.text]);
      if (isFor === true && !scope.isWide && coversScope(rule, scope, reach)) break;
    }
  }
  return listOf([...counted])?.slice(0, MAX_COUNTED);
}

/** Under how many rules break-glass access counts: a verdict names no more, and must not be malformed in an emergency. */
const MAX_COUNTED = 50;

function listOf(rules: readonly (readonly [Giving, readonly string[]])[]): readonly HolderLimit[] | undefined {
  const limits = rules.flatMap(([{ id, maxHolders }, scopes]) =>
    maxHolders === undefined || scopes.length === 0 ? [] : [Object.freeze({ rule: id, max: maxHolders, scopes: Object.freeze(scopes) })],
  );
  return limits.length === 0 ? undefined : Object.freeze(limits);
}
