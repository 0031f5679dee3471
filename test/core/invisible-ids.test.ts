import { describe, expect, it } from 'vitest';
import { JitEngine, MemoryGrantStore, reviewers } from '../../src/index.js';
import { name } from '../../src/features/notify/phrase.js';
import { definePolicy } from '../../src/policy.js';
import { SAM } from '../engine/an-engine.js';

const code = (char: string) => `U+${(char.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}`;
/** Each invisible character that an attacker may put into an id. */
const INVISIBLE = [
  ...Array.from({ length: 16 }, (_, i) => String.fromCodePoint(0xfe00 + i)),
  ...[0x34f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x180c, 0x180d, 0x180e, 0x180f, 0x2800, 0x3164, 0xffa0].map((at) =>
    String.fromCodePoint(at),
  ),
  ...[0xe0100, 0xe01ef, 0xe0000, 0x2065, 0xfff0, 0x1d173, 0x200b, 0xad].map((at) => String.fromCodePoint(at)),
].map((char) => [code(char), char] as const);

describe('an id with an invisible character', () => {
  it.each(INVISIBLE)('L23 %s is refused in every id that is given [M2]', async (_, char) => {
    const forged = `user:${char}sam`;
    const engine = new JitEngine({ store: new MemoryGrantStore(), approver: reviewers({ members: [SAM] }) });
    const asked = engine.requestAccess({ subject: forged, scope: 'db:prod', ttl: '30m' });
    const problem = await asked.then(
      () => undefined,
      (error: unknown) => error as { readonly code: string; readonly argument: string },
    );
    expect(problem).toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT', argument: 'subject' });
    const refused = expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT' }) as Error;
    expect(() => reviewers({ members: [forged] })).toThrow(refused);
    const deny = (subjects: [string] | [{ like: string }]) => ({ rules: [{ id: 'no', scopes: ['db'], subjects, deny: 'x' }] });
    expect(() => definePolicy(deny([forged]))).toThrow(refused);
    expect(() => definePolicy(deny([{ like: `${forged}*` }]))).toThrow(refused);
  });

  it.each(INVISIBLE)('%s in an external id is escaped in a notice, and never dropped [M2]', (_, char) => {
    const escapes = Array.from({ length: char.length }, (__, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join('');
    const { text, markdown } = name(`user:${char}sam`);
    expect(text).toBe(`"user:${escapes}sam"`);
    expect(markdown).not.toBe(name('user:sam').markdown);
  });

  it('visible names, and names with a line break, are distinguished too', () => {
    expect(name('user:zoë').text).toBe('"user:zoë"');
    expect(name('user:\nsam').text).toBe('"user:\\u000asam"');
    expect(name('user:sam').text).toBe('user:sam');
  });
});
