import { describe, expect, it } from 'vitest';
import { isJitError, type GrantStore, type JitEngine } from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { ScriptedApprover } from '../../src/testing.js';
import { aGranted, anEngine, aPending, at, HOUR, LEE, MAYA, MINUTE, SAM } from './an-engine.js';

const EVE = 'user:eve';
const CISO = 'user:ciso';

/** Writes a field of a later version into a row: this version cannot read it, and that version may still allow by it. */
async function bend(store: GrantStore, kind: string, id: string, body: Row['body'] = { more: 1 }): Promise<void> {
  const [row] = await store.get([{ kind, id }]);
  if (row === undefined) throw new Error(`${kind} ${id} does not exist`);
  const bent: Row = { ...row, version: row.version + 1, body: { ...row.body, ...body } };
  await store.commit({ id: `bend-${id}`, expect: [{ kind, id, version: row.version }], put: [bent], append: [] });
}

/** The error that a call rejects with; `undefined` if it resolves. */
const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

const endedBy = (error: unknown): readonly string[] => {
  const { ended } = (error ?? {}) as {
    readonly ended?: { readonly grants: readonly { id: string }[]; readonly requests: readonly { id: string }[] };
  };
  return [...(ended?.grants ?? []), ...(ended?.requests ?? [])].map(({ id }) => id).sort();
};

describe('revokeAll()', () => {
  describe('with an unreadable record', () => {
    it('L12 ends all other records, and rejects with those that it ended and those that it could not end [V7]', async () => {
      const { engine, store } = anEngine();
      const bad = await aGranted(engine, { scope: 'a:bad' });
      const good = await aGranted(engine, { scope: 'a:good' });
      const open = await aPending(engine, { scope: 'a:open' });
      await bend(store, 'grant', bad.id);
      const error = await errorOf(engine.revokeAll({ subject: MAYA }, { by: CISO, reason: 'leaves' }));
      expect(error).toMatchObject({
        code: 'ERR_JIT_PARTIAL',
        failures: [{ kind: 'grant', id: bad.id, error: { code: 'ERR_JIT_CORRUPT' } }],
      });
      expect(endedBy(error)).toEqual([good.id, open.id].sort());
      expect(await engine.isAllowed(MAYA, 'a:good')).toBe(false);
      expect((await engine.getRequest(open.id))?.request.end?.status).toBe('cancelled');
    });

    it('rejects with the failures also for an open request, a scope that may reach it, and a whole request [V7]', async () => {
      const { engine, store } = anEngine();
      const open = await aPending(engine, { scope: 'a:open' });
      const bad = await aGranted(engine, { scope: 'a:bad' });
      const [held] = (await store.find({ kind: 'request', limit: 9 })).items.filter((row) => row.id === bad.requestId);
      await bend(store, 'request', open.id);
      await bend(store, 'grant', bad.id);
      const failuresOf = async (target: Parameters<JitEngine['revokeAll']>[0]) => {
        const error = await errorOf(engine.revokeAll(target, { by: CISO }));
        return ((error as { failures?: readonly { kind: string; id: string }[] } | undefined)?.failures ?? []).map(({ id }) => id).sort();
      };
      expect(held).toBeDefined();
      expect(await failuresOf({ subject: MAYA })).toEqual([bad.id, open.id].sort());
      expect(await failuresOf({ scope: 'a:**' })).toEqual([bad.id, open.id].sort());
      expect(await failuresOf({ requestId: bad.requestId })).toEqual([bad.id]);
      expect(await failuresOf({ requestId: open.id })).toEqual([open.id]);
      // A grant row has a column for its scope. A request row has none, so the request may be about any scope.
      expect(await failuresOf({ scope: 'other:**' })).toEqual([open.id]);
      // Another subject has no failures.
      expect(await failuresOf({ subject: EVE })).toEqual([]);
    });

    it('L12 ends the grants of an unreadable request [V7]', async () => {
      const { engine, store } = anEngine();
      const grant = await aGranted(engine, { scope: 'a:one' });
      await bend(store, 'request', grant.requestId);
      const error = await errorOf(engine.revokeAll({ requestId: grant.requestId }, { by: CISO }));
      expect([(error as { code?: string } | undefined)?.code, endedBy(error)]).toEqual(['ERR_JIT_PARTIAL', [grant.id]]);
      expect(await engine.isAllowed(MAYA, 'a:one')).toBe(false);
    });

    it('continues after a failure until a pass finds nothing [V7]', async () => {
      const { engine, store } = anEngine();
      const bad = await aGranted(engine, { scope: 'a:bad' });
      const late = await aPending(engine, { scope: 'z:late' });
      await bend(store, 'grant', bad.id);
      // Approved after the pass has listed the requests, as if by another, faster process.
      const find = store.find.bind(store);
      let isDone = false;
      store.find = async (query) => {
        const page = await find(query);
        if (query.kind === 'grant' && query.open === true && !isDone) {
          isDone = true;
          await aGranted(engine, { scope: 'z:later' });
        }
        return page;
      };
      const error = await errorOf(engine.revokeAll({ subject: MAYA }, { by: CISO }));
      expect([isJitError(error) && error.code, endedBy(error).length]).toEqual(['ERR_JIT_PARTIAL', 2]);
      expect(endedBy(error)).toContain(late.id);
      expect(await engine.isAllowed(MAYA, 'z:later')).toBe(false);
    });

    it('names a grant whose commit fails, and does not name one that a later pass ends [V7]', async () => {
      const { engine, store } = anEngine();
      const grants = [];
      for (const scope of ['a:1', 'a:2', 'a:3']) grants.push(await aGranted(engine, { scope }));
      const commit = store.commit.bind(store);
      const refusals = new Map([
        [grants[0]?.id, Infinity],
        // The first pass sends it twice: the commit and its resend.
        [grants[1]?.id, 2],
      ]);
      store.commit = async (change) => {
        for (const { id } of change.put) {
          const left = refusals.get(id) ?? 0;
          refusals.set(id, left - 1);
          if (left > 0) throw new Error('the disk is full');
        }
        return commit(change);
      };
      const error = await errorOf(engine.revokeAll({ subject: MAYA }, { by: CISO }));
      const failures = (error as { failures?: readonly { id: string }[] } | undefined)?.failures?.map(({ id }) => id);
      expect(failures).toEqual([grants[0]?.id]);
      expect(endedBy(error)).toEqual([grants[1]?.id, grants[2]?.id].sort());
    });

    it('rejects with the error of the store itself if nothing could be listed', async () => {
      const { engine, store } = anEngine();
      await aGranted(engine);
      store.find = () => Promise.reject(new Error('connection refused'));
      const error = await errorOf(engine.revokeAll({ subject: MAYA }, { by: CISO }));
      expect(error).toMatchObject({ code: 'ERR_JIT_STORE', message: 'store.find: connection refused' });
    });

    it('discloses nothing about requests when the error is serialised [V7]', async () => {
      const { engine, store } = anEngine();
      const bad = await aGranted(engine, { scope: 'a:bad' });
      await aPending(engine, { scope: 'a:open', metadata: { secret: 'hunter2' } });
      await bend(store, 'grant', bad.id);
      const error = await errorOf(engine.revokeAll({ subject: MAYA }, { by: CISO }));
      expect((error as { code?: string } | undefined)?.code).toBe('ERR_JIT_PARTIAL');
      expect(JSON.stringify(error)).not.toContain('hunter2');
    });

    it('L42 ends many grants, a bounded number at a time [V7]', async () => {
      const { engine, store } = anEngine({ limits: { maxGrants: 500 } });
      for (let i = 0; i < 120; i++) await aGranted(engine, { scope: `a:${i}` });
      const commit = store.commit.bind(store);
      let [running, most] = [0, 0];
      store.commit = async (change) => {
        most = Math.max(most, ++running);
        const outcome = await commit(change);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return outcome;
      };
      const report = await engine.revokeAll({ subject: MAYA }, { by: CISO });
      expect(report.grants).toHaveLength(120);
      expect(most).toBeGreaterThan(8);
      expect(most).toBeLessThanOrEqual(64);
    });
  });
});

