import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  isId,
  quote,
  readActor,
  readCount,
  readField,
  readId,
  readBoundedList,
  readList,
  readListener,
  readMetadata,
  readOptions,
  readPort,
  readText,
  show,
  utf8Length,
} from '../../src/core/parse.js';

const refused = (argument: string) => expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument }) as Error;
const MiB = 'x'.repeat(1_048_576);

/** Throws on every operation. */
const hostileProxy = (target: object): object => {
  const trap = () => {
    throw new Error('trap');
  };
  return new Proxy(target, { get: trap, has: trap, ownKeys: trap, getPrototypeOf: trap, getOwnPropertyDescriptor: trap });
};
const revokedProxy = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const throwing = (name: string): object =>
  Object.defineProperty({}, name, {
    enumerable: true,
    get: () => {
      throw new Error('getter');
    },
  });

/** Environments with a polluted Object.prototype. */
function polluted(name: string, value: unknown, run: () => void): void {
  Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: true, writable: true });
  try {
    run();
  } finally {
    Reflect.deleteProperty(Object.prototype, name);
  }
}

const notText: readonly [string, unknown][] = [
  ['null', null],
  ['a number', 60],
  ['a bigint', 10n],
  ['true', true],
  ['a list', ['alice']],
  ['a String object', new String('alice')],
  ['an object that converts to text', { toString: () => 'alice' }],
  ['a symbol', Symbol('alice')],
  ['a function', () => 'alice'],
  ['a proxy that throws', hostileProxy({})],
  ['a revoked proxy', revokedProxy()],
];

