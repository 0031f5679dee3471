import { preview } from 'jit-access/explain';
import { describe, expect, it, vi } from 'vitest';
import { reviewers, type AccessRequest, type JitEngine } from '../../src/index.js';
import type { TermsInput } from '../../src/core/approver-port.js';
import { readJournal, replay, verifyStore } from '../../src/journal.js';
import { definePolicy } from '../../src/policy.js';
import { purge } from '../../src/retention.js';
import { ScriptedApprover } from '../../src/testing.js';
import { decodeHolders } from '../../src/records/index.js';
import { expectReplayed } from '../property/fold.js';
import { anEngine, aPending, at, entriesOf, HOUR, LEE, MAYA, MINUTE, refusal, SAM, typesOf } from './an-engine.js';

const NOOR = 'user:noor';
const SCOPE = 'db-prod:schema:write';
const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);

const aPolicy = (over: object = {}, more: object = {}) =>
  definePolicy({
    groups: { dba: [SAM, LEE, 'user:ana'] },
    rules: [{ id: 'schema', scopes: ['db-prod:schema:*'], maxHolders: 1, review: { groups: { dba: 1 } }, ...over }],
    ...more,
  });

const asks = (engine: JitEngine, subject: string, over: object = {}): Promise<AccessRequest> =>
  aPending(engine, { subject, ...('scopes' in over ? {} : { scope: SCOPE }), ...over });
const approve = (engine: JitEngine, { id }: AccessRequest, by = SAM) => engine.approve(id, { by });
const holdersIn = async ({ store }: Pick<ReturnType<typeof anEngine>, 'store'>) =>
  (await store.find({ kind: 'holders', limit: 10 })).items.map(decodeHolders);

/** The greatest number of subjects that hold the scope at one instant, by the grants that were issued. */
async function mostAtATime(engine: JitEngine, instants: readonly number[]): Promise<number> {
  const grants = (await engine.listGrants({ scope: SCOPE })).items;
  const held = (t: number) =>
    new Set(grants.filter(({ startsAt, expiresAt, end }) => startsAt <= t && t < (end?.at ?? expiresAt)).map(({ subject }) => subject));
  return Math.max(...instants.map((t) => held(t).size));
}

