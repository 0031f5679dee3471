/** Rows of a list that are drawn together. */
export interface Block<T> {
  /** Stays the same while items are removed. */
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

/** The blocks without some items. A block that loses none stays the same object. */
export function without<T>(blocks: Blocks<T>, isGone: (item: T) => boolean): Blocks<T> {
  if (!blocks.some(({ items }) => items.some(isGone))) return blocks;
  return blocks
    .map((block) => (block.items.some(isGone) ? { id: block.id, items: block.items.filter((item) => !isGone(item)) } : block))
    .filter(({ items }) => items.length > 0);
}

/** A sorted list in two parts: before the first item that lies behind an edge, and from it on. */
export function splitAt<T>(blocks: Blocks<T>, isBehind: (item: T) => boolean): readonly [Blocks<T>, Blocks<T>] {
  const i = blocks.findIndex(({ items }) => items.some(isBehind));
  const edge = blocks[i];
  if (edge === undefined) return [blocks, []];
  const at = edge.items.findIndex(isBehind);
  if (at === 0) return [blocks.slice(0, i), blocks.slice(i)];
  return [
    [...blocks.slice(0, i), { id: edge.id, items: edge.items.slice(0, at) }],
    [{ id: edge.id, items: edge.items.slice(at) }, ...blocks.slice(i + 1)],
  ];
}
