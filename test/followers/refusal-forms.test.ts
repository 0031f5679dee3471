import { describe, expect, it } from 'vitest';
import { EntryRefusedError, JitEngine, MemoryGrantStore, type AuditEntry, type AuditSink } from '../../src/index.js';
import { readJournal, replay } from '../../src/journal.js';
import { readRefusals, refusedIn } from '../../src/followers/refused-entry.js';
import { ManualClock } from '../../src/testing.js';
import { anEngine, aPending, SAM } from '../engine/an-engine.js';
import { journalOf } from '../journal/sample.js';

describe('an error that names a refused entry', () => {
  it('is read by its refusedEntry property (L37)', () => {
    const [entry] = journalOf(1) as [AuditEntry];
    const error = new EntryRefusedError(entry.id, 'the chat answered 400', { cause: 7 });
    expect(error).toMatchObject({ name: 'EntryRefusedError', refusedEntry: entry.id, cause: 7 });
    expect(error.message).toBe(`entry ${entry.id} was refused: the chat answered 400`);
    expect(refusedIn([entry], error)).toBe(entry);
  });

  it('is ignored where its property throws, is not a string or names another entry', () => {
    const page = journalOf(1);
    const throws = Object.defineProperty(new Error('x'), 'refusedEntry', {
      get: () => {
        throw new Error('a getter');
      },
    });
    for (const error of [throws, { refusedEntry: 7 }, { refusedEntry: 'other' }, null, undefined, 'text'])
      expect(refusedIn(page, error)).toBeUndefined();
  });
});

describe('the refusals in a cursor', () => {
  it('are ignored where another version wrote them (L28)', () => {
    const written = { seq: 1, id: 'e', type: 'grant.issued', count: 2, retryAt: 3 };
    expect(readRefusals(written)).toEqual(written);
    for (const other of [undefined, 7, { ...written, seq: 'x' }, { ...written, id: 1 }, { ...written, type: undefined }, {}])
      expect(readRefusals(other)).toBeUndefined();
  });
});

describe('a sink that refuses an entry, and then fails', () => {
  it('stays at the entry: a failure is not a refusal of the withheld form (L28, L37)', async () => {
    const store = new MemoryGrantStore();
    const clock = new ManualClock();
    const told: string[] = [];
    const writes: boolean[] = [];
    const audit: AuditSink = {
      name: 'siem',
      write: ([entry]) => {
        const isWithheld = entry?.data['withheld'] === true;
        writes.push(isWithheld);
        throw isWithheld ? new Error('down') : new EntryRefusedError(entry?.id ?? '', '400');
      },
    };
    const onError = (error: unknown) => void told.push(String(error));
    const engine = new JitEngine({ approver: { name: 'yes', decide: () => ({ outcome: 'approve' }) }, store, clock, audit, onError });
    await engine.requestAccess({ subject: 'user:maya', scope: 'a', ttl: '1h' });
    for (let i = 0; i < 12; i++) {
      await clock.advance('10m');
      await engine.flushAudit();
    }
    expect(writes).toContain(true);
    expect((await engine.flushAudit()).followers?.[0]?.seq ?? 0).toBe(0);
    expect(told.join()).not.toContain('delivered');
    expect(told.join()).not.toContain('even without texts');
  });
});

describe('replay() of a denial with an invalid list of displaced denials', () => {
  it('L26 names the entry', async () => {
    const { engine, store } = anEngine({ limits: { askAgainAfter: '1h' } });
    await engine.deny((await aPending(engine)).id, { by: SAM });
    const entries: AuditEntry[] = [];
    for await (const entry of readJournal(store))
      entries.push(entry.data['subjectVersion'] === undefined ? entry : { ...entry, data: { ...entry.data, forgotten: 'no list' } });
    await expect(replay(entries)).rejects.toMatchObject({ code: 'ERR_JIT_CORRUPT' });
  });
});