describe('isId() and readId()', () => {
  it.each([
    ['a letter', 'a'],
    ['a subject', 'user:maya'],
    ['an address', 'maya@example.com'],
    ['a space inside', 'Maya Rao'],
    ['a star, which is an id like any other', '*'],
    ['the name of the prototype', '__proto__'],
    ['a name that every object has', 'constructor'],
    ['letters of other scripts', 'Алиса 東京 é עברית'],
    ['an emoji', 'bot 🎉'],
    ['256 characters', 'x'.repeat(256)],
    ['256 characters outside ASCII', 'é'.repeat(256)],
    ['SQL', "x' OR 1=1 --"],
    ['a Redis slot', '{tag}'],
  ])('L23 accepts %s', (_, id) => {
    expect(isId(id)).toBe(true);
    expect(readId('subject', id)).toBe(id);
  });

  it.each<[string, unknown]>([
    ...notText,
    ['undefined', undefined],
    ['nothing', ''],
    ['a space', ' '],
    ['a space at the start', ' alice'],
    ['a space at the end', 'alice '],
    ['a space at the end, outside ASCII', 'é '],
    ['257 characters', 'x'.repeat(257)],
    ['257 characters outside ASCII', 'é'.repeat(257)],
    ['257 UTF-16 units in fewer characters', `${'🎉'.repeat(128)}x`],
    ['1 MiB', MiB],
    ['NUL', 'a\u0000b'],
    ['a line break', 'a\nb'],
    ['a line break at the end', 'alice\n'],
    ['a tab', 'a\tb'],
    ['DEL', 'a\u007f'],
    ['a C1 control', 'a\u009bb'],
    ['an ANSI escape', 'a\u001b[31m'],
    ['a bidi override', 'a\u202eb'],
    ['a zero-width space', 'ali\u200bce'],
    ['a zero-width joiner', 'ali\u200dce'],
    ['a byte order mark', '\ufeffalice'],
    ['a soft hyphen', 'ali\u00adce'],
    ['a line separator', 'a\u2028b'],
    ['a paragraph separator', 'a\u2029b'],
    ['a no-break space', 'a\u00a0b'],
    ['an ideographic space', 'a\u3000b'],
    ['a high surrogate alone', 'a\ud800'],
    ['a low surrogate alone', '\udc00a'],
    ['NFD', 'cafe\u0301'],
    ['a letter that NFC writes otherwise', '\u212b'],
  ])('L23 refuses %s', (_, id) => {
    expect(isId(id)).toBe(false);
    expect(() => readId('reviewer', id)).toThrow(refused('reviewer'));
  });

  it('L23 distinguishes case, and never folds two ids into one', () => {
    const pairs = [
      ['Alice', 'alice'],
      ['ß', 'ss'],
      ['tenant:a', 'tenant'],
    ] as const;
    for (const [a, b] of pairs) expect(readId('id', a)).not.toBe(readId('id', b));
  });

  it('L23 accepts only text in NFC without invisible characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 8 }), (text) => {
        if (!isId(text)) return;
        expect(text.normalize('NFC')).toBe(text);
        expect(text.trim()).toBe(text);
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('readActor()', () => {
  it.each(['user:maya', 'systems', 'sweeper', 'System', 'a:system:b'])('accepts %s', (id) => {
    expect(readActor('by', id)).toBe(id);
  });

  it.each(['system', 'system:', 'system:sweeper', 'system:approver'])("refuses %s: entries of the engine's own can't be forged", (id) => {
    expect(() => readActor('by', id)).toThrow(refused('by'));
  });

  it.each(notText)('refuses %s', (_, id) => {
    expect(() => readActor('by', id)).toThrow(refused('by'));
  });
});

describe('readText()', () => {
  it.each([
    ['nothing', ''],
    ['lines', 'one\ntwo\r\n\tthree'],
    ['letters of other scripts', 'Алиса 東京 é e\u0301 🎉'],
    ['text that looks like a log line', 'ok\n2026-03-14 INFO grant approved'],
    ['4 KiB', 'x'.repeat(4_096)],
    ['4 KiB of two bytes each', 'é'.repeat(2_048)],
  ])('accepts %s', (_, text) => {
    expect(readText('justification', text)).toBe(text);
  });

  it('returns undefined for undefined', () => {
    expect(readText('justification', undefined)).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ...notText,
    ['4 KiB and one byte', 'x'.repeat(4_097)],
    ['4 KiB and one byte, of two bytes each', `${'é'.repeat(2_048)}x`],
    ['1 MiB', MiB],
    ['NUL', 'a\u0000'],
    ['an ANSI escape', '\u001b[2K'],
    ['a C1 control sequence introducer', '\u009b2K'],
    ['a backspace', 'no\b\byes'],
    ['DEL', '\u007f'],
    ['a lone surrogate', '\ud800'],
  ])('L23 refuses %s', (_, text) => {
    expect(() => readText('reason', text)).toThrow(refused('reason'));
  });
});

describe('readMetadata()', () => {
  it('copies plain JSON deeply, and freezes it', () => {
    const given = { a: [1, -1.5, true, null, 'x', { b: {} }], c: { d: [] } };
    const read = readMetadata('metadata', given);
    expect(read).toEqual(given);
    const walk = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      expect(Object.isFrozen(value)).toBe(true);
      Object.values(value).forEach(walk);
    };
    walk(read);
    given.a.push(7);
    given.c.d = [1] as never;
    expect(read).toEqual({ a: [1, -1.5, true, null, 'x', { b: {} }], c: { d: [] } });
  });

  it('returns undefined for undefined', () => {
    expect(readMetadata('metadata', undefined)).toBeUndefined();
  });

  it('accepts an object without a prototype, and one of another realm', () => {
    const bare = Object.assign(Object.create(null) as object, { a: 1 });
    expect(readMetadata('metadata', bare)).toEqual({ a: 1 });
    const foreign = runInNewContext('({ a: 1 })') as object;
    expect(readMetadata('metadata', foreign)).toEqual({ a: 1 });
  });

  it('reads each property once, so that no getter can change its answer', () => {
    let asked = 0;
    const changing = Object.defineProperty({}, 'n', { enumerable: true, get: () => (asked++ === 0 ? 1 : 10n) });
    expect(readMetadata('metadata', changing)).toEqual({ n: 1 });
    expect(asked).toBe(1);
  });

  it('ignores inherited, non-enumerable and symbol properties', () => {
    const given = Object.defineProperty({ a: 1, [Symbol('s')]: 2 }, 'hidden', { value: 3 });
    expect(readMetadata('metadata', given)).toEqual({ a: 1 });
    polluted('allowed', true, () => {
      const read = readMetadata('metadata', { a: 1 });
      expect(Object.keys(read!)).toEqual(['a']);
    });
  });

  it('accepts names such as constructor, then and toJSON', () => {
    const given = { constructor: 1, toString: 2, hasOwnProperty: 3, then: 4, toJSON: 'text' };
    expect({ ...readMetadata('metadata', given) }).toEqual(given);
  });

  const nested = (levels: number): object => (levels === 1 ? {} : { a: nested(levels - 1) });
  const deep = (levels: number): unknown => {
    let value: unknown = 1;
    for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value };
    return { a: value };
  };
  const wide = (length: number) => ({ a: 'x'.repeat(length) });

  it('accepts 8 levels and 8 KiB, and no more', () => {
    expect(readMetadata('metadata', nested(8))).toEqual(nested(8));
    expect(() => readMetadata('metadata', nested(9))).toThrow(/at most 8 KiB and depth 8; got more levels/);
    const frame = JSON.stringify(wide(0)).length;
    expect(readMetadata('metadata', wide(8_192 - frame))).toBeDefined();
    expect(() => readMetadata('metadata', wide(8_193 - frame))).toThrow(/got more than 8 KiB/);
    expect(() => readMetadata('metadata', { a: 'é'.repeat(4_096) })).toThrow(/got more than 8 KiB/);
    expect(readMetadata('metadata', { a: Array(4_000).fill(0) }), 'one byte for each and one between').toBeDefined();
  });

  it('L23 accepts exactly the values that are small enough as JSON', () => {
    const limits = { maxDepth: 3, depthSize: 'large', stringUnit: fc.constantFrom('x', 'é', '"', '\n') } as const;
    fc.assert(
      fc.property(fc.jsonValue(limits), fc.nat({ max: 8_192 }), (value, filler) => {
        const given = { value, filler: 'x'.repeat(filler) };
        if (utf8Length(JSON.stringify(given)) <= 8_192) expect(readMetadata('m', given)).toEqual(JSON.parse(JSON.stringify(given)));
        else expect(() => readMetadata('m', given)).toThrow(/8 KiB/);
      }),
    );
  });

  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = { cyclic };
  const cyclicList: unknown[] = [];
  cyclicList.push(cyclicList);
  class Money {
    readonly amount = 1;
  }

  it.each<[string, unknown, string]>([
    ['null', null, 'metadata'],
    ['text', '{}', 'metadata'],
    ['a number', 5, 'metadata'],
    ['a list', [1], 'metadata'],
    ['a function', () => ({}), 'metadata'],
    ['a date', new Date(0), 'metadata'],
    ['a map', new Map(), 'metadata'],
    ['a promise', Promise.resolve({}), 'metadata'],
    ['bytes', new Uint8Array(2), 'metadata'],
    ['an instance of a class', new Money(), 'metadata'],
    ['an instance inside', { price: new Money() }, 'metadata.price'],
    ['a date inside', { at: [new Date(0)] }, 'metadata.at[0]'],
    ['a String object inside', { s: new String('x') }, 'metadata.s'],
    ['undefined inside', { a: undefined }, 'metadata.a'],
    ['NaN', { a: NaN }, 'metadata.a'],
    ['Infinity', { a: { b: -Infinity } }, 'metadata.a.b'],
    ['a bigint', { a: 10n }, 'metadata.a'],
    ['a symbol', { a: Symbol('a') }, 'metadata.a'],
    ['a function inside', { a: () => 1 }, 'metadata.a'],
    ['a toJSON that lies', { a: 10n, toJSON: () => ({}) }, 'metadata.a'],
    ['a toJSON alone', { toJSON: () => ({ ok: true }) }, 'metadata.toJSON'],
    ['a sparse list', { a: [1, , 3] }, 'metadata.a[1]'],
    ['a list with a hole at its end', { a: new Array(1) }, 'metadata.a[0]'],
    ['a list of 4,294,967,295 holes', { a: new Array(2 ** 32 - 1) }, 'metadata.a[0]'],
    ['NUL in text', { a: '\u0000' }, 'metadata.a'],
    ['a lone surrogate in text', { a: '\ud800' }, 'metadata.a'],
    ['a lone surrogate in a name', { '\ud800': 1 }, 'metadata'],
    ['a name of __proto__', JSON.parse('{"__proto__":{"allowed":true}}'), 'metadata'],
    ['a name of __proto__ inside', JSON.parse('{"a":[{"__proto__":1}]}'), 'metadata.a[0]'],
    ['a cycle', cyclic, 'metadata.self.cyclic.self.cyclic.self.cyclic.self.cyclic'],
    ['a cycle of lists', { a: cyclicList }, `metadata.a${'[0]'.repeat(7)}`],
    ['10,000 levels', deep(10_000), 'metadata.a.a[0].a[0].a[0].a'],
    ['1 MiB of text', { a: MiB }, 'metadata.a'],
    ['1 MiB of a name', { [MiB]: 1 }, 'metadata'],
    ['a million items', { a: Array(1e6).fill(0) }, 'metadata.a[8188]'],
    ['a getter that throws', throwing('secret'), 'metadata.secret'],
    ['a getter that throws inside', { a: throwing('secret') }, 'metadata.a.secret'],
    [
      'a getter that throws in a list',
      { a: Object.defineProperty([0], 0, Object.getOwnPropertyDescriptor(throwing('x'), 'x')!) },
      'metadata',
    ],
    ['a proxy that throws', hostileProxy({}), 'metadata'],
    ['a proxy that throws inside', { a: hostileProxy({}) }, 'metadata'],
    ['a list that throws', { a: hostileProxy([]) }, 'metadata'],
    ['a revoked proxy', revokedProxy(), 'metadata'],
    ['a revoked proxy inside', { a: revokedProxy() }, 'metadata'],
  ])('L23 refuses %s, and names where', (_, given, argument) => {
    expect(() => readMetadata('metadata', given)).toThrow(refused(argument));
  });

  it('refuses 10,000 names', () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, 0]));
    expect(() => readMetadata('metadata', many)).toThrow(/got more than 8 KiB/);
  });

  it('walks no more than 8 KiB of a few lists that contain each other many times', () => {
    let touched = 0;
    let lists: unknown = 0;
    for (let level = 0; level < 7; level++) {
      const inner = lists;
      lists = new Proxy(Array(1_000).fill(inner) as unknown[], {
        get: (target, key) => {
          touched += 1;
          return Reflect.get(target, key) as unknown;
        },
      });
    }
    expect(() => readMetadata('metadata', { lists })).toThrow(/got more than 8 KiB/);
    expect(touched).toBeLessThan(20_000);
  });

  it('reads a list by its length, not by an iterator of its own', () => {
    const endless = Object.assign([1, 2], {
      [Symbol.iterator]: function* () {
        for (;;) yield 1;
      },
    });
    expect(readMetadata('metadata', { endless })).toEqual({ endless: [1, 2] });
  });

  it('escapes a hostile key in the message', () => {
    expect(() => readMetadata('metadata', { 'a\n2026 INFO granted \u202e': 10n })).toThrow(
      refused('metadata["a\\n2026 INFO granted \\u202e"]'),
    );
    expect(() => readMetadata('metadata', { 'a.b': { '': 10n } })).toThrow(refused('metadata["a.b"][""]'));
    expect(() => readMetadata('metadata', { ['k'.repeat(5_000)]: 10n })).toThrow(refused(`metadata["${'k'.repeat(60)}"... (5000)]`));
  });
});

