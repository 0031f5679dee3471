import { agentOf, RUN_MARK } from '../../records/index.js';
import type { RuleLimits, RuleCore } from './compile.js';
import { listOf, type Groups } from './question.js';
import { isLike, isLikeRuns, isWithin, mayBeBoth, speaksAlone, type Selector } from './selectors.js';

const isNobody = (selectors: readonly Selector[], groups: Groups): boolean =>
  selectors.every((one) => one.kind === 'group' && listOf(groups, one.group)?.size === 0);

export const isForNobody = ({ subjects }: RuleCore, groups: Groups): boolean => subjects !== undefined && isNobody(subjects, groups);

export const nobodyMayAsk = ({ requesters }: RuleLimits, groups: Groups): boolean => isNobody(requesters, groups);

/** Whether every person that `inner` matches is also matched by `outer`, according to the lists alone. */
export function includes(outer: readonly Selector[] | undefined, inner: readonly Selector[] | undefined, groups: Groups): boolean {
  if (outer === undefined) return true;
  if (inner === undefined) return false;
  const hasPerson = (person: string) =>
    outer.some((one) => speaksAlone(one, person, false) || (one.kind === 'group' && listOf(groups, one.group)?.has(person) === true));
  return inner.every((part) => {
    if (part.kind === 'id') return hasPerson(part.id);
    if (part.kind === 'like')
      return outer.some((one) => one.kind === 'like' && isWithin(part, one) && (!isLikeRuns(part) || isLikeRuns(one)));
    if (part.kind === 'self') return false;
    if (outer.some((one) => one.kind === 'group' && one.group === part.group)) return true;
    const list = listOf(groups, part.group);
    return list !== undefined && [...list].every(hasPerson);
  });
}

type Subjects = Pick<RuleCore, 'subjects' | 'runs'>;

/** Whether a person may be a subject of both rules. True if only a live group knows. */
export function mayMeet(a: Subjects, b: Subjects, groups: Groups): boolean {
  if (a.subjects === undefined || b.subjects === undefined) return true;
  return share(a.subjects, b.subjects, groups) || meetThroughAgent(a, b.subjects, groups) || meetThroughAgent(b, a.subjects, groups);
}

const share = (a: readonly Selector[], b: readonly Selector[], groups: Groups): boolean =>
  a.some((one) => b.some((other) => mayShare(one, other, groups) || mayShare(other, one, groups)));

/** A rule that reaches runs matches a run by its agent (L43). So it may share a subject with a rule that names that run. */
function meetThroughAgent({ subjects = [], runs }: Subjects, others: readonly Selector[], groups: Groups): boolean {
  if (!runs) return false;
  const agents = others.flatMap((other) => agentsIn(other, groups)).map((id): Selector => ({ kind: 'id', id }));
  // A `like` with the run mark only in `ends` names no agent, so it may match a run of any agent.
  const isAnyAgent = (other: Selector) => other.kind === 'like' && isLikeRuns(other) && !other.starts.includes(RUN_MARK);
  return share(subjects, agents, groups) || others.some(isAnyAgent);
}

/** The agents of the runs that a selector names. */
function agentsIn(selector: Selector, groups: Groups): readonly string[] {
  if (selector.kind === 'like') return selector.starts.split(RUN_MARK).slice(0, -1);
  const named = selector.kind === 'id' ? [selector.id] : selector.kind === 'group' ? [...(listOf(groups, selector.group) ?? [])] : [];
  return named.flatMap((id) => agentOf(id) ?? []);
}

function mayShare(one: Selector, other: Selector, groups: Groups): boolean {
  if (one.kind === 'id') return other.kind === 'id' ? one.id === other.id : other.kind === 'like' && isLike(other, one.id);
  if (one.kind === 'like') return other.kind === 'like' && mayBeBoth(one, other);
  if (one.kind === 'self') return true;
  const list = listOf(groups, one.group);
  // A live group may contain any person.
  if (list === undefined) return true;
  if (other.kind === 'group' && listOf(groups, other.group) === undefined) return true;
  return [...list].some(
    (person) =>
      (other.kind === 'id' && other.id === person) ||
      (other.kind === 'like' && isLike(other, person)) ||
      (other.kind === 'group' && listOf(groups, other.group)?.has(person) === true),
  );
}
