import { describe, expect, it } from 'vitest';
import { folded, isAmbiguous, visible, visiblePerson } from '../../src/console/app/frame/names.js';
import { candidatesOf, knownTo, meantBy, obvious, type Candidate } from '../../src/console/app/parts/person-choice.js';

const people = (...all: readonly (readonly [id: string, name?: string])[]): readonly Candidate[] =>
  all.map(([id, name]) => ({ id, info: name === undefined ? undefined : { name } }));
const mapOf = (...all: readonly (readonly [id: string, name: string])[]) => new Map(all.map(([id, name]) => [id, { name }]));
const LEE = ['user:lee', 'Lee Okafor'] as const;

/** What a text means where the page knows these people, and the service finds those. `search` is undefined: it finds no people. */
const meant = (text: string, known: readonly Candidate[], search?: readonly Candidate[]) =>
  meantBy(text, candidatesOf(text, known, search ?? []), search !== undefined);
const taken = (text: string, known: readonly Candidate[], search: readonly Candidate[] = []) =>
  obvious(text, candidatesOf(text, known, search))?.id;

describe('[C3] the id that a text means', () => {
  it.each<readonly [string, string, readonly Candidate[]]>([
    ['a name', 'Lee Okafor', people(LEE)],
    ['a name in other letters', 'Ｌee\u00a0OKAFOR', people(LEE)],
    ['a name with invisible characters', 'Lee\u200b Okafor\u202e', people(LEE)],
    ['a name that only looks the same', 'Lee Okafor', people(['user:lee2', 'LEE\u2060  Okafor'])],
    ['two people of one name', 'Lee Okafor', people(LEE, ['user:lee2', 'Lee Okafor'])],
    ['a name that is the id of another person', 'user:sam', people(['user:sam', 'Sam'], ['user:evil', 'user:sam'])],
    ['a name that is the login of another person', 'maya', people(['mallory', 'maya'])],
    ['a name that is the address of another person', 'maya@example.com', people(['mallory@example.com', 'Maya@Example.com'])],
  ])('is missing for %s, with and without a search', (_, text, known) => {
    expect(meant(text, known)).toBe('');
    expect(meant(text, known, [])).toBe('');
    expect(meant(text, [], known)).toBe('');
  });

  it('is the text where the service finds no people, and only a known id where it does', () => {
    expect(meant('user:gone', people(LEE))).toBe('user:gone');
    expect(meant(' user:gone\u200b ', people(LEE))).toBe('user:gone');
    expect(meant('user:gone', people(LEE), [])).toBe('');
    expect(meant('user:lee', people(LEE), [])).toBe('user:lee');
    expect(meant('user:lee', [], people(LEE))).toBe('user:lee');
    expect(meant('agent:bot#run-7', people(['agent:bot#run-7']), [])).toBe('agent:bot#run-7');
    expect(meant('User:lee', people(LEE), [])).toBe('');
  });
});

describe('[C3] what Enter takes without an arrow key', () => {
  it('is the person whose id the text is, or the only one', () => {
    expect(taken('user:lee', people(['user:lee2', 'Le'], LEE))).toBe('user:lee');
    expect(taken('lee', [], people(LEE))).toBe('user:lee');
    expect(taken('Lee Okafor', people(LEE))).toBe('user:lee');
  });

  it('is no one of several, and no one whose name may be the id of another person', () => {
    expect(taken('lee', [], people(LEE, ['user:lee2', 'Lee Oka']))).toBeUndefined();
    expect(taken('Lee Okafor', [], people(LEE, ['user:evil', 'Lee Okafor']))).toBeUndefined();
    expect(taken('maya', [], people(['mallory', 'maya']))).toBeUndefined();
    expect(taken('user:sam', people(['user:sam']), people(['user:evil', 'user:sam']))).toBeUndefined();
    expect(taken('zed', people(LEE))).toBeUndefined();
  });
});

describe('the people whom a text may mean', () => {
  it('are the one whose id it is, those whose name it is, what the service finds, and what the rows have', () => {
    const rows = knownTo(mapOf(LEE, ['x', 'user:le'], ['user:z', 'Zed']), ['agent:le-bot', 'agent:le-bot', 'user:le']);
    const ids = candidatesOf('user:le', rows, people(['user:lena', 'Lena'])).map(({ id }) => id);
    expect(ids).toEqual(['user:le', 'x', 'user:lena', 'user:lee']);
    expect(candidatesOf('bot le', rows, []).map(({ id }) => id)).toEqual(['agent:le-bot']);
  });

  it('are at most 20, and one of them is always the person whose id or name the text is', () => {
    const many = people(...Array.from({ length: 5_000 }, (_, n) => [`user:${n}`, `Lee ${n}`] as const), ['lee', 'L'], ['e', 'lee']);
    expect(candidatesOf('lee', many, []).map(({ id }) => id)).toEqual(['lee', 'e', ...Array.from({ length: 18 }, (_, n) => `user:${n}`)]);
  });
});

describe('the names of a page', () => {
  it.each([
    ['a right-to-left override', 'Lee\u202eroF', 'LeeroF'],
    ['an isolate', '\u2067Lee\u2069', 'Lee'],
    ['characters without a width', 'L\u200be\u200ce\u200d\u2060\ufeff', 'Lee'],
    ['tags', 'Lee\u{e0041}\u{e007f}', 'Lee'],
    ['a variation selector and a blank Braille cell', 'Lee\ufe0f\u2800\u{e0100}', 'Lee'],
    ['a Hangul filler', 'Lee\u3164\uffa0\u115f', 'Lee'],
    ['a soft hyphen and a null', 'L\u00ade\u0000e', 'Lee'],
  ])('drop %s', (_, name, shown) => {
    expect(visible(name)).toBe(shown);
    expect(visiblePerson({ name, detail: '\u200b' })).toEqual({ name: shown, detail: undefined });
  });

  it('are missing without a visible character, so that the id is shown', () => {
    expect(visiblePerson({ name: '\u200b\u{e0041}\u3164' })).toBeUndefined();
  });

  it('show the id beside them where two people have one, or where they read like an id', () => {
    const known = mapOf(LEE, ['user:lee2', 'lee  okafor'], ['user:ana', 'Ana Ruiz'], ['k', 'user:ana'], ['maya', 'M'], ['n', 'Maya']);
    for (const name of ['Lee Okafor', 'lee  okafor', 'user:ana', 'Maya', 'a@b.c'])
      expect([name, isAmbiguous(name, known)]).toEqual([name, true]);
    for (const name of ['Ana Ruiz', 'M']) expect([name, isAmbiguous(name, known)]).toEqual([name, false]);
    expect(folded(' ＬEE\u200b\u00a0 Okafor ')).toBe('lee okafor');
  });
});