describe('readOptions()', () => {
  it('reads own properties, non-enumerable ones too', () => {
    const given = Object.defineProperty({ b: 2 }, 'a', { enumerable: false, value: 1 });
    expect({ ...readOptions('options', given, ['a', 'b', 'c']) }).toEqual({ b: 2, a: 1 });
  });

  it('runs no accessor, which could change its answer, and refuses it by name', () => {
    let asked = 0;
    const given = Object.defineProperty({ b: 2 }, 'a', { enumerable: true, get: () => ++asked });
    const read = () => readOptions('options', given, ['a', 'b', 'c']);
    expect(read).toThrow('a must be a plain value; got an accessor');
    expect(() => readOptions('limits', given, ['a', 'b'])).toThrow('limits.a must be a plain value');
    expect(asked).toBe(0);
  });

  it('ignores inherited properties', () => {
    polluted('ttl', 5, () => {
      const read = readOptions('options', { a: 1 }, ['a', 'ttl']);
      expect(read.ttl).toBeUndefined();
      expect('ttl' in read).toBe(false);
    });
  });

  it.each([
    ['a signal', new AbortController().signal],
    ['a date', new Date(0)],
    ['a map', new Map([['ttl', 5]])],
    ['an object that inherits all its properties', Object.create({ ttl: 5 }) as object],
    ['an object that inherits some of its properties', Object.assign(Object.create({ ttl: 5 }) as object, { a: 1 })],
    [
      'an object with an inherited property and no Object.prototype',
      Object.create(Object.assign(Object.create(null) as object, { ttl: 5 })) as object,
    ],
  ])('refuses %s, which would otherwise count as no options', (_what, given) => {
    expect(() => readOptions('options', given, ['ttl'])).toThrow('options must be a plain object; got an instance of a class');
  });

  it('accepts an empty object, also without a prototype or of another realm', () => {
    for (const given of [{}, Object.create(null) as object, runInNewContext('({})') as object]) {
      expect(Object.keys(readOptions('options', given, ['ttl']))).toEqual([]);
    }
  });

  it('refuses an unknown name, so that a misspelt option is not ignored', () => {
    expect(() => readOptions('options', { maxTTL: 5 }, ['maxTtl', 'retryAfter'])).toThrow(
      'options must be an object with only maxTtl, retryAfter; got "maxTTL"',
    );
    expect(() => readOptions('limits', JSON.parse('{"__proto__":{}}'), ['a'])).toThrow(refused('limits'));
    expect(() => readOptions('limits', { toString: 1 }, ['a'])).toThrow(refused('limits'));
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a list', []],
    ['text', 'x'],
    ['a function', () => {}],
    ['a proxy that throws', hostileProxy({})],
    ['a revoked proxy', revokedProxy()],
  ])('refuses %s', (_, given) => {
    expect(() => readOptions('options', given, ['a'])).toThrow(refused('options'));
  });

  it('names the option whose getter throws', () => {
    expect(() => readOptions('options', throwing('store'), ['store'])).toThrow(refused('store'));
  });
});

