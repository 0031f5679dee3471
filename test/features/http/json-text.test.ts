import { array, assert, constantFrom, double, letrec, oneof, property, string, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanJson } from '../../../src/core/json-scan.js';
import { membersIn, parseJsonText } from '../../../src/features/json-body/json-text.js';

/* Bodies are read once by `JSON.parse`, and counted. Only a text that may be refused is scanned. */

/** A JSON text, and whether an object in it has a name twice. */
interface Written {
  readonly text: string;
  readonly repeats: boolean;
}

/** Names that differ, names that are the same behind escapes, and names that code must not look up in a prototype. */
const NAMES = ['a', '\\u0061', 'b', ':', '\\":{', '', '__proto__', 'constructor', 'toString', '\\\\', '\\\\\\"'];
const BLANKS = ['', ' ', '\n', '\t '];

const written = letrec<{ value: Written; object: Written; list: Written }>((tie) => ({
  value: oneof(
    { depthSize: 'small', withCrossShrink: true },
    constantFrom('1', '-0', '1e3', 'true', 'null', '"x"', '":,{}"', '"\\""', '"\\\\"').map((text) => ({ text, repeats: false })),
    tie('object'),
    tie('list'),
  ),
  object: array(tuple(constantFrom(...NAMES), tie('value'), constantFrom(...BLANKS)), { maxLength: 4 }).map((members) => {
    const names = members.map(([name]) => JSON.parse(`"${name}"`) as string);
    return {
      text: `{${members.map(([name, { text }, blank]) => `${blank}"${name}"${blank}:${blank}${text}${blank}`).join(',')}}`,
      repeats: new Set(names).size < names.length || members.some(([, { repeats }]) => repeats),
    };
  }),
  list: array(tie('value'), { maxLength: 4 }).map((items) => ({
    text: `[${items.map(({ text }) => text).join(' , ')}]`,
    repeats: items.some(({ repeats }) => repeats),
  })),
})).value;

/** The value or the problem by the scan alone, which does not know what `JSON.parse` accepts. */
function byScan(text: string): unknown {
  try {
    scanJson(text, 32, (problem) => new Error(problem));
    return JSON.parse(text);
  } catch (error) {
    return (error as Error).message;
  }
}

const MESSAGES: Readonly<Record<string, string>> = {
  syntax: 'the body is not valid JSON',
  repeated: 'the body repeats a member name',
  depth: 'the body has more than 32 levels',
};

function parsedOrProblem(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch (error) {
    return (error as Error).message;
  }
}

describe('parseJsonText()', () => {
  it('accepts what `JSON.parse` accepts, unless an object has a name twice', () => {
    assert(
      property(written, ({ text, repeats }) => {
        expect(parsedOrProblem(text)).toEqual(repeats ? MESSAGES.repeated : JSON.parse(text));
      }),
    );
  });

  it('counts the members of all objects, each repeat too', () => {
    assert(
      property(written, ({ text, repeats }) => {
        let kept = 0;
        JSON.parse(text, (_, value: unknown) => {
          if (typeof value === 'object' && value !== null && !Array.isArray(value)) kept += Object.keys(value).length;
          return value;
        });
        if (repeats) expect(membersIn(text)).toBeGreaterThan(kept);
        else expect(membersIn(text)).toBe(kept);
      }),
    );
  });

  it('answers as the scan for a text of any characters, and names the problem that comes first', () => {
    const damaged = tuple(
      written,
      array(tuple(double({ min: 0, max: 1, noNaN: true }), constantFrom(...'{}[]":,\\e1 x')), { maxLength: 3 }),
    ).map(([{ text }, edits]) =>
      edits.reduce((all, [at, char]) => {
        const place = Math.floor(at * all.length);
        return all.slice(0, place) + char + all.slice(place + (char === 'x' ? 0 : 1));
      }, text),
    );
    assert(
      property(oneof(damaged, string({ minLength: 1 })), (text) => {
        if (text === '') return;
        const scanned = byScan(text);
        const problem = typeof scanned === 'string' ? MESSAGES[scanned] : undefined;
        const answer = parsedOrProblem(text);
        if (answer === 'the body has a number that is too large') expect(JSON.stringify(scanned)).toContain('null');
        else expect(answer).toEqual(problem ?? scanned);
      }),
    );
  });

  it.each([
    ['a lone surrogate', '{"a":"\\ud800"}', 'the body contains a lone surrogate'],
    ['a lone surrogate that is written as itself', '{"\ud800":1}', 'the body contains a lone surrogate'],
    ['a lone surrogate in upper case', '["\\uDFFF"]', 'the body contains a lone surrogate'],
    ['a number that no double can hold', '[1e999]', 'the body has a number that is too large'],
    ['a name twice behind an escape', '{"a":1,"\\u0061":2}', MESSAGES.repeated],
    ['a name twice in an object that is itself replaced', '{"a":{"b":1,"b":2},"c":[{"a":1,"a":2}]}', MESSAGES.repeated],
    ['`__proto__` twice', '{"__proto__":1,"__proto__":2}', MESSAGES.repeated],
    ['a repeat before a number that is too large', '{"a":1e999,"a":1}', MESSAGES.repeated],
    ['33 levels', '['.repeat(33) + ']'.repeat(33), MESSAGES.depth],
    ['33 levels of objects', '{"a":'.repeat(33) + '1' + '}'.repeat(33), MESSAGES.depth],
    ['60,000 levels', '['.repeat(60_000), MESSAGES.depth],
    ['no text', '', 'the body is empty: send {} if no field is needed'],
  ])('refuses %s', (_, text, problem) => {
    expect(parsedOrProblem(text)).toBe(problem);
  });

  it.each([
    ['a pair of surrogates', '["\\ud83d\\ude00","😀"]'],
    ['32 levels', '['.repeat(32) + ']'.repeat(32)],
    ['a member `__proto__`', '{"__proto__":{"a":1}}'],
    ['names that `Object.prototype` has', '{"constructor":1,"toString":2,"hasOwnProperty":{}}'],
    ['the same name in two objects', '[{"a":{"a":1}},{"a":2}]'],
    ['a string of colons and quotes', '{"a":":\\":\\\\","b\\"":"\\\\\\""}'],
  ])('accepts %s', (_, text) => {
    expect(parsedOrProblem(text)).toEqual(JSON.parse(text));
  });
});