describe('revoke()', () => {
  it('L12 ends the grant, and rejects with its unreadable extension [V7]', async () => {
    const { engine, store } = anEngine();
    const first = await aGranted(engine, { scope: 'a:one' });
    const extension = await engine.extend(first.id, { ttl: MINUTE, requestedBy: MAYA });
    const approved = await engine.approve(extension.request.id, { by: SAM });
    const [second] = approved.outcome === 'granted' ? approved.grants : [];
    await bend(store, 'grant', second?.id ?? '');
    const error = await errorOf(engine.revoke(first.id, { by: CISO }));
    expect(error).toMatchObject({ code: 'ERR_JIT_PARTIAL', failures: [{ kind: 'grant', id: second?.id }] });
    expect(endedBy(error)).toEqual([first.id]);
    expect(await engine.isAllowed(MAYA, 'a:one')).toBe(false);
    // A repeat rejects with it again, as long as it is unreadable.
    expect(await errorOf(engine.release(first.id, { by: MAYA }))).toMatchObject({ code: 'ERR_JIT_PARTIAL' });
  });
});

describe('reviewBreakGlass()', () => {
  it('L12 ends the other grants of an unjustified use, and rejects with the unreadable one [V7]', async () => {
    const approver = new ScriptedApprover({ breakGlass: { outcome: 'approve', reviewWithinMs: HOUR }, mayReviewBreakGlass: true });
    const { engine, store, clock } = anEngine({ approver });
    const taken = await engine.breakGlass({ subject: MAYA, scopes: ['prod:a', 'prod:b'], ttl: '30m', justification: 'INC-1' });
    const [bad, good] = taken.grants;
    await bend(store, 'grant', bad?.id ?? '');
    await clock.set(at(MINUTE));
    const error = await errorOf(engine.reviewBreakGlass(taken.request.id, { by: LEE, verdict: 'unjustified' }));
    expect(error).toMatchObject({ code: 'ERR_JIT_PARTIAL', failures: [{ kind: 'grant', id: bad?.id }] });
    expect(endedBy(error)).toEqual([good?.id]);
    expect(await engine.isAllowed(MAYA, 'prod:b')).toBe(false);
    expect((await engine.listRequests({ afterReview: 'pending', subject: MAYA })).items).toEqual([]);
  });
});
