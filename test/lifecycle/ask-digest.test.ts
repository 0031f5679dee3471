import { describe, expect, it } from 'vitest';
import { digestOfAsk, LATER, laterOf, type Ask, type Extended } from '../../src/lifecycle/ask.js';
import type { RecordTable } from '../../src/records/fields.js';
import { KINDS } from '../../src/records/index.js';

/* Rows and entries of `reuse` and links in mails hold digests of 0.1.0: another digest of the same ask would refuse a repeat, and a link. */

const PLAIN: Ask = {
  subject: 'user:maya',
  requestedBy: 'user:maya',
  scopes: ['db-prod:write'],
  ttlMs: 900_000,
  extends: undefined,
};

const WHOLE: Ask = {
  subject: 'user:maya',
  requestedBy: 'user:noor',
  scopes: ['db-prod:write', 'db-prod:read'],
  ttlMs: undefined,
  until: 1_900_000_000_000,
  startsAt: 1_800_000_000_000,
  replaces: 'r1',
  justification: 'Zürich is down',
  ticket: 'INC-1',
  metadata: { pager: [1, { x: null }], a: true },
  correlation: 'trace-1',
  extends: undefined,
};

describe('digestOfAsk()', () => {
  it.each<readonly [string, Ask, Extended | undefined, string]>([
    ['with the fewest fields', PLAIN, undefined, 'b61b99151548e1044c2d0dbb616a0a35981fc322faab94c579e415e6b2eed41c'],
    ['with every field', WHOLE, undefined, '6ee3026ed89cdb99ee9b427620015aafc9250aa6e754f25fc108d64aa175a6d9'],
    [
      'of a run',
      { ...PLAIN, subject: 'agent:7/run/user:noor/0', agent: 'agent:7', operator: 'user:noor' },
      undefined,
      'caffa0a9e6b701680a016498be0fb93068c5c0fb3f82d7be056d357b3c168af5',
    ],
    ['that extends a grant', PLAIN, 'r0.1', '8c64f4b20ce8c45f3e06d8292aab77c84fd4a381d65e6a18c2ba72dc2a3a4faa'],
    [
      'that extends a request',
      { ...PLAIN, scopes: [] },
      { requestId: 'r0' },
      '5965c5772abd2882977094da7eafc340a64c73013d7f34ffc1250083d7316e3b',
    ],
  ])('L11 L18 gives the digest of 0.1.0 for an ask %s', (_, ask, extended, digest) => {
    expect(digestOfAsk(ask, extended)).toBe(digest);
  });
});

describe('a field of an ask that a later version added', () => {
  it('L11 joins the digest with its name, only where the ask has it', () => {
    const names = ['ticket', 'agent'] as const;
    expect(laterOf(WHOLE, names as unknown as Parameters<typeof laterOf>[1])).toEqual([['ticket', 'INC-1']]);
  });

  it('L11 is binding if it counts, so that no process without it repeats the ask', () => {
    const table = KINDS.request.fields as unknown as RecordTable;
    const isBinding = (name: string) => table[name]?.since !== undefined && table[name].silent === undefined;
    expect(LATER.filter((name) => !isBinding(name))).toEqual([]);
  });
});
