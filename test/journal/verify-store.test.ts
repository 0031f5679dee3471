import { purge } from 'jit-access/retention';
import { describe, expect, it } from 'vitest';
import { autoApprove, MemoryGrantStore, type AuditEntry, type GrantStore } from '../../src/index.js';
import type { JournalSlice, Row } from '../../src/store.js';
import { journalHead, replay, verifyStore } from '../../src/journal.js';
import { CorruptError, StoreError } from '../../src/core/errors.js';
import { digestOf } from '../../src/journal/link.js';
import { problemIn } from '../../src/journal/verify-store/reading.js';
import { encode, type ProvisioningChange } from '../../src/records/index.js';
import { aChange, aRow } from '../../src/testing.js';
import { aGranted, anEngine, ask, at, entriesOf, HOUR, MAYA, refusal, SAM, SCOPE } from '../engine/an-engine.js';
import { Moody } from '../property/moody.js';
import { over } from './bent-store.js';
import { approved, created, issued, journal, purged, type Told } from './story.js';

/** Rows that another program has changed; `undefined` removes one. */
function tampered(store: GrantStore, change: (row: Row) => unknown): GrantStore {
  return over(store, {
    get: async (keys) => (await store.get(keys)).map((row) => row && change(row)) as (Row | undefined)[],
    find: async (query) => {
      const { items, next } = await store.find(query);
      return { items: items.map(change).filter((row) => row !== undefined) as Row[], next };
    },
  });
}

/** A journal that only the test has written, without rows. */
function told(entries: readonly Told[]): GrantStore {
  const linked = journal(entries);
  const store = new MemoryGrantStore();
  const start = { seq: 0, hash: '0'.repeat(64) };
  const last = linked.at(-1) as AuditEntry;
  const head = { seq: last.seq, hash: last.hash };
  return over(store, { journal: async ({ after, limit }) => ({ entries: linked.slice(after, after + limit), start, head }) });
}

const kindIs = (kind: string, change: (row: Row) => unknown) => (row: Row) => (row.kind === kind ? change(row) : row);
const inBody = (fields: object) => (row: Row) => ({ ...row, body: { ...row.body, ...fields } });

/** A grant with uses of which one was taken, metadata, an open request, a reused key, and a pending break-glass review. */
async function aLife() {
  const made = anEngine({ approver: new Moody() });
  const { engine } = made;
  const metadata = { host: 'db-1' };
  const { request } = await ask(engine, { justification: 'approve uses', metadata });
  await engine.consume(MAYA, SCOPE, { idempotencyKey: 'one' });
  const open = { scope: 'b:x', justification: 'review' };
  await ask(engine, open);
  await ask(engine, { ...open, idempotencyKey: 'same' });
  await engine.breakGlass({ subject: SAM, scope: 'c:x', ttl: 50, justification: 'fire' });
  await engine.flushAudit();
  return { ...made, request };
}

const GOOD = { ok: true, problem: undefined, differences: [], unproven: [] };

