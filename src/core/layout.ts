import { LayoutError } from './errors.js';

/*
 * A layout is everything that is stored: the fields of rows, the kinds, the types of entries, and how each store keeps them. Two
 * numbers lie beside the data, so that a fleet of two versions can share them during an upgrade: `docs/guides/upgrades.md`.
 */

/**
 * The layout that this version of the package writes: the highest one that a mark of `records/` or an expansion names. It is a literal,
 * because the stores compare it and contain no table.
 */
export const LAYOUT = 1;

/** The two numbers beside the data. A process may use the data if its {@link LAYOUT} lies between them. */
export interface StoredLayout {
  /** The newest layout for which the store has tables and columns. `migrate()` raises it. */
  readonly version: number;
  /** The oldest layout whose processes may use the data. Only the contract raises it, and nothing lowers it. */
  readonly readableFrom: number;
}

/** Refuses data that this process may not use. @throws LayoutError */
export function refuseLayout({ version, readableFrom }: StoredLayout): void {
  if (LAYOUT < readableFrom || LAYOUT > version) throw new LayoutError(version, readableFrom, LAYOUT);
}

/**
 * Refuses a change while a process that cannot read it may use the data.
 *
 * @param needed the `needs` of the change
 * @throws LayoutError
 */
export function refuseUnreadable({ version, readableFrom }: StoredLayout, needed: number | undefined): void {
  if (needed !== undefined && needed > readableFrom) throw new LayoutError(version, readableFrom, needed);
}
