import { describe, expect, it } from 'vitest';
import { createChecker } from '../../src/check.js';
import { JitEngine, MemoryGrantStore, reviewers } from '../../src/index.js';
import { verifyStore } from '../../src/journal/verify-store.js';
import { aChange, aRow, ManualClock } from '../../src/testing.js';
import { aGranted, MAYA, refusal, SCOPE } from './an-engine.js';

/** A store with a grant, a standing pattern, and a row of locks such as a later version writes. */
async function locked() {
  const [store, clock] = [new MemoryGrantStore(), new ManualClock()];
  const standing = (subject: string) => (subject === MAYA ? ['wiki:read'] : []);
  const engine = new JitEngine({ approver: reviewers({ members: ['user:sam'] }), store, clock, standing });
  await aGranted(engine);
  const empty = { subject: undefined, scope: undefined, from: undefined, until: undefined, dueAt: undefined, sortAt: undefined };
  const row = aRow({ kind: 'lock', id: 'open', createdAt: 0, ...empty, body: { locks: [{ subject: 'user:eve' }] } });
  const put = (over: object) => store.commit(aChange({ put: [{ ...row, ...over }] }));
  return { store, clock, engine, standing, put };
}

describe('a row of locks, which no verb of this version writes', () => {
  it('L30 denies every check that needs a grant, by an engine and by a checker', async () => {
    const { store, clock, engine, standing, put } = await locked();
    const plain = createChecker({ store, clock });
    const checker = createChecker({ store, clock, standing });
    const askers = [engine, checker, plain];
    for (const asked of askers) expect(await asked.isAllowed(MAYA, SCOPE)).toBe(true);

    await put({});
    for (const asked of askers) {
      expect(await asked.isAllowed(MAYA, SCOPE)).toBe(false);
      expect(await asked.check(MAYA, SCOPE)).toMatchObject({ allowed: false, reason: 'locked', grant: undefined, validUntil: clock.now() });
      expect((await refusal(asked.assertAllowed(MAYA, SCOPE), 'ERR_JIT_DENIED')).message).toContain('locked');
      expect(await asked.filterAllowed(MAYA, [SCOPE])).toEqual([]);
      expect(await asked.check('user:noor', 'db:other')).toMatchObject({ allowed: false, reason: 'locked' });
    }

    await put({ version: 2, open: false });
    for (const asked of askers) expect(await asked.isAllowed(MAYA, SCOPE)).toBe(true);
  });

  it('does not deny standing access, which needs no store', async () => {
    const { store, clock, engine, standing, put } = await locked();
    await put({});
    for (const asked of [engine, createChecker({ store, clock, standing })]) {
      expect(await asked.check(MAYA, 'wiki:read')).toMatchObject({ allowed: true, reason: 'standing' });
      expect(await asked.filterAllowed(MAYA, [SCOPE, 'wiki:read'])).toEqual(['wiki:read']);
    }
  });

  it('L26 is reported by verifyStore, once, as a row that is not in the journal', async () => {
    const { store, put } = await locked();
    expect((await verifyStore(store)).differences).toEqual([]);
    await put({});
    expect((await verifyStore(store)).differences).toEqual([{ kind: 'lock', id: 'open', problem: 'is not in the journal' }]);
  });
});
