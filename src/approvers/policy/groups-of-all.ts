import { askBounded, askForAll } from '../../core/ask-bounded.js';
import type { AccessRequest } from '../../records/index.js';
import type { Groups } from './question.js';
import { quorumGroups } from './rights.js';
import type { LiveGroup } from './types.js';

/** Whether a group of code answers for many requests together. */
export const hasTogether = (groups: Groups): boolean =>
  [...groups.values()].some((group) => 'live' in group && group.live.isMemberForAll !== undefined);

/**
 * The groups of the frozen quorums in which a person is now, for many requests. A group with `isMemberForAll` is asked once. Of the
 * others, at most 32 questions are open at a time.
 *
 * @returns a promise for each request
 */
export function groupsOfAll(groups: Groups, person: string, requests: readonly AccessRequest[]): readonly Promise<readonly string[]>[] {
  const needed = new Map<string, AccessRequest[]>();
  for (const request of requests) {
    for (const name of quorumGroups(request)) needed.set(name, [...(needed.get(name) ?? []), request]);
  }
  const memberships = new Map(
    [...needed].map(([name, of]) => {
      const answers = membershipsIn(groups, name, person, Object.freeze(of));
      return [name, new Map(of.map((request, i) => [request, answers[i]]))] as const;
    }),
  );
  const answers = requests.map(async (request) => {
    const names = quorumGroups(request);
    const isIn = await Promise.all(names.map((name) => memberships.get(name)?.get(request) as Promise<boolean>));
    return Object.freeze(names.filter((_, i) => isIn[i] === true));
  });
  // The engine may read an answer only after others, so its rejection must not count as unhandled until then.
  for (const answer of answers) answer.catch(() => undefined);
  return answers;
}

/** Whether a person is in a group, for many requests. */
export function membershipsIn(
  groups: Groups,
  name: string,
  person: string,
  requests: readonly AccessRequest[],
): readonly Promise<boolean>[] {
  const group = groups.get(name);
  if (group === undefined) return requests.map(() => Promise.resolve(false));
  if ('list' in group) return requests.map(() => Promise.resolve(group.list.has(person)));
  const { live } = group;
  const asked: readonly Promise<unknown>[] =
    live.isMemberForAll === undefined
      ? askBounded(requests, (request) => live.isMember(person, request))
      : askForAll(requests.length, () => live.isMemberForAll?.(person, requests) ?? []);
  const method: keyof LiveGroup = live.isMemberForAll === undefined ? 'isMember' : 'isMemberForAll';
  return asked.map(async (answer) => {
    const isIn = await answer;
    if (typeof isIn !== 'boolean') throw new TypeError(`${method} of group ${name} must return true or false for each request`);
    return isIn;
  });
}
