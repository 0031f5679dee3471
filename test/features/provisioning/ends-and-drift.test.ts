import { failedChanges, provision, type DesiredState, type HeldOutside, type ProvisioningTarget } from 'jit-access/provisioning';
import { describe, expect, it } from 'vitest';
import { autoApprove, patternScopes } from '../../../src/index.js';
import { verifyStore } from '../../../src/journal.js';
import { aGranted, anEngine, ask, at, MAYA, MINUTE, refusal, SAM, SCOPE } from '../../engine/an-engine.js';
import { expectReplayed } from '../../property/fold.js';
import { changesOf, Roles, rolesTarget, settle } from './external-system.js';

const PATTERNS = { scopes: patternScopes, approver: autoApprove(() => true, { patterns: true }) };

/** A target that keeps the whole desired state of each call, and an external system that returns the access it gives. */
function following(over: Partial<ProvisioningTarget> = {}, options: Parameters<typeof anEngine>[0] = {}) {
  const roles = new Roles();
  const desired: DesiredState[] = [];
  const made = anEngine(options);
  const apply = async (change: DesiredState) => {
    desired.push(change);
    await roles.apply(change);
  };
  const read = (): readonly HeldOutside[] =>
    [...roles.held].map((text) => ({ subject: text.split(' ')[0] as string, scope: text.split(' ')[1] as string }));
  const provisioning = provision(made.engine, rolesTarget(roles, { apply, read, ...over }));
  return { ...made, roles, desired, provisioning };
}

