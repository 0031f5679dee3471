import { describe, expect, it } from 'vitest';
import { decodeScope, encodeScope, isScope } from '../../src/index.js';

const refused = (argument: string, rule: RegExp): unknown =>
  expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument, rule: expect.stringMatching(rule) as unknown });

describe('encodeScope', () => {
  it.each<[string, readonly string[], string]>([
    ['a plain scope', ['db-prod', 'write'], 'db-prod:write'],
    ['an ARN', 'arn:aws:s3:::reports/2026/q1.csv'.split(':'), 'arn:aws:s3:~:~:reports/2026/q1.csv'],
    ['a URL', ['https://example.com:8443/a?b=c&d#e', 'GET'], 'https~3A//example.com~3A8443/a~3Fb=c~26d~23e:GET'],
    ['a file path', ['file', ...'/etc/my app/hosts'.split('/')], 'file:~:etc:my~20app:hosts'],
    ['a Windows path', ['file', 'C:\\Users\\maya'], 'file:C~3A~5CUsers~5Cmaya'],
    ['an empty part', ['', 'a', ''], '~:a:~'],
    ['a tilde', ['~', '~~', '~7E'], '~7E:~7E~7E:~7E7E'],
    ['wildcards', ['*', '**', 'a*'], '~2A:~2A~2A:a~2A'],
    ['a percent sign', ['%2A'], '~252A'],
    ['what encodeURIComponent leaves', ["!'()*"], '~21~27~28~29~2A'],
    ['what encodeURIComponent encodes', ['@/+='], '@/+='],
    ['text beyond ASCII', ['café', '🎉'], 'caf~C3~A9:~F0~9F~8E~89'],
    ['a byte order mark', ['\ufeffa'], '~EF~BB~BFa'],
    ['control characters', ['\0\n\u007f'], '~00~0A~7F'],
    ['names of Object.prototype', ['__proto__', 'constructor'], '__proto__:constructor'],
    ['[FE12] a Kubernetes name of 253', ['po', 'a'.repeat(253)], `po:${'a'.repeat(253)}`],
    ['[FE12] a key of S3', ['s3', 'reports', `2026/11/30/${'x'.repeat(200)}.csv`], `s3:reports:2026/11/30/${'x'.repeat(200)}.csv`],
    ['a part of 256', ['a'.repeat(256)], 'a'.repeat(256)],
    ['16 parts', Array<string>(16).fill('a'), Array(16).fill('a').join(':')],
  ])('L24 encodes %s, and decodeScope returns the parts', (_, parts, scope) => {
    expect(encodeScope(...parts)).toBe(scope);
    expect(isScope(scope)).toBe(true);
    expect(decodeScope(scope)).toEqual(parts);
  });

  it('L24 distinguishes two normal forms of one text, because their bytes differ', () => {
    expect(encodeScope('caf\u00e9')).not.toBe(encodeScope('cafe\u0301'));
  });

  it.each<[string, readonly unknown[], string, RegExp]>([
    ['no part', [], 'parts', /1 to 16/],
    ['17 parts', Array(17).fill('a'), 'parts', /1 to 16/],
    ['a part of 257', ['a', 'a'.repeat(257)], 'parts[1]', /at most 256/],
    ['a part that needs 258 characters', ['*'.repeat(86)], 'parts[0]', /at most 256/],
    ['a part of 1 MiB', ['*'.repeat(1_048_576)], 'parts[0]', /at most 256/],
    ['257 characters in all', [...Array<string>(4).fill('a'.repeat(51)), 'a'.repeat(49)], 'parts', /at most 256/],
    ['a lone surrogate', ['a', '\ud800'], 'parts[1]', /surrogates/],
    ['a lone low surrogate', ['\udc00a'], 'parts[0]', /surrogates/],
    ['a number', [5], 'parts[0]', /a text/],
    ['a list', [['a']], 'parts[0]', /a text/],
    ['a String object', [new String('a')], 'parts[0]', /a text/],
    ['undefined', ['a', undefined], 'parts[1]', /a text/],
  ])('L24 refuses %s', (_, parts, argument, rule) => {
    expect(() => encodeScope(...(parts as string[]))).toThrow(refused(argument, rule));
  });

  it('accepts 256 characters in all', () => {
    const parts = [...Array<string>(4).fill('a'.repeat(51)), 'a'.repeat(48)];
    expect(encodeScope(...parts)).toHaveLength(256);
  });
});

describe('decodeScope', () => {
  it.each<[string, unknown]>([
    ['lower-case digits', 'a~2a'],
    ['digits that are none', 'a~zz'],
    ['a tilde at the end', 'a~'],
    ['a tilde with one digit', 'a~7'],
    ['two tildes', '~~'],
    ['an escape of a character of the grammar', '~41'],
    ['an escape of "/"', 'a~2Fb'],
    ['an escape of "_"', '~5F'],
    ['bytes that are no UTF-8', '~FF'],
    ['half a character', '~C3'],
    ['an overlong form', '~C0~AF'],
    ['a surrogate in UTF-8', '~ED~A0~80'],
    ['a pattern', 'a:*'],
    ['an empty text', ''],
    ['an empty segment', 'a::b'],
    ['a percent sign', '%41'],
    ['1 MiB', 'a'.repeat(1_048_576)],
    ['a list', ['a']],
    ['undefined', undefined],
  ])('L24 refuses %s: each list of parts has exactly one text', (_, scope) => {
    expect(() => decodeScope(scope as string)).toThrow(refused('scope', /./));
  });
});
