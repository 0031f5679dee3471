import type { GrantUse } from '../lifecycle/status.js';
import type { Grant } from '../records/index.js';

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
 * Walks an extension chain backward, from one of its grants to the first. It stops at a grant that is missing or unreadable, and
 * at a circle.
 *
 * @param read reads the grant with this id; `undefined`: it is missing or unreadable
 * @returns the grants on the way, the named one included
 */
export async function walkToFirst(id: string, read: (id: string) => Promise<Grant | undefined>): Promise<readonly Grant[]> {
  const found = new Map<string, Grant>();
  for (let next: string | undefined = id; next !== undefined && !found.has(next);) {
    const grant: Grant | undefined = await read(next);
    if (grant !== undefined) found.set(next, grant);
    next = grant?.extends;
  }
  return [...found.values()];
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
