import { describe, expect, it } from 'vitest';
import { digestOfEntry, GENESIS, hashOfEntry, link } from '../../src/journal/link.js';
import { verifyJournal } from '../../src/journal/verify.js';
import type { Anchor, AuditEntry } from '../../src/records/index.js';
import { anchorOf, journalOf, unlinked } from './sample.js';

const entries = journalOf(10);
const head = anchorOf(entries[9]!);
const H = 'a'.repeat(64);

const edit = (i: number, change: object): readonly AuditEntry[] => entries.map((entry, n) => (n === i ? { ...entry, ...change } : entry));
const places = entries.map((_, i) => i);

/** A valid entry at a place, as an attacker who can compute hashes makes it. */
const forged = (seq: number, prevHash: string, overrides: Parameters<typeof unlinked>[1] = {}): AuditEntry =>
  link({ seq: seq - 1, hash: prevHash }, [unlinked(99, { actor: 'user:eve', ...overrides })])[0]!;

async function* later(all: readonly AuditEntry[]): AsyncGenerator<AuditEntry> {
  for (const entry of all) {
    await Promise.resolve();
    yield entry;
  }
}

describe('verifyJournal()', () => {
  it('L26 reports a whole journal as ok', async () => {
    expect(await verifyJournal(entries)).toEqual({ ok: true, head, count: 10 });
    expect(await verifyJournal(later(entries))).toEqual({ ok: true, head, count: 10 });
    expect(await verifyJournal(new Set(entries))).toEqual({ ok: true, head, count: 10 });
    expect(await verifyJournal([])).toEqual({ ok: true, head: GENESIS, count: 0 });
  });

  it('L26 reports a journal as ok after every anchor that it contains', async () => {
    for (const anchor of [GENESIS, ...entries.map(anchorOf)]) {
      expect(await verifyJournal(entries, { head: anchor })).toEqual({ ok: true, head, count: 10 });
      const kept = entries.slice(anchor.seq);
      expect(await verifyJournal(kept, { after: anchor, head })).toEqual({ ok: true, head, count: kept.length });
      expect(await verifyJournal(kept, { after: anchor, head: anchor })).toMatchObject({ ok: true });
    }
  });

  it('treats undefined options as missing', async () => {
    expect(await verifyJournal(entries, { start: undefined, after: undefined, head: undefined, namespace: undefined })).toMatchObject({
      ok: true,
    });
  });

  it('L26 agrees for a store that returns missing ids as undefined, or the fields in another order', async () => {
    const [first] = link(GENESIS, [unlinked(1, { requestId: undefined, grantId: undefined })]);
    const { requestId: _, grantId: __, ...absent } = first!;
    expect(await verifyJournal([absent])).toMatchObject({ ok: true });
    const reversed = entries.map((entry) => Object.fromEntries(Object.entries(entry).reverse()) as unknown as AuditEntry);
    expect(await verifyJournal(reversed)).toMatchObject({ ok: true });
  });

  describe('L26 an edit', () => {
    const edits: readonly [string, (entry: AuditEntry) => object][] = [
      ['v', () => ({ v: 2 })],
      ['v as text', () => ({ v: '1' })],
      ['namespace', () => ({ namespace: 'tenant-b' })],
      ['id', (entry) => ({ id: `${entry.id}0` })],
      ['type', () => ({ type: 'grant.revoked' })],
      ['at by one', (entry) => ({ at: entry.at + 1 })],
      ['at as text', (entry) => ({ at: String(entry.at) })],
      ['at to NaN', () => ({ at: NaN })],
      ['actor', () => ({ actor: 'user:eve' })],
      ['actor in case', () => ({ actor: 'user:Sam' })],
      ['actor by an invisible character', () => ({ actor: 'user:sam\u200b' })],
      ['requestId', () => ({ requestId: 'r0' })],
      ['requestId removed', () => ({ requestId: undefined })],
      ['requestId to null', () => ({ requestId: null })],
      ['grantId', () => ({ grantId: 'r0.1' })],
      ['grantId removed', () => ({ grantId: undefined })],
      ['grantId and requestId swapped', (entry) => ({ grantId: entry.requestId, requestId: entry.grantId })],
      ['data emptied', () => ({ data: {} })],
      ['data to null', () => ({ data: null })],
      ['data as text', (entry) => ({ data: JSON.stringify(entry.data) })],
      ['a field of data', (entry) => ({ data: { ...entry.data, scope: 'db-prod:admin' } })],
      ['a field added to data', (entry) => ({ data: { ...entry.data, extra: null } })],
      ['a field deep in data', (entry) => ({ data: { ...entry.data, window: { startsAt: 0, expiresAt: 1 } } })],
      ['digest', () => ({ digest: H })],
      ['digest in capitals', (entry) => ({ digest: entry.digest.toUpperCase() })],
      ['digest cut', (entry) => ({ digest: entry.digest.slice(2) })],
      ['seq', (entry) => ({ seq: entry.seq + 1 })],
      ['seq as text', (entry) => ({ seq: String(entry.seq) })],
      ['prevHash', () => ({ prevHash: H })],
      ['hash', () => ({ hash: H })],
      ['hash in capitals', (entry) => ({ hash: entry.hash.toUpperCase() })],
      ['hash removed', () => ({ hash: undefined })],
    ];

    it.each(edits)('of %s is found at the edited entry', async (_, change) => {
      for (const i of places) {
        expect(await verifyJournal(edit(i, change(entries[i]!))), `entry ${i + 1}`).toMatchObject({ ok: false, seq: i + 1 });
      }
    });

    it('of each field of the format has a case above', () => {
      const names = edits.map(([name]) => name.split(' ')[0]);
      expect(Object.keys(entries[0]!).filter((field) => !names.includes(field))).toEqual([]);
    });

    it('with a matching digest is found by the hash', async () => {
      for (const i of places) {
        const edited = { ...entries[i]!, actor: 'user:eve' };
        const changed = edit(i, { ...edited, digest: digestOfEntry(edited) });
        expect(await verifyJournal(changed)).toEqual({ ok: false, seq: i + 1, problem: 'has a wrong hash' });
      }
    });

    it('with a matching digest and hash is found at the next entry', async () => {
      for (const i of places.slice(0, -1)) {
        const changed = edit(i, forged(i + 1, entries[i]!.prevHash));
        expect(await verifyJournal(changed)).toEqual({
          ok: false,
          seq: i + 2,
          problem: 'does not follow the previous entry: its prevHash differs',
        });
      }
    });

    it('with all later entries forged is found at the exported head', async () => {
      for (const i of places) {
        let last = i === 0 ? GENESIS : anchorOf(entries[i - 1]!);
        const rest = entries.slice(i).map((entry, n) => {
          const next = n === 0 ? forged(entry.seq, last.hash) : link(last, [entry])[0]!;
          last = anchorOf(next);
          return next;
        });
        const changed = [...entries.slice(0, i), ...rest];
        expect(await verifyJournal(changed), 'nothing but an anchor can tell').toMatchObject({ ok: true });
        for (const anchor of entries.map(anchorOf)) {
          const verdict = await verifyJournal(changed, { head: anchor });
          if (anchor.seq <= i) expect(verdict).toMatchObject({ ok: true });
          else expect(verdict).toEqual({ ok: false, seq: anchor.seq, problem: 'is not the exported head: its hash differs' });
        }
      }
    });
  });

  it('L26 a deletion is found where the entry was', async () => {
    for (const i of places.slice(0, -1)) {
      const changed = entries.filter((_, n) => n !== i);
      expect(await verifyJournal(changed)).toEqual({
        ok: false,
        seq: i + 1,
        problem: expect.stringContaining(`has seq ${i + 2}; expected ${i + 1}`) as string,
      });
      const closed = changed.map((entry, n) => ({ ...entry, seq: n + 1 }));
      expect(await verifyJournal(closed), 'also with the seqs closed up').toMatchObject({ ok: false, seq: i + 1 });
    }
  });

  it('L26 an insertion is found at the inserted entry', async () => {
    for (let i = 0; i <= 10; i++) {
      const before = i === 0 ? GENESIS : anchorOf(entries[i - 1]!);
      for (const entry of entries) {
        const changed = [...entries.slice(0, i), entry, ...entries.slice(i)];
        // A copy right before or after its original reads as one entry too many: the second of the two.
        const seq = entry.seq === i + 1 ? i + 2 : i + 1;
        expect(await verifyJournal(changed, { head }), `entry ${entry.seq} before ${i + 1}`).toMatchObject({ ok: false, seq });
      }
      const sound = [...entries.slice(0, i), forged(i + 1, before.hash), ...entries.slice(i)];
      const verdict = await verifyJournal(sound, { head });
      // At the end the inserted entry makes a valid longer journal; anywhere else the next entry no longer fits.
      if (i === 10) expect(verdict).toMatchObject({ ok: true, count: 11 });
      else expect(verdict).toMatchObject({ ok: false, seq: i === 9 ? 10 : i + 2 });
    }
  });

  it('L26 a swap is found at the first of the two', async () => {
    for (const i of places) {
      for (const j of places.slice(i + 1)) {
        const changed = [...entries];
        [changed[i], changed[j]] = [changed[j]!, changed[i]!];
        expect(await verifyJournal(changed)).toMatchObject({ ok: false, seq: i + 1 });
        const renumbered = changed.map((entry, n) => ({ ...entry, seq: n + 1 }));
        expect(await verifyJournal(renumbered), 'also with the seqs in order').toMatchObject({ ok: false, seq: i + 1 });
      }
    }
  });

  it('L26 a truncation before an exported head is found at the first missing entry', async () => {
    for (let kept = 0; kept <= 10; kept++) {
      for (const anchor of entries.map(anchorOf)) {
        const verdict = await verifyJournal(entries.slice(0, kept), { head: anchor });
        if (anchor.seq <= kept) expect(verdict).toMatchObject({ ok: true, count: kept });
        else expect(verdict).toEqual({ ok: false, seq: kept + 1, problem: 'is missing: the exported head is this entry or a later one' });
      }
    }
  });

  it('L26 a journal cut at its start is found unless the cut is an exported anchor', async () => {
    const cut = entries.slice(4);
    expect(await verifyJournal(cut)).toEqual({
      ok: false,
      seq: 1,
      problem: 'has seq 5; expected 1. If a purge has trimmed the journal, pass its `start`',
    });
    expect(await verifyJournal(cut, { after: anchorOf(entries[3]!) })).toMatchObject({ ok: true, count: 6 });
    expect(await verifyJournal(cut, { after: { seq: 4, hash: H } })).toMatchObject({ ok: false, seq: 5 });
  });

  it('L26 the entries of two journals together are refused', async () => {
    const other = journalOf(10, { seq: 0, hash: H });
    expect(await verifyJournal([...entries.slice(0, 5), ...other.slice(5)])).toMatchObject({ ok: false, seq: 6 });
    const foreign = forged(6, entries[4]!.hash, { namespace: 'tenant-b' });
    expect(await verifyJournal([...entries.slice(0, 5), foreign])).toEqual({ ok: false, seq: 6, problem: 'belongs to another namespace' });
  });

  it('names the contradiction between an exported head and the given start', async () => {
    const start = anchorOf(entries[3]!);
    const kept = entries.slice(4);
    expect(await verifyJournal(kept, { start, head: anchorOf(entries[1]!) })).toEqual({
      ok: false,
      seq: 2,
      problem: 'is the exported head, but comes before the given start',
    });
    expect(await verifyJournal(kept, { start, head: { seq: 4, hash: H } })).toEqual({
      ok: false,
      seq: 4,
      problem: 'is not the exported head: its hash differs',
    });
    expect(await verifyJournal(entries, { head: { seq: 0, hash: H } })).toMatchObject({ ok: false, seq: 0 });
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['a number', 5],
    ['text', 'entry'],
    ['a list', []],
    ['an empty object', {}],
    ['data that contains itself', Object.assign({ ...entries[4]! }, { data: cyclic() })],
    ['data with 100,000 levels', { ...entries[4]!, data: JSON.parse(`${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}`) as object }],
    ['data with a bigint', { ...entries[4]!, data: { a: 1n } }],
    [
      'a getter that throws',
      Object.defineProperty({ ...entries[4]! }, 'actor', {
        get: () => {
          throw new Error('getter');
        },
      }),
    ],
    ['a seq that is a symbol', { ...entries[4]!, seq: Symbol('5') }],
  ])('L26 an entry that is %s is reported at its place, without an exception', async (_, hostile) => {
    for (const i of [0, 4, 9]) {
      const changed = entries.map((entry, n) => (n === i ? (hostile as AuditEntry) : entry));
      expect(await verifyJournal(changed)).toMatchObject({ ok: false, seq: i + 1 });
    }
  });

  it('L26 an invalid anchor is refused, as it could never be compared', async () => {
    const { seq, hash } = entries[4]!;
    for (const bad of [
      {},
      { seq: String(seq), hash },
      { seq: NaN, hash },
      { seq: null, hash },
      { seq: -1, hash },
      { seq, hash: 'ff' },
      { seq, hash: 7 },
      { seq, hash: [hash] },
      { seq, hash: `0${hash}` },
      { seq, hash: `${hash}0` },
      null,
      'an anchor',
      7,
    ]) {
      for (const which of ['start', 'after', 'head'] as const) {
        const error = await verifyJournal(entries, { [which]: bad as Anchor }).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({
          code: 'ERR_JIT_INVALID_ARGUMENT',
          argument: expect.stringMatching(new RegExp(`^${which}`)) as string,
        });
      }
    }
  });

  it.each([
    ['entries', [7]],
    ['anchors', [[], 7]],
    ['namespace', [[], { namespace: 7 }]],
    ['after', [[], { start: GENESIS, after: GENESIS }]],
  ])('names the invalid argument: %s', async (argument, args) => {
    const error: unknown = await verifyJournal(...(args as never as Parameters<typeof verifyJournal>)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_JIT_INVALID_ARGUMENT', argument });
  });

  it('rejects when a journal cannot be read to its end, instead of calling it whole', async () => {
    async function* failing() {
      yield* later(entries.slice(0, 5));
      throw new Error('ECONNRESET');
    }
    await expect(verifyJournal(failing())).rejects.toThrow('ECONNRESET');
  });

  it('stops reading at the first bad entry', async () => {
    let read = 0;
    async function* counted() {
      for await (const entry of later(edit(3, { actor: 'user:eve' }))) {
        read += 1;
        yield entry;
      }
    }
    await verifyJournal(counted());
    expect(read).toBe(4);
  });

  it("the tests' journal has the hashes of hashOfEntry()", () => {
    expect(hashOfEntry(entries[4]!.prevHash, 5, entries[4]!.digest)).toBe(entries[4]!.hash);
  });
});

function cyclic(): object {
  const data: Record<string, unknown> = {};
  data['self'] = data;
  return data;
}
