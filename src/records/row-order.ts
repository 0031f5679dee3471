import { StoreError } from '../core/errors.js';
import { invalid } from '../core/parse.js';
import type { Row, RowOrder } from '../core/store-port.js';
import { isInstant } from '../core/instant.js';

/** The reason why a store refuses a change of a row's `createdAt`: it orders the pages of `find`. */
export const CREATED_AT_CHANGED = 'a change must keep the createdAt of each row; nothing was written';

export const createdAtChanged = (): StoreError => new StoreError('commit', CREATED_AT_CHANGED);

/** The greatest number of rows that a page of `find` reads (L42). A page may be short or empty and still have a `next`. */
export const MAX_LOOK = 1_000;

/** A position in an order of `find`: the instant that orders a row, and its id. */
export interface RowPlace {
  /** The instant by which the row is ordered. Epoch milliseconds. */
  readonly at: number;
  /** The id of the row. */
  readonly id: string;
}

/**
 * The position of a row in an order of `find`, as text. A page returns it as `next`, and `after` of a {@link FindQuery} takes it.
 *
 * @param order default: `'oldest'`
 */
export function placeOf({ createdAt, sortAt, id }: Pick<Row, 'createdAt' | 'sortAt' | 'id'>, order: RowOrder = 'oldest'): string {
  return JSON.stringify([order === 'due' ? sortAt : createdAt, id]);
}

/** Parses the text of {@link placeOf}. @throws InvalidArgumentError */
export function readPlace(after: unknown): RowPlace {
  const place = placeIn(after);
  if (place === undefined) throw invalid('after', 'the next of an earlier page', after);
  return place;
}

/** Parses the text of {@link placeOf}. `undefined`: the text is malformed. */
export function placeIn(text: unknown): RowPlace | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const place: unknown = JSON.parse(text);
    const [at, id] = Array.isArray(place) && place.length === 2 ? (place as unknown[]) : [];
    return isInstant(at) && typeof id === 'string' ? { at, id } : undefined;
  } catch {
    return undefined;
  }
}
