import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMacKeys, type ParsedMacKey } from '../../../src/core/mac-keys.js';
import { readLink, signLink, type ApprovalLink } from '../../../src/features/links/approval-link.js';
import { START_AT } from '../../../src/testing.js';
import { refusal } from '../../engine/an-engine.js';

const LINK: ApprovalLink = {
  namespace: 'default',
  requestId: 'r1',
  askDigest: 'a'.repeat(64),
  reviewer: 'user:sam',
  decision: 'approve',
  issuedAt: START_AT,
  expiresAt: START_AT + 60_000,
  reviewedAt: undefined,
  ttlMs: undefined,
  places: undefined,
};
const [KEY, OTHER] = readMacKeys('keys', [
  { id: 'k1', secret: 's'.repeat(32) },
  { id: 'k2', secret: new Uint8Array(32).fill(7) },
]) as [ParsedMacKey, ParsedMacKey];
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const whyNot = async (token: unknown, keys: readonly ParsedMacKey[] = [KEY]): Promise<string> =>
  (await refusal(() => readLink(keys, token), 'ERR_JIT_LINK')).why;

/** A token of any content that is signed with our key, as only a holder of the key can make it. */
function signed(value: unknown, { id, secret }: ParsedMacKey = KEY): string {
  const said = typeof value === 'string' ? value : Buffer.from(JSON.stringify(value)).toString('base64url');
  const mac = createHmac('sha256', secret).update(`jit-access approval link 1: ${id}.${said}`).digest('base64url');
  return `${id}.${said}.${mac}`;
}

const FIELDS = ['default', 'r1', 'a'.repeat(64), 'user:sam', 'approve', START_AT, START_AT + 60_000, null, null, null] as const;

describe('signLink()', () => {
  it('makes a token of its fields, in characters that a URL does not escape', () => {
    const token = signLink(KEY, LINK);
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(encodeURIComponent(token)).toBe(token);
    expect(readLink([KEY], token)).toEqual(LINK);
    expect(token).toBe(signed(FIELDS));
  });

  it('changes the signature with every field', () => {
    const others: readonly ApprovalLink[] = [
      { ...LINK, namespace: 'other' },
      { ...LINK, requestId: 'r2' },
      { ...LINK, askDigest: 'b'.repeat(64) },
      { ...LINK, reviewer: 'user:eve' },
      { ...LINK, decision: 'deny' },
      { ...LINK, issuedAt: START_AT + 1 },
      { ...LINK, expiresAt: START_AT + 60_001 },
      { ...LINK, reviewedAt: START_AT },
      { ...LINK, ttlMs: 60_000 },
      { ...LINK, places: [1] },
      { ...LINK, places: [1, 3] },
    ];
    const tokens = [LINK, ...others].map((link) => signLink(KEY, link));
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(new Set(tokens.map((token) => token.split('.')[2])).size).toBe(tokens.length);
    others.forEach((link, i) => expect(readLink([KEY], tokens[i + 1])).toEqual(link));
    // The fields of one link under the signature of another.
    const [, said] = (tokens[4] as string).split('.');
    expect(() => readLink([KEY], `k1.${said}.${(tokens[0] as string).split('.')[2]}`)).toThrow('not signed');
  });

  it('L24 makes different signatures for fields that are equal when concatenated', () => {
    const pair = (reviewer: string, requestId: string) => signLink(KEY, { ...LINK, reviewer, requestId });
    expect(pair('a","b', 'c')).not.toBe(pair('a', 'b","c'));
    expect(readLink([KEY], pair('a","b', 'c'))).toMatchObject({ reviewer: 'a","b', requestId: 'c' });
  });

  it('accepts any id', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (text) => {
        const reviewer = `u${text.normalize('NFC').replace(/[\p{C}\p{Z}]/gu, '_')}x`;
        expect(readLink([KEY], signLink(KEY, { ...LINK, reviewer })).reviewer).toBe(reviewer);
      }),
    );
    const long = '\u{1f512}'.repeat(128);
    expect(readLink([KEY], signLink(KEY, { ...LINK, reviewer: long, requestId: long, namespace: long })).reviewer).toBe(long);
  });
});

