import { describe, expect, it } from 'vitest';
import { beyond, fileSizes, functionSizes, type Size } from './code.js';
import { tooLarge } from './too-large.js';

const sizes: readonly Size[] = [...fileSizes(), ...functionSizes()];

describe('the size of the code', () => {
  it('is within its limits, except for the listed files and functions, none of which has grown', () => {
    const wrong = beyond(sizes).filter(({ name, lines }) => lines > (tooLarge[name] ?? 0));
    expect(wrong.map(({ name, lines, allowed }) => `${name} has ${lines} lines, of ${tooLarge[name] ?? allowed} at most`)).toEqual([]);
  });

  it('lists only files and functions that exist and exceed the limits', () => {
    const still = beyond(sizes).map(({ name }) => name);
    expect(Object.keys(tooLarge).filter((name) => !still.includes(name))).toEqual([]);
  });
});
