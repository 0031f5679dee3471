import { invalid } from '../core/parse.js';
import type { ApproverContext } from '../core/approver-port.js';
import { RUN_MARK } from '../records/index.js';

/** Brings an id of an approver's options into the canonical form of the engine. */
export type Canonical = (argument: string, id: string) => string;

/**
 * Caches a value that an approver derives from its own ids, in the canonical form of the engine that asks. It derives the value
 * once for each `canonicalId`, because an approver may serve engines with different ones.
 *
 * @returns a function that throws InvalidArgumentError if `canonicalId` refuses one of the ids
 */
export function byCanonicalId<T>(
  make: (canonical: Canonical, canonicalId: ApproverContext['canonicalId']) => T,
): (context?: Pick<ApproverContext, 'canonicalId'>) => T {
  const made = new WeakMap<(id: string) => string, T>();
  let plain: T | undefined;
  return (context) => {
    const canonicalId = context?.canonicalId;
    if (canonicalId === undefined) return (plain ??= make((_, id) => id, undefined));
    let known = made.get(canonicalId);
    if (known === undefined) {
      const canonical: Canonical = (argument, id) => {
        // The engine canonicalizes the parts of a run's id before it joins them, and never the whole id.
        if (id.includes(RUN_MARK)) return id;
        try {
          return canonicalId(id);
        } catch {
          throw invalid(argument, 'an id that canonicalId accepts', id);
        }
      };
      made.set(canonicalId, (known = make(canonical, canonicalId)));
    }
    return known;
  };
}