describe('readLink()', () => {
  const token = signLink(KEY, LINK);

  it('refuses any token in which a single character was changed, removed, doubled or inserted', () => {
    const anywhere = fc.nat({ max: token.length - 1 });
    const letter = fc.oneof(fc.constantFrom(...DIGITS, '.', '=', ' ', '\n', '\0', 'é'), fc.string({ minLength: 1, maxLength: 1 }));
    fc.assert(
      fc.property(anywhere, letter, fc.constantFrom('change', 'remove', 'put in'), (i, char, what) => {
        const rest = token.slice(what === 'put in' ? i : i + 1);
        const other = token.slice(0, i) + (what === 'remove' ? '' : char) + rest;
        fc.pre(other !== token);
        expect(() => readLink([KEY, OTHER], other)).toThrow('this approval link');
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses every other character at every position', () => {
    let accepted = 0;
    for (let i = 0; i < token.length; i++) {
      for (const char of `${DIGITS}.=`) {
        if (char === token[i]) continue;
        try {
          readLink([KEY], token.slice(0, i) + char + token.slice(i + 1));
          accepted++;
        } catch {
          // The unchanged token must be accepted.
        }
      }
    }
    expect(accepted).toBe(0);
  });

  it('refuses every part of a token, and a token with characters around it', async () => {
    for (let length = 0; length < token.length; length++) await whyNot(token.slice(0, length));
    for (const other of [
      ` ${token}`,
      `${token} `,
      `${token}\n`,
      `${token}.`,
      `.${token}`,
      `${token}=`,
      `${token}==`,
      `${token}.x`,
      token.toUpperCase(),
      token.replace('.', '..'),
      token.replaceAll('.', '%2E'),
      token.replace('k1', 'K1'),
      token.replace('k1', ' k1'),
      token.replace('k1', ''),
    ]) {
      await whyNot(other);
    }
  });

  it('refuses padding and the standard base64 alphabet, although the bytes would be the same', async () => {
    const [id, said = '', mac = ''] = token.split('.');
    for (const other of [
      `${id}.${said}=.${mac}`,
      `${id}.${said}.${mac}=`,
      `${id}.${said}.${mac}==`,
      // 32 bytes leave two unused bits in the last character: only one of the four forms is canonical.
      ...[1, 2, 3].map((bits) => `${id}.${said}.${mac.slice(0, -1)}${DIGITS[DIGITS.indexOf(mac.at(-1) as string) + bits]}`),
    ]) {
      expect(await whyNot(other)).toBe('malformed');
    }
  });

  it('refuses an unknown key, a key of another name, and a removed key', async () => {
    expect(await whyNot(token, [OTHER])).toBe('signature');
    expect(await whyNot(token, [])).toBe('signature');
    expect(await whyNot(token, [{ ...KEY, id: 'k2' }])).toBe('signature');
    expect(await whyNot(token.replace('k1.', 'k2.'), [KEY, OTHER])).toBe('signature');
    expect(await whyNot(token.replace('k1.', 'k2.'), [{ ...KEY, id: 'k2' }])).toBe('signature');
    expect(await whyNot(token, [{ ...OTHER, id: 'k1' }])).toBe('signature');
    for (const id of ['__proto__', 'constructor', '']) expect(await whyNot(token.replace('k1', id))).toBe('signature');
    expect(readLink([OTHER, KEY], token)).toEqual(LINK);
  });

  it('refuses a well-formed signature of another key, and a shorter, longer or empty one', async () => {
    const [id, said] = token.split('.');
    for (const mac of ['', 'AA', 'A'.repeat(43), 'A'.repeat(86), `${token.split('.')[2] ?? ''}AA`, token.split('.')[2]?.slice(0, 40)]) {
      expect(['signature', 'malformed']).toContain(await whyNot(`${id}.${said}.${mac}`));
    }
  });

  it('refuses a token that the same key signed for another purpose', async () => {
    const said = token.split('.')[1] ?? '';
    for (const purpose of ['', 'jit-access approval link 2: ', 'jit-access approval link 1:']) {
      const mac = createHmac('sha256', KEY.secret).update(`${purpose}k1.${said}`).digest('base64url');
      expect(await whyNot(`k1.${said}.${mac}`)).toBe('signature');
    }
  });

  it('refuses a signed token that is not in the format of an approval link', async () => {
    const wrong: readonly unknown[] = [
      null,
      7,
      'x',
      {},
      [],
      FIELDS.slice(0, 9),
      [...FIELDS, null],
      { ...FIELDS, length: 10 },
      ...FIELDS.map((_, i) => FIELDS.map((field, j) => (i === j ? {} : field))),
      ...FIELDS.slice(0, 7).map((_, i) => FIELDS.map((field, j) => (i === j ? null : field))),
      ...[1, 2, 3].flatMap((i) => ['', ' x', 'x'.repeat(257), 'a\u200bb', 7].map((id) => FIELDS.map((field, j) => (i === j ? id : field)))),
      ...['Approve', 'approved', '', 'revoke'].map((decision) => FIELDS.map((field, j) => (j === 4 ? decision : field))),
      ...[5, 6, 7].flatMap((i) => [-1, 1.5, 9e15, '1', true].map((instant) => FIELDS.map((field, j) => (i === j ? instant : field)))),
      ...[0, -1, 1.5, '1', true].map((ttl) => FIELDS.map((field, j) => (j === 8 ? ttl : field))),
      ...[7, 'x', [], [1.5], ['1'], [null]].map((places) => FIELDS.map((field, j) => (j === 9 ? places : field))),
    ];
    for (const value of wrong) expect(await whyNot(signed(value))).toBe('malformed');
    for (const text of ['', 'nojson', '[', '"\\ud800"']) {
      expect(await whyNot(signed(Buffer.from(text).toString('base64url')))).toBe('malformed');
    }
    expect(await whyNot(signed(Buffer.from([0xff, 0xfe]).toString('base64url')))).toBe('malformed');
    expect(readLink([KEY], signed(FIELDS))).toEqual(LINK);
  });

  it('refuses a value that is not a string, without calling its methods', async () => {
    const trap = new Proxy(
      {},
      {
        get: () => {
          throw new Error('touched');
        },
      },
    );
    const lies = { toString: () => token, valueOf: () => token, length: token.length, split: () => token.split('.') };
    const { proxy: revoked, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const value of [undefined, null, 7, 7n, true, Symbol('x'), [token], lies, trap, revoked, new String(token), () => token]) {
      expect(await whyNot(value)).toBe('malformed');
    }
  });

  it('refuses a token over the maximum length before it parses it', async () => {
    const mib = 'A'.repeat(1 << 20);
    expect(await whyNot(mib)).toBe('malformed');
    expect(await whyNot(`k1.${mib}.${mib}`)).toBe('malformed');
    expect(await whyNot('.'.repeat(1 << 20))).toBe('malformed');
    expect(await whyNot(signed(Buffer.alloc(16_384).toString('base64url')))).toBe('malformed');
  });

  it('shows no part of the token, the key or the secret in its errors', async () => {
    for (const other of [token.slice(1), `${token}x`, token.replace('k1', 'k9'), signed([token, KEY.secret])]) {
      const error = await refusal(() => readLink([KEY], other), 'ERR_JIT_LINK');
      const told = `${error.message} ${JSON.stringify(error)} ${String(error.cause)}`;
      for (const secret of other.split('.').filter((part) => part.length > 2)) expect(told).not.toContain(secret);
      expect(told).not.toContain('ssss');
      expect(error.requestId).toBeUndefined();
    }
  });
});

describe('readMacKeys()', () => {
  const argumentOf = async (value: unknown): Promise<string> =>
    (await refusal(() => readMacKeys('keys', value), 'ERR_JIT_INVALID_ARGUMENT')).argument;
  const secret = 's'.repeat(32);

  it('requires at least 32 bytes of UTF-8 text, and never shows them', async () => {
    for (const short of ['', 'x', 's'.repeat(31), new Uint8Array(31), new Uint8Array(), undefined, null, 7, [], {}, new ArrayBuffer(32)]) {
      const error = await refusal(() => readMacKeys('keys', [{ id: 'k', secret: short }]), 'ERR_JIT_INVALID_ARGUMENT');
      expect(error.argument).toBe('keys[0].secret');
      expect(error.message).not.toContain('sss');
    }
    for (const long of ['s'.repeat(32), 'é'.repeat(16), '\u{1f512}'.repeat(8), new Uint8Array(32), Buffer.alloc(64)]) {
      expect(readMacKeys('keys', [{ id: 'k', secret: long }])).toHaveLength(1);
    }
    expect(await argumentOf([{ id: 'k', secret: 'é'.repeat(15) }])).toBe('keys[0].secret');
  });

  it('keeps a copy of the bytes, so that a later change has no effect', () => {
    const bytes = new Uint8Array(32).fill(1);
    const keys = readMacKeys('keys', [{ id: 'k', secret: bytes }]);
    const token = signLink(keys[0], LINK);
    bytes.fill(0);
    expect(readLink(keys, token)).toEqual(LINK);
  });

  it('requires ids that are valid in a token, each once', async () => {
    for (const id of ['', 'a.b', 'a b', 'a\n', 'é', 'x'.repeat(65), 7, undefined, null, ['k']]) {
      expect(await argumentOf([{ id, secret }])).toBe('keys[0].id');
    }
    expect(
      await argumentOf([
        { id: 'a', secret },
        { id: 'a', secret: 't'.repeat(32) },
      ]),
    ).toBe('keys[1].id');
    expect(readMacKeys('keys', [{ id: 'A-z_0'.padEnd(64, '9'), secret }])).toHaveLength(1);
  });

  it('refuses a value that is not a list of keys', async () => {
    for (const value of [undefined, null, {}, [], 'key', 7]) expect(await argumentOf(value)).toBe('keys');
    for (const value of [[null], ['key'], [[]], [{ id: 'k', secret, kid: 'k' }], [{ id: 'k', secret }, undefined]]) {
      expect(await argumentOf(value)).toMatch(/^keys\[\d\]$/);
    }
  });
});
