import { describe, expect, it } from 'vitest';
import { MemoryGrantStore, wasHeldAt, type AuditEntry, type JitEngine } from '../../src/index.js';
import { journalHead, replay } from '../../src/journal.js';
import { digestOf } from '../../src/journal/link.js';
import { applyEntry } from '../../src/journal/replay/apply-entry.js';
import { Rebuild } from '../../src/journal/replay/rebuild.js';
import { failProvisioning, intendProvisioning, retryProvisioning, settleProvisioning } from '../../src/lifecycle/provisioning.js';
import {
  decodeProvisioningChange,
  decodeGrant,
  decodeRequest,
  decodeReuse,
  decodeSubject,
  decodeUsage,
  decodeUse,
  type StoredRecord,
} from '../../src/records/index.js';
import type { Row } from '../../src/core/store-port.js';
import { START_AT, type FaultyStore } from '../../src/testing.js';
import { ANA, anEngine, at, entriesOf, MAYA, refusal, SAM } from '../engine/an-engine.js';
import { Moody } from '../property/moody.js';
import { approved, created, issued, journal, purged, take, type Told } from './story.js';

const DECODE: Readonly<Record<string, (row: Row) => StoredRecord>> = {
  requests: decodeRequest,
  grants: decodeGrant,
  usages: decodeUsage,
  uses: decodeUse,
  reuses: decodeReuse,
  provisioningChanges: decodeProvisioningChange,
  subjects: decodeSubject,
};

/** A history with every kind of record: reviews, keyed uses, reused keys, break-glass with a review, an extension. */
async function aLife() {
  const made = anEngine({ approver: new Moody(), limits: { maxTtl: 1_000, maxTotal: 2_000 } });
  const { engine, clock } = made;
  const ask = (scope: string, justification: string) =>
    engine.requestAccess({ subject: MAYA, scope, ttl: 500, justification, metadata: { host: scope } });
  const { request } = await ask('a:x', 'review uses');
  await clock.advance(5);
  await engine.approve(request.id, { by: ANA, as: 'sec' });
  await engine.approve(request.id, { by: SAM });
  await engine.consume(MAYA, 'a:x', { idempotencyKey: 'one' });
  const { items } = await engine.listGrants({ during: { from: at(0), to: at(1_000) } });
  for (const idempotencyKey of [undefined, 'same']) {
    await engine.extend(items[0]?.id ?? '', { requestedBy: MAYA, ttl: 100, justification: 'solo', idempotencyKey });
  }
  const glass = await engine.breakGlass({ subject: SAM, requestedBy: 'agent:7', scope: 'b:x', ttl: 50, justification: 'fire' });
  // One grant reaches its idle limit, and one is ended early, so that the sweep closes its usage.
  const idle = engine.requestAccess({ subject: SAM, scopes: ['c:x', 'c:y'], ttl: 500, justification: 'approve idle' });
  await engine.revoke(`${(await idle).request.id}.2`, { by: 'user:ciso' });
  await clock.advance(3);
  await engine.check(SAM, 'c:x', { touch: 'wait' });
  await refusal(engine.approve(request.id, { by: 'user:eve' }), 'ERR_JIT_DECIDED');
  await clock.advance(60);
  await engine.sweep();
  await engine.reviewBreakGlass(glass.request.id, { by: ANA, verdict: 'justified' });
  await ask('a:y', 'deny');
  await clock.advance(1);
  return { ...made, request, glass };
}

const entriesAt = async (engine: JitEngine, store: FaultyStore): Promise<readonly AuditEntry[]> => {
  await engine.flushAudit();
  return entriesOf(store);
};

