import { invalid } from '../core/parse.js';
import type { ApproverContext } from '../core/ports.js';
import { RUN_MARK } from '../records/index.js';

/** An id that an approver was given, in the form in which the engine knows it. */
export type Canonical = (argument: string, id: string) => string;

/**
 * What an approver makes of its own ids, in the form of the engine that asks: made once for each `canonicalId`, since one
 * approver may serve engines with different ones.
 *
 * @throws InvalidArgumentError, from what is returned, where `canonicalId` refuses one of the ids
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
        // The parts of a run had their canonical form before they were put together; the whole has none.
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
