import { describe, expect, it } from 'vitest';
import { placeOf } from '../../src/store.js';
import { Listing, type PagesOfStore } from '../../src/journal/verify-store/listing.js';
import { aRow } from '../../src/testing.js';

const row = (createdAt: unknown, id: unknown) => aRow({ kind: 'request', createdAt: createdAt as number, id: id as string });
const cursorBehind = (page: number) => placeOf(row(page, 'cursor'));

/** A store of these pages, and the number of each page that was requested. */
function paged(...pages: (readonly unknown[])[]) {
  const asked: number[] = [];
  const find = async ({ after }: { after?: string | undefined }) => {
    const page = after === undefined ? 0 : pages.findIndex((_, i) => cursorBehind(i) === after) + 1;
    asked.push(page);
    return { items: pages[page] as never, next: page + 1 < pages.length ? cursorBehind(page) : undefined };
  };
  return { listing: new Listing({ find }), asked, pages };
}

/** Reads all pages, as every verification does first. */
async function listed(...pages: (readonly unknown[])[]) {
  const made = paged(...pages);
  for await (const _ of made.listing.pages('request'));
  made.asked.length = 0;
  return made;
}

const PAGES = [
  [row(1, 'b'), row(1, 'c')],
  [row(1, 'd'), row(2, 'a')],
  [row(2, 'c'), row(3, 'a')],
  [row(5, 'x'), row(5, 'y')],
  [row(5, 'z')],
];

describe('Listing', () => {
  it.each([
    [1, 'b', 0],
    [1, 'c', 0],
    [1, 'd', 1],
    [2, 'a', 1],
    [2, 'c', 2],
    [3, 'a', 2],
    [5, 'x', 3],
    [5, 'y', 3],
    [5, 'z', 4],
  ])('L42 finds the row at %i %s again with a request for its page only', async (at, id, page) => {
    const { listing, asked } = await listed(...PAGES);
    expect((await listing.row('request', { at, id }, new Map()))?.id).toBe(id);
    expect(asked).toEqual([page]);
  });

  it.each([
    [0, 'z', 0],
    [1, 'bb', 0],
    [2, 'b', 2],
    [4, 'a', 3],
    [9, 'a', 4],
  ])('L42 requests one page to learn that there is no row at %i %s', async (at, id, page) => {
    const { listing, asked } = await listed(...PAGES);
    expect(await listing.row('request', { at, id }, new Map())).toBeUndefined();
    expect(asked).toEqual([page]);
  });

  it('L42 requests a page once in a round', async () => {
    const { listing, asked } = await listed(...PAGES);
    const round: PagesOfStore = new Map();
    for (const id of ['d', 'd', 'e']) await listing.row('request', { at: 1, id }, round);
    expect(asked).toEqual([1]);
  });

  it('L26 follows a row to the page to which inserted rows have moved it', async () => {
    const { listing, asked, pages } = await listed(...PAGES);
    pages[1] = [row(1, 'd'), row(1, 'e')];
    pages[2] = [row(1, 'f'), row(2, 'a')];
    expect((await listing.row('request', { at: 2, id: 'a' }, new Map()))?.id).toBe('a');
    expect(asked).toEqual([1, 2]);
  });

  it.each([
    ['is not a row', 7],
    ['is null', null],
    ['has no position', row('5', 'a')],
    ['has no id', row(5, 7)],
  ])('L26 skips a page whose last row %s', async (_, last) => {
    const { listing, asked } = await listed([row(1, 'a')], [last], [row(5, 'z'), null, row(8, 'a')]);
    expect((await listing.row('request', { at: 5, id: 'z' }, new Map()))?.id).toBe('z');
    expect(asked).toEqual([2]);
    expect((await paged([last], [row(5, 'z')]).listing.row('request', { at: 5, id: 'z' }, new Map()))?.id).toBe('z');
  });
});
