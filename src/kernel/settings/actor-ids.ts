import { invalid, readActor } from '../../core/parse.js';
import { agentOf, RUN_MARK } from '../../records/index.js';

/** Reads an id that a caller gives. @throws InvalidArgumentError naming the argument */
export type IdParser = (argument: string, id: unknown) => string;

/** Reads an id or the subject of a run. No other id may contain `/run/`, so the engine never mistakes an id for the subject of a run. */
function readActorOrRun(argument: string, given: unknown): string {
  const id = readActor(argument, given);
  if (id.includes(RUN_MARK) && agentOf(id) === undefined) throw invalid(argument, `an id without ${RUN_MARK}, or the subject of a run`, id);
  return id;
}

/** Returns the function that reads ids of subjects and reviewers, and applies the option `canonicalId` to them. */
export function readIdsWith(canonicalId: unknown): IdParser {
  if (canonicalId === undefined) return readActorOrRun;
  const read = canonicalIds(canonicalId, readActor);
  return (argument, given) => {
    const id = readActorOrRun(argument, given);
    // `canonicalId` was applied to each part of a run before the parts were joined. It is never applied to the joined subject.
    return id.includes(RUN_MARK) ? id : read(argument, id);
  };
}

/** @param read checks the id, before and after `canonicalId` */
export function canonicalIds(canonicalId: unknown, read: IdParser): IdParser {
  if (typeof canonicalId !== 'function') throw invalid('canonicalId', 'a function', canonicalId);
  return (argument, given) => {
    const id = read(argument, given);
    const apply = (to: string): string => {
      let canonical: unknown;
      try {
        canonical = (canonicalId as (id: string) => unknown)(to);
      } catch {
        throw invalid(argument, 'an id that canonicalId accepts', to);
      }
      return read(argument, canonical);
    };
    const made = apply(id);
    // A stored id that a caller gives again would otherwise name another subject.
    if (made !== id && apply(made) !== made) throw invalid(argument, 'an id whose canonical form canonicalId keeps', id);
    if (made.includes(RUN_MARK)) throw invalid(argument, `an id without ${RUN_MARK} after canonicalId`, made);
    return made;
  };
}
