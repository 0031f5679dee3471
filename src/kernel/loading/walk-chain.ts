import type { GrantUse } from '../../lifecycle/status.js';
import type { Grant } from '../../records/index.js';

/** See {@link walkChain}. */
export interface Walked {
  /** The successors that were found and are readable, each once, nearest first. */
  readonly successors: readonly GrantUse[];
  /** The ids of the first grants and of all successors that were named on the way, readable or not. */
  readonly ids: ReadonlySet<string>;
}

/**
 * Walks an extension chain forward from some of its grants: to their successors, to the successors of these, and so on.
 * Rows that name each other in a circle are read once.
 *
 * @param read reads the grants with these ids, once for each round, and omits unreadable ones
 */
export async function walkChain(first: readonly Grant[], read: (ids: readonly string[]) => Promise<readonly GrantUse[]>): Promise<Walked> {
  const ids = new Set(first.map(({ id }) => id));
  const successors: GrantUse[] = [];
  for (let next = namedBy(first, ids); next.length > 0;) {
    const found = await read(next);
    successors.push(...found);
    next = namedBy(
      found.map(({ grant }) => grant),
      ids,
    );
  }
  return { successors, ids };
}

/**
 * Walks extension chains backward, from some of their grants to the first ones. It stops at a grant that is missing or unreadable,
 * and at a circle.
 *
 * @param read reads the grants with these ids, once for each round, and omits those that are missing or unreadable
 * @returns the grants on the way by id, the named ones included
 */
export async function walkToFirst(
  ids: readonly string[],
  read: (ids: readonly string[]) => Promise<readonly Grant[]>,
): Promise<ReadonlyMap<string, Grant>> {
  const found = new Map<string, Grant>();
  const asked = new Set<string>();
  for (let next = ids; next.length > 0;) {
    for (const id of next) asked.add(id);
    const grants = await read(next);
    for (const grant of grants) found.set(grant.id, grant);
    next = [...new Set(grants.flatMap(({ extends: origin }) => (origin === undefined || asked.has(origin) ? [] : origin)))];
  }
  return found;
}

/**
 * The ids of the grants in one chain: those that a grant extends, directly or through others, and all that extend any of these.
 *
 * @param grants the grants that were found on the way, also those of other chains
 * @returns empty if the grant was not found
 */
export function idsOfChain(id: string, grants: ReadonlyMap<string, Grant>): ReadonlySet<string> {
  const path = new Set<string>();
  for (let next: string | undefined = id; next !== undefined && grants.has(next) && !path.has(next);) {
    path.add(next);
    next = grants.get(next)?.extends;
  }
  return withSuccessors(path, grants);
}

/** The ids, and those of all grants that extend one of them, directly or through others. */
export function withSuccessors(ids: Iterable<string>, grants: ReadonlyMap<string, Grant>): ReadonlySet<string> {
  const all = new Set(ids);
  // A set that grows while it is walked also yields the new members.
  for (const id of all) for (const { grantId } of grants.get(id)?.successors ?? []) all.add(grantId);
  return all;
}

/** Returns the ids of successors that are not in `ids` yet, each once, and adds them to `ids`. */
function namedBy(grants: readonly Grant[], ids: Set<string>): readonly string[] {
  const named: string[] = [];
  for (const { successors } of grants) {
    for (const { grantId } of successors) {
      if (ids.has(grantId)) continue;
      ids.add(grantId);
      named.push(grantId);
    }
  }
  return named;
}
