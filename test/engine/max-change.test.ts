import { describe, expect, it } from 'vitest';
import { LEAST_CHANGE, MAX_CHANGE, readChangeSize, refuseLargeChange } from '../../src/core/change-size.js';
import type { Change, ChangeSize } from '../../src/core/store-port.js';
import { JitEngine, MemoryGrantStore, reviewers, type Grant, type JitEngineOptions } from '../../src/index.js';
import { verifyStore } from '../../src/journal.js';
import { freshlyIssued } from '../../src/lifecycle/grant.js';
import { longestApproval } from '../../src/lifecycle/longest-approval.js';
import { setLock } from '../../src/lifecycle/lock.js';
import { decodeGrant, encode, makeGrant, makeLocks } from '../../src/records/index.js';
import { purge } from '../../src/retention.js';
import { aChange, aGrant, aRequest, FaultyStore, ScriptedApprover } from '../../src/testing.js';
import {
  aGranted,
  ANA,
  anEngine,
  aPending,
  ask,
  confirmNow,
  entriesOf,
  grantsOf,
  HOUR,
  LEE,
  MAYA,
  MINUTE,
  refusal,
  SAM,
} from './an-engine.js';

/** A store that takes less than others. It keeps the size of each change. */
class SmallStore extends MemoryGrantStore {
  readonly maxChange: ChangeSize;
  readonly sizes: { readonly rows: number; readonly entries: number; readonly bytes: number }[] = [];

  constructor(maxChange: Partial<ChangeSize> = {}) {
    super();
    this.maxChange = { ...LEAST_CHANGE, ...maxChange };
  }

  override async commit(change: Change) {
    refuseLargeChange(change, this.maxChange);
    this.sizes.push(sizeOf(change));
    return super.commit(change);
  }
}

const sizeOf = (change: Change) => ({
  rows: change.put.length + (change.remove?.length ?? 0),
  entries: change.append.length,
  bytes: Buffer.byteLength(JSON.stringify(change)),
});

const withStore = (store: SmallStore, options: Partial<JitEngineOptions> = {}) =>
  anEngine({ approver: new ScriptedApprover({ decide: { outcome: 'approve' } }), ...options, store: new FaultyStore(store) });

const scopes = (count: number) => Array.from({ length: count }, (_, i) => `s${i + 1}`);
/** The longest ids: each character takes three bytes. */
const long = (name: string) => `${name}:`.padEnd(256, '\u6f22');
const longScope = (name: string) => `${name}:`.padEnd(256, 'x');

/** Commits an extension chain of this many grants, as approvals would have issued them. */
async function aChain(store: MemoryGrantStore, size: number, over: Partial<Grant> = {}): Promise<Grant> {
  const ids = Array.from({ length: size }, (_, i) => `${String(i).padStart(32, '0')}.50`);
  const grants = ids.map((id, i) =>
    makeGrant({
      ...aGrant(over),
      id,
      requestId: id.split('.')[0] as string,
      startsAt: aGrant().startsAt + i * 15 * MINUTE,
      expiresAt: aGrant().startsAt + (i + 1) * 15 * MINUTE,
      warnAt: Array.from({ length: 10 }, (_, n) => aGrant().startsAt + (i * 15 + n) * MINUTE),
      activatedAt: i === 0 ? aGrant().startsAt : undefined,
      extends: i === 0 ? undefined : ids[0],
      successors: i === 0 ? ids.slice(1).map((grantId) => ({ grantId, at: aGrant().issuedAt })) : [],
    }),
  );
  const usages = grants.flatMap((grant) => freshlyIssued(grant).usage ?? []);
  for (const rows of [grants, usages]) {
    for (let i = 0; i < rows.length; i += 25) {
      expect(await store.commit(aChange({ put: rows.slice(i, i + 25).map(encode) }))).toMatchObject({ outcome: 'committed' });
    }
  }
  return grants[0] as Grant;
}

const KIM = 'user:kim';

