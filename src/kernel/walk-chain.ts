import type { GrantUse } from '../lifecycle/status.js';
import type { Grant } from '../records/index.js';

/** See {@link walkChain}. */
export interface Walked {
  /** Those that were found and can be read, each once, the nearer before the farther. */
  readonly successors: readonly GrantUse[];
  /** The ids of the first grants and of all that were named on the way, readable or not. */
  readonly ids: ReadonlySet<string>;
}

/**
 * Walks an extension chain from some of its grants to its ends: the grants that extend these, those that extend them, and so on.
 * Rows that name each other in a circle are read once.
 *
 * @param read the grants with these ids, asked for all of a round together; it leaves out those that can not be read
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
 * Walks an extension chain the other way, from one of its grants to its first: the grant that this one extends, the grant that
 * that one extends, and so on. It stops where a grant is missing or can not be read, and at a circle.
 *
 * @param read the grant with this id; `undefined` where it is missing or can not be read
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

/** The successors that are not in `ids` yet, each once; afterwards they are. */
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
