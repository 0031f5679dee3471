/** Rows of a list that are drawn together. */
export interface Block<T> {
  readonly id: string;
  readonly items: readonly T[];
}

export type Blocks<T> = readonly Block<T>[];

/** As few rows as a busy device draws within a frame, also if two blocks come near the window at once. */
export const BLOCK_ROWS = 12;

/** The items of the nth page, in blocks. */
export const blocksOf = <T>(items: readonly T[], page: number): Blocks<T> =>
  Array.from({ length: Math.ceil(items.length / BLOCK_ROWS) }, (_, i) => ({
    id: `${page}.${i}`,
    items: items.slice(i * BLOCK_ROWS, (i + 1) * BLOCK_ROWS),
  }));
