import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, digestOf, digestOfEntry, GENESIS, hashOfEntry, isBehind, link } from '../../src/journal/link.js';
import type { JsonObject } from '../../src/model/json.js';
import type { Anchor, UnlinkedEntry } from '../../src/records/index.js';
import { canonical, referenceDigest, referenceHash } from './reference.js';
import { anchorOf, journalOf, unlinked } from './sample.js';

const refused = (argument: string) => expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument }) as Error;
const D = 'd'.repeat(64);

describe('canonicalJson()', () => {
  /** RFC 8785, appendix B: the bits of a double, and how it must be written. */
  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('L26 writes the double %s as %s', (bits, text) => {
    expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text);
  });

  it.each([NaN, Infinity, -Infinity])('L26 refuses %s, which JSON would turn into null', (value) => {
    expect(() => canonicalJson({ at: value })).toThrow();
  });

  it('L26 writes the example of RFC 8785, section 3.2.2', () => {
    const given = `{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
      "string":"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}`;
    expect(canonicalJson(JSON.parse(given))).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it('L26 sorts names by UTF-16 code units, as in RFC 8785, section 3.2.3', () => {
    const given = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 };
    expect(canonicalJson(given)).toBe('{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}');
  });

  it('L26 distinguishes texts that look the same, and normalises none', () => {
    expect(digestOf({ a: '\u00e9' })).not.toBe(digestOf({ a: 'e\u0301' }));
    expect(digestOf({ a: '\ud800' })).not.toBe(digestOf({ a: '\ud801' }));
    expect(digestOf({ a: '\ud800' })).not.toBe(digestOf({ a: '\ufffd' }));
    expect(digestOf({ a: 1 })).not.toBe(digestOf({ a: '1' }));
    expect(digestOf({ a: null })).not.toBe(digestOf({}));
  });

  it('L26 agrees with an independent implementation of the RFC', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        expect(canonicalJson(value)).toBe(canonical(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('digestOfEntry()', () => {
  const text = fc.string({ unit: 'binary', maxLength: 10 });
  const data = fc.dictionary(text, fc.jsonValue({ maxDepth: 2, stringUnit: 'binary' })) as fc.Arbitrary<JsonObject>;

  it("L26 agrees with Node's SHA-256 over an independent canonical form", () => {
    for (const entry of journalOf(10)) expect(entry.digest).toBe(referenceDigest(entry));
    fc.assert(
      fc.property(text, text, fc.nat(), fc.option(text, { nil: undefined }), data, (actor, namespace, at, requestId, data) => {
        const [entry] = link(GENESIS, [unlinked(1, { actor, namespace, at, requestId, data })]);
        expect(entry!.digest).toBe(referenceDigest(entry!));
      }),
    );
  });

  it('covers the fields of the transition, but not seq, prevHash, hash and digest', () => {
    const entry = unlinked(1);
    const placed = { ...entry, seq: 5, prevHash: D, hash: D, digest: 'x' };
    expect(digestOfEntry(placed)).toBe(digestOfEntry(entry));
  });

  it('treats a missing id as an undefined one', () => {
    const { requestId: _, ...absent } = unlinked(1);
    expect(digestOfEntry(absent)).toBe(digestOfEntry(unlinked(1, { requestId: undefined })));
    expect(digestOfEntry(absent)).not.toBe(digestOfEntry(unlinked(1, { requestId: '' })));
  });

  it('L24 changes when a value moves from one field to another', () => {
    const digests = [
      unlinked(1, { requestId: 'a', grantId: 'b' }),
      unlinked(1, { requestId: 'b', grantId: 'a' }),
      unlinked(1, { requestId: 'ab', grantId: '' }),
      unlinked(1, { requestId: '', grantId: 'ab' }),
      unlinked(1, { requestId: 'ab', grantId: undefined }),
      unlinked(1, { requestId: 'a","grantId":"b', grantId: undefined }),
      unlinked(1, { namespace: 'tenant:a', actor: 'b' }),
      unlinked(1, { namespace: 'tenant', actor: 'a:b' }),
    ].map((entry) => entry.digest);
    expect(new Set(digests).size).toBe(digests.length);
  });
});

describe('hashOfEntry()', () => {
  it.each([1, 2, 255, 256, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40 + 3, Number.MAX_SAFE_INTEGER])(
    'L26 agrees with SHA-256(prevHash || uint64be(seq) || digest) at seq %s',
    (seq) => {
      expect(hashOfEntry(GENESIS.hash, seq, D)).toBe(referenceHash(GENESIS.hash, seq, D));
    },
  );

  it('L26 differs for places that differ by 2^32', () => {
    expect(hashOfEntry(D, 1, D)).not.toBe(hashOfEntry(D, 1 + 2 ** 32, D));
  });

  it('has a known value', () => {
    // printf '%064d%016x%064d' 0 1 0 | xxd -r -p | sha256sum
    expect(hashOfEntry('0'.repeat(64), 1, '0'.repeat(64))).toBe('f82db6e0de46a257154926d5afb61585e77eab5df7f4c552ddb8cce2ea7e0d9a');
  });

  it.each<[string, unknown]>([
    ['empty', ''],
    ['one digit short', 'd'.repeat(63)],
    ['one byte short, which would be padded with zeros', 'd'.repeat(62)],
    ['one byte long', 'd'.repeat(66)],
    ['in capitals', 'D'.repeat(64)],
    ['not hex', 'g'.repeat(64)],
    ['with a line break', `${'d'.repeat(64)}\n`],
    ['undefined', undefined],
    ['null', null],
    ['a list', [D]],
    ['a String object', new String(D)],
  ])('L26 refuses a hash or a digest that is %s', (_, hash) => {
    expect(() => hashOfEntry(hash as string, 1, D)).toThrow();
    expect(() => hashOfEntry(D, 1, hash as string)).toThrow();
  });

  it.each<[string, unknown]>([
    ['0', 0],
    ['negative', -1],
    ['a fraction', 1.5],
    ['NaN', NaN],
    ['2**53', 2 ** 53],
    ['a bigint', 1n],
    ['text', '1'],
    ['undefined', undefined],
  ])('L26 refuses a seq that is %s', (_, seq) => {
    expect(() => hashOfEntry(D, seq as number, D)).toThrow(refused('seq'));
  });
});

describe('link()', () => {
  it('L26 starts at seq 1 after 32 zero bytes', () => {
    expect(GENESIS).toEqual({ seq: 0, hash: '0000000000000000000000000000000000000000000000000000000000000000' });
    const [first] = link(GENESIS, [unlinked(1)]);
    expect(first).toMatchObject({ seq: 1, prevHash: GENESIS.hash, hash: referenceHash(GENESIS.hash, 1, unlinked(1).digest) });
  });

  it('L26 chains the entries of a change in order', () => {
    const entries = journalOf(10);
    let before: Anchor = GENESIS;
    for (const entry of entries) {
      expect(entry.seq).toBe(before.seq + 1);
      expect(entry.prevHash).toBe(before.hash);
      expect(entry.hash).toBe(referenceHash(before.hash, entry.seq, entry.digest));
      before = anchorOf(entry);
    }
  });

  it('L26 gives the same chain for any split of the entries into changes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 4 }), { maxLength: 6 }), (sizes) => {
        let head: Anchor = GENESIS;
        const all = sizes.flatMap((size) => {
          const drafts = Array.from({ length: size }, (_, i) => unlinked(head.seq + i + 1));
          const linked = link(head, drafts);
          if (linked.length > 0) head = anchorOf(linked.at(-1)!);
          return linked;
        });
        expect(all).toEqual(journalOf(all.length));
      }),
    );
  });

  it('L26 continues after 2^32 entries', () => {
    const head = { seq: 2 ** 32 - 2, hash: D };
    const [last32, first33, second33] = link(head, [unlinked(1), unlinked(2), unlinked(3)]);
    expect([last32!.seq, first33!.seq, second33!.seq]).toEqual([4_294_967_295, 4_294_967_296, 4_294_967_297]);
    expect(second33!.hash).toBe(referenceHash(first33!.hash, 4_294_967_297, unlinked(3).digest));
  });

  it('returns an empty list for an empty list', () => {
    expect(link(GENESIS, [])).toEqual([]);
  });

  it('does not change the drafts, and returns frozen entries with the same fields', () => {
    const draft = Object.freeze(unlinked(1));
    const { requestId: _, grantId: __, ...bare } = unlinked(2);
    const entries = link(GENESIS, [draft, bare]);
    expect(Object.keys(entries[0]!)).toEqual(Object.keys(entries[1]!));
    for (const entry of entries) expect(Object.isFrozen(entry)).toBe(true);
    expect(entries[0]).toMatchObject(draft);
  });

  it('drops unknown fields', () => {
    const draft: UnlinkedEntry = { ...unlinked(1), ...{ secret: 'token' } };
    expect(link(GENESIS, [draft])[0]).not.toHaveProperty('secret');
  });

  it.each<[string, Anchor, string]>([
    ['a head whose hash is cut', { seq: 0, hash: D.slice(2) }, 'prevHash'],
    ['a head without a hash', { seq: 0 } as Anchor, 'prevHash'],
    ['a head whose seq is a string', { seq: 'x' as never, hash: D }, 'seq'],
    ['a head at the maximum seq', { seq: Number.MAX_SAFE_INTEGER, hash: D }, 'seq'],
    ['a head below zero', { seq: -1, hash: D }, 'seq'],
  ])('refuses %s', (_, head, argument) => {
    expect(() => link(head, [unlinked(1)])).toThrow(refused(argument));
  });

  it('refuses an entry without a complete digest at any position', () => {
    expect(() => link(GENESIS, [unlinked(1), { ...unlinked(2), digest: D.slice(2) }])).toThrow(refused('digest'));
    expect(() => link(GENESIS, [{ ...unlinked(2), digest: undefined as never }])).toThrow(refused('digest'));
  });
});

describe('isBehind()', () => {
  const hash = (seq: number) => String(seq).repeat(64);
  const at = (seq: number, other = hash(seq)) => ({ seq, hash: other });
  const journal = { start: at(3), head: at(6) };

  it.each([
    ['nothing', undefined, false],
    ['its head', at(6), false],
    ['an entry of it', at(4), false],
    ['an entry after its head', at(7), true],
    ['another entry in the place of one of its entries', at(5, 'f'.repeat(64)), true],
    ['an entry at its start with another hash', at(3, 'f'.repeat(64)), false],
    ['an entry before its start', at(2), false],
  ])('L40 compares the journal with a caller that knows %s', (_, knows, behind) => {
    expect(isBehind(knows, journal, (seq) => (seq > 3 && seq <= 6 ? hash(seq) : undefined))).toBe(behind);
  });

  it('L40 is true for an entry after the head, without looking it up', () => {
    expect(isBehind(at(7), journal, hash)).toBe(true);
  });
});
