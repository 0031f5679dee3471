import { aChange, aGrant, anEntry, aRequest, aRow, START_AT } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { digestOfEntry, GENESIS, link } from '../../src/journal/link.js';
import { verifyJournal } from '../../src/journal/verify.js';
import { decodeGrant, decodeRequest, encode } from '../../src/records/index.js';

describe('builders', () => {
  it('aRow() is an open grant, with the given fields', () => {
    expect(aRow()).toMatchObject({ kind: 'grant', version: 1, open: true, from: START_AT, until: START_AT + 900_000 });
    expect(aRow({ kind: 'cursor', scope: undefined })).toMatchObject({ kind: 'cursor', scope: undefined });
  });

  it('aRequest() and aGrant() are records that the codec accepts', () => {
    expect(decodeRequest(encode(aRequest()))).toEqual(aRequest());
    expect(decodeGrant(encode(aGrant()))).toEqual(aGrant());
    expect(aGrant({ scope: 'a:b' }).scope).toBe('a:b');
    expect(aRequest({ subject: 'user:zoe' }).subject).toBe('user:zoe');
  });

  it('anEntry() has the digest of its fields, unless another is given', async () => {
    const entry = anEntry({ data: { ttlMs: 1 }, grantId: undefined });
    expect(entry.digest).toBe(digestOfEntry(entry));
    expect(anEntry({ digest: 'nonsense' }).digest).toBe('nonsense');
    expect(await verifyJournal(link(GENESIS, [entry, anEntry()]))).toMatchObject({ ok: true, count: 2 });
  });

  it('aChange() has a unique id, and expects its rows at the previous version', () => {
    const [first, second] = [aChange(), aChange()];
    expect(first.id).not.toBe(second.id);
    expect(first).toMatchObject({ expect: [], put: [], append: [], remove: undefined, trimJournalTo: undefined });
    const change = aChange({ id: 'c1', put: [aRow({ id: 'new' }), aRow({ id: 'old', version: 4 })] });
    expect(change.expect).toEqual([
      { kind: 'grant', id: 'new', version: 0 },
      { kind: 'grant', id: 'old', version: 3 },
    ]);
    expect(aChange({ put: [aRow()], expect: [] }).expect).toEqual([]);
  });
});