describe('replay()', () => {
  it('L26 L27 rebuilds every kind of record as the store has it, with the hash instead of the metadata', async () => {
    const { engine, store, request } = await aLife();
    const entries = await entriesAt(engine, store);
    expect(entries.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['usage.closed', 'grant.expired', 'attempt.refused', 'request.reused']),
    );
    const replayed = await replay(entries);
    for (const [name, decode] of Object.entries(DECODE)) {
      const { items } = await store.find({ kind: name.slice(0, -1), limit: 1_000 });
      const stored = [...items]
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .map(decode)
        .map((record) => (record.kind === 'request' ? { ...record, metadata: undefined } : record));
      const records = [...(replayed[name as 'grants'] as ReadonlyMap<string, unknown>)].sort(([a], [b]) => (a < b ? -1 : 1));
      expect(records).toEqual(stored.map((record) => [record.id, record]));
      if (name !== 'provisioningChanges') expect(records.length).toBeGreaterThan(0);
    }
    expect(replayed.metadataHashes.get(request.id)).toBe(digestOf({ host: 'a:x' }));
    expect(replayed).toMatchObject({ seq: (await journalHead(engine)).seq, horizon: 0, unproven: [] });
    expect(Object.isFrozen(replayed.requests.get(request.id))).toBe(true);
  });

  it('L27 rebuilds provisioning changes, of which each entry has all fields', async () => {
    const store = new MemoryGrantStore();
    const key = { id: 'e1', name: 'firewall', subject: MAYA, scope: 'a:x' };
    const backoff = { tries: 1, firstMs: 10, maxMs: 100 };
    const moment = (now: number) => ({ now, highWater: now, forEnds: now, steppedBack: false, actor: 'user:ops' });
    let change = await take(store, intendProvisioning(undefined, key, { held: true, seq: 1 }, moment(at(0))));
    change = await take(store, failProvisioning(change, 'ECONNREFUSED', backoff, moment(at(1))));
    expect(change.outcome?.status).toBe('stuck');
    change = await take(store, retryProvisioning(change, moment(at(2))));
    change = await take(store, settleProvisioning(change, moment(at(3))));
    change = await take(store, intendProvisioning(change, key, { held: false, seq: 2 }, moment(at(4))));
    const entries = await entriesOf(store);
    // The failure and its end are gone, as the last change does not have them.
    expect([...(await replay(entries)).provisioningChanges.values()]).toEqual([change]);
    expect((await replay(entries, at(1))).provisioningChanges.get('e1')).toMatchObject({
      version: 2,
      problem: 'ECONNREFUSED',
      outcome: { status: 'stuck' },
    });
    expect((await replay(entries, at(-1))).provisioningChanges.size).toBe(0);
  });

  it('L27 returns each record as it was at an instant, with the entries of that instant', async () => {
    const { engine, store, request, glass } = await aLife();
    const entries = await entriesAt(engine, store);
    const before = await replay(entries, at(4));
    expect(before.requests.get(request.id)).toMatchObject({ version: 2, end: undefined, reviews: [] });
    expect([before.grants.size, before.subjects.size]).toEqual([0, 1]);
    const after = await replay(entries, at(5));
    expect(after.requests.get(request.id)?.end).toMatchObject({ status: 'approved', by: SAM });
    expect(after.requests.get(request.id)?.reviews.map(({ reviewer }) => reviewer)).toEqual([ANA, SAM]);
    const grant = [...after.grants.values()].find(({ scope }) => scope === 'b:x');
    expect([grant && wasHeldAt(grant, at(54)), grant && wasHeldAt(grant, at(55))]).toEqual([true, false]);
    // A pending break-glass review counts for the requester too, until it is given.
    const owing = [...after.subjects.values()].filter(({ unreviewed }) => unreviewed.length > 0);
    expect(owing.map(({ id, unreviewed }) => [id, unreviewed])).toEqual([
      [SAM, [glass.request.id]],
      ['agent:7', [glass.request.id]],
    ]);
    const later = await replay(entries, at(68));
    expect([...later.subjects.values()].flatMap(({ unreviewed }) => unreviewed)).toEqual([]);
  });

  it('L27 follows seq, so that entries of two clocks with decreasing instants are replayed correctly', async () => {
    const entries = journal([
      created('r1', { at: at(50) }),
      approved('r1', { at: at(50), change: 'x' }),
      { ...issued('r1.1'), at: at(50), change: 'x' },
      created('r2', { at: at(10), data: { ...created('r2').data, subjectVersion: 3 } }),
      purged({ horizon: at(1) }, { at: at(20) }),
    ]);
    const then = await replay(entries, at(20));
    expect([[...then.requests.keys()], then.grants.size, then.seq]).toEqual([['r2'], 0, 5]);
    expect(then.subjects.get(MAYA)).toMatchObject({ version: 3 });
    expect([...(await replay(entries)).requests.keys()]).toEqual(['r1', 'r2']);
  });

  it('L14 L27 keeps the later review of each reviewer', async () => {
    const said = (version: number, reviewer: string, verdict: string): Told => ({
      type: 'request.reviewed',
      requestId: 'r1',
      data: { version, review: { reviewer, verdict, groups: ['ops'], at: at(version) } },
    });
    const entries = journal([created('r1'), said(2, SAM, 'approve'), said(3, ANA, 'approve'), said(4, SAM, 'deny')]);
    const reviews = (await replay(entries)).requests.get('r1')?.reviews;
    expect(reviews?.map(({ reviewer, verdict }) => [reviewer, verdict])).toEqual([
      [ANA, 'approve'],
      [SAM, 'deny'],
    ]);
  });

  it('L27 counts the uses of a grant from its first record on (feature 7)', async () => {
    const seen = (activityVersion: number, count: number): Told => ({
      type: 'grant.seen',
      requestId: 'r1',
      grantId: 'r1.1',
      data: { activityVersion, subject: MAYA, scope: 'a:x', firstUsedAt: at(1), lastUsedAt: at(count), count },
    });
    const { activities } = await replay(journal([created('r1'), approved('r1'), issued('r1.1'), seen(1, 1), seen(2, 5)]));
    expect(activities.get('r1.1')).toMatchObject({ version: 2, lastUsedAt: at(5), count: 5 });
    const trimmed = [seen(2, 5), purged({ horizon: at(100), trimmedTo: 10 }, { at: at(100) })];
    const { unproven } = await replay(journal(trimmed, { seq: 10, hash: '1'.repeat(64) }));
    expect(unproven).toContainEqual({ kind: 'activity', id: 'r1.1' });
  });

  it('L27 counts a pending break-glass review of a subject only from requests', async () => {
    const afterReview = { reviewBy: START_AT + 1, reviewers: [], skippedGroups: [] };
    const told = [created('r1'), approved('r1', { change: 'x' }), { ...issued('r1.1', { requestedBy: MAYA, afterReview }), change: 'x' }];
    expect((await replay(journal(told))).subjects.get(MAYA)?.unreviewed).toEqual([]);
  });

  it("L27 adds a denial to the subject's row, and removes the denials that it displaces", async () => {
    const next = (id: string, subjectVersion: number) => created(id, { data: { ...created(id).data, subjectVersion } });
    const denied = (id: string, subjectVersion: number, more: object = {}): Told => ({
      type: 'request.denied',
      requestId: id,
      data: { version: 2, end: { status: 'denied', cause: 'approver', at: START_AT, by: SAM }, subjectVersion, ...more },
    });
    const told = (more: object) => [created('r1'), denied('r1', 2), next('r2', 3), denied('r2', 4), next('r3', 5), denied('r3', 6, more)];
    const noted = async (more: object) => (await replay(journal(told(more)))).subjects.get(MAYA)?.denied;
    expect(await noted({})).toEqual(['r1', 'r2', 'r3']);
    expect(await noted({ forgotten: ['r1'] })).toEqual(['r2', 'r3']);
    expect(await refusal(noted({ forgotten: 'r1' }), 'ERR_JIT_CORRUPT')).toMatchObject({ kind: 'entry', id: '6' });
  });

  it('returns the hash of metadata for requests with metadata only', async () => {
    const some = created('r2', { data: { ...created('r2').data, subjectVersion: 2, metadataHash: 'f'.repeat(64) } });
    expect([...(await replay(journal([created('r1'), some]))).metadataHashes]).toEqual([['r2', 'f'.repeat(64)]]);
  });

  it('refuses a value that is not a journal', async () => {
    expect(await refusal(replay(7 as never), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument: 'entries' });
  });

  it('accepts an empty journal, and an asynchronous one', async () => {
    expect(await replay([])).toMatchObject({ seq: 0, horizon: 0, unproven: [] });
    async function* slowly() {
      for (const entry of journal([created('r1')])) yield await Promise.resolve(entry);
    }
    expect((await replay(slowly())).requests.get('r1')?.subject).toBe(MAYA);
  });

  it.each([NaN, -1, 1.5, '0', null, 8.64e15 + 1])('refuses %s as an instant', async (instant) => {
    expect(await refusal(replay([], instant as number), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument: 'at' });
  });

  describe('refuses an inconsistent journal, and names the entry', () => {
    const used = (data: Told['data']): Told => ({ type: 'grant.used', requestId: 'r1', grantId: 'r1.1', data: data ?? {} });
    const base = [created('r1'), approved('r1', { change: 'x' })];
    const counted = [...base, { ...issued('r1.1', { maxUses: 2 }), change: 'x' }];
    const cases: readonly (readonly [string, number, readonly Told[], RegExp])[] = [
      [
        'a version is skipped',
        2,
        [created('r1'), approved('r1', { data: { version: 3 } })],
        /writes version 3 of request r1 after version 1/,
      ],
      ['another change repeats a version', 3, [...base, approved('r1')], /writes version 2 of request r1 after version 2/],
      ['a version decreases', 3, [...base, approved('r1', { data: { version: 1 } })], /writes version 1/],
      ['a request is created twice', 3, [...base, created('r1', { data: { version: 3 } })], /creates request r1, which already exists/],
      ["a request's first entry is not its creation", 1, [created('r1', { data: { version: 2 } })], /after version 0/],
      ['an unknown request is decided', 1, [approved('r1')], /request r1, which no earlier entry created/],
      [
        'an unknown request is reviewed',
        1,
        [{ type: 'request.reviewed', requestId: 'r1', data: { version: 2, review: {} } }],
        /request r1/,
      ],
      ['an unknown request has a grant', 1, [issued('r1.1')], /names request r1/],
      ['a grant is issued twice', 4, [...counted, { ...issued('r1.1'), change: 'x' }], /creates grant r1\.1/],
      ['an unknown grant ends', 3, [...base, { type: 'grant.revoked', grantId: 'r1.1', data: { version: 2 } }], /grant r1\.1/],
      ['an unknown grant is used', 3, [...base, used({ usageVersion: 2 })], /usage r1\.1/],
      ['a use is missing', 4, [...counted, used({ usageVersion: 3 })], /of usage r1\.1 after version 1/],
      ['a key is used twice', 5, [...counted, ...[2, 3].map((usageVersion) => used({ usageVersion, useId: 'u' }))], /creates use u/],
      ['a key belongs to an unknown request', 1, [{ type: 'request.reused', requestId: 'r1', data: {} }], /request r1/],
      [
        'a version of a subject is missing',
        1,
        [created('r1', { data: { ...created('r1').data, subjectVersion: 2 } })],
        /of subject user:maya after version 0/,
      ],
      [
        'a version of a provisioning change is missing',
        1,
        [{ type: 'provisioning.done', data: { provisioningId: 'e', version: 2 } }],
        /of provisioning e after version 0/,
      ],
      [
        'a provisioning change starts at version 0',
        1,
        [{ type: 'provisioning.done', data: { provisioningId: 'e', version: 0 } }],
        /writes version 0/,
      ],
      [
        'a version is skipped within one change',
        2,
        [created('r1', { change: 'x' }), approved('r1', { change: 'x', data: { version: 5 } })],
        /writes version 5 of request r1 after version 1/,
      ],
      ['an entry names no record', 1, [{ type: 'request.created', data: { version: 1 } }], /names no record id or version/],
      ['an entry names no version', 1, [created('r1', { data: {} })], /names no record id or version/],
      ['an entry is of another format', 1, [created('r1', { v: 2 as 1 })], /is malformed or of an unknown type/],
      ['an entry is of an unknown type', 1, [{ type: 'grant.doubled' as 'grant.used' }], /is malformed or of an unknown type/],
      ['an entry is of an inherited type', 1, [{ type: 'constructor' as 'grant.used' }], /is malformed or of an unknown type/],
      [
        'an entry has no data',
        1,
        [created('r1', { data: null as unknown as Record<string, never> })],
        /is malformed or of an unknown type/,
      ],
      ['a purge has no valid horizon', 1, [purged({})], /has no valid horizon/],
      [
        'a purge removes an unknown record',
        2,
        [created('r1'), purged({ horizon: 1, removed: [{ kind: 'grant', id: 'r1.1' }] })],
        /grant r1\.1/,
      ],
      [
        'a purge without a list of removed records',
        1,
        [purged({ horizon: 1, removed: 'all' })],
        /does not name the records that it removed/,
      ],
      [
        'a purge whose removed records have no keys',
        1,
        [purged({ horizon: 1, removed: [{ kind: 'grant' }] })],
        /does not name the records that it removed/,
      ],
      ['a purge with an empty list', 1, [purged({ horizon: 1, removed: [null] })], /does not name the records that it removed/],
      ['a request is incomplete', 1, [created('r1', { data: { version: 1, subject: MAYA } })], /leaves request r1 incomplete/],
      [
        'a review is not an object',
        3,
        [created('r1'), ...[2, 3].map((version): Told => ({ type: 'request.reviewed', requestId: 'r1', data: { version, review: 5 } }))],
        /leaves request/,
      ],
      [
        'the holders of a rule are no list',
        2,
        [created('r1'), approved('r1', { data: { version: 2, holders: 7 } })],
        /is malformed or of an unknown type/,
      ],
      ['a grant is malformed', 3, [...base, { ...issued('r1.1', { expiresAt: 'never' }), change: 'x' }], /leaves grant r1\.1 incomplete/],
      [
        'a grant ends without an end',
        4,
        [...counted, { type: 'grant.expired', grantId: 'r1.1', data: { version: 2, usageVersion: 2 } }],
        /leaves usage/,
      ],
    ];
    it.each(cases)('%s', async (_, seq, told, problem) => {
      const error = await refusal(replay(journal(told)), 'ERR_JIT_CORRUPT');
      expect([error.kind, error.id]).toEqual(['entry', String(seq)]);
      expect(error.problem).toMatch(problem);
    });

    it('a missing, a repeated and an invalid entry', async () => {
      const [first, second] = journal(base) as [AuditEntry, AuditEntry];
      const third = { ...second, seq: 3 };
      for (const [entries, seq] of [
        [[first, third], '2'],
        [[first, first], '2'],
        [[first, undefined], '2'],
        [[undefined], '1'],
        [[{ ...first, seq: '1' }], '1'],
        [[{ ...first, seq: 0 }], '1'],
        [[{ ...first, seq: -3 }], '1'],
        [[{ ...first, seq: 1.5 }], '1'],
        [[{ ...first, id: undefined }], '1'],
      ] as const) {
        expect(await refusal(replay(entries as unknown as readonly AuditEntry[]), 'ERR_JIT_CORRUPT')).toMatchObject({ id: seq });
      }
    });
  });

  describe('of a journal that a purge has trimmed', () => {
    const START = { seq: 10, hash: '1'.repeat(64) };
    const purge = purged({ horizon: at(100), trimmedTo: 10 }, { at: at(100) });
    const trimmed = (...told: readonly Told[]) => journal([...told, purge], START);

    it('L33 lists the records that it cannot prove from the start, and rebuilds the rest', async () => {
      const replayed = await replay(
        trimmed(
          { type: 'request.reviewed', requestId: 'r1', data: { version: 3, review: { reviewer: SAM } } },
          approved('r1', { data: { version: 4, subjectVersion: 7 } }),
          { type: 'grant.used', grantId: 'r2.1', data: { usageVersion: 3, useId: 'u' } },
          { type: 'grant.expired', grantId: 'r3.1', data: { version: 2, usageVersion: 4 } },
          { type: 'grant.used', grantId: 'r3.1', data: { usageVersion: 5, useId: 'w' } },
          { type: 'request.reused', requestId: 'r3', data: { reuseId: 'k', subject: MAYA, askDigest: 'd' } },
          created('r4', { data: { ...created('r4').data, subjectVersion: 9 } }),
          created('r5', { data: { ...created('r4').data, subjectVersion: 11 } }),
        ),
      );
      expect(replayed.unproven).toEqual([
        { kind: 'request', id: 'r1' },
        { kind: 'usage', id: 'r2.1' },
        { kind: 'use', id: 'u' },
        { kind: 'grant', id: 'r3.1' },
        { kind: 'usage', id: 'r3.1' },
        { kind: 'use', id: 'w' },
      ]);
      expect([...replayed.requests.keys(), ...replayed.reuses.keys()]).toEqual(['r4', 'r5', 'k']);
      expect(replayed.subjects.get(MAYA)).toEqual({
        ...{ kind: 'subject', id: MAYA, version: 11, unreviewed: [], openedForOthers: [], denied: [] },
      });
      expect(replayed).toMatchObject({ seq: 19, horizon: at(100) });
    });

    it('L33 handles several reviews of a request whose first entry is purged as it handles one', async () => {
      const reviewed = (version: number): Told => ({
        type: 'request.reviewed',
        requestId: 'r1',
        data: { version, review: { reviewer: SAM } },
      });
      const replayed = await replay(trimmed(reviewed(3), reviewed(4)));
      expect([replayed.unproven, replayed.requests.size]).toEqual([[{ kind: 'request', id: 'r1' }], 0]);
    });

    it('L33 names the entry that moved the horizon, not a later one with the same horizon', () => {
      const rebuild = new Rebuild(0);
      const seqs = [5, 5, 3, 9].map((ms, i) => {
        applyEntry(rebuild, journal([5, 5, 3, 9].map((one) => purged({ horizon: at(one) })))[i] as AuditEntry);
        return [ms, rebuild.horizonSeq, rebuild.horizon];
      });
      expect(seqs).toEqual([
        [5, 1, at(5)],
        [5, 1, at(5)],
        [3, 1, at(5)],
        [9, 4, at(9)],
      ]);
    });

    it('L33 does not list records that have been removed since', async () => {
      const removed = [
        { kind: 'request', id: 'r1' },
        { kind: 'cursor', id: 'somebody' },
      ];
      const replayed = await replay(trimmed(approved('r1'), purged({ horizon: at(50), removed })));
      expect([replayed.unproven, replayed.horizon]).toEqual([[], at(100)]);
    });

    it('L27 accepts a provisioning change from its first kept entry on, and refuses a later gap', async () => {
      const told = (version: number): Told => ({
        type: 'provisioning.intended',
        data: {
          provisioningId: 'e',
          version,
          ...{ name: 'firewall', subject: MAYA, scope: 'a:x', held: true, seq: 1 },
          ...{ intendedAt: START_AT, failures: 0, tryAt: START_AT, changedAt: START_AT },
        },
      });
      expect((await replay(trimmed(told(5), told(6)))).provisioningChanges.get('e')?.version).toBe(6);
      expect(await refusal(replay(trimmed(told(5), told(7))), 'ERR_JIT_CORRUPT')).toMatchObject({ id: '12' });
      expect(await refusal(replay(trimmed(told(0))), 'ERR_JIT_CORRUPT')).toMatchObject({ id: '11' });
    });

    it('L27 refuses entries that contradict the known ones', async () => {
      const again = created('r2', { data: { ...created('r2').data, subjectVersion: 1 } });
      expect(await refusal(replay(trimmed(created('r1'), again)), 'ERR_JIT_CORRUPT')).toMatchObject({ id: '12' });
      const skipped = approved('r1', { data: { version: 3 } });
      expect(await refusal(replay(trimmed(created('r1'), skipped)), 'ERR_JIT_CORRUPT')).toMatchObject({ id: '12' });
    });

    it('L33 refuses an instant before the horizon, and answers for the horizon', async () => {
      expect(await refusal(replay(trimmed(), at(99)), 'ERR_JIT_PURGED')).toMatchObject({ horizon: at(100) });
      expect((await replay(trimmed(), at(100))).horizon).toBe(at(100));
    });

    it('L33 keeps a record until the instant of its removal', async () => {
      const removed = [{ kind: 'request', id: 'r1' }];
      const entries = journal([created('r1'), purged({ horizon: at(10), removed }, { at: at(30) })]);
      expect([(await replay(entries, at(29))).requests.size, (await replay(entries, at(30))).requests.size]).toEqual([1, 0]);
    });

    it('refuses a part of a journal that no purge explains', async () => {
      const part = journal([created('r1')], START);
      expect(await refusal(replay(part), 'ERR_JIT_CORRUPT')).toMatchObject({ id: '11' });
      const other = journal([created('r1'), purged({ horizon: at(0), trimmedTo: 9 })], START);
      expect(await refusal(replay(other), 'ERR_JIT_CORRUPT')).toMatchObject({ id: '11' });
    });
  });
});