describe('maxHolders', () => {
  it('refuses the approval for a second subject, and its request stays pending (A9)', async () => {
    const made = anEngine({ approver: aPolicy() });
    const { engine, store } = made;
    const [first, second] = [await asks(engine, MAYA), await asks(engine, NOOR)];
    const { request } = await approve(engine, first);
    expect(request.terms?.maxHolders).toEqual([{ rule: 'schema', max: 1, scopes: [SCOPE] }]);
    expect(await refusal(approve(engine, second), 'ERR_JIT_LIMIT')).toMatchObject({
      ...{ limit: 'maxHolders', max: 1, got: 2, requestId: second.id },
    });
    const found = await engine.getRequest(second.id);
    expect(found).toMatchObject({ outcome: 'pending', grants: [], request: { status: 'pending', reviews: [] } });
    expect(await typesOf(store)).toContain('attempt.refused');
    expect(await holdersIn(made)).toMatchObject([{ version: 1, approver: 'policy', rule: 'schema', grantIds: [`${first.id}.1`] }]);
    await expectReplayed(store);
    expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [], unproven: [] });
    const [row] = await holdersIn(made);
    expect((await replay(readJournal(store))).holders).toEqual(new Map([[row?.id, row]]));
    const [approved] = (await entriesOf(store)).filter(({ type }) => type === 'request.approved');
    expect(approved?.data['holders']).toEqual([
      { id: row?.id, version: 1, approver: 'policy', rule: 'schema', grantIds: [`${first.id}.1`] },
    ]);
  });

  it('A9 of two approvals for two subjects at once, exactly one commits', async () => {
    for (const seed of SEEDS) {
      const { engine, store } = anEngine({ approver: aPolicy() });
      const requests = [await asks(engine, MAYA), await asks(engine, NOOR)];
      store.inject('all', { fault: 'yield', seed });
      const results = await Promise.allSettled(requests.map((request, i) => approve(engine, request, i === 0 ? SAM : LEE)));
      store.clear();
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const refused = results.find((result) => result.status === 'rejected');
      expect(refused?.reason).toMatchObject({ code: 'ERR_JIT_LIMIT', limit: 'maxHolders' });
      expect(await mostAtATime(engine, [at(0)])).toBe(1);
      expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [] });
    }
  });

  it.each([
    ['expired', async (_engine: JitEngine, clock: ReturnType<typeof anEngine>['clock']) => clock.advance(15 * MINUTE)],
    ['expired long ago', async (_engine: JitEngine, clock: ReturnType<typeof anEngine>['clock']) => clock.advance(17 * MINUTE)],
    ['was released', async (engine: JitEngine, _clock: unknown, id: string) => engine.release(id, { by: MAYA })],
    ['was revoked', async (engine: JitEngine, _clock: unknown, id: string) => engine.revoke(id, { by: SAM })],
  ])('lets the next subject in once the access has ended: it %s, with no sweep', async (how, end) => {
    const made = anEngine({ approver: aPolicy() });
    const { engine, clock, store } = made;
    const [first, second] = [await asks(engine, MAYA), await asks(engine, NOOR)];
    await approve(engine, first);
    await refusal(approve(engine, second), 'ERR_JIT_LIMIT');
    await end(engine, clock, `${first.id}.1`);
    expect((await approve(engine, second)).outcome).toBe('granted');
    // Only a recorded end takes it off the row: a slower process may still find it live (L47).
    const listed = how.startsWith('expired') ? [`${first.id}.1`, `${second.id}.1`] : [`${second.id}.1`];
    expect(await holdersIn(made)).toMatchObject([{ version: 2, grantIds: listed }]);
    expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [] });
  });

  it('counts only windows that meet: a grant for later leaves room before it, and none at its time', async () => {
    const { engine } = anEngine({ approver: aPolicy() });
    const later = await asks(engine, NOOR, { startsAt: at(HOUR), ttl: HOUR });
    await approve(engine, later);
    expect((await approve(engine, await asks(engine, MAYA, { ttl: HOUR }))).outcome).toBe('granted');
    const long = await asks(engine, LEE, { scope: 'db-prod:schema:read', startsAt: at(HOUR), ttl: 3 * HOUR });
    await refusal(engine.approve(long.id, { by: SAM }), 'ERR_JIT_LIMIT');
    const after = await asks(engine, 'user:kim', { startsAt: at(2 * HOUR), ttl: HOUR });
    expect((await approve(engine, after)).outcome).toBe('granted');
    const instants = Array.from({ length: 12 }, (_, i) => at((i * HOUR) / 4));
    expect(await mostAtATime(engine, instants)).toBe(1);
  });

  it('counts a subject once: it may hold several scopes, and extend its access', async () => {
    const { engine } = anEngine({ approver: aPolicy() });
    await approve(engine, await asks(engine, MAYA, { scopes: [SCOPE, 'db-prod:schema:read'] }));
    const third = await asks(engine, MAYA, { scope: 'db-prod:schema:drop' });
    const { request } = await approve(engine, third);
    const extension = await engine.extend(`${request.id}.1`, { requestedBy: MAYA, ttl: '30m' });
    expect((await engine.approve(extension.request.id, { by: SAM })).outcome).toBe('granted');
    // The extension holds the place, too.
    await refusal(approve(engine, await asks(engine, NOOR, { startsAt: at(20 * MINUTE), ttl: MINUTE })), 'ERR_JIT_LIMIT');
  });

  it('counts up to n subjects', async () => {
    const { engine } = anEngine({ approver: aPolicy({ maxHolders: 2 }) });
    for (const subject of [MAYA, NOOR]) await approve(engine, await asks(engine, subject));
    expect(await refusal(approve(engine, await asks(engine, 'user:kim')), 'ERR_JIT_LIMIT')).toMatchObject({ max: 2, got: 3 });
  });

  it('counts no scope that reviewers omit, and none of another rule', async () => {
    const policy = aPolicy(
      {},
      {
        rules: [
          { id: 'schema', scopes: [SCOPE], maxHolders: 1, review: { groups: { dba: 1 } } },
          { id: 'rest', scopes: ['**'], review: { groups: { dba: 1 } } },
        ],
      },
    );
    const made = anEngine({ approver: policy });
    const { engine } = made;
    await approve(engine, await asks(engine, MAYA));
    const both = await asks(engine, NOOR, { scopes: [SCOPE, 'db-prod:read'] });
    await refusal(approve(engine, both), 'ERR_JIT_LIMIT');
    expect((await engine.approve(both.id, { by: SAM, scopes: ['db-prod:read'] })).outcome).toBe('granted');
    expect((await holdersIn(made))[0]?.grantIds).toHaveLength(1);
  });

  it('refuses an ask that its rule approves at once, and the sweep asks again', async () => {
    const approver = definePolicy({ rules: [{ id: 'one', scopes: [SCOPE], approve: true, maxHolders: 1 }] });
    const { engine, clock } = anEngine({ approver });
    await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '10m' });
    expect(await preview(engine, { subject: NOOR, scope: SCOPE, ttl: '10m' })).toMatchObject({
      ...{ outcome: 'refused', code: 'ERR_JIT_LIMIT' },
    });
    const ask = { subject: NOOR, scope: SCOPE, ttl: '10m', idempotencyKey: 'k' } as const;
    const { requestId } = await refusal(engine.requestAccess(ask), 'ERR_JIT_LIMIT');
    const found = await engine.getRequest({ requestedBy: NOOR, idempotencyKey: 'k' });
    expect(found).toMatchObject({ outcome: 'pending', grants: [], request: { id: requestId } });
    await clock.advance(10 * MINUTE);
    await engine.sweep();
    expect((await engine.getRequest({ requestedBy: NOOR, idempotencyKey: 'k' }))?.outcome).toBe('granted');
  });

  it('counts break-glass access, and never refuses it', async () => {
    const breakGlass = [{ id: 'glass', scopes: ['db-prod:**'], maxTtl: '1h', reviewers: ['dba'], reviewWithin: '24h' }];
    const made = anEngine({ approver: aPolicy({}, { breakGlass }) });
    const { engine, store } = made;
    await approve(engine, await asks(engine, MAYA));
    const taken = await engine.breakGlass({ subject: NOOR, scope: SCOPE, ttl: '1h', justification: 'fire' });
    expect(taken.outcome).toBe('granted');
    expect((await holdersIn(made))[0]?.grantIds).toHaveLength(2);
    await engine.revokeAll({ subject: MAYA }, { by: SAM });
    await refusal(approve(engine, await asks(engine, MAYA)), 'ERR_JIT_LIMIT');
    await expectReplayed(store);
    expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [] });
  });

  it('[ST8] counts the break-glass access of a hand-made approver only where its verdict names maxHolders', async () => {
    const maxHolders = [{ rule: 'schema', max: 1, scopes: [SCOPE] }];
    const taken = async (terms: TermsInput) => {
      const breakGlass = () => ({ outcome: 'approve', reviewWithinMs: 3_600_000, reviewers: ['dba'], terms }) as const;
      const made = anEngine({ approver: { name: 'own', decide: () => ({ outcome: 'abstain' }), breakGlass } });
      expect((await made.engine.breakGlass({ subject: NOOR, scope: SCOPE, ttl: '1h', justification: 'fire' })).outcome).toBe('granted');
      return (await holdersIn(made)).flatMap(({ grantIds }) => grantIds);
    };
    expect(await taken({ maxHolders })).toHaveLength(1);
    expect(await taken({})).toEqual([]);
  });

  const GLASS = { breakGlass: [{ id: 'glass', scopes: ['db-prod:**'], maxTtl: '1h', reviewers: ['dba'], reviewWithin: '24h' }] } as const;
  const glass = (engine: JitEngine, subject: string) => engine.breakGlass({ subject, scope: SCOPE, ttl: '1h', justification: 'fire' });

  it('never refuses break-glass because of more rules than a verdict names', async () => {
    const rules = Array.from({ length: 51 }, (_, i) => ({
      ...{ id: `r${i}`, scopes: ['db-prod:schema:*'], maxHolders: 1, subjects: [{ group: `live${i}` }] },
      review: { groups: { dba: 1 } },
    }));
    const live = Object.fromEntries(rules.map((_, i) => [`live${i}`, { isMember: () => false }]));
    const { engine } = anEngine({ approver: definePolicy({ groups: { dba: [SAM], ...live }, rules, ...GLASS }) });
    expect((await glass(engine, NOOR)).outcome).toBe('granted');
  });

  it('L30 gives break-glass access beside a grant and a row that are unreadable, and still counts the grant', async () => {
    const made = anEngine({ approver: aPolicy({}, GLASS) });
    const { engine, store } = made;
    const request = await asks(engine, MAYA);
    await approve(engine, request);
    const grantId = `${request.id}.1`;
    const get = store.get.bind(store);
    let bad: string | undefined = grantId;
    vi.spyOn(store, 'get').mockImplementation(async (keys) =>
      (await get(keys)).map((row) => row && (row.id === bad ? { ...row, body: { ...row.body, forged: 1 } } : row)),
    );
    expect((await glass(engine, NOOR)).outcome).toBe('granted');
    expect((await holdersIn(made))[0]?.grantIds).toContain(grantId);
    await refusal(approve(engine, await asks(engine, LEE), 'user:ana'), 'ERR_JIT_CORRUPT');
    bad = (await store.find({ kind: 'holders', limit: 1 })).items[0]?.id;
    expect((await glass(engine, LEE)).outcome).toBe('granted');
  });

  it('L42 [A11] lists a bounded number of expired grants where only break-glass is taken', async () => {
    const made = anEngine({ approver: aPolicy({}, GLASS) });
    for (let i = 0; i < 70; i++) {
      expect((await glass(made.engine, `user:${i}`)).outcome).toBe('granted');
      await made.clock.advance(HOUR);
    }
    expect((await holdersIn(made))[0]?.grantIds.length).toBeLessThanOrEqual(33);
    await expectReplayed(made.store);
  });

  it('[A11] gives break-glass access although the ends of others cannot be recorded, with one commit more', async () => {
    const made = anEngine({ approver: aPolicy({}, GLASS) });
    const { engine, store, clock, told } = made;
    for (let i = 0; i < 32; i++) {
      await glass(engine, `user:${i}`);
      await clock.advance(HOUR);
    }
    const commit = store.commit.bind(store);
    const sent = vi.spyOn(store, 'commit').mockImplementation(async (change) => {
      if (change.append.some(({ type }) => type === 'grant.expired')) throw new Error('down');
      return commit(change);
    });
    expect((await glass(engine, NOOR)).outcome).toBe('granted');
    expect(told.filter(({ during }) => during === 'breakGlass')).toHaveLength(1);
    expect((await holdersIn(made))[0]?.grantIds).toHaveLength(33);
    sent.mockReset();
    expect((await glass(engine, LEE)).outcome).toBe('granted');
    expect(sent).toHaveBeenCalledTimes(2);
    expect((await holdersIn(made))[0]?.grantIds).toHaveLength(18);
  });

  it('L42 gives break-glass access although the row of a rule is too large to be written with it', async () => {
    const made = anEngine({ approver: aPolicy({}, GLASS) });
    const { engine, store } = made;
    await approve(engine, await asks(engine, MAYA));
    const many = Array.from({ length: 70_000 }, (_, i) => `${String(i).padStart(40, '0')}.1`);
    const get = store.get.bind(store);
    vi.spyOn(store, 'get').mockImplementation(async (keys) => {
      const rows = await get(keys);
      const [grant] = (await store.find({ kind: 'grant', limit: 1 })).items;
      return rows.map((row, i) => {
        if (row?.kind === 'holders') return { ...row, body: { ...row.body, grantIds: many } };
        return row ?? (keys[i]?.id.startsWith('00') === true ? { ...grant!, id: keys[i].id, body: {} } : undefined);
      });
    });
    const commit = vi.spyOn(store, 'commit');
    expect((await glass(engine, NOOR)).outcome).toBe('granted');
    expect(commit.mock.calls.flatMap(([{ put }]) => put.map(({ kind }) => kind))).not.toContain('holders');
  });

  it('A9 counts an idle grant up to its expiry: a use at the same time may move its idle end', async () => {
    const { engine, clock } = anEngine({ approver: aPolicy({ idleTtl: '5m' }) });
    await approve(engine, await asks(engine, MAYA));
    await clock.advance(6 * MINUTE);
    const next = await asks(engine, NOOR);
    await refusal(approve(engine, next), 'ERR_JIT_LIMIT');
    // The sweep records the idle end, which frees the place.
    await engine.sweep();
    expect((await approve(engine, next)).outcome).toBe('granted');
  });

  it('L33 stays correct where a purge has removed the grants that it lists, and the journal before', async () => {
    const made = anEngine({ approver: aPolicy() });
    const { engine, store, clock } = made;
    await approve(engine, await asks(engine, MAYA));
    await clock.advance(HOUR);
    await engine.sweep();
    expect(await purge(engine, { before: at(30 * MINUTE), by: 'user:ciso', force: true })).toMatchObject({ requests: 1 });
    expect((await verifyStore(store)).differences).toEqual([]);
    const next = await asks(engine, NOOR);
    await approve(engine, next);
    expect(await holdersIn(made)).toMatchObject([{ version: 2, grantIds: [`${next.id}.1`] }]);
    expect((await verifyStore(store)).differences).toEqual([]);
  });

  it('L30 refuses every approval under the rule while its row is unreadable', async () => {
    const made = anEngine({ approver: aPolicy() });
    const { engine, store } = made;
    await approve(engine, await asks(engine, MAYA));
    const [row] = (await store.find({ kind: 'holders', limit: 1 })).items;
    const edited = { ...row!, version: 2, body: { ...row!.body, grantIds: [] } };
    await store.commit({ id: 'edit', expect: [{ kind: 'holders', id: row!.id, version: 1 }], put: [edited], append: [] });
    await refusal(approve(engine, await asks(engine, NOOR)), 'ERR_JIT_CORRUPT');
    expect((await verifyStore(store)).differences).toMatchObject([{ kind: 'holders', id: row!.id }]);
  });

  it('never lets more subjects in than the rule allows, in random lives of approvals and ends', async () => {
    for (const seed of SEEDS) {
      const max = 1 + (seed % 3);
      const { engine, clock, store } = anEngine({ approver: aPolicy({ maxHolders: max }) });
      const instants: number[] = [];
      let state = seed;
      const roll = (n: number) => (state = (state * 48_271) % 2_147_483_647) % n;
      for (let step = 0; step < 12; step++) {
        store.inject('all', { fault: 'yield', seed: seed * 100 + step });
        const subjects = [0, 1, 2].map(() => `user:s${roll(6)}`);
        await Promise.all(
          subjects.map(async (subject) => {
            const startsAt = roll(2) === 0 ? undefined : clock.now() + roll(4) * 10 * MINUTE;
            const ttl = (1 + roll(4)) * 10 * MINUTE;
            const asked = await engine.requestAccess({ subject, scope: SCOPE, ttl, startsAt }).catch(() => undefined);
            if (asked?.outcome === 'pending') await engine.approve(asked.request.id, { by: SAM }).catch(() => undefined);
          }),
        );
        store.clear();
        const live = (await engine.listGrants({ status: 'active' })).items;
        const one = live[roll(Math.max(1, live.length))];
        if (one !== undefined && roll(3) === 0) await engine.revoke(one.id, { by: SAM });
        for (let i = 0; i < 10; i++) instants.push(clock.now() + i * 5 * MINUTE);
        if (roll(2) === 0) await clock.advance((1 + roll(2)) * 10 * MINUTE);
      }
      expect(await mostAtATime(engine, instants)).toBeLessThanOrEqual(max);
      expect((await verifyStore(store)).differences).toEqual([]);
    }
  });

  it.each([0, -1, 1.5, 101, '1', null])('is refused at construction where it is %s', (maxHolders) => {
    expect(() => aPolicy({ maxHolders })).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT' }) as Error);
  });

  it('is refused on a deny rule and on a break-glass rule', () => {
    expect(() => definePolicy({ rules: [{ id: 'no', scopes: ['**'], deny: 'no', maxHolders: 1 }] })).toThrow();
    const glass = { id: 'glass', scopes: ['**'], maxTtl: '1h', reviewers: ['dba'], reviewWithin: '24h', maxHolders: 1 } as never;
    expect(() => aPolicy({}, { breakGlass: [glass] })).toThrow();
  });

  it.each([
    ['no rule', [{ max: 1, scopes: ['a'] }]],
    ['no number', [{ rule: 'r', scopes: ['a'] }]],
    ['a number of 0', [{ rule: 'r', max: 0, scopes: ['a'] }]],
    ['no scope', [{ rule: 'r', max: 1, scopes: [] }]],
    [
      'a rule twice',
      [
        { rule: 'r', max: 1, scopes: ['a'] },
        { rule: 'r', max: 2, scopes: ['b'] },
      ],
    ],
    ['an empty list', []],
  ])('fails closed where an approver names %s', async (_, maxHolders) => {
    const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { maxHolders: maxHolders as never } } });
    const { engine } = anEngine({ approver });
    await refusal(engine.requestAccess({ subject: MAYA, scope: 'a', ttl: '5m' }), 'ERR_JIT_APPROVER');
  });

  it('does not exist for an approver that sets no limit', async () => {
    const made = anEngine({ approver: reviewers({ members: [SAM] }) });
    await approve(made.engine, await asks(made.engine, MAYA));
    expect(await holdersIn(made)).toEqual([]);
  });

  it('lint names another rule that can give an overlapping scope without the same limit', () => {
    const findings = aPolicy(
      {},
      {
        rules: [
          { id: 'schema', scopes: ['db-prod:schema:*'], maxHolders: 1, review: { groups: { dba: 1 } } },
          { id: 'same', scopes: ['db-prod:schema:*'], subjects: [MAYA], maxHolders: 1, review: { groups: { dba: 1 } } },
          { id: 'rest', scopes: ['**'], review: { groups: { dba: 1 } } },
        ],
      },
    ).lint();
    const found = findings.filter(({ code }) => code === 'other_limit');
    expect(found.map(({ rule }) => rule)).toEqual(['schema', 'same']);
    expect(found[0]?.message).toContain('and rest can give an overlapping scope without that limit');
  });
});
