import { purge } from 'jit-access/retention';
import { expect, it } from 'vitest';
import { autoApprove, MemoryGrantStore } from '../../../src/index.js';
import type { Row } from '../../../src/store.js';
import { FaultyStore } from '../../../src/testing.js';
import { aGranted, anEngine, at, HOUR, MAYA, refusal } from '../../engine/an-engine.js';

const DAY = 24 * HOUR;

it('L33 keeps a grant whose extension is unreadable: a process of a later version may allow by it [V7]', async () => {
  const memory = new MemoryGrantStore();
  const { engine, clock, told } = anEngine({
    store: new FaultyStore(memory),
    approver: autoApprove(() => true),
    limits: { maxTtl: '20d', maxTotal: '30d' },
  });
  const grant = await aGranted(engine, { ttl: HOUR });
  const extended = await engine.extend(grant.id, { requestedBy: MAYA, ttl: '20d' });
  const successor = extended.outcome === 'granted' ? extended.grants[0] : undefined;
  await clock.set(at(5 * DAY));
  await engine.sweep();
  const key = { kind: 'grant', id: successor?.id as string };
  const [row] = (await memory.get([key])) as readonly [Row];
  const later: Row = { ...row, version: row.version + 1, body: { ...row.body, fieldOfALaterVersion: 1 } };
  await memory.commit({ id: 'later', expect: [{ ...key, version: row.version }], put: [later], append: [] });

  expect(await purge(engine, { before: at(2 * DAY), by: 'user:ciso', force: true })).toMatchObject({ requests: 0, grants: 0 });
  // The later process ends the extension with the chain's first grant; this process reports the row that it could not end.
  expect(await refusal(engine.revoke(grant.id, { by: 'user:ciso' }), 'ERR_JIT_PARTIAL')).toMatchObject({ failures: [key] });
  expect(told.map(({ error }) => String(error)).filter((text) => text.includes(key.id)).length).toBeGreaterThan(0);
});