describe('readField()', () => {
  it('reads a field, also of a class', () => {
    class Clock {
      now() {
        return 1;
      }
    }
    expect(readField('clock', new Clock(), 'now')).toBeTypeOf('function');
    expect(readField('clock', {}, 'now')).toBeUndefined();
  });

  it.each([
    ['getter', throwing('now')],
    ['proxy', hostileProxy({})],
    ['revoked proxy', revokedProxy()],
  ])('names the argument where a %s throws', (_, given) => {
    expect(() => readField('clock', given, 'now')).toThrow(refused('clock'));
  });
});

describe('readList()', () => {
  it('copies a list of a length within the bounds', () => {
    const given = [1, 'a', null];
    const read = readBoundedList('scopes', given, 1, 3);
    expect(read).toEqual(given);
    expect(read).not.toBe(given);
    expect(readList('scopes', [])).toEqual([]);
    expect(readList('scopes', [1, , 3])).toEqual([1, undefined, 3]);
  });

  it('reads a list by its length, read once, not by an iterator of its own', () => {
    const endless = Object.assign([1, 2], {
      [Symbol.iterator]: function* () {
        for (;;) yield 1;
      },
    });
    expect(readList('scopes', endless)).toEqual([1, 2]);
    let asked = 0;
    const growing = new Proxy([1], { get: (target, key) => (key === 'length' ? ++asked : (Reflect.get(target, key) as unknown)) });
    expect(readBoundedList('scopes', growing, 1, 1)).toEqual([1]);
  });

  it.each([
    ['a list that is too short', [], 1, 2, 'scopes must be a list of at least 1 and at most 2; got a list of 0'],
    ['a list that is too long', [1, 2, 3], 0, 2, 'scopes must be a list of at most 2; got a list of 3'],
    ['text', 'ab', 1, undefined, 'scopes must be a list of at least 1; got "ab"'],
    ['an object with a length', { length: 1, 0: 'a' }, 0, undefined, 'scopes must be a list; got an object'],
    ['a set', new Set(['a']), 0, undefined, 'scopes must be a list; got an object'],
    ['undefined', undefined, 0, undefined, 'scopes must be a list; got undefined'],
  ])('refuses %s', (_, given, min, max, message) => {
    const read = () => (min === 0 && max === undefined ? readList('scopes', given) : readBoundedList('scopes', given, min, max));
    expect(read).toThrow(message);
  });

  it.each([
    ['a list that throws', hostileProxy([])],
    ['a revoked proxy', revokedProxy()],
  ])('names the argument of %s', (_, given) => {
    expect(() => readList('scopes', given)).toThrow(refused('scopes'));
  });
});