describe('the least maxChange (L12, L42)', () => {
  it('is the largest change that takes access away and cannot be divided', async () => {
    // A revoke ends a whole extension chain, and closes the usage rows of those grants that have expired. The row that may hold back purges
    // comes with it.
    const store = new MemoryGrantStore();
    const { engine, clock } = anEngine({ store: new FaultyStore(store), canonicalId: undefined });
    const terms = { maxUses: Number.MAX_SAFE_INTEGER, idleTtlMs: HOUR };
    const first = await aChain(store, 50, { subject: long('user'), scope: longScope('db'), ...terms });
    await clock.advance(48 * HOUR);
    const changes: Change[] = [];
    const commit = store.commit.bind(store);
    store.commit = (change) => {
      changes.push(change);
      return commit(change);
    };
    await engine.revoke(first.id, { by: long('admin'), reason: '"'.repeat(4_096) });
    const [end] = changes.filter(({ put }) => put.some(({ kind }) => kind === 'grant')).map(sizeOf) as [ReturnType<typeof sizeOf>];
    // A lock writes all locks of the namespace.
    const moment = { now: 1, highWater: 1, forEnds: 1, steppedBack: false, actor: long('admin') };
    const lock = { id: '0'.repeat(32), subject: long('user'), scope: undefined, until: 9, by: moment.actor, at: 1, completedAt: 1 };
    const ended = { ...lock, end: { status: 'lifted', at: 1, by: moment.actor } } as const;
    const row = makeLocks({
      version: 1,
      locks: Array.from({ length: 255 }, (_, i) => ({ ...lock, id: String(i).padStart(32, '0') })),
      ended: Array.from({ length: 16 }, () => ended),
    });
    const { put, entries } = setLock(row, { ...lock, id: '1'.repeat(32), reason: '"'.repeat(4_096) }, moment);
    const locked = Buffer.byteLength(JSON.stringify([put.map(encode), entries]));
    console.log(`the largest indivisible change: ${end.rows + 1} rows, ${end.entries} entries, ${Math.max(end.bytes, locked)} bytes`);
    expect({ rows: end.rows + 1, entries: end.entries }).toEqual({ rows: LEAST_CHANGE.rows, entries: LEAST_CHANGE.entries });
    expect(Math.max(end.bytes, locked)).toBeLessThan(LEAST_CHANGE.bytes);
    expect(Math.max(end.bytes, locked)).toBeGreaterThan(LEAST_CHANGE.bytes / 2);
  });

  it.each(['rows', 'entries', 'bytes'] as const)(
    'refuses a store with less %s at construction, and one with more than a change ever has',
    (part) => {
      const engine = (size: number) => () =>
        new JitEngine({ store: new SmallStore({ [part]: size }), approver: reviewers({ members: [SAM] }) });
      const rule = `store.maxChange.${part} must be a whole number from ${LEAST_CHANGE[part]} to ${MAX_CHANGE[part]}`;
      expect(engine(LEAST_CHANGE[part] - 1)).toThrow(rule);
      expect(engine(MAX_CHANGE[part] + 1)).toThrow(rule);
      expect(engine(LEAST_CHANGE[part])).not.toThrow();
      expect(engine(MAX_CHANGE[part])).not.toThrow();
    },
  );

  it('refuses a maxChange that lacks a part', () => {
    expect(() => readChangeSize('store.maxChange', { rows: 160 })).toThrow('store.maxChange.entries must be a whole number');
    expect(() => readChangeSize('store.maxChange', null)).toThrow('store.maxChange must be an object with rows, entries, bytes');
  });
});

