import { beforeAll, describe, expect, it } from 'vitest';
import { autoApprove, JitEngine, MemoryGrantStore, type AuditEntry, type JsonValue } from '../../src/index.js';
import { link } from '../../src/store.js';
import { readJournal, verifyJournal } from '../../src/journal.js';
import { ManualClock } from '../../src/testing.js';
import { referenceDigest, referenceHash } from './reference.js';
import { anchorOf } from './sample.js';

/** The journal of an engine at work: 50 entries of it. */
async function aJournal(): Promise<readonly AuditEntry[]> {
  const [store, clock] = [new MemoryGrantStore(), new ManualClock()];
  const engine = new JitEngine({ store, clock, approver: autoApprove(() => true), limits: { minTtl: 10 } });
  for (let i = 0; i < 12; i++) {
    const asked = {
      subject: `user:${i % 3}`,
      scopes: ['a:x', `b:${i}`],
      ttl: 10,
      justification: 'a "text" \\ with\n\u00e4 \ud83d\ude80',
      metadata: { i },
    };
    const { request } = await engine.requestAccess(asked);
    await clock.advance(1);
    await engine.revoke(`${request.id}.1`, { by: 'user:sam', reason: `no. ${i}` });
  }
  const entries: AuditEntry[] = [];
  for await (const entry of readJournal(store)) entries.push(entry);
  return entries.slice(0, 50);
}

/** Every other value that a value can be changed to. */
function* others(value: JsonValue | undefined): Generator<JsonValue | undefined> {
  if (typeof value === 'string') {
    for (let i = 0; i < value.length; i++) yield `${value.slice(0, i)}${value[i] === 'x' ? 'y' : 'x'}${value.slice(i + 1)}`;
    yield `${value} `;
    yield value.slice(1);
  } else if (typeof value === 'number') {
    yield* [value + 1, value - 1, String(value), -value || 1];
  } else if (typeof value === 'boolean') {
    yield* [!value, Number(value)];
  } else if (Array.isArray(value)) {
    yield [...(value as JsonValue[]), null];
    if (value.length > 0) yield value.slice(1);
    if (value.length > 1) yield (value as JsonValue[]).toReversed();
    for (const [i, one] of (value as JsonValue[]).entries())
      for (const other of others(one)) yield (value as JsonValue[]).with(i, other as JsonValue);
  } else if (typeof value === 'object' && value !== null) {
    yield { ...value, added: null };
    for (const [name, one] of Object.entries(value)) {
      // A missing id and an undefined one are the same.
      if (one === undefined) continue;
      const { [name]: _, ...without } = value as Record<string, JsonValue>;
      yield without;
      yield { ...without, [`${name}s`]: one };
      for (const other of others(one)) yield { ...value, [name]: other as JsonValue };
    }
  }
  yield null;
}

describe('a journal of 50 entries', () => {
  let entries: readonly AuditEntry[] = [];
  beforeAll(async () => {
    entries = await aJournal();
  });

  /** The number of the first bad entry of a changed journal, or that it is whole. */
  const verdictOn = async (changed: readonly AuditEntry[], head = anchorOf(entries.at(-1)!)) => {
    const verdict = await verifyJournal(changed, { head });
    return verdict.ok ? 'whole' : verdict.seq;
  };

  it('L26 has the digests and hashes of an independent implementation of RFC 8785 and SHA-256', async () => {
    expect(entries).toHaveLength(50);
    expect(await verdictOn(entries)).toBe('whole');
    let prevHash = '0'.repeat(64);
    for (const entry of entries) {
      expect(entry.digest).toBe(referenceDigest(entry));
      expect(entry.prevHash).toBe(prevHash);
      expect(entry.hash).toBe((prevHash = referenceHash(prevHash, entry.seq, entry.digest)));
    }
  });

  it('L26 shows every edit of every field at the edited entry', async () => {
    let edits = 0;
    for (const [i, entry] of entries.entries()) {
      for (const changed of others(entry as unknown as JsonValue)) {
        // A field that an adapter adds (its own column) is never read: it is not part of the entry.
        if (changed === null || 'added' in (changed as object)) continue;
        edits += 1;
        // With its neighbours only: the entries further away were verified above.
        const start = i === 0 ? undefined : anchorOf(entries[i - 1]!);
        const next = entries[i + 1];
        const verdict = await verifyJournal([changed as unknown as AuditEntry, ...(next === undefined ? [] : [next])], {
          start,
          head: anchorOf(next ?? entry),
        });
        if (verdict.ok || verdict.seq !== i + 1)
          expect.fail(`${JSON.stringify(changed)} in place of entry ${i + 1}: ${JSON.stringify(verdict)}`);
      }
    }
    expect(edits).toBeGreaterThan(20_000);
  });

  it('L26 shows every edit with recomputed hashes at the next entry', async () => {
    for (const [i, { seq: _, prevHash: __, hash: ___, ...entry }] of entries.entries()) {
      const draft = { ...entry, actor: 'user:nobody' };
      const before = i === 0 ? { seq: 0, hash: '0'.repeat(64) } : anchorOf(entries[i - 1]!);
      const [sealed] = link(before, [{ ...draft, digest: referenceDigest(draft as AuditEntry) }]);
      // An edit of the last entry contradicts only the exported head.
      expect(await verdictOn(entries.with(i, sealed!))).toBe(Math.min(i + 2, 50));
    }
  });

  it('L26 shows every deletion and every swap at the first entry that is out of place', async () => {
    for (let i = 0; i < entries.length; i++) {
      expect(await verdictOn(entries.toSpliced(i, 1))).toBe(i + 1);
      for (let j = i + 1; j < entries.length; j++) {
        const swapped = entries.with(i, entries[j]!).with(j, entries[i]!);
        const verdict = await verdictOn(swapped);
        if (verdict !== i + 1) expect.fail(`entries ${i + 1} and ${j + 1} swapped: ${verdict}`);
      }
    }
  });

  it('L26 shows every insertion at the inserted entry, or at the next one if its hashes fit', async () => {
    for (let i = 0; i <= entries.length; i++) {
      const before = i === 0 ? { seq: 0, hash: '0'.repeat(64) } : anchorOf(entries[i - 1]!);
      const { seq: _, prevHash: __, hash: ___, ...draft } = entries[(i + 7) % 50]!;
      for (const again of entries.keys()) {
        const at = i < 50 && again === i ? i + 2 : i + 1;
        expect(await verdictOn(entries.toSpliced(i, 0, entries[again]!))).toBe(Math.min(at, 51));
      }
      const fitting = link(before, [draft]);
      // An insertion at the end contradicts the exported head; a journal may continue after that head.
      const verdict = await verdictOn(entries.toSpliced(i, 0, ...fitting));
      expect(verdict).toBe(i === 50 ? 'whole' : Math.min(i + 2, 50));
    }
  });

  it('L26 shows every truncation before an exported head at the first missing entry', async () => {
    for (let exported = 1; exported <= 50; exported++) {
      for (let kept = 0; kept < exported; kept++)
        expect(await verdictOn(entries.slice(0, kept), anchorOf(entries[exported - 1]!))).toBe(kept + 1);
    }
  });
});
