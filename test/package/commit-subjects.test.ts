import { describe, expect, it } from 'vitest';
import { hasForm, isShort, wrongSubjects } from './commit-subjects.js';

describe('the subjects of the commits', () => {
  it('have the form type(area): imperative, and at most 72 characters', () => {
    expect(wrongSubjects()).toEqual([]);
  });

  it.each([
    ['fix(purge): keep a consume key until its grant expires (L11, L33)', true],
    ['docs: sort the pages', true],
    ['test(engine, stores): name the laws', true],
    ['Fix the purge', false],
    ['chore(purge): clean up', false],
    ['fix(purge) keep a key', false],
    ['fix(purge): Keep a key', false],
  ])('%s: %s', (subject, right) => {
    expect(hasForm(subject)).toBe(right);
  });

  it('must not be longer', () => {
    expect([isShort('x'.repeat(72)), isShort('x'.repeat(73))]).toEqual([true, false]);
  });
});