describe('an engine over a store with the least maxChange (L42)', () => {
  it('L12 ends an extension chain of 50 grants in one change', async () => {
    const store = new SmallStore();
    const { engine } = withStore(store);
    const { id } = await aChain(store, 50);
    expect((await engine.revoke(id, { by: SAM })).status).toBe('revoked');
    const rows = (await store.find({ kind: 'grant', limit: 60 })).items.map(decodeGrant);
    expect(rows.every(({ end }) => end?.status === 'revoked')).toBe(true);
    expect(store.sizes.at(-1)).toMatchObject({ rows: 50, entries: 50 });
  });

  it('L12 ends a chain in one change whose earlier grants have expired, before a sweep has closed their usage rows', async () => {
    const store = new SmallStore();
    const { engine, clock } = withStore(store);
    const { id, subject, scope } = await aChain(store, 50, { maxUses: 9 });
    await clock.advance(49 * 15 * MINUTE + MINUTE);
    expect(await engine.isAllowed(subject, scope)).toBe(true);
    await engine.revoke(id, { by: SAM });
    expect(await engine.isAllowed(subject, scope)).toBe(false);
    // The usage row of the last grant is left to the sweep.
    expect(store.sizes.at(-1)).toMatchObject({ rows: 99, entries: 50 });
  });

  it('records 120 expiries in changes that the store takes, without a refused one', async () => {
    const store = new SmallStore();
    const { engine, clock, told } = withStore(store, { limits: { maxGrants: 200 } });
    for (let i = 0; i < 8; i++) await aGranted(engine, { scopes: scopes(15).map((scope) => `${scope}-${i}`) });
    await clock.advance(HOUR);
    const report = await engine.sweep();
    expect(report).toMatchObject({ ended: 120, skipped: 0 });
    expect(told).toEqual([]);
    expect((await verifyStore(store)).ok).toBe(true);
  });

  it('records the ends of 60 locks, as many as one change holds at a time', async () => {
    const store = new SmallStore();
    const { engine, clock } = withStore(store);
    for (let i = 0; i < 60; i++) await engine.lock({ subject: `user:u${i}` }, { by: SAM, until: clock.now() + MINUTE });
    await clock.advance(HOUR);
    await confirmNow(engine, 70);
    for (let pass = 0; pass < 3; pass++) await engine.sweep();
    expect((await entriesOf(store)).filter(({ type }) => type === 'lock.expired')).toHaveLength(60);
  });

  it('records the use of 60 grants', async () => {
    const store = new SmallStore();
    const { engine, clock } = withStore(store, { recordUse: true, limits: { maxGrants: 200 } });
    for (let i = 0; i < 4; i++) await aGranted(engine, { scopes: scopes(15).map((scope) => `${scope}-${i}`) });
    for (let i = 0; i < 60; i++) expect(await engine.isAllowed(MAYA, `s${(i % 15) + 1}-${Math.floor(i / 15)}`)).toBe(true);
    await clock.advance(MINUTE);
    await engine.close();
    expect((await entriesOf(store)).filter(({ type }) => type === 'grant.seen')).toHaveLength(60);
  });

  it('purges a request with more comments than one change removes, the comments first', async () => {
    const store = new SmallStore();
    const { engine, clock } = anEngine({ store: new FaultyStore(store), approver: reviewers({ members: [SAM, ANA, LEE, KIM] }) });
    const { id } = await aPending(engine, { scopes: scopes(10) });
    for (const by of [MAYA, SAM, LEE, ANA, KIM]) for (let i = 0; i < 20; i++) await engine.comment(id, { by, text: `${i}` });
    await engine.approve(id, { by: SAM });
    await clock.advance(HOUR);
    await engine.sweep();
    await clock.advance(48 * HOUR);
    const report = await purge(engine, { before: clock.now() - 24 * HOUR, by: SAM, force: true });
    expect(report).toMatchObject({ requests: 1, grants: 10 });
    expect((await store.find({ kind: 'comment', limit: 101 })).items).toEqual([]);
    const purged = (await entriesOf(store))
      .filter(({ type }) => type === 'journal.purged')
      .map(({ data }) => data['removed'] as { kind: string }[] | undefined);
    expect(purged.flatMap((removed = []) => removed.map(({ kind }) => kind)).filter((kind) => kind === 'comment')).toHaveLength(100);
  });

  it('refuses a request that one change could not approve when it is asked, also an extension', async () => {
    const store = new SmallStore();
    const { engine } = withStore(store, { limits: { maxGrants: 200 } });
    // 3 rows for each scope, a request, a subject and a hold.
    const error = await refusal(ask(engine, { scopes: scopes(33) }), 'ERR_JIT_LIMIT');
    expect(error).toMatchObject({ limit: 'maxChange', max: 101, got: 102 });
    expect(error.message).toBe('the store takes changes of at most 101 rows, and this may need one of 102');
    expect(await store.find({ kind: 'request', limit: 1 })).toMatchObject({ items: [] });
    const grants = await grantsOf(engine, { scopes: scopes(32) });
    expect(grants).toHaveLength(32);
    // An extension writes each extended grant too.
    const { requestId } = grants[0] as Grant;
    const extension = { requestedBy: MAYA, ttl: 15 * MINUTE };
    expect(await refusal(engine.extend({ requestId }, extension), 'ERR_JIT_LIMIT')).toMatchObject({
      limit: 'maxChange',
      max: 101,
      got: 131,
    });
    const [grant] = await grantsOf(engine, { scopes: scopes(24).map((scope) => `${scope}-b`) });
    expect(await engine.extend({ requestId: grant?.requestId as string }, extension)).toMatchObject({ outcome: 'granted' });
  });

  it('refuses break-glass that one change cannot hold, with ERR_JIT_LIMIT instead of a failing store', async () => {
    const approver = new ScriptedApprover({ breakGlass: { outcome: 'approve', reviewWithinMs: HOUR } });
    const { engine } = withStore(new SmallStore(), { approver });
    const take = (count: number) => engine.breakGlass({ subject: MAYA, scopes: scopes(count), ttl: MINUTE, justification: 'it is down' });
    expect(await refusal(take(49), 'ERR_JIT_LIMIT')).toMatchObject({ limit: 'maxChange', max: 50, got: 51 });
    expect((await take(48)).grants).toHaveLength(48);
  });

  it('L16 refuses an approval that would leave no room for a denial, and then takes the denial', async () => {
    const approver = new ScriptedApprover({
      decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 99 }] } },
      groupsOf: ['ops'],
    });
    const { engine } = withStore(new SmallStore(), { approver });
    const { id } = await aPending(engine, { scopes: scopes(10) });
    const text = '"'.repeat(4_096);
    let given = 0;
    const approve = () => engine.approve(id, { by: `user:r${given}`, reason: text, comment: text });
    for (; given < 20; given++) await approve();
    const refused = refusal(
      (async () => {
        for (; given < 99; given++) await approve();
      })(),
      'ERR_JIT_LIMIT',
    );
    expect(await refused).toMatchObject({ limit: 'maxChange', max: LEAST_CHANGE.bytes });
    expect(given).toBeGreaterThan(20);
    expect(await engine.deny(id, { by: SAM, reason: text, comment: text })).toMatchObject({ outcome: 'denied' });
  });
});

