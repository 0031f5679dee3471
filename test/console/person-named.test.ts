import { describe, expect, it } from 'vitest';
import { personNamed } from '../../src/console/app/parts/person-named.js';

const people = (...all: readonly (readonly [id: string, name: string])[]) => all.map(([id, name]) => ({ id, name }));
const LEE = ['user:lee', 'Lee Okafor'] as const;

describe('[C3] the person whom a text names', () => {
  it.each(['Lee Okafor', 'lee okafor', '  Lee   Okafor ', 'Lee\u200b Okafor', 'Ｌee\u00a0Okafor'])('has exactly this name: %j', (text) => {
    expect(personNamed(text, people(LEE, ['user:leo', 'Lee Okafor-Smith']))).toBe('user:lee');
  });

  it.each<readonly [string, string, readonly (readonly [string, string])[]]>([
    ['only a part of the name', 'Lee', [LEE]],
    ['no person', 'Lee Okafor', []],
    ['two people of one name', 'Lee Okafor', [LEE, ['user:lee2', 'Lee Okafor']]],
    ['two names that look the same', 'Lee Okafor', [LEE, ['user:lee2', 'LEE\u2060 Okafor']]],
    ['a letter that only looks the same', 'Lee Okafor', [['user:lee2', 'L\u0435e Okafor']]],
    [
      'a text that is an id too',
      'lee',
      [
        ['lee', 'Lee Okafor'],
        ['user:evil', 'lee'],
      ],
    ],
    ['a name that is the login of another person', 'maya', [['mallory', 'maya']]],
    ['a name that is the address of another person', 'maya@example.com', [['mallory@example.com', 'maya@example.com']]],
    ['a name that looks like an id', 'user:sam', [['user:evil', 'user:sam']]],
    [
      'a full answer, in which another one may be missing',
      'Lee Okafor',
      [LEE, ...Array.from({ length: 19 }, (_, n) => [`u${n}`, `Lee Okafor ${n}`] as const)],
    ],
  ])('does not follow from %s', (_, text, found) => {
    expect(personNamed(text, people(...found))).toBeUndefined();
  });
});
