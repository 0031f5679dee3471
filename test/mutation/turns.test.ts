import { expect, it } from 'vitest';
import { Turns } from './turns.js';

const FILE = '/somewhere/src/stores/memory/pairs.ts';
const OWN = 'test/stores/memory/pairs.test.ts#a property';
const [QUICK, SLOW, THOROUGH] = ['test/engine/a.test.ts#quick', 'test/engine/a.test.ts#slow', 'test/engine/a.test.ts#thorough'];

it('runs the tests of the file itself first, however long they take, then the cheapest', () => {
  const turns = new Turns();
  for (const [id, ms] of [
    [OWN, 2_000],
    [SLOW, 300],
    [QUICK, 1],
  ] as const)
    turns.tried(id, ms, false);
  expect(turns.of([SLOW, QUICK, OWN], FILE)).toEqual([OWN, QUICK, SLOW]);
});

it('runs the quick tests that found something last before all others, the latest first', () => {
  const turns = new Turns();
  turns.tried(SLOW, 300, true);
  turns.tried(QUICK, 1, true);
  turns.tried(THOROUGH, 2, true);
  expect(turns.of([OWN, SLOW, QUICK, THOROUGH], FILE)).toEqual([THOROUGH, QUICK, OWN, SLOW]);
});

it('runs tests that reach few changes, or find many of them, before tests that reach everything', () => {
  const turns = new Turns();
  for (let i = 0; i < 20; i++) turns.of([QUICK, SLOW], 'src/core/clock.ts');
  turns.tried(SLOW, 150, false);
  for (let i = 0; i < 20; i++) turns.tried(THOROUGH, 150, true);
  turns.tried(QUICK, 10, false);
  expect(turns.of([SLOW, QUICK, THOROUGH], FILE)).toEqual([THOROUGH, QUICK, SLOW]);
});
