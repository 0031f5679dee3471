import { expect, it } from 'vitest';
import type { AccessClient } from '../../src/features/client/access-client.js';
import { deliveriesOf } from '../../src/console/app/views/request/find-deliveries.js';
import type { AuditEntry } from '../../src/records/index.js';

const MINUTE = 60_000;
const FROM = 1_000 * MINUTE;

/** A journal with an entry each minute, of which the first ones are purged. It counts the calls. */
function aJournal(length: number, { purged = 0, deliveries = [] as readonly number[] } = {}) {
  const entry = (seq: number) => {
    const isDelivery = deliveries.includes(seq);
    const data = isDelivery ? { name: 'directory', subject: 'user:maya', scope: 'db:write', held: true } : {};
    return { seq, at: seq * MINUTE, type: isDelivery ? 'provisioning.done' : 'grant.used', data } as unknown as AuditEntry;
  };
  let calls = 0;
  const journal = ({ after = 0, limit = 100 }: { after?: string | number; limit?: number } = {}) => {
    calls++;
    const from = Number(after) === 0 ? purged : Number(after);
    if (from < purged) return Promise.reject(Object.assign(new Error('purged'), { status: 410 }));
    const items = Array.from({ length: Math.max(0, Math.min(limit, length - from)) }, (_, i) => entry(from + i + 1));
    const last = from + items.length;
    return Promise.resolve({ items, next: last < length ? String(last) : undefined, head: { seq: length, hash: '' } });
  };
  return { client: { journal } as unknown as Pick<AccessClient, 'journal'>, calls: () => calls };
}

const grants = [
  { subject: 'user:maya', scope: 'db:write', issuedAt: FROM, expiresAt: FROM + 30 * MINUTE, end: undefined },
] as unknown as Parameters<typeof deliveriesOf>[1]['grants'];

const seqsOf = ({ entries }: Awaited<ReturnType<typeof deliveriesOf>>) => entries.map(({ seq }) => seq);

it('finds the deliveries of the time of the grants, and none of another time', async () => {
  const { client, calls } = aJournal(50_000, { deliveries: [500, 1_001, 1_030, 1_089, 1_091, 40_000] });
  const found = await deliveriesOf(client, { grants });
  expect(seqsOf(found)).toEqual([1_001, 1_030, 1_089]);
  expect(found.isWhole).toBe(true);
  expect(calls()).toBeLessThan(20);
});

it('begins after what a purge has removed', async () => {
  const { client } = aJournal(2_000, { purged: 1_010, deliveries: [1_005, 1_030] });
  expect(seqsOf(await deliveriesOf(client, { grants }))).toEqual([1_030]);
});

it('says that it has not read everything', async () => {
  const { client } = aJournal(50_000, { deliveries: [1_001] });
  const long = grants.map((grant) => ({ ...grant, expiresAt: FROM + 40_000 * MINUTE }));
  expect(await deliveriesOf(client, { grants: long })).toMatchObject({ isWhole: false });
});

it('takes no delivery of another person or scope, and passes a failure on', async () => {
  const { client } = aJournal(1_100, { deliveries: [1_001] });
  const others = grants.map((grant) => ({ ...grant, scope: 'db:read' }));
  expect(seqsOf(await deliveriesOf(client, { grants: others }))).toEqual([]);
  const failing = { journal: () => Promise.reject(Object.assign(new Error('down'), { status: 503 })) } as unknown as typeof client;
  await expect(deliveriesOf(failing, { grants })).rejects.toThrow('down');
});
