import { purge } from 'jit-access/retention';
import { JitEngine, MemoryGrantStore, type AuditEntry, type Anchor } from 'jit-access';
import { verifyJournal } from 'jit-access/journal';
import { ManualClock } from 'jit-access/testing';
import { describe, expect, it } from 'vitest';
import { entriesOf } from '../engine/an-engine.js';
import { journal, purged } from './story.js';

const DAY = 86_400_000;

/** A journal of some lives; with `purge`, the oldest of them are purged. */
async function aJournal({ purge: isPurged }: { readonly purge: boolean }) {
  const store = new MemoryGrantStore({ namespace: 'payments' });
  const clock = new ManualClock();
  const engine = new JitEngine({ approver: { name: 'yes', decide: () => ({ outcome: 'approve' }) }, store, clock });
  for (const day of [0, 1, 2, 60, 61, 62, 63, 64]) {
    await clock.set(day * DAY + DAY);
    await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '15m' });
    await clock.advance(DAY / 2);
    await engine.sweep();
  }
  if (isPurged) await purge(engine, { before: 30 * DAY, by: 'user:ciso' });
  const { start, head } = await store.journal({ after: 0, limit: 1 });
  return { entries: await entriesOf(store), start, head };
}

const anchorOf = ({ seq, hash }: AuditEntry): Anchor => ({ seq, hash });

describe('verifyJournal() of a journal whose front is missing', () => {
  it('L26 names the first entry that is missing at the front, for any start that the store reports [M9]', async () => {
    const { entries, head } = await aJournal({ purge: false });
    for (const cut of [1, 2, 6, entries.length - 1]) {
      const start = anchorOf(entries[cut - 1]!);
      expect(await verifyJournal(entries.slice(cut), { start, head })).toMatchObject({ ok: false, seq: 1 });
    }
  });

  it('L26 names the first missing entry after those that a purge trimmed [M9]', async () => {
    const { entries, start, head } = await aJournal({ purge: true });
    expect(start.seq).toBeGreaterThan(0);
    const cut = anchorOf(entries[1]!);
    expect(await verifyJournal(entries.slice(2), { start: cut, head })).toMatchObject({ ok: false, seq: start.seq + 1 });
  });

  it('L26 trusts only a purge entry about what was trimmed [M9]', async () => {
    const start = { seq: 7, hash: '0'.repeat(64) };
    const trimmed = { horizon: 0, trimmedTo: 7 };
    expect(await verifyJournal(journal([purged(trimmed)], start), { start })).toMatchObject({ ok: true });
    expect(await verifyJournal(journal([{ type: 'clock.accepted', data: trimmed }], start), { start })).toMatchObject({
      ok: false,
      seq: 1,
    });
  });

  it('L33 accepts a start that a purge entry explains, and an exported anchor [M9]', async () => {
    const { entries, start, head } = await aJournal({ purge: true });
    expect(await verifyJournal(entries, { start, head })).toEqual({ ok: true, head, count: entries.length });
    const exported = anchorOf(entries[1]!);
    const verified = await verifyJournal(entries.slice(2), { after: exported, head }).catch((error: unknown) => error);
    expect(verified).toEqual({ ok: true, head, count: entries.length - 2 });
  });

  it('refuses start and after together', async () => {
    const { entries, start } = await aJournal({ purge: true });
    await expect(verifyJournal(entries, { start, after: start })).rejects.toMatchObject({ argument: 'after' });
  });
});

describe('verifyJournal() with a namespace', () => {
  it('L26 refuses the valid journal of another namespace [F2]', async () => {
    const { entries, head } = await aJournal({ purge: false });
    expect(await verifyJournal(entries, { head, namespace: 'wiki' }).catch((error: unknown) => error)).toEqual({
      ok: false,
      seq: 1,
      problem: 'belongs to another namespace',
    });
    expect(await verifyJournal(entries, { head, namespace: 'payments' })).toMatchObject({ ok: true });
  });
});
