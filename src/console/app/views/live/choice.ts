import { useState } from 'preact/hooks';
import type { GrantWithStatus } from '../../../../index.js';

/** What the viewer has chosen from the rows that are shown. */
export interface Choice {
  /** What of it is open now. */
  readonly open: readonly GrantWithStatus[];
  /** What of it has ended since. */
  readonly ended: readonly GrantWithStatus[];
  readonly has: (id: string) => boolean;
  readonly choose: (grants: readonly GrantWithStatus[], isChosen: boolean) => void;
  readonly clear: () => void;
}

/**
 * @param open the grants that are open now
 * @param dropped the ids of those that the viewer has ended
 */
export function useChoice(open: readonly GrantWithStatus[], dropped: ReadonlySet<string>): Choice {
  const [chosen, setChosen] = useState<ReadonlyMap<string, GrantWithStatus>>(new Map());
  const isOpen = new Set(open.map(({ id }) => id));
  const left = open.filter(({ id }) => chosen.has(id));
  return {
    open: left,
    ended: [...chosen.values()].filter(({ id }) => !isOpen.has(id) && !dropped.has(id)),
    has: (id) => chosen.has(id),
    choose(grants, isChosen) {
      // What has ended is named as long as something beside it is chosen.
      const next = new Map(left.length > 0 ? chosen : []);
      for (const grant of grants) {
        if (isChosen) next.set(grant.id, grant);
        else next.delete(grant.id);
      }
      setChosen(next);
    },
    clear: () => setChosen(new Map()),
  };
}