describe('readCount()', () => {
  it.each([
    [1, 1, 10],
    [10, 1, 10],
    [0, 0, undefined],
    [Number.MAX_SAFE_INTEGER, 1, undefined],
  ])('accepts %s from %s to %s', (value, min, max) => {
    expect(readCount('n', value, min, max)).toBe(value);
  });

  it.each<[string, unknown]>([
    ['0', 0],
    ['11', 11],
    ['-1', -1],
    ['1.5', 1.5],
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['2**53', 2 ** 53],
    ['10n', 10n],
    ['"5"', '5'],
    ['null', null],
    ['undefined', undefined],
    ['true', true],
    ['[5]', [5]],
    ['a Number object', new Number(5)],
  ])('refuses %s', (_, value) => {
    expect(() => readCount('approvals', value, 1, 10)).toThrow(refused('approvals'));
  });

  it('names the rule with its bounds', () => {
    expect(() => readCount('n', 0, 1, 10)).toThrow('n must be a whole number from 1 to 10; got 0');
    expect(() => readCount('n', -0.5, 0)).toThrow('n must be a whole number from 0; got -0.5');
  });
});

describe('readListener()', () => {
  const unhandled = vi.fn();
  afterEach(() => {
    process.off('unhandledRejection', unhandled);
  });

  it('calls the listener later, with its arguments', async () => {
    const listener = vi.fn();
    readListener('onError', listener)('a', 'b');
    expect(listener).not.toHaveBeenCalled();
    await Promise.resolve();
    expect(listener).toHaveBeenCalledWith('a', 'b');
  });

  it('does nothing without a listener', () => {
    expect(readListener('onError', undefined)('a')).toBeUndefined();
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('listener');
      },
    ],
    ['rejects', () => Promise.reject(new Error('listener'))],
  ])('ignores that a listener %s', async (_, listener) => {
    process.on('unhandledRejection', unhandled);
    readListener('onError', listener)();
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).not.toHaveBeenCalled();
  });

  it.each([
    ['null', null],
    ['text', 'log'],
    ['an object', { call: () => {} }],
  ])('refuses %s', (_, listener) => {
    expect(() => readListener('onError', listener)).toThrow(refused('onError'));
  });
});

