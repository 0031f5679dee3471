import { expect, it } from 'vitest';
import { focusAfter, listed, updated, type Listing } from '../../../../../src/features/console/app/views/inbox/listing.js';

interface Item {
  readonly request: { readonly id: string };
  readonly version: number;
}
const item = (id: string, version = 1): Item => ({ request: { id }, version });
const shown = ({ rows }: Listing<Item>) =>
  rows.map(({ item: { request, version }, isGone }) => `${request.id}${version}${isGone ? '-' : ''}`);
const waiting = (listing: Listing<Item>) => listing.waiting.map(({ request }) => request.id);

it('a request with a shorter deadline waits, and no row moves', () => {
  const before = listed([item('b'), item('c')]);
  const after = updated(before, [item('a'), item('b'), item('c')]);
  expect(shown(after)).toEqual(['b1', 'c1']);
  expect(waiting(after)).toEqual(['a']);
});

it('a row that is over stays in its place, and its neighbours have their newest state', () => {
  const after = updated(listed([item('a'), item('b'), item('c')]), [item('c', 2), item('a', 3)]);
  expect(shown(after)).toEqual(['a3', 'b1-', 'c2']);
  expect(shown(updated(after, [item('b', 4)]))).toEqual(['a3-', 'b4', 'c2-']);
});

it('a row that a part of the list leaves out may be on a later page', () => {
  const after = updated(listed([item('a'), item('b')]), [item('a', 2)], false);
  expect(shown(after)).toEqual(['a2', 'b1']);
});

it('what waits is replaced by each read', () => {
  const once = updated(listed([item('a')]), [item('a'), item('x')]);
  expect(waiting(updated(once, [item('a'), item('y')]))).toEqual(['y']);
});

it.each([
  ['b', ['a', 'b', 'c'], 'b'],
  ['b', ['a', 'c'], 'c'],
  ['c', ['a', 'b'], 'b'],
  ['b', ['a'], 'a'],
  ['b', [], undefined],
  ['x', ['c'], 'c'],
])('the focus of %s goes, if %j are left, to %s', (focused, left, next) => {
  expect(focusAfter(['a', 'b', 'c'], new Set(left), focused)).toBe(next);
});
