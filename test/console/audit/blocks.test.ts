import { describe, expect, it } from 'vitest';
import { BLOCK_ROWS, blocksOf } from '../../../src/console/app/views/history/blocks.js';

const items = Array.from({ length: 2 * BLOCK_ROWS + 1 }, (_, i) => i);
const blocks = blocksOf(items, 0);
const flat = (parts: typeof blocks): readonly number[] => parts.flatMap((block) => block.items);

describe('blocks of a long list', () => {
  it('have all items in their order', () => {
    expect(blocks.map((block) => block.items.length)).toEqual([BLOCK_ROWS, BLOCK_ROWS, 1]);
    expect(flat(blocks)).toEqual(items);
    expect(blocksOf([], 0)).toEqual([]);
  });
});