describe('verifyStore()', () => {
  it('L26 finds a store good whose rows agree with the journal', async () => {
    const { store, engine } = await aLife();
    const { items } = await store.find({ kind: 'grant', limit: 10 });
    expect(items).toHaveLength(2);
    expect(await verifyStore(store)).toEqual({ ...GOOD, rows: 10, head: await journalHead(engine) });
    expect(await verifyStore(store, { head: await journalHead(engine) })).toMatchObject({ ok: true });
    expect(await verifyStore(new MemoryGrantStore())).toMatchObject({ ...GOOD, rows: 0, head: { seq: 0 } });
  });

  it('L26 reads page after page', async () => {
    const { store } = await aLife();
    const small = over(store, {
      find: (query) => store.find({ ...query, limit: 1 }),
      journal: ({ after }) => store.journal({ after, limit: 1 }),
    });
    expect(await verifyStore(small)).toMatchObject({ ...GOOD, rows: 10 });
  });

  it('L26 names a row once, also if the store returns it several times', async () => {
    const { store } = await aLife();
    const bent = tampered(store, kindIs('usage', inBody({ uses: 0 })));
    const twice = over(bent, {
      find: async (query) => {
        const { items, next } = await bent.find(query);
        return { items: [...items, ...items], next };
      },
    });
    expect((await verifyStore(bent)).differences).toHaveLength(1);
    expect((await verifyStore(twice)).differences).toEqual((await verifyStore(bent)).differences);
  });

  describe('L26 names a row that differs, and the difference', () => {
    const later = at(24 * HOUR);
    const cases: readonly (readonly [string, string, (row: Row) => unknown, RegExp])[] = [
      [
        'a grant that lasts longer',
        'grant',
        (row) => ({ ...inBody({ expiresAt: later })(row), until: later, dueAt: later }),
        /until is \d+ \(journal: \d+\); dueAt is .+; body\.expiresAt is \d+ \(journal: \d+\); its last entry is \d+/,
      ],
      ['a grant of another scope', 'grant', (row) => ({ ...row, scope: 'root' }), /scope is "root" \(journal: "/],
      ['a grant of another subject', 'grant', (row) => ({ ...row, subject: 'user:eve' }), /subject is "user:eve" \(journal: "user:/],
      ['a version that was increased', 'request', (row) => ({ ...row, version: row.version + 1 }), /version is \d \(journal: \d/],
      ['a request that was decided', 'request', inBody({ end: { status: 'approved' } }), /body\.end is {"status":"approved"} \(journal:/],
      [
        'an added review',
        'request',
        inBody({ reviews: [{ reviewer: 'user:eve' }] }),
        /body\.reviews is \[{"reviewer":"user:eve"}\] \(journal: \[\]/,
      ],
      [
        'a removed field',
        'request',
        ({ body: { ttlMs: _, ...body }, ...row }) => ({ ...row, body }),
        /body\.ttlMs is undefined \(journal: \d/,
      ],
      ['an unknown field', 'usage', inBody({ other: 'x'.repeat(500) }), /body\.other is "x+"\.\.\. \(500\) \(journal: undefined/],
      ['silent fields that are no object', 'usage', inBody({ more: 'x' }), /body\.more is "x" \(journal: undefined/],
      ['a long field', 'request', inBody({ scopes: ['x'.repeat(500)] }), /body\.scopes is \["x+\.\.\. \(journal:/],
      ['uses that were reset', 'usage', inBody({ uses: 0 }), /body\.uses is 0 \(journal: 1/],
      ['an additional use that is left', 'use', inBody({ usesLeft: 5 }), /body\.usesLeft is 5 \(journal: 1/],
      ['a key that belongs to another request', 'reuse', inBody({ askDigest: 'x' }), /body\.askDigest is "x"/],
      [
        'a pending break-glass review that was removed',
        'subject',
        (row) => ({ ...inBody({ unreviewed: [] })(row), open: false }),
        /open is false \(journal: true\); body\.unreviewed is \[\]/,
      ],
      ['a grant that was issued earlier', 'grant', (row) => ({ ...row, createdAt: 1 }), /createdAt is 1 \(journal: \d{13}\);/],
      ['a request that is due later', 'request', (row) => ({ ...row, sortAt: later }), /sortAt is \d{13} \(journal: /],
      ['a column with null', 'grant', (row) => ({ ...row, dueAt: null }), /dueAt is null \(journal: \d/],
      ['a bigint', 'grant', inBody({ expiresAt: 10n }), /body\.expiresAt is a bigint/],
      ['a value that is not JSON', 'request', inBody({ scopes: [10n] }), /body\.scopes is an array \(journal:/],
      ['a list that was replaced by a string', 'request', inBody({ scopes: 'a:x' }), /body\.scopes is "a:x" \(journal:/],
      ['a missing body', 'grant', (row) => ({ ...row, body: 'gone' }), /body must be an object, but is "gone"/],
      [
        'other metadata',
        'request',
        (row) => (row.body['metadata'] === undefined ? row : inBody({ metadata: { host: 'db-2' } })(row)),
        new RegExp(`body\\.metadata has SHA-256 ${digestOf({ host: 'db-2' })} \\(journal: ${digestOf({ host: 'db-1' })}\\)`),
      ],
      [
        'removed metadata',
        'request',
        ({ body: { metadata: _, ...body }, ...row }) => ({ ...row, body }),
        /body\.metadata is missing \(journal: SHA-256 [0-9a-f]{64}\)/,
      ],
      [
        'added metadata',
        'request',
        (row) => (row.body['metadata'] === undefined ? inBody({ metadata: {} })(row) : row),
        /body\.metadata exists \(journal: none\)/,
      ],
      [
        'metadata that is not JSON',
        'request',
        (row) => (row.body['metadata'] === undefined ? row : inBody({ metadata: { n: NaN } })(row)),
        /body\.metadata has SHA-256 unknown, as it is not JSON/,
      ],
    ];
    it.each(cases)('%s', async (_, kind, change, problem) => {
      const { store } = await aLife();
      const { ok, differences, problem: ofJournal } = await verifyStore(tampered(store, kindIs(kind, change)));
      expect([ok, ofJournal]).toEqual([false, undefined]);
      expect(differences.length).toBeGreaterThan(0);
      for (const difference of differences) {
        expect(difference.kind).toBe(kind);
        expect(difference.problem).toMatch(problem);
      }
    });

    it('a missing row, and a row that is not in the journal', async () => {
      const { store, request } = await aLife();
      const gone = tampered(store, (row) => (row.kind === 'grant' && row.id === `${request.id}.1` ? undefined : row));
      expect((await verifyStore(gone)).differences).toEqual([
        { kind: 'grant', id: `${request.id}.1`, problem: expect.stringMatching(/^is missing: entry \d+ wrote version 1$/) as string },
      ]);
      await store.commit(aChange({ put: [aRow({ id: 'forged.1' })] }));
      expect((await verifyStore(store)).differences).toEqual([{ kind: 'grant', id: 'forged.1', problem: 'is not in the journal' }]);
    });

    it('an invalid row, in a list or by its key', async () => {
      const { store, request } = await aLife();
      const none = tampered(store, (row) => (row.kind === 'grant' ? null : row.kind === 'use' ? { ...row, id: 7 } : row));
      const { differences } = await verifyStore(none);
      expect(differences.filter(({ kind }) => kind === 'grant')).toContainEqual({
        kind: 'grant',
        id: 'undefined',
        problem: 'is not a row',
      });
      expect(differences).toContainEqual({ kind: 'grant', id: `${request.id}.1`, problem: 'is not a row' });
      expect(differences).toContainEqual({ kind: 'use', id: '7', problem: 'is not a row' });
    });
  });

  describe('L33 after a purge', () => {
    /** All records except one open request are purged, so that most of the journal is trimmed. */
    async function aPurged() {
      const made = anEngine({ approver: new Moody(), limits: { reviewWithin: '100h' } });
      const { engine, clock, store } = made;
      await ask(engine, { justification: 'approve uses' });
      await engine.consume(MAYA, SCOPE, { idempotencyKey: 'one' });
      await engine.consume(MAYA, SCOPE);
      const other = { subject: SAM, scope: 'c:x', justification: 'approve' };
      await ask(engine, other);
      await clock.set(at(HOUR));
      await engine.sweep();
      const { request: kept } = await ask(engine, { scope: 'kept', justification: 'solo' });
      await ask(engine, { scope: 'kept', justification: 'solo', idempotencyKey: 'same' });
      await engine.flushAudit();
      return { ...made, kept, purge: () => purge(engine, { before: clock.now(), by: 'user:dpo', force: true }), store };
    }

    it('verifies the horizon, and lists records without entries as unproven', async () => {
      const { purge, store } = await aPurged();
      expect((await purge()).journalStart).toBeGreaterThan(0);
      const { unproven, ...rest } = await verifyStore(store);
      expect(rest).toMatchObject({ ok: true, problem: undefined, differences: [] });
      expect(unproven).toEqual([{ kind: 'subject', id: SAM, problem: 'the entries about it have been purged' }]);
    });

    it('names a horizon that was changed, malformed or removed', async () => {
      const { purge, store } = await aPurged();
      await purge();
      const horizon = async (change: (row: Row) => unknown) => (await verifyStore(tampered(store, kindIs('horizon', change)))).differences;
      const named = (problem: unknown) => [{ kind: 'horizon', id: 'horizon', problem }];
      const says = (before: string) =>
        expect.stringMatching(new RegExp(`^body\\.before is ${before} \\(journal: ${at(HOUR)}\\); its last entry is \\d+$`)) as unknown;
      expect(await horizon(inBody({ before: 7 }))).toEqual(named(says('7')));
      expect(await horizon(inBody({ before: 'now' }))).toEqual(named(says('"now"')));
      expect(await horizon(() => undefined)).toEqual(
        named(expect.stringMatching(new RegExp(`^is missing: entry \\d+ set it to ${at(HOUR)}$`))),
      );
      expect(await horizon((row) => ({ ...row, version: 0 }))).toEqual(named(expect.stringMatching(/^version is 0 \(journal: 1/)));
      for (const version of [1.5, '1', null])
        expect(await horizon((row) => ({ ...row, version }))).toEqual(named(expect.stringMatching(/^version is .+ \(journal: 1/)));
      for (const row of ['no row', null, 7]) expect(await horizon(() => row)).toEqual(named('is not a row'));
      expect(await horizon((row) => ({ ...row, version: row.version + 7 }))).toEqual([]);
    });

    it('L26 names a forged provisioning change of which an entry is left, although it began before the purge', async () => {
      const begin = { seq: 10, hash: '1'.repeat(64) };
      const data = {
        ...{ provisioningId: 'e', version: 5, name: 'firewall', subject: MAYA, scope: 'a:x', held: true, seq: 1 },
        ...{ intendedAt: at(0), failures: 0, tryAt: at(0), changedAt: at(0) },
      };
      const entries = journal([{ type: 'provisioning.intended', data }, purged({ horizon: at(1), trimmedTo: 10 })], begin);
      const change = (await replay(entries)).provisioningChanges.get('e');
      const last = entries.at(-1) as AuditEntry;
      const row = inBody({ held: false })(encode(change as ProvisioningChange));
      const store = over(new MemoryGrantStore(), {
        journal: async ({ after }) => ({
          entries: entries.filter(({ seq }) => seq > after),
          start: begin,
          head: { seq: last.seq, hash: last.hash },
        }),
        find: async ({ kind }) => ({ items: kind === 'provisioning' ? [row] : [], next: undefined }),
        get: async (keys) => keys.map(({ kind }) => (kind === 'provisioning' ? row : undefined)),
      });
      const { differences, unproven } = await verifyStore(store);
      expect(differences).toContainEqual({
        kind: 'provisioning',
        id: 'e',
        problem: expect.stringContaining('body.held is false') as string,
      });
      expect(unproven).toEqual([]);
    });

    it('still names forged rows', async () => {
      const { purge, store } = await aPurged();
      await purge();
      const owes = tampered(store, (row) => (row.id === SAM ? { ...inBody({ unreviewed: ['r'] })(row), open: true } : row));
      expect((await verifyStore(owes)).differences).toEqual([{ kind: 'subject', id: SAM, problem: 'is not in the journal' }]);
      for (const version of [0, 1.5, '9']) {
        const bent = tampered(store, (row) => (row.id === SAM ? { ...row, version } : row));
        expect((await verifyStore(bent)).differences).toMatchObject([{ kind: 'subject', id: SAM }]);
      }
      const back = tampered(store, (row) => (row.id === MAYA ? { ...row, version: 1 } : row));
      expect((await verifyStore(back)).differences).toMatchObject([
        { kind: 'subject', id: MAYA, problem: expect.stringMatching(/^version is 1/) as string },
      ]);
      const ahead = tampered(store, (row) => (row.id === MAYA ? { ...row, version: 99 } : row));
      expect((await verifyStore(ahead)).unproven).toMatchObject([{ id: MAYA }, { id: SAM }]);
      const key = tampered(store, kindIs('reuse', inBody({ askDigest: 'x' })));
      expect((await verifyStore(key)).differences).toMatchObject([{ kind: 'reuse' }]);
      for (const kind of ['request', 'grant', 'usage']) {
        const forged = over(store, {
          find: async (query) => (query.kind === kind ? { items: [aRow({ kind, id: 'f.1' })], next: undefined } : store.find(query)),
          get: async (keys) => {
            const rows = await store.get(keys);
            return rows.map((row, i) => (keys[i]?.id === 'f.1' ? aRow({ kind, id: 'f.1' }) : row));
          },
        });
        const named = (await verifyStore(forged)).differences.find(({ id }) => id === 'f.1');
        expect(named).toEqual({ kind, id: 'f.1', problem: 'is not in the journal' });
      }
    });

    it('lists a use, a key and a provisioning change without entries as unproven, but names them as wrong in a whole journal', async () => {
      const { purge, store } = await aPurged();
      const kinds = ['use', 'reuse', 'provisioning'];
      const more = (row: Row) =>
        over(store, {
          find: async (query) => {
            const { items, next } = await store.find(query);
            const more = [...items, row].sort((x, y) => (x.id < y.id ? -1 : 1));
            return { items: query.kind === row.kind ? more : items, next };
          },
          get: async (keys) => (await store.get(keys)).map((one, i) => (keys[i]?.id === row.id ? row : one)),
        });
      for (const kind of kinds) {
        const row = aRow({ kind, id: 'lone' });
        expect((await verifyStore(more(row))).differences).toContainEqual({ kind, id: 'lone', problem: 'is not in the journal' });
      }
      await purge();
      const body = { grantId: 'gone.1', requestId: 'gone' };
      for (const kind of kinds) {
        const row = aRow({ kind, id: 'lone', body });
        const { unproven, differences } = await verifyStore(more(row));
        expect([differences, unproven[0]]).toEqual([[], { kind, id: 'lone', problem: 'the entries about it have been purged' }]);
      }
    });

    it('starts over where a purge trims the journal during the read', async () => {
      const { purge, store } = await aPurged();
      let slices = 0;
      const small = over(store, {
        journal: async ({ after }) => {
          if (++slices === 3) await purge();
          return store.journal({ after, limit: 1 });
        },
      });
      expect(await verifyStore(small)).toMatchObject({ ok: true, differences: [], unproven: [{ id: SAM }] });
    });

    it('starts over where a purge trims the journal during the comparison, before and after the second read', async () => {
      for (const when of [1, 2]) {
        const { engine, purge, store, clock, kept } = await aPurged();
        let reads = 0;
        let rows = 0;
        const busy = over(store, {
          find: async (query) => {
            const page = await store.find(query);
            // The head moves past the entries that were read, and then all entries before it are trimmed.
            if (query.kind === 'request' && ++rows === 1 && when === 1) await purgeAll();
            return page;
          },
          get: async (keys) => {
            const answer = await store.get(keys);
            if (++reads === 1 && when === 2) await purgeAll();
            return answer;
          },
        });
        const purgeAll = async () => {
          await engine.cancel(kept.id, { by: MAYA });
          await clock.set(at(2 * HOUR));
          await purge();
          await ask(engine, { scope: 'next', justification: 'solo' });
          await clock.set(at(3 * HOUR));
          await purge();
        };
        expect(await verifyStore(busy)).toMatchObject({ ok: true, problem: undefined });
      }
    });

    it('rejects with a conflict where purges trim every read', async () => {
      const { store } = await aPurged();
      const hash = '1'.repeat(64);
      const start = { seq: 3, hash };
      const slice: JournalSlice = { entries: [], start, head: { seq: 5, hash } };
      const running = over(store, { journal: async ({ limit }) => (limit === 1 ? { ...slice, start: { seq: 2, hash } } : slice) });
      const error = await refusal(verifyStore(running), 'ERR_JIT_CONFLICT');
      expect(error).toMatchObject({ attempts: 8, message: expect.stringMatching('verify again when no purge runs') as string });
    });

    it('gives advice about a head that was exported before the purge', async () => {
      const { engine, purge, store, clock } = await aPurged();
      const before = await journalHead(engine);
      await clock.advance(1);
      await purge();
      expect(await verifyStore(store, { head: before })).toMatchObject({ ok: true });
      // The kept request is at the start of the journal, and the next purge removes it.
      const { start } = await store.journal({ after: 0, limit: 1 });
      expect(await verifyStore(store, { head: start })).toMatchObject({ ok: true });
      expect(await verifyStore(store, { head: { ...start, hash: before.hash } })).toMatchObject({ ok: false, problem: { seq: start.seq } });
      const { ok, problem } = await verifyStore(store, { head: { seq: 1, hash: before.hash } });
      expect([ok, problem]).toEqual([false, { seq: 1, problem: expect.stringMatching('Export a new head after each purge') as unknown }]);
    });

    it('L26 refuses a journal that starts later than any purge entry says, also an empty one', async () => {
      const { purge, store, engine } = await aPurged();
      await purge();
      const { start } = await store.journal({ after: 0, limit: 1 });
      const { seq } = await journalHead(engine);
      for (const to of [start.seq + 1, seq]) {
        await store.commit({ id: `evil-${to}`, expect: [], put: [], append: [], trimJournalTo: to });
        expect(await verifyStore(store)).toMatchObject({
          ok: false,
          rows: 0,
          problem: { seq: to + 1, problem: expect.stringMatching('no journal.purged entry covers the entries before it') as string },
        });
      }
    });

    it.each<[string, string, unknown, boolean]>([
      ['use', 'of a purged grant', { grantId: 'gone.1' }, true],
      ['use', 'of a kept grant', { grantId: 'KEPT.1' }, false],
      ['use', 'without a grant', { grantId: 7 }, false],
      ['use', 'without a body', undefined, false],
      ['reuse', 'of a purged request', { requestId: 'gone' }, true],
      ['reuse', 'of a kept request', { requestId: 'KEPT' }, false],
      ['reuse', 'without a request', {}, false],
    ])('L33 accepts a %s %s: %j, %s', async (kind, _, body, isExcused) => {
      const { purge, store, engine } = await aPurged();
      await purge();
      const granted = await ask(engine, { justification: 'approve' });
      const text = JSON.stringify(body)?.replace('KEPT', granted.request.id);
      const row = { ...aRow({ kind, id: 'lone' }), body: text === undefined ? (undefined as never) : (JSON.parse(text) as Row['body']) };
      const more = over(store, {
        find: async (query) => (query.kind === kind ? { items: [row], next: undefined } : store.find(query)),
        get: async (keys) => (await store.get(keys)).map((one, i) => (keys[i]?.id === 'lone' ? row : one)),
      });
      const { differences, unproven } = await verifyStore(more);
      const ids = (problems: readonly { readonly id: string }[]) => problems.filter(({ id }) => id === 'lone').length;
      expect([ids(differences), ids(unproven)]).toEqual(isExcused ? [0, 1] : [1, 0]);
    });
  });

  describe('L26 reports what is wrong with the journal, and compares no rows then', () => {
    const edited = (store: GrantStore, seq: number, change: (entry: AuditEntry) => unknown): GrantStore =>
      over(store, {
        journal: async (query) => {
          const slice = await store.journal(query);
          return { ...slice, entries: slice.entries.map((entry) => (entry.seq === seq ? change(entry) : entry)) as AuditEntry[] };
        },
      });

    it('an edited, an invalid and a missing entry', async () => {
      const { store } = await aLife();
      const found = async (change: (entry: AuditEntry) => unknown) => verifyStore(edited(store, 2, change));
      expect(await found((entry) => ({ ...entry, actor: 'user:eve' }))).toMatchObject({
        ok: false,
        rows: 0,
        problem: { seq: 2, problem: 'was edited: its digest does not match' },
      });
      expect(await found(() => null)).toMatchObject({ ok: false, problem: { seq: 2, problem: 'is malformed' } });
      const without = over(store, {
        journal: async (query) => {
          const slice = await store.journal(query);
          return { ...slice, entries: slice.entries.filter(({ seq }) => seq !== 2) };
        },
      });
      expect(await verifyStore(without)).toMatchObject({ ok: false, problem: { seq: 2, problem: 'has seq 3; expected 2' } });
    });

    it('an exported head that the journal does not contain', async () => {
      const { store, engine } = await aLife();
      const { seq, hash } = await journalHead(engine);
      expect(await verifyStore(store, { head: { seq: seq + 1, hash } })).toMatchObject({ ok: false, problem: { seq: seq + 1 } });
      expect(await verifyStore(store, { head: { seq: seq - 1, hash } })).toMatchObject({ ok: false, problem: { seq: seq - 1 } });
      for (const bad of [{ head: 'x' }, { head: { seq: -1, hash } }, { Head: 1 }, null]) {
        await refusal(verifyStore(store, bad as unknown as object), 'ERR_JIT_INVALID_ARGUMENT');
      }
    });

    it('a reported head that differs from the last entry', async () => {
      const { store, engine } = await aLife();
      const { seq, hash } = await journalHead(engine);
      const named = (head: object) =>
        verifyStore(over(store, { journal: async (query) => ({ ...(await store.journal(query)), head: { seq, hash, ...head } }) }));
      expect((await named({ seq: seq + 1 })).problem).toEqual({
        seq: seq + 1,
        problem: 'is missing: the head that the store reports is this entry or a later one',
      });
      expect((await named({ seq: seq - 1 })).problem).toEqual({ seq, problem: 'does not match the head that the store reports' });
      expect((await named({ hash: '1'.repeat(64) })).problem).toEqual({ seq, problem: 'does not match the head that the store reports' });
    });

    it('entries of another namespace', async () => {
      const { store } = await aLife();
      const moved = Object.assign(over(store, {}), { namespace: 'tenant:b' });
      expect((await verifyStore(moved)).problem).toEqual({ seq: 1, problem: 'belongs to another namespace' });
    });

    it('inconsistent entries in a valid chain', async () => {
      expect((await verifyStore(told([created('r1'), approved('r2')]))).problem).toEqual({
        seq: 2,
        problem: 'names request r2, which no earlier entry created',
      });
    });

    it('entries that leave a record incomplete', async () => {
      const found = await verifyStore(
        told([created('r1'), approved('r1', { change: 'x' }), { ...issued('r1.1', { expiresAt: 0 }), change: 'x' }]),
      );
      expect(found.problem).toMatchObject({ seq: 3, problem: expect.stringMatching(/^leaves grant r1\.1 incomplete/) as string });
    });

    it('a fault that appears only during the comparison', async () => {
      for (const nth of [1, 2]) {
        const { store, engine } = await aLife();
        const { seq } = await journalHead(engine);
        let reads = 0;
        const cut = over(store, {
          journal: async (query) => {
            const slice = await store.journal(query);
            return query.after < seq || ++reads < nth ? slice : { ...slice, head: { ...slice.head, seq: seq + 1 } };
          },
        });
        const { ok, problem, differences } = await verifyStore(cut);
        expect([ok, problem?.seq, differences]).toEqual([false, seq + 1, []]);
      }
    });
  });

  describe('during concurrent writes', () => {
    it('L26 finds nothing wrong in rows that were written after they, or the journal, were read', async () => {
      for (let seed = 1; seed <= 5; seed++) {
        const { store, engine } = anEngine({ approver: autoApprove(() => true) });
        store.inject('all', { fault: 'yield', seed });
        const write = async (who: string) => {
          for (let i = 0; i < 8; i++) {
            const grant = await aGranted(engine, { subject: who, scope: `s:${i}` });
            if (i % 2 === 0) await engine.revoke(grant.id, { by: SAM });
          }
        };
        let writing = true;
        const all = Promise.all(['a', 'b', 'c'].map((who) => write(`user:${who}`))).finally(() => (writing = false));
        let verified = 0;
        while (writing) {
          const found = await verifyStore(store);
          expect(found).toMatchObject({ ok: true, problem: undefined, differences: [] });
          verified += 1;
        }
        await all;
        expect(verified).toBeGreaterThan(0);
        expect(await verifyStore(store)).toMatchObject({ ...GOOD, rows: 51 });
      }
    });

    /** Creates a request while rows are listed, and this many more, one at each second read. */
    async function aBusyStore(times: number) {
      const { store, engine, request } = await aLife();
      let asked = 0;
      const askMore = () => ask(engine, { subject: 'user:busy', scope: `s:${++asked}`, justification: 'review' });
      await askMore();
      const busy = over(store, {
        find: async (query) => {
          const page = await store.find(query);
          if (query.kind === 'provisioning') await askMore();
          return page;
        },
        get: async (keys) => {
          const rows = await store.get(keys);
          if (asked <= times) await askMore();
          return rows;
        },
      });
      return { busy, request };
    }

    it('L26 lists a row that changes at every read as unproven, and still names other differences', async () => {
      const { busy, request } = await aBusyStore(1_000);
      const id = `${request.id}.1`;
      const forged = tampered(busy, (row) => (row.id === id && row.kind === 'grant' ? inBody({ expiresAt: 1 })(row) : row));
      const { ok, differences, unproven } = await verifyStore(forged);
      expect([ok, differences.map((one) => one.id)]).toEqual([false, [id]]);
      expect(unproven).toEqual([{ kind: 'subject', id: 'user:busy', problem: 'kept changing while it was read: verify again' }]);
    });

    it('L26 finds nothing wrong in a row that a purge removed before the second read', async () => {
      const { store } = await aLife();
      let isGone = false;
      const gone = over(store, {
        find: async (query) => {
          if (query.kind !== 'grant' || isGone) return store.find(query);
          isGone = true;
          return { ...(await store.find(query)), items: [aRow()] };
        },
      });
      expect(await verifyStore(gone)).toMatchObject(GOOD);
    });

    it('L26 verifies the row once the writes stop', async () => {
      const { busy } = await aBusyStore(5);
      expect(await verifyStore(busy)).toMatchObject(GOOD);
    });

    it('rejects when a page repeats its own cursor, and when the store fails', async () => {
      const { store } = await aLife();
      const endless = over(store, { find: async () => ({ items: [], next: 'x' }) });
      expect(await refusal(verifyStore(endless), 'ERR_JIT_STORE')).toMatchObject({ operation: 'find' });
      store.inject('find', { fault: 'reject' }, 1);
      await refusal(verifyStore(store), 'ERR_JIT_STORE');
      store.inject('journal', { fault: 'reject' }, 2);
      await refusal(verifyStore(store), 'ERR_JIT_STORE');
    });
  });

  it('L26 requests at most a page of rows at a time, for any number of differences', async () => {
    const entries = Array.from({ length: 201 }, (_, i) => created(`r${i}`, { data: { ...created('r').data, subjectVersion: i + 1 } }));
    const empty = told(entries);
    const asked: number[] = [];
    const store = over(empty, {
      get: async (keys) => {
        asked.push(keys.length);
        return empty.get(keys);
      },
    });
    // The subject's row is missing too.
    expect((await verifyStore(store)).differences).toHaveLength(202);
    expect(Math.max(...asked)).toBe(100);
  });

  it('L26 compares no rows, and lists none as unproven, where the journal is invalid', async () => {
    expect(await verifyStore(told([approved('r1')]))).toMatchObject({ ok: false, rows: 0, differences: [], unproven: [] });
  });

  it.each([
    ['store', [null]],
    ['store', [{ find: () => [], journal: () => [] }]],
    ['store', [{ get: () => [], journal: () => [] }]],
    ['store', [{ get: () => [], find: () => [] }]],
    ['options', [new MemoryGrantStore(), 7]],
    ['head', [new MemoryGrantStore(), { head: 7 }]],
  ])('names the invalid argument: %s, case %#', async (argument, args) => {
    const error = await refusal(verifyStore(...(args as never as Parameters<typeof verifyStore>)), 'ERR_JIT_INVALID_ARGUMENT');
    expect(error.argument).toBe(argument);
  });

  it('L26 reads only', async () => {
    const { store } = await aLife();
    const before = await entriesOf(store);
    const from = store.calls.length;
    await verifyStore(store);
    expect(new Set(store.calls.slice(from).map(({ method }) => method))).toEqual(new Set(['journal', 'find', 'get', 'live']));
    expect(await entriesOf(store)).toEqual(before);
  });
});

describe('problemIn()', () => {
  it('L26 L30 returns the problem of a corrupt entry, and throws any other error', () => {
    expect(problemIn(new CorruptError('entry', '7', 'is malformed'))).toEqual({ seq: 7, problem: 'is malformed' });
    for (const error of [
      new CorruptError('grant', '7', 'is malformed'),
      new StoreError('journal', 'ECONNRESET'),
      Object.assign(new Error('not ours'), { code: 'ERR_JIT_CORRUPT', kind: 'entry', id: '7', problem: 'x' }),
      Object.assign(new StoreError('journal', 'ECONNRESET'), { kind: 'entry' }),
    ])
      expect(() => problemIn(error)).toThrow(error);
  });
});
