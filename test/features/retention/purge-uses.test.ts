import { purge } from 'jit-access/retention';
import { expect, it, vi } from 'vitest';
import { ScriptedApprover } from '../../../src/testing.js';
import { aGranted, anEngine, at, HOUR, MAYA, SAM, SCOPE } from '../../engine/an-engine.js';

it('L42 purge() removes the 1,100 keyed uses of one grant over several changes, each within its bound', async () => {
  const approver = new ScriptedApprover({ decide: { outcome: 'approve', terms: { maxUses: 2_000 } } });
  const { engine, store, clock } = anEngine({ approver });
  await aGranted(engine);
  for (let i = 0; i < 1_100; i++) await engine.consume(MAYA, SCOPE, { idempotencyKey: `k${i}` });
  expect((await store.find({ kind: 'use', limit: 100 })).items).toHaveLength(100);
  await clock.set(at(HOUR));
  await engine.sweep();
  const commit = vi.spyOn(store, 'commit');
  expect(await purge(engine, { before: at(HOUR), by: SAM, force: true })).toMatchObject({ requests: 1, grants: 1 });
  const removed = commit.mock.calls.map(([{ remove = [] }]) => remove);
  expect(removed.flat().filter(({ kind }) => kind === 'use')).toHaveLength(1_100);
  expect(Math.max(...removed.map(({ length }) => length))).toBeLessThanOrEqual(250);
  expect((await store.find({ kind: 'use', limit: 100 })).items).toEqual([]);
});
