import { invalid, readActor } from '../core/parse.js';
import { agentOf, RUN_MARK } from '../records/index.js';

/** Reads an id that a caller gives. @throws InvalidArgumentError naming the argument */
export type IdParser = (argument: string, id: unknown) => string;

/** An id, or the subject of a run: `/run/` stands in no other id, so none is taken for that of a run. */
function readActorOrRun(argument: string, given: unknown): string {
  const id = readActor(argument, given);
  if (id.includes(RUN_MARK) && agentOf(id) === undefined) throw invalid(argument, `an id without ${RUN_MARK}, or the subject of a run`, id);
  return id;
}

/** Reads ids of subjects and reviewers, in the form that the option `canonicalId` gives them. */
export function readIdsWith(canonicalId: unknown): IdParser {
  if (canonicalId === undefined) return readActorOrRun;
  const read = canonicalIds(canonicalId, readActor);
  return (argument, given) => {
    const id = readActorOrRun(argument, given);
    // The parts of a run had their canonical form before they were put together; the whole has none.
    return id.includes(RUN_MARK) ? id : read(argument, id);
  };
}

/** @param read checks the id, before and after `canonicalId` */
export function canonicalIds(canonicalId: unknown, read: IdParser): IdParser {
  if (typeof canonicalId !== 'function') throw invalid('canonicalId', 'a function', canonicalId);
  return (argument, given) => {
    const id = read(argument, given);
    let canonical: unknown;
    try {
      canonical = (canonicalId as (id: string) => unknown)(id);
    } catch {
      throw invalid(argument, 'an id that canonicalId accepts', id);
    }
    const made = read(argument, canonical);
    if (made.includes(RUN_MARK)) throw invalid(argument, `an id of which canonicalId makes none with ${RUN_MARK}`, made);
    return made;
  };
}