describe('the longest approval of a request', () => {
  const asked = aRequest({
    subject: long('user'),
    requestedBy: long('admin'),
    scopes: scopes(50).map(longScope),
    justification: '"'.repeat(4_096),
    ticket: '"'.repeat(4_096),
    metadata: { note: '\\'.repeat(4_000) },
  });
  const extension = {
    grantIds: asked.scopes.map((_, i) => `${'0'.repeat(32)}.${i + 1}`),
    requestId: '0'.repeat(32),
    from: 1,
    firstStartsAt: 0,
    until: 9e12,
    breakGlass: false,
  };

  it.each([
    ['', asked],
    [' that extends grants', { ...asked, extension }],
  ])('fits the change of a store without a maxChange, for the largest ask%s (L42)', (_, request) => {
    const { put, entries } = longestApproval(request);
    const change = { put: put.map(encode), append: entries };
    expect(put.filter(({ kind }) => kind === 'grant')).toHaveLength('extension' in request && request.extension ? 100 : 50);
    expect(put.length).toBeLessThan(MAX_CHANGE.rows / 4);
    expect(Buffer.byteLength(JSON.stringify(change))).toBeLessThan(MAX_CHANGE.bytes / 2);
  });

  it('has as many rows as an approval with usage rows and a maxHolders for each scope', async () => {
    const store = new SmallStore({ rows: 1_000, entries: 1_000, bytes: 4_194_304 });
    const wanted = scopes(10);
    const terms = { maxUses: 3, idleTtlMs: MINUTE, maxHolders: wanted.map((scope) => ({ rule: scope, scopes: [scope], max: 9 })) };
    const { engine } = withStore(store, {
      approver: new ScriptedApprover({
        decide: { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: 1 }] }, terms },
        groupsOf: ['ops'],
      }),
    });
    const request = await aPending(engine, { scopes: wanted });
    expect(await engine.approve(request.id, { by: SAM })).toMatchObject({ outcome: 'granted' });
    const { put, entries } = longestApproval(request);
    expect(store.sizes.at(-1)).toMatchObject({ rows: put.length, entries: entries.length });
    expect(store.sizes.at(-1)?.bytes).toBeLessThan(Buffer.byteLength(JSON.stringify({ put: put.map(encode), append: entries })));
  });
});
