import { expect, it } from 'vitest';
import { lengthsBetween } from '../../src/console/app/parts/lengths.js';

const HOUR = 3_600_000;

it.each([
  ['the usual ones, and the longest', 0.5, 3, [0.5, 1, 2, 3]],
  ['each once, if the longest is a usual one', 1, 4, [1, 2, 4]],
  ['the bounds, if no usual one is between them', 5, 6, [5, 6]],
  ['one, if there is no choice', 1.5, 1.5, [1.5]],
  ['the usual ones, if there is no longest', 100, Infinity, [168]],
])('a form offers windows between two bounds: %s', (_, min, max, hours) => {
  expect(lengthsBetween(min * HOUR, max * HOUR)).toEqual(hours.map((count) => count * HOUR));
});