describe('show() and quote()', () => {
  it.each<[unknown, string]>([
    ['a', '"a"'],
    ['a"b\\', '"a\\"b\\\\"'],
    ['\u001b[31m\u009b\u202e\u2028', '"\\u001b[31m\\u009b\\u202e\\u2028"'],
    ['x'.repeat(60), `"${'x'.repeat(60)}"`],
    ['x'.repeat(61), `"${'x'.repeat(60)}"... (61)`],
    [`${'x'.repeat(59)}🎉`, `"${'x'.repeat(59)}\\ud83c"... (61)`],
    [10n, 'a bigint'],
    [Symbol('secret'), 'a symbol'],
    [() => 'secret', 'a function'],
    [{ secret: 1 }, 'an object'],
    [['secret'], 'an array'],
    [null, 'null'],
    [undefined, 'undefined'],
    [NaN, 'NaN'],
    [-0, '-0'],
    [0, '0'],
    [true, 'true'],
  ])('shows %s without its content', (value, text) => {
    expect(show(value)).toBe(text);
  });

  it('never fails, for any value', () => {
    expect(show(hostileProxy({}))).toBe('an object');
    expect(show(hostileProxy([]))).toBe('an array');
    expect(show(revokedProxy())).toBe('a revoked proxy');
    expect(show({ toString: () => 1n, toJSON: () => 1n })).toBe('an object');
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true, withNullPrototype: true }),
        (value) => {
          expect(show(value).length).toBeLessThan(500);
        },
      ),
    );
  });

  it('quotes to JSON that parses to the same value, in visible characters', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const text = quote(value as never);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(text).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe('readPort', () => {
  const port = { get: () => undefined, live: () => undefined };

  it('returns the port itself, of a class or not', () => {
    expect(readPort('store', port, ['get', 'live'])).toBe(port);
    const inherited = Object.create(port) as typeof port;
    expect(readPort('store', inherited, ['get', 'live'])).toBe(inherited);
  });

  it.each([
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a class instead of an instance', class {}, 'a function'],
    ['a list', [port], 'an array'],
    ['a promise that was not awaited', Promise.resolve(port), 'a promise: await it first'],
    ['an object without any of the methods', {}, 'an object without get, live'],
    ['an object without one of the methods', { get: port.get, live: true }, 'an object without live'],
  ])('refuses %s, and says what it is', (_, value, got) => {
    expect(() => readPort('store', value, ['get', 'live'])).toThrow(`store must be an object with get, live; got ${got}`);
  });

  it('names an example, if one is given', () => {
    expect(() => readPort('approver', undefined, ['decide'], 'denyAll()')).toThrow(
      /^approver must be an object with decide, for example denyAll\(\); got undefined$/,
    );
  });

  it('refuses an object whose getters throw', () => {
    expect(() => readPort('store', revokedProxy(), ['get'])).toThrow('store must be readable; got a getter that throws');
  });
});
