import { describe, expect, it } from 'vitest';
import { BLOCK_ROWS, blocksOf, splitAt, without } from '../../../src/console/app/views/history/blocks.js';

const items = Array.from({ length: 2 * BLOCK_ROWS + 1 }, (_, i) => i);
const blocks = blocksOf(items, 0);
const flat = (parts: typeof blocks): readonly number[] => parts.flatMap((block) => block.items);

describe('blocks of a long list', () => {
  it('have all items in their order', () => {
    expect(blocks.map((block) => block.items.length)).toEqual([BLOCK_ROWS, BLOCK_ROWS, 1]);
    expect(flat(blocks)).toEqual(items);
    expect(blocksOf([], 0)).toEqual([]);
  });

  it('stay the same objects, and keep their ids, when others lose an item', () => {
    const fewer = without(blocks, (item) => item === 0 || item === 2 * BLOCK_ROWS);
    expect(fewer.map(({ id }) => id)).toEqual([blocks[0]?.id, blocks[1]?.id]);
    expect(fewer[1]).toBe(blocks[1]);
    expect(flat(fewer)).toEqual(items.slice(1, -1));
    expect(without(blocks, () => false)).toBe(blocks);
  });

  it.each([0, 1, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 2 * BLOCK_ROWS, 500])('are split at an edge: %d', (edge) => {
    const [before, behind] = splitAt(blocks, (item) => item >= edge);
    expect([flat(before), flat(behind)]).toEqual([items.slice(0, edge), items.slice(edge)]);
    expect([...before, ...behind].every((block) => block.items.length > 0)).toBe(true);
  });
});
