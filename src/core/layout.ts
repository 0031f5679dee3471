import { LayoutError } from './errors.js';

/*
 * A layout is everything that is stored: the fields of rows, the kinds, the types of entries, and how each store keeps them. Two
 * numbers lie beside the data, so that a fleet of two versions can share them during an upgrade: `docs/guides/upgrades.md`.
 */

/** The layout that this version of the package writes. Increment it for each change of what is stored. */
export const LAYOUT = 1;

/** The two numbers beside the data. A process may use the data if its {@link LAYOUT} lies between them. */
export interface StoredLayout {
  /** The newest layout for which the store has tables and columns. `migrate()` raises it. */
  readonly version: number;
  /** The oldest layout whose processes may use the data. Only the contract raises it, and nothing lowers it. */
  readonly readableFrom: number;
}

/**
 * The binding features since layout 1, each with the layout that introduced it: a kind of row, `kind.field` for a field of its body, or
 * a type of entry. A process of an earlier layout cannot read them, so none may exist before the contract.
 */
const BINDING: Readonly<Record<string, number>> = {};

/** What a change writes. */
interface Written {
  readonly put: readonly { readonly kind: string; readonly body: object }[];
  readonly append: readonly { readonly type: string }[];
}

/** The oldest layout whose processes can read what a change writes. `undefined`: every layout. */
export function neededLayout({ put, append }: Written): number | undefined {
  let needed: number | undefined;
  for (const [feature, since] of Object.entries(BINDING)) {
    const [name, field] = feature.split('.') as [string, string | undefined];
    const isIn = (row: Written['put'][number]) => row.kind === name && (field === undefined || Object.hasOwn(row.body, field));
    if (put.some(isIn) || append.some(({ type }) => type === feature)) needed = Math.max(needed ?? 0, since);
  }
  return needed;
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
