import { excessOf } from './change-size.js';
import { MovedError, StoreError } from './errors.js';
import type { ChangeSize, NamespacePart } from './store-port.js';
import type { AuditEntry } from '../model/entry.js';

/** The mark of a namespace whose last part has not arrived yet. */
export const ARRIVING = '';

/** The error of a namespace with a mark: the place to which it has moved, or {@link ARRIVING}. */
export const movedError = (namespace: string, mark: string): MovedError => new MovedError(namespace, mark === ARRIVING ? undefined : mark);

/**
 * Refuses a part of a namespace that is larger than a change, has entries of another namespace, or anchors that contradict each other.
 * A store calls this first.
 *
 * @param max the `maxChange` of the store, if it has one
 * @throws StoreError `ERR_JIT_STORE`; the store must then apply nothing
 */
export function refusePart(namespace: string, { rows, entries, anchors }: NamespacePart, max?: ChangeSize): void {
  const excess = excessOf({ id: '', expect: [], put: rows, append: entries }, max);
  if (excess !== undefined) throw partError(`the part has ${excess.got} ${excess.part}, and at most ${excess.max} are taken`);
  const other = entries.find((entry) => entry.namespace !== namespace);
  if (other !== undefined) throw partError(`entry ${other.seq} is of namespace ${other.namespace}, and not of ${namespace}`);
  if (anchors === undefined) return;
  const { start, head } = anchors;
  if (head.seq < start.seq || (head.seq === start.seq && head.hash !== start.hash)) throw partError(GAP);
}

/** Why a part is refused. */
export const IN_USE = 'the namespace is in use: changes were committed to it';
export const GAP = 'the entries of all parts must follow each other without a gap, and reach from start to head';

/** The refusal of a part, of which nothing was applied. */
export const partError = (problem: string): StoreError => new StoreError('adopt', `${problem}; nothing was applied`);

/** The id of the change that wrote an entry of an engine: the id of the entry without its number. */
export const changeIdOf = ({ id }: Pick<AuditEntry, 'id'>): string => id.slice(0, id.includes('.') ? id.lastIndexOf('.') : undefined);
