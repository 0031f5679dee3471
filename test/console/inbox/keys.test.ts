import { expect, it } from 'vitest';
import { QUIET_MS } from '../../../src/console/app/parts/quiet.js';
import { rowKeyOf, type Pressed } from '../../../src/console/app/views/inbox/keys.js';

/** A key pressed on a row, or in what `inside` names. */
const press = (key: string, more: Partial<Pressed> & { readonly inside?: string } = {}): Pressed => {
  const { inside = 'article', ...rest } = more;
  const target = { closest: (selectors: string) => (selectors.split(', ').includes(inside) ? {} : null) };
  return { key, repeat: false, isComposing: false, ctrlKey: false, metaKey: false, altKey: false, target, ...rest };
};

it.each([
  ['j', 'next'],
  ['k', 'previous'],
  ['a', 'approve'],
  ['d', 'deny'],
  ['n', 'narrow'],
  ['?', 'help'],
])('%s on a row with focus means %s', (key, meaning) => {
  expect(rowKeyOf(press(key), QUIET_MS)).toBe(meaning);
});

it.each(['A', 'x', 'Enter', 'toString', '__proto__'])('%s means nothing', (key) => {
  expect(rowKeyOf(press(key), QUIET_MS)).toBeUndefined();
});

it.each(['input', 'textarea', 'select', '[contenteditable]', 'dialog', '[popover]'])('no key acts in %s', (inside) => {
  expect(rowKeyOf(press('a', { inside }), QUIET_MS)).toBeUndefined();
});

it.each(['repeat', 'isComposing', 'ctrlKey', 'metaKey', 'altKey'] as const)('no key acts with %s', (flag) => {
  expect(rowKeyOf(press('a', { [flag]: true }), QUIET_MS)).toBeUndefined();
});

it('a row that was drawn less than 500 ms ago ignores every key, also after a step back of the clock', () => {
  expect([QUIET_MS - 1, 0, -1, Number.NaN].map((age) => rowKeyOf(press('a'), age))).toEqual([undefined, undefined, undefined, undefined]);
  expect(rowKeyOf(press('a', { target: null }), QUIET_MS)).toBeUndefined();
});