describe('provision() (feature 8)', () => {
  describe('patterns of scopes', () => {
    it('applies each granted scope that a declared pattern covers, and its end', async () => {
      const { engine, roles, store } = following({ scopes: ['db-prod:*'] }, { approver: autoApprove(() => true) });
      const { grants } = (await ask(engine)) as { grants: readonly { id: string }[] };
      await ask(engine, { scope: 'db-prod:read' });
      await ask(engine, { scope: 'billing:read' });
      await settle(engine);
      expect([...roles.held].sort()).toEqual([`${MAYA} db-prod:read`, `${MAYA} ${SCOPE}`]);
      await engine.revoke((grants[0] as { id: string }).id, { by: SAM });
      await settle(engine);
      expect([...roles.held]).toEqual([`${MAYA} db-prod:read`]);
      expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [] });
    });

    it('L19 applies of a wider grant only what it shares with the pattern', async () => {
      const { engine, roles, store, clock } = following({ scopes: ['db-prod:*'] }, PATTERNS);
      for (const scope of ['**', '*:write', 'billing:**']) await ask(engine, { scope });
      await settle(engine);
      expect([...roles.held].sort()).toEqual([`${MAYA} db-prod:*`, `${MAYA} db-prod:write`]);
      expect((await changesOf(store)).map(({ scope }) => scope).sort()).toEqual(['db-prod:*', 'db-prod:write']);
      await clock.advance('15m');
      await settle(engine);
      expect(roles.held.size).toBe(0);
      await expectReplayed(store);
    });

    it('makes one change where a scope is declared, and a declared pattern covers it', async () => {
      const { engine, roles } = following({ scopes: [SCOPE, 'db-prod:*'] }, { approver: autoApprove(() => true) });
      await ask(engine);
      await settle(engine);
      expect(roles.told).toEqual([`+ ${MAYA} ${SCOPE}`]);
    });
  });

  describe('what apply receives', () => {
    it('names the end, the reason and the ticket of the grant that ends last, and none of access that is not held', async () => {
      const { engine, desired } = following({ renews: true });
      await aGranted(engine, { justification: 'short', ticket: 'INC-1', ttl: 5 * MINUTE });
      await aGranted(engine, { scopes: [SCOPE, 'other:x'], justification: 'restore', ticket: 'INC-2', ttl: 9 * MINUTE });
      await settle(engine);
      expect(desired.at(-1)).toMatchObject({ held: true, until: at(9 * MINUTE), reason: 'restore', ticket: 'INC-2' });
      await engine.revokeAll({ subject: MAYA }, { by: SAM });
      await settle(engine);
      expect(desired.at(-1)).toMatchObject({ held: false, until: undefined, reason: undefined, ticket: undefined });
    });

    it('L6 counts the leeway in, as a check does', async () => {
      const { engine, desired } = following({}, { leewayMs: 1_000 });
      await aGranted(engine);
      await settle(engine);
      expect(desired.at(-1)?.until).toBe(at(15 * MINUTE - 1_000));
      expect((await engine.check(MAYA, SCOPE)).validUntil).toBe(at(15 * MINUTE - 1_000));
    });

    it('makes a new call with the new end after an extension and after its revoke, where the target renews', async () => {
      for (const renews of [true, false]) {
        const { engine, desired, store } = following({ renews });
        const grant = await aGranted(engine);
        await settle(engine);
        const { request } = await engine.extend(grant.id, { requestedBy: MAYA, ttl: '5m' });
        await engine.approve(request.id, { by: SAM });
        await settle(engine);
        await engine.revoke(`${request.id}.1`, { by: SAM });
        await settle(engine);
        const untils = desired.map(({ until }) => until);
        expect(untils).toEqual(renews ? [at(15 * MINUTE), at(20 * MINUTE), at(15 * MINUTE)] : [at(15 * MINUTE)]);
        expect(new Set(desired.map(({ id }) => id)).size).toBe(untils.length);
        await expectReplayed(store);
      }
    });

    it('L30 counts a call whose end cannot be read as failed, and gives no access without an end', async () => {
      const { engine, store, roles, desired, clock } = following();
      await engine.flushAudit();
      const grant = await aGranted(engine);
      const row = (await store.get([{ kind: 'request', id: grant.requestId }]))[0]!;
      const bend = (body: typeof row.body, version: number) =>
        store.commit({
          id: `bend-${version}`,
          expect: [{ kind: 'request', id: row.id, version: version - 1 }],
          put: [{ ...row, version, body }],
          append: [],
        });
      await bend({}, row.version + 1);
      await settle(engine);
      expect([desired, roles.held.size]).toEqual([[], 0]);
      await bend(row.body, row.version + 2);
      await clock.advance('5s');
      await settle(engine);
      expect(desired).toMatchObject([{ held: true, until: at(15 * MINUTE) }]);
    });
  });

  describe('drift', () => {
    it('reconcile() reports access that was never granted and access that is missing, and resync() repairs the latter', async () => {
      const { engine, roles, provisioning, clock } = following();
      await aGranted(engine);
      await settle(engine);
      await clock.advance(1_000);
      expect((await provisioning.reconcile()).drift).toEqual({ unexpected: [], missing: [], unreadable: [] });
      roles.held.clear();
      roles.held.add('user:eve db-prod:read');
      roles.held.add('user:eve not:declared');
      const found = { unexpected: [{ subject: 'user:eve', scope: 'db-prod:read' }], missing: [{ subject: MAYA, scope: SCOPE }] };
      expect(await provisioning.reconcile()).toMatchObject({ applied: 0, unapplied: [], drift: found });
      expect((await provisioning.resync()).drift).toBeUndefined();
      await clock.advance(1_000);
      expect((await provisioning.reconcile()).drift).toEqual({ ...found, missing: [], unreadable: [] });
    });

    it('is undefined where the target has no read', async () => {
      const { provisioning } = following({ read: undefined });
      expect((await provisioning.reconcile()).drift).toBeUndefined();
    });

    it('does not contain changes that are still unapplied, nor those that were recorded while read ran', async () => {
      const made = following({ tries: 1 });
      const { engine, roles, provisioning, clock } = made;
      roles.failing = 1;
      await aGranted(engine);
      await settle(engine);
      expect(await provisioning.reconcile()).toMatchObject({
        unapplied: [{ scope: SCOPE }],
        drift: { unexpected: [], missing: [], unreadable: [] },
      });
      await clock.advance(1);
      const slow = following({
        read: async () => {
          await slow.engine.revokeAll({ subject: MAYA }, { by: SAM });
          await slow.engine.flushAudit();
          // The answer is older than the removal.
          return [{ subject: MAYA, scope: SCOPE }];
        },
      });
      await aGranted(slow.engine);
      await settle(slow.engine);
      await slow.clock.advance(1);
      expect((await slow.provisioning.reconcile()).drift).toEqual({ unexpected: [], missing: [], unreadable: [] });
      expect(slow.roles.held.size).toBe(0);
    });

    it.each([
      ['no list', 'all', 'target.read(...)'],
      ['too many', Array.from({ length: 100_001 }), 'target.read(...)'],
    ])('L30 reconcile() refuses an answer of read that is %s', async (_what, answer, argument) => {
      const { provisioning } = following({ read: () => answer as never });
      expect(await refusal(provisioning.reconcile(), 'ERR_JIT_INVALID_ARGUMENT')).toMatchObject({ argument });
    });

    it('names malformed pairs of the answer, at most 100, and compares the rest', async () => {
      const { engine, roles, provisioning, clock } = following({
        read: () =>
          [
            undefined,
            { subject: ' ', scope: SCOPE },
            { subject: MAYA, scope: 'a:' },
            ...Array.from({ length: 100 }, () => ({ subject: MAYA, scope: 7 })),
            { subject: 'user:eve', scope: 'db-prod:read' },
          ] as never,
      });
      await aGranted(engine);
      await settle(engine);
      await clock.advance(1_000);
      const { drift } = await provisioning.reconcile();
      expect(roles.held.size).toBe(1);
      expect(drift).toMatchObject({
        unexpected: [{ subject: 'user:eve', scope: 'db-prod:read' }],
        missing: [{ subject: MAYA, scope: SCOPE }],
      });
      expect(drift?.unreadable).toHaveLength(100);
      expect(drift?.unreadable.slice(0, 4)).toEqual([
        expect.stringMatching(/^target\.read\(\.\.\.\)\[0\]\.subject must be /),
        expect.stringMatching(/^target\.read\(\.\.\.\)\[1\]\.subject must be /),
        expect.stringMatching(/^target\.read\(\.\.\.\)\[2\]\.scope must be /),
        expect.stringMatching(/^target\.read\(\.\.\.\)\[3\]\.scope must be /),
      ]);
    });

    it('L38 rejects where read fails or does not settle within the timeout, and aborts its signal', async () => {
      const failing = following({ read: () => Promise.reject(new Error('down')) });
      await expect(failing.provisioning.reconcile()).rejects.toThrow('down');
      let signal: AbortSignal | undefined;
      const hanging = following({ read: (options) => new Promise(() => (signal = options.signal)), timeout: '10s' });
      const reconciled = expect(hanging.provisioning.reconcile()).rejects.toThrow('read of target roles did not settle within 10000 ms');
      await new Promise((resolve) => setTimeout(resolve, 20));
      await hanging.clock.advance('10s');
      await reconciled;
      expect(signal?.aborted).toBe(true);
    });
  });

  it('failedChanges() of a subject shows that its start could not be applied', async () => {
    const { engine, roles } = following({ tries: 1 });
    roles.failing = 1;
    await aGranted(engine);
    await aGranted(engine, { subject: 'user:noor', scope: 'db-prod:read' });
    await settle(engine);
    expect(await failedChanges(engine, { subject: MAYA })).toMatchObject([
      { subject: MAYA, scope: SCOPE, held: true, problem: 'ECONNREFUSED' },
    ]);
    expect(await failedChanges(engine, { subject: 'user:noor' })).toEqual([]);
  });
});
