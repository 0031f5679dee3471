import { expect, it } from 'vitest';
import { StoreError } from '../../../src/core/errors.js';
import { JitEngine } from '../../../src/index.js';
import { verifyStore } from '../../../src/journal.js';
import { ManualClock, ScriptedApprover } from '../../../src/testing.js';
import { MemoryBackend } from './memory-backend.js';

it('two engines over one backend without locks lose and double nothing, while writes fail and their answers are lost (L10, L31)', async () => {
  const backend = new MemoryBackend(2);
  let writes = 0;
  backend.before = (method) => {
    if (method === 'write' && ++writes % 7 === 0) throw new StoreError('commit', 'the backend refused the write');
  };
  backend.after = (method) => {
    if (method === 'write' && writes % 5 === 0) throw new Error('the answer was lost');
  };
  const clock = new ManualClock();
  const engines = [0, 1].map(
    () =>
      new JitEngine({
        approver: new ScriptedApprover({ decide: { outcome: 'approve' } }),
        store: backend.store('a'),
        clock,
        limits: { resendMs: 0 },
      }),
  );
  const engineOf = (i: number) => engines[i % 2] as JitEngine;
  const subjects = Array.from({ length: 24 }, (_, i) => `user:u${i}`);
  const ask = (subject: string, i: number) =>
    engineOf(i).requestAccess({ subject, scope: 'db:write', ttl: '15m', idempotencyKey: subject });
  const outcomes = await Promise.allSettled([...subjects.map(ask), ...subjects.map((subject, i) => ask(subject, i + 1))]);
  expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
  backend.before = backend.after = () => undefined;
  // Each call comes again under its key, without faults.
  for (const [i, subject] of subjects.entries()) expect(await ask(subject, i)).toMatchObject({ outcome: 'granted' });
  const store = backend.store('a');
  expect((await store.find({ kind: 'grant', limit: 100 })).items).toHaveLength(subjects.length);
  expect(await verifyStore(store)).toMatchObject({ ok: true });
  for (const [i, subject] of subjects.entries()) expect(await engineOf(i).isAllowed(subject, 'db:write')).toBe(true);
  expect(backend.lost).toBeGreaterThan(0);
});
