import { describe, expect, it } from 'vitest';
import * as api from '../../src/journal.js';
import { parseLine, toLine } from '../../src/sinks/jsonl/line.js';
import { canonicalJson, foreignFieldOf } from '../../src/journal/link.js';
import type { AuditEntry } from '../../src/records/index.js';
import { over } from './bent-store.js';
import { anEngine, aPending, at, entriesOf, SAM } from '../engine/an-engine.js';

const PROBLEM = 'has a field that no entry has: "approvedBy"';

/** The entries of a request that Sam approved, and the same with a field in the entry of one place. */
async function aJournal() {
  const made = anEngine();
  const request = await aPending(made.engine);
  await made.engine.approve(request.id, { by: SAM });
  const entries = await entriesOf(made.store);
  const withField = (i: number, field: PropertyKey = 'approvedBy'): readonly AuditEntry[] =>
    entries.map((entry, n) => (n === i ? { ...entry, [field]: 'user:eve' } : entry));
  return { ...made, entries, withField };
}

describe('L26 [A27] an entry with a field that no entry has is refused by', () => {
  it('verifyJournal, which names the field at the seq of its entry', async () => {
    const { entries, withField } = await aJournal();
    for (const i of entries.keys()) expect(await api.verifyJournal(withField(i))).toEqual({ ok: false, seq: i + 1, problem: PROBLEM });
  });

  it('verifyJournal, if JSON.parse made the field an own __proto__, or if a text in it could act in a terminal', async () => {
    const { entries, withField } = await aJournal();
    const parsed = JSON.parse(JSON.stringify(entries[0]).replace('{', '{"__proto__":{"approvedBy":"user:eve"},')) as AuditEntry;
    expect(await api.verifyJournal([parsed])).toMatchObject({ problem: 'has a field that no entry has: "__proto__"' });
    expect(await api.verifyJournal(withField(0, '\u001b[2J'))).toMatchObject({ problem: 'has a field that no entry has: "\\u001b[2J"' });
    expect(await api.verifyJournal(withField(0, Symbol('approvedBy')))).toMatchObject({
      problem: 'has a field that no entry has: a symbol',
    });
  });

  it('replay and accessReport, which name the seq', async () => {
    const { entries, withField } = await aJournal();
    for (const i of entries.keys()) {
      const refused = { code: 'ERR_JIT_CORRUPT', id: String(i + 1), problem: PROBLEM };
      await expect(api.replay(withField(i))).rejects.toMatchObject(refused);
      await expect(api.accessReport(withField(i), { from: at(0), to: at(1_000) })).rejects.toMatchObject(refused);
    }
  });

  it('readJsonLines, whose line names the field', async () => {
    const { entries, withField } = await aJournal();
    for (const i of entries.keys()) expect(parseLine(canonicalJson(withField(i)[i]))).toEqual({ problem: PROBLEM });
    // The sink writes no such field, so that a line of ours is never refused.
    expect(parseLine(toLine(withField(0)[0]!).trimEnd())).toEqual(entries[0]);
  });

  it('verifyStore', async () => {
    const { store, withField } = await aJournal();
    const bent = over(store, {
      journal: async (query) => {
        const page = await store.journal(query);
        return { ...page, entries: withField(1).filter(({ seq }) => page.entries.some((entry) => entry.seq === seq)) };
      },
    });
    expect((await api.verifyStore(bent)).problem).toEqual({ seq: 2, problem: PROBLEM });
  });

  it('none of these, if it has fewer fields', async () => {
    const { entries } = await aJournal();
    for (const entry of entries) expect(foreignFieldOf(entry)).toBeUndefined();
    expect(foreignFieldOf({})).toBeUndefined();
  });
});
